//! Word count over what may not be words: two ways with a record that nobody can read.
//!
//! `checked-words` sends it to the dead letters with its reason, once, and goes on. `strict-words`
//! gives up on it: its worker dies, is started again, reads the record again, and dies again.

use stormglass_engine::component::{Bolt, BoltContext, ComponentError, Outcome};
use stormglass_engine::topology::{Declarer, TopologyBuilder};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::Value;

use super::words::{Count, Words};

/// The stream of what are words.
pub const WORDS: &str = "words";
/// The stream of what are not.
pub const DEAD_LETTERS: &str = "dead-letters";

/// Why a text is no word: words are of small letters.
fn flaw(text: &str) -> Option<&'static str> {
    match text.bytes().all(|letter| letter.is_ascii_lowercase()) {
        true if text.is_empty() => Some("an empty word"),
        true => None,
        false => Some("not a word"),
    }
}

/// Passes words on, and what is none to the dead letters.
#[derive(Clone, Debug)]
pub struct Check;

impl Bolt for Check {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.named_stream(WORDS, &["word"]).named_stream(DEAD_LETTERS, &["text", "reason"]);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let text = &tuple.values[0];
        match flaw(text.as_str().unwrap_or_default()) {
            None => cx.emit_to(WORDS, std::slice::from_ref(text)),
            Some(reason) => cx.emit_to(DEAD_LETTERS, &[text.clone(), Value::from(reason)]),
        }
        Ok(())
    }
}

/// Passes words on, and fails on what is none.
#[derive(Clone, Debug)]
pub struct Strict;

impl Bolt for Strict {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.named_stream(WORDS, &["word"]);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let text = &tuple.values[0];
        match flaw(text.as_str().unwrap_or_default()) {
            None => cx.emit_to(WORDS, std::slice::from_ref(text)),
            Some(reason) => return Err(ComponentError(reason.into())),
        }
        Ok(())
    }
}

/// `words` -> `check` -> `count` by word -> `publish`, and what is no word to `dead-letters`.
pub fn checked() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("checked-words");
    builder.spout("words", Words, 2);
    builder.bolt("check", Check, 2).shuffle("words");
    count(&mut builder);
    builder.sink("dead-letters", 1).shuffle_stream("check", DEAD_LETTERS).key(&["text"]);
    builder
}

/// The same without dead letters: `check` fails on what is no word.
pub fn strict() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("strict-words");
    builder.spout("words", Words, 2);
    builder.bolt("check", Strict, 2).shuffle("words");
    count(&mut builder);
    builder
}

fn count(builder: &mut TopologyBuilder) {
    builder.bolt("count", Count, 4).fields_stream("check", WORDS, &["word"]);
    builder.sink("publish", 2).shuffle("count").key(&["word"]);
    builder.commutative();
}
