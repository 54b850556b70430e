//! Workers come, fall silent, are suspected and replaced: the way of a failure through the
//! coordinator.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{ConnId, NodeId};

use super::decide::{Decision, Facts, SlotFacts, Stage, decide};
use super::metadata::{Assignment, Command};
use super::{Coordinator, DEPLOY_TIMEOUT, MAIN, MONITOR, Step, schedule};
use crate::ids::{Generation, TaskId};
use crate::message::{Deployment, Message};
use crate::names::Probe;
use crate::node::Cx;
use crate::observation::{AbortReason, Observation, Suspicion};
use crate::permit::CommitPermit;

impl Coordinator {
    /// A worker says that it is up.
    pub(super) fn register(
        &mut self,
        conn: ConnId,
        peer: NodeId,
        incarnation: u32,
        running: Generation,
        cx: &mut Cx<'_>,
    ) {
        let current = self.metadata.generation();
        let granted = self.granted_incarnation(peer);
        let Some(slot) = self.slots.get_mut(&peer) else { return };
        let reborn = granted.is_some_and(|granted| granted != incarnation);
        let in_place = granted == Some(incarnation) && running == current;
        slot.conn = Some(conn);
        slot.incarnation = incarnation;
        slot.running = running;
        slot.last_heartbeat = cx.now();
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
            self.suspect_registered(peer, Suspicion::Reincarnated, cx);
        } else if granted == Some(incarnation) && !in_place && matches!(self.step, Step::Running) {
            // It lost its connection, and more with it, before that was noticed here.
            self.suspect_registered(peer, Suspicion::ConnectionLost, cx);
        }
        self.consider(cx);
    }

    /// The incarnation of a worker that the current generation was granted to.
    fn granted_incarnation(&self, node: NodeId) -> Option<u32> {
        let workers = &self.metadata.assignment()?.workers;
        workers.iter().find(|(worker, _)| *worker == node).map(|(_, incarnation)| *incarnation)
    }

    /// A worker lost something that it needs.
    pub(super) fn broken(
        &mut self,
        reporter: NodeId,
        generation: Generation,
        concerned: NodeId,
        task: Option<TaskId>,
        cx: &mut Cx<'_>,
    ) {
        if generation != self.metadata.generation() || matches!(self.step, Step::Deciding) {
            return;
        }
        if task.is_some() {
            self.suspect(reporter, Suspicion::TaskFailed, cx);
            return self.consider(cx);
        }
        // The peer's own connection to here may be about to tell more: judge at the next look.
        let accused = if self.slots.contains_key(&concerned) { concerned } else { reporter };
        if let Some(slot) = self.slots.get_mut(&accused) {
            slot.accused = true;
        }
    }

    /// Looks at the facts, every monitor interval.
    pub(super) fn monitor(&mut self, cx: &mut Cx<'_>) {
        let (now, timeout) = (cx.now(), self.cluster.control.heartbeat_timeout);
        let silent = |slot: &super::Slot| now.since(slot.last_heartbeat) >= timeout;
        let nodes: Vec<NodeId> = self.slots.keys().copied().collect();
        for node in nodes {
            let slot = &self.slots[&node];
            if slot.conn.is_some() && silent(slot) {
                self.suspect(node, Suspicion::HeartbeatTimeout, cx);
            } else if slot.conn.is_some() && slot.accused {
                self.suspect_registered(node, Suspicion::ConnectionLost, cx);
            }
        }
        cx.set_timer(MAIN, self.cluster.control.monitor_interval, MONITOR);
        self.consider(cx);
    }

    /// Suspects a worker and drops its connection.
    pub(super) fn suspect(&mut self, node: NodeId, reason: Suspicion, cx: &mut Cx<'_>) {
        if let Some(slot) = self.slots.get_mut(&node) {
            if let Some(conn) = slot.conn.take() {
                cx.close(conn);
            }
            slot.running = Generation(0);
        }
        self.suspect_registered(node, reason, cx);
    }

    /// Suspects a worker that remains reachable. Only workers of the current generation matter.
    fn suspect_registered(&mut self, node: NodeId, reason: Suspicion, cx: &mut Cx<'_>) {
        let assigned = self.granted_incarnation(node).is_some();
        let Some(slot) = self.slots.get_mut(&node) else { return };
        slot.accused = false;
        if !assigned || slot.suspected.is_some() {
            return;
        }
        slot.suspected = Some((cx.now(), reason));
        cx.observe(Observation::Suspected { node, reason });
        if matches!(self.step, Step::Fencing | Step::Deploying(_)) {
            cx.probe(Probe::FailedWhileDeploying);
        }
    }

    /// Decides on the facts and starts what was decided.
    pub(super) fn consider(&mut self, cx: &mut Cx<'_>) {
        let stage = match self.step {
            Step::Starting => return,
            Step::Waiting(since) => Stage::Waiting(since),
            Step::Deciding => Stage::Deciding,
            Step::Inherited(since) => Stage::Inherited(since),
            Step::Fencing | Step::Deploying(_) | Step::Running => Stage::Placed,
        };
        let slots = self.slot_facts(cx);
        let settings = &self.cluster.control;
        match decide(&Facts { now: cx.now(), stage, slots: &slots, settings }) {
            Decision::Wait => {}
            Decision::Adopt => {
                cx.probe(Probe::GenerationAdopted);
                self.run(cx);
            }
            Decision::Reassign(workers) => self.reassign(&workers, cx),
        }
    }

    fn slot_facts(&self, cx: &Cx<'_>) -> Vec<SlotFacts> {
        let (now, timeout) = (cx.now(), self.cluster.control.heartbeat_timeout);
        let current = self.metadata.generation();
        let supervised = |node: NodeId| {
            let of_machine = |(supervisor, _): &(&NodeId, _)| supervisor.machine == node.machine;
            let heard = self.supervisors.iter().find(of_machine);
            heard.is_some_and(|(_, last)| now.since(*last) < timeout)
        };
        let facts = |node: NodeId| {
            let slot = &self.slots[&node];
            let granted = self.granted_incarnation(node);
            SlotFacts {
                node,
                ready: slot.conn.is_some(),
                assigned: granted.is_some(),
                in_place: granted == Some(slot.incarnation) && slot.running == current,
                suspected: slot.suspected,
                supervised: supervised(node),
            }
        };
        self.cluster.worker_slots().map(facts).collect()
    }

    fn reassign(&mut self, workers: &[NodeId], cx: &mut Cx<'_>) {
        let tasks = schedule::round_robin(self.cluster.topology.tasks(), workers);
        let used = workers.iter().filter(|node| tasks.contains(node));
        let workers = used.map(|node| (*node, self.slots[node].incarnation)).collect();
        let generation = Generation(self.metadata.generation().0 + 1);
        self.step = Step::Deciding;
        self.propose(Command::Grant { generation, workers, tasks }, cx);
    }

    /// A new generation is applied: from here on nothing older may have an effect.
    pub(super) fn granted(&mut self, assignment: &Arc<Assignment>, cx: &mut Cx<'_>) {
        let generation = assignment.generation;
        let restore = self.metadata.latest().map(|completed| completed.checkpoint);
        let workers = assignment.workers.len() as u16;
        cx.observe(Observation::Granted { generation, workers, restore });
        for (task, node) in (1..).map(TaskId).zip(&assignment.tasks) {
            cx.observe(Observation::Assigned { generation, task, node: *node });
        }
        if let Some((checkpoint, generation)) = self.checkpoints.restart(cx.now()) {
            let reason = AbortReason::Superseded;
            cx.observe(Observation::CheckpointAborted { checkpoint, generation, reason });
        }
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
            self.suspect_registered(node, Suspicion::ConnectionLost, cx);
        }
        self.tell_resources(cx);
        self.consider(cx);
    }

    fn tell_resources(&self, cx: &mut Cx<'_>) {
        let generation = self.metadata.generation();
        for resource in &self.resources {
            if let Some(conn) = resource.conn.filter(|_| resource.open) {
                let _ = cx.write(conn, Message::Fence { generation });
            }
        }
    }

    /// A connection to a resource is open.
    pub(super) fn resource_opened(&mut self, conn: ConnId, cx: &mut Cx<'_>) {
        let generation = self.metadata.generation();
        let Some(resource) = self.resources.iter_mut().find(|r| r.conn == Some(conn)) else {
            return;
        };
        resource.open = true;
        if generation > Generation(0) {
            let _ = cx.write(conn, Message::Fence { generation });
        }
    }

    /// A resource refuses older generations now.
    pub(super) fn fence_raised(&mut self, peer: NodeId, generation: Generation, cx: &mut Cx<'_>) {
        if let Some(resource) = self.resources.iter_mut().find(|r| r.node == peer) {
            resource.fenced = resource.fenced.max(generation);
        }
        let current = self.metadata.generation();
        let all = self.resources.iter().all(|resource| resource.fenced == current);
        if matches!(self.step, Step::Fencing) && all {
            self.deploy(cx);
        }
    }

    fn deploy(&mut self, cx: &mut Cx<'_>) {
        let assignment = self.metadata.assignment().expect("a generation is current").clone();
        let restore = self.metadata.latest().map(|completed| {
            let (id, generation) = (completed.checkpoint, completed.generation);
            (completed.clone(), CommitPermit::mint(id, generation, completed.attempt))
        });
        let deadline = self.cluster.control.deploy_timeout;
        cx.set_timer(MAIN, deadline, DEPLOY_TIMEOUT | u64::from(assignment.generation.0));
        let workers: BTreeSet<NodeId> = assignment.workers.iter().map(|(node, _)| *node).collect();
        self.step = Step::Deploying(workers);
        self.tell_workers(&Message::Deploy(Arc::new(Deployment { assignment, restore })), cx);
    }

    /// A worker has its tasks ready.
    pub(super) fn deployed(&mut self, peer: NodeId, generation: Generation, cx: &mut Cx<'_>) {
        if generation != self.metadata.generation() {
            return;
        }
        let Step::Deploying(missing) = &mut self.step else { return };
        missing.remove(&peer);
        if missing.is_empty() {
            self.tell_workers(&Message::Go { generation }, cx);
            cx.observe(Observation::Running { generation });
            self.run(cx);
        }
    }

    fn run(&mut self, cx: &mut Cx<'_>) {
        let generation = self.metadata.generation();
        for slot in self.slots.values_mut() {
            slot.running = generation;
        }
        self.step = Step::Running;
        self.checkpoints.restart(cx.now());
        self.schedule_checkpoint(cx);
    }

    /// The time for deploying is over: who is not ready is suspected.
    pub(super) fn deploy_timeout(&mut self, generation: Generation, cx: &mut Cx<'_>) {
        if generation != self.metadata.generation() {
            return;
        }
        let Step::Deploying(missing) = &self.step else { return };
        for node in missing.clone() {
            self.suspect(node, Suspicion::DeployTimeout, cx);
        }
        self.consider(cx);
    }
}
