use alloc::vec;

use super::*;
use crate::ids::{Attempt, Generation, TaskId};

const NOW: Instant = Instant(60_000_000_000);
const PATIENT: Span = Span::secs(10);

fn id(number: u32) -> FileId {
    let (generation, attempt) = (Generation(1), Attempt(1));
    FileId { checkpoint: CheckpointId(3), generation, attempt, task: TaskId(1), number }
}

fn file(replicas: &[u16]) -> FileRef {
    let replicas = replicas.iter().fold(Replicas::default(), |all, at| all.with(*at));
    FileRef { id: id(0), bytes: 10, print: 7, replicas }
}

/// A store that can be reached, and has told that these files lie there.
fn up(files: &[u32]) -> StoreFacts {
    let files = files.iter().map(|number| id(*number)).collect();
    StoreFacts { lost: None, files: Some((CheckpointId(3), files)) }
}

fn down(since: u64) -> StoreFacts {
    StoreFacts { lost: Some(Instant(since * 1_000_000_000)), files: None }
}

fn decide(file: &FileRef, flawed: Replicas, stores: &[StoreFacts]) -> Option<Mend> {
    let lost = |facts: &StoreFacts| facts.lost.is_some_and(|at| NOW.since(at) >= PATIENT);
    mend(file, flawed, stores, 2, lost)
}

#[test]
fn a_file_with_all_its_replicas_needs_nothing() {
    let none = Replicas::default();
    assert_eq!(decide(&file(&[0, 1]), none, &[up(&[0]), up(&[0]), up(&[])]), None);
    // A store that was away for a moment is likely to come back with what it has.
    assert_eq!(decide(&file(&[0, 1]), none, &[up(&[0]), down(55), up(&[])]), None);
    // What a store told before the file was written says nothing about it.
    let early = StoreFacts { lost: None, files: Some((CheckpointId(2), BTreeSet::new())) };
    assert_eq!(decide(&file(&[0, 1]), none, &[up(&[0]), early, up(&[])]), None);
}

#[test]
fn a_lost_replica_is_copied_from_one_that_is_left() {
    let copy = Some(Mend::Copy { from: 0, to: 2 });
    let none = Replicas::default();
    let away = [up(&[0]), down(40), up(&[])];
    assert_eq!(decide(&file(&[0, 1]), none, &away), copy, "the store is away for long");
    let wiped = [up(&[0]), up(&[]), down(59)];
    let back = Some(Mend::Copy { from: 0, to: 1 });
    assert_eq!(decide(&file(&[0, 1]), none, &wiped), back, "the store has lost its disk");
    let rotten = [up(&[0]), up(&[0]), down(59)];
    assert_eq!(decide(&file(&[0, 1]), Replicas::one(1), &rotten), back, "its copy has rotted");
}

#[test]
fn a_copy_that_lies_there_already_is_recorded() {
    let stores = [up(&[0]), down(40), up(&[0])];
    let record = Some(Mend::Record(Replicas::one(0).with(2)));
    assert_eq!(decide(&file(&[0, 1]), Replicas::default(), &stores), record);
}

#[test]
fn what_nobody_can_give_is_not_asked_for() {
    let none = Replicas::default();
    assert_eq!(decide(&file(&[0, 1]), none, &[down(40), down(40), up(&[])]), None);
    assert_eq!(decide(&file(&[0, 1]), none, &[down(55), down(40), up(&[])]), None);
    assert_eq!(decide(&file(&[0, 1]), none, &[up(&[0]), down(40), down(40)]), None);
    // Nobody knows yet what the third one has.
    let silent = StoreFacts { lost: None, files: None };
    assert_eq!(decide(&file(&[0, 1]), none, &[up(&[0]), down(40), silent]), None);
}

#[test]
fn a_file_is_copied_once_at_a_time_and_again_if_that_fails() {
    let mut all = Replication::new(3, NOW);
    for (store, files) in [(0, vec![id(0)]), (1, vec![]), (2, vec![])] {
        all.opened(store);
        all.told(store, CheckpointId(3), &files);
    }
    let of = file(&[0, 1]);
    let due = |all: &mut Replication, now| all.due([of].iter(), 2, PATIENT, now);
    let first = due(&mut all, NOW);
    let [(_, Mend::Copy { from: 0, to })] = first[..] else { panic!("{first:?}") };
    assert!(due(&mut all, NOW).is_empty(), "it is under way");
    assert_eq!(all.copied(&of, to, false), None);
    assert_eq!(due(&mut all, NOW), first, "it failed");
    assert!(due(&mut all, NOW + Span::secs(29)).is_empty());
    assert_eq!(due(&mut all, NOW + Span::secs(30)), first, "nobody heard of it again");
    assert_eq!(all.copied(&of, to, true), Some(Replicas::one(0).with(1).with(to)));
    assert!(due(&mut all, NOW + Span::secs(31)).len() <= 1);
}

#[test]
fn a_flaw_is_forgotten_with_the_copy_that_had_it() {
    let mut all = Replication::new(2, NOW);
    for store in 0..2 {
        all.opened(store);
        all.told(store, CheckpointId(3), &[id(0)]);
    }
    let of = file(&[0, 1]);
    assert!(all.due([of].iter(), 2, PATIENT, NOW).is_empty());
    all.found_flawed(id(0), 1);
    let due = all.due([of].iter(), 2, PATIENT, NOW);
    assert_eq!(due, [(of, Mend::Copy { from: 0, to: 1 })], "it is written anew in its place");
    assert_eq!(all.copied(&of, 1, true), Some(of.replicas));
    assert!(all.due([of].iter(), 2, PATIENT, NOW).is_empty());
}
