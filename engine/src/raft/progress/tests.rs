use alloc::sync::Arc;
use alloc::vec::Vec;

use super::super::{Membership, Term};
use super::*;

fn replicating() -> Progress {
    let mut progress = Progress::new(Index(1), Instant(0));
    progress.state = State::Replicate;
    for last in [2, 4, 6] {
        progress.sent(Index(last), 100);
    }
    progress
}

#[test]
fn what_arrived_makes_room() {
    let mut progress = replicating();
    assert!(progress.is_full(300) && !progress.is_full(301) && progress.is_waiting());
    assert_eq!(progress.next, Index(7));
    progress.arrived(Index(3));
    assert!(!progress.is_full(201) && progress.is_full(200));
    progress.arrived(Index(2));
    assert_eq!((progress.matched, progress.next), (Index(3), Index(7)), "late news is no news");
    progress.arrived(Index(6));
    assert!(!progress.is_waiting() && !progress.is_full(1));
    progress.arrived(Index(9));
    assert_eq!(progress.next, Index(10), "it may have had more all along");
}

#[test]
fn nothing_is_under_way_in_a_new_state() {
    let (mut progress, mut out) = (replicating(), Vec::new());
    feed(Switches::default(), &mut progress, State::Probe { waiting: false }, &mut out);
    assert!(!progress.is_full(1) && !progress.is_waiting() && out.is_empty());
}

#[test]
fn the_planted_leak_keeps_the_bytes_and_says_so() {
    let planted = Switches::of(|twist| twist == Twist::RaftInflightLeak);
    let (mut progress, mut out) = (replicating(), Vec::new());
    feed(planted, &mut progress, State::Replicate, &mut out);
    assert!(progress.is_full(300) && !progress.is_waiting());
    assert!(matches!(out[..], [Output::Reached(Twist::RaftInflightLeak)]));
    let mut empty = Progress::new(Index(1), Instant(0));
    feed(planted, &mut empty, State::Replicate, &mut out);
    assert_eq!(out.len(), 1, "where nothing leaks, nothing is counted");
}

#[test]
fn a_transmission_goes_back_to_what_arrived() {
    let snapshot = Arc::new(Snapshot {
        index: Index(1),
        term: Term(1),
        membership: Membership::default(),
        data: Arc::from([0; 10]),
    });
    let mut sending = Transmission { snapshot, acked: 4, sent: 8, asked: true };
    assert!(sending.fits(4, 8) && !sending.fits(4, 7));
    sending.rewind(4);
    assert_eq!((sending.acked, sending.sent), (4, 4));
    assert!(sending.fits(4, 1), "one part always fits");
    (sending.acked, sending.sent) = (10, 10);
    sending.rewind(4);
    assert_eq!((sending.acked, sending.sent), (6, 6), "all is there: ask for the end of it");
}
