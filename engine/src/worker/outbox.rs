//! The emitting side of a task: routing, batching, credits.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::TimerId;
use stormglass_sim::time::{Instant, Span};

use super::acking::edge;
use super::links::{Env, Place};
use super::token;
use crate::barrier::Barrier;
use crate::grouping::{Emitting, FULL_LOAD, Locality, Router};
use crate::ids::{Child, Generation, Root, StreamId, TaskId, Tree};
use crate::message::{Data, Message};
use crate::names::{Probe, Twist};
use crate::observation::{Observation, Step};
use crate::topology::Component;
use crate::tuple::{Batch, Head};
use crate::value::Value;

mod overtake;

use overtake::let_last;

/// Load-aware routers hear of loads about this often (Storm's `refreshLoadTimer`).
const LOAD_REFRESH: Span = Span::secs(1);
/// No channel.
const NONE: u16 = u16::MAX;

/// The emitting side of one task for one attempt.
///
/// Invariant: `stalled` is the number of channels whose `queue` is not empty.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    task: TaskId,
    generation: Generation,
    routers: Vec<Router>,
    channels: Vec<Channel>,
    /// The channel to each task from 1 on.
    channel_to: Vec<u16>,
    batch: usize,
    stalled: u16,
    /// Channels with an open batch that is not empty.
    filling: u16,
    /// Channels whose open batch is full.
    full: bool,
    flush_timer: Option<TimerId>,
    /// When the newest barrier was sent, or began to wait.
    barrier_at: Instant,
    /// When routers are due to hear of loads; none if no router wants to.
    next_refresh: Option<Instant>,
    /// The tree of what is executed now, if acking follows it, and the edges sent for it.
    tree: Tree,
    edges: u64,
}

/// A channel to one task.
#[derive(Clone, Debug)]
struct Channel {
    to: TaskId,
    open: Batch,
    /// How many tuples batches had of late, at most: the next one is hardly longer.
    usual: usize,
    /// Tuples that may still be sent; at most one batch below zero.
    credit: i64,
    /// Batches that wait for credit, in order.
    queue: VecDeque<Arc<Data>>,
    /// A batch had to wait for credit since loads were looked at.
    waited: bool,
}

impl Outbox {
    pub(super) fn new(component: &Component, task: TaskId, env: &mut Env<'_, '_>) -> Self {
        let Env { cx, links, cluster, generation, places, .. } = env;
        let (topology, flow, generation, me) =
            (&cluster.topology, &cluster.flow, *generation, cx.me());
        let near = |target: TaskId| match places[usize::from(target.0) - 1] {
            Place::Here => Locality::Worker,
            Place::Peer(peer) if links.peers[usize::from(peer)].node.machine == me.machine => {
                Locality::Host
            }
            Place::Peer(_) => Locality::Rack,
        };
        let mut emitting = Emitting { task, generation, near: &near, chance: &mut || cx.random() };
        let mut routers = Vec::new();
        let mut channels: Vec<Channel> = Vec::new();
        let mut channel_to = alloc::vec![NONE; usize::from(topology.tasks())];
        for (subscriber, input) in topology.subscribers(component.id) {
            routers.push(Router::new(topology, subscriber, input, &mut emitting));
            for to in subscriber.tasks() {
                let slot = &mut channel_to[usize::from(to.0) - 1];
                if *slot == NONE {
                    *slot = channels.len() as u16;
                    let credit = i64::from(flow.credits);
                    let (open, queue) = (Batch::default(), VecDeque::new());
                    let (usual, waited) = (0, false);
                    channels.push(Channel { to, open, usual, credit, queue, waited });
                }
            }
        }
        Outbox {
            task,
            generation,
            next_refresh: routers.iter().any(Router::is_load_aware).then_some(Instant::ZERO),
            routers,
            channels,
            channel_to,
            batch: flow.batch as usize,
            stalled: 0,
            filling: 0,
            full: false,
            flush_timer: None,
            tree: Tree::NONE,
            edges: 0,
            barrier_at: Instant::ZERO,
        }
    }

    /// What is emitted from now on belongs to this tree.
    pub(super) fn follow(&mut self, tree: Tree) {
        (self.tree, self.edges) = (tree, 0);
    }

    /// The edges that were sent since, by exclusive or.
    pub(super) fn edges(&self) -> u64 {
        self.edges
    }

    /// True while a channel waits for credit: the task then takes no input.
    pub(super) fn is_stalled(&self) -> bool {
        self.stalled > 0
    }

    /// Before a handler that may emit: tells load-aware routers how loaded their targets are, if
    /// the last time was a while ago. An idle task does nothing, and needs no timer.
    #[inline]
    pub(super) fn refresh_loads(&mut self, env: &mut Env<'_, '_>) {
        if self.next_refresh.is_some_and(|next| env.cx.now() >= next) {
            self.next_refresh = Some(env.cx.now() + LOAD_REFRESH);
            let Outbox { routers, channels, channel_to, .. } = self;
            let load = |to: TaskId| {
                let at = channel_to[usize::from(to.0) - 1];
                channels[usize::from(at)].load(env.cluster.flow.credits)
            };
            routers.iter_mut().for_each(|router| router.refresh_load(load));
            channels.iter_mut().for_each(|channel| channel.waited = false);
        }
    }

    /// Routes one emission. Targets that chance or load chose are told.
    #[inline]
    pub(super) fn emit(
        &mut self,
        stream: StreamId,
        root: Root,
        child: Child,
        values: &[Value],
        env: &mut Env<'_, '_>,
    ) {
        let (task, generation) = (self.task, self.generation);
        let Outbox { routers, channels, channel_to, batch, filling, full, .. } = self;
        let (tree, edges) = (self.tree, &mut self.edges);
        for router in routers.iter_mut().filter(|router| router.stream == stream) {
            let chosen = router.route(values, |to, hash| {
                let at = channel_to[usize::from(to.0) - 1];
                let channel = &mut channels[usize::from(at)];
                let open = &mut channel.open;
                if open.is_empty() {
                    *filling += 1;
                    *open = Batch::with_capacity(channel.usual + 1, values.len());
                }
                let arity = values.len() as u16;
                open.push(Head { root, child, hash, stream, arity, tree }, values);
                *full |= open.len() >= *batch;
                if tree != Tree::NONE {
                    *edges ^= edge(root, tree, child, task, to);
                }
            });
            if let Some(word) = chosen.map(u64::from) {
                env.cx.observe(Observation::Answered { task, generation, word });
            }
        }
    }

    /// Routes one direct emission.
    pub(super) fn emit_direct(
        &mut self,
        to: TaskId,
        stream: StreamId,
        root: Root,
        child: Child,
        values: &[Value],
    ) {
        let takes = |router: &&Router| router.stream == stream && router.takes_direct(to);
        for _ in self.routers.iter().filter(takes) {
            let at = self.channel_to[usize::from(to.0) - 1];
            let open = &mut self.channels[usize::from(at)].open;
            self.filling += u16::from(open.is_empty());
            let arity = values.len() as u16;
            let tree = self.tree;
            open.push(Head { root, child, hash: 0, stream, arity, tree }, values);
            self.full |= open.len() >= self.batch;
            if tree != Tree::NONE {
                self.edges ^= edge(root, tree, child, self.task, to);
            }
        }
    }

    /// After a handler that may have emitted: sends full batches, and sees to it that the others
    /// leave in time.
    pub(super) fn settle(&mut self, env: &mut Env<'_, '_>) {
        if self.full {
            self.full = false;
            for at in 0..self.channels.len() {
                if self.channels[at].open.len() >= self.batch {
                    self.dispatch(at, None, env);
                }
            }
        }
        if self.filling > 0 && self.flush_timer.is_none() {
            if env.cx.twist(Twist::BatchLeavesEarly) {
                return self.flush(env);
            }
            let token = token::flush(self.task, self.generation);
            let after = env.cluster.flow.flush;
            self.flush_timer = Some(env.cx.set_timer(env.lane(self.task), after, token));
        }
    }

    /// The tasks that this one sends to.
    pub(super) fn targets(&self) -> impl Iterator<Item = TaskId> {
        self.channels.iter().map(|channel| channel.to)
    }

    /// The flush timer fired.
    pub(super) fn flush(&mut self, env: &mut Env<'_, '_>) {
        self.flush_timer = None;
        for at in 0..self.channels.len() {
            if !self.channels[at].open.is_empty() {
                self.dispatch(at, None, env);
            }
        }
    }

    /// Sends everything that is open at once.
    pub(super) fn flush_now(&mut self, env: &mut Env<'_, '_>) {
        if let Some(timer) = self.flush_timer {
            env.cx.cancel_timer(timer);
        }
        self.flush(env);
    }

    /// Sends everything that is open, followed by a barrier, on every channel.
    pub(super) fn barrier(&mut self, barrier: Barrier, env: &mut Env<'_, '_>) {
        self.barrier_at = env.cx.now();
        for at in 0..self.channels.len() {
            self.dispatch(at, Some(barrier), env);
        }
        if !self.channels.is_empty() {
            env.stepped(Step::BarrierSent, self.task, barrier.checkpoint);
        }
        self.cancel_flush(env);
    }

    fn cancel_flush(&mut self, env: &mut Env<'_, '_>) {
        if let Some(timer) = self.flush_timer.take() {
            env.cx.cancel_timer(timer);
        }
    }

    fn dispatch(&mut self, at: usize, barrier: Option<Barrier>, env: &mut Env<'_, '_>) {
        let (generation, from) = (self.generation, self.task);
        let channel = &mut self.channels[at];
        channel.usual = channel.open.len().max(channel.usual - channel.usual / 8);
        let batch = core::mem::take(&mut channel.open);
        self.filling -= u16::from(!batch.is_empty());
        let to = channel.to;
        let starved = channel.credit <= 0 && !batch.is_empty();
        let waits = starved || !channel.queue.is_empty();
        // A batch that waits for credit takes none along: two workers could wait for each other's.
        let credits = match env.place(to) {
            Place::Peer(peer) if !waits => {
                core::mem::take(&mut env.links.peers[usize::from(peer)].riding)
            }
            _ => Vec::new(),
        };
        let data = Arc::new(Data {
            generation,
            from,
            to,
            batch,
            barrier,
            credits,
            lane: env.data_lane(to),
        });
        if waits {
            env.cx.probe(Probe::CreditExhausted);
            self.stalled += u16::from(channel.queue.is_empty());
            channel.waited = true;
            return channel.queue.push_back(data);
        }
        channel.send(data, env);
    }

    /// More credit came. True if the task should be told to go on.
    pub(super) fn credit(&mut self, to: TaskId, tuples: u32) -> bool {
        let at = self.channel_to[usize::from(to.0) - 1];
        let channel = &mut self.channels[usize::from(at)];
        channel.credit += i64::from(tuples);
        !channel.queue.is_empty() && channel.credit > 0
    }

    /// Sends what credit now allows. True if nothing waits any more.
    pub(super) fn resume(&mut self, env: &mut Env<'_, '_>) -> bool {
        for channel in &mut self.channels {
            while let Some(data) = channel.queue.front() {
                if channel.credit <= 0 && !data.batch.is_empty() {
                    break;
                }
                let mut data = channel.queue.pop_front().expect("just seen");
                let_last(&mut data, env.cx.now().since(self.barrier_at));
                channel.send(data, env);
                self.stalled -= u16::from(channel.queue.is_empty());
            }
        }
        self.stalled == 0
    }
}

impl Channel {
    /// How much of its window of credit the target holds back, in parts of [`FULL_LOAD`]. An idle
    /// target grants credit in portions, and may keep half of the window: that is no load. One that
    /// has made the emitter wait is fully loaded, though it must have granted something since.
    fn load(&self, window: u32) -> u32 {
        if self.waited {
            return FULL_LOAD;
        }
        let (window, half) = (i64::from(window), i64::from(window / 2));
        let held = (window - self.credit - half).clamp(0, window - half);
        (held * i64::from(FULL_LOAD) / (window - half).max(1)) as u32
    }

    fn send(&mut self, data: Arc<Data>, env: &mut Env<'_, '_>) {
        self.credit -= data.batch.len() as i64;
        match env.place(data.to) {
            Place::Here => env.cx.post(data.lane, Message::Data(data)),
            Place::Peer(peer) => {
                env.links.peers[usize::from(peer)].send(Message::Data(data), env.cx);
            }
        }
    }
}
