//! Chance: every draw is a function of (seed, fork, purpose, owner, number).
//!
//! The root of all chance is ChaCha8 (from `rand_chacha`, a value-stable generator), used once per
//! stream to make its 128-bit key. A draw is then a keyed finaliser over its number: two 64-bit
//! multiplications and no state but the key, so a link or a process costs 16 bytes instead of a
//! generator's 304, draws can be made in any order, and one more or one fewer disturbs no other.
//! Only this file knows the generator; golden vectors pin what it yields.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::hash::Mixer;

#[cfg(test)]
mod tests;

/// What a stream of draws is for. The number is part of every draw: never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Purpose {
    /// A process's own stream; the owner is its address and incarnation.
    Process = 1,
    /// Latency, loss, duplication and reordering; the owner is an ordered pair of machines.
    Link = 2,
    /// What a crash leaves of unsynced data; the owner is a machine.
    Disk = 3,
    /// The order of events of equal time, where that is asked for.
    Ties = 4,
    /// Whether a rare event happens; the owner is the fingerprint of its name.
    Twist = 5,
}

/// The root of a run's chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chance {
    seed: u64,
    /// A mix of all fork numbers on the way from the original world; zero for the original.
    fork: u64,
}

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Chance { seed, fork: 0 }
    }

    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    /// The root of fork `n` of the run that has this root.
    pub(crate) const fn forked(&self, n: u64) -> Self {
        let mut mixer = Mixer::new();
        mixer.pair(self.fork, n);
        Chance { seed: self.seed, fork: mixer.finish64() }
    }

    /// The stream of `owner` for `purpose`.
    pub(crate) fn draws(&self, purpose: Purpose, owner: u64) -> Draws {
        let mut name = Mixer::new();
        name.pair(self.fork, purpose as u64);
        name.word(owner);
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        generator.set_stream(name.finish64());
        Draws { key: generator.next_u64(), salt: generator.next_u64() }
    }
}

/// A stream of draws that can be read at any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draws {
    key: u64,
    salt: u64,
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
const ASPECT: u64 = 0xd6e8_feb8_6659_fd93;

impl Draws {
    /// The `number`th word; `aspect` tells apart several draws about the same thing.
    #[inline(always)]
    pub(crate) const fn word(&self, number: u64, aspect: u64) -> u64 {
        let mut z = self.key.wrapping_add(number.wrapping_mul(GAMMA));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = z.wrapping_add(self.salt).wrapping_add(aspect.wrapping_mul(ASPECT));
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A draw in `0..n`.
    #[inline(always)]
    pub(crate) fn below(&self, number: u64, aspect: u64, n: u64) -> u64 {
        assert!(n > 0, "an empty range has no member");
        ((u128::from(self.word(number, aspect)) * u128::from(n)) >> 64) as u64
    }

    /// True `ppm` times in a million.
    #[inline(always)]
    pub(crate) fn ppm(&self, number: u64, aspect: u64, ppm: u32) -> bool {
        ppm > 0 && self.below(number, aspect, 1_000_000) < u64::from(ppm)
    }
}
