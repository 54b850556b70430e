//! A new leader commits soon after the old one crashed.

#![expect(clippy::disallowed_macros, reason = "what was measured is printed")]

mod raft_host;

use raft_host::{Load, leader, settings, world};
use stormglass_sim::fault::Fault;
use stormglass_sim::net::NetworkSpec;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

/// The time from the crash of a leader to the first entry that another one commits.
fn recovery(seed: u64) -> Span {
    let network = NetworkSpec::uniform(Span::millis(1), Span::millis(1));
    let load = Load { batch: 1, outstanding: 4, command: [7; 32].into(), compact: 1000 };
    let mut world = world(seed, 3, network, load);
    // Crashes fall anywhere between two heartbeats.
    world.run_until(Instant(2_000_000_000 + seed * 7_300_000));
    let (term, old) = leader(&world).expect("it is calm");
    let crashed = world.now();
    assert!(world.inject(&Fault::CrashMachine { machine: old.machine }).expect("fine").took_effect);
    while world.now() < crashed + Span::secs(10) {
        let led = |node: NodeId| world.process(node)?.led.filter(|led| led.0 > term);
        if let Some((_, at)) = world.nodes().filter_map(led).min() {
            return at.since(crashed);
        }
        world.run_until(world.now() + Span::millis(1));
    }
    panic!("seed {seed}: nobody commits after the crash of {old}");
}

#[test]
fn a_leader_is_replaced_within_two_election_timeouts() {
    let mut spans: Vec<Span> = (0..100).map(recovery).collect();
    spans.sort();
    let (median, worst) = (spans[50], spans[99]);
    println!("from the crash of a leader to a commit: median {median}, worst {worst}");
    let (_, upper) = settings().election_timeout;
    assert!(median <= upper * 2, "{median}");
}
