//! How one-way times are distributed.

use crate::chance::Draws;
use crate::time::Span;

#[cfg(test)]
mod tests;

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
    /// A shortest time and an exponential draw: queues along the way.
    Exponential {
        /// The shortest time.
        min: Span,
        /// The mean of what is added to it.
        mean: Span,
        /// The longest time: what is drawn beyond takes as long.
        max: Span,
    },
    /// A heavy tail (Pareto): `t` times the shortest time is exceeded with probability `t` to the
    /// power of minus `shape`.
    Pareto {
        /// The shortest time, and the most likely one; not zero.
        min: Span,
        /// The shape in hundredths, not zero: 100 has no mean, 200 no variance; the smaller, the
        /// heavier.
        shape: u32,
        /// The longest time: what is drawn beyond takes as long.
        max: Span,
    },
}

impl Latency {
    /// The shortest possible time.
    pub const fn shortest(self) -> Span {
        match self {
            Latency::Uniform { min, .. }
            | Latency::Exponential { min, .. }
            | Latency::Pareto { min, .. } => min,
        }
    }

    /// Whether its range has a member, and its law a meaning.
    pub fn is_sound(self) -> bool {
        match self {
            Latency::Uniform { min, max } | Latency::Exponential { min, max, .. } => min <= max,
            Latency::Pareto { min, shape, max } => min <= max && !min.is_zero() && shape > 0,
        }
    }

    #[inline(always)]
    pub(super) fn draw(self, draws: Draws, number: u64, aspect: u64) -> Span {
        match self {
            Latency::Uniform { min, max } => {
                Span(min.0 + draws.below(number, aspect, max.0 - min.0 + 1))
            }
            _ => self.tail(draws.word(number, aspect)),
        }
    }

    /// A draw that needs a logarithm, from a uniform word. `libm` computes the same bits anywhere.
    #[cold]
    fn tail(self, word: u64) -> Span {
        let share = ((word >> 11) + 1) as f64 / (1u64 << 53) as f64; // in (0, 1]
        let (time, max) = match self {
            Latency::Uniform { .. } => unreachable!("it needs none"),
            Latency::Exponential { min, mean, max } => {
                (min.0 as f64 - mean.0 as f64 * libm::log(share), max)
            }
            Latency::Pareto { min, shape, max } => {
                (min.0 as f64 * libm::pow(share, -100.0 / f64::from(shape)), max)
            }
        };
        Span((time as u64).clamp(self.shortest().0, max.0))
    }
}
