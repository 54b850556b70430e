//! Arrows: from a batch to those that were executed because of it, and from a barrier to whom it
//! reached. Each is found at its end, by following kernel events to what caused them.

use std::collections::{BTreeMap, BTreeSet};

use stormglass_engine::ids::{CheckpointId, TaskId};
use stormglass_engine::observation::{Observation, Resource, Step};
use stormglass_sim::past::Past;
use stormglass_sim::watch::Stamp;

/// A batch waits for its timer, and a message for a busy lane: so many causes lie between at most.
const FAR: usize = 8;

/// Something from which or to which arrows go: a kernel event, and what was told in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Place {
    /// A task executed a batch; the broker served one.
    Batch(u64, TaskId),
    /// A task sent the barriers of a checkpoint.
    Sent(u64, TaskId, CheckpointId),
    /// A barrier reached a task.
    Reached(u64, TaskId, CheckpointId),
}

/// The arrows of something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Arrows {
    /// Those that begin there.
    pub(super) from: Vec<u64>,
    /// Those that end there.
    pub(super) to: Vec<u64>,
}

/// All arrows of a window, by numbers from 1.
#[derive(Clone, Debug, Default)]
pub(super) struct Flows {
    arrows: BTreeMap<Place, Arrows>,
}

impl Flows {
    pub(super) fn new(past: &Past, told: &[(Stamp, Observation)]) -> Flows {
        let begins: BTreeSet<Place> =
            told.iter().filter_map(|(at, what)| begin(at.event, what)).collect();
        let mut pairs: BTreeSet<(Place, Place)> = BTreeSet::new();
        for (at, what) in told {
            if let Some(end) = end(at.event, what) {
                pairs.extend(source(past, at.event, what, &begins).map(|begin| (begin, end)));
            }
        }
        let mut flows = Flows::default();
        for (number, (begin, end)) in (1..).zip(pairs) {
            flows.arrows.entry(begin).or_default().from.push(number);
            flows.arrows.entry(end).or_default().to.push(number);
        }
        flows
    }

    /// The arrows of what was observed in a kernel event.
    pub(super) fn of(&self, event: u64, what: &Observation) -> Arrows {
        let places = BTreeSet::from([begin(event, what), end(event, what)]);
        let mut all = Arrows::default();
        for place in places.into_iter().flatten() {
            if let Some(arrows) = self.arrows.get(&place) {
                all.from.extend(&arrows.from);
                all.to.extend(&arrows.to);
            }
        }
        all
    }
}

/// Whether arrows may begin at an observation.
fn begin(event: u64, what: &Observation) -> Option<Place> {
    match *what {
        Observation::Executed { task, .. } => Some(Place::Batch(event, task)),
        Observation::Accepted { resource: Resource::Broker, .. } => {
            Some(Place::Batch(event, TaskId::BROKER))
        }
        Observation::Stepped { step: Step::BarrierSent, task, checkpoint, .. } => {
            Some(Place::Sent(event, task, checkpoint))
        }
        _ => None,
    }
}

/// Whether arrows may end at an observation.
fn end(event: u64, what: &Observation) -> Option<Place> {
    match *what {
        Observation::Executed { task, .. } => Some(Place::Batch(event, task)),
        Observation::Cut { task, checkpoint, .. }
        | Observation::Stepped { step: Step::Aligning, task, checkpoint, .. } => {
            Some(Place::Reached(event, task, checkpoint))
        }
        _ => None,
    }
}

/// Where the arrow begins that ends at an observation.
fn source(past: &Past, event: u64, what: &Observation, begins: &BTreeSet<Place>) -> Option<Place> {
    let mut event = event;
    for _ in 0..FAR {
        event = past.get(event)?.cause?;
        let found = match *what {
            Observation::Executed { from, .. } => begins.get(&Place::Batch(event, from)),
            Observation::Cut { checkpoint, .. } | Observation::Stepped { checkpoint, .. } => {
                let sent =
                    |task, checkpoint| Place::Sent(event, TaskId(task), CheckpointId(checkpoint));
                let mut all = begins.range(sent(0, 0)..=sent(u16::MAX, u32::MAX));
                all.find(|place| matches!(place, Place::Sent(_, _, of) if *of == checkpoint))
            }
            _ => None,
        };
        if let Some(found) = found {
            return Some(*found);
        }
    }
    None
}
