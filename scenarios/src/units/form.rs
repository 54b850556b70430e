//! The two forms of a quantity: a range, as a scenario states it, and the value that a seed drew.

use std::fmt::Debug;

use stormglass_sim::time::Span;

use super::{Bandwidth, Between, Drift, Share, Size, Step, Text};

/// A quantity that can be drawn from a range.
pub trait Quantum: Text + Copy + Ord + Debug {
    /// Its place among all values: greater values have greater words.
    fn word(self) -> u64;
    /// The value at a place.
    fn of_word(word: u64) -> Self;
    /// The nearest value with so many digits.
    fn rounded(self, digits: u32) -> Self {
        Self::of_word(rounded(self.word(), digits))
    }
    /// A duration is no longer than this; everything else is as it is.
    fn at_most(self, _longest: Span) -> Self {
        self
    }
}

/// The nearest number with so many digits that are not zero.
pub(crate) fn rounded(n: u64, digits: u32) -> u64 {
    let length = n.checked_ilog10().map_or(0, |log| log + 1);
    let unit = 10u64.pow(length.saturating_sub(digits));
    n.saturating_add(unit / 2) / unit * unit
}

/// Whether quantities are stated or drawn.
pub trait Form: Clone + Debug + PartialEq + Eq {
    /// A quantity in this form.
    type Of<T: Quantum>: Text + Clone + Debug + PartialEq + Eq;
}

/// Ranges, of which a seed draws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated;

/// What a seed drew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn;

impl Form for Stated {
    type Of<T: Quantum> = Between<T>;
}
impl Form for Drawn {
    type Of<T: Quantum> = T;
}

impl Quantum for Span {
    fn word(self) -> u64 {
        self.as_nanos()
    }
    fn of_word(word: u64) -> Self {
        Span::nanos(word)
    }
    fn at_most(self, longest: Span) -> Self {
        self.min(longest)
    }
}
impl Quantum for u32 {
    fn word(self) -> u64 {
        self.into()
    }
    fn of_word(word: u64) -> Self {
        word as u32
    }
}
impl Quantum for Share {
    fn word(self) -> u64 {
        self.0.into()
    }
    fn of_word(word: u64) -> Self {
        Share(word as u32)
    }
}
impl Quantum for Bandwidth {
    fn word(self) -> u64 {
        self.0
    }
    fn of_word(word: u64) -> Self {
        Bandwidth(word)
    }
}
impl Quantum for Size {
    fn word(self) -> u64 {
        self.0
    }
    fn of_word(word: u64) -> Self {
        Size(word)
    }
}
impl Quantum for u16 {
    fn word(self) -> u64 {
        self.into()
    }
    fn of_word(word: u64) -> Self {
        word as u16
    }
}

/// The place of zero among the words of signed values.
const MIDDLE: u64 = 1 << 63;

impl Quantum for Drift {
    fn word(self) -> u64 {
        MIDDLE.wrapping_add_signed(self.0.into())
    }
    fn of_word(word: u64) -> Self {
        Drift(word.wrapping_sub(MIDDLE) as i64 as i32)
    }
    fn rounded(self, digits: u32) -> Self {
        let size = rounded(self.0.unsigned_abs().into(), digits) as i32;
        Drift(if self.0 < 0 { -size } else { size })
    }
}
impl Quantum for Step {
    fn word(self) -> u64 {
        MIDDLE.wrapping_add_signed(self.0)
    }
    fn of_word(word: u64) -> Self {
        Step(word.wrapping_sub(MIDDLE) as i64)
    }
    fn rounded(self, digits: u32) -> Self {
        let size = rounded(self.0.unsigned_abs(), digits) as i64;
        Step(if self.0 < 0 { -size } else { size })
    }
}
