use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use super::{Acknowledged, Checkpoints};
use crate::cluster::CheckpointSettings;
use crate::coordinator::metadata::{Assignment, Completed};
use crate::handle::Part;
use crate::ids::{Attempt, CheckpointId, Generation, TaskId};

const SETTINGS: CheckpointSettings = CheckpointSettings {
    interval: Span::secs(2),
    adaptive: None,
    timeout: Span::secs(10),
    min_pause: Span::secs(1),
    retained: 1,
};
const ONE: CheckpointId = CheckpointId(1);

const fn at(seconds: u64) -> Instant {
    Instant(seconds * 1_000_000_000)
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

/// Books in which checkpoint 1 was triggered at second 2.
fn begun() -> Checkpoints {
    let mut books = Checkpoints::default();
    assert_eq!(books.restart(at(0)), None);
    assert_eq!(books.due(&SETTINGS), Some(at(2)));
    books.reserve();
    assert_eq!(books.due(&SETTINGS), None, "an id is being asked for");
    books.begin(ONE, &assignment(), at(2));
    assert_eq!(books.due(&SETTINGS), None, "one is under way");
    books
}

fn part(task: u16) -> Arc<Part> {
    let (state, stopped) = (10, Span::millis(task.into()));
    Arc::new(Part { task: TaskId(task), state, stopped, inline: None, files: Vec::new() })
}

fn ack(books: &mut Checkpoints, task: u16) -> Acknowledged {
    books.acknowledge(ONE, Generation(3), Attempt(2), part(task))
}

fn complete(books: &mut Checkpoints) -> Completed {
    let answers: Vec<_> = (1..=3).map(|task| ack(books, task)).collect();
    match &answers[..] {
        [Acknowledged::Counted, Acknowledged::Counted, Acknowledged::Last(completed)] => {
            completed.clone()
        }
        _ => panic!("three parts: {answers:?}"),
    }
}

#[test]
fn the_last_part_completes_it() {
    let completed = complete(&mut begun());
    let (generation, attempt) = (Generation(3), Attempt(2));
    let (parts, ran) = ([1, 2, 3].map(part).into(), Span::ZERO);
    assert_eq!((completed.bytes(), completed.stopped()), (30, Span::millis(3)));
    assert_eq!(completed, Completed { checkpoint: ONE, generation, attempt, parts, ran });
}

#[test]
fn a_part_counts_once() {
    let mut books = begun();
    assert_eq!(ack(&mut books, 1), Acknowledged::Counted);
    assert_eq!(ack(&mut books, 1), Acknowledged::Ignored);
    assert_eq!(ack(&mut books, 2), Acknowledged::Counted);
    assert!(matches!(ack(&mut books, 3), Acknowledged::Last(_)));
    assert_eq!(ack(&mut books, 3), Acknowledged::Ignored, "completion is proposed once");
}

#[test]
fn a_part_of_another_attempt_generation_or_checkpoint_does_not_count() {
    let mut books = begun();
    let mut wrong = |checkpoint, generation, attempt| {
        let (generation, attempt) = (Generation(generation), Attempt(attempt));
        books.acknowledge(CheckpointId(checkpoint), generation, attempt, part(1))
    };
    assert_eq!(wrong(1, 3, 1), Acknowledged::Ignored, "an older attempt");
    assert_eq!(wrong(1, 3, 3), Acknowledged::Ignored, "a newer attempt");
    assert_eq!(wrong(1, 2, 2), Acknowledged::Ignored, "an older generation");
    assert_eq!(wrong(2, 3, 2), Acknowledged::Ignored, "another checkpoint");
    assert_eq!(ack(&mut books, 1), Acknowledged::Counted);
}

#[test]
fn after_an_abort_acknowledgements_come_too_late() {
    let mut books = begun();
    ack(&mut books, 1);
    assert!(books.abort(ONE));
    assert!(!books.abort(ONE), "it is not pending any more");
    assert_eq!(ack(&mut books, 2), Acknowledged::Ignored);
    assert_eq!(books.due(&SETTINGS), Some(at(4)), "an abort does not count for the pause");
}

#[test]
fn while_completion_is_replicated_nothing_is_given_up() {
    let mut books = begun();
    complete(&mut books);
    assert!(!books.abort(ONE));
    assert_eq!(books.due(&SETTINGS), None);
    books.complete(ONE, at(3));
    assert_eq!(books.due(&SETTINGS), Some(at(4)));
}

#[test]
fn the_pause_counts_from_completion() {
    let mut books = begun();
    complete(&mut books);
    books.complete(ONE, at(9));
    assert_eq!(books.due(&SETTINGS), Some(at(10)), "the interval is over, the pause is not");
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
    complete(&mut books);
    assert_eq!(books.restart(at(5)), Some((ONE, Generation(3))));
    assert_eq!(ack(&mut books, 1), Acknowledged::Ignored);
    assert_eq!(books.due(&SETTINGS), Some(at(7)));
    books.complete(ONE, at(6));
    assert_eq!(books.due(&SETTINGS), Some(at(7)), "it was given up before");
}

#[test]
fn a_refused_id_makes_room_for_the_next() {
    let mut books = Checkpoints::default();
    books.reserve();
    books.reservation_refused();
    assert_eq!(books.due(&SETTINGS), Some(at(2)));
}

#[test]
#[should_panic(expected = "one checkpoint at a time")]
fn nobody_asks_for_a_second_id() {
    begun().reserve();
}
