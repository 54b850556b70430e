//! Storm's commit of stateful bolts is at least once: it shows duplicates under crashes, and no
//! loss; undisturbed it shows neither.

use stormglass_scenarios::scenario::Scenario;
use stormglass_tests::runs::{assert_holds, scenario, setup};

#[test]
fn crashes_show_duplicates_and_no_loss() {
    let scenario = scenario("stateful-bolts", &["input.words.count=6000"]);
    let mut twice = 0;
    for seed in 0..20 {
        let outcome = setup(&scenario, seed).run();
        assert_holds(&outcome);
        assert!(outcome.effective_faults() > 1, "{:#?}", outcome.faults);
        assert!(outcome.checkpoints.completed > 3, "{:#?}", outcome.checkpoints);
        assert!(outcome.published["publish"] >= outcome.input.records);
        twice += u32::from(outcome.duplicates.updates > 0);
    }
    assert!(twice >= 2, "{twice} of 20 seeds count something twice");
}

#[test]
fn a_calm_run_counts_everything_once() {
    for max_pending in ["10000", "150"] {
        let settings = ["input.words.count=3000", &format!("acking.max-pending={max_pending}")]
            .map(str::to_string);
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let stormy = scenario("stateful-bolts", &settings);
        let calm = Scenario { faults: vec![], ..(*stormy).clone() };
        let outcome = setup(&calm.into(), 3).run();
        assert_holds(&outcome);
        assert_eq!(outcome.duplicates, Default::default());
        assert_eq!((outcome.flow.replayed, outcome.published["publish"]), (0, 3_000));
    }
}

#[test]
fn wide_trees_and_trees_that_end_are_followed_too() {
    let settings = [
        "recovery=stateful-bolts",
        "guarantee=at-least-once",
        "checkpoint.interval=1s",
        "acking.message-timeout=6s",
        "input.csv.limit=4000",
    ];
    let stormy = scenario("flight-delays", &settings);
    for seed in 0..8 {
        assert_holds(&setup(&stormy, seed).run());
    }
    let calm = Scenario { faults: vec![], ..(*stormy).clone() };
    let outcome = setup(&calm.into(), 3).run();
    assert_holds(&outcome);
    assert_eq!(outcome.duplicates, Default::default());
    assert_eq!(outcome.published["publish"], 8_000);
}
