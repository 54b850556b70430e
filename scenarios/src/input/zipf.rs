//! A Zipf law as an integer table, and the words of its ranks.

use smol_str::SmolStr;

/// Draws ranks from 0 on; the weight of rank `r` is `1 / (r + 1)^skew`.
///
/// Weights are whole numbers: `2^40 / (r + 1)^skew` rounded down, at least 1. For a skew of 0 and 1
/// the division is one of integers, otherwise the power is `libm`'s, the same on every machine;
/// draws compare integers alone.
#[derive(Clone, Debug)]
pub struct Zipf {
    /// `ends[r]` is the sum of the weights of the ranks up to `r`. Invariant: strictly rising.
    ends: Vec<u64>,
    /// For each slice of the draws' range the first rank that it can meet.
    guide: Vec<u32>,
}

const ONE: u64 = 1 << 40;
/// Slices of the guide as a power of two.
const GUIDE_BITS: u32 = 12;

impl Zipf {
    /// The law over so many ranks, with an exponent in millionths.
    ///
    /// # Panics
    /// If there is no rank, or more than 2^23.
    pub fn new(ranks: u32, skew_ppm: u32) -> Self {
        assert!((1..=1 << 23).contains(&ranks), "from 1 to 2^23 ranks");
        let mut sum = 0;
        let ends: Vec<u64> = (1..=u64::from(ranks))
            .map(|rank| {
                sum += weight(rank, skew_ppm).max(1);
                sum
            })
            .collect();
        let guide = (0..=1u64 << GUIDE_BITS).scan(0, |rank, slice| {
            let least = (u128::from(slice) * u128::from(sum)) >> GUIDE_BITS;
            while (*rank as usize) < ends.len() - 1 && u128::from(ends[*rank as usize]) <= least {
                *rank += 1;
            }
            Some(*rank)
        });
        let guide = guide.collect();
        Zipf { ends, guide }
    }

    /// The rank that a uniformly drawn word means.
    #[inline]
    pub fn rank(&self, word: u64) -> u32 {
        let sum = self.ends[self.ends.len() - 1];
        let point = ((u128::from(word) * u128::from(sum)) >> 64) as u64;
        let slice = (word >> (64 - GUIDE_BITS)) as usize;
        let (low, high) = (self.guide[slice] as usize, self.guide[slice + 1] as usize);
        (low + self.ends[low..high].partition_point(|end| *end <= point)) as u32
    }

    /// The weight of a rank, and the sum of all weights.
    pub fn share(&self, rank: u32) -> (u64, u64) {
        let rank = rank as usize;
        let before = rank.checked_sub(1).map_or(0, |before| self.ends[before]);
        (self.ends[rank] - before, self.ends[self.ends.len() - 1])
    }
}

fn weight(rank: u64, skew_ppm: u32) -> u64 {
    match skew_ppm {
        0 => ONE,
        1_000_000 => ONE / rank,
        ppm => (ONE as f64 / libm::pow(rank as f64, f64::from(ppm) / 1e6)) as u64,
    }
}

const CONSONANTS: &[u8; 16] = b"tnsrhldcmfpgwbvk";
const VOWELS: &[u8; 5] = b"eaoiu";
const SYLLABLES: u32 = (CONSONANTS.len() * VOWELS.len()) as u32;

/// The word of a rank: different for each, and short where it is frequent.
pub fn word(rank: u32) -> SmolStr {
    // Bijective numeration: one syllable for the first 80 ranks, two for the next 6,400, ...
    let mut letters = [0u8; 12];
    let (mut rest, mut at) = (rank + 1, letters.len());
    while rest > 0 {
        let syllable = ((rest - 1) % SYLLABLES) as usize;
        rest = (rest - 1) / SYLLABLES;
        letters[at - 1] = VOWELS[syllable / CONSONANTS.len()];
        letters[at - 2] = CONSONANTS[syllable % CONSONANTS.len()];
        at -= 2;
    }
    SmolStr::new(std::str::from_utf8(&letters[at..]).expect("letters"))
}
