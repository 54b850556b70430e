use super::*;
use crate::scenario::FaultSpec;
use crate::topologies::Registry;
use crate::{input, plan};

#[test]
fn every_shipped_scenario_can_be_planned() {
    for entry in list() {
        let scenario = entry.scenario().unwrap_or_else(|problem| panic!("{problem}"));
        assert_eq!(scenario.name, entry.name);
        assert!(!scenario.summary.is_empty());
        assert_eq!(scenario.topology(&Registry::default()).unwrap().name(), scenario.topology.name);
        let log = scenario.input(7, &file).unwrap();
        let plan = plan::generate(&scenario.drawn(7), 7, input::duration(&log)).unwrap();
        let certain = scenario.faults.iter().filter(|fault| fault.chance == FaultSpec::CERTAIN);
        let least: u32 = certain.map(|fault| fault.times.min % u32::MAX).sum();
        assert!(plan.faults.len() >= least as usize);
        assert_eq!(plan.operations.len(), scenario.operations.len());
    }
}

#[test]
fn the_sizes_are_those_promised() {
    let size = |name: &str| {
        let log = load(name, &[] as &[&str]).unwrap().input(1, &file).unwrap();
        (log.len(), log.partitions.len(), input::duration(&log).to_string())
    };
    assert_eq!(size("flight-delays"), (20_000, 4, "100s".to_string()));
    assert_eq!(size("reference"), (60_000, 4, "60s".to_string()));
    assert_eq!(size("word-count"), (20_000, 4, "20s".to_string()));
}

#[test]
fn a_mistyped_name_gets_the_nearest() {
    assert_eq!(nearest_to("flight-delay"), Some("flight-delays"));
    let problem = load("wordcount", &[] as &[&str]).unwrap_err();
    insta::assert_snapshot!(problem, @r#"
    unknown scenario `wordcount`
    help: did you mean `word-count`?
    "#);
    let why = file("flight.csv").unwrap_err();
    assert_eq!(why, "there is no file `flight.csv`; did you mean `flights.csv`?");
}
