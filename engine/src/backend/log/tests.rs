//! A log gives back the cut that is asked for, or nothing: whatever the disk has made of it.

use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::ids::{Attempt, CheckpointId, Generation};

type State = BTreeMap<Vec<u8>, Vec<u8>>;

fn mark(checkpoint: u32) -> Mark {
    Mark { checkpoint: CheckpointId(checkpoint), generation: Generation(2), attempt: Attempt(7) }
}

fn entries(state: &State) -> Vec<Entry> {
    state.clone().into_iter().collect()
}

/// One frame, what the state is behind it, and the checkpoint that it marks.
struct Written {
    frame: Payload,
    state: State,
    marks: Option<u32>,
}

/// A log of so many batches with a cut behind every third.
fn written(batches: u8) -> Vec<Written> {
    let mut state = State::from([(vec![0], vec![9, 9])]);
    let (mut log, frame) = Log::begin("f", Some((mark(4), b"4")), &entries(&state), 0);
    let mut all = vec![Written { frame, state: state.clone(), marks: Some(4) }];
    for n in 1..=batches {
        let put = Change { key: vec![n % 5], value: Some(vec![n; 30]) };
        let end = Change { key: vec![n % 3], value: None };
        state.insert(vec![n % 5], vec![n; 30]);
        state.remove(&vec![n % 3]);
        let frame = log.changes(&[put, end], 0);
        all.push(Written { frame, state: state.clone(), marks: None });
        if n % 3 == 0 {
            let marks = Some(u32::from(n) / 3 + 4);
            let frame = log.mark((mark(u32::from(n) / 3 + 4), &[b'4' + n / 3]));
            all.push(Written { frame, state: state.clone(), marks });
        }
    }
    all
}

fn file(log: &[Written]) -> Vec<u8> {
    log.iter().flat_map(|written| written.frame.bytes().to_vec()).collect()
}

#[test]
fn every_cut_is_found_and_what_is_behind_it_never_happened() {
    let log = written(13);
    let bytes = file(&log);
    for Written { state, marks, .. } in log.iter().filter(|written| written.marks.is_some()) {
        let number = marks.expect("it was filtered");
        let found = recover("f", &bytes, Wanted::At(mark(number)));
        assert_eq!(found, Some((entries(state), std::vec![b'0' + number as u8])));
    }
    let newest = log.last().map(|written| entries(&written.state));
    assert_eq!(recover("f", &bytes, Wanted::Newest).map(|found| found.0), newest);
}

#[test]
fn another_attempt_is_another_name() {
    let bytes = file(&written(6));
    for other in [
        Mark { checkpoint: CheckpointId(3), ..mark(5) },
        Mark { generation: Generation(1), ..mark(5) },
        Mark { attempt: Attempt(8), ..mark(5) },
    ] {
        assert_eq!(recover("f", &bytes, Wanted::At(other)), None);
    }
    assert!(recover("f", &bytes, Wanted::At(mark(5))).is_some());
    assert_eq!(recover("f", &[], Wanted::Newest), None);
    // A disk had read the log of another task: of the same checkpoint, and sound.
    assert_eq!(recover("g", &bytes, Wanted::At(mark(5))), None);
}

/// An append that failed leaves no gap in the file: the frames behind it just follow.
#[test]
fn a_lost_frame_ends_the_log() {
    let log = written(9);
    let whole = log.iter().position(|written| written.marks == Some(6)).expect("it is marked");
    for lost in 1..whole {
        let mut rest = Vec::new();
        for (_, written) in log.iter().enumerate().filter(|(at, _)| *at != lost) {
            rest.extend_from_slice(written.frame.bytes());
        }
        assert_eq!(recover("f", &rest, Wanted::At(mark(6))), None, "without frame {lost}");
    }
}

#[test]
fn a_log_is_long_when_its_changes_outweigh_its_state() {
    let (mut log, first) = Log::begin("f", None, &[], 1_000_000);
    assert_eq!((first.size(), log.is_long()), (1_000_000, false));
    let change = [Change { key: vec![1], value: Some(vec![2]) }];
    assert_eq!(log.changes(&change, 600_000).size(), 600_000);
    assert!(!log.is_long());
    log.changes(&change, 600_000);
    assert!(log.is_long());
    let (mut small, _) = Log::begin("f", None, &[], 0);
    (0..100).for_each(|_| drop(small.changes(&change, 0)));
    assert!(!small.is_long(), "a few kilobytes are not worth a file");
}

proptest! {
    /// A cut short, a sector gone, a flipped bit: a cut is given back as it was, or not at all.
    #[test]
    fn damage_never_becomes_state(
        at in any::<prop::sample::Index>(),
        kind in 0..3,
        bit in 0u8..8,
        wanted in 4u32..9,
    ) {
        let log = written(13);
        let mut bytes = file(&log);
        let at = at.index(bytes.len());
        match kind {
            0 => bytes.truncate(at),
            1 => {
                let end = bytes.len().min(at + 512);
                bytes[at..end].fill(0);
            }
            _ => bytes[at] ^= 1 << bit,
        }
        let sound = log.iter().find(|written| written.marks == Some(wanted));
        let found = recover("f", &bytes, Wanted::At(mark(wanted)));
        if let Some((found, _)) = found {
            prop_assert_eq!(Some(found), sound.map(|written| entries(&written.state)));
        }
    }
}
