//! A lease: a server lends a right for a time, to one at a time; who has it acts on a resource.
//! Nobody may act after somebody to whom it was lent later.
//!
//! Protections: clocks that nobody sets; allowance for clocks that differ in rate; a resource that
//! refuses who comes with an older right (fencing).

use stormglass_sim::fault::{ClockStep, Fault, Thaw};
use stormglass_sim::machine::MachineSpec;
use stormglass_sim::node::{Event, NodeId};
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::world::World;

use super::{
    Cx, EPOCH, Log, MAIN, Plan, Row, Say, Told, Verdict, jitter, machine, machines, nothing, on,
    plain,
};

const SERVER: NodeId = on(0);
const RESOURCE: NodeId = on(3);
/// The right is lent for so long.
const TERM: Span = Span::millis(100);
/// How far clocks may differ from true time, in percent.
const BOUND: u64 = 20;

#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    wall: bool,
    bounded: bool,
    fenced: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Actor {
    Server { way: Way, lent: Option<Instant>, right: u64 },
    Client { way: Way, begins: Span, right: u64, until: Instant, over: bool },
    Resource { way: Way, newest: u64 },
}

impl Way {
    fn now(self, cx: &Cx<'_>) -> Instant {
        if self.wall { cx.wall_clock() } else { cx.now() }
    }
    /// How long a client takes the right for its own.
    fn term(self) -> Span {
        if self.bounded { TERM.scale(100 - BOUND, 100 + BOUND) } else { TERM }
    }
}

impl Actor {
    pub(super) fn on_event(&mut self, event: Event<Say>, cx: &mut Cx<'_>) {
        match (self, event) {
            (
                Actor::Server { way, lent, right },
                Event::Datagram { from, message: Say::Ask(asked) },
            ) => {
                let now = way.now(cx);
                if lent.is_none_or(|lent| now.since(lent) >= TERM) {
                    *lent = Some(now);
                    *right += 1;
                    cx.send(from, Say::Answer(*right, asked));
                }
            }
            (Actor::Client { begins, .. }, Event::Start) => {
                cx.set_timer(MAIN, *begins, 0);
            }
            (
                Actor::Client { way, right, until, .. },
                Event::Datagram { message: Say::Answer(lent, asked), .. },
            ) => {
                (*right, *until) = (lent, Instant(asked) + way.term());
            }
            (Actor::Client { way, right, until, over, .. }, Event::Timer { .. }) => {
                let now = way.now(cx);
                if *right == 0 {
                    cx.send(SERVER, Say::Ask(now.nanos()));
                } else if now < *until && !*over {
                    cx.spend(MAIN, Span::millis(2));
                    cx.send(RESOURCE, Say::Do(*right, 0));
                } else {
                    *over = true;
                }
                cx.set_timer(MAIN, Span::millis(3), 0);
            }
            (
                Actor::Resource { way, newest },
                Event::Datagram { message: Say::Do(right, _), .. },
            ) if right >= *newest || !way.fenced => {
                *newest = right.max(*newest);
                cx.observe(Told("acted", right));
            }
            _ => {}
        }
    }
}

fn cluster(seed: u64, way: Way, spec: fn(u16) -> MachineSpec) -> World<super::Actor, Log> {
    let mut world = machines(seed, 4, spec);
    let client = |begins| Actor::Client {
        way,
        begins: Span::millis(begins),
        right: 0,
        until: Instant::ZERO,
        over: false,
    };
    let actors = [
        Actor::Server { way, lent: None, right: 0 },
        client(1),
        client(10),
        Actor::Resource { way, newest: 0 },
    ];
    for (number, actor) in (0..).zip(actors) {
        world.boot(on(number), super::Actor::Lease(actor));
    }
    world
}

fn verdict(log: &Log) -> Verdict {
    let acted = log.numbers("acted");
    if let Some(pair) = acted.windows(2).find(|pair| pair[1] < pair[0]) {
        return Verdict::Wrong(format!("{} acted after {}", pair[1], pair[0]));
    }
    if acted.contains(&1) && acted.contains(&2) { Verdict::Right } else { Verdict::Stopped }
}

const PLAIN: Way = Way { wall: false, bounded: false, fenced: false };

fn by_clock(seed: u64, protected: bool) -> World<super::Actor, Log> {
    cluster(seed, Way { wall: !protected, ..PLAIN }, plain)
}

fn by_bound(seed: u64, protected: bool) -> World<super::Actor, Log> {
    cluster(seed, Way { bounded: protected, ..PLAIN }, plain)
}

/// The first client's clock is slow from the first day.
#[test]
fn a_machine_has_a_clock_of_its_own_rate() {
    let slow = |number| MachineSpec {
        clock_ppm: if number == 1 { -150_000 } else { 0 },
        ..MachineSpec::default()
    };
    for seed in 0..super::SEEDS {
        for (bounded, right) in [(false, false), (true, true)] {
            let mut world = cluster(seed, Way { bounded, ..PLAIN }, slow);
            world.run_until(Instant(1_000_000_000));
            assert_eq!(verdict(world.watcher()) == Verdict::Right, right, "{bounded}, {seed}");
        }
    }
}

fn by_fence(seed: u64, protected: bool) -> World<super::Actor, Log> {
    cluster(seed, Way { fenced: protected, ..PLAIN }, plain)
}

/// A fault of the first client's or the server's clock, while the first client has the right.
fn later(seed: u64, fault: Fault) -> Plan {
    Vec::from([(20_000 + jitter(seed), fault)])
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
    let at_work = |name, plan| Row { bites: 5, ..row(name, by_fence, plan) };
    Vec::from([
        row("a client's wall clock is stepped back", by_clock, |seed| {
            let step = ClockStep::Back(Span::millis(50));
            later(seed, Fault::StepClock { machine: machine(1), step })
        }),
        row("the server's wall clock is stepped forward", by_clock, |seed| {
            let step = ClockStep::Forward(Span::millis(500));
            later(seed, Fault::StepClock { machine: machine(0), step })
        }),
        row("a client's wall clock is set", by_clock, |seed| {
            let offset = ClockStep::Forward(EPOCH - Span::millis(50));
            later(seed, Fault::SetClock { machine: machine(1), offset })
        }),
        row("a client's wall clock stands still and jumps", by_clock, |seed| {
            let (machine, duration) = (machine(1), Span::millis(150));
            later(seed, Fault::FreezeClock { machine, duration, then: Thaw::Jumps })
        }),
        row("a client's wall clock stands still and resumes", by_clock, |seed| {
            let (machine, duration) = (machine(1), Span::millis(50));
            later(seed, Fault::FreezeClock { machine, duration, then: Thaw::Resumes })
        }),
        row("a client's wall clock is smeared", by_clock, |seed| {
            let (step, duration) = (ClockStep::Back(Span::millis(60)), Span::millis(80));
            later(seed, Fault::SmearClock { machine: machine(1), step, duration })
        }),
        row("the server's wall clock strobes", by_clock, |seed| {
            let (delta, period) = (Span::millis(500), Span::millis(10));
            let (machine, duration) = (machine(0), Span::millis(60));
            later(seed, Fault::StrobeClock { machine, delta, period, duration })
        }),
        row("a client's clocks run slow", by_bound, |seed| {
            let (machine, duration) = (machine(1), Span::secs(1));
            later(seed, Fault::DriftClock { machine, ppm: -190_000, duration })
        }),
        at_work("a client is paused at work", |seed| {
            let (node, duration) = (on(1), Span::millis(150));
            later(seed, Fault::Pause { node, duration })
        }),
        at_work("a client's machine is slow", |seed| {
            let (machine, duration) = (machine(1), Span::millis(50));
            later(seed, Fault::SlowCpu { machine, factor_percent: 10_000, duration })
        }),
    ])
}
