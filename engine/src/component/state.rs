//! States: what a bolt remembers, by descriptors that say its name, kind and version.
//!
//! A descriptor is a constant. A bolt declares it, and reaches its state through the context:
//!
//! ```
//! use stormglass_engine::component::{BoltContext, ListState, MapState, Outcome};
//! use stormglass_engine::component::{ReducingState, Ttl};
//! use stormglass_engine::value::Value;
//! use stormglass_sim::time::Span;
//!
//! const RECENT: ListState = ListState::new(0, "recent").ttl(Ttl::new(Span::secs(60)));
//! const BY_PAGE: MapState = MapState::new(1, "by-page").weight(12);
//! const LARGEST: ReducingState = ReducingState::new(2, "largest", |a, b| a.max(b).clone());
//!
//! fn visit(page: Value, amount: Value, cx: &mut dyn BoltContext) -> Outcome {
//!     RECENT.add(cx, page.clone());
//!     let before = BY_PAGE.get(cx, &page).and_then(Value::as_int).unwrap_or(0);
//!     BY_PAGE.put(cx, page, Value::Int(before + 1));
//!     LARGEST.add(cx, amount);
//!     Ok(())
//! }
//! ```
//!
//! Keyed state belongs to the key of the tuple at work. All kinds of it are views of one cell of
//! the key's row, so that whoever keeps state need only keep cells:
//!
//! * a value, a reduced value, an aggregate and a user-defined state are the value itself;
//! * a list is the list of its elements; a map the list of its keys and values in turn, in the
//!   order of keys. An empty one is no value at all.
//!
//! With a time-to-live, the moment of writing lies in front of each value and each element, and
//! between key and value of a map's entry. Rules after Flink's `StateTtlConfig`: what has expired
//! is never returned. It goes away when it is looked at or written over; a snapshot takes it along.
//!
//! All changes that a bolt makes while it executes one tuple take effect together: nobody sees
//! state between them, no checkpoint is cut between them, and if the bolt returns an error the
//! worker dies with all of them, and the tuple comes again.

use core::fmt;
use core::ops::Deref;

use stormglass_sim::time::Span;

use super::BoltContext;
use crate::value::Value;

mod collections;
mod single;
#[cfg(test)]
mod tests;

pub use collections::{BroadcastState, ListState, MapState, OperatorListState};
pub use single::{Aggregate, AggregatingState, ReducingState, StateFactory, UserState, ValueState};

/// What a state is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CellKind {
    /// One value.
    Value,
    /// A list.
    List,
    /// A map.
    Map,
    /// A value into which others are reduced.
    Reducing,
    /// An accumulator of others.
    Aggregating,
    /// What a factory of the user's own makes of it.
    User,
    /// A list that belongs to a task.
    OperatorList,
    /// A map that every task holds the same.
    Broadcast,
}

impl CellKind {
    /// All of them.
    pub const ALL: [CellKind; 8] = [
        CellKind::Value,
        CellKind::List,
        CellKind::Map,
        CellKind::Reducing,
        CellKind::Aggregating,
        CellKind::User,
        CellKind::OperatorList,
        CellKind::Broadcast,
    ];

    /// Whether each key has its own; otherwise each task has.
    pub const fn is_keyed(self) -> bool {
        !matches!(self, CellKind::OperatorList | CellKind::Broadcast)
    }
    /// How a cell of this kind is laid out: of how many values an element consists. 0 for a single
    /// value.
    const fn stride(self) -> usize {
        match self {
            CellKind::List | CellKind::OperatorList => 1,
            CellKind::Map | CellKind::Broadcast => 2,
            _ => 0,
        }
    }
}

impl fmt::Display for CellKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CellKind::Value => "value",
            CellKind::List => "list",
            CellKind::Map => "map",
            CellKind::Reducing => "reducing",
            CellKind::Aggregating => "aggregating",
            CellKind::User => "user-defined",
            CellKind::OperatorList => "operator list",
            CellKind::Broadcast => "broadcast",
        })
    }
}

/// What sets the clock of a time-to-live back (names after Flink's `StateTtlConfig.UpdateType`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpdateType {
    /// Writing.
    OnCreateAndWrite,
    /// Writing and reading.
    OnReadAndWrite,
}

/// How long a value, an element of a list or an entry of a map lives.
///
/// The clock is the wall clock of the machine that the task runs on, as in Flink: state outlives
/// machines, and their monotonic clocks have no common beginning. Where clocks are set, so is
/// expiry. What was written at `t` has expired when the clock shows `t + after`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ttl {
    /// How long.
    pub after: Span,
    /// Since when.
    pub since: UpdateType,
}

impl Ttl {
    /// So long since it was written.
    pub const fn new(after: Span) -> Self {
        Ttl { after, since: UpdateType::OnCreateAndWrite }
    }
    /// So long since it was written or read.
    pub const fn since_read(after: Span) -> Self {
        Ttl { after, since: UpdateType::OnReadAndWrite }
    }
}

/// How contents of an older version become contents of the declared one: applied to the value, or
/// to each element of a list, or to the value of each entry of a map.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// The older version.
    pub from: u16,
    /// What becomes of a value.
    pub change: Change,
}

/// What becomes of a value.
pub type Change = fn(Value) -> Value;

/// What all descriptors have in common.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Its position: keyed states of one bolt are numbered from 0, operator and broadcast states
    /// together from 0, too.
    pub slot: u16,
    /// The name by which checkpoints and people know it.
    pub name: &'static str,
    /// What it is.
    pub kind: CellKind,
    /// The version of its contents; 1 unless set.
    pub version: u16,
    /// How long its contents live; for ever unless set.
    pub ttl: Option<Ttl>,
    /// The logical size in bytes of a set value, an element, an entry, its share of the key
    /// included. Unless set, contents count as they are encoded.
    pub weight: Option<u32>,
    /// From which older versions it can be restored.
    pub migrations: &'static [Migration],
}

impl Cell {
    const fn new(slot: u16, name: &'static str, kind: CellKind) -> Self {
        let (version, ttl, weight) = (1, None, None);
        Cell { slot, name, kind, version, ttl, weight, migrations: &[] }
    }

    /// Of how many values an element of its list consists, its time of writing included.
    fn stride(&self) -> usize {
        self.kind.stride() + usize::from(self.ttl.is_some())
    }

    /// The logical size of its contents in bytes.
    pub(crate) fn size(&self, contents: &Value) -> u64 {
        match (self.weight, contents) {
            (_, Value::Null) => 0,
            (None, contents) => contents.size(),
            (Some(weight), Value::List(items)) if self.kind.stride() > 0 => {
                u64::from(weight) * (items.len() / self.stride()) as u64
            }
            (Some(weight), _) => weight.into(),
        }
    }

    /// Contents of an older version, as this version has them.
    pub(crate) fn migrate(&self, contents: Value, change: Change) -> Value {
        let (stride, expires) = (self.kind.stride(), self.ttl.is_some());
        let at = match (stride, expires) {
            (0, false) => return if contents == Value::Null { contents } else { change(contents) },
            _ => self.stride().max(2 * usize::from(stride == 0)) - 1,
        };
        let Value::List(mut items) = contents else { return contents };
        let all = alloc::sync::Arc::make_mut(&mut items);
        for value in all.iter_mut().skip(at).step_by(at + 1) {
            *value = change(core::mem::replace(value, Value::Null));
        }
        Value::List(items)
    }
}

/// A descriptor, whatever its kind. It can be declared, and lends its common part.
pub trait Descriptor: Deref<Target = Cell> {}

/// A descriptor around its common part, and what can be said of any of them.
macro_rules! descriptor {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$more:meta])* $field:ident: $of:ty),* }, ttl: $ttl:tt
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            cell: $crate::component::state::Cell,
            $($(#[$more])* $field: $of,)*
        }
        impl $name {
            /// The same in another version of its contents.
            #[must_use]
            pub const fn version(mut self, version: u16) -> Self {
                self.cell.version = version;
                self
            }
            /// The same, restorable from older versions.
            #[must_use]
            pub const fn migrates(
                mut self,
                from: &'static [$crate::component::state::Migration],
            ) -> Self {
                self.cell.migrations = from;
                self
            }
            /// The same, where a value, an element or an entry counts so many bytes.
            #[must_use]
            pub const fn weight(mut self, bytes: u32) -> Self {
                self.cell.weight = Some(bytes);
                self
            }
            descriptor!(@ttl $ttl);
        }
        impl core::ops::Deref for $name {
            type Target = $crate::component::state::Cell;
            fn deref(&self) -> &$crate::component::state::Cell {
                &self.cell
            }
        }
        impl $crate::component::state::Descriptor for $name {}
    };
    (@ttl yes) => {
        /// The same, whose contents expire.
        #[must_use]
        pub const fn ttl(mut self, ttl: $crate::component::state::Ttl) -> Self {
            self.cell.ttl = Some(ttl);
            self
        }
    };
    (@ttl no) => {};
}
use descriptor;

/// What was written at or before this has expired.
fn horizon(cell: &Cell, cx: &mut dyn BoltContext) -> Option<i64> {
    cell.ttl.map(|ttl| cx.horizon(ttl))
}

/// Whether reading sets the clock back.
fn renews(cell: &Cell) -> bool {
    cell.ttl.is_some_and(|ttl| ttl.since == UpdateType::OnReadAndWrite)
}

/// The time of writing that a value holds.
fn written(stamp: &Value) -> i64 {
    stamp.as_int().unwrap_or(i64::MIN)
}
