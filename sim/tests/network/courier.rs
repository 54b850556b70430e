//! A courier: a client brings two loads of numbered items to a server, over datagrams. The server
//! has to take each item once, in order, as it was sent.

use stormglass_sim::hash::Mixer;
use stormglass_sim::machine::MachineSpec;
use stormglass_sim::net::NetworkSpec;
use stormglass_sim::node::{
    Context, Event, Lane, Message, NoName, NodeId, Observation, Process, TimerId,
};
use stormglass_sim::time::Span;
use stormglass_sim::world::World;

use crate::{Strike, Verdict, ms, weathered};

pub(crate) const CLIENT: NodeId = NodeId::new(0, 1);
pub(crate) const SERVER: NodeId = NodeId::new(1, 1);

/// Items in a load.
const ITEMS: u64 = 20;
const LOADS: u64 = 2;
const PACE: Span = Span::millis(2);
const PATIENCE: Span = Span::millis(25);

/// What a courier can do without, until the network turns foul.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lacks {
    /// A check over the contents.
    Checksum,
    /// Repetition of what is not acknowledged in time.
    Repetition,
    /// Order and uniqueness by number: whatever comes is taken.
    Numbers,
    /// A look at which load an item belongs to.
    Session,
}

#[derive(Clone, Debug)]
enum Parcel {
    Item { load: u64, number: u64, value: u64, check: u64 },
    Taken { load: u64, number: u64 },
}

fn value(load: u64, number: u64) -> u64 {
    load * 1_000 + number
}

fn checksum(load: u64, number: u64, value: u64) -> u64 {
    let mut mixer = Mixer::new();
    mixer.pair(load, number);
    mixer.word(value);
    mixer.finish64()
}

impl Message for Parcel {
    fn wire_size(&self) -> u64 {
        64
    }
    fn digest(&self, into: &mut Mixer) {
        match self {
            Parcel::Item { load, number, value, .. } => {
                into.pair(*load, *number);
                into.word(*value);
            }
            Parcel::Taken { load, number } => into.pair(*load, *number),
        }
    }
    /// Headers have a check of their own, as UDP's have; the contents do not.
    fn corrupt(&self, bit: u64) -> Option<Parcel> {
        match self {
            Parcel::Item { load, number, value, check } => Some(Parcel::Item {
                load: *load,
                number: *number,
                value: value ^ (1 << (bit % 64)),
                check: *check,
            }),
            Parcel::Taken { .. } => None,
        }
    }
}

/// Nothing is told.
#[derive(Clone, Debug)]
pub(crate) struct Silence;
impl Observation for Silence {
    fn digest(&self, _: &mut Mixer) {}
}

#[derive(Clone, Debug)]
enum Courier {
    Client { lacks: Option<Lacks>, load: u64, next: u64, unacknowledged: Vec<(u64, TimerId)> },
    Server { lacks: Option<Lacks>, load: u64, early: Vec<(u64, u64)>, taken: Vec<u64> },
}

fn item(load: u64, number: u64) -> Parcel {
    let value = value(load, number);
    Parcel::Item { load, number, value, check: checksum(load, number, value) }
}

/// The token of the timer by which the next item leaves; others repeat the item of their number.
const NEXT: u64 = u64::MAX;

impl Process for Courier {
    type Message = Parcel;
    type Observation = Silence;
    type Probe = NoName;
    type Twist = NoName;
    type Site = NoName;

    fn on_event(&mut self, _: Lane, event: Event<Parcel>, cx: &mut dyn Context<Self>) {
        match self {
            Courier::Client { .. } => self.bring(event, cx),
            Courier::Server { .. } => self.take(event, cx),
        }
    }
}

impl Courier {
    fn bring(&mut self, event: Event<Parcel>, cx: &mut dyn Context<Self>) {
        let Courier::Client { lacks, load, next, unacknowledged } = self else { unreachable!() };
        match event {
            Event::Start => {
                cx.set_timer(Lane(0), PACE, NEXT);
            }
            Event::Timer { token: NEXT, .. } => {
                if *next == ITEMS {
                    // Whoever does not repeat does not wait either.
                    let done = unacknowledged.is_empty() || *lacks == Some(Lacks::Repetition);
                    if done && *load + 1 < LOADS {
                        (*load, *next) = (*load + 1, 0);
                        unacknowledged.clear();
                    }
                } else {
                    cx.send(SERVER, item(*load, *next));
                    let timer = cx.set_timer(Lane(0), PATIENCE, *next);
                    unacknowledged.push((*next, timer));
                    *next += 1;
                }
                cx.set_timer(Lane(0), PACE, NEXT);
            }
            Event::Timer { token: number, .. } if *lacks != Some(Lacks::Repetition) => {
                let open = unacknowledged.iter_mut().find(|(open, _)| *open == number);
                if let Some((_, timer)) = open {
                    cx.send(SERVER, item(*load, number));
                    *timer = cx.set_timer(Lane(0), PATIENCE, number);
                }
            }
            Event::Datagram { message: Parcel::Taken { load: of, number }, .. } if of == *load => {
                for (_, timer) in unacknowledged.extract_if(.., |(open, _)| *open == number) {
                    cx.cancel_timer(timer);
                }
            }
            _ => {}
        }
    }

    fn take(&mut self, event: Event<Parcel>, cx: &mut dyn Context<Self>) {
        let Courier::Server { lacks, load, early, taken } = self else { unreachable!() };
        let Event::Datagram { from, message: Parcel::Item { load: of, number, value, check } } =
            event
        else {
            return;
        };
        let lacks = *lacks;
        if lacks != Some(Lacks::Checksum) && check != checksum(of, number, value) {
            return;
        }
        let of = if lacks == Some(Lacks::Session) { *load } else { of };
        if of > *load {
            return; // it comes again when this load is complete
        }
        cx.send(from, Parcel::Taken { load: of, number });
        if lacks == Some(Lacks::Numbers) {
            taken.push(value);
        } else if of == *load && early.iter().all(|(other, _)| *other != number) {
            early.push((number, value));
            let mut next = taken.len() as u64 % ITEMS;
            while let Some(at) = early.iter().position(|(other, _)| *other == next) {
                taken.push(early.swap_remove(at).1);
                next += 1;
            }
            early.retain(|(other, _)| *other > next);
        }
        *load = (taken.len() as u64 / ITEMS).min(LOADS);
    }
}

/// Over a network without checksums.
pub(crate) fn run(seed: u64, lacks: Option<Lacks>, strikes: &[Strike]) -> Verdict {
    run_over(NetworkSpec { checksums: false, ..NetworkSpec::default() }, seed, lacks, strikes)
}

pub(crate) fn run_over(
    network: NetworkSpec,
    seed: u64,
    lacks: Option<Lacks>,
    strikes: &[Strike],
) -> Verdict {
    let mut world = World::new(seed, network, ());
    (0..3).for_each(|_| _ = world.add_machine(MachineSpec::default()));
    world.boot(CLIENT, Courier::Client { lacks, load: 0, next: 0, unacknowledged: vec![] });
    world.boot(SERVER, Courier::Server { lacks, load: 0, early: vec![], taken: vec![] });
    let hit = weathered(&mut world, strikes, ms(3_000));
    let Some(Courier::Server { taken, .. }) = world.process(SERVER) else { unreachable!() };
    let whole: Vec<u64> =
        (0..LOADS).flat_map(|load| (0..ITEMS).map(move |n| value(load, n))).collect();
    let right = if *taken == whole { Ok(()) } else { Err(format!("it took {taken:?}")) };
    Verdict { right, hit }
}
