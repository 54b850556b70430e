//! What must be durable before what is said.
//!
//! Term, vote and log are "updated on stable storage before responding to RPCs" (figure 3.1): a
//! message that promises something is *held* until the writes that it rests on are confirmed. A
//! leader's entries go out while its own disk is still busy (10.2.1), but it counts itself only
//! when it has them.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use stormglass_sim::time::Instant;

use super::message::{Kind, Message};
use super::{Durable, Index, Output, PersistId, Point, Raft, ReplicaId, Term, Write};

/// What a replica knows of its disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    issued: PersistId,
    confirmed: PersistId,
    /// The last write of term and vote.
    hard: PersistId,
    /// Term or vote differ from what was last written.
    pub(super) dirty: bool,
    /// The log is durable up to here, if nothing more is written.
    last: Index,
    /// Writes of the log that are not confirmed: each makes it durable up to an index.
    writes: VecDeque<(PersistId, Index)>,
    held: Vec<(PersistId, Held)>,
}

#[derive(Clone, Debug)]
enum Held {
    Send(ReplicaId, Message),
    /// A candidate's vote for itself.
    OwnVote(Term),
}

impl Disk {
    pub(super) fn new(last: Index) -> Self {
        Disk { last, ..Disk::default() }
    }
    /// The log is durable up to here.
    pub(super) fn last(&self) -> Index {
        self.last
    }
    /// Entries from an index on are gone, durable or not.
    pub(super) fn cut(&mut self, from: Index) {
        let last = Index(from.0 - 1);
        self.last = self.last.min(last);
        self.writes.iter_mut().for_each(|(_, durable)| *durable = last.min(*durable));
    }
    /// What a promise about the log up to an index rests on.
    fn of_log(&self, index: Index) -> PersistId {
        let write = self.writes.iter().find(|(_, last)| *last >= index);
        write.map_or(self.hard, |(id, _)| self.hard.max(*id))
    }
}

impl Raft {
    fn issue(&mut self, write: Write, out: &mut Vec<Output>) -> PersistId {
        self.disk.issued.0 += 1;
        out.push(Output::Persist(self.disk.issued, write));
        self.disk.issued
    }

    /// Writes term and vote if they changed.
    pub(super) fn write_hard(&mut self, out: &mut Vec<Output>) {
        if self.disk.dirty {
            self.disk.dirty = false;
            let write = Write::HardState { term: self.term, vote: self.vote };
            self.disk.hard = self.issue(write, out);
        }
    }

    /// Writes a change of the log, which is whole in memory already.
    pub(super) fn write_log(&mut self, write: Write, out: &mut Vec<Output>) {
        self.write_hard(out);
        let id = self.issue(write, out);
        self.disk.writes.push_back((id, self.log.last()));
    }

    /// Sends what promises no more than the current term, once that is durable.
    pub(super) fn reply(&mut self, to: ReplicaId, kind: Kind, out: &mut Vec<Output>) {
        self.write_hard(out);
        self.hold(self.disk.hard, to, kind, out);
    }

    /// Sends what promises that the log up to an index is durable.
    pub(super) fn promise(
        &mut self,
        through: Index,
        to: ReplicaId,
        kind: Kind,
        out: &mut Vec<Output>,
    ) {
        self.write_hard(out);
        self.hold(self.disk.of_log(through), to, kind, out);
    }

    fn hold(&mut self, rests_on: PersistId, to: ReplicaId, kind: Kind, out: &mut Vec<Output>) {
        if rests_on <= self.disk.confirmed {
            return self.send(to, kind, out);
        }
        let message = Message { term: self.term, kind };
        self.disk.held.push((rests_on, Held::Send(to, message)));
    }

    /// Whether term and vote are durable as they are.
    pub(super) fn hard_is_durable(&self) -> bool {
        !self.disk.dirty && self.disk.hard <= self.disk.confirmed
    }
    /// Whether the log is durable up to an index, and term and vote are.
    pub(super) fn log_is_durable(&self, through: Index) -> bool {
        !self.disk.dirty && self.disk.of_log(through) <= self.disk.confirmed
    }

    /// A candidate's vote for itself counts once it is durable, like any other.
    pub(super) fn hold_own_vote(&mut self, out: &mut Vec<Output>) {
        self.write_hard(out);
        self.disk.held.push((self.disk.hard, Held::OwnVote(self.term)));
    }

    /// Forgets promises of an older term: nobody waits for them any more.
    pub(super) fn drop_held(&mut self) {
        self.disk.held.clear();
    }

    /// Takes note that everything up to a write is durable, and lets go of what waited for it.
    pub fn persisted(&mut self, through: PersistId, now: Instant, out: &mut Vec<Output>) {
        assert!(through <= self.disk.issued, "confirmed before it was asked for");
        if through <= self.disk.confirmed {
            return;
        }
        self.disk.confirmed = through;
        let mut log = false;
        while let Some((_, last)) = self.disk.writes.pop_front_if(|(id, _)| *id <= through) {
            self.disk.last = last;
            log = true;
        }
        if log {
            out.push(Output::Point(Point::Persisted { last: self.disk.last }));
        }
        let held = core::mem::take(&mut self.disk.held);
        let (free, held) = held.into_iter().partition(|(id, _)| *id <= through);
        self.disk.held = held;
        let _: &Vec<(PersistId, Held)> = &free;
        for (_, what) in free {
            match what {
                Held::Send(to, message) => out.push(Output::Send(to, message)),
                Held::OwnVote(term) if term == self.term => {
                    self.count_vote(self.id, true, now, out);
                }
                Held::OwnVote(_) => {}
            }
        }
        if log {
            self.count_replicas(now, out);
        }
        self.verify();
    }

    /// What a rewritten file of this replica has to hold: everything that it knows, durable or not.
    #[must_use]
    pub fn durable(&self) -> Durable {
        Durable {
            term: self.term,
            vote: self.vote,
            snapshot: self.log.snapshot().cloned(),
            entries: self.log.entries().cloned().collect(),
        }
    }
}
