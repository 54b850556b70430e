//! Bugs that campaigns found, each with its story. What is pinned is the smallest storm that showed
//! it.

use std::sync::Arc;

use stormglass_scenarios::catalog;
use stormglass_scenarios::judge::law::Law;
use stormglass_scenarios::outcome::{Outcome, Verdict};
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::topologies::Registry;

/// Word count for 20 s with these faults.
fn run(faults: &str) -> Outcome {
    let text = format!(
        r#"
        name = "regression"
        topology.name = "word-count"
        input = {{ rate = "500/s", words = {{ count = 10_000, vocabulary = 300 }} }}
        checkpoint = {{ interval = "1s", timeout = "5s" }}
        {faults}
        "#
    );
    let scenario = Arc::new(Scenario::parse(&text, "regression.toml").expect("a scenario"));
    let setup = Setup::new(&scenario, &Registry::default(), &catalog::file, 59).expect("a run");
    let outcome = setup.run();
    assert_eq!(outcome.effective_faults(), outcome.faults.len(), "{:?}", outcome.faults);
    outcome
}

/// The receiver crashed; the workers told the coordinator that only a new generation could mend it;
/// the coordinator, who waits one look before it believes that, crashed within this look. Its next
/// life heard from workers that claimed to run, adopted their generation, and checkpoints expired
/// for ever after. A worker now says when it registers that it is not sound.
#[test]
fn a_report_that_is_lost_with_the_coordinator_is_made_again() {
    let outcome = run(r#"
        [[fault]]
        at = "8.078s"
        crash = { who = "receiver", down = "1.4s" }
        [[fault]]
        at = "8.212s"
        crash = { who = "coordinator", down = "1.8s" }
    "#);
    assert_eq!(outcome.verdict, Verdict::Holds);
}

/// The receiver announced a commit record by record and was crashed by the 2,000th announcement;
/// the next life read the commit in its log and announced all of it. Nothing had been published
/// twice, but a reader of the story had to think so. A transaction now becomes visible in one
/// observation.
#[test]
fn a_receiver_that_dies_while_it_publishes_says_so_once() {
    for nth in [1, 2, 5, 8] {
        let outcome = run(&format!(
            r#"
            [[fault]]
            on = {{ event = "published", nth = {nth} }}
            crash = {{ who = "receiver", down = "1s" }}
            "#
        ));
        assert_eq!(outcome.verdict, Verdict::Holds, "crashed by publication {nth}");
    }
}

/// The coordinator's machine lost power when the completion of checkpoint 9 was durable and not yet
/// told. The next life rightly restored it, and the judges, who knew of checkpoint 8, thought that
/// a generation had been granted out of nowhere. A new coordinator now says again what is complete.
#[test]
fn a_completion_that_was_durable_and_not_told_is_told() {
    let scenario = Arc::new(catalog::load("storm", &[] as &[&str]).expect("in the catalog"));
    let setup = Setup::new(&scenario, &Registry::default(), &catalog::file, 1871).expect("a run");
    assert_eq!(setup.run().verdict, Verdict::Holds);
}

/// A supervisor crashed. Its next life killed the workers that the first one had left, and launched
/// new ones in the same breath: their slots were still taken, nobody told it when they were free,
/// and no worker ever ran on that machine again. With one machine the job stood still for ever. A
/// supervisor now tries a slot again until it is free.
#[test]
fn a_supervisor_that_restarts_gets_its_workers_back() {
    let outcome = run(r#"
        cluster = { workers = 1, slots = 2 }
        [[fault]]
        at = "8s"
        crash = { who = "supervisor-1", down = "1s" }
        [[fault]]
        at = "12s"
        crash = { who = "supervisor-1", down = "100ms" }
    "#);
    assert_eq!(outcome.verdict, Verdict::Holds);
}

/// The connections of the leading coordinator broke half open: it knew nothing of them any more,
/// and its workers, who write to it only when there is a checkpoint, did not learn of that. It
/// suspected them and told each, whenever a heartbeat came, who leads; they had a connection to it
/// and took no notice. No generation could be deployed any more (swarm, seed 131). A worker that is
/// told so now writes on that connection, and is answered by a reset.
#[test]
fn a_leader_that_has_forgotten_its_connections_is_found_again() {
    let outcome = run(r#"
        [[fault]]
        at = "8.1s"
        break-connections = { who = "leader", how = "half-open" }
    "#);
    assert_eq!(outcome.verdict, Verdict::Holds);
}

/// Both stores misread their files when a new leader looked for a sound copy, once each; they took
/// one wrong checksum for rot, and a checkpoint of which nothing was lost was given up as
/// unreadable (swarm, seed 980). A store now reads again: only what reads alike, again and again,
/// is rotten.
#[test]
fn what_stores_misread_is_not_lost() {
    let outcome = run(r#"
        store = { nodes = 2, replication = 2 }
        [[fault]]
        at = "8.2s"
        corrupt-reads = { who = "store-1", count = 3, within = "5s" }
        [[fault]]
        at = "8.2s"
        corrupt-reads = { who = "store-2", count = 3, within = "5s" }
        [[fault]]
        at = "8.3s"
        crash = { who = "worker-of:count" }
    "#);
    assert_eq!(outcome.verdict, Verdict::Holds);
    assert!(outcome.restored_checkpoints() > 0);
}

/// The connection between the broker and a worker died without a word while the worker, who had
/// asked for records and had nothing to write, waited for the answer. It waited for ever (swarm,
/// seed 57). Connections are now probed while nothing is written to them.
#[test]
fn who_only_reads_learns_that_a_connection_is_dead() {
    let run = |keepalive: &str| {
        let text = format!(
            r#"
            name = "silence"
            topology.name = "word-count"
            input = {{ rate = "500/s", words = {{ count = 5_000 }} }}
            network.keepalive = "{keepalive}"
            [[fault]]
            at = "30%..60%"
            break-connections = {{ who = "broker", to = "worker", how = "silent" }}
            "#
        );
        let scenario = Arc::new(Scenario::parse(&text, "silence.toml").expect("a scenario"));
        let setup = Setup::new(&scenario, &Registry::default(), &catalog::file, 0).expect("a run");
        setup.run()
    };
    assert_eq!(run("30s").verdict, Verdict::Holds);
    let without = run("1000s");
    assert_eq!(without.violations().first().map(|v| v.law), Some(Law::Progress));
}

/// After an outage there was more to read again than an executor does in its timeout. It worked off
/// whatever had waited for credit, or for a barrier, in one go; the question whether it stood still
/// came after all that, and unanswered. Its worker ended itself, and the next generation had even
/// more to do: nothing was ever completed again (recovery, at long checkpoint intervals). What
/// waited is now worked off batch by batch, and whoever gets on with it does not stand still.
#[test]
fn an_executor_that_has_much_to_do_does_not_stand_still() {
    let text = r#"
        name = "slow"
        topology = { name = "word-count", cpu = { count = "12ms" } }
        input = { rate = "200/s", words = { count = 12_000, vocabulary = 300 } }
        checkpoint = { interval = "20s", timeout = "30s" }
        [[fault]]
        at = "38s"
        crash-machine = { who = "worker-of:count", down = "10s" }
    "#;
    let scenario = Arc::new(Scenario::parse(text, "slow.toml").expect("a scenario"));
    let setup = Setup::new(&scenario, &Registry::default(), &catalog::file, 1).expect("a run");
    let outcome = setup.run();
    assert_eq!(outcome.verdict, Verdict::Holds);
    assert_eq!((outcome.recoveries.len(), outcome.detection.suspicions), (1, 1));
}
