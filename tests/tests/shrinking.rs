//! Failing runs of storms shrink to a few faults, on which the same law breaks, to the byte.

use std::sync::Arc;

use stormglass_scenarios::bugs;
use stormglass_scenarios::case::Case;
use stormglass_scenarios::catalog;
use stormglass_scenarios::plan::Fork;
use stormglass_scenarios::regression::{self, Kept};
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::shrink::{Budget, Shrunk, shrink};
use stormglass_scenarios::signature::Signature;
use stormglass_scenarios::topologies::Registry;
use stormglass_sim::time::{Instant, Span};
use stormglass_tests::runs::{scenario, setup};

/// The first failure of a scenario with a planted bug, by what it is known, and its case.
fn failure(name: &str, bug: &str) -> (Signature, Case) {
    let scenario = scenario(name, &[]);
    for seed in 0..100 {
        let mut setup = setup(&scenario, seed);
        setup.bugs = vec![bugs::twist(bug).expect("a planted bug")];
        let (drawn, topology) = (Arc::clone(&setup.scenario), Arc::clone(&setup.topology));
        let outcome = setup.run();
        if let Some(signature) = Signature::of(&outcome, &drawn, &topology) {
            return (signature, Case::new(&scenario, &outcome).expect("it has a text"));
        }
    }
    panic!("no seed of {name} reaches {bug}");
}

fn shrunk(case: &Case, runs: u64, jobs: usize) -> Shrunk {
    let (registry, budget) = (Registry::default(), Budget { runs, jobs });
    let mut last = 0;
    let shrunk = shrink(case, &registry, &catalog::file, budget, &mut |now| {
        assert!(last <= now.runs && now.runs <= runs, "runs are counted");
        last = now.runs;
    });
    let shrunk = shrunk.unwrap_or_else(|problem| panic!("{problem}"));
    assert_eq!(shrunk.shrinkage.runs, last);
    shrunk
}

#[test]
fn a_storm_shrinks_to_what_matters() {
    for (name, bug, most) in [
        ("storm", "restore-one-too-far", 1),
        ("storm", "zombie-accepted", 2),
        ("storm", "visible-before-complete", 0),
    ] {
        let (signature, case) = failure(name, bug);
        assert!(case.plan.faults.len() >= 20, "that is a storm");
        let small = shrunk(&case, 1_000, 1);
        let size = small.shrinkage.after;
        assert!(size.faults <= most, "{bug} needs {} faults", size.faults);
        assert!(size.records * 10 <= small.shrinkage.before.records, "{bug}: {size:?}");
        assert!(!small.shrinkage.ended_early);
        assert_eq!(small.signature.law, signature.law, "{bug}");
        assert_eq!(small.signature.component, signature.component, "{bug}");

        // It comes back from its file to the byte, by instants and by triggers.
        let read = Case::from_json(&small.case.to_json(), "it").expect("it was just written");
        assert_eq!(read, small.case);
        let again = read.setup(&Registry::default(), &catalog::file).expect("a run");
        assert_eq!(again.run(), small.outcome, "{bug}");
        let kept = regression::check(&read, &Registry::default(), &catalog::file);
        assert_eq!(kept, Ok(Kept::Well), "{bug}");
    }
}

#[test]
fn a_case_shrinks_to_the_same_however_many_run_side_by_side() {
    let (_, case) = failure("storm", "restore-one-too-far");
    for runs in [5, 30] {
        let (one, three) = (shrunk(&case, runs, 1), shrunk(&case, runs, 3));
        assert_eq!(one.case, three.case);
        assert!(one.shrinkage.ended_early);
    }
}

/// A future that does not matter is none of the case's business.
#[test]
fn a_fork_that_does_not_matter_is_left_out() {
    let (signature, case) = failure("storm", "zombie-accepted");
    let scenario = Arc::new(case.scenario().expect("it was just recorded"));
    let forked = (1..100).find_map(|n| {
        let mut plan = case.plan.by_triggers();
        plan.forks.push(Fork { at: Instant::ZERO + Span::millis(1), n });
        let (registry, bugs) = (Registry::default(), vec![bugs::twist("zombie-accepted").ok()?]);
        let setup = Setup::with_plan(&scenario, &registry, &catalog::file, plan).ok()?;
        let outcome = Setup { bugs, ..setup }.run();
        let alike = outcome.violations().first()?.law.name() == signature.law;
        alike.then(|| Case::new(&scenario, &outcome).expect("it has a text"))
    });
    let small = shrunk(&forked.expect("other futures fail, too"), 1_000, 2);
    assert_eq!(small.case.plan.forks, []);
    assert!(small.shrinkage.after.faults <= 2);
}

/// Each way in which a pinned case can stop being of use is told from the others.
#[test]
fn a_pinned_case_says_what_became_of_it() {
    let (_, case) = failure("storm", "restore-one-too-far");
    let small = shrunk(&case, 1_000, 1).case;
    let check = |case: &Case| {
        regression::check(case, &Registry::default(), &catalog::file).expect("a case")
    };
    assert_eq!(check(&small), Kept::Well);
    let mended = Case { bugs: Vec::new(), ..small.clone() };
    assert_eq!(check(&mended), Kept::Well, "the clean engine holds");

    let other = Case { law: Some("fencing".to_string()), ..small.clone() };
    assert!(matches!(check(&other), Kept::Another { law, .. } if law == "legal-order"));
    let unplanted = Case { bugs: vec!["ttl-ignored".to_string()], ..small.clone() };
    assert!(matches!(check(&unplanted), Kept::NotReached { .. }));
    let mut calm = mended;
    calm.plan.faults.iter_mut().for_each(|fault| {
        let late = r#"{"on": {"event": "published", "nth": 1000000}}"#;
        fault.trigger = serde_json::from_str(late).expect("a trigger");
    });
    match check(&calm) {
        Kept::NotReached { what } => assert!(what[0].starts_with("fault 1 ("), "{what:?}"),
        other => panic!("{other}"),
    }
}

#[test]
fn where_nothing_goes_on_the_service_that_cannot_is_named_and_tells_failures_apart() {
    // A receiver's rotten log is out of budget: it ends again and again, and nobody else does.
    let text = r#"
        name = "rotten-receiver"
        summary = "a receiver that cannot read its log"
        guarantee = "exactly-once"
        input.rate = "500/s"
        input.words = { count = 5_000, vocabulary = 100, skew = 1.0 }
        topology.name = "word-count"
        cluster.workers = 2
        checkpoint.interval = "1s"
        [[fault]]
        at = "5s"
        rot = { who = "receiver" }
        [[fault]]
        at = "6s"
        crash = { who = "receiver", down = "2s" }
    "#;
    let scenario = Scenario::parse(text, "rotten-receiver.toml");
    let scenario = Arc::new(scenario.unwrap_or_else(|problem| panic!("{problem}")));
    let setup = setup(&scenario, 1);
    let (drawn, topology) = (Arc::clone(&setup.scenario), Arc::clone(&setup.topology));
    let outcome = setup.run();
    let signature = Signature::of(&outcome, &drawn, &topology).expect("nothing is published");
    assert_eq!((&*signature.law, &*signature.component), ("progress", "receiver"));
    let sentence = &outcome.violations()[0].sentence;
    assert!(sentence.contains("; receiver has ended by itself "), "{sentence}");
}
