//! A lease among five: at most one of them may hold it at a time, and somebody does.

use std::collections::BTreeSet;

use stormglass_sim::hash::Mixer;
use stormglass_sim::machine::MachineSpec;
use stormglass_sim::net::NetworkSpec;
use stormglass_sim::node::{
    Context, Event, Lane, MachineId, Message, NoName, NodeId, Observation, Process,
};
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::watch::{Stamp, Watch, Watcher};
use stormglass_sim::world::World;

use crate::{Strike, Verdict, ms, weathered};

pub(crate) const MEMBERS: u16 = 5;

/// How often whoever holds the lease asks for it again.
const PACE: Span = Span::millis(20);
/// How long it is held from the instant of asking.
const HELD: Span = Span::millis(60);
/// How long a grant binds whoever gives it.
const BOUND: Span = Span::millis(100);

/// What a member can do without, until the network is parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lacks {
    /// The consent of more than half: the lowest number that is heard holds the lease.
    Majority,
}

#[derive(Clone, Debug)]
enum Word {
    Ask(Instant),
    /// The answer to what was asked then.
    Grant(Instant),
}

impl Message for Word {
    fn wire_size(&self) -> u64 {
        64
    }
    fn digest(&self, into: &mut Mixer) {
        match self {
            Word::Ask(at) => into.pair(1, at.0),
            Word::Grant(at) => into.pair(2, at.0),
        }
    }
}

/// "I hold the lease until then."
#[derive(Clone, Copy, Debug)]
struct Held(Instant);
impl Observation for Held {
    fn digest(&self, into: &mut Mixer) {
        into.word(self.0.0);
    }
}

#[derive(Clone, Debug)]
struct Member {
    lacks: Option<Lacks>,
    /// Whom its last grant binds it to, and until when.
    bound: (NodeId, Instant),
    asked: Instant,
    granted: BTreeSet<NodeId>,
    held: Instant,
    /// When it last heard a lower number claim the lease.
    obeyed: Instant,
}

fn members() -> impl Iterator<Item = NodeId> {
    (0..MEMBERS).map(|machine| NodeId::new(machine, 1))
}

impl Process for Member {
    type Message = Word;
    type Observation = Held;
    type Probe = NoName;
    type Twist = NoName;
    type Site = NoName;

    fn on_event(&mut self, _: Lane, event: Event<Word>, cx: &mut dyn Context<Self>) {
        let (me, now) = (cx.me(), cx.now());
        match event {
            Event::Start => {
                cx.set_timer(Lane(0), PACE, 0);
            }
            Event::Timer { .. } if self.lacks == Some(Lacks::Majority) => {
                if now.since(self.obeyed) > HELD || me.machine == MachineId(0) {
                    cx.observe(Held(now + PACE));
                    members().filter(|to| *to != me).for_each(|to| cx.send(to, Word::Ask(now)));
                }
                cx.set_timer(Lane(0), PACE, 0);
            }
            Event::Timer { .. } => {
                if self.binds(me, now) {
                    (self.asked, self.granted) = (now, BTreeSet::from([me]));
                    members().filter(|to| *to != me).for_each(|to| cx.send(to, Word::Ask(now)));
                }
                let holds = self.held > now;
                let wait = if holds { PACE } else { PACE + Span(cx.below(4 * BOUND.0)) };
                cx.set_timer(Lane(0), wait, 0);
            }
            Event::Datagram { from, message: Word::Ask(at) } => {
                if from.machine < me.machine {
                    self.obeyed = now;
                }
                if self.lacks.is_none() && self.binds(from, now) {
                    cx.send(from, Word::Grant(at));
                }
            }
            Event::Datagram { from, message: Word::Grant(at) } if at == self.asked => {
                self.granted.insert(from);
                let until = self.asked + HELD;
                if self.granted.len() * 2 > usize::from(MEMBERS) && until > now.max(self.held) {
                    self.held = until;
                    cx.observe(Held(until));
                }
            }
            _ => {}
        }
    }
}

impl Member {
    /// Binds itself to a member, if it is not bound to another.
    fn binds(&mut self, to: NodeId, now: Instant) -> bool {
        let free = self.bound.0 == to || self.bound.1 <= now;
        if free {
            self.bound = (to, now + BOUND);
        }
        free
    }
}

/// Who held the lease, from when until when.
#[derive(Clone, Debug, Default)]
struct Holders(Vec<(NodeId, Instant, Instant)>);
impl Watcher<Member> for Holders {
    fn observed(&mut self, at: Stamp, held: &Held) -> Watch {
        self.0.push((at.node, at.time, held.0));
        Watch::Continue
    }
}

pub(crate) fn run(seed: u64, lacks: Option<Lacks>, strikes: &[Strike]) -> Verdict {
    let mut world = World::new(seed, NetworkSpec::default(), Holders::default());
    for node in members() {
        world.add_machine(MachineSpec::default());
        let never = Instant::ZERO;
        let bound = (node, never);
        let granted = BTreeSet::new();
        let member = Member { lacks, bound, asked: never, granted, held: never, obeyed: never };
        world.boot(node, member);
    }
    let hit = weathered(&mut world, strikes, ms(4_000));
    let Holders(held) = world.watcher();
    let both = held.iter().enumerate().find_map(|(at, one)| {
        let other = held[..at].iter().rfind(|other| other.0 != one.0 && other.2 > one.1)?;
        Some((other, one))
    });
    let right = match both {
        Some((one, other)) => Err(format!("two hold it: {one:?} and {other:?}")),
        None => [ms(500)..ms(1_000), ms(1_500)..ms(2_000), ms(3_500)..ms(4_000)]
            .iter()
            .find(|span| !held.iter().any(|(_, from, _)| span.contains(from)))
            .map_or(Ok(()), |span| Err(format!("nobody held it in {span:?}"))),
    };
    Verdict { right, hit }
}
