//! What user code sees of a task of the tiny engine.

use std::collections::VecDeque;

use stormglass_engine::component::{BoltContext, Cell, Collector, Ttl, ValueState};
use stormglass_engine::grouping::{FULL_LOAD, Router};
use stormglass_engine::ids::{Child, Generation, Root, StreamId, TaskId};
use stormglass_engine::state::KeyedState;
use stormglass_engine::state::operator::OperatorState;
use stormglass_engine::topology::{Component, DEFAULT_STREAM};
use stormglass_engine::value::Value;
use stormglass_sim::time::Instant;

use super::{Dice, Item};

pub(super) struct Out<'a> {
    pub(super) component: &'a Component,
    pub(super) state: Option<&'a mut KeyedState>,
    pub(super) own: Option<&'a mut OperatorState>,
    pub(super) clock: Option<i64>,
    pub(super) routers: &'a mut Vec<(usize, usize, Router)>,
    pub(super) channels: &'a mut Vec<VecDeque<Item>>,
    pub(super) head: (TaskId, Generation, Root, Child),
    pub(super) emitted: u32,
    pub(super) used: Vec<bool>,
    pub(super) answers: Vec<u64>,
    pub(super) dice: Dice,
}

impl Out<'_> {
    fn send(&mut self, stream: StreamId, direct: Option<TaskId>, values: &[Value]) {
        let (_, _, root, parent) = self.head;
        let child = parent.step(self.emitted);
        self.emitted += 1;
        self.used[usize::from(stream.0)] = true;
        for (_, input, router) in self.routers.iter_mut().filter(|r| r.2.stream == stream) {
            let input = *input;
            let mut deliver = |to: TaskId, hash: i32| {
                let item = Item::Tuple { root, child, hash, input, values: values.to_vec() };
                self.channels[usize::from(to.0)].push_back(item);
            };
            match direct {
                None => {
                    if self.dice.below(4) == 0 {
                        let word = self.dice.word();
                        router.refresh_load(|to| (word >> (to.0 % 40)) as u32 % FULL_LOAD);
                    }
                    self.answers.extend(router.route(values, deliver).map(u64::from));
                }
                Some(task) if router.takes_direct(task) => deliver(task, 0),
                Some(_) => {}
            }
        }
    }
    fn answer(&mut self) -> u64 {
        let word = self.dice.word();
        self.answers.push(word);
        word
    }
    /// The time, below 2^24: short lives end.
    fn show(&mut self) -> i64 {
        let word = self.dice.word() >> 40;
        self.answers.push(word);
        word as i64
    }
}

impl Collector for Out<'_> {
    fn emit(&mut self, values: &[Value]) {
        self.emit_to(DEFAULT_STREAM, values);
    }
    fn emit_to(&mut self, stream: &str, values: &[Value]) {
        let stream = self.component.stream_id(stream).expect("a declared stream");
        self.send(stream, None, values);
    }
    fn emit_direct(&mut self, task: TaskId, stream: &str, values: &[Value]) {
        let stream = self.component.stream_id(stream).expect("a declared stream");
        self.send(stream, Some(task), values);
    }
    fn task(&self) -> TaskId {
        self.head.0
    }
    fn now(&mut self) -> Instant {
        Instant(self.answer())
    }
    fn random(&mut self) -> u64 {
        self.answer()
    }
}

impl BoltContext for Out<'_> {
    fn get(&self, state: ValueState) -> Option<&Value> {
        self.state.as_ref()?.get(state.slot)
    }
    fn put(&mut self, state: ValueState, value: Value) {
        self.state.as_mut().expect("keyed state").put(state.slot, value);
    }
    fn clear(&mut self) {
        self.state.as_mut().expect("keyed state").clear();
    }
    fn cell(&self, cell: &Cell) -> Option<&Value> {
        match cell.kind.is_keyed() {
            true => self.state.as_ref()?.get(cell.slot),
            false => self.own.as_ref()?.get(cell.slot),
        }
    }
    fn update(&mut self, cell: &Cell, change: &mut dyn FnMut(&mut Value)) {
        match cell.kind.is_keyed() {
            true => self.state.as_mut().expect("keyed state").update(cell.slot, change),
            false => self.own.as_mut().expect("operator state").update(cell.slot, change),
        }
    }
    fn stamp(&mut self) -> i64 {
        let shown = self.clock.unwrap_or_else(|| self.show());
        *self.clock.insert(shown)
    }
    fn horizon(&mut self, ttl: Ttl) -> i64 {
        self.stamp().saturating_sub_unsigned(ttl.after.as_nanos())
    }
}
