//! Increments over a base are the state, and so are the entries of a local store.

use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::java;

const GROUPS: u16 = 8;

fn empty() -> KeyedState {
    KeyedState::new(0..GROUPS, GROUPS, 2)
}

/// What is done to a key: a cell is set, or the row is cleared.
type Step = (u8, Option<(u16, i64)>);

fn apply(state: &mut KeyedState, (key, what): Step) {
    let key = [Value::Int(i64::from(key) % 23)];
    state.select(java::deep_hash_code(key.iter()), &key);
    match what {
        Some((slot, value)) => state.put(slot % 2, Value::Int(value)),
        None => state.clear(),
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let what = prop::option::weighted(0.7, (any::<u16>(), any::<i64>()));
    prop::collection::vec((any::<u8>(), what), 0..60)
}

fn keys(state: &mut KeyedState) -> Keys {
    state.take_changes().into_iter().collect()
}

proptest! {
    #[test]
    fn increments_over_a_base_are_the_state(rounds in prop::collection::vec(steps(), 1..5)) {
        let mut state = empty();
        state.track_changes();
        let (mut layers, mut store) = (Layers::default(), BTreeMap::new());
        for (number, steps) in rounds.into_iter().enumerate() {
            steps.into_iter().for_each(|step| apply(&mut state, step));
            let keys = keys(&mut state);
            for Change { key, value } in state.changed_entries(&keys).0 {
                match value {
                    Some(value) => drop(store.insert(key, value)),
                    None => drop(store.remove(&key)),
                }
            }
            if number == 0 {
                layers.lay(&state.snapshot()).expect("it is an encoding");
            } else {
                layers.lay_changes(&state.delta(&keys)).expect("it is an encoding");
            }
            prop_assert_eq!(layers.clone().finish(), state.snapshot());
            let entries: Vec<Entry> = store.clone().into_iter().collect();
            prop_assert_eq!(&entries, &state.entries().0);
            let mut stored = Layers::default();
            stored.lay_entries(&entries).expect("they are rows");
            prop_assert_eq!(stored.finish(), state.snapshot());
        }
    }

    #[test]
    fn what_is_no_encoding_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let data = Payload::new(bytes);
        let group = GroupSnapshot { group: KeyGroup(0), keys: 0, data };
        // It must not panic; most of it is refused.
        let _ = Layers::default().lay_changes(core::slice::from_ref(&group));
        let _ = Layers::default().lay_entries(&[(group.data.bytes().to_vec(), Vec::new())]);
    }
}

#[test]
fn a_group_is_a_range_of_entries() {
    for group in [0, 1, 255, 256, u16::MAX] {
        let range = range_of(KeyGroup(group));
        for key in [-1, 7, i64::MAX] {
            assert!(range.contains(&entry_key(KeyGroup(group), &[Value::Int(key)])));
        }
        let others = [group.wrapping_sub(1), group.wrapping_add(1)];
        for other in others {
            assert!(!range.contains(&entry_key(KeyGroup(other), &[Value::Int(7)])));
        }
    }
}
