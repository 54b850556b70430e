//! What the parts of the kernel cost, as ratios. `cargo bench -p stormglass-sim`.
//!
//! A bare loop is kept here: the same ping-pong over a binary heap, without network, digest,
//! processes or clones, so that what the world adds is stated beside what any simulation costs.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "a benchmark reads the machine's clock and prints"
)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::time::Instant as Clock;

use stormglass_sim::hash::Mixer;
use stormglass_sim::machine::MachineSpec;
use stormglass_sim::net::NetworkSpec;
use stormglass_sim::node::{
    ConnId, Context, Event, Lane, Message, NoName, NodeId, Observation, Process,
};
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::world::World;

const NODES: u64 = 64;
const CALLS: u64 = 16;
const ROUNDS: u64 = 500_000;

/// A hundred bytes whose contents the digest reads, or not.
#[derive(Clone, Debug)]
struct Packet {
    digested: bool,
    reply: bool,
    bytes: [u8; 96],
}
impl Message for Packet {
    fn wire_size(&self) -> u64 {
        100
    }
    fn digest(&self, into: &mut Mixer) {
        if self.digested {
            into.bytes(&self.bytes);
        }
    }
}
#[derive(Clone, Debug)]
enum Nothing {}
impl Observation for Nothing {
    fn digest(&self, _: &mut Mixer) {
        match *self {}
    }
}

/// How a peer talks, or what it does instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Datagrams {
        digested: bool,
    },
    Connections,
    /// Keeps so many timers pending, each up to a second ahead.
    Timers(u64),
    /// As datagrams, with a timer a call that is cancelled by its answer.
    Cancelled,
}

#[derive(Clone, Debug)]
struct Peer {
    manner: Manner,
    conn: Option<ConnId>,
    timer: Option<stormglass_sim::node::TimerId>,
}

impl Peer {
    fn call(&mut self, cx: &mut dyn Context<Self>) {
        let digested = self.manner != Manner::Datagrams { digested: false };
        let packet = Packet { digested, reply: false, bytes: [7; 96] };
        if let Some(conn) = self.conn {
            assert!(cx.write(conn, packet).is_ok());
            return;
        }
        let pick = cx.below(NODES - 1);
        let to = pick + u64::from(pick >= u64::from(cx.me().machine.0));
        if self.manner == Manner::Cancelled {
            self.timer.take().map(|timer| cx.cancel_timer(timer));
            self.timer = Some(cx.set_timer(Lane(0), Span::secs(30), 0));
        }
        cx.send(NodeId::new(to as u16, 0), packet);
    }
}

impl Process for Peer {
    type Message = Packet;
    type Observation = Nothing;
    type Probe = NoName;
    type Twist = NoName;
    type Site = NoName;
    fn on_event(&mut self, _: Lane, event: Event<Packet>, cx: &mut dyn Context<Self>) {
        match (event, self.manner) {
            (Event::Start, Manner::Timers(pending)) => {
                (0..pending).for_each(|token| {
                    let after = Span(1 + cx.below(1_000_000_000));
                    cx.set_timer(Lane(0), after, token);
                });
            }
            (Event::Timer { token, .. }, _) => {
                let after = Span(1 + cx.below(1_000_000_000));
                cx.set_timer(Lane(0), after, token);
            }
            (Event::Start, Manner::Connections) => {
                let next = (u64::from(cx.me().machine.0) + 1) % NODES;
                cx.connect(NodeId::new(next as u16, 0));
            }
            (Event::Start, _) => (0..CALLS).for_each(|_| self.call(cx)),
            (Event::Opened { conn, .. }, _) => {
                self.conn = Some(conn);
                (0..CALLS).for_each(|_| self.call(cx));
            }
            (Event::Received { conn, message, .. }, _) if !message.reply => {
                let reply = Packet { reply: true, ..message };
                assert!(cx.write(conn, reply).is_ok());
            }
            (Event::Datagram { from, message }, _) if !message.reply => {
                cx.send(from, Packet { reply: true, ..message });
            }
            (Event::Datagram { .. } | Event::Received { .. }, _) => self.call(cx),
            _ => {}
        }
    }
}

fn world(nodes: u64, manner: Manner) -> World<Peer, ()> {
    let network = NetworkSpec::uniform(Span::millis(1), Span::millis(10));
    let mut world = World::new(1, network, ());
    for machine in 0..nodes {
        world.add_machine(MachineSpec::default());
        let peer = Peer { manner, conn: None, timer: None };
        world.boot(NodeId::new(machine as u16, 0), peer);
    }
    world.run_until(Instant(20_000_000));
    world
}

/// Nanoseconds an event, the best of five runs.
fn measure(mut world: World<Peer, ()>) -> f64 {
    let run = |_| {
        let start = Clock::now();
        for _ in 0..ROUNDS {
            black_box(world.step());
        }
        start.elapsed().as_nanos() as f64 / ROUNDS as f64
    };
    (0..5).map(run).fold(f64::MAX, f64::min)
}

/// The bare loop: (time, sequence) in a heap, events of a hundred bytes in a slab.
fn bare() -> f64 {
    let mut state = 1u64;
    let mut draw = move |n: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((u128::from(z ^ (z >> 27)) * u128::from(n)) >> 64) as u64
    };
    let mut served = vec![0u64; NODES as usize];
    let mut slab: Vec<(u64, u64, [u8; 96])> = Vec::new();
    let mut heap = BinaryHeap::new();
    let mut sequence = 0;
    for node in 0..NODES {
        for _ in 0..CALLS {
            slab.push((node, draw(NODES), [7; 96]));
            heap.push(Reverse((1_000_000 + draw(9_000_000), sequence, slab.len() - 1)));
            sequence += 1;
        }
    }
    let mut run = |_| {
        let start = Clock::now();
        for _ in 0..ROUNDS {
            let Reverse((now, _, at)) = heap.pop().expect("calls never end");
            let (from, to, bytes) = slab[at];
            served[to as usize] += 1;
            let answer = sequence & 1 == 0;
            slab[at] = (to, if answer { from } else { draw(NODES) }, bytes);
            heap.push(Reverse((now + 1_000_000 + draw(9_000_000), sequence, at)));
            sequence += 1;
        }
        start.elapsed().as_nanos() as f64 / ROUNDS as f64
    };
    let best = (0..5).map(&mut run).fold(f64::MAX, f64::min);
    black_box(served);
    best
}

fn main() {
    let base = bare();
    let row = |name: &str, cost: f64| {
        println!("{name:<44} {cost:>7.1} ns an event  {:>5.2} x bare", cost / base);
    };
    row("bare loop over a binary heap", base);
    row(
        "datagrams, contents not digested",
        measure(world(NODES, Manner::Datagrams { digested: false })),
    );
    row(
        "datagrams, contents digested",
        measure(world(NODES, Manner::Datagrams { digested: true })),
    );
    row("datagrams, a timer set and cancelled a call", measure(world(NODES, Manner::Cancelled)));
    row("connections", measure(world(NODES, Manner::Connections)));
    for pending in [100, 10_000, 1_000_000] {
        row(&format!("timers, {pending} pending"), measure(world(1, Manner::Timers(pending))));
    }
    let world = world(NODES, Manner::Datagrams { digested: true });
    let start = Clock::now();
    for fork in 0..100 {
        black_box(world.fork(fork));
    }
    let fork = start.elapsed().as_nanos() as f64 / 100.0;
    println!(
        "a fork of {NODES} nodes, {} events pending: {:.0} us",
        world.pending_events(),
        fork / 1e3
    );
}
