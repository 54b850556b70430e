//! Hand-written histories: word count with one task of each component, on one partition. `count` is
//! task 1, `publish` task 2, `words` task 3.

use stormglass_engine::ids::{KeyGroup, Txid};
use stormglass_sim::hash::Mixer;
use stormglass_sim::node::NodeId;

use super::super::law::Violation;
use super::*;
use crate::topologies::Registry;

const G: Generation = Generation(1);
const COUNT: TaskId = TaskId(1);
const PUBLISH: TaskId = TaskId(2);
const WORDS: TaskId = TaskId(3);
/// The child number of a record's only tuple, and of the one that is made of it.
const WORD: Child = Child::ROOT.step(0);
const COUNTED: Child = WORD.step(0);

/// A history in the making, a millisecond a step.
struct History {
    trees: Trees,
    findings: Findings,
    now: u64,
}

fn root(offset: u64) -> Root {
    Root::new(Partition(0), offset)
}

impl History {
    fn new() -> Self {
        let mut builder = Registry::default().get("word-count").unwrap();
        for name in ["words", "count", "publish"] {
            assert!(builder.set_parallelism(name, 1));
        }
        let topology = Arc::new(builder.build().unwrap());
        assert_eq!(topology.task_name(COUNT), "count[0]");
        assert_eq!(topology.task_name(WORDS), "words[0]");
        let trees = Trees::new(Arc::new(Plan::new(topology)), 1, Span::millis(100), 0);
        let mut history = History { trees, findings: Findings::default(), now: 0 };
        history.see(Observation::Granted { generation: G, workers: 1, restore: None });
        history.versioned(None, Versioning::Restored, Mixer::new().finish64());
        history
    }
    fn see(&mut self, what: Observation) {
        self.now += 1;
        let (at, node) = (Instant::ZERO + Span::millis(self.now), NodeId::new(0, 1));
        self.trees.observed(Witness { at, node, what }, &mut self.findings);
    }
    fn acking(&mut self, acking: Acking) {
        self.see(Observation::Acking(acking));
    }
    fn execute(&mut self, task: TaskId, from: TaskId, offset: u64, child: Child) {
        let group = (task == COUNT).then_some(KeyGroup(0));
        let root = root(offset);
        self.see(Observation::Executed { task, from, generation: G, root, child, group });
    }
    fn versioned(&mut self, version: Option<u32>, how: Versioning, print: u64) {
        let (task, version) = (COUNT, version.map(CheckpointId));
        self.acking(Acking::Versioned { task, generation: G, version, how, print });
    }
    fn decide(&mut self, version: u32) {
        let (txid, phase, version) = (Txid(1), Phase::Committing, CheckpointId(version));
        self.acking(Acking::Stepped { generation: G, txid, phase, version });
    }
    /// A record is read and counted, and its count is shown.
    fn flow(&mut self, offset: u64) {
        self.execute(WORDS, TaskId::BROKER, offset, Child::ROOT);
        self.execute(COUNT, WORDS, offset, WORD);
        self.execute(PUBLISH, COUNT, offset, COUNTED);
        let (task, root, child) = (PUBLISH, root(offset), COUNTED);
        self.see(Observation::Appended { task, generation: G, root, child, print: 0 });
    }
    fn kept(&mut self, next: u64) {
        let component = self.trees.plan.topology.find("words").unwrap().id;
        self.acking(Acking::Kept { component, next: root(next) });
    }
    fn found(&self) -> Option<(Law, &str)> {
        self.findings.all().first().map(|Violation { law, sentence, .. }| (*law, sentence.as_str()))
    }
}

#[test]
fn what_is_committed_and_shown_may_be_passed() {
    let mut history = History::new();
    history.flow(0);
    history.versioned(Some(1), Versioning::Prepared, 7);
    history.flow(1);
    history.decide(1);
    history.kept(1);
    assert_eq!(history.found(), None);
    assert_eq!(history.trees.behind(&[2]), Some((0, 1, 2)));
    history.versioned(Some(2), Versioning::Prepared, 8);
    history.decide(2);
    history.kept(2);
    assert_eq!(history.found(), None);
    assert_eq!(history.trees.behind(&[2]), None);
    assert_eq!(history.trees.duplicates(), DuplicateFacts::default());
}

#[test]
fn a_record_whose_update_was_rolled_back_is_lost_if_it_is_passed() {
    let mut history = History::new();
    history.flow(0);
    history.versioned(Some(1), Versioning::Prepared, 7);
    history.versioned(None, Versioning::RolledBack, Mixer::new().finish64());
    history.kept(1);
    let sentence = "p0@0 will not be read again, but all its updates are not committed by count";
    assert_eq!(history.found(), Some((Law::NoLoss, sentence)));
}

#[test]
fn a_record_that_no_sink_has_shown_is_lost_if_it_is_passed() {
    let mut history = History::new();
    history.execute(WORDS, TaskId::BROKER, 0, Child::ROOT);
    history.execute(COUNT, WORDS, 0, WORD);
    history.execute(PUBLISH, COUNT, 0, COUNTED);
    history.versioned(Some(1), Versioning::Prepared, 7);
    history.decide(1);
    history.kept(1);
    let (law, sentence) = history.found().unwrap();
    assert_eq!(law, Law::NoLoss);
    assert!(sentence.ends_with("were not shown by publish"), "{sentence}");
}

#[test]
fn what_comes_again_is_counted_and_allowed() {
    let mut history = History::new();
    history.flow(0);
    history.versioned(Some(1), Versioning::Prepared, 7);
    history.decide(1);
    history.flow(0);
    history.versioned(Some(2), Versioning::Prepared, 8);
    history.decide(2);
    history.kept(1);
    assert_eq!(history.found(), None);
    assert_eq!(history.trees.duplicates(), DuplicateFacts { updates: 1, outputs: 1 });
}

#[test]
fn what_was_undone_is_no_duplicate() {
    let mut history = History::new();
    history.execute(COUNT, WORDS, 0, WORD);
    history.versioned(Some(1), Versioning::Prepared, 7);
    history.execute(COUNT, WORDS, 1, WORD);
    history.versioned(None, Versioning::RolledBack, Mixer::new().finish64());
    history.flow(0);
    history.flow(1);
    history.versioned(Some(2), Versioning::Prepared, 7);
    history.decide(2);
    history.kept(2);
    assert_eq!(history.found(), None);
    assert_eq!(history.trees.duplicates(), DuplicateFacts::default());
}

#[test]
fn a_rollback_leads_to_the_committed_state() {
    for (version, print) in [(Some(2), 8), (Some(1), 8), (None, 7)] {
        let mut history = History::new();
        history.versioned(Some(1), Versioning::Prepared, 7);
        history.decide(1);
        history.versioned(Some(2), Versioning::Prepared, 8);
        history.versioned(version, Versioning::RolledBack, print);
        assert_eq!(history.found().unwrap().0, Law::RestoreLatest, "{version:?}, {print}");
    }
}

#[test]
fn a_transaction_is_decided_when_all_have_prepared_it() {
    let mut history = History::new();
    history.versioned(Some(1), Versioning::Prepared, 7);
    history.decide(2);
    assert_eq!(history.found().unwrap().0, Law::ConsistentCut);
}

#[test]
fn a_tree_is_given_its_time() {
    for (ms, early) in [(98, true), (99, false)] {
        let mut history = History::new();
        history.execute(WORDS, TaskId::BROKER, 0, Child::ROOT);
        history.now += ms;
        let (task, root, timed_out) = (WORDS, root(0), true);
        history.acking(Acking::Failed { task, generation: G, root, timed_out });
        assert_eq!(history.found().is_some(), early);
    }
    let mut history = History::new();
    history.execute(WORDS, TaskId::BROKER, 0, Child::ROOT);
    let (task, root, timed_out) = (WORDS, root(0), false);
    history.acking(Acking::Failed { task, generation: G, root, timed_out });
    assert_eq!(history.found(), None, "a task may give it up at any time");
}
