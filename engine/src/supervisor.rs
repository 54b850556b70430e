//! The supervisor: keeps the workers of its machine alive.

use alloc::boxed::Box;
use alloc::sync::Arc;

use stormglass_sim::node::{Event, Exit, Lane};
use stormglass_sim::time::Instant;

use crate::cluster::Cluster;
use crate::message::Message;
use crate::names::Probe;
use crate::node::{Cx, Node};
use crate::worker::Worker;

const MAIN: Lane = Lane(0);
/// Timer tokens; every other token is the port of a worker to start.
const HEARTBEAT: u64 = 1 << 32;
const BEGIN: u64 = 2 << 32;

/// The supervisor process: launches a worker at each of its slots, watches and restarts them.
#[derive(Clone, Debug)]
pub struct Supervisor {
    cluster: Arc<Cluster>,
    begins: Instant,
}

impl Supervisor {
    /// A supervisor of this cluster, from an instant of its clock on: one that comes later joins.
    pub fn new(cluster: Arc<Cluster>, begins: Instant) -> Self {
        Supervisor { cluster, begins }
    }

    /// Reacts to one event.
    pub fn on_event(&mut self, event: Event<Message>, cx: &mut Cx<'_>) {
        match event {
            Event::Start if cx.now() < self.begins => {
                cx.set_timer(MAIN, self.begins.since(cx.now()), BEGIN);
            }
            Event::Start | Event::Timer { token: BEGIN, .. } => self.start(cx),
            Event::Timer { token: HEARTBEAT, .. } => self.heartbeat(cx),
            Event::Timer { token: port, .. } => self.launch(port as u16, cx),
            Event::Exited { node, exit } => {
                if exit == Exit::OutOfMemory {
                    cx.probe(Probe::WorkerOutOfMemory);
                }
                self.launch_later(node.port, cx);
            }
            _ => {}
        }
    }

    /// Workers that outlived an earlier life of this supervisor are strangers to it: it starts
    /// anew.
    fn start(&mut self, cx: &mut Cx<'_>) {
        let own = cx.me().port;
        for port in own + 1..=own + self.cluster.slots {
            cx.kill(port);
            self.launch(port, cx);
        }
        self.heartbeat(cx);
    }

    /// A stranger that was just told to die may still be there, and only its own parent would hear
    /// of its end: the slot is tried again until it is free.
    fn launch(&self, port: u16, cx: &mut Cx<'_>) {
        let worker = Node::Worker(Box::new(Worker::new(self.cluster.clone())));
        if !cx.launch(port, worker) {
            self.launch_later(port, cx);
        }
    }

    fn launch_later(&self, port: u16, cx: &mut Cx<'_>) {
        cx.set_timer(MAIN, self.cluster.control.restart_delay, u64::from(port));
    }

    fn heartbeat(&self, cx: &mut Cx<'_>) {
        for coordinator in &self.cluster.coordinators {
            cx.send(*coordinator, Message::Supervising { sent: cx.wall_clock() });
        }
        cx.set_timer(MAIN, self.cluster.control.heartbeat_interval, HEARTBEAT);
    }
}
