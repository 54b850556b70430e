//! One process of the cluster, whatever its role.

use alloc::boxed::Box;

use stormglass_sim::node::{Context, Event, Lane, Process};

use crate::broker::Broker;
use crate::client::Client;
use crate::coordinator::Coordinator;
use crate::message::Message;
use crate::names::{Probe, Site, Twist};
use crate::observation::Observation;
use crate::query::QueryClient;
use crate::receiver::Receiver;
use crate::store::Store;
use crate::supervisor::Supervisor;
use crate::worker::Worker;

/// What a process of the cluster may do.
pub type Cx<'a> = dyn Context<Node> + 'a;

/// A process of the cluster.
#[derive(Clone, Debug)]
pub enum Node {
    /// The master.
    Coordinator(Box<Coordinator>),
    /// Keeps workers alive.
    Supervisor(Supervisor),
    /// Runs tasks.
    Worker(Box<Worker>),
    /// Holds the input log.
    Broker(Box<Broker>),
    /// Holds checkpoints.
    Store(Box<Store>),
    /// Takes what the sinks publish.
    Receiver(Box<Receiver>),
    /// Asks the coordinators for something.
    Client(Client),
    /// Reads keyed state.
    Query(Box<QueryClient>),
}

impl Process for Node {
    type Message = Message;
    type Observation = Observation;
    type Probe = Probe;
    type Twist = Twist;
    type Site = Site;

    fn on_event(&mut self, _lane: Lane, event: Event<Message>, cx: &mut Cx<'_>) {
        match self {
            Node::Coordinator(coordinator) => coordinator.on_event(event, cx),
            Node::Supervisor(supervisor) => supervisor.on_event(event, cx),
            Node::Worker(worker) => worker.on_event(event, cx),
            Node::Broker(broker) => broker.on_event(event, cx),
            Node::Store(store) => store.on_event(event, cx),
            Node::Receiver(receiver) => receiver.on_event(event, cx),
            Node::Client(client) => client.on_event(event, cx),
            Node::Query(client) => client.on_event(event, cx),
        }
    }
}
