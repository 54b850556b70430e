//! The source connector: positions, fetching and replay for a user's spout.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::emitter::Emitter;
use super::links::Env;
use super::outbox::Outbox;
use super::task::Failed;
use super::token;
use crate::barrier::Barrier;
use crate::component::Spout;
use crate::ids::{CheckpointId, Child, Partition, Root, TaskId};
use crate::message::{Fetch, Message, Records};
use crate::names::Twist;
use crate::observation::Observation;
use crate::snapshot::Snapshot;

/// A source task. Partition `p` belongs to the task with index `p % tasks` of its component.
#[derive(Clone, Debug)]
pub(super) struct Source {
    task: TaskId,
    spout: Box<dyn Spout>,
    index: u16,
    tasks: u16,
    /// The record to read next, for each of its partitions.
    positions: Vec<Root>,
    fetching: bool,
    /// The poll timer is set.
    resting: bool,
    last_cut: CheckpointId,
    /// The job ends with the savepoint that was cut last: nothing more is read.
    ended: bool,
}

impl Source {
    pub(super) fn new(task: TaskId, spout: Box<dyn Spout>, index: u16, tasks: u16) -> Self {
        let (positions, last_cut) = (Vec::new(), CheckpointId(0));
        let (fetching, resting) = (false, false);
        let ended = false;
        Source { task, spout, index, tasks, positions, fetching, resting, last_cut, ended }
    }

    /// Takes its positions from a snapshot, or starts at the beginning of its partitions.
    pub(super) fn restore(
        &mut self,
        snapshot: &Snapshot,
        from_checkpoint: bool,
        env: &mut Env<'_, '_>,
    ) {
        if !from_checkpoint {
            let mine = (0..env.cluster.partitions).filter(|p| p % self.tasks == self.index);
            self.positions = mine.map(|p| Root::new(Partition(p), 0)).collect();
            return;
        }
        self.positions.clone_from(&snapshot.positions);
        for position in &mut self.positions {
            if env.cx.twist(Twist::RestoreOneTooFar) {
                *position = Root::new(position.partition(), position.offset() + 1);
            }
        }
    }

    /// Asks the broker, unless an answer is awaited, the task is stalled or may not run.
    pub(super) fn poll(&mut self, stalled: bool, env: &mut Env<'_, '_>) {
        let may = env.running && !self.ended;
        if self.fetching || stalled || !may || self.positions.is_empty() {
            return;
        }
        self.fetching = true;
        let fetch = Fetch {
            task: self.task,
            generation: env.generation,
            from: self.positions.iter().map(|root| (root.partition(), root.offset())).collect(),
            limit: env.cluster.flow.fetch,
            lane: env.lane(self.task),
        };
        env.links.broker.send(Message::Fetch(Arc::new(fetch)), env.cx);
    }

    /// The awaited answer will not come.
    pub(super) fn forget_fetch(&mut self) {
        self.fetching = false;
    }

    /// After an answer: asks again at once if there was a full one, rests otherwise.
    pub(super) fn poll_again(&mut self, stalled: bool, env: &mut Env<'_, '_>) {
        if self.fetching || self.resting || stalled || self.ended {
            return;
        }
        self.resting = true;
        let token = token::poll(self.task, env.generation);
        env.cx.set_timer(env.lane(self.task), env.cluster.flow.poll, token);
    }

    /// The poll timer fired.
    pub(super) fn rested(&mut self) {
        self.resting = false;
    }

    /// Turns records into tuples.
    pub(super) fn records(
        &mut self,
        records: &Records,
        outbox: &mut Outbox,
        env: &mut Env<'_, '_>,
    ) -> Result<(), Failed> {
        self.fetching = false;
        if self.ended {
            return Ok(());
        }
        let cluster = env.cluster.clone();
        let component = cluster.topology.component_of(self.task);
        let count: u64 = records.ranges.iter().map(|(_, from, to)| to - from).sum();
        env.work(self.task, component.cpu, count);
        let mut full = false;
        for &(partition, from, to) in &records.ranges {
            let of_it = |root: &Root| root.partition() == partition && root.offset() == from;
            let Some(at) = self.positions.iter().position(of_it) else { continue };
            full |= to - from == u64::from(env.cluster.flow.fetch);
            let log = &records.log.partitions[usize::from(partition.0)];
            for offset in from..to {
                self.positions[at] = Root::new(partition, offset + 1);
                let root = Root::new(partition, offset);
                let (task, generation, parent) = (self.task, env.generation, Child::ROOT);
                env.cx.observe(Observation::Executed {
                    task,
                    from: TaskId::BROKER,
                    generation,
                    root,
                    child: parent,
                    group: None,
                });
                let mut cx = Emitter {
                    env,
                    outbox,
                    state: None,
                    operator: None,
                    broadcast: false,
                    component,
                    task,
                    root,
                    parent,
                    emitted: 0,
                    used: 0,
                    clock: None,
                };
                let outcome = self.spout.next(&log.records()[offset as usize], &mut cx);
                let unused = cx.unused();
                if unused != 0 {
                    env.cx.observe(Observation::Ended { task, generation, root, unused });
                }
                if outcome.is_err() {
                    env.cx.observe(Observation::TaskFailed { task, generation });
                    return Err(Failed);
                }
            }
        }
        if full {
            self.poll(outbox.is_stalled(), env);
        }
        Ok(())
    }

    /// A checkpoint is given up: its trigger, should it come yet, is no news.
    pub(super) fn abort(&mut self, checkpoint: CheckpointId) {
        self.last_cut = self.last_cut.max(checkpoint);
    }

    /// Whether a trigger is news.
    pub(super) fn may_cut(&self, checkpoint: CheckpointId) -> bool {
        checkpoint > self.last_cut
    }

    /// This source's part of a checkpoint: its positions.
    pub(super) fn cut(&mut self, barrier: Barrier, env: &mut Env<'_, '_>) -> Snapshot {
        let checkpoint = barrier.checkpoint;
        (self.last_cut, self.ended) = (checkpoint, barrier.kind.stops());
        let (task, generation) = (self.task, env.generation);
        env.cx.observe(Observation::Cut { task, generation, checkpoint });
        for &next in &self.positions {
            env.cx.observe(Observation::Position { task, generation, checkpoint, next });
        }
        Snapshot { positions: self.positions.clone(), ..Snapshot::default() }
    }
}
