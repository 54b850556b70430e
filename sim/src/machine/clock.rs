//! The clocks of a machine: a monotonic one that runs at a rate of its own, which a fault can
//! change for a while, and a wall clock that follows it and can be stepped, smeared, strobed and
//! frozen.

use alloc::vec::Vec;

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
    /// What moves the wall clock for a while. Those that are over stay until something else
    /// happens to the clock.
    shifts: Vec<Shift>,
    /// The latest freeze of the wall clock, under way or over; likewise.
    frozen: Option<Frozen>,
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

/// Something that moves the wall clock by an amount that depends on true time alone.
#[derive(Clone, Copy, Debug)]
struct Shift {
    began: Instant,
    lasts: Span,
    /// By how much it moves it in all, or to and fro.
    by: i128,
    /// How long it stands at each side; none if it moves evenly, and stays where it comes to.
    period: Option<Span>,
}

/// The wall clock stands still.
#[derive(Clone, Copy, Debug)]
struct Frozen {
    shows: i128,
    until: Instant,
    /// Whether it then shows what it would have shown; if not, it goes on from where it stood.
    jumps: bool,
}

impl Shift {
    fn at(&self, now: Instant) -> i128 {
        let since = now.since(self.began);
        match self.period {
            None if since >= self.lasts => self.by,
            None => self.by * i128::from(since.0) / i128::from(self.lasts.0),
            Some(period) if since < self.lasts && (since.0 / period.0).is_multiple_of(2) => self.by,
            Some(_) => 0,
        }
    }
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

/// The monotonic clock.
impl Clock {
    /// Clocks that start at true time zero.
    pub(super) fn new(ppm: i32, wall_offset: Span) -> Clock {
        assert!(i64::from(ppm) > -WHOLE, "a clock does not run backwards");
        let wall_offset = wall_offset.0.into();
        Clock { usual: ppm, wall_offset, drift: None, shifts: Vec::new(), frozen: None }
    }

    /// What the monotonic clock shows at a true instant, not before its latest drift began.
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
        self.settle(now);
        let rate = rate(ppm);
        let local = self.monotonic(now);
        let ends = (now + duration, local + shown(duration, rate));
        self.drift = Some(Drift { began: (now, local), ends, rate });
    }
}

/// The wall clock.
impl Clock {
    /// What the wall clock shows at a true instant.
    pub(crate) fn wall(&self, now: Instant) -> Instant {
        Instant(u64::try_from(self.face(now).max(0)).expect("clock overflow"))
    }

    /// What the wall clock would show if it never stood still.
    fn running(&self, now: Instant) -> i128 {
        let moved: i128 = self.shifts.iter().map(|shift| shift.at(now)).sum();
        i128::from(self.monotonic(now).0) + self.wall_offset + moved
    }

    /// What the wall clock shows; before its origin it shows nothing.
    fn face(&self, now: Instant) -> i128 {
        match &self.frozen {
            None => self.running(now),
            Some(frozen) if now < frozen.until => frozen.shows,
            Some(frozen) => self.running(now) - self.lag(frozen, frozen.until),
        }
    }

    /// By how much a wall clock that stood still until some instant is behind from then on.
    fn lag(&self, frozen: &Frozen, until: Instant) -> i128 {
        if frozen.jumps { 0 } else { self.running(until) - frozen.shows }
    }

    /// Forgets what is over, so that nothing of it has to be known of an instant before now.
    fn settle(&mut self, now: Instant) {
        if let Some(frozen) = self.frozen.filter(|frozen| frozen.until <= now) {
            self.wall_offset -= self.lag(&frozen, frozen.until);
            self.frozen = None;
        }
        let over = |shift: &Shift| shift.began + shift.lasts <= now;
        let moved: i128 = self.shifts.iter().filter(|s| over(s)).map(|s| s.at(now)).sum();
        self.wall_offset += moved;
        self.shifts.retain(|shift| !over(shift));
    }

    /// Moves the wall clock by so many nanoseconds, not before its origin; also while it stands
    /// still.
    pub(crate) fn step_wall(&mut self, now: Instant, by: i128) {
        self.settle(now);
        let by = by.max(-i128::from(self.wall(now).0));
        self.wall_offset += by;
        if let Some(frozen) = &mut self.frozen {
            frozen.shows += by;
        }
    }

    /// Sets the wall clock to so many nanoseconds after true time, not before its origin.
    pub(crate) fn set_wall(&mut self, now: Instant, offset: i128) {
        let by = i128::from(now.0) + offset - i128::from(self.wall(now).0);
        self.step_wall(now, by);
    }

    /// The wall clock gains so many nanoseconds, evenly over a time.
    pub(crate) fn smear_wall(&mut self, now: Instant, by: i128, lasts: Span) {
        assert!(!lasts.is_zero(), "what moves evenly takes time");
        self.settle(now);
        self.shifts.push(Shift { began: now, lasts, by, period: None });
    }

    /// The wall clock jumps forward by so many nanoseconds and back again, at once and then once
    /// in a period, for a time.
    pub(crate) fn strobe_wall(&mut self, now: Instant, by: i128, period: Span, lasts: Span) {
        assert!(!period.is_zero(), "it stands somewhere for some time");
        self.settle(now);
        self.shifts.push(Shift { began: now, lasts, by, period: Some(period) });
    }

    /// The wall clock stands still for a time; one that does already ends its standing first.
    pub(crate) fn freeze_wall(&mut self, now: Instant, lasts: Span, jumps: bool) {
        if let Some(frozen) = self.frozen.as_mut().filter(|frozen| frozen.until > now) {
            frozen.until = now;
        }
        self.settle(now);
        self.frozen = Some(Frozen { shows: self.running(now), until: now + lasts, jumps });
    }
}
