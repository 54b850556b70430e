use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use super::failures::{self, Failures};
use super::{Ack, Acknowledged, Asker, Checkpoints, GivenUp, Request};
use crate::barrier::CheckpointKind;
use crate::cluster::CheckpointSettings;
use crate::coordinator::metadata::{Assignment, Completed};
use crate::handle::{FileId, FileRef, Part, Replicas};
use crate::ids::{Attempt, CheckpointId, Generation, TaskId};
use crate::observation::AbortReason;

const SETTINGS: CheckpointSettings = CheckpointSettings {
    interval: Span::secs(2),
    adaptive: None,
    timeout: Span::secs(10),
    min_pause: Span::secs(1),
    retained: 1,
    max_concurrent: 1,
    tolerated_failures: None,
    retries: 0,
};
const THREE: CheckpointSettings = CheckpointSettings { max_concurrent: 3, ..SETTINGS };
const ONE: CheckpointId = CheckpointId(1);

const fn at(seconds: u64) -> Instant {
    Instant(seconds * 1_000_000_000)
}

fn asker(sequence: u64) -> Asker {
    Asker { client: NodeId::new(9, 0), sequence }
}

fn assignment() -> Assignment {
    let node = NodeId::new(4, 1);
    let (generation, attempt) = (Generation(3), Attempt(2));
    Assignment {
        generation,
        attempt,
        basis: 0,
        workers: [(node, 1)].into(),
        tasks: [node; 3].into(),
        executors: [1, 2, 3].map(TaskId).into(),
    }
}

fn begin(
    books: &mut Checkpoints,
    settings: &CheckpointSettings,
    id: u32,
    now: u64,
) -> Option<Request> {
    let request = books.reserve(settings, at(now))?;
    books.begin(CheckpointId(id), &assignment(), None, at(now));
    Some(request)
}

/// Books in which checkpoint 1 was triggered at second 2.
fn begun() -> Checkpoints {
    let mut books = Checkpoints::default();
    assert_eq!(books.restart(at(0)), []);
    assert_eq!(books.due(&SETTINGS), Some(at(2)));
    assert_eq!(books.reserve(&SETTINGS, at(1)), None, "it is not due");
    assert_eq!(books.reserve(&SETTINGS, at(2)), Some(Request::Periodic));
    assert_eq!(books.due(&SETTINGS), None, "an id is being asked for");
    books.begin(ONE, &assignment(), None, at(2));
    assert_eq!(books.due(&SETTINGS), None, "one is under way");
    books
}

/// Books in which checkpoints 1, 2 and 3 are under way, begun at 2, 4 and 6.
fn three() -> Checkpoints {
    let mut books = Checkpoints::default();
    books.restart(at(0));
    for id in 1..=3 {
        assert_eq!(begin(&mut books, &THREE, id, u64::from(id) * 2), Some(Request::Periodic));
    }
    books
}

fn part(task: u16) -> Arc<Part> {
    let (state, stopped) = (10, Span::millis(task.into()));
    Arc::new(Part { task: TaskId(task), state, stopped, inline: None, files: Vec::new() })
}

fn ack_of(checkpoint: CheckpointId, task: u16) -> Ack {
    Ack { checkpoint, generation: Generation(3), attempt: Attempt(2), part: part(task) }
}

fn ack(books: &mut Checkpoints, task: u16) -> Acknowledged {
    books.acknowledge(ack_of(ONE, task), &[], false)
}

fn complete(books: &mut Checkpoints, checkpoint: u32) -> Completed {
    let mut one = |task| books.acknowledge(ack_of(CheckpointId(checkpoint), task), &[], false);
    match [one(1), one(2), one(3)] {
        [Acknowledged::Counted, Acknowledged::Counted, Acknowledged::Last(completed, _)] => {
            completed
        }
        answers => panic!("three parts: {answers:?}"),
    }
}

fn abort(books: &mut Checkpoints, checkpoint: u32, reason: AbortReason) -> Option<GivenUp> {
    books.abort(CheckpointId(checkpoint), reason, None, false)
}

fn ids(given_up: &[GivenUp]) -> Vec<(u32, AbortReason)> {
    given_up.iter().map(|given_up| (given_up.checkpoint.0, given_up.reason)).collect()
}

#[test]
fn the_last_part_completes_it() {
    let completed = complete(&mut begun(), 1);
    let (generation, attempt) = (Generation(3), Attempt(2));
    let (kind, ran) = (CheckpointKind::Checkpoint, Span::ZERO);
    let parts = [1, 2, 3].map(part).into();
    assert_eq!((completed.bytes(), completed.stopped()), (30, Span::millis(3)));
    let due = Completed { checkpoint: ONE, kind, generation, attempt, parts, ran };
    assert_eq!(completed, due);
}

#[test]
fn an_acknowledgement_counts_for_one_checkpoint_task_and_attempt() {
    let mut books = begun();
    let with = |checkpoint, generation, attempt, task| {
        let (checkpoint, generation) = (CheckpointId(checkpoint), Generation(generation));
        Ack { checkpoint, generation, attempt: Attempt(attempt), part: part(task) }
    };
    let table = [
        (with(1, 3, 1, 1), Acknowledged::Unknown, "an older attempt"),
        (with(1, 3, 3, 1), Acknowledged::Unknown, "a newer attempt"),
        (with(1, 2, 2, 1), Acknowledged::Unknown, "an older generation"),
        (with(2, 3, 2, 1), Acknowledged::Discarded, "another checkpoint"),
        (with(1, 3, 2, 4), Acknowledged::Unknown, "there is no such task"),
        (with(1, 3, 2, 0), Acknowledged::Unknown, "the broker is no task"),
        (with(1, 3, 2, 1), Acknowledged::Counted, "the first"),
        (with(1, 3, 2, 1), Acknowledged::Duplicate, "it came twice"),
        (with(1, 3, 2, 2), Acknowledged::Counted, "the second"),
    ];
    for (ack, due, why) in table {
        assert_eq!(books.acknowledge(ack, &[], false), due, "{why}");
    }
    assert!(matches!(ack(&mut books, 3), Acknowledged::Last(..)));
    assert_eq!(ack(&mut books, 3), Acknowledged::Duplicate, "completion is proposed once");
}

#[test]
fn the_planted_bug_takes_any_attempt() {
    let late = Ack { attempt: Attempt(1), ..ack_of(ONE, 1) };
    assert_eq!(begun().acknowledge(late, &[], true), Acknowledged::Counted);
}

#[test]
fn after_an_abort_acknowledgements_come_too_late() {
    let mut books = begun();
    ack(&mut books, 1);
    assert!(abort(&mut books, 1, AbortReason::Expired).is_some());
    assert_eq!(abort(&mut books, 1, AbortReason::Expired), None, "it is not pending any more");
    assert_eq!(ack(&mut books, 2), Acknowledged::Discarded);
    assert_eq!(books.due(&SETTINGS), Some(at(4)), "an abort does not count for the pause");
}

#[test]
fn while_completion_is_replicated_nothing_is_given_up_unless_it_is_refused() {
    let mut books = begun();
    complete(&mut books, 1);
    assert_eq!(abort(&mut books, 1, AbortReason::Expired), None);
    assert_eq!(books.due(&SETTINGS), None);
    let mut refused = books.clone();
    assert!(abort(&mut refused, 1, AbortReason::Finalize).is_some());
    books.complete(ONE, at(3));
    assert_eq!(books.due(&SETTINGS), Some(at(4)));
}

#[test]
fn the_pause_counts_from_completion() {
    let mut books = begun();
    complete(&mut books, 1);
    books.complete(ONE, at(9));
    assert_eq!(books.due(&SETTINGS), Some(at(10)), "the interval is over, the pause is not");
    assert_eq!(books.reserve(&SETTINGS, at(9)), None);
}

#[test]
fn completion_of_something_else_changes_nothing() {
    let mut books = begun();
    books.complete(CheckpointId(7), at(3));
    assert_eq!(books.due(&SETTINGS), None);
}

#[test]
fn a_new_generation_gives_up_what_is_pending_even_when_it_is_completing() {
    let mut books = begun();
    complete(&mut books, 1);
    assert_eq!(ids(&books.restart(at(5))), [(1, AbortReason::Superseded)]);
    assert_eq!(ack(&mut books, 1), Acknowledged::Discarded);
    assert_eq!(books.due(&SETTINGS), Some(at(7)));
    books.complete(ONE, at(6));
    assert_eq!(books.due(&SETTINGS), Some(at(7)), "it was given up before");
}

#[test]
fn a_refused_id_makes_room_for_the_next() {
    let mut books = Checkpoints::default();
    assert_eq!(books.reserve(&SETTINGS, at(2)), Some(Request::Periodic));
    books.reservation_refused();
    assert_eq!(books.due(&SETTINGS), Some(at(2)));
}

#[test]
fn so_many_may_be_under_way() {
    let mut books = three();
    assert_eq!(books.due(&THREE), None, "three are");
    assert!(abort(&mut books, 2, AbortReason::Declined).is_some());
    assert_eq!(books.due(&THREE), Some(at(8)), "from the last trigger");
}

#[test]
fn completion_subsumes_the_older_ones_and_no_newer_one() {
    let mut books = three();
    complete(&mut books, 2);
    assert_eq!(ids(&books.complete(CheckpointId(2), at(7))), [(1, AbortReason::Subsumed)]);
    assert_eq!(books.acknowledge(ack_of(ONE, 1), &[], false), Acknowledged::Discarded);
    complete(&mut books, 3);
}

#[test]
fn requests_have_an_order() {
    let stop = CheckpointKind::StopWithSavepoint;
    let mut books = Checkpoints::default();
    books.hurry();
    books.hurry();
    assert!(books.ask(stop, asker(1)));
    assert!(books.ask(CheckpointKind::Savepoint, asker(2)));
    assert!(books.ask(stop, asker(1)), "a retry");
    let mut order = Vec::new();
    for id in 1.. {
        let Some(request) = begin(&mut books, &SETTINGS, id, 0) else { break };
        order.push(request);
        complete(&mut books, id);
        books.complete(CheckpointId(id), at(0));
    }
    let savepoint = Request::Savepoint(CheckpointKind::Savepoint, asker(2));
    assert_eq!(order, [Request::Savepoint(stop, asker(1)), savepoint, Request::Hurried]);
    assert_eq!(books.due(&SETTINGS), Some(at(2)), "then by the interval");
}

#[test]
fn a_savepoint_begins_however_many_are_under_way_and_nothing_beside_it() {
    let mut books = begun();
    books.hurry();
    assert_eq!(books.due(&SETTINGS), None, "who is hurried waits for room");
    assert!(books.ask(CheckpointKind::Savepoint, asker(1)));
    let savepoint = Request::Savepoint(CheckpointKind::Savepoint, asker(1));
    assert_eq!(begin(&mut books, &SETTINGS, 2, 2), Some(savepoint));
    assert_eq!(books.due(&THREE), None, "though there is room");
    assert!(books.ask(CheckpointKind::Savepoint, asker(1)), "it is under way");
    assert!(books.ask(CheckpointKind::Savepoint, asker(2)));
    assert_eq!(books.due(&THREE), None, "savepoints follow each other");
    complete(&mut books, 2);
    assert_eq!(ids(&books.complete(CheckpointId(2), at(3))), [(1, AbortReason::Subsumed)]);
    let next = Request::Savepoint(CheckpointKind::Savepoint, asker(2));
    assert_eq!(books.reserve(&SETTINGS, at(3)), Some(next), "it needs no pause");
}

#[test]
fn the_queue_has_an_end() {
    let mut books = Checkpoints::default();
    let ask = |books: &mut Checkpoints, n| books.ask(CheckpointKind::Savepoint, asker(n));
    assert!((0..1_000).all(|n| ask(&mut books, n)));
    assert!(!ask(&mut books, 1_000));
    assert!(ask(&mut books, 999), "it waits already");
}

#[test]
fn whoever_asked_learns_what_became_of_it() {
    let mut books = Checkpoints::default();
    assert!(books.ask(CheckpointKind::Savepoint, asker(1)));
    begin(&mut books, &SETTINGS, 1, 0);
    (1..=2).for_each(|task| drop(ack(&mut books, task)));
    let mut failed = books.clone();
    assert!(matches!(ack(&mut books, 3), Acknowledged::Last(_, Some(who)) if who == asker(1)));
    let given_up = abort(&mut failed, 1, AbortReason::Io).unwrap();
    assert_eq!(given_up.asker, Some(asker(1)));
    assert!(!given_up.fails_job, "the job does not need it");
}

fn file(checkpoint: u32) -> FileRef {
    let (generation, attempt, task) = (Generation(3), Attempt(2), TaskId(1));
    let checkpoint = CheckpointId(checkpoint);
    let id = FileId { checkpoint, generation, attempt, task, number: 0 };
    FileRef { id, bytes: 10, print: 0, replicas: Replicas::one(0) }
}

fn part_with(task: u16, files: &[u32]) -> Arc<Part> {
    let files = files.iter().map(|checkpoint| file(*checkpoint)).collect();
    let stopped = Span::ZERO;
    Arc::new(Part { task: TaskId(task), state: 10, stopped, inline: None, files })
}

fn completed(checkpoint: u32, files: &[u32]) -> Arc<Completed> {
    Arc::new(Completed {
        checkpoint: CheckpointId(checkpoint),
        kind: CheckpointKind::Checkpoint,
        generation: Generation(3),
        attempt: Attempt(2),
        parts: [part_with(1, files)].into(),
        ran: Span::ZERO,
    })
}

#[test]
fn a_part_may_share_files_that_are_needed_anyway() {
    let retained = [completed(4, &[3, 4])];
    let table: [(&[u32], Acknowledged, &str); 5] = [
        (&[6], Acknowledged::Counted, "all anew"),
        (&[4, 6], Acknowledged::Counted, "a retained one's"),
        (&[3], Acknowledged::Counted, "a retained one's, written earlier"),
        (&[5], Acknowledged::Counted, "that of one that is under way, and acknowledged"),
        (&[2, 6], Acknowledged::Baseless, "nobody keeps it"),
    ];
    for (files, due, why) in table {
        let mut books = Checkpoints::default();
        books.restart(at(0));
        begin(&mut books, &THREE, 5, 2);
        begin(&mut books, &THREE, 6, 4);
        let of = |checkpoint, part| Ack { part, ..ack_of(CheckpointId(checkpoint), 1) };
        books.acknowledge(of(5, part_with(1, &[5])), &retained, false);
        assert_eq!(books.acknowledge(of(6, part_with(1, files)), &retained, false), due, "{why}");
    }
}

#[test]
fn what_tasks_may_build_on_is_needed_while_they_are_at_work() {
    let mut books = Checkpoints::default();
    books.restart(at(0));
    assert!(books.reserve(&THREE, at(2)).is_some());
    let barrier = books.begin(CheckpointId(5), &assignment(), Some(completed(4, &[3, 4])), at(2));
    assert_eq!(barrier.base, Some(CheckpointId(4)));
    let needed = |books: &Checkpoints| {
        books.needed(&[completed(6, &[6])]).iter().map(|id| id.checkpoint.0).collect::<Vec<_>>()
    };
    assert_eq!(needed(&books), [3, 4, 6]);
    assert!(abort(&mut books, 5, AbortReason::Expired).is_some());
    assert_eq!(needed(&books), [6]);
}

#[test]
fn only_some_reasons_count_and_savepoints_never() {
    use AbortReason::{Async, Declined, Expired, Finalize, Io, Subsumed, Superseded};
    let plain = CheckpointKind::Checkpoint;
    for reason in [Expired, Declined, Io, Async] {
        assert!(failures::counts(reason, plain), "{reason:?}");
        assert!(!failures::counts(reason, CheckpointKind::Savepoint), "{reason:?}");
    }
    for reason in [Superseded, Subsumed, Finalize] {
        assert!(!failures::counts(reason, plain), "{reason:?}");
    }
}

#[test]
fn so_many_failures_in_a_row_are_tolerated() {
    let mut failures = Failures::default();
    let table = [
        (Err(1), false, "the first"),
        (Err(1), false, "it counts once"),
        (Err(2), false, "the second"),
        (Ok(3), false, "a success forgets both"),
        (Err(2), false, "it is older than the success"),
        (Err(4), false, "the first again"),
        (Err(5), false, "the second"),
        (Err(6), true, "one too many"),
        (Err(7), false, "counting begins anew"),
    ];
    for (step, fails, why) in table {
        let failed = match step {
            Ok(id) => {
                failures.succeeded(CheckpointId(id));
                false
            }
            Err(id) => failures.failed(CheckpointId(id), Some(2)),
        };
        assert_eq!(failed, fails, "{why}");
    }
    assert!((8..100).all(|id| !failures.failed(CheckpointId(id), None)), "any number");
}

#[test]
fn what_fails_the_job() {
    let table = [
        (AbortReason::Expired, false, true, "none is tolerated"),
        (AbortReason::Finalize, false, false, "it says nothing about the job"),
        (AbortReason::Finalize, true, true, "the planted bug"),
    ];
    for (reason, any, fails, why) in table {
        let given_up = three().abort(CheckpointId(2), reason, Some(0), any).unwrap();
        assert_eq!((given_up.fails_job, given_up.reason), (fails, reason), "{why}");
    }
    let mut books = Checkpoints::default();
    assert!(books.ask(CheckpointKind::StopWithSavepoint, asker(1)));
    begin(&mut books, &SETTINGS, 1, 0);
    let given_up = abort(&mut books, 1, AbortReason::Expired).unwrap();
    assert!(given_up.fails_job, "sources stand still for it");
}

/// Checkpoint 2 is acknowledged and never completes; the next attempt builds on 1 as well.
#[test]
fn a_planted_bug_keeps_the_older_of_two_increments() {
    for planted in [false, true] {
        let (base, mut books) = (completed(1, &[1]), begun());
        books.abort(ONE, AbortReason::Expired, None, false);
        if planted {
            books.reuse_names();
        }
        let mut last = Vec::new();
        for (id, attempt) in [(2, 2), (3, 9)] {
            books.restart(at(0));
            let request = books.reserve(&SETTINGS, at(10));
            assert_eq!(request, Some(Request::Periodic));
            let generation = Generation(attempt);
            let attempt = Attempt(attempt);
            let assignment = Assignment { generation, attempt, ..assignment() };
            books.begin(CheckpointId(id), &assignment, Some(base.clone()), at(10));
            let mut part = (*part_with(1, &[1, id])).clone();
            part.files[1].id.attempt = attempt;
            let (checkpoint, part) = (CheckpointId(id), Arc::new(part));
            let ack = Ack { checkpoint, generation, attempt, part };
            let done = books.acknowledge(ack, core::slice::from_ref(&base), false);
            assert_eq!(done, Acknowledged::Counted);
            last = books.acknowledged_files().iter().map(|file| file.checkpoint.0).collect();
        }
        assert_eq!(last, if planted { [1, 2] } else { [1, 3] });
    }
}
