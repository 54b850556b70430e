//! Bolts and sinks where acking takes the place of barriers: trees are acked, checkpoint tuples are
//! passed on, and a keyed bolt's state is prepared, committed and rolled back.
//!
//! Rules after Storm's `BaseStatefulBoltExecutor`, `StatefulBoltExecutor` and
//! `CheckpointTupleForwarder` (SEMANTICS 1.4): a task acts on a step when it has come from all
//! tasks of all its inputs; nothing is blocked meanwhile, so that what overtakes is counted twice
//! after a rollback; a stateful bolt acks what it has executed when it is committed, and not
//! before.
//!
//! In reading order: [`txids`], which transaction may follow which; [`versions`], the states of a
//! keyed task; here, what a task does with them; [`wiring`], how a worker's messages and timers
//! reach it.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::acking::{Outgoing, edge};
use super::links::{Env, Place};
use super::outbox::Outbox;
use super::parts::Parts;
use super::states::States;
use super::token;
use crate::barrier::{Barrier, CheckpointKind, Pace};
use crate::coordinator::checkpoint_spout::{Action, TxState};
use crate::ids::{CheckpointId, TaskId, Tree, Txid};
use crate::message::acking::{Ack, Acks, Emission, Step};
use crate::message::{Data, Message};
use crate::names::{Probe, Twist};
use crate::observation::Observation;
use crate::observation::acking::{Acking, Versioning};
use crate::snapshot::Snapshot;
use crate::topology::{Component, Kind, Topology};
use crate::tuple::Head;

mod txids;
mod versions;
mod wiring;

pub(super) use wiring::ask;

use versions::Versions;

/// What a bolt or sink task keeps of trees and transactions.
#[derive(Clone, Debug)]
pub(super) struct Stepping {
    task: TaskId,
    /// Whether the checkpoint spout sends to it: it reads from a spout.
    pub(super) is_first: bool,
    /// In how many copies a step comes.
    copies: usize,
    /// Copies of steps that have not all come.
    arrived: BTreeMap<Emission, usize>,
    last: Txid,
    outgoing: Outgoing,
    timer_set: bool,
    /// For a keyed bolt.
    versions: Option<Box<Versions>>,
    /// For a sink: deliveries that are not visible yet, and what to ack then.
    delivering: BTreeMap<u32, Vec<Ack>>,
    delivery: u32,
}

impl Stepping {
    /// Those of a task; none for a source.
    pub(super) fn new(topology: &Topology, component: &Component, task: TaskId) -> Self {
        let mut inputs: Vec<_> = component.inputs.iter().map(|input| input.from).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let of = |id| topology.component(id);
        let is_spout = |id: &_| matches!(of(*id).kind, Kind::Spout(_));
        let is_first = inputs.iter().any(is_spout);
        let bolts = inputs.iter().filter(|id| !is_spout(id));
        let tasks: usize = bolts.map(|id| usize::from(of(*id).parallelism)).sum();
        Stepping {
            task,
            is_first,
            copies: tasks + usize::from(is_first),
            arrived: BTreeMap::new(),
            last: Txid(0),
            outgoing: Outgoing::default(),
            timer_set: false,
            versions: None,
            delivering: BTreeMap::new(),
            delivery: 0,
        }
    }

    /// A keyed task has its state: what was prepared last where that is to be committed, what was
    /// committed last otherwise.
    pub(super) fn restored(
        &mut self,
        states: &mut States,
        version: Option<CheckpointId>,
        at: TxState,
        env: &mut Env<'_, '_>,
    ) {
        self.last = at.decided();
        let versions = Versions::restored(states.clone(), version, at);
        self.versions = Some(Box::new(versions));
        self.tell(version, Versioning::Restored, states, env);
    }

    fn tell(
        &self,
        version: Option<CheckpointId>,
        how: Versioning,
        states: &mut States,
        env: &mut Env<'_, '_>,
    ) {
        let (task, generation, print) = (self.task, env.generation, states.print());
        let told = Acking::Versioned { task, generation, version, how, print };
        env.cx.observe(Observation::Acking(told));
    }

    /// Whether tuples may be executed: a keyed bolt waits until its state is initialised.
    pub(super) fn may_execute(&self) -> bool {
        self.versions.as_ref().is_none_or(|versions| versions.is_initialised())
    }

    /// A tuple was executed, and these edges were sent for it.
    #[inline]
    pub(super) fn executed(&mut self, head: &Head, from: TaskId, edges: u64) {
        let Head { root, tree, child, .. } = *head;
        if tree == Tree::NONE {
            return;
        }
        let edges = Some(edges ^ edge(root, tree, child, from, self.task));
        let ack = Ack { root, tree, edges };
        match &mut self.versions {
            Some(versions) => versions.executed(ack),
            None => self.outgoing.push(ack),
        }
    }

    /// A sink has written a batch, which it acks when the receiver has it: returns the number by
    /// which it asks for that.
    pub(super) fn written(&mut self, data: &Data) -> CheckpointId {
        let (from, to) = (data.from, self.task);
        let ack = |head: &Head| {
            let Head { root, tree, child, .. } = *head;
            Ack { root, tree, edges: Some(edge(root, tree, child, from, to)) }
        };
        let acks = data.batch.iter().map(|(head, _)| ack(head)).collect();
        self.delivery += 1;
        self.delivering.insert(self.delivery, acks);
        CheckpointId(self.delivery)
    }

    /// The receiver has all that a sink wrote up to a number, and shows it.
    pub(super) fn confirmed(&mut self, up_to: CheckpointId, env: &mut Env<'_, '_>) {
        while let Some(first) = self.delivering.first_entry().filter(|e| *e.key() <= up_to.0) {
            first.remove().into_iter().for_each(|ack| self.outgoing.push(ack));
        }
        self.settle(env);
    }

    /// After a handler that may have acked: sees to it that the ackers hear of it in time.
    pub(super) fn settle(&mut self, env: &mut Env<'_, '_>) {
        if !self.outgoing.is_empty() && !self.timer_set {
            self.timer_set = true;
            let token = token::acks(self.task, env.generation);
            env.cx.set_timer(env.lane(self.task), env.cluster.flow.flush, token);
        }
    }

    /// The timer fired.
    pub(super) fn flush(&mut self, env: &mut Env<'_, '_>) {
        self.timer_set = false;
        for (to, acks) in self.outgoing.take() {
            let (generation, lane) = (env.generation, env.lane(to));
            let message = Message::Acks(Arc::new(Acks { generation, to, lane, acks }));
            match env.place(to) {
                Place::Here => env.cx.post(lane, message),
                Place::Peer(peer) => env.links.peers[usize::from(peer)].send(message, env.cx),
            }
        }
    }

    /// A copy of a checkpoint tuple came. True if the task may execute now and might not before.
    pub(super) fn step(
        &mut self,
        step: Step,
        states: Option<&mut States>,
        parts: &mut Parts,
        outbox: &mut Outbox,
        env: &mut Env<'_, '_>,
    ) -> bool {
        let arrived = self.arrived.entry(step.emission).or_default();
        *arrived += 1;
        if *arrived < self.copies {
            return false;
        }
        // Older ones were given up.
        self.arrived.retain(|emission, _| *emission > step.emission);
        if step.txid < self.last {
            self.report(&step, true, env);
            return false;
        }
        let could = self.may_execute();
        match states {
            None => {
                self.pass_on(&step, outbox, env);
                self.report(&step, true, env);
            }
            Some(states) => self.act(step, states, parts, outbox, env),
        }
        self.last = match step.action {
            Action::Rollback => Txid(step.txid.0 - 1),
            _ => step.txid,
        };
        !could && self.may_execute()
    }

    /// A keyed task does a step.
    fn act(
        &mut self,
        step: Step,
        states: &mut States,
        parts: &mut Parts,
        outbox: &mut Outbox,
        env: &mut Env<'_, '_>,
    ) {
        let Step { action, txid, version, .. } = step;
        let versions = self.versions.as_mut().expect("it was restored before it runs");
        let done = match action {
            Action::Prepare => {
                if !versions.prepare(txid, version, states) {
                    return self.report(&step, false, env);
                }
                if env.cx.twist(Twist::AckOnPrepare) {
                    versions.ack_prepared(&mut self.outgoing);
                    self.settle(env);
                }
                self.tell(Some(version), Versioning::Prepared, states, env);
                let mut snapshot = Snapshot::default();
                states.cut(self.task, version, &mut snapshot, env);
                // The coordinator hears of it when it is durable.
                let (kind, base) = (CheckpointKind::Checkpoint, None);
                let barrier = Barrier { checkpoint: version, kind, base, pace: Pace::Waits };
                parts.upload(barrier, &snapshot, None, env);
                return self.pass_on(&step, outbox, env);
            }
            Action::Commit => versions.commit(txid, &mut self.outgoing),
            Action::Rollback => {
                let keeps = versions.has_prepared() && env.cx.twist(Twist::RollbackKeepsPrepared);
                let back = versions.roll_back(states, keeps, &mut self.outgoing);
                parts.forget(version, env);
                env.cx.probe(Probe::RolledBack);
                self.tell(back, Versioning::RolledBack, states, env);
                true
            }
            Action::InitState => {
                versions.initialise();
                true
            }
        };
        self.flush(env);
        if done {
            self.pass_on(&step, outbox, env);
        }
        self.report(&step, done, env);
    }

    /// A step is done here: all who read from this task are next.
    fn pass_on(&self, step: &Step, outbox: &mut Outbox, env: &mut Env<'_, '_>) {
        outbox.flush_now(env);
        for to in outbox.targets() {
            let (from, lane) = (self.task, env.lane(to));
            let message = Message::Step(Step { from, to, lane, ..*step });
            match env.place(to) {
                Place::Here => env.cx.post(lane, message),
                Place::Peer(peer) => env.links.peers[usize::from(peer)].send(message, env.cx),
            }
        }
    }

    fn report(&self, step: &Step, done: bool, env: &mut Env<'_, '_>) {
        let (emission, generation, task) = (step.emission, env.generation, self.task);
        env.tell_coordinator(Message::Stepped { emission, generation, task, done });
    }
}
