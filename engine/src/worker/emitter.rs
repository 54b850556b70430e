//! What user code sees of a task: the collector and the keyed state of the current tuple's key.

use stormglass_sim::time::Instant;

use super::links::Env;
use super::outbox::Outbox;
use crate::component::{BoltContext, Collector, ValueState};
use crate::ids::{Child, Root, StreamId, TaskId};
use crate::observation::Observation;
use crate::state::KeyedState;
use crate::topology::{Component, DEFAULT_STREAM};
use crate::value::Value;

/// The context of one execution.
pub(super) struct Emitter<'a, 'b, 'c> {
    pub(super) env: &'a mut Env<'b, 'c>,
    pub(super) outbox: &'a mut Outbox,
    pub(super) state: Option<&'a mut KeyedState>,
    pub(super) component: &'a Component,
    pub(super) task: TaskId,
    pub(super) root: Root,
    pub(super) parent: Child,
    /// Emissions so far.
    pub(super) emitted: u32,
    /// The streams that got a tuple, one bit each; streams from 15 on share a bit.
    pub(super) used: u16,
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

    /// The declared streams that got no tuple, as bits.
    pub(super) fn unused(&self) -> u16 {
        let all = (1u32 << self.component.streams.len().min(16)) - 1;
        all as u16 & !self.used
    }
}

impl Collector for Emitter<'_, '_, '_> {
    fn emit(&mut self, values: &[Value]) {
        // The default stream is the first one of nearly every component.
        let first = self.component.streams.first();
        let stream = match first.is_some_and(|stream| stream.name == DEFAULT_STREAM) {
            true => StreamId(0),
            false => self.stream(DEFAULT_STREAM),
        };
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
        self.state.as_ref()?.get(state.slot)
    }
    fn put(&mut self, state: ValueState, value: Value) {
        match &mut self.state {
            Some(keyed) => keyed.put(state.slot, value),
            None => panic!("component `{}` has declared no state", self.component.name),
        }
    }
    fn clear(&mut self) {
        if let Some(state) = &mut self.state {
            state.clear();
        }
    }
}
