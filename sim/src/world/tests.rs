//! A world of scripted actors: each observes every event that it sees and then runs its script.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::fault::{Effect, Fault, partition};
use crate::hash::Mixer;
use crate::machine::MachineSpec;
use crate::net::NetworkSpec;
use crate::node::{Context, Event, Lane, MachineId, Message, Name, NodeId, Observation, Process};
use crate::time::{Instant, Span};
use crate::watch::{Stamp, Watch, Watcher};
use crate::world::World;

mod breaks;
mod connections;
mod crashes;
mod disks;
mod faults;
mod lanes;
mod machines;
mod past;
mod runs;
mod weather;

/// A message that is a number, of some size, for some lane.
#[derive(Clone, PartialEq, Eq)]
struct Say {
    number: u64,
    size: u64,
    lane: u16,
}

fn say(number: u64) -> Say {
    Say { number, size: 100, lane: 0 }
}

impl fmt::Debug for Say {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number)
    }
}
impl Message for Say {
    fn wire_size(&self) -> u64 {
        self.size
    }
    fn digest(&self, into: &mut Mixer) {
        into.pair(self.number, self.size);
    }
    fn lane(&self) -> Lane {
        Lane(self.lane)
    }
    /// The lower half of its bits is the number; without the others it makes no sense.
    fn corrupt(&self, bit: u64) -> Option<Say> {
        let bit = bit % 128;
        (bit < 64).then(|| Say { number: self.number ^ (1 << bit), ..self.clone() })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Note(String);
impl Observation for Note {
    fn digest(&self, into: &mut Mixer) {
        into.bytes(self.0.as_bytes());
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quirk {
    Odd,
    Even,
}
impl Name for Quirk {
    const ALL: &'static [Self] = &[Quirk::Odd, Quirk::Even];
    fn index(self) -> usize {
        self as usize
    }
    fn name(self) -> &'static str {
        if self == Quirk::Odd { "odd" } else { "even" }
    }
}

type Cx<'a> = &'a mut dyn Context<Actor>;
type Script = fn(&mut Actor, Lane, Event<Say>, Cx<'_>);

#[derive(Clone, Debug)]
struct Actor {
    script: Script,
    /// Whatever the script wants to remember.
    memory: Vec<u64>,
}

fn actor(script: Script) -> Actor {
    Actor { script, memory: Vec::new() }
}

/// Observes and does nothing else.
fn quiet(_: &mut Actor, _: Lane, _: Event<Say>, _: Cx<'_>) {}

fn note(cx: Cx<'_>, text: impl fmt::Debug) {
    cx.observe(Note(format!("{text:?}")));
}

impl Process for Actor {
    type Message = Say;
    type Observation = Note;
    type Probe = Quirk;
    type Twist = Quirk;
    type Site = Quirk;
    fn on_event(&mut self, lane: Lane, event: Event<Say>, cx: Cx<'_>) {
        note(cx, &event);
        let script = self.script;
        script(self, lane, event, cx);
    }
}

/// Remembers all observations; stops or yields at the first that starts with a text.
#[derive(Clone, Debug, Default)]
struct Log {
    lines: Vec<(Stamp, String)>,
    stop: Option<&'static str>,
    pause: Option<&'static str>,
}
impl Watcher<Actor> for Log {
    fn observed(&mut self, at: Stamp, note: &Note) -> Watch {
        self.lines.push((at, note.0.clone()));
        if self.stop.is_some_and(|text| note.0.starts_with(text)) {
            self.stop = None;
            return Watch::Stop;
        }
        if self.pause.is_some_and(|text| note.0.starts_with(text)) {
            return Watch::Yield;
        }
        Watch::Continue
    }
}

type Lab = World<Actor, Log>;

const A: NodeId = NodeId::new(0, 0);
const B: NodeId = NodeId::new(1, 0);
const C: NodeId = NodeId::new(2, 0);
const MA: MachineId = MachineId(0);
const MB: MachineId = MachineId(1);

fn ms(n: u64) -> Instant {
    Instant(n * 1_000_000)
}

/// One millisecond from anywhere to anywhere.
fn calm() -> NetworkSpec {
    NetworkSpec::uniform(Span::millis(1), Span::millis(1))
}

/// Three machines; an actor on the first and one on the second.
fn lab_with(network: NetworkSpec, a: Script, b: Script) -> Lab {
    let mut lab = World::new(1, network, Log::default());
    for _ in 0..3 {
        lab.add_machine(MachineSpec::default());
    }
    lab.boot(A, actor(a));
    lab.boot(B, actor(b));
    lab
}

fn lab(a: Script, b: Script) -> Lab {
    lab_with(calm(), a, b)
}

impl Lab {
    /// What a process saw since the beginning, without times.
    fn seen(&self, node: NodeId) -> Vec<&str> {
        let lines = self.watcher.lines.iter().filter(|(at, _)| at.node == node);
        lines.map(|(_, text)| text.as_str()).collect()
    }

    /// When a process first saw something that starts with `text`.
    fn when(&self, node: NodeId, text: &str) -> Instant {
        let mut lines = self.watcher.lines.iter();
        let line = lines.find(|(at, line)| at.node == node && line.starts_with(text));
        line.unwrap_or_else(|| panic!("{node} never saw {text}: {:?}", self.seen(node))).0.time
    }

    /// Numbers of the messages that a process received, in order.
    fn heard(&self, node: NodeId) -> Vec<u64> {
        let numbers = self
            .seen(node)
            .into_iter()
            .filter_map(|text| text.split("message: ").nth(1)?.trim_end_matches(" }").parse().ok());
        numbers.collect()
    }

    fn hurt(&mut self, fault: Fault) -> Effect {
        self.inject(&fault).expect("the fault fits the world")
    }

    fn cut(&mut self, from: MachineId, to: MachineId, symmetric: bool, span: Span) -> Effect {
        let shape = if symmetric { partition::symmetric } else { partition::one_way };
        self.hurt(Fault::Cut { links: shape(&[from], &[to]), duration: span })
    }
}

#[test]
fn a_datagram_takes_the_latency_of_its_link() {
    let mut lab = lab(
        |_, _, event, cx| {
            if let Event::Start = event {
                cx.send(B, say(7));
                cx.send(NodeId::new(0, 9), say(8));
                cx.send(NodeId::new(77, 0), say(9));
            }
        },
        quiet,
    );
    assert_eq!(lab.run_until(ms(5)), crate::world::Ended::Idle);
    assert_eq!(lab.seen(B), ["Start", "Datagram { from: m0:0, message: 7 }"]);
    assert_eq!(lab.when(B, "Datagram"), ms(1));
    assert_eq!(lab.now(), ms(5));
    assert_eq!(lab.seen(A).first().map(ToString::to_string), Some("Start".to_string()));
}
