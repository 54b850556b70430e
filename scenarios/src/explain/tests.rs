//! Explanations of failures of which it is known why they fail.

use std::sync::Arc;

use stormglass_engine::observation::Observation;
use stormglass_sim::time::{Instant, Span};

use super::chain::{What, chain};
use super::critical::{critical, without_any};
use super::fate::{Chance, fate, inevitable_from, points};
use super::state::{Tree, state};
use super::*;
use crate::run::Setup;
use crate::scenario::Scenario;
use crate::topologies::Registry;
use crate::{bugs, catalog};

/// A slow store, without which it fails as well, and a crash, after which a worker resumes one
/// record too far.
fn setup() -> Setup {
    let text = r#"
        name = "explained"
        topology.name = "word-count"
        input = { rate = "500/s", words = { count = 5_000, vocabulary = 300 } }
        checkpoint = { interval = "1s" }
        [[fault]]
        at = "3s"
        slow-disk = { who = "store", factor = 2, for = "2s" }
        [[fault]]
        at = "5.5s"
        crash = { who = "worker-of:count" }
    "#;
    let scenario = Arc::new(Scenario::parse(text, "explained.toml").expect("a scenario"));
    let registry = Registry::default();
    let mut setup = Setup::new(&scenario, &registry, &catalog::file, 3).expect("a run");
    setup.bugs = vec![bugs::twist("restore-one-too-far").expect("it is planted")];
    setup
}

#[test]
fn the_chain_leads_from_the_fault_to_the_violation() {
    let setup = setup();
    let (outcome, chain) = chain(&setup);
    assert_eq!(outcome.digest, setup.run().digest, "listening changes nothing");
    let links = &chain.links;
    let place = |is: &dyn Fn(&What) -> bool| links.iter().position(|link| is(&link.what));
    let crash = place(&|what| *what == What::Fault(1)).expect("the crash is in it");
    let observed = |is: fn(&Observation) -> bool| {
        place(&|what| matches!(what, What::Observed(seen) if is(seen))).expect("it is in it")
    };
    let granted = observed(|seen| matches!(seen, Observation::Granted { .. }));
    let restored = observed(|seen| matches!(seen, Observation::Restored { .. }));
    let read = observed(|seen| matches!(seen, Observation::Executed { .. }));
    assert!(crash < granted && granted < restored && restored < read, "{links:#?}");
    // Each comes after those that it names, and all of them lead back to the crash.
    let mut from_crash = vec![false; links.len()];
    from_crash[crash] = true;
    for (at, link) in links.iter().enumerate() {
        assert!(link.after.iter().all(|before| *before < at), "{links:#?}");
        from_crash[at] |= link.after.iter().any(|before| from_crash[*before]);
    }
    assert!(from_crash[granted] && from_crash[restored] && from_crash[read], "{links:#?}");
    let letter = links[read].by.as_ref().expect("a message brought the record");
    assert_eq!(letter.name, "Records");
}

#[test]
fn the_critical_fault_is_the_one_without_which_it_holds() {
    let setup = setup();
    let outcome = setup.clone().run();
    let law = outcome.violations().first().expect("it fails").law;
    let mut runs = 0;
    let faults = critical(&setup, &outcome, law, || runs += 1);
    assert_eq!(runs, 6);
    assert_eq!(faults.iter().map(|one| one.fault).collect::<Vec<_>>(), [1, 2]);
    assert!(!faults[0].is_needed() && faults[1].is_needed());
    assert_eq!(faults[1].without, Ending::Passes);
    assert_eq!(without_any(&setup, law), Ending::Passes);
}

#[test]
fn futures_are_forked_at_the_moments_before_and_after_each_fault() {
    let setup = setup();
    let outcome = setup.clone().run();
    let violation = outcome.violations().first().expect("it fails");
    let at = points(&outcome, violation.at, 2);
    let crash = Instant(5_500_000_000);
    assert!(at.contains(&Instant(crash.nanos() - 1)) && at.contains(&(crash + Span::millis(1))));
    let curve = fate(&setup, violation.law, &at[at.len() - 2..], 2, || {});
    assert!(curve.iter().all(|chance| chance.same == 2), "{curve:?}");
}

#[test]
fn inevitable_is_what_fails_in_every_future_from_then_on() {
    let curve = |fails: &[u64]| -> Vec<Chance> {
        let chance = |(at, fails): (usize, &u64)| Chance {
            at: Instant(at as u64),
            forks: 4,
            same: *fails,
            other: 0,
        };
        fails.iter().enumerate().map(chance).collect()
    };
    assert_eq!(inevitable_from(&curve(&[0, 1, 4, 4])), Some(Instant(2)));
    assert_eq!(inevitable_from(&curve(&[0, 4, 1, 4])), Some(Instant(3)));
    assert_eq!(inevitable_from(&curve(&[4, 4, 4])), None, "it was from the start");
    assert_eq!(inevitable_from(&curve(&[0, 4, 3])), None);
}

#[test]
fn the_state_of_a_process_is_shown_at_any_moment() {
    let setup = setup();
    let at = |ms: u64| Instant(ms * 1_000_000);
    let text = state(&setup, at(5_000), "worker-1").expect("there is one").expect("it is up");
    assert!(text.starts_with("Worker(") && text.contains("(as at first)"), "{text}");
    assert!(text.lines().count() < 1_200, "{} lines", text.lines().count());
    let struck = setup.clone().run().plan.faults[1].resolved.clone().expect("it struck").target;
    assert_eq!(state(&setup, at(5_510), &struck).expect("there is one"), None, "it is down");
    let problem = state(&setup, at(1), "worker-77").expect_err("there is none");
    assert!(problem.to_string().contains("there is no process `worker-77`"), "{problem}");
}

#[test]
fn what_debug_writes_is_read_and_cut() {
    let text = r#"Node { name: "a, {b", list: [1, 2, 3], map: {k1: V(1), k2: V(2)}, none: None }"#;
    assert_eq!(
        Tree::parse(text).show(None, 0),
        format!("{text}\n").replace("{k1: V(1), k2: V(2)}", "{ k1: V(1), k2: V(2) }")
    );
    let long: Vec<u64> = (1_000_000_000_000..1_000_000_000_020).collect();
    let shown = Tree::parse(&format!("{long:?}")).show(None, 0);
    assert!(shown.contains("1000000000007") && !shown.contains("1000000000008"), "{shown}");
    assert!(shown.contains("(12 more)"), "{shown}");
    let was = Tree::parse(&format!("A {{ old: {long:?}, n: 1 }}"));
    let now = Tree::parse(&format!("A {{ old: {long:?}, n: 2 }}"));
    assert_eq!(now.show(Some(&was), 0), "A {\n  old: (as at first)\n  n: 2\n}\n");
    for odd in ["", "(", "}", "[1, ", "a: b: c", "\"", "a }, b"] {
        Tree::parse(odd);
    }
}
