use std::sync::Arc;

use super::*;
use crate::catalog;
use crate::run::Setup;
use crate::sweep::Row;
use crate::topologies::Registry;

#[test]
fn assumptions_are_read_off_the_scenario() {
    let interval = catalog::load("interval", &[] as &[&str]).unwrap();
    let assumptions = Assumptions::of(&interval).unwrap();
    assert_eq!(assumptions, Assumptions { cost: 1.0, mtbf: 20.0, restart: 1.0 });
    assert!((assumptions.best() - 6.68).abs() < 0.01);
    assert!((assumptions.young() - 7.32).abs() < 0.01);
    assert!((assumptions.daly() - 6.68).abs() < 0.05);
    let other = catalog::load("word-count", &[] as &[&str]).unwrap();
    assert_eq!(Assumptions::of(&other), None);
}

/// Nothing is left to chance between a run and the formula's model for its failures.
#[test]
fn a_run_follows_the_model_of_its_failures() {
    let settings = [
        "input.words.count=4000",
        "checkpoint.interval=7s",
        "checkpoint.adaptive.min=7s",
        "checkpoint.adaptive.max=7s",
    ];
    let scenario = Arc::new(catalog::load("interval", &settings).unwrap());
    let outcome = Setup::new(&scenario, &Registry::default(), &catalog::file, 1).unwrap().run();
    let facts = Facts::of(&outcome, &scenario);
    let off = facts.useful_ppm.abs_diff(facts.model_ppm.unwrap());
    assert!(off < 10_000, "{facts:?}");
    // An interval that follows what is observed has no model.
    let free = Arc::new(catalog::load("interval", &["input.words.count=300"]).unwrap());
    assert_eq!(model(&outcome, &free), None);
}

#[test]
fn what_is_measured_is_held_against_the_formula() {
    let assumptions = Assumptions { cost: 1.0, mtbf: 20.0, restart: 1.0 };
    let run = |useful_ppm, checkpoint: u64| Row {
        cell: 0,
        at: Vec::new(),
        seed: 0,
        facts: Facts {
            useful_ppm,
            model_ppm: Some(700_000),
            checkpoint: [1, checkpoint, checkpoint, checkpoint],
            outages: vec![[0, 0, 3_000_000_000, 0, 0]],
            faults: 7,
            ..Facts::default()
        },
    };
    let second = 1_000_000_000;
    let point = Point { runs: vec![run(690_000, 3 * second), run(710_000, 3 * second)] };
    let [compared] = compare(assumptions, &[(7.0, &point)])[..] else { panic!() };
    assert_eq!((compared.failures, compared.measured, compared.model), (14, 0.7, 0.7));
    assert!((compared.error - 0.01).abs() < 1e-12);
    assert!((compared.formula - 0.6818).abs() < 0.001, "{compared:?}");
    // Two seconds more under way, of which 6/7 are work, and two more of an outage, each 21 s.
    assert!((compared.gap.under_way - 2.0 * 6.0 / 7.0 / 21.0).abs() < 1e-9);
    assert!((compared.gap.outage - 2.0 * compared.formula / 21.0).abs() < 1e-9);
    assert!(compared.explained() < compared.formula);
}
