//! Every action of the table: as a person writes it, as a plan keeps it, and as a run feels it.

use std::sync::Arc;

use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::plan::Plan;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::{ActionKind, Scenario};
use stormglass_scenarios::topologies::Registry;
use stormglass_tests::runs::assert_holds;

/// Ways to write an action. A new one asks for its own here.
fn written(kind: ActionKind) -> &'static [&'static str] {
    match kind {
        ActionKind::Crash => &[
            "{ who = 'worker-of:count' }",
            "{ who = 'leader', down = '1s..2s' }",
            "{ who = 'receiver', down = '1s' }",
        ],
        ActionKind::CrashMachine => &["{ who = 'store-2', down = '2s' }"],
        ActionKind::Isolate => &[
            "{ who = 'worker', for = '1s..3s' }",
            "{ who = 'leader', for = '1s', ways = 'in' }",
            "{ who = 'worker-1', for = '2s', ways = 'out' }",
        ],
        ActionKind::Cut => &[
            "{ from = 'worker', to = 'broker', for = '2s' }",
            "{ from = 'leader', to = 'follower', for = '2s', symmetric = false }",
        ],
        ActionKind::SlowLink => &["{ from = 'worker', to = 'worker', extra = '50ms', for = '2s' }"],
        ActionKind::SlowDisk => &["{ who = 'leader', factor = '50..100', for = '2s' }"],
        ActionKind::Rot => &["{ who = 'store-1' }", "{ who = 'store-2', file = 0, bit = 77 }"],
        ActionKind::Wipe => &["{ who = 'store-3' }"],
        ActionKind::Pause => &["{ who = 'worker', for = '2s' }", "{ who = 'leader', for = '1s' }"],
        ActionKind::DriftClock => &["{ who = 'worker', by = '-20%..-5%', for = '3s' }"],
        ActionKind::StepClock => {
            &["{ who = 'broker', by = '-5s' }", "{ who = 'leader', by = '9s' }"]
        }
    }
}

/// A small cluster with three of what there may be three of, and one fault.
fn scenario(kind: ActionKind, action: &str) -> Arc<Scenario> {
    let text = format!(
        "name = 'one-action'\ntopology.name = 'word-count'\n\
         input = {{ rate = '500/s', words = {{ count = 4_000 }} }}\n\
         cluster.coordinators = 3\nstore = {{ nodes = 3, replication = 2 }}\n\
         [[fault]]\nat = '50%..60%'\n{kind} = {action}\n"
    );
    match Scenario::parse(&text, "one-action.toml") {
        Ok(scenario) => Arc::new(scenario),
        Err(problem) => panic!("{problem}"),
    }
}

fn setup(scenario: &Arc<Scenario>, seed: u64) -> Setup {
    Setup::new(scenario, &Registry::default(), &|_: &str| unreachable!(), seed).unwrap()
}

#[test]
fn every_action_goes_from_text_to_plan_and_back() {
    for &kind in ActionKind::ALL {
        for action in written(kind) {
            let scenario = scenario(kind, action);
            assert_eq!(scenario.faults[0].action.kind(), kind);
            for seed in 0..3 {
                let plan = setup(&scenario, seed).plan;
                let json = plan.to_json();
                assert_eq!(Plan::from_json(&json, "plan.json").as_ref(), Ok(&plan), "{json}");
                let planned = &plan.faults[0];
                assert_eq!(planned.action.kind(), kind);
                assert!(planned.action.words().starts_with(kind.name()));
                assert!(planned.kind().starts_with(kind.name()));
            }
        }
    }
}

/// Runs one fault and sees that it hit.
fn struck(kind: ActionKind, action: &str) -> Outcome {
    let outcome = setup(&scenario(kind, action), 1).run();
    assert_holds(&outcome);
    let fault = &outcome.faults[0];
    assert!(fault.took_effect, "{kind} = {action} did nothing: {fault:?}");
    outcome
}

#[test]
fn a_cluster_survives_every_action_and_feels_it() {
    for &kind in ActionKind::ALL {
        written(kind).iter().for_each(|action| drop(struck(kind, action)));
    }
}
