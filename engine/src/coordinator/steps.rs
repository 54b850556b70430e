//! The steps of the checkpoint spout: persisted, emitted, done by every bolt and sink.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::Lane;
use stormglass_sim::time::Span;

use super::Ledger;
use super::checkpoint_spout::{Decision, Phase};
use super::master::{MAIN, Master, STEP_DUE, STEP_TIMEOUT};
use super::metadata::{Command, Progress};
use crate::barrier::CheckpointKind;
use crate::handle::Part;
use crate::ids::{Attempt, CheckpointId, Generation, TaskId};
use crate::message::Message;
use crate::message::acking::{Emission, Step};
use crate::names::Probe;
use crate::node::Cx;
use crate::observation::{AbortReason, Observation};
use crate::topology::Kind;

impl Master {
    /// A generation runs: the checkpoint spout is opened, and recovers first.
    pub(super) fn open_spout(&mut self, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        if let Some(spout) = &mut self.spout {
            spout.reopen(cx.now());
            self.advance(ledger, cx);
        }
    }

    /// The generation is about to be replaced: the next checkpoint is due at once.
    pub(super) fn hurry_checkpoint(&mut self, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        match &mut self.spout {
            Some(spout) => spout.hurry(),
            None => self.checkpoints.hurry(),
        }
        self.schedule_checkpoint(cx);
        self.advance(ledger, cx);
    }

    /// Does what is next.
    pub(super) fn advance(&mut self, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        if !self.is_running() {
            return;
        }
        let interval = self.checkpoint_settings().interval;
        let Some(spout) = &mut self.spout else { return };
        let Progress { state, .. } = ledger.metadata.progress();
        let generation = ledger.metadata.generation();
        match spout.decide(state, cx.now(), interval) {
            Decision::Wait => {}
            Decision::WaitUntil(due) => {
                cx.set_timer(MAIN, due.since(cx.now()), STEP_DUE);
            }
            Decision::Persist(to, parts) => {
                let parts = if to.phase == Phase::Committing { self.whole(parts) } else { parts };
                ledger.propose(Command::Step { generation, to, parts }, cx);
            }
            Decision::Emit(action) => {
                let to = self.stepping();
                let spout = self.spout.as_mut().expect("just seen");
                let number = spout.emit(to);
                let Progress { state, version } = ledger.metadata.progress();
                let emission = Emission { term: ledger.replica.term(), number };
                let (from, to, lane) = (TaskId::BROKER, TaskId::BROKER, Lane(0));
                let txid = state.txid;
                let step = Step { generation, from, to, lane, emission, action, txid, version };
                self.tell_workers(&Message::Step(step), ledger, cx);
                let timeout = self.cluster.recovery.acking().map(|acking| acking.message_timeout);
                cx.set_timer(MAIN, timeout.unwrap_or_default(), STEP_TIMEOUT | u64::from(number));
            }
        }
    }

    /// The tasks that take checkpoint tuples.
    fn stepping(&self) -> BTreeSet<TaskId> {
        let components = self.cluster.topology.components().iter();
        let bolts = components.filter(|component| !matches!(component.kind, Kind::Spout(_)));
        bolts.flat_map(|component| component.tasks()).collect()
    }

    /// What all tasks keep: most have prepared nothing.
    fn whole(&self, prepared: Vec<Arc<Part>>) -> Vec<Arc<Part>> {
        let of = |task| {
            let prepared = prepared.iter().find(|part| part.task == task).cloned();
            let (state, inline, files, stopped) = (0, None, Vec::new(), Span::ZERO);
            prepared.unwrap_or_else(|| Arc::new(Part { task, state, inline, files, stopped }))
        };
        self.cluster.tasks().map(of).collect()
    }

    /// The checkpoint spout stands at something new.
    pub(super) fn step_persisted(
        &mut self,
        Progress { state, version }: Progress,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        let generation = ledger.metadata.generation();
        if let Some(spout) = &mut self.spout {
            spout.persisted();
        }
        match state.phase {
            Phase::Preparing => {
                let checkpoint = version;
                let kind = CheckpointKind::Checkpoint;
                cx.observe(Observation::CheckpointTriggered { checkpoint, kind, generation });
            }
            Phase::Committing => self.adapt(ledger, cx),
            Phase::Committed => {
                self.discard(version, ledger, cx);
                self.covered(ledger, cx);
            }
        }
        self.advance(ledger, cx);
    }

    /// A task has done a step, or could not.
    pub(super) fn stepped(
        &mut self,
        (emission, generation, task): (Emission, Generation, TaskId),
        done: bool,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        let current = (ledger.replica.term(), ledger.metadata.generation());
        if (emission.term, generation) != current {
            return cx.probe(Probe::LateAcknowledgement);
        }
        let Some(spout) = &mut self.spout else { return };
        if !done {
            return self.step_failed(emission.number, AbortReason::Declined, ledger, cx);
        }
        if spout.ack(emission.number, task) {
            self.advance(ledger, cx);
        }
    }

    /// What a task prepares is durable.
    pub(super) fn prepared(
        &mut self,
        (version, generation, attempt): (CheckpointId, Generation, Attempt),
        part: Arc<Part>,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        let (progress, task) = (ledger.metadata.progress(), part.task);
        let current = ledger.metadata.assignment().map(|a| (a.generation, a.attempt));
        if progress.version != version || current != Some((generation, attempt)) {
            return cx.probe(Probe::LateAcknowledgement);
        }
        let Some(spout) = &mut self.spout else { return };
        let (checkpoint, bytes) = (version, part.state);
        cx.observe(Observation::CheckpointAcked { checkpoint, task, attempt, bytes });
        if spout.prepared(progress.state, part) {
            self.advance(ledger, cx);
        }
    }

    /// The time for a step is over.
    pub(super) fn step_timeout(&mut self, number: u32, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        self.step_failed(number, AbortReason::Expired, ledger, cx);
    }

    fn step_failed(
        &mut self,
        number: u32,
        reason: AbortReason,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        let Some(spout) = &mut self.spout else { return };
        if !spout.fail(number) {
            return;
        }
        cx.probe(Probe::StepFailed);
        let Progress { state, version } = ledger.metadata.progress();
        if state.phase == Phase::Preparing {
            let (checkpoint, generation) = (version, ledger.metadata.generation());
            cx.observe(Observation::CheckpointAborted { checkpoint, generation, reason });
        }
        self.advance(ledger, cx);
    }
}
