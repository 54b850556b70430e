//! Verifies: that the order in which tasks consumed their inputs is legal: records in the order of
//! the log from where the last checkpoint left off, tuples first in, first out on every channel,
//! nothing missing, nothing invented (`legal-order`); that a completed checkpoint holds exactly
//! what was sent before it, executed or as what was in flight, in order (`consistent-cut`); that
//! keyed state and outputs are what the user's own spouts and bolts make of the input in that order
//! (`state-equals-oracle`, `output-equals-oracle`); and, of a topology that declares itself
//! commutative, that the state at the end is what they make of the whole log in no particular
//! order.
//!
//! Does not verify: the values of tuples under way (only what becomes of them); what generations
//! did that never completed a checkpoint; the order-free state if a spout or bolt asks for time or
//! chance. After the first illegal order or cut it goes blind: it cannot know what state to
//! expect.

use std::sync::Arc;

use stormglass_engine::component::state::CellKind;
use stormglass_engine::component::{Bolt, Spout};
use stormglass_engine::ids::{CheckpointId, ComponentId, Generation, Partition, TaskId};
use stormglass_engine::log::InputLog;
use stormglass_engine::topology::{Component, Kind};
use stormglass_engine::value::Value;
use stormglass_sim::hash;
use stormglass_sim::time::Instant;

mod bench;
mod complaints;
mod epoch;
mod in_flight;
pub(super) mod order_free;

use super::direct::Due;
use super::history::History;
use super::law::{Findings, Law, Violation, Witness};
use super::outputs::Outputs;
use super::plan::{Plan, owner};
use super::table::Table;
use super::ways::Way;

/// The oracle: at any time exactly the state of the last completed checkpoint.
#[derive(Clone, Debug)]
pub(super) struct Oracle {
    plan: Arc<Plan>,
    log: InputLog,
    /// By component; none unless keyed.
    tables: Vec<Option<Table>>,
    /// By task: its row of operator and broadcast state.
    own: Vec<Vec<Value>>,
    /// By component, then partition: the next record to read; empty unless a spout.
    positions: Vec<Vec<u64>>,
    /// By task: what it has of its own in the newest generation.
    stages: Vec<Stage>,
    generation: Generation,
    /// What the last completed checkpoint left on its way.
    carried: Vec<in_flight::Carried>,
    /// Outputs that are yet to become visible.
    pub(super) outputs: Outputs,
    /// What sinks without transactions wrote in the epoch that was evaluated last.
    pub(super) direct: Vec<Due>,
    blind: bool,
    scratch: epoch::Scratch,
}

/// What an oracle leaves to that of the next run.
#[derive(Clone, Debug)]
pub(super) struct Inherited {
    tables: Vec<Option<Table>>,
    /// By component, then by task.
    own: Vec<Vec<Vec<Value>>>,
    positions: Vec<Vec<u64>>,
    blind: bool,
}

impl Inherited {
    /// By partition: the furthest that any spout has come.
    pub(super) fn furthest(&self) -> Vec<u64> {
        let partitions = self.positions.iter().map(Vec::len).max().unwrap_or(0);
        let of = |partition| self.positions.iter().filter_map(move |of| of.get(partition));
        (0..partitions).map(|partition| of(partition).copied().max().unwrap_or(0)).collect()
    }
}

/// What a task has of its own within a generation.
#[derive(Clone, Debug, Default)]
struct Stage {
    code: Option<Code>,
    /// By outlet of its component.
    ways: Vec<Way>,
}

#[derive(Clone, Debug)]
enum Code {
    Spout(Box<dyn Spout>),
    Bolt(Box<dyn Bolt>),
    Sink,
}

impl Oracle {
    /// At the start of the log, with empty state.
    pub(super) fn new(plan: Arc<Plan>, log: InputLog) -> Self {
        let topology = Arc::clone(&plan.topology);
        let table = |c: &Component| {
            c.is_keyed().then(|| Table::new(topology.max_parallelism(), c.cells.len()))
        };
        let start = |c: &Component| match c.kind {
            Kind::Spout(_) => vec![0; log.partitions.len()],
            _ => Vec::new(),
        };
        let mut own = vec![Vec::new(); usize::from(topology.tasks()) + 1];
        for component in topology.components() {
            let row = vec![Value::Null; component.operator_cells.len()];
            component.tasks().for_each(|task| own[usize::from(task.0)].clone_from(&row));
        }
        Oracle {
            own,
            tables: topology.components().iter().map(table).collect(),
            positions: topology.components().iter().map(start).collect(),
            stages: vec![Stage::default(); usize::from(topology.tasks()) + 1],
            generation: Generation(0),
            carried: Vec::new(),
            outputs: Outputs::default(),
            direct: Vec::new(),
            blind: false,
            scratch: epoch::Scratch::default(),
            plan,
            log,
        }
    }

    /// What it knows of the last completed checkpoint.
    pub(super) fn leave(&self) -> Inherited {
        let (tables, positions) = (self.tables.clone(), self.positions.clone());
        let of = |component: &Component| {
            component.tasks().map(|task| self.own[usize::from(task.0)].clone()).collect()
        };
        let own = self.plan.topology.components().iter().map(of).collect();
        Inherited { tables, own, positions, blind: self.blind }
    }
    /// Starts from there. Tasks of which there are as many keep what they have of their own.
    pub(super) fn inherit(&mut self, from: &Inherited) {
        self.tables.clone_from(&from.tables);
        self.positions.clone_from(&from.positions);
        self.blind = from.blind;
        for (component, rows) in self.plan.topology.components().iter().zip(&from.own) {
            for (index, task) in component.tasks().enumerate() {
                let own = &mut self.own[usize::from(task.0)];
                match rows.len() == usize::from(component.parallelism) {
                    true => own.clone_from(&rows[index]),
                    false => *own = dealt(component, rows, index),
                }
            }
        }
    }

    /// A new generation starts from the last completed checkpoint: scratch and ways are new.
    pub(super) fn granted(&mut self, generation: Generation) {
        self.generation = generation;
        self.stages.iter_mut().for_each(|stage| *stage = Stage::default());
    }
    /// Goes back to the state of an earlier completed checkpoint, for `gone` is unreadable.
    pub(super) fn go_back(&mut self, to: &Oracle, gone: CheckpointId) {
        self.tables.clone_from(&to.tables);
        self.own.clone_from(&to.own);
        self.positions.clone_from(&to.positions);
        self.carried.clone_from(&to.carried);
        self.stages.iter_mut().for_each(|stage| *stage = Stage::default());
        self.outputs.forget(gone);
    }
    /// It cannot know any more what to expect.
    pub(super) fn go_blind(&mut self) {
        self.blind = true;
    }
    /// Whether it still knows what to expect.
    pub(super) fn is_blind(&self) -> bool {
        self.blind
    }
    /// By component and partition: where its spouts have got to.
    pub(super) fn positions(&self) -> &[Vec<u64>] {
        &self.positions
    }
    /// The keys of a component and their rows, in the order of keys.
    pub(super) fn rows(
        &self,
        component: ComponentId,
    ) -> impl Iterator<Item = (&[Value], &[Value])> {
        let table = self.tables.get(usize::from(component.0)).and_then(Option::as_ref);
        table.into_iter().flat_map(Table::rows)
    }

    /// A checkpoint completed: evaluates what it covers since the last one, and compares.
    pub(super) fn complete(
        &mut self,
        checkpoint: CheckpointId,
        history: &History,
        at: Instant,
        findings: &mut Findings,
    ) {
        if self.blind {
            self.follow(checkpoint, history);
            return;
        }
        if let Err(violation) = self.evaluate(checkpoint, history, at) {
            findings.raise(*violation);
            self.blind = true;
            self.follow(checkpoint, history);
            return;
        }
        if let Err(violation) = self.compare(checkpoint, history, at) {
            findings.raise(*violation);
        }
    }

    /// Blind, it takes the engine's word for where the spouts are.
    fn follow(&mut self, checkpoint: CheckpointId, history: &History) {
        for component in self.plan.topology.components() {
            let positions = &mut self.positions[usize::from(component.id.0)];
            for (partition, next) in positions.iter_mut().enumerate() {
                let task = reader(component, partition);
                let said = history
                    .task(task)
                    .and_then(|of_task| of_task.position(checkpoint, Partition(partition as u16)));
                *next = said.unwrap_or(*next);
            }
        }
    }

    /// Compares the key groups of a checkpoint with the tables.
    fn compare(
        &mut self,
        checkpoint: CheckpointId,
        history: &History,
        at: Instant,
    ) -> Result<(), Box<Violation>> {
        let plan = Arc::clone(&self.plan);
        self.compare_own(&plan, checkpoint, history, at)?;
        for component in plan.topology.components() {
            let Some(table) = &mut self.tables[usize::from(component.id.0)] else { continue };
            let broken = |sentence: String, events: Vec<Witness>| {
                let law = Law::StateEqualsOracle;
                let c = checkpoint.0;
                let sentence = format!("in checkpoint {c}, {sentence}");
                Err(Box::new(Violation { law, sentence, at, events }))
            };
            let mut seen = vec![false; usize::from(table.groups())];
            for task in component.tasks() {
                let Some(of_task) = history.task(task) else { continue };
                for mark in of_task.groups(checkpoint) {
                    let (keys, print) = table.print(mark.group.0);
                    if let Some(seen) = seen.get_mut(usize::from(mark.group.0)) {
                        *seen = true;
                    }
                    let index =
                        owner(mark.group.0, component.parallelism, plan.topology.max_parallelism());
                    let due = TaskId(component.first_task.0 + index);
                    if (due, keys, print) != (task, mark.keys, mark.print) {
                        let owner = if due == task { "the oracle" } else { &plan.name(due) };
                        let what = format!(
                            "key group {} of {} has {} keys (fingerprint {:016x}), that of {owner} \
                             has {keys} ({print:016x})",
                            mark.group.0,
                            plan.name(task),
                            mark.keys,
                            mark.print,
                        );
                        return broken(what, vec![history.group_witness(task, mark)]);
                    }
                }
            }
            let lost = (0..table.groups()).find(|g| !seen[usize::from(*g)] && !table.is_empty(*g));
            if let Some(group) = lost {
                let name = &component.name;
                let (keys, _) = table.print(group);
                let what =
                    format!("key group {group} of {name} is empty, the oracle's has {keys} keys");
                return broken(what, Vec::new());
            }
        }
        Ok(())
    }
}

impl Oracle {
    /// Compares the operator and broadcast state of each task.
    fn compare_own(
        &self,
        plan: &Plan,
        checkpoint: CheckpointId,
        history: &History,
        at: Instant,
    ) -> Result<(), Box<Violation>> {
        let stateful = plan.topology.components().iter().filter(|c| !c.operator_cells.is_empty());
        for task in stateful.flat_map(Component::tasks) {
            let row = &self.own[usize::from(task.0)];
            let mine = row_print(row);
            let mark = history.task(task).and_then(|of_task| of_task.own(checkpoint));
            if mark.is_some_and(|mark| mark.print == mine) {
                continue;
            }
            let said = mark.map_or("nothing".into(), |mark| format!("{:016x}", mark.print));
            let sentence = format!(
                "in checkpoint {}, the operator state of {} is {said}, that of the oracle is \
                 {mine:016x}: {row:?}",
                checkpoint.0,
                plan.name(task),
            );
            let events = mark.map(|mark| history.own_witness(task, mark)).into_iter().collect();
            let law = Law::StateEqualsOracle;
            return Err(Box::new(Violation { law, sentence, at, events }));
        }
        Ok(())
    }
}

/// The fingerprint of a row: the number of values in 16 bits, then each one.
fn row_print(row: &[Value]) -> u64 {
    let mut out = (row.len() as u16).to_le_bytes().to_vec();
    row.iter().for_each(|value| value.encode(&mut out));
    hash::fingerprint(&out)
}

/// What the `index`-th task of a component has of its own, of what another number of tasks had:
/// elements of lists go round, beginning with the first task's; maps are the same for all.
fn dealt(component: &Component, rows: &[Vec<Value>], index: usize) -> Vec<Value> {
    let tasks = usize::from(component.parallelism);
    let mut own = vec![Value::Null; component.operator_cells.len()];
    for (slot, (cell, own)) in component.operator_cells.iter().zip(&mut own).enumerate() {
        if cell.kind == CellKind::Broadcast {
            *own = rows.get(index % rows.len().max(1)).map_or(Value::Null, |of| of[slot].clone());
            continue;
        }
        let (mut dealt, mut mine) = (0, Vec::new());
        for row in rows {
            let Value::List(elements) = &row[slot] else { continue };
            for element in elements.iter() {
                if dealt % tasks == index {
                    mine.push(element.clone());
                }
                dealt += 1;
            }
        }
        if !mine.is_empty() {
            *own = Value::List(Arc::new(mine));
        }
    }
    own
}

/// The task of a spout that reads a partition.
fn reader(component: &Component, partition: usize) -> TaskId {
    let index = partition % usize::from(component.parallelism.max(1));
    TaskId(component.first_task.0 + index as u16)
}
