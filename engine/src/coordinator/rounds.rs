//! Checkpoint rounds: trigger, acknowledgements, completion, notification.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::checkpoints::{Ack, Acknowledged, Asker, GivenUp, failures};
use super::decide::Rebalance;
use super::master::{CHECKPOINT_DUE, CHECKPOINT_TIMEOUT, MAIN, Master, Step};
use super::metadata::{Command, Completed};
use super::{Ledger, tell};
use crate::barrier::CheckpointKind;
use crate::handle::{Discard, FileId};
use crate::ids::{Attempt, CheckpointId, Generation, TaskId};
use crate::message::Message;
use crate::names::{Probe, Twist};
use crate::node::Cx;
use crate::observation::{AbortReason, Observation, Resource};
use crate::permit::CommitPermit;
use crate::topology::Kind;

impl Master {
    /// Sets the timer for the next checkpoint, if it may begin.
    pub(super) fn schedule_checkpoint(&mut self, cx: &mut Cx<'_>) {
        if self.spout.is_some() {
            return;
        }
        if let Some(due) = self.checkpoints.due(&self.checkpoint_settings()) {
            cx.set_timer(MAIN, due.since(cx.now()), CHECKPOINT_DUE);
        }
    }

    /// Asks for an id if a checkpoint is due now.
    pub(super) fn trigger_if_due(&mut self, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        if !matches!(self.step, Step::Running) || ledger.metadata.ending().is_some() {
            return;
        }
        if self.checkpoints.reserve(&self.checkpoint_settings(), cx.now()).is_some() {
            let generation = ledger.metadata.generation();
            ledger.propose(Command::Reserve { generation }, cx);
        }
    }

    /// An operator wants a savepoint. If none can begin it is ignored: the operator asks again.
    pub(super) fn ask_savepoint(
        &mut self,
        kind: CheckpointKind,
        asker: Asker,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        let ends = ledger.metadata.ending().is_some();
        if ends || matches!(self.step, Step::Running) && !self.checkpoints.ask(kind, asker) {
            return refuse(asker, cx);
        }
        self.trigger_if_due(ledger, cx);
    }

    /// The id is durable: tell the sources.
    pub(super) fn begin_checkpoint(
        &mut self,
        checkpoint: CheckpointId,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        let assignment = ledger.metadata.assignment().expect("ids are for generations").clone();
        let (generation, base) = (assignment.generation, ledger.metadata.latest_checkpoint());
        let barrier = self.checkpoints.begin(checkpoint, &assignment, base.cloned(), cx.now());
        let kind = barrier.kind;
        cx.observe(Observation::CheckpointTriggered { checkpoint, kind, generation });
        let trigger = Message::Trigger { barrier, generation, task: TaskId::BROKER };
        self.tell_workers(&trigger, ledger, cx);
        let tenths = if cx.twist(Twist::CheckpointHurried) { 1 } else { 10 };
        let timeout = self.cluster.checkpoint.timeout.scale(tenths, 10);
        cx.set_timer(MAIN, timeout, CHECKPOINT_TIMEOUT | u64::from(checkpoint.0));
        self.schedule_checkpoint(cx);
    }

    /// A task says that its part is durable.
    pub(super) fn acknowledge(&mut self, ack: Ack, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        let Ack { checkpoint, generation, attempt, .. } = ack;
        let (task, bytes, resource) = (ack.part.task, ack.part.state, Resource::Checkpoints);
        let current = ledger.metadata.assignment().map(|a| (a.generation, a.attempt));
        let stale = self.checkpoints.pending(checkpoint).is_some()
            && current != Some((generation, attempt));
        let any = stale && cx.twist(Twist::AcknowledgedByAnyAttempt);
        if ack.part.files.len() > 1 && cx.twist(Twist::FileNameReused) {
            self.checkpoints.reuse_names();
        }
        let done = self.checkpoints.acknowledge(ack, ledger.metadata.retained(), any);
        if done.counts() {
            cx.observe(Observation::CheckpointAcked { checkpoint, task, attempt, bytes });
            cx.observe(Observation::Accepted { resource, generation, task });
        }
        match done {
            Acknowledged::Counted => {}
            Acknowledged::Last(completed, asker) => {
                let completed = Completed { ran: self.pace.account(cx.now()), ..completed };
                ledger.propose_for(asker, Command::Complete(completed), cx);
            }
            Acknowledged::Baseless => {
                let reason = AbortReason::Declined;
                self.declined(checkpoint, (generation, attempt), reason, ledger, cx);
            }
            Acknowledged::Discarded | Acknowledged::Unknown | Acknowledged::Duplicate => {
                cx.probe(Probe::LateAcknowledgement);
                if generation < ledger.metadata.generation() {
                    cx.observe(Observation::Refused { resource, generation, task });
                }
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
        let checkpoint = completed.checkpoint;
        let subsumed = self.checkpoints.complete(checkpoint, cx.now());
        self.adapt(ledger, cx);
        if completed.kind.publishes() || cx.twist(Twist::SavepointNotRestored) {
            self.notify_complete(completed, ledger, cx);
        }
        for given_up in subsumed {
            cx.probe(Probe::CheckpointSubsumed);
            self.give_up(given_up, ledger, cx);
        }
        self.discard(checkpoint, ledger, cx);
        if cx.twist(Twist::LeadershipPassedOn) {
            // Who is alone, or has begun to do so, stays.
            let _ = ledger.replica.transfer(cx);
        }
        self.covered(ledger, cx);
        self.end_if_due(ledger, cx);
        // Where the generation could not be replaced it goes on.
        if matches!(self.step, Step::Running) {
            self.schedule_checkpoint(cx);
        }
    }

    fn notify_complete(&self, completed: &Completed, ledger: &Ledger, cx: &mut Cx<'_>) {
        let Completed { checkpoint, generation, attempt, .. } = *completed;
        let permit = CommitPermit::mint(checkpoint, generation, attempt);
        for _ in 0..if cx.twist(Twist::NoticeTwice) { 2 } else { 1 } {
            self.tell_workers(&Message::Complete { permit, task: TaskId::BROKER }, ledger, cx);
        }
    }

    /// A planted bug: nothing is needed any more.
    pub(super) fn clean_up(&self, ledger: &Ledger, cx: &mut Cx<'_>) {
        if let Some(latest) = ledger.metadata.latest() {
            self.keep_only(Vec::new(), latest.checkpoint, ledger, cx);
        }
    }

    /// A generation that is to be replaced has waited for this.
    pub(super) fn covered(&mut self, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        if let Some(rebalancing @ Rebalance::Covering { .. }) = &mut self.rebalancing {
            *rebalancing = Rebalance::Covered;
            self.consider(ledger, cx);
        }
    }

    /// Tells the stores which files are still needed of all checkpoints up to a completed one. A
    /// planted bug: after a savepoint those of savepoints alone, though tasks build on others.
    pub(super) fn discard(&self, up_to: CheckpointId, ledger: &Ledger, cx: &mut Cx<'_>) {
        let metadata = &ledger.metadata;
        let newest = metadata.latest().map(|latest| latest.kind);
        let after_savepoint = newest.is_some_and(CheckpointKind::is_savepoint);
        let keep = if after_savepoint && cx.twist(Twist::SavepointSubsumes) {
            metadata.savepoints().iter().flat_map(|savepoint| savepoint.files()).collect()
        } else {
            self.needed(ledger)
        };
        self.keep_only(keep, up_to, ledger, cx);
    }

    /// A planted bug: what is given up with its generation gives its references back when the next
    /// one counts them already, so that they are missing there.
    pub(super) fn discard_late(&self, ledger: &Ledger, cx: &mut Cx<'_>) {
        let referred = self.checkpoints.acknowledged_files();
        if let Some(latest) = ledger.metadata.latest()
            && !referred.is_empty()
            && cx.twist(Twist::DiscardOutlivesRestart)
        {
            let mut keep = self.needed(ledger);
            keep.retain(|file| !referred.contains(file));
            self.keep_only(keep, latest.checkpoint, ledger, cx);
        }
    }

    /// All files that are still needed.
    pub(super) fn needed(&self, ledger: &Ledger) -> Vec<FileId> {
        let mut keep = self.checkpoints.needed(ledger.metadata.retained());
        keep.extend(ledger.metadata.savepoints().iter().flat_map(|savepoint| savepoint.files()));
        keep.into_iter().collect()
    }

    pub(super) fn keep_only(
        &self,
        keep: Vec<FileId>,
        up_to: CheckpointId,
        ledger: &Ledger,
        cx: &mut Cx<'_>,
    ) {
        let generation = ledger.metadata.generation();
        let discard = Arc::new(Discard { up_to, keep, generation });
        for node in &self.cluster.stores {
            let store = self.resources.iter().find(|resource| resource.node == *node);
            tell(store.and_then(|store| store.conn), Message::Discard(discard.clone()), cx);
        }
    }

    /// The time for a checkpoint is over.
    pub(super) fn checkpoint_timeout(
        &mut self,
        checkpoint: CheckpointId,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        if self.abort(checkpoint, AbortReason::Expired, ledger, cx) {
            cx.probe(Probe::CheckpointExpired);
        }
    }

    /// A task cannot take part.
    pub(super) fn declined(
        &mut self,
        checkpoint: CheckpointId,
        (generation, attempt): (Generation, Attempt),
        reason: AbortReason,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        let current = ledger.metadata.assignment().map(|a| (a.generation, a.attempt));
        if current == Some((generation, attempt)) && self.abort(checkpoint, reason, ledger, cx) {
            cx.probe(Probe::CheckpointDeclined);
        }
    }

    /// A completion was proposed, and refused.
    pub(super) fn completion_refused(
        &mut self,
        checkpoint: CheckpointId,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        self.abort(checkpoint, AbortReason::Finalize, ledger, cx);
    }

    /// Gives a checkpoint up, if it is under way. True if it was.
    fn abort(
        &mut self,
        checkpoint: CheckpointId,
        reason: AbortReason,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) -> bool {
        let tolerated = self.cluster.checkpoint.tolerated_failures;
        let Some(kind) = self.checkpoints.pending(checkpoint) else { return false };
        let any = !failures::counts(reason, kind) && cx.twist(Twist::AnyReasonCounts);
        let given_up = self.checkpoints.abort(checkpoint, reason, tolerated, any);
        let Some(given_up) = given_up else { return false };
        self.give_up(given_up, ledger, cx);
        self.schedule_checkpoint(cx);
        true
    }

    /// A checkpoint is given up: whoever takes part or waits is told, and nothing is deleted.
    fn give_up(&mut self, given_up: GivenUp, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        let GivenUp { checkpoint, generation, reason, .. } = given_up;
        tell_given_up(&given_up, cx);
        let latest = ledger.metadata.latest().map(|latest| latest.checkpoint);
        let task = TaskId::BROKER;
        let abort = Message::AbortCheckpoint { checkpoint, latest, generation, task };
        self.tell_workers(&abort, ledger, cx);
        if let Some(asker) = given_up.asker {
            refuse(asker, cx);
        }
        if given_up.fails_job && matches!(self.step, Step::Running) {
            cx.probe(Probe::FailuresNotTolerated);
            cx.observe(Observation::JobFailed { generation, checkpoint, reason });
            self.failed = true;
            self.consider(ledger, cx);
        }
    }

    /// If the job is to end and runs: tells the sinks again, until all have committed.
    pub(super) fn end_if_due(&mut self, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        let Some(ending) = ledger.metadata.ending().cloned() else { return };
        if matches!(self.step, Step::Running) && !self.failed {
            self.notify_complete(&ending, ledger, cx);
            self.stop_if_finished(&ending, ledger, cx);
        }
    }

    /// A sink task has nothing left to commit.
    pub(super) fn finished(
        &mut self,
        checkpoint: CheckpointId,
        generation: Generation,
        task: TaskId,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        let Some(ending) = ledger.metadata.ending().cloned() else { return };
        let due = (ending.checkpoint, ledger.metadata.generation());
        if (checkpoint, generation) == due && self.finished.insert(task) {
            self.stop_if_finished(&ending, ledger, cx);
        }
    }

    fn stop_if_finished(&mut self, ending: &Completed, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        let topology = &self.cluster.topology;
        let sinks = topology.components().iter().filter(|c| matches!(c.kind, Kind::Sink(_)));
        let mut sinks = sinks.flat_map(|component| component.tasks());
        if sinks.all(|task| self.finished.contains(&task)) {
            let (generation, checkpoint) = (ledger.metadata.generation(), ending.checkpoint);
            ledger.propose(Command::Stop { generation, checkpoint }, cx);
        }
    }
}

/// Observes that a checkpoint is given up.
pub(super) fn tell_given_up(given_up: &GivenUp, cx: &mut Cx<'_>) {
    let GivenUp { checkpoint, generation, reason, .. } = *given_up;
    cx.observe(Observation::CheckpointAborted { checkpoint, generation, reason });
}

/// Tells an operator that there will be no savepoint.
fn refuse(asker: Asker, cx: &mut Cx<'_>) {
    let number = asker.sequence as u32;
    cx.send(asker.client, Message::Answer { number, answer: None });
}
