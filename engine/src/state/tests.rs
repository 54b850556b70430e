use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{GroupSnapshot, KeyedState};
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
        1 => Just(Step::Snapshot),
        1 => Just(Step::Clone),
        1 => Just(Step::Restore),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
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
