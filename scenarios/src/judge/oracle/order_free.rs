//! The whole log at once: every record through the whole topology, with one task a component and
//! plain keyed state. For topologies that declare that order does not matter: records go through
//! in blocks, from component to component, for that takes the least time.

use stormglass_engine::component::{
    Bolt, BoltContext, Cell, Collector, ComponentError, Record, Spout, Ttl, ValueState,
};
use stormglass_engine::ids::{ComponentId, Generation, Partition, Root, TaskId};
use stormglass_engine::log::InputLog;
use stormglass_engine::topology::{Component, Grouping, Kind};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::Value;
use stormglass_sim::time::Instant;

use super::bench::update;
use super::epoch::key_of;
use super::{Code, Oracle};
use crate::judge::law::{Findings, Law};
use crate::judge::plan::{Part, Plan, floor_mod, hash_fields};
use crate::judge::table::{Cells, Table};
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

/// So many records go through the topology together, from component to component.
const BLOCK: usize = 1024;

/// A tuple that waits: its values lie in the arena of the component that emitted it.
#[derive(Clone, Copy)]
struct Waiting {
    root: Root,
    hash: i32,
    at: u32,
    arity: u16,
    input: u16,
}

struct Pass<'a> {
    plan: &'a Plan,
    code: Vec<Code>,
    tables: Vec<Option<Table>>,
    /// By component: what waits for it, and the values of what it has emitted.
    inboxes: Vec<Vec<Waiting>>,
    arenas: Vec<Vec<Value>>,
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
    let (component, _, error) = pass.block(root, std::slice::from_ref(record)).err()?;
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
            inboxes: vec![Vec::new(); components.len()],
            arenas: vec![Vec::new(); components.len()],
            ways: components.iter().map(ways).collect(),
            own: components.iter().map(|c| vec![Value::Null; c.operator_cells.len()]).collect(),
            asked: false,
        }
    }

    /// All records. None if the result depends on time or chance.
    fn run(&mut self, oracle: &Oracle) -> Option<Result<(), Failure>> {
        for (partition, log) in (0..).map(Partition).zip(oracle.log.partitions.iter()) {
            for (nth, records) in (0..).zip(log.records().chunks(BLOCK)) {
                let outcome = self.block(Root::new(partition, nth * BLOCK as u64), records);
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

    /// Records that follow one another; the first one has this root.
    fn block(&mut self, first: Root, records: &[Record]) -> Result<(), Failure> {
        let Pass { plan, code, tables, inboxes, arenas, matters, ways, own, asked } = self;
        arenas.iter_mut().for_each(Vec::clear);
        for component in plan.topology.in_order() {
            let at = usize::from(component.id.0);
            let mut inbox = std::mem::take(&mut inboxes[at]);
            let mut arena = std::mem::take(&mut arenas[at]);
            let mut desk = Desk {
                component,
                part: &plan.parts[at],
                matters,
                ways: &mut ways[at],
                inboxes,
                arena: &mut arena,
                own: &mut own[at],
                asked,
            };
            let outcome = match &mut code[at] {
                Code::Spout(spout) => desk.read(spout.as_mut(), first, records),
                Code::Bolt(bolt) => {
                    let emitted = |component: ComponentId| &arenas[usize::from(component.0)][..];
                    desk.execute(bolt.as_mut(), &inbox, emitted, plan, tables[at].as_mut())
                }
                Code::Sink => Ok(()),
            };
            inbox.clear();
            (inboxes[at], arenas[at]) = (inbox, arena);
            outcome.map_err(|(root, error)| (at, root, error))?;
        }
        Ok(())
    }
}

/// A component at work on a block.
struct Desk<'a> {
    component: &'a Component,
    part: &'a Part,
    matters: &'a [bool],
    /// By outlet.
    ways: &'a mut [Way],
    /// By component.
    inboxes: &'a mut [Vec<Waiting>],
    arena: &'a mut Vec<Value>,
    own: &'a mut [Value],
    asked: &'a mut bool,
}

impl Desk<'_> {
    fn read(
        &mut self,
        spout: &mut dyn Spout,
        first: Root,
        records: &[Record],
    ) -> Result<(), (Root, ComponentError)> {
        for (offset, record) in (first.offset()..).zip(records) {
            let root = Root::new(first.partition(), offset);
            let mut stand = Stand { desk: self, root, row: None };
            spout.next(record, &mut stand).map_err(|error| (root, error))?;
        }
        Ok(())
    }

    fn execute<'v>(
        &mut self,
        bolt: &mut dyn Bolt,
        inbox: &[Waiting],
        emitted: impl Fn(ComponentId) -> &'v [Value],
        plan: &Plan,
        mut table: Option<&mut Table>,
    ) -> Result<(), (Root, ComponentError)> {
        let mut gathered = Vec::new();
        for &Waiting { root, hash, at, arity, input } in inbox {
            let input = &self.component.inputs[usize::from(input)];
            let from = plan.topology.component(input.from);
            let stream = &from.streams[usize::from(input.stream.0)];
            let values = &emitted(input.from)[at as usize..][..usize::from(arity)];
            let (fields, source) = (&stream.fields, input.from);
            let tuple = Tuple { values, fields, source, stream: &stream.name, root };
            let keyed = matches!(input.grouping, Grouping::Fields(_));
            let outcome = match table.as_deref_mut().filter(|_| keyed) {
                None => bolt.execute(&tuple, &mut Stand { desk: self, root, row: None }),
                Some(table) => {
                    let key = key_of(values, &input.grouping, &mut gathered);
                    let mut outcome = Ok(());
                    let (group, cells) = (floor_mod(hash, table.groups()), table.cells);
                    table.with_row(group, hash, key, |row| {
                        let row = Some((row, cells));
                        outcome = bolt.execute(&tuple, &mut Stand { desk: self, root, row });
                        true
                    });
                    outcome
                }
            };
            outcome.map_err(|error| (root, error))?;
        }
        Ok(())
    }
}

/// Where user code runs in the order-free pass.
struct Stand<'a, 'b> {
    desk: &'b mut Desk<'a>,
    root: Root,
    row: Option<(&'b mut Cells, usize)>,
}

impl Stand<'_, '_> {
    #[inline]
    fn send(&mut self, stream: Option<u16>, direct: Option<TaskId>, values: &[Value]) {
        let Some(stream) = stream else { return };
        let Desk { component, part, matters, ways, inboxes, arena, .. } = &mut *self.desk;
        let (root, at, arity) = (self.root, arena.len() as u32, values.len() as u16);
        let mut reached = false;
        for (nth, outlet) in part.outlets.iter().enumerate() {
            let to = usize::from(outlet.to);
            if outlet.stream != stream || !matters[to] {
                continue;
            }
            let (copies, hash) = match (&outlet.grouping, direct) {
                (Grouping::Fields(fields), None) => (1, hash_fields(values, fields)),
                (Grouping::All, None) => (outlet.tasks, 0),
                (Grouping::Direct, Some(task)) => {
                    (u16::from(task.0.wrapping_sub(outlet.first) < outlet.tasks), 0)
                }
                (Grouping::Custom(_), None) => {
                    match ways[nth].next(outlet, component.first_task, values) {
                        Due::Each(targets) => (targets.len() as u16, 0),
                        Due::One(_) | Due::Told => (1, 0),
                    }
                }
                (Grouping::Direct, None) | (_, Some(_)) => (0, 0),
                (_, None) => (1, 0),
            };
            let tuple = Waiting { root, hash, at, arity, input: outlet.input };
            (0..copies).for_each(|_| inboxes[to].push(tuple));
            reached |= copies > 0;
        }
        if reached {
            arena.extend_from_slice(values);
        }
    }

    fn stream(&self, name: &str) -> Option<u16> {
        self.desk.component.stream_id(name).map(|id| id.0)
    }
}

impl Collector for Stand<'_, '_> {
    fn emit(&mut self, values: &[Value]) {
        self.send(self.desk.part.default_stream, None, values);
    }
    fn emit_to(&mut self, stream: &str, values: &[Value]) {
        self.send(self.stream(stream), None, values);
    }
    fn emit_direct(&mut self, task: TaskId, stream: &str, values: &[Value]) {
        self.send(self.stream(stream), Some(task), values);
    }
    fn task(&self) -> TaskId {
        self.desk.component.first_task
    }
    fn now(&mut self) -> Instant {
        *self.desk.asked = true;
        Instant::ZERO
    }
    fn random(&mut self) -> u64 {
        *self.desk.asked = true;
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
            false => self.desk.own,
        };
        row.get(usize::from(cell.slot)).filter(|value| !matches!(value, Value::Null))
    }
    fn update(&mut self, cell: &Cell, change: &mut dyn FnMut(&mut Value)) {
        let slot = usize::from(cell.slot);
        if !cell.kind.is_keyed() {
            if let Some(contents) = self.desk.own.get_mut(slot) {
                change(contents);
            }
        } else if let Some((row, cells)) = &mut self.row
            && slot < *cells
        {
            update(row, *cells, slot, change);
        }
    }
    fn stamp(&mut self) -> i64 {
        *self.desk.asked = true;
        0
    }
    fn horizon(&mut self, _: Ttl) -> i64 {
        *self.desk.asked = true;
        i64::MIN
    }
}
