//! The pinned hash of the house: one fast 128-bit mixer for digests and fingerprints.
//!
//! Fixed widths, little-endian, no per-process key: the same words give the same result on every
//! machine and in every release of this crate (a test pins vectors). It guards against accidents,
//! not against adversaries.

#[cfg(test)]
mod tests;

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xd1b5_4a32_d192_ed03;

/// A running 128-bit mix of words.
///
/// Invariant: for a fixed sequence before it, `b` is a bijection of the next word, so no single
/// word is ever absorbed by an unlucky state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mixer {
    a: u64,
    b: u64,
}

impl Default for Mixer {
    fn default() -> Self {
        Mixer::new()
    }
}

/// The 128-bit product of two words, folded to 64 bits.
#[inline(always)]
const fn fold(x: u64, y: u64) -> u64 {
    let wide = (x as u128).wrapping_mul(y as u128);
    (wide as u64) ^ ((wide >> 64) as u64)
}

impl Mixer {
    /// The empty mix.
    pub const fn new() -> Self {
        Mixer { a: 0x243f_6a88_85a3_08d3, b: 0x1319_8a2e_0370_7344 }
    }

    /// Mixes one word in.
    #[inline(always)]
    pub const fn word(&mut self, x: u64) {
        self.a = fold(self.a ^ x, K0) ^ self.b.rotate_left(17);
        self.b = (self.b.rotate_left(29) ^ x).wrapping_mul(K1);
    }

    /// Mixes two words in; the order matters.
    #[inline(always)]
    pub const fn pair(&mut self, x: u64, y: u64) {
        self.word(x);
        self.word(y);
    }

    /// Mixes a 128-bit value in, low half first.
    #[inline(always)]
    pub const fn wide(&mut self, x: u128) {
        self.word(x as u64);
        self.word((x >> 64) as u64);
    }

    /// Mixes a byte string in: its length, then its bytes in little-endian words.
    ///
    /// The words of a long string are dealt out to four mixes, whose states are joined in the end:
    /// four short chains take less time than a long one.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        let mut bytes = bytes;
        if bytes.len() >= 64 {
            let mut others = [Mixer::new(); 3];
            let mut rounds = bytes.chunks_exact(32);
            for round in &mut rounds {
                let (one, rest) = round.split_at(8);
                self.word(u64::from_le_bytes(one.try_into().expect("eight bytes")));
                for (other, word) in others.iter_mut().zip(rest.chunks_exact(8)) {
                    other.word(u64::from_le_bytes(word.try_into().expect("eight bytes")));
                }
            }
            let [x, y, z] = others;
            self.word(x.a ^ y.a.rotate_left(21) ^ z.a.rotate_left(42));
            self.word(x.b ^ y.b.rotate_left(21) ^ z.b.rotate_left(42));
            bytes = rounds.remainder();
        }
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.word(u64::from_le_bytes(chunk.try_into().expect("eight bytes")));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(last));
        }
    }

    /// Mixes a short string in, after a tag of at most 8 bits: faster than [`Mixer::bytes`] below
    /// 24 bytes, for it copies nothing. Tag and length are in the first word, so strings of
    /// different lengths or tags never agree.
    #[inline]
    pub fn text(&mut self, tag: u8, bytes: &[u8]) {
        self.word(u64::from(tag) | (bytes.len() as u64) << 8);
        let mut rest = bytes;
        while let Some((head, tail)) = rest.split_first_chunk::<8>() {
            self.word(u64::from_le_bytes(*head));
            rest = tail;
        }
        // Four to seven bytes by two words that may overlap, one to three byte by byte.
        match (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
                self.word(u64::from(first) | u64::from(last) << 32);
            }
            _ => {
                if let [first, .., last] | [first @ last] = rest {
                    let middle = rest[rest.len() / 2];
                    self.word(u64::from(*first) | u64::from(middle) << 8 | u64::from(*last) << 16);
                }
            }
        }
    }

    /// The 128-bit value of all that was mixed in so far.
    pub const fn finish(self) -> u128 {
        let lo = fold(self.a ^ self.b.rotate_left(32), K1);
        let hi = fold(self.b ^ K0, K1 ^ self.a.rotate_left(11)) ^ self.b;
        ((hi as u128) << 64) | lo as u128
    }

    /// The low 64 bits of [`Mixer::finish`].
    pub const fn finish64(self) -> u64 {
        self.finish() as u64
    }
}

/// The fingerprint of a byte string.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    let mut mixer = Mixer::new();
    mixer.bytes(bytes);
    mixer.finish64()
}

/// A digest of a run: equal digests mean equal histories. Printed as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub u128);

impl core::fmt::Display for Digest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
impl core::fmt::Debug for Digest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}
