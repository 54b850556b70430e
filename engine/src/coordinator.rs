//! The coordinator: the cluster's master (Storm's Nimbus, Flink's JobManager).
//!
//! It hears workers and supervisors, suspects, decides (pure functions in [`decide`]), and changes
//! the metadata only through [`replica`]. A new generation goes through three steps: *fencing*
//! (every resource refuses older generations), *deploying* (workers restore their tasks),
//! *running*.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{ConnId, Event, Lane, NodeId};
use stormglass_sim::time::{Instant, Span};

use crate::cluster::Cluster;
use crate::ids::{CheckpointId, Generation};
use crate::message::Message;
use crate::names::Probe;
use crate::node::Cx;
use crate::observation::{Observation, Suspicion};

pub mod checkpoints;
pub mod decide;
pub mod detector;
pub mod metadata;
pub mod rebalance;
pub mod replica;
mod rounds;
pub mod schedule;
mod workers;

use checkpoints::{Acknowledged, Checkpoints};
use metadata::{Applied, Command, Metadata};
use replica::{Replica, Replicated};

const MAIN: Lane = Lane(0);
/// How long to wait before connecting again to a resource.
const RECONNECT: Span = Span::millis(200);

/// Timer tokens: a kind in the high bits, a number in the low 32.
const MONITOR: u64 = 1 << 32;
const CHECKPOINT_DUE: u64 = 2 << 32;
const CHECKPOINT_TIMEOUT: u64 = 3 << 32;
const DEPLOY_TIMEOUT: u64 = 4 << 32;
const RECONNECT_RESOURCE: u64 = 5 << 32;

/// The coordinator process.
#[derive(Clone, Debug)]
pub struct Coordinator {
    cluster: Arc<Cluster>,
    replica: Replica,
    metadata: Metadata,
    step: Step,
    slots: BTreeMap<NodeId, Slot>,
    supervisors: BTreeMap<NodeId, Instant>,
    resources: Vec<ResourceLink>,
    checkpoints: Checkpoints,
}

/// Where the current generation stands.
#[derive(Clone, Debug)]
enum Step {
    /// Reading the log of an earlier life.
    Starting,
    /// No generation yet.
    Waiting(Instant),
    /// A grant is being replicated.
    Deciding,
    /// An earlier coordinator left a generation.
    Inherited(Instant),
    /// Resources are being told; these have not answered.
    Fencing,
    /// Workers restore; these have not finished.
    Deploying(BTreeSet<NodeId>),
    /// Sources run.
    Running,
}

/// What is known of one slot's worker.
#[derive(Clone, Debug, Default)]
struct Slot {
    conn: Option<ConnId>,
    incarnation: u32,
    /// The generation that it says it runs; 0 for none.
    running: Generation,
    last_heartbeat: Instant,
    suspected: Option<(Instant, Suspicion)>,
    /// A peer lost its connection to it in the current generation.
    accused: bool,
}

#[derive(Clone, Debug)]
struct ResourceLink {
    node: NodeId,
    conn: Option<ConnId>,
    open: bool,
    fenced: Generation,
}

impl Coordinator {
    /// A coordinator of this cluster.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        let resource = |node| ResourceLink { node, conn: None, open: false, fenced: Generation(0) };
        let resources = [cluster.broker, cluster.store, cluster.receiver].map(resource);
        Coordinator {
            replica: Replica::default(),
            metadata: Metadata::default(),
            step: Step::Starting,
            slots: cluster.worker_slots().map(|node| (node, Slot::default())).collect(),
            supervisors: BTreeMap::new(),
            resources: resources.to_vec(),
            checkpoints: Checkpoints::default(),
            cluster,
        }
    }

    /// The metadata as this coordinator knows it.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Reacts to one event.
    pub fn on_event(&mut self, event: Event<Message>, cx: &mut Cx<'_>) {
        match event {
            Event::Start => self.replica.start(cx),
            Event::Disk { ticket, result } => match self.replica.on_disk(ticket, result, cx) {
                Replicated::Nothing => {}
                Replicated::Recovered(log) => self.recovered(log, cx),
                Replicated::Committed(command) => self.committed(command, cx),
                Replicated::Broken => cx.exit(),
            },
            Event::Datagram { from, message: Message::Heartbeat } => self.heard(from, cx.now()),
            Event::Received { conn, peer, message } => self.received(conn, peer, message, cx),
            Event::Opened { conn, .. } => self.resource_opened(conn, cx),
            Event::Closed { conn, peer, .. } => self.closed(conn, peer, cx),
            Event::Timer { token, .. } => self.timer(token, cx),
            _ => {}
        }
    }

    /// The log of an earlier life is read; from now on there is work to do.
    fn recovered(&mut self, log: Vec<Command>, cx: &mut Cx<'_>) {
        let retained = self.cluster.checkpoint.retained;
        for command in log {
            self.metadata.apply(command, retained);
        }
        // The last life may have died between the durable decision and its announcement.
        if let Some(latest) = self.metadata.latest() {
            let (checkpoint, generation) = (latest.checkpoint, latest.generation);
            let bytes = latest.bytes;
            cx.observe(Observation::CheckpointCompleted { checkpoint, generation, bytes });
        }
        let now = cx.now();
        self.step = match self.metadata.assignment() {
            Some(_) => Step::Inherited(now),
            None => Step::Waiting(now),
        };
        for slot in self.slots.values_mut() {
            slot.last_heartbeat = now;
        }
        for resource in &mut self.resources {
            resource.conn = Some(cx.connect(resource.node));
        }
        cx.set_timer(MAIN, self.cluster.control.monitor_interval, MONITOR);
    }

    fn heard(&mut self, from: NodeId, now: Instant) {
        if let Some(slot) = self.slots.get_mut(&from) {
            slot.last_heartbeat = now;
        } else if self.cluster.supervisors.contains(&from) {
            self.supervisors.insert(from, now);
        }
    }

    fn received(&mut self, conn: ConnId, peer: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Register { incarnation, generation, running } => {
                let running = if running { generation } else { Generation(0) };
                self.register(conn, peer, incarnation, running, cx);
            }
            Message::Deployed { generation } => self.deployed(peer, generation, cx),
            Message::Broken { generation, peer: concerned, task } => {
                self.broken(peer, generation, concerned, task, cx);
            }
            Message::Acknowledge { checkpoint, generation, task, attempt, bytes } => {
                let books = &mut self.checkpoints;
                let ack = books.acknowledge(checkpoint, generation, task, attempt, bytes);
                if ack != Acknowledged::Ignored {
                    cx.observe(Observation::CheckpointAcked { checkpoint, task, attempt, bytes });
                }
                self.acknowledged(ack, generation, task, cx);
            }
            Message::FenceRaised { generation } => self.fence_raised(peer, generation, cx),
            _ => {}
        }
    }

    fn closed(&mut self, conn: ConnId, peer: NodeId, cx: &mut Cx<'_>) {
        if let Some(at) = self.resources.iter().position(|r| r.conn == Some(conn)) {
            let resource = &mut self.resources[at];
            (resource.conn, resource.open) = (None, false);
            cx.set_timer(MAIN, RECONNECT, RECONNECT_RESOURCE | at as u64);
        } else if self.slots.get(&peer).is_some_and(|slot| slot.conn == Some(conn)) {
            self.suspect(peer, Suspicion::ConnectionLost, cx);
            self.consider(cx);
        }
    }

    fn timer(&mut self, token: u64, cx: &mut Cx<'_>) {
        let number = token as u32;
        match token & !u64::from(u32::MAX) {
            MONITOR => self.monitor(cx),
            CHECKPOINT_DUE => self.trigger_if_due(cx),
            CHECKPOINT_TIMEOUT => self.checkpoint_timeout(CheckpointId(number), cx),
            DEPLOY_TIMEOUT => self.deploy_timeout(Generation(number), cx),
            RECONNECT_RESOURCE => {
                let resource = &mut self.resources[number as usize];
                resource.conn = Some(cx.connect(resource.node));
            }
            _ => unreachable!("no other timer is set"),
        }
    }

    fn propose(&mut self, command: Command, cx: &mut Cx<'_>) {
        self.replica.propose(command, cx);
    }

    /// A proposal of this coordinator is durable: apply it and act on the outcome.
    fn committed(&mut self, command: Command, cx: &mut Cx<'_>) {
        let reserving = matches!(command, Command::Reserve { .. });
        match self.metadata.apply(command, self.cluster.checkpoint.retained) {
            Applied::Granted(assignment) => self.granted(&assignment, cx),
            Applied::Reserved(checkpoint) => self.begin_checkpoint(checkpoint, cx),
            Applied::Completed(completed) => self.checkpoint_completed(&completed, cx),
            Applied::Refused if reserving => self.checkpoints.reservation_refused(),
            Applied::Refused => cx.probe(Probe::CompletionOvertaken),
        }
    }

    /// Sends to every worker of the current assignment that is connected.
    fn tell_workers(&self, message: &Message, cx: &mut Cx<'_>) {
        let Some(assignment) = self.metadata.assignment() else { return };
        for (node, _) in &assignment.workers {
            self.tell(*node, message.clone(), cx);
        }
    }

    /// Sends to one worker. The control stream is thin: a full buffer means that the worker has
    /// been unreachable for long, and its heartbeats will tell.
    fn tell(&self, node: NodeId, message: Message, cx: &mut Cx<'_>) {
        if let Some(conn) = self.slots.get(&node).and_then(|slot| slot.conn) {
            let _ = cx.write(conn, message);
        }
    }
}
