//! Sets of offsets: bitmaps that cost nothing where they are full. Few chunks are in between at any
//! time, so a clone copies them.

/// Words in a chunk; 64 offsets each.
const WORDS: usize = 64;
const OFFSETS: u64 = WORDS as u64 * 64;

#[derive(Clone, Debug)]
struct Bits {
    words: [u64; WORDS],
    ones: u32,
}

#[derive(Clone, Debug, Default)]
enum Chunk {
    #[default]
    Empty,
    Part(Box<Bits>),
    Full,
}

/// A set of offsets.
#[derive(Clone, Debug, Default)]
pub(super) struct Offsets {
    chunks: Vec<Chunk>,
}

impl Offsets {
    /// Adds an offset. False if it was there before.
    #[inline]
    pub(super) fn insert(&mut self, offset: u64) -> bool {
        let at = (offset / OFFSETS) as usize;
        if at >= self.chunks.len() {
            self.chunks.resize(at + 1, Chunk::Empty);
        }
        let chunk = &mut self.chunks[at];
        if let Chunk::Empty = chunk {
            *chunk = Chunk::Part(Box::new(Bits { words: [0; WORDS], ones: 0 }));
        }
        let Chunk::Part(bits) = chunk else { return false };
        let (word, bit) = ((offset % OFFSETS / 64) as usize, 1 << (offset % 64));
        if bits.words[word] & bit != 0 {
            return false;
        }
        bits.words[word] |= bit;
        bits.ones += 1;
        if u64::from(bits.ones) == OFFSETS {
            *chunk = Chunk::Full;
        }
        true
    }
    /// Whether an offset is in.
    pub(super) fn contains(&self, offset: u64) -> bool {
        match self.chunks.get((offset / OFFSETS) as usize) {
            None | Some(Chunk::Empty) => false,
            Some(Chunk::Part(bits)) => {
                bits.words[(offset % OFFSETS / 64) as usize] >> (offset % 64) & 1 == 1
            }
            Some(Chunk::Full) => true,
        }
    }
    /// Adds the set to a plain one, one bit an offset.
    pub(super) fn add_to(&self, plain: &mut [u64]) {
        for (chunk, words) in self.chunks.iter().zip(plain.chunks_mut(WORDS)) {
            for (at, word) in words.iter_mut().enumerate() {
                *word |= match chunk {
                    Chunk::Empty => 0,
                    Chunk::Part(bits) => bits.words[at],
                    Chunk::Full => u64::MAX,
                };
            }
        }
    }
}
