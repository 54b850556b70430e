use alloc::sync::Arc;
use alloc::vec::Vec;

use super::super::{Body, Membership};
use super::*;

fn entry(index: u64, term: u32) -> Entry {
    Entry { index: Index(index), term: Term(term), body: Body::Blank }
}

fn log(terms: &[u32]) -> Log {
    Log::new(None, (1..).zip(terms).map(|(index, term)| entry(index, *term)).collect())
}

fn snapshot(index: u64, term: u32) -> Arc<Snapshot> {
    let (index, term) = (Index(index), Term(term));
    Arc::new(Snapshot { index, term, membership: Membership::default(), data: Arc::from([]) })
}

fn terms(log: &Log) -> Vec<u32> {
    log.entries().map(|entry| entry.term.0).collect()
}

#[test]
fn places_are_counted_from_the_snapshot() {
    let mut log = log(&[1, 1, 2, 3]);
    log.compact(snapshot(2, 1));
    assert_eq!((log.base(), log.last(), log.last_term()), (Index(2), Index(4), Term(3)));
    let at = |index| log.term_at(Index(index)).map(|term| term.0);
    assert_eq!(
        [at(0), at(1), at(2), at(3), at(4), at(5)],
        [None, None, Some(1), Some(2), Some(3), None]
    );
    assert!(log.get(Index(2)).is_none());
    assert_eq!(log.bytes(), log.entries().map(Entry::size).sum());
}

#[test]
fn a_snapshot_keeps_what_follows_on_it() {
    for (index, term, left) in [(2, 1, &[2, 3][..]), (4, 3, &[]), (2, 2, &[]), (9, 3, &[])] {
        let mut log = log(&[1, 1, 2, 3]);
        log.compact(snapshot(index, term));
        assert_eq!(terms(&log), left, "snapshot at {index}/{term}");
        assert_eq!(log.last(), Index(index + left.len() as u64));
    }
}

#[test]
fn what_is_cut_off_is_gone() {
    let mut log = log(&[1, 1, 2, 3]);
    log.truncate(Index(9));
    assert_eq!(terms(&log), [1, 1, 2, 3]);
    log.truncate(Index(3));
    assert_eq!((terms(&log), log.last_term()), (Vec::from([1, 1]), Term(1)));
    log.push(entry(3, 4));
    log.truncate(Index(1));
    assert_eq!((log.last(), log.bytes()), (Index(0), 0));
}

#[test]
#[should_panic(expected = "the log has no gaps")]
fn a_gap_is_a_bug() {
    log(&[1]).push(entry(3, 1));
}

#[test]
fn a_batch_is_bounded_and_never_empty_for_nothing() {
    let log = log(&[1; 10]);
    let size = entry(1, 1).size();
    let batch = |from, limit| {
        let (batch, bytes) = log.batch(Index(from), limit);
        assert_eq!(bytes, batch.iter().map(Entry::size).sum());
        (batch.first().map(|entry| entry.index.0), batch.len())
    };
    assert_eq!(batch(1, u64::MAX), (Some(1), 10));
    assert_eq!(batch(4, 3 * size), (Some(4), 3));
    assert_eq!(batch(4, 3 * size + 1), (Some(4), 3));
    assert_eq!(batch(4, 1), (Some(4), 1), "one that is larger goes alone");
    assert_eq!(batch(11, 100), (None, 0));
    assert_eq!(batch(99, 100), (None, 0));
}

#[test]
fn logs_may_match_no_further_than_terms_allow() {
    let log = log(&[1, 1, 4, 4, 5, 6]);
    for (index, term, agrees) in [
        (6, 6, (6, 6)),
        (9, 6, (6, 6)),
        (6, 5, (5, 5)),
        (5, 4, (4, 4)),
        (6, 3, (2, 1)),
        (3, 3, (2, 1)),
        (6, 0, (0, 0)),
        (0, 9, (0, 0)),
    ] {
        let (at, found) = log.may_match(Index(index), Term(term));
        assert_eq!((at.0, found.0), agrees, "up to {index} of term {term}");
    }
    let mut short = log.clone();
    short.compact(snapshot(4, 4));
    assert_eq!(short.may_match(Index(6), Term(3)), (Index(4), Term(4)), "the snapshot is settled");
    assert_eq!(short.may_match(Index(2), Term(9)), (Index(2), Term(0)), "before it, all may be");
}
