//! The network's weather: what a link does to a packet.
//!
//! A link is an ordered pair of machines, made when first used: its cost grows with the links in
//! use, not with the square of the machines. Datagrams and connections both travel over links;
//! what connections add is in [`conn`](crate::conn).

use alloc::vec;
use alloc::vec::Vec;

use crate::chance::{Chance, Draws, Purpose};
use crate::node::MachineId;
use crate::time::{Instant, Span};

#[cfg(test)]
mod tests;

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
    /// Bytes of unacknowledged data that a connection accepts in each direction.
    pub send_buffer: u64,
    /// A connection's first retransmission timeout; it doubles with each loss of the same message.
    pub retransmit: Span,
    /// How long data may stay unacknowledged before a connection times out.
    pub patience: Span,
}

/// How one-way times are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Every nanosecond of the closed range is as likely as any other.
    Uniform {
        /// The shortest time.
        min: Span,
        /// The longest time.
        max: Span,
    },
}

impl Default for NetworkSpec {
    /// A calm data centre: 100 to 300 us, nothing lost, 15 s of patience.
    fn default() -> Self {
        NetworkSpec {
            latency: Latency::Uniform { min: Span::micros(100), max: Span::micros(300) },
            loopback: Span::micros(5),
            loss_ppm: 0,
            duplicate_ppm: 0,
            reorder_ppm: 0,
            reorder_extra: Span::millis(1),
            send_buffer: 256 << 10,
            retransmit: Span::millis(200),
            patience: Span::secs(15),
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

impl Latency {
    /// The shortest possible time.
    pub const fn shortest(self) -> Span {
        match self {
            Latency::Uniform { min, .. } => min,
        }
    }

    #[inline(always)]
    fn draw(self, draws: Draws, number: u64, aspect: u64) -> Span {
        match self {
            Latency::Uniform { min, max } => {
                Span(min.0 + draws.below(number, aspect, max.0 - min.0 + 1))
            }
        }
    }
}

// Aspects of the draws about one packet.
const LATENCY: u64 = 0;
const LOSS: u64 = 1;
const DUPLICATE: u64 = 2;
const REORDER: u64 = 3;
const HELD_BACK: u64 = 4;
const COPY_LATENCY: u64 = 5;
const STREAM_LOSS: u64 = 8;

/// The link of a packet that stays on its machine.
pub(crate) const LOOPBACK: u32 = u32::MAX;

/// An ordered pair of machines.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) from: MachineId,
    pub(crate) to: MachineId,
    /// Cuts that have not healed.
    pub(crate) cuts: u32,
    /// When the last cut healed; a packet that left before has met it.
    pub(crate) healed: Instant,
    draws: Draws,
    /// Packets sent so far: the number of the next draw.
    sent: u64,
}

impl Link {
    /// Whether a packet that left at `departs` and would arrive now has met a cut.
    #[inline(always)]
    pub(crate) fn met_cut(&self, departs: Instant) -> bool {
        self.cuts > 0 || self.healed > departs
    }
}

/// Extra latency for a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slow {
    pub(crate) from: Option<MachineId>,
    pub(crate) to: Option<MachineId>,
    pub(crate) until: Instant,
    pub(crate) extra: Span,
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
    /// Open addressing over `links`, `u32::MAX` is empty; never iterated.
    index: Vec<u32>,
    slow: Vec<Slow>,
}

const fn pair(from: MachineId, to: MachineId) -> u64 {
    ((from.0 as u64) << 16) | to.0 as u64
}

impl Net {
    pub(crate) fn new(spec: NetworkSpec) -> Self {
        let Latency::Uniform { min, max } = spec.latency;
        assert!(min <= max, "a range of latencies is not empty");
        assert!(!spec.retransmit.is_zero(), "retransmission takes time");
        Net { spec, links: Vec::new(), index: vec![u32::MAX; 16], slow: Vec::new() }
    }

    /// Gives every link new draws.
    pub(crate) fn reseed(&mut self, chance: &Chance) {
        for link in &mut self.links {
            link.draws = chance.draws(Purpose::Link, pair(link.from, link.to));
        }
    }

    /// The link between two machines, made if it is new.
    #[inline]
    pub(crate) fn link(&mut self, from: MachineId, to: MachineId, chance: &Chance) -> u32 {
        let mask = self.index.len() - 1;
        let hash = pair(from, to).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut at = (hash >> 32) as usize & mask;
        loop {
            let id = self.index[at];
            if id == u32::MAX {
                return self.make_link(from, to, chance);
            }
            let link = &self.links[id as usize];
            if link.from == from && link.to == to {
                return id;
            }
            at = (at + 1) & mask;
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
            draws: chance.draws(Purpose::Link, pair(from, to)),
            sent: 0,
        });
        if self.links.len() * 2 > self.index.len() {
            self.index = vec![u32::MAX; self.index.len() * 2];
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
        let mask = self.index.len() - 1;
        let hash = pair(link.from, link.to).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut at = (hash >> 32) as usize & mask;
        while self.index[at] != u32::MAX {
            at = (at + 1) & mask;
        }
        self.index[at] = id;
    }

    /// Slows packets down that are sent from now on; slownesses add up.
    pub(crate) fn slow_down(&mut self, now: Instant, slow: Slow) {
        self.slow.retain(|s| s.until > now);
        self.slow.push(slow);
    }

    #[inline(always)]
    fn extra(&self, link: &Link, departs: Instant) -> Span {
        if self.slow.is_empty() {
            return Span::ZERO;
        }
        let hits = self.slow.iter().filter(|s| {
            s.until > departs
                && s.from.is_none_or(|m| m == link.from)
                && s.to.is_none_or(|m| m == link.to)
        });
        hits.fold(Span::ZERO, |all, s| all + s.extra)
    }

    /// What the weather does to the next datagram of a link.
    #[inline]
    pub(crate) fn datagram(&mut self, link: u32, departs: Instant) -> Flight {
        let spec = &self.spec;
        let extra = self.extra(&self.links[link as usize], departs);
        let link = &mut self.links[link as usize];
        let number = link.sent;
        link.sent += 1;
        let draws = link.draws;
        let mut first = spec.latency.draw(draws, number, LATENCY) + extra;
        if draws.ppm(number, REORDER, spec.reorder_ppm) {
            first = first + Span(draws.below(number, HELD_BACK, spec.reorder_extra.0 + 1));
        }
        let copy = draws
            .ppm(number, DUPLICATE, spec.duplicate_ppm)
            .then(|| spec.latency.draw(draws, number, COPY_LATENCY) + extra);
        let lost = draws.ppm(number, LOSS, spec.loss_ppm);
        Flight { first: (!lost).then_some(first), copy }
    }

    /// How long a link takes for another copy of the datagram it took last.
    pub(crate) fn copy_latency(&self, link: u32, departs: Instant) -> Span {
        let link = &self.links[link as usize];
        let number = link.sent.saturating_sub(1);
        self.spec.latency.draw(link.draws, number, COPY_LATENCY) + self.extra(link, departs)
    }

    /// How long the next message of a connection takes, with its retransmissions.
    pub(crate) fn segment(&mut self, link: u32, departs: Instant) -> Span {
        let extra = self.extra(&self.links[link as usize], departs);
        let link = &mut self.links[link as usize];
        let number = link.sent;
        link.sent += 1;
        let mut time = self.spec.latency.draw(link.draws, number, LATENCY) + extra;
        let mut timeout = self.spec.retransmit;
        for attempt in 0..8 {
            if !link.draws.ppm(number, STREAM_LOSS + attempt, self.spec.loss_ppm) {
                break;
            }
            time = time + timeout;
            timeout = timeout + timeout;
        }
        time
    }
}
