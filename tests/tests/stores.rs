//! The durable store as several nodes: how long a checkpoint takes, and what becomes of one whose
//! files rot.

use std::borrow::Cow;
use std::sync::Arc;

use stormglass_engine::component::{
    Bolt, BoltContext, Collector, Outcome as Done, Record, Spout, ValueState,
};
use stormglass_engine::topology::{Declarer, TopologyBuilder};
use stormglass_engine::tuple::Tuple;
use stormglass_scenarios::outcome::{Cause, Outcome, Verdict};
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::topologies::Registry;
use stormglass_sim::time::Span;
use stormglass_tests::runs::{assert_holds, setup};

/// Accounts, of which each weighs a million bytes: a thousand of them are the state.
#[derive(Clone, Debug)]
struct Accounts;
impl Spout for Accounts {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["account"]);
    }
    fn next(&mut self, record: &Record, out: &mut dyn Collector) -> Done {
        out.emit(&[record.text.as_str().into()]);
        Ok(())
    }
}

const ACCOUNTS: u64 = 1_000;
const BALANCE: ValueState = ValueState::new(0, "balance").weight(1_000_000);

#[derive(Clone, Debug)]
struct Ledger;
impl Bolt for Ledger {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.state(BALANCE);
    }
    fn execute(&mut self, _: &Tuple<'_>, cx: &mut dyn BoltContext) -> Done {
        cx.put(BALANCE, 1.into());
        Ok(())
    }
}

fn ledger() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("ledger");
    builder.spout("accounts", Accounts, 1);
    builder.bolt("ledger", Ledger, 1).fields("accounts", &["account"]);
    builder
}

/// From trigger to completion, of one checkpoint of 10^9 bytes by one worker.
fn gigabyte(settings: &[&str]) -> Span {
    let text = r#"
        name = "gigabyte"
        topology.name = "ledger"
        input = { rate = "1k/s", partitions = 1, csv = { file = "accounts.csv" } }
        cluster = { workers = 1 }
        checkpoint = { interval = "2s", timeout = "300s" }
        disk.bandwidth = "1GB/s"
        phases.lull = "300s"
    "#;
    let scenario = Scenario::parse_with(text, "gigabyte.toml", settings);
    let scenario = Arc::new(scenario.unwrap_or_else(|problem| panic!("{problem}")));
    let accounts: String = (0..ACCOUNTS).map(|n| format!("a{n}\n")).collect();
    let loader = |_: &str| Ok(Cow::Owned(format!("account\n{accounts}")));
    let registry = Registry::default().with("ledger", ledger);
    let outcome = Setup::new(&scenario, &registry, &loader, 1).unwrap().run();
    assert_holds(&outcome);
    assert_eq!(outcome.checkpoints.last_bytes, 1_000 * 1_000_000);
    assert_eq!(outcome.checkpoints.completed, 1);
    outcome.checkpoints.duration.max
}

/// A worker's link of 100 Mbit/s carries 12.5 MB/s: 10^9 bytes take 80 s, and twice as fast a link
/// takes half as long. What comes on top is part of the 2 %: headers of 114 bytes and more for each
/// packet of 32 KiB (66 of Ethernet, IP and TCP, the file's name and its place in it) are 0.35 %,
/// the rest is the barrier, the last packet's way down the pipeline, and two syncs.
#[test]
fn a_checkpoint_takes_as_long_as_its_bytes() {
    let fast = "network.worker-bandwidth=200Mbit/s";
    let cases: [(&str, &[&str], u64); 6] = [
        ("one store", &["network.worker-bandwidth=100Mbit/s"], 80),
        ("all links alike", &["network.bandwidth=100Mbit/s"], 80),
        (
            "two replicas",
            &["network.bandwidth=100Mbit/s", "store.nodes=3", "store.replication=2"],
            80,
        ),
        (
            "three replicas",
            &["network.bandwidth=100Mbit/s", "store.nodes=3", "store.replication=3"],
            80,
        ),
        ("twice as fast", &[fast], 40),
        ("that and three replicas", &[fast, "store.nodes=3", "store.replication=3"], 40),
    ];
    for (what, settings, secs) in cases {
        let took = gigabyte(settings);
        println!("{what}: {took} for 10^9 bytes, which alone take {secs} s");
        let (least, most) = (Span::secs(secs), Span::secs(secs).scale(102, 100));
        assert!(took >= least && took <= most, "{what}: {took}, not {least} to {most}");
    }
}

fn rotten(faults: &str, retained: u16, stores: &str) -> Arc<Scenario> {
    let text = format!(
        r#"
        name = "rotten"
        topology = {{ name = "word-count", parallelism = {{ words = 1, count = 2, publish = 1 }} }}
        input = {{ rate = "200/s", words = {{ count = 3000, vocabulary = 100 }} }}
        cluster.workers = 2
        checkpoint = {{ interval = "1s", retained = {retained} }}
        phases.storm = "1%..95%"
        {stores}
        {faults}
        [[fault]]
        on = {{ event = "checkpoint-completed", nth = "4..6" }}
        crash = {{ who = "worker" }}
        "#
    );
    Arc::new(Scenario::parse(&text, "rotten.toml").unwrap_or_else(|problem| panic!("{problem}")))
}

fn probe(outcome: &Outcome, name: &str) -> u64 {
    outcome.probes.iter().find(|(probe, _)| *probe == name).map_or(0, |(_, hits)| *hits)
}

fn why(outcome: &Outcome) -> &str {
    match &outcome.verdict {
        Verdict::CouldNotJudge(unjudged) => {
            assert_eq!(unjudged.cause, Cause::OutOfBudget);
            assert!(!unjudged.proofs.is_empty(), "{unjudged:?}");
            &unjudged.why
        }
        other => panic!("seed {}: {other:?}", outcome.seed),
    }
}

/// A rotten replica is found when it is read, the other one is used, and a third made of it.
#[test]
fn a_rotten_replica_is_found_and_replaced() {
    let rot = r#"[[fault]]
        on = { event = "checkpoint-completed", nth = "4" }
        times = 30
        rot = { who = "store-1" }"#;
    let scenario = rotten(rot, 1, "store = { nodes = 3, replication = 2 }");
    let (mut found, mut copied) = (0, 0);
    for seed in 0..20 {
        let outcome = setup(&scenario, seed).run();
        assert_holds(&outcome);
        found += probe(&outcome, "replica-flawed");
        copied += probe(&outcome, "file-copied");
    }
    assert!(found > 0 && copied > 0, "{found} found, {copied} copied");
}

/// Every copy of the newest checkpoint is rotten: the one before it is restored, and its state and
/// all outputs after it are what they should be. What the newest had made visible is visible twice,
/// which is said.
#[test]
fn the_checkpoint_before_a_rotten_one_is_used() {
    let rot = r#"[[fault]]
        on = { event = "checkpoint-completed", nth = "6" }
        rot = { who = "store", file = 8 }"#;
    let scenario = rotten(rot, 2, "");
    let mut went_back = 0;
    for seed in 0..20 {
        let outcome = setup(&scenario, seed).run();
        if outcome.verdict == Verdict::Holds {
            continue;
        }
        assert!(why(&outcome).contains("the run went on from checkpoint"), "{}", why(&outcome));
        went_back += 1;
    }
    assert!(went_back >= 3, "{went_back} of 20 seeds restored the rotten checkpoint");
}

/// Without another one to start from nothing is made up: the run stands still, and says why.
#[test]
fn a_lost_state_is_told() {
    let rot = r#"[[fault]]
        on = { event = "checkpoint-completed", nth = "6" }
        times = 10
        rot = { who = "store" }"#;
    let scenario = rotten(rot, 1, "");
    let mut lost = 0;
    for seed in 0..20 {
        let outcome = setup(&scenario, seed).run();
        if outcome.verdict == Verdict::Holds {
            continue;
        }
        assert!(why(&outcome).contains("destroyed every retained checkpoint"), "{}", why(&outcome));
        lost += 1;
    }
    assert!(lost >= 3, "{lost} of 20 seeds lost their state");
}
