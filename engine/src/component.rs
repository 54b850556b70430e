//! What users write: spouts and bolts, what they may do, and groupings of their own.
//!
//! All are ordinary values, object-safe, `Clone + Debug`. Fields of a bolt are scratch: a restore
//! resets them to the value given to the topology builder. What must survive lives in [`state`],
//! reached through the context alone.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use smol_str::SmolStr;
use stormglass_sim::time::Instant;

use crate::ids::{Root, TaskId};
use crate::topology::{Declarer, Fields};
use crate::tuple::Tuple;
use crate::value::Value;

pub mod state;
pub use state::{
    Aggregate, AggregatingState, BroadcastState, Cell, Descriptor, ListState, MapState,
    OperatorListState, ReducingState, StateFactory, Ttl, UserState, ValueState,
};

/// Why a spout or bolt gives up. The worker that runs it is killed, as in Storm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentError(pub String);

impl fmt::Display for ComponentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a component's method returns.
pub type Outcome = Result<(), ComponentError>;

/// A record of the input log as a spout sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When the broker got it: true time since the start of the run.
    pub arrival: Instant,
    /// What it says; a line of text as a rule.
    pub text: SmolStr,
}

/// Emission of tuples, shared by spouts and bolts.
pub trait Collector {
    /// Emits on the default stream. Values are cloned into the batches of the subscribing tasks.
    fn emit(&mut self, values: &[Value]);
    /// Emits on a named stream.
    fn emit_to(&mut self, stream: &str, values: &[Value]);
    /// Emits on a direct stream to one task; ignored if that task does not subscribe.
    fn emit_direct(&mut self, task: TaskId, stream: &str, values: &[Value]);
    /// The task that runs this.
    fn task(&self) -> TaskId;
    /// The machine's monotonic clock. The answer is recorded, so that the oracle can repeat it.
    fn now(&mut self) -> Instant;
    /// A random word. The answer is recorded, so that the oracle can repeat it.
    fn random(&mut self) -> u64;
}

/// What a bolt can do while it executes a tuple. Keyed state is that of the tuple's key: the fields
/// by which the input was grouped.
///
/// [`BoltContext::get`], [`BoltContext::put`] and [`BoltContext::clear`] are for state without a
/// time-to-live; what the descriptors of [`state`] can do rests on the others.
pub trait BoltContext: Collector {
    /// The current key's value of a cell.
    ///
    /// # Panics
    /// If it has a time-to-live: only the descriptor's own `get` looks whether it has expired.
    fn get(&self, state: ValueState) -> Option<&Value>;
    /// Sets the current key's value of a cell.
    ///
    /// # Panics
    /// If the bolt has not declared the cell, or it has a time-to-live: the run then ends as
    /// *broken*, naming the component.
    fn put(&mut self, state: ValueState, value: Value);
    /// Forgets the current key's row: all its cells.
    fn clear(&mut self);
    /// What lies in a cell of the current key or, for operator and broadcast state, of this task.
    fn cell(&self, cell: &Cell) -> Option<&Value>;
    /// Hands out what lies in a cell, to be changed in place; null is nothing. Calls once.
    ///
    /// # Panics
    /// If the bolt has not declared the cell; if it is keyed and the tuple has no key; if it is
    /// broadcast state and the tuple did not come over an input grouped by `all`.
    fn update(&mut self, cell: &Cell, change: &mut dyn FnMut(&mut Value));
    /// The machine's wall clock in nanoseconds, to be kept with what is written. It is asked at
    /// most once an execution, and the answer recorded, so that the oracle can repeat it.
    fn stamp(&mut self) -> i64;
    /// What was written at this [`BoltContext::stamp`] or before it has expired.
    fn horizon(&mut self, ttl: Ttl) -> i64;
}

/// A source of tuples: turns records of the input log into tuples.
///
/// Position, fetching and replay belong to the engine's connector; a spout sees each record in the
/// order of its partition, again after a restore.
pub trait Spout: SpoutClone + fmt::Debug + Send + Sync {
    /// Declares the output streams.
    fn declare(&self, declarer: &mut Declarer);
    /// Turns one record into tuples.
    fn next(&mut self, record: &Record, out: &mut dyn Collector) -> Outcome;
    /// The tuple tree of a record is complete (at-least-once mode).
    fn ack(&mut self, _root: Root) {}
    /// The tuple tree of a record failed or timed out (at-least-once mode).
    fn fail(&mut self, _root: Root) {}
}

/// A step of the dataflow.
pub trait Bolt: BoltClone + fmt::Debug + Send + Sync {
    /// Declares the output streams and the states.
    fn declare(&self, declarer: &mut Declarer);
    /// Called once for each execution attempt, before the first tuple.
    fn prepare(&mut self, _task: TaskId) {}
    /// Executes one tuple.
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome;
}

/// What a custom grouping is told when its emitting task is deployed.
#[derive(Clone, Copy, Debug)]
pub struct GroupingContext<'a> {
    /// The task that emits.
    pub task: TaskId,
    /// The component that subscribes.
    pub target: &'a str,
    /// The fields of the stream.
    pub fields: &'a Fields,
    /// Those of the targets that run in the emitting task's own worker, ascending.
    pub local_targets: &'a [TaskId],
}

/// A grouping of the user's own (Storm's `CustomStreamGrouping`).
///
/// Each emitting task has a copy for each subscription. Its fields are scratch: every execution
/// attempt starts from the value given to the topology builder. What it chooses may depend on
/// nothing but that value, what it is told, and the tuples before: the oracle asks a copy of its
/// own and must get the same answers.
pub trait CustomStreamGrouping: CustomStreamGroupingClone + fmt::Debug + Send + Sync {
    /// Called once for each execution attempt, before the first tuple. Targets are sorted.
    fn prepare(&mut self, context: &GroupingContext<'_>, stream: &str, targets: &[TaskId]);
    /// The targets that get a tuple which `task` emits: at least one, none twice. Whoever wants to
    /// drop tuples writes a bolt for it, so that their trees end where the engine can see it.
    fn choose_tasks(&mut self, task: TaskId, values: &[Value]) -> Vec<TaskId>;
}

/// Cloning behind the trait object; implemented for every `Clone` grouping.
pub trait CustomStreamGroupingClone {
    /// A boxed copy.
    fn clone_box(&self) -> Box<dyn CustomStreamGrouping>;
}
impl<T: CustomStreamGrouping + Clone + 'static> CustomStreamGroupingClone for T {
    fn clone_box(&self) -> Box<dyn CustomStreamGrouping> {
        Box::new(self.clone())
    }
}
impl Clone for Box<dyn CustomStreamGrouping> {
    fn clone(&self) -> Self {
        (**self).clone_box()
    }
}

/// Cloning behind the trait object; implemented for every `Clone` spout.
pub trait SpoutClone {
    /// A boxed copy.
    fn clone_box(&self) -> Box<dyn Spout>;
}
impl<T: Spout + Clone + 'static> SpoutClone for T {
    fn clone_box(&self) -> Box<dyn Spout> {
        Box::new(self.clone())
    }
}
impl Clone for Box<dyn Spout> {
    fn clone(&self) -> Self {
        (**self).clone_box()
    }
}

/// Cloning behind the trait object; implemented for every `Clone` bolt.
pub trait BoltClone {
    /// A boxed copy.
    fn clone_box(&self) -> Box<dyn Bolt>;
}
impl<T: Bolt + Clone + 'static> BoltClone for T {
    fn clone_box(&self) -> Box<dyn Bolt> {
        Box::new(self.clone())
    }
}
impl Clone for Box<dyn Bolt> {
    fn clone(&self) -> Self {
        (**self).clone_box()
    }
}
