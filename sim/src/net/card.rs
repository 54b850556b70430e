//! What carries bytes one after another: network cards, and links whose speed is limited.

use alloc::vec::Vec;

use crate::fault::ArmedId;
use crate::time::{Instant, Span};

/// A speed that holds until an instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throttle {
    pub(crate) until: Instant,
    /// Bytes per second.
    pub(crate) speed: u64,
    pub(crate) id: ArmedId,
}

/// When so many bytes are through that begin at `start`. `speed_at` tells the speed at an instant,
/// none if it is unlimited, and until when it holds.
pub(super) fn through(
    start: Instant,
    bytes: u64,
    speed_at: impl Fn(Instant) -> (Option<u64>, Instant),
) -> Instant {
    let (mut at, mut left) = (start, bytes);
    loop {
        let (speed, until) = speed_at(at);
        let Some(speed) = speed else { return at };
        if speed > 0 {
            let needs = u128::from(left) * 1_000_000_000 / u128::from(speed);
            if needs <= u128::from(until.since(at).0) {
                return at + Span(needs as u64);
            }
            let sent = u128::from(until.since(at).0) * u128::from(speed) / 1_000_000_000;
            left -= (sent as u64).min(left);
        }
        at = until;
    }
}

/// A machine's network card: each direction takes messages one by one.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    /// Bytes per second; none is unlimited.
    usual: Option<u64>,
    throttles: Vec<Throttle>,
    /// It has, or had, a limit: a shortcut for the others.
    pub(crate) limited: bool,
    out: Instant,
    into: Instant,
}

impl Card {
    pub(crate) fn new(usual: Option<u64>) -> Self {
        assert!(usual != Some(0), "a network card has some speed");
        let (throttles, idle) = (Vec::new(), Instant::ZERO);
        Card { usual, throttles, limited: usual.is_some(), out: idle, into: idle }
    }

    /// Nothing waits in it.
    pub(crate) fn clear(&mut self, now: Instant) {
        self.out = now;
        self.into = now;
    }

    /// Makes it slower for a while; false if it is as slow anyway.
    pub(crate) fn slow_down(&mut self, now: Instant, throttle: Throttle) -> bool {
        self.throttles.retain(|t| t.until > now);
        self.throttles.push(throttle);
        self.limited = true;
        throttle.until > now && self.usual.is_none_or(|usual| throttle.speed < usual)
    }

    /// When a message has left.
    pub(crate) fn send(&mut self, departs: Instant, bytes: u64, armed: &mut [u64]) -> Instant {
        self.out = self.pass(departs, self.out, bytes, armed);
        self.out
    }

    /// When a message has come in.
    pub(crate) fn take_in(&mut self, arrives: Instant, bytes: u64, armed: &mut [u64]) -> Instant {
        self.into = self.pass(arrives, self.into, bytes, armed);
        self.into
    }

    fn pass(&self, at: Instant, free: Instant, bytes: u64, armed: &mut [u64]) -> Instant {
        let start = at.max(free);
        for throttle in self.throttles.iter().filter(|t| t.until > start) {
            armed[throttle.id.0 as usize] += 1;
        }
        through(start, bytes, |at| {
            let active = self.throttles.iter().filter(|t| t.until > at);
            active.fold((self.usual, Instant::FAR), |(speed, until), t| {
                (Some(speed.map_or(t.speed, |s| s.min(t.speed))), until.min(t.until))
            })
        })
    }
}
