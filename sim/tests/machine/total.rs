//! A total: a worker hands its numbers over one by one, from the first on in each of its lives; a
//! collector adds them up.
//!
//! Protection: the life is part of what is said, and only the numbers of one life make a total.

use stormglass_sim::fault::Fault;
use stormglass_sim::node::{Event, NodeId};
use stormglass_sim::time::Span;
use stormglass_sim::world::World;

use super::{Cx, Log, MAIN, Row, Say, Told, Verdict, jitter, machines, nothing, on, plain};

const WORKER: NodeId = on(0);
const COLLECTOR: NodeId = on(1);
/// The numbers are those below.
const NUMBERS: u64 = 20;

#[derive(Clone, Debug)]
pub(super) enum Actor {
    Worker { next: u64 },
    Collector { by_life: bool, life: u64, sum: u64 },
}

impl Actor {
    pub(super) fn on_event(&mut self, event: Event<Say>, cx: &mut Cx<'_>) {
        let life = u64::from(cx.incarnation());
        match (self, event) {
            (Actor::Worker { next }, Event::Start | Event::Timer { .. }) if *next < NUMBERS => {
                cx.send(COLLECTOR, Say::Do(*next, life));
                *next += 1;
                cx.set_timer(MAIN, Span::millis(1), 0);
            }
            (
                Actor::Collector { by_life, life, sum },
                Event::Datagram { message: Say::Do(number, of), .. },
            ) => {
                if *by_life && of > *life {
                    (*life, *sum) = (of, 0);
                }
                if !*by_life || of == *life {
                    *sum += number;
                }
                if number + 1 == NUMBERS {
                    cx.observe(Told("total", *sum));
                }
            }
            _ => {}
        }
    }
}

fn two(seed: u64, protected: bool) -> World<super::Actor, Log> {
    let mut world = machines(seed, 2, plain);
    let collector = Actor::Collector { by_life: protected, life: 0, sum: 0 };
    for (node, actor) in [(WORKER, Actor::Worker { next: 0 }), (COLLECTOR, collector)] {
        world.boot(node, super::Actor::Total(actor));
    }
    world
}

fn verdict(log: &Log) -> Verdict {
    match log.numbers("total").last() {
        None => Verdict::Stopped,
        Some(total) if *total == NUMBERS * (NUMBERS - 1) / 2 => Verdict::Right,
        Some(total) => Verdict::Wrong(format!("{total} in all")),
    }
}

pub(super) fn rows() -> Vec<Row> {
    Vec::from([Row {
        name: "a worker dies again and again",
        world: two,
        given: nothing,
        plan: |seed| {
            let (after, restart) = (Span::micros(1_000 + jitter(seed) / 2), Span::millis(5));
            Vec::from([(500, Fault::CrashLoop { node: WORKER, times: 3, after, restart })])
        },
        verdict,
        // The first life may have said nothing but nought.
        bites: super::SEEDS - 4,
        may_stop: false,
    }])
}
