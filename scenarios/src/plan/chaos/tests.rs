use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::repertoire::strains;
use super::*;
use crate::catalog;
use crate::plan::generate;
use crate::scenario::{ActionKind, Role};

const LENGTH: Span = Span::secs(20);

/// A cluster of everything, with these generators.
fn stormy(chaos: &str) -> Scenario {
    let text = format!(
        "name = 'stormy'\ntopology.name = 'word-count'\n\
         input = {{ rate = '250/s', words = {{ count = 5_000 }} }}\n\
         cluster = {{ workers = 4, slots = 2, coordinators = '1..5' }}\n\
         store = {{ nodes = 3, replication = 2 }}\n{chaos}"
    );
    Scenario::parse(&text, "stormy.toml").unwrap_or_else(|problem| panic!("{problem}"))
}

fn plan(scenario: &Scenario, seed: u64) -> Plan {
    generate(&scenario.drawn(seed), seed, LENGTH).unwrap()
}

/// Every generator, alone and all of them together.
const GENERATORS: [&str; 9] = [
    "[[chaos]]\nsteady = { crash = '3s', pause = '2s', cut = '4s', wipe = '5s' }\n",
    "[[chaos]]\nattrition = { who = 'worker', kill = '2..6', leave = 1, live = '1s' }\n",
    "[[chaos]]\nburst = { mean = '3s' }\n",
    "[[chaos]]\ncascade = { mean = '4s' }\n",
    "[[chaos]]\nswizzle = { window = '2s..10s' }\n",
    "[[chaos]]\nrolling = { who = 'store', every = '1s..4s' }\n",
    "[[chaos]]\nswarm = { kinds = '10%..60%', each = '1..4' }\n",
    "[[chaos]]\nswarm = { kinds = '100%', each = '4', triggered = '0%' }\n",
    "[[chaos]]\naimed = {}\n",
];

/// What every plan of a generator promises.
fn check(scenario: &Scenario, seed: u64) {
    let scenario = &scenario.drawn(seed);
    let plan = plan(scenario, seed);
    assert_eq!(plan, generate(scenario, seed, LENGTH).unwrap(), "the same seed, the same plan");
    assert_eq!(Plan::from_json(&plan.to_json(), "plan.json"), Ok(plan.clone()));
    let field = Field::new(scenario, LENGTH);
    let mut before = Plan { faults: Vec::new(), ..plan.clone() };
    for fault in plan.faults {
        if let Trigger::At(at) = fault.trigger {
            let healed = at + repertoire::extent(&fault, scenario);
            assert!(field.storm.min <= at && healed <= field.storm.max, "{fault:?}");
        }
        assert!(!matches!(fault.target, Target::Any(role) if role != Role::Store), "{fault:?}");
        assert_eq!(budget::admits(scenario, &before, &fault), Ok(()));
        before.faults.push(fault);
    }
}

proptest! {
    #[test]
    fn every_plan_is_admitted_and_lies_in_the_storm(seed: u64, which in 0..=GENERATORS.len()) {
        let chaos = GENERATORS.get(which).map_or(GENERATORS.concat(), |one| one.to_string());
        check(&stormy(&chaos), seed);
    }
}

#[test]
fn the_shipped_storms_keep_their_promises() {
    for name in ["swarm", "aimed"] {
        let scenario = catalog::load(name, &[] as &[&str]).unwrap();
        (0..50).for_each(|seed| check(&scenario, seed));
    }
}

/// One kind more or fewer disturbs no other: neither its presence nor its draws.
#[test]
fn a_generator_more_disturbs_no_other() {
    let (one, two) = (stormy(GENERATORS[0]), stormy(&(GENERATORS[3].to_string() + GENERATORS[0])));
    let fewer = stormy("[[chaos]]\nsteady = { crash = '3s', cut = '4s', wipe = '5s' }\n");
    for seed in 0..50 {
        let harmless = |fault: &PlannedFault| !fault.action.destroys();
        let of = |scenario: &Scenario| {
            let faults = plan(scenario, seed).faults.into_iter().filter(harmless);
            faults.collect::<Vec<_>>()
        };
        assert!(of(&two).ends_with(&of(&one)));
        let paused = |fault: &PlannedFault| fault.action.name() != "pause";
        assert_eq!(of(&fewer), of(&one).into_iter().filter(paused).collect::<Vec<_>>());
    }
}

/// Each kind of fault is missing in many seeds and there in many; all of them come up.
#[test]
fn kinds_differ_by_seed() {
    let scenario = stormy("[[chaos]]\nswarm = { kinds = '50%' }\n");
    let (mut seeds, mut none) = (BTreeMap::<&str, u32>::new(), 0);
    for seed in 0..400 {
        let faults = plan(&scenario, seed).faults;
        none += u32::from(faults.is_empty());
        let names: BTreeSet<&str> = faults.iter().map(|fault| fault.action.name()).collect();
        names.into_iter().for_each(|name| *seeds.entry(name).or_default() += 1);
    }
    assert_eq!(none, 0, "a seed is never without any kind");
    let field = Field::new(&scenario, LENGTH);
    let mut destructive = 0;
    for kind in ActionKind::ALL {
        let strains = strains(*kind, &field);
        let there = seeds.get(kind.name()).copied().unwrap_or_default();
        // Those that destroy copies share the few that there are to spare.
        if strains.iter().all(|strain| strain.action.destroys()) {
            destructive += there;
            continue;
        }
        assert!((100..300).contains(&there), "{kind} is there in {there} of 400 seeds");
    }
    assert!(destructive > 300, "{destructive}");
}

/// Neighbouring seeds walk through all triples, and the next round has the same ones with other
/// draws.
#[test]
fn aimed_plans_are_enumerated() {
    let scenario = catalog::load("aimed", &[] as &[&str]).unwrap();
    let drawn = scenario.drawn(0);
    let all = aimed::aims(&Field::new(&drawn, LENGTH));
    let names: BTreeSet<String> = all.iter().map(aimed::Aim::name).collect();
    let size = all.len() as u64;
    assert_eq!(names.len() as u64, size, "each aim is one of its own");
    let phases: BTreeSet<&str> =
        all.iter().filter(|aim| aim.on.is_phase()).map(|aim| aim.on.word()).collect();
    assert!(phases.len() > 20, "{phases:?}");
    assert!(size > 2_000, "{size}");
    let planned = |seed| generate(&drawn, seed, LENGTH).unwrap();
    let kind = |seed| planned(seed).faults.last().map(PlannedFault::kind);
    let few: BTreeSet<&str> = (0..40)
        .filter_map(|seed| match &planned(seed).faults.last()?.trigger {
            Trigger::On(on) => Some(on.word()),
            Trigger::At(_) => None,
        })
        .collect();
    assert!(few.len() > 20, "few seeds in a row have something of everything: {few:?}");
    for seed in [1, 7, 99] {
        assert_eq!(kind(seed), kind(seed + size));
        assert_ne!(planned(seed).faults, planned(seed + 1).faults);
        assert_ne!(planned(seed).faults, planned(seed + size).faults);
    }
}

/// As many machines as it says stay up at every instant.
#[test]
fn attrition_leaves_whom_it_says() {
    let text = "[[chaos]]\nattrition = { who = 'worker', kill = 12, leave = 2, live = '500ms', \
                down = '1s..6s', backoff = '10%' }\n";
    let scenario = stormy(text);
    let mut most = 0;
    for seed in 0..200 {
        let faults = plan(&scenario, seed).faults;
        let down = |fault: &PlannedFault| {
            let (Trigger::At(at), Target::Member(role, number)) = (&fault.trigger, &fault.target)
            else {
                panic!("{fault:?}")
            };
            let machine = scenario.cluster.machine_of(*role, *number).1;
            (*at, *at + *fault.action.lasting().unwrap(), machine)
        };
        let downs: Vec<_> = faults.iter().map(down).collect();
        for (at, ..) in &downs {
            let is_down = |(from, to, _): &&(Instant, Instant, u32)| from <= at && at < to;
            let machines: BTreeSet<u32> = downs.iter().filter(is_down).map(|d| d.2).collect();
            assert!(machines.len() <= 2, "seed {seed}: {machines:?} are down at {at}");
            most = most.max(machines.len());
        }
    }
    assert_eq!(most, 2, "several are down at once");
}

/// All begin in the first half of the window and heal in the second: at its middle all are cut off.
#[test]
fn a_swizzle_has_a_middle() {
    let scenario = stormy("[[chaos]]\nswizzle = { window = '8s' }\n");
    let mut numbers = BTreeSet::new();
    for seed in 0..100 {
        let faults = plan(&scenario, seed).faults;
        let times: Vec<(Instant, Instant)> = faults
            .iter()
            .map(|fault| match fault.trigger {
                Trigger::At(at) => (at, at + *fault.action.lasting().unwrap()),
                _ => panic!("{fault:?}"),
            })
            .collect();
        let latest = times.iter().map(|(from, _)| *from).max();
        let earliest = times.iter().map(|(_, to)| *to).min();
        assert!(latest <= earliest, "seed {seed}: {times:?}");
        numbers.insert(times.len());
    }
    assert!(numbers.len() > 5, "{numbers:?}");
}

#[test]
fn mistakes_are_answered() {
    let problem = |chaos: &str| {
        let text = format!(
            "name = 'wrong'\ntopology.name = 'word-count'\n\
             input = {{ rate = '250/s', words = {{ count = 5_000 }} }}\n{chaos}"
        );
        Scenario::parse(&text, "wrong.toml").unwrap_err()
    };
    let wrong = [
        "chance = '5%'",
        "steady = { crsh = '5s' }",
        "steady = { crash = '5ms' }",
        "attrition = { who = 'worker', kill = 2, leave = 4 }",
        "rolling = { who = 'client' }",
        "aimed = {}\nswizzle = { window = '2s' }",
        "burst = { mean = '2s', faults = '0..3' }",
        "cascade = { mean = '2s', within = '0s' }",
    ];
    let answers = wrong.map(|chaos| problem(&format!("[[chaos]]\n{chaos}")).to_string());
    insta::assert_snapshot!(answers.join("\n"), @r#"
    wrong.toml:4:1: the chaos does not say by which law faults come
      |
    4 | [[chaos]]
      | ^^^^^^^^^
    help: give it a generator: steady, attrition, burst, cascade, swizzle, rolling, swarm, aimed
    wrong.toml:5:12: there is no action `crsh`
      |
    5 | steady = { crsh = '5s' }
      |            ^^^^
    help: did you mean `crash`?
    wrong.toml:5:20: the times are less than 50ms apart
      |
    5 | steady = { crash = '5ms' }
      |                    ^^^^^
    wrong.toml:5:49: there are 4 such machines, and 4 stay up
      |
    5 | attrition = { who = 'worker', kill = 2, leave = 4 }
      |                                                 ^
    help: leave fewer of them, or choose another role
    wrong.toml:5:19: a client is no part of the cluster
      |
    5 | rolling = { who = 'client' }
      |                   ^^^^^^^^
    help: choose who does the work, such as "worker"
    wrong.toml:5:1: the chaos has two generators
      |
    5 | aimed = {}
      | ^^^^^
    help: write one `[[chaos]]` for each generator
    wrong.toml:5:33: write 1 to 100
      |
    5 | burst = { mean = '2s', faults = '0..3' }
      |                                 ^^^^^^
    wrong.toml:5:35: it takes no time at all
      |
    5 | cascade = { mean = '2s', within = '0s' }
      |                                   ^^^^
    help: write a duration above zero
    "#);
}
