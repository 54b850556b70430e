//! Whom a target means at a moment: what is only known while a run goes on.

use std::sync::Arc;

use stormglass_engine::observation::Observation;
use stormglass_engine::topology::Topology;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

use super::tracker::{Arrears, Round, Tracker};
use crate::places::Places;
use crate::plan::PlannedAction;
use crate::scenario::{Actor, Moment, Part, Role, Target};

#[cfg(test)]
mod tests;

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

    /// An action was done to a process that was up, or to its machine.
    pub(crate) fn struck(&mut self, now: Instant, action: &PlannedAction, node: NodeId) {
        self.tracker.struck(now, action, node);
    }

    /// The phases at this moment; `arrears` are what metrics know of an outage that is not over.
    pub(super) fn moment(&self, now: Instant, arrears: Option<Arrears>) -> Moment {
        self.tracker.moment(now, arrears)
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

    /// The process that a target means at this moment; `by` made the observation that fired the
    /// fault's trigger, if it has one.
    pub(super) fn resolve(&self, target: &Target, by: Option<NodeId>) -> Option<NodeId> {
        match target {
            Target::Any(role) => self.places.node(*role, 1),
            Target::Member(role, number) => self.places.node(*role, *number),
            Target::WorkerOf(component) => {
                let of = self.topology.find(component)?;
                of.tasks().find_map(|task| self.tracker.job.worker(task))
            }
            Target::Leader => self.tracker.leadership.leader(),
            Target::Follower(number) => self.follower(number.unwrap_or(1)),
            Target::Now(actor) => self.actor(*actor),
            Target::SupervisorOf(of) => {
                let worker = self.resolve(of, by)?;
                let mut all = self.places.all(Role::Supervisor).into_iter();
                all.find(|supervisor| supervisor.machine == worker.machine)
            }
            Target::It => by,
            Target::Other(role) => {
                let it = by.and_then(|by| self.places.role_of(by)).filter(|(of, _)| of == role);
                let after = it.and_then(|(_, number)| self.places.node(*role, number + 1));
                after.or_else(|| self.places.node(*role, 1)).filter(|other| Some(*other) != by)
            }
        }
    }

    fn actor(&self, actor: Actor) -> Option<NodeId> {
        let Tracker { rounds, sinks, job, leadership } = &self.tracker;
        let task = match actor {
            Actor::Candidate => return leadership.candidate(),
            Actor::NewLeader => return leadership.new_leader(),
            Actor::Voter => return leadership.voter(),
            Actor::HolderOfLastBarrier => rounds.newest().and_then(Round::holder),
            Actor::SlowestToAck => rounds.newest().and_then(Round::slowest),
            Actor::LastToAck => rounds.newest().and_then(Round::last_acknowledged),
            Actor::PreCommittedSink => sinks.latest(),
            Actor::RestoringWorker => job.restoring(),
        };
        job.worker(task?)
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
