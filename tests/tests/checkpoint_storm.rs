//! Crashes at every phase of a checkpoint, for each backend and mode. The campaign of 500 seeds is
//! `stormglass campaign checkpoint-storm --seeds 0..500`; here are as many as a test has time for.

use std::collections::BTreeMap;

use stormglass_tests::runs::{assert_holds, scenario, setup};

const SEEDS: u64 = 60;

#[test]
fn whoever_takes_part_in_a_checkpoint_may_die_in_the_middle_of_it() {
    let storm = scenario("checkpoint-storm", &[]);
    let (mut aborted, mut restored) = (Vec::new(), Vec::new());
    let (mut struck, mut drawn) = (BTreeMap::new(), BTreeMap::new());
    for seed in 0..SEEDS {
        let outcome = setup(&storm, seed).run();
        assert_holds(&outcome);
        assert!(outcome.effective_faults() > 0, "seed {seed} was never disturbed");
        aborted.push(outcome.aborted_checkpoints());
        restored.push(outcome.restored_checkpoints());
        for fault in outcome.faults.iter().filter(|fault| fault.took_effect) {
            *struck.entry(fault.kind.clone()).or_insert(0u64) += 1;
        }
        for (name, label) in outcome.drew {
            drawn.entry(name).or_insert_with(BTreeMap::new).insert(label, seed);
        }
    }
    let median = |all: &mut Vec<u64>| {
        all.sort_unstable();
        all[all.len() / 2]
    };
    assert!(median(&mut aborted) >= 3, "few checkpoints were given up: {aborted:?}");
    assert!(median(&mut restored) >= 3, "few checkpoints were restored: {restored:?}");
    let phases = [
        "checkpoint-triggered",
        "barrier-sent",
        "aligning",
        "cut",
        "uploading",
        "checkpoint-acked",
        "checkpoint-completed",
        "notified",
    ];
    for phase in phases {
        let kind = format!("crash it at {phase}");
        let seeds = struck.get(&kind).copied().unwrap_or(0);
        assert!(seeds >= SEEDS / 10, "`{kind}` took effect {seeds} times only");
    }
    assert_eq!(drawn["backend"].len(), 6, "{drawn:?}");
    assert_eq!(drawn["mode"].len(), 4, "{drawn:?}");
}
