//! Whom a target means at a moment: what is only known while a run goes on.

use std::sync::Arc;

use stormglass_engine::ids::{CheckpointId, TaskId};
use stormglass_engine::observation::Observation;
use stormglass_engine::topology::{Component, Delivery, Kind, Topology};
use stormglass_sim::fault::Fault;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

use super::tracker::{Arrears, Round, Tracker};
use crate::places::Places;
use crate::scenario::{Actor, EventKind, Moment, Part, Phase, Protocol, Role, Target};

#[cfg(test)]
mod tests;

/// The observation that fired a fault's trigger, as far as targets go by it; nothing if it was a
/// time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cue {
    /// Who made it.
    pub(crate) by: Option<NodeId>,
    /// The checkpoint that it is about.
    pub(crate) checkpoint: Option<CheckpointId>,
}

/// Who runs what, who leads, and how far the protocols have come.
#[derive(Clone, Debug)]
pub(crate) struct Whom {
    places: Places,
    topology: Arc<Topology>,
    tracker: Tracker,
}

impl Whom {
    /// `acking` tells that stateful bolts commit in the place of barriers.
    pub(super) fn new(topology: &Arc<Topology>, places: &Places, acking: bool) -> Whom {
        let tracker = Tracker::new(topology, acking);
        Whom { places: places.clone(), topology: Arc::clone(topology), tracker }
    }

    #[inline]
    pub(super) fn observed(&mut self, by: NodeId, what: &Observation) {
        self.tracker.observed(by, what);
    }

    /// A fault took effect.
    pub(crate) fn struck(&mut self, now: Instant, fault: &Fault) {
        self.tracker.struck(now, fault);
    }

    /// The phases at this moment; `arrears` are what metrics know of an outage that is not over.
    pub(super) fn moment(&self, now: Instant, arrears: Option<Arrears>) -> Moment {
        self.tracker.moment(now, arrears)
    }

    /// Who is where.
    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// The part that a process plays at this moment.
    pub(crate) fn part(&self, node: NodeId) -> Option<Part> {
        let leadership = &self.tracker.leadership;
        Some(match self.places.role_of(node)?.0 {
            Role::Coordinator if leadership.candidate() == Some(node) => Part::Candidate,
            Role::Coordinator if leadership.leader() == Some(node) => Part::Leader,
            Role::Coordinator => Part::Follower,
            Role::Worker => Part::Worker,
            Role::Supervisor => Part::Supervisor,
            Role::Broker => Part::Broker,
            Role::Store => Part::Store,
            Role::Receiver => Part::Receiver,
            Role::Client => Part::Client,
            Role::Operator => Part::Operator,
            Role::QueryClient => Part::QueryClient,
        })
    }

    /// The process that a target means at this moment.
    pub(super) fn resolve(&self, target: &Target, cue: Cue) -> Option<NodeId> {
        match target {
            Target::Any(role) => self.places.node(*role, 1),
            Target::Member(role, number) => self.places.node(*role, *number),
            Target::WorkerOf(component) => {
                let of = self.topology.find(component)?;
                of.tasks().find_map(|task| self.tracker.job.worker(task))
            }
            Target::Leader => self.tracker.leadership.leader(),
            Target::Follower(number) => self.follower(number.unwrap_or(1)),
            Target::Now(actor) => self.actor(*actor, cue),
            Target::SupervisorOf(of) => {
                let worker = self.resolve(of, cue)?;
                let mut all = self.places.all(Role::Supervisor).into_iter();
                all.find(|supervisor| supervisor.machine == worker.machine)
            }
            Target::It => cue.by,
            Target::Other(role) => {
                let by = cue.by;
                let it = by.and_then(|by| self.places.role_of(by)).filter(|(of, _)| of == role);
                let after = it.and_then(|(_, number)| self.places.node(*role, number + 1));
                after.or_else(|| self.places.node(*role, 1)).filter(|other| Some(*other) != by)
            }
        }
    }

    fn actor(&self, actor: Actor, cue: Cue) -> Option<NodeId> {
        let Tracker { rounds, sinks, job, leadership } = &self.tracker;
        let round = cue.checkpoint.map_or(rounds.newest(), |checkpoint| rounds.get(checkpoint));
        let task = match actor {
            Actor::Candidate => return leadership.candidate(),
            Actor::NewLeader => return leadership.new_leader(),
            Actor::Voter => return leadership.voter(),
            Actor::HolderOfLastBarrier => round.and_then(Round::holder),
            Actor::SlowestToAck => round.and_then(Round::slowest),
            Actor::LastToAck => round.and_then(Round::last_acknowledged),
            Actor::PreCommittedSink => sinks.latest(),
            Actor::RestoringWorker => job.restoring(),
        };
        job.worker(task?)
    }

    /// Whether a target means this process, among others perhaps.
    pub(super) fn is(&self, target: &Target, node: NodeId) -> bool {
        match target {
            Target::Any(role) => self.places.role_of(node).is_some_and(|(of, _)| of == *role),
            Target::WorkerOf(component) => {
                let of = self.topology.find(component);
                let mut tasks = of.into_iter().flat_map(|component| component.tasks());
                tasks.any(|task| self.tracker.job.worker(task) == Some(node))
            }
            Target::Follower(None) => {
                self.is(&Target::Any(Role::Coordinator), node)
                    && self.tracker.leadership.leader() != Some(node)
            }
            target => self.resolve(target, Cue::default()) == Some(node),
        }
    }

    /// Whether a task is one of a component's.
    pub(super) fn is_task_of(&self, task: TaskId, component: &str) -> bool {
        task != TaskId::BROKER && *self.topology.component_of(task).name == *component
    }

    /// Whether a phase is the case: of a checkpoint, or of its transactions, if one is named.
    pub(super) fn is_phase(&self, phase: Phase, of: Option<CheckpointId>, now: Moment) -> bool {
        let Tracker { rounds, sinks, .. } = &self.tracker;
        match (phase.protocol(), of) {
            (Protocol::Checkpoint, Some(of)) => {
                rounds.get(of).map_or(Phase::BetweenCheckpoints, Round::phase) == phase
            }
            (Protocol::Sink, Some(of)) => sinks.phase(Some(of)) == phase,
            _ => now.are(phase),
        }
    }

    /// How many tasks, of a component if one is named, make an observation of a kind once in a
    /// checkpoint or a generation.
    pub(super) fn tasks_with(&self, kind: EventKind, of: Option<&str>) -> usize {
        let rounds = &self.tracker.rounds;
        let counts = |component: &&Component| {
            let transactional = matches!(component.kind, Kind::Sink(Delivery::Transactional));
            of.is_none_or(|of| *component.name == *of)
                && match kind {
                    EventKind::PreCommitted | EventKind::Published => transactional,
                    EventKind::BarrierSent => !matches!(component.kind, Kind::Sink(_)),
                    EventKind::Notified => matches!(component.kind, Kind::Sink(_)),
                    EventKind::CheckpointAcked => component.tasks().any(|task| rounds.owes(task)),
                    _ => true,
                }
        };
        let components = self.topology.components().iter().filter(counts);
        components.map(|component| component.tasks().count()).sum()
    }

    /// The so-manieth coordinator after the leader, round the cluster.
    fn follower(&self, number: u32) -> Option<NodeId> {
        let node = |number| self.places.node(Role::Coordinator, number);
        let all: Vec<NodeId> = (1..).map_while(node).collect();
        let leader = self.tracker.leadership.leader();
        let leader = leader.and_then(|leader| all.iter().position(|node| *node == leader));
        let at = match leader {
            Some(leader) => {
                let followers = all.len().checked_sub(1).filter(|followers| *followers > 0)?;
                (leader + 1 + (number as usize - 1) % followers) % all.len()
            }
            None => (number as usize - 1) % all.len(),
        };
        Some(all[at])
    }
}
