//! What led to the observations that a page shows: their kernel events, those that caused them,
//! and so on, back to one that is shown already.

use std::collections::BTreeMap;

use serde::Serialize;
use stormglass_sim::node::NodeId;
use stormglass_sim::past::{Past, Way};

/// As many events are kept for a page at most: more would make it slow to open.
const MOST: usize = 60_000;
/// So many causes are followed from one observation.
const FAR: usize = 24;

/// Kernel events in columns, in the order of their numbers.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Events {
    /// Their numbers, each less the one before.
    id: Vec<u64>,
    /// When, in microseconds, each less the one before.
    t: Vec<u64>,
    /// At which process of the page; -1 for none.
    n: Vec<i32>,
    /// What came, a letter each.
    w: String,
    /// The place of the cause; -1 if there is none, -2 if it is left out.
    c: Vec<i64>,
    /// Places by numbers.
    #[serde(skip)]
    places: BTreeMap<u64, usize>,
}

/// An event has no cause.
const NONE: i64 = -1;
/// The cause of an event is left out.
const LEFT_OUT: i64 = -2;

impl Events {
    /// The events behind observations, given by the numbers of theirs.
    pub(super) fn behind(
        past: &Past,
        observed: impl Iterator<Item = u64>,
        place: impl Fn(NodeId) -> i32,
    ) -> Events {
        let mut kept: BTreeMap<u64, Option<u64>> = BTreeMap::new();
        for event in observed {
            follow(past, event, &mut kept);
        }
        let places: BTreeMap<u64, usize> =
            (0..).zip(kept.keys()).map(|(at, id)| (*id, at)).collect();
        let mut events = Events::default();
        let (mut last_id, mut last_t) = (0, 0);
        for (&id, cause) in &kept {
            let Some(happening) = past.get(id) else { continue };
            let t = happening.time.nanos() / 1_000;
            events.id.push(id - last_id);
            events.t.push(t - last_t);
            events.n.push(happening.node.map_or(-1, &place));
            events.w.push(letter(happening.way));
            events.c.push(match cause {
                None => NONE,
                Some(cause) => places.get(cause).map_or(LEFT_OUT, |at| *at as i64),
            });
            (last_id, last_t) = (id, t);
        }
        Events { places, ..events }
    }

    /// The place of an event, if it is kept.
    pub(super) fn place(&self, event: u64) -> i64 {
        self.places.get(&event).map_or(NONE, |at| *at as i64)
    }
}

/// Keeps an event and what led to it, up to what is kept already.
fn follow(past: &Past, event: u64, kept: &mut BTreeMap<u64, Option<u64>>) {
    let mut next = Some(event);
    for _ in 0..FAR {
        let Some(event) = next.filter(|event| !kept.contains_key(event)) else { return };
        let Some(happening) = past.get(event).filter(|_| kept.len() < MOST) else { return };
        kept.insert(event, happening.cause);
        next = happening.cause;
    }
}

/// What the script knows a way by.
const fn letter(way: Way) -> char {
    match way {
        Way::Kernel => 'k',
        Way::Start => 's',
        Way::Message => 'm',
        Way::Connection => 'c',
        Way::Posted => 'p',
        Way::Timer => 't',
        Way::Disk => 'd',
        Way::Exit => 'x',
    }
}
