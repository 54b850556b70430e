use stormglass_sim::time::Span;

use super::*;
use crate::catalog;
use crate::scenario::{Role, Scenario, When};

const NONE: &[&str] = &[];

fn reference() -> Scenario {
    catalog::load("reference", NONE).unwrap()
}

fn plan(scenario: &Scenario, seed: u64) -> Plan {
    generate(scenario, seed, Span::secs(60)).unwrap()
}

#[test]
fn a_plan_is_a_function_of_scenario_and_seed() {
    assert_eq!(plan(&reference(), 7), plan(&reference(), 7));
    assert_ne!(plan(&reference(), 7).faults, plan(&reference(), 8).faults);
    insta::assert_snapshot!(plan(&reference(), 7).to_json(), @r#"
    {
      "version": 1,
      "scenario": "reference",
      "seed": "7",
      "faults": [
        {
          "trigger": {
            "at": "14.203855671s"
          },
          "action": {
            "crash": {}
          },
          "target": "worker-2"
        },
        {
          "trigger": {
            "on": {
              "event": "checkpoint-triggered",
              "nth": 11
            }
          },
          "action": {
            "crash": {}
          },
          "target": "worker-of:count"
        },
        {
          "trigger": {
            "at": "26.15565353s"
          },
          "action": {
            "isolate": {
              "for": "9.632750489s"
            }
          },
          "target": "worker-2"
        },
        {
          "trigger": {
            "at": "32.706167705s"
          },
          "action": {
            "crash": {
              "down": "2s"
            }
          },
          "target": "coordinator-1"
        },
        {
          "trigger": {
            "at": "37.327961852s"
          },
          "action": {
            "slow-disk": {
              "factor": 261,
              "for": "5.648457123s"
            }
          },
          "target": "store"
        },
        {
          "trigger": {
            "at": "43.76880245s"
          },
          "action": {
            "pause": {
              "for": "7.564409758s"
            }
          },
          "target": "worker-1"
        },
        {
          "trigger": {
            "at": "47.623268649s"
          },
          "action": {
            "crash": {}
          },
          "target": "worker-2"
        }
      ]
    }
    "#);
}

#[test]
fn one_fault_fewer_changes_no_other() {
    let whole = plan(&reference(), 7);
    for removed in 0..whole.faults.len() {
        let mut scenario = reference();
        scenario.faults.remove(removed);
        let mut expected = whole.clone();
        expected.faults.remove(removed);
        assert_eq!(plan(&scenario, 7), expected);
    }
}

#[test]
fn faults_that_read_alike_are_drawn_apart() {
    let mut scenario = reference();
    scenario.faults = vec![scenario.faults[0].clone(); 3];
    let faults = plan(&scenario, 7).faults;
    assert!(faults[0].trigger != faults[1].trigger && faults[1].trigger != faults[2].trigger);
}

#[test]
fn everything_drawn_lies_in_its_range() {
    let scenario = reference();
    let storm = crate::scenario::storm(&scenario, Span::secs(60));
    let mut workers = std::collections::BTreeSet::new();
    for seed in 0..300 {
        for (spec, fault) in scenario.faults.iter().zip(plan(&scenario, seed).faults) {
            match (spec.when, fault.trigger) {
                (When::On { nth, .. }, Trigger::On { nth: drawn, .. }) => {
                    assert!((nth.min..=nth.max).contains(&drawn));
                }
                (_, Trigger::At(at)) => {
                    let since = at.since(Instant::ZERO);
                    assert!(storm.min <= since && since <= storm.max);
                }
                other => panic!("{other:?}"),
            }
            match (spec.action.lasting(), fault.action.lasting()) {
                (Some(range), Some(drawn)) => {
                    assert!((range.min..=range.max).contains(drawn));
                }
                (range, drawn) => assert!(range.is_none() && drawn.is_none()),
            }
            if spec.target == Target::Any(Role::Worker) {
                workers.insert(fault.target);
            }
        }
    }
    assert_eq!(workers.len(), 4, "every worker has its turn");
}

#[test]
fn a_link_has_two_machines() {
    let text = r#"
        name = "links"
        topology.name = "word-count"
        input = { rate = "1k/s", words = { count = 60_000 } }
        cluster = { workers = 2, slots = 2 }
        [[fault]]
        at = "storm"
        cut = { from = "worker", to = "worker", for = "1s..2s" }
        [[fault]]
        at = "storm"
        slow-link = { from = "worker", to = "worker-2", extra = "100ms", for = "2s" }
        [[fault]]
        at = "storm"
        cut = { from = "supervisor-1", to = "worker", for = "2s", symmetric = false }
    "#;
    let scenario = Scenario::parse(text, "links.toml").unwrap();
    for seed in 0..100 {
        for fault in plan(&scenario, seed).faults {
            let machine = |target: &Target| match target {
                Target::Member(role, number) => scenario.cluster.machine_of(*role, *number),
                other => panic!("{other}"),
            };
            assert_ne!(machine(&fault.target), machine(fault.action.to().unwrap()));
        }
    }
}

#[test]
fn an_absolute_time_lies_in_the_storm() {
    let text = "name = 'early'\ntopology.name = 'word-count'\n\
        input = { rate = '1k/s', words = { count = 60_000 } }\n\
        [[fault]]\nat = '5s..20s'\ncrash = { who = 'worker' }\n";
    let scenario = Scenario::parse(text, "early.toml").unwrap();
    assert!(generate(&scenario, 1, Span::secs(25)).is_ok());
    insta::assert_snapshot!(generate(&scenario, 1, Span::secs(60)).unwrap_err(), @r#"
    early.toml:5:6: the fault is outside the storm, which lasts from 12s to 48s of an input of 60s
      |
    5 | at = '5s..20s'
      |      ^^^^^^^^^
    help: move it, or set `phases.storm`
    "#);
}

#[test]
fn a_plan_survives_json() {
    for entry in catalog::list() {
        let scenario = entry.scenario().unwrap();
        let mut plan = generate(&scenario, u64::MAX - 1, Span::secs(100)).unwrap();
        let (at, target) = (Instant(12_345_678_901), "worker-2".to_string());
        plan.faults[0].resolved = Some(Resolved { at, target, observation: Some(7) });
        assert_eq!(Plan::from_json(&plan.to_json(), "plan.json"), Ok(plan));
    }
}

#[test]
fn a_wrong_plan_is_refused() {
    let read = |json: &str| Plan::from_json(json, "plan.json").unwrap_err();
    insta::assert_snapshot!(read(r#"{ "version": 2, "faults": "changed since" }"#), @r#"
    plan.json: the plan has version 2, this program reads 1
    help: run its scenario and seed again to write a plan of this version
    "#);
    insta::assert_snapshot!(read(r#"{ "name": "not a plan" }"#), @r#"
    plan.json: the plan has no version: is it a plan?
    help: a plan begins with "version": 1
    "#);
    insta::assert_snapshot!(read("name = 'toml'"), @r#"
    plan.json:1:2: expected ident
      |
    1 | name = 'toml'
      |  ^
    "#);
    insta::assert_snapshot!(read(""), @"plan.json: EOF while parsing a value");
    insta::assert_snapshot!(read(
        "{\"version\": 1, \"scenario\": \"x\", \"seed\": \"0xzz\", \"faults\": []}"
    ), @r#"
    plan.json:1:46: `0xzz` is not a seed
      |
    1 | {"version": 1, "scenario": "x", "seed": "0xzz", "faults": []}
      |                                              ^
    help: write a number below 2^64, such as 7 or 0x2a
    "#);
    insta::assert_snapshot!(read(
        "{\"version\": 1, \"scenario\": \"x\", \"seed\": \"0x2a\", \"faults\": [\n  {\
         \"trigger\": {\"at\": \"12 sec\"}, \"action\": {\"crash\": {}}, \
         \"target\": \"worker-1\"}\n]}"
    ), @r#"
    plan.json:2:29: `sec` is not a unit of duration
      |
    2 |   {"trigger": {"at": "12 sec"}, "action": {"crash": {}}, "target": "worker-1"}
      |                             ^
    help: write a duration such as "2s"; units are ns, us, ms, s, min, h
    "#);
}

#[test]
fn draws_never_change() {
    let mut draw = Draw::new(0x5106_61a5, &[1, 2]);
    let words: Vec<String> = (0..3).map(|_| format!("{:016x}", draw.word())).collect();
    insta::assert_snapshot!(words.join(" "), @"50b2ecd49f4b6b49 d7ebdac088c96632 3e4243f93d270ccd");
    let mut seen = [0; 5];
    (0..5_000).for_each(|_| seen[draw.below(5) as usize] += 1);
    assert!(seen.iter().all(|n| (850..1_150).contains(n)), "{seen:?}");
}
