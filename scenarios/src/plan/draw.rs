//! Chance for plans and inputs: ChaCha8, keyed by the seed and the purpose.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use stormglass_sim::hash::Mixer;
use stormglass_sim::time::Span;

/// A stream of draws.
#[derive(Clone, Debug)]
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    /// The stream of a seed and a purpose: equal words give equal streams, different words
    /// independent ones.
    pub(crate) fn new(seed: u64, purpose: &[u64]) -> Self {
        let mut mixer = Mixer::new();
        mixer.pair(seed, purpose.len() as u64);
        purpose.iter().for_each(|word| mixer.word(*word));
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..24].copy_from_slice(&mixer.finish().to_le_bytes());
        Draw(ChaCha8Rng::from_seed(key))
    }
    /// Any word.
    pub(crate) fn word(&mut self) -> u64 {
        self.0.next_u64()
    }
    /// A number below `n`, all equally likely.
    ///
    /// # Panics
    /// If `n` is zero.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "nothing is below zero");
        // Lemire's: the high half of the product, without the few products that are too many.
        let excess = n.wrapping_neg() % n;
        loop {
            let wide = u128::from(self.word()) * u128::from(n);
            if wide as u64 >= excess {
                return (wide >> 64) as u64;
            }
        }
    }
    /// A time that passes until the next event of a Poisson process, to the nanosecond.
    pub(crate) fn exponential(&mut self, mean: Span) -> Span {
        // 53 bits, never zero: the longest is 36.7 times the mean.
        let uniform = ((self.word() >> 11) + 1) as f64 / (1u64 << 53) as f64;
        Span::nanos((-libm::log(uniform) * mean.as_nanos() as f64) as u64)
    }
    /// A number of a closed range, all equally likely.
    ///
    /// # Panics
    /// If the range is empty or everything.
    pub(crate) fn between(&mut self, min: u64, max: u64) -> u64 {
        min + self.below(max - min + 1)
    }
}
