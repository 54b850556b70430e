//! A task whose barriers may overtake data: what arrives is kept and executed batch by batch, and a
//! part of a checkpoint is whole only when all that belongs to it has arrived.
//!
//! The main thread notices what arrives; the task's own thread does everything else, so that no cut
//! falls into the middle of its work. A long batch cannot be interrupted, as in Flink a record.
//!
//! In the same way, batch by batch, each in an event of its own, a task goes on with what waited
//! for a barrier or for credit: it is seen to work, and a crash finds it in between.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::TimerId;

use super::inputs::Inputs;
use super::inputs::kept::Collected;
use super::links::Env;
use super::task::{Failed, Task};
use super::token;
use crate::barrier::Barrier;
use crate::cluster::Barriers;
use crate::ids::{CheckpointId, TaskId};
use crate::message::{Data, Message};
use crate::names::{Probe, Site};
use crate::observation::{AbortReason, Observation};
use crate::snapshot::Snapshot;
use crate::snapshot::in_flight::{InFlight, Names};

/// What a task keeps of barriers that may overtake data.
#[derive(Clone, Debug, Default)]
pub(super) struct Overtaking {
    /// The task has been told that there is work.
    awake: bool,
    /// The part that is not whole yet.
    open: Option<Cut>,
    /// When the barriers of a checkpoint will have waited long enough.
    alarm: Option<(CheckpointId, TimerId)>,
}

/// A task's part of a checkpoint, from the cut on.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    pub(super) barrier: Barrier,
    pub(super) snapshot: Snapshot,
    /// A sink's transactions have to be durable, too, up to the one that this checkpoint ended.
    pub(super) awaits_receiver: Option<CheckpointId>,
    /// What arrives before the barriers that are still to come belongs to it, too.
    pub(super) collects: bool,
}

impl Overtaking {
    /// The receiver has a sink's transactions up to the one that ends with this checkpoint.
    pub(super) fn pre_committed(&mut self, checkpoint: CheckpointId) {
        if let Some(open) = &mut self.open {
            open.awaits_receiver = open.awaits_receiver.filter(|ends| *ends > checkpoint);
        }
    }

    /// A checkpoint is given up.
    pub(super) fn forget(&mut self, task: TaskId, checkpoint: CheckpointId, env: &mut Env<'_, '_>) {
        if self.open.take_if(|open| open.barrier.checkpoint == checkpoint).is_some() {
            env.reserve(Site::InFlight, task, 0);
        }
        if let Some((_, timer)) = self.alarm.take_if(|(of, _)| *of == checkpoint) {
            env.cx.cancel_timer(timer);
        }
    }
}

impl Task {
    /// Puts back what was in flight in the restored checkpoint. False if that is of other channels.
    #[must_use]
    pub(super) fn refill(&mut self, snapshot: &Snapshot, env: &mut Env<'_, '_>) -> bool {
        let id = self.id;
        for flying in snapshot.in_flight.iter().cloned() {
            let known = match self.inputs().filter(|_| flying.to == id) {
                Some(inputs) => inputs.refill(flying, env),
                None => self.outbox.refill(flying, env),
            };
            if !known {
                return false;
            }
            env.cx.probe(Probe::InFlightRestored);
        }
        true
    }

    /// Every task of the generation is there: what was put back goes on its way.
    pub(super) fn start_refilled(&mut self, env: &mut Env<'_, '_>) {
        if env.cluster.barriers.may_overtake() {
            self.outbox.resume(env);
            self.wake(env);
        }
    }

    /// A batch arrived: noticed by the main thread.
    pub(super) fn arrive(&mut self, data: Arc<Data>, env: &mut Env<'_, '_>) {
        if let Some(inputs) = self.inputs() {
            inputs.keep(data, env);
            self.collected(env);
            self.wake(env);
        }
    }

    /// Tells the task that there is work, unless it knows.
    pub(super) fn wake(&mut self, env: &mut Env<'_, '_>) {
        let stalled = !self.may_execute(env);
        let work = |inputs: &mut Inputs| inputs.due().is_some() || !stalled && inputs.has_next();
        if !self.overtaking.awake && self.inputs().is_some_and(work) {
            self.overtaking.awake = true;
            let (task, generation) = (self.id, env.generation);
            env.cx.post(env.lane(task), Message::Wake { task, generation });
        }
    }

    /// On its own thread: takes its part of a checkpoint if that is due, and executes a batch.
    pub(super) fn work(&mut self, env: &mut Env<'_, '_>) -> Result<(), Failed> {
        self.overtaking.awake = false;
        if let Some(barrier) = self.inputs().and_then(|inputs| inputs.due()) {
            self.overtake(barrier, env)?;
        }
        let may_execute = self.may_execute(env);
        if let Some(data) = self.inputs().filter(|_| may_execute).and_then(|of| of.next(env)) {
            self.execute(&data, env)?;
            self.settle(env);
        }
        self.wake(env);
        Ok(())
    }

    /// Takes its part of a checkpoint whose barriers overtake data: theirs here, and its own.
    fn overtake(&mut self, barrier: Barrier, env: &mut Env<'_, '_>) -> Result<(), Failed> {
        let (task, generation, checkpoint) = (self.id, env.generation, barrier.checkpoint);
        env.cx.observe(Observation::Cut { task, generation, checkpoint });
        let sent = self.outbox.overtake(barrier, env);
        let mut cut = self.part(barrier, env)?;
        let arrived = self.inputs().map_or_else(Vec::new, |inputs| inputs.overtake(env));
        cut.collects = self.inputs().is_some();
        cut.snapshot.in_flight = sent;
        cut.snapshot.in_flight.extend(arrived);
        if self.holds_in_flight(&cut, env) {
            self.finish(cut, env);
        }
        Ok(())
    }

    /// Asks for the memory of the data in flight of a part; declines the checkpoint if it is
    /// refused.
    fn holds_in_flight(&mut self, cut: &Cut, env: &mut Env<'_, '_>) -> bool {
        let bytes = cut.snapshot.in_flight.iter().map(|piece| piece.batch.size()).sum();
        let granted = env.reserve(Site::InFlight, self.id, bytes);
        if !granted {
            let checkpoint = cut.barrier.checkpoint;
            env.reserve(Site::InFlight, self.id, 0);
            self.parts.decline(checkpoint, AbortReason::Declined, env);
            if let Some(inputs) = self.inputs() {
                inputs.abort(checkpoint);
            }
        }
        granted
    }

    /// A part goes to the store, at once or when it is whole.
    pub(super) fn finish(&mut self, cut: Cut, env: &mut Env<'_, '_>) {
        if env.cluster.barriers.may_overtake() {
            self.overtaking.open = Some(cut);
            self.collected(env);
        } else {
            self.parts.upload(cut.barrier, &cut.snapshot, cut.awaits_receiver, env);
        }
    }

    /// Looks whether the open part is whole: every barrier has arrived, and its own have left.
    pub(super) fn collected(&mut self, env: &mut Env<'_, '_>) {
        self.complete_part(env);
        self.set_alarm(env);
    }

    fn complete_part(&mut self, env: &mut Env<'_, '_>) {
        let Some(&Cut { barrier, collects, .. }) = self.overtaking.open.as_ref() else { return };
        let checkpoint = barrier.checkpoint;
        if self.outbox.holds(checkpoint) {
            return;
        }
        let late = match self.inputs().filter(|_| collects).map(|of| of.collected(checkpoint)) {
            None => Vec::new(),
            Some(Collected::All(late)) => late,
            Some(Collected::Waiting) => return,
            Some(Collected::GivenUp) => {
                self.overtaking.open = None;
                env.reserve(Site::InFlight, self.id, 0);
                return;
            }
        };
        let Some(mut cut) = self.overtaking.open.take() else { return };
        cut.snapshot.in_flight.extend(late);
        if !self.holds_in_flight(&cut, env) {
            return;
        }
        tell(self.id, checkpoint, &cut.snapshot.in_flight, env);
        self.parts.upload(barrier, &cut.snapshot, cut.awaits_receiver, env);
        env.reserve(Site::InFlight, self.id, 0);
    }

    /// Sees to it that barriers do not wait longer than they may.
    fn set_alarm(&mut self, env: &mut Env<'_, '_>) {
        let Barriers::Unaligned { timeout } = env.cluster.barriers else { return };
        let aligning = self.inputs().and_then(|inputs| inputs.patience(timeout));
        let due = aligning.or_else(|| {
            let checkpoint = self.overtaking.open.as_ref()?.barrier.checkpoint;
            Some((checkpoint, self.outbox.patience(checkpoint, timeout)?))
        });
        let alarm = &mut self.overtaking.alarm;
        if alarm.map(|(of, _)| of) == due.map(|(of, _)| of) {
            return;
        }
        if let Some((_, timer)) = alarm.take() {
            env.cx.cancel_timer(timer);
        }
        if let Some((checkpoint, at)) = due {
            let after = at.since(env.cx.now());
            let token = token::alignment(self.id, env.generation);
            *alarm = Some((checkpoint, env.cx.set_timer(env.lane(self.id), after, token)));
        }
    }

    /// Barriers of a checkpoint have waited long enough.
    pub(super) fn waited(&mut self, env: &mut Env<'_, '_>) -> Result<(), Failed> {
        let Some((checkpoint, _)) = self.overtaking.alarm.take() else { return Ok(()) };
        env.cx.probe(Probe::AlignmentTimedOut);
        let waiting = self.inputs().and_then(|inputs| inputs.lose_patience(checkpoint));
        if let Some(barrier) = waiting {
            self.overtake(barrier, env)?;
        } else {
            let overtaken = self.outbox.overtake_queued(checkpoint, env);
            if let Some(open) = &mut self.overtaking.open {
                open.snapshot.in_flight.extend(overtaken);
            }
            self.collected(env);
        }
        self.wake(env);
        Ok(())
    }
}

/// Says what a part holds of each channel.
fn tell(task: TaskId, checkpoint: CheckpointId, pieces: &[InFlight], env: &mut Env<'_, '_>) {
    let mut channels: Vec<(TaskId, TaskId, Names, u64)> = Vec::new();
    for InFlight { from, to, batch } in pieces {
        let known = channels.iter().position(|(a, b, ..)| (a, b) == (from, to));
        let at = known.unwrap_or_else(|| {
            channels.push((*from, *to, Names::default(), 0));
            channels.len() - 1
        });
        batch.iter().for_each(|(head, _)| channels[at].2.add(head.root, head.child));
        channels[at].3 += batch.size();
    }
    let generation = env.generation;
    for (from, to, names, bytes) in channels {
        let (tuples, print) = (names.tuples(), names.print());
        env.cx.probe(Probe::InFlightPersisted);
        env.cx.observe(Observation::InFlight {
            task,
            generation,
            checkpoint,
            from,
            to,
            tuples,
            bytes,
            print,
        });
    }
}
