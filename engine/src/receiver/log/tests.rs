use alloc::vec::Vec;

use proptest::prelude::*;
use stormglass_sim::time::Instant;

use super::{Expired, Frame, Output, Row};
use crate::ids::{Attempt, CheckpointId, Child, ComponentId, Generation, Root, TaskId};
use crate::snapshot::TransactionId;

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

fn output() -> impl Strategy<Value = Output> {
    (any::<u64>(), any::<u32>(), any::<u64>()).prop_map(|(root, child, print)| Output {
        root: Root(root),
        child: Child(child),
        print,
    })
}

prop_compose! {
    fn row()(
        (table, key) in any::<(u16, u64)>(),
        (task, generation, sequence) in any::<(u16, u32, u32)>(),
        print in any::<u64>(),
    ) -> Row {
        let (table, task, generation) = (ComponentId(table), TaskId(task), Generation(generation));
        Row { table, key, task, generation, sequence, print }
    }
}

prop_compose! {
    fn expired()(id in id(), ended in any::<u32>(), records in any::<u32>(), at in any::<u64>())
        -> (TransactionId, Expired)
    {
        let checkpoint = Some(CheckpointId(ended)).filter(|id| id.0 != 0);
        (id, Expired { checkpoint, records, began: Instant(at) })
    }
}

fn frame() -> impl Strategy<Value = Frame> {
    let outputs = prop::collection::vec(output(), 0..4);
    let ids = || prop::collection::vec(id(), 0..3);
    let values = || prop::collection::vec(any::<u8>(), 0..5);
    prop_oneof![
        (id(), any::<u32>(), any::<u64>(), outputs, values()).prop_map(
            |(id, checkpoint, began, outputs, values)| {
                let (checkpoint, began) = (CheckpointId(checkpoint), Instant(began));
                Frame::PreCommit { id, checkpoint, began, outputs, values }
            }
        ),
        ids().prop_map(|ids| Frame::Commit { ids }),
        ids().prop_map(|ids| Frame::Shown { ids }),
        (any::<u16>(), any::<u32>()).prop_map(|(task, generation)| Frame::AbortOlder {
            task: TaskId(task),
            generation: Generation(generation),
        }),
        prop::collection::vec(expired(), 0..3).prop_map(|of| Frame::Expired { of }),
        (prop::collection::vec(row(), 0..3), values())
            .prop_map(|(rows, values)| Frame::Rows { rows, values }),
        (id(), values()).prop_map(|(first, values)| Frame::Appended { first, values }),
    ]
}

fn log(frames: &[Frame]) -> Vec<u8> {
    Frame::encode_all(frames).bytes().to_vec()
}

#[test]
fn zeros_where_a_crash_left_them_are_no_frame() {
    assert_eq!(Frame::decode_log(&[0; 64]), (Vec::new(), 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_log_reads_as_it_was_written(frames in prop::collection::vec(frame(), 0..6)) {
        let bytes = log(&frames);
        prop_assert_eq!(Frame::decode_log(&bytes), (frames, bytes.len()));
    }

    /// Whatever is cut off or flipped: the frames before it are read, and nothing behind it is.
    #[test]
    fn a_damaged_log_ends_before_the_damage(frames in prop::collection::vec(frame(), 1..4)) {
        let bytes = log(&frames);
        let ends: Vec<usize> = (0..=frames.len()).map(|n| log(&frames[..n]).len()).collect();
        for at in 0..bytes.len() {
            let whole = ends.iter().rposition(|end| *end <= at).expect("0 is an end");
            let expected = (frames[..whole].to_vec(), ends[whole]);
            prop_assert_eq!(Frame::decode_log(&bytes[..at]), expected.clone(), "cut at {}", at);
            for bit in 0..8 {
                let mut rotten = bytes.clone();
                rotten[at] ^= 1 << bit;
                prop_assert_eq!(Frame::decode_log(&rotten), expected.clone(), "byte {}", at);
            }
        }
    }
}
