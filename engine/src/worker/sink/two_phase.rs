//! The transactional sink: two-phase commit, driven by checkpoints.
//!
//! Rules after Flink's `TwoPhaseCommitSinkFunction` (SEMANTICS 1.6): a cut pre-commits the current
//! transaction and begins the next; a completion commits every pending transaction up to it, until
//! the receiver has answered; a checkpoint that is given up leaves its transaction pending, to be
//! committed with a later one; a restore commits what the snapshot covers and aborts the rest.
//! Completions may be lost, repeated, or out of order: each stands for all before it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::time::Span;

use super::super::links::Env;
use super::super::task::Failed;
use super::super::token;
use crate::ids::{CheckpointId, TaskId};
use crate::message::{Data, Gone, Message, Transaction};
use crate::names::{Probe, Twist};
use crate::observation::Observation;
use crate::permit::CommitPermit;
use crate::snapshot::{Snapshot, TransactionId};

/// Tuples after which the current transaction's records are sent before its end.
pub(super) const WRITE_AFTER: usize = 2_000;
/// How long a sink waits before it asks a busy receiver again.
const RETRY: Span = Span::millis(100);

/// The transactions of one sink task in one attempt.
#[derive(Clone, Debug)]
pub(super) struct TwoPhase {
    task: TaskId,
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
    /// The newest completion that it was told of.
    permit: Option<CommitPermit>,
    /// The receiver was busy: it will be asked again.
    retrying: bool,
}

/// Commits what a restored checkpoint covers and throws away what older generations left.
pub(super) fn recover(
    task: TaskId,
    snapshot: &Snapshot,
    permit: Option<CommitPermit>,
    env: &mut Env<'_, '_>,
) {
    let generation = env.generation;
    let ids = snapshot.transactions.iter().map(|(id, _)| *id).collect();
    send(Transaction::Recover { task, generation, ids, permit }, env);
}

pub(super) fn send(transaction: Transaction, env: &mut Env<'_, '_>) {
    env.links.receiver.send(Message::Transaction(Arc::new(transaction)), env.cx);
}

impl TwoPhase {
    pub(super) fn new(task: TaskId) -> Self {
        TwoPhase {
            task,
            unsent: Vec::new(),
            unsent_tuples: 0,
            begun: false,
            number: 0,
            pending: Vec::new(),
            confirmed: CheckpointId(0),
            permit: None,
            retrying: false,
        }
    }

    fn current(&self, env: &Env<'_, '_>) -> TransactionId {
        let (task, generation, attempt) = (self.task, env.generation, env.attempt);
        TransactionId { task, generation, attempt, number: self.number }
    }

    /// Takes a batch into the current transaction. Returns how many records it sent for that.
    pub(super) fn execute(&mut self, data: &Arc<Data>, env: &mut Env<'_, '_>) -> u32 {
        self.unsent.push(data.clone());
        self.unsent_tuples += data.batch.len();
        if self.unsent_tuples < WRITE_AFTER {
            return 0;
        }
        let sent = self.unsent_tuples as u32;
        let batches = core::mem::take(&mut self.unsent);
        (self.unsent_tuples, self.begun) = (0, true);
        let id = self.current(env);
        send(Transaction::Write { id, batches }, env);
        sent
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
            send(Transaction::PreCommit { id, checkpoint, batches }, env);
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
    pub(super) fn commit(
        &mut self,
        permit: CommitPermit,
        env: &mut Env<'_, '_>,
    ) -> Result<(), Failed> {
        let newer = |known: &CommitPermit| known.checkpoint() > permit.checkpoint();
        self.permit = self.permit.filter(newer).or(Some(permit));
        if !self.commit_covered(permit, env) && env.cx.twist(Twist::NotifyPrecondition) {
            let (task, generation) = (self.task, env.generation);
            env.cx.observe(Observation::TaskFailed { task, generation });
            return Err(Failed);
        }
        Ok(())
    }

    /// Asks for a commit of all that a permit covers. False if that is nothing.
    fn commit_covered(&self, permit: CommitPermit, env: &mut Env<'_, '_>) -> bool {
        let covered = self.pending.iter().filter(|(_, ends)| *ends <= permit.checkpoint());
        let ids: Vec<TransactionId> = covered.map(|(id, _)| *id).collect();
        let any = !ids.is_empty();
        if any {
            let (task, generation) = (self.task, env.generation);
            send(Transaction::Commit { task, generation, ids, permit }, env);
        }
        any
    }

    /// The receiver has made everything up to a checkpoint visible.
    pub(super) fn committed(&mut self, checkpoint: CheckpointId) {
        self.pending.retain(|(_, ends)| *ends > checkpoint);
    }

    /// Whether nothing is left to commit.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// A checkpoint is given up: nothing happens to its transaction.
    pub(super) fn abandoned(&mut self, checkpoint: CheckpointId, env: &mut Env<'_, '_>) {
        let of_it = |(_, ends): &(TransactionId, CheckpointId)| *ends == checkpoint;
        if self.pending.iter().any(of_it) && env.cx.twist(Twist::AbortedWithCheckpoint) {
            self.pending.retain(|pending| !of_it(pending));
        }
    }

    /// The receiver cannot commit at this moment: it is asked again until it has answered.
    pub(super) fn busy(&mut self, env: &mut Env<'_, '_>) {
        env.cx.probe(Probe::CommitRetried);
        let Some(permit) = self.permit else { return };
        if env.cx.twist(Twist::CommittableForgotten) {
            return self.committed(permit.checkpoint());
        }
        if !self.retrying {
            self.retrying = true;
            let lane = env.lane(self.task);
            env.cx.set_timer(lane, RETRY, token::retry(self.task, env.generation));
        }
    }

    /// Asks again for what the receiver was too busy to commit.
    pub(super) fn retry(&mut self, env: &mut Env<'_, '_>) {
        self.retrying = false;
        if let Some(permit) = self.permit {
            self.commit_covered(permit, env);
        }
    }

    /// A transaction timed out at the receiver. If it was pre-committed its records are lost, and
    /// all that can be done is to say so; the job goes on. If not, no checkpoint may cover it: a
    /// new generation writes its records again. Until then nothing that the receiver says counts,
    /// for a later transaction that it confirms would stand for this one, too.
    pub(super) fn gone(&mut self, gone: &Gone, env: &mut Env<'_, '_>) {
        let Some(checkpoint) = gone.checkpoint else {
            env.links.receiver.close(env.cx);
            let receiver = env.links.receiver.node;
            return env.broken(receiver, None);
        };
        self.pending.retain(|(id, _)| *id != gone.id);
        let Gone { id: TransactionId { task, generation, .. }, records, age, .. } = *gone;
        let lost = Observation::TransactionLost { task, generation, checkpoint, records, age };
        env.cx.observe(lost);
    }
}
