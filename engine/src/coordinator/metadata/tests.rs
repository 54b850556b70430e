use alloc::sync::Arc;
use alloc::vec::Vec;

use proptest::prelude::*;
use stormglass_sim::node::{Lane, NodeId};
use stormglass_sim::payload::Payload;
use stormglass_sim::time::Span;

use super::{Applied, Command, Completed, Ended, Metadata, Request};
use crate::barrier::CheckpointKind;
use crate::coordinator::checkpoint_spout::{Phase, TxState};
use crate::handle::{FileId, FileRef, Part, Replicas};
use crate::ids::{Attempt, CheckpointId, ComponentId, Generation, TaskId, Txid};
use crate::names::{Switches, Twist};
use crate::observation::Call;

const A: NodeId = NodeId::new(4, 1);
const B: NodeId = NodeId::new(5, 1);

fn grant(generation: u32) -> Command {
    let workers = Vec::from([(A, 1), (B, 2)]);
    let tasks = [A, B, A].into();
    let executors = [1, 2, 2].map(TaskId).into();
    let (generation, ended) = (Generation(generation), Ended::default());
    Command::Grant { generation, basis: 0, ended, workers, tasks, executors }
}

/// Applies a command as the next request of a client that asks nothing twice.
const NO: Switches = Switches::NONE;

fn apply(metadata: &mut Metadata, command: Command, retained: u16) -> Applied {
    let sequence = metadata.sessions.get(&A).map_or(0, |(newest, _)| *newest) + 1;
    metadata.apply(Request { client: A, sequence, command }, retained, NO)
}

fn completed(checkpoint: u32, generation: u32) -> Completed {
    let (task, state, stopped, files) = (TaskId(1), 10, Span::secs(1), Vec::new());
    let part = Arc::new(Part { task, state, stopped, inline: None, files });
    Completed {
        checkpoint: CheckpointId(checkpoint),
        kind: CheckpointKind::Checkpoint,
        generation: Generation(generation),
        attempt: Attempt(generation),
        parts: [part].into(),
        ran: Span::secs(9),
    }
}

/// The metadata after some grants.
fn at(generation: u32) -> Metadata {
    let mut metadata = Metadata::default();
    for generation in 1..=generation {
        assert!(matches!(apply(&mut metadata, grant(generation), 1), Applied::Granted(_)));
    }
    metadata
}

#[test]
fn a_grant_must_follow_the_current_generation() {
    let mut metadata = Metadata::default();
    assert_eq!(metadata.generation(), Generation(0));
    assert_eq!(apply(&mut metadata, grant(2), 1), Applied::Refused);
    let Applied::Granted(first) = apply(&mut metadata, grant(1), 1) else { panic!("it follows") };
    assert_eq!(apply(&mut metadata, grant(1), 1), Applied::Refused, "it came twice");
    assert_eq!(apply(&mut metadata, grant(3), 1), Applied::Refused, "one is missing");
    let Applied::Granted(second) = apply(&mut metadata, grant(2), 1) else { panic!("it follows") };
    assert_eq!((first.attempt, second.attempt), (Attempt(1), Attempt(2)));
    assert_eq!(metadata.assignment(), Some(&second));
}

#[test]
fn an_assignment_says_who_runs_what() {
    let metadata = at(1);
    let assignment = metadata.assignment().expect("it was granted");
    assert_eq!(assignment.worker_of(TaskId(2)), B);
    assert_eq!(assignment.lane_of(TaskId(3)), Lane(2));
    assert_eq!(assignment.tasks_of(A).collect::<Vec<_>>(), [TaskId(1), TaskId(3)]);
}

#[test]
fn ids_are_for_the_current_generation_and_never_come_twice() {
    let reserve = |generation| Command::Reserve { generation: Generation(generation) };
    let mut metadata = at(1);
    assert_eq!(apply(&mut metadata, reserve(1), 1), Applied::Reserved(CheckpointId(1)));
    assert_eq!(apply(&mut metadata, reserve(1), 1), Applied::Reserved(CheckpointId(2)));
    assert_eq!(apply(&mut metadata, reserve(2), 1), Applied::Refused);
    apply(&mut metadata, grant(2), 1);
    assert_eq!(apply(&mut metadata, reserve(1), 1), Applied::Refused, "it was overtaken");
    assert_eq!(apply(&mut metadata, reserve(2), 1), Applied::Reserved(CheckpointId(3)));
}

#[test]
fn completion_is_refused_when_it_was_overtaken() {
    let mut metadata = at(2);
    let complete = |metadata: &mut Metadata, checkpoint, generation| {
        apply(metadata, Command::Complete(completed(checkpoint, generation)), 1)
    };
    assert_eq!(complete(&mut metadata, 1, 1), Applied::Refused, "an older generation's");
    assert_eq!(complete(&mut metadata, 1, 3), Applied::Refused, "a generation to come");
    assert!(matches!(complete(&mut metadata, 5, 2), Applied::Completed(_)));
    assert_eq!(complete(&mut metadata, 5, 2), Applied::Refused, "it came twice");
    assert_eq!(complete(&mut metadata, 4, 2), Applied::Refused, "a newer one is complete");
    assert_eq!(metadata.latest(), Some(&Arc::new(completed(5, 2))));
}

fn retained(metadata: &Metadata) -> Vec<u32> {
    metadata.retained().iter().map(|completed| completed.checkpoint.0).collect()
}

/// What completes: plain checkpoints, savepoints, the one that the job ends with.
fn kind_of(letter: char) -> CheckpointKind {
    match letter {
        'c' => CheckpointKind::Checkpoint,
        's' => CheckpointKind::Savepoint,
        'e' => CheckpointKind::StopWithSavepoint,
        other => panic!("`{other}` is no kind"),
    }
}

fn after(completions: &str, retained: u16, switches: Switches) -> Metadata {
    let mut metadata = at(1);
    for (id, letter) in (1..).zip(completions.chars()) {
        let completed = Completed { kind: kind_of(letter), ..completed(id, 1) };
        let (client, sequence) = (A, u64::from(id) + 1_000);
        let command = Command::Complete(completed);
        metadata.apply(Request { client, sequence, command }, retained, switches);
    }
    metadata
}

#[test]
fn neither_the_newest_nor_the_base_of_the_next_is_dropped() {
    type Row = (&'static str, u16, &'static [u32], &'static [u32], &'static str);
    let table: [Row; 8] = [
        ("ccc", 1, &[3], &[], "checkpoints follow each other"),
        ("ccs", 1, &[2, 3], &[3], "tasks still build on 2"),
        ("ccss", 1, &[2, 4], &[3, 4], "savepoint 3 counts, and its files stay"),
        ("ccssc", 1, &[5], &[3, 4], "5 is the new base"),
        ("csc", 2, &[2, 3], &[2], "a savepoint counts among the retained"),
        ("cs", 2, &[1, 2], &[2], "there is room"),
        ("cce", 1, &[3], &[3], "nobody builds on 2 when the job ends"),
        ("s", 1, &[1], &[1], "a savepoint alone"),
    ];
    for (completions, n, kept, savepoints, why) in table {
        let metadata = after(completions, n, NO);
        assert_eq!(retained(&metadata), kept, "{completions} with {n}: {why}");
        let all: Vec<u32> = metadata.savepoints().iter().map(|s| s.checkpoint.0).collect();
        assert_eq!(all, savepoints, "{completions}: {why}");
    }
}

#[test]
fn what_the_planted_bug_does() {
    let not_restored = Switches::of(|twist| twist == Twist::SavepointNotRestored);
    let unused = after("ccs", 1, not_restored);
    assert_eq!(retained(&unused), [2], "it is not restored from");
}

#[test]
fn a_job_ends_once_and_nothing_follows() {
    let mut metadata = after("ce", 1, NO);
    let stop = |generation, checkpoint| Command::Stop {
        generation: Generation(generation),
        checkpoint: CheckpointId(checkpoint),
    };
    assert_eq!(
        apply(&mut metadata, Command::Complete(completed(3, 1)), 1),
        Applied::Refused,
        "the job is ending"
    );
    assert_eq!(apply(&mut metadata, stop(1, 1), 1), Applied::Refused, "of another checkpoint");
    assert_eq!(apply(&mut metadata, stop(2, 2), 1), Applied::Refused, "of another generation");
    assert_eq!(apply(&mut metadata, stop(1, 2), 1), Applied::Stopped(CheckpointId(2)));
    assert_eq!(apply(&mut metadata, stop(1, 2), 1), Applied::Refused, "it has ended");
    assert_eq!(apply(&mut metadata, grant(2), 1), Applied::Refused, "nothing restarts it");
    assert!(metadata.is_stopped());
}

#[test]
fn the_checkpoint_spout_goes_step_by_step_and_names_each_try() {
    let mut metadata = at(1);
    let mut step = |generation, txid, phase| {
        let (generation, to) = (Generation(generation), TxState { txid: Txid(txid), phase });
        let command = Command::Step { generation, to, parts: Vec::new() };
        let applied = apply(&mut metadata, command, 1);
        let latest = metadata.latest().map(|completed| completed.checkpoint.0);
        match applied {
            Applied::Stepped(progress) => Some((progress.version.0, latest)),
            _ => None,
        }
    };
    assert_eq!(step(1, 1, Phase::Committing), None, "it is not prepared");
    assert_eq!(step(0, 1, Phase::Preparing), None, "that generation is over");
    assert_eq!(step(1, 1, Phase::Preparing), Some((1, None)));
    assert_eq!(step(1, 0, Phase::Committed), Some((1, None)), "it is rolled back");
    assert_eq!(step(1, 1, Phase::Preparing), Some((2, None)));
    assert_eq!(step(1, 1, Phase::Committing), Some((2, Some(2))), "a restore takes it");
    assert_eq!(step(1, 0, Phase::Committed), None, "it is decided");
    assert_eq!(step(1, 1, Phase::Committed), Some((2, Some(2))));
}

#[test]
fn only_the_newest_are_retained_and_at_least_one() {
    for (retained, oldest) in [(0, 4), (1, 4), (2, 3), (9, 1)] {
        let mut metadata = at(1);
        let oldest_of = |metadata: &Metadata| metadata.retained().first().map(|c| c.checkpoint);
        assert_eq!(oldest_of(&metadata), None);
        for checkpoint in 1..=4 {
            apply(&mut metadata, Command::Complete(completed(checkpoint, 1)), retained);
        }
        let latest = metadata.latest().map(|c| c.checkpoint);
        assert_eq!(latest, Some(CheckpointId(4)));
        assert_eq!(oldest_of(&metadata), Some(CheckpointId(oldest)), "{retained} retained");
    }
}

#[test]
fn a_completed_checkpoint_outlives_its_generation() {
    let mut metadata = at(1);
    apply(&mut metadata, Command::Complete(completed(1, 1)), 1);
    apply(&mut metadata, grant(2), 1);
    assert_eq!(metadata.latest().map(|c| c.generation), Some(Generation(1)));
}

#[test]
fn a_request_that_comes_again_changes_nothing_and_gets_the_same_answer() {
    let add = |client, sequence| Request {
        client,
        sequence,
        command: Command::Update { key: 7, call: Call::Add(5) },
    };
    let mut metadata = Metadata::new(&[A]);
    assert_eq!(metadata.apply(add(A, 1), 1, NO), Applied::Updated(5));
    assert!(metadata.is_retry(&add(A, 1)) && !metadata.is_retry(&add(B, 1)));
    assert_eq!(metadata.apply(add(B, 1), 1, NO), Applied::Updated(10), "another client's");
    assert_eq!(metadata.apply(add(A, 1), 1, NO), Applied::Again(Some(5)));
    assert_eq!(metadata.apply(add(A, 3), 1, NO), Applied::Updated(15));
    assert_eq!(metadata.apply(add(A, 2), 1, NO), Applied::Again(None), "its client has gone on");
    assert_eq!(metadata.register(7), 15);
    metadata.forget(A);
    assert_eq!(metadata.apply(add(A, 3), 1, NO), Applied::Updated(20), "nothing is known of it");
}

#[test]
fn members_and_goal_have_a_version_that_rises_with_every_change() {
    let mut metadata = Metadata::new(&[A]);
    let members = |metadata: &Metadata| metadata.supervisors().collect::<Vec<_>>();
    let steps = [
        (Command::Join { supervisor: A }, 0, "it is one already"),
        (Command::Join { supervisor: B }, 1, "it is new"),
        (Command::Leave { supervisor: A }, 2, "it goes"),
        (Command::Leave { supervisor: A }, 2, "it has gone"),
        (Command::Rebalance { workers: Some(3), executors: Vec::new() }, 3, "fewer workers"),
    ];
    for (command, version, why) in steps {
        assert_eq!(apply(&mut metadata, command, 1), Applied::Planned(version), "{why}");
    }
    assert_eq!(members(&metadata), [B]);
    assert!(metadata.knows(A), "who has left does not join by being heard");
    let executors = Vec::from([(ComponentId(1), 2)]);
    apply(&mut metadata, Command::Rebalance { workers: None, executors }, 1);
    assert_eq!(metadata.goal().workers, Some(3), "what is not named stays");
    assert_eq!(metadata.goal().executors.get(&ComponentId(1)), Some(&2));
}

/// What a run has seen of failures and costs is what was decided, and nothing else.
#[test]
fn experience_follows_what_is_decided() {
    let mut metadata = at(1);
    apply(&mut metadata, Command::Complete(completed(1, 1)), 1);
    apply(&mut metadata, Command::Complete(completed(1, 1)), 1);
    let seen = *metadata.experience();
    assert_eq!((seen.checkpoints, seen.cost), (1, Span::secs(1)), "a completion counts once");
    assert_eq!((seen.lasting.running, seen.lasting.failures_micro), (Span::secs(9), 0));
    let replace = |metadata: &mut Metadata, generation, failed| {
        let Command::Grant { basis, workers, tasks, executors, .. } = grant(0) else { return };
        let (generation, ran) = (Generation(generation), Span::secs(7));
        let ended = Ended { failed, ran };
        let grant = Command::Grant { generation, basis, ended, workers, tasks, executors };
        apply(metadata, grant, 1);
    };
    replace(&mut metadata, 2, false);
    replace(&mut metadata, 2, true);
    let seen = *metadata.experience();
    assert_eq!(seen.lasting.running, Span::secs(16), "what is refused does not count");
    assert_eq!(seen.lasting.failures_micro, 0, "a rebalance is no failure");
    replace(&mut metadata, 3, true);
    let seen = *metadata.experience();
    assert_eq!(seen.lasting.failures_micro, 968_750);
    assert_eq!(seen.lasting.running, Span::secs(23).scale(31, 32));
}

fn node() -> impl Strategy<Value = NodeId> {
    (any::<u16>(), any::<u16>()).prop_map(|(machine, port)| NodeId::new(machine, port))
}

fn part() -> impl Strategy<Value = Arc<Part>> {
    let file = any::<(u32, u32, u16, u32, [u64; 3])>().prop_map(|(chk, g, task, number, words)| {
        let (checkpoint, generation) = (CheckpointId(chk), Generation(g));
        let (attempt, task) = (Attempt(g), TaskId(task));
        let id = FileId { checkpoint, generation, attempt, task, number };
        FileRef { id, bytes: words[0], print: words[1], replicas: Replicas(words[2]) }
    });
    let inline = prop::option::of(prop::collection::vec(any::<u8>(), 0..20));
    (any::<(u16, u64)>(), span(), inline, prop::collection::vec(file, 0..3)).prop_map(
        |((task, state), stopped, inline, files)| {
            let inline = inline.map(Payload::new);
            Arc::new(Part { task: TaskId(task), state, stopped, inline, files })
        },
    )
}

/// Up to 13 days.
fn span() -> impl Strategy<Value = Span> {
    (0u64..1 << 50).prop_map(Span::nanos)
}

fn command() -> impl Strategy<Value = Command> {
    let workers = prop::collection::vec((node(), any::<u32>()), 0..3);
    let tasks = prop::collection::vec(node(), 0..4);
    let ended = (any::<bool>(), span()).prop_map(|(failed, ran)| Ended { failed, ran });
    let executors = prop::collection::vec((any::<u16>().prop_map(ComponentId), any::<u16>()), 0..3);
    let call = prop_oneof![
        Just(Call::Read),
        any::<u64>().prop_map(Call::Set),
        any::<u64>().prop_map(Call::Add)
    ];
    prop_oneof![
        (any::<(u32, u32)>(), ended, workers, tasks).prop_map(
            |(numbers, ended, workers, tasks)| {
                let (generation, basis) = numbers;
                let executors = (1..=tasks.len() as u16).map(TaskId).collect();
                let generation = Generation(generation);
                Command::Grant { generation, basis, ended, workers, tasks, executors }
            }
        ),
        any::<u32>().prop_map(|n| Command::Reserve { generation: Generation(n) }),
        (any::<(u32, u32, u32, u8)>(), prop::collection::vec(part(), 0..3), span()).prop_map(
            |((checkpoint, generation, attempt, kind), parts, ran)| {
                Command::Complete(Completed {
                    checkpoint: CheckpointId(checkpoint),
                    kind: CheckpointKind::ALL[usize::from(kind % 3)],
                    generation: Generation(generation),
                    attempt: Attempt(attempt),
                    parts,
                    ran,
                })
            }
        ),
        any::<(u32, u32)>().prop_map(|(generation, checkpoint)| Command::Stop {
            generation: Generation(generation),
            checkpoint: CheckpointId(checkpoint),
        }),
        (any::<(u32, u32, u8)>(), prop::collection::vec(part(), 0..3)).prop_map(
            |((generation, txid, phase), parts)| {
                let phases = [Phase::Preparing, Phase::Committing, Phase::Committed];
                let (generation, txid) = (Generation(generation), Txid(txid));
                let to = TxState { txid, phase: phases[usize::from(phase % 3)] };
                Command::Step { generation, to, parts }
            }
        ),
        node().prop_map(|supervisor| Command::Join { supervisor }),
        node().prop_map(|supervisor| Command::Leave { supervisor }),
        (any::<Option<u16>>(), executors)
            .prop_map(|(workers, executors)| Command::Rebalance { workers, executors }),
        (any::<u16>(), call).prop_map(|(key, call)| Command::Update { key, call }),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    (node(), any::<u64>(), command()).prop_map(|(client, sequence, command)| Request {
        client,
        sequence,
        command,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_request_reads_as_it_was_written(request in request()) {
        let bytes = request.encode();
        prop_assert_eq!(Request::decode(&bytes), Some(request));
        for cut in 0..bytes.len() {
            prop_assert_eq!(Request::decode(&bytes[..cut]), None, "cut at {}", cut);
        }
    }

    /// Replicas that apply the same log have the same snapshot, byte for byte, and one that starts
    /// from it goes on as the others do.
    #[test]
    fn a_snapshot_stands_for_its_log(
        requests in prop::collection::vec(request(), 0..12),
        more in prop::collection::vec(request(), 0..4),
    ) {
        let (mut one, mut two) = (Metadata::new(&[A]), Metadata::new(&[A]));
        for request in &requests {
            prop_assert_eq!(one.apply(request.clone(), 2, NO), two.apply(request.clone(), 2, NO));
        }
        let bytes = one.encode();
        prop_assert_eq!(&bytes, &two.encode());
        let mut restored = Metadata::decode(&bytes).expect("it was just written");
        prop_assert_eq!(&restored, &one);
        for request in more {
            prop_assert_eq!(one.apply(request.clone(), 2, NO), restored.apply(request, 2, NO));
        }
        for cut in 0..bytes.len() {
            prop_assert_eq!(Metadata::decode(&bytes[..cut]), None, "cut at {}", cut);
        }
    }
}
