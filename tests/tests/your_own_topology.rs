//! A storm over a topology of one's own: the example for whoever writes an application.
//!
//! Two bolts, four lines to wire them, one fault, ten seeds. Each run is judged record by record
//! against what the bolts themselves make of the input.

use std::sync::Arc;

use stormglass_engine::component::{Bolt, BoltContext, Outcome, ValueState};
use stormglass_engine::topology::{Declarer, TopologyBuilder};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::Value;
use stormglass_scenarios::bugs::fork::check_fork;
use stormglass_scenarios::catalog;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::{ActionSpec, FaultSpec, Scenario, Source, Target, When};
use stormglass_scenarios::topologies::Registry;
use stormglass_scenarios::topologies::words::Words;
use stormglass_scenarios::units::{Rate, Text};

/// Sends each word on under its first letter.
#[derive(Clone, Debug)]
struct Initial;

impl Bolt for Initial {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["letter", "word"]);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let word = tuple.values[0].as_str().unwrap_or_default();
        cx.emit(&[word[..1].into(), word.into()]);
        Ok(())
    }
}

/// The length of the longest word so far: one for each letter, for state belongs to a key.
const LONGEST: ValueState = ValueState::new(0, "longest");

/// Announces every word that is longer than all before it with its letter.
#[derive(Clone, Debug)]
struct Longest;

impl Bolt for Longest {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["letter", "word"]).state(LONGEST);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let [letter, word] = tuple.values else { return Ok(()) };
        let length = word.as_str().map_or(0, str::len) as i64;
        if cx.get(LONGEST).and_then(Value::as_int) < Some(length) {
            cx.put(LONGEST, length.into());
            cx.emit(&[letter.clone(), word.clone()]);
        }
        Ok(())
    }
}

fn longest_words() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("longest-words");
    builder.spout("words", Words, 2);
    builder.bolt("initial", Initial, 2).shuffle("words");
    builder.bolt("longest", Longest, 3).fields("initial", &["letter"]);
    builder.sink("publish", 1).shuffle("longest");
    builder
}

#[test]
fn the_longest_words_survive_a_crash() {
    let registry = Registry::default().with("longest-words", longest_words);
    let words = Source::Words { count: 8_000, vocabulary: 2_000, skew_ppm: 1_000_000 };
    let rate = Rate::parse("1k/s").unwrap();
    let mut scenario = Scenario::new("mine", "longest-words", rate, words);
    let target = Target::WorkerOf("longest".to_string());
    scenario.faults.push(FaultSpec::once(When::Storm, ActionSpec::Crash { down: None }, target));
    let scenario = Arc::new(scenario);
    for seed in 0..10 {
        let setup = Setup::new(&scenario, &registry, &catalog::file, seed).unwrap();
        // Whether the bolts are plain values, as they have to be.
        check_fork(&setup).unwrap();
        let outcome = setup.run();
        assert_eq!(outcome.verdict.name(), "holds", "{:#?}", outcome.verdict);
        assert_eq!(outcome.effective_faults(), 1);
        assert!(outcome.published["publish"] > 0);
    }
}
