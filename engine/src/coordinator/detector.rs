//! Failure detectors: when silence becomes suspicion. Two of them, behind one interface.
//!
//! [`Detector`] is the setting, [`Heartbeats`] what is known of one process. The *fixed* detector
//! accuses after a timeout, as Storm's Nimbus does (SEMANTICS 1.3). The *phi accrual* detector
//! (Hayashibara, Defago, Yared, Katayama: "The phi accrual failure detector", SRDS 2004) learns how
//! heartbeats arrive and accuses when one so late is too improbable: `phi = -log10 P(later than
//! now)`, so that 1 is a chance of a tenth, 8 one of 10^-8. As Akka does, it takes intervals for
//! normally distributed, adds a pause that is always acceptable, learns nothing from an interval
//! that ended a suspicion, and begins with a guess. So the guess is best not below the interval at
//! which heartbeats are sent: who beats too rarely for it is suspected every time.
//!
//! Window, mean and deviation are integers; only the normal tail is floating point, through `libm`,
//! the same on every machine.

use alloc::collections::VecDeque;

use stormglass_sim::time::{Instant, Span};

use crate::names::{Switches, Twist};

#[cfg(test)]
mod tests;

/// Which detector, and how it is tuned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detector {
    /// Silence of this length is suspicious.
    Fixed {
        /// The length.
        timeout: Span,
    },
    /// Silence is suspicious when it is improbable.
    Phi {
        /// Suspicious from this phi on, in thousandths. Above 301: half of all intervals are longer
        /// than the mean, and `log10(2)` is 0.301.
        threshold_milli: u32,
        /// How many intervals are remembered; at least 2.
        window: u16,
        /// The deviation is taken for at least this; regular heartbeats would make it zero.
        min_deviation: Span,
        /// Lateness that is never held against a process: collections, congestion.
        acceptable_pause: Span,
        /// The interval that is expected before any is known: that at which heartbeats are sent.
        first: Span,
    },
}

impl Detector {
    /// What is wrong with the setting, for whoever wrote it.
    pub fn flaw(&self) -> Option<&'static str> {
        match *self {
            Detector::Fixed { timeout } if timeout.is_zero() => {
                Some("a timeout of zero suspects everybody at once")
            }
            Detector::Phi { threshold_milli: 0..=301, .. } => {
                Some("a phi up to 0.301 suspects every process between two heartbeats")
            }
            Detector::Phi { window: 0 | 1, .. } => Some("a window needs at least 2 intervals"),
            Detector::Phi { first, .. } if first.is_zero() => {
                Some("the first interval must be longer than zero")
            }
            _ => None,
        }
    }
}

/// A longer interval counts as one of a day: more tells no more, and sums of squares stay in range.
const LONGEST: u64 = 24 * 3_600 * 1_000_000_000;

/// What was heard of one watched process.
///
/// Invariants: `sum` and `squares` are those of `intervals`; no interval is longer than a day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heartbeats {
    /// When it was heard last, or since when it is watched.
    last: Instant,
    /// Whether it was heard at all since then.
    beating: bool,
    /// The second that its last heartbeat was stamped with.
    second: Option<u64>,
    /// Between its latest heartbeats, oldest first, in nanoseconds.
    intervals: VecDeque<u64>,
    sum: u128,
    squares: u128,
}

impl Heartbeats {
    /// Watches a process from now on.
    pub fn new(now: Instant) -> Self {
        Heartbeats {
            last: now,
            beating: false,
            second: None,
            intervals: VecDeque::new(),
            sum: 0,
            squares: 0,
        }
    }

    /// A new life of the process, or a new watcher: nothing is held against it from before.
    pub fn reset(&mut self, now: Instant) {
        *self = Heartbeats::new(now);
    }

    /// A heartbeat arrived. `second` is that of the sender's clock when it was sent, or of `now`
    /// where heartbeats carry no time. It does not matter, but to [`Twist::HeartbeatBySecond`]:
    /// that is returned if it was reached, and if it is on, the heartbeat was lost on us.
    #[must_use = "a planted bug that was reached must be counted"]
    pub fn heard(
        &mut self,
        detector: &Detector,
        now: Instant,
        second: u64,
        switches: Switches,
    ) -> Option<Twist> {
        let same = self.second.replace(second) == Some(second);
        let bug = Twist::HeartbeatBySecond;
        let reached = (same && switches.reports(bug)).then_some(bug);
        if same && switches.has(bug) {
            return reached;
        }
        if let Detector::Phi { window, .. } = *detector {
            // A silence that was suspicious was an outage, not an interval.
            if self.beating && !self.is_suspect(detector, now) {
                self.learn(now.since(self.last), usize::from(window).max(2));
            }
        }
        self.last = self.last.max(now);
        self.beating = true;
        reached
    }

    fn learn(&mut self, interval: Span, window: usize) {
        while self.intervals.len() >= window {
            let oldest = u128::from(self.intervals.pop_front().expect("a full window"));
            self.sum -= oldest;
            self.squares -= oldest * oldest;
        }
        let newest = interval.as_nanos().min(LONGEST);
        self.intervals.push_back(newest);
        self.sum += u128::from(newest);
        self.squares += u128::from(newest) * u128::from(newest);
    }

    /// When it was heard last; before its first heartbeat, since when it is watched.
    pub fn last_heard(&self) -> Instant {
        self.last
    }

    /// How many intervals are remembered.
    pub fn intervals(&self) -> usize {
        self.intervals.len()
    }

    /// Whether its silence is suspicious.
    pub fn is_suspect(&self, detector: &Detector, now: Instant) -> bool {
        match *detector {
            Detector::Fixed { timeout } => now.since(self.last) >= timeout,
            Detector::Phi { threshold_milli, .. } => {
                let phi = self.phi_milli(detector, now);
                phi.is_some_and(|phi| phi >= u64::from(threshold_milli))
            }
        }
    }

    /// Phi in thousandths; none with a fixed detector.
    pub fn phi_milli(&self, detector: &Detector, now: Instant) -> Option<u64> {
        Some(self.expected(detector)?.phi_milli(now.since(self.last)))
    }

    /// The first instant at which it is suspect unless it is heard again before;
    /// [`Instant::FAR`] if that is beyond time.
    pub fn due(&self, detector: &Detector) -> Instant {
        let silence = match (*detector, self.expected(detector)) {
            (Detector::Phi { threshold_milli, .. }, Some(expected)) => {
                expected.silence(threshold_milli)
            }
            (Detector::Phi { .. }, None) => unreachable!("phi expects intervals"),
            (Detector::Fixed { timeout }, _) => Some(timeout),
        };
        let due = silence.and_then(|silence| self.last.nanos().checked_add(silence.as_nanos()));
        due.map_or(Instant::FAR, Instant)
    }

    /// How the next interval is expected to be distributed. Until the window is full, two intervals
    /// around the first guess, a quarter of it below and above, stand in it as its oldest.
    fn expected(&self, detector: &Detector) -> Option<Normal> {
        let Detector::Phi { window, min_deviation, acceptable_pause, first, .. } = *detector else {
            return None;
        };
        let first = first.as_nanos().min(LONGEST / 2);
        let guesses = [first + first / 4, first - first / 4].map(u128::from);
        let room = usize::from(window).max(2).saturating_sub(self.intervals.len());
        let (mut count, mut sum, mut squares) =
            (self.intervals.len() as u128, self.sum, self.squares);
        for guess in guesses.into_iter().take(room) {
            count += 1;
            sum += guess;
            squares += guess * guess;
        }
        // Not negative, by Cauchy and Schwarz; below 2^16 * 2^16 * LONGEST^2, so in range.
        let deviation = (count * squares - sum * sum).isqrt() / count;
        Some(Normal {
            mean: ((sum / count) as u64).saturating_add(acceptable_pause.as_nanos()),
            deviation: (deviation as u64).max(min_deviation.as_nanos()).max(1),
        })
    }
}

/// A normal distribution of intervals, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Normal {
    mean: u64,
    deviation: u64,
}

impl Normal {
    /// `-log10` of the chance of an interval longer than this, in thousandths, rounded down.
    ///
    /// The tail is that of the logistic curve that fits the normal one: `1 / (1 + e^a)` with
    /// `a = y (1.5976 + 0.070566 y^2)`. Its logarithm is taken of the whole, `a` outside of the
    /// exponential, so that it neither overflows nor vanishes. Up to two deviations it is right to
    /// the hundredth, from there on too suspicious: by an eighth at five.
    fn phi_milli(self, silence: Span) -> u64 {
        let y = (silence.as_nanos() as f64 - self.mean as f64) / self.deviation as f64;
        let a = y * (1.5976 + 0.070_566 * y * y);
        let nats = a.max(0.0) + libm::log1p(libm::exp(-a.abs()));
        (nats * core::f64::consts::LOG10_E * 1_000.0) as u64
    }

    /// The shortest silence with at least this phi, by bisection; none if it is beyond time.
    fn silence(self, phi_milli: u32) -> Option<Span> {
        let reached = |nanos: u64| self.phi_milli(Span(nanos)) >= u64::from(phi_milli);
        if reached(0) {
            return Some(Span::ZERO);
        }
        // As phi >= 1.5976 log10(e) y, so many deviations beyond the mean are enough.
        let deviations = u64::from(phi_milli) * 1_442 / 1_000_000 + 2;
        let beyond = self.deviation.saturating_mul(deviations);
        let (mut short, mut long) = (0, self.mean.saturating_add(beyond));
        if !reached(long) {
            return None;
        }
        while long - short > 1 {
            let middle = short + (long - short) / 2;
            if reached(middle) { long = middle } else { short = middle }
        }
        Some(Span(long))
    }
}
