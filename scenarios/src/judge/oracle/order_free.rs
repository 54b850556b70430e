//! The whole log at once: every record through the whole topology, one after the other, with one
//! task a component and plain keyed state. For topologies that declare that order does not matter.

use stormglass_engine::component::{
    BoltContext, Cell, Collector, ComponentError, Record, Ttl, ValueState,
};
use stormglass_engine::ids::{Generation, Root, TaskId};
use stormglass_engine::log::InputLog;
use stormglass_engine::topology::{Component, Grouping, Kind};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::Value;
use stormglass_sim::time::Instant;

use super::bench::update;
use super::epoch::key_of;
use super::{Code, Oracle};
use crate::judge::law::{Findings, Law};
use crate::judge::plan::{Plan, floor_mod, hash_fields};
use crate::judge::table::Table;
use crate::judge::ways::{Due, Way};

impl Oracle {
    /// Compares the final state with the order-free one. To be called when all of the log is
    /// covered.
    pub(in crate::judge) fn compare_order_free(&self, at: Instant, findings: &mut Findings) {
        let mut pass = Pass::new(&self.plan);
        let Some(outcome) = pass.run(self) else { return };
        if let Err((component, root, error)) = outcome {
            let name = &self.plan.topology.components()[component].name;
            let sentence = format!("{name} fails in the order-free pass at {root}: {error}");
            findings.report(Law::StateEqualsOracle, at, sentence, &[]);
            return;
        }
        for (component, (mine, final_)) in pass.tables.iter().zip(&self.tables).enumerate() {
            let (Some(mine), Some(final_)) = (mine, final_) else { continue };
            if mine.equals(final_) {
                continue;
            }
            let Some(difference) = difference(mine, final_) else { continue };
            let name = &self.plan.topology.components()[component].name;
            let sentence = format!(
                "the final state of {name} is not the order-free result of the whole input: \
                 {difference}"
            );
            findings.report(Law::StateEqualsOracle, at, sentence, &[]);
        }
    }
}

/// The first key in which two tables differ.
fn difference(free: &Table, ordered: &Table) -> Option<String> {
    let (mut free, mut ordered) = (free.rows(), ordered.rows());
    loop {
        let (a, b) = (free.next(), ordered.next());
        if a == b {
            a?;
            continue;
        }
        let row = |row: Option<(&[Value], &[Value])>| match row {
            Some((key, row)) => format!("{key:?} has {row:?}"),
            None => "there is no further key".to_string(),
        };
        return Some(format!("{}, where order-free {}", row(b), row(a)));
    }
}

/// A tuple that waits: its values lie in the arena.
#[derive(Clone, Copy)]
struct Waiting {
    to: usize,
    input: u16,
    hash: i32,
    at: usize,
    arity: usize,
}

struct Pass<'a> {
    plan: &'a Plan,
    code: Vec<Code>,
    tables: Vec<Option<Table>>,
    waiting: Vec<Waiting>,
    /// The values of all tuples of the record at work, but for those of the present execution.
    arena: Vec<Value>,
    /// What the present execution has emitted, and where in the arena it will lie.
    fresh: Vec<Value>,
    base: usize,
    /// By component: whether it is keyed or leads to one that is. What goes elsewhere leaves no
    /// trace in the result.
    matters: Vec<bool>,
    /// By component, then outlet.
    ways: Vec<Vec<Way>>,
    /// By component: operator and broadcast state, which is not compared.
    own: Vec<Vec<Value>>,
    /// Somebody asked for time or chance: there is no order-free result.
    asked: bool,
}

type Failure = (usize, Root, ComponentError);

/// The component that fails on a record which comes alone, with no state anywhere, and what it
/// says; none if all goes well.
pub(in crate::judge) fn fails_alone(
    plan: &Plan,
    log: &InputLog,
    root: Root,
) -> Option<(usize, ComponentError)> {
    let record = log.partitions.get(usize::from(root.partition().0))?;
    let record = record.records().get(root.offset() as usize)?;
    let mut pass = Pass::new(plan);
    pass.matters.fill(true);
    let (component, _, error) = pass.record(root, record).err()?;
    Some((component, error))
}

impl<'a> Pass<'a> {
    fn new(plan: &'a Plan) -> Self {
        let code = |component: &Component| match &component.kind {
            Kind::Spout(spout) => Code::Spout(spout.clone()),
            Kind::Bolt(bolt) => {
                let mut bolt = bolt.clone();
                bolt.prepare(component.first_task);
                Code::Bolt(bolt)
            }
            Kind::Sink(_) => Code::Sink,
        };
        let ways = |component: &Component| {
            let outlets = plan.parts[usize::from(component.id.0)].outlets.iter();
            let (from, generation) = (component.first_task, Generation(0));
            outlets.map(|outlet| Way::new(plan, outlet, from, generation, &|_| None)).collect()
        };
        let groups = plan.topology.max_parallelism();
        let table = |c: &Component| c.is_keyed().then(|| Table::new(groups, c.cells.len()));
        let components = plan.topology.components();
        let keyed = components.iter().map(Component::is_keyed);
        let mut matters: Vec<bool> = keyed.collect();
        for component in components.iter().filter(|component| component.is_keyed()) {
            let upstream = &plan.parts[usize::from(component.id.0)].upstream;
            matters.iter_mut().zip(upstream).for_each(|(mine, above)| *mine |= above);
        }
        Pass {
            matters,
            plan,
            code: components.iter().map(code).collect(),
            tables: components.iter().map(table).collect(),
            ways: components.iter().map(ways).collect(),
            own: components.iter().map(|c| vec![Value::Null; c.operator_cells.len()]).collect(),
            waiting: Vec::new(),
            arena: Vec::new(),
            fresh: Vec::new(),
            base: 0,
            asked: false,
        }
    }

    /// All records. None if the result depends on time or chance.
    fn run(&mut self, oracle: &Oracle) -> Option<Result<(), Failure>> {
        for (partition, log) in (0..).zip(oracle.log.partitions.iter()) {
            for (offset, record) in (0..).zip(log.records()) {
                let root = Root::new(stormglass_engine::ids::Partition(partition), offset);
                let outcome = self.record(root, record);
                if self.asked {
                    return None;
                }
                if outcome.is_err() {
                    return Some(outcome);
                }
            }
        }
        Some(Ok(()))
    }

    fn record(&mut self, root: Root, record: &Record) -> Result<(), Failure> {
        self.arena.clear();
        self.base = 0;
        for at in 0..self.code.len() {
            let mut code = std::mem::replace(&mut self.code[at], Code::Sink);
            let outcome = match &mut code {
                Code::Spout(spout) => spout.next(record, &mut self.stand(at, None)),
                _ => Ok(()),
            };
            self.code[at] = code;
            outcome.map_err(|error| (at, root, error))?;
        }
        self.arena.append(&mut self.fresh);
        while let Some(next) = self.waiting.pop() {
            self.step(root, next).map_err(|error| (next.to, root, error))?;
        }
        Ok(())
    }

    fn step(&mut self, root: Root, next: Waiting) -> Result<(), ComponentError> {
        let component = &self.plan.topology.components()[next.to];
        let mut code = std::mem::replace(&mut self.code[next.to], Code::Sink);
        let Code::Bolt(bolt) = &mut code else {
            self.code[next.to] = code;
            return Ok(());
        };
        let input = &component.inputs[usize::from(next.input)];
        let stream = &self.plan.topology.component(input.from).streams[usize::from(input.stream.0)];
        let mut arena = std::mem::take(&mut self.arena);
        self.base = arena.len();
        let values = &arena[next.at..next.at + next.arity];
        let (fields, source) = (&stream.fields, input.from);
        let tuple = Tuple { values, fields, source, stream: &stream.name, root };
        let keyed = matches!(input.grouping, Grouping::Fields(_));
        let outcome = match self.tables[next.to].take_if(|_| keyed) {
            None => bolt.execute(&tuple, &mut self.stand(next.to, None)),
            Some(mut table) => {
                let mut gathered = Vec::new();
                let key = key_of(values, &input.grouping, &mut gathered);
                let mut outcome = Ok(());
                let (group, cells) = (floor_mod(next.hash, table.groups()), table.cells);
                table.with_row(group, next.hash, key, |row| {
                    outcome = bolt.execute(&tuple, &mut self.stand(next.to, Some((row, cells))));
                    true
                });
                self.tables[next.to] = Some(table);
                outcome
            }
        };
        self.code[next.to] = code;
        arena.append(&mut self.fresh);
        self.arena = arena;
        outcome
    }

    fn stand<'b>(
        &'b mut self,
        component: usize,
        row: Option<(&'b mut Vec<Value>, usize)>,
    ) -> Stand<'a, 'b> {
        Stand { pass: self, component, row }
    }
}

/// Where user code runs in the order-free pass.
struct Stand<'a, 'b> {
    pass: &'b mut Pass<'a>,
    component: usize,
    row: Option<(&'b mut Vec<Value>, usize)>,
}

impl Stand<'_, '_> {
    fn component(&self) -> &Component {
        &self.pass.plan.topology.components()[self.component]
    }
    fn send(&mut self, stream: Option<u16>, direct: Option<TaskId>, values: &[Value]) {
        let Some(stream) = stream else { return };
        let (at, arity) = (self.pass.base + self.pass.fresh.len(), values.len());
        let plan = self.pass.plan;
        let outlets = plan.parts[self.component].outlets.iter().enumerate();
        for (nth, outlet) in outlets.filter(|(_, outlet)| outlet.stream == stream) {
            if !self.pass.matters[usize::from(outlet.to)] {
                continue;
            }
            if self.pass.base + self.pass.fresh.len() == at {
                self.pass.fresh.extend_from_slice(values);
            }
            let (copies, hash) = match (&outlet.grouping, direct) {
                (Grouping::Fields(fields), None) => (1, hash_fields(values, fields)),
                (Grouping::All, None) => (outlet.tasks, 0),
                (Grouping::Direct, Some(task)) => {
                    (u16::from(task.0.wrapping_sub(outlet.first) < outlet.tasks), 0)
                }
                (Grouping::Custom(_), None) => {
                    let from = plan.topology.components()[self.component].first_task;
                    match self.pass.ways[self.component][nth].next(outlet, from, values) {
                        Due::Each(targets) => (targets.len() as u16, 0),
                        Due::One(_) | Due::Told => (1, 0),
                    }
                }
                (Grouping::Direct, None) | (_, Some(_)) => (0, 0),
                (_, None) => (1, 0),
            };
            let (to, input) = (usize::from(outlet.to), outlet.input);
            let tuple = Waiting { to, input, hash, at, arity };
            self.pass.waiting.extend((0..copies).map(|_| tuple));
        }
    }
}

impl Collector for Stand<'_, '_> {
    fn emit(&mut self, values: &[Value]) {
        self.send(self.pass.plan.parts[self.component].default_stream, None, values);
    }
    fn emit_to(&mut self, stream: &str, values: &[Value]) {
        let stream = self.component().stream_id(stream).map(|id| id.0);
        self.send(stream, None, values);
    }
    fn emit_direct(&mut self, task: TaskId, stream: &str, values: &[Value]) {
        let stream = self.component().stream_id(stream).map(|id| id.0);
        self.send(stream, Some(task), values);
    }
    fn task(&self) -> TaskId {
        self.component().first_task
    }
    fn now(&mut self) -> Instant {
        self.pass.asked = true;
        Instant::ZERO
    }
    fn random(&mut self) -> u64 {
        self.pass.asked = true;
        0
    }
}

impl BoltContext for Stand<'_, '_> {
    fn get(&self, state: ValueState) -> Option<&Value> {
        let value = self.row.as_ref()?.0.get(usize::from(state.slot))?;
        (!matches!(value, Value::Null)).then_some(value)
    }
    fn put(&mut self, state: ValueState, value: Value) {
        let Some((row, cells)) = &mut self.row else { return };
        row.resize(*cells, Value::Null);
        if let Some(cell) = row.get_mut(usize::from(state.slot)) {
            *cell = value;
        }
    }
    fn clear(&mut self) {
        if let Some((row, _)) = &mut self.row {
            row.clear();
        }
    }
    fn cell(&self, cell: &Cell) -> Option<&Value> {
        let row: &[Value] = match cell.kind.is_keyed() {
            true => self.row.as_ref()?.0,
            false => &self.pass.own[self.component],
        };
        row.get(usize::from(cell.slot)).filter(|value| !matches!(value, Value::Null))
    }
    fn update(&mut self, cell: &Cell, change: &mut dyn FnMut(&mut Value)) {
        let slot = usize::from(cell.slot);
        if !cell.kind.is_keyed() {
            if let Some(contents) = self.pass.own[self.component].get_mut(slot) {
                change(contents);
            }
        } else if let Some((row, cells)) = &mut self.row
            && slot < *cells
        {
            update(row, *cells, slot, change);
        }
    }
    fn stamp(&mut self) -> i64 {
        self.pass.asked = true;
        0
    }
    fn horizon(&mut self, _: Ttl) -> i64 {
        self.pass.asked = true;
        i64::MIN
    }
}
