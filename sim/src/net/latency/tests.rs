use super::*;
use crate::chance::{Chance, Purpose};
use alloc::vec::Vec;

const MIN: Span = Span(1_000);
const MAX: Span = Span(1_000_000);

fn sample(latency: Latency) -> Vec<u64> {
    let draws = Chance::new(1).draws(Purpose::Link, 7);
    let mut all: Vec<u64> = (0..100_000).map(|n| latency.draw(draws, n, 0).0).collect();
    all.sort_unstable();
    all
}

/// The share of the draws above a time, in thousandths.
fn above(all: &[u64], time: u64) -> usize {
    (all.len() - all.partition_point(|t| *t <= time)) * 1_000 / all.len()
}

#[test]
fn an_exponential_tail_has_its_mean_and_its_bounds() {
    let all = sample(Latency::Exponential { min: MIN, mean: Span(10_000), max: MAX });
    let mean = all.iter().sum::<u64>() / all.len() as u64;
    assert!((10_900..11_100).contains(&mean), "{mean}");
    assert!(all[0] >= MIN.0 && *all.last().expect("many") <= MAX.0);
    assert!((360..376).contains(&above(&all, 11_000)), "1/e lie above the mean");
    let short = sample(Latency::Exponential { min: MIN, mean: Span(10_000), max: Span(11_000) });
    assert_eq!(short.last(), Some(&11_000));
}

#[test]
fn a_heavy_tail_is_heavy() {
    let all = sample(Latency::Pareto { min: MIN, shape: 100, max: MAX });
    assert!(all[0] >= MIN.0);
    assert_eq!(all.last(), Some(&MAX.0), "one in a thousand reaches the bound");
    for (times, share) in [(2, 500), (10, 100), (100, 10)] {
        let seen = above(&all, times * MIN.0);
        assert!(seen.abs_diff(share) <= 3, "{seen} of 1000 above {times} times the shortest");
    }
    let lighter = sample(Latency::Pareto { min: MIN, shape: 300, max: MAX });
    assert!(above(&lighter, 2 * MIN.0).abs_diff(125) <= 3);
}

#[test]
fn the_bits_of_a_tail_are_the_same_everywhere() {
    let heavy = Latency::Pareto { min: MIN, shape: 150, max: Span::secs(10) };
    let soft = Latency::Exponential { min: MIN, mean: Span(10_000), max: MAX };
    let words = [0, 1 << 20, u64::MAX / 3, u64::MAX / 2, u64::MAX];
    let golden: Vec<(u64, u64)> =
        words.iter().map(|word| (heavy.tail(*word).0, soft.tail(*word).0)).collect();
    assert_eq!(golden, GOLDEN);
}

const GOLDEN: [(u64, u64); 5] = [
    (10_000_000_000, 368_368),
    (10_000_000_000, 305_965),
    (2_080, 11_986),
    (1_587, 7_931),
    (1_000, 1_000),
];

#[test]
fn what_has_no_member_is_not_sound() {
    assert!(!Latency::Uniform { min: MAX, max: MIN }.is_sound());
    assert!(!Latency::Exponential { min: MAX, mean: MIN, max: MIN }.is_sound());
    assert!(!Latency::Pareto { min: Span::ZERO, shape: 100, max: MAX }.is_sound());
    assert!(!Latency::Pareto { min: MIN, shape: 0, max: MAX }.is_sound());
    assert!(Latency::Pareto { min: MIN, shape: 1, max: MAX }.is_sound());
}
