//! Checkpoint rounds: trigger, acknowledgements, completion, notification.

use stormglass_sim::time::Instant;

use super::checkpoints::Acknowledged;
use super::metadata::{Command, Completed};
use super::{CHECKPOINT_DUE, CHECKPOINT_TIMEOUT, Coordinator, MAIN, Step};
use crate::ids::{CheckpointId, Generation, TaskId};
use crate::message::Message;
use crate::names::Probe;
use crate::node::Cx;
use crate::observation::{AbortReason, Observation, Resource};
use crate::permit::CommitPermit;

impl Coordinator {
    /// Sets the timer for the next checkpoint, if none is under way.
    pub(super) fn schedule_checkpoint(&mut self, cx: &mut Cx<'_>) {
        if let Some(due) = self.checkpoints.due(&self.cluster.checkpoint) {
            cx.set_timer(MAIN, due.since(cx.now()), CHECKPOINT_DUE);
        }
    }

    /// Asks for an id if a checkpoint is due now.
    pub(super) fn trigger_if_due(&mut self, cx: &mut Cx<'_>) {
        let due = |at: Instant| at <= cx.now();
        let is_due = self.checkpoints.due(&self.cluster.checkpoint).is_some_and(due);
        if is_due && matches!(self.step, Step::Running) {
            self.checkpoints.reserve();
            let generation = self.metadata.generation();
            self.propose(Command::Reserve { generation }, cx);
        }
    }

    /// The id is durable: tell the sources.
    pub(super) fn begin_checkpoint(&mut self, checkpoint: CheckpointId, cx: &mut Cx<'_>) {
        let assignment = self.metadata.assignment().expect("ids are for generations").clone();
        let generation = assignment.generation;
        self.checkpoints.begin(checkpoint, &assignment, cx.now());
        cx.observe(Observation::CheckpointTriggered { checkpoint, generation });
        let trigger = Message::Trigger { checkpoint, generation, task: TaskId::BROKER };
        self.tell_workers(&trigger, cx);
        let timeout = self.cluster.checkpoint.timeout;
        cx.set_timer(MAIN, timeout, CHECKPOINT_TIMEOUT | u64::from(checkpoint.0));
    }

    /// Acts on what an acknowledgement did.
    pub(super) fn acknowledged(
        &mut self,
        ack: Acknowledged,
        generation: Generation,
        task: TaskId,
        cx: &mut Cx<'_>,
    ) {
        let resource = Resource::Checkpoints;
        match ack {
            Acknowledged::Ignored if generation < self.metadata.generation() => {
                cx.probe(Probe::LateAcknowledgement);
                cx.observe(Observation::Refused { resource, generation, task });
            }
            Acknowledged::Ignored => cx.probe(Probe::LateAcknowledgement),
            Acknowledged::Counted => {
                cx.observe(Observation::Accepted { resource, generation, task });
            }
            Acknowledged::Last(completed) => {
                cx.observe(Observation::Accepted { resource, generation, task });
                self.propose(Command::Complete(completed), cx);
            }
        }
    }

    /// Completion is applied: mint the permit, tell the tasks, forget what is not needed.
    pub(super) fn checkpoint_completed(&mut self, completed: &Completed, cx: &mut Cx<'_>) {
        let Completed { checkpoint, generation, attempt, bytes } = *completed;
        cx.observe(Observation::CheckpointCompleted { checkpoint, generation, bytes });
        self.checkpoints.complete(checkpoint, cx.now());
        let permit = CommitPermit::mint(checkpoint, generation, attempt);
        self.tell_workers(&Message::Complete { permit, task: TaskId::BROKER }, cx);
        if let Some(below) = self.metadata.oldest() {
            let store = self.resources.iter().find(|r| r.node == self.cluster.store);
            if let Some(conn) = store.and_then(|store| store.conn) {
                let _ = cx.write(conn, Message::Discard { below, generation });
            }
        }
        self.schedule_checkpoint(cx);
    }

    /// The time for a checkpoint is over.
    pub(super) fn checkpoint_timeout(&mut self, checkpoint: CheckpointId, cx: &mut Cx<'_>) {
        if !self.checkpoints.abort(checkpoint) {
            return;
        }
        let (generation, reason) = (self.metadata.generation(), AbortReason::Expired);
        cx.probe(Probe::CheckpointExpired);
        cx.observe(Observation::CheckpointAborted { checkpoint, generation, reason });
        let abort = Message::AbortCheckpoint { checkpoint, generation, task: TaskId::BROKER };
        self.tell_workers(&abort, cx);
        self.schedule_checkpoint(cx);
    }
}
