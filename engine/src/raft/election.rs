//! Terms, votes, and how a leader comes and goes (3.4, 3.6, 6.2, 9.6).
//!
//! A replica that hears no leader for an election timeout first asks whether it would win
//! (*pre-vote*): so one that was cut off disturbs nobody when it is back. Whoever hears a leader
//! answers no for the minimum election timeout (*stickiness*), and a leader that hears no quorum
//! for an election timeout steps down (*check-quorum*).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use stormglass_sim::hash::Mixer;
use stormglass_sim::time::{Instant, Span};

use super::message::Kind;
use super::{Body, Index, Leading, Output, Point, Raft, ReplicaId, Role, Term};
use crate::names::Twist;

impl Raft {
    /// "Election timeouts are chosen randomly from a fixed interval" (3.4).
    pub(super) fn draw_timeout(&mut self, now: Instant) {
        let (least, most) = self.settings.election_timeout;
        let mut mixer = Mixer::new();
        mixer.pair(self.random, self.draws);
        self.draws += 1;
        let width = most.as_nanos().saturating_sub(least.as_nanos()).saturating_add(1);
        self.election_at = now + least + Span::nanos(mixer.finish64() % width);
    }

    /// A leader of the current term was heard.
    pub(super) fn hear_leader(&mut self, leader: ReplicaId, now: Instant) {
        self.role = Role::Follower;
        self.leader = Some(leader);
        self.heard = Some(now);
        self.draw_timeout(now);
    }

    /// "If a server receives a RequestVote request within the minimum election timeout of hearing
    /// from a current leader, it does not update its term or grant its vote" (4.2.3).
    fn hears_leader(&self, now: Instant) -> bool {
        let least = self.settings.election_timeout.0;
        self.role == Role::Leader || self.heard.is_some_and(|heard| now.since(heard) < least)
    }

    /// "If one server's current term is smaller than the other's, then it updates its current term
    /// to the larger value. If a candidate or leader discovers that its term is out of date, it
    /// immediately reverts to follower state" (3.3).
    pub(super) fn adopt(&mut self, term: Term, now: Instant, out: &mut Vec<Output>) {
        assert!(term > self.term, "terms rise");
        self.step_down(now, out);
        self.term = term;
        self.disk.dirty = true;
        self.drop_held();
        self.forget_arriving();
        if !self.bug(Twist::RaftVoteKept, self.vote.is_some(), out) {
            self.vote = None;
        }
    }

    /// What was arriving from the leader of the old term will not be finished.
    fn forget_arriving(&mut self) {
        self.receiving = None;
        self.early.clear();
    }

    /// Becomes a follower that knows no leader, in the same term.
    pub(super) fn step_down(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.role = Role::Follower;
        self.leader = None;
        self.votes.clear();
        if let Some(leading) = self.leading.take() {
            out.push(Output::Point(Point::SteppedDown { term: self.term }));
            let lost = leading.reads.iter().map(|read| Output::ReadLost { request: read.request });
            out.extend(lost);
            self.draw_timeout(now);
        }
    }

    /// The election timeout is over.
    pub(super) fn time_out(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.draw_timeout(now);
        if !self.may_stand() {
            return;
        }
        self.role = Role::PreCandidate;
        self.leader = None;
        self.electorate = self.membership.clone();
        self.votes = BTreeMap::new();
        let next = Term(self.term.0 + 1);
        let (last, last_term) = (self.log.last(), self.log.last_term());
        for id in self.electorate.replicas() {
            if id != self.id && self.electorate.votes(id) {
                self.reply(id, Kind::PreVote { next, last, last_term }, out);
            }
        }
        self.count_vote(self.id, true, now, out);
    }

    /// "To begin an election, a follower increments its current term and transitions to candidate
    /// state. It then votes for itself and issues RequestVote RPCs" (3.4).
    pub(super) fn campaign(&mut self, transfer: bool, now: Instant, out: &mut Vec<Output>) {
        self.term.0 += 1;
        self.vote = Some(self.id);
        self.disk.dirty = true;
        self.drop_held();
        self.forget_arriving();
        self.role = Role::Candidate;
        self.leader = None;
        self.votes.clear();
        self.draw_timeout(now);
        out.push(Output::Point(Point::Campaigned { term: self.term }));
        self.electorate = self.membership.clone();
        let (settled, applied) = self.memberships.at(self.commit);
        let late = transfer && *settled != self.in_force;
        if self.bug(Twist::RaftTransferUnchecked, late, out) {
            self.electorate = applied.clone();
        }
        self.hold_own_vote(out);
        let (last, last_term) = (self.log.last(), self.log.last_term());
        for id in self.electorate.replicas() {
            if id != self.id && self.electorate.votes(id) {
                self.promise_vote(id, Kind::Vote { last, last_term, transfer }, out);
            }
        }
    }

    /// Says whom this replica votes for, when that is durable.
    fn promise_vote(&mut self, to: ReplicaId, kind: Kind, out: &mut Vec<Output>) {
        self.write_hard(out);
        if self.bug(Twist::RaftVoteNotSynced, !self.hard_is_durable(), out) {
            return self.send(to, kind, out);
        }
        self.reply(to, kind, out);
    }

    /// "The voter denies its vote if its own log is more up-to-date than that of the candidate"
    /// (3.6.1): the later last term, or the same and the longer log.
    fn is_current(&self, last: Index, last_term: Term, out: &mut Vec<Output>) -> bool {
        let current = (last_term, last) >= (self.log.last_term(), self.log.last());
        current || self.bug(Twist::RaftVoteUnchecked, true, out)
    }

    pub(super) fn on_pre_vote(
        &mut self,
        from: ReplicaId,
        next: Term,
        (last, last_term): (Index, Term),
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let willing = next > self.term && !self.hears_leader(now);
        let granted = willing && self.is_current(last, last_term, out);
        self.reply(from, Kind::PreVoteReply { next, granted }, out);
    }

    /// Whether a request for a vote is ignored, its term as well.
    pub(super) fn ignores_vote(&self, transfer: bool, now: Instant) -> bool {
        !transfer && self.hears_leader(now)
    }

    /// "Each server will vote for at most one candidate in a given term, on a
    /// first-come-first-served basis" (3.4). The request is of the current term.
    pub(super) fn on_vote(
        &mut self,
        from: ReplicaId,
        (last, last_term): (Index, Term),
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let free = self.vote.is_none_or(|vote| vote == from);
        let granted = free && self.is_current(last, last_term, out);
        if granted && self.vote.is_none() {
            self.vote = Some(from);
            self.disk.dirty = true;
            out.push(Output::Point(Point::VoteGranted { term: self.term, to: from }));
            self.draw_timeout(now);
        }
        if granted {
            self.promise_vote(from, Kind::VoteReply { granted }, out);
        } else {
            self.reply(from, Kind::VoteReply { granted }, out);
        }
    }

    /// Counts an answer of the election that is under way: "a candidate wins an election if it
    /// receives votes from a majority of the servers" (3.4), in both halves if joint (4.3).
    pub(super) fn count_vote(
        &mut self,
        from: ReplicaId,
        granted: bool,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        if !matches!(self.role, Role::PreCandidate | Role::Candidate) {
            return;
        }
        self.votes.entry(from).or_insert(granted);
        let electorate = self.electorate.clone();
        let yes = |id| self.votes.get(&id).is_some_and(|granted| *granted);
        let not_no = |id| self.votes.get(&id).is_none_or(|granted| *granted);
        if self.agreed(&electorate, yes, out) == Some(true) {
            match self.role {
                Role::PreCandidate => self.campaign(false, now, out),
                _ => self.lead(now, out),
            }
        } else if self.agreed(&electorate, not_no, out) != Some(true) {
            // It cannot win any more; the timeout for the next try runs already.
            self.step_down(now, out);
        }
    }

    /// "Once a candidate wins an election, it becomes leader. It then sends heartbeat messages to
    /// all of the other servers" (3.4), here with a blank entry of its term (6.4).
    fn lead(&mut self, now: Instant, out: &mut Vec<Output>) {
        out.push(Output::Point(Point::Elected { term: self.term }));
        self.role = Role::Leader;
        self.leader = Some(self.id);
        self.votes.clear();
        let heartbeat_at = now + self.settings.heartbeat;
        let blank = self.log.last().next();
        let members = self.membership.replicas();
        let others = members.into_iter().filter(|id| *id != self.id);
        self.leading = Some(Leading::new(blank, others, heartbeat_at, now));
        self.append_own([Body::Blank], now, out);
    }

    /// What a leader does when its time comes: it makes itself heard, or gives up if it hears no
    /// quorum. "A leader steps down if an election timeout elapses without a successful round of
    /// heartbeats to a majority of its cluster" (6.2).
    pub(super) fn tick_leader(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.tick_transfer(now);
        let Some(leading) = &mut self.leading else { return };
        if now < leading.heartbeat_at {
            return;
        }
        leading.heartbeat_at = now + self.settings.heartbeat;
        let Some(leading) = &self.leading else { return };
        let heard = |id| match leading.progress.get(&id) {
            Some(progress) => progress.heard,
            None if id == self.id => now,
            None => Instant::ZERO,
        };
        let quorum = self.agreed(&self.membership, heard, out);
        if quorum.is_none_or(|heard| now.since(heard) >= self.settings.election_timeout.1) {
            return self.step_down(now, out);
        }
        self.begin_round(now, out);
        self.urge_transfer(out);
    }
}
