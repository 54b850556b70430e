//! A savepoint or a retained checkpoint of some numbers of tasks is restored by others, under
//! faults: state and outputs are the oracle's for the whole input, judged over both runs.

use std::sync::Arc;

use stormglass_engine::names::Twist;
use stormglass_scenarios::catalog;
use stormglass_scenarios::run::{Run, Setup};
use stormglass_scenarios::savepoint::{Savepoint, halfway};
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::topologies::Registry;
use stormglass_sim::time::{Instant, Span};
use stormglass_tests::runs::{assert_holds, scenario, setup};

const SIZE: &str = "input.words.count=8000";

/// The catalog's `word-count` with so many tasks of each component.
fn with(words: u16, count: u16, publish: u16) -> Arc<Scenario> {
    let set = |component: &str, tasks| format!("topology.parallelism.{component}={tasks}");
    let settings = [set("words", words), set("count", count), set("publish", publish)];
    let [words, count, publish] = &settings;
    scenario("word-count", &[SIZE, words, count, publish])
}

/// A calm run that stops halfway, taken by four tasks of each component. In a storm a generation
/// may end before its savepoint is complete, and the next one read all before it is asked again.
fn savepoint(seed: u64) -> Arc<Savepoint> {
    let calm = Scenario { faults: Vec::new(), ..halfway(&with(4, 4, 4)) };
    let setup = Setup::new(&Arc::new(calm), &Registry::default(), &catalog::file, seed);
    let (outcome, savepoint) = Run::new(setup.unwrap()).finish_with_savepoint();
    assert_holds(&outcome);
    assert_eq!(outcome.checkpoints.savepoints, 1);
    assert!(outcome.published["publish"] < 8_000, "it stopped before the end");
    savepoint.expect("the job has ended with a savepoint")
}

#[test]
fn a_savepoint_of_four_tasks_is_restored_by_two_three_and_seven() {
    for seed in 0..3 {
        let savepoint = savepoint(seed);
        for (words, count, publish) in [(4, 2, 4), (4, 3, 4), (4, 7, 4), (3, 4, 7), (2, 7, 3)] {
            let setup = Setup::from_savepoint(
                &with(words, count, publish),
                &Registry::default(),
                seed,
                &savepoint,
            );
            let outcome = setup.unwrap().run();
            assert_holds(&outcome);
            assert!(outcome.effective_faults() > 0 && outcome.checkpoints.restored > 1);
            assert!(outcome.flow.read < 8_000, "it does not begin anew");
        }
    }
}

/// The boards of airports: keyed state of every kind, an operator list and a broadcast map.
const BOARD: &str = r#"
name = "boards"
summary = "operator and broadcast state, restored by other numbers of tasks"
guarantee = "exactly-once"

[topology]
name = "flight-board"

[input]
partitions = 4
rate = "200/s"
csv = { file = "flights.csv", limit = 2000 }

[cluster]
workers = 3

[checkpoint]
interval = "1s"
timeout = "10s"

[[fault]]
at = "60%..70%"
crash = { who = "worker-of:board" }

[[fault]]
at = "72%..80%"
crash = { who = "worker-of:batch" }
"#;

fn boards(alerts: u16, board: u16, batch: u16) -> Arc<Scenario> {
    let set = |component: &str, tasks| format!("topology.parallelism.{component}={tasks}");
    let settings = [set("alerts", alerts), set("board", board), set("batch", batch)];
    Arc::new(Scenario::parse_with(BOARD, "boards.toml", &settings).unwrap())
}

#[test]
fn operator_lists_are_dealt_out_and_broadcast_maps_copied() {
    for seed in 0..2 {
        let calm = Scenario { faults: Vec::new(), ..halfway(&boards(2, 4, 4)) };
        let setup = Setup::new(&Arc::new(calm), &Registry::default(), &catalog::file, seed);
        let (outcome, savepoint) = Run::new(setup.unwrap()).finish_with_savepoint();
        assert_holds(&outcome);
        let savepoint = savepoint.expect("the job has ended with a savepoint");
        for (alerts, board, batch) in [(2, 4, 4), (3, 2, 1), (1, 3, 2), (2, 7, 7), (2, 4, 3)] {
            let setup = Setup::from_savepoint(
                &boards(alerts, board, batch),
                &Registry::default(),
                seed,
                &savepoint,
            );
            let setup = setup.unwrap();
            let forgetful = Setup { bugs: vec![Twist::OperatorStateLost], ..setup.clone() };
            let outcome = setup.run();
            assert_holds(&outcome);
            assert!(outcome.effective_faults() > 0 && outcome.checkpoints.restored > 1);
            assert_eq!(forgetful.run().verdict.name(), "broken", "it is missed if it is not there");
        }
    }
}

/// A run with three retained checkpoints, halfway, and these.
fn halfway_with_three(scenario: &Arc<Scenario>, seed: u64) -> (Run, Vec<Arc<Savepoint>>) {
    let mut setup = Setup::new(scenario, &Registry::default(), &catalog::file, seed).unwrap();
    setup.retain = true;
    let mut run = Run::new(setup);
    for at in (0..60).map(|n| Instant::ZERO + Span::millis(4_000 + 50 * n)) {
        assert!(run.advance(at), "it has not come to its end");
        let all: Result<Vec<_>, _> = run.retained().into_iter().collect();
        if let Some(three) = all.ok().filter(|all| all.len() == 3) {
            return (run, three);
        }
    }
    panic!("there is never a moment when all is visible: {:?}", run.retained());
}

#[test]
fn any_retained_checkpoint_is_restored_by_other_numbers_of_tasks() {
    let log = ["state.backend=log", "state.incremental=true"];
    let file = ["state.backend=file", "state.incremental=true"];
    for (seed, state) in [(0, &[][..]), (1, &log[..]), (2, &file[..])] {
        let with = |count: u16| {
            let count = format!("topology.parallelism.count={count}");
            let retained = ["checkpoint.retained=3", "checkpoint.interval=250ms", SIZE, &count];
            scenario("word-count", &[state, &retained].concat())
        };
        let (run, three) = halfway_with_three(&with(4), seed);
        assert!(three.is_sorted_by(|a, b| a.checkpoint() < b.checkpoint()), "oldest first");
        let parts: usize = three[0].tasks().map(|(_, tasks)| tasks).sum();
        // A task writes a whole one now and then, and after every restart.
        let increments = three.iter().any(|one| one.files() > parts);
        assert_eq!(increments, !state.is_empty(), "increments are files of their own");
        assert_holds(&run.finish());
        let mut read = Vec::new();
        for (savepoint, count) in three.iter().flat_map(|one| [2, 3, 7].map(|count| (one, count))) {
            let (registry, scenario) = (Registry::default(), with(count));
            let setup = Setup::from_savepoint(&scenario, &registry, seed, savepoint);
            let outcome = setup.unwrap().run();
            assert_holds(&outcome);
            read.push(outcome.flow.read - outcome.flow.replayed);
        }
        assert!(read[0] < 8_000 && read[0] > read[3] && read[3] > read[6], "{read:?}");
    }
}

#[test]
fn what_was_in_flight_belongs_to_the_tasks_there_were() {
    let settings = ["checkpoint.retained=3", "checkpoint.alignment=unaligned", SIZE];
    let mut setup = setup(&scenario("word-count", &settings), 0);
    setup.retain = true;
    let mut run = Run::new(setup);
    let mut refused = None;
    while refused.is_none() && run.advance(run.now() + Span::millis(100)) {
        refused = run.retained().into_iter().filter_map(Result::err).find(|problem| {
            let text = problem.to_string();
            text.contains("in flight at task") && text.contains("a savepoint waits")
        });
    }
    assert!(refused.is_some());
}

#[test]
fn key_groups_are_the_same_for_ever() {
    let savepoint = savepoint(0);
    let mut other = (*with(4, 2, 4)).clone();
    other.topology.max_parallelism = Some(64);
    let (registry, other) = (Registry::default(), Arc::new(other));
    let refused = Setup::from_savepoint(&other, &registry, 0, &savepoint);
    let problem = refused.unwrap_err().to_string();
    assert!(problem.contains("key groups"), "{problem}");
}
