//! Sinks of every kind, and the cliff of transactions that time out.

use stormglass_scenarios::budget::Proof;
use stormglass_scenarios::judge::law::Law;
use stormglass_scenarios::outcome::{Outcome, Verdict};
use stormglass_tests::runs::{assert_holds, scenario, setup};

/// The catalog's `outage` with the receiver out of reach for so long.
fn outage(lasting: &str, more: &[&str], seed: u64) -> Outcome {
    let lasting = format!("fault.1.isolate.for={lasting}");
    let mut settings = vec![lasting.as_str()];
    settings.extend(more);
    setup(&scenario("outage", &settings), seed).run()
}

/// The transaction timeout is 10 s. On one side of it nothing happens; on the other, records are
/// lost, and what that means is a matter of what the scenario assumes.
#[test]
fn an_outage_falls_off_the_cliff_at_the_transaction_timeout() {
    for seed in 0..6 {
        for assumption in [&[][..], &["assume=[]"]] {
            assert_holds(&outage("9500ms", assumption, seed));
        }
        let Verdict::CouldNotJudge(unjudged) = outage("10s", &[], seed).verdict else {
            panic!("seed {seed}: the assumption was not so")
        };
        let why = &unjudged.why;
        assert!(matches!(unjudged.proofs[..], [Proof::Assumption { .. }]), "{unjudged:?}");
        assert!(why.contains("lost in an outage of 10."), "{why}");
        assert!(why.contains("transaction timeout of 10s"), "{why}");
        let broken = outage("10s", &["assume=[]"], seed);
        let [violation] = broken.violations() else { panic!("seed {seed}: {:?}", broken.verdict) };
        assert_eq!(violation.law, Law::NoLoss);
        assert!(violation.sentence.contains("after an outage of 10."), "{}", violation.sentence);
        assert!(violation.sentence.ends_with("the transaction timeout is 10s"), "{violation:?}");
    }
}

/// Nothing is lost, and in the end every key has its last value.
#[test]
fn idempotent_sinks_are_exact_in_the_end() {
    for seed in 0..12 {
        for name in ["storm", "word-count"] {
            let settings = ["topology.sinks.publish=idempotent", "sink.rewrite-after=16KiB"];
            assert_holds(&setup(&scenario(name, &settings), seed).run());
        }
    }
}

/// Nothing is lost; what the claim allows to come twice does.
#[test]
fn plain_sinks_repeat_themselves() {
    let settings = ["topology.sinks.publish=plain", "guarantee=at-least-once"];
    let storm = scenario("storm", &settings);
    let outcomes: Vec<Outcome> = (0..20).map(|seed| setup(&storm, seed).run()).collect();
    outcomes.iter().for_each(assert_holds);
    let repeated = outcomes.iter().filter(|outcome| outcome.duplicates.outputs > 0).count();
    assert!(repeated >= 2, "only {repeated} of 20 seeds show what at-least-once means");
    for outcome in &outcomes {
        let visible = outcome.published["publish"];
        let repeated = outcome.duplicates.outputs;
        assert_eq!(visible, outcome.input.records + repeated, "seed {}", outcome.seed);
    }
}

/// A receiver that rewrites its log all the time puts commits off and forgets nothing.
#[test]
fn a_log_that_is_rewritten_forgets_nothing() {
    let storm = scenario("storm", &["sink.rewrite-after=8KiB"]);
    for seed in 20..40 {
        let outcome = setup(&storm, seed).run();
        assert_holds(&outcome);
        let rewritten = outcome.probes.iter().find(|(name, _)| *name == "log-rewritten");
        assert!(rewritten.is_some_and(|(_, hits)| *hits > 3), "seed {seed}: {rewritten:?}");
    }
}
