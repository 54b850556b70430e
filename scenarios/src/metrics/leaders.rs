//! Who leads the metadata: elections, changes, and how long nothing could be committed.

use std::collections::BTreeMap;

use stormglass_engine::observation::{Observation, Operation};
use stormglass_engine::raft::{Point, Term};
use stormglass_sim::fault::Fault;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;
use stormglass_sim::watch::Stamp;

use super::histogram::Histogram;
use crate::outcome::LeaderFacts;

/// What coordinators and their clients told.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaders {
    elections: u64,
    /// The newest term whose leader took up its duties, and how many did before.
    leads: Option<Term>,
    changes: u64,
    /// Whoever was elected last.
    leader: Option<(NodeId, Term)>,
    /// The newest term in which something was committed.
    committed_in: Option<Term>,
    /// When the leader of that term was lost, if it was.
    lost: Option<Instant>,
    leaderless: Histogram,
    operations: u64,
    answered: u64,
    /// When each operation was asked that has no answer.
    asked: BTreeMap<Operation, Instant>,
    response: Histogram,
}

impl Leaders {
    pub(super) fn observed(&mut self, at: Stamp, observation: &Observation) {
        match *observation {
            Observation::Raft(point) => self.passed(at, point),
            Observation::Leads { term } => {
                self.changes += u64::from(self.leads.is_some_and(|newest| newest < term));
                self.leads = self.leads.max(Some(term));
            }
            Observation::Invoked { operation, .. } => {
                self.operations += 1;
                self.asked.insert(operation, at.time);
            }
            Observation::Responded { operation, .. } => {
                if let Some(since) = self.asked.remove(&operation) {
                    self.answered += 1;
                    self.response.add(at.time.since(since).as_nanos());
                }
            }
            _ => {}
        }
    }

    fn passed(&mut self, at: Stamp, point: Point) {
        match point {
            Point::Elected { term } => {
                self.elections += 1;
                // A leader that nobody struck is lost when another is elected.
                if self.leader.is_some() {
                    self.lost.get_or_insert(at.time);
                }
                self.leader = Some((at.node, term));
            }
            Point::SteppedDown { .. } | Point::Recovered { .. }
                if self.leader.is_some_and(|(leader, _)| leader == at.node) =>
            {
                self.lost.get_or_insert(at.time);
            }
            Point::Committed { term, .. } if self.leader == Some((at.node, term)) => {
                self.committed(at.time, term);
            }
            _ => {}
        }
    }

    /// The leader of a term commits.
    fn committed(&mut self, now: Instant, term: Term) {
        let before = self.committed_in.replace(term);
        let Some(lost) = self.lost.take() else { return };
        // If it is the leader of before, it was not lost after all.
        if before.is_some_and(|before| before < term) {
            self.leaderless.add(now.since(lost).as_nanos());
        }
    }

    /// A fault strikes.
    pub(super) fn injected(&mut self, now: Instant, fault: &Fault) {
        let Some((leader, _)) = self.leader else { return };
        let hit = match fault {
            Fault::Crash { node } | Fault::Pause { node, .. } => *node == leader,
            Fault::CrashMachine { machine } => *machine == leader.machine,
            Fault::Cut { links, .. } => links.leave(leader.machine),
            _ => false,
        };
        if hit {
            self.lost.get_or_insert(now);
        }
    }

    pub(super) fn facts(&self) -> LeaderFacts {
        LeaderFacts {
            elections: self.elections,
            changes: self.changes,
            leaderless: self.leaderless.quantiles(),
            operations: self.operations,
            answered: self.answered,
            response: self.response.quantiles(),
        }
    }
}
