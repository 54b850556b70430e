use crate::command::folder::Line;
use std::sync::Arc;

use stormglass_engine::names::Twist;
use stormglass_scenarios::{bugs, catalog, run::Setup, topologies::Registry};

use super::*;

/// Ten virtual seconds of flights, with a crash and a bug that every restore reaches.
fn broken() -> (Setup, Outcome) {
    let settings =
        ["input.csv.limit=2000", "checkpoint.interval=500ms", "fault.4.slow-disk.for=1s"];
    let scenario = Arc::new(catalog::load("flight-delays", &settings).unwrap());
    let bug: Twist = bugs::twist("restore-one-too-far").unwrap();
    let mut setup = Setup::new(&scenario, &Registry::default(), &catalog::file, 7).unwrap();
    setup.bugs.push(bug);
    (setup.clone(), setup.run())
}

#[test]
fn a_row_is_read_as_it_was_written() {
    let (setup, outcome) = broken();
    let row = Row::of(&outcome, &setup.scenario, &setup.topology);
    let line = row.line();
    assert_eq!(line.matches('\n').count(), 1);
    assert!(line.starts_with(r#"{"scenario":"flight-delays","seed":"7","verdict":"broken","#));
    let again: Row = serde_json::from_str(&line).unwrap();
    assert_eq!(again, row);
    assert_eq!(again.line(), line);
    let said = Said::CouldNotJudge {
        cause: Cause::OutOfBudget,
        why: "gone".to_string(),
        proofs: vec!["all of it".to_string()],
    };
    for said in [Said::Holds, said] {
        let row = Row { said, ..row.clone() };
        assert_eq!(serde_json::from_str::<Row>(&row.line()).unwrap(), row);
    }
}

#[test]
fn a_failure_is_known_by_law_component_and_phase() {
    let (setup, mut outcome) = broken();
    let signature = |outcome: &Outcome| {
        Row::of(outcome, &setup.scenario, &setup.topology).failure().unwrap().clone()
    };
    let first = signature(&outcome);
    assert_eq!((first.law.as_str(), first.component.as_str()), ("legal-order", "flights"));
    let Verdict::Broken { violations } = &mut outcome.verdict else { unreachable!() };
    violations[0].sentence = "nothing that has a name".to_string();
    assert_eq!(signature(&outcome).component, "worker", "who was seen, without a number");

    let began = outcome.recoveries[0].began;
    let last = outcome.faults.iter().filter(|f| f.took_effect).filter_map(|f| f.at).max().unwrap();
    outcome.recoveries.truncate(1);
    let end = began + outcome.recoveries[0].total();
    let after = stormglass_sim::time::Span::secs(1_000);
    let phases = [
        (stormglass_sim::time::Instant::ZERO, "calm"),
        (began, "detection"),
        (end, "storm"),
        (last + after, "lull"),
    ];
    for (at, phase) in phases {
        let Verdict::Broken { violations } = &mut outcome.verdict else { unreachable!() };
        violations[0].at = at;
        assert_eq!(signature(&outcome).phase, phase);
    }
}
