//! Which links a fault of the network meets, and what it does to their packets.

use alloc::vec::Vec;

use crate::net::Latency;
use crate::node::{MachineId, NodeId};
use crate::time::Span;

/// Some links. A link is an ordered pair of machines; none leads from a machine to itself, and what
/// stays on a machine meets no fault of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Links {
    /// Every link of the world.
    All,
    /// All that leave a machine.
    From(MachineId),
    /// All that lead to a machine.
    To(MachineId),
    /// All of a machine, in both directions.
    Of(MachineId),
    /// These, as (sender, receiver); in any order, and named twice is named once. The module
    /// [`partition`](super::partition) makes the usual shapes.
    Pairs(Vec<(MachineId, MachineId)>),
}

impl Links {
    /// The link from one machine to another.
    pub fn one(from: MachineId, to: MachineId) -> Links {
        Links::Pairs(Vec::from([(from, to)]))
    }

    /// Whether the link from one machine to another is one of them.
    pub fn covers(&self, from: MachineId, to: MachineId) -> bool {
        from != to
            && match self {
                Links::All => true,
                Links::From(machine) => *machine == from,
                Links::To(machine) => *machine == to,
                Links::Of(machine) => *machine == from || *machine == to,
                Links::Pairs(pairs) => pairs.contains(&(from, to)),
            }
    }

    /// Whether one of them leaves a machine.
    pub fn leave(&self, machine: MachineId) -> bool {
        match self {
            Links::All | Links::To(_) => *self != Links::To(machine),
            Links::From(from) => *from == machine,
            Links::Of(_) => true,
            Links::Pairs(pairs) => pairs.iter().any(|(from, to)| *from == machine && from != to),
        }
    }

    /// The links themselves in a world of so many machines, sorted, each once.
    pub fn pairs(&self, machines: u16) -> Vec<(MachineId, MachineId)> {
        let all = || (0..machines).map(MachineId);
        let mut pairs: Vec<_> = match self {
            Links::All => all().flat_map(|from| all().map(move |to| (from, to))).collect(),
            Links::From(from) => all().map(|to| (*from, to)).collect(),
            Links::To(to) => all().map(|from| (from, *to)).collect(),
            Links::Of(one) => all().flat_map(|other| [(*one, other), (other, *one)]).collect(),
            Links::Pairs(pairs) => pairs.clone(),
        };
        pairs.retain(|(from, to)| from != to);
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    /// The machines that they name.
    pub(crate) fn named(&self) -> Vec<MachineId> {
        match self {
            Links::All => Vec::new(),
            Links::From(one) | Links::To(one) | Links::Of(one) => Vec::from([*one]),
            Links::Pairs(pairs) => pairs.iter().flat_map(|(from, to)| [*from, *to]).collect(),
        }
    }
}

/// What links do to packets beside what all links of the world do
/// ([`NetworkSpec`](crate::net::NetworkSpec)). The default is calm: nothing.
///
/// A packet is a datagram, or a message of a connection with its retransmissions. It meets the
/// weather of the instant at which it leaves its process, each retransmission that of its own
/// instant. What several weathers do to a packet adds up; odds are in millionths, and a million is
/// always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Every packet takes so much longer: a slow link that is not down.
    pub extra: Span,
    /// Packets that take longer by a draw from `tail`.
    pub tail_ppm: u32,
    /// How much longer those take.
    pub tail: Latency,
    /// Datagrams that are lost; transmissions of a connection's messages that must be repeated.
    pub loss_ppm: u32,
    /// Packets in a row, by number, that share their fate before `loss_ppm`: losses come in bursts
    /// of so many. Zero and one: each has its own.
    pub loss_run: u32,
    /// Datagrams that arrive twice, the copy with a latency of its own. Connections drop copies.
    pub duplicate_ppm: u32,
    /// By how much the copy comes later still, at most.
    pub duplicate_late: Span,
    /// Datagrams that are held back and so overtaken. Connections keep their order.
    pub reorder_ppm: u32,
    /// The longest time for which those are held back.
    pub reorder_extra: Span,
    /// Packets of which a bit flips. Checksums find that out: the datagram is lost, the message of
    /// a connection is sent again. Without them (`NetworkSpec::checksums`) it arrives as
    /// [`Message::corrupt`](crate::node::Message::corrupt) leaves it.
    pub corrupt_ppm: u32,
    /// What each link carries, in bytes per second; packets queue. Zero: they all wait, in order,
    /// for the end of the weather, which is a clog. None is unlimited.
    pub speed: Option<u64>,
}

impl Default for Weather {
    fn default() -> Self {
        Weather {
            extra: Span::ZERO,
            tail_ppm: 0,
            tail: Latency::Uniform { min: Span::ZERO, max: Span::ZERO },
            loss_ppm: 0,
            loss_run: 1,
            duplicate_ppm: 0,
            duplicate_late: Span::ZERO,
            reorder_ppm: 0,
            reorder_extra: Span::ZERO,
            corrupt_ppm: 0,
            speed: None,
        }
    }
}

impl Weather {
    /// Every packet takes longer.
    pub fn slow(extra: Span) -> Weather {
        Weather { extra, ..Weather::default() }
    }

    /// Nothing passes until the end; then everything does, in order.
    pub fn clog() -> Weather {
        Weather { speed: Some(0), ..Weather::default() }
    }

    /// Whether it does nothing to anything.
    pub fn is_calm(&self) -> bool {
        let odds = [
            self.tail_ppm,
            self.loss_ppm,
            self.duplicate_ppm,
            if self.reorder_extra.is_zero() { 0 } else { self.reorder_ppm },
            self.corrupt_ppm,
        ];
        self.extra.is_zero() && odds == [0; 5] && self.speed.is_none()
    }
}

/// One side of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// All processes of a machine.
    Machine(MachineId),
    /// One process.
    Node(NodeId),
}

impl Party {
    /// Whether a process belongs to it.
    pub fn has(self, node: NodeId) -> bool {
        match self {
            Party::Machine(machine) => node.machine == machine,
            Party::Node(one) => node == one,
        }
    }
}

/// How connections break although nobody died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Both ends see a reset, after a link's shortest time; what was under way is lost.
    Reset,
    /// The end of the first party sees a reset at once and knows nothing of the connection any
    /// more; the other learns that when it writes. What the first had sent before still arrives.
    HalfOpen,
    /// Nothing travels any more in either direction, and nobody is told: an end with
    /// unacknowledged data gives up after the network's patience, one without never does.
    Silent,
}
