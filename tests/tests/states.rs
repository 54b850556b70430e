//! Every kind of state through crashes, what state weighs, and that a tuple's changes are one.

use std::borrow::Cow;
use std::sync::Arc;

use stormglass_engine::component::{
    Bolt, BoltContext, Collector, ComponentError, Outcome as Done, Record, Spout, ValueState,
};
use stormglass_engine::topology::{Declarer, TopologyBuilder};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::Value;
use stormglass_scenarios::bugs::directed;
use stormglass_scenarios::catalog;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::{Scenario, Source};
use stormglass_scenarios::topologies::Registry;
use stormglass_scenarios::topologies::words::Words;
use stormglass_scenarios::units::{Rate, Text};
use stormglass_sim::time::Span;
use stormglass_tests::runs::{assert_holds, setup};

#[test]
fn every_kind_of_state_survives_crashes() {
    let entry = directed::ENTRIES.iter().find(|entry| entry.name == "states").unwrap();
    let scenario = Arc::new(entry.scenario().unwrap());
    let mut restored = 0;
    for seed in 0..30 {
        let outcome = setup(&scenario, seed).run();
        assert_holds(&outcome);
        assert!(outcome.published["publish"] > 200, "{:?}", outcome.published);
        assert!(outcome.checkpoints.last_bytes > 1_000);
        restored += outcome.recoveries.len();
    }
    assert!(restored >= 40, "{restored} restores");
}

/// Users as ranges: a record `from..to` is one tuple for each number in it.
#[derive(Clone, Debug)]
struct Users;
impl Spout for Users {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["user"]);
    }
    fn next(&mut self, record: &Record, out: &mut dyn Collector) -> Done {
        let (from, to) = record.text.split_once("..").unwrap_or(("0", "0"));
        let bound = |text: &str| text.parse().unwrap_or(0);
        (bound(from)..bound(to)).for_each(|user: i64| out.emit(&[user.into()]));
        Ok(())
    }
}

/// Visits of each user: a count that a compact system keeps in 4 bytes.
const VISITS: ValueState = ValueState::new(0, "visits").weight(4);

#[derive(Clone, Debug)]
struct Visits;
impl Bolt for Visits {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.state(VISITS);
    }
    fn execute(&mut self, _: &Tuple<'_>, cx: &mut dyn BoltContext) -> Done {
        let visits = cx.get(VISITS).and_then(Value::as_int).unwrap_or(0) + 1;
        cx.put(VISITS, visits.into());
        Ok(())
    }
}

fn visits() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("visits");
    builder.spout("users", Users, 2);
    builder.bolt("visits", Visits, 4).fields("users", &["user"]).cpu(Span::micros(1));
    builder
}

#[test]
fn a_million_users_at_4_bytes_are_4_megabytes() {
    const RECORDS: u64 = 4_000;
    const A_RECORD: u64 = 250;
    let text: String = (0..RECORDS)
        .map(|n| format!("{}..{}\n", n * A_RECORD, (n + 1) * A_RECORD))
        .fold("users\n".to_string(), |text, line| text + &line);
    let loader = |_: &str| Ok(Cow::Owned(text.clone()));
    let registry = Registry::default().with("visits", visits);
    let csv = Source::Csv { file: "users.csv".to_string(), limit: None };
    let rate = Rate::parse("4k/s").unwrap();
    let mut scenario = Scenario::new("users", "visits", rate, csv);
    // Each checkpoint is encoded, and once more by the oracle: a few are enough.
    scenario.checkpoint.interval = Span::secs(5);
    let scenario = Arc::new(scenario);
    let outcome = Setup::new(&scenario, &registry, &loader, 1).unwrap().run();
    assert_holds(&outcome);
    // Without the heads of files, positions and names.
    assert_eq!(outcome.checkpoints.last_bytes, 4_000_000);
}

/// Two cells that are always equal after a tuple, and never within one.
const FIRST: ValueState = ValueState::new(0, "first");
const SECOND: ValueState = ValueState::new(1, "second");

/// Gives up between its two changes now and then.
#[derive(Clone, Debug)]
struct Twice;
impl Bolt for Twice {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["word", "count"]).state(FIRST).state(SECOND);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Done {
        let (first, second) = (cx.get(FIRST).cloned(), cx.get(SECOND).cloned());
        assert_eq!(first, second, "a tuple's changes were seen in part");
        let count = first.as_ref().and_then(Value::as_int).unwrap_or(0) + 1;
        cx.put(FIRST, count.into());
        if cx.random().is_multiple_of(2_000) {
            return Err(ComponentError("between two changes".to_string()));
        }
        cx.put(SECOND, count.into());
        cx.emit(&[tuple.values[0].clone(), count.into()]);
        Ok(())
    }
}

fn twice() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("twice");
    builder.spout("words", Words, 1);
    builder.bolt("twice", Twice, 2).fields("words", &["word"]);
    builder.sink("publish", 1).shuffle("twice");
    builder
}

#[test]
fn the_changes_of_a_tuple_take_effect_together_or_not_at_all() {
    let registry = Registry::default().with("twice", twice);
    let words = Source::Words { count: 6_000, vocabulary: 50, skew_ppm: 500_000 };
    let rate = Rate::parse("500/s").unwrap();
    let scenario = Arc::new(Scenario::new("twice", "twice", rate, words));
    let mut restores = 0;
    for seed in 0..8 {
        let outcome = Setup::new(&scenario, &registry, &catalog::file, seed).unwrap().run();
        assert_holds(&outcome);
        assert_eq!(outcome.published["publish"], 6_000);
        restores += outcome.recoveries.len();
    }
    assert!(restores >= 10, "{restores} restores");
}
