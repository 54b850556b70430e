//! Chance: numbers that depend on a seed and on how many were drawn before, and on nothing else.

use stormglass_sim::hash::Mixer;
use stormglass_sim::time::Span;

/// A stream of draws.
#[derive(Clone, Debug)]
pub(crate) struct Chance {
    seed: u64,
    drawn: u64,
}

impl Chance {
    /// The stream of a seed and a purpose.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut mixer = Mixer::new();
        mixer.pair(seed, purpose);
        Chance { seed: mixer.finish64(), drawn: 0 }
    }
    /// Any word.
    pub(crate) fn word(&mut self) -> u64 {
        self.drawn += 1;
        let mut mixer = Mixer::new();
        mixer.pair(self.seed, self.drawn);
        mixer.finish64()
    }
    /// A number in `0..n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(n)) >> 64) as u64
    }
    /// A number of a closed range.
    pub(crate) fn within(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }
    /// True so many times of a hundred.
    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
    /// True so many times of a million.
    pub(crate) fn ppm(&mut self, chance: u32) -> bool {
        self.below(1_000_000) < u64::from(chance)
    }
    /// A span of a closed range.
    pub(crate) fn span(&mut self, (from, to): (Span, Span)) -> Span {
        Span(self.within(from.0, to.0))
    }
    /// Milliseconds of a closed range, to the microsecond.
    pub(crate) fn millis(&mut self, from: u64, to: u64) -> Span {
        Span::micros(self.within(from * 1000, to * 1000))
    }
    /// One of some.
    pub(crate) fn pick<T: Copy>(&mut self, some: &[T]) -> T {
        some[self.below(some.len() as u64) as usize]
    }
}
