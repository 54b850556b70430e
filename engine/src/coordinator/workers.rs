//! Workers come, fall silent, are suspected and replaced: the way of a failure through the
//! coordinator.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{ConnId, NodeId};

use super::decide::{Decision, Facts, Rebalance, SlotFacts, Stage, decide};
use super::master::{DEPLOY_TIMEOUT, MAIN, Master, ResourceLink, Step};
use super::metadata::{Assignment, Command};
use super::pace::first_counts_from;
use super::rounds::tell_given_up;
use super::schedule::{self, Scheduler};
use super::{Ledger, rebalance, tell};
use crate::ids::{Generation, TaskId};
use crate::message::{Deployment, Message};
use crate::names::{Probe, Twist};
use crate::node::Cx;
use crate::observation::{Observation, Suspicion};
use crate::permit::CommitPermit;

impl Master {
    /// A worker says that it is up.
    pub(super) fn register(
        &mut self,
        conn: ConnId,
        peer: NodeId,
        incarnation: u32,
        running: Generation,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        let current = ledger.metadata.generation();
        let granted = granted_incarnation(ledger, peer);
        let Some(slot) = self.slots.get_mut(&peer) else { return };
        let reborn = granted.is_some_and(|granted| granted != incarnation);
        let in_place = granted == Some(incarnation) && running == current;
        slot.conn = Some(conn);
        slot.incarnation = incarnation;
        slot.running = running;
        slot.beats.reset(cx.now());
        if reborn && slot.suspected.is_some() {
            cx.probe(Probe::RestartedInPlace);
        }
        if in_place {
            slot.suspected = None;
        }
        let news = reborn && slot.suspected.is_none() && !matches!(self.step, Step::Inherited(_));
        let assigned = granted == Some(incarnation);
        let _ = cx.write(conn, Message::Standing { generation: current, assigned });
        if news {
            self.suspect_registered(peer, Suspicion::Reincarnated, ledger, cx);
        } else if granted == Some(incarnation) && !in_place && matches!(self.step, Step::Running) {
            // It lost its connection, and more with it, before that was noticed here.
            self.suspect_registered(peer, Suspicion::ConnectionLost, ledger, cx);
        }
        self.consider(ledger, cx);
    }

    /// A worker lost something that it needs.
    pub(super) fn broken(
        &mut self,
        reporter: NodeId,
        generation: Generation,
        concerned: NodeId,
        task: Option<TaskId>,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        if task.is_some() {
            return self.failed(reporter, generation, Suspicion::TaskFailed, ledger, cx);
        }
        if generation != ledger.metadata.generation() || matches!(self.step, Step::Deciding) {
            return;
        }
        // The peer's own connection to here may be about to tell more: judge at the next look.
        let accused = if self.slots.contains_key(&concerned) { concerned } else { reporter };
        if let Some(slot) = self.slots.get_mut(&accused) {
            slot.accused = true;
        }
    }

    /// A worker says why it ends itself.
    pub(super) fn failed(
        &mut self,
        reporter: NodeId,
        generation: Generation,
        reason: Suspicion,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        if generation == ledger.metadata.generation() && !matches!(self.step, Step::Deciding) {
            self.suspect(reporter, reason, ledger, cx);
            self.consider(ledger, cx);
        }
    }

    /// Looks at the facts, every monitor interval.
    pub(super) fn look(&mut self, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        let (now, detector) = (cx.now(), self.cluster.control.detector);
        let nodes: Vec<NodeId> = self.slots.keys().copied().collect();
        for node in nodes {
            let slot = &self.slots[&node];
            if slot.conn.is_some() && slot.beats.is_suspect(&detector, now) {
                self.suspect(node, Suspicion::HeartbeatTimeout, ledger, cx);
            } else if slot.conn.is_some() && slot.accused {
                self.suspect_registered(node, Suspicion::ConnectionLost, ledger, cx);
            }
        }
        self.set_monitor(cx);
        self.end_if_due(ledger, cx);
        self.tend_files(ledger, cx);
        self.weigh(ledger, cx);
        self.consider(ledger, cx);
    }

    /// Looks whether some workers carry much more than others, and need not.
    fn weigh(&mut self, ledger: &Ledger, cx: &mut Cx<'_>) {
        let control = &self.cluster.control;
        let Some(assignment) = ledger.metadata.assignment() else { return };
        if control.scheduler != Scheduler::Load || self.rebalancing.is_some() {
            return;
        }
        let used = |node: &NodeId| assignment.workers.iter().any(|(worker, _)| worker == node);
        let mut ready = self.usable_slots(ledger);
        ready.retain(|node| self.slots[node].conn.is_some());
        let load = |node: &NodeId| match used(node) {
            true => self.meter.worker_load(*node),
            false => Some(0),
        };
        let loads: Vec<Option<u32>> = ready.iter().map(load).collect();
        let (now, running_since) = (cx.now(), self.running_since);
        let settings = &control.load.act;
        let facts = rebalance::Facts { now, running_since, loads: &loads, settings };
        if let rebalance::Decision::Reassign { .. } = rebalance::decide(&facts) {
            self.by_load = true;
            if self.plan(&ready, ledger).0 == assignment.tasks {
                // There is no better one, and no need for a checkpoint before it.
                self.by_load = false;
                return;
            }
            cx.probe(Probe::LoadMoved);
            self.rebalancing = Some(Rebalance::Staffing { since: now });
        }
    }

    /// Suspects a worker and drops its connection.
    pub(super) fn suspect(
        &mut self,
        node: NodeId,
        reason: Suspicion,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        if let Some(slot) = self.slots.get_mut(&node) {
            if let Some(conn) = slot.conn.take() {
                cx.close(conn);
            }
            slot.running = Generation(0);
        }
        self.suspect_registered(node, reason, ledger, cx);
    }

    /// Suspects a worker that remains reachable. Only workers of the current generation matter.
    pub(super) fn suspect_registered(
        &mut self,
        node: NodeId,
        reason: Suspicion,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        let assigned = granted_incarnation(ledger, node).is_some();
        let Some(slot) = self.slots.get_mut(&node) else { return };
        slot.accused = false;
        let over = matches!(self.step, Step::Stopped);
        if !assigned || slot.suspected.is_some() || over {
            return;
        }
        slot.suspected = Some((cx.now(), reason));
        if core::mem::take(&mut self.by_load) {
            // A generation that is broken is replaced, whether or not there is a better one.
            self.rebalancing = None;
        }
        cx.observe(Observation::Suspected { node, reason });
        if matches!(self.step, Step::Fencing | Step::Deploying(_)) {
            cx.probe(Probe::FailedWhileDeploying);
        }
    }

    /// Decides on the facts and starts what was decided.
    pub(super) fn consider(&mut self, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        let stage = match self.step {
            Step::Waiting(since) => Stage::Waiting(since),
            Step::Deciding => Stage::Deciding,
            Step::Inherited(since) => Stage::Inherited(since),
            Step::Fencing | Step::Deploying(_) => Stage::Placed,
            Step::Running => Stage::Running,
            Step::Stopped => Stage::Stopped,
        };
        let slots = self.slot_facts(ledger, cx);
        let settings = &self.cluster.control;
        let basis = ledger.metadata.assignment().map(|assignment| assignment.basis);
        let outdated = basis.is_some_and(|basis| basis != ledger.metadata.goal().version);
        if outdated && matches!(stage, Stage::Running) {
            self.rebalancing.get_or_insert(Rebalance::Staffing { since: cx.now() });
        }
        let (rebalancing, failed) = (self.rebalancing, self.failed);
        let facts = Facts { now: cx.now(), stage, slots: &slots, settings, rebalancing, failed };
        match decide(&facts) {
            Decision::Wait => {}
            Decision::Adopt => {
                cx.probe(Probe::GenerationAdopted);
                self.run(ledger, cx);
                self.consider(ledger, cx);
            }
            Decision::Prepare => {
                cx.probe(Probe::Rebalanced);
                self.rebalancing = Some(Rebalance::Covering { since: cx.now() });
                self.hurry_checkpoint(ledger, cx);
            }
            Decision::Reassign(workers) => self.reassign(workers, ledger, cx),
        }
    }

    fn slot_facts(&self, ledger: &Ledger, cx: &Cx<'_>) -> Vec<SlotFacts> {
        let (now, detector) = (cx.now(), self.cluster.control.detector);
        let current = ledger.metadata.generation();
        let supervised = |node: NodeId| {
            let of_machine = |(supervisor, _): &(&NodeId, _)| supervisor.machine == node.machine;
            let heard = self.supervisors.iter().find(of_machine);
            heard.is_some_and(|(_, beats)| !beats.is_suspect(&detector, now))
        };
        let usable = self.usable_slots(ledger);
        let facts = |node: &NodeId, usable: bool| {
            let slot = &self.slots[node];
            let granted = granted_incarnation(ledger, *node);
            SlotFacts {
                node: *node,
                usable,
                ready: slot.conn.is_some(),
                assigned: granted.is_some(),
                in_place: granted == Some(slot.incarnation) && slot.running == current,
                suspected: slot.suspected,
                supervised: supervised(*node),
            }
        };
        let gone = self.slots.keys().filter(|node| !usable.contains(node));
        let gone = gone.filter(|node| granted_incarnation(ledger, **node).is_some());
        let all = usable.iter().map(|node| facts(node, true));
        all.chain(gone.map(|node| facts(node, false))).collect()
    }

    /// Which worker is to run which task, in which executor.
    fn plan(&self, workers: &[NodeId], ledger: &Ledger) -> (Vec<NodeId>, Vec<TaskId>) {
        let (topology, goal) = (&self.cluster.topology, ledger.metadata.goal());
        let components = topology.components().iter().map(|component| {
            let executors = goal.executors.get(&component.id).copied();
            (component.parallelism, executors.unwrap_or(component.parallelism))
        });
        let executors = schedule::executors(&components.collect::<Vec<_>>());
        // Storm's rebalance schedules from scratch.
        let follows = |current: &&Arc<Assignment>| current.basis == goal.version;
        let current = ledger.metadata.assignment().filter(follows);
        let used = current.into_iter().flat_map(|a| a.workers.iter().map(|(node, _)| *node));
        let loads = match self.by_load {
            true => self.meter.executor_loads(&executors, &used.collect::<Vec<_>>()),
            false => None,
        };
        let request = schedule::Request {
            slots: workers,
            workers: goal.workers.unwrap_or(u16::MAX),
            executors: &executors,
            current: current.map(|current| current.tasks.as_slice()),
            edges: &schedule::edges(topology),
            loads: loads.as_deref().unwrap_or(&[]),
        };
        let tasks = schedule::schedule(self.cluster.control.scheduler, &request);
        let first = |executor: schedule::Executor| executor.tasks().map(move |_| executor.first);
        (tasks, executors.into_iter().flat_map(first).collect())
    }

    fn reassign(&mut self, workers: Vec<NodeId>, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        let (tasks, executors) = self.plan(&workers, ledger);
        let current = ledger.metadata.assignment().map(|current| &current.tasks);
        if self.by_load && current == Some(&tasks) {
            // There was a better one when the checkpoint began.
            (self.rebalancing, self.by_load) = (None, false);
            return;
        }
        let used = workers.iter().filter(|node| tasks.contains(node));
        let workers = used.map(|node| (*node, self.slots[node].incarnation)).collect();
        let generation = Generation(ledger.metadata.generation().0 + 1);
        let basis = ledger.metadata.goal().version;
        let ended = self.ended(cx.now());
        self.step = Step::Deciding;
        self.rebalancing = None;
        ledger.propose(Command::Grant { generation, basis, ended, workers, tasks, executors }, cx);
    }

    /// A new generation is applied: from here on nothing older may have an effect.
    pub(super) fn granted(
        &mut self,
        assignment: &Arc<Assignment>,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        if cx.twist(Twist::AcknowledgedByAnyAttempt) {
            self.checkpoints.carry_over(assignment);
        } else {
            self.discard_late(ledger, cx);
            let given_up = self.checkpoints.restart(cx.now());
            given_up.iter().for_each(|given_up| tell_given_up(given_up, cx));
        }
        (self.rebalancing, self.by_load, self.running_since) = (None, false, None);
        (self.failed, self.finished) = (false, BTreeSet::new());
        self.meter.reset(assignment.generation);
        let mut lost = Vec::new();
        for (node, slot) in &mut self.slots {
            slot.accused = false;
            slot.suspected = None;
            let granted = assignment.workers.iter().find(|(worker, _)| worker == node);
            if granted.is_some_and(|(_, i)| *i != slot.incarnation || slot.conn.is_none()) {
                lost.push(*node);
            }
        }
        self.step = Step::Fencing;
        // Workers that were lost while the grant was replicated.
        for node in lost {
            self.suspect_registered(node, Suspicion::ConnectionLost, ledger, cx);
        }
        self.tell_resources(ledger, cx);
        self.consider(ledger, cx);
    }

    fn tell_resources(&self, ledger: &Ledger, cx: &mut Cx<'_>) {
        let generation = ledger.metadata.generation();
        for resource in &self.resources {
            tell(resource.conn.filter(|_| resource.open), Message::Fence { generation }, cx);
        }
    }

    /// A connection to a resource is open.
    pub(super) fn resource_opened(&mut self, conn: ConnId, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        let generation = ledger.metadata.generation();
        let Some(resource) = self.resources.iter_mut().find(|r| r.conn == Some(conn)) else {
            return;
        };
        resource.open = true;
        let store = self.cluster.store_at(resource.node);
        if generation > Generation(0) {
            let _ = cx.write(conn, Message::Fence { generation });
        }
        if let Some(store) = store {
            self.store_opened(store, ledger, cx);
        }
    }

    /// A resource refuses older generations now.
    pub(super) fn fence_raised(
        &mut self,
        peer: NodeId,
        generation: Generation,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        if let Some(resource) = self.resources.iter_mut().find(|r| r.node == peer) {
            resource.fenced = resource.fenced.max(generation);
        }
        let current = ledger.metadata.generation();
        if matches!(self.step, Step::Fencing) && self.are_fenced(current) {
            self.deploy(ledger, cx);
        }
    }

    /// Whether nothing older than a generation can have an effect. Of the stores that takes so many
    /// that each pipeline has one: deploying does not wait for a store that is down.
    fn are_fenced(&self, current: Generation) -> bool {
        let is_store = |resource: &&ResourceLink| self.cluster.store_at(resource.node).is_some();
        let fenced = |resource: &&ResourceLink| resource.fenced == current;
        let stores = self.resources.iter().filter(is_store).filter(fenced).count();
        let mut others = self.resources.iter().filter(|resource| !is_store(resource));
        stores >= self.cluster.fenced_stores() && others.all(|other| fenced(&other))
    }

    fn deploy(&mut self, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        if self.is_stuck(ledger, cx) {
            return;
        }
        let assignment = ledger.metadata.assignment().expect("a generation is current").clone();
        let restore = ledger.metadata.latest().map(|completed| {
            let (id, generation) = (completed.checkpoint, completed.generation);
            (completed.clone(), CommitPermit::mint(id, generation, completed.attempt))
        });
        let transaction = ledger.metadata.progress().state;
        let deadline = self.cluster.control.deploy_timeout;
        cx.set_timer(MAIN, deadline, DEPLOY_TIMEOUT | u64::from(assignment.generation.0));
        let workers: BTreeSet<NodeId> = assignment.workers.iter().map(|(node, _)| *node).collect();
        self.step = Step::Deploying(workers);
        self.tell_workers(
            &Message::Deploy(Arc::new(Deployment { assignment, restore, transaction })),
            ledger,
            cx,
        );
    }

    /// A worker has its tasks ready.
    pub(super) fn deployed(
        &mut self,
        peer: NodeId,
        generation: Generation,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        if generation != ledger.metadata.generation() {
            return;
        }
        let Step::Deploying(missing) = &mut self.step else { return };
        missing.remove(&peer);
        if missing.is_empty() {
            // With all tasks of an ending job restored, what its savepoint covers is visible.
            if let Some(ending) = ledger.metadata.ending() {
                let checkpoint = ending.checkpoint;
                self.step = Step::Running;
                return ledger.propose(Command::Stop { generation, checkpoint }, cx);
            }
            self.tell_workers(&Message::Go { generation }, ledger, cx);
            cx.observe(Observation::Running { generation });
            self.run(ledger, cx);
        }
    }

    fn run(&mut self, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        let generation = ledger.metadata.generation();
        for slot in self.slots.values_mut() {
            slot.running = generation;
        }
        self.step = Step::Running;
        self.running_since = Some(cx.now());
        self.meter.reset(generation);
        self.pace.begin(cx.now());
        self.adapt(ledger, cx);
        self.checkpoints.restart(first_counts_from(ledger, cx.now()));
        self.end_if_due(ledger, cx);
        self.open_spout(ledger, cx);
        self.schedule_checkpoint(cx);
    }

    /// The time for deploying is over: who is not ready is suspected.
    pub(super) fn deploy_timeout(
        &mut self,
        generation: Generation,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        if generation != ledger.metadata.generation() {
            return;
        }
        let Step::Deploying(missing) = &self.step else { return };
        for node in missing.clone() {
            self.suspect(node, Suspicion::DeployTimeout, ledger, cx);
        }
        self.consider(ledger, cx);
    }
}

/// The incarnation of a worker that the current generation was granted to.
fn granted_incarnation(ledger: &Ledger, node: NodeId) -> Option<u32> {
    let workers = &ledger.metadata.assignment()?.workers;
    workers.iter().find(|(worker, _)| *worker == node).map(|(_, incarnation)| *incarnation)
}
