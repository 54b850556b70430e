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
            "at": "34.430796503s"
          },
          "action": {
            "crash": {
              "down": "2s"
            }
          },
          "target": "leader"
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
            match (&spec.when, fault.trigger) {
                (When::On(on), Trigger::On(drawn)) => {
                    assert!((on.nth.min..=on.nth.max).contains(&drawn.nth));
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

/// A scenario of a storm from 12 s to 48 s with these faults and operations.
fn stormy(blocks: &str) -> Scenario {
    let text = format!(
        "name = 'stormy'\ntopology.name = 'word-count'\ncluster.coordinators = '1..7'\n\
         input = {{ rate = '1k/s', words = {{ count = 60_000 }} }}\n{blocks}"
    );
    Scenario::parse(&text, "stormy.toml").unwrap_or_else(|problem| panic!("{problem}"))
}

fn times(plan: &Plan) -> Vec<Instant> {
    let at = |fault: &PlannedFault| match &fault.trigger {
        Trigger::At(at) => *at,
        other => panic!("{other:?}"),
    };
    plan.faults.iter().map(at).collect()
}

#[test]
fn a_fault_strikes_several_times_each_drawn_anew() {
    let crash = "[[fault]]\nat = 'storm'\ncrash = { who = 'leader', down = '1s..2s' }\n";
    let (once, often) =
        (stormy(crash), stormy(&crash.replace("\ncrash", "\ntimes = '3..5'\ncrash")));
    let mut numbers = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let plan = plan(&often, seed);
        let mut drawn = times(&plan);
        numbers.insert(drawn.len());
        drawn.sort();
        drawn.dedup();
        assert_eq!(drawn.len(), plan.faults.len(), "each has a time of its own");
        assert_eq!(plan.faults[0], self::plan(&once, seed).faults[0]);
    }
    assert_eq!(Vec::from_iter(numbers), [3, 4, 5]);
}

#[test]
fn a_fault_strikes_every_so_often_until_the_storm_is_over() {
    let pause = "pause = { who = 'worker', for = '1s' }";
    let every = stormy(&format!("[[fault]]\nat = '12s'\nevery = '2s..4s'\n{pause}"));
    for seed in 0..50 {
        let drawn = times(&plan(&every, seed));
        assert_eq!(drawn[0], Instant::ZERO + Span::secs(12));
        for pair in drawn.windows(2) {
            let apart = pair[1].since(pair[0]);
            assert!((Span::secs(2)..=Span::secs(4)).contains(&apart), "{apart}");
        }
        let last = *drawn.last().unwrap();
        assert!((Span::secs(44)..=Span::secs(48)).contains(&last.since(Instant::ZERO)), "{last}");
    }
    let three = stormy(&format!("[[fault]]\nat = '12s'\ntimes = 3\nevery = '2s'\n{pause}"));
    let seconds = [12, 14, 16].map(|s| Instant::ZERO + Span::secs(s));
    assert_eq!(times(&plan(&three, 1)), seconds);
}

/// Gaps of a Poisson process are exponential: their mean and deviation are the mean that is stated.
#[test]
fn a_fault_strikes_like_rain() {
    let rain = |also: &str| {
        stormy(&format!("[[fault]]\nat = 'storm'\npoisson = '2s'\n{also}pause = {PAUSED}"))
    };
    let (endless, few) = (rain(""), rain("times = 4\n"));
    let (mut gaps, mut struck) = (Vec::new(), 0);
    for seed in 0..400 {
        let drawn = times(&plan(&endless, seed));
        struck += drawn.len();
        let mut before = Instant::ZERO + Span::secs(12);
        for at in &drawn {
            gaps.push(at.since(before).as_secs_f64());
            assert!(*at <= Instant::ZERO + Span::secs(48), "{at}");
            before = *at;
        }
        let first: Vec<Instant> = drawn.into_iter().take(4).collect();
        assert_eq!(times(&plan(&few, seed)), first, "seed {seed}");
    }
    // 36 s of storm, 18 times each.
    assert!((7_000..7_400).contains(&struck), "{struck}");
    // The storm's end cuts long gaps off more often than short ones.
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let square = gaps.iter().map(|gap| gap * gap).sum::<f64>() / gaps.len() as f64;
    let deviation = (square - mean * mean).sqrt();
    assert!((1.8..2.0).contains(&mean) && (1.75..2.0).contains(&deviation), "{mean} {deviation}");
    let least = gaps.iter().filter(|gap| **gap < 0.2).count() as f64 / gaps.len() as f64;
    assert!((0.085..0.11).contains(&least), "{least} are less than a tenth of the mean");
}
const PAUSED: &str = "{ who = 'worker', for = '1s' }";

#[test]
fn a_fault_is_there_in_its_share_of_seeds() {
    let crash = |chance| format!("[[fault]]\nat = 'storm'\n{chance}\ncrash = {{ who = 'worker' }}");
    let (always, some) = (stormy(&crash("")), stormy(&crash("chance = '30%'")));
    let mut there = 0;
    for seed in 0..1_000 {
        let faults = plan(&some, seed).faults;
        there += faults.len();
        assert!(faults.is_empty() || faults == plan(&always, seed).faults);
    }
    assert!((250..350).contains(&there), "{there}");
}

#[test]
fn whom_only_the_run_knows_is_left_to_it() {
    let scenario = stormy(
        "[[fault]]\nat = 'storm'\ncut = { from = 'leader', to = 'follower', for = '2s' }\n\
         [[fault]]\non = { event = 'raft-appended', nth = '5..9' }\ntimes = 2\n\
         crash-machine = { who = 'it', down = '1s' }\n\
         [[fault]]\nat = 'storm'\nisolate = { who = 'leader', for = '2s', ways = 'in' }\n\
         [[fault]]\nat = 'storm'\n\
         drift-clock = { who = 'coordinator', by = '-5%..5%', for = '2s' }",
    );
    let mut followers = std::collections::BTreeSet::new();
    for seed in 0..100 {
        let drawn = scenario.drawn(seed);
        let faults = plan(&drawn, seed).faults;
        assert_eq!((&faults[0].target, &faults[1].target), (&Target::Leader, &Target::It));
        let Some(Target::Follower(Some(number))) = faults[0].action.to() else { panic!() };
        assert!(*number <= u32::from(drawn.cluster.coordinators.max - 1).max(1));
        followers.insert(*number);
        let kinds: Vec<String> = faults.iter().map(PlannedFault::kind).collect();
        let point = "crash-machine it at raft-appended";
        let clock = "drift-clock coordinator";
        let expected = ["cut leader to follower", point, point, "isolate leader inbound", clock];
        assert_eq!(kinds, expected);
    }
    assert_eq!(Vec::from_iter(followers), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn operations_are_planned_in_the_order_of_time() {
    let scenario = stormy(
        "[[operation]]\nat = '60%..70%'\nrebalance = { workers = 2 }\n\
         [[operation]]\nat = '20%..30%'\nleave = { who = 'supervisor-3' }\n\
         [[operation]]\nat = '45s'\ntransfer = {}\n",
    );
    let plan = plan(&scenario, 7);
    let names: Vec<&str> = plan.operations.iter().map(|o| o.operation.name()).collect();
    assert_eq!(names, ["leave", "rebalance", "transfer"]);
    assert_eq!(plan.operations[2].at, Instant::ZERO + Span::secs(45));
    assert_eq!(Plan::from_json(&plan.to_json(), "plan.json"), Ok(plan.clone()));
    let first = serde_json::to_string(&plan.operations[0]).unwrap();
    let leaves = r#"{"at":"14.525646491s","operation":{"leave":{"who":"supervisor-3"}}}"#;
    assert_eq!(first, leaves);
    insta::assert_snapshot!(generate(&scenario, 7, Span::secs(30)).unwrap_err(), @r#"
    stormy.toml:12:6: the operation may come after the end of an input of 30s
       |
    12 | at = '45s'
       |      ^^^^^
    "#);
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
