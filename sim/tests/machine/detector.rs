//! A failure detector: a peer says now and then that it lives; who hears nothing of it for too long
//! holds it for dead, and for good.
//!
//! Protection: silence is measured by a clock that nobody sets.

use stormglass_sim::fault::{ClockStep, Fault, Thaw};
use stormglass_sim::node::{Event, NodeId};
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::world::World;

use super::{
    Cx, Log, MAIN, Plan, Row, Say, Told, Verdict, jitter, machine, machines, nothing, on, plain,
};

const WATCHER: NodeId = on(0);
const PEER: NodeId = on(1);
/// Silence of so long is death.
const TIMEOUT: Span = Span::millis(50);
const TICK: Span = Span::millis(10);

#[derive(Clone, Debug)]
pub(super) enum Actor {
    Watcher { wall: bool, heard: Instant, dead: bool },
    Peer,
}

impl Actor {
    pub(super) fn on_event(&mut self, event: Event<Say>, cx: &mut Cx<'_>) {
        match self {
            Actor::Peer => cx.send(WATCHER, Say::Done(0)),
            Actor::Watcher { wall, heard, dead } => {
                let now = if *wall { cx.wall_clock() } else { cx.now() };
                match event {
                    Event::Timer { .. } if now.since(*heard) > TIMEOUT && !*dead => {
                        *dead = true;
                        cx.observe(Told("dead", 0));
                    }
                    Event::Timer { .. } => {}
                    _ => *heard = now,
                }
                if matches!(event, Event::Datagram { .. }) {
                    return;
                }
            }
        }
        cx.set_timer(MAIN, TICK, 0);
    }
}

fn pair(seed: u64, protected: bool) -> World<super::Actor, Log> {
    let mut world = machines(seed, 2, plain);
    let watcher = Actor::Watcher { wall: !protected, heard: Instant::ZERO, dead: false };
    for (node, actor) in [(WATCHER, watcher), (PEER, Actor::Peer)] {
        world.boot(node, super::Actor::Detector(actor));
    }
    world
}

/// The peer lives to the end.
fn nobody_died(log: &Log) -> Verdict {
    match log.numbers("dead").is_empty() {
        true => Verdict::Right,
        false => Verdict::Wrong("a living peer is held for dead".into()),
    }
}

/// The peer dies after a tenth of a second.
fn it_dies(_: u64) -> Plan {
    Vec::from([(100_000, Fault::Crash { node: PEER })])
}

fn it_died(log: &Log) -> Verdict {
    match log.numbers("dead").is_empty() {
        false => Verdict::Right,
        true => Verdict::Wrong("a dead peer is held for alive".into()),
    }
}

pub(super) fn rows() -> Vec<Row> {
    let (bites, may_stop) = (super::SEEDS, false);
    Vec::from([
        Row {
            name: "time leaps",
            world: pair,
            given: nothing,
            plan: |seed| {
                let step = ClockStep::Forward(Span::secs(1));
                Vec::from([(50_000 + jitter(seed), Fault::StepClock { machine: machine(0), step })])
            },
            verdict: nobody_died,
            // The peer may be heard of between the leap and the next look.
            bites: bites / 4,
            may_stop,
        },
        Row {
            name: "time stands still",
            world: pair,
            given: it_dies,
            plan: |seed| {
                let (machine, duration) = (machine(0), Span::secs(10));
                let freeze = Fault::FreezeClock { machine, duration, then: Thaw::Resumes };
                Vec::from([(50_000 + jitter(seed), freeze)])
            },
            verdict: it_died,
            bites,
            may_stop,
        },
    ])
}
