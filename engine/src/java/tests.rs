use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{Random, deep_hash_code, floor_mod, hash_code};
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

/// The first numbers of a generator below a bound.
fn drawn<const N: usize>(seed: i64, bound: i32) -> [i32; N] {
    let mut random = Random::new(seed);
    [(); N].map(|()| random.next_int_below(bound))
}

/// Golden vectors: what a Java virtual machine draws.
#[test]
fn random_numbers_are_javas() {
    let mut random = Random::new(42);
    let words: Vec<i32> = (0..4).map(|_| random.next_int()).collect();
    assert_eq!(words, [-1_170_105_035, 234_785_527, -1_360_544_799, 205_897_768]);
    assert_eq!(drawn(42, 100), [30, 63, 48, 84, 70, 25, 5, 18]);
    assert_eq!(drawn(i64::MIN + 12_345, 3), [1, 1, 0, 0, 1, 1, 1, 0, 1, 0]);
    assert_eq!(drawn(5, i32::MAX), [1_568_779_487, 379_250_092, 189_533_474]);
}

#[test]
fn a_bound_that_is_a_power_of_two_takes_the_high_bits() {
    assert_eq!(drawn(-7, 16), [4, 14, 10, 15, 8, 2, 13, 5]);
    let mut random = Random::new(0);
    assert_eq!([(); 3].map(|()| random.next_int_below(1)), [0; 3]);
    assert_eq!(random.next_int_below(7), 2, "a bound of 1 draws, too");
}

#[test]
fn a_word_of_the_incomplete_run_is_drawn_again() {
    // The first word of the seed 1 is 1,569,548,985: above the only whole run of this bound.
    let bound = (1 << 30) + 1;
    let kept = [215_764_588, 880_641_847, 874_970_313, 446_064_254, 77_814_904, 714_504_434];
    assert_eq!(drawn(1, bound), kept);
    assert_eq!(Random::new(1).next_int() as u32 >> 1, 1_569_548_985);
}

#[test]
#[should_panic(expected = "bound must be positive")]
fn nothing_is_below_zero() {
    Random::new(1).next_int_below(0);
}

proptest! {
    #[test]
    fn draws_stay_below_their_bound(seed: i64, bound in 1..=i32::MAX) {
        let draws: [i32; 16] = drawn(seed, bound);
        prop_assert!(draws.iter().all(|draw| (0..bound).contains(draw)));
        prop_assert_eq!(drawn(seed, bound), draws);
        prop_assert_eq!(Random::new(seed), Random::new(seed & ((1 << 48) - 1)));
    }
}
