//! Who leads the coordinators, and who is about to.

use stormglass_engine::observation::Observation;
use stormglass_engine::raft::{Index, Point, ReplicaId, Term};
use stormglass_sim::fault::Fault;
use stormglass_sim::node::NodeId;

use crate::scenario::Phase;

/// The newest leader, and what it is at.
#[derive(Clone, Debug, Default)]
pub(in crate::story) struct Leadership {
    /// The newest leader that serves, unless it stepped down or died since; and the newest term
    /// that was served.
    leader: Option<NodeId>,
    term: Term,
    /// Who stands for the newest term, or was elected for it, until a leader serves in that.
    candidate: Option<Candidate>,
    /// Who granted its vote last.
    voter: Option<NodeId>,
    /// The leader hands its leadership over.
    transfers: bool,
    /// The newest membership, if it is joint.
    joint: Option<Index>,
    /// To whom the leader sends a snapshot.
    sends: Option<ReplicaId>,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    node: NodeId,
    term: Term,
    elected: bool,
}

impl Leadership {
    pub(super) fn observed(&mut self, by: NodeId, what: &Observation) {
        // A leader of an older term may learn late that it leads: nobody follows it.
        let Observation::Leads { term } = *what else { return };
        if term < self.term {
            return;
        }
        (self.leader, self.term) = (Some(by), term);
        self.candidate = self.candidate.filter(|candidate| candidate.term > term);
        self.nothing();
    }

    /// The leader is at nothing special.
    fn nothing(&mut self) {
        (self.transfers, self.sends) = (false, None);
    }

    pub(super) fn passed(&mut self, by: NodeId, point: Point) {
        let leads = self.leader == Some(by);
        match point {
            Point::Campaigned { term } if self.is_newer(term) => {
                self.candidate = Some(Candidate { node: by, term, elected: false });
            }
            Point::Elected { term } if term > self.term => {
                self.candidate = Some(Candidate { node: by, term, elected: true });
            }
            Point::VoteGranted { .. } => self.voter = Some(by),
            // A new life has forgotten that it led.
            Point::SteppedDown { .. } | Point::Recovered { .. } => {
                if leads {
                    self.leader = None;
                    self.nothing();
                }
                self.candidate = self.candidate.filter(|candidate| candidate.node != by);
            }
            Point::TransferBegan { .. } if leads => self.transfers = true,
            // While it hands over it takes nothing: so it has given that up.
            Point::Appended { .. } if leads => self.transfers = false,
            Point::MembershipChanged { index, joint, .. }
                if self.joint.is_none_or(|old| index >= old) =>
            {
                self.joint = joint.then_some(index);
            }
            Point::Truncated { from } => self.joint = self.joint.filter(|joint| *joint < from),
            Point::SnapshotSent { to, .. } if leads => self.sends = Some(to),
            Point::SnapshotInstalled { .. } => self.sends = None,
            _ => {}
        }
    }

    /// Whether a candidate's term is newer than all that are known.
    fn is_newer(&self, term: Term) -> bool {
        term > self.term && self.candidate.is_none_or(|candidate| term > candidate.term)
    }

    /// A fault took effect: whoever died does not lead.
    pub(super) fn struck(&mut self, fault: &Fault) {
        let dead = |coordinator: NodeId| match fault {
            Fault::Crash { node } => coordinator == *node,
            Fault::CrashMachine { machine } => coordinator.machine == *machine,
            _ => false,
        };
        if self.leader.is_some_and(dead) {
            self.leader = None;
            self.nothing();
        }
        self.candidate = self.candidate.filter(|candidate| !dead(candidate.node));
    }

    pub(super) fn phase(&self) -> Phase {
        match self.candidate {
            Some(Candidate { elected: true, .. }) => Phase::ElectedNotServing,
            Some(_) => Phase::Election,
            None if self.leader.is_none() => Phase::Election,
            None if self.transfers => Phase::Transferring,
            None if self.joint.is_some() => Phase::MembershipChange,
            None if self.sends.is_some() => Phase::SendingSnapshot,
            None => Phase::Serving,
        }
    }

    pub(in crate::story) fn leader(&self) -> Option<NodeId> {
        self.leader
    }
    /// Who stands for election, or was elected and does not serve yet.
    pub(in crate::story) fn candidate(&self) -> Option<NodeId> {
        self.candidate.map(|candidate| candidate.node)
    }
    /// Who was elected and does not serve yet, or the leader.
    pub(in crate::story) fn new_leader(&self) -> Option<NodeId> {
        let elected = self.candidate.filter(|candidate| candidate.elected);
        elected.map(|candidate| candidate.node).or(self.leader)
    }
    /// Who granted its vote last.
    pub(in crate::story) fn voter(&self) -> Option<NodeId> {
        self.voter
    }
}
