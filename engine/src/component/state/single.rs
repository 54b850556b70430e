//! States of one value: the value itself, a reduced one, an aggregate, a user's own.

use alloc::sync::Arc;
use alloc::vec;
use core::fmt;
use core::mem;

use super::{Cell, CellKind, descriptor, horizon, renews, written};
use crate::component::BoltContext;
use crate::value::Value;

descriptor! {
    /// One value.
    ValueState {}, ttl: yes
}

descriptor! {
    /// One value into which each added one is reduced (Flink's `ReducingState`).
    ReducingState {
        /// What becomes of the present value and an added one.
        reduce: fn(&Value, &Value) -> Value
    }, ttl: yes
}

descriptor! {
    /// An accumulator of what is added, and a result made of it (Flink's `AggregatingState`).
    AggregatingState { aggregate: &'static dyn Aggregate }, ttl: yes
}

descriptor! {
    /// A state of the user's own: a factory makes it and says what can be done with it.
    UserState { factory: &'static dyn StateFactory }, ttl: yes
}

/// How an aggregate is made (Flink's `AggregateFunction`).
pub trait Aggregate: fmt::Debug + Sync {
    /// The accumulator of nothing.
    fn create(&self) -> Value;
    /// Takes one more into an accumulator.
    fn add(&self, accumulator: &mut Value, item: &Value);
    /// Takes all of another accumulator into one. Associative, and `create` changes nothing.
    fn merge(&self, accumulator: &mut Value, other: &Value);
    /// What an accumulator amounts to.
    fn result(&self, accumulator: &Value) -> Value;
}

/// How a state of the user's own is made, read and changed (the state factory of the Storm
/// article, with its get, put, add, merge and clear). Whatever it keeps is a [`Value`], and equal
/// contents should be equal values: what a state remembers of its past beyond its contents shows in
/// checkpoints.
pub trait StateFactory: fmt::Debug + Sync {
    /// A state with nothing in it.
    fn create(&self) -> Value;
    /// What the state says about something.
    fn get(&self, state: &Value, about: &Value) -> Option<Value>;
    /// Lets the state say this about something.
    fn put(&self, state: &mut Value, about: &Value, value: Value);
    /// Takes one more in.
    fn add(&self, state: &mut Value, item: &Value);
    /// Takes all of another state in.
    fn merge(&self, state: &mut Value, other: &Value);
    /// Forgets what is in it; null forgets the state itself.
    fn clear(&self, state: &mut Value);
}

impl ValueState {
    /// The state at `slot`, called `name`.
    pub const fn new(slot: u16, name: &'static str) -> Self {
        ValueState { cell: Cell::new(slot, name, CellKind::Value) }
    }
    /// The value; none if there is none or it has expired.
    pub fn get<'a>(&self, cx: &'a mut dyn BoltContext) -> Option<&'a Value> {
        read(self, cx)
    }
    /// Sets the value; null forgets it.
    pub fn put(&self, cx: &mut dyn BoltContext, value: Value) {
        let mut value = Some(value);
        change(self, cx, &mut |old| *old = value.take().unwrap_or(Value::Null));
    }
    /// Forgets the value.
    pub fn clear(&self, cx: &mut dyn BoltContext) {
        clear(self, cx);
    }
}

impl ReducingState {
    /// The state at `slot`, called `name`. `reduce` should be associative.
    pub const fn new(slot: u16, name: &'static str, reduce: fn(&Value, &Value) -> Value) -> Self {
        ReducingState { cell: Cell::new(slot, name, CellKind::Reducing), reduce }
    }
    /// All that was added, reduced; none if nothing was, or it has expired.
    pub fn get<'a>(&self, cx: &'a mut dyn BoltContext) -> Option<&'a Value> {
        read(self, cx)
    }
    /// Reduces one more into it.
    pub fn add(&self, cx: &mut dyn BoltContext, item: Value) {
        let mut item = Some(item);
        change(self, cx, &mut |old| {
            let Some(item) = item.take() else { return };
            *old = match &*old {
                Value::Null => item,
                old => (self.reduce)(old, &item),
            };
        });
    }
    /// Forgets what was added.
    pub fn clear(&self, cx: &mut dyn BoltContext) {
        clear(self, cx);
    }
}

impl AggregatingState {
    /// The state at `slot`, called `name`.
    pub const fn new(slot: u16, name: &'static str, aggregate: &'static dyn Aggregate) -> Self {
        AggregatingState { cell: Cell::new(slot, name, CellKind::Aggregating), aggregate }
    }
    /// The result; none if nothing was added, or it has expired.
    pub fn get(&self, cx: &mut dyn BoltContext) -> Option<Value> {
        read(self, cx).map(|accumulator| self.aggregate.result(accumulator))
    }
    /// Takes one more in.
    pub fn add(&self, cx: &mut dyn BoltContext, item: &Value) {
        self.change(cx, |accumulator| self.aggregate.add(accumulator, item));
    }
    /// Takes all of another accumulator in.
    pub fn merge(&self, cx: &mut dyn BoltContext, other: &Value) {
        self.change(cx, |accumulator| self.aggregate.merge(accumulator, other));
    }
    /// Forgets what was added.
    pub fn clear(&self, cx: &mut dyn BoltContext) {
        clear(self, cx);
    }

    fn change(&self, cx: &mut dyn BoltContext, with: impl Fn(&mut Value)) {
        change(self, cx, &mut |accumulator| {
            if *accumulator == Value::Null {
                *accumulator = self.aggregate.create();
            }
            with(accumulator);
        });
    }
}

impl UserState {
    /// The state at `slot`, called `name`.
    pub const fn new(slot: u16, name: &'static str, factory: &'static dyn StateFactory) -> Self {
        UserState { cell: Cell::new(slot, name, CellKind::User), factory }
    }
    /// What it says about something.
    pub fn get(&self, cx: &mut dyn BoltContext, about: &Value) -> Option<Value> {
        read(self, cx).and_then(|state| self.factory.get(state, about))
    }
    /// Lets it say this about something.
    pub fn put(&self, cx: &mut dyn BoltContext, about: &Value, value: Value) {
        let mut value = Some(value);
        self.change(cx, &mut |state| {
            if let Some(value) = value.take() {
                self.factory.put(state, about, value);
            }
        });
    }
    /// Takes one more in.
    pub fn add(&self, cx: &mut dyn BoltContext, item: &Value) {
        self.change(cx, &mut |state| self.factory.add(state, item));
    }
    /// Takes all of another state in.
    pub fn merge(&self, cx: &mut dyn BoltContext, other: &Value) {
        self.change(cx, &mut |state| self.factory.merge(state, other));
    }
    /// Forgets what is in it.
    pub fn clear(&self, cx: &mut dyn BoltContext) {
        self.change(cx, &mut |state| self.factory.clear(state));
    }

    fn change(&self, cx: &mut dyn BoltContext, with: &mut dyn FnMut(&mut Value)) {
        change(self, cx, &mut |state| {
            if *state == Value::Null {
                *state = self.factory.create();
            }
            with(state);
        });
    }
}

/// The value of a cell, unless it has expired.
fn read<'a>(cell: &Cell, cx: &'a mut dyn BoltContext) -> Option<&'a Value> {
    let Some(horizon) = horizon(cell, cx) else { return cx.cell(cell) };
    let Some(Value::List(pair)) = cx.cell(cell) else { return None };
    if written(&pair[0]) <= horizon {
        clear(cell, cx);
        return None;
    }
    if renews(cell) {
        change(cell, cx, &mut |_| {});
    }
    match cx.cell(cell) {
        Some(Value::List(pair)) => pair.get(1),
        _ => None,
    }
}

/// Changes the value of a cell in place: null for none, or for one that has expired.
fn change(cell: &Cell, cx: &mut dyn BoltContext, with: &mut dyn FnMut(&mut Value)) {
    let Some(horizon) = horizon(cell, cx) else { return cx.update(cell, with) };
    let now = cx.stamp();
    cx.update(cell, &mut |contents| {
        if !matches!(contents, Value::List(_)) {
            *contents = Value::List(Arc::new(vec![Value::Int(i64::MIN), Value::Null]));
        }
        let Value::List(pair) = contents else { return };
        let [stamp, value] = &mut Arc::make_mut(pair)[..] else { return };
        if written(stamp) <= horizon {
            *value = Value::Null;
        }
        with(value);
        *stamp = Value::Int(now);
        if *value == Value::Null {
            *contents = Value::Null;
        }
    });
}

fn clear(cell: &Cell, cx: &mut dyn BoltContext) {
    cx.update(cell, &mut |contents| drop(mem::replace(contents, Value::Null)));
}
