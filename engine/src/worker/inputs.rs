//! The receiving side of a task: order, alignment, credits.
//!
//! Rules of alignment after Flink (SEMANTICS 1.6): a channel is blocked after its barrier; the task
//! takes its part when every channel has delivered the barrier; a barrier of a newer checkpoint
//! gives the older one up; a barrier of an obsolete one is ignored. At-least-once blocks nothing
//! and counts the barriers of several checkpoints side by side. Where barriers may overtake data,
//! `kept` has what is different.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::links::{Env, Place};
use crate::cluster::Barriers;
use crate::ids::{CheckpointId, TaskId};
use crate::message::{Credit, Data, Message};
use crate::names::{Probe, Site};
use crate::observation::Step;
use crate::topology::{Component, Topology};

pub(super) mod kept;

use kept::Overtaking;

const NONE: u16 = u16::MAX;
/// How many checkpoints that were given up are remembered. The coordinator has far fewer under way.
const MOST_ABORTED: usize = 128;

/// The receiving side of one task for one attempt.
#[derive(Clone, Debug)]
pub(super) struct Inputs {
    task: TaskId,
    channels: Vec<Channel>,
    /// The channel from each task from 1 on.
    channel_from: Vec<u16>,
    /// Batches that are not executed yet, in order of arrival, each with its number.
    waiting: VecDeque<(u64, Arc<Data>)>,
    /// How many batches were ever kept.
    kept: u64,
    /// Bytes that wait.
    bytes: u64,
    /// The memory that is reserved for them, because they wait for a barrier.
    reserved: u64,
    /// Where barriers may overtake data: the newest checkpoint of which one has arrived.
    newest: Option<Overtaking>,
    aligning: Option<Aligning>,
    /// At-least-once: checkpoints whose barriers are being counted, ascending.
    tracked: Vec<Aligning>,
    /// The newest checkpoint that is taken or obsolete.
    settled: CheckpointId,
    /// Newer ones that were given up before the task took part: their barriers may still come.
    aborted: BTreeSet<CheckpointId>,
}

#[derive(Clone, Debug)]
struct Channel {
    from: TaskId,
    blocked: bool,
    /// Where barriers may overtake data: the newest one that arrived, and how many batches had
    /// been kept before it.
    barrier: Option<(CheckpointId, u64)>,
    /// Tuples executed but not yet granted again.
    owed: u32,
}

#[derive(Clone, Copy, Debug)]
struct Aligning {
    checkpoint: CheckpointId,
    arrived: usize,
}

impl Inputs {
    pub(super) fn new(topology: &Topology, component: &Component, task: TaskId) -> Self {
        let mut channels = Vec::new();
        let mut channel_from = alloc::vec![NONE; usize::from(topology.tasks())];
        for input in &component.inputs {
            for from in topology.component(input.from).tasks() {
                let slot = &mut channel_from[usize::from(from.0) - 1];
                if *slot == NONE {
                    *slot = channels.len() as u16;
                    channels.push(Channel { from, blocked: false, barrier: None, owed: 0 });
                }
            }
        }
        Inputs {
            task,
            channels,
            channel_from,
            waiting: VecDeque::new(),
            kept: 0,
            bytes: 0,
            reserved: 0,
            newest: None,
            aligning: None,
            tracked: Vec::new(),
            settled: CheckpointId(0),
            aborted: BTreeSet::new(),
        }
    }

    fn at(&self, from: TaskId) -> usize {
        usize::from(self.channel_from[usize::from(from.0) - 1])
    }

    /// A batch arrived. Returned if it may be executed at once, kept otherwise.
    pub(super) fn arrive(
        &mut self,
        data: Arc<Data>,
        stalled: bool,
        env: &mut Env<'_, '_>,
    ) -> Option<Arc<Data>> {
        let blocked = self.channels[self.at(data.from)].blocked;
        // It may not pass what waits and is not blocked.
        if !blocked && !stalled && !self.has_next() {
            return Some(data);
        }
        if blocked {
            env.cx.probe(Probe::AlignmentBlocked);
        }
        self.push(data);
        None
    }

    fn push(&mut self, data: Arc<Data>) {
        self.bytes += data.batch.size();
        self.waiting.push_back((self.kept, data));
        self.kept += 1;
    }

    /// Asks for the memory of what waits, if that is for a barrier. The checkpoint that has to be
    /// given up for it if it is refused: what is executed needs no memory.
    pub(super) fn crowded(&mut self, env: &mut Env<'_, '_>) -> Option<CheckpointId> {
        let checkpoint = self.aligning?.checkpoint;
        let bytes = self.bytes;
        if bytes > self.reserved && !env.reserve(Site::InputBuffers, self.task, bytes) {
            return Some(checkpoint);
        }
        self.reserved = self.reserved.max(bytes);
        None
    }

    /// Nothing waits for a barrier any more.
    fn release(&mut self, env: &mut Env<'_, '_>) {
        if core::mem::take(&mut self.reserved) > 0 {
            env.reserve(Site::InputBuffers, self.task, 0);
        }
    }

    fn remove(&mut self, at: usize, env: &mut Env<'_, '_>) -> Option<Arc<Data>> {
        let (_, data) = self.waiting.remove(at)?;
        self.bytes -= data.batch.size();
        if self.waiting.is_empty() {
            self.release(env);
        }
        Some(data)
    }

    /// A batch was executed: its tuples become credit again, in portions. One that a restore put
    /// back used none: it came on a channel of an older generation.
    pub(super) fn executed(&mut self, data: &Data, env: &mut Env<'_, '_>) {
        if data.generation != env.generation {
            return;
        }
        let at = self.at(data.from);
        let channel = &mut self.channels[at];
        channel.owed += data.batch.len() as u32;
        let window = env.cluster.flow.credits;
        if channel.owed == 0 || channel.owed < window / 4 {
            return;
        }
        let (from, to) = (channel.from, self.task);
        let credit = Credit { generation: env.generation, from, to, tuples: channel.owed };
        match env.place(from) {
            Place::Here => {
                env.cx.post(stormglass_sim::node::Lane(0), Message::Credit(Arc::new([credit])));
            }
            Place::Peer(peer) => {
                let link = &mut env.links.peers[usize::from(peer)];
                link.riding.push(credit);
                // No data took earlier credits along: they cannot wait any longer. Nor can half of
                // the window: together with what is owed below, the emitter could stand still.
                if link.riding.len() > 1 || window < 64 || credit.tuples >= window / 2 {
                    let credits = core::mem::take(&mut link.riding);
                    link.send(Message::Credit(credits.into()), env.cx);
                }
            }
        }
        channel.owed = 0;
    }

    /// A barrier follows on a channel. Some if it was the last: the task takes its part now.
    pub(super) fn barrier(
        &mut self,
        from: TaskId,
        checkpoint: CheckpointId,
        env: &mut Env<'_, '_>,
    ) -> Option<CheckpointId> {
        if checkpoint <= self.settled {
            return None;
        }
        if self.aborted.contains(&checkpoint) {
            env.cx.probe(Probe::AbortedBarrier);
            return None;
        }
        if env.cluster.barriers == Barriers::Tracked {
            return self.track(checkpoint);
        }
        match self.aligning {
            Some(aligning) if checkpoint < aligning.checkpoint => return None,
            Some(aligning) if checkpoint > aligning.checkpoint => {
                env.cx.probe(Probe::BarrierOvertook);
                self.settle(aligning.checkpoint);
            }
            _ => {}
        }
        let at = self.at(from);
        self.channels[at].blocked = true;
        let aligning = self.aligning.get_or_insert(Aligning { checkpoint, arrived: 0 });
        aligning.arrived += 1;
        let arrived = aligning.arrived;
        assert!(arrived <= self.channels.len(), "one barrier a channel");
        if arrived == 1 && self.channels.len() > 1 {
            env.stepped(Step::Aligning, self.task, checkpoint);
        }
        (arrived == self.channels.len()).then_some(checkpoint)
    }

    /// Counts a barrier that blocks nothing. Some if it was the last (Flink's
    /// `CheckpointBarrierTracker`).
    fn track(&mut self, checkpoint: CheckpointId) -> Option<CheckpointId> {
        let found = self.tracked.binary_search_by_key(&checkpoint, |of| of.checkpoint);
        let at = found.unwrap_or_else(|at| {
            self.tracked.insert(at, Aligning { checkpoint, arrived: 0 });
            at
        });
        self.tracked[at].arrived += 1;
        (self.tracked[at].arrived == self.channels.len()).then_some(checkpoint)
    }

    /// A checkpoint is taken or obsolete: no channel waits for it any more, nor for older ones.
    pub(super) fn settle(&mut self, checkpoint: CheckpointId) {
        self.settled = self.settled.max(checkpoint);
        self.aborted = self.aborted.split_off(&self.settled);
        self.tracked.retain(|of| of.checkpoint > checkpoint);
        self.newest.take_if(|of| of.checkpoint() <= checkpoint);
        if self.aligning.is_some_and(|aligning| aligning.checkpoint <= checkpoint) {
            self.unblock();
        }
    }

    /// A checkpoint is given up. Older ones may still be taken.
    pub(super) fn abort(&mut self, checkpoint: CheckpointId) {
        if checkpoint > self.settled {
            self.aborted.insert(checkpoint);
        }
        if self.aborted.len() > MOST_ABORTED {
            self.aborted.pop_first();
        }
        self.tracked.retain(|of| of.checkpoint != checkpoint);
        self.newest.take_if(|of| of.checkpoint() == checkpoint);
        if self.aligning.is_some_and(|aligning| aligning.checkpoint == checkpoint) {
            self.unblock();
        }
    }

    fn unblock(&mut self) {
        self.aligning = None;
        self.channels.iter_mut().for_each(|channel| channel.blocked = false);
    }
}
