use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{PartialKey, Ranges};
use crate::value::Value;

fn candidates(key: &[Value], tasks: u16) -> [u16; 2] {
    let fields: Vec<u16> = (0..key.len() as u16).collect();
    PartialKey::new(&fields, tasks).candidates(key)
}

/// Golden vectors: `Arrays.hashCode` of the key's bytes seeds `java.util.Random`, as a Java virtual
/// machine computes them.
#[test]
fn a_partial_key_has_storms_two_candidates() {
    let golden: [(&[Value], [[u16; 2]; 5]); 7] = [
        (&["a".into()], [[0, 1], [1, 0], [1, 0], [2, 0], [41, 5]]),
        (&["hello".into()], [[1, 0], [3, 0], [1, 0], [7, 0], [36, 45]]),
        (&["JFK".into(), "LAX".into()], [[1, 0], [3, 0], [1, 4], [6, 0], [51, 89]]),
        (&[42.into()], [[0, 1], [1, 0], [1, 2], [2, 1], [36, 86]]),
        (&[Value::Null], [[0, 1], [1, 0], [0, 3], [2, 0], [65, 23]]),
        (&[true.into(), 2.5.into()], [[1, 0], [3, 2], [0, 4], [6, 5], [30, 9]]),
        (&[Value::Int(1 << 31)], [[0, 1], [1, 2], [3, 4], [2, 3], [23, 89]]),
    ];
    for (key, expected) in golden {
        assert_eq!([2, 4, 5, 8, 100].map(|tasks| candidates(key, tasks)), expected, "{key:?}");
        assert_eq!(candidates(key, 1), [0, 0]);
    }
}

#[test]
fn a_partial_key_goes_where_less_was_sent_and_first_to_the_first() {
    let mut partial = PartialKey::new(&[0], 5);
    let words = ["a", "b", "a", "a", "b", "c", "a", "a", "d", "b", "c", "c", "a", "a", "e", "a"];
    let sent = words.map(|word| partial.choose(&[word.into()]));
    assert_eq!(sent, [1, 2, 0, 1, 3, 4, 0, 1, 3, 2, 4, 4, 0, 1, 3, 0]);
}

#[test]
fn only_the_named_fields_are_the_key() {
    let mut partial = PartialKey::new(&[1], 100);
    let to =
        |values: [Value; 2]| -> BTreeSet<u16> { (0..2).map(|_| partial.choose(&values)).collect() };
    let both: Vec<_> = [1, 2].into_iter().map(Value::Int).map(|x| [x, "a".into()]).collect();
    assert_eq!(both.into_iter().map(to).collect::<BTreeSet<_>>().len(), 1);
}

fn ranges(boundaries: &[Value]) -> Ranges {
    Ranges::new(0, &Arc::from(boundaries))
}

#[test]
fn a_boundary_belongs_to_the_range_below_it() {
    let ranges = ranges(&[10.into(), 20.into(), 30.into()]);
    let golden = [(i64::MIN, 0), (9, 0), (10, 0), (11, 1), (20, 1), (21, 2), (30, 2), (31, 3)];
    for (value, task) in golden {
        assert_eq!(ranges.index(&[value.into()]), task, "{value}");
    }
    // Values of other kinds are below or above all integers.
    assert_eq!([Value::Null, "10".into()].map(|value| ranges.index(&[value])), [0, 3]);
}

#[test]
fn one_task_has_the_only_range() {
    assert_eq!(ranges(&[]).index(&["anything".into()]), 0);
}

#[test]
fn strings_have_ranges_too() {
    let ranges = ranges(&["g".into(), "n".into()]);
    let words = ["", "fog", "g", "gale", "mist", "n", "night", "zephyr"];
    assert_eq!(words.map(|word| ranges.index(&[word.into()])), [0, 0, 0, 1, 1, 1, 2, 2]);
}

proptest! {
    /// A key reaches two tasks at most, and emitters balance: no task gets much more than its share
    /// where keys are many.
    #[test]
    fn a_partial_key_is_at_two_tasks_and_balanced(
        tasks in 1u16..12,
        keys in prop::collection::vec(0i64..500, 2_000..3_000),
    ) {
        let mut partial = PartialKey::new(&[0], tasks);
        let mut at: BTreeMap<i64, BTreeSet<u16>> = BTreeMap::new();
        for key in &keys {
            let task = partial.choose(&[(*key).into()]);
            at.entry(*key).or_default().insert(task);
            prop_assert!(candidates(&[(*key).into()], tasks).contains(&task));
        }
        prop_assert!(at.values().all(|tasks| tasks.len() <= 2));
        let share = keys.len() as u64 / u64::from(tasks);
        prop_assert_eq!(partial.sent.iter().sum::<u64>(), keys.len() as u64);
        for sent in &partial.sent {
            prop_assert!(sent.abs_diff(share) <= share / 4, "{:?}", partial.sent);
        }
    }

    /// One hot key is shared evenly between its two tasks.
    #[test]
    fn a_hot_key_has_two_even_halves(tasks in 2u16..50, key: i64, tuples in 1u64..300) {
        let mut partial = PartialKey::new(&[0], tasks);
        (0..tuples).for_each(|_| {
            partial.choose(&[key.into()]);
        });
        let [first, second] = candidates(&[key.into()], tasks);
        prop_assert_ne!(first, second);
        let sent = |task: u16| partial.sent[usize::from(task)];
        prop_assert_eq!((sent(first), sent(second)), (tuples.div_ceil(2), tuples / 2));
    }

    /// A greater value never goes to a lower task.
    #[test]
    fn ranges_are_monotone(
        boundaries in prop::collection::btree_set(any::<i64>(), 0..20),
        a: i64,
        b: i64,
    ) {
        let boundaries: Vec<Value> = boundaries.into_iter().map(Value::Int).collect();
        let ranges = ranges(&boundaries);
        let [low, high] = [a.min(b), a.max(b)].map(|value| ranges.index(&[value.into()]));
        prop_assert!(low <= high && usize::from(high) <= boundaries.len());
        for (task, boundary) in (0..).zip(&boundaries) {
            prop_assert_eq!(ranges.index(core::slice::from_ref(boundary)), task);
        }
    }
}
