use alloc::vec::Vec;

use proptest::prelude::*;
use stormglass_sim::payload::Payload;

use super::{Increment, Snapshot, TransactionId};
use crate::component::state::CellKind;
use crate::ids::{
    Attempt, CheckpointId, Child, Generation, KeyGroup, Partition, Root, StreamId, TaskId, Tree,
};
use crate::snapshot::in_flight::InFlight;
use crate::state::GroupSnapshot;
use crate::state::schema::StateName;
use crate::tuple::{Batch, Head};
use crate::value::Value;

prop_compose! {
    fn id()(
        task in any::<u16>(),
        generation in any::<u32>(),
        attempt in any::<u32>(),
        number in any::<u32>(),
    ) -> TransactionId {
        let (task, generation, attempt) = (TaskId(task), Generation(generation), Attempt(attempt));
        TransactionId { task, generation, attempt, number }
    }
}

prop_compose! {
    fn state()(
        name in "[a-z]{0,6}",
        kind in prop::sample::select(CellKind::ALL.as_slice()),
        version in any::<u16>(),
        expires in any::<bool>(),
    ) -> StateName {
        StateName { name: name.into(), kind, version, expires }
    }
}

prop_compose! {
    fn in_flight()(
        channel in (any::<u16>(), any::<u16>()),
        tuples in prop::collection::vec(
            (any::<u64>(), any::<u32>(), any::<i32>(), "[a-c]{0,2}"), 0..3),
    ) -> InFlight {
        let mut batch = Batch::default();
        for (root, child, hash, word) in tuples {
            let (root, child, stream) = (Root(root), Child(child), StreamId(3));
            let values = [Value::from(word.as_str()), Value::Int(hash.into())];
            batch.push(Head { root, child, hash, stream, arity: 2, tree: Tree::NONE }, &values);
        }
        InFlight { from: TaskId(channel.0), to: TaskId(channel.1), batch }
    }
}

prop_compose! {
    fn snapshot()(
        positions in prop::collection::vec((any::<u16>(), 0u64..1 << 48), 0..4),
        groups in prop::collection::vec(
            (any::<u16>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..40)), 0..4),
        transactions in prop::collection::vec((id(), any::<u32>()), 0..4),
        states in prop::collection::vec(state(), 0..3),
        operator in prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
        changed in prop::option::of((any::<u16>(), any::<u32>(), any::<u64>())),
        in_flight in prop::collection::vec(in_flight(), 0..3),
    ) -> Snapshot {
        Snapshot {
            positions: positions.into_iter().map(|(p, at)| Root::new(Partition(p), at)).collect(),
            groups: groups.into_iter().map(|(group, keys, data)| GroupSnapshot {
                group: KeyGroup(group), keys, data: Payload::new(data),
            }).collect(),
            transactions: transactions.into_iter().map(|(id, n)| (id, CheckpointId(n))).collect(),
            states,
            operator: operator.map(Payload::new),
            increment: changed.map(|(group, keys, data)| {
                let data = Payload::new(data.to_le_bytes());
                let changed = [GroupSnapshot { group: KeyGroup(group), keys, data }].into();
                Increment { changed, ..Increment::default() }
            }),
            in_flight,
        }
    }
}

#[test]
fn the_file_format_is_pinned() {
    let mut batch = Batch::default();
    let head = Head {
        root: Root(9),
        child: Child(8),
        hash: 7,
        stream: StreamId(6),
        arity: 1,
        tree: Tree::NONE,
    };
    batch.push(head, &[Value::Bool(true)]);
    let snapshot = Snapshot {
        positions: [Root::new(Partition(1), 2)].into(),
        groups: [GroupSnapshot { group: KeyGroup(3), keys: 4, data: Payload::new([5, 6]) }].into(),
        transactions: Vec::new(),
        states: [StateName { name: "n".into(), kind: CellKind::List, version: 7, expires: true }]
            .into(),
        operator: Some(Payload::new([8])),
        increment: None,
        in_flight: [InFlight { from: TaskId(1), to: TaskId(2), batch }].into(),
    };
    let file = snapshot.encode();
    let body: Vec<u8> = [
        &[1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0][..],
        &[1, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 5, 6],
        &[0, 0, 0, 0],
        &[1, 0, 0, 0, 1, 1, 7, 0, 1, 0, 0, 0, b'n'],
        &[1, 0, 0, 0, 8],
        &[1, 0, 0, 0, 1, 0, 2, 0, 1, 0, 0, 0],
        &[9, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0, 6, 0, 1, 0, 1, 1],
    ]
    .concat();
    assert_eq!(&file.bytes()[8..], body);
    assert_eq!(Snapshot::decode(&Payload::empty()), None);
}

/// The state in a file weighs what it is said to, what is around it its bytes.
#[test]
fn a_file_weighs_its_state() {
    let data = Payload::weighing(alloc::vec![1; 50], 4_000_000);
    let group = GroupSnapshot { group: KeyGroup(0), keys: 2, data };
    let operator = Some(Payload::weighing([1, 2, 3], 1));
    let snapshot = Snapshot { groups: [group].into(), operator, ..Snapshot::default() };
    let file = snapshot.encode();
    assert_eq!(snapshot.state_size(), 4_000_001);
    assert_eq!(file.size(), 4_000_001 + file.bytes().len() as u64 - 53);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_file_reads_as_it_was_written(snapshot in snapshot()) {
        prop_assert_eq!(Snapshot::decode(&snapshot.encode()), Some(snapshot));
    }

    /// Every truncation, every flipped bit and every byte too many is noticed.
    #[test]
    fn a_damaged_file_is_no_snapshot(snapshot in snapshot(), more in any::<u8>()) {
        let file = snapshot.encode();
        let bytes = file.bytes();
        for len in 0..bytes.len() {
            prop_assert_eq!(Snapshot::decode(&Payload::new(&bytes[..len])), None, "cut at {}", len);
        }
        for bit in 0..bytes.len() * 8 {
            let mut rotten = bytes.to_vec();
            rotten[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Snapshot::decode(&Payload::new(rotten)), None, "bit {}", bit);
        }
        let longer = [bytes, &[more]].concat();
        prop_assert_eq!(Snapshot::decode(&Payload::new(longer)), None);
    }
}
