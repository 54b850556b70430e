use alloc::sync::Arc;
use alloc::vec;

use super::{deep_hash_code, floor_mod, hash_code};
use crate::value::Value;

/// Golden vectors: what the Java class library answers.
#[test]
fn hash_codes_are_javas() {
    for (value, hash) in [
        (Value::Null, 0),
        (Value::Bool(true), 1231),
        (Value::Bool(false), 1237),
        (Value::from(""), 0),
        (Value::from("a"), 97),
        (Value::from("hello"), 99_162_322),
        (Value::from("polygenelubricants"), i32::MIN),
        (Value::from("\u{e4}\u{1f600}"), 228 * 961 + 0xd83d * 31 + 0xde00),
        (Value::Int(0), 0),
        (Value::Int(42), 42),
        (Value::Int(-1), 0),
        (Value::Int(1 << 32), 1),
        (Value::Int(i64::MIN), i32::MIN),
        (Value::Float(0.0), 0),
        (Value::Float(-0.0), i32::MIN),
        (Value::Float(1.0), 1_072_693_248),
        (Value::Float(1.5), 1_073_217_536),
        (Value::Float(f64::NAN), 2_146_959_360),
        (Value::Bytes(Arc::from([])), 1),
        (Value::Bytes(Arc::from([1, 2, 255])), ((31 + 1) * 31 + 2) * 31 - 1),
    ] {
        assert_eq!(hash_code(&value), hash, "{value}");
    }
}

/// SEMANTICS 1.1: "one String key "a" -> 31+97=128"; a null list hashes to 1.
#[test]
fn deep_hash_codes_are_storms() {
    let a = Value::from("a");
    assert_eq!(deep_hash_code([&a].into_iter()), 128);
    assert_eq!(deep_hash_code([].into_iter()), 1);
    let pair = Value::List(vec![Value::from("SAN"), Value::from("SJC")].into());
    let san = (i32::from(b'S') * 31 + i32::from(b'A')) * 31 + i32::from(b'N');
    let sjc = (i32::from(b'S') * 31 + i32::from(b'J')) * 31 + i32::from(b'C');
    assert_eq!(hash_code(&pair), (31 + san) * 31 + sjc);
    assert_eq!(deep_hash_code([&pair].into_iter()), 31 + (31 + san) * 31 + sjc);
}

#[test]
fn floor_mod_is_never_negative() {
    assert_eq!(floor_mod(-1, 4), 3);
    assert_eq!(floor_mod(i32::MIN, 7), (i64::from(i32::MIN)).rem_euclid(7) as u16);
    assert_eq!(floor_mod(128, 5), 3);
}
