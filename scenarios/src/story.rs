//! The one listener of a run: hands each observation to the judges and to the metrics, and fires
//! the triggers of the plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use stormglass_engine::ids::{CheckpointId, ComponentId, TaskId};
use stormglass_engine::log::InputLog;
use stormglass_engine::node::Node;
use stormglass_engine::observation::Observation;
use stormglass_engine::observation::acking::Acking;
use stormglass_engine::observation::input::Input;
use stormglass_engine::raft::Point;
use stormglass_engine::topology::Topology;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;
use stormglass_sim::watch::{Stamp, Watch, Watcher};

use crate::judge::Judges;
use crate::judge::control::Settings;
use crate::metrics::Metrics;
use crate::places::Places;
use crate::plan::{PlannedFault, Resolved, Trigger};
use crate::scenario::{EventKind, Moment, Target};
use crate::units::Between;

mod aim;
mod cover;
mod echo;
mod tracker;
mod whom;

use aim::{Aim, Seen};
pub(crate) use cover::Cover;
pub(crate) use cover::FEATURES;
use echo::Echoes;
pub(crate) use tracker::Arrears;
pub(crate) use whom::Cue;
use whom::Whom;

/// Kinds of observations that triggers wait for.
const KINDS: usize = EventKind::ALL.len();
/// No trigger waits.
const NEVER: u64 = u64::MAX;
/// As many observations are kept for a timeline, the first ones.
const RECORDED: usize = 100_000;

/// Listens to a run.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) judges: Judges,
    pub(crate) metrics: Metrics,
    echoes: Echoes,
    topology: Arc<Topology>,
    triggers: Vec<Waiting>,
    /// Observations so far: all of them, and by kind.
    count: u64,
    counts: [u64; KINDS],
    /// The counts at which the next trigger fires.
    next_any: u64,
    next: [u64; KINDS],
    /// Whether a trigger waits for a phase.
    awaits_phase: bool,
    /// Whom targets mean at this moment.
    pub(crate) whom: Whom,
    /// What became of checkpoints in the handler that has just run, if somebody has to look.
    pub(crate) durable: Vec<Durable>,
    looks: bool,
    /// Faults that fired in the handler that has just run.
    pub(crate) fired: Vec<Fired>,
    /// Faults whose request to a process had an effect, by their place in the plan.
    pub(crate) done: BTreeSet<u32>,
    /// What was executed last, for the report of a panic.
    pub(crate) last_executed: Option<(TaskId, Instant, u64)>,
    /// What the control plane did, if somebody asked for it.
    pub(crate) record: Option<Vec<(Stamp, Observation)>>,
    /// All that was observed since it was taken away last, if somebody asked for it.
    pub(crate) told: Option<Vec<(Stamp, Observation)>>,
    /// What the run has shown, if somebody looks for what is new.
    pub(crate) cover: Option<Box<Cover>>,
}

/// A fault that waits for its trigger.
#[derive(Clone, Debug)]
struct Waiting {
    /// Its place in the plan.
    fault: usize,
    at: Count,
    /// A crash of the process that makes the observation is exact: it stops the handler there.
    crashes: bool,
    target: Target,
}

#[derive(Clone, Debug)]
enum Count {
    OfKind(EventKind, u64),
    OfAll(u64),
    /// A count with conditions.
    Of(Box<Aim>),
}

/// What became of a checkpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Durable {
    /// One completed.
    Completed,
    /// This one was given up as unreadable.
    Unreadable(CheckpointId),
}

/// A fault whose trigger fired.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fired {
    /// Its place in the plan.
    pub(crate) fault: usize,
    /// Whom it strikes; none if there is nobody.
    pub(crate) target: Option<NodeId>,
    /// The observation that fired it; of a time there is none.
    pub(crate) cue: Cue,
    /// The number of the observation.
    pub(crate) observation: u64,
}

impl Story {
    pub(crate) fn new(
        topology: &Arc<Topology>,
        log: &InputLog,
        places: &Places,
        settings: Settings,
        faults: &[PlannedFault],
        storm: Between<Instant>,
    ) -> Self {
        let acking = settings.message_timeout.is_some();
        let looks = settings.destroys;
        let mut story = Story {
            judges: Judges::new(Arc::clone(topology), log.clone(), settings),
            metrics: Metrics::new(Arc::clone(topology), log.clone(), storm),
            echoes: Echoes::default(),
            topology: Arc::clone(topology),
            triggers: Vec::new(),
            count: 0,
            counts: [0; KINDS],
            next_any: NEVER,
            next: [NEVER; KINDS],
            awaits_phase: false,
            whom: Whom::new(topology, places, acking),
            durable: Vec::new(),
            looks,
            fired: Vec::new(),
            done: BTreeSet::new(),
            last_executed: None,
            record: None,
            told: None,
            cover: None,
        };
        for (fault, planned) in faults.iter().enumerate() {
            if let Some(at) = count_of(planned, &story.whom) {
                let crashes = planned.action.kind().kills();
                story.triggers.push(Waiting { fault, at, crashes, target: planned.whom() });
            }
        }
        story.arm();
        story
    }

    /// Finds the counts at which the next triggers fire. One with conditions sees all of a kind.
    fn arm(&mut self) {
        self.next_any = NEVER;
        self.next = [NEVER; KINDS];
        self.awaits_phase = false;
        for waiting in &self.triggers {
            let (next, nth) = match &waiting.at {
                Count::OfAll(nth) => (&mut self.next_any, *nth),
                Count::OfKind(kind, nth) => (&mut self.next[*kind as usize], *nth),
                Count::Of(aim) => match aim.kind() {
                    Some(kind) => (&mut self.next[kind as usize], self.counts[kind as usize] + 1),
                    None => {
                        self.awaits_phase = true;
                        continue;
                    }
                },
            };
            *next = nth.min(*next);
        }
    }

    /// The process that a target means at this moment.
    pub(crate) fn resolve(&self, target: &Target, cue: Cue) -> Option<NodeId> {
        self.whom.resolve(target, cue)
    }

    /// Counts what the run shows from now on.
    pub(crate) fn cover(&mut self) {
        self.cover = Some(Box::new(Cover::new()));
    }

    /// In which phase each protocol is.
    pub(crate) fn moment(&self, now: Instant) -> Moment {
        self.whom.moment(now, self.metrics.outages.arrears())
    }

    /// The component of a task that a worker runs, for the report of a panic.
    pub(crate) fn component_of(&self, task: TaskId) -> ComponentId {
        self.topology.component_of(task).id
    }

    /// What became of a checkpoint, for whoever looks at the disks.
    fn look(&mut self, observation: &Observation) {
        match *observation {
            Observation::CheckpointCompleted { .. } => self.durable.push(Durable::Completed),
            Observation::CheckpointUnreadable { checkpoint } => {
                self.durable.push(Durable::Unreadable(checkpoint));
            }
            _ => {}
        }
    }

    /// Keeps what the control plane did, if somebody asked for it.
    #[inline]
    fn keep(&mut self, at: Stamp, observation: &Observation) {
        let Some(record) = &mut self.record else { return };
        let of_data = matches!(
            observation,
            Observation::Ended { .. }
                | Observation::Answered { .. }
                | Observation::Cut { .. }
                | Observation::Stepped { .. }
                | Observation::Position { .. }
                | Observation::GroupCut { .. }
                | Observation::OperatorCut { .. }
                | Observation::CheckpointAcked { .. }
                | Observation::Accepted { .. }
                | Observation::PreCommitted { .. }
                | Observation::Staged { .. }
                | Observation::Published { .. }
                | Observation::Appended { .. }
                | Observation::Upserted { .. }
                | Observation::RowKept { .. }
                | Observation::RowsKept { .. }
                | Observation::Acking(Acking::Acked { .. } | Acking::Failed { .. })
                | Observation::Assigned { .. }
                | Observation::Applied { .. }
                | Observation::Heard { .. }
                | Observation::Invoked { .. }
                | Observation::Responded { .. }
                | Observation::Raft(
                    Point::Appended { .. } | Point::Persisted { .. } | Point::Committed { .. }
                )
        );
        if !of_data && record.len() < RECORDED {
            record.push((at, *observation));
        }
    }

    /// Fires the triggers that an observation makes full. Of an echo only its place among all
    /// observations counts.
    #[cold]
    fn fire(&mut self, at: Stamp, what: &Observation, echo: bool) -> Watch {
        let kind = EventKind::of(what).filter(|_| !echo);
        let arrears = self.metrics.outages.arrears();
        let seen = Seen { at, what, kind, whom: &self.whom, arrears };
        let (count, counts) = (self.count, &self.counts);
        let mut due = Vec::new();
        self.triggers.retain_mut(|waiting| {
            let cue = match &mut waiting.at {
                Count::OfAll(nth) => (*nth == count).then(|| seen.cue()),
                Count::OfKind(of, nth) => {
                    let full = Some(*of) == kind && *nth == counts[*of as usize];
                    full.then(|| seen.cue())
                }
                Count::Of(_) if echo => None,
                Count::Of(aim) => aim.sees(&seen),
            };
            due.extend(cue.map(|cue| (waiting.clone(), cue)));
            cue.is_none()
        });
        self.arm();
        let mut answer = Watch::Continue;
        for (Waiting { fault, crashes, target, .. }, cue) in due {
            let target = self.resolve(&target, cue);
            self.fired.push(Fired { fault, target, cue, observation: self.count });
            let exact = crashes && target == Some(at.node);
            answer = if exact || answer == Watch::Stop { Watch::Stop } else { Watch::Yield };
        }
        answer
    }
}

/// The observation at which a fault strikes, if it is not a time. A fault that has struck before is
/// repeated exactly: at the same observation of the whole run.
fn count_of(planned: &PlannedFault, whom: &Whom) -> Option<Count> {
    match (&planned.resolved, &planned.trigger) {
        (Some(Resolved { observation, .. }), _) => observation.map(Count::OfAll),
        (None, Trigger::At(_)) => None,
        (None, Trigger::On(on)) => Some(match on.plain() {
            Some(kind) => Count::OfKind(kind, on.nth.into()),
            None => Count::Of(Box::new(Aim::new(on, whom))),
        }),
    }
}

impl Watcher<Node> for Story {
    #[inline]
    fn observed(&mut self, at: Stamp, observation: &Observation) -> Watch {
        self.count += 1;
        if let Some(told) = &mut self.told {
            told.push((at, *observation));
        }
        // Most of what is observed comes to few: it is told apart here once, not by each of them.
        match *observation {
            Observation::Executed { task, .. } => {
                self.judges.observed(at.time, at.node, observation);
                self.metrics.observed(at, observation);
                self.last_executed = Some((task, at.time, at.event));
                let executed = EventKind::Executed as usize;
                self.counts[executed] += 1;
                match self.counts[executed] == self.next[executed] || self.count == self.next_any {
                    true => self.fire(at, observation, false),
                    false => Watch::Continue,
                }
            }
            Observation::Staged { .. } => {
                self.judges.observed(at.time, at.node, observation);
                self.metrics.observed(at, observation);
                match self.count == self.next_any || self.awaits_phase {
                    true => self.fire(at, observation, false),
                    false => Watch::Continue,
                }
            }
            _ => self.seldom(at, observation),
        }
    }
}

impl Story {
    /// What is observed of anything but the flow of tuples.
    fn seldom(&mut self, at: Stamp, observation: &Observation) -> Watch {
        if self.echoes.is_echo(at.node, observation) {
            let due = self.count == self.next_any;
            return if due { self.fire(at, observation, true) } else { Watch::Continue };
        }
        self.judges.observed(at.time, at.node, observation);
        self.metrics.observed(at, observation);
        let mut may_enter = false;
        match *observation {
            Observation::Input(Input::Truncated { request, .. } | Input::Rewound { request }) => {
                self.done.insert(request);
                self.keep(at, observation);
            }
            _ => {
                self.whom.observed(at.node, observation);
                self.keep(at, observation);
                may_enter = self.awaits_phase;
                if self.looks {
                    self.look(observation);
                }
            }
        }
        if let Some(kind) = EventKind::of(observation) {
            if let Some(cover) = &mut self.cover {
                let (whom, arrears) = (&self.whom, self.metrics.outages.arrears());
                cover.note(kind, at.node, whom.places(), || whom.moment(at.time, arrears));
            }
            let count = &mut self.counts[kind as usize];
            *count += 1;
            if *count == self.next[kind as usize] {
                return self.fire(at, observation, false);
            }
        }
        let may_fire = self.count == self.next_any || may_enter;
        match if may_fire { self.fire(at, observation, false) } else { Watch::Continue } {
            Watch::Continue if !self.durable.is_empty() => Watch::Yield,
            answer => answer,
        }
    }
}
