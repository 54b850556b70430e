use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;
use stormglass_sim::time::Instant;

use super::{Expired, Frame, Output, Rotten, Row, seal};
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

/// Frames that were written since one sync.
fn log(frames: &[Frame]) -> Vec<u8> {
    let mut bytes = Frame::encode_all(frames);
    assert_eq!(seal(&mut bytes, 0, Some(0)), frames.len() as u64);
    bytes
}

/// Frames, each of which was synced before the next one was written.
fn synced(frames: &[Frame]) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut ends) = (Vec::new(), Vec::from([0]));
    for frame in frames {
        let mut one = Frame::encode_all(std::slice::from_ref(frame));
        seal(&mut one, bytes.len() as u64, Some(0));
        bytes.extend(one);
        ends.push(bytes.len());
    }
    (bytes, ends)
}

#[test]
fn zeros_where_a_crash_left_them_are_no_frame() {
    assert_eq!(Frame::decode_log(&[0; 64]), Ok((Vec::new(), 0)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_log_reads_as_it_was_written(frames in prop::collection::vec(frame(), 0..6)) {
        let bytes = log(&frames);
        prop_assert_eq!(Frame::decode_log(&bytes), Ok((frames, bytes.len())));
    }

    /// Whatever is cut off or flipped since the last sync: the frames before it are read, and
    /// nothing behind it is.
    #[test]
    fn a_damaged_log_ends_before_the_damage(frames in prop::collection::vec(frame(), 1..4)) {
        let bytes = log(&frames);
        let ends: Vec<usize> = (0..=frames.len()).map(|n| log(&frames[..n]).len()).collect();
        for at in 0..bytes.len() {
            let whole = ends.iter().rposition(|end| *end <= at).expect("0 is an end");
            let expected = Ok((frames[..whole].to_vec(), ends[whole]));
            prop_assert_eq!(Frame::decode_log(&bytes[..at]), expected.clone(), "cut at {}", at);
            for bit in 0..8 {
                let mut rotten = bytes.clone();
                rotten[at] ^= 1 << bit;
                prop_assert_eq!(Frame::decode_log(&rotten), expected.clone(), "byte {}", at);
            }
        }
    }

    /// A receiver's log had rotted in the middle. What was behind that, transactions that had been
    /// committed, was cut off as if it had been torn, and the receiver went on without them.
    #[test]
    fn rot_in_what_was_synced_is_no_torn_end(frames in prop::collection::vec(frame(), 2..5)) {
        let (bytes, ends) = synced(&frames);
        prop_assert_eq!(Frame::decode_log(&bytes), Ok((frames.clone(), bytes.len())));
        for at in 0..bytes.len() {
            let whole = ends.iter().rposition(|end| *end <= at).expect("0 is an end");
            let mut rotten = bytes.clone();
            rotten[at] ^= 1 << (at % 8);
            let expected = if whole + 1 < frames.len() {
                Err(Rotten { offset: ends[whole] })
            } else {
                Ok((frames[..whole].to_vec(), ends[whole]))
            };
            prop_assert_eq!(Frame::decode_log(&rotten), expected, "byte {}", at);
        }
    }

    /// A frame that a disk has written to another place, over another frame of the same length.
    #[test]
    fn a_frame_counts_only_where_it_was_written(id in id(), other in id(), last in id()) {
        prop_assume!(id != other && other != last);
        let frames = [id, other, last].map(|id| Frame::Commit { ids: Vec::from([id]) });
        let (mut bytes, ends) = synced(&frames);
        bytes.copy_within(ends[0]..ends[1], ends[1]);
        prop_assert_eq!(Frame::decode_log(&bytes), Err(Rotten { offset: ends[1] }));
    }

    /// Many frames of one sync: their numbers run out, and they are still not durable.
    #[test]
    fn the_frames_of_one_sync_are_never_taken_for_those_of_the_next(
        count in 2usize..80, bad in any::<prop::sample::Index>(),
    ) {
        let frames = vec![Frame::Shown { ids: Vec::new() }; count];
        let mut bytes = log(&frames);
        let (len, bad) = (bytes.len() / count, bad.index(count));
        bytes[bad * len + 5] ^= 1;
        prop_assert_eq!(Frame::decode_log(&bytes), Ok((frames[..bad].to_vec(), bad * len)));
    }
}
