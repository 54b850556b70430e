//! The one listener of a run: hands each observation to the judges and to the metrics, and fires
//! the triggers of the plan.

use std::sync::Arc;

use stormglass_engine::ids::{ComponentId, TaskId};
use stormglass_engine::log::InputLog;
use stormglass_engine::node::Node;
use stormglass_engine::observation::Observation;
use stormglass_engine::observation::acking::Acking;
use stormglass_engine::raft::Point;
use stormglass_engine::topology::Topology;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;
use stormglass_sim::watch::{Stamp, Watch, Watcher};

use crate::judge::Judges;
use crate::judge::control::Settings;
use crate::metrics::Metrics;
use crate::places::Places;
use crate::plan::{PlannedAction, PlannedFault, Resolved, Trigger};
use crate::scenario::{EventKind, Moment, Target};
use crate::units::Between;

mod echo;
mod tracker;
mod whom;

use echo::Echoes;
pub(crate) use tracker::Arrears;
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
    /// Whom targets mean at this moment.
    pub(crate) whom: Whom,
    /// Faults that fired in the handler that has just run.
    pub(crate) fired: Vec<Fired>,
    /// What was executed last, for the report of a panic.
    pub(crate) last_executed: Option<(TaskId, Instant, u64)>,
    /// What the control plane did, if somebody asked for it.
    pub(crate) record: Option<Vec<(Stamp, Observation)>>,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    OfKind(EventKind, u64),
    OfAll(u64),
}

/// A fault whose trigger fired.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fired {
    /// Its place in the plan.
    pub(crate) fault: usize,
    /// Whom it strikes; none if there is nobody.
    pub(crate) target: Option<NodeId>,
    /// Who made the observation that fired it; none if it was a time.
    pub(crate) by: Option<NodeId>,
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
            whom: Whom::new(topology, places, acking),
            fired: Vec::new(),
            last_executed: None,
            record: None,
        };
        for (fault, planned) in faults.iter().enumerate() {
            if let Some(at) = count_of(planned) {
                let crashes = matches!(
                    planned.action,
                    PlannedAction::Crash { .. } | PlannedAction::CrashMachine { .. }
                );
                let target = planned.target.clone();
                story.triggers.push(Waiting { fault, at, crashes, target });
            }
        }
        story.arm();
        story
    }

    /// Finds the counts at which the next triggers fire.
    fn arm(&mut self) {
        self.next_any = NEVER;
        self.next = [NEVER; KINDS];
        for waiting in &self.triggers {
            let next = match waiting.at {
                Count::OfAll(_) => &mut self.next_any,
                Count::OfKind(kind, _) => &mut self.next[kind as usize],
            };
            let (Count::OfAll(nth) | Count::OfKind(_, nth)) = waiting.at;
            *next = nth.min(*next);
        }
    }

    /// The process that a target means at this moment; `by` made the observation that fired the
    /// fault's trigger, if it has one.
    pub(crate) fn resolve(&self, target: &Target, by: Option<NodeId>) -> Option<NodeId> {
        self.whom.resolve(target, by)
    }

    /// In which phase each protocol is.
    pub(crate) fn moment(&self, now: Instant) -> Moment {
        self.whom.moment(now, self.metrics.outages.arrears())
    }

    /// The component of a task that a worker runs, for the report of a panic.
    pub(crate) fn component_of(&self, task: TaskId) -> ComponentId {
        self.topology.component_of(task).id
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

    #[cold]
    fn fire(&mut self, node: NodeId, kind: Option<EventKind>) -> Watch {
        let due = |waiting: &Waiting| match waiting.at {
            Count::OfAll(nth) => nth == self.count,
            Count::OfKind(of, nth) => Some(of) == kind && nth == self.counts[of as usize],
        };
        let (due, waiting): (Vec<Waiting>, Vec<Waiting>) =
            self.triggers.iter().cloned().partition(due);
        self.triggers = waiting;
        self.arm();
        let mut answer = Watch::Continue;
        for Waiting { fault, crashes, target, .. } in due {
            let (target, by) = (self.resolve(&target, Some(node)), Some(node));
            self.fired.push(Fired { fault, target, by, observation: self.count });
            let exact = crashes && target == Some(node);
            answer = if exact || answer == Watch::Stop { Watch::Stop } else { Watch::Yield };
        }
        answer
    }
}

/// The observation at which a fault strikes, if it is not a time. A fault that has struck before is
/// repeated exactly: at the same observation of the whole run.
fn count_of(planned: &PlannedFault) -> Option<Count> {
    match (&planned.resolved, planned.trigger) {
        (Some(Resolved { observation, .. }), _) => observation.map(Count::OfAll),
        (None, Trigger::On { event, nth }) => Some(Count::OfKind(event, nth.into())),
        (None, Trigger::At(_)) => None,
    }
}

impl Watcher<Node> for Story {
    #[inline]
    fn observed(&mut self, at: Stamp, observation: &Observation) -> Watch {
        self.count += 1;
        if self.echoes.is_echo(at.node, observation) {
            let due = self.count == self.next_any;
            return if due { self.fire(at.node, None) } else { Watch::Continue };
        }
        self.judges.observed(at.time, at.node, observation);
        self.metrics.observed(at, observation);
        match *observation {
            Observation::Executed { task, .. } => {
                self.last_executed = Some((task, at.time, at.event));
            }
            _ => {
                self.whom.observed(at.node, observation);
                self.keep(at, observation);
            }
        }
        let kind = EventKind::of(observation);
        if let Some(kind) = kind {
            let count = &mut self.counts[kind as usize];
            *count += 1;
            if *count == self.next[kind as usize] {
                return self.fire(at.node, Some(kind));
            }
        }
        if self.count == self.next_any {
            return self.fire(at.node, kind);
        }
        Watch::Continue
    }
}
