//! Word count: a record is a word; how often has it been seen?

use stormglass_engine::component::{
    Bolt, BoltContext, Collector, Outcome, Record, Spout, ValueState,
};
use stormglass_engine::topology::{Declarer, TopologyBuilder};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::Value;

/// How often a word has been seen.
pub const COUNT: ValueState = ValueState::new(0, "count");

/// Emits each record as a word.
#[derive(Clone, Debug)]
pub struct Words;

impl Spout for Words {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["word"]);
    }
    fn next(&mut self, record: &Record, out: &mut dyn Collector) -> Outcome {
        out.emit(&[Value::Str(record.text.clone())]);
        Ok(())
    }
}

/// Counts each word, and emits it with its count so far.
#[derive(Clone, Debug)]
pub struct Count;

impl Bolt for Count {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["word", "count"]).state(COUNT);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let count = cx.get(COUNT).and_then(Value::as_int).unwrap_or(0) + 1;
        cx.put(COUNT, Value::Int(count));
        cx.emit(&[tuple.values[0].clone(), Value::Int(count)]);
        Ok(())
    }
}

/// `words` -> `count` by word -> `publish`.
pub fn topology() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("word-count");
    builder.spout("words", Words, 2);
    builder.bolt("count", Count, 4).fields("words", &["word"]);
    builder.sink("publish", 2).shuffle("count").key(&["word"]);
    builder.commutative();
    builder
}
