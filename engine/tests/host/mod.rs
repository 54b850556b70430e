//! The second host: drives one process of the engine by hand, without the world.
//!
//! It implements the vocabulary of nodes and nothing else. Every effect becomes a line of text, in
//! order; time, disk, timers and posted messages move only when a test says so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stormglass_engine::message::Message;
use stormglass_engine::names::{Probe, Site, Twist};
use stormglass_engine::node::Node;
use stormglass_engine::observation::Observation;
use stormglass_sim::node::{
    BlockingDisk, ConnId, Context, DiskError, DiskOp, DiskReply, DiskTicket, Event, FileName, Lane,
    Message as _, Name as _, NodeId, Process, TimerId, WriteError,
};
use stormglass_sim::payload::Payload;
use stormglass_sim::time::{Instant, Span};

pub(crate) mod cluster;
pub(crate) mod files;
pub(crate) mod permits;
pub(crate) mod replicas;
pub(crate) mod script;
pub(crate) mod speech;

/// One process and its surroundings.
pub(crate) struct Host {
    image: Node,
    node: Option<Node>,
    /// The hands of the process: what it may do.
    pub(crate) hands: Hands,
}

/// Everything but the process itself.
pub(crate) struct Hands {
    /// Its address.
    pub(crate) me: NodeId,
    /// Which life it is in.
    pub(crate) incarnation: u32,
    /// What its clocks say.
    pub(crate) now: Instant,
    /// Effects since they were last taken, one line each.
    pub(crate) lines: Vec<String>,
    /// Observations since they were last taken.
    pub(crate) observations: Vec<Observation>,
    /// Messages written since they were last taken.
    pub(crate) written: Vec<(ConnId, Message)>,
    /// The peers of all connections so far, in order: the first is `ConnId(1)`.
    pub(crate) conns: Vec<NodeId>,
    /// Connections whose buffer is full.
    pub(crate) full: BTreeSet<ConnId>,
    /// Connections that are gone.
    pub(crate) gone: BTreeSet<ConnId>,
    /// Twists that answer yes.
    pub(crate) twists: Vec<Twist>,
    /// Sites at which no memory is to be had.
    pub(crate) refusals: Vec<Site>,
    /// Contents of the disk; everything that is done is durable.
    pub(crate) files: BTreeMap<FileName, Vec<u8>>,
    posted: VecDeque<(Lane, Message)>,
    timers: BTreeMap<(Instant, TimerId), (Lane, u64)>,
    disk: VecDeque<(DiskTicket, Lane, DiskOp)>,
    next: u64,
}

impl Host {
    /// A host of one process at an address.
    pub(crate) fn new(image: Node, me: NodeId) -> Self {
        let hands = Hands {
            me,
            incarnation: 1,
            now: Instant::ZERO,
            lines: Vec::new(),
            observations: Vec::new(),
            written: Vec::new(),
            conns: Vec::new(),
            full: BTreeSet::new(),
            gone: BTreeSet::new(),
            twists: Vec::new(),
            refusals: Vec::new(),
            files: BTreeMap::new(),
            posted: VecDeque::new(),
            timers: BTreeMap::new(),
            disk: VecDeque::new(),
            next: 0,
        };
        Host { node: Some(image.clone()), image, hands }
    }

    /// Lets one event happen.
    pub(crate) fn event(&mut self, lane: Lane, event: Event<Message>) {
        let node = self.node.as_mut().expect("the process lives");
        node.on_event(lane, event, &mut self.hands);
    }

    /// A message arrives through a connection.
    pub(crate) fn receive(&mut self, conn: ConnId, message: Message) {
        let peer = self.hands.conns[conn.0 as usize - 1];
        self.event(message.lane(), Event::Received { conn, peer, message });
    }

    /// The newest connection with a peer that lives; a new one, accepted, if there is none.
    pub(crate) fn conn_with(&mut self, peer: NodeId) -> ConnId {
        let ids = (1..).map(ConnId).zip(&self.hands.conns);
        let alive = ids.filter(|(id, node)| **node == peer && !self.hands.gone.contains(id));
        if let Some((id, _)) = alive.last() {
            return id;
        }
        self.hands.conns.push(peer);
        let conn = ConnId(self.hands.conns.len() as u64);
        self.event(Lane(0), Event::Accepted { conn, peer });
        conn
    }

    /// Delivers what the process posted to itself. False if there was nothing.
    pub(crate) fn deliver_post(&mut self) -> bool {
        let Some((lane, message)) = self.hands.posted.pop_front() else { return false };
        self.event(lane, Event::Posted { message });
        true
    }

    /// Finishes the oldest disk operation. False if there is none.
    pub(crate) fn finish_disk(&mut self, fails: bool) -> bool {
        let Some((ticket, lane, op)) = self.hands.disk.pop_front() else { return false };
        let result = if fails { Err(DiskError::Io) } else { self.hands.perform(op) };
        self.event(lane, Event::Disk { ticket, result });
        true
    }

    /// Lets time pass; timers fire.
    pub(crate) fn wait(&mut self, span: Span) {
        let until = self.hands.now + span;
        while let Some(entry) = self.hands.timers.first_entry() {
            let (at, timer) = *entry.key();
            if at > until {
                break;
            }
            let (lane, token) = entry.remove();
            self.hands.now = self.hands.now.max(at);
            self.event(lane, Event::Timer { timer, token });
        }
        self.hands.now = until;
    }

    /// The process dies and starts again; what it had asked of the disk and not got is lost.
    pub(crate) fn crash(&mut self) {
        let hands = &mut self.hands;
        hands.incarnation += 1;
        hands.gone.extend((1..=hands.conns.len() as u64).map(ConnId));
        hands.posted.clear();
        hands.timers.clear();
        hands.disk.clear();
        self.node = Some(self.image.clone());
        self.event(Lane(0), Event::Start);
    }
}

impl Hands {
    fn id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn perform(&mut self, op: DiskOp) -> Result<DiskReply, DiskError> {
        match op {
            DiskOp::Read { file } => {
                let bytes = self.files.get(&file).ok_or(DiskError::NotFound)?;
                return Ok(DiskReply::Data(Payload::new(bytes.clone())));
            }
            DiskOp::List { prefix } => {
                let names = self.files.keys().filter(|name| name.starts_with(&*prefix));
                return Ok(DiskReply::Names(names.cloned().collect()));
            }
            DiskOp::Write { file, data } => drop(self.files.insert(file, data.bytes().to_vec())),
            DiskOp::Append { file, data } => {
                self.files.entry(file).or_default().extend_from_slice(data.bytes());
            }
            DiskOp::Rename { from, to } => {
                let bytes = self.files.remove(&from).ok_or(DiskError::NotFound)?;
                self.files.insert(to, bytes);
            }
            DiskOp::Remove { file } => drop(self.files.remove(&file)),
            DiskOp::Sync { .. } | DiskOp::SyncDir => {}
        }
        Ok(DiskReply::Done)
    }
}

impl Context<Node> for Hands {
    fn me(&self) -> NodeId {
        self.me
    }
    fn incarnation(&self) -> u32 {
        self.incarnation
    }
    fn now(&self) -> Instant {
        self.now
    }
    fn wall_clock(&self) -> Instant {
        self.now
    }
    fn send(&mut self, to: NodeId, message: Message) {
        self.lines.push(format!("send {}: {}", speech::node(to), speech::say(&message)));
    }
    fn connect(&mut self, to: NodeId) -> ConnId {
        self.conns.push(to);
        self.lines.push(format!("connect c{} to {}", self.conns.len(), speech::node(to)));
        ConnId(self.conns.len() as u64)
    }
    fn write(&mut self, conn: ConnId, message: Message) -> Result<(), WriteError<Message>> {
        if self.gone.contains(&conn) {
            return Err(WriteError::Gone(message));
        }
        if self.full.contains(&conn) {
            self.lines.push(format!("refused c{}: {}", conn.0, speech::say(&message)));
            return Err(WriteError::Full(message));
        }
        let peer = speech::node(self.conns[conn.0 as usize - 1]);
        self.lines.push(format!("write c{} to {peer}: {}", conn.0, speech::say(&message)));
        self.written.push((conn, message));
        Ok(())
    }
    fn close(&mut self, conn: ConnId) {
        self.gone.insert(conn);
        let peer = speech::node(self.conns[conn.0 as usize - 1]);
        self.lines.push(format!("close c{} to {peer}", conn.0));
    }
    fn post(&mut self, lane: Lane, message: Message) {
        self.lines.push(format!("post to lane {}: {}", lane.0, speech::say(&message)));
        self.posted.push_back((lane, message));
    }
    fn set_timer(&mut self, lane: Lane, after: Span, token: u64) -> TimerId {
        let timer = TimerId(self.id());
        self.timers.insert((self.now + after, timer), (lane, token));
        timer
    }
    fn cancel_timer(&mut self, timer: TimerId) -> bool {
        let before = self.timers.len();
        self.timers.retain(|(_, id), _| *id != timer);
        self.timers.len() < before
    }
    fn disk(&mut self, lane: Lane, op: DiskOp) -> DiskTicket {
        let ticket = DiskTicket(self.id());
        self.lines.push(format!("disk: {}", speech::disk(&op)));
        self.disk.push_back((ticket, lane, op));
        ticket
    }
    fn blocking_disk(&mut self, _lane: Lane) -> &mut dyn BlockingDisk {
        unreachable!("no process of the engine blocks on its disk")
    }
    fn random(&mut self) -> u64 {
        self.id()
    }
    fn spend(&mut self, _lane: Lane, _duration: Span) {}
    fn reserve(&mut self, site: Site, part: u32, bytes: u64) -> bool {
        let refused = self.refusals.contains(&site) && bytes > 0;
        if refused {
            self.lines.push(format!("refused {bytes} B of {} for {part}", site.name()));
        }
        !refused
    }
    fn launch(&mut self, port: u16, image: Node) -> bool {
        let kind = format!("{image:?}");
        let kind = kind.split('(').next().unwrap_or_default().to_lowercase();
        self.lines.push(format!("launch a {kind} at port {port}"));
        true
    }
    fn kill(&mut self, port: u16) {
        self.lines.push(format!("kill port {port}"));
    }
    fn exit(&mut self) {
        self.lines.push("exit".to_string());
    }
    fn observe(&mut self, observation: Observation) {
        self.lines.push(format!("observe {}", speech::observation(&observation)));
        self.observations.push(observation);
    }
    fn probe(&mut self, probe: Probe) {
        self.lines.push(format!("probe {}", probe.name()));
    }
    fn twist(&mut self, twist: Twist) -> bool {
        self.twists.contains(&twist)
    }
    fn twist_is_on(&self, twist: Twist) -> bool {
        self.twists.contains(&twist)
    }
}
