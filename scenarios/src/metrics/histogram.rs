//! A histogram of times: 32 steps for each doubling, so quantiles are exact to 3 %.

use stormglass_sim::time::Span;

use crate::outcome::Quantiles;

/// Steps for each doubling.
const STEPS: u64 = 32;

/// Counts of nanoseconds, in steps that grow with the value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    counts: Vec<u32>,
    total: u64,
    max: u64,
}

/// The step that a value falls into.
fn step(value: u64) -> usize {
    if value < STEPS {
        return value as usize;
    }
    let doubling = u64::from(value.ilog2() - STEPS.ilog2());
    (STEPS * doubling + (value >> doubling)) as usize
}

/// The largest value of a step.
fn top(step: usize) -> u64 {
    let step = step as u64;
    if step < 2 * STEPS {
        return step;
    }
    let doubling = step / STEPS - 1;
    ((step % STEPS + STEPS + 1) << doubling) - 1
}

impl Histogram {
    #[inline]
    pub(crate) fn add(&mut self, value: u64) {
        let at = step(value);
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += 1;
        self.total += 1;
        self.max = self.max.max(value);
    }

    /// Adds all of another.
    pub(crate) fn merge(&mut self, other: &Histogram) {
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    pub(crate) fn quantiles(&self) -> Quantiles {
        let at = |percent: u64| Span::nanos(self.at(percent));
        Quantiles {
            count: self.total,
            p50: at(50),
            p95: at(95),
            p99: at(99),
            max: Span::nanos(self.max),
        }
    }

    /// The least upper bound of a step below or at which so many percent of the values lie.
    fn at(&self, percent: u64) -> u64 {
        let wanted = (self.total * percent).div_ceil(100);
        let mut seen = 0;
        for (step, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted && seen > 0 {
                return top(step).min(self.max);
            }
        }
        self.max
    }
}
