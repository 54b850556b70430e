//! One epoch: what lies between two completed checkpoints, evaluated component by component in the
//! order that the tasks themselves consumed it.

use std::sync::Arc;

use stormglass_engine::component::{Outcome, Record};
use stormglass_engine::ids::{CheckpointId, Child, TaskId};
use stormglass_engine::log::InputLog;
use stormglass_engine::topology::{Component, Delivery, Grouping, Kind};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::{Value, fingerprint};
use stormglass_sim::time::Instant;

use super::bench::{Bench, Emitter, Lane, Sent};
use super::{Code, Oracle, Stage, reader};
use crate::judge::direct::Due;
use crate::judge::history::{Entry, History, Look, Mark, TaskHistory};
use crate::judge::law::Violation;
use crate::judge::outputs::Output;
use crate::judge::plan::{Outlet, Plan, floor_mod};
use crate::judge::table::{Cells, Table};
use crate::judge::ways::Way;

/// Where tuples under way lie while an epoch is evaluated; empty in between, so not worth cloning.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) lanes: Vec<Lane>,
    /// By emitting component.
    pub(super) arenas: Vec<Vec<Value>>,
    key: Vec<Value>,
}

impl Clone for Scratch {
    fn clone(&self) -> Self {
        Scratch::default()
    }
}

impl Scratch {
    fn prepare(&mut self, plan: &Plan) {
        self.lanes.resize(plan.lanes, Lane::default());
        self.arenas.resize(plan.parts.len(), Vec::new());
        for lane in &mut self.lanes {
            lane.sent.clear();
            lane.taken.clear();
            lane.next = 0;
        }
        self.arenas.iter_mut().for_each(Vec::clear);
    }

    /// Where the tuple alone does not tell its way: notes what was taken off each lane.
    fn look_ahead(&mut self, plan: &Plan, history: &History, checkpoint: CheckpointId) {
        let components = plan.topology.components().iter();
        for component in components.filter(|c| plan.parts[usize::from(c.id.0)].loose) {
            for (index, task) in (0..).zip(component.tasks()) {
                let Some(of_task) = history.task(task) else { continue };
                let Some(mark) = of_task.mark(checkpoint) else { continue };
                for entry in of_task.entries.until(mark.entries).flatten() {
                    if let Some(lane) = plan.lane(entry.from, component, index) {
                        self.lanes[lane].taken.push((entry.root, entry.child));
                    }
                }
            }
        }
    }
}

/// The task at work and its part of the epoch.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) plan: &'a Plan,
    pub(super) history: &'a History,
    pub(super) checkpoint: CheckpointId,
    pub(super) at: Instant,
    pub(super) component: &'a Component,
    pub(super) task: TaskId,
    pub(super) index: u16,
    pub(super) of_task: &'a TaskHistory,
    mark: Mark,
}

pub(super) type Judged<T> = Result<T, Box<Violation>>;

impl Oracle {
    /// Evaluates the epoch that a checkpoint ends.
    pub(super) fn evaluate(
        &mut self,
        checkpoint: CheckpointId,
        history: &History,
        at: Instant,
    ) -> Judged<()> {
        let plan = Arc::clone(&self.plan);
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.prepare(&plan);
        self.refill(&mut scratch);
        scratch.look_ahead(&plan, history, checkpoint);
        for component in plan.topology.in_order() {
            for (index, task) in (0..).zip(component.tasks()) {
                let Some(of_task) = history.task(task) else { continue };
                let Some(mark) = of_task.mark(checkpoint) else { continue };
                let plan = &*plan;
                let desk =
                    Desk { plan, history, checkpoint, at, component, task, index, of_task, mark };
                self.work(desk, &mut scratch)?;
            }
        }
        self.carry(&mut scratch);
        scratch.prepare(&plan);
        self.scratch = scratch;
        Ok(())
    }

    /// One task's part of the epoch.
    fn work(&mut self, desk: Desk<'_>, scratch: &mut Scratch) -> Judged<()> {
        let id = usize::from(desk.component.id.0);
        let generation = self.generation;
        let stage = &mut self.stages[usize::from(desk.task.0)];
        stage.set_up(&desk);
        let mut arena = std::mem::take(&mut scratch.arenas[id]);
        let mut emitter = Emitter {
            part: &desk.plan.parts[id],
            streams: &desk.component.streams,
            ways: &mut stage.ways,
            lanes: &mut scratch.lanes,
            arena: &mut arena,
            groups: desk.plan.topology.max_parallelism(),
            task: desk.task,
            index: desk.index,
        };
        match stage.code.as_mut() {
            Some(Code::Spout(spout)) => {
                let read = |record: &Record, bench: &mut Bench<'_, '_>| spout.next(record, bench);
                let positions = &mut self.positions[id];
                desk.read(&self.log, positions, &mut emitter, read)?;
            }
            Some(Code::Bolt(bolt)) => {
                let (arenas, key) = (&scratch.arenas, &mut scratch.key);
                let table = self.tables[id].as_mut();
                let own = &mut self.own[usize::from(desk.task.0)];
                let run = |tuple: &Tuple<'_>, bench: &mut Bench<'_, '_>| bolt.execute(tuple, bench);
                desk.execute(arenas, key, table, own, &mut emitter, run)?;
            }
            Some(Code::Sink) | None => match desk.component.kind {
                Kind::Sink(Delivery::Plain | Delivery::Idempotent) => {
                    let outputs = desk.direct(&scratch.arenas, emitter.lanes)?;
                    self.direct.push(Due { task: desk.task, outputs });
                }
                _ => {
                    let outputs = desk.sink(&scratch.arenas, emitter.lanes)?;
                    self.outputs.expect((desk.task, generation, desk.checkpoint), outputs);
                }
            },
        }
        scratch.arenas[id] = arena;
        desk.check_rest(&scratch.lanes)
    }
}

impl Stage {
    /// On its first epoch in a generation: a pristine clone of the user's value.
    fn set_up(&mut self, desk: &Desk<'_>) {
        if self.code.is_some() {
            return;
        }
        self.code = Some(match &desk.component.kind {
            Kind::Spout(spout) => Code::Spout(spout.clone()),
            Kind::Bolt(bolt) => {
                let mut bolt = bolt.clone();
                bolt.prepare(desk.task);
                Code::Bolt(bolt)
            }
            Kind::Sink(_) => Code::Sink,
        });
        let outlets = &desk.plan.parts[usize::from(desk.component.id.0)].outlets;
        let generation = desk.history.generation();
        let node = |task: TaskId| desk.history.task(task).map(|of_task| of_task.node);
        let way = |outlet: &Outlet| Way::new(desk.plan, outlet, desk.task, generation, &node);
        self.ways = outlets.iter().map(way).collect();
    }
}

impl Desk<'_> {
    /// What the task executed in the epoch, in slices.
    fn pieces(&self) -> impl Iterator<Item = &[Entry]> {
        self.of_task.entries.until(self.mark.entries)
    }
    /// The answers that the task was given in the epoch.
    fn answers(&self) -> Vec<u64> {
        self.of_task.answers.until(self.mark.answers).flatten().copied().collect()
    }

    /// A spout task: the records of its partitions, from where the last checkpoint left off.
    fn read(
        &self,
        log: &InputLog,
        positions: &mut [u64],
        emitter: &mut Emitter<'_>,
        mut next: impl FnMut(&Record, &mut Bench<'_, '_>) -> Outcome,
    ) -> Judged<()> {
        let answers = self.answers();
        let mut answered = 0;
        for piece in self.pieces() {
            for entry in piece {
                let (partition, offset) = (entry.root.partition(), entry.root.offset());
                let at = usize::from(partition.0);
                let mine = at < positions.len() && reader(self.component, at) == self.task;
                if !mine || entry.from != TaskId::BROKER || entry.child != Child::ROOT {
                    return Err(self.illegal(entry, "which is not a record of its partitions"));
                }
                let record = log.partitions[at].records().get(offset as usize);
                if offset != positions[at] || record.is_none() {
                    let due = format!("where p{at}@{} was next", positions[at]);
                    return Err(self.illegal(entry, &due));
                }
                positions[at] += 1;
                let given = take(&answers, &mut answered, entry);
                let mut bench = self.bench(entry, emitter, given, None, &mut []);
                let outcome = record.map_or(Ok(()), |record| next(record, &mut bench));
                self.check(entry, outcome, bench.aftermath())?;
            }
        }
        for (at, position) in positions.iter().enumerate() {
            if reader(self.component, at) == self.task {
                self.check_position(at, *position)?;
            }
        }
        Ok(())
    }

    /// A bolt task: its inputs in the order in which it consumed them.
    fn execute(
        &self,
        arenas: &[Vec<Value>],
        key: &mut Vec<Value>,
        mut table: Option<&mut Table>,
        own: &mut [Value],
        emitter: &mut Emitter<'_>,
        mut run: impl FnMut(&Tuple<'_>, &mut Bench<'_, '_>) -> Outcome,
    ) -> Judged<()> {
        let answers = self.answers();
        let mut answered = 0;
        let mut looks = self.of_task.looks(self.mark.entries).peekable();
        let mut at = self.of_task.entries.start();
        for piece in self.pieces() {
            for entry in piece {
                while let Some(look) = looks.next_if(|look| look.entries <= at) {
                    self.look(table.as_deref(), look)?;
                }
                at += 1;
                let given = take(&answers, &mut answered, entry);
                let sent = self.receive(emitter.lanes, entry)?;
                let tuple = self.tuple(arenas, entry, &sent);
                let input = &self.component.inputs[usize::from(sent.input)];
                let keyed = matches!(input.grouping, Grouping::Fields(_));
                let table = table.as_deref_mut().filter(|_| keyed);
                let group = table.as_ref().map(|table| floor_mod(sent.hash, table.groups()));
                if group != entry.group().map(|group| group.0) {
                    return Err(self.wrong_group(entry, group));
                }
                let (Some(table), Some(group)) = (table, group) else {
                    let mut bench = self.bench(entry, emitter, given, None, own);
                    let outcome = run(&tuple, &mut bench);
                    self.check(entry, outcome, bench.aftermath())?;
                    continue;
                };
                let key = key_of(tuple.values, &input.grouping, key);
                let mut judged = Ok(());
                let cells = table.cells;
                table.with_row(group, sent.hash, key, |row| {
                    let mut bench = self.bench(entry, emitter, given, Some((row, cells)), own);
                    let outcome = run(&tuple, &mut bench);
                    judged = self.check(entry, outcome, bench.aftermath());
                    bench.changed
                });
                judged?;
            }
        }
        looks.try_for_each(|look| self.look(table.as_deref(), look))
    }

    /// A query read the state: it must have seen the row that the oracle has now.
    fn look(&self, table: Option<&Table>, look: &Look) -> Judged<()> {
        match table.map(|table| table.row_print(look.hash, look.key)) {
            Some(row) if row == look.row => Ok(()),
            _ => Err(self.wrong_look(look)),
        }
    }

    /// A sink task: what has to become visible.
    fn sink(&self, arenas: &[Vec<Value>], lanes: &mut [Lane]) -> Judged<Vec<Output>> {
        let mut outputs = Vec::with_capacity(self.pieces().map(<[Entry]>::len).sum());
        for piece in self.pieces() {
            for entry in piece {
                let sent = self.receive(lanes, entry)?;
                let tuple = self.tuple(arenas, entry, &sent);
                outputs.push((entry.root, entry.child, self.print(&tuple, &sent)));
            }
        }
        Ok(outputs)
    }

    /// The fingerprint of a tuple's values, which may lie in their place.
    #[inline]
    fn print(&self, tuple: &Tuple<'_>, sent: &Sent) -> u64 {
        let stream = self.component.inputs[usize::from(sent.input)].stream;
        let printed = &self.plan.parts[usize::from(tuple.source.0)].printed;
        match tuple.values {
            [Value::Int(print)] if printed[usize::from(stream.0)] => *print as u64,
            values => fingerprint(values),
        }
    }

    /// A sink task without transactions: what it writes, under which keys.
    fn direct(&self, arenas: &[Vec<Value>], lanes: &mut [Lane]) -> Judged<Vec<(u64, Output)>> {
        let keyed = matches!(self.component.kind, Kind::Sink(Delivery::Idempotent));
        let (mut outputs, mut gathered) = (Vec::new(), Vec::new());
        for entry in self.pieces().flatten() {
            let sent = self.receive(lanes, entry)?;
            let tuple = self.tuple(arenas, entry, &sent);
            let input = &self.component.inputs[usize::from(sent.input)];
            let key = match keyed {
                true => fingerprint(key_of(tuple.values, &input.grouping, &mut gathered)),
                false => 0,
            };
            outputs.push((key, (entry.root, entry.child, fingerprint(tuple.values))));
        }
        Ok(outputs)
    }

    /// Takes an input off its channel: it must be the first one there.
    #[inline]
    fn receive(&self, lanes: &mut [Lane], entry: &Entry) -> Judged<Sent> {
        let at = self.plan.lane(entry.from, self.component, self.index);
        if let Some(lane) = at.map(|at| &mut lanes[at])
            && let Some(sent) = lane.sent.get(lane.next)
            && sent.root == entry.root
            && sent.child == entry.child
        {
            lane.next += 1;
            return Ok(*sent);
        }
        Err(self.out_of_order(at.and_then(|at| lanes[at].sent.get(lanes[at].next)), entry))
    }

    #[inline]
    fn tuple<'t>(&'t self, arenas: &'t [Vec<Value>], entry: &Entry, sent: &Sent) -> Tuple<'t> {
        let input = &self.component.inputs[usize::from(sent.input)];
        let from = self.plan.topology.component(input.from);
        let stream = &from.streams[usize::from(input.stream.0)];
        let values = &arenas[usize::from(input.from.0)][sent.at as usize..];
        Tuple {
            values: &values[..usize::from(sent.arity)],
            fields: &stream.fields,
            source: input.from,
            stream: &stream.name,
            root: entry.root,
        }
    }

    #[inline]
    fn bench<'a, 'b>(
        &self,
        entry: &Entry,
        emitter: &'b mut Emitter<'a>,
        answers: &'b [u64],
        row: Option<(&'b mut Cells, usize)>,
        own: &'b mut [Value],
    ) -> Bench<'a, 'b> {
        let (row, cells) = row.map_or((None, 0), |(row, cells)| (Some(row), cells));
        Bench {
            emitter,
            root: entry.root,
            parent: entry.child,
            emitted: 0,
            streams_used: 0,
            answers,
            asked: 0,
            row,
            cells,
            changed: false,
            own,
            clock: None,
            undeclared: None,
            astray: None,
        }
    }
}

/// The answers to one execution.
#[inline]
fn take<'a>(answers: &'a [u64], taken: &mut usize, entry: &Entry) -> &'a [u64] {
    let given = answers.get(*taken..*taken + usize::from(entry.answers)).unwrap_or(&[]);
    *taken += given.len();
    given
}

/// The values of the grouping fields: the key.
#[inline]
pub(super) fn key_of<'a>(
    values: &'a [Value],
    grouping: &Grouping,
    gathered: &'a mut Vec<Value>,
) -> &'a [Value] {
    let Grouping::Fields(fields) = grouping else { return &[] };
    if let [field] = fields.as_slice() {
        let at = usize::from(*field);
        return values.get(at..=at).unwrap_or(&[]);
    }
    gathered.clear();
    gathered.extend(fields.iter().filter_map(|at| values.get(usize::from(*at))).cloned());
    gathered
}
