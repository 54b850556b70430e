//! Topologies: a checked graph of spouts, bolts and sinks, with declared streams and groupings.
//!
//! ```
//! use stormglass_engine::component::{Bolt, BoltContext, Collector, Outcome, Record, Spout,
//! ValueState}; use stormglass_engine::topology::{Declarer, TopologyBuilder}; use
//! stormglass_engine::tuple::Tuple;
//!
//! #[derive(Clone, Debug)]
//! struct Words;
//! impl Spout for Words {
//!     fn declare(&self, declarer: &mut Declarer) {
//!         declarer.stream(&["word"]);
//!     }
//!     fn next(&mut self, record: &Record, out: &mut dyn Collector) -> Outcome {
//!         out.emit(&[record.text.as_str().into()]);
//!         Ok(())
//!     }
//! }
//!
//! const COUNT: ValueState = ValueState::new(0, "count");
//! #[derive(Clone, Debug)]
//! struct Count;
//! impl Bolt for Count {
//!     fn declare(&self, declarer: &mut Declarer) {
//!         declarer.stream(&["word", "count"]).state(COUNT);
//!     }
//!     fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
//!         let count = cx.get(COUNT).and_then(|v| v.as_int()).unwrap_or(0) + 1;
//!         cx.put(COUNT, count.into());
//!         cx.emit(&[tuple.values[0].clone(), count.into()]);
//!         Ok(())
//!     }
//! }
//!
//! let mut builder = TopologyBuilder::new("word-count");
//! builder.spout("words", Words, 2);
//! builder.bolt("count", Count, 4).fields("words", &["word"]);
//! builder.sink("publish", 1).shuffle("count");
//! let topology = builder.build().unwrap();
//! assert_eq!(topology.tasks(), 7);
//! ```

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use smol_str::SmolStr;
use stormglass_sim::time::Span;

use crate::component::{Bolt, Cell, CustomStreamGrouping, Descriptor, Spout};
use crate::ids::{ComponentId, StreamId, TaskId};
use crate::value::Value;

mod build;
pub use build::{ComponentBuilder, TopologyBuilder, TopologyError};
#[cfg(test)]
mod tests;

/// The name of the stream that a component has if it names none.
pub const DEFAULT_STREAM: &str = "default";

/// The declared fields of a stream, in order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Fields(pub Vec<SmolStr>);

impl Fields {
    /// The position of a field.
    pub fn index_of(&self, field: &str) -> Option<usize> {
        self.0.iter().position(|name| name == field)
    }
}

/// A declared output stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its name, unique within the component.
    pub name: SmolStr,
    /// What its tuples carry.
    pub fields: Fields,
    /// Whether the emitter chooses the receiving task.
    pub direct: bool,
}

/// Collects what a component declares.
#[derive(Clone, Debug, Default)]
pub struct Declarer {
    pub(crate) streams: Vec<Stream>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) operator_cells: Vec<Cell>,
}

impl Declarer {
    /// Declares the default stream.
    pub fn stream(&mut self, fields: &[&str]) -> &mut Self {
        self.named_stream(DEFAULT_STREAM, fields)
    }
    /// Declares a named stream.
    pub fn named_stream(&mut self, name: &str, fields: &[&str]) -> &mut Self {
        self.push(name, fields, false)
    }
    /// Declares a direct stream: only `emit_direct` may use it.
    pub fn direct_stream(&mut self, name: &str, fields: &[&str]) -> &mut Self {
        self.push(name, fields, true)
    }
    /// Declares a state: keyed ones in the order of their slots, and so those of the operator.
    #[expect(clippy::needless_pass_by_value, reason = "descriptors are small constants")]
    pub fn state(&mut self, state: impl Descriptor) -> &mut Self {
        let cells = match state.kind.is_keyed() {
            true => &mut self.cells,
            false => &mut self.operator_cells,
        };
        cells.push(*state);
        self
    }

    fn push(&mut self, name: &str, fields: &[&str], direct: bool) -> &mut Self {
        let fields = Fields(fields.iter().map(SmolStr::new).collect());
        self.streams.push(Stream { name: SmolStr::new(name), fields, direct });
        self
    }
}

/// How the tuples of a stream are spread over the tasks of a subscriber (SEMANTICS: Storm's
/// `GrouperFactory`, Flink's partitioners). Target tasks are sorted ascending first. What a rule
/// remembers or draws belongs to one emitting task in one attempt.
#[derive(Clone, Debug)]
pub enum Grouping {
    /// Plain round robin over the targets, which each emitting attempt shuffles once at prepare
    /// (Storm with load-aware messaging off).
    Shuffle,
    /// Shuffled slots around a ring: a loaded target has fewer of them, and far targets have none
    /// until the near ones are loaded (Storm with load-aware messaging on).
    LoadAwareShuffle,
    /// As [`Grouping::Shuffle`], but only over the targets in the emitter's own worker if there are
    /// any.
    LocalOrShuffle,
    /// By the hash of these fields (positions in the stream).
    Fields(Vec<u16>),
    /// To one of two targets that the hash of these fields names: the one that this emitter has
    /// sent less to, the first if they are equal.
    PartialKey(Vec<u16>),
    /// To every task.
    All,
    /// To the task with the lowest id.
    Global,
    /// To the task that the emitter names.
    Direct,
    /// To a task drawn for each tuple: Storm says that one does not care, and draws.
    None,
    /// To the tasks that the user's own rule chooses.
    Custom(Box<dyn CustomStreamGrouping>),
    /// By the order of a field: the n-th task gets what is above the boundary before it and at or
    /// below its own (Flink's range partitioning). The last task has no upper boundary.
    Range {
        /// The position of the field.
        field: u16,
        /// Ascending; one fewer than there are tasks.
        boundaries: Arc<[Value]>,
    },
    /// To a task drawn for each tuple (Flink's `shuffle`).
    Random,
}

/// A subscription of a component to a stream.
#[derive(Clone, Debug)]
pub struct Input {
    /// The emitting component.
    pub from: ComponentId,
    /// Which of its streams.
    pub stream: StreamId,
    /// How tuples are spread.
    pub grouping: Grouping,
}

/// What a component is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Reads the input log.
    Spout(Box<dyn Spout>),
    /// Executes tuples.
    Bolt(Box<dyn Bolt>),
    /// Publishes what it receives.
    Sink(Delivery),
}

/// How a sink hands its records over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Delivery {
    /// In transactions that checkpoints end and their completions make visible: each record is
    /// visible once.
    #[default]
    Transactional,
    /// At once, each under its key, the fields by which its input is grouped: the last write of a
    /// key stands. A replay writes again what it wrote, so that in the end each record counts once.
    Idempotent,
    /// At once, one after the other: at least once, for after a restore records come again.
    Plain,
}

/// A component of a checked topology.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its position in name order.
    pub id: ComponentId,
    /// Its name.
    pub name: SmolStr,
    /// What it is, with the user's pristine value.
    pub kind: Kind,
    /// Number of tasks.
    pub parallelism: u16,
    /// Its first task; the others follow.
    pub first_task: TaskId,
    /// Declared output streams.
    pub streams: Vec<Stream>,
    /// The one of what is emitted without a name, if it has been declared.
    pub default_stream: Option<StreamId>,
    /// Declared cells of keyed state.
    pub cells: Vec<Cell>,
    /// Declared cells of operator and broadcast state.
    pub operator_cells: Vec<Cell>,
    /// Subscriptions, in order of declaration.
    pub inputs: Vec<Input>,
    /// CPU time a tuple.
    pub cpu: Span,
    /// CPU time that its part of a checkpoint takes a task, which does nothing else meanwhile.
    pub snapshot_cpu: Span,
}

impl Component {
    /// Its tasks, ascending.
    pub fn tasks(&self) -> impl DoubleEndedIterator<Item = TaskId> + Clone + use<> {
        let first = self.first_task.0;
        (first..first + self.parallelism).map(TaskId)
    }
    /// Whether it has keyed state.
    pub fn is_keyed(&self) -> bool {
        !self.cells.is_empty()
    }
    /// The subscription to a stream.
    pub fn input(&self, from: ComponentId, stream: StreamId) -> Option<&Input> {
        self.inputs.iter().find(|input| input.from == from && input.stream == stream)
    }
    /// The stream of that name.
    pub fn stream_id(&self, name: &str) -> Option<StreamId> {
        self.streams.iter().position(|s| s.name == name).map(|at| StreamId(at as u16))
    }
}

/// A checked graph of components.
///
/// Invariants: acyclic; every subscription names a stream that exists; every component has at least
/// one task; `max_parallelism` is at least the parallelism of every keyed component; every input of
/// a keyed component is fields-grouped, or grouped by `all` if it has broadcast state.
#[derive(Clone, Debug)]
pub struct Topology {
    name: SmolStr,
    components: Vec<Component>,
    order: Vec<ComponentId>,
    max_parallelism: u16,
    commutative: bool,
}

impl Topology {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The components in name order.
    pub fn components(&self) -> &[Component] {
        &self.components
    }
    /// The components with every emitter before its subscribers.
    pub fn in_order(&self) -> impl DoubleEndedIterator<Item = &Component> {
        self.order.iter().map(|id| self.component(*id))
    }
    /// One component.
    pub fn component(&self, id: ComponentId) -> &Component {
        &self.components[id.0 as usize]
    }
    /// The component of that name.
    pub fn find(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|c| c.name == name)
    }
    /// The component that a task belongs to.
    ///
    /// # Panics
    /// If there is no such task.
    pub fn component_of(&self, task: TaskId) -> &Component {
        let holds =
            |c: &&Component| c.first_task <= task && task.0 < c.first_task.0 + c.parallelism;
        self.components.iter().find(holds).expect("a task of this topology")
    }
    /// Number of tasks of all components; their ids are `1..=tasks()`.
    pub fn tasks(&self) -> u16 {
        self.components.iter().map(|c| c.parallelism).sum()
    }
    /// Who subscribes to a component's streams: (subscriber, its input), in name order.
    pub fn subscribers(&self, of: ComponentId) -> impl Iterator<Item = (&Component, &Input)> {
        self.components.iter().flat_map(move |component| {
            let of_it = component.inputs.iter().filter(move |input| input.from == of);
            of_it.map(move |input| (component, input))
        })
    }
    /// Number of key groups of every keyed component.
    pub fn max_parallelism(&self) -> u16 {
        self.max_parallelism
    }
    /// Whether the final state is declared not to depend on the order of the input.
    pub fn is_commutative(&self) -> bool {
        self.commutative
    }
    /// The key groups that the `index`-th task of a component with `parallelism` tasks owns.
    pub fn key_groups(&self, index: u16, parallelism: u16) -> Range<u16> {
        let bound = |task: u32| {
            (task * u32::from(self.max_parallelism)).div_ceil(u32::from(parallelism)) as u16
        };
        bound(u32::from(index))..bound(u32::from(index) + 1)
    }
    /// A task as people name it: `count[2]`, the index counted from 0.
    pub fn task_name(&self, task: TaskId) -> String {
        if task == TaskId::BROKER {
            return "broker".to_string();
        }
        let component = self.component_of(task);
        alloc::format!("{}[{}]", component.name, task.0 - component.first_task.0)
    }
}

impl fmt::Display for Grouping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Grouping::Shuffle => "shuffle",
            Grouping::LoadAwareShuffle => "load-aware shuffle",
            Grouping::LocalOrShuffle => "local-or-shuffle",
            Grouping::Fields(_) => "fields",
            Grouping::PartialKey(_) => "partial-key",
            Grouping::All => "all",
            Grouping::Global => "global",
            Grouping::Direct => "direct",
            Grouping::None => "none",
            Grouping::Custom(_) => "custom",
            Grouping::Range { .. } => "range",
            Grouping::Random => "random",
        })
    }
}
