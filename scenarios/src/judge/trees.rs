//! Verifies, where acking and stateful bolts take the place of barriers: that every record which a
//! durable position has passed is in the committed state of every keyed component, with all the
//! updates that were ever seen of it, and was shown by every sink, except where its tree ended
//! (`no-loss`); that a transaction is decided only when every keyed task has prepared it
//! (`consistent-cut`); that a task starts with, and rolls back to, the state that was committed
//! last (`restore-latest`); that no tree is given up before the message timeout is over
//! (`patient-spout`). Counts what is committed or shown twice: that is allowed.
//!
//! Does not verify: values; order; children of a record that nobody ever executed.

use std::collections::BTreeMap;
use std::sync::Arc;

use stormglass_engine::coordinator::checkpoint_spout::Phase;
use stormglass_engine::ids::{
    CheckpointId, Child, ComponentId, Generation, Partition, Root, TaskId,
};
use stormglass_engine::observation::Observation;
use stormglass_engine::observation::acking::{Acking, Versioning};
use stormglass_engine::topology::{Component, Kind};
use stormglass_sim::time::{Instant, Span};

use super::bitmap::Offsets;
use super::law::{Findings, Law, Witness, count};
use super::lineage::Track;
use super::plan::Plan;
use crate::outcome::DuplicateFacts;

#[cfg(test)]
mod tests;

/// The judge.
#[derive(Clone, Debug)]
pub(super) struct Trees {
    plan: Arc<Plan>,
    /// A tree is not given up before this is over, by true time.
    patience: Span,
    generation: Generation,
    /// By task.
    tasks: Vec<Keyed>,
    /// By component.
    books: Vec<Book>,
    /// The version that was decided last.
    decided: Option<CheckpointId>,
    /// What each task's state looked like when it prepared a version, and when it had none.
    prints: BTreeMap<(TaskId, Option<CheckpointId>), u64>,
    /// For each reading component and partition, the durable position.
    kept: BTreeMap<(ComponentId, Partition), u64>,
    /// When each record that is not done was read last.
    read: BTreeMap<(TaskId, Root), Instant>,
    /// What the last execution of each task was of.
    last: Vec<Root>,
}

/// A keyed task's updates that no decision covers.
#[derive(Clone, Debug, Default)]
struct Keyed {
    updates: Vec<Update>,
    prepared: Option<(CheckpointId, Vec<Update>)>,
}

/// An update of keyed state.
#[derive(Clone, Copy, Debug)]
struct Update {
    root: Root,
    child: Child,
    /// The emitting component.
    from: u16,
}

/// What is known of one component.
#[derive(Clone, Debug, Default)]
struct Book {
    /// By emitting component (a keyed component), or one for all (a sink): executed at all.
    seen: Vec<Track>,
    /// The same: committed, or shown.
    done: Vec<Track>,
    /// By partition: records of which nothing need arrive here.
    excused: Vec<Offsets>,
    counted: u64,
    repeated: u64,
}

impl Trees {
    /// Nothing seen yet, of a run that gives trees so much time on clocks that are so far off.
    pub(super) fn new(plan: Arc<Plan>, partitions: usize, timeout: Span, clock_ppm: u32) -> Self {
        let components = plan.topology.components();
        let book = |component: &Component| {
            let tracks: Vec<Track> = match component.kind {
                Kind::Sink(_) => vec![Track::new(plan.parts[usize::from(component.id.0)].copies)],
                _ if component.is_keyed() => components
                    .iter()
                    .map(|from| Track::new(plan.copies_from(component, from)))
                    .collect(),
                _ => Vec::new(),
            };
            let excused = vec![Offsets::default(); partitions];
            Book { seen: tracks.clone(), done: tracks, excused, counted: 0, repeated: 0 }
        };
        let tasks = usize::from(plan.topology.tasks()) + 1;
        Trees {
            patience: timeout.scale(1_000_000 - u64::from(clock_ppm).min(500_000), 1_000_000),
            generation: Generation(0),
            tasks: vec![Keyed::default(); tasks],
            books: components.iter().map(book).collect(),
            decided: None,
            prints: BTreeMap::new(),
            kept: BTreeMap::new(),
            read: BTreeMap::new(),
            last: vec![Root(0); tasks],
            plan,
        }
    }

    /// Takes note of an observation.
    pub(super) fn observed(&mut self, seen: Witness, findings: &mut Findings) {
        match seen.what {
            Observation::Executed { task, from, generation, root, child, group }
                if generation == self.generation =>
            {
                self.last[usize::from(task.0)] = root;
                let update = Update { root, child, from: self.component_of(from) };
                if from == TaskId::BROKER {
                    self.read.insert((task, root), seen.at);
                } else if group.is_some() || self.is_sink(task) {
                    self.executed(task, update, group.is_some());
                } else {
                    self.broadcast(task, root);
                }
            }
            Observation::Ended { task, generation, root, unused }
                if generation == self.generation && self.last[usize::from(task.0)] == root =>
            {
                self.excuse(task, root, unused);
            }
            Observation::Granted { generation, .. } => {
                self.generation = generation;
                self.tasks.iter_mut().for_each(|task| *task = Keyed::default());
                self.read.clear();
            }
            // Whoever wrote it: what is visible is visible.
            Observation::Appended { task, root, child, .. }
            | Observation::Upserted { task, root, child, .. } => self.shown(task, root, child),
            Observation::Acking(acking) => self.acking(acking, seen, findings),
            _ => {}
        }
    }

    fn acking(&mut self, acking: Acking, seen: Witness, findings: &mut Findings) {
        match acking {
            Acking::Stepped { phase: Phase::Committing, version, .. } => {
                self.decide(version, seen, findings);
            }
            Acking::Stepped { .. } => {}
            Acking::Versioned { task, generation, version, how, print } => {
                if generation == self.generation {
                    self.versioned(task, (version, print), how, seen, findings);
                }
            }
            Acking::Acked { task, generation, root } => {
                if generation == self.generation {
                    self.read.remove(&(task, root));
                }
            }
            Acking::Failed { task, generation, root, timed_out } => {
                let since = self.read.get(&(task, root)).filter(|_| timed_out).copied();
                let Some(since) = since.filter(|_| generation == self.generation) else { return };
                let waited = seen.at.since(since);
                if waited < self.patience {
                    let (name, least) = (self.plan.name(task), self.patience);
                    let sentence = format!(
                        "{name} gave {root} up {waited} after it had read it, before {least} were \
                         over"
                    );
                    findings.report(Law::PatientSpout, seen.at, sentence, &[seen]);
                }
            }
            Acking::Kept { component, next } => self.pass(component, next, seen, findings),
        }
    }

    fn shown(&mut self, task: TaskId, root: Root, child: Child) {
        let component = usize::from(self.component_of(task));
        let book = &mut self.books[component];
        book.counted += 1;
        if let Some(done) = book.done.first_mut() {
            book.repeated += u64::from(!done.mark(root, child));
        }
    }

    fn component_of(&self, task: TaskId) -> u16 {
        self.plan.component_of[usize::from(task.0)]
    }

    fn is_sink(&self, task: TaskId) -> bool {
        let component = self.component_of(task);
        matches!(self.plan.topology.component(ComponentId(component)).kind, Kind::Sink(_))
    }

    fn executed(&mut self, task: TaskId, update: Update, keyed: bool) {
        let component = usize::from(self.component_of(task));
        let from = if keyed { usize::from(update.from) } else { 0 };
        if let Some(seen) = self.books[component].seen.get_mut(from) {
            seen.mark(update.root, update.child);
        }
        if keyed {
            self.tasks[usize::from(task.0)].updates.push(update);
        }
    }

    /// What a keyed component takes without a key changes each task's own state, and is not
    /// counted.
    fn broadcast(&mut self, task: TaskId, root: Root) {
        let book = &mut self.books[usize::from(self.plan.component_of[usize::from(task.0)])];
        if let Some(reached) = book.excused.get_mut(usize::from(root.partition().0)) {
            reached.insert(root.offset());
        }
    }

    /// The tree of a record ended at a task, on some streams: nothing of it need arrive where only
    /// those lead.
    fn excuse(&mut self, task: TaskId, root: Root, unused: u16) {
        let plan = Arc::clone(&self.plan);
        let component = plan.topology.component(ComponentId(self.component_of(task)));
        let (lost, kept) = (plan.reach(component, unused), plan.reach(component, !unused));
        for (at, _) in lost.iter().zip(kept).enumerate().filter(|(_, (lost, kept))| **lost && !kept)
        {
            let partition = usize::from(root.partition().0);
            if let Some(offsets) = self.books[at].excused.get_mut(partition) {
                offsets.insert(root.offset());
            }
        }
    }

    fn versioned(
        &mut self,
        task: TaskId,
        (version, print): (Option<CheckpointId>, u64),
        how: Versioning,
        seen: Witness,
        findings: &mut Findings,
    ) {
        let keyed = &mut self.tasks[usize::from(task.0)];
        if let (Versioning::Prepared, Some(prepared)) = (how, version) {
            let mut all = keyed.prepared.take().map_or(Vec::new(), |(_, updates)| updates);
            all.append(&mut keyed.updates);
            keyed.prepared = Some((prepared, all));
            self.prints.insert((task, version), print);
            return;
        }
        *keyed = Keyed::default();
        let (name, at) = (self.plan.name(task), seen.at);
        let what = if how == Versioning::Restored { "started with" } else { "rolled back to" };
        let told = version.map_or("no state".to_string(), |v| format!("version {}", v.0));
        let due = self.decided.map_or("no state".to_string(), |v| format!("version {}", v.0));
        if version != self.decided {
            let sentence = format!("{name} {what} {told}, but {due} was committed last");
            findings.report(Law::RestoreLatest, at, sentence, &[seen]);
            return;
        }
        if version.is_none() {
            self.prints.entry((task, None)).or_insert(print);
        }
        if self.prints.get(&(task, version)) != Some(&print) {
            let sentence = format!("{name} {what} {told}, but its state is not what it was then");
            findings.report(Law::RestoreLatest, at, sentence, &[seen]);
        }
    }

    /// A version is decided: what its tasks have prepared counts.
    fn decide(&mut self, version: CheckpointId, seen: Witness, findings: &mut Findings) {
        self.decided = Some(version);
        let plan = Arc::clone(&self.plan);
        for component in plan.topology.components().iter().filter(|c| c.is_keyed()) {
            let book = &mut self.books[usize::from(component.id.0)];
            for task in component.tasks() {
                let prepared = self.tasks[usize::from(task.0)].prepared.take();
                let Some((_, updates)) = prepared.filter(|(of, _)| *of == version) else {
                    let name = plan.name(task);
                    let sentence = format!(
                        "version {} is committed, but {name} has not prepared it",
                        version.0
                    );
                    findings.report(Law::ConsistentCut, seen.at, sentence, &[seen]);
                    continue;
                };
                for Update { root, child, from } in updates {
                    book.counted += 1;
                    if let Some(done) = book.done.get_mut(usize::from(from)) {
                        book.repeated += u64::from(!done.mark(root, child));
                    }
                }
            }
        }
        self.prints.retain(|(_, of), _| of.is_none_or(|of| of >= version));
    }

    /// A position passes records: their effects must be there.
    fn pass(&mut self, reader: ComponentId, next: Root, seen: Witness, findings: &mut Findings) {
        let partition = next.partition();
        let kept = self.kept.entry((reader, partition)).or_default();
        let (from, to) = (*kept, next.offset());
        *kept = to.max(from);
        for component in self.plan.topology.in_order() {
            let book = &self.books[usize::from(component.id.0)];
            let part = &self.plan.parts[usize::from(component.id.0)];
            if book.done.is_empty() || !part.upstream[usize::from(reader.0)] {
                continue;
            }
            let excused = &book.excused[usize::from(partition.0)];
            let missing = (from..to).find(|offset| {
                let root = Root::new(partition, *offset);
                let none = !book.done.iter().any(|done| done.children(root).next().is_some());
                let half =
                    book.seen.iter().zip(&book.done).any(|(seen, done)| {
                        !seen.children(root).all(|child| done.has(root, child))
                    });
                none && !excused.contains(*offset) || half
            });
            if let Some(offset) = missing {
                let effect = match component.kind {
                    Kind::Sink(_) => "all its outputs were not shown by",
                    _ => "all its updates are not committed by",
                };
                let sentence = format!(
                    "p{}@{} will not be read again, but {effect} {}",
                    partition.0,
                    count(offset),
                    component.name,
                );
                findings.report(Law::NoLoss, seen.at, sentence, &[seen]);
            }
        }
    }

    /// The first partition whose records are not all done: the position and the end.
    pub(super) fn behind(&self, ends: &[u64]) -> Option<(usize, u64, u64)> {
        let components = self.plan.topology.components().iter();
        let spouts = components.filter(|c| matches!(c.kind, Kind::Spout(_)));
        let places = spouts.flat_map(|spout| (0..ends.len()).map(move |at| (spout.id, at)));
        let with = places.map(|(spout, at)| {
            let kept = self.kept.get(&(spout, Partition(at as u16))).copied();
            (at, kept.unwrap_or(0), ends[at])
        });
        with.into_iter().find(|(_, kept, end)| kept < end)
    }

    /// What took effect more than once.
    pub(super) fn duplicates(&self) -> DuplicateFacts {
        let of = |sink: bool| {
            let components = self.plan.topology.components().iter();
            let chosen = components.filter(|c| matches!(c.kind, Kind::Sink(_)) == sink);
            chosen.map(|component| self.books[usize::from(component.id.0)].repeated).sum()
        };
        DuplicateFacts { updates: of(false), outputs: of(true) }
    }

    /// Updates committed or outputs shown.
    pub(super) fn counted(&self, component: ComponentId) -> u64 {
        self.books.get(usize::from(component.0)).map_or(0, |book| book.counted)
    }

    /// Records that were read and are not done.
    pub(super) fn under_way(&self) -> u64 {
        self.read.len() as u64
    }
}
