//! The README's example: a topology of one's own, in a cluster that crashes.

use std::sync::Arc;

use stormglass_engine::component::{Bolt, BoltContext, Outcome, ValueState};
use stormglass_engine::topology::{Declarer, TopologyBuilder};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::Value;
use stormglass_scenarios::topologies::{Registry, words::Words};
use stormglass_scenarios::{catalog, run::Setup, scenario::Scenario};

const SEEN: ValueState = ValueState::new(0, "seen");

/// Passes on the first of each word.
#[derive(Clone, Debug)]
struct Distinct;

impl Bolt for Distinct {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["word"]).state(SEEN);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        if cx.get(SEEN).is_none() {
            cx.put(SEEN, Value::Int(1));
            cx.emit(tuple.values);
        }
        Ok(())
    }
}

fn distinct() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("distinct");
    builder.spout("words", Words, 2);
    builder.bolt("distinct", Distinct, 4).fields("words", &["word"]);
    builder.sink("publish", 2).shuffle("distinct");
    builder
}

#[test]
fn distinct_words_survive_a_crash() {
    let text = r#"
        name = "distinct-words"
        topology.name = "distinct"
        input = { rate = "1k/s", words = { count = 5_000 } }
        [[fault]]
        at = "30%..60%"
        crash = { who = "worker-of:distinct" }
    "#;
    let scenario = Arc::new(Scenario::parse(text, "distinct.toml").unwrap());
    let registry = Registry::default().with("distinct", distinct);
    for seed in 0..5 {
        let setup = Setup::new(&scenario, &registry, &catalog::file, seed).unwrap();
        assert_eq!(setup.run().violations(), []);
    }
}
