//! A task: one parallel instance of a component, in one execution attempt.

use alloc::boxed::Box;
use alloc::sync::Arc;

use stormglass_sim::payload::Payload;

use super::inputs::Inputs;
use super::links::Env;
use super::outbox::Outbox;
use super::overtaking::{Cut, Overtaking};
use super::parts::Parts;
use super::restore::{self, Read, Reading};
use super::sink::Sink;
use super::source::Source;
use super::stateful::Stepping;
use super::states::{States, local};
use crate::barrier::{Barrier, Pace};
use crate::coordinator::metadata::Completed;
use crate::handle::{FileId, Flaw};
use crate::ids::{CheckpointId, TaskId};
use crate::message::{Data, Deployment, Gone, Message};
use crate::names::Site;
use crate::observation::{AbortReason, Observation, Step};
use crate::permit::CommitPermit;
use crate::snapshot::Snapshot;
use crate::state::Key;
use crate::topology::{Delivery, Kind};
use crate::value::Value;

mod acking;
mod bolt;

use bolt::BoltTask;

/// A task.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) id: TaskId,
    role: Role,
    pub(super) outbox: Outbox,
    stage: Stage,
    pub(super) parts: Parts,
    /// The job ends with this savepoint.
    ending: Option<CheckpointId>,
    /// The checkpoint that it starts from.
    origin: Option<Arc<Completed>>,
    /// For a bolt or sink where acking takes the place of barriers.
    stepping: Option<Box<Stepping>>,
    /// The checkpoint that the generation restores.
    restores: Option<CheckpointId>,
    /// Where barriers may overtake data.
    pub(super) overtaking: Overtaking,
    /// Its thread has come to something that it had to do, since somebody looked last.
    pub(super) moved: bool,
}

/// What a task does.
#[derive(Clone, Debug)]
enum Role {
    Source(Source),
    Bolt(Box<BoltTask>),
    Sink(Box<Sink>),
}

/// How far a task's restore has come.
#[derive(Clone, Debug)]
enum Stage {
    /// Its files are being read.
    Reading(Reading),
    /// The receiver is cleaning up after older generations.
    Recovering,
    /// It has its state.
    Ready,
}

/// A user's spout or bolt returned an error; the worker has to end.
pub(super) struct Failed;

impl Task {
    /// A task of a new generation; it begins to restore at once.
    pub(super) fn deploy(id: TaskId, deployment: &Deployment, env: &mut Env<'_, '_>) -> Self {
        let cluster = env.cluster.clone();
        let topology = &cluster.topology;
        let component = topology.component_of(id);
        let index = id.0 - component.first_task.0;
        let role = match &component.kind {
            Kind::Spout(spout) => {
                Role::Source(Source::new(id, spout.clone(), index, component.parallelism))
            }
            Kind::Bolt(bolt) => {
                let mut bolt = bolt.clone();
                bolt.prepare(id);
                let inputs = Inputs::new(topology, component, id);
                let states = States::new(topology, component, id);
                Role::Bolt(Box::new(BoltTask { bolt, inputs, states, key: Key::new() }))
            }
            Kind::Sink(delivery) => {
                // Without barriers there is nothing that could end a transaction.
                let acking = cluster.recovery.acking().is_some();
                let plain = acking && *delivery == Delivery::Transactional;
                let delivery = if plain { Delivery::Plain } else { *delivery };
                let inputs = Inputs::new(topology, component, id);
                Role::Sink(Box::new(Sink::new(id, inputs, delivery)))
            }
        };
        let outbox = Outbox::new(component, id, env);
        let origin = deployment.restore.as_ref().map(|(completed, _)| completed.clone());
        let stepping = match role {
            Role::Bolt(_) | Role::Sink(_) if cluster.recovery.acking().is_some() => {
                Some(Box::new(Stepping::new(topology, component, id)))
            }
            _ => None,
        };
        let restores = deployment.restore.as_ref().map(|(completed, _)| completed.checkpoint);
        let (stage, parts) = (Stage::Recovering, Parts::new(id));
        let (overtaking, ending) = (Overtaking::default(), None);
        let mut task = Task {
            id,
            role,
            outbox,
            stage,
            parts,
            ending,
            origin,
            stepping,
            restores,
            overtaking,
            moved: false,
        };
        if cluster.recovery.acking().is_some() {
            task.request_state(deployment, env);
            return task;
        }
        match &deployment.restore {
            Some((completed, permit)) => task.begin_restore(completed, *permit, env),
            None => {
                task.restored(Snapshot::default(), None, env);
            }
        }
        task
    }

    /// Takes its part of a checkpoint from where it is near, or asks the store for it.
    fn begin_restore(
        &mut self,
        completed: &Completed,
        permit: CommitPermit,
        env: &mut Env<'_, '_>,
    ) {
        if let Some(share) = restore::share(self.id, completed, env) {
            self.origin = None;
            let fits = self.restored(share, Some(permit), env);
            assert!(fits, "a task's share of a savepoint has its own key groups");
            return;
        }
        let part = &completed.parts[usize::from(self.id.0) - 1];
        let inline = part.inline.as_ref().and_then(Snapshot::decode);
        let keyed = matches!(&self.role, Role::Bolt(bolt) if bolt.states.keyed.is_some());
        // What a barrier overtakes arrives after the cut, which is all that the disk here has.
        let has_all = keyed && !env.cluster.barriers.may_overtake();
        let local = || local::take(self.id, completed, env);
        let near = inline.or_else(|| has_all.then(local).flatten());
        if !near.is_some_and(|near| self.restored(near, Some(permit), env)) {
            self.stage = Stage::Reading(Reading::begin(self.id, part, env));
        }
    }

    /// The row of a key, empty if it has none; none if this task has no keyed state yet, or not of
    /// this key.
    pub(super) fn row(&self, hash: i32, key: &[Value]) -> Option<&[Value]> {
        match &self.role {
            Role::Bolt(bolt) if self.is_ready() => bolt.states.keyed.as_ref()?.peek(hash, key),
            _ => None,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Ready)
    }

    /// A packet of a file came, or the answer that there is none. False if it is unreadable.
    #[must_use]
    pub(super) fn read(
        &mut self,
        id: FileId,
        packets: (u32, u32),
        data: Result<Payload, Flaw>,
        deployment: &Deployment,
        env: &mut Env<'_, '_>,
    ) -> bool {
        let Stage::Reading(reading) = &mut self.stage else { return true };
        let permit = deployment.restore.as_ref().map(|(_, permit)| *permit);
        match reading.take(id, packets, data, env) {
            Read::More => true,
            Read::Whole(snapshot) if self.stepping.is_some() => {
                self.take_version(&snapshot, deployment, env)
            }
            Read::Whole(snapshot) => self.restored(*snapshot, permit, env),
            Read::Unreadable => false,
        }
    }

    fn restored(
        &mut self,
        snapshot: Snapshot,
        permit: Option<CommitPermit>,
        env: &mut Env<'_, '_>,
    ) -> bool {
        match &mut self.role {
            Role::Source(source) => source.restore(&snapshot, permit.is_some(), env),
            Role::Bolt(bolt) => {
                let cluster = env.cluster.clone();
                let component = cluster.topology.component_of(self.id);
                if !bolt.states.restore(&snapshot, component, env) {
                    return false;
                }
                let from = self.origin.as_deref().map(|completed| (completed, &snapshot));
                bolt.states.begin(self.id, from, env);
                if hold_state(self.id, &snapshot, env).is_err() {
                    let me = env.cx.me();
                    env.broken(me, Some(self.id));
                    env.cx.exit();
                    return true;
                }
            }
            Role::Sink(_) => {}
        }
        if !self.refill(&snapshot, env) {
            return false;
        }
        if let Role::Sink(sink) = &mut self.role {
            self.stage = Stage::Recovering;
            sink.recover(&snapshot, permit, env);
            return true;
        }
        self.become_ready(permit.map(CommitPermit::checkpoint), env);
        true
    }

    /// The receiver has cleaned up.
    pub(super) fn recovered(&mut self, restored: Option<CheckpointId>, env: &mut Env<'_, '_>) {
        if matches!(self.stage, Stage::Recovering) {
            self.become_ready(restored, env);
        }
    }

    fn become_ready(&mut self, checkpoint: Option<CheckpointId>, env: &mut Env<'_, '_>) {
        self.stage = Stage::Ready;
        let (task, generation, attempt) = (self.id, env.generation, env.attempt);
        env.cx.observe(Observation::Restored { task, generation, attempt, checkpoint });
    }

    /// Sources may run from now on, and every task takes data.
    pub(super) fn start(&mut self, env: &mut Env<'_, '_>) {
        self.start_refilled(env);
        self.start_acking(env);
        self.poll(env);
    }

    /// The poll timer fired, or credit came: ask for records if there is room.
    pub(super) fn poll(&mut self, env: &mut Env<'_, '_>) {
        if let Role::Source(source) = &mut self.role {
            source.poll(self.outbox.is_stalled(), env);
        }
    }

    /// The poll timer fired.
    pub(super) fn rested(&mut self, env: &mut Env<'_, '_>) -> Result<(), Failed> {
        if let Role::Source(source) = &mut self.role {
            source.rested();
        }
        self.poll(env);
        Ok(())
    }

    /// Whether a message from the coordinator to all tasks concerns this one.
    pub(super) fn takes(&self, message: &Message) -> bool {
        match message {
            Message::Trigger { .. } => matches!(self.role, Role::Source(_)),
            Message::AbortCheckpoint { .. } => true,
            Message::Complete { .. } => matches!(self.role, Role::Sink(_)),
            Message::Step(_) => self.stepping.as_ref().is_some_and(|s| s.is_first),
            _ => false,
        }
    }

    /// The broker is out of reach: the answer that is awaited will not come.
    pub(super) fn broker_lost(&mut self) {
        if let Role::Source(source) = &mut self.role {
            source.forget_fetch();
        }
    }

    /// Records came.
    pub(super) fn records(
        &mut self,
        records: &crate::message::fetch::Records,
        env: &mut Env<'_, '_>,
    ) -> Result<(), Failed> {
        let Role::Source(source) = &mut self.role else { return Ok(()) };
        if !env.reserve(Site::Fetch, self.id, records.size()) {
            // As if they had never come.
            source.forget_fetch();
            source.poll_again(self.outbox.is_stalled(), env);
            return Ok(());
        }
        self.outbox.refresh_loads(env);
        source.records(records, &mut self.outbox, env)?;
        env.reserve(Site::Fetch, self.id, 0);
        self.outbox.settle(env);
        source.poll_again(self.outbox.is_stalled(), env);
        Ok(())
    }

    /// A checkpoint starts at this source.
    pub(super) fn trigger(&mut self, barrier: Barrier, env: &mut Env<'_, '_>) {
        let Role::Source(source) = &mut self.role else { return };
        if env.running && source.may_cut(barrier.checkpoint) {
            let pace = Pace::of(env.cluster.barriers, barrier.kind);
            let barrier = Barrier { pace, ..barrier };
            let mut snapshot = source.cut(barrier, env);
            match pace {
                Pace::Overtakes => snapshot.in_flight = self.outbox.overtake(barrier, env),
                Pace::Waits | Pace::Lasts(_) => self.outbox.barrier(barrier, env),
            }
            self.finish(Cut { barrier, snapshot, awaits_receiver: None, collects: false }, env);
        }
    }

    /// A batch arrived.
    pub(super) fn data(&mut self, data: Arc<Data>, env: &mut Env<'_, '_>) -> Result<(), Failed> {
        if env.cluster.barriers.may_overtake() {
            self.arrive(data, env);
            return Ok(());
        }
        let stalled = !self.may_execute(env);
        let Some(inputs) = self.inputs() else { return Ok(()) };
        if let Some(data) = inputs.arrive(data, stalled, env) {
            self.execute(&data, env)?;
            self.wake(env);
        } else if let Some(checkpoint) = inputs.crowded(env) {
            self.parts.decline(checkpoint, AbortReason::Declined, env);
            self.abort(checkpoint, env)?;
        }
        self.settle(env);
        Ok(())
    }

    /// Whether an input may be executed now.
    pub(super) fn may_execute(&self, env: &mut Env<'_, '_>) -> bool {
        let may = self.stepping.as_deref().is_none_or(Stepping::may_execute);
        may && !self.is_stalled(env)
    }

    /// Whether what it makes of its inputs has nowhere to go.
    pub(super) fn is_stalled(&self, env: &mut Env<'_, '_>) -> bool {
        match &self.role {
            Role::Sink(sink) => sink.is_full(env),
            Role::Source(_) | Role::Bolt(_) => self.outbox.is_stalled(),
        }
    }

    /// The receiver has taken more of what this sink sent.
    pub(super) fn taken(&mut self, tuples: u32, env: &mut Env<'_, '_>) -> Result<(), Failed> {
        if let Role::Sink(sink) = &mut self.role {
            sink.taken(tuples);
            self.wake(env);
            self.settle(env);
        }
        Ok(())
    }

    /// Credit came for a channel that had run out.
    pub(super) fn resume(&mut self, env: &mut Env<'_, '_>) -> Result<(), Failed> {
        let resumed = self.outbox.resume(env);
        self.collected(env);
        if resumed {
            self.wake(env);
            self.settle(env);
            self.poll(env);
        }
        Ok(())
    }

    pub(super) fn inputs(&mut self) -> Option<&mut Inputs> {
        match &mut self.role {
            Role::Source(_) => None,
            Role::Bolt(bolt) => Some(&mut bolt.inputs),
            Role::Sink(sink) => Some(&mut sink.inputs),
        }
    }

    /// Executes a batch and its barrier.
    pub(super) fn execute(
        &mut self,
        data: &Arc<Data>,
        env: &mut Env<'_, '_>,
    ) -> Result<(), Failed> {
        if !data.batch.is_empty() {
            let cluster = env.cluster.clone();
            let component = cluster.topology.component_of(self.id);
            self.outbox.refresh_loads(env);
            env.work(self.id, component.cpu, data.batch.len() as u64);
            match &mut self.role {
                Role::Bolt(bolt) => {
                    let stepping = self.stepping.as_deref_mut();
                    bolt.execute(self.id, component, data, &mut self.outbox, stepping, env)?;
                    bolt.states.executed(env);
                }
                Role::Sink(sink) => {
                    sink.execute(data, env);
                    if let Some(stepping) = &mut self.stepping {
                        sink.confirm(stepping.written(data), env);
                    }
                }
                Role::Source(_) => {}
            }
        }
        let inputs = self.inputs().expect("only bolts and sinks execute batches");
        inputs.executed(data, env);
        let complete =
            |barrier: &Barrier| inputs.barrier(data.from, barrier.checkpoint, env).is_some();
        if let Some(barrier) = data.barrier.filter(complete) {
            self.cut(barrier, env)?;
        }
        Ok(())
    }

    /// Every channel has delivered the barrier: take this task's part.
    fn cut(&mut self, barrier: Barrier, env: &mut Env<'_, '_>) -> Result<(), Failed> {
        let (task, generation, checkpoint) = (self.id, env.generation, barrier.checkpoint);
        env.cx.observe(Observation::Cut { task, generation, checkpoint });
        let now = env.cx.now();
        let pace = self.inputs().map_or(Pace::Waits, |inputs| inputs.pace(now));
        let barrier = Barrier { pace, ..barrier };
        self.outbox.barrier(barrier, env);
        let cut = self.part(barrier, env)?;
        self.inputs().expect("sources are triggered").settle(checkpoint);
        self.finish(cut, env);
        Ok(())
    }

    /// What a bolt or a sink has of its own for a checkpoint. Fails if it is refused the memory for
    /// its state.
    pub(super) fn part(&mut self, barrier: Barrier, env: &mut Env<'_, '_>) -> Result<Cut, Failed> {
        let (task, checkpoint) = (self.id, barrier.checkpoint);
        self.ending = barrier.kind.stops().then_some(checkpoint);
        let mut snapshot = Snapshot::default();
        let mut awaits_receiver = None;
        match &mut self.role {
            Role::Bolt(bolt) => {
                bolt.states.cut(task, checkpoint, &mut snapshot, env);
                if let Some(base) = barrier.base.filter(|_| !barrier.kind.is_savepoint()) {
                    let files = self.parts.files_of(base);
                    bolt.states.reduce(base, files, &mut snapshot, env);
                }
                hold_state(task, &snapshot, env)?;
            }
            Role::Sink(sink) => awaits_receiver = sink.cut(checkpoint, &mut snapshot, env),
            Role::Source(_) => {}
        }
        Ok(Cut { barrier, snapshot, awaits_receiver, collects: false })
    }

    /// A store can be reached: what waits for one is asked of it.
    pub(super) fn store_opened(&mut self, env: &mut Env<'_, '_>) {
        if let Stage::Reading(reading) = &mut self.stage {
            reading.ask(env);
        }
    }

    /// A store cannot be reached any more.
    pub(super) fn store_lost(
        &mut self,
        store: u16,
        restored: Option<CheckpointId>,
        env: &mut Env<'_, '_>,
    ) {
        if let Stage::Reading(reading) = &mut self.stage
            && reading.store_lost(store, env)
            && let Some(checkpoint) = restored
        {
            let (generation, task) = (env.generation, self.id);
            env.tell_coordinator(Message::Unreadable { checkpoint, generation, task });
        }
    }

    /// Whether what it must restore is known to be gone.
    pub(super) fn is_lost(&self) -> bool {
        matches!(&self.stage, Stage::Reading(reading) if reading.is_lost())
    }

    /// The receiver has a sink's transaction. What it said before its connection ended does not
    /// count: the generation cannot go on.
    pub(super) fn pre_committed(&mut self, checkpoint: CheckpointId, env: &mut Env<'_, '_>) {
        if env.links.receiver.conn.is_none() {
            return;
        }
        if let Some(stepping) = &mut self.stepping {
            return stepping.confirmed(checkpoint, env);
        }
        if let Role::Sink(sink) = &mut self.role {
            sink.pre_committed(checkpoint);
        }
        self.overtaking.pre_committed(checkpoint);
        self.parts.pre_committed(checkpoint, env);
    }

    /// A checkpoint is complete.
    pub(super) fn complete(
        &mut self,
        permit: CommitPermit,
        env: &mut Env<'_, '_>,
    ) -> Result<(), Failed> {
        env.stepped(Step::Notified, self.id, permit.checkpoint());
        if let Role::Sink(sink) = &mut self.role {
            sink.commit(permit, env)?;
        }
        if self.ending == Some(permit.checkpoint()) {
            self.finish_if_settled(env);
        }
        Ok(())
    }

    /// The receiver cannot commit at this moment.
    pub(super) fn receiver_busy(&mut self, env: &mut Env<'_, '_>) {
        if let Role::Sink(sink) = &mut self.role {
            sink.busy(env);
        }
    }

    /// The receiver was busy a moment ago.
    pub(super) fn ask_receiver_again(&mut self, env: &mut Env<'_, '_>) {
        if let Role::Sink(sink) = &mut self.role {
            sink.retry(env);
        }
    }

    /// A transaction of this sink timed out at the receiver.
    pub(super) fn gone(&mut self, gone: &Gone, env: &mut Env<'_, '_>) {
        if let Role::Sink(sink) = &mut self.role {
            sink.gone(gone, env);
        }
    }

    /// The receiver has made everything up to a checkpoint visible.
    pub(super) fn committed(&mut self, checkpoint: CheckpointId, env: &mut Env<'_, '_>) {
        if let Role::Sink(sink) = &mut self.role {
            sink.committed(checkpoint);
        }
        if self.ending.is_some_and(|ending| ending <= checkpoint) {
            self.finish_if_settled(env);
        }
    }

    /// The savepoint with which the job ends is complete: says so if nothing is left to commit.
    fn finish_if_settled(&self, env: &mut Env<'_, '_>) {
        let (Role::Sink(sink), Some(checkpoint)) = (&self.role, self.ending) else { return };
        if sink.is_settled() {
            let (generation, task) = (env.generation, self.id);
            env.tell_coordinator(Message::Finished { checkpoint, generation, task });
        }
    }

    /// A checkpoint is given up: unblock what waits for it.
    pub(super) fn abort(
        &mut self,
        checkpoint: CheckpointId,
        env: &mut Env<'_, '_>,
    ) -> Result<(), Failed> {
        self.parts.forget(checkpoint, env);
        self.overtaking.forget(self.id, checkpoint, env);
        match &mut self.role {
            Role::Source(source) => source.abort(checkpoint),
            Role::Sink(sink) => sink.abandoned(checkpoint, env),
            Role::Bolt(_) => {}
        }
        if let Some(inputs) = self.inputs() {
            inputs.abort(checkpoint);
            self.wake(env);
            self.outbox.settle(env);
        }
        Ok(())
    }
}

/// A task that is refused the memory for its state has failed.
fn hold_state(task: TaskId, snapshot: &Snapshot, env: &mut Env<'_, '_>) -> Result<(), Failed> {
    if env.reserve(Site::TaskState, task, snapshot.state_size()) {
        return Ok(());
    }
    env.cx.observe(Observation::TaskFailed { task, generation: env.generation });
    Err(Failed)
}
