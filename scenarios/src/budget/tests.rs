//! The table of the budget, and plans that stay inside it.

use stormglass_sim::time::{Instant, Span};

use super::*;
use crate::plan::{Plan, PlannedAction, PlannedFault, Trigger, VERSION};
use crate::scenario::{Scenario, Target};
use crate::units::Drift;

fn scenario(settings: &str) -> Scenario {
    let text = format!(
        r#"
        name = "small"
        topology.name = "word-count"
        input = {{ rate = "1k/s", words = {{ count = 30_000 }} }}
        {settings}
        "#
    );
    Scenario::parse(&text, "small.toml").unwrap().drawn(0)
}

fn fault(at: u64, who: Target, action: PlannedAction) -> PlannedFault {
    let trigger = Trigger::At(Instant::ZERO + Span::secs(at));
    PlannedFault { trigger, action, target: who, resolved: None }
}

fn plan(faults: &[PlannedFault]) -> Plan {
    let (scenario, faults) = ("small".to_string(), faults.to_vec());
    Plan {
        version: VERSION,
        scenario,
        seed: 0,
        operations: Vec::new(),
        rare_events: Vec::new(),
        faults,
        forks: Vec::new(),
    }
}

const WIPE: PlannedAction = PlannedAction::Wipe {};
const ROT: PlannedAction = PlannedAction::Rot { file: 0, bit: 0 };

fn store(number: u32) -> Target {
    Target::Member(Role::Store, number)
}
fn coordinator(number: u32) -> Target {
    Target::Member(Role::Coordinator, number)
}

/// A cell says why it promises less than everything, and nothing is promised for more losses that
/// is not promised for fewer.
#[test]
fn every_cell_has_its_reason() {
    for &harm in Harm::ALL {
        for &role in Role::ALL {
            let (spared, alone) = (cell(harm, role, true), cell(harm, role, false));
            assert!(spared.promise <= alone.promise, "{harm} of {role}");
            for cell in [spared, alone] {
                assert_eq!(cell.why.is_empty(), cell.promise == Promise::Survives, "{cell:?}");
            }
        }
    }
}

#[test]
fn the_only_copy_is_not_to_be_destroyed() {
    let alone = scenario("");
    for action in [WIPE, ROT] {
        let reason = admits(&alone, &plan(&[]), &fault(10, Target::Any(Role::Store), action));
        let reason = reason.unwrap_err();
        assert_eq!((reason.role, reason.promise), (Role::Store, Promise::MayStop));
        assert!(reason.to_string().contains("the only copy of a checkpoint's file"), "{reason}");
    }
    let three = scenario("store = { nodes = 3, replication = 2 }");
    let first = fault(10, store(1), WIPE);
    assert_eq!(admits(&three, &plan(&[]), &first), Ok(()));
    // The same store again: the other copy is where it was.
    assert_eq!(
        admits(&three, &plan(std::slice::from_ref(&first)), &fault(11, store(1), ROT)),
        Ok(())
    );
    assert!(
        admits(&three, &plan(std::slice::from_ref(&first)), &fault(11, store(2), ROT)).is_err()
    );
    // Whoever that is: any store is another one.
    let any = fault(11, Target::Any(Role::Store), WIPE);
    assert!(admits(&three, &plan(std::slice::from_ref(&first)), &any).is_err());
    // Copied, and taken the place of by later checkpoints.
    assert_eq!(
        admits(&three, &plan(std::slice::from_ref(&first)), &fault(90, store(2), WIPE)),
        Ok(())
    );
    let increments = scenario(
        "store = { nodes = 3, replication = 2 }
        state = { backend = \"embedded\", incremental = true }",
    );
    assert!(admits(&increments, &plan(&[first]), &fault(90, store(2), WIPE)).is_err());
}

#[test]
fn a_quorum_of_coordinators_stays_whole() {
    let with = |n: u32| scenario(&format!("cluster.coordinators = {n}"));
    for (coordinators, spare) in [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (7, 3)] {
        let of = with(coordinators);
        let mut so_far = Vec::new();
        for number in 1..=coordinators {
            let next = fault(u64::from(number), coordinator(number), ROT);
            let fits = admits(&of, &plan(&so_far), &next).is_ok();
            assert_eq!(fits, number <= spare, "{number} of {coordinators}");
            so_far.push(next);
        }
    }
    // An empty disk has forgotten its vote: one is too many.
    let reason = admits(&with(7), &plan(&[]), &fault(1, coordinator(1), WIPE)).unwrap_err();
    assert_eq!(reason.promise, Promise::Outside);
    // The leader may be another one each time.
    let leader = fault(1, Target::Leader, ROT);
    assert_eq!(admits(&with(3), &plan(&[]), &leader), Ok(()));
    assert!(admits(&with(3), &plan(std::slice::from_ref(&leader)), &leader).is_err());
}

#[test]
fn a_lease_trusts_clocks() {
    let lease =
        scenario("cluster.coordinators = 3\nraft = { lease = true, drift-bound = \"12%\" }");
    let drift = |who, percent: i32| {
        let (by, lasting) = (Drift(percent * 10_000), Span::secs(5));
        fault(1, who, PlannedAction::DriftClock { by, lasting })
    };
    let first = drift(coordinator(1), 7);
    assert_eq!(admits(&lease, &plan(&[]), &first), Ok(()));
    assert_eq!(
        admits(&lease, &plan(std::slice::from_ref(&first)), &drift(coordinator(2), -5)),
        Ok(())
    );
    assert!(
        admits(&lease, &plan(std::slice::from_ref(&first)), &drift(coordinator(2), -6)).is_err()
    );
    assert_eq!(admits(&lease, &plan(&[first]), &drift(Target::Any(Role::Worker), -40)), Ok(()));
    let by_round = scenario("cluster.coordinators = 3");
    assert_eq!(admits(&by_round, &plan(&[]), &drift(coordinator(1), 40)), Ok(()));
}

#[test]
fn what_passes_is_admitted() {
    let lasting = Span::secs(5);
    for &role in Role::ALL {
        let pause = fault(1, Target::Any(role), PlannedAction::Pause { lasting });
        assert_eq!(admits(&scenario(""), &plan(&[]), &pause), Ok(()), "{role}");
    }
}
