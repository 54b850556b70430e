//! Topologies and logs to be judged.

use std::sync::Arc;

use stormglass_engine::component::{
    Bolt, BoltContext, BroadcastState, Collector, CustomStreamGrouping, GroupingContext, ListState,
    MapState, OperatorListState, Outcome, Record, Spout, Ttl, ValueState,
};
use stormglass_engine::ids::TaskId;
use stormglass_engine::log::InputLog;
use stormglass_engine::topology::{
    ComponentBuilder, Declarer, Delivery, Topology, TopologyBuilder,
};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::Value;
use stormglass_sim::time::{Instant, Span};

const COUNT: ValueState = ValueState::new(0, "count");
const LAST: ValueState = ValueState::new(1, "last");

/// A word a tuple; a line without a word ends there.
#[derive(Clone, Debug)]
struct Words;
impl Spout for Words {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["word"]);
    }
    fn next(&mut self, record: &Record, out: &mut dyn Collector) -> Outcome {
        record.text.split(' ').filter(|w| !w.is_empty()).for_each(|w| out.emit(&[w.into()]));
        Ok(())
    }
}

#[derive(Clone, Debug)]
struct Count;
impl Bolt for Count {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["word", "count"]).state(COUNT);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let count = cx.get(COUNT).and_then(Value::as_int).unwrap_or(0) + 1;
        cx.put(COUNT, count.into());
        cx.emit(&[tuple.values[0].clone(), count.into()]);
        Ok(())
    }
}

/// words (2) -> count (3) -> publish (2).
pub(super) fn word_count() -> Arc<Topology> {
    words_to(Delivery::Transactional)
}

/// Word count with a sink of some kind.
pub(super) fn words_to(delivery: Delivery) -> Arc<Topology> {
    let mut builder = TopologyBuilder::new("word-count");
    builder.spout("words", Words, 2);
    builder.bolt("count", Count, 3).fields("words", &["word"]);
    builder.sink("publish", 2).shuffle("count").key(&["word"]);
    builder.set_delivery("publish", delivery);
    builder.max_parallelism(16).commutative();
    Arc::new(builder.build().expect("a topology"))
}

/// Every line goes to one task after the other, odd ones also straight to a chosen one.
#[derive(Clone, Debug)]
struct Lines;
impl Spout for Lines {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["line", "length"]).direct_stream("odd", &["line"]);
    }
    fn next(&mut self, record: &Record, out: &mut dyn Collector) -> Outcome {
        let length = record.text.len() as i64;
        let line = Value::from(record.text.as_str());
        out.emit(&[line.clone(), length.into()]);
        if length % 2 == 1 {
            out.emit_direct(TaskId(BELOW_MARK + (length % 3) as u16), "odd", &[line]);
        }
        Ok(())
    }
}

/// One below the first task of `mark` in `various`: some lines are for a task that does not listen.
const BELOW_MARK: u16 = 9;

/// Counts in a field what it executed, asks for time and chance, fans out.
#[derive(Clone, Debug, Default)]
struct Mark {
    executed: i64,
    task: u16,
}
impl Bolt for Mark {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["line", "number"]).named_stream("dice", &["eyes", "at", "task"]);
    }
    fn prepare(&mut self, task: TaskId) {
        self.task = task.0;
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        self.executed += 1;
        cx.emit(&[tuple.values[0].clone(), self.executed.into()]);
        if self.executed % 3 == 0 {
            let (eyes, at) = (cx.random() % 6, cx.now().nanos() % 4);
            let task = i64::from(self.task);
            cx.emit_to("dice", &[(eyes as i64).into(), (at as i64).into(), task.into()]);
            cx.emit_to("dice", &[Value::Null, (at as i64).into(), task.into()]);
        }
        Ok(())
    }
}

/// Two cells; forgets its key at the 5th tuple; keys of two fields.
#[derive(Clone, Debug)]
struct Throws;
impl Bolt for Throws {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["n"]).state(COUNT).state(LAST);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let count = cx.get(COUNT).and_then(Value::as_int).unwrap_or(0) + 1;
        if count == 5 {
            cx.clear();
        } else {
            cx.put(COUNT, count.into());
            if count > 2 {
                cx.put(LAST, tuple.values[2].clone());
            }
        }
        cx.emit(&[count.into()]);
        Ok(())
    }
}

/// Every grouping, a diamond, three steps below the root, two sinks.
pub(super) fn various() -> Arc<Topology> {
    let mut builder = TopologyBuilder::new("various");
    builder.spout("lines", Lines, 2);
    builder.bolt("mark", Mark::default(), 3).shuffle("lines").direct("lines", "odd");
    builder.bolt("dice", Throws, 2).fields_stream("mark", "dice", &["at", "eyes"]);
    builder.bolt("copies", Mark::default(), 2).all("mark", "dice").shuffle("mark");
    builder.bolt("count", Count, 3).fields("mark", &["line"]).fields("copies", &["line"]);
    builder.sink("one", 2).global("dice", "default").shuffle("count");
    builder.sink("two", 1).shuffle("count").all("lines", "default");
    builder.max_parallelism(8);
    let topology = builder.build().expect("a topology");
    assert_eq!(topology.find("mark").map(|c| c.first_task), Some(TaskId(BELOW_MARK + 1)));
    Arc::new(topology)
}

const RECENT: ListState = ListState::new(0, "recent").ttl(Ttl::new(Span::nanos(1 << 23)));
const AFTER: MapState = MapState::new(1, "after");
const LOUD: ValueState = ValueState::new(2, "loud").ttl(Ttl::since_read(Span::nanos(1 << 22)));
const RULES: BroadcastState = BroadcastState::new(0, "rules");
const HELD: OperatorListState = OperatorListState::new(1, "held");

/// Every place where state lies: of a word, and of the task, which all of them tell of long words.
#[derive(Clone, Debug)]
struct Keeper;
impl Bolt for Keeper {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["word", "n"]);
        declarer.state(RECENT).state(AFTER).state(LOUD).state(RULES).state(HELD);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let [word, number] = tuple.values else {
            // The order of rules differs from task to task: the map must not.
            RULES.put(cx, tuple.values[0].clone(), true.into());
            return Ok(());
        };
        RECENT.add(cx, number.clone());
        let recent = RECENT.get(cx).len() as i64;
        let rules = RULES.entries(cx).len() as i64;
        AFTER.put(cx, recent.into(), number.clone());
        if LOUD.get(cx).is_none() {
            LOUD.put(cx, word.clone());
        } else if recent == 1 {
            AFTER.clear(cx);
            LOUD.clear(cx);
        }
        HELD.add(cx, word.clone());
        if HELD.get(cx).len() == 5 {
            HELD.clear(cx);
            cx.emit(&[word.clone(), (recent + rules).into()]);
        }
        Ok(())
    }
}

/// Passes long words on.
#[derive(Clone, Debug)]
struct Long;
impl Bolt for Long {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["word"]);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        if tuple.values[0].as_str().is_some_and(|word| word.len() > 3) {
            cx.emit(&tuple.values[..1]);
        }
        Ok(())
    }
}

/// Keyed, operator and broadcast state, with and without a time-to-live.
pub(super) fn states() -> Arc<Topology> {
    let mut builder = TopologyBuilder::new("states");
    builder.spout("words", Words, 2);
    builder.bolt("number", Relay(0), 2).shuffle("words");
    builder.bolt("long", Long, 2).shuffle("words");
    builder.bolt("keep", Keeper, 3).fields("number", &["word"]).all("long", "default");
    builder.sink("publish", 1).shuffle("keep");
    builder.max_parallelism(8);
    Arc::new(builder.build().expect("a topology"))
}

/// Passes words on, numbered by the task that does.
#[derive(Clone, Debug, Default)]
struct Relay(i64);
impl Bolt for Relay {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["word", "number"]);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        self.0 += 1;
        cx.emit(&[tuple.values[0].clone(), self.0.into()]);
        Ok(())
    }
}

/// Round robin; long words also go to a target in the emitter's own worker.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
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
        let mut targets = vec![self.targets[self.sent % self.targets.len()]];
        if values[0].as_str().is_some_and(|word| word.len() > 3) {
            let others = self.targets.iter().find(|task| **task != targets[0]).copied();
            targets.extend(self.local.filter(|task| *task != targets[0]).or(others));
        }
        targets
    }
}

/// Every grouping that is not in `various`: three ways, one of which doubles long words, meet at
/// a count.
pub(super) fn spread() -> Arc<Topology> {
    let mut builder = TopologyBuilder::new("spread");
    let boundaries: [Value; 2] = ["hail".into(), "sun".into()];
    builder.spout("words", Words, 2);
    builder.bolt("halves", Relay(0), 4).partial_key_grouping("words", "default", &["word"]);
    builder.bolt("ranges", Relay(0), 3).range_partition("words", "default", "word", boundaries);
    builder.bolt("rounds", Relay(0), 3).custom_grouping("words", "default", Rounds::default());
    builder
        .bolt("near", Relay(0), 4)
        .local_or_shuffle_grouping("halves", "default")
        .load_aware_shuffle_grouping("ranges", "default");
    builder
        .bolt("drawn", Relay(0), 3)
        .none_grouping("rounds", "default")
        .random_partition("near", "default");
    builder.bolt("count", Count, 3).fields("drawn", &["word"]);
    builder.sink("publish", 2).load_aware_shuffle_grouping("count", "default");
    builder.max_parallelism(8).commutative();
    Arc::new(builder.build().expect("a topology"))
}

/// Words for a bolt `to` with 4 tasks, by some grouping.
pub(super) fn words_by(subscribe: impl FnOnce(&mut ComponentBuilder)) -> Arc<Topology> {
    let mut builder = TopologyBuilder::new("words-by");
    builder.spout("words", Words, 2);
    subscribe(builder.bolt("to", Relay(0), 4));
    Arc::new(builder.build().expect("a topology"))
}

/// Lines of a few words over a few partitions; every 7th is empty.
pub(super) fn log(partitions: u64, records: u64) -> InputLog {
    const WORDS: [&str; 6] = ["rain", "wind", "hail", "fog", "thunder", "sun"];
    let line = |n: u64| {
        let words = (0..n % 7 % 4).map(|k| WORDS[((n * 5 + k * k * 3 + n / 7) % 6) as usize]);
        words.collect::<Vec<_>>().join(" ")
    };
    let record = |n: u64| Record { arrival: Instant(n * 1_000), text: line(n).as_str().into() };
    let of = |p: u64| (0..records / partitions).map(|n| record(n * partitions + p)).collect();
    InputLog::new((0..partitions).map(of).collect())
}
