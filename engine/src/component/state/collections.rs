//! States of many values: lists and maps, of a key or of a task.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Cell, CellKind, descriptor, horizon, renews, written};
use crate::component::BoltContext;
use crate::value::Value;

descriptor! {
    /// A list: elements in the order in which they were added.
    ListState {}, ttl: yes
}

descriptor! {
    /// A map: entries in the order of their keys.
    MapState {}, ttl: yes
}

descriptor! {
    /// A list that belongs to a task instead of a key (Flink's operator list state). Where a
    /// checkpoint is restored with another number of tasks, its elements are dealt out anew.
    OperatorListState {}, ttl: no
}

descriptor! {
    /// A map that every task of a bolt holds the same (Flink's broadcast state). It can be written
    /// only while a tuple is at work that came over an input grouped by `all`: each task gets that
    /// tuple, and makes the same of it.
    BroadcastState {}, ttl: no
}

/// What lists of a key and of a task can do.
macro_rules! list {
    ($name:ident, $kind:expr) => {
        impl $name {
            /// The state at `slot`, called `name`.
            pub const fn new(slot: u16, name: &'static str) -> Self {
                $name { cell: Cell::new(slot, name, $kind) }
            }
            /// Its elements that have not expired.
            pub fn get<'a>(
                &self,
                cx: &'a mut dyn BoltContext,
            ) -> impl ExactSizeIterator<Item = &'a Value> {
                elements(self, cx)
            }
            /// Sets all its elements.
            pub fn put(&self, cx: &mut dyn BoltContext, items: impl IntoIterator<Item = Value>) {
                set_all(self, cx, items);
            }
            /// Appends an element.
            pub fn add(&self, cx: &mut dyn BoltContext, item: Value) {
                append(self, cx, item);
            }
            /// Appends several.
            pub fn merge(&self, cx: &mut dyn BoltContext, items: impl IntoIterator<Item = Value>) {
                items.into_iter().for_each(|item| append(self, cx, item));
            }
            /// Forgets all elements.
            pub fn clear(&self, cx: &mut dyn BoltContext) {
                clear(self, cx);
            }
        }
    };
}
list!(ListState, CellKind::List);
list!(OperatorListState, CellKind::OperatorList);

/// What maps of a key and of a task can do.
macro_rules! map {
    ($name:ident, $kind:expr) => {
        impl $name {
            /// The state at `slot`, called `name`.
            pub const fn new(slot: u16, name: &'static str) -> Self {
                $name { cell: Cell::new(slot, name, $kind) }
            }
            /// The value of a key; none if there is none or it has expired.
            pub fn get<'a>(&self, cx: &'a mut dyn BoltContext, key: &Value) -> Option<&'a Value> {
                entry(self, cx, key)
            }
            /// All entries that have not expired, in the order of keys.
            pub fn entries<'a>(
                &self,
                cx: &'a mut dyn BoltContext,
            ) -> impl ExactSizeIterator<Item = (&'a Value, &'a Value)> {
                entries(self, cx)
            }
            /// Sets the value of a key.
            pub fn put(&self, cx: &mut dyn BoltContext, key: Value, value: Value) {
                insert(self, cx, key, value);
            }
            /// Sets the values of several keys.
            pub fn merge(
                &self,
                cx: &mut dyn BoltContext,
                entries: impl IntoIterator<Item = (Value, Value)>,
            ) {
                entries.into_iter().for_each(|(key, value)| insert(self, cx, key, value));
            }
            /// Forgets a key.
            pub fn remove(&self, cx: &mut dyn BoltContext, key: &Value) {
                remove(self, cx, key);
            }
            /// Forgets all entries.
            pub fn clear(&self, cx: &mut dyn BoltContext) {
                clear(self, cx);
            }
        }
    };
}
map!(MapState, CellKind::Map);
map!(BroadcastState, CellKind::Broadcast);

/// What a cell holds, as it lies there.
fn stored<'a>(cell: &Cell, cx: &'a dyn BoltContext) -> &'a [Value] {
    match cx.cell(cell) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

/// Changes what a cell holds in place. What is empty then is no value.
fn change(cell: &Cell, cx: &mut dyn BoltContext, with: &mut dyn FnMut(&mut Vec<Value>)) {
    cx.update(cell, &mut |contents| {
        if !matches!(contents, Value::List(_)) {
            *contents = Value::List(Arc::default());
        }
        let Value::List(items) = contents else { return };
        let items = Arc::make_mut(items);
        with(items);
        if items.is_empty() {
            *contents = Value::Null;
        }
    });
}

fn clear(cell: &Cell, cx: &mut dyn BoltContext) {
    cx.update(cell, &mut |contents| *contents = Value::Null);
}

/// The place of the time of writing within an element: in front of its value.
fn stamp_at(cell: &Cell) -> usize {
    cell.stride() - 2
}

/// Drops the elements that have expired, and if reading renews, renews the rest.
fn settle(cell: &Cell, cx: &mut dyn BoltContext) {
    let Some(horizon) = horizon(cell, cx) else { return };
    let (stride, at) = (cell.stride(), stamp_at(cell));
    let dead = |element: &[Value]| written(&element[at]) <= horizon;
    if stored(cell, cx).chunks_exact(stride).any(dead) {
        change(cell, cx, &mut |items| {
            let mut kept = 0;
            for from in (0..items.len()).step_by(stride) {
                if !dead(&items[from..from + stride]) {
                    (0..stride).for_each(|n| items.swap(kept + n, from + n));
                    kept += stride;
                }
            }
            items.truncate(kept);
        });
    }
    if renews(cell) && !stored(cell, cx).is_empty() {
        let now = cx.stamp();
        change(cell, cx, &mut |items| {
            items.iter_mut().skip(at).step_by(stride).for_each(|stamp| *stamp = Value::Int(now));
        });
    }
}

fn elements<'a>(
    cell: &Cell,
    cx: &'a mut dyn BoltContext,
) -> impl ExactSizeIterator<Item = &'a Value> + use<'a> {
    settle(cell, cx);
    let stride = cell.stride();
    stored(cell, cx).chunks_exact(stride).map(move |element| &element[stride - 1])
}

fn append(cell: &Cell, cx: &mut dyn BoltContext, item: Value) {
    let now = cell.ttl.map(|_| cx.stamp());
    let mut item = Some(item);
    change(cell, cx, &mut |items| {
        items.extend(now.map(Value::Int));
        items.extend(item.take());
    });
}

fn set_all(cell: &Cell, cx: &mut dyn BoltContext, new: impl IntoIterator<Item = Value>) {
    let now = cell.ttl.map(|_| cx.stamp());
    let new = new.into_iter().flat_map(|item| now.map(Value::Int).into_iter().chain([item]));
    let mut new: Vec<Value> = new.collect();
    change(cell, cx, &mut |items| core::mem::swap(items, &mut new));
}

/// Where a key's entry begins, or where it would.
fn find(cell: &Cell, items: &[Value], key: &Value) -> Result<usize, usize> {
    let stride = cell.stride();
    let (mut low, mut high) = (0, items.len() / stride);
    while low < high {
        let middle = low.midpoint(high);
        match items[middle * stride].cmp(key) {
            core::cmp::Ordering::Less => low = middle + 1,
            core::cmp::Ordering::Greater => high = middle,
            core::cmp::Ordering::Equal => return Ok(middle * stride),
        }
    }
    Err(low * stride)
}

fn entry<'a>(cell: &Cell, cx: &'a mut dyn BoltContext, key: &Value) -> Option<&'a Value> {
    let (stride, horizon) = (cell.stride(), horizon(cell, cx));
    let at = find(cell, stored(cell, cx), key).ok()?;
    if let Some(horizon) = horizon {
        if written(&stored(cell, cx)[at + 1]) <= horizon {
            remove(cell, cx, key);
            return None;
        }
        if renews(cell) {
            let now = cx.stamp();
            change(cell, cx, &mut |items| items[at + 1] = Value::Int(now));
        }
    }
    stored(cell, cx).get(at + stride - 1)
}

fn entries<'a>(
    cell: &Cell,
    cx: &'a mut dyn BoltContext,
) -> impl ExactSizeIterator<Item = (&'a Value, &'a Value)> + use<'a> {
    settle(cell, cx);
    let stride = cell.stride();
    stored(cell, cx).chunks_exact(stride).map(move |entry| (&entry[0], &entry[stride - 1]))
}

fn insert(cell: &Cell, cx: &mut dyn BoltContext, key: Value, value: Value) {
    let (stride, now) = (cell.stride(), cell.ttl.map(|_| cx.stamp()));
    let mut new = Some((key, value));
    change(cell, cx, &mut |items| {
        let Some((key, value)) = new.take() else { return };
        match find(cell, items, &key) {
            Ok(at) => {
                items[at + stride - 1] = value;
                if let Some(now) = now {
                    items[at + 1] = Value::Int(now);
                }
            }
            Err(at) => {
                let stamp = now.map(Value::Int);
                items.splice(at..at, [key].into_iter().chain(stamp).chain([value]));
            }
        }
    });
}

fn remove(cell: &Cell, cx: &mut dyn BoltContext, key: &Value) {
    let Ok(at) = find(cell, stored(cell, cx), key) else { return };
    let stride = cell.stride();
    change(cell, cx, &mut |items| drop(items.drain(at..at + stride)));
}
