//! Documents: a record names one that is edited. Each weighs a megabyte, so that state is heavy
//! while a simulated one is light.

use stormglass_engine::component::{Bolt, BoltContext, Outcome, ValueState};
use stormglass_engine::topology::{Declarer, TopologyBuilder};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::Value;

use super::words::Words;

/// How often a document was edited; a document weighs 1 MB.
pub const DOCUMENT: ValueState = ValueState::new(0, "document").weight(1_000_000);

/// Keeps the documents, and emits the name of each that is edited, with how often it was.
#[derive(Clone, Debug)]
pub struct Shelf;

impl Bolt for Shelf {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["document", "edits"]).state(DOCUMENT);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let edits = cx.get(DOCUMENT).and_then(Value::as_int).unwrap_or(0) + 1;
        cx.put(DOCUMENT, Value::Int(edits));
        cx.emit(&[tuple.values[0].clone(), Value::Int(edits)]);
        Ok(())
    }
}

/// `editors` -> `shelf` by document -> `publish`.
pub fn topology() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("documents");
    builder.spout("editors", Words, 1);
    builder.bolt("shelf", Shelf, 4).fields("editors", &["word"]);
    builder.sink("publish", 1).shuffle("shelf").key(&["document"]);
    builder.commutative();
    builder
}
