//! Ping-pong: N nodes, 16 outstanding 100-byte calls a node to uniformly random peers, 1 to 10 ms
//! each way, over datagrams, until so many messages (requests and replies) are delivered.
//!
//!     cargo run --release -p stormglass-sim --example pingpong -- \
//!         --nodes 64 --messages 1000000 --seed 1
//!
//! Prints one JSON line. The whole network model is in the path: links, cuts, digest of contents.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "the harness around the world reads its arguments and the machine's clocks, and prints"
)]

use std::fmt::Write as _;
use std::hint::black_box;

use stormglass_sim::hash::Mixer;
use stormglass_sim::machine::MachineSpec;
use stormglass_sim::net::NetworkSpec;
use stormglass_sim::node::{Context, Event, Lane, Message, NoName, NodeId, Observation, Process};
use stormglass_sim::payload::Payload;
use stormglass_sim::time::Span;
use stormglass_sim::world::{Step, World};

const BYTES: usize = 100;

/// A request or a reply: whose call it is, its number, and padding.
#[derive(Clone, Debug)]
struct Packet {
    reply: bool,
    payload: Payload,
}

impl Packet {
    fn word(&self, at: usize) -> u64 {
        let bytes = &self.payload.bytes()[at * 8..at * 8 + 8];
        u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
    }
}

impl Message for Packet {
    fn wire_size(&self) -> u64 {
        self.payload.size()
    }
    fn digest(&self, into: &mut Mixer) {
        into.pair(u64::from(self.reply), self.payload.fingerprint());
    }
}

/// Nothing is observed here.
#[derive(Clone, Debug)]
enum Nothing {}
impl Observation for Nothing {
    fn digest(&self, _: &mut Mixer) {
        match *self {}
    }
}

#[derive(Clone, Debug)]
struct Peer {
    nodes: u64,
    served: u64,
    /// The number of each caller's current call.
    calls: Vec<u64>,
}

impl Peer {
    fn call(&self, caller: usize, cx: &mut dyn Context<Self>) {
        let me = cx.me();
        let mut bytes = [me.machine.0 as u8; BYTES];
        bytes[0..8].copy_from_slice(&(caller as u64).to_le_bytes());
        bytes[8..16].copy_from_slice(&self.calls[caller].to_le_bytes());
        let pick = cx.below(self.nodes - 1);
        let to = pick + u64::from(pick >= u64::from(me.machine.0));
        cx.send(NodeId::new(to as u16, 0), Packet { reply: false, payload: Payload::new(bytes) });
    }
}

impl Process for Peer {
    type Message = Packet;
    type Observation = Nothing;
    type Probe = NoName;
    type Twist = NoName;
    type Site = NoName;

    fn on_event(&mut self, _: Lane, event: Event<Packet>, cx: &mut dyn Context<Self>) {
        match event {
            Event::Start => (0..self.calls.len()).for_each(|caller| self.call(caller, cx)),
            Event::Datagram { from, message } if !message.reply => {
                self.served += 1;
                cx.send(from, Packet { reply: true, ..message });
            }
            Event::Datagram { message, .. } => {
                let caller = message.word(0) as usize;
                assert_eq!(message.word(1), self.calls[caller], "a reply to the current call");
                self.calls[caller] += 1;
                self.call(caller, cx);
            }
            other => unreachable!("{other:?}"),
        }
    }
}

/// `--key value`, or the default.
fn option(key: &str, default: u64) -> u64 {
    let mut args = std::env::args().skip(1);
    let value = args.find(|a| a == key).and_then(|_| args.next());
    value.map_or(default, |v| match v.replace('_', "").parse() {
        Ok(number) => number,
        Err(_) => panic!("{key}: not a number: {v}"),
    })
}

/// What this process has used: CPU nanoseconds, wall nanoseconds.
fn usage(start: std::time::Instant) -> (u64, u64) {
    // yielding makes the scheduler bring its account up to date
    std::thread::yield_now();
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let cpu = stat.split_whitespace().next().and_then(|n| n.parse().ok());
    let wall = start.elapsed().as_nanos() as u64;
    (cpu.unwrap_or(wall), wall)
}

/// User and system time in microseconds, in steps of the kernel's clock.
fn shares() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let mut ticks = fields.split(' ').skip(11).map(|n| n.parse::<u64>().unwrap_or(0) * 10_000);
    (ticks.next().unwrap_or(0), ticks.next().unwrap_or(0))
}

fn peak_memory_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn main() {
    let nodes = option("--nodes", 8);
    let outstanding = option("--outstanding", 16);
    let messages = option("--messages", 1_000_000);
    let seed = option("--seed", 1);
    assert!((2..=65_536).contains(&nodes), "--nodes: from 2 to 65536");

    let network = NetworkSpec::uniform(Span::millis(1), Span::millis(10));
    let mut world = World::new(seed, network, ());
    for machine in 0..nodes {
        world.add_machine(MachineSpec::default());
        let peer = Peer { nodes, served: 0, calls: vec![0; outstanding as usize] };
        world.boot(NodeId::new(machine as u16, 0), peer);
    }
    let start = std::time::Instant::now();
    let (before, shares_before) = (usage(start), shares());
    // nothing is lost here: every event but the starts delivers a message
    while world.events() < messages + nodes {
        assert_ne!(black_box(world.step()), Step::Idle);
    }
    let (after, shares_after) = (usage(start), shares());

    let delivered = world.events() - nodes;
    let virtual_s = world.now().as_secs_f64();
    let cpu_s = (after.0 - before.0) as f64 / 1e9;
    let mut line = String::from("{\"bench\": \"stormglass-pingpong\", \"proto\": \"datagram\"");
    let mut key = |name: &str, value: &dyn std::fmt::Display| {
        write!(line, ", \"{name}\": {value}").expect("a string takes text");
    };
    key("events", &world.events());
    key("event_room", &world.event_room());
    key("nodes", &nodes);
    key("outstanding", &outstanding);
    key("seed", &seed);
    key("delivered", &delivered);
    key("virtual_s", &format_args!("{virtual_s:.6}"));
    key("cpu_s", &format_args!("{cpu_s:.6}"));
    key("user_s", &format_args!("{:.6}", (shares_after.0 - shares_before.0) as f64 / 1e6));
    key("sys_s", &format_args!("{:.6}", (shares_after.1 - shares_before.1) as f64 / 1e6));
    key("wall_s", &format_args!("{:.6}", (after.1 - before.1) as f64 / 1e9));
    key("msgs_per_cpu_s", &format_args!("{:.0}", delivered as f64 / cpu_s));
    key("ns_per_msg", &format_args!("{:.1}", cpu_s * 1e9 / delivered as f64));
    key("virtual_per_cpu", &format_args!("{:.2}", virtual_s / cpu_s));
    key("maxrss_kb", &peak_memory_kb());
    key("digest", &format_args!("\"{}\"", world.digest()));
    println!("{line}}}");
}
