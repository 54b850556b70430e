//! Every action of the table: as a person writes it, as a plan keeps it, and as a run feels it.

use std::sync::Arc;

use stormglass_scenarios::outcome::Verdict;
use stormglass_scenarios::plan::Plan;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::{ActionKind, Scenario};
use stormglass_scenarios::topologies::Registry;

/// Ways to write an action. A new one asks for its own here.
fn written(kind: ActionKind) -> &'static [&'static str] {
    match kind {
        ActionKind::Crash => &[
            "{ who = 'worker-of:count' }",
            "{ who = 'leader', down = '1s..2s' }",
            "{ who = 'receiver', down = '1s' }",
        ],
        ActionKind::CrashLoop => &[
            "{ who = 'worker-of:count', times = 3, after = '500ms' }",
            "{ who = 'follower', times = '2..3', after = '300ms', down = '300ms' }",
        ],
        ActionKind::Pause => &["{ who = 'worker', for = '2s' }", "{ who = 'leader', for = '1s' }"],
        ActionKind::SlowCpu => &["{ who = 'worker', factor = '5..20', for = '2s' }"],
        ActionKind::CrashMachine => &[
            "{ who = 'store-2', down = '2s' }",
            "{ who = 'leader', down = '1s', leaves = 'torn' }",
            "{ who = 'receiver', down = '1s', leaves = 'nothing' }",
        ],
        ActionKind::WipeAndRejoin => {
            &["{ who = 'store-2', down = '2s' }", "{ who = 'worker-1', down = '1s' }"]
        }
        ActionKind::PowerLoss => &[
            "{ who = 'worker-1', down = '1s' }",
            "{ who = 'broker', of = 'zone', down = '2s', stagger = '50ms' }",
        ],
        ActionKind::RollingRestart => &[
            "{ who = 'coordinator-2', down = '500ms', every = '1500ms' }",
            "{ who = 'store', down = '300ms', every = '1s' }",
        ],
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
        ActionKind::Partition => &[
            "{ shape = 'halves', for = '2s' }",
            "{ who = 'leader', shape = 'minority', among = 'coordinators', for = '2s' }",
            "{ shape = 'majorities-ring', among = 'coordinators', for = '2s', deal = 7 }",
            "{ who = 'worker-2', shape = 'bridge', among = 'workers', for = '2s' }",
            "{ shape = 'one-way', among = 'workers', for = '2s' }",
            "{ shape = 'isolate', among = 'stores', for = '2s' }",
        ],
        ActionKind::Clog => &[
            "{ who = 'leader', for = '1s' }",
            "{ who = 'worker', to = 'broker', ways = 'in', for = '1s' }",
        ],
        ActionKind::ThrottleLink => &["{ who = 'worker', speed = '10kB/s', for = '2s' }"],
        ActionKind::ThrottleCard => &["{ who = 'store', speed = '50kB/s', for = '2s' }"],
        ActionKind::LosePackets => &[
            "{ who = 'leader', share = '30%', for = '2s' }",
            "{ who = 'worker-of:words', to = 'broker', ways = 'out', share = '50%', for = '2s' }",
            "{ who = 'leader', share = '10%', run = 4, for = '2s' }",
        ],
        ActionKind::DuplicatePackets => {
            &["{ who = 'leader', share = '50%', late = '0s..200ms', for = '3s' }"]
        }
        ActionKind::ReorderPackets => {
            &["{ who = 'leader', share = '50%', late = '50ms', for = '3s' }"]
        }
        ActionKind::CorruptPackets => &["{ who = 'leader', share = '20%', for = '3s' }"],
        ActionKind::HeavyTail => {
            &["{ who = 'worker', share = '20%', extra = '1ms', most = '500ms', for = '3s' }"]
        }
        ActionKind::BreakConnections => &[
            "{ who = 'worker', to = 'broker', how = 'reset' }",
            "{ who = 'worker', how = 'half-open' }",
            "{ who = 'store', how = 'silent' }",
        ],
        ActionKind::DropMessage => &["{ from = 'worker', to = 'leader' }"],
        ActionKind::DelayMessage => &["{ from = 'leader', to = 'follower', nth = 2, by = '1s' }"],
        ActionKind::DuplicateMessage => &["{ from = 'leader', to = 'follower' }"],
        ActionKind::ReplayMessage => &["{ from = 'leader', to = 'follower', after = '2s' }"],
        ActionKind::CorruptMessage => &["{ from = 'leader', to = 'follower', nth = '1..4' }"],
        ActionKind::LoseReply => &["{ from = 'worker-of:words', to = 'broker' }"],
        ActionKind::SlowDisk => &["{ who = 'leader', factor = '50..100', for = '2s' }"],
        ActionKind::ThrottleDisk => &["{ who = 'store', speed = '10kB/s', for = '2s' }"],
        ActionKind::StallDisk => &["{ who = 'leader', for = '1s' }"],
        ActionKind::Rot => &["{ who = 'store-1' }", "{ who = 'store-2', file = 0, bit = 77 }"],
        ActionKind::Wipe => &["{ who = 'store-3' }"],
        ActionKind::LoseDisk => &["{ who = 'store-2', for = '1s' }"],
        ActionKind::FailReads | ActionKind::CorruptReads | ActionKind::RottenReads => {
            &["{ who = 'store-1', count = 2 }", "{ who = 'store-2', within = '5s' }"]
        }
        ActionKind::MisdirectedReads => &["{ who = 'store-1', count = 2 }"],
        ActionKind::FailWrites | ActionKind::FullDisk => {
            &["{ who = 'store-1', count = '1..3' }", "{ who = 'leader', within = '3s' }"]
        }
        ActionKind::FailSyncs | ActionKind::ForgetfulSyncs => &["{ who = 'store-1', count = 2 }"],
        ActionKind::LyingSyncs => &["{ who = 'store-1', count = 2 }"],
        ActionKind::PhantomWrites | ActionKind::MisdirectedWrites => {
            &["{ who = 'store-1', count = 2 }"]
        }
        ActionKind::DriftClock => &["{ who = 'worker', by = '-20%..-5%', for = '3s' }"],
        ActionKind::StepClock => {
            &["{ who = 'broker', by = '-5s' }", "{ who = 'leader', by = '9s' }"]
        }
        ActionKind::SetClock => &["{ who = 'leader', by = '-1min..1min' }"],
        ActionKind::FreezeClock => {
            &["{ who = 'broker', for = '2s' }", "{ who = 'leader', for = '1s', then = 'resumes' }"]
        }
        ActionKind::SmearClock => &["{ who = 'leader', by = '-500ms..500ms', for = '2s' }"],
        ActionKind::StrobeClock => {
            &["{ who = 'leader', by = '2s', period = '10ms..100ms', for = '2s' }"]
        }
        ActionKind::LimitMemory => &["{ who = 'worker-of:count', size = '1KiB', for = '2s' }"],
        ActionKind::RefuseMemory => &[
            "{ who = 'worker-of:count', at = 'snapshot' }",
            "{ who = 'store-1', at = 'store-buffers', count = 2 }",
        ],
        ActionKind::Rewind => &["{ who = 'broker', records = '5..100', for = '2s' }"],
        ActionKind::Trim => &["{ who = 'broker', keep = 300 }"],
    }
}

/// A small cluster with three of what there may be three of, and one fault. Stores are read when a
/// worker starts again: so one does.
fn scenario(kind: ActionKind, action: &str) -> Arc<Scenario> {
    let text = format!(
        "name = 'one-action'\ntopology.name = 'word-count'\n\
         input = {{ rate = '500/s', words = {{ count = 5_000 }} }}\n\
         cluster = {{ coordinators = 3, racks = 3 }}\nstore = {{ nodes = 3, replication = 2 }}\n\
         [[fault]]\nat = '40%..50%'\n{kind} = {action}\n"
    );
    let reads = kind.name().ends_with("-reads");
    let crash = "[[fault]]\nat = '55%'\ntimes = 3\nevery = '1s'\ncrash = { who = 'worker' }\n";
    let text = if reads { text + crash } else { text };
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
fn struck(kind: ActionKind, action: &str) -> Result<(), String> {
    let outcome = setup(&scenario(kind, action), 1).run();
    let fault = &outcome.faults[0];
    match &outcome.verdict {
        Verdict::Holds if fault.took_effect => Ok(()),
        Verdict::Holds => Err(format!("{kind} = {action} did nothing: {fault:?}")),
        other => Err(format!("{kind} = {action} on {}: {other:#?}", fault.target)),
    }
}

#[test]
fn a_cluster_survives_every_action_and_feels_it() {
    let runs = ActionKind::ALL.iter().flat_map(|kind| written(*kind).iter().map(|a| (*kind, a)));
    let failed: Vec<String> = runs.filter_map(|(kind, a)| struck(kind, a).err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
