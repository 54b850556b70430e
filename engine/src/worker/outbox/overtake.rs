//! Barriers that overtake what waits for credit.
//!
//! Of each channel the queue becomes part of the checkpoint, and goes on waiting all the same; the
//! barrier needs no credit and leaves at once. A restore puts the queue back, and it leaves before
//! anything new.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::time::{Instant, Span};

use super::{Channel, NONE, Outbox};
use crate::barrier::{Barrier, Pace};
use crate::ids::{CheckpointId, TaskId};
use crate::message::Data;
use crate::names::Probe;
use crate::observation::Step;
use crate::snapshot::in_flight::InFlight;
use crate::tuple::Batch;
use crate::worker::links::{Env, Place};

impl Outbox {
    /// Sends a barrier on every channel, ahead of what waits there; returns what it overtook.
    pub(in crate::worker) fn overtake(
        &mut self,
        barrier: Barrier,
        env: &mut Env<'_, '_>,
    ) -> Vec<InFlight> {
        let mut overtaken = Vec::new();
        for at in 0..self.channels.len() {
            if !self.channels[at].open.is_empty() {
                self.dispatch(at, None, env);
            }
            let channel = &mut self.channels[at];
            channel.persist(channel.queue.len(), &mut overtaken, env);
            channel.send_ahead(self.task, barrier, env);
        }
        if !self.channels.is_empty() {
            env.stepped(Step::BarrierSent, self.task, barrier.checkpoint);
        }
        self.cancel_flush(env);
        overtaken
    }

    /// Barriers of a checkpoint that wait behind data, though not for ever, overtake it now;
    /// returns that data.
    pub(in crate::worker) fn overtake_queued(
        &mut self,
        checkpoint: CheckpointId,
        env: &mut Env<'_, '_>,
    ) -> Vec<InFlight> {
        let mut overtaken = Vec::new();
        for channel in &mut self.channels {
            let Some(at) = channel.waits(checkpoint) else { continue };
            channel.persist(at + 1, &mut overtaken, env);
            let barrier = Arc::make_mut(&mut channel.queue[at]).barrier.take();
            barrier.into_iter().for_each(|barrier| channel.send_ahead(self.task, barrier, env));
        }
        overtaken
    }

    /// Whether a barrier of a checkpoint waits behind data, though not for ever.
    pub(in crate::worker) fn holds(&self, checkpoint: CheckpointId) -> bool {
        self.channels.iter().any(|channel| channel.waits(checkpoint).is_some())
    }

    /// When such a barrier will have waited long enough.
    pub(in crate::worker) fn patience(
        &self,
        checkpoint: CheckpointId,
        timeout: Span,
    ) -> Option<Instant> {
        let waiting = self.channels.iter().find_map(|channel| {
            let at = channel.waits(checkpoint)?;
            channel.queue[at].barrier
        })?;
        let Pace::Lasts(lasted) = waiting.pace else { return None };
        let left = if lasted < timeout { timeout - lasted } else { Span::ZERO };
        Some(self.barrier_at + left)
    }

    /// Puts a channel's queue back that was in flight in the restored checkpoint. False if there is
    /// no such channel.
    #[must_use]
    pub(in crate::worker) fn refill(&mut self, flying: InFlight, env: &Env<'_, '_>) -> bool {
        let InFlight { from, to, batch } = flying;
        let at = self.channel_to.get(usize::from(to.0).wrapping_sub(1)).copied().unwrap_or(NONE);
        if from != self.task || at == NONE {
            return false;
        }
        let channel = &mut self.channels[usize::from(at)];
        self.stalled += u16::from(channel.queue.is_empty());
        let (generation, lane, credits) = (self.generation, env.data_lane(to), Vec::new());
        let data = Data { generation, from, to, batch, barrier: None, credits, lane };
        channel.queue.push_back(Arc::new(data));
        true
    }
}

/// The barrier of a batch has waited for credit, and its checkpoint has lasted longer.
pub(super) fn let_last(data: &mut Arc<Data>, longer: Span) {
    if let Some(Barrier { pace: Pace::Lasts(lasted), .. }) = data.barrier
        && let Some(barrier) = &mut Arc::make_mut(data).barrier
    {
        barrier.pace = Pace::Lasts(lasted + longer);
    }
}

impl Channel {
    /// Where in the queue a barrier waits, though not for ever.
    fn waits(&self, checkpoint: CheckpointId) -> Option<usize> {
        self.queue.iter().position(|data| {
            data.barrier.is_some_and(|barrier| {
                barrier.checkpoint == checkpoint && matches!(barrier.pace, Pace::Lasts(_))
            })
        })
    }

    /// The first batches of the queue are in flight.
    fn persist(&self, batches: usize, into: &mut Vec<InFlight>, env: &mut Env<'_, '_>) {
        let waiting = self.queue.iter().take(batches).filter(|data| !data.batch.is_empty());
        let before = into.len();
        into.extend(waiting.map(|data| {
            let (from, to, batch) = (data.from, data.to, data.batch.clone());
            InFlight { from, to, batch }
        }));
        if into.len() > before {
            env.cx.probe(Probe::BarrierOvertookData);
        }
    }

    /// Sends a barrier ahead of the queue.
    fn send_ahead(&mut self, from: TaskId, barrier: Barrier, env: &mut Env<'_, '_>) {
        let (to, generation, lane) = (self.to, env.generation, env.data_lane(self.to));
        let credits = match env.place(to) {
            Place::Peer(peer) => core::mem::take(&mut env.links.peers[usize::from(peer)].riding),
            Place::Here => Vec::new(),
        };
        let barrier = Some(Barrier { pace: Pace::Overtakes, ..barrier });
        let batch = Batch::default();
        self.send(Arc::new(Data { generation, from, to, batch, barrier, credits, lane }), env);
    }
}
