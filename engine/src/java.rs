//! Java's hash codes: 32-bit, wrapping; the basis of Storm's fields grouping.
//!
//! Rules after the Java class library's documentation: `String`, `Long`, `Double`, `Boolean`,
//! `Arrays.hashCode(byte[])` and `Arrays.deepHashCode(Object[])`.

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
        Value::Bytes(b) => {
            b.iter().fold(1, |h: i32, byte| h.wrapping_mul(31).wrapping_add(i32::from(*byte as i8)))
        }
        Value::List(items) => deep_hash_code(items.iter()),
    }
}

/// `Arrays.deepHashCode` over values in order: the hash of a selection of fields.
pub fn deep_hash_code<'a>(values: impl Iterator<Item = &'a Value>) -> i32 {
    values.fold(1, |h: i32, value| h.wrapping_mul(31).wrapping_add(hash_code(value)))
}

/// `String.hashCode`: over UTF-16 code units.
fn string(s: &str) -> i32 {
    let step = |h: i32, unit: i32| h.wrapping_mul(31).wrapping_add(unit);
    if s.is_ascii() {
        return s.bytes().fold(0, |h, byte| step(h, i32::from(byte)));
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

#[cfg(test)]
mod tests;
