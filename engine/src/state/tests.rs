use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use stormglass_sim::payload::Payload;

use super::{GroupSnapshot, KeyedState};
use crate::component::ValueState;
use crate::ids::KeyGroup;
use crate::java;
use crate::value::Value;

const GROUPS: u16 = 4;

fn state() -> KeyedState {
    KeyedState::new(0..GROUPS, GROUPS, 2)
}

fn select(state: &mut KeyedState, key: &str) -> KeyGroup {
    let key = [Value::from(key)];
    state.select(java::deep_hash_code(key.iter()), &key)
}

#[test]
fn a_cell_never_set_is_none_and_a_cleared_key_is_gone() {
    let mut state = state();
    select(&mut state, "a");
    assert_eq!(state.get(0), None);
    state.put(1, 7.into());
    assert_eq!((state.get(0), state.get(1)), (None, Some(&Value::Int(7))));
    select(&mut state, "b");
    assert_eq!(state.get(1), None);
    select(&mut state, "a");
    state.clear();
    assert_eq!(state.get(1), None);
    assert!(state.snapshot().is_empty());
}

#[test]
fn the_canonical_encoding_is_as_documented() {
    let mut state = KeyedState::new(0..1, 1, 2);
    select(&mut state, "b");
    state.put(0, 1.into());
    select(&mut state, "a");
    state.put(1, true.into());
    let snapshot = state.snapshot();
    let expected: Vec<u8> = [
        &[2u8, 0, 0, 0][..],
        &[1, 0, 4, 1, 0, 0, 0, b'a', 2, 0, 0, 1, 1],
        &[1, 0, 4, 1, 0, 0, 0, b'b', 2, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    assert_eq!(snapshot[0].data.bytes(), expected);
    assert_eq!((snapshot[0].group, snapshot[0].keys), (KeyGroup(0), 2));
}

#[test]
fn a_group_of_another_task_or_torn_data_is_refused() {
    let mut from = KeyedState::new(0..1, 1, 2);
    select(&mut from, "a");
    from.put(0, 1.into());
    let good = from.snapshot().remove(0);
    let mut to = KeyedState::new(2..4, 4, 2);
    assert!(!to.restore(&good));
    let mut to = KeyedState::new(0..1, 1, 2);
    for cut in 0..good.data.bytes().len() {
        let data = stormglass_sim::payload::Payload::new(&good.data.bytes()[..cut]);
        assert!(!to.restore(&GroupSnapshot { data, ..good.clone() }), "cut at {cut}");
    }
    let mut narrow = KeyedState::new(0..1, 1, 1);
    assert!(!narrow.restore(&good));
    assert!(to.restore(&good));
}

#[test]
#[should_panic(expected = "belongs to another task")]
fn a_key_of_another_task_is_a_bug() {
    let mut state = KeyedState::new(0..1, 4, 1);
    for key in ["a", "b", "c", "d", "e", "f"] {
        select(&mut state, key);
    }
}

/// A word count of 1,000,000 users, each with a count of 4 bytes: 4 MB, not the 40 MB that Rust
/// needs here.
#[test]
fn a_million_users_at_4_bytes_are_4_megabytes() {
    const COUNT: ValueState = ValueState::new(0, "count").weight(4);
    let mut state = KeyedState::new(0..GROUPS, GROUPS, 1).weighing(&[*COUNT]);
    for user in 0..1_000_000 {
        let key = [Value::Int(user)];
        state.select(java::deep_hash_code(key.iter()), &key);
        state.put(0, 1.into());
    }
    let snapshot = state.snapshot();
    assert_eq!(snapshot.iter().map(|group| group.data.size()).sum::<u64>(), 4_000_000);
    let mut other = KeyedState::new(0..GROUPS, GROUPS, 1).weighing(&[*COUNT]);
    // A file keeps bytes; what they weigh is found again.
    let plain = Payload::new(snapshot[0].data.bytes());
    assert_ne!(plain, snapshot[0].data);
    assert!(other.restore(&GroupSnapshot { data: plain, ..snapshot[0].clone() }));
    assert_eq!(other.snapshot(), snapshot[..1]);
}

#[test]
fn a_row_of_which_nothing_is_left_is_gone() {
    let mut state = state();
    select(&mut state, "a");
    state.update(0, &mut |value| assert_eq!(*value, Value::Null));
    assert!(state.snapshot().is_empty(), "looking makes no row");
    state.update(0, &mut |value| *value = 1.into());
    state.update(1, &mut |value| *value = 2.into());
    state.update(0, &mut |value| *value = Value::Null);
    assert_eq!((state.get(0), state.get(1)), (None, Some(&Value::Int(2))));
    state.update(1, &mut |value| *value = Value::Null);
    assert!(state.snapshot().is_empty());
    state.update(1, &mut |value| *value = 3.into());
    assert_eq!(state.row(&["a".into()]), Some(&[Value::Null, Value::Int(3)][..]));
    assert_eq!(state.row(&["b".into()]), None);
}

#[test]
fn changes_are_named_once_and_only_if_wanted() {
    let mut state = state();
    let put = |state: &mut KeyedState, key: &str| {
        let group = select(state, key);
        state.put(0, 1.into());
        group
    };
    put(&mut state, "before");
    assert_eq!(state.take_changes(), vec![]);
    state.track_changes();
    let mut expected = Vec::new();
    for key in ["a", "b", "a", "c", "a"] {
        let group = put(&mut state, key);
        expected.push((group, vec![Value::from(key)]));
        state.put(1, 2.into());
    }
    select(&mut state, "before");
    state.get(0);
    let group = select(&mut state, "b");
    state.clear();
    assert_eq!(state.row(&["b".into()]), None, "it changed: it is gone");
    expected.sort();
    expected.dedup();
    assert_eq!(state.take_changes(), expected);
    assert_eq!(state.take_changes(), vec![]);
    state.update(0, &mut |value| *value = 5.into());
    assert_eq!(state.take_changes(), vec![(group, vec![Value::from("b")])]);
}

fn values() -> impl Strategy<Value = Value> {
    let floats = prop_oneof![any::<f64>(), Just(0.0), Just(-0.0), Just(f64::NAN), Just(-f64::NAN)];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-2i64..3).prop_map(Value::Int),
        floats.prop_map(Value::Float),
        (0usize..40).prop_map(|length| Value::from(&"a".repeat(length)[..])),
        prop::collection::vec(0u8..2, 0..3).prop_map(|bytes| Value::Bytes(bytes.into())),
    ];
    let list = |inner| prop::collection::vec(inner, 0..3).prop_map(|all| Value::List(all.into()));
    leaf.prop_recursive(2, 8, 3, list)
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u16, i64),
    Clear(u8),
    Snapshot,
    Clone,
    Restore,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0u8..30, 0u16..2, any::<i64>()).prop_map(|(k, s, v)| Step::Put(k, s, v)),
        2 => (0u8..30).prop_map(Step::Clear),
        2 => Just(Step::Snapshot),
        1 => Just(Step::Clone),
        1 => Just(Step::Restore),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    /// Two values are equal exactly if neither comes before the other.
    #[test]
    fn equality_is_that_of_the_order(a in values(), b in values()) {
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        prop_assert!(a == a.clone());
    }

    /// Whatever happens, state is what an ordered map of the same steps says, through snapshots,
    /// clones and restores.
    #[test]
    fn state_is_a_map(steps in steps()) {
        let mut state = state();
        let mut model: BTreeMap<u8, [Option<i64>; 2]> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Put(key, slot, value) => {
                    select(&mut state, &alloc::format!("key-{key}"));
                    state.put(slot, value.into());
                    model.entry(key).or_default()[usize::from(slot)] = Some(value);
                }
                Step::Clear(key) => {
                    select(&mut state, &alloc::format!("key-{key}"));
                    state.clear();
                    model.remove(&key);
                }
                Step::Snapshot => {
                    let keys: u32 = state.snapshot().iter().map(|group| group.keys).sum();
                    prop_assert_eq!(keys as usize, model.len());
                }
                Step::Clone => {
                    let mut other = state.clone();
                    select(&mut other, "key-1");
                    other.put(0, (-1).into());
                    select(&mut other, "elsewhere");
                    other.put(0, (-1).into());
                }
                Step::Restore => {
                    let mut other = KeyedState::new(0..GROUPS, GROUPS, 2);
                    let snapshot = state.snapshot();
                    prop_assert!(snapshot.iter().all(|group| other.restore(group)));
                    prop_assert_eq!(other.snapshot(), snapshot);
                    state = other;
                }
            }
            for key in 0..30 {
                select(&mut state, &alloc::format!("key-{key}"));
                for slot in 0..2 {
                    let expected = model.get(&key).and_then(|row| row[usize::from(slot)]);
                    let expected = expected.map(Value::Int);
                    prop_assert_eq!(state.get(slot), expected.as_ref());
                }
            }
        }
    }

    /// An encoding that copies what did not change is the one that is made from nothing.
    #[test]
    fn a_patched_encoding_equals_a_fresh_one(steps in steps()) {
        let mut state = state();
        let mut model: BTreeMap<u8, [Value; 2]> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Put(key, slot, value) => {
                    // Of two kinds and several lengths.
                    let value = match value % 7 {
                        0 | 1 => Value::Int(value),
                        length => Value::from(&"values"[..length.unsigned_abs() as usize]),
                    };
                    select(&mut state, &alloc::format!("key-{key}"));
                    state.put(slot, value.clone());
                    let row = model.entry(key).or_insert([Value::Null, Value::Null]);
                    row[usize::from(slot)] = value;
                }
                Step::Clear(key) => {
                    select(&mut state, &alloc::format!("key-{key}"));
                    state.clear();
                    model.remove(&key);
                }
                Step::Clone => {
                    let mut other = state.clone();
                    select(&mut other, "elsewhere");
                    other.put(0, (-1).into());
                    other.snapshot();
                }
                Step::Restore => {
                    let snapshot = state.snapshot();
                    state = KeyedState::new(0..GROUPS, GROUPS, 2);
                    prop_assert!(snapshot.iter().all(|group| state.restore(group)));
                }
                Step::Snapshot => {
                    let mut fresh = KeyedState::new(0..GROUPS, GROUPS, 2);
                    for (key, row) in model.iter().rev() {
                        select(&mut fresh, &alloc::format!("key-{key}"));
                        (0..).zip(row).for_each(|(slot, value)| fresh.put(slot, value.clone()));
                    }
                    prop_assert_eq!(state.snapshot(), fresh.snapshot());
                }
            }
        }
    }

    /// Equal contents have equal encodings, whatever the history.
    #[test]
    fn encoding_forgets_history(keys in prop::collection::vec(0u8..50, 1..60)) {
        let mut forward = state();
        let mut backward = state();
        for key in &keys {
            select(&mut forward, &alloc::format!("{key}"));
            forward.put(0, i64::from(*key).into());
        }
        select(&mut backward, "gone");
        backward.put(0, 1.into());
        for key in keys.iter().rev() {
            select(&mut backward, &alloc::format!("{key}"));
            backward.put(0, i64::from(*key).into());
        }
        select(&mut backward, "gone");
        backward.clear();
        prop_assert_eq!(forward.snapshot(), backward.snapshot());
        let none: Vec<GroupSnapshot> = vec![];
        prop_assert_ne!(forward.snapshot(), none);
    }
}
