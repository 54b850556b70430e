//! The transactional sink: two-phase commit, driven by checkpoints.
//!
//! Rules after Flink's `TwoPhaseCommitSinkFunction` (SEMANTICS 1.6): a cut pre-commits the current
//! transaction and begins the next; a completion commits every pending transaction up to it; a
//! checkpoint that is given up leaves its transaction pending, to be committed with a later one; a
//! restore commits what the snapshot covers and aborts the rest.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::inputs::Inputs;
use super::links::Env;
use crate::ids::{CheckpointId, TaskId};
use crate::message::{Data, Message, Transaction};
use crate::observation::Observation;
use crate::permit::CommitPermit;
use crate::snapshot::{Snapshot, TransactionId};

/// Tuples after which the current transaction's records are sent before its end.
const WRITE_AFTER: usize = 2_000;

/// A sink task.
#[derive(Clone, Debug)]
pub(super) struct Sink {
    task: TaskId,
    pub(super) inputs: Inputs,
    /// Records of the current transaction that have not been sent.
    unsent: Vec<Arc<Data>>,
    unsent_tuples: usize,
    /// The current transaction has records at the receiver.
    begun: bool,
    /// Counts this attempt's transactions.
    number: u32,
    /// Pre-committed and not known to be committed, oldest first.
    pending: Vec<(TransactionId, CheckpointId)>,
    /// The receiver has confirmed every pre-commit up to this checkpoint.
    confirmed: CheckpointId,
}

impl Sink {
    pub(super) fn new(task: TaskId, inputs: Inputs) -> Self {
        let (unsent, pending) = (Vec::new(), Vec::new());
        let (number, confirmed) = (0, CheckpointId(0));
        Sink { task, inputs, unsent, unsent_tuples: 0, begun: false, number, pending, confirmed }
    }

    fn current(&self, env: &Env<'_, '_>) -> TransactionId {
        let (task, generation, attempt) = (self.task, env.generation, env.attempt);
        TransactionId { task, generation, attempt, number: self.number }
    }

    fn send(transaction: Transaction, env: &mut Env<'_, '_>) {
        env.links.receiver.send(Message::Transaction(Arc::new(transaction)), env.cx);
    }

    /// Commits what a restored checkpoint covers and throws away what older generations left.
    pub(super) fn recover(
        &mut self,
        snapshot: &Snapshot,
        permit: Option<CommitPermit>,
        env: &mut Env<'_, '_>,
    ) {
        let (task, generation) = (self.task, env.generation);
        let ids = snapshot.transactions.iter().map(|(id, _)| *id).collect();
        Sink::send(Transaction::Recover { task, generation, ids, permit }, env);
    }

    /// Takes a batch into the current transaction.
    pub(super) fn execute(&mut self, data: &Arc<Data>, env: &mut Env<'_, '_>) {
        let (task, from, generation) = (self.task, data.from, env.generation);
        for (head, _) in data.batch.iter() {
            let (root, child, group) = (head.root, head.child, None);
            env.cx.observe(Observation::Executed { task, from, generation, root, child, group });
        }
        self.unsent.push(data.clone());
        self.unsent_tuples += data.batch.len();
        if self.unsent_tuples >= WRITE_AFTER {
            let batches = core::mem::take(&mut self.unsent);
            (self.unsent_tuples, self.begun) = (0, true);
            let id = self.current(env);
            Sink::send(Transaction::Write { id, batches }, env);
        }
    }

    /// Pre-commits the current transaction. Some if the receiver has to confirm what the snapshot
    /// names: up to which checkpoint. That may be one that was given up.
    pub(super) fn cut(
        &mut self,
        checkpoint: CheckpointId,
        snapshot: &mut Snapshot,
        env: &mut Env<'_, '_>,
    ) -> Option<CheckpointId> {
        let has_records = self.begun || !self.unsent.is_empty();
        if has_records {
            let id = self.current(env);
            let batches = core::mem::take(&mut self.unsent);
            self.pending.push((id, checkpoint));
            (self.unsent_tuples, self.begun) = (0, false);
            self.number += 1;
            Sink::send(Transaction::PreCommit { id, checkpoint, batches }, env);
        }
        snapshot.transactions.clone_from(&self.pending);
        let newest = self.pending.last().map(|(_, ends)| *ends);
        newest.filter(|ends| *ends > self.confirmed)
    }

    /// The receiver has confirmed a pre-commit, and with it all earlier ones: its log is in order.
    pub(super) fn pre_committed(&mut self, checkpoint: CheckpointId) {
        self.confirmed = self.confirmed.max(checkpoint);
    }

    /// A checkpoint is complete: everything up to it becomes visible.
    pub(super) fn commit(&mut self, permit: CommitPermit, env: &mut Env<'_, '_>) {
        let covered = self.pending.iter().filter(|(_, ends)| *ends <= permit.checkpoint());
        let ids: Vec<TransactionId> = covered.map(|(id, _)| *id).collect();
        if !ids.is_empty() {
            let (task, generation) = (self.task, env.generation);
            Sink::send(Transaction::Commit { task, generation, ids, permit }, env);
        }
    }

    /// The receiver has made everything up to a checkpoint visible.
    pub(super) fn committed(&mut self, checkpoint: CheckpointId) {
        self.pending.retain(|(_, ends)| *ends > checkpoint);
    }
}
