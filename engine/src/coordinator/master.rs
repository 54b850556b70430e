//! The duties of the coordinator that leads.
//!
//! A master begins with what is decided and nothing else: who is up, who is connected and what was
//! being done it hears anew. When it does not lead any more it is thrown away, with its
//! connections.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{ConnId, Event, Lane, NodeId, TimerId};
use stormglass_sim::time::{Instant, Span};

use super::checkpoint_spout::CheckpointSpout;
use super::checkpoints::{Ack, Checkpoints};
use super::decide::Rebalance;
use super::detector::Heartbeats;
use super::metadata::{Applied, Command, Request};
use super::pace::Pace;
use super::rebalance::Meter;
use super::replicas::Replication;
use super::{Conn, Ledger, requests, schedule, slots_of, tell};
use crate::cluster::Cluster;
use crate::ids::{CheckpointId, Generation, TaskId};
use crate::message::Message;
use crate::names::Probe;
use crate::node::Cx;
use crate::observation::{Observation, Suspicion};

pub(super) const MAIN: Lane = Lane(0);
/// How long to wait before connecting again to a resource.
const RECONNECT: Span = Span::millis(200);

/// Timer tokens: a kind in the high bits, a number in the low 32.
pub(super) const MONITOR: u64 = 1 << 32;
pub(super) const CHECKPOINT_DUE: u64 = 2 << 32;
pub(super) const CHECKPOINT_TIMEOUT: u64 = 3 << 32;
pub(super) const DEPLOY_TIMEOUT: u64 = 4 << 32;
const RECONNECT_RESOURCE: u64 = 5 << 32;
pub(super) const STEP_DUE: u64 = 6 << 32;
pub(super) const STEP_TIMEOUT: u64 = 7 << 32;

/// The master.
#[derive(Clone, Debug)]
pub(super) struct Master {
    pub(super) cluster: Arc<Cluster>,
    pub(super) step: Step,
    pub(super) slots: BTreeMap<NodeId, Slot>,
    pub(super) supervisors: BTreeMap<NodeId, Heartbeats>,
    pub(super) resources: Vec<ResourceLink>,
    pub(super) checkpoints: Checkpoints,
    pub(super) pace: Pace,
    /// In the place of barriers, if stateful bolts commit.
    pub(super) spout: Option<CheckpointSpout>,
    /// How far a replacement of the running generation by one that follows the goal has come.
    pub(super) rebalancing: Option<Rebalance>,
    pub(super) monitor: Option<TimerId>,
    pub(super) meter: Meter,
    /// When the current generation began to run here.
    pub(super) running_since: Option<Instant>,
    /// Whether load is why the running generation is to be replaced.
    pub(super) by_load: bool,
    /// Too many checkpoints of the running generation failed.
    pub(super) failed: bool,
    /// Sink tasks that have nothing left to commit of the savepoint that the job ends with.
    pub(super) finished: BTreeSet<TaskId>,
    pub(super) replication: Replication,
    /// Who reported that the checkpoint to restore is unreadable, while that is being decided.
    pub(super) unreadable: Option<NodeId>,
}

/// Where the current generation stands.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// No generation yet.
    Waiting(Instant),
    /// A grant is being replicated.
    Deciding,
    /// An earlier master left a generation.
    Inherited(Instant),
    /// Resources are being told; these have not answered.
    Fencing,
    /// Workers restore; these have not finished.
    Deploying(BTreeSet<NodeId>),
    /// Sources run.
    Running,
    /// The job has ended.
    Stopped,
}

/// What is known of one slot's worker.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) conn: Conn,
    pub(super) incarnation: u32,
    /// The generation that it says it runs; 0 for none.
    pub(super) running: Generation,
    pub(super) beats: Heartbeats,
    pub(super) suspected: Option<(Instant, Suspicion)>,
    /// A peer lost its connection to it in the current generation.
    pub(super) accused: bool,
}

#[derive(Clone, Debug)]
pub(super) struct ResourceLink {
    pub(super) node: NodeId,
    pub(super) conn: Conn,
    pub(super) open: bool,
    pub(super) fenced: Generation,
}

impl Master {
    /// Takes up the duties on what is decided.
    pub(super) fn new(ledger: &mut Ledger, cx: &mut Cx<'_>) -> Self {
        let cluster = ledger.cluster.clone();
        let now = cx.now();
        let nodes = [cluster.broker].into_iter().chain(cluster.stores.iter().copied());
        let resources = nodes.chain([cluster.receiver]).map(|node| {
            let conn = Some(cx.connect(node));
            ResourceLink { node, conn, open: false, fenced: Generation(0) }
        });
        let mut master = Master {
            step: match ledger.metadata.assignment() {
                Some(_) if ledger.metadata.is_stopped() => Step::Stopped,
                Some(_) => Step::Inherited(now),
                None => Step::Waiting(now),
            },
            slots: BTreeMap::new(),
            supervisors: BTreeMap::new(),
            resources: resources.collect(),
            checkpoints: Checkpoints::default(),
            pace: Pace::new(cluster.checkpoint.interval),
            spout: cluster.recovery.acking().map(|_| CheckpointSpout::new(now)),
            rebalancing: None,
            monitor: None,
            meter: Meter::new(cluster.control.load.window),
            running_since: None,
            by_load: false,
            failed: false,
            finished: BTreeSet::new(),
            replication: Replication::new(cluster.stores.len(), now),
            unreadable: None,
            cluster,
        };
        master.find_slots(ledger, cx);
        master.set_monitor(cx);
        let term = ledger.replica.term();
        for node in master.slots.keys() {
            cx.send(*node, Message::Leader { term });
        }
        master
    }

    /// Gives up the duties: whoever is connected must look for the next master.
    pub(super) fn resign(self, ledger: &Ledger, cx: &mut Cx<'_>) {
        self.leave_files(ledger, cx);
        if let Some(timer) = self.monitor {
            cx.cancel_timer(timer);
        }
        let workers = self.slots.values().filter_map(|slot| slot.conn);
        let resources = self.resources.iter().filter_map(|resource| resource.conn);
        workers.chain(resources).for_each(|conn| cx.close(conn));
    }

    /// Where workers may run, in the order in which slots are filled.
    pub(super) fn usable_slots(&self, ledger: &Ledger) -> Vec<NodeId> {
        let of = |supervisor| slots_of(supervisor, self.cluster.slots);
        let all: Vec<NodeId> = ledger.metadata.supervisors().flat_map(of).collect();
        schedule::interleaved(&all)
    }

    /// Learns of the slots of all members, and of all that the current generation uses.
    fn find_slots(&mut self, ledger: &Ledger, cx: &mut Cx<'_>) {
        let (now, current) = (cx.now(), ledger.metadata.assignment());
        let used = current.iter().flat_map(|a| a.workers.iter().map(|(node, _)| *node));
        for node in self.usable_slots(ledger).into_iter().chain(used) {
            self.slots.entry(node).or_insert_with(|| Slot {
                conn: None,
                incarnation: 0,
                running: Generation(0),
                beats: Heartbeats::new(now),
                suspected: None,
                accused: false,
            });
        }
    }

    pub(super) fn set_monitor(&mut self, cx: &mut Cx<'_>) {
        let interval = self.cluster.control.monitor_interval;
        self.monitor = Some(cx.set_timer(MAIN, interval, MONITOR));
    }

    /// Reacts to one event.
    pub(super) fn on_event(&mut self, event: Event<Message>, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        match event {
            Event::Datagram { from, message } => self.heard(from, &message, ledger, cx),
            Event::Received { conn, peer, message } => {
                self.received(conn, peer, message, ledger, cx);
            }
            Event::Opened { conn, .. } => self.resource_opened(conn, ledger, cx),
            Event::Closed { conn, peer, .. } => self.closed(conn, peer, ledger, cx),
            Event::Timer { timer, token } => self.timer(timer, token, ledger, cx),
            _ => {}
        }
    }

    /// A heartbeat. A worker that has no connection here is told who leads.
    fn heard(&mut self, from: NodeId, message: &Message, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        let now = cx.now();
        match *message {
            Message::Heartbeat { generation, dismissed, sent } => {
                let Some(slot) = self.slots.get_mut(&from) else { return };
                cx.observe(Observation::Heard { node: from, generation, dismissed });
                listen(&mut slot.beats, sent, ledger, cx);
                if slot.conn.is_none() {
                    let term = ledger.replica.term();
                    cx.send(from, Message::Leader { term });
                }
            }
            Message::Supervising { sent } => {
                let beats = self.supervisors.entry(from);
                listen(beats.or_insert_with(|| Heartbeats::new(now)), sent, ledger, cx);
                if !ledger.metadata.knows(from) {
                    ledger.propose(Command::Join { supervisor: from }, cx);
                }
            }
            _ => {}
        }
    }

    fn received(
        &mut self,
        conn: ConnId,
        peer: NodeId,
        message: Message,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        match message {
            Message::Register { incarnation, generation, running } => {
                let running = if running { generation } else { Generation(0) };
                self.register(conn, peer, incarnation, running, ledger, cx);
            }
            Message::Deployed { generation } => self.deployed(peer, generation, ledger, cx),
            Message::Broken { generation, peer: concerned, task } => {
                self.broken(peer, generation, concerned, task, ledger, cx);
            }
            Message::Acknowledge { checkpoint, generation, attempt, part }
                if self.spout.is_some() =>
            {
                self.prepared((checkpoint, generation, attempt), part, ledger, cx);
            }
            Message::Acknowledge { checkpoint, generation, attempt, part } => {
                self.acknowledge(Ack { checkpoint, generation, attempt, part }, ledger, cx);
            }
            Message::Decline { checkpoint, generation, attempt, reason, .. } => {
                self.declined(checkpoint, (generation, attempt), reason, ledger, cx);
            }
            Message::Finished { checkpoint, generation, task } => {
                self.finished(checkpoint, generation, task, ledger, cx);
            }
            Message::Stepped { emission, generation, task, done } => {
                self.stepped((emission, generation, task), done, ledger, cx);
            }
            Message::Silent { generation, .. } => {
                self.failed(peer, generation, Suspicion::ExecutorTimeout, ledger, cx);
            }
            Message::Load(load) => drop(self.meter.report(peer, (*load).clone())),
            Message::FenceRaised { generation } => self.fence_raised(peer, generation, ledger, cx),
            other => self.about_files(peer, &other, ledger, cx),
        }
    }

    fn closed(&mut self, conn: ConnId, peer: NodeId, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        if let Some(at) = self.resources.iter().position(|r| r.conn == Some(conn)) {
            let resource = &mut self.resources[at];
            (resource.conn, resource.open) = (None, false);
            if let Some(store) = self.cluster.store_at(peer) {
                self.replication.closed(store, cx.now());
            }
            cx.set_timer(MAIN, RECONNECT, RECONNECT_RESOURCE | at as u64);
        } else if self.slots.get(&peer).is_some_and(|slot| slot.conn == Some(conn)) {
            self.suspect(peer, Suspicion::ConnectionLost, ledger, cx);
            self.consider(ledger, cx);
        }
    }

    fn timer(&mut self, timer: TimerId, token: u64, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        let number = token as u32;
        match token & !u64::from(u32::MAX) {
            MONITOR if self.monitor == Some(timer) => self.look(ledger, cx),
            CHECKPOINT_DUE => self.trigger_if_due(ledger, cx),
            CHECKPOINT_TIMEOUT => self.checkpoint_timeout(CheckpointId(number), ledger, cx),
            STEP_DUE => self.advance(ledger, cx),
            STEP_TIMEOUT => self.step_timeout(number, ledger, cx),
            DEPLOY_TIMEOUT => self.deploy_timeout(Generation(number), ledger, cx),
            RECONNECT_RESOURCE => {
                let resource = &mut self.resources[number as usize];
                if resource.conn.is_none() {
                    resource.conn = Some(cx.connect(resource.node));
                }
            }
            // An earlier master of this process set it.
            _ => {}
        }
    }

    /// An entry of this master's term is applied: act on the outcome.
    pub(super) fn applied(
        &mut self,
        request: &Request,
        applied: &Applied,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        match applied {
            Applied::Granted(assignment) => self.granted(assignment, ledger, cx),
            Applied::Reserved(checkpoint) => self.begin_checkpoint(*checkpoint, ledger, cx),
            Applied::Completed(completed) => self.checkpoint_completed(completed, ledger, cx),
            Applied::Stopped(_) => self.step = Step::Stopped,
            Applied::Stepped(progress) => self.step_persisted(*progress, ledger, cx),
            Applied::Planned(_) => {
                self.find_slots(ledger, cx);
                self.consider(ledger, cx);
            }
            Applied::Refused => match &request.command {
                Command::Reserve { .. } => self.checkpoints.reservation_refused(),
                Command::Grant { .. } => self.step = Step::Inherited(cx.now()),
                Command::Condemn { .. } => self.unreadable = None,
                Command::Complete(completed) => {
                    cx.probe(Probe::CompletionOvertaken);
                    self.completion_refused(completed.checkpoint, ledger, cx);
                }
                _ => {}
            },
            // Whoever asked for the savepoint has asked for something else since.
            Applied::Again(_) => {
                if let Command::Complete(completed) = &request.command {
                    self.completion_refused(completed.checkpoint, ledger, cx);
                }
            }
            Applied::Condemned(_) => self.condemned(ledger, cx),
            Applied::Updated(_) | Applied::Recorded => {}
        }
        requests::answer(request, applied, cx);
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.step, Step::Running)
    }

    /// Sends to every worker of the current assignment that is connected.
    pub(super) fn tell_workers(&self, message: &Message, ledger: &Ledger, cx: &mut Cx<'_>) {
        let Some(assignment) = ledger.metadata.assignment() else { return };
        for (node, _) in &assignment.workers {
            let conn = self.slots.get(node).and_then(|slot| slot.conn);
            tell(conn, message.clone(), cx);
        }
    }
}

/// Takes note of a heartbeat that was sent at an instant of its sender's wall clock.
fn listen(beats: &mut Heartbeats, sent: Instant, ledger: &Ledger, cx: &mut Cx<'_>) {
    let detector = &ledger.cluster.control.detector;
    let second = sent.nanos() / 1_000_000_000;
    if let Some(twist) = beats.heard(detector, cx.now(), second, ledger.replica.switches()) {
        cx.twist(twist);
    }
}
