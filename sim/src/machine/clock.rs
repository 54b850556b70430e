//! The clocks of a machine: a monotonic one that runs at a rate of its own, which a fault can
//! change for a while, and a wall clock that follows it and can be stepped.

use crate::time::{Instant, Span};

#[cfg(test)]
mod tests;

/// Millionths of a whole.
const WHOLE: i64 = 1_000_000;

/// A machine's clocks.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// How much faster than true time it runs as a rule, in millionths.
    usual: i32,
    /// What the wall clock shows when the monotonic one shows nothing, and the steps since.
    wall_offset: i128,
    /// None as long as it has always run as it usually does: the fast way.
    drift: Option<Drift>,
}

/// The latest drift, under way or over: the clock is a line with a bend at its end.
#[derive(Clone, Copy, Debug)]
struct Drift {
    /// When it began: true time, and what the monotonic clock showed.
    began: (Instant, Instant),
    /// When it ends, or ended: likewise.
    ends: (Instant, Instant),
    /// Its rate against true time, in millionths.
    rate: u64,
}

/// The rate of a clock that runs so much faster than true time.
fn rate(ppm: i32) -> u64 {
    u64::try_from(WHOLE + i64::from(ppm)).expect("a clock does not run backwards")
}

/// What a clock of some rate shows after a while of true time.
fn shown(after: Span, rate: u64) -> Span {
    after.scale(rate, WHOLE as u64)
}

/// The least true time in which a clock of some rate moves on by a span.
fn needed(local: Span, rate: u64) -> Span {
    let truth = (u128::from(local.0) * WHOLE as u128).div_ceil(u128::from(rate));
    Span(u64::try_from(truth).expect("clock overflow"))
}

impl Clock {
    /// Clocks that start at true time zero.
    pub(super) fn new(ppm: i32, wall_offset: Span) -> Clock {
        assert!(i64::from(ppm) > -WHOLE, "a clock does not run backwards");
        Clock { usual: ppm, wall_offset: wall_offset.0.into(), drift: None }
    }

    /// What the monotonic clock shows at a true instant.
    #[inline]
    pub(crate) fn monotonic(&self, now: Instant) -> Instant {
        match &self.drift {
            None if self.usual == 0 => now,
            None => Instant::ZERO + shown(now.since(Instant::ZERO), rate(self.usual)),
            Some(drift) if now <= drift.ends.0 => {
                drift.began.1 + shown(now.since(drift.began.0), drift.rate)
            }
            Some(drift) => drift.ends.1 + shown(now.since(drift.ends.0), rate(self.usual)),
        }
    }

    /// The first true instant at which the monotonic clock has moved on by `after`, as far as its
    /// rate is known now.
    #[inline]
    pub(crate) fn when(&self, now: Instant, after: Span) -> Instant {
        if self.usual == 0 && self.drift.is_none() {
            return now + after;
        }
        let target = self.monotonic(now) + after;
        let from =
            |(truth, local): (Instant, Instant), rate| truth + needed(target.since(local), rate);
        let truth = match &self.drift {
            None => from((Instant::ZERO, Instant::ZERO), rate(self.usual)),
            Some(drift) if target <= drift.ends.1 => from(drift.began, drift.rate),
            Some(drift) => from(drift.ends, rate(self.usual)),
        };
        truth.max(now)
    }

    /// From now on, and for so long in true time, it runs so much faster than true time. A drift
    /// that was under way is over.
    pub(crate) fn drift(&mut self, now: Instant, ppm: i32, duration: Span) {
        let rate = rate(ppm);
        let local = self.monotonic(now);
        let ends = (now + duration, local + shown(duration, rate));
        self.drift = Some(Drift { began: (now, local), ends, rate });
    }

    /// What the wall clock shows at a true instant.
    pub(crate) fn wall(&self, now: Instant) -> Instant {
        let shown = (i128::from(self.monotonic(now).0) + self.wall_offset).max(0);
        Instant(u64::try_from(shown).expect("clock overflow"))
    }

    /// Moves the wall clock by so many nanoseconds, not before its origin.
    pub(crate) fn step_wall(&mut self, now: Instant, by: i128) {
        let before = i128::from(self.wall(now).0);
        self.wall_offset += by.max(-before);
    }
}
