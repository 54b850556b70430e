use alloc::vec::Vec;

use proptest::prelude::*;

use super::{Frame, Output};
use crate::ids::{Attempt, CheckpointId, Child, Generation, Root, TaskId};
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

fn frame() -> impl Strategy<Value = Frame> {
    let outputs = prop::collection::vec(output(), 0..4);
    let ids = || prop::collection::vec(id(), 0..3);
    prop_oneof![
        (id(), any::<u32>(), outputs).prop_map(|(id, checkpoint, outputs)| Frame::PreCommit {
            id,
            checkpoint: CheckpointId(checkpoint),
            outputs,
        }),
        ids().prop_map(|ids| Frame::Commit { ids }),
        ids().prop_map(|ids| Frame::Shown { ids }),
        (any::<u16>(), any::<u32>()).prop_map(|(task, generation)| Frame::AbortOlder {
            task: TaskId(task),
            generation: Generation(generation),
        }),
    ]
}

fn log(frames: &[Frame]) -> Vec<u8> {
    Frame::encode_all(frames).bytes().to_vec()
}

#[test]
fn values_of_a_pre_commit_do_not_hide_what_follows() {
    let id = TransactionId {
        task: TaskId(2),
        generation: Generation(1),
        attempt: Attempt(1),
        number: 0,
    };
    let outputs = Vec::from([Output { root: Root(1), child: Child(2), print: 3 }]);
    let mut bytes = Vec::new();
    let payload = Frame::encode_pre_commit(id, CheckpointId(4), &outputs, b"the values");
    bytes.extend_from_slice(payload.bytes());
    let commit = Frame::Commit { ids: [id].into() };
    bytes.extend_from_slice(&log(core::slice::from_ref(&commit)));
    let pre_commit = Frame::PreCommit { id, checkpoint: CheckpointId(4), outputs };
    assert_eq!(Frame::decode_log(&bytes), ([pre_commit, commit].into(), bytes.len()));
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
