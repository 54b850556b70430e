//! Every mechanism of the network changes the outcome of a system that has left out the protection
//! against it, and does not hurt one that has it.
//!
//! Three small protocols have protections that can be left out one by one: a courier over datagrams
//! (`courier`), a feed over connections (`feed`), a lease among five (`lease`). Each row of the
//! table names a fault and the protection that is against it; each runs over twenty seeds.

use stormglass_sim::fault::{
    Break, Effect, Fault, Links, MessageAction, Party, Weather, partition,
};
use stormglass_sim::net::{Latency, NetworkSpec};
use stormglass_sim::node::{MachineId, NodeId, Process};
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::watch::Watcher;
use stormglass_sim::world::World;

mod courier;
mod feed;
mod lease;

const SEEDS: u64 = 20;

/// A fault, and when it strikes.
type Strike = (Instant, Fault);

/// What came of a run.
struct Verdict {
    /// Or what is wrong.
    right: Result<(), String>,
    /// Whether every fault took effect, or hit at least once if it waits for its occasions.
    hit: bool,
}

/// A protocol with a protection left out, or with all of them.
type Protocol<L> = fn(u64, Option<L>, &[Strike]) -> Verdict;

/// Runs a world until an instant, with faults on the way; true if all of them hit.
fn weathered<P: Process, W: Watcher<P>>(
    world: &mut World<P, W>,
    strikes: &[Strike],
    until: Instant,
) -> bool {
    let mut effects: Vec<Effect> = Vec::new();
    for (at, fault) in strikes {
        world.run_until(*at);
        effects.push(world.inject(fault).expect("the fault fits the world"));
    }
    world.run_until(until);
    effects.iter().all(|effect| match effect.armed {
        Some(id) => world.armed_hits(id) > 0,
        None => effect.took_effect,
    })
}

/// The fault hurts whoever lacks the protection, in most seeds at least, and nobody else.
fn check<L: Copy + std::fmt::Debug>(name: &str, run: Protocol<L>, lacks: L, strikes: &[Strike]) {
    let mut hurt = 0;
    for seed in 0..SEEDS {
        let calm = run(seed, Some(lacks), &[]);
        assert_eq!(calm.right, Ok(()), "{name}: seed {seed} without {lacks:?}, and no fault");
        let protected = run(seed, None, strikes);
        assert_eq!(protected.right, Ok(()), "{name}: seed {seed}, protected");
        assert!(protected.hit, "{name}: seed {seed}: the fault hit nothing");
        let bare = run(seed, Some(lacks), strikes);
        assert!(bare.hit, "{name}: seed {seed}: the fault hit nothing without {lacks:?}");
        hurt += u64::from(bare.right.is_err());
    }
    assert!(hurt * 4 >= SEEDS * 3, "{name}: only {hurt} of {SEEDS} are hurt without {lacks:?}");
}

fn ms(n: u64) -> Instant {
    Instant(n * 1_000_000)
}

fn weather(links: Links, weather: Weather, duration: Span) -> Vec<Strike> {
    Vec::from([(ms(20), Fault::Weather { links, weather, duration })])
}

#[test]
fn weathers_hurt_a_courier_without_numbers_or_repetition() {
    use courier::Lacks::{Checksum, Numbers, Repetition, Session};
    let there = || Links::one(courier::CLIENT.machine, courier::SERVER.machine);
    let (calm, while_long) = (Weather::default(), Span::millis(400));
    let third = 300_000;
    let tail = Latency::Pareto { min: Span::millis(1), shape: 80, max: Span::millis(150) };
    let soft =
        Latency::Exponential { min: Span::ZERO, mean: Span::millis(30), max: Span::millis(150) };
    let rows = [
        ("loss", Repetition, Weather { loss_ppm: third, ..calm }),
        ("loss in bursts", Repetition, Weather { loss_ppm: 600_000, loss_run: 5, ..calm }),
        ("duplication", Numbers, Weather { duplicate_ppm: third, ..calm }),
        (
            "reordering",
            Numbers,
            Weather { reorder_ppm: third, reorder_extra: Span::millis(15), ..calm },
        ),
        ("a heavy tail", Numbers, Weather { tail_ppm: 1_000_000, tail, ..calm }),
        ("an exponential tail", Numbers, Weather { tail_ppm: 1_000_000, tail: soft, ..calm }),
        ("a slow link that is not down", Numbers, Weather::slow(Span::millis(80))),
        ("a clog", Numbers, Weather::clog()),
        ("a bandwidth collapse", Numbers, Weather { speed: Some(3_000), ..calm }),
        ("corruption", Checksum, Weather { corrupt_ppm: third, ..calm }),
        (
            "old copies",
            Session,
            Weather { duplicate_ppm: 1_000_000, duplicate_late: Span::millis(60), ..calm },
        ),
    ];
    for (name, lacks, what) in rows {
        check(name, courier::run, lacks, &weather(there(), what, while_long));
    }
    // the same from the other ends of the same links, and back
    let (machine, back) = (courier::SERVER.machine, courier::CLIENT.machine);
    let lossy = Weather { loss_ppm: third, ..calm };
    for links in [Links::All, Links::Of(machine), Links::To(machine), Links::From(back)] {
        check("loss", courier::run, Repetition, &weather(links, lossy, while_long));
    }
    let slow = Weather::slow(Span::millis(80));
    let acknowledgements = Links::one(machine, back);
    check("slow back", courier::run, Numbers, &weather(acknowledgements, slow, while_long));
}

#[test]
fn a_network_with_checksums_needs_none_above() {
    let lacks = Some(courier::Lacks::Checksum);
    let foul = Weather { corrupt_ppm: 300_000, ..Weather::default() };
    let strikes = weather(Links::All, foul, Span::millis(400));
    for seed in 0..SEEDS {
        let verdict = courier::run_over(NetworkSpec::default(), seed, lacks, &strikes);
        assert_eq!((verdict.right, verdict.hit), (Ok(()), true), "seed {seed}");
    }
}

#[test]
fn narrow_cards_and_cuts_hurt_a_courier() {
    use courier::Lacks::{Numbers, Repetition};
    let (client, server) = (courier::CLIENT.machine, courier::SERVER.machine);
    for machine in [client, server] {
        let slow = Fault::SlowCard { machine, speed: 3_000, duration: Span::millis(400) };
        check("a narrow card", courier::run, Numbers, &[(ms(20), slow)]);
    }
    let duration = Span::millis(60);
    for links in [partition::one_way(&[client], &[server]), Links::Of(server)] {
        check("a cut", courier::run, Repetition, &[(ms(20), Fault::Cut { links, duration })]);
    }
    // healed before its time: otherwise nobody would come to an end
    let links = || Links::Of(server);
    let cut = Fault::Cut { links: links(), duration: Span::secs(3_600) };
    let healed = [(ms(20), cut), (ms(80), Fault::Heal { links: links() })];
    check("a cut that is healed", courier::run, Repetition, &healed);
}

#[test]
fn one_message_is_enough() {
    use courier::Lacks::{Checksum, Numbers, Repetition, Session};
    let (from, to) = (courier::CLIENT, courier::SERVER);
    let rows = [
        ("one lost", Repetition, 7, MessageAction::Drop),
        ("one doubled", Numbers, 7, MessageAction::Duplicate),
        ("one late", Numbers, 7, MessageAction::Delay(Span::millis(30))),
        ("one answer lost", Numbers, 7, MessageAction::LoseReply),
        ("one corrupted", Checksum, 7, MessageAction::Corrupt(5)),
        ("one replayed", Session, 18, MessageAction::Replay(Span::millis(35))),
    ];
    for (name, lacks, nth, action) in rows {
        let fault = Fault::Message { from, to, nth, action };
        check(name, courier::run, lacks, &[(ms(0), fault)]);
    }
}

#[test]
fn broken_connections_hurt_a_feed() {
    use feed::Lacks::{KeepAlive, Reconnection, Resumption};
    let node = |node: NodeId| Party::Node(node);
    let (source, reader) = (node(feed::SOURCE), node(feed::READER));
    let rows = [
        ("a reset", Reconnection, source, reader, Break::Reset),
        (
            "a reset between machines",
            Resumption,
            Party::Machine(MachineId(0)),
            reader,
            Break::Reset,
        ),
        ("a source that forgot", KeepAlive, source, reader, Break::HalfOpen),
        ("a reader that lost it", Reconnection, reader, source, Break::HalfOpen),
        ("silence", KeepAlive, source, reader, Break::Silent),
    ];
    for (name, lacks, one, other, how) in rows {
        check(name, feed::run, lacks, &[(ms(100), Fault::Break { one, other, how })]);
    }
}

#[test]
fn partitions_of_every_shape_split_a_lease_without_majority() {
    let all: Vec<MachineId> = (0..lease::MEMBERS).map(MachineId).collect();
    let rows = [
        ("two sides", partition::symmetric(&all[..2], &all[2..])),
        ("one way", partition::one_way(&all[..1], &all[1..])),
        ("a minority", partition::minority(&all)),
        ("one alone", partition::isolate(MachineId(0), &all)),
        ("a bridge", partition::bridge(&all[..3], MachineId(2), &all[2..])),
        ("a ring of majorities", partition::majorities_ring(&all)),
        ("one that only hears", Links::From(MachineId(0))),
    ];
    for (name, links) in rows {
        let cut = Fault::Cut { links, duration: Span::secs(1) };
        check(name, lease::run, lease::Lacks::Majority, &[(ms(1_000), cut)]);
    }
    // swizzled clogging: nodes are clogged one after another and freed in another order
    let clog = |machine: u16, at: u64, duration| {
        let links = Links::Of(MachineId(machine));
        (
            ms(at),
            Fault::Weather { links, weather: Weather::clog(), duration: Span::millis(duration) },
        )
    };
    let swizzle =
        [clog(2, 900, 700), clog(0, 1_000, 400), clog(4, 1_100, 200), clog(1, 1_200, 500)];
    check("swizzled clogs", lease::run, lease::Lacks::Majority, &swizzle);
}
