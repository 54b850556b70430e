use stormglass_engine::names::Twist;
use stormglass_sim::node::Name;

use super::directed::ENTRIES;
use super::{ALL, Bug, Checker, Plant};
use crate::catalog;
use crate::topologies::Registry;
use crate::{input, plan};

#[test]
fn every_place_in_the_engine_is_in_the_matrix_once() {
    for twist in Twist::bugs() {
        let rows = ALL.iter().filter(|bug| bug.plant == Plant::Twist(twist));
        let rows: Vec<&Bug> = rows.collect();
        assert!(
            matches!(rows[..], [bug] if bug.name == twist.name()),
            "{}: {rows:?}",
            twist.name()
        );
    }
}

#[test]
fn every_row_says_where_and_who() {
    for bug in ALL {
        assert!(!bug.source.is_empty() && !bug.story.is_empty(), "{bug:?}");
        assert!(!matches!(bug.checker, Checker::Laws([])), "{bug:?}");
        catalog::load(bug.scenario, bug.settings).unwrap_or_else(|problem| panic!("{problem}"));
    }
}

#[test]
fn every_directed_scenario_can_be_planned_and_serves_a_bug() {
    for entry in ENTRIES {
        let scenario = entry.scenario().unwrap_or_else(|problem| panic!("{problem}"));
        assert_eq!(scenario.name, entry.name);
        assert!(!scenario.summary.is_empty());
        assert!(ALL.iter().any(|bug| bug.scenario == entry.name), "{} serves none", entry.name);
        assert!(catalog::list().iter().all(|shipped| shipped.name != entry.name));
        let log = scenario.input(7, &catalog::file).unwrap();
        scenario.topology(&Registry::default()).unwrap();
        plan::generate(&scenario.drawn(7), 7, input::duration(&log)).unwrap();
    }
}
