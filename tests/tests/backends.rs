//! State backends: whatever keeps the state, every law holds, and a task takes from its machine's
//! disk only what the checkpoint holds.

use std::collections::BTreeMap;

use stormglass_scenarios::outcome::Outcome;
use stormglass_tests::runs::{assert_clones_share_its_future, assert_holds, scenario, setup};

/// Many short checkpoints, and machines that lose their power in the middle of them.
fn settings(backend: &str, incremental: bool) -> Vec<String> {
    let more = [format!("state.backend={backend}"), format!("state.incremental={incremental}")];
    let settings = ["input.words.count=12000", "checkpoint.interval=500ms"];
    settings.into_iter().map(str::to_string).chain(more).collect()
}

fn run(backend: &str, incremental: bool, seed: u64) -> Outcome {
    let settings = settings(backend, incremental);
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    setup(&scenario("reference", &settings), seed).run()
}

#[test]
fn every_backend_holds() {
    for backend in ["memory", "file", "log", "embedded"] {
        for incremental in [false, true].into_iter().filter(|it| !it || backend != "memory") {
            let mut reached = BTreeMap::new();
            for seed in 0..6 {
                let outcome = run(backend, incremental, seed);
                assert_holds(&outcome);
                add(&mut reached, &outcome);
            }
            let local = matches!(backend, "log" | "embedded");
            assert_eq!(reached["local-state-taken"] > 0, local, "{backend}");
            assert_eq!(reached["increment-taken"] > 0, incremental, "{backend}");
        }
    }
}

fn add(reached: &mut BTreeMap<&'static str, u64>, outcome: &Outcome) {
    for (name, hits) in &outcome.probes {
        *reached.entry(name).or_default() += hits;
    }
}

/// What is found after a power cut is of the very cut to restore, or it is not taken.
#[test]
fn local_stores_survive_power_cuts_or_are_refused() {
    for backend in ["log", "embedded"] {
        let scenario = scenario("power", &[&format!("state.backend={backend}")]);
        let mut reached = BTreeMap::new();
        for seed in 0..15 {
            let outcome = setup(&scenario, seed).run();
            assert_holds(&outcome);
            add(&mut reached, &outcome);
        }
        assert!(reached["local-state-taken"] > 0, "{backend}: {reached:?}");
        // A log gives back any cut that it holds; an embedded store is at the last one, which may
        // be of a checkpoint that never was complete.
        let refused = reached["local-state-refused"] > 0;
        assert_eq!(refused, backend == "embedded", "{backend}: {reached:?}");
    }
}

#[test]
fn forks_with_a_real_engine_inside_have_one_future() {
    let settings = settings("embedded", true);
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let setup = setup(&scenario("reference", &settings), 3);
    assert_clones_share_its_future(&setup);
}
