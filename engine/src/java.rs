//! Java's hash codes and random numbers: the basis of Storm's groupings.
//!
//! Hash codes have 32 bits and wrap. Rules after the Java class library's documentation: `String`,
//! `Long`, `Double`, `Boolean`, `Arrays.hashCode(byte[])`, `Arrays.deepHashCode(Object[])` and
//! `java.util.Random`.

use crate::value::Value;

/// `hashCode` of one value; 0 for null.
pub fn hash_code(value: &Value) -> i32 {
    match value {
        Value::Null => 0,
        Value::Bool(true) => 1231,
        Value::Bool(false) => 1237,
        Value::Int(n) => fold(*n as u64),
        Value::Float(x) => fold(if x.is_nan() { 0x7ff8_0000_0000_0000 } else { x.to_bits() }),
        Value::Str(s) => string(s),
        Value::Bytes(b) => bytes(b.iter().copied()),
        Value::List(items) => deep_hash_code(items.iter()),
    }
}

/// `Arrays.deepHashCode` over values in order: the hash of a selection of fields.
pub fn deep_hash_code<'a>(values: impl Iterator<Item = &'a Value>) -> i32 {
    values.fold(1, |h: i32, value| h.wrapping_mul(31).wrapping_add(hash_code(value)))
}

/// `Arrays.hashCode(byte[])`: bytes are signed.
pub fn bytes(bytes: impl Iterator<Item = u8>) -> i32 {
    bytes.fold(1, |h: i32, byte| h.wrapping_mul(31).wrapping_add(i32::from(byte as i8)))
}

/// `String.hashCode`: over UTF-16 code units.
fn string(s: &str) -> i32 {
    let step = |h: i32, unit: i32| h.wrapping_mul(31).wrapping_add(unit);
    // Most strings are ASCII: then the bytes are the units, and one pass is enough to know.
    let both = |(h, all): (i32, u8), byte: u8| (step(h, byte.into()), all | byte);
    let (hash, all) = s.bytes().fold((0, 0), both);
    if all.is_ascii() {
        return hash;
    }
    s.encode_utf16().fold(0, |h, unit| step(h, i32::from(unit)))
}

/// `Long.hashCode`, and `Double.hashCode` over the bits.
const fn fold(bits: u64) -> i32 {
    (bits ^ (bits >> 32)) as u32 as i32
}

/// `Math.floorMod` of a hash and a positive number.
///
/// # Panics
/// If `n` is zero.
pub const fn floor_mod(hash: i32, n: u16) -> u16 {
    assert!(n > 0, "nothing to choose from");
    hash.rem_euclid(n as i32) as u16
}

/// `java.util.Random`: a linear congruential generator of 48 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random(u64);

impl Random {
    const MULTIPLIER: u64 = 0x5_deec_e66d;
    const MASK: u64 = (1 << 48) - 1;

    /// `new Random(seed)`: only the low 48 bits of a seed matter.
    pub const fn new(seed: i64) -> Self {
        Random((seed as u64 ^ Random::MULTIPLIER) & Random::MASK)
    }

    /// The high bits of the next state.
    const fn next(&mut self, bits: u32) -> u32 {
        self.0 = self.0.wrapping_mul(Random::MULTIPLIER).wrapping_add(11) & Random::MASK;
        (self.0 >> (48 - bits)) as u32
    }

    /// `nextInt()`: any of the 2^32 numbers.
    pub const fn next_int(&mut self) -> i32 {
        self.next(32) as i32
    }

    /// `nextInt(bound)`: one of `0..bound`.
    ///
    /// # Panics
    /// If the bound is not positive (Java throws, too).
    pub const fn next_int_below(&mut self, bound: i32) -> i32 {
        assert!(bound > 0, "bound must be positive");
        if bound & (bound - 1) == 0 {
            return ((bound as i64 * self.next(31) as i64) >> 31) as i32;
        }
        loop {
            let word = self.next(31) as i32;
            let rest = word % bound;
            // The last, incomplete run of `bound` numbers below 2^31 overflows and is drawn again.
            if (word - rest).checked_add(bound - 1).is_some() {
                return rest;
            }
        }
    }
}

#[cfg(test)]
mod tests;
