//! The scenarios of the control plane: leaders come and go, nodes restart, join and leave, and
//! nothing is lost or doubled. Campaigns run the same over hundreds of seeds.

use std::collections::BTreeMap;

use stormglass_engine::observation::Observation;
use stormglass_scenarios::run::Setup;
use stormglass_tests::runs::{assert_holds, scenario, setup};

/// As many seeds as a test has time for.
const SEEDS: u64 = 30;

#[test]
fn leaders_come_and_go_and_the_metadata_keeps_its_word() {
    let storm = scenario("coordinator-storm", &[]);
    let (mut changes, mut effective) = (Vec::new(), BTreeMap::<String, u64>::new());
    for seed in 0..SEEDS {
        let outcome = setup(&storm, seed).run();
        assert_holds(&outcome);
        assert!(outcome.effective_faults() > 0, "seed {seed} was never disturbed");
        assert!(outcome.leaders.answered > 0, "seed {seed} asked for nothing");
        changes.push(outcome.leaders.changes);
        for fault in &outcome.faults {
            *effective.entry(fault.kind.clone()).or_default() += u64::from(fault.took_effect);
        }
    }
    changes.sort_unstable();
    assert!(changes[changes.len() / 2] >= 3, "leaders hardly changed: {changes:?}");
    for (kind, seeds) in effective {
        assert!(seeds >= SEEDS / 10, "`{kind}` took effect {seeds} times only");
    }
}

#[test]
fn every_point_of_raft_is_survived() {
    let consensus = scenario("consensus", &[]);
    (0..SEEDS).for_each(|seed| assert_holds(&setup(&consensus, seed).run()));
}

#[test]
fn every_node_is_restarted_once() {
    let rolling = scenario("rolling-restart", &[]);
    let outcome = setup(&rolling, 1).run();
    assert_holds(&outcome);
    let struck: Vec<&str> = outcome.faults.iter().map(|fault| fault.target.as_str()).collect();
    let nodes = [
        "coordinator-1",
        "coordinator-2",
        "coordinator-3",
        "broker",
        "store",
        "receiver",
        "supervisor-1",
        "supervisor-2",
        "supervisor-3",
        "supervisor-4",
    ];
    assert_eq!((struck, outcome.effective_faults()), (nodes.to_vec(), nodes.len()));
}

#[test]
fn workers_double_and_halve() {
    let elastic = scenario("elastic", &[]);
    for seed in 0..3 {
        let outcome = Setup { record: true, ..setup(&elastic, seed) }.run();
        assert_holds(&outcome);
        let granted = outcome.story.iter().filter_map(|(_, what)| match what {
            Observation::Granted { workers, .. } => Some(*workers),
            _ => None,
        });
        // Crashes and departures in between grant the same again, and supervisors may join one by
        // one.
        let mut workers: Vec<u16> = granted.filter(|workers| [2, 4, 8].contains(workers)).collect();
        workers.dedup();
        assert_eq!(workers, [4, 8, 4, 2, 4], "seed {seed}");
    }
}
