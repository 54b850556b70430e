//! Checkpoints that block no channel: less is claimed, and the run shows how much less.

use stormglass_engine::names::Twist;
use stormglass_scenarios::catalog;
use stormglass_scenarios::judge::law::Law;
use stormglass_tests::runs::{assert_holds, scenario, setup};

/// Barriers that arrive far apart, so that tuples pass between them.
const SETTINGS: [&str; 7] = [
    "guarantee=at-least-once",
    "checkpoint.mode=at-least-once",
    "checkpoint.interval=500ms",
    "input.words.count=8000",
    "network.latency=200us..50ms",
    "flow.flush=5ms",
    "flow.poll=5ms",
];

#[test]
fn crashes_show_duplicates_and_never_a_loss() {
    let scenario = scenario("word-count", &SETTINGS);
    let mut twice = 0;
    for seed in 0..20 {
        let outcome = setup(&scenario, seed).run();
        assert_holds(&outcome);
        assert!(outcome.effective_faults() > 0 && !outcome.recoveries.is_empty());
        twice += u32::from(outcome.duplicates.updates > 0 && outcome.duplicates.outputs > 0);
    }
    assert!(twice >= 2, "{twice} of 20 seeds showed what the mode cannot keep");
}

#[test]
fn without_barriers_between_them_tuples_count_once() {
    let exactly = SETTINGS.iter().filter(|setting| !setting.starts_with("checkpoint.mode"));
    let scenario = scenario("word-count", &exactly.copied().collect::<Vec<_>>());
    let outcome = setup(&scenario, 0).run();
    assert_holds(&outcome);
    assert_eq!(outcome.duplicates, Default::default(), "the claim is less than what is kept");
}

#[test]
fn a_loss_is_noticed_though_nobody_expects_values() {
    let scenario = scenario("word-count", &SETTINGS);
    let lost = (0..3).any(|seed| {
        let mut setup = setup(&scenario, seed);
        setup.bugs = vec![Twist::RestoreOneTooFar];
        setup.run().violations().iter().any(|violation| violation.law == Law::NoLoss)
    });
    assert!(lost, "a record that a source left out after a restore");
}

#[test]
fn the_mode_does_not_go_with_the_claim_of_exactly_once() {
    let mistake = |settings: &[&str]| {
        catalog::load("word-count", settings).expect_err("it makes no sense").to_string()
    };
    let text = mistake(&["checkpoint.mode=at-least-once"]);
    assert!(text.contains("claim less: guarantee = \"at-least-once\""), "{text}");
    let text = mistake(&[
        "guarantee=at-least-once",
        "checkpoint.mode=at-least-once",
        "checkpoint.alignment=unaligned",
    ]);
    assert!(text.contains("need checkpoint.mode = \"exactly-once\""), "{text}");
    let text = mistake(&["checkpoint.aligned-timeout=1s"]);
    assert!(text.contains("add checkpoint.alignment = \"unaligned\""), "{text}");
}
