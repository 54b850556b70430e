//! Rare events of the engine: switched on by name, drawn by the seed, and no reason to be wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use stormglass_engine::names::Twist;
use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::plan::Plan;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::{catalog, topologies::Registry};
use stormglass_sim::node::Name;
use stormglass_tests::runs::{assert_holds, scenario, setup};

fn with(settings: &[&str]) -> Arc<Scenario> {
    let short = ["input.words.count=8000", "cluster.coordinators=3", "checkpoint.interval=300ms"];
    scenario("reference", &[&short, settings].concat())
}

fn fired(outcome: &Outcome) -> BTreeMap<&'static str, u64> {
    outcome.rare_events.iter().copied().collect()
}

#[test]
fn all_of_them_at_once_break_nothing_and_each_happens() {
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    for backend in ["file", "log"] {
        let backend = format!("state.backend={backend}");
        let scenario = with(&[&backend, "rare-events=100%"]);
        for seed in 0..6 {
            let outcome = setup(&scenario, seed).run();
            assert_holds(&outcome);
            assert_eq!(outcome, setup(&scenario, seed).run(), "the same again");
            for (name, times) in fired(&outcome) {
                *all.entry(name).or_default() += times;
            }
        }
    }
    let never: Vec<_> = Twist::rare_events().filter(|event| all[event.name()] == 0).collect();
    assert!(never.is_empty(), "these never happen: {never:?} of {all:?}");
}

#[test]
fn a_seed_draws_by_name_which_of_them_exist() {
    let scenario = with(&["rare-events=25%"]);
    let drawn = |seed| setup(&scenario, seed).plan.rare_events;
    let numbers: Vec<usize> = (0..40).map(|seed| drawn(seed).len()).collect();
    let mean = numbers.iter().sum::<usize>() as f64 / numbers.len() as f64;
    let all = Twist::rare_events().count() as f64;
    assert!((mean - all / 4.0).abs() < all / 10.0, "{numbers:?}");
    assert!(with(&[]).rare_events.0 == 0 && setup(&with(&[]), 1).plan.rare_events.is_empty());
}

#[test]
fn a_plan_names_them_and_takes_them_back() {
    let scenario = with(&["rare-events=100%"]);
    let first = setup(&scenario, 3).run();
    let json = first.plan.to_json();
    assert!(json.contains("\"fetch-short\""), "{json}");
    let plan = Plan::from_json(&json, "plan.json").unwrap();
    let run = |plan| {
        let setup = Setup::with_plan(&scenario, &Registry::default(), &catalog::file, plan);
        setup.unwrap().run()
    };
    assert_eq!(run(plan).digest, first.digest);
    let mut fewer = Plan::from_json(&json, "plan.json").unwrap();
    fewer.rare_events.retain(|event| event.twist() != Twist::FetchShort);
    let fewer = run(fewer);
    assert_ne!(fewer.digest, first.digest);
    assert!(!fired(&fewer).contains_key("fetch-short"));
    let wrong = json.replace("fetch-short", "fetch-shirt");
    let problem = Plan::from_json(&wrong, "plan.json").unwrap_err().to_string();
    assert!(problem.contains("fetch-short"), "{problem}");
}
