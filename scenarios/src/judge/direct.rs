//! Verifies, of sinks without transactions: that whatever a completed checkpoint covers was visible
//! before it completed (`no-loss`), in the order and with the values of the oracle
//! (`output-equals-oracle`); that a row never gives way to one of an older generation (`fencing`),
//! and that a receiver which starts again has every row that was visible, or a newer one
//! (`no-loss`); at the end of a run whose input is covered, that the rows are exactly the oracle's
//! last writes (`no-loss` for a key that is missing, `output-equals-oracle` for all else).
//!
//! Does not verify: the values of what was visible and then written again after a restore; that a
//! receiver keeps the records of a plain sink, which it passes on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stormglass_engine::ids::{CheckpointId, Generation, TaskId};
use stormglass_engine::observation::Observation;
use stormglass_engine::topology::{Delivery, Kind};
use stormglass_sim::time::Instant;

use super::history::History;
use super::law::{Findings, Law, Witness, plural};
use super::outputs::Output;
use super::plan::Plan;

/// The key of an output; 0 if its sink has none.
type Key = u64;

/// What the oracle says that a sink task wrote in an epoch.
#[derive(Clone, Debug)]
pub(super) struct Due {
    pub(super) task: TaskId,
    pub(super) outputs: Vec<(Key, Output)>,
}

/// A row of an idempotent sink.
#[derive(Clone, Copy, Debug)]
struct Row {
    generation: Generation,
    sequence: u32,
    print: u64,
}

/// What sinks without transactions have made visible.
#[derive(Clone, Debug, Default)]
pub(super) struct Direct {
    /// By task: what the newest generation made visible and no completed checkpoint covers.
    written: Vec<VecDeque<(Key, Output)>>,
    /// By component and key.
    rows: BTreeMap<(u16, Key), Row>,
    /// The oracle's last write of each key.
    due: BTreeMap<(u16, Key), Output>,
    /// The rows that a receiver which starts again has told so far.
    kept: BTreeSet<(u16, Key)>,
    /// Outputs of plain sinks that became visible and will again, or did before.
    repeated: u64,
}

/// The sinks without transactions, and whether each has keys.
fn of_component(plan: &Plan, task: TaskId) -> Option<(u16, bool)> {
    let component = plan.component(task)?;
    match component.kind {
        Kind::Sink(Delivery::Plain) => Some((component.id.0, false)),
        Kind::Sink(Delivery::Idempotent) => Some((component.id.0, true)),
        _ => None,
    }
}

impl Direct {
    /// Nothing is visible yet.
    pub(super) fn new(plan: &Plan) -> Self {
        let written = vec![VecDeque::new(); plan.component_of.len()];
        Direct { written, ..Direct::default() }
    }

    /// How many outputs of plain sinks were visible more than once.
    pub(super) fn repeated(&self) -> u64 {
        self.repeated
    }

    /// A new generation: what the old one wrote since the last completed checkpoint comes again.
    pub(super) fn granted(&mut self, plan: &Plan) {
        for (task, written) in (0..).map(TaskId).zip(&mut self.written) {
            if of_component(plan, task).is_some_and(|(_, keyed)| !keyed) {
                self.repeated += written.len() as u64;
            }
            written.clear();
        }
    }

    /// Something became visible, or was found again.
    pub(super) fn observed(
        &mut self,
        plan: &Plan,
        newest: Generation,
        seen: Witness,
        findings: &mut Findings,
    ) {
        match seen.what {
            Observation::Appended { task, generation, root, child, print } => {
                self.wrote(task, generation == newest, (0, (root, child, print)), plan);
            }
            Observation::Upserted { task, generation, sequence, key, root, child, print } => {
                self.wrote(task, generation == newest, (key, (root, child, print)), plan);
                let row = Row { generation, sequence, print };
                self.row(plan, task, key, row, seen, findings);
            }
            Observation::RowKept { task, generation, sequence, key, print } => {
                let Some((component, _)) = of_component(plan, task) else { return };
                let row = Row { generation, sequence, print };
                let known = self.rows.insert((component, key), row);
                self.kept.insert((component, key));
                let older =
                    |known: &Row| (known.generation, known.sequence) > (generation, sequence);
                if known.is_some_and(|known| older(&known)) {
                    let sentence = format!(
                        "the receiver came back with a row of {} (key {key:016x}) that was \
                         replaced before",
                        plan.name(task)
                    );
                    findings.report(Law::NoLoss, seen.at, sentence, &[seen]);
                }
            }
            Observation::RowsKept { .. } => {
                let kept = std::mem::take(&mut self.kept);
                if let Some((component, key)) = self.rows.keys().find(|row| !kept.contains(row)) {
                    let name = &plan.topology.components()[usize::from(*component)].name;
                    let sentence = format!(
                        "the receiver came back without the row of {name} with key {key:016x}"
                    );
                    findings.report(Law::NoLoss, seen.at, sentence, &[seen]);
                }
            }
            _ => {}
        }
    }

    fn wrote(&mut self, task: TaskId, newest: bool, write: (Key, Output), plan: &Plan) {
        match self.written.get_mut(usize::from(task.0)) {
            Some(written) if newest => written.push_back(write),
            // A generation that is over wrote what the new one writes, too.
            _ if of_component(plan, task).is_some_and(|(_, keyed)| !keyed) => self.repeated += 1,
            _ => {}
        }
    }

    fn row(
        &mut self,
        plan: &Plan,
        task: TaskId,
        key: Key,
        row: Row,
        seen: Witness,
        findings: &mut Findings,
    ) {
        let Some((component, _)) = of_component(plan, task) else { return };
        let known = self.rows.insert((component, key), row);
        if let Some(known) = known.filter(|known| known.generation > row.generation) {
            let sentence = format!(
                "{} of generation {} replaced a row (key {key:016x}) that generation {} had \
                 written",
                plan.name(task),
                row.generation.0,
                known.generation.0,
            );
            findings.report(Law::Fencing, seen.at, sentence, &[seen]);
        }
    }

    /// A checkpoint completed: what it covers must be visible. Gives back what is, by task.
    pub(super) fn complete(
        &mut self,
        plan: &Plan,
        checkpoint: CheckpointId,
        history: &History,
        at: Instant,
        findings: &mut Findings,
    ) -> Vec<Due> {
        let mut covered = Vec::new();
        for task in (1..=plan.topology.tasks()).map(TaskId) {
            if of_component(plan, task).is_none() {
                continue;
            }
            let Some(of_task) = history.task(task) else { continue };
            let Some(mark) = of_task.mark(checkpoint) else { continue };
            // A sink makes one output of each input.
            let due: usize = of_task.entries.until(mark.entries).map(<[_]>::len).sum();
            let written = &mut self.written[usize::from(task.0)];
            let visible = due.min(written.len());
            if visible < due {
                let sentence = format!(
                    "checkpoint {} completed, but {} of {} that it covers {} not visible",
                    checkpoint.0,
                    plural((due - visible) as u64, "output"),
                    plan.name(task),
                    if due - visible == 1 { "was" } else { "were" },
                );
                let events: Vec<Witness> =
                    history.cut_witness(task, checkpoint).into_iter().collect();
                findings.report(Law::NoLoss, at, sentence, &events);
            }
            covered.push(Due { task, outputs: written.drain(..visible).collect() });
        }
        covered
    }

    /// Compares what a completed checkpoint covers with what the oracle says.
    pub(super) fn compare(
        &mut self,
        plan: &Plan,
        visible: &[Due],
        due: Vec<Due>,
        at: Instant,
        findings: &mut Findings,
    ) {
        for Due { task, outputs } in due {
            let Some((component, keyed)) = of_component(plan, task) else { continue };
            let of_task = visible.iter().find(|visible| visible.task == task);
            let theirs = of_task.map_or(&[][..], |visible| &visible.outputs);
            let other = theirs.iter().zip(&outputs).find(|(theirs, mine)| theirs != mine);
            if let Some((theirs, mine)) = other {
                let ((key, theirs), (due, mine)) = (theirs, mine);
                let sentence = format!(
                    "{} wrote {} (child {}, fingerprint {:016x}, key {key:016x}), where the \
                     oracle has {} (child {}, {:016x}, key {due:016x})",
                    plan.name(task),
                    theirs.0,
                    theirs.1.0,
                    theirs.2,
                    mine.0,
                    mine.1.0,
                    mine.2,
                );
                findings.report(Law::OutputEqualsOracle, at, sentence, &[]);
            }
            if keyed {
                self.due.extend(outputs.into_iter().map(|(key, mine)| ((component, key), mine)));
            }
        }
    }

    /// At the end of a run whose whole input is covered: the rows are the oracle's.
    pub(super) fn finish(&self, plan: &Plan, at: Instant, findings: &mut Findings) {
        let name = |component: u16| &plan.topology.components()[usize::from(component)].name;
        for ((component, key), (root, _, print)) in &self.due {
            let sink = name(*component);
            let (law, sentence) = match self.rows.get(&(*component, *key)) {
                None => (
                    Law::NoLoss,
                    format!("{sink} has no row with key {key:016x}, which {root} wrote last"),
                ),
                Some(row) if row.print != *print => (
                    Law::OutputEqualsOracle,
                    format!(
                        "the row of {sink} with key {key:016x} is of generation {} (fingerprint \
                         {:016x}), the oracle's last write is of {root} ({print:016x})",
                        row.generation.0, row.print,
                    ),
                ),
                Some(_) => continue,
            };
            findings.report(law, at, sentence, &[]);
        }
        let stranger = self.rows.iter().find(|(key, _)| !self.due.contains_key(key));
        if let Some(((component, key), row)) = stranger {
            let sentence = format!(
                "{} has a row with key {key:016x}, written by generation {}, and the oracle has \
                 none",
                name(*component),
                row.generation.0,
            );
            findings.report(Law::OutputEqualsOracle, at, sentence, &[]);
        }
    }
}
