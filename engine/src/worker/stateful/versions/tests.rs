use std::vec::Vec;

use super::*;
use crate::coordinator::checkpoint_spout::Phase;
use crate::ids::{Partition, Root, TaskId, Tree};
use crate::java;
use crate::state::KeyedState;
use crate::value::Value;

const COMMITTED: TxState = TxState { txid: Txid(4), phase: Phase::Committed };

fn ack(offset: u64) -> Ack {
    let tree = Tree::new(TaskId(1), 1);
    Ack { root: Root::new(Partition(0), offset), tree, edges: Some(offset) }
}

fn put(states: &mut States, key: &str, value: i64) {
    let state = states.keyed.as_mut().unwrap();
    let key = [Value::from(key)];
    state.select(java::deep_hash_code(key.iter()), &key);
    state.put(0, value.into());
}

fn sent(outgoing: &mut Outgoing) -> Vec<(u64, bool)> {
    let acks = outgoing.take().into_values().flatten();
    acks.map(|ack| (ack.root.offset(), ack.edges.is_some())).collect()
}

fn fresh() -> (Versions, States, Outgoing) {
    let mut state = States::of(KeyedState::new(0..4, 4, 1));
    put(&mut state, "a", 1);
    let mut versions = Versions::restored(state.clone(), Some(CheckpointId(9)), COMMITTED);
    assert!(!versions.prepare(Txid(5), CheckpointId(10), &mut state), "it is not initialised");
    versions.initialise();
    (versions, state, Outgoing::default())
}

#[test]
fn inputs_are_acked_when_the_state_that_holds_them_is_committed() {
    let (mut versions, mut state, mut outgoing) = fresh();
    versions.executed(ack(1));
    assert!(versions.prepare(Txid(5), CheckpointId(10), &mut state));
    versions.executed(ack(2));
    assert_eq!(sent(&mut outgoing), []);
    assert!(versions.commit(Txid(5), &mut outgoing));
    assert_eq!(sent(&mut outgoing), [(1, true)]);
    assert!(versions.prepare(Txid(6), CheckpointId(11), &mut state));
    assert!(versions.commit(Txid(6), &mut outgoing));
    assert_eq!(sent(&mut outgoing), [(2, true)]);
}

#[test]
fn a_rollback_forgets_all_that_is_not_committed_and_fails_its_inputs() {
    let (mut versions, mut state, mut outgoing) = fresh();
    let before = state.print();
    put(&mut state, "a", 2);
    versions.executed(ack(1));
    assert!(versions.prepare(Txid(5), CheckpointId(10), &mut state));
    put(&mut state, "b", 3);
    versions.executed(ack(2));
    let back = versions.roll_back(&mut state, false, &mut outgoing);
    assert_eq!(back, Some(CheckpointId(9)));
    assert_eq!(state.print(), before);
    assert_eq!(sent(&mut outgoing), [(1, false), (2, false)]);
}

#[test]
fn a_rollback_goes_back_to_the_newest_committed_state() {
    let (mut versions, mut state, mut outgoing) = fresh();
    put(&mut state, "a", 2);
    let committed = state.print();
    assert!(versions.prepare(Txid(5), CheckpointId(10), &mut state));
    assert!(versions.commit(Txid(5), &mut outgoing));
    put(&mut state, "a", 3);
    assert_ne!(state.print(), committed);
    assert_eq!(versions.roll_back(&mut state, false, &mut outgoing), Some(CheckpointId(10)));
    assert_eq!(state.print(), committed);
}
