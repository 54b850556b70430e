//! Where the oracle runs user code: its own collector, over lanes and arenas of its own.

use stormglass_engine::component::{BoltContext, Cell, Collector, Ttl, ValueState};
use stormglass_engine::ids::{Child, Root, TaskId};
use stormglass_engine::topology::{Grouping, Stream};
use stormglass_engine::value::{Value, fingerprint};
use stormglass_sim::time::Instant;

use crate::judge::plan::{Outlet, Part, floor_mod, hash_fields, owner};
use crate::judge::table::Cells;
use crate::judge::ways::{Due, Way};

/// A tuple under way: its values lie in the arena of its emitter's component, or their fingerprint
/// in their place, if that is all that anybody needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) root: Root,
    pub(super) child: Child,
    /// Hash of the grouping fields.
    pub(super) hash: i32,
    pub(super) at: u32,
    pub(super) arity: u16,
    /// Which of the receiver's inputs.
    pub(super) input: u16,
}

/// The channel between two tasks.
#[derive(Clone, Debug, Default)]
pub(super) struct Lane {
    pub(super) sent: Vec<Sent>,
    /// The next one to be consumed.
    pub(super) next: usize,
    /// What the receiver consumed in this epoch, if ways to it are loose.
    pub(super) taken: Vec<(Root, Child)>,
}

impl Lane {
    /// Whether it was taken: as a rule it is the one that was taken next.
    fn took(&self, root: Root, child: Child) -> bool {
        let name = (root, child);
        self.taken.get(self.sent.len()) == Some(&name) || self.taken.contains(&name)
    }
}

/// A tuple that took no way that its grouping allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Astray {
    /// Which of the emitter's outlets.
    pub(super) outlet: u16,
    pub(super) child: Child,
    pub(super) how: Wrong,
}

/// How it went astray.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wrong {
    /// To the first index instead of the second.
    Target(u16, u16),
    /// The engine told an index that no target has.
    Index(u64),
}

/// What one task emits with.
pub(super) struct Emitter<'a> {
    pub(super) part: &'a Part,
    pub(super) streams: &'a [Stream],
    /// By outlet.
    pub(super) ways: &'a mut [Way],
    pub(super) lanes: &'a mut [Lane],
    pub(super) arena: &'a mut Vec<Value>,
    pub(super) groups: u16,
    pub(super) task: TaskId,
    /// The task's index in its component.
    pub(super) index: u16,
}

/// What went on during one execution.
pub(super) struct Bench<'a, 'b> {
    pub(super) emitter: &'b mut Emitter<'a>,
    pub(super) root: Root,
    pub(super) parent: Child,
    /// Emissions so far.
    pub(super) emitted: u32,
    /// Streams over which a tuple reached somebody, one bit each.
    pub(super) streams_used: u64,
    /// The answers of the engine, in order.
    pub(super) answers: &'b [u64],
    /// How many were asked for.
    pub(super) asked: usize,
    /// The current key's row; empty if there is none. Nothing unless the bolt is keyed.
    pub(super) row: Option<&'b mut Cells>,
    pub(super) cells: usize,
    pub(super) changed: bool,
    /// The task's own row: operator and broadcast state.
    pub(super) own: &'b mut [Value],
    /// The engine's answer about its wall clock, if it was asked.
    pub(super) clock: Option<u64>,
    /// A cell that was written but is not declared.
    pub(super) undeclared: Option<u16>,
    /// The first tuple that went astray.
    pub(super) astray: Option<Astray>,
}

/// What is to be checked after an execution.
#[derive(Clone, Copy)]
pub(super) struct Aftermath {
    /// Answers asked for.
    pub(super) asked: usize,
    /// Answers that the engine gave.
    pub(super) given: usize,
    /// A cell that was written but is not declared.
    pub(super) undeclared: Option<u16>,
    /// Streams over which a tuple reached somebody, one bit each.
    pub(super) streams_used: u64,
    /// The first tuple that went astray.
    pub(super) astray: Option<Astray>,
}

impl Bench<'_, '_> {
    /// What is to be checked now that the execution is over.
    #[inline]
    pub(super) fn aftermath(&self) -> Aftermath {
        let Bench { asked, undeclared, streams_used, astray, .. } = *self;
        Aftermath { asked, given: self.answers.len(), undeclared, streams_used, astray }
    }

    #[inline]
    fn send(&mut self, stream: Option<u16>, direct: Option<TaskId>, values: &[Value]) {
        let child = self.parent.step(self.emitted);
        self.emitted += 1;
        let Some(stream) = stream else { return };
        let emitter = &mut *self.emitter;
        let part = emitter.part;
        let printed = part.printed[usize::from(stream)];
        let arity = if printed { 1 } else { values.len() as u16 };
        let (root, at) = (self.root, emitter.arena.len() as u32);
        let mut reached = false;
        for (nth, outlet) in part.outlets.iter().enumerate().filter(|(_, o)| o.stream == stream) {
            let mut deliver = |index: u16, hash: i32| {
                let tuple = Sent { root, child, hash, at, arity, input: outlet.input };
                emitter.lanes[lane(outlet, emitter.index, index)].sent.push(tuple);
                reached = true;
            };
            match (&outlet.grouping, direct) {
                (Grouping::Fields(fields), None) => {
                    let hash = hash_fields(values, fields);
                    let group = floor_mod(hash, emitter.groups);
                    deliver(owner(group, outlet.tasks, emitter.groups), hash);
                }
                (Grouping::Shuffle, None) => {
                    if let Way::Shuffle(shuffle) = &mut emitter.ways[nth] {
                        deliver(shuffle.visit(), 0);
                    }
                }
                (Grouping::All, None) => (0..outlet.tasks).for_each(|index| deliver(index, 0)),
                (Grouping::Global, None) => deliver(0, 0),
                (Grouping::Direct, Some(task)) => {
                    let index = task.0.wrapping_sub(outlet.first);
                    if index < outlet.tasks {
                        deliver(index, 0);
                    }
                }
                (Grouping::Direct, None) | (_, Some(_)) => {}
                (_, None) => {
                    let tuple = Sent { root, child, hash: 0, at, arity, input: outlet.input };
                    let mut told = || {
                        let word = self.answers.get(self.asked).copied().unwrap_or(0);
                        self.asked += 1;
                        word
                    };
                    let wrong = emitter.spread(nth, outlet, tuple, values, &mut told);
                    let astray = wrong.map(|how| Astray { outlet: nth as u16, child, how });
                    self.astray = self.astray.or(astray);
                    reached = true;
                }
            }
        }
        if reached {
            match printed {
                true => emitter.arena.push(Value::Int(fingerprint(values) as i64)),
                false => emitter.arena.extend_from_slice(values),
            }
            self.streams_used |= 1 << (stream % 64);
        }
    }

    fn answer(&mut self) -> u64 {
        let word = self.answers.get(self.asked).copied().unwrap_or(0);
        self.asked += 1;
        word
    }

    fn stream(&self, name: &str) -> Option<u16> {
        let at = self.emitter.streams.iter().position(|stream| stream.name == name)?;
        Some(at as u16)
    }
}

impl Emitter<'_> {
    /// Sends a tuple the way that its outlet demands. Some if the engine's took another.
    fn spread(
        &mut self,
        nth: usize,
        outlet: &Outlet,
        tuple: Sent,
        values: &[Value],
        told: &mut dyn FnMut() -> u64,
    ) -> Option<Wrong> {
        let due = match self.ways[nth].next(outlet, self.task, values) {
            Due::One(index) => vec![index],
            Due::Each(indices) => indices,
            Due::Told => match told() {
                word if word < u64::from(outlet.tasks) => vec![word as u16],
                word => return Some(Wrong::Index(word)),
            },
        };
        let lanes = &mut *self.lanes;
        let at = |index: u16| lane(outlet, self.index, index);
        let took = |index: &u16| lanes[at(*index)].took(tuple.root, tuple.child);
        let lost = due.iter().copied().find(|index| !took(index));
        // What nobody took at all is missed when the channel is looked at.
        let wrong = lost.and_then(|lost| {
            let mut others = (0..outlet.tasks).filter(|index| !due.contains(index));
            others.find(took).map(|got| Wrong::Target(got, lost))
        });
        due.iter().for_each(|index| lanes[at(*index)].sent.push(tuple));
        wrong
    }
}

#[inline]
fn lane(outlet: &Outlet, from: u16, to: u16) -> usize {
    outlet.lanes as usize + usize::from(from) * usize::from(outlet.tasks) + usize::from(to)
}

impl Collector for Bench<'_, '_> {
    #[inline]
    fn emit(&mut self, values: &[Value]) {
        self.send(self.emitter.part.default_stream, None, values);
    }
    fn emit_to(&mut self, stream: &str, values: &[Value]) {
        self.send(self.stream(stream), None, values);
    }
    fn emit_direct(&mut self, task: TaskId, stream: &str, values: &[Value]) {
        self.send(self.stream(stream), Some(task), values);
    }
    fn task(&self) -> TaskId {
        self.emitter.task
    }
    fn now(&mut self) -> Instant {
        Instant(self.answer())
    }
    fn random(&mut self) -> u64 {
        self.answer()
    }
}

impl BoltContext for Bench<'_, '_> {
    #[inline]
    fn get(&self, state: ValueState) -> Option<&Value> {
        let value = self.row.as_ref()?.get(usize::from(state.slot))?;
        (!matches!(value, Value::Null)).then_some(value)
    }
    #[inline]
    fn put(&mut self, state: ValueState, value: Value) {
        let slot = usize::from(state.slot);
        let Some(row) = self.row.as_deref_mut().filter(|_| slot < self.cells) else {
            self.undeclared = Some(state.slot);
            return;
        };
        row.resize(self.cells, Value::Null);
        row[slot] = value;
        self.changed = true;
    }
    fn clear(&mut self) {
        if let Some(row) = self.row.as_deref_mut() {
            self.changed |= !row.is_empty();
            row.clear();
        }
    }
    fn cell(&self, cell: &Cell) -> Option<&Value> {
        let row: &[Value] = match cell.kind.is_keyed() {
            true => self.row.as_ref()?,
            false => self.own,
        };
        row.get(usize::from(cell.slot)).filter(|value| !matches!(value, Value::Null))
    }
    fn update(&mut self, cell: &Cell, change: &mut dyn FnMut(&mut Value)) {
        let slot = usize::from(cell.slot);
        if !cell.kind.is_keyed() {
            match self.own.get_mut(slot) {
                Some(contents) => change(contents),
                None => self.undeclared = Some(cell.slot),
            }
            return;
        }
        match self.row.as_deref_mut().filter(|_| slot < self.cells) {
            Some(row) => self.changed |= update(row, self.cells, slot, change),
            None => self.undeclared = Some(cell.slot),
        }
    }
    fn stamp(&mut self) -> i64 {
        let shown = match self.clock {
            Some(shown) => shown,
            None => self.answer(),
        };
        self.clock = Some(shown);
        shown as i64
    }
    fn horizon(&mut self, ttl: Ttl) -> i64 {
        let after = i64::try_from(ttl.after.as_nanos()).unwrap_or(i64::MAX);
        self.stamp().saturating_sub(after)
    }
}

/// Changes a cell of a row; a row without any value is none. Whether it may have changed.
pub(super) fn update(
    row: &mut Cells,
    cells: usize,
    slot: usize,
    change: &mut dyn FnMut(&mut Value),
) -> bool {
    let none = row.is_empty();
    row.resize(cells, Value::Null);
    change(&mut row[slot]);
    if row.iter().all(|value| matches!(value, Value::Null)) {
        row.clear();
    }
    !(none && row.is_empty())
}
