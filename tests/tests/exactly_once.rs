//! The laws of the judges, over seeds, planted bugs, triggers, and bolts that fail.

use stormglass_engine::observation::Observation;
use stormglass_scenarios::bugs;
use stormglass_scenarios::bugs::hunt::HuntResult;
use stormglass_scenarios::case::Case;
use stormglass_scenarios::catalog;
use stormglass_scenarios::judge::law::Law;
use stormglass_scenarios::outcome::{Cause, Outcome, Verdict};
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::{FaultSpec, Scenario};
use stormglass_scenarios::topologies::Registry;
use stormglass_sim::time::{Instant, Span};
use stormglass_tests::runs::{assert_holds, scenario, setup, short};

const NAMES: [&str; 3] = ["flight-delays", "word-count", "reference"];

/// What every outcome of an exactly-once run has to look like, besides its verdict.
fn assert_sound(outcome: &Outcome) {
    assert_holds(outcome);
    assert!(outcome.effective_faults() * 2 > outcome.faults.len(), "{:#?}", outcome.faults);
    assert!(!outcome.recoveries.is_empty(), "seed {} recovered from nothing", outcome.seed);
    assert!(outcome.checkpoints.completed > 0);
    let flow = &outcome.flow;
    assert_eq!(flow.read - flow.replayed, outcome.input.records, "each record was read");
    assert_phases_tile(outcome);
}

fn assert_phases_tile(outcome: &Outcome) {
    let mut free = Instant::ZERO;
    for recovery in &outcome.recoveries {
        assert!(recovery.began >= free, "outages overlap: {:#?}", outcome.recoveries);
        let phases = [
            recovery.detection,
            recovery.decision,
            recovery.restore,
            recovery.replay,
            recovery.catch_up,
        ];
        let sum = phases.into_iter().fold(Span::ZERO, |sum, phase| sum + phase);
        assert_eq!(sum, recovery.total());
        free = recovery.began + sum;
        assert!(free <= outcome.ended);
    }
}

#[test]
fn short_runs_hold() {
    for name in NAMES {
        let scenario = scenario(name, short(name));
        for seed in 0..40 {
            assert_sound(&setup(&scenario, seed).run());
        }
    }
}

#[test]
fn whole_runs_hold() {
    for name in NAMES {
        let scenario = scenario(name, &[]);
        let mut effective: Vec<usize> = (100..107)
            .map(|seed| {
                let outcome = setup(&scenario, seed).run();
                assert_sound(&outcome);
                outcome.effective_faults()
            })
            .collect();
        effective.sort_unstable();
        let wanted = scenario.faults.len().min(5);
        assert!(effective[3] >= wanted, "{name} was disturbed too little: {effective:?}");
    }
}

#[test]
fn a_calm_run_publishes_what_the_input_calls_for() {
    for (name, outputs) in [("flight-delays", 2), ("word-count", 1), ("reference", 1)] {
        let mut calm = (*scenario(name, short(name))).clone();
        calm.faults.clear();
        let outcome = setup(&calm.into(), 0).run();
        assert_holds(&outcome);
        assert_eq!(outcome.recoveries, []);
        assert_eq!(outcome.flow.replayed, 0);
        assert_eq!(outcome.published["publish"], outputs * outcome.input.records);
    }
}

#[test]
fn faults_change_when_things_are_published_and_not_what() {
    for name in NAMES {
        let stormy = scenario(name, short(name));
        let calm = Scenario { faults: vec![], ..(*stormy).clone() };
        let (stormy, calm) = (setup(&stormy, 9).run(), setup(&calm.into(), 9).run());
        assert_eq!(stormy.published, calm.published);
        assert_ne!(stormy.digest, calm.digest);
    }
}

#[test]
fn every_planted_bug_is_caught_by_the_checker_that_should() {
    for bug in bugs::ALL {
        let hunt = bug.hunt(0..300, 2, &catalog::file).unwrap();
        match &hunt.result {
            HuntResult::Missed if bug.harmless.is_some() => {}
            HuntResult::Caught { by, seed, .. } => assert_replays(bug, *seed, by),
            _ => panic!("{hunt:#?}"),
        }
        assert!(hunt.clean_passes, "the clean engine fails where {} is caught", bug.name);
    }
}

/// What is said of a catch can be seen again, and its case ends the same to the byte.
fn assert_replays(bug: &bugs::Bug, seed: u64, by: &str) {
    let bugs::Plant::Twist(twist) = bug.plant else { return };
    let scenario = std::sync::Arc::new(catalog::load(bug.scenario, bug.settings).unwrap());
    let planted = Setup { bugs: vec![twist], ..setup(&scenario, seed) };
    let scenario = planted.scenario.clone();
    let case = Case::new(&scenario, &planted.run()).unwrap();
    assert_eq!(case.law.as_deref(), Some(by), "{}", bug.name);
    let read = Case::from_json(&case.to_json(), "case.json").unwrap();
    let again = read.setup(&Registry::default(), &catalog::file).unwrap().run();
    assert_eq!(again.digest.to_string(), case.digest, "{}", bug.name);
    assert_eq!(again.violations()[0].law.name(), by, "{}", bug.name);
}

/// A fault as a scenario's TOML states it.
fn fault(toml: &str) -> FaultSpec {
    let text = format!(
        "name = \"x\"\ntopology.name = \"word-count\"\n\
         input = {{ rate = \"1k/s\", words = {{ count = 8000 }} }}\n[[fault]]\n{toml}"
    );
    let scenario = Scenario::parse(&text, "fault.toml");
    scenario.unwrap_or_else(|problem| panic!("{problem}")).faults.remove(0)
}

#[test]
fn a_trigger_is_exact_and_a_case_repeats_it() {
    for (event, nth) in [("checkpoint-acked", 11), ("pre-committed", 5), ("cut", 20)] {
        let mut scenario = (*scenario("word-count", short("word-count"))).clone();
        let toml = format!(
            "on = {{ event = \"{event}\", nth = {nth} }}\ncrash = {{ who = \"worker-of:count\" }}"
        );
        scenario.faults = vec![fault(&toml)];
        let scenario = std::sync::Arc::new(scenario);
        let first = setup(&scenario, 2).run();
        assert_holds(&first);
        let resolved = first.plan.faults[0].resolved.clone().expect("its trigger fired");
        assert_eq!(Some(resolved.at), first.faults[0].at);
        assert!(resolved.observation.is_some() && resolved.target.starts_with("worker-"));
        let case = first.plan.to_json();
        let plan = stormglass_scenarios::plan::Plan::from_json(&case, "case.json").unwrap();
        assert_eq!(plan, first.plan);
        let registry = Registry::default();
        let again = Setup::with_plan(&scenario, &registry, &catalog::file, plan).unwrap().run();
        assert_eq!(again, first, "a plan with what became of it repeats the run");
    }
}

#[test]
fn a_plan_of_a_whole_storm_repeats_it() {
    for name in NAMES {
        let scenario = scenario(name, short(name));
        let first = setup(&scenario, 12).run();
        let plan = first.plan.clone();
        let registry = Registry::default();
        let again = Setup::with_plan(&scenario, &registry, &catalog::file, plan).unwrap().run();
        assert_eq!(again, first);
    }
}

#[test]
fn one_fault_fewer_moves_no_other() {
    let whole = scenario("reference", short("reference"));
    let before = setup(&whole, 5).plan.faults;
    for left_out in 0..whole.faults.len() {
        let mut fewer = (*whole).clone();
        fewer.faults.remove(left_out);
        let mut rest = before.clone();
        rest.remove(left_out);
        assert_eq!(setup(&fewer.into(), 5).plan.faults, rest);
    }
}

#[test]
fn a_trigger_strikes_at_its_observation_and_not_later() {
    for nth in 2..5 {
        let mut scenario = (*scenario("word-count", short("word-count"))).clone();
        let toml = format!(
            "on = {{ event = \"checkpoint-completed\", nth = {nth} }}\n\
             crash = {{ who = \"coordinator\", down = \"1s\" }}"
        );
        scenario.faults = vec![fault(&toml)];
        let told = Setup { record: true, ..setup(&scenario.into(), 3) };
        let outcome = told.run();
        assert_holds(&outcome);
        let struck = outcome.faults[0].at.expect("its trigger fired");
        let mut seen = outcome
            .story
            .iter()
            .enumerate()
            .filter(|(_, (_, what))| matches!(what, Observation::CheckpointCompleted { .. }));
        let (place, (stamp, _)) = seen.nth(nth - 1).expect("it fired, so it was seen");
        assert_eq!(stamp.time, struck);
        // The crash is exact: nothing more is told by that handler.
        let after = outcome.story[place + 1..].iter().find(|(at, _)| at.event == stamp.event);
        assert_eq!(after, None);
    }
}

/// Topologies of users: one that gives up, one that panics.
mod own {
    use std::sync::Arc;

    use stormglass_engine::component::{Bolt, BoltContext, ComponentError, Outcome as Done};
    use stormglass_engine::topology::{Declarer, TopologyBuilder};
    use stormglass_engine::tuple::Tuple;
    use stormglass_scenarios::scenario::Source;
    use stormglass_scenarios::topologies::words::Words;
    use stormglass_scenarios::units::{Rate, Text};
    use stormglass_tests::runs::setup_with;

    use super::*;

    /// Passes words on, until it meets one that it cannot stand.
    #[derive(Clone, Debug)]
    struct Picky {
        panics: bool,
        patience: u32,
    }

    impl Bolt for Picky {
        fn declare(&self, declarer: &mut Declarer) {
            declarer.stream(&["word"]);
        }
        fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Done {
            self.patience = self.patience.saturating_sub(1);
            assert!(!self.panics || self.patience > 0, "cannot stand {}", tuple.values[0]);
            if self.patience == 0 {
                return Err(ComponentError("out of patience".to_string()));
            }
            cx.emit(tuple.values);
            Ok(())
        }
    }

    fn picky(panics: bool, patience: u32) -> TopologyBuilder {
        let mut builder = TopologyBuilder::new("picky");
        builder.spout("words", Words, 2);
        builder.bolt("picky", Picky { panics, patience }, 2).shuffle("words");
        builder.sink("publish", 1).shuffle("picky");
        builder
    }

    fn run_picky(topology: fn() -> TopologyBuilder) -> Outcome {
        let words = Source::Words { count: 4_000, vocabulary: 500, skew_ppm: 0 };
        let rate = Rate::parse("1k/s").unwrap();
        let scenario = Arc::new(Scenario::new("picky", "picky", rate, words));
        setup_with(&scenario, &Registry::default().with("picky", topology), 21).run()
    }
    #[test]
    fn a_bolt_that_gives_up_now_and_then_only_costs_time() {
        // Each attempt has patience for 1,500 tuples; checkpoints come more often than that.
        let outcome = run_picky(|| picky(false, 1_500));
        assert_holds(&outcome);
        assert_eq!(outcome.published["publish"], 4_000);
        assert!(!outcome.recoveries.is_empty());
        let first = &outcome.recoveries[0];
        assert!(first.suspected.starts_with("worker-"), "{first:#?}");
        assert_phases_tile(&outcome);
    }

    #[test]
    fn a_bolt_that_always_gives_up_makes_no_progress() {
        let outcome = run_picky(|| picky(false, 1));
        let Verdict::CouldNotJudge(unjudged) = &outcome.verdict else {
            panic!("{:#?}", outcome.verdict)
        };
        // No engine gets past a record that fails every time: it is named.
        assert_eq!(unjudged.cause, Cause::OutOfBudget);
        assert!(unjudged.why.starts_with("record p0@1 fails every time in picky"), "{unjudged:?}");
        assert_eq!(outcome.published["publish"], 0);
    }

    #[test]
    fn a_panic_names_component_seed_and_event() {
        let outcome = run_picky(|| picky(true, 700));
        let [violation] = outcome.violations() else { panic!("{:#?}", outcome.verdict) };
        assert_eq!(violation.law, Law::NoPanic);
        for part in ["`picky`", "seed 21", "event ", "cannot stand"] {
            assert!(violation.sentence.contains(part), "no {part} in: {}", violation.sentence);
        }
    }
}
