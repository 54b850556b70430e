//! The transactions that are not visible yet, and those that timed out.
//!
//! Rules after Kafka's (SEMANTICS 1.7): a transaction that is older than the timeout is thrown
//! away, unless its commit is decided; its writer is fenced with it, so that one who was paused
//! cannot go on as if nothing had happened. Each transaction has a writer of its own, as in Flink's
//! Kafka sink, so the fence is its name.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::time::Instant;

use super::log::{Expired, Frame, Output};
use crate::ids::{CheckpointId, Generation, TaskId};
use crate::message::Data;
use crate::permit::CommitPermit;
use crate::snapshot::TransactionId;

/// Transactions, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Transactions {
    open: BTreeMap<TransactionId, Open>,
    /// Those that timed out. Invariant: none is also open.
    expired: BTreeMap<TransactionId, Expired>,
}

/// A transaction that is not visible yet.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) outputs: Vec<Output>,
    /// The records' values in canonical encoding, as they go to the log.
    values: Vec<u8>,
    /// The checkpoint that ends it; set once it is pre-committed.
    pub(super) checkpoint: Option<CheckpointId>,
    /// When it began, by the machine's wall clock.
    pub(super) began: Instant,
    /// When it times out, by the monotonic clock.
    expires: Instant,
    fate: Fate,
    /// Its records were shown too early (a planted bug).
    pub(super) shown: bool,
}

/// What is decided of an open transaction, though it may not be durable yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Undecided,
    Committing,
    Expiring,
}

impl Transactions {
    /// A pre-committed transaction that the log knows.
    pub(super) fn restore(
        &mut self,
        id: TransactionId,
        (checkpoint, began, expires): (CheckpointId, Instant, Instant),
        (outputs, values): (Vec<Output>, Vec<u8>),
    ) {
        let (checkpoint, fate, shown) = (Some(checkpoint), Fate::Undecided, false);
        let open = Open { outputs, values, checkpoint, began, expires, fate, shown };
        self.open.insert(id, open);
    }

    /// Those that are not visible yet.
    pub(super) fn all(&self) -> impl Iterator<Item = (TransactionId, &Open)> {
        self.open.iter().map(|(id, open)| (*id, open))
    }

    /// One that is not visible yet.
    pub(super) fn get_mut(&mut self, id: TransactionId) -> Option<&mut Open> {
        self.open.get_mut(&id)
    }

    /// One that was taken out stays after all.
    pub(super) fn put_back(&mut self, id: TransactionId, open: Open) {
        self.open.insert(id, open);
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, id: TransactionId) -> Option<Open> {
        self.open.remove(&id)
    }

    /// What is known of a transaction that timed out, or is about to.
    pub(super) fn expired(&self, id: TransactionId) -> Option<Expired> {
        let open = || self.open.get(&id).filter(|open| open.fate == Fate::Expiring);
        self.expired.get(&id).copied().or_else(|| open().map(Open::as_expired))
    }

    /// Adds records, and begins the transaction if need be. `now` is by the wall clock, `expires`
    /// by the monotonic one.
    pub(super) fn write(
        &mut self,
        id: TransactionId,
        batches: &[Arc<Data>],
        began: Instant,
        expires: Instant,
    ) {
        let fresh = || Open {
            outputs: Vec::new(),
            values: Vec::new(),
            checkpoint: None,
            began,
            expires,
            fate: Fate::Undecided,
            shown: false,
        };
        let open = self.open.entry(id).or_insert_with(fresh);
        assert!(open.checkpoint.is_none(), "a pre-committed transaction takes no records");
        open.outputs.reserve(batches.iter().map(|data| data.batch.len()).sum());
        open.values.reserve(batches.iter().map(|data| data.batch.size() as usize).sum());
        for data in batches {
            for (head, values) in data.batch.iter() {
                open.outputs.push(Output::new(head, values));
                values.iter().for_each(|value| value.encode(&mut open.values));
            }
        }
    }

    /// Ends a transaction that was just written to; the encoded frame that says so.
    pub(super) fn pre_commit(&mut self, id: TransactionId, checkpoint: CheckpointId) -> Vec<u8> {
        let open = self.open.get_mut(&id).expect("just written to");
        open.checkpoint = Some(checkpoint);
        Frame::pre_commit((id, checkpoint, open.began), &open.outputs, &open.values)
    }

    /// The pre-committed transactions among `ids` that the permit covers: they will be committed.
    pub(super) fn permit(
        &mut self,
        ids: &[TransactionId],
        permit: Option<CommitPermit>,
    ) -> Vec<TransactionId> {
        let Some(permit) = permit else { return Vec::new() };
        let mut covered = Vec::new();
        for id in ids {
            let Some(open) = self.open.get_mut(id) else { continue };
            let ends = open.checkpoint.is_some_and(|ends| ends <= permit.checkpoint());
            let older = (id.generation, id.attempt) <= (permit.generation(), permit.attempt());
            if ends && older && open.fate != Fate::Expiring {
                open.fate = Fate::Committing;
                covered.push(*id);
            }
        }
        covered
    }

    /// Takes out what generations of a task before `than` left, but for what is decided; those
    /// that timed out are forgotten.
    pub(super) fn abort_older(
        &mut self,
        task: TaskId,
        than: Generation,
    ) -> Vec<(TransactionId, Open)> {
        let old = |id: &TransactionId| id.task == task && id.generation < than;
        self.expired.retain(|id, _| !old(id));
        let ids = self.open.iter().filter(|(id, open)| old(id) && open.fate == Fate::Undecided);
        let ids: Vec<TransactionId> = ids.map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| Some((id, self.open.remove(&id)?))).collect()
    }

    /// Those whose time is up: they will be thrown away.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(TransactionId, Expired)> {
        let mut due = Vec::new();
        for (id, open) in &mut self.open {
            if open.fate == Fate::Undecided && open.expires <= now {
                open.fate = Fate::Expiring;
                due.push((*id, open.as_expired()));
            }
        }
        due
    }

    /// When the next one's time is up.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        let undecided = self.open.values().filter(|open| open.fate == Fate::Undecided);
        undecided.map(|open| open.expires).min()
    }

    /// One that timed out is thrown away; false if it was before.
    pub(super) fn throw_away(&mut self, id: TransactionId) -> bool {
        self.open.remove(&id).is_some()
    }

    /// Nothing may be added to one that timed out.
    pub(super) fn fence(&mut self, id: TransactionId, expired: Expired) {
        self.expired.insert(id, expired);
    }

    /// What a log has to hold of them. No commit may be on its way to the disk.
    pub(super) fn frames(&self) -> Vec<Frame> {
        let mut frames = Vec::new();
        let expired: Vec<(TransactionId, Expired)> =
            self.expired.iter().map(|(id, of)| (*id, *of)).collect();
        if !expired.is_empty() {
            frames.push(Frame::Expired { of: expired });
        }
        let ended =
            |(id, open): (&TransactionId, &Open)| Some(open.as_frame(*id, open.checkpoint?));
        frames.extend(self.open.iter().filter_map(ended));
        frames
    }
}

impl Open {
    fn as_frame(&self, id: TransactionId, checkpoint: CheckpointId) -> Frame {
        let (outputs, values) = (self.outputs.clone(), self.values.clone());
        Frame::PreCommit { id, checkpoint, began: self.began, outputs, values }
    }
    fn as_expired(&self) -> Expired {
        let records = self.outputs.len() as u32;
        Expired { checkpoint: self.checkpoint, records, began: self.began }
    }
}
