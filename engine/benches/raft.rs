//! What Raft alone costs. `cargo bench -p stormglass-engine`.
//!
//! First in the simulated world: replicas with disks on links of half a millisecond, and clients
//! that always have eight batches under way. Then without a world, by hand from a queue: what a
//! message costs its receiver, with all that comes of it. CPU time of this thread; where the system
//! does not tell it, wall time.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "a benchmark reads the machine's clock and prints"
)]

#[path = "../tests/raft_host/mod.rs"]
mod raft_host;

use std::collections::VecDeque;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use raft_host::{Load, leader, settings, world};
use stormglass_engine::names::Switches;
use stormglass_engine::raft::{
    Durable, Index, Membership, Message, Output, PersistId, Raft, ReplicaId, Role,
};
use stormglass_sim::net::NetworkSpec;
use stormglass_sim::time::{Instant, Span};

/// Measurements of which the best is taken.
const TIMES: u32 = 5;
/// Bytes of a command.
const COMMAND: usize = 64;
/// Batches under way at once.
const BATCHES: u64 = 8;

/// CPU time of this thread so far.
fn cpu(start: Clock) -> Duration {
    let nanos = fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next().and_then(|first| first.parse().ok()))
        .filter(|nanos| *nanos > 0);
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// Entries a CPU second, kernel events an entry, entries a simulated second.
fn simulated(replicas: u16, batch: u64) -> (f64, f64, f64) {
    let network = NetworkSpec::uniform(Span::micros(500), Span::micros(500));
    let command = [7; COMMAND].into();
    let load = Load { batch, outstanding: batch * BATCHES, command, compact: 4096 };
    let mut world = world(1, replicas, network, load);
    world.run_until(Instant(1_000_000_000));
    let applied = |world: &_| {
        let (_, node) = leader(world).expect("it is calm");
        world.process(node).and_then(|replica| replica.raft()).map_or(0, |raft| raft.applied().0)
    };
    let start = Clock::now();
    let mut best = (0.0, 0.0, 0.0);
    for _ in 0..TIMES {
        let (before, events, began) = (applied(&world), world.events(), cpu(start));
        let until = world.now() + Span::secs(4);
        world.run_until(until);
        let taken = (cpu(start) - began).as_secs_f64();
        let entries = (applied(&world) - before) as f64;
        let events = (world.events() - events) as f64;
        if entries / taken > best.0 {
            best = (entries / taken, events / entries, entries / 4.0);
        }
    }
    best
}

/// Replicas in a loop: a queue of messages, and disks that are done at once.
struct Loop {
    rafts: Vec<Raft>,
    queue: VecDeque<(ReplicaId, ReplicaId, Message)>,
    applied: Index,
    received: u64,
    now: Instant,
}

impl Loop {
    fn new(replicas: u16) -> Self {
        let voters: Vec<ReplicaId> = (0..replicas).map(ReplicaId).collect();
        let membership = Membership { voters: voters.clone(), ..Membership::default() };
        let mut out = Vec::new();
        let raft = |id: &ReplicaId| {
            let (durable, switches) = (Durable::default(), Switches::default());
            let random = u64::from(id.0);
            let now = Instant::ZERO;
            Raft::new(*id, membership.clone(), settings(), durable, switches, random, now, &mut out)
        };
        let rafts = voters.iter().map(raft).collect();
        let queue = VecDeque::new();
        let mut it = Loop { rafts, queue, applied: Index(0), received: 0, now: Instant::ZERO };
        // The first whose time has come is elected.
        while !it.rafts[0].may_lead() {
            it.now = it.rafts[0].deadline();
            it.with(0, |raft, now, out| raft.tick(now, out));
            it.run();
        }
        it
    }
    fn with(&mut self, who: usize, does: impl FnOnce(&mut Raft, Instant, &mut Vec<Output>)) {
        let mut out = Vec::new();
        does(&mut self.rafts[who], self.now, &mut out);
        while !out.is_empty() {
            let mut through = PersistId(0);
            for output in std::mem::take(&mut out) {
                match output {
                    Output::Persist(id, _) => through = id,
                    Output::Send(to, message) => {
                        self.queue.push_back((ReplicaId(who as u16), to, message));
                    }
                    Output::Apply(entry) if who == 0 => self.applied = entry.index,
                    _ => {}
                }
            }
            if through > PersistId(0) {
                self.rafts[who].persisted(through, self.now, &mut out);
            }
        }
    }
    fn run(&mut self) {
        while let Some((from, to, message)) = self.queue.pop_front() {
            self.received += 1;
            self.with(to.0.into(), |raft, now, out| raft.receive(from, message, now, out));
        }
    }
}

/// Nanoseconds a message received, and messages an entry.
fn bare(replicas: u16, batch: usize) -> (f64, f64) {
    let command: Arc<[u8]> = [7; COMMAND].into();
    let mut it = Loop::new(replicas);
    let start = Clock::now();
    let mut best = (f64::MAX, 0.0);
    for _ in 0..TIMES {
        let (began, received, applied) = (cpu(start), it.received, it.applied);
        for _ in 0..40_000 / batch {
            for _ in 0..BATCHES {
                let commands = vec![Arc::clone(&command); batch];
                it.with(0, |raft, now, out| {
                    raft.propose(commands, now, out).expect("it leads");
                });
            }
            it.run();
            if it.rafts[0].last_index().0 % 4096 < batch as u64 * BATCHES {
                for who in 0..it.rafts.len() {
                    it.with(who, |raft, _, out| {
                        raft.compact(raft.applied(), [7; 8].into(), out);
                    });
                }
            }
        }
        assert_eq!(it.rafts[0].role(), Role::Leader, "nothing disturbs it");
        let messages = (it.received - received) as f64;
        let nanos = (cpu(start) - began).as_nanos() as f64 / messages;
        if nanos < best.0 {
            best = (nanos, messages / (it.applied.0 - applied.0) as f64);
        }
    }
    best
}

fn main() {
    println!(
        "{:<26} {:>16} {:>13} {:>14}",
        "in the world", "entries/CPU s", "events/entry", "entries/s"
    );
    for replicas in [3, 5] {
        for batch in [1, 64] {
            let (entries, events, rate) = simulated(replicas, batch);
            let name = format!("{replicas} replicas, batch {batch}");
            println!("{name:<26} {entries:>16.0} {events:>13.3} {rate:>14.0}");
        }
    }
    println!("{:<26} {:>16} {:>13}", "by hand", "ns/receive", "messages/entry");
    for replicas in [3, 5] {
        for batch in [1, 64] {
            let (nanos, messages) = bare(replicas, batch);
            let name = format!("{replicas} replicas, batch {batch}");
            println!("{name:<26} {nanos:>16.0} {messages:>13.3}");
        }
    }
}
