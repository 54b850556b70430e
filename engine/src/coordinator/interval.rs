//! How long the interval between checkpoints should be: a pure function of what the run has seen.
//!
//! Checkpoints that are rare lose work at every failure, those that are frequent stop processing
//! all the time. The controller aims at the exact optimum ([`formulas::optimum`]) for the rate of
//! failures and the cost of a checkpoint as they were observed. The rules:
//!
//! * A *failure* is a generation that ran and had to be replaced for the loss of a worker.
//!   Rebalances, restarts of coordinators and what fails before it runs do not count, and neither
//!   does the time in which nothing ran: the rate is one of failures in running time.
//! * The *cost* is for how long a checkpoint stops the task that it stops longest. Tasks say so in
//!   their acknowledgements. What is written while processing goes on costs nothing here.
//! * The *rate* is the most likely one under a broad prior about the interval that is set, so that
//!   it means something before the first failure, and failures outweigh it soon: see [`rate`].
//! * Older failures count less, and are forgotten if the rate has changed: see [`Experience`].
//! * The interval stays within its bounds, and small changes are not made.
//!
//! What was observed is part of the replicated metadata and changes by its commands alone, so that
//! the next coordinator knows it. The interval itself follows from it, but for the hysteresis.

use stormglass_sim::time::Span;

pub mod formulas;
#[cfg(test)]
mod tests;

/// When and how far the interval follows what is observed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Adaptive {
    /// It is never shorter.
    pub min: Span,
    /// It is never longer.
    pub max: Span,
    /// It changes by more than this share of itself, in thousandths, or not at all.
    pub hysteresis_permille: u32,
}

/// Failures and the time in which they struck: later ones count for more.
///
/// At every failure, all that came before is weighed anew with `1 - 1/n`: about the last `n`
/// failures count.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Window {
    /// Failures, in millionths.
    pub failures_micro: u64,
    /// Time in which a generation ran.
    pub running: Span,
}

impl Window {
    /// A failure; about `last` of them are remembered.
    fn failed(&mut self, last: u64) {
        let Window { failures_micro, running } = self;
        *failures_micro += 1_000_000;
        *failures_micro -= *failures_micro / last;
        *running = *running - running.scale(1, last);
    }
}

/// What the metadata remembers of failures and checkpoints.
///
/// One window is long, for an exact rate: with 32 failures in it, 63 independent ones would have
/// its standard error (an interval known to 6 %). The other one is short. Where it tells a rate
/// [`CHANGED`] times as high or low, the rate is not what it was, and the long one begins anew
/// with what the short one knows.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Experience {
    /// The short window.
    pub recent: Window,
    /// The long window.
    pub lasting: Window,
    /// For how long a checkpoint stops processing: an average in which the last one has a quarter
    /// of the weight, the one before a quarter of the rest, and so on.
    pub cost: Span,
    /// Completed checkpoints whose cost is in it.
    pub checkpoints: u32,
}

/// Failures in the windows.
const RECENT: u64 = 8;
const LASTING: u64 = 32;
/// Rates that are so many times apart differ: of rates that are equal, two windows say so about
/// once in 5,000 times.
pub const CHANGED: u64 = 3;
/// Before it holds so many failures, in millionths, the short window says nothing.
const ENOUGH_MICRO: u64 = 4_000_000;

impl Experience {
    /// A generation has run for so long since this was told last.
    pub fn ran(&mut self, running: Span) {
        self.recent.running += running;
        self.lasting.running += running;
        self.forget_if_changed();
    }

    /// A generation that ran has failed.
    pub fn failed(&mut self) {
        self.recent.failed(RECENT);
        self.lasting.failed(LASTING);
        self.forget_if_changed();
    }

    /// A checkpoint is complete, which stopped processing for so long.
    pub fn stopped(&mut self, cost: Span) {
        // The first ones make a plain average.
        let weight = u64::from(self.checkpoints.saturating_add(1)).min(4);
        self.cost = self.cost - self.cost.scale(1, weight) + cost.scale(1, weight);
        self.checkpoints = self.checkpoints.saturating_add(1);
    }

    fn forget_if_changed(&mut self) {
        let (recent, lasting) = (self.recent, self.lasting);
        if recent.failures_micro < ENOUGH_MICRO {
            return;
        }
        let product = |failures: Window, running: Window| {
            u128::from(failures.failures_micro) * u128::from(running.running.as_nanos())
        };
        // Both are a rate times both windows' running time.
        let (now, before) = (product(recent, lasting), product(lasting, recent));
        if now > u128::from(CHANGED) * before || before > u128::from(CHANGED) * now {
            self.lasting = recent;
        }
    }
}

/// All that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The settings.
    pub settings: &'a Adaptive,
    /// The interval that is set: what somebody thought right who knew nothing of this.
    pub initial: Span,
    /// The interval in force.
    pub interval: Span,
    /// What was observed.
    pub experience: &'a Experience,
}

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The interval stays.
    Keep,
    /// This is the interval from now on.
    Change(Span),
}

/// Decides.
pub fn decide(facts: &Facts<'_>) -> Decision {
    let Facts { settings, initial, interval, experience } = *facts;
    let bounded = |wanted: Span| wanted.max(settings.min).min(settings.max);
    let target = match experience.checkpoints {
        0 => bounded(initial),
        _ => bounded(target(initial, experience)),
    };
    let (old, new) = (u128::from(interval.as_nanos()), u128::from(target.as_nanos()));
    let little = old * u128::from(settings.hysteresis_permille);
    let outside = bounded(interval) != interval;
    if outside || old.abs_diff(new) * 1_000 > little {
        Decision::Change(target)
    } else {
        Decision::Keep
    }
}

/// The best interval for what was observed.
pub fn target(initial: Span, experience: &Experience) -> Span {
    let cost = seconds(experience.cost);
    if cost <= 0.0 {
        // What costs nothing is never too frequent.
        return Span::ZERO;
    }
    let mtbf = 1.0 / rate(&experience.lasting, seconds(initial), cost);
    let period = formulas::optimum(cost, mtbf) + cost;
    // Longer than a century is as good as that.
    Span::nanos((period.min(3e9) * 1e9) as u64)
}

/// How far the prior reaches: a standard deviation of the logarithm of the rate. At 2, the interval
/// that is set may well be wrong by a factor of 7, and weighs as much as a quarter of a failure.
const PRIOR_DEVIATION: f64 = 2.0;
/// Steps of Newton's iteration. It starts above the root, goes down by about one a step as long as
/// it is far from it, and can be in error by a factor of `e^64` at first.
const STEPS: u32 = 64;

/// The rate of failures a second that is most likely, given an interval in seconds that somebody
/// has set and a cost in seconds.
///
/// A Poisson process that showed `k` failures in a time `t` is weighed with a log-normal prior
/// about the rate `r0` for which the interval would be right (Young's formula). The mode of the
/// product satisfies `k - t r = ln(r / r0) / deviation^2`. Without failures it sinks slowly as time
/// goes by; with some it is `k / t` but for a part of a failure, however wrong `r0` is: a prior
/// worth a failure at a rate that is a hundred times too low would be worth a hundred.
pub fn rate(window: &Window, initial: f64, cost: f64) -> f64 {
    let (failures, running) = (window.failures_micro as f64 / 1e6, seconds(window.running));
    let prior = libm::log(2.0 * cost / (initial * initial));
    if running <= 0.0 {
        return libm::exp(prior);
    }
    let stiffness = 1.0 / (PRIOR_DEVIATION * PRIOR_DEVIATION);
    let mut x = prior;
    if failures > 0.0 {
        x = x.max(libm::log(failures / running));
    }
    for _ in 0..STEPS {
        let expected = running * libm::exp(x);
        let off = failures - expected - (x - prior) * stiffness;
        x += off / (expected + stiffness);
    }
    libm::exp(x)
}

fn seconds(span: Span) -> f64 {
    span.as_nanos() as f64 / 1e9
}
