//! A worker's connections, and what a task needs of its surroundings.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{ConnId, Lane, NodeId, WriteError};
use stormglass_sim::time::Span;

use super::stores::Stores;
use crate::cluster::Cluster;
use crate::coordinator::metadata::Assignment;
use crate::coordinator::rebalance::Tally;
use crate::ids::{Attempt, CheckpointId, Generation, TaskId};
use crate::message::{Credit, Message};
use crate::names::Site;
use crate::node::Cx;
use crate::observation::{Observation, Step};

/// A connection that this worker opened, with what did not fit into its buffer.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) node: NodeId,
    pub(super) conn: Option<ConnId>,
    pub(super) open: bool,
    /// An earlier connection was lost: what had been asked through it must be asked again.
    pub(super) again: bool,
    backlog: VecDeque<Message>,
    /// Credits waiting for a data message to ride on.
    pub(super) riding: Vec<Credit>,
}

impl Link {
    pub(super) fn connect(node: NodeId, cx: &mut Cx<'_>) -> Self {
        let conn = Some(cx.connect(node));
        let (backlog, riding) = (VecDeque::new(), Vec::new());
        Link { node, conn, open: false, again: false, backlog, riding }
    }

    /// Connects again after the connection was lost; what had not been written is forgotten.
    pub(super) fn reconnect(&mut self, cx: &mut Cx<'_>) {
        self.backlog.clear();
        self.open = false;
        self.again = true;
        self.conn = Some(cx.connect(self.node));
    }

    /// Closes the connection: what comes over it does not count any more.
    pub(super) fn close(&mut self, cx: &mut Cx<'_>) {
        self.open = false;
        if let Some(conn) = self.conn.take() {
            cx.close(conn);
        }
    }

    /// Writes, or keeps the message until there is room. Without a connection it is dropped: its
    /// sender learns of the loss by the connection's end.
    pub(super) fn send(&mut self, message: Message, cx: &mut Cx<'_>) {
        let Some(conn) = self.conn else { return };
        if !self.backlog.is_empty() {
            return self.backlog.push_back(message);
        }
        if let Err(WriteError::Full(message)) = cx.write(conn, message) {
            self.backlog.push_back(message);
        }
    }

    /// There is room again.
    pub(super) fn drain(&mut self, cx: &mut Cx<'_>) {
        let Some(conn) = self.conn else { return };
        while let Some(message) = self.backlog.pop_front() {
            if let Err(WriteError::Full(message)) = cx.write(conn, message) {
                return self.backlog.push_front(message);
            }
        }
    }
}

/// All connections of one generation.
#[derive(Clone, Debug)]
pub(super) struct Links {
    /// To workers that run tasks of this generation, this one excepted.
    pub(super) peers: Vec<Link>,
    pub(super) broker: Link,
    pub(super) stores: Stores,
    pub(super) receiver: Link,
}

impl Links {
    /// The link that owns a connection.
    pub(super) fn find(&mut self, conn: ConnId) -> Option<&mut Link> {
        let services = [&mut self.broker, &mut self.receiver];
        let stores = &mut self.stores.links;
        let mut all = self.peers.iter_mut().chain(services).chain(stores);
        all.find(|link| link.conn == Some(conn))
    }

    pub(super) fn all_open(&self) -> bool {
        let services = [&self.broker, &self.receiver];
        self.peers.iter().chain(services).all(|link| link.open) && self.stores.are_open()
    }

    /// Whether everything is there that cannot be connected again within a generation.
    pub(super) fn intact(&self) -> bool {
        self.peers.iter().chain([&self.receiver]).all(|link| link.conn.is_some())
    }

    /// Closes everything.
    pub(super) fn close(&mut self, cx: &mut Cx<'_>) {
        // In the order in which they were opened.
        let broker = core::iter::once(&mut self.broker);
        let services = broker.chain(&mut self.stores.links).chain([&mut self.receiver]);
        for link in self.peers.iter_mut().chain(services) {
            link.close(cx);
        }
    }
}

/// What a task needs of its surroundings while it reacts.
pub(super) struct Env<'a, 'b> {
    pub(super) cx: &'a mut Cx<'b>,
    pub(super) links: &'a mut Links,
    pub(super) cluster: &'a Arc<Cluster>,
    pub(super) control: Option<ConnId>,
    /// What the tasks do, if somebody wants to know.
    pub(super) tally: &'a mut Option<Tally>,
    pub(super) generation: Generation,
    pub(super) attempt: Attempt,
    /// Whether sources may run.
    pub(super) running: bool,
    pub(super) assignment: &'a Assignment,
    /// For each task from 1 on: this worker, or the index of the peer that runs it.
    pub(super) places: &'a [Place],
}

/// Where a task runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Here,
    Peer(u16),
}

impl Env<'_, '_> {
    pub(super) fn place(&self, task: TaskId) -> Place {
        self.places[usize::from(task.0) - 1]
    }

    /// Tells that a task went through a step of a checkpoint.
    pub(super) fn stepped(&mut self, step: Step, task: TaskId, checkpoint: CheckpointId) {
        let generation = self.generation;
        self.cx.observe(Observation::Stepped { step, task, generation, checkpoint });
    }

    /// The thread of a task, here or elsewhere.
    pub(super) fn lane(&self, task: TaskId) -> Lane {
        self.assignment.lane_of(task)
    }

    /// The thread that takes data for a task. Where barriers may overtake data it is the main
    /// thread: in the queue of a busy task nobody could see it.
    pub(super) fn data_lane(&self, task: TaskId) -> Lane {
        match self.cluster.barriers.may_overtake() {
            true => Lane(0),
            false => self.lane(task),
        }
    }

    /// Says how many bytes a task needs at a site from now on. False if it wants more than before
    /// and is refused.
    pub(super) fn reserve(&mut self, site: Site, task: TaskId, bytes: u64) -> bool {
        let granted = self.cx.reserve(site, task.0.into(), bytes);
        if !granted {
            self.cx.probe(site.refused());
        }
        granted
    }

    /// Tells the coordinator what cannot go on: with the process that it concerns.
    pub(super) fn broken(&mut self, peer: NodeId, task: Option<TaskId>) {
        let generation = self.generation;
        self.tell_coordinator(Message::Broken { generation, peer, task });
    }

    /// Sends to the coordinator; while it is out of reach the message is lost, and the coordinator
    /// that comes next starts from what is durable.
    pub(super) fn tell_coordinator(&mut self, message: Message) {
        if let Some(conn) = self.control {
            let _ = self.cx.write(conn, message);
        }
    }
}

impl Env<'_, '_> {
    /// A task works on so many tuples.
    pub(super) fn work(&mut self, task: TaskId, cpu_each: Span, tuples: u64) {
        let cpu = cpu_each * tuples;
        let lane = self.lane(task);
        self.cx.spend(lane, cpu);
        if let Some(tally) = self.tally {
            tally.add(task, tuples, cpu);
        }
    }
}
