//! What user code sees of a task: the collector, the keyed state of the current tuple's key, and
//! the task's own state.

use stormglass_sim::time::Instant;

use super::links::Env;
use super::outbox::Outbox;
use crate::component::state::CellKind;
use crate::component::{BoltContext, Cell, Collector, Ttl, ValueState};
use crate::ids::{Child, Root, StreamId, TaskId};
use crate::names::Twist;
use crate::observation::Observation;
use crate::state::KeyedState;
use crate::state::operator::OperatorState;
use crate::topology::{Component, DEFAULT_STREAM};
use crate::value::Value;

/// The context of one execution.
pub(super) struct Emitter<'a, 'b, 'c> {
    pub(super) env: &'a mut Env<'b, 'c>,
    pub(super) outbox: &'a mut Outbox,
    /// None if the bolt has no keyed state, or the tuple no key.
    pub(super) state: Option<&'a mut KeyedState>,
    pub(super) operator: Option<&'a mut OperatorState>,
    /// Every task gets this tuple: broadcast state may be written.
    pub(super) broadcast: bool,
    pub(super) component: &'a Component,
    pub(super) task: TaskId,
    pub(super) root: Root,
    pub(super) parent: Child,
    /// Emissions so far.
    pub(super) emitted: u32,
    /// The streams that got a tuple, one bit each; streams from 15 on share a bit.
    pub(super) used: u16,
    /// What the wall clock has shown, if it was asked.
    pub(super) clock: Option<i64>,
}

impl Emitter<'_, '_, '_> {
    /// Takes the next place in the tree, and marks the stream.
    ///
    /// # Panics
    /// If the values are not as many as the stream has fields (Storm refuses that, too).
    #[inline]
    fn step(&mut self, stream: StreamId, values: &[Value]) -> Child {
        let declared = &self.component.streams[usize::from(stream.0)];
        assert!(
            declared.fields.0.len() == values.len(),
            "component `{}` emitted {} values on stream `{}`, which has {} fields",
            self.component.name,
            values.len(),
            declared.name,
            declared.fields.0.len(),
        );
        let child = self.parent.step(self.emitted);
        self.emitted += 1;
        self.used |= 1 << stream.0.min(15);
        child
    }

    fn stream(&self, name: &str) -> StreamId {
        match self.component.stream_id(name) {
            Some(stream) => stream,
            None => panic!("component `{}` has not declared stream `{name}`", self.component.name),
        }
    }

    #[cold]
    fn no_keyed_state(&self, state: &str) -> ! {
        let component = &self.component.name;
        if self.component.is_keyed() {
            panic!(
                "component `{component}` uses keyed state `{state}` for a tuple that every task \
                 gets: it has no key"
            );
        }
        panic!("component `{component}` has declared no keyed state, and uses `{state}`")
    }

    /// The declared streams that got no tuple, as bits.
    pub(super) fn unused(&self) -> u16 {
        let all = (1u32 << self.component.streams.len().min(16)) - 1;
        all as u16 & !self.used
    }
}

impl Collector for Emitter<'_, '_, '_> {
    fn emit(&mut self, values: &[Value]) {
        let default = self.component.default_stream;
        let stream = default.unwrap_or_else(|| self.stream(DEFAULT_STREAM));
        let child = self.step(stream, values);
        self.outbox.emit(stream, self.root, child, values, self.env);
    }
    fn emit_to(&mut self, stream: &str, values: &[Value]) {
        let stream = self.stream(stream);
        let child = self.step(stream, values);
        self.outbox.emit(stream, self.root, child, values, self.env);
    }
    fn emit_direct(&mut self, task: TaskId, stream: &str, values: &[Value]) {
        let stream = self.stream(stream);
        let child = self.step(stream, values);
        self.outbox.emit_direct(task, stream, self.root, child, values);
    }
    fn task(&self) -> TaskId {
        self.task
    }
    fn now(&mut self) -> Instant {
        let now = self.env.cx.now();
        let (task, generation, word) = (self.task, self.env.generation, now.nanos());
        self.env.cx.observe(Observation::Answered { task, generation, word });
        now
    }
    fn random(&mut self) -> u64 {
        let word = self.env.cx.random();
        let (task, generation) = (self.task, self.env.generation);
        self.env.cx.observe(Observation::Answered { task, generation, word });
        word
    }
}

impl BoltContext for Emitter<'_, '_, '_> {
    fn get(&self, state: ValueState) -> Option<&Value> {
        assert!(state.ttl.is_none(), "state `{}` expires: read it by its own get", state.name);
        self.state.as_ref()?.get(state.slot)
    }
    fn put(&mut self, state: ValueState, value: Value) {
        assert!(state.ttl.is_none(), "state `{}` expires: write it by its own put", state.name);
        match &mut self.state {
            Some(keyed) => keyed.put(state.slot, value),
            None => self.no_keyed_state(state.name),
        }
    }
    fn clear(&mut self) {
        if let Some(state) = &mut self.state {
            state.clear();
        }
    }
    fn cell(&self, cell: &Cell) -> Option<&Value> {
        match cell.kind.is_keyed() {
            true => self.state.as_ref()?.get(cell.slot),
            false => self.operator.as_ref()?.get(cell.slot),
        }
    }
    fn update(&mut self, cell: &Cell, change: &mut dyn FnMut(&mut Value)) {
        let component = &self.component.name;
        if cell.kind.is_keyed() {
            return match &mut self.state {
                Some(keyed) => keyed.update(cell.slot, change),
                None => self.no_keyed_state(cell.name),
            };
        }
        assert!(
            cell.kind != CellKind::Broadcast || self.broadcast,
            "component `{component}` writes broadcast state `{}` for a tuple that only one of its \
             tasks gets: write it for tuples of an input grouped by all",
            cell.name,
        );
        match &mut self.operator {
            Some(operator) => operator.update(cell.slot, change),
            None => panic!("component `{component}` has not declared state `{}`", cell.name),
        }
    }
    fn stamp(&mut self) -> i64 {
        if let Some(shown) = self.clock {
            return shown;
        }
        let word = self.env.cx.wall_clock().nanos();
        let (task, generation) = (self.task, self.env.generation);
        self.env.cx.observe(Observation::Answered { task, generation, word });
        *self.clock.insert(word as i64)
    }
    fn horizon(&mut self, ttl: Ttl) -> i64 {
        let shown = self.stamp();
        match self.env.cx.twist(Twist::TtlIgnored) {
            true => i64::MIN,
            false => shown.saturating_sub_unsigned(ttl.after.as_nanos()),
        }
    }
}
