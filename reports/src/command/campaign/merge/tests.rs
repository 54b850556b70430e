use std::collections::BTreeMap;

use super::{listed, together};

#[test]
fn missing_seeds_are_listed_as_ranges() {
    let told = |gaps: &[std::ops::Range<u64>]| {
        listed(&BTreeMap::from([("storm".to_string(), gaps.to_vec())])).join("; ")
    };
    assert_eq!(told(&[3..4, 5..8, 9..10]), "storm: 3, 5..8, 9");
    let odd: Vec<_> = (0..12).map(|n| 2 * n + 1..2 * n + 2).collect();
    assert_eq!(told(&odd), "storm: 1, 3, 5, 7, 9, 11, 13, 15, 17, 19 and 2 more");
    assert!(listed(&BTreeMap::new()).is_empty());
}

#[test]
fn ranges_that_touch_are_one() {
    let together = |ranges: &[&str]| {
        let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
        together(&ranges).unwrap().join(" ")
    };
    assert_eq!(together(&["0..9", "0..9", "0..9"]), "0..9");
    assert_eq!(together(&["20..30", "5..10", "0..5"]), "0..10 20..30");
    assert_eq!(together(&["0..10", "2..4"]), "0..10");
}
