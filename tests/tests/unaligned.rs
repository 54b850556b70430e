//! Unaligned checkpoints: they hold what aligned ones hold, and back-pressure does not delay them.

use stormglass_scenarios::outcome::Outcome;
use stormglass_tests::runs::{assert_holds, scenario, setup, short};

/// A bolt that cannot keep up for a while, and room on the channels for half a second of its work.
const BEHIND: [&str; 12] = [
    "topology.parallelism.count=1",
    "topology.parallelism.publish=1",
    "topology.cpu.count=1ms",
    "input.words.count=10000",
    "input.rate=1200/s",
    "flow.batch=20",
    "flow.credits=500",
    "flow.fetch=200",
    "flow.flush=10ms",
    "checkpoint.interval=500ms",
    "checkpoint.timeout=1s",
    "phases.lull=60s",
];

fn hits(outcome: &Outcome, name: &str) -> u64 {
    outcome.probes.iter().find(|(probe, _)| *probe == name).expect("such a probe").1
}

#[test]
fn they_hold_under_storms() {
    for timeout in ["checkpoint.aligned-timeout=0s", "checkpoint.aligned-timeout=50ms"] {
        for name in ["storm", "reference", "word-count", "flight-delays"] {
            let short = if name == "storm" { &[] } else { short(name) };
            let settings = [short, &["checkpoint.alignment=unaligned", timeout]].concat();
            let scenario = scenario(name, &settings);
            for seed in 0..4 {
                assert_holds(&setup(&scenario, seed).run());
            }
        }
    }
}

#[test]
fn back_pressure_delays_aligned_ones_only() {
    let run = |how: &[&str]| {
        let outcome = setup(&scenario("word-count", &[&BEHIND, how].concat()), 1).run();
        assert_holds(&outcome);
        outcome
    };
    let expired =
        |outcome: &Outcome| outcome.checkpoints.aborted.get("expired").copied().unwrap_or_default();
    let aligned = run(&[]);
    assert!(expired(&aligned) >= 8, "{:?}", aligned.checkpoints);
    for how in ["checkpoint.aligned-timeout=0s", "checkpoint.aligned-timeout=200ms"] {
        let unaligned = run(&["checkpoint.alignment=unaligned", how]);
        // A slow disk of the store delays them all.
        assert!(expired(&unaligned) <= 4, "{how}: {:?}", unaligned.checkpoints);
        assert!(unaligned.checkpoints.completed >= 2 * aligned.checkpoints.completed);
        assert!(hits(&unaligned, "in-flight-persisted") > 0);
        assert!(hits(&unaligned, "in-flight-restored") > 0);
    }
}

/// A checkpoint that begins while what a restore put back still waits persists what is left of it.
#[test]
fn what_was_put_back_and_waits_is_persisted_again() {
    let often = ["checkpoint.alignment=unaligned", "checkpoint.interval=100ms"];
    let scenario = scenario("word-count", &[&BEHIND[..9], &BEHIND[10..], &often].concat());
    let again = (0..6).map(|seed| {
        let outcome = setup(&scenario, seed).run();
        assert_holds(&outcome);
        hits(&outcome, "barrier-while-refilled")
    });
    assert!(again.sum::<u64>() > 0, "no barrier came in time");
}
