//! Verifies: that no record changes the same keyed state twice and none is published twice
//! (`no-duplicate`), and that every record which completed checkpoints have passed reached every
//! keyed component and every sink (`no-loss`), except where the engine said that its tree ended.
//!
//! Does not verify: values, order, or that *all* children of a record arrived (the oracle does);
//! records that no completed checkpoint has passed (they are pending, not lost). Below the second
//! step of a tree, child numbers of one record may collide: there only a record that counts in two
//! checkpoints is a duplicate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stormglass_engine::ids::{
    CheckpointId, Child, ComponentId, Generation, Partition, Root, TaskId,
};
use stormglass_engine::topology::{Component, Grouping, Input, Kind};
use stormglass_sim::time::Instant;

use super::bitmap::Offsets;
use super::history::{Entry, History};
use super::law::{Findings, Law, Violation, plural};
use super::outputs::Output;
use super::plan::Plan;
use crate::outcome::DuplicateFacts;

/// Child numbers are distinct this many steps below the root.
const EXACT_DEPTH: u32 = 2;

/// Which records count where.
#[derive(Clone, Debug)]
pub(super) struct Lineage {
    plan: Arc<Plan>,
    /// By component.
    books: Arc<Vec<Book>>,
}

/// What of the log counts in one component.
#[derive(Clone, Debug, Default)]
struct Book {
    /// By emitting component (a keyed component), or one for all (a sink).
    tracks: Vec<Track>,
    /// By partition: the records of which nothing need arrive here, for their tree ended upstream.
    excused: Vec<Offsets>,
    /// Whether some of its inputs are broadcasts to a keyed component: they change each task's own
    /// state, and that is all that need become of them.
    broadcasts: bool,
    /// Updates folded, outputs published.
    counted: u64,
    /// Of them, those that counted before.
    repeated: u64,
}

/// Marks for each (partition, child); a further layer for each legal repetition.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    copies: u32,
    marks: BTreeMap<(u16, Child, u32), Offsets>,
}

impl Track {
    /// No marks, with room for so many legal repetitions.
    pub(super) fn new(copies: u32) -> Self {
        Track { copies, ..Track::default() }
    }
    /// Whether a child of a record is marked.
    pub(super) fn has(&self, root: Root, child: Child) -> bool {
        let first = (root.partition().0, child, 0);
        self.marks.get(&first).is_some_and(|offsets| offsets.contains(root.offset()))
    }
    /// The marked children of a record.
    pub(super) fn children(&self, root: Root) -> impl Iterator<Item = Child> {
        let partition = root.partition().0;
        let all = (partition, Child::ROOT, 0)..=(partition, Child(u32::MAX), u32::MAX);
        let marked = self
            .marks
            .range(all)
            .filter(move |((.., layer), offsets)| *layer == 0 && offsets.contains(root.offset()));
        marked.map(|((_, child, _), _)| *child)
    }
    /// Marks a record. False if it is marked as often as it can legally be.
    #[inline]
    pub(super) fn mark(&mut self, root: Root, child: Child) -> bool {
        let partition = root.partition().0;
        (0..self.copies.max(1)).any(|layer| {
            let offsets = self.marks.entry((partition, child, layer)).or_default();
            offsets.insert(root.offset())
        })
    }
    fn contains(&self, root: Root) -> bool {
        let first = (root.partition().0, Child::ROOT, 0);
        self.marks.get(&first).is_some_and(|offsets| offsets.contains(root.offset()))
    }
}

impl Lineage {
    /// Nothing counts yet.
    pub(super) fn new(plan: Arc<Plan>, partitions: usize) -> Self {
        let components = plan.topology.components();
        let book = |component: &Component| {
            let tracks = match component.kind {
                Kind::Sink(_) => {
                    vec![Track { copies: plan.parts[id(component)].copies, ..Track::default() }]
                }
                _ if component.is_keyed() => components
                    .iter()
                    .map(|from| plan.copies_from(component, from))
                    .map(|copies| Track { copies, ..Track::default() })
                    .collect(),
                _ => Vec::new(),
            };
            let all = |input: &Input| matches!(input.grouping, Grouping::All);
            let broadcasts = component.is_keyed() && component.inputs.iter().any(all);
            let excused = vec![Offsets::default(); partitions];
            Book { tracks, excused, broadcasts, counted: 0, repeated: 0 }
        };
        let books = Arc::new(components.iter().map(book).collect());
        Lineage { plan, books }
    }

    /// What counts already. Both topologies have the same components.
    pub(super) fn inherit(&mut self, from: &Lineage) {
        let books = Arc::make_mut(&mut self.books);
        for (book, old) in books.iter_mut().zip(from.books.iter()) {
            (book.excused, book.counted) = (old.excused.clone(), old.counted);
            for (track, old) in book.tracks.iter_mut().zip(&old.tracks) {
                track.marks.clone_from(&old.marks);
            }
        }
    }

    /// Updates folded or outputs published.
    pub(super) fn counted(&self, component: ComponentId) -> u64 {
        self.books.get(usize::from(component.0)).map_or(0, |book| book.counted)
    }

    /// Folds what a completed checkpoint covers: now it counts. Returns the first that counted
    /// before.
    pub(super) fn fold(
        &mut self,
        checkpoint: CheckpointId,
        history: &History,
        at: Instant,
    ) -> Option<Violation> {
        let plan = Arc::clone(&self.plan);
        let mut violation = None;
        let books = Arc::make_mut(&mut self.books);
        for component in plan.topology.components() {
            let exact = plan.parts[id(component)].depth <= EXACT_DEPTH;
            let book = &mut books[id(component)];
            let (mut twice, mut ends) = (None, Vec::new());
            for task in component.tasks() {
                let Some(of_task) = history.task(task) else { continue };
                let Some(mark) = of_task.mark(checkpoint) else { continue };
                for piece in of_task.entries.until(mark.entries) {
                    for entry in piece {
                        if !book.fold(&plan, entry, exact) {
                            book.repeated += 1;
                            twice = twice.or(Some((task, *entry)));
                        }
                        if entry.ended != 0 {
                            ends.push((entry.root, entry.ended));
                        }
                    }
                }
            }
            if !exact {
                book.settle(&plan, component, checkpoint, history);
            }
            excuse(&plan, component, &ends, books);
            if let Some((task, entry)) = twice {
                let sentence = format!(
                    "{} counts {} (child {}) from {} a second time with checkpoint {} of \
                     generation {}",
                    plan.name(task),
                    entry.root,
                    entry.child.0,
                    plan.name(entry.from),
                    checkpoint.0,
                    history.generation().0,
                );
                let events = vec![history.witness(task, &entry)];
                let law = Law::NoDuplicate;
                violation = violation.or(Some(Violation { law, sentence, at, events }));
            }
        }
        violation
    }

    /// Updates that counted before, and outputs that were visible before.
    pub(super) fn duplicates(&self) -> DuplicateFacts {
        let of = |sink: bool| {
            let components = self.plan.topology.components().iter();
            let chosen = components.filter(|c| matches!(c.kind, Kind::Sink(_)) == sink);
            chosen.map(|component| self.books[id(component)].repeated).sum()
        };
        DuplicateFacts { updates: of(false), outputs: of(true) }
    }

    /// Counts outputs that became visible. Returns the first that was visible before.
    pub(super) fn published(&mut self, task: TaskId, outputs: &[Output]) -> Option<(Root, Child)> {
        let component = *self.plan.component_of.get(usize::from(task.0))?;
        let exact = self.plan.parts[usize::from(component)].depth <= EXACT_DEPTH;
        let book = &mut Arc::make_mut(&mut self.books)[usize::from(component)];
        book.counted += outputs.len() as u64;
        let track = book.tracks.first_mut()?;
        let mut twice = None;
        for &(root, child, _) in outputs {
            let child = if exact { child } else { Child::ROOT };
            let marked = track.mark(root, child);
            book.repeated += u64::from(!marked && exact);
            if !marked && exact {
                twice = twice.or(Some((root, child)));
            }
        }
        twice
    }

    /// Outputs that will never be visible, for a reason that another judge knows.
    pub(super) fn missed(&mut self, task: TaskId, outputs: &[Output]) {
        let Some(component) = self.plan.component_of.get(usize::from(task.0)) else { return };
        let book = &mut Arc::make_mut(&mut self.books)[usize::from(*component)];
        for (root, ..) in outputs {
            if let Some(offsets) = book.excused.get_mut(usize::from(root.partition().0)) {
                offsets.insert(root.offset());
            }
        }
    }

    /// Goes back to an earlier completed checkpoint, for all later ones are gone. What became
    /// visible stays so, and may become visible once more: its checkpoint cannot say any more that
    /// it did.
    pub(super) fn go_back(&mut self, to: &Lineage) {
        let visible = Arc::clone(&self.books);
        *self = to.clone();
        let components = self.plan.topology.components();
        let books = Arc::make_mut(&mut self.books);
        for (component, visible) in components.iter().zip(&*visible) {
            if let Kind::Sink(_) = component.kind {
                let book = &mut books[id(component)];
                (book.tracks, book.counted) = (visible.tracks.clone(), visible.counted);
                book.tracks.iter_mut().for_each(|track| track.copies = track.copies.max(1) + 1);
            }
        }
    }

    /// The sentence for an output that is visible twice.
    pub(super) fn published_twice(
        &self,
        (task, generation, checkpoint): (TaskId, Generation, CheckpointId),
        (root, child): (Root, Child),
    ) -> String {
        format!(
            "{} published {root} (child {}) a second time, with checkpoint {} of generation {}",
            self.plan.name(task),
            child.0,
            checkpoint.0,
            generation.0,
        )
    }

    /// At the end: what of the records that completed checkpoints passed counts nowhere?
    /// Records of which something was on its way in the last one are pending, not lost.
    /// `passed[component][partition]` is the offset that a spout's completed checkpoints reached.
    pub(super) fn finish(
        &self,
        passed: &[Vec<u64>],
        on_the_way: &BTreeSet<Root>,
        at: Instant,
        findings: &mut Findings,
    ) {
        for component in self.plan.topology.in_order() {
            let book = &self.books[id(component)];
            if book.tracks.is_empty() {
                continue;
            }
            let (mut lost, mut first) = (0, Vec::new());
            for partition in 0..book.excused.len() {
                let upstream = &self.plan.parts[id(component)].upstream;
                let of_spout = |(at, spout): (usize, &Vec<u64>)| {
                    upstream[at].then(|| spout.get(partition).copied())?
                };
                let end = passed.iter().enumerate().filter_map(of_spout).max().unwrap_or(0);
                let seen = self.seen(component, partition as u16, end);
                let missing = |n: &u64| {
                    let root = Root::new(Partition(partition as u16), *n);
                    seen[(n / 64) as usize] >> (n % 64) & 1 == 0 && !on_the_way.contains(&root)
                };
                for offset in (0..end).filter(missing) {
                    lost += 1;
                    if first.len() < 5 {
                        first.push(format!("p{partition}@{offset}"));
                    }
                }
            }
            if lost > 0 {
                let effect = match component.kind {
                    Kind::Sink(_) => "were never published by",
                    _ => "never changed the state of",
                };
                let more = if lost > first.len() as u64 { " and more" } else { "" };
                let sentence = format!(
                    "{} {effect} {}, though completed checkpoints passed them: {}{more}",
                    plural(lost, "record"),
                    component.name,
                    first.join(", "),
                );
                findings.report(Law::NoLoss, at, sentence, &[]);
            }
        }
    }

    /// One bit for each offset below `end` that counts in a component or need not.
    fn seen(&self, component: &Component, partition: u16, end: u64) -> Vec<u64> {
        let mut seen = vec![0; end.div_ceil(64) as usize];
        for track in &self.books[id(component)].tracks {
            let of_partition = (partition, Child::ROOT, 0)..=(partition, Child(u32::MAX), u32::MAX);
            track.marks.range(of_partition).for_each(|(_, offsets)| offsets.add_to(&mut seen));
        }
        self.books[id(component)].excused[usize::from(partition)].add_to(&mut seen);
        seen
    }
}

impl Book {
    /// Counts an execution. False if it counted before.
    #[inline]
    fn fold(&mut self, plan: &Plan, entry: &Entry, exact: bool) -> bool {
        if entry.group().is_none() {
            let partition = usize::from(entry.root.partition().0);
            if let Some(reached) = self.excused.get_mut(partition).filter(|_| self.broadcasts) {
                reached.insert(entry.root.offset());
            }
            return true;
        }
        self.counted += 1;
        let from = plan.component_of.get(usize::from(entry.from.0)).copied().unwrap_or(0);
        let Some(track) = self.tracks.get_mut(usize::from(from)) else { return true };
        match exact {
            true => track.mark(entry.root, entry.child),
            false => !track.contains(entry.root),
        }
    }

    /// Where child numbers may collide, records are marked after the whole checkpoint is folded.
    fn settle(
        &mut self,
        plan: &Plan,
        component: &Component,
        checkpoint: CheckpointId,
        history: &History,
    ) {
        for of_task in component.tasks().filter_map(|task| history.task(task)) {
            let Some(mark) = of_task.mark(checkpoint) else { continue };
            let updates = of_task.entries.until(mark.entries).flatten();
            for entry in updates.filter(|entry| entry.group().is_some()) {
                let from = plan.component_of.get(usize::from(entry.from.0)).copied().unwrap_or(0);
                if let Some(track) = self.tracks.get_mut(usize::from(from)) {
                    track
                        .marks
                        .entry((entry.root.partition().0, Child::ROOT, 0))
                        .or_default()
                        .insert(entry.root.offset());
                }
            }
        }
    }
}

/// The trees of these records ended at a component, on some of its streams: nothing of them need
/// arrive where only those streams lead.
fn excuse(plan: &Plan, component: &Component, ends: &[(Root, u16)], books: &mut [Book]) {
    // A component leaves few different sets of streams out.
    let mut by_streams: Vec<(u16, Vec<usize>)> = Vec::new();
    for (root, unused) in ends {
        if !by_streams.iter().any(|(of, _)| of == unused) {
            let (lost, kept) = (plan.reach(component, *unused), plan.reach(component, !unused));
            let only =
                lost.iter().zip(kept).enumerate().filter(|(_, (lost, kept))| **lost && !kept);
            by_streams.push((*unused, only.map(|(at, _)| at).collect()));
        }
        let excused = by_streams.iter().find(|(of, _)| of == unused).into_iter();
        for at in excused.flat_map(|(_, excused)| excused) {
            if let Some(offsets) = books[*at].excused.get_mut(usize::from(root.partition().0)) {
                offsets.insert(root.offset());
            }
        }
    }
}

fn id(component: &Component) -> usize {
    usize::from(component.id.0)
}
