//! Every grouping, from end to end: exactly once through crashes and zombies, although replayed
//! tuples may take other ways; and tuples stay near until the near tasks have too much to do.

use std::sync::Arc;

use stormglass_engine::component::{
    Bolt, BoltContext, CustomStreamGrouping, GroupingContext, Outcome as Done,
};
use stormglass_engine::ids::TaskId;
use stormglass_engine::topology::{ComponentBuilder, Declarer, TopologyBuilder};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::Value;
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::topologies::Registry;
use stormglass_scenarios::topologies::words::{Count, Words};
use stormglass_sim::time::Span;
use stormglass_tests::runs::{assert_holds, setup_with};

/// Passes words on, numbered by the task that does: what is published tells the ways.
#[derive(Clone, Debug)]
struct Relay(i64);
impl Bolt for Relay {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["word", "task", "number"]);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Done {
        self.0 += 1;
        let task = i64::from(cx.task().0);
        cx.emit(&[tuple.values[0].clone(), task.into(), self.0.into()]);
        Ok(())
    }
}

/// Round robin; words with an `a` go to a second target, one in the emitter's worker if it can.
#[derive(Clone, Debug, Default)]
struct Rounds {
    targets: Vec<TaskId>,
    local: Option<TaskId>,
    sent: usize,
}
impl CustomStreamGrouping for Rounds {
    fn prepare(&mut self, context: &GroupingContext<'_>, _: &str, targets: &[TaskId]) {
        self.targets = targets.to_vec();
        self.local = context.local_targets.first().copied();
    }
    fn choose_tasks(&mut self, _: TaskId, values: &[Value]) -> Vec<TaskId> {
        self.sent += 1;
        let first = self.targets[self.sent % self.targets.len()];
        let doubled = values[0].as_str().is_some_and(|word| word.contains('a'));
        let others = self.local.iter().chain(&self.targets).filter(|task| **task != first);
        let second = others.copied().next().filter(|_| doubled);
        [Some(first), second].into_iter().flatten().collect()
    }
}

const STORM: &str = r#"
name = "groupings"
topology.name = "groupings"
input = { rate = "1k/s", words = { count = 9_000, vocabulary = 500 } }
cluster.workers = 4
checkpoint.interval = "1s"

[[fault]]
at = "20%..30%"
crash = { who = "worker-of:relay" }

# Longer than the heartbeat timeout: a zombie goes on by its old ways.
[[fault]]
at = "40%..55%"
pause = { who = "worker-of:relay", for = "7s" }

[[fault]]
on = { event = "checkpoint-acked", nth = "60..90" }
crash = { who = "worker" }
"#;

fn scenario(text: &str) -> Scenario {
    Scenario::parse(text, "groupings.toml").unwrap_or_else(|problem| panic!("{problem}"))
}

/// words -> relay by some grouping -> count -> publish.
fn one_way(by: fn(&mut ComponentBuilder)) -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("groupings");
    builder.spout("words", Words, 2);
    by(builder.bolt("relay", Relay(0), 4));
    builder.bolt("count", Count, 3).fields("relay", &["word"]);
    builder.sink("publish", 2).shuffle("count").shuffle("relay");
    builder.commutative();
    builder
}

/// Runs a topology in the storm; how much of it was published with each seed.
fn survives(topology: fn() -> TopologyBuilder, seeds: u64) -> Vec<u64> {
    let scenario = Arc::new(scenario(STORM));
    let registry = Registry::default().with("groupings", topology);
    let run = |seed| {
        let outcome = setup_with(&scenario, &registry, seed).run();
        assert_holds(&outcome);
        assert!(outcome.effective_faults() > 1, "seed {seed}: {:#?}", outcome.faults);
        assert!(outcome.flow.replayed > 0, "seed {seed} replayed nothing");
        outcome.published["publish"]
    };
    (0..seeds).map(run).collect()
}

/// One test for each grouping that sends each tuple to one task.
macro_rules! survive {
    ($($name:ident: $by:expr,)*) => {$(
        #[test]
        fn $name() {
            let by: fn() -> TopologyBuilder = || one_way($by);
            // What is counted and what is relayed.
            assert_eq!(survives(by, 5), [2 * 9_000; 5]);
        }
    )*};
}

survive! {
    shuffle_survives: |to| { to.shuffle("words"); },
    global_survives: |to| { to.global("words", "default"); },
    load_aware_shuffle_survives: |to| { to.load_aware_shuffle_grouping("words", "default"); },
    local_or_shuffle_survives: |to| { to.local_or_shuffle_grouping("words", "default"); },
    partial_key_survives: |to| { to.partial_key_grouping("words", "default", &["word"]); },
    none_survives: |to| { to.none_grouping("words", "default"); },
    random_survives: |to| { to.random_partition("words", "default"); },
    range_survives: |to| {
        to.range_partition("words", "default", "word", ["f", "m", "s"].map(Value::from));
    },
}

#[test]
fn all_survives() {
    assert_eq!(survives(|| one_way(|to| _ = to.all("words", "default")), 3), [8 * 9_000; 3]);
}

#[test]
fn custom_survives() {
    let custom = || one_way(|to| _ = to.custom_grouping("words", "default", Rounds::default()));
    let published = survives(custom, 5);
    let mut calm = scenario(STORM);
    calm.faults.clear();
    let registry = Registry::default().with("groupings", custom);
    for (seed, published) in (0..).zip(published) {
        let calm = setup_with(&Arc::new(calm.clone()), &registry, seed).run();
        assert_eq!(calm.published["publish"], published, "whatever was near");
        assert!((18_000..36_000).contains(&published), "some words have an `a`");
    }
}

/// Ways that part and meet again: one task gets tuples of the same name from two sides and sends
/// both on by chance or load.
fn diamond() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("groupings");
    let halves: [Value; 1] = ["m".into()];
    builder.spout("words", Words, 2);
    builder.bolt("a", Relay(0), 3).partial_key_grouping("words", "default", &["word"]);
    builder.bolt("b", Relay(0), 2).range_partition("words", "default", "word", halves);
    builder
        .bolt("relay", Relay(0), 4)
        .local_or_shuffle_grouping("a", "default")
        .none_grouping("b", "default");
    builder.bolt("c", Relay(0), 3).load_aware_shuffle_grouping("relay", "default");
    builder.bolt("count", Count, 3).fields("c", &["word"]);
    builder.sink("publish", 2).random_partition("count", "default").shuffle("c");
    builder
}

#[test]
fn all_of_them_together_survive() {
    assert_eq!(survives(diamond, 8), [4 * 9_000; 8]);
}

/// Sends each word on over a stream of its own task, so that outputs are counted by task.
#[derive(Clone, Debug)]
struct Signed;
const STREAMS: [&str; 4] = ["0", "1", "2", "3"];
impl Bolt for Signed {
    fn declare(&self, declarer: &mut Declarer) {
        STREAMS.iter().for_each(|name| _ = declarer.named_stream(name, &["word"]));
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Done {
        cx.emit_to(STREAMS[usize::from(cx.task().0 % 4)], tuple.values);
        Ok(())
    }
}

fn signed(cpu: Span) -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("groupings");
    builder.spout("words", Words, 2);
    builder.bolt("signed", Signed, 4).cpu(cpu).load_aware_shuffle_grouping("words", "default");
    for name in STREAMS {
        builder.sink(name, 1).shuffle_stream("signed", name);
    }
    builder
}

/// How many words each of four tasks got, in ascending order, if one takes so long.
fn shares(topology: fn() -> TopologyBuilder) -> [u64; 4] {
    let mut calm = scenario(STORM);
    calm.faults.clear();
    (calm.flow.credits, calm.flow.batch) = (200, 20);
    let registry = Registry::default().with("groupings", topology);
    let outcome = setup_with(&Arc::new(calm), &registry, 0).run();
    assert_holds(&outcome);
    let mut shares = STREAMS.map(|name| outcome.published[name]);
    shares.sort_unstable();
    assert_eq!(shares.iter().sum::<u64>(), 9_000);
    shares
}

#[test]
fn a_load_aware_shuffle_leaves_the_worker_only_under_load() {
    // Tasks are spread over four workers; two of them have a spout.
    assert_eq!(shares(|| signed(Span::micros(20))), [0, 0, 4_500, 4_500]);
    // 500 words a second need one and a half seconds of CPU time in each of these two workers.
    let loaded = shares(|| signed(Span::millis(3)));
    assert!(loaded[0] > 500, "far tasks help: {loaded:?}");
    assert!(loaded[3] < 4_500, "near tasks are relieved: {loaded:?}");
}
