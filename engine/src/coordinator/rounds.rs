//! Checkpoint rounds: trigger, acknowledgements, completion, notification.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::time::Instant;

use super::checkpoints::Acknowledged;
use super::decide::Rebalance;
use super::master::{CHECKPOINT_DUE, CHECKPOINT_TIMEOUT, MAIN, Master, Step};
use super::metadata::{Command, Completed};
use super::{Ledger, tell};
use crate::handle::FileId;
use crate::ids::{CheckpointId, Generation, TaskId};
use crate::message::{Discard, Message};
use crate::names::Probe;
use crate::node::Cx;
use crate::observation::{AbortReason, Observation, Resource};
use crate::permit::CommitPermit;

impl Master {
    /// Sets the timer for the next checkpoint, if none is under way.
    pub(super) fn schedule_checkpoint(&mut self, cx: &mut Cx<'_>) {
        if let Some(due) = self.checkpoints.due(&self.checkpoint_settings()) {
            cx.set_timer(MAIN, due.since(cx.now()), CHECKPOINT_DUE);
        }
    }

    /// Asks for an id if a checkpoint is due now.
    pub(super) fn trigger_if_due(&mut self, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        let due = |at: Instant| at <= cx.now();
        let is_due = self.checkpoints.due(&self.checkpoint_settings()).is_some_and(due);
        if is_due && matches!(self.step, Step::Running) {
            self.checkpoints.reserve();
            let generation = ledger.metadata.generation();
            ledger.propose(Command::Reserve { generation }, cx);
        }
    }

    /// The id is durable: tell the sources.
    pub(super) fn begin_checkpoint(
        &mut self,
        checkpoint: CheckpointId,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        let assignment = ledger.metadata.assignment().expect("ids are for generations").clone();
        let generation = assignment.generation;
        self.checkpoints.begin(checkpoint, &assignment, cx.now());
        cx.observe(Observation::CheckpointTriggered { checkpoint, generation });
        let trigger = Message::Trigger { checkpoint, generation, task: TaskId::BROKER };
        self.tell_workers(&trigger, ledger, cx);
        let timeout = self.cluster.checkpoint.timeout;
        cx.set_timer(MAIN, timeout, CHECKPOINT_TIMEOUT | u64::from(checkpoint.0));
    }

    /// Acts on what an acknowledgement did.
    pub(super) fn acknowledged(
        &mut self,
        ack: Acknowledged,
        generation: Generation,
        task: TaskId,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        let resource = Resource::Checkpoints;
        match ack {
            Acknowledged::Ignored if generation < ledger.metadata.generation() => {
                cx.probe(Probe::LateAcknowledgement);
                cx.observe(Observation::Refused { resource, generation, task });
            }
            Acknowledged::Ignored => cx.probe(Probe::LateAcknowledgement),
            Acknowledged::Counted => {
                cx.observe(Observation::Accepted { resource, generation, task });
            }
            Acknowledged::Last(completed) => {
                cx.observe(Observation::Accepted { resource, generation, task });
                let ran = self.pace.account(cx.now());
                ledger.propose(Command::Complete(Completed { ran, ..completed }), cx);
            }
        }
    }

    /// Completion is applied: mint the permit, tell the tasks, forget what is not needed.
    pub(super) fn checkpoint_completed(
        &mut self,
        completed: &Completed,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        let Completed { checkpoint, generation, attempt, .. } = *completed;
        self.checkpoints.complete(checkpoint, cx.now());
        self.adapt(ledger, cx);
        let permit = CommitPermit::mint(checkpoint, generation, attempt);
        self.tell_workers(&Message::Complete { permit, task: TaskId::BROKER }, ledger, cx);
        self.discard(checkpoint, ledger, cx);
        if let Some(rebalancing @ Rebalance::Covering { .. }) = &mut self.rebalancing {
            *rebalancing = Rebalance::Covered;
            self.consider(ledger, cx);
        }
        // Where the generation could not be replaced it goes on.
        if matches!(self.step, Step::Running) {
            self.schedule_checkpoint(cx);
        }
    }

    /// Tells the store which files are still needed of all checkpoints up to a completed one.
    fn discard(&self, up_to: CheckpointId, ledger: &Ledger, cx: &mut Cx<'_>) {
        let generation = ledger.metadata.generation();
        let mut keep: Vec<FileId> =
            ledger.metadata.retained().iter().flat_map(|completed| completed.files()).collect();
        keep.sort();
        keep.dedup();
        let discard = Arc::new(Discard { up_to, keep, generation });
        let store = self.resources.iter().find(|r| r.node == self.cluster.store);
        tell(store.and_then(|store| store.conn), Message::Discard(discard), cx);
    }

    /// The time for a checkpoint is over.
    pub(super) fn checkpoint_timeout(
        &mut self,
        checkpoint: CheckpointId,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        if !self.checkpoints.abort(checkpoint) {
            return;
        }
        let (generation, reason) = (ledger.metadata.generation(), AbortReason::Expired);
        cx.probe(Probe::CheckpointExpired);
        cx.observe(Observation::CheckpointAborted { checkpoint, generation, reason });
        let abort = Message::AbortCheckpoint { checkpoint, generation, task: TaskId::BROKER };
        self.tell_workers(&abort, ledger, cx);
        self.schedule_checkpoint(cx);
    }
}
