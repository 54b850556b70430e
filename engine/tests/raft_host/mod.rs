//! One replica of Raft as a process of the simulated world, with a client inside that always has
//! something to propose.
//!
//! It drives its replica as a coordinator would: writes of one handler are appended to a file and
//! synced together, one sync at a time; messages are datagrams; one timer follows the deadline.

use std::collections::VecDeque;
use std::sync::Arc;

use stormglass_engine::names::Switches;
use stormglass_engine::raft::storage::{Frames, recover, rewrite};
use stormglass_engine::raft::{
    Index, Membership, Message, Output, PersistId, Raft, ReplicaId, Role, Settings, Term, Write,
};
use stormglass_sim::hash::Mixer;
use stormglass_sim::machine::{DiskSpec, MachineSpec};
use stormglass_sim::net::NetworkSpec;
use stormglass_sim::node::{
    Context, DiskError, DiskOp, DiskReply, DiskTicket, Event, Lane, NoName, NodeId, Process,
    TimerId,
};
use stormglass_sim::payload::Payload;
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::world::World;

/// What a replica says on the network.
#[derive(Clone, Debug)]
pub(crate) struct Packet(Message);

impl stormglass_sim::node::Message for Packet {
    fn wire_size(&self) -> u64 {
        28 + self.0.wire_size()
    }
    fn digest(&self, into: &mut Mixer) {
        self.0.digest(into);
    }
}

/// It tells nothing.
#[derive(Clone, Debug)]
pub(crate) enum Nothing {}

impl stormglass_sim::node::Observation for Nothing {
    fn digest(&self, _: &mut Mixer) {
        match *self {}
    }
}

/// What the clients want.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// Commands in one proposal.
    pub(crate) batch: u64,
    /// Commands that are under way at once; none for no load.
    pub(crate) outstanding: u64,
    /// What each of them says.
    pub(crate) command: Arc<[u8]>,
    /// A snapshot is made after so many entries.
    pub(crate) compact: u64,
}

/// A replica and its driver.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    id: ReplicaId,
    voters: u16,
    settings: Settings,
    load: Load,
    raft: Option<Raft>,
    /// Bytes of its file.
    len: usize,
    /// What goes into the next frame, and the last operation for the one under way.
    waiting: Vec<(PersistId, Write)>,
    flight: Option<(DiskTicket, PersistId)>,
    timer: Option<(TimerId, Instant)>,
    proposed: VecDeque<Index>,
    applied: Index,
    compacted: Index,
    /// The term that it led when it last applied an entry of it for the first time, and when.
    pub(crate) led: Option<(Term, Instant)>,
}

const FILE: &str = "raft";
const FRESH: &str = "raft.new";

impl Replica {
    fn new(id: u16, voters: u16, settings: Settings, load: Load) -> Self {
        Replica {
            id: ReplicaId(id),
            voters,
            settings,
            load,
            raft: None,
            len: 0,
            waiting: Vec::new(),
            flight: None,
            timer: None,
            proposed: VecDeque::new(),
            applied: Index(0),
            compacted: Index(0),
            led: None,
        }
    }

    /// Its replica, once it has read its disk.
    pub(crate) fn raft(&self) -> Option<&Raft> {
        self.raft.as_ref()
    }

    fn start(&mut self, found: Result<DiskReply, DiskError>, cx: &mut dyn Context<Self>) {
        let data = match found {
            Ok(DiskReply::Data(data)) => data,
            Err(DiskError::NotFound) => Payload::empty(),
            other => panic!("a file is read: {other:?}"),
        };
        let (durable, whole) = recover(data.bytes()).expect("the disk is sound");
        if whole < data.bytes().len() {
            let data = Payload::new(&data.bytes()[..whole]);
            cx.disk(Lane(0), DiskOp::Write { file: FILE.into(), data });
        }
        self.len = whole;
        let membership = Membership {
            voters: (0..self.voters).map(ReplicaId).collect(),
            ..Membership::default()
        };
        let (switches, random) = (Switches::default(), cx.random());
        let (settings, now) = (self.settings, cx.now());
        let mut out = Vec::new();
        let raft =
            Raft::new(self.id, membership, settings, durable, switches, random, now, &mut out);
        self.raft = Some(raft);
        self.carry_out(out, cx);
    }

    fn carry_out(&mut self, out: Vec<Output>, cx: &mut dyn Context<Self>) {
        for output in out {
            match output {
                Output::Persist(id, write) => self.waiting.push((id, write)),
                Output::Send(to, message) => cx.send(NodeId::new(to.0, 0), Packet(message)),
                Output::Apply(entry) => {
                    self.applied = entry.index;
                    while self.proposed.pop_front_if(|index| *index <= entry.index).is_some() {}
                    let raft = self.raft.as_ref().expect("it applies");
                    let leads = raft.role() == Role::Leader && raft.term() == entry.term;
                    if leads && self.led.is_none_or(|led| led.0 < entry.term) {
                        self.led = Some((entry.term, cx.now()));
                    }
                }
                Output::Restore(snapshot) => {
                    (self.applied, self.compacted) = (snapshot.index, snapshot.index);
                }
                Output::Point(_)
                | Output::ReadReady { .. }
                | Output::ReadLost { .. }
                | Output::Reached(_) => {}
            }
        }
    }

    /// Everything that follows an event: proposals, snapshots, a sync, the timer.
    fn settle(&mut self, cx: &mut dyn Context<Self>) {
        let Some(raft) = &mut self.raft else { return };
        let (now, mut out) = (cx.now(), Vec::new());
        let room = |proposed: &VecDeque<Index>, load: &Load| {
            proposed.len() as u64 + load.batch <= load.outstanding
        };
        if raft.role() != Role::Leader {
            self.proposed.clear();
        } else if raft.may_lead() {
            while room(&self.proposed, &self.load) {
                let commands = (0..self.load.batch).map(|_| Arc::clone(&self.load.command));
                match raft.propose(commands.collect(), now, &mut out) {
                    Ok((first, _)) => {
                        self.proposed.extend((0..self.load.batch).map(|n| Index(first.0 + n)));
                    }
                    Err(_) => break,
                }
            }
        }
        if self.applied.0 >= self.compacted.0 + self.load.compact {
            self.compacted = self.applied;
            raft.compact(self.applied, self.applied.0.to_le_bytes().into(), &mut out);
        }
        self.carry_out(out, cx);
        self.write(cx);
        self.set_timer(cx);
    }

    /// Writes all that waits as one frame, if none is under way.
    fn write(&mut self, cx: &mut dyn Context<Self>) {
        let Some((through, _)) = self.waiting.last().filter(|_| self.flight.is_none()) else {
            return;
        };
        let through = *through;
        let writes: Vec<Write> = self.waiting.drain(..).map(|(_, write)| write).collect();
        let anew = writes.iter().any(|write| matches!(write, Write::Snapshot(_)));
        let ticket = if anew || self.len == 0 {
            let held = self.raft.as_ref().expect("it writes").durable();
            let file = rewrite(&held, Switches::default(), |_| {});
            self.len = file.len();
            cx.disk(Lane(0), DiskOp::Write { file: FRESH.into(), data: Payload::new(file) });
            cx.disk(Lane(0), DiskOp::Sync { file: FRESH.into() });
            cx.disk(Lane(0), DiskOp::Rename { from: FRESH.into(), to: FILE.into() });
            cx.disk(Lane(0), DiskOp::SyncDir)
        } else {
            let frame = Frames::after(self.len).encode(&writes);
            self.len += frame.len();
            cx.disk(Lane(0), DiskOp::Append { file: FILE.into(), data: Payload::new(frame) });
            cx.disk(Lane(0), DiskOp::Sync { file: FILE.into() })
        };
        self.flight = Some((ticket, through));
    }

    fn set_timer(&mut self, cx: &mut dyn Context<Self>) {
        let Some(raft) = &self.raft else { return };
        let deadline = raft.deadline();
        // A timer that fires too early is set again; one that would fire too late is replaced.
        if let Some((timer, at)) = self.timer {
            if at <= deadline {
                return;
            }
            cx.cancel_timer(timer);
        }
        let timer = cx.set_timer(Lane(0), deadline.since(cx.now()), 0);
        self.timer = Some((timer, deadline));
    }
}

impl Process for Replica {
    type Message = Packet;
    type Observation = Nothing;
    type Probe = NoName;
    type Twist = NoName;
    type Site = NoName;

    fn on_event(&mut self, lane: Lane, event: Event<Packet>, cx: &mut dyn Context<Self>) {
        let (now, mut out) = (cx.now(), Vec::new());
        match (event, &mut self.raft) {
            (Event::Start, _) => {
                cx.disk(lane, DiskOp::Read { file: FILE.into() });
            }
            (Event::Disk { result, .. }, None) => self.start(result, cx),
            (Event::Disk { ticket, result }, Some(raft)) => {
                result.expect("the disk is sound");
                if let Some((_, through)) = self.flight.take_if(|flight| flight.0 == ticket) {
                    raft.persisted(through, now, &mut out);
                }
            }
            (Event::Datagram { from, message }, Some(raft)) => {
                raft.receive(ReplicaId(from.machine.0), message.0, now, &mut out);
            }
            (Event::Timer { .. }, Some(raft)) => {
                self.timer = None;
                if raft.deadline() <= now {
                    raft.tick(now, &mut out);
                }
            }
            _ => {}
        }
        self.carry_out(out, cx);
        self.settle(cx);
    }
}

/// How replicas are tuned here.
pub(crate) fn settings() -> Settings {
    Settings {
        election_timeout: (Span::millis(150), Span::millis(300)),
        heartbeat: Span::millis(50),
        append_bytes: 64 << 10,
        inflight_bytes: 1 << 20,
        chunk_bytes: 64 << 10,
        lease: None,
    }
}

/// A world of replicas that are all members.
pub(crate) fn world(
    seed: u64,
    replicas: u16,
    network: NetworkSpec,
    load: Load,
) -> World<Replica, ()> {
    let mut world = World::new(seed, network, ());
    for id in 0..replicas {
        let disk = DiskSpec { sync_latency: Span::micros(100), ..DiskSpec::default() };
        world.add_machine(MachineSpec { disk, ..MachineSpec::default() });
        world.boot(NodeId::new(id, 0), Replica::new(id, replicas, settings(), load.clone()));
    }
    world
}

/// Who leads the highest term.
pub(crate) fn leader(world: &World<Replica, ()>) -> Option<(Term, NodeId)> {
    let leads = |node: NodeId| {
        let raft = world.process(node)?.raft()?;
        raft.may_lead().then(|| (raft.term(), node))
    };
    world.nodes().filter_map(leads).max()
}
