//! Where barriers may overtake data, a task keeps what arrives and takes it batch by batch.
//!
//! Rules after Flink's unaligned checkpoints (SEMANTICS 1.6): a barrier is noticed when it arrives,
//! wherever its channel's data waits; the first one that overtakes makes the task take its part; of
//! each channel the part holds what had arrived before the barrier and was not executed, and what
//! arrives until the barrier does. Data that a restore put back is like any other that waits: the
//! next checkpoint persists what is left of it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::time::{Instant, Span};

use super::Inputs;
use crate::barrier::{Barrier, Pace};
use crate::ids::{CheckpointId, Generation};
use crate::message::Data;
use crate::names::{Probe, Twist};
use crate::observation::Step;
use crate::snapshot::in_flight::InFlight;
use crate::worker::links::Env;

/// Data of an older generation that a restore put back.
const RESTORED: Generation = Generation(0);

/// A checkpoint of which a barrier has arrived.
#[derive(Clone, Debug)]
pub(super) struct Overtaking {
    /// The first that arrived.
    barrier: Barrier,
    /// How many channels have delivered it.
    arrived: usize,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Barriers wait for the data before them; for a while only, if something is said of that.
    Aligning(Option<Wait>),
    /// Barriers overtake data: the task has to take its part.
    Due,
    /// The task has taken its part, but for what is still to arrive before the barriers; of that
    /// these have arrived.
    Collecting(Vec<InFlight>),
}

/// How long a checkpoint has lasted.
#[derive(Clone, Copy, Debug)]
struct Wait {
    /// When its first barrier arrived, on this process's clock.
    since: Instant,
    /// How long it had lasted then.
    lasted: Span,
}

/// How far the part of a checkpoint is collected.
pub(in crate::worker) enum Collected {
    /// Every barrier has arrived; this came before them.
    All(Vec<InFlight>),
    /// Barriers are still to come.
    Waiting,
    /// The checkpoint is given up.
    GivenUp,
}

impl Overtaking {
    pub(super) fn checkpoint(&self) -> CheckpointId {
        self.barrier.checkpoint
    }
}

impl Inputs {
    /// Puts a channel's data back that was in flight in the restored checkpoint. False if there is
    /// no such channel.
    #[must_use]
    pub(in crate::worker) fn refill(&mut self, flying: InFlight, env: &Env<'_, '_>) -> bool {
        let InFlight { from, to, batch } = flying;
        let known = self.channel_from.get(usize::from(from.0).wrapping_sub(1));
        if to != self.task || known.is_none_or(|at| *at == super::NONE) {
            return false;
        }
        let (lane, credits) = (env.data_lane(to), Vec::new());
        let data = Data { generation: RESTORED, from, to, batch, barrier: None, credits, lane };
        self.push(Arc::new(data));
        true
    }

    /// A batch arrived, with or without a barrier.
    pub(in crate::worker) fn keep(&mut self, data: Arc<Data>, env: &mut Env<'_, '_>) {
        let at = self.at(data.from);
        let (from, to, barrier) = (data.from, data.to, data.barrier);
        let delivered = self.channels[at].barrier.map(|(checkpoint, _)| checkpoint);
        if let Some(Overtaking { barrier: of, stage: Stage::Collecting(pieces), .. }) =
            &mut self.newest
            && delivered != Some(of.checkpoint)
            && !data.batch.is_empty()
        {
            pieces.push(InFlight { from, to, batch: data.batch.clone() });
        }
        let overtakes = barrier.is_some_and(|of| of.pace == Pace::Overtakes);
        if !data.batch.is_empty() || !overtakes {
            self.push(data);
        }
        if let Some(barrier) = barrier {
            self.arrived(at, barrier, env);
        }
    }

    /// A barrier arrived on a channel.
    fn arrived(&mut self, at: usize, barrier: Barrier, env: &mut Env<'_, '_>) {
        let Barrier { checkpoint, pace, .. } = barrier;
        let newest = self.newest.as_ref().map(Overtaking::checkpoint);
        let is_new = newest != Some(checkpoint);
        let over = checkpoint <= self.settled || self.aborted.contains(&checkpoint);
        if is_new && (over || newest.is_some_and(|of| of > checkpoint)) {
            self.late(at, newest, env);
            return;
        }
        if is_new {
            if let Some(older) = newest {
                env.cx.probe(Probe::BarrierOvertook);
                self.settle(older);
            }
            if self.waiting.iter().any(|(_, data)| data.generation == RESTORED) {
                env.cx.probe(Probe::BarrierWhileRefilled);
            }
            let stage = Stage::Aligning(match pace {
                Pace::Lasts(lasted) => Some(Wait { since: env.cx.now(), lasted }),
                Pace::Waits | Pace::Overtakes => None,
            });
            self.newest = Some(Overtaking { barrier, arrived: 0, stage });
        }
        self.channels[at].barrier = Some((checkpoint, self.kept));
        let newest = self.newest.as_mut().expect("it is this one");
        newest.arrived += 1;
        if pace == Pace::Overtakes && matches!(newest.stage, Stage::Aligning(_)) {
            newest.stage = Stage::Due;
        }
    }

    /// A barrier of a checkpoint that is taken, given up or obsolete: nothing rests on it.
    fn late(&mut self, at: usize, newest: Option<CheckpointId>, env: &mut Env<'_, '_>) {
        let Some(newest) = newest else { return };
        let awaited = self.channels[at].barrier.is_none_or(|(of, _)| of != newest);
        if awaited && env.cx.twist(Twist::LateBarrierEndsPersisting) {
            self.channels[at].barrier = Some((newest, self.kept));
        }
    }

    /// The checkpoint of which the task has to take its part now, whatever waits.
    pub(in crate::worker) fn due(&self) -> Option<Barrier> {
        let newest = self.newest.as_ref()?;
        matches!(newest.stage, Stage::Due).then_some(newest.barrier)
    }

    /// When the barriers of a checkpoint will have waited long enough.
    pub(in crate::worker) fn patience(&self, timeout: Span) -> Option<(CheckpointId, Instant)> {
        let newest = self.newest.as_ref()?;
        let Stage::Aligning(Some(Wait { since, lasted })) = newest.stage else { return None };
        let left = if lasted < timeout { timeout - lasted } else { Span::ZERO };
        Some((newest.checkpoint(), since + left))
    }

    /// They have: they overtake data from now on. None if they do not wait here.
    pub(in crate::worker) fn lose_patience(&mut self, checkpoint: CheckpointId) -> Option<Barrier> {
        let waiting = |of: &&mut Overtaking| {
            of.checkpoint() == checkpoint && matches!(of.stage, Stage::Aligning(_))
        };
        let newest = self.newest.as_mut().filter(waiting)?;
        newest.stage = Stage::Due;
        Some(newest.barrier)
    }

    /// How a barrier of the checkpoint that is being aligned goes on.
    pub(in crate::worker) fn pace(&self, now: Instant) -> Pace {
        match self.newest.as_ref().map(|newest| &newest.stage) {
            Some(Stage::Aligning(Some(wait))) => Pace::Lasts(wait.lasted + now.since(wait.since)),
            _ => Pace::Waits,
        }
    }

    /// The task takes its part of the checkpoint that is due: what has arrived before the barriers
    /// and waits.
    pub(in crate::worker) fn overtake(&mut self, env: &mut Env<'_, '_>) -> Vec<InFlight> {
        let Some(Barrier { checkpoint, .. }) = self.due() else { return Vec::new() };
        let before = |(number, data): &&(u64, Arc<Data>)| {
            let barrier = self.channels[self.at(data.from)].barrier;
            let passed = barrier.filter(|(of, _)| *of == checkpoint);
            passed.is_none_or(|(_, kept)| *number < kept) && !data.batch.is_empty()
        };
        let mut pieces = Vec::new();
        for (_, data) in self.waiting.iter().filter(before) {
            if !env.cx.twist(Twist::InFlightNotPersisted) {
                let (from, to, batch) = (data.from, data.to, data.batch.clone());
                pieces.push(InFlight { from, to, batch });
            }
        }
        let mut newest = self.newest.take();
        self.settle(checkpoint);
        if let Some(newest) = &mut newest {
            newest.stage = Stage::Collecting(Vec::new());
            if newest.arrived < self.channels.len() {
                env.stepped(Step::Aligning, self.task, checkpoint);
            }
        }
        self.newest = newest;
        pieces
    }

    /// What arrived since before the last barriers of a checkpoint whose part is taken.
    pub(in crate::worker) fn collected(&mut self, checkpoint: CheckpointId) -> Collected {
        let Some(newest) = &mut self.newest else { return Collected::GivenUp };
        match &mut newest.stage {
            Stage::Collecting(pieces) if newest.barrier.checkpoint == checkpoint => {
                if newest.arrived < self.channels.len() {
                    return Collected::Waiting;
                }
                let pieces = core::mem::take(pieces);
                self.newest = None;
                Collected::All(pieces)
            }
            _ => Collected::GivenUp,
        }
    }

    /// The next batch to execute: the first whose channel is not blocked.
    pub(in crate::worker) fn next(&mut self, env: &mut Env<'_, '_>) -> Option<Arc<Data>> {
        let ready = |(_, data): &(u64, Arc<Data>)| !self.channels[self.at(data.from)].blocked;
        let at = self.waiting.iter().position(ready)?;
        let new = |kept: &(u64, Arc<Data>)| kept.1.generation != RESTORED && ready(kept);
        let newer = self.waiting.iter().position(new).filter(|newer| *newer > at);
        let at = newer.filter(|_| env.cx.twist(Twist::InFlightBehind)).unwrap_or(at);
        self.remove(at, env)
    }

    /// Whether there is one.
    pub(in crate::worker) fn has_next(&self) -> bool {
        self.waiting.iter().any(|(_, data)| !self.channels[self.at(data.from)].blocked)
    }
}
