//! A topology that breaks the rules: its bolt shares a counter between clones.
//!
//! It exists to be caught by [`check_fork`](crate::bugs::fork::check_fork).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use stormglass_engine::component::{Bolt, BoltContext, Outcome};
use stormglass_engine::topology::{Declarer, TopologyBuilder};
use stormglass_engine::tuple::Tuple;

use super::{Registry, words};

/// Counts all words in a cell that every clone of it shares, which no world can see.
#[derive(Clone, Debug, Default)]
struct SharedCounter {
    seen: Arc<AtomicI64>,
}

impl Bolt for SharedCounter {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["word", "count"]);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let count = self.seen.fetch_add(1, Ordering::Relaxed);
        cx.emit(&[tuple.values[0].clone(), count.into()]);
        Ok(())
    }
}

fn topology() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("shared-counter");
    builder.spout("words", words::Words, 2);
    builder.bolt("count", SharedCounter::default(), 4).fields("words", &["word"]);
    builder.sink("publish", 2).shuffle("count");
    builder
}

/// The registry with this topology added.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    registry.with("shared-counter", topology)
}
