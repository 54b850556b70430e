//! Linearizable reads without writing to the log (6.4).
//!
//! A leader notes its commit index, makes sure that it still leads by a round of heartbeats, and
//! serves the read when the index is applied. Rounds have numbers of their own, so that an old
//! answer never speaks for a new read. Under a stated bound on clocks, the last round that a quorum
//! answered is a *lease*: for the minimum election timeout after it was sent, nobody else is
//! elected (6.4.1).

use alloc::vec::Vec;

use stormglass_sim::time::{Instant, Span};

use super::message::Kind;
use super::{Index, Output, Raft, Refusal, ReplicaId};
use crate::names::Twist;

/// A read that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    /// What the driver called it.
    pub(super) request: u64,
    /// The commit index when it came; none before the leader has committed in its term.
    index: Option<Index>,
    /// The round that confirms it, begun when it came or later.
    round: u64,
}

impl Raft {
    /// Asks for a read: [`Output::ReadReady`] or [`Output::ReadLost`] follows. A request that waits
    /// already is asked anew: what confirms it begins no earlier than this call.
    ///
    /// # Errors
    /// If it does not lead.
    pub fn read(
        &mut self,
        request: u64,
        now: Instant,
        out: &mut Vec<Output>,
    ) -> Result<(), Refusal> {
        if self.leading.is_none() {
            return Err(Refusal::NotLeader(self.leader));
        }
        let unsettled = !self.may_lead();
        let open = !unsettled || self.bug(Twist::RaftReadBeforeOwnTerm, true, out);
        let commit = self.commit;
        let switches = self.switches;
        let confirmed = open && self.is_confirmed_for(now, out);
        let Some(leading) = &mut self.leading else { return Ok(()) };
        if confirmed {
            // One answer is enough, if it was asked for before as well.
            leading.reads.retain(|read| read.request != request);
            out.push(Output::ReadReady { request, index: commit });
            return Ok(());
        }
        let waits = leading.reads.iter().any(|read| read.request == request);
        if super::bug(switches, Twist::RaftReadRetry, waits, out) {
            return Ok(());
        }
        leading.reads.retain(|read| read.request != request);
        let round = leading.round + 1;
        let index = open.then_some(commit);
        leading.reads.push(Read { request, index, round });
        if open {
            self.next_round(now, out);
        }
        self.verify();
        Ok(())
    }

    /// Whether this leader knows without asking that nobody else leads.
    fn is_confirmed_for(&self, now: Instant, out: &mut Vec<Output>) -> bool {
        let alone = self.membership.voters == [self.id] && !self.membership.is_joint();
        self.holds_lease(now, out) || self.bug(Twist::RaftReadWithoutQuorum, !alone, out)
    }

    /// "Once the leader's heartbeats were acknowledged by a majority of the cluster, the leader
    /// would extend its lease to start + election timeout / clock drift bound" (6.4.1).
    fn holds_lease(&self, now: Instant, out: &mut Vec<Output>) -> bool {
        let (Some(bound), Some(leading)) = (self.settings.lease, &self.leading) else {
            return false;
        };
        let Some(start) = leading.lease_from else { return false };
        // A leader that asked somebody to take over cannot tell when that happens.
        if leading.transfer.is_some() || leading.abdicated {
            return false;
        }
        const MILLION: u64 = 1_000_000;
        let whole = self.settings.election_timeout.0;
        let lease = whole.scale(MILLION, MILLION + u64::from(bound.drift_ppm));
        let holds = |lease: Span| now.since(start) < lease;
        holds(lease) || self.bug(Twist::RaftLeaseUnbounded, holds(whole), out)
    }

    /// The leader has committed in its term, and so knows everything that was committed before
    /// (6.4): what waited for that goes on.
    pub(super) fn open_reads(&mut self, now: Instant, out: &mut Vec<Output>) {
        if !self.may_lead() {
            return;
        }
        let commit = self.commit;
        let Some(leading) = &mut self.leading else { return };
        let mut opened = false;
        for read in leading.reads.iter_mut().filter(|read| read.index.is_none()) {
            (read.index, read.round) = (Some(commit), leading.round + 1);
            opened = true;
        }
        if opened {
            self.next_round(now, out);
        }
    }

    /// Begins the next round if reads wait for it and none is under way: reads that come meanwhile
    /// share the one after it.
    fn next_round(&mut self, now: Instant, out: &mut Vec<Output>) {
        let Some(leading) = &self.leading else { return };
        let waits = |read: &Read| read.index.is_some() && read.round > leading.round;
        if leading.confirmed == leading.round && leading.reads.iter().any(waits) {
            self.begin_round(now, out);
        }
    }

    /// A heartbeat for all, with a number that no round had before.
    pub(super) fn begin_round(&mut self, now: Instant, out: &mut Vec<Output>) {
        let (commit, switches) = (self.commit, self.switches);
        let Some(leading) = &mut self.leading else { return };
        leading.round += 1;
        let round = leading.round;
        leading.sent.push_back((round, now));
        // What it has not matched may be another leader's: it must not take that for committed.
        let upto = |matched: Index, out: &mut Vec<Output>| {
            let past = super::bug(switches, Twist::RaftCommitUnmatched, matched < commit, out);
            if past { commit } else { commit.min(matched) }
        };
        let heartbeat = |(id, progress): (&ReplicaId, &super::progress::Progress)| {
            (*id, Kind::Heartbeat { round, commit: upto(progress.matched, out) })
        };
        let all: Vec<(ReplicaId, Kind)> = leading.progress.iter().map(heartbeat).collect();
        all.into_iter().for_each(|(id, kind)| self.send(id, kind, out));
        self.count_round(now, out);
    }

    /// Serves the reads whose round a quorum has answered.
    fn count_round(&mut self, now: Instant, out: &mut Vec<Output>) {
        let Some(leading) = &self.leading else { return };
        let answered = |id| match leading.progress.get(&id) {
            Some(progress) => progress.round,
            None if id == self.id => leading.round,
            None => 0,
        };
        let Some(round) = self.agreed(&self.membership, answered, out) else { return };
        let Some(leading) = &mut self.leading else { return };
        if round <= leading.confirmed {
            return;
        }
        leading.confirmed = round;
        while let Some((_, sent)) = leading.sent.pop_front_if(|(number, _)| *number <= round) {
            leading.lease_from = Some(sent);
        }
        leading.reads.retain(|read| match read.index {
            Some(index) if read.round <= round => {
                out.push(Output::ReadReady { request: read.request, index });
                false
            }
            _ => true,
        });
        self.next_round(now, out);
    }

    pub(super) fn on_heartbeat_reply(
        &mut self,
        from: ReplicaId,
        round: u64,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let Some(leading) = &mut self.leading else { return };
        let Some(progress) = leading.progress.get_mut(&from) else { return };
        if round > leading.round {
            return;
        }
        let news = round > progress.round;
        progress.round = progress.round.max(round);
        if news {
            self.count_round(now, out);
            self.ask_again(from, round, now, out);
        }
    }
}
