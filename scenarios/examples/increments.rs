//! Incremental against full checkpoints: 10 GB of state of which 1 % changes from one to the next.
//!
//!     cargo run --release -p stormglass-scenarios --example increments
//!
//! 10,000 keys weigh 1 MB each; they lie with four tasks on four workers. 100 of them change in the
//! 100 s between two checkpoints. Links have 1 Gbit/s, and the durable store's disk 200 MB/s.

#![expect(clippy::disallowed_macros, reason = "an example prints")]

use std::sync::Arc;

use stormglass_engine::component::{
    Bolt, BoltContext, Collector, Outcome, Record, Spout, ValueState,
};
use stormglass_engine::ids::CheckpointId;
use stormglass_engine::node::Node;
use stormglass_engine::topology::{Declarer, TopologyBuilder};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::Value;
use stormglass_scenarios::catalog;
use stormglass_scenarios::run::{Run, Setup};
use stormglass_scenarios::scenario::{Scenario, Source, StateBackend};
use stormglass_scenarios::topologies::Registry;
use stormglass_scenarios::units::{Rate, Text};
use stormglass_sim::time::{Instant, Span};

const KEYS: u64 = 10_000;
/// Keys that change between two checkpoints, one a second.
const CHANGES: u64 = 100;
const CHECKPOINTS: u64 = 12;

/// What a document weighs.
const DOCUMENT: ValueState = ValueState::new(0, "document").weight(1_000_000);

/// The first records make all documents, each of the later ones changes one.
#[derive(Clone, Debug)]
struct Editors;

impl Spout for Editors {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["document"]);
    }
    fn next(&mut self, record: &Record, out: &mut dyn Collector) -> Outcome {
        // They arrive one a second, the first one after a second.
        let number = record.arrival.since(Instant::ZERO).as_nanos() / 1_000_000_000 - 1;
        let each = KEYS / CHANGES;
        if number < CHANGES {
            for key in number * each..(number + 1) * each {
                out.emit(&[Value::Int(key as i64)]);
            }
        } else {
            out.emit(&[Value::Int((number * 7_919 % KEYS) as i64)]);
        }
        Ok(())
    }
}

/// Keeps the documents.
#[derive(Clone, Debug)]
struct Shelf;

impl Bolt for Shelf {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["document"]).state(DOCUMENT);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let edits = cx.get(DOCUMENT).and_then(Value::as_int).unwrap_or(0) + 1;
        cx.put(DOCUMENT, Value::Int(edits));
        cx.emit(&[tuple.values[0].clone()]);
        Ok(())
    }
}

fn documents() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("documents");
    builder.spout("editors", Editors, 1);
    builder.bolt("shelf", Shelf, 4).fields("editors", &["document"]);
    builder.sink("publish", 1).shuffle("shelf");
    builder
}

/// What the later half of the checkpoints cost: bytes of state and bytes uploaded, and from the
/// trigger to the completion, in the median.
fn measure(backend: StateBackend, incremental: bool) -> (u64, u64, Span) {
    let registry = Registry::default().with("documents", documents);
    let count = CHANGES * CHECKPOINTS;
    let words = Source::Words { count, vocabulary: 1, skew_ppm: 0 };
    let rate = Rate::parse("1/s").expect("a rate");
    let mut scenario = Scenario::new("documents", "documents", rate, words);
    scenario.input.partitions = 1;
    scenario.checkpoint.interval = Span::secs(CHANGES);
    scenario.checkpoint.timeout = Span::secs(1_000);
    scenario.network.bandwidth = Some(125_000_000);
    scenario.network.patience = Span::secs(1_000);
    scenario.phases.lull = Span::secs(1_000);
    scenario.state.backend = backend;
    scenario.state.incremental = incremental;
    let setup = Setup::new(&Arc::new(scenario), &registry, &catalog::file, 1).expect("it is well");
    let mut run = Run::new(setup);
    let (mut seen, mut written) = (CheckpointId(0), Vec::new());
    let mut state = 0;
    for second in 1..=count {
        if !run.advance(Instant::ZERO + Span::secs(second)) {
            break;
        }
        let nodes = run.world().nodes().filter_map(|node| run.world().process(node));
        let mut coordinators = nodes.filter_map(|node| match node {
            Node::Coordinator(coordinator) => Some(coordinator),
            _ => None,
        });
        let latest = coordinators.find_map(|of| of.metadata().latest().cloned());
        if let Some(latest) = latest.filter(|latest| latest.checkpoint > seen) {
            seen = latest.checkpoint;
            state = latest.bytes();
            written.push(latest.parts.iter().map(|part| part.written(seen)).sum::<u64>());
        }
    }
    let later = written.len() / 2;
    let mut written = written.split_off(later);
    written.sort_unstable();
    let outcome = run.finish();
    assert!(outcome.verdict.name() == "holds", "{:?}", outcome.verdict);
    (state, written[written.len() / 2], outcome.checkpoints.duration.p50)
}

fn main() {
    println!(
        "{:<10} {:<12} {:>9} {:>11} {:>11}",
        "backend", "checkpoints", "state", "uploaded", "duration"
    );
    for backend in [StateBackend::File, StateBackend::Log, StateBackend::Embedded] {
        for incremental in [false, true] {
            let (state, written, duration) = measure(backend, incremental);
            println!(
                "{:<10} {:<12} {:>6.2} GB {:>8.2} GB {:>9.2} s",
                backend.name(),
                if incremental { "incremental" } else { "full" },
                state as f64 / 1e9,
                written as f64 / 1e9,
                duration.as_nanos() as f64 / 1e9,
            );
        }
    }
}
