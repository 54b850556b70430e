use alloc::sync::Arc;
use alloc::vec::Vec;

use proptest::prelude::*;
use stormglass_sim::node::NodeId;

use super::{Applied, Command, Completed, Metadata};
use crate::ids::{Attempt, CheckpointId, Generation, TaskId};

const A: NodeId = NodeId::new(4, 1);
const B: NodeId = NodeId::new(5, 1);

fn grant(generation: u32) -> Command {
    let workers = Vec::from([(A, 1), (B, 2)]);
    Command::Grant { generation: Generation(generation), workers, tasks: [A, B, A].into() }
}

fn completed(checkpoint: u32, generation: u32) -> Completed {
    Completed {
        checkpoint: CheckpointId(checkpoint),
        generation: Generation(generation),
        attempt: Attempt(generation),
        bytes: 10,
    }
}

/// The metadata after some grants.
fn at(generation: u32) -> Metadata {
    let mut metadata = Metadata::default();
    for generation in 1..=generation {
        assert!(matches!(metadata.apply(grant(generation), 1), Applied::Granted(_)));
    }
    metadata
}

#[test]
fn a_grant_must_follow_the_current_generation() {
    let mut metadata = Metadata::default();
    assert_eq!(metadata.generation(), Generation(0));
    assert_eq!(metadata.apply(grant(2), 1), Applied::Refused);
    let Applied::Granted(first) = metadata.apply(grant(1), 1) else { panic!("it follows") };
    assert_eq!(metadata.apply(grant(1), 1), Applied::Refused, "it came twice");
    assert_eq!(metadata.apply(grant(3), 1), Applied::Refused, "one is missing");
    let Applied::Granted(second) = metadata.apply(grant(2), 1) else { panic!("it follows") };
    assert_eq!((first.attempt, second.attempt), (Attempt(1), Attempt(2)));
    assert_eq!(metadata.assignment(), Some(&second));
}

#[test]
fn an_assignment_says_who_runs_what() {
    let metadata = at(1);
    let assignment = metadata.assignment().expect("it was granted");
    assert_eq!(assignment.worker_of(TaskId(2)), B);
    assert_eq!(assignment.tasks_of(A).collect::<Vec<_>>(), [TaskId(1), TaskId(3)]);
}

#[test]
fn ids_are_for_the_current_generation_and_never_come_twice() {
    let reserve = |generation| Command::Reserve { generation: Generation(generation) };
    let mut metadata = at(1);
    assert_eq!(metadata.apply(reserve(1), 1), Applied::Reserved(CheckpointId(1)));
    assert_eq!(metadata.apply(reserve(1), 1), Applied::Reserved(CheckpointId(2)));
    assert_eq!(metadata.apply(reserve(2), 1), Applied::Refused);
    metadata.apply(grant(2), 1);
    assert_eq!(metadata.apply(reserve(1), 1), Applied::Refused, "it was overtaken");
    assert_eq!(metadata.apply(reserve(2), 1), Applied::Reserved(CheckpointId(3)));
}

#[test]
fn completion_is_refused_when_it_was_overtaken() {
    let mut metadata = at(2);
    let complete = |metadata: &mut Metadata, checkpoint, generation| {
        metadata.apply(Command::Complete(completed(checkpoint, generation)), 1)
    };
    assert_eq!(complete(&mut metadata, 1, 1), Applied::Refused, "an older generation's");
    assert_eq!(complete(&mut metadata, 1, 3), Applied::Refused, "a generation to come");
    assert!(matches!(complete(&mut metadata, 5, 2), Applied::Completed(_)));
    assert_eq!(complete(&mut metadata, 5, 2), Applied::Refused, "it came twice");
    assert_eq!(complete(&mut metadata, 4, 2), Applied::Refused, "a newer one is complete");
    assert_eq!(metadata.latest(), Some(&Arc::new(completed(5, 2))));
}

#[test]
fn only_the_newest_are_retained_and_at_least_one() {
    for (retained, oldest) in [(0, 4), (1, 4), (2, 3), (9, 1)] {
        let mut metadata = at(1);
        assert_eq!(metadata.oldest(), None);
        for checkpoint in 1..=4 {
            metadata.apply(Command::Complete(completed(checkpoint, 1)), retained);
        }
        let latest = metadata.latest().map(|c| c.checkpoint);
        assert_eq!(latest, Some(CheckpointId(4)));
        assert_eq!(metadata.oldest(), Some(CheckpointId(oldest)), "{retained} retained");
    }
}

#[test]
fn a_completed_checkpoint_outlives_its_generation() {
    let mut metadata = at(1);
    metadata.apply(Command::Complete(completed(1, 1)), 1);
    metadata.apply(grant(2), 1);
    assert_eq!(metadata.latest().map(|c| c.generation), Some(Generation(1)));
}

fn node() -> impl Strategy<Value = NodeId> {
    (any::<u16>(), any::<u16>()).prop_map(|(machine, port)| NodeId::new(machine, port))
}

fn command() -> impl Strategy<Value = Command> {
    let workers = prop::collection::vec((node(), any::<u32>()), 0..3);
    let tasks = prop::collection::vec(node(), 0..4);
    prop_oneof![
        (any::<u32>(), workers, tasks).prop_map(|(generation, workers, tasks)| Command::Grant {
            generation: Generation(generation),
            workers,
            tasks,
        }),
        any::<u32>().prop_map(|n| Command::Reserve { generation: Generation(n) }),
        any::<(u32, u32, u32, u64)>().prop_map(|(checkpoint, generation, attempt, bytes)| {
            Command::Complete(Completed {
                checkpoint: CheckpointId(checkpoint),
                generation: Generation(generation),
                attempt: Attempt(attempt),
                bytes,
            })
        }),
    ]
}

fn log(commands: &[Command]) -> Vec<u8> {
    let mut out = Vec::new();
    commands.iter().for_each(|command| command.encode(&mut out));
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_log_reads_as_it_was_written(commands in prop::collection::vec(command(), 0..6)) {
        let bytes = log(&commands);
        prop_assert_eq!(Command::decode_log(&bytes), (commands, bytes.len()));
    }

    /// Whatever is cut off or flipped: the commands before it are read, and nothing behind it is.
    #[test]
    fn a_damaged_log_ends_before_the_damage(commands in prop::collection::vec(command(), 1..4)) {
        let bytes = log(&commands);
        let ends: Vec<usize> = (0..=commands.len()).map(|n| log(&commands[..n]).len()).collect();
        for at in 0..bytes.len() {
            let whole = ends.iter().rposition(|end| *end <= at).expect("0 is an end");
            let expected = (commands[..whole].to_vec(), ends[whole]);
            prop_assert_eq!(Command::decode_log(&bytes[..at]), expected.clone(), "cut at {}", at);
            for bit in 0..8 {
                let mut rotten = bytes.clone();
                rotten[at] ^= 1 << bit;
                prop_assert_eq!(Command::decode_log(&rotten), expected.clone(), "byte {}", at);
            }
        }
    }
}
