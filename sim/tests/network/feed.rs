//! A feed: a source writes numbered items into connections that readers open. A reader has to see
//! each item once, in order, to the last.

use stormglass_sim::hash::Mixer;
use stormglass_sim::machine::MachineSpec;
use stormglass_sim::net::NetworkSpec;
use stormglass_sim::node::{
    ConnId, Context, Event, Lane, Message, NoName, NodeId, Process, WriteError,
};
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::world::World;

use crate::courier::Silence;
use crate::{Strike, Verdict, ms, weathered};

pub(crate) const SOURCE: NodeId = NodeId::new(0, 1);
pub(crate) const READER: NodeId = NodeId::new(1, 1);

const ITEMS: u64 = 60;
const PACE: Span = Span::millis(5);
/// A reader that has heard nothing for so long believes nothing any more.
const SILENCE: Span = Span::millis(60);

/// What a reader can do without, until a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lacks {
    /// A new connection when the old one is gone.
    Reconnection,
    /// Doubt in a connection on which nothing comes.
    KeepAlive,
    /// To go on where it stood.
    Resumption,
}

#[derive(Clone, Debug)]
enum Line {
    From(u64),
    Item(u64),
    /// There is nothing new.
    Beat,
}

impl Message for Line {
    fn wire_size(&self) -> u64 {
        64
    }
    fn digest(&self, into: &mut Mixer) {
        match self {
            Line::From(number) => into.pair(1, *number),
            Line::Item(number) => into.pair(2, *number),
            Line::Beat => into.pair(3, 0),
        }
    }
}

#[derive(Clone, Debug)]
enum Feed {
    /// Open connections, and what comes next on each.
    Source {
        open: Vec<(ConnId, u64)>,
    },
    Reader {
        lacks: Option<Lacks>,
        conn: Option<ConnId>,
        heard: Instant,
        seen: Vec<u64>,
    },
}

impl Process for Feed {
    type Message = Line;
    type Observation = Silence;
    type Probe = NoName;
    type Twist = NoName;
    type Site = NoName;

    fn on_event(&mut self, _: Lane, event: Event<Line>, cx: &mut dyn Context<Self>) {
        match self {
            Feed::Source { open } => Feed::supply(open, event, cx),
            Feed::Reader { .. } => self.read(event, cx),
        }
    }
}

impl Feed {
    fn supply(open: &mut Vec<(ConnId, u64)>, event: Event<Line>, cx: &mut dyn Context<Self>) {
        match event {
            Event::Start => {
                cx.set_timer(Lane(0), PACE, 0);
            }
            Event::Received { conn, message: Line::From(number), .. } => open.push((conn, number)),
            Event::Closed { conn, .. } => open.retain(|(other, _)| *other != conn),
            Event::Timer { .. } => {
                for (conn, next) in open.iter_mut() {
                    let line = if *next < ITEMS { Line::Item(*next) } else { Line::Beat };
                    match cx.write(*conn, line) {
                        Ok(()) => *next += 1,
                        Err(WriteError::Full(_) | WriteError::Gone(_)) => {}
                    }
                }
                cx.set_timer(Lane(0), PACE, 0);
            }
            _ => {}
        }
    }

    fn read(&mut self, event: Event<Line>, cx: &mut dyn Context<Self>) {
        let Feed::Reader { lacks, conn: current, heard, seen } = self else { unreachable!() };
        match event {
            Event::Start => {
                *current = Some(cx.connect(SOURCE));
                cx.set_timer(Lane(0), SILENCE, 0);
            }
            Event::Opened { conn, .. } if *current == Some(conn) => {
                let next = if *lacks == Some(Lacks::Resumption) { 0 } else { seen.len() as u64 };
                cx.write(conn, Line::From(next)).expect("it is open, and empty");
            }
            Event::Received { conn, message, .. } if *current == Some(conn) => {
                *heard = cx.now();
                if let Line::Item(number) = message {
                    seen.push(number);
                }
            }
            Event::Closed { conn, .. } if *current == Some(conn) => *current = None,
            Event::Timer { .. } => {
                let doubts = *lacks != Some(Lacks::KeepAlive);
                if let Some(conn) = current.filter(|_| doubts && cx.now().since(*heard) > SILENCE)
                    && *lacks != Some(Lacks::Reconnection)
                {
                    cx.close(conn);
                    *current = None;
                }
                if current.is_none() && *lacks != Some(Lacks::Reconnection) {
                    *current = Some(cx.connect(SOURCE));
                }
                cx.set_timer(Lane(0), SILENCE, 0);
            }
            _ => {}
        }
    }
}

pub(crate) fn run(seed: u64, lacks: Option<Lacks>, strikes: &[Strike]) -> Verdict {
    let mut world = World::new(seed, NetworkSpec::default(), ());
    (0..2).for_each(|_| _ = world.add_machine(MachineSpec::default()));
    world.boot(SOURCE, Feed::Source { open: vec![] });
    let reader = Feed::Reader { lacks, conn: None, heard: Instant::ZERO, seen: vec![] };
    world.boot(READER, reader);
    let hit = weathered(&mut world, strikes, ms(5_000));
    let Some(Feed::Reader { seen, .. }) = world.process(READER) else { unreachable!() };
    let whole = seen.iter().copied().eq(0..ITEMS);
    Verdict { right: if whole { Ok(()) } else { Err(format!("it saw {seen:?}")) }, hit }
}
