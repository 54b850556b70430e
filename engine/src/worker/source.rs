//! The source connector: positions, fetching and replay for a user's spout.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::acking::Verdict;
use super::acking::tracker::Tracker;
use super::emitter::Emitter;
use super::links::Env;
use super::outbox::Outbox;
use super::task::Failed;
use super::token;
use crate::barrier::Barrier;
use crate::component::{Record, Spout};
use crate::ids::{CheckpointId, Child, Partition, Root, TaskId, Tree};
use crate::message::Message;
use crate::message::fetch::{Fetch, Records};
use crate::names::{Probe, Twist};
use crate::observation::Observation;
use crate::observation::acking::Acking;
use crate::observation::input::Input;
use crate::snapshot::Snapshot;
use crate::topology::Component;

/// A source task. Partition `p` belongs to the task with index `p % tasks` of its component.
#[derive(Clone, Debug)]
pub(super) struct Source {
    task: TaskId,
    spout: Box<dyn Spout>,
    index: u16,
    tasks: u16,
    /// The record to read next, for each of its partitions.
    positions: Vec<Root>,
    /// Partitions whose next record is gone for good.
    lost: Vec<Partition>,
    fetching: bool,
    /// The poll timer is set.
    resting: bool,
    last_cut: CheckpointId,
    /// The job ends with the savepoint that was cut last: nothing more is read.
    ended: bool,
    /// Follows what becomes of its records, if acking is used.
    pub(super) tracker: Option<Box<Tracker>>,
}

impl Source {
    pub(super) fn new(task: TaskId, spout: Box<dyn Spout>, index: u16, tasks: u16) -> Self {
        let (positions, last_cut, tracker) = (Vec::new(), CheckpointId(0), None);
        let (fetching, resting) = (false, false);
        let (lost, ended) = (Vec::new(), false);
        Source {
            task,
            spout,
            index,
            tasks,
            positions,
            lost,
            fetching,
            resting,
            last_cut,
            ended,
            tracker,
        }
    }

    /// Its partitions, from their beginning.
    pub(super) fn beginning(&self, env: &Env<'_, '_>) -> Vec<Root> {
        let mine = (0..env.cluster.partitions).filter(|p| p % self.tasks == self.index);
        mine.map(|p| Root::new(Partition(p), 0)).collect()
    }

    /// Reads on at these positions; everything below is done.
    pub(super) fn seek(&mut self, positions: Vec<Root>) {
        self.tracker = Some(Box::new(Tracker::new(&positions)));
        self.positions = positions;
    }

    /// Takes its positions from a snapshot, or starts at the beginning of its partitions.
    pub(super) fn restore(
        &mut self,
        snapshot: &Snapshot,
        from_checkpoint: bool,
        env: &mut Env<'_, '_>,
    ) {
        if !from_checkpoint {
            self.positions = self.beginning(env);
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
        let (mut from, limit) = match &mut self.tracker {
            None => (self.positions.clone(), env.cluster.flow.fetch),
            Some(tracker) => match tracker.wanted(&self.positions, env) {
                Some(wanted) => wanted,
                None => return,
            },
        };
        if !self.lost.is_empty() {
            from.retain(|root| !self.lost.contains(&root.partition()));
            if from.is_empty() {
                return;
            }
        }
        self.fetching = true;
        let fetch = Fetch {
            task: self.task,
            generation: env.generation,
            from: from.iter().map(|root| (root.partition(), root.offset())).collect(),
            limit,
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
            let log = &records.log.partitions[usize::from(partition.0)];
            if let Some(tracker) = self.tracker.as_ref().filter(|tracker| tracker.reads_again()) {
                // One record each, wherever it lies.
                let root = Root::new(partition, from);
                if !tracker.pending.is_waiting(root) {
                    env.cx.probe(Probe::OldRecordsSkipped);
                    continue;
                }
                self.read(root, &log.records()[from as usize], component, outbox, env)?;
                continue;
            }
            let Some((at, from)) = self.wanted(partition, from, to, env) else { continue };
            full |= to - from == u64::from(env.cluster.flow.fetch);
            for offset in from..to {
                self.positions[at] = Root::new(partition, offset + 1);
                let root = Root::new(partition, offset);
                self.read(root, &log.records()[offset as usize], component, outbox, env)?;
            }
        }
        for &(partition, asked, start) in &records.gone {
            self.gone(Root::new(partition, asked), start, env);
        }
        if full {
            self.poll(outbox.is_stalled(), env);
        }
        Ok(())
    }

    /// What of an answer is to be read: in which of its partitions, and from which offset on.
    /// Records from before its position have been read; beyond it, some would be missing.
    fn wanted(
        &mut self,
        partition: Partition,
        from: u64,
        to: u64,
        env: &mut Env<'_, '_>,
    ) -> Option<(usize, u64)> {
        let at = self.positions.iter().position(|root| root.partition() == partition)?;
        let next = self.positions[at].offset();
        if from == next {
            return Some((at, from));
        }
        if env.cx.twist(Twist::FetchedOffsetUnchecked) {
            return Some((at, from));
        }
        env.cx.probe(Probe::OldRecordsSkipped);
        (from < next && next < to).then_some((at, next))
    }

    /// The record that is next in a partition is not kept any more. What is missing cannot be read
    /// by anybody: this source says so and leaves the partition alone, for its owner to decide.
    fn gone(&mut self, asked: Root, start: u64, env: &mut Env<'_, '_>) {
        let partition = asked.partition();
        if env.cx.twist(Twist::OffsetResetSilent) {
            let next = self.positions.iter_mut().find(|next| **next == asked);
            return next.into_iter().for_each(|next| *next = Root::new(partition, start));
        }
        if !self.lost.contains(&partition) {
            self.lost.push(partition);
            let (task, generation) = (self.task, env.generation);
            let told = Input::Lost { task, generation, next: asked, start };
            env.cx.observe(Observation::Input(told));
        }
    }

    /// A checkpoint is given up: its trigger, should it come yet, is no news.
    pub(super) fn abort(&mut self, checkpoint: CheckpointId) {
        self.last_cut = self.last_cut.max(checkpoint);
    }

    /// Turns one record into tuples.
    #[inline]
    fn read(
        &mut self,
        root: Root,
        record: &Record,
        component: &Component,
        outbox: &mut Outbox,
        env: &mut Env<'_, '_>,
    ) -> Result<(), Failed> {
        let (task, generation, parent) = (self.task, env.generation, Child::ROOT);
        let number = self.tracker.as_mut().map(|tracker| tracker.pending.emitted(root));
        if let Some(number) = number {
            outbox.follow(Tree::new(task, number));
        }
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
        let outcome = self.spout.next(record, &mut cx);
        let unused = cx.unused();
        if unused != 0 {
            env.cx.observe(Observation::Ended { task, generation, root, unused });
        }
        if outcome.is_err() {
            env.cx.observe(Observation::TaskFailed { task, generation });
            return Err(Failed);
        }
        if let (Some(number), Some(tracker)) = (number, &mut self.tracker) {
            let verdict = tracker.acker.init(root, number, outbox.edges());
            self.judged(root, number, verdict, env);
        }
        Ok(())
    }

    /// Something became of a tree.
    pub(super) fn judged(
        &mut self,
        root: Root,
        number: u16,
        verdict: Option<Verdict>,
        env: &mut Env<'_, '_>,
    ) {
        let (Some(tracker), Some(verdict)) = (&mut self.tracker, verdict) else { return };
        let (task, generation) = (self.task, env.generation);
        let (news, told) = match verdict {
            Verdict::Acked => {
                let told = Acking::Acked { task, generation, root };
                (tracker.pending.acked(root, number), told)
            }
            Verdict::Failed => {
                let timed_out = false;
                let told = Acking::Failed { task, generation, root, timed_out };
                (tracker.pending.failed(root, number), told)
            }
        };
        if !news {
            return env.cx.probe(Probe::LateTree);
        }
        env.cx.observe(Observation::Acking(told));
        match verdict {
            Verdict::Acked => self.spout.ack(root),
            Verdict::Failed => self.spout.fail(root),
        }
    }

    /// The time of its records makes a turn.
    pub(super) fn turn(&mut self, env: &mut Env<'_, '_>) {
        let Some(tracker) = &mut self.tracker else { return };
        tracker.acker.rotate();
        let (task, generation, timed_out) = (self.task, env.generation, true);
        for root in tracker.pending.rotate() {
            env.cx.probe(Probe::TreeTimedOut);
            let told = Acking::Failed { task, generation, root, timed_out };
            env.cx.observe(Observation::Acking(told));
            self.spout.fail(root);
        }
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
