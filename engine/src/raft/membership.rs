//! Who takes part, what a quorum is, and how both change (chapter 4).
//!
//! A change goes through a *joint* membership, in which every decision needs a majority of the old
//! voters and a majority of the new ones. A membership is in force from the moment that it is in
//! the log, committed or not; if its entry is cut off again, so is its force.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::hash::Mixer;
use stormglass_sim::time::Instant;

use super::progress::Progress;
use super::{Body, Index, Output, Point, Raft, Refusal, ReplicaId};
use crate::names::Twist;

#[cfg(test)]
mod tests;

/// Who takes part. Sorted, without repetition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Membership {
    /// Who votes.
    pub voters: Vec<ReplicaId>,
    /// Who votes as well, as the old half of a joint membership; empty outside of a change (4.3).
    pub outgoing: Vec<ReplicaId>,
    /// Who only listens (4.2.1).
    pub learners: Vec<ReplicaId>,
}

/// How many of so many voters decide: more than half, so that any two decisions share a voter.
fn majority(voters: usize) -> usize {
    voters / 2 + 1
}

/// What [`Twist::RaftQuorumEven`] takes for it.
fn half(voters: usize) -> usize {
    voters.div_ceil(2)
}

impl Membership {
    /// The simple membership of these voters and learners.
    #[must_use]
    pub fn new(mut voters: Vec<ReplicaId>, mut learners: Vec<ReplicaId>) -> Self {
        for list in [&mut voters, &mut learners] {
            list.sort_unstable();
            list.dedup();
        }
        Membership { voters, outgoing: Vec::new(), learners }
    }
    /// Whether it is the middle of a change (4.3).
    #[must_use]
    pub fn is_joint(&self) -> bool {
        !self.outgoing.is_empty()
    }
    /// Whether a replica's vote counts, in either half.
    #[must_use]
    pub fn votes(&self, id: ReplicaId) -> bool {
        self.voters.contains(&id) || self.outgoing.contains(&id)
    }
    /// Whether a replica takes part at all.
    #[must_use]
    pub fn contains(&self, id: ReplicaId) -> bool {
        self.votes(id) || self.learners.contains(&id)
    }
    /// Everybody who takes part, each once, in order.
    #[must_use]
    pub fn replicas(&self) -> Vec<ReplicaId> {
        let mut all = [&self.voters[..], &self.outgoing, &self.learners].concat();
        all.sort_unstable();
        all.dedup();
        all
    }
    /// The greatest value that a quorum has reached: of each half, as many as `need` says. None
    /// where nobody votes.
    pub(super) fn agreed<T: Ord + Copy>(
        &self,
        of: impl Fn(ReplicaId) -> T,
        need: fn(usize) -> usize,
    ) -> Option<T> {
        let reached = |voters: &[ReplicaId]| {
            let at = voters.len().checked_sub(need(voters.len()))?;
            // This runs for every answer: room for the usual number of voters is on the stack.
            let (mut few, mut many) = ([None; 8], Vec::new());
            let values = few.get_mut(..voters.len()).unwrap_or_else(|| {
                many.resize(voters.len(), None);
                &mut many
            });
            values.iter_mut().zip(voters).for_each(|(value, id)| *value = Some(of(*id)));
            values.sort_unstable();
            values.get(at).copied()?
        };
        let new = reached(&self.voters)?;
        Some(reached(&self.outgoing).map_or(new, |old| old.min(new)))
    }
    /// Bytes in the log and on the wire.
    pub(super) fn size(&self) -> u64 {
        6 + 2 * (self.voters.len() + self.outgoing.len() + self.learners.len()) as u64
    }
    /// Mixes it into a digest.
    pub(super) fn digest(&self, into: &mut Mixer) {
        for list in [&self.voters, &self.outgoing, &self.learners] {
            into.word(list.len() as u64);
            list.iter().for_each(|id| into.word(id.0.into()));
        }
    }
}

/// The memberships that a replica may still have to return to: that of its snapshot, then those in
/// its log. Invariant: never empty; indices rise.
#[derive(Clone, Debug)]
pub(super) struct Memberships(Vec<(Index, Arc<Membership>)>);

impl Memberships {
    pub(super) fn new(index: Index, membership: Membership) -> Self {
        Memberships(alloc::vec![(index, Arc::new(membership))])
    }
    pub(super) fn push(&mut self, index: Index, membership: Arc<Membership>) {
        self.0.push((index, membership));
    }
    /// The newest in the log.
    pub(super) fn newest(&self) -> &(Index, Arc<Membership>) {
        self.0.last().expect("the first always stays")
    }
    /// The newest at or before an index.
    pub(super) fn at(&self, index: Index) -> &(Index, Arc<Membership>) {
        self.0.iter().rfind(|(at, _)| *at <= index).unwrap_or(&self.0[0])
    }
    /// Whether a replica votes in any that may be in force somewhere, if the log is known to be
    /// committed up to an index.
    fn may_vote(&self, id: ReplicaId, commit: Index) -> bool {
        let settled = self.at(commit).0;
        self.0.iter().any(|(at, membership)| *at >= settled && membership.votes(id))
    }
    /// Forgets those from an index on; whether there were any.
    pub(super) fn truncate(&mut self, from: Index) -> bool {
        let before = self.0.len();
        let keep = self.0.iter().take_while(|(at, _)| *at < from).count();
        self.0.truncate(keep.max(1));
        self.0.len() < before
    }
    /// Forgets those that are older than the one in force at an index.
    pub(super) fn compact(&mut self, through: Index) {
        let old = self.0.iter().filter(|(at, _)| *at <= through).count();
        self.0.drain(..old.saturating_sub(1));
    }
}

impl Raft {
    /// What a quorum of the membership in force agrees on.
    pub(super) fn agreed<T: Ord + Copy>(
        &self,
        membership: &Membership,
        of: impl Fn(ReplicaId) -> T,
        out: &mut Vec<Output>,
    ) -> Option<T> {
        let sound = membership.agreed(&of, majority);
        if self.switches.reports(Twist::RaftQuorumEven) {
            let wrong = membership.agreed(&of, half);
            if self.bug(Twist::RaftQuorumEven, wrong != sound, out) {
                return wrong;
            }
        }
        sound
    }

    /// "A server that is not part of its own latest configuration should still start new elections,
    /// as it might still be needed until the Cnew entry is committed" (4.2.2).
    pub(super) fn may_stand(&self) -> bool {
        self.memberships.may_vote(self.id, self.commit)
    }

    /// "A server always uses the latest configuration in its log, regardless of whether the entry
    /// is committed" (4.1).
    pub(super) fn reconfigure(&mut self, now: Instant, out: &mut Vec<Output>) {
        let (mut index, mut newest) = self.memberships.newest().clone();
        let (settled, old) = self.memberships.at(self.commit);
        if self.bug(Twist::RaftMembershipLate, *settled != index, out) {
            (index, newest) = (*settled, old.clone());
        }
        if self.in_force == index && self.membership == newest {
            return;
        }
        self.membership = newest;
        self.in_force = index;
        let voters = u16::try_from(self.membership.voters.len()).unwrap_or(u16::MAX);
        let joint = self.membership.is_joint();
        out.push(Output::Point(Point::MembershipChanged { index, voters, joint }));
        if let Some(leading) = &mut self.leading {
            let members = self.membership.replicas();
            leading.progress.retain(|id, _| members.contains(id));
            for id in members.into_iter().filter(|id| *id != self.id) {
                // The entry that is just being appended is the first that it gets.
                let next = self.log.last();
                leading.progress.entry(id).or_insert_with(|| Progress::new(next, now));
            }
        }
    }

    /// Whether this is the membership in force, committed, with no change of it under way.
    #[must_use]
    pub fn is_settled_on(&self, membership: &Membership) -> bool {
        let (at, newest) = self.memberships.newest();
        *at <= self.commit && **newest == *membership
    }

    /// Begins a change of membership. A leader may when it has committed an entry of its term and
    /// no other change is under way. It goes through a joint membership if the voters change, and
    /// leaves it by itself.
    ///
    /// # Errors
    /// If it does not lead, hands leadership over, has a change under way, or if the new
    /// membership makes no sense.
    pub fn change_membership(
        &mut self,
        voters: Vec<ReplicaId>,
        learners: Vec<ReplicaId>,
        now: Instant,
        out: &mut Vec<Output>,
    ) -> Result<Index, Refusal> {
        self.accepts()?;
        let mut next = Membership::new(voters, learners);
        let both = next.learners.iter().any(|id| next.voters.contains(id));
        if next.voters.is_empty() || both {
            return Err(Refusal::BadMembership);
        }
        let (at, newest) = self.memberships.newest().clone();
        let pending = at > self.commit || newest.is_joint() || !self.may_lead();
        if pending && !self.bug(Twist::RaftMembershipUnguarded, true, out) {
            return Err(Refusal::ChangePending);
        }
        if next.voters != newest.voters {
            next.outgoing.clone_from(&newest.voters);
        }
        let index = self.append_own([Body::Membership(Arc::new(next))], now, out);
        Ok(index)
    }

    /// What a leader does when a membership has been committed: it leaves a joint one (4.3), and
    /// steps down if it is not in the new one (4.2.2).
    pub(super) fn settle_membership(&mut self, now: Instant, out: &mut Vec<Output>) {
        let (at, newest) = self.memberships.newest().clone();
        if self.leading.is_none() || at > self.commit {
            return;
        }
        if newest.is_joint() {
            let mut simple = Membership::clone(&newest);
            simple.outgoing.clear();
            self.append_own([Body::Membership(Arc::new(simple))], now, out);
        } else if !newest.voters.contains(&self.id) {
            self.step_down(now, out);
        }
    }

    /// Whether a change of membership is under way as far as this replica knows. Leadership does
    /// not move meanwhile.
    pub(super) fn change_unsettled(&self, out: &mut Vec<Output>) -> bool {
        let (at, newest) = self.memberships.newest();
        let unsettled = *at > self.commit || newest.is_joint();
        unsettled && !self.bug(Twist::RaftTransferUnchecked, true, out)
    }
}
