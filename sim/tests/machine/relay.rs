//! A relay: it takes what a producer gives, says so, and hands it on to a slow consumer.
//!
//! Protections: it takes no more than it has room for, so that the producer waits (back-pressure);
//! and it does not take what it has been refused the memory for.

use std::collections::BTreeSet;

use stormglass_sim::fault::Fault;
use stormglass_sim::node::{Event, NodeId};
use stormglass_sim::time::Span;
use stormglass_sim::world::World;

use super::{Cx, Log, MAIN, Row, Say, Site, Told, Verdict, jitter, machines, nothing, on, plain};

const PRODUCER: NodeId = on(0);
const RELAY: NodeId = on(1);
const CONSUMER: NodeId = on(2);
const ITEMS: u64 = 100;
/// Bytes of one.
const SIZE: u64 = 1_024;
/// Items that a careful relay has room for.
const ROOM: usize = 10;

#[derive(Clone, Debug)]
pub(super) enum Actor {
    /// Repeats what was not taken, all of it.
    Producer {
        left: BTreeSet<u64>,
    },
    Relay {
        bounded: bool,
        asks: bool,
        buffer: BTreeSet<u64>,
        gone: BTreeSet<u64>,
    },
    Consumer {
        got: BTreeSet<u64>,
    },
}

impl Actor {
    pub(super) fn on_event(&mut self, event: Event<Say>, cx: &mut Cx<'_>) {
        match (self, event) {
            (Actor::Producer { left }, Event::Start | Event::Timer { .. }) => {
                left.iter().for_each(|item| cx.send(RELAY, Say::Do(*item, 0)));
                cx.set_timer(MAIN, Span::millis(20), 0);
            }
            (Actor::Producer { left }, Event::Datagram { message: Say::Done(item), .. }) => {
                left.remove(&item);
                cx.observe(Told("taken", item));
            }
            (relay @ Actor::Relay { .. }, Event::Datagram { message: Say::Do(item, _), .. }) => {
                relay.take(item, cx);
            }
            (
                Actor::Relay { buffer, gone, .. },
                Event::Datagram { message: Say::Done(item), .. },
            ) => {
                buffer.remove(&item);
                gone.insert(item);
                cx.reserve(Site::Buffer, 0, buffer.len() as u64 * SIZE);
            }
            (Actor::Relay { buffer, .. }, Event::Start | Event::Timer { .. }) => {
                if let Some(item) = buffer.first() {
                    cx.send(CONSUMER, Say::Do(*item, 0));
                }
                cx.set_timer(MAIN, Span::millis(5), 0);
            }
            (Actor::Consumer { got }, Event::Datagram { from, message: Say::Do(item, _) }) => {
                if got.insert(item) {
                    cx.observe(Told("got", item));
                }
                cx.send(from, Say::Done(item));
            }
            _ => {}
        }
    }

    fn take(&mut self, item: u64, cx: &mut Cx<'_>) {
        let Actor::Relay { bounded, asks, buffer, gone } = self else { return };
        if !buffer.contains(&item) && !gone.contains(&item) {
            if *bounded && buffer.len() == ROOM {
                return;
            }
            let granted = cx.reserve(Site::Buffer, 0, (buffer.len() as u64 + 1) * SIZE);
            if granted {
                buffer.insert(item);
            } else if *asks {
                return;
            }
        }
        cx.send(PRODUCER, Say::Done(item));
    }
}

fn three(seed: u64, bounded: bool, asks: bool) -> World<super::Actor, Log> {
    let mut world = machines(seed, 3, plain);
    let actors = [
        Actor::Producer { left: (0..ITEMS).collect() },
        Actor::Relay { bounded, asks, buffer: BTreeSet::new(), gone: BTreeSet::new() },
        Actor::Consumer { got: BTreeSet::new() },
    ];
    for (number, actor) in (0..).zip(actors) {
        world.boot(on(number), super::Actor::Relay(actor));
    }
    world
}

fn verdict(log: &Log) -> Verdict {
    let got: BTreeSet<u64> = log.numbers("got").into_iter().collect();
    let lost = log.numbers("taken").into_iter().filter(|item| !got.contains(item)).count();
    match (lost, got.len() as u64) {
        (0, ITEMS) => Verdict::Right,
        (0, _) => Verdict::Stopped,
        (lost, _) => Verdict::Wrong(format!("{lost} were taken and never came")),
    }
}

pub(super) fn rows() -> Vec<Row> {
    Vec::from([
        Row {
            name: "memory is limited",
            world: |seed, protected| three(seed, protected, true),
            given: nothing,
            plan: |seed| {
                let at = jitter(seed);
                let (node, bytes, duration) = (RELAY, 20 * SIZE, Span::secs(2));
                let limit = Fault::LimitMemory { node, bytes, duration };
                Vec::from([(at, limit), (at + 100_000, Fault::Start { node })])
            },
            verdict,
            bites: super::SEEDS,
            may_stop: false,
        },
        Row {
            name: "memory is refused",
            world: |seed, protected| three(seed, true, protected),
            given: nothing,
            plan: |seed| {
                let (node, site, count) = (RELAY, 0, 30);
                let refuse = Fault::RefuseMemory { node, site, count };
                Vec::from([(100 + jitter(seed), refuse)])
            },
            verdict,
            bites: super::SEEDS,
            may_stop: false,
        },
    ])
}
