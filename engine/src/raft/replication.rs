//! Entries on their way from a leader's log to the others' (3.5, 3.6.2, 10.2).

use alloc::vec::Vec;

use stormglass_sim::time::Instant;

use super::message::Kind;
use super::progress::{State, feed};
use super::{Body, Entry, Index, Output, Point, Raft, ReplicaId, Term, Write, print};
use crate::names::Twist;

/// What a leader's message offers.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) prev: Index,
    pub(super) prev_term: Term,
    pub(super) entries: Vec<Entry>,
    pub(super) commit: Index,
}

impl Raft {
    /// Puts an entry into the log, in memory.
    fn push(&mut self, entry: Entry, now: Instant, out: &mut Vec<Output>) {
        let Entry { index, term, .. } = entry;
        out.push(Output::Point(Point::Appended { index, term, print: print(&entry.body) }));
        let membership = match &entry.body {
            Body::Membership(membership) => Some(membership.clone()),
            _ => None,
        };
        self.log.push(entry);
        if let Some(membership) = membership {
            self.memberships.push(index, membership);
            self.reconfigure(now, out);
        }
    }

    /// "The leader appends the command to its log as a new entry, then issues AppendEntries RPCs in
    /// parallel" (3.5), and in parallel to its own disk too (10.2.1).
    pub(super) fn append_own(
        &mut self,
        bodies: impl IntoIterator<Item = Body>,
        now: Instant,
        out: &mut Vec<Output>,
    ) -> Index {
        let first = self.log.last().next();
        for body in bodies {
            let index = self.log.last().next();
            self.push(Entry { index, term: self.term, body }, now, out);
        }
        let (entries, _) = self.log.batch(first, u64::MAX);
        if !entries.is_empty() {
            self.write_log(Write::Entries(entries), out);
            self.replicate_to_all(out);
            self.count_replicas(now, out);
        }
        first
    }

    pub(super) fn replicate_to_all(&mut self, out: &mut Vec<Output>) {
        let Some(leading) = &self.leading else { return };
        let all: Vec<ReplicaId> = leading.progress.keys().copied().collect();
        all.into_iter().for_each(|id| self.replicate(id, out));
    }

    /// Sends a follower what it lacks, as much as may be under way.
    pub(super) fn replicate(&mut self, to: ReplicaId, out: &mut Vec<Output>) {
        while let Some(progress) = self.leading.as_ref().and_then(|l| l.progress.get(&to)) {
            let lacks = progress.next <= self.log.last();
            let more = match progress.state {
                State::Probe { waiting } => lacks && !waiting,
                State::Replicate => lacks && !progress.is_full(self.settings.inflight_bytes),
                State::Snapshot(_) => return self.send_chunks(to, out),
            };
            if !more || !self.offer(to, u64::from(self.settings.append_bytes), out) {
                return;
            }
        }
    }

    /// Sends one message of entries; of no entries if `limit` is 0. False if the follower needs a
    /// snapshot instead, and gets it.
    fn offer(&mut self, to: ReplicaId, limit: u64, out: &mut Vec<Output>) -> bool {
        let Some(leading) = &mut self.leading else { return false };
        let Some(progress) = leading.progress.get_mut(&to) else { return false };
        let prev = Index(progress.next.0 - 1);
        let Some(prev_term) = self.log.term_at(prev) else {
            self.begin_snapshot(to, out);
            return false;
        };
        let (entries, bytes) =
            if limit == 0 { Default::default() } else { self.log.batch(progress.next, limit) };
        if let Some(last) = entries.last() {
            progress.sent_in = leading.round;
            match &mut progress.state {
                State::Probe { waiting } => *waiting = true,
                _ => progress.sent(last.index, bytes),
            }
        }
        progress.told = self.commit;
        self.send(to, Kind::Append { prev, prev_term, entries, commit: self.commit }, out);
        true
    }

    pub(super) fn on_append(
        &mut self,
        from: ReplicaId,
        offer: Offer,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        self.weigh(from, offer, now, out);
        let fits = |raft: &Raft| raft.early.iter().position(|early| early.prev <= raft.log.last());
        while let Some(at) = fits(self) {
            let offer = self.early.remove(at);
            // It may have come in another message meanwhile, and be answered already.
            if offer.entries.last().is_some_and(|entry| entry.index > self.log.last()) {
                self.weigh(from, offer, now, out);
            }
        }
    }

    /// Keeps a message that has overtaken the one before it, as if the network had: when the gap is
    /// filled, it is weighed again. As much is kept as a leader has under way.
    fn keep_early(&mut self, offer: Offer) {
        let size = |offer: &Offer| offer.entries.iter().map(Entry::size).sum::<u64>();
        let kept: u64 = self.early.iter().map(size).sum();
        let known = self.early.iter().any(|early| early.prev == offer.prev);
        if !known && kept + size(&offer) <= self.settings.inflight_bytes.into() {
            self.early.push(offer);
        }
    }

    /// Takes an offer or refuses it.
    fn weigh(&mut self, from: ReplicaId, offer: Offer, now: Instant, out: &mut Vec<Output>) {
        let gap = offer.prev > self.log.last() && !offer.entries.is_empty();
        // With an entry of this leader's term at its end, the log is no other than the leader's.
        if gap && self.log.last_term() == self.term {
            self.keep_early(offer.clone());
        }
        let Offer { prev, prev_term, mut entries, commit } = offer;
        let numbered =
            |(entry, number): (&Entry, u64)| prev.0.checked_add(number) == Some(entry.index.0);
        if !entries.iter().zip(1..).all(numbered) {
            return;
        }
        let matched = entries.last().map_or(prev, |entry| entry.index);
        let base = self.log.base();
        if matched < base {
            // Late, and settled long ago.
            return self.promise(base, from, Kind::AppendReply { matched: base }, out);
        }
        if prev >= base && self.log.term_at(prev) != Some(prev_term) {
            let (hint, hint_term) = self.log.may_match(prev, prev_term);
            return self.reply(from, Kind::AppendReject { prev, hint, hint_term }, out);
        }
        entries.retain(|entry| entry.index > base);
        self.take(entries, now, out);
        self.commit_to(commit.min(matched), now, out);
        let early = !self.log_is_durable(matched);
        if self.bug(Twist::RaftAckBeforeSync, early, out) {
            return self.send(from, Kind::AppendReply { matched }, out);
        }
        self.promise(matched, from, Kind::AppendReply { matched }, out);
    }

    /// "If an existing entry conflicts with a new one (same index but different terms), delete the
    /// existing entry and all that follow it. Append any new entries not already in the log"
    /// (figure 3.1).
    fn take(&mut self, mut entries: Vec<Entry>, now: Instant, out: &mut Vec<Output>) {
        let Some(last) = entries.last().map(|entry| entry.index) else { return };
        let have = entries
            .iter()
            .take_while(|entry| self.log.term_at(entry.index) == Some(entry.term))
            .count();
        let cuts = have == entries.len() && self.log.last() > last;
        if !self.bug(Twist::RaftTruncateAlways, cuts, out) {
            entries.drain(..have);
        }
        let Some(first) = entries.first().map(|entry| entry.index) else { return };
        if first <= self.log.last() {
            self.truncate(first, now, out);
        }
        for entry in &entries {
            self.push(entry.clone(), now, out);
        }
        self.write_log(Write::Entries(entries), out);
    }

    fn truncate(&mut self, from: Index, now: Instant, out: &mut Vec<Output>) {
        assert!(from > self.commit || self.is_planted(), "what is committed stays");
        out.push(Output::Point(Point::Truncated { from }));
        self.log.truncate(from);
        self.disk.cut(from);
        if self.memberships.truncate(from) {
            self.reconfigure(now, out);
        }
    }

    /// Follower and leader alike: everything up to an index is committed.
    pub(super) fn commit_to(&mut self, index: Index, now: Instant, out: &mut Vec<Output>) {
        if index <= self.commit {
            return;
        }
        self.commit = index;
        out.push(Output::Point(Point::Committed { index, term: self.term }));
        if self.in_force != self.memberships.newest().0 {
            self.reconfigure(now, out);
        }
        while let Some(entry) = self.log.get(self.applied.next()) {
            if entry.index > self.commit {
                break;
            }
            self.applied = entry.index;
            out.push(Output::Apply(entry.clone()));
        }
    }

    /// "A leader ... knows that an entry from its current term is committed once that entry is
    /// stored on a majority of the servers"; "Raft never commits log entries from previous terms by
    /// counting replicas" (3.6.2).
    pub(super) fn count_replicas(&mut self, now: Instant, out: &mut Vec<Output>) {
        let Some(mut index) = self.replicated(self.disk.last(), out) else { return };
        if self.switches.reports(Twist::RaftSelfAck) {
            let told = self.replicated(self.log.last(), out).unwrap_or(index);
            if self.bug(Twist::RaftSelfAck, told > index.max(self.commit), out) {
                index = told;
            }
        }
        if index <= self.commit {
            return;
        }
        let own = self.log.term_at(index) == Some(self.term);
        if !own && !self.bug(Twist::RaftCommitByCounting, true, out) {
            return;
        }
        self.commit_to(index, now, out);
        self.tell_commit(out);
        self.open_reads(now, out);
        self.settle_membership(now, out);
    }

    /// What a quorum has, if this leader has so much itself.
    fn replicated(&self, own: Index, out: &mut Vec<Output>) -> Option<Index> {
        let leading = self.leading.as_ref()?;
        let matched = |id| match leading.progress.get(&id) {
            Some(progress) => progress.matched,
            None if id == self.id => own,
            None => Index(0),
        };
        self.agreed(&self.membership, matched, out)
    }

    /// Followers to whom nothing is under way hear at once that more is committed; the others with
    /// their next message.
    fn tell_commit(&mut self, out: &mut Vec<Output>) {
        let Some(leading) = &self.leading else { return };
        let idle: Vec<ReplicaId> = (leading.progress.iter())
            .filter(|(_, progress)| {
                let idle = matches!(progress.state, State::Replicate) && !progress.is_waiting();
                // Whoever lacks entries hears it with them.
                idle && progress.told < self.commit && progress.next > self.log.last()
            })
            .map(|(id, _)| *id)
            .collect();
        idle.into_iter().for_each(|id| _ = self.offer(id, 0, out));
    }

    pub(super) fn on_append_reply(
        &mut self,
        from: ReplicaId,
        matched: Index,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let Some(progress) = self.leading.as_mut().and_then(|l| l.progress.get_mut(&from)) else {
            return;
        };
        if matched > self.log.last() {
            return;
        }
        let news = matched > progress.matched;
        progress.arrived(matched);
        match &mut progress.state {
            State::Probe { waiting } if matched < progress.matched => *waiting = false,
            State::Snapshot(sending) if matched < sending.snapshot.index => {}
            State::Replicate => {}
            State::Probe { .. } | State::Snapshot(_) => {
                progress.next = progress.matched.next();
                feed(self.switches, progress, State::Replicate, out);
            }
        }
        if news {
            self.count_replicas(now, out);
        }
        self.replicate(from, out);
        self.tell_commit(out);
        self.urge_transfer(out);
    }

    /// "After a rejection, the leader decrements nextIndex and retries" (3.5): by whole terms, as
    /// the follower's hint allows.
    pub(super) fn on_append_reject(
        &mut self,
        from: ReplicaId,
        prev: Index,
        (hint, hint_term): (Index, Term),
        out: &mut Vec<Output>,
    ) {
        let Some(progress) = self.leading.as_mut().and_then(|l| l.progress.get_mut(&from)) else {
            return;
        };
        let stale = match progress.state {
            State::Snapshot(_) => true,
            State::Replicate => prev <= progress.matched || prev >= progress.next,
            State::Probe { .. } => prev.next() != progress.next || prev <= progress.matched,
        };
        if stale {
            return;
        }
        let (agree, _) = self.log.may_match(hint.min(Index(prev.0 - 1)), hint_term);
        progress.next = agree.max(progress.matched).next();
        feed(self.switches, progress, State::Probe { waiting: false }, out);
        self.replicate(from, out);
    }

    /// A follower answered a heartbeat. What it was sent before that and has not answered may be
    /// lost, or its disk takes long: it is asked, at most once a heartbeat.
    pub(super) fn ask_again(
        &mut self,
        to: ReplicaId,
        round: u64,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let Some(progress) = self.leading.as_mut().and_then(|l| l.progress.get_mut(&to)) else {
            return;
        };
        let since = now.since(progress.asked_at);
        if round > progress.sent_in && since >= self.settings.heartbeat {
            progress.asked_at = now;
            progress.idle = true;
            let under_way = progress.is_waiting();
            match &mut progress.state {
                State::Probe { waiting } => *waiting = false,
                // Are the logs equal up to the last that was sent? If not, something was lost.
                State::Replicate if under_way => _ = self.offer(to, 0, out),
                State::Replicate => {}
                State::Snapshot(sending) => {
                    sending.rewind(self.settings.chunk_bytes.max(1) as usize)
                }
            }
        }
        self.replicate(to, out);
    }
}
