//! A replicated register: a client writes numbers, each done when two of three replicas have it,
//! and reads in the end what the replicas have that answer: two at least.
//!
//! Protections: replicas that write what they acknowledge to their disks, and sync it; that learn
//! from the others what they have forgotten before they serve; that know when their disk is not
//! theirs any more; and stand in different racks and zones.

use std::collections::BTreeSet;

use stormglass_sim::fault::Fault;
use stormglass_sim::machine::{Domain, MachineSpec};
use stormglass_sim::node::{DiskError, DiskOp, DiskReply, DiskTicket, Event, FileName, NodeId};
use stormglass_sim::payload::Payload;
use stormglass_sim::time::Span;
use stormglass_sim::world::World;

use super::{Cx, Log, MAIN, Plan, Row, Say, Told, Verdict, jitter, machine, machines, nothing, on};

const REPLICAS: [NodeId; 3] = [on(0), on(1), on(2)];
const CLIENT: NodeId = on(3);
/// The client writes so many numbers, one each millisecond at most.
const WRITES: u64 = 30;
/// When the client reads, on its clock.
const READ_AT: Span = Span::millis(400);
/// A read is the question with this number; a replica that learns asks with another.
const READ: u64 = 1;
const LEARN: u64 = 2;

/// What a replica does with what it acknowledges.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Keeps {
    InMemory,
    Written,
    Synced,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    keeps: Keeps,
    /// In which of its lives it learns from the others first.
    learns: Learns,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Learns {
    Never,
    /// In every life but the first.
    Always,
    /// If its disk is empty, though it is not its first life.
    Wiped,
}

#[derive(Clone, Debug)]
pub(super) enum Actor {
    Replica(Replica),
    Client { done: u64, had: BTreeSet<NodeId>, read: Vec<(NodeId, u64)>, over: bool },
}

#[derive(Clone, Debug)]
pub(super) struct Replica {
    way: Way,
    value: u64,
    serves: bool,
    learned: BTreeSet<NodeId>,
    /// What is acknowledged when the disk has done its part.
    due: Vec<(DiskTicket, u64)>,
}

impl Actor {
    pub(super) fn on_event(&mut self, event: Event<Say>, cx: &mut Cx<'_>) {
        match self {
            Actor::Replica(replica) => replica.on_event(event, cx),
            client => client.client(event, cx),
        }
    }

    fn client(&mut self, event: Event<Say>, cx: &mut Cx<'_>) {
        let Actor::Client { done, had, read, over } = self else { return };
        match event {
            Event::Datagram { from, message: Say::Done(number) } if number == *done + 1 => {
                had.insert(from);
                if had.len() == 2 {
                    had.clear();
                    *done = number;
                    cx.observe(Told("done", number));
                }
            }
            Event::Datagram { from, message: Say::Answer(value, READ) } => {
                read.push((from, value));
            }
            Event::Start | Event::Timer { .. } => {
                let reads = cx.now().nanos() >= READ_AT.as_nanos();
                let known: BTreeSet<NodeId> = read.iter().map(|(node, _)| *node).collect();
                if known.len() >= 2 && !*over {
                    *over = true;
                    let value = read.iter().map(|(_, value)| *value).max().unwrap_or(0);
                    cx.observe(Told("read", value));
                }
                for node in REPLICAS {
                    if reads && !*over {
                        cx.send(node, Say::Ask(READ));
                    } else if !reads && *done < WRITES {
                        cx.send(node, Say::Do(*done + 1, 0));
                    }
                }
                let pause = if reads { Span::millis(20) } else { Span::millis(1) };
                cx.set_timer(MAIN, pause, 0);
            }
            _ => {}
        }
    }
}

fn file() -> FileName {
    FileName::from("value")
}

impl Replica {
    fn on_event(&mut self, event: Event<Say>, cx: &mut Cx<'_>) {
        match event {
            Event::Start if self.way.keeps == Keeps::InMemory => self.begin(true, cx),
            Event::Start => drop(cx.disk(MAIN, DiskOp::Read { file: file() })),
            Event::Disk { result: Ok(DiskReply::Data(data)), .. } => {
                self.value = u64::from_le_bytes(data.bytes().try_into().unwrap_or_default());
                self.begin(false, cx);
            }
            Event::Disk { result: Err(DiskError::NotFound), .. } => self.begin(true, cx),
            Event::Disk { ticket, result: Ok(_) } => {
                let done = self.due.iter().filter(|(of, _)| *of == ticket);
                done.for_each(|(_, number)| cx.send(CLIENT, Say::Done(*number)));
                self.due.retain(|(of, _)| *of != ticket);
            }
            Event::Timer { .. } => self.learn(cx),
            Event::Datagram { from, message: Say::Answer(value, LEARN) } => {
                self.value = self.value.max(value);
                self.learned.insert(from);
                self.serves |= self.learned.len() == 2;
            }
            Event::Datagram { message: Say::Do(number, _), .. } if self.serves => {
                self.put(number, cx);
            }
            Event::Datagram { from, message: Say::Ask(what) } if self.serves => {
                cx.send(from, Say::Answer(self.value, what));
            }
            _ => {}
        }
    }

    /// It knows what its disk has.
    fn begin(&mut self, empty: bool, cx: &mut Cx<'_>) {
        self.serves = cx.incarnation() == 1
            || match self.way.learns {
                Learns::Never => true,
                Learns::Always => false,
                Learns::Wiped => !empty,
            };
        self.learn(cx);
    }

    /// Asks the others for what it does not know.
    fn learn(&mut self, cx: &mut Cx<'_>) {
        if !self.serves {
            let me = cx.me();
            let others = REPLICAS.into_iter().filter(|node| *node != me);
            others.for_each(|node| cx.send(node, Say::Ask(LEARN)));
            cx.set_timer(MAIN, Span::millis(5), 0);
        }
    }

    fn put(&mut self, number: u64, cx: &mut Cx<'_>) {
        self.value = self.value.max(number);
        if self.way.keeps == Keeps::InMemory {
            return cx.send(CLIENT, Say::Done(number));
        }
        let data = Payload::new(self.value.to_le_bytes());
        let mut last = cx.disk(MAIN, DiskOp::Write { file: file(), data });
        if self.way.keeps == Keeps::Synced {
            cx.disk(MAIN, DiskOp::Sync { file: file() });
            last = cx.disk(MAIN, DiskOp::SyncDir);
        }
        self.due.push((last, number));
    }
}

fn cluster(seed: u64, way: Way, spread: bool) -> World<super::Actor, Log> {
    // The client stands apart in any case.
    let place = |number: u16| if number == 3 { 9 } else { number * u16::from(spread) };
    let spec = |number| {
        let (rack, zone) = (place(number), place(number));
        MachineSpec { rack, zone, ..MachineSpec::default() }
    };
    let mut world = machines(seed, 4, spec);
    for node in REPLICAS {
        let (learned, due) = (BTreeSet::new(), Vec::new());
        let replica = Replica { way, value: 0, serves: false, learned, due };
        world.boot(node, super::Actor::Register(Actor::Replica(replica)));
    }
    let (had, read) = (BTreeSet::new(), Vec::new());
    let client = Actor::Client { done: 0, had, read, over: false };
    world.boot(CLIENT, super::Actor::Register(client));
    world
}

fn verdict(log: &Log) -> Verdict {
    let done = log.numbers("done").last().copied().unwrap_or(0);
    match log.numbers("read").first() {
        Some(value) if *value < done => Verdict::Wrong(format!("{value} is read, {done} written")),
        Some(_) => Verdict::Right,
        None => Verdict::Stopped,
    }
}

const FORGETFUL: Way = Way { keeps: Keeps::InMemory, learns: Learns::Never };

fn kept(keeps: Keeps) -> Way {
    Way { keeps, ..FORGETFUL }
}

/// Something happens to every replica at one instant, and they start again later.
fn all(seed: u64, fault: fn(NodeId) -> Fault, start: fn(NodeId) -> Fault) -> Plan {
    let at = 200_000 + jitter(seed);
    let strikes = REPLICAS.map(|node| (at, fault(node)));
    strikes.into_iter().chain(REPLICAS.map(|node| (at + 50_000, start(node)))).collect()
}

/// The power of the first replica's rack or zone fails.
fn power(seed: u64, domain: Domain) -> Plan {
    let at = 200_000 + jitter(seed);
    let start = Fault::StartDomain { domain, stagger: Span::millis(5) };
    Vec::from([(at, Fault::CrashDomain { domain }), (at + 50_000, start)])
}

/// The second replica is away while the first and the third have the last writes; then the third
/// is away for a long time.
fn taking_turns(seed: u64) -> Plan {
    let (second, third) = (machine(1), machine(2));
    let at = 20_000 + jitter(seed) / 2;
    Vec::from([
        (at, Fault::CrashMachine { machine: second }),
        (250_000, Fault::CrashMachine { machine: third }),
        (251_000, Fault::StartMachine { machine: second }),
        (900_000, Fault::StartMachine { machine: third }),
    ])
}

/// The first loses its disk meanwhile, and joins again.
fn wiped(_: u64) -> Plan {
    let machine = machine(0);
    Vec::from([
        (260_000, Fault::CrashMachine { machine }),
        (261_000, Fault::WipeDisk { machine }),
        (262_000, Fault::StartMachine { machine }),
    ])
}

/// Each is started anew, one after the other.
fn rolling(seed: u64) -> Plan {
    let mut plan = Plan::new();
    for (number, node) in (0..).zip(REPLICAS) {
        let at = 200_000 + jitter(seed) + number * 40_000;
        plan.push((at, Fault::Crash { node }));
        plan.push((at + 10_000, Fault::Start { node }));
    }
    plan
}

pub(super) fn rows() -> Vec<Row> {
    let row = |name, world, plan| Row {
        name,
        world,
        given: nothing,
        plan,
        verdict,
        bites: super::SEEDS,
        may_stop: false,
    };
    Vec::from([
        row(
            "every process crashes",
            |seed, on| {
                cluster(seed, kept([Keeps::InMemory, Keeps::Written][usize::from(on)]), true)
            },
            |seed| all(seed, |node| Fault::Crash { node }, |node| Fault::Start { node }),
        ),
        // Some of what is not synced may be left.
        Row {
            bites: 5,
            ..row(
                "every machine loses power",
                |seed, on| {
                    cluster(seed, kept([Keeps::Written, Keeps::Synced][usize::from(on)]), true)
                },
                |seed| {
                    let crash = |node: NodeId| Fault::CrashMachine { machine: node.machine };
                    all(seed, crash, |node| Fault::StartMachine { machine: node.machine })
                },
            )
        },
        row(
            "the power of a rack fails",
            |seed, spread| cluster(seed, FORGETFUL, spread),
            |seed| power(seed, Domain::Rack(0)),
        ),
        row(
            "the power of a zone fails",
            |seed, spread| cluster(seed, FORGETFUL, spread),
            |seed| power(seed, Domain::Zone(0)),
        ),
        row(
            "every process is started anew, one by one",
            |seed, on| {
                let learns = if on { Learns::Always } else { Learns::Never };
                cluster(seed, Way { learns, ..FORGETFUL }, true)
            },
            rolling,
        ),
        Row {
            given: taking_turns,
            may_stop: true,
            ..row(
                "a disk is wiped, and its machine joins again",
                |seed, on| {
                    let learns = if on { Learns::Wiped } else { Learns::Never };
                    cluster(seed, Way { keeps: Keeps::Synced, learns }, true)
                },
                wiped,
            )
        },
    ])
}
