//! Weathers of links: an overlay on what the network does anyway.
//!
//! Nothing here is asked while no weather is under way. Draws are those of the packet, by aspects
//! of their own: a weather neither uses up draws nor moves those of any other packet, and of two
//! weathers on one link neither changes what the other does.

use crate::chance::Draws;
use crate::fault::{ArmedId, Links, Weather};
use crate::net::{
    COPY_LATE, COPY_LATENCY, CORRUPT, CORRUPT_BIT, DUPLICATE, Flight, HELD_BACK, LATENCY, LOSS,
    Link, Net, REORDER, RUN_LOSS, STREAM_LOSS, TAIL, TAIL_LENGTH,
};
use crate::node::MachineId;
use crate::time::{Instant, Span};

use super::card::through;

const MILLION: u32 = 1_000_000;

/// Transmissions of a connection's message at most; the last one arrives.
pub(super) const ATTEMPTS: u64 = 8;

/// A weather that is, or was, under way.
#[derive(Clone, Debug)]
pub(crate) struct Storm {
    /// Invariant: pairs are sorted.
    pub(crate) links: Links,
    pub(crate) weather: Weather,
    pub(crate) until: Instant,
    pub(crate) id: ArmedId,
}

impl Storm {
    fn meets(&self, link: &Link, at: Instant) -> bool {
        let (from, to) = (link.from, link.to);
        self.until > at
            && match &self.links {
                Links::Pairs(pairs) => pairs.binary_search(&(from, to)).is_ok(),
                other => other.covers(from, to),
            }
    }

    /// How much longer a packet takes, order apart.
    fn delay(&self, draws: Draws, number: u64) -> Span {
        let weather = &self.weather;
        let tail = draws.ppm(number, TAIL, weather.tail_ppm);
        let longer = if tail { weather.tail.draw(draws, number, TAIL_LENGTH) } else { Span::ZERO };
        weather.extra + longer
    }

    /// Whether a whole run of packets is lost at one attempt.
    fn loses_run(&self, draws: Draws, number: u64, attempt: u64) -> bool {
        let run = u64::from(self.weather.loss_run);
        run > 1 && draws.ppm(number / run, RUN_LOSS + attempt, self.weather.loss_ppm)
    }

    /// The odds that a packet is lost by itself.
    fn loss_ppm(&self) -> u32 {
        if self.weather.loss_run > 1 { 0 } else { self.weather.loss_ppm }
    }
}

/// One draw among odds that are laid end to end, so that they add up and each is hit by itself.
struct Wheel {
    drawn: u32,
    end: u32,
}

impl Wheel {
    fn new(draws: Draws, number: u64, aspect: u64) -> Self {
        Wheel { drawn: draws.below(number, aspect, u64::from(MILLION)) as u32, end: 0 }
    }

    fn hits(&mut self, ppm: u32) -> bool {
        let start = self.end;
        self.end = start.saturating_add(ppm);
        (start..self.end).contains(&self.drawn)
    }
}

impl Net {
    /// Begins a weather.
    pub(crate) fn begin(&mut self, now: Instant, storm: Storm) {
        self.storms.retain(|s| s.until > now);
        self.queues.retain(|_, free| *free > now);
        self.rough_until = self.rough_until.max(storm.until);
        self.storms.push(storm);
    }

    /// What weathers do to the datagram that a link took last, beside the flight that it has
    /// without them; gives back the bit that flips unnoticed, if one does.
    #[cold]
    pub(crate) fn datagram_in_storm(
        &mut self,
        link: u32,
        departs: Instant,
        flight: &mut Flight,
        armed: &mut [u64],
    ) -> Option<u64> {
        let (spec, link) = (&self.spec, &self.links[link as usize]);
        let (draws, number) = (link.draws, link.sent - 1);
        let wheel = |aspect| Wheel::new(draws, number, aspect);
        let [mut loss, mut double, mut flip] = [LOSS, DUPLICATE, CORRUPT].map(wheel);
        loss.hits(spec.loss_ppm);
        double.hits(spec.duplicate_ppm);
        let mut flips = flip.hits(spec.corrupt_ppm);
        let (mut lost, mut late) = (false, Span::ZERO);
        for storm in self.storms.iter().filter(|s| s.meets(link, departs)) {
            let weather = &storm.weather;
            let mut hit = weather.speed.is_some();
            let mut delay = storm.delay(draws, number);
            late += weather.extra;
            if draws.ppm(number, REORDER, weather.reorder_ppm) {
                delay += below(draws, number, HELD_BACK, weather.reorder_extra);
            }
            if double.hits(weather.duplicate_ppm) {
                let latency = spec.latency.draw(draws, number, COPY_LATENCY);
                let copy = latency + below(draws, number, COPY_LATE, weather.duplicate_late);
                flight.copy.get_or_insert(copy);
                hit = true;
            }
            if loss.hits(storm.loss_ppm()) || storm.loses_run(draws, number, 0) {
                lost = true;
                hit |= flight.first.is_some();
            }
            if flip.hits(weather.corrupt_ppm) {
                flips = true;
                hit |= flight.first.is_some();
            }
            flight.first = flight.first.map(|time| time + delay);
            hit |= !delay.is_zero();
            armed[storm.id.0 as usize] += u64::from(hit);
        }
        flight.copy = flight.copy.map(|time| time + late);
        flight.first = flight.first.filter(|_| !lost);
        if !flips || flight.first.is_none() {
            return None;
        }
        if self.spec.checksums {
            self.corrupted.noticed += 1;
            flight.first = None;
            return None;
        }
        Some(draws.word(number, CORRUPT_BIT))
    }

    /// How long the message of a connection that a link took last takes in its weathers, with its
    /// retransmissions; and the bit that flips unnoticed, if one does.
    #[cold]
    pub(crate) fn segment_in_storm(
        &mut self,
        link: u32,
        departs: Instant,
        armed: &mut [u64],
    ) -> (Span, Option<u64>) {
        let (spec, link) = (&self.spec, &self.links[link as usize]);
        let (draws, number) = (link.draws, link.sent - 1);
        let mut time = spec.latency.draw(draws, number, LATENCY);
        for storm in self.storms.iter().filter(|s| s.meets(link, departs)) {
            let delay = storm.delay(draws, number);
            time += delay;
            let hit = !delay.is_zero() || storm.weather.speed.is_some();
            armed[storm.id.0 as usize] += u64::from(hit);
        }
        let (mut sent, mut timeout, mut bit) = (departs, spec.retransmit, None);
        for attempt in 0..ATTEMPTS {
            let mut wheel = Wheel::new(draws, number, STREAM_LOSS + attempt);
            let mut flip = Wheel::new(draws, number, CORRUPT + (attempt << 8));
            let mut again = wheel.hits(spec.loss_ppm);
            let mut flips = flip.hits(spec.corrupt_ppm);
            for storm in self.storms.iter().filter(|s| s.meets(link, sent)) {
                let lost = wheel.hits(storm.loss_ppm()) || storm.loses_run(draws, number, attempt);
                let flipped = flip.hits(storm.weather.corrupt_ppm);
                (again, flips) = (again | lost, flips | flipped);
                armed[storm.id.0 as usize] += u64::from(lost | flipped);
            }
            if !again && flips {
                self.corrupted.noticed += u64::from(spec.checksums);
                again = spec.checksums;
                bit = (!spec.checksums).then(|| draws.word(number, CORRUPT_BIT));
            }
            if !again {
                break;
            }
            time += timeout;
            sent += timeout;
            timeout = timeout + timeout;
        }
        (time, bit)
    }

    /// How much longer the weathers of a link make the copy of a datagram take.
    pub(super) fn extra(&self, link: &Link, departs: Instant) -> Span {
        let storms = self.storms.iter().filter(|s| s.meets(link, departs));
        storms.fold(Span::ZERO, |all, s| all + s.weather.extra)
    }

    /// How long so many bytes queue for a link in its weathers.
    #[cold]
    pub(crate) fn queue(&mut self, link: u32, departs: Instant, bytes: u64) -> Span {
        let free = self.queues.get(&link).copied().unwrap_or_default();
        let (storms, start) = (&self.storms, departs.max(free));
        let (id, link) = (link, &self.links[link as usize]);
        let end = through(start, bytes, |at| {
            let active = storms.iter().filter(|s| s.meets(link, at));
            let limits = active.filter_map(|s| Some((s.weather.speed?, s.until)));
            limits.fold((None, Instant::FAR), |(speed, until): (Option<u64>, _), limit| {
                (Some(speed.map_or(limit.0, |s| s.min(limit.0))), until.min(limit.1))
            })
        });
        if end > departs {
            self.queues.insert(id, end);
        }
        end.since(departs)
    }

    /// Weathers of a sorted list of links end, out of so many machines; true if there were any.
    pub(crate) fn calm_down(
        &mut self,
        now: Instant,
        links: &[(MachineId, MachineId)],
        machines: u16,
    ) -> bool {
        let mut any = false;
        for storm in self.storms.iter_mut().filter(|s| s.until > now) {
            let mut left = storm.links.pairs(machines);
            let before = left.len();
            left.retain(|pair| links.binary_search(pair).is_err());
            if left.len() < before {
                storm.links = Links::Pairs(left);
                any = true;
            }
        }
        // What comes now does not queue behind what is delayed.
        let all = &self.links;
        self.queues.retain(|id, _| {
            let link = &all[*id as usize];
            links.binary_search(&(link.from, link.to)).is_err()
        });
        self.storms.retain(|s| s.until > now && s.links != Links::Pairs(alloc::vec![]));
        any
    }
}

fn below(draws: Draws, number: u64, aspect: u64, most: Span) -> Span {
    Span(draws.below(number, aspect, most.0 + 1))
}
