//! Whom a target means at a moment: what is only known while a run goes on.

use std::sync::Arc;

use stormglass_engine::observation::Observation;
use stormglass_engine::raft::{Point, Term};
use stormglass_engine::topology::Topology;
use stormglass_sim::node::NodeId;

use crate::places::Places;
use crate::plan::PlannedAction;
use crate::scenario::{Role, Target};

#[cfg(test)]
mod tests;

/// Who runs what, and who leads.
#[derive(Clone, Debug)]
pub(crate) struct Whom {
    places: Places,
    topology: Arc<Topology>,
    /// The worker of each task from 1 on, as last assigned.
    workers: Vec<Option<NodeId>>,
    /// The newest leader, unless it stepped down or crashed since; and the newest term led.
    leader: Option<NodeId>,
    term: Term,
}

impl Whom {
    pub(super) fn new(topology: &Arc<Topology>, places: &Places) -> Whom {
        Whom {
            places: places.clone(),
            workers: vec![None; usize::from(topology.tasks())],
            topology: Arc::clone(topology),
            leader: None,
            term: Term(0),
        }
    }

    pub(super) fn observed(&mut self, by: NodeId, what: &Observation) {
        match *what {
            Observation::Assigned { task, node, .. } => {
                self.workers[usize::from(task.0) - 1] = Some(node);
            }
            // A leader of an older term may learn late that it leads: nobody follows it.
            Observation::Leads { term } if term >= self.term => {
                self.term = term;
                self.leader = Some(by);
            }
            // A new life has forgotten that it led.
            Observation::Raft(Point::SteppedDown { .. } | Point::Recovered { .. })
                if self.leader == Some(by) =>
            {
                self.leader = None;
            }
            _ => {}
        }
    }

    /// An action was done to a process that was up: whoever died does not lead.
    pub(crate) fn gone(&mut self, action: &PlannedAction, node: NodeId) {
        let dead = |leader: NodeId| match action {
            PlannedAction::Crash { .. } => leader == node,
            PlannedAction::CrashMachine { .. } => leader.machine == node.machine,
            _ => false,
        };
        if self.leader.is_some_and(dead) {
            self.leader = None;
        }
    }

    /// The process that a target means at this moment; `by` made the observation that fired the
    /// fault's trigger, if it has one.
    pub(super) fn resolve(&self, target: &Target, by: Option<NodeId>) -> Option<NodeId> {
        match target {
            Target::Any(role) => self.places.node(*role, 1),
            Target::Member(role, number) => self.places.node(*role, *number),
            Target::WorkerOf(component) => {
                let of = self.topology.find(component)?;
                of.tasks().find_map(|task| self.workers[usize::from(task.0) - 1])
            }
            Target::Leader => self.leader,
            Target::Follower(number) => self.follower(number.unwrap_or(1)),
            Target::It => by,
        }
    }

    /// The so-manieth coordinator after the leader, round the cluster.
    fn follower(&self, number: u32) -> Option<NodeId> {
        let node = |number| self.places.node(Role::Coordinator, number);
        let all: Vec<NodeId> = (1..).map_while(node).collect();
        let leader = self.leader.and_then(|leader| all.iter().position(|node| *node == leader));
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
