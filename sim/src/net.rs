//! The network's weather: what a link does to a packet.
//!
//! A link is an ordered pair of machines, made when first used: its cost grows with the links in
//! use, not with the square of the machines. Datagrams and connections both travel over links;
//! what connections add is in `conn`.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use crate::chance::{Chance, Draws, Purpose};
use crate::node::MachineId;
use crate::time::{Instant, Span};

pub(crate) mod card;
mod latency;
pub(crate) mod storm;
#[cfg(test)]
mod tests;

pub use latency::Latency;

use storm::{ATTEMPTS, Storm};

/// What all links of a world have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSpec {
    /// One-way time between two machines.
    pub latency: Latency,
    /// One-way time within a machine.
    pub loopback: Span,
    /// Datagrams lost, in millionths; for connections, transmissions that have to be repeated.
    pub loss_ppm: u32,
    /// Datagrams that arrive twice, in millionths.
    pub duplicate_ppm: u32,
    /// Datagrams held back by up to `reorder_extra`, in millionths.
    pub reorder_ppm: u32,
    /// The longest time a reordered datagram is held back.
    pub reorder_extra: Span,
    /// Packets of which a bit flips, in millionths.
    pub corrupt_ppm: u32,
    /// Whether a flipped bit is found out: the datagram is dropped, the message of a connection is
    /// sent again. Without, it is delivered as [`Message::corrupt`](crate::node::Message::corrupt)
    /// leaves it.
    pub checksums: bool,
    /// Bytes of unacknowledged data that a connection accepts in each direction.
    pub send_buffer: u64,
    /// A connection's first retransmission timeout; it doubles with each loss of the same message.
    pub retransmit: Span,
    /// How long data may stay unacknowledged before a connection times out.
    pub patience: Span,
    /// How long an end that has nothing unacknowledged goes on without an answer to its probes: it
    /// is how a process that only reads learns that nothing more can come. None sends no probes.
    pub keepalive: Option<Span>,
}

impl Default for NetworkSpec {
    /// A calm data centre: 100 to 300 us, nothing lost, 15 s of patience, no keep-alives.
    fn default() -> Self {
        NetworkSpec {
            latency: Latency::Uniform { min: Span::micros(100), max: Span::micros(300) },
            loopback: Span::micros(5),
            loss_ppm: 0,
            duplicate_ppm: 0,
            reorder_ppm: 0,
            reorder_extra: Span::millis(1),
            corrupt_ppm: 0,
            checksums: true,
            send_buffer: 256 << 10,
            retransmit: Span::millis(200),
            patience: Span::secs(15),
            keepalive: None,
        }
    }
}

impl NetworkSpec {
    /// The default, with latencies drawn uniformly from `min` to `max`.
    pub fn uniform(min: Span, max: Span) -> Self {
        assert!(min <= max, "a range of latencies is not empty");
        NetworkSpec { latency: Latency::Uniform { min, max }, ..NetworkSpec::default() }
    }
}

// Aspects of the draws about one packet.
const LATENCY: u64 = 0;
const LOSS: u64 = 1;
const DUPLICATE: u64 = 2;
const REORDER: u64 = 3;
const HELD_BACK: u64 = 4;
const COPY_LATENCY: u64 = 5;
const STREAM_LOSS: u64 = 8; // and the numbers after it, for each attempt
const TAIL: u64 = 16;
const TAIL_LENGTH: u64 = 17;
const CORRUPT: u64 = 18; // for later attempts, that many times 256 more
const CORRUPT_BIT: u64 = 19;
const COPY_LATE: u64 = 20;
const RUN_LOSS: u64 = 24; // and the numbers after it, for each attempt

/// The link of a packet that stays on its machine.
pub(crate) const LOOPBACK: u32 = u32::MAX;

/// An ordered pair of machines.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) from: MachineId,
    pub(crate) to: MachineId,
    /// Cuts that have not healed.
    pub(crate) cuts: u16,
    /// How often all its cuts were healed before their time: those do not heal again.
    pub(crate) rescued: u16,
    /// When the last cut healed; a packet that left before has met it.
    pub(crate) healed: Instant,
    draws: Draws,
    /// Packets sent so far: the number of the next draw.
    sent: u64,
}

/// Packets of which a bit flipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Corrupted {
    /// Found out by a checksum, or because the receiver could make no sense of them: datagrams that
    /// were dropped, and messages of connections that were sent again.
    pub noticed: u64,
    /// Handed to a process as if nothing had happened.
    pub delivered: u64,
}

/// Times of a datagram's arrivals, measured from its departure: lost, once or twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flight {
    pub(crate) first: Option<Span>,
    pub(crate) copy: Option<Span>,
}

/// All links, and what slows them.
#[derive(Clone, Debug)]
pub(crate) struct Net {
    pub(crate) spec: NetworkSpec,
    pub(crate) links: Vec<Link>,
    /// Open addressing over `links`: (pair of machines, place in `links`), never iterated.
    index: Vec<(u32, u32)>,
    /// Cuts of all links that have not healed, and when the last one did: a shortcut for packets
    /// that no cut can have met.
    cuts: u32,
    healed: Instant,
    storms: Vec<Storm>,
    /// When the last packet is through that a weather's speed slowed, for links that have, or had,
    /// one lately.
    queues: BTreeMap<u32, Instant>,
    /// A shortcut for packets that leave later: they meet no weather.
    pub(crate) rough_until: Instant,
    pub(crate) corrupted: Corrupted,
}

/// An empty place of the index; no link leads from a machine to itself.
const EMPTY: (u32, u32) = (u32::MAX, u32::MAX);

const fn pair(from: MachineId, to: MachineId) -> u32 {
    ((from.0 as u32) << 16) | to.0 as u32
}

const fn hash(pair: u32) -> usize {
    ((pair as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize
}

impl Net {
    pub(crate) fn new(spec: NetworkSpec) -> Self {
        assert!(spec.latency.is_sound(), "a range of latencies is not empty");
        assert!(!spec.retransmit.is_zero(), "retransmission takes time");
        let rough_until = if spec.corrupt_ppm > 0 { Instant::FAR } else { Instant::ZERO };
        Net {
            spec,
            links: Vec::new(),
            index: vec![EMPTY; 16],
            cuts: 0,
            healed: Instant::ZERO,
            storms: Vec::new(),
            queues: BTreeMap::new(),
            rough_until,
            corrupted: Corrupted::default(),
        }
    }

    /// Gives every link new draws.
    pub(crate) fn reseed(&mut self, chance: &Chance) {
        for link in &mut self.links {
            link.draws = chance.draws(Purpose::Link, u64::from(pair(link.from, link.to)));
        }
    }

    /// The link between two machines, if it was ever used.
    pub(crate) fn known_link(&self, from: MachineId, to: MachineId) -> Option<u32> {
        let (mask, name) = (self.index.len() - 1, pair(from, to));
        let mut at = hash(name) & mask;
        while self.index[at] != EMPTY {
            if self.index[at].0 == name {
                return Some(self.index[at].1);
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// The link between two machines, made if it is new.
    #[inline]
    pub(crate) fn link(&mut self, from: MachineId, to: MachineId, chance: &Chance) -> u32 {
        let (mask, name) = (self.index.len() - 1, pair(from, to));
        let mut at = hash(name) & mask;
        loop {
            match self.index[at] {
                (found, id) if found == name => return id,
                EMPTY => return self.make_link(from, to, chance),
                _ => at = (at + 1) & mask,
            }
        }
    }

    #[cold]
    fn make_link(&mut self, from: MachineId, to: MachineId, chance: &Chance) -> u32 {
        assert!(from != to, "a machine needs no link to itself");
        let id = self.links.len() as u32;
        self.links.push(Link {
            from,
            to,
            cuts: 0,
            healed: Instant::ZERO,
            rescued: 0,
            draws: chance.draws(Purpose::Link, u64::from(pair(from, to))),
            sent: 0,
        });
        if self.links.len() * 3 > self.index.len() * 2 {
            self.index = vec![EMPTY; self.index.len() * 2];
            for old in 0..=id {
                self.enter(old);
            }
        } else {
            self.enter(id);
        }
        id
    }

    fn enter(&mut self, id: u32) {
        let link = &self.links[id as usize];
        let (mask, name) = (self.index.len() - 1, pair(link.from, link.to));
        let mut at = hash(name) & mask;
        while self.index[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.index[at] = (name, id);
    }

    /// Adds a cut to a link.
    pub(crate) fn cut(&mut self, id: u32) {
        self.links[id as usize].cuts += 1;
        self.cuts += 1;
    }

    /// Takes a cut from a link; true if it is whole again.
    pub(crate) fn heal(&mut self, id: u32, now: Instant) -> bool {
        let link = &mut self.links[id as usize];
        assert!(link.cuts > 0, "what heals was cut");
        link.cuts -= 1;
        self.cuts -= 1;
        if link.cuts == 0 {
            link.healed = now;
            self.healed = now;
        }
        link.cuts == 0
    }

    /// Heals all cuts of a link before their time; true if there were any.
    pub(crate) fn rescue(&mut self, id: u32, now: Instant) -> bool {
        let link = &mut self.links[id as usize];
        let cuts = core::mem::take(&mut link.cuts);
        if cuts > 0 {
            link.rescued = link.rescued.wrapping_add(1);
            link.healed = now;
            self.cuts -= u32::from(cuts);
            self.healed = now;
        }
        cuts > 0
    }

    #[inline(always)]
    pub(crate) fn is_cut(&self, id: u32) -> bool {
        self.cuts > 0 && self.links[id as usize].cuts > 0
    }

    /// Whether a packet that left at `departs` and would arrive now has met a cut.
    #[inline(always)]
    pub(crate) fn met_cut(&self, id: u32, departs: Instant) -> bool {
        if self.cuts == 0 && self.healed <= departs {
            return false;
        }
        let link = &self.links[id as usize];
        link.cuts > 0 || link.healed > departs
    }

    /// Whether a packet that leaves then may meet a weather.
    #[inline(always)]
    pub(crate) fn is_rough(&self, departs: Instant) -> bool {
        departs < self.rough_until
    }

    /// What the network does to the next datagram of a link, weathers apart.
    #[inline]
    pub(crate) fn datagram(&mut self, link: u32) -> Flight {
        let spec = &self.spec;
        let link = &mut self.links[link as usize];
        let number = link.sent;
        link.sent += 1;
        let draws = link.draws;
        let mut first = spec.latency.draw(draws, number, LATENCY);
        if draws.ppm(number, REORDER, spec.reorder_ppm) {
            first += Span(draws.below(number, HELD_BACK, spec.reorder_extra.0 + 1));
        }
        let copy = draws
            .ppm(number, DUPLICATE, spec.duplicate_ppm)
            .then(|| spec.latency.draw(draws, number, COPY_LATENCY));
        let lost = draws.ppm(number, LOSS, spec.loss_ppm);
        Flight { first: (!lost).then_some(first), copy }
    }

    /// How long a link takes for another copy of the datagram it took last.
    pub(crate) fn copy_latency(&self, link: u32, departs: Instant) -> Span {
        let link = &self.links[link as usize];
        let number = link.sent.saturating_sub(1);
        self.spec.latency.draw(link.draws, number, COPY_LATENCY) + self.extra(link, departs)
    }

    /// How long the next message of a connection takes, with its retransmissions, weathers apart.
    pub(crate) fn segment(&mut self, link: u32) -> Span {
        let link = &mut self.links[link as usize];
        let number = link.sent;
        link.sent += 1;
        let mut time = self.spec.latency.draw(link.draws, number, LATENCY);
        let mut timeout = self.spec.retransmit;
        for attempt in 0..ATTEMPTS {
            if !link.draws.ppm(number, STREAM_LOSS + attempt, self.spec.loss_ppm) {
                break;
            }
            time += timeout;
            timeout = timeout + timeout;
        }
        time
    }
}
