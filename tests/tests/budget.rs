//! Runs that lose more than the budget promises to survive: they stand still or lose exactly that,
//! say so, and prove it.

use std::sync::Arc;

use stormglass_scenarios::budget::Proof;
use stormglass_scenarios::catalog;
use stormglass_scenarios::judge::law::Law;
use stormglass_scenarios::outcome::{Cause, Outcome, Unjudged};
use stormglass_scenarios::plan::{Plan, PlannedAction, PlannedFault, Trigger, VERSION};
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::{Awaited, Event, EventKind, Role, Scenario, Target};
use stormglass_scenarios::topologies::Registry;
use stormglass_sim::time::{Instant, Span};
use stormglass_tests::runs::assert_holds;

fn scenario(cluster: &str) -> Arc<Scenario> {
    let text = format!(
        r#"
        name = "losses"
        topology = {{ name = "word-count", parallelism = {{ words = 1, count = 2, publish = 1 }} }}
        input = {{ rate = "200/s", words = {{ count = 2000, vocabulary = 100 }} }}
        checkpoint.interval = "1s"
        phases = {{ storm = "1%..95%", lull = "30s" }}
        {cluster}
        "#
    );
    Arc::new(Scenario::parse(&text, "losses.toml").unwrap_or_else(|problem| panic!("{problem}")))
}

fn at(millis: u64, role: Role, number: u32, action: PlannedAction) -> PlannedFault {
    let trigger = Trigger::At(Instant::ZERO + Span::millis(millis));
    PlannedFault { trigger, action, target: Target::Member(role, number), resolved: None }
}

fn setup(scenario: &Arc<Scenario>, faults: &[PlannedFault]) -> Setup {
    let plan = Plan {
        version: VERSION,
        scenario: scenario.name.clone(),
        seed: 7,
        operations: Vec::new(),
        rare_events: Vec::new(),
        faults: faults.to_vec(),
        forks: Vec::new(),
    };
    let setup = Setup::with_plan(scenario, &Registry::default(), &catalog::file, plan);
    setup.unwrap_or_else(|problem| panic!("{problem}"))
}

/// A run with exactly these faults.
fn run(scenario: &Arc<Scenario>, faults: &[PlannedFault]) -> Outcome {
    setup(scenario, faults).run()
}

fn out_of_budget(outcome: &Outcome) -> &Unjudged {
    let unjudged = outcome.unjudged().unwrap_or_else(|| panic!("{:#?}", outcome.verdict));
    assert_eq!(unjudged.cause, Cause::OutOfBudget, "{unjudged:?}");
    unjudged
}

fn down(millis: u64) -> PlannedAction {
    PlannedAction::Crash { down: Some(Span::millis(millis)) }
}

/// A coordinator's log rots near its beginning, and is read again.
fn rotten(millis: u64, number: u32) -> [PlannedFault; 2] {
    let rot = PlannedAction::Rot { file: 0, bit: 300 };
    let crash = at(millis + 10, Role::Coordinator, number, down(500));
    [at(millis, Role::Coordinator, number, rot), crash]
}

/// A coordinator whose log is rotten stays out, and the two others go on. Without one of these
/// nothing is decided any more: what is missing is missing for that, and for nothing else.
#[test]
fn a_quorum_that_is_destroyed_is_proved() {
    let three = scenario("cluster.coordinators = 3");
    let one = rotten(3_000, 1);
    let outcome = run(&three, &one);
    assert_holds(&outcome);
    let rotten_logs = outcome.probes.iter().find(|(name, _)| *name == "log-rotten");
    assert!(rotten_logs.is_some_and(|(_, times)| *times > 5), "it is started again and again");
    let two = [one, rotten(4_000, 2)].concat();
    let outcome = run(&three, &two);
    let Unjudged { why, proofs, .. } = out_of_budget(&outcome);
    assert!(why.contains("after the faults stopped"), "{why}");
    let [Proof::Quorum { voters: 3, logs }] = &proofs[..] else { panic!("{proofs:?}") };
    let found: Vec<(&str, Option<usize>)> =
        logs.iter().map(|log| (log.who.as_str(), log.fault)).collect();
    assert_eq!(found, [("coordinator-1", Some(1)), ("coordinator-2", Some(3))]);
    assert_eq!(
        proofs[0].to_string(),
        "2 of 3 coordinators are out for good, and 2 are needed to decide: that of coordinator-1 \
         rotted at 3s (fault 1), that of coordinator-2 rotted at 4s (fault 3)"
    );
}

/// The only store loses its disk, and a worker dies that would need it.
#[test]
fn the_only_copy_of_a_checkpoint_is_proved_to_be_gone() {
    let wipe = at(5_100, Role::Store, 1, PlannedAction::Wipe {});
    let crash = at(5_110, Role::Worker, 1, PlannedAction::Crash { down: None });
    let outcome = run(&scenario(""), &[wipe.clone(), crash.clone()]);
    let Unjudged { why, proofs, .. } = out_of_budget(&outcome);
    assert!(why.contains("destroyed every retained checkpoint"), "{why}");
    let [Proof::Checkpoint { copies, .. }] = &proofs[..] else { panic!("{proofs:?}") };
    assert_eq!(copies.len(), 1);
    assert!(proofs[0].to_string().ends_with("that of store was wiped at 5.1s (fault 1)"));
    // With another copy it is survived.
    let two = scenario("store = { nodes = 2, replication = 2 }");
    assert_holds(&run(&two, &[wipe, crash]));
}

/// The receiver loses its disk and its memory right after a sink has handed something over that
/// nobody has read: that much is lost, and nothing else is missing.
#[test]
fn the_receivers_log_is_proved_to_be_gone() {
    let at_completion = |action| {
        let trigger = Trigger::On(Awaited::new(Event::Seen(EventKind::CheckpointCompleted), 4));
        let target = Target::Member(Role::Receiver, 1);
        PlannedFault { trigger, action, target, resolved: None }
    };
    let wipe = at_completion(PlannedAction::Wipe {});
    let outcome = run(&scenario(""), &[wipe, at_completion(down(500))]);
    let Unjudged { why, proofs, .. } = out_of_budget(&outcome);
    assert!(why.ends_with("of completed checkpoints went with the receiver's log"), "{why}");
    let [Proof::Outputs { log }] = &proofs[..] else { panic!("{proofs:?}") };
    assert_eq!((log.who.as_str(), log.fault), ("receiver", Some(1)));
    let missing = outcome.input.records - outcome.published["publish"];
    assert!(why.starts_with(&format!("{missing} outputs")), "{why}, and {missing} are missing");
}

/// The proof of one loss is none of another: a bug that breaks a law does so in a run that is
/// beyond the budget, too.
#[test]
fn what_is_wrong_stays_wrong_beyond_the_budget() {
    let three = scenario("cluster.coordinators = 3");
    let faults = [rotten(3_000, 1), rotten(4_000, 2)].concat();
    let mut setup = setup(&three, &faults);
    setup.bugs = vec![stormglass_engine::names::Twist::VisibleBeforeComplete];
    let outcome = setup.run();
    let laws: Vec<Law> = outcome.violations().iter().map(|violation| violation.law).collect();
    assert_eq!(laws.first(), Some(&Law::VisibleOnlyWhenComplete), "{laws:?}");
    assert!(!laws.contains(&Law::Progress), "{laws:?}");
}
