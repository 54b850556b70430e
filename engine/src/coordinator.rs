//! The coordinator: the cluster's master (Storm's Nimbus, Flink's JobManager), one of several.
//!
//! Every coordinator keeps a [`replica`] of the [`metadata`]. The one that leads takes up the
//! duties of the `master`: it hears workers and supervisors, suspects, decides (pure functions in
//! [`decide`] and [`schedule`]), and changes the metadata by proposals alone. A new generation goes
//! through three steps: *fencing* (every resource refuses older generations), *deploying* (workers
//! restore their tasks), *running*. [`replicas`] knows which store has which file of a checkpoint.
//!
//! **Invariant:** a coordinator acts as master only from the moment when it has applied an entry of
//! its own term to the moment when it learns of a later one, and decides nothing but by committed
//! entries: one that was deposed and does not know it yet can decide nothing, and what it still
//! says is of decisions that hold.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;

use stormglass_sim::node::{ConnId, Event, NodeId};

use crate::cluster::Cluster;
use crate::ids::TaskId;
use crate::message::Message;
use crate::names::{Probe, Switches, Twist};
use crate::node::Cx;
use crate::observation::Observation;
use crate::observation::acking::Acking;
use crate::raft::{self, Body, Entry, Snapshot};

pub mod checkpoint_spout;
pub mod checkpoints;
pub mod decide;
pub mod detector;
pub mod interval;
mod master;
pub mod metadata;
mod pace;
mod reads;
pub mod rebalance;
pub mod replica;
pub mod replicas;
mod requests;
mod rounds;
pub mod schedule;
mod steps;
mod stores;
mod workers;

use checkpoint_spout::{Phase, TxState};
use checkpoints::Asker;
use master::Master;
use metadata::{Applied, Command, Completed, Metadata, Progress, Request};
use reads::Reads;
use replica::{Replica, Told};

/// The coordinator process.
#[derive(Clone, Debug)]
pub struct Coordinator {
    ledger: Ledger,
    reads: Reads,
    /// Its duties, while it leads.
    master: Option<Box<Master>>,
}

/// What is decided, and the way to decide more.
#[derive(Clone, Debug)]
struct Ledger {
    cluster: Arc<Cluster>,
    replica: Replica,
    metadata: Metadata,
    /// Requests of this life so far.
    sequence: u32,
    /// What the master decided and could not propose yet, in order.
    held: VecDeque<(Command, Option<Asker>)>,
}

impl Ledger {
    /// Proposes a command of this coordinator's own. It is decided when it is applied, if ever:
    /// the proposal dies with the leadership.
    fn propose(&mut self, command: Command, cx: &mut Cx<'_>) {
        self.held.push_back((command, None));
        self.propose_held(cx);
    }

    /// Proposes what carries out a client's request: it is that request, and answered as such.
    fn propose_for(&mut self, asker: Option<Asker>, command: Command, cx: &mut Cx<'_>) {
        self.held.push_back((command, asker));
        self.propose_held(cx);
    }

    /// Proposes what could not be proposed while leadership was being handed over: if that fails,
    /// the master goes on, and must not wait for what was never proposed.
    fn propose_held(&mut self, cx: &mut Cx<'_>) {
        while let Some((command, asker)) = self.held.front() {
            let sequence = u64::from(cx.incarnation()) << 32 | u64::from(self.sequence + 1);
            let own = Asker { client: cx.me(), sequence };
            let Asker { client, sequence } = asker.unwrap_or(own);
            let request = Request { client, sequence, command: command.clone() };
            if !self.replica.propose(request.encode(), cx) {
                return;
            }
            self.sequence += 1;
            self.held.pop_front();
        }
    }
}

impl Coordinator {
    /// A coordinator of this cluster.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        let ledger = Ledger {
            replica: Replica::new(cluster.clone()),
            metadata: Metadata::new(&cluster.supervisors).after(cluster.origin.as_deref()),
            sequence: 0,
            held: VecDeque::new(),
            cluster,
        };
        Coordinator { ledger, reads: Reads::default(), master: None }
    }

    /// The metadata as this coordinator knows it.
    pub fn metadata(&self) -> &Metadata {
        &self.ledger.metadata
    }

    /// Reacts to one event.
    pub fn on_event(&mut self, event: Event<Message>, cx: &mut Cx<'_>) {
        // A leader that stood still for long must find that out before it acts on anything.
        if self.ledger.replica.tick(cx) {
            self.settle(cx);
        }
        match event {
            Event::Start => self.ledger.replica.start(cx),
            Event::Disk { ticket, result } => {
                if self.ledger.replica.on_disk(ticket, result, cx).is_err() {
                    return cx.exit();
                }
            }
            Event::Datagram { from, message: Message::Raft(message) } => {
                self.ledger.replica.receive(from, Arc::unwrap_or_clone(message), cx);
            }
            Event::Datagram { from, message: Message::Ask(ask) } => self.asked(from, &ask, cx),
            Event::Timer { timer, .. } if self.ledger.replica.takes_timer(timer) => {}
            event => self.duty(event, cx),
        }
        self.settle(cx);
    }

    /// What only a master takes.
    fn duty(&mut self, event: Event<Message>, cx: &mut Cx<'_>) {
        let Some(master) = &mut self.master else {
            // Whoever comes here with a connection must look elsewhere.
            if let Event::Received { conn, .. } = event {
                cx.close(conn);
            }
            return;
        };
        master.on_event(event, &mut self.ledger, cx);
    }

    /// Carries out what the replica asks for, until nothing is left; then looks who leads.
    fn settle(&mut self, cx: &mut Cx<'_>) {
        self.ledger.propose_held(cx);
        loop {
            while let Some(told) = self.ledger.replica.next(cx) {
                match told {
                    Told::Apply(entry) => self.apply(&entry, cx),
                    Told::Restore(snapshot) => self.restore(&snapshot),
                    Told::ReadReady(request) => self.reads.ready(request, &self.ledger, cx),
                    Told::ReadLost(request) => self.reads.lost(request, &self.ledger, cx),
                    Told::SteppedDown => self.resign(cx),
                }
            }
            if self.master.is_some() || !self.ledger.replica.may_lead() {
                break;
            }
            let term = self.ledger.replica.term();
            cx.observe(Observation::Leads { term });
            let master = Master::new(&mut self.ledger, cx);
            self.master.insert(Box::new(master)).consider(&mut self.ledger, cx);
        }
        let Ledger { replica, metadata, .. } = &mut self.ledger;
        let early = cx.twist(Twist::LogCompactedEarly);
        replica.compact_if_long(early, || metadata.encode());
        // A snapshot is one more thing to write.
        let told = replica.next(cx);
        assert!(told.is_none(), "a snapshot of its own changes nothing for the coordinator");
        replica.settle(cx);
    }

    fn resign(&mut self, cx: &mut Cx<'_>) {
        self.ledger.held.clear();
        if let Some(master) = self.master.take() {
            if cx.twist(Twist::DeposedCleansUp) {
                master.clean_up(&self.ledger, cx);
            }
            master.resign(&self.ledger, cx);
        }
    }

    fn restore(&mut self, snapshot: &Snapshot) {
        let metadata = Metadata::decode(&snapshot.data);
        self.ledger.metadata = metadata.expect("a checked snapshot holds metadata");
    }

    /// An entry is committed: every replica applies it, and tells what it decides.
    fn apply(&mut self, entry: &Entry, cx: &mut Cx<'_>) {
        let (index, term, print) = (entry.index, entry.term, raft::print(&entry.body));
        cx.observe(Observation::Applied { index, term, print });
        let Body::Command(bytes) = &entry.body else { return };
        let request = Request::decode(bytes).expect("a checked entry holds a request");
        let metadata = &mut self.ledger.metadata;
        if metadata.is_retry(&request) && cx.twist(Twist::RetryAppliedTwice) {
            metadata.forget(request.client);
        }
        if metadata.is_retry(&request) {
            cx.probe(Probe::RetryRecognised);
        }
        let retained = self.ledger.cluster.checkpoint.retained;
        let switches = switches_for(&request.command, cx);
        let applied = metadata.apply(request.clone(), retained, switches);
        self.announce(&applied, cx);
        if let Some(master) = &mut self.master {
            master.applied(&request, &applied, &mut self.ledger, cx);
        }
    }

    /// Tells a decision.
    fn announce(&self, applied: &Applied, cx: &mut Cx<'_>) {
        match applied {
            Applied::Granted(assignment) => {
                let generation = assignment.generation;
                let latest = self.ledger.metadata.latest();
                if latest.is_some_and(|latest| latest.kind.is_savepoint()) {
                    cx.probe(Probe::SavepointRestored);
                }
                let restore = latest.map(|completed| completed.checkpoint);
                let workers = assignment.workers.len() as u16;
                cx.observe(Observation::Granted { generation, workers, restore });
                for (task, node) in (1..).map(TaskId).zip(&assignment.tasks) {
                    cx.observe(Observation::Assigned { generation, task, node: *node });
                }
            }
            Applied::Completed(completed) => {
                let Completed { checkpoint, kind, generation, .. } = **completed;
                let bytes = completed.bytes();
                let done = Observation::CheckpointCompleted { checkpoint, kind, generation, bytes };
                cx.observe(done);
            }
            Applied::Stopped(checkpoint) => {
                let generation = self.ledger.metadata.generation();
                cx.observe(Observation::Stopped { generation, checkpoint: *checkpoint });
            }
            Applied::Stepped(Progress { state: TxState { txid, phase }, version }) => {
                let (txid, phase, version) = (*txid, *phase, *version);
                let generation = self.ledger.metadata.generation();
                let stepped = Acking::Stepped { generation, txid, phase, version };
                cx.observe(Observation::Acking(stepped));
                // What is prepared everywhere is what a restore takes from now on.
                let latest = self.ledger.metadata.latest().cloned();
                if let Some(latest) = latest.filter(|_| phase == Phase::Committing) {
                    self.announce(&Applied::Completed(latest), cx);
                }
            }
            Applied::Condemned(checkpoint) => {
                cx.observe(Observation::CheckpointUnreadable { checkpoint: *checkpoint });
            }
            _ => {}
        }
    }
}

/// The planted bugs that concern a command.
fn switches_for(command: &Command, cx: &mut Cx<'_>) -> Switches {
    match command {
        Command::Complete(completed) if completed.kind.is_savepoint() => {
            Switches::of(|twist| twist == Twist::SavepointNotRestored && cx.twist(twist))
        }
        _ => Switches::NONE,
    }
}

/// A connection of this process, as long as it is open.
type Conn = Option<ConnId>;

/// Sends to one peer, if it is connected. A control stream is thin: a full buffer means that the
/// peer has been unreachable for long, and its heartbeats will tell.
fn tell(conn: Conn, message: Message, cx: &mut Cx<'_>) {
    if let Some(conn) = conn {
        let _ = cx.write(conn, message);
    }
}

/// Where worker processes run on a supervisor's machine.
fn slots_of(supervisor: NodeId, slots: u16) -> impl Iterator<Item = NodeId> {
    (1..=slots).map(move |slot| NodeId { port: supervisor.port + slot, ..supervisor })
}
