//! Leadership handed over on purpose (3.10).

use alloc::vec::Vec;

use stormglass_sim::time::Instant;

use super::message::Kind;
use super::{Output, Point, Raft, Refusal, ReplicaId, Role};

/// A handover that is under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transfer {
    to: ReplicaId,
    /// The leader resumes its work then.
    pub(super) until: Instant,
}

impl Raft {
    /// Hands leadership to another voter. Until that is over, or an election timeout has passed,
    /// "the prior leader stops accepting new client requests".
    ///
    /// # Errors
    /// If it does not lead, is at it already, has a change of membership under way, or if the other
    /// is no voter.
    pub fn transfer(
        &mut self,
        to: ReplicaId,
        now: Instant,
        out: &mut Vec<Output>,
    ) -> Result<(), Refusal> {
        self.accepts()?;
        if !self.membership.voters.contains(&to) {
            return Err(Refusal::BadMembership);
        }
        if to == self.id {
            return Ok(());
        }
        if self.change_unsettled(out) {
            return Err(Refusal::ChangePending);
        }
        let until = now + self.settings.election_timeout.1;
        let Some(leading) = &mut self.leading else { return Ok(()) };
        leading.transfer = Some(Transfer { to, until });
        out.push(Output::Point(Point::TransferBegan { to }));
        self.replicate(to, out);
        self.urge_transfer(out);
        Ok(())
    }

    /// "It sends a TimeoutNow request to the target server" once that has the whole log.
    pub(super) fn urge_transfer(&mut self, out: &mut Vec<Output>) {
        let last = self.log.last();
        let Some(leading) = &mut self.leading else { return };
        let Some(Transfer { to, .. }) = leading.transfer else { return };
        if leading.progress.get(&to).is_some_and(|progress| progress.matched == last) {
            leading.abdicated = true;
            self.send(to, Kind::TimeoutNow, out);
        }
    }

    /// "If leadership transfer does not complete after about an election timeout, the prior leader
    /// aborts the transfer and resumes accepting client requests."
    pub(super) fn tick_transfer(&mut self, now: Instant) {
        if let Some(leading) = &mut self.leading {
            leading.transfer = leading.transfer.filter(|transfer| now < transfer.until);
        }
    }

    /// Stands for election without waiting and without a pre-vote: the leader asked for it.
    /// Not before it knows that the membership in its log is settled: the leader asks again.
    pub(super) fn on_timeout_now(&mut self, now: Instant, out: &mut Vec<Output>) {
        let may = self.role == Role::Follower && self.membership.votes(self.id);
        if may && !self.change_unsettled(out) {
            self.campaign(true, now, out);
        }
    }
}
