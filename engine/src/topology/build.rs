//! The builder: collects components, then checks the whole graph at once.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use smol_str::SmolStr;
use stormglass_sim::time::Span;

use super::{
    Component, DEFAULT_STREAM, Declarer, Delivery, Fields, Grouping, Input, Kind, Topology,
};
use crate::component::state::CellKind;
use crate::component::{Bolt, Cell, CustomStreamGrouping, Spout};
use crate::ids::{ComponentId, StreamId, TaskId};
use crate::value::Value;

/// Why a topology cannot be built: one sentence that names the place and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopologyError {
    /// The component concerned, if it is one.
    pub component: Option<SmolStr>,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for TopologyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.component {
            Some(name) => write!(f, "component `{name}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// CPU time a tuple unless a component says otherwise.
const DEFAULT_CPU: Span = Span::micros(20);
/// Tasks of all components: their numbers, 0 and "none" have 16 bits.
const MAX_TASKS: u32 = u16::MAX as u32 - 1;
/// Key groups unless the builder says otherwise (Flink's lower bound for its default).
const DEFAULT_MAX_PARALLELISM: u16 = 128;

/// Collects the components of a topology.
#[derive(Clone, Debug)]
pub struct TopologyBuilder {
    name: SmolStr,
    components: Vec<ComponentBuilder>,
    max_parallelism: u16,
    commutative: bool,
}

/// A component in the making: its subscriptions and its cost.
#[derive(Clone, Debug)]
pub struct ComponentBuilder {
    name: SmolStr,
    kind: Kind,
    parallelism: u16,
    cpu: Span,
    snapshot_cpu: Span,
    inputs: Vec<Subscription>,
}

#[derive(Clone, Debug)]
struct Subscription {
    from: SmolStr,
    stream: SmolStr,
    by: By,
    /// The fields that name a row, if the sink is idempotent.
    key: Vec<SmolStr>,
}

#[derive(Clone, Debug)]
enum By {
    Fields(Vec<SmolStr>),
    PartialKey(Vec<SmolStr>),
    Range(SmolStr, Arc<[Value]>),
    Other(Grouping),
}

impl TopologyBuilder {
    /// An empty topology.
    pub fn new(name: &str) -> Self {
        TopologyBuilder {
            name: SmolStr::new(name),
            components: Vec::new(),
            max_parallelism: DEFAULT_MAX_PARALLELISM,
            commutative: false,
        }
    }
    /// Adds a spout with that many tasks.
    pub fn spout<S: Spout + 'static>(
        &mut self,
        name: &str,
        spout: S,
        tasks: u16,
    ) -> &mut ComponentBuilder {
        self.add(name, Kind::Spout(Box::new(spout)), tasks)
    }
    /// Adds a bolt with that many tasks.
    pub fn bolt<B: Bolt + 'static>(
        &mut self,
        name: &str,
        bolt: B,
        tasks: u16,
    ) -> &mut ComponentBuilder {
        self.add(name, Kind::Bolt(Box::new(bolt)), tasks)
    }
    /// Adds a sink with that many tasks: it publishes every tuple it receives, in transactions
    /// unless it is made [`ComponentBuilder::idempotent`] or [`ComponentBuilder::plain`].
    pub fn sink(&mut self, name: &str, tasks: u16) -> &mut ComponentBuilder {
        self.add(name, Kind::Sink(Delivery::Transactional), tasks)
    }
    /// Sets the number of key groups (128 unless set): the most tasks a keyed component can have.
    pub fn max_parallelism(&mut self, groups: u16) -> &mut Self {
        self.max_parallelism = groups;
        self
    }
    /// Declares that the final state does not depend on the order of the input; it is then also
    /// compared with the order-free result of the whole input.
    pub fn commutative(&mut self) -> &mut Self {
        self.commutative = true;
        self
    }
    /// Sets the number of tasks of a component that was added before; false if there is none.
    pub fn set_parallelism(&mut self, component: &str, tasks: u16) -> bool {
        let found = self.components.iter_mut().find(|c| c.name == component);
        found.map(|c| c.parallelism = tasks).is_some()
    }
    /// Sets the CPU time of a component that was added before; false if there is none.
    pub fn set_cpu(&mut self, component: &str, a_tuple: Span) -> bool {
        let found = self.components.iter_mut().find(|c| c.name == component);
        found.map(|c| c.cpu = a_tuple).is_some()
    }
    /// Sets the CPU time that its part of a checkpoint takes each task of a component that was
    /// added before (none unless set); false if there is none.
    pub fn set_snapshot_cpu(&mut self, component: &str, a_part: Span) -> bool {
        let found = self.components.iter_mut().find(|c| c.name == component);
        found.map(|c| c.snapshot_cpu = a_part).is_some()
    }
    /// Sets how a sink that was added before hands its records over; false if there is none.
    pub fn set_delivery(&mut self, sink: &str, delivery: Delivery) -> bool {
        let mut components = self.components.iter_mut();
        let found = components.find(|c| c.name == sink && matches!(c.kind, Kind::Sink(_)));
        found.map(|c| c.kind = Kind::Sink(delivery)).is_some()
    }
    /// Names of the components added so far.
    pub fn component_names(&self) -> impl Iterator<Item = &str> {
        self.components.iter().map(|c| c.name.as_str())
    }

    fn add(&mut self, name: &str, kind: Kind, parallelism: u16) -> &mut ComponentBuilder {
        let name = SmolStr::new(name);
        let inputs = Vec::new();
        self.components.push(ComponentBuilder {
            name,
            kind,
            parallelism,
            cpu: DEFAULT_CPU,
            snapshot_cpu: Span::ZERO,
            inputs,
        });
        self.components.last_mut().expect("just added")
    }

    /// Checks the graph.
    ///
    /// # Errors
    /// The first mistake in name order, with its component and the remedy.
    pub fn build(&self) -> Result<Topology, TopologyError> {
        let mut sorted: Vec<&ComponentBuilder> = self.components.iter().collect();
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        let general = |message: String| TopologyError { component: None, message };
        if sorted.is_empty() {
            return Err(general(format!("topology `{}` has no component: add a spout", self.name)));
        }
        if self.max_parallelism == 0 {
            return Err(general(
                "max_parallelism is 0: a topology has at least 1 key group".into(),
            ));
        }
        let tasks: u32 = sorted.iter().map(|c| u32::from(c.parallelism)).sum();
        if tasks > MAX_TASKS {
            return Err(general(format!(
                "the components have {tasks} tasks: {MAX_TASKS} are the most"
            )));
        }
        let ids: BTreeMap<&str, ComponentId> =
            (0..).map(ComponentId).zip(&sorted).map(|(id, c)| (c.name.as_str(), id)).collect();
        let declared: Vec<Declarer> = sorted.iter().map(|c| c.declared()).collect();
        let mut first = 1;
        let mut components = Vec::new();
        for (at, builder) in sorted.iter().enumerate() {
            let component =
                builder.check(at, first, &sorted, &ids, &declared, self.max_parallelism)?;
            first += component.parallelism;
            components.push(component);
        }
        let order = sort_topologically(&components)?;
        let (max_parallelism, commutative) = (self.max_parallelism, self.commutative);
        Ok(Topology { name: self.name.clone(), components, order, max_parallelism, commutative })
    }
}

impl ComponentBuilder {
    /// Subscribes to the default stream of `from`, round robin.
    pub fn shuffle(&mut self, from: &str) -> &mut Self {
        self.shuffle_stream(from, DEFAULT_STREAM)
    }
    /// Subscribes to a named stream, round robin.
    pub fn shuffle_stream(&mut self, from: &str, stream: &str) -> &mut Self {
        self.subscribe(from, stream, By::Other(Grouping::Shuffle))
    }
    /// Subscribes to the default stream of `from`: equal fields meet at the same task.
    pub fn fields(&mut self, from: &str, fields: &[&str]) -> &mut Self {
        self.fields_stream(from, DEFAULT_STREAM, fields)
    }
    /// Subscribes to a named stream: equal fields meet at the same task.
    pub fn fields_stream(&mut self, from: &str, stream: &str, fields: &[&str]) -> &mut Self {
        self.subscribe(from, stream, By::Fields(fields.iter().map(SmolStr::new).collect()))
    }
    /// Subscribes to a stream: each tuple goes to the next slot of a ring on which loaded tasks
    /// have fewer slots, and far tasks none while near ones are free.
    pub fn load_aware_shuffle_grouping(&mut self, from: &str, stream: &str) -> &mut Self {
        self.subscribe(from, stream, By::Other(Grouping::LoadAwareShuffle))
    }
    /// Subscribes to a stream: round robin over the tasks in the emitter's own worker, over all
    /// tasks if there is none.
    pub fn local_or_shuffle_grouping(&mut self, from: &str, stream: &str) -> &mut Self {
        self.subscribe(from, stream, By::Other(Grouping::LocalOrShuffle))
    }
    /// Subscribes to a stream: equal fields meet at one of the same two tasks.
    pub fn partial_key_grouping(&mut self, from: &str, stream: &str, by: &[&str]) -> &mut Self {
        self.subscribe(from, stream, By::PartialKey(by.iter().map(SmolStr::new).collect()))
    }
    /// Subscribes to a stream without a wish: each tuple goes to a task that is drawn for it.
    pub fn none_grouping(&mut self, from: &str, stream: &str) -> &mut Self {
        self.subscribe(from, stream, By::Other(Grouping::None))
    }
    /// Subscribes to a stream: each tuple goes to the tasks that `grouping` chooses.
    pub fn custom_grouping<G: CustomStreamGrouping + 'static>(
        &mut self,
        from: &str,
        stream: &str,
        grouping: G,
    ) -> &mut Self {
        self.subscribe(from, stream, By::Other(Grouping::Custom(Box::new(grouping))))
    }
    /// Subscribes to a stream: the first task gets what has a value of `field` at or below the
    /// first boundary, the next one what lies above that and at or below the second, the last one
    /// the rest. Values are compared as [`Value`]s are: kind by kind, then by contents.
    pub fn range_partition(
        &mut self,
        from: &str,
        stream: &str,
        field: &str,
        boundaries: impl IntoIterator<Item = Value>,
    ) -> &mut Self {
        let by = By::Range(SmolStr::new(field), boundaries.into_iter().collect());
        self.subscribe(from, stream, by)
    }
    /// Subscribes to a stream: each tuple goes to a task that is drawn for it.
    pub fn random_partition(&mut self, from: &str, stream: &str) -> &mut Self {
        self.subscribe(from, stream, By::Other(Grouping::Random))
    }
    /// Subscribes every task to all tuples of a stream.
    pub fn all(&mut self, from: &str, stream: &str) -> &mut Self {
        self.subscribe(from, stream, By::Other(Grouping::All))
    }
    /// Subscribes the first task to all tuples of a stream.
    pub fn global(&mut self, from: &str, stream: &str) -> &mut Self {
        self.subscribe(from, stream, By::Other(Grouping::Global))
    }
    /// Subscribes to a direct stream: the emitter names the task.
    pub fn direct(&mut self, from: &str, stream: &str) -> &mut Self {
        self.subscribe(from, stream, By::Other(Grouping::Direct))
    }
    /// The fields that name a row in what the last subscription brings. An idempotent sink is
    /// grouped by them, whatever the subscription says, and writes its rows under them; another
    /// sink takes no notice.
    pub fn key(&mut self, fields: &[&str]) -> &mut Self {
        if let Some(last) = self.inputs.last_mut() {
            last.key = fields.iter().map(SmolStr::new).collect();
        }
        self
    }
    /// Makes a sink idempotent: it writes at once and under keys, the last write of a key stands.
    /// Each of its inputs must be fields-grouped, or have a [`ComponentBuilder::key`]: a key is
    /// written by one task, or chance would decide what is last.
    pub fn idempotent(&mut self) -> &mut Self {
        self.delivery(Delivery::Idempotent)
    }
    /// Makes a sink plain: it writes at once, and again after a restore.
    pub fn plain(&mut self) -> &mut Self {
        self.delivery(Delivery::Plain)
    }
    /// Sets the CPU time that each tuple takes.
    pub fn cpu(&mut self, a_tuple: Span) -> &mut Self {
        self.cpu = a_tuple;
        self
    }

    fn subscribe(&mut self, from: &str, stream: &str, by: By) -> &mut Self {
        self.inputs.push(Subscription {
            from: SmolStr::new(from),
            stream: SmolStr::new(stream),
            by,
            key: Vec::new(),
        });
        self
    }

    fn delivery(&mut self, delivery: Delivery) -> &mut Self {
        if let Kind::Sink(how) = &mut self.kind {
            *how = delivery;
        }
        self
    }

    fn declared(&self) -> Declarer {
        let mut declarer = Declarer::default();
        match &self.kind {
            Kind::Spout(spout) => spout.declare(&mut declarer),
            Kind::Bolt(bolt) => bolt.declare(&mut declarer),
            Kind::Sink(_) => {}
        }
        declarer
    }

    fn error(&self, message: impl Into<String>) -> TopologyError {
        TopologyError { component: Some(self.name.clone()), message: message.into() }
    }

    fn check(
        &self,
        at: usize,
        first: u16,
        all: &[&ComponentBuilder],
        ids: &BTreeMap<&str, ComponentId>,
        declared: &[Declarer],
        max_parallelism: u16,
    ) -> Result<Component, TopologyError> {
        if all.iter().filter(|c| c.name == self.name).count() > 1 {
            return Err(self.error("two components have this name: names are unique"));
        }
        if self.parallelism == 0 {
            return Err(self.error("it has 0 tasks: a component needs at least 1"));
        }
        let Declarer { streams, cells, operator_cells } = declared[at].clone();
        let duplicate = |(n, stream): (usize, &super::Stream)| {
            streams[..n].iter().any(|earlier| earlier.name == stream.name)
        };
        if streams.iter().enumerate().any(duplicate) {
            return Err(self.error("it declares two streams of the same name"));
        }
        self.check_states(&cells, &operator_cells)?;
        let is_spout = matches!(self.kind, Kind::Spout(_));
        if is_spout && !(cells.is_empty() && operator_cells.is_empty()) {
            return Err(self.error("it declares state, but a spout has none: its source does"));
        }
        if is_spout != self.inputs.is_empty() {
            return Err(self.error(match is_spout {
                true => "a spout cannot subscribe to a stream",
                false => "it subscribes to nothing: name the component it reads from",
            }));
        }
        let inputs: Vec<Input> = self
            .inputs
            .iter()
            .map(|subscription| self.resolve(subscription, ids, declared))
            .collect::<Result<_, _>>()?;
        let twice = |(n, input): (usize, &Input)| {
            inputs[..n].iter().any(|i| (i.from, i.stream) == (input.from, input.stream))
        };
        if let Some(at) = inputs.iter().enumerate().position(twice) {
            let Subscription { from, stream, .. } = &self.inputs[at];
            return Err(self.error(format!("it subscribes twice to stream `{stream}` of `{from}`")));
        }
        let broadcasts = operator_cells.iter().any(|cell| cell.kind == CellKind::Broadcast);
        if broadcasts && !inputs.iter().any(|i| matches!(i.grouping, Grouping::All)) {
            return Err(self.error(
                "it has broadcast state, so one of its inputs must be grouped by all: nothing else \
                 could write it",
            ));
        }
        if !cells.is_empty() {
            let fits = |grouping: &Grouping| match grouping {
                Grouping::Fields(_) => true,
                Grouping::All => broadcasts,
                _ => false,
            };
            if !inputs.iter().all(|input| fits(&input.grouping)) {
                return Err(
                    self.error("it has keyed state, so each of its inputs must be fields-grouped")
                );
            }
            if self.parallelism > max_parallelism {
                return Err(self.error(format!(
                    "it has {} tasks but there are only {max_parallelism} key groups: raise \
                     max_parallelism",
                    self.parallelism
                )));
            }
        }
        let keyed = |input: &Input| matches!(input.grouping, Grouping::Fields(_));
        if matches!(self.kind, Kind::Sink(Delivery::Idempotent)) && !inputs.iter().all(keyed) {
            return Err(self.error(
                "it is idempotent, so each of its inputs must be fields-grouped or have a key",
            ));
        }
        let default_stream = streams.iter().position(|stream| stream.name == DEFAULT_STREAM);
        Ok(Component {
            id: ComponentId(at as u16),
            name: self.name.clone(),
            kind: self.kind.clone(),
            parallelism: self.parallelism,
            first_task: TaskId(first),
            default_stream: default_stream.map(|at| StreamId(at as u16)),
            streams,
            cells,
            operator_cells,
            inputs,
            cpu: self.cpu,
            snapshot_cpu: self.snapshot_cpu,
        })
    }

    fn check_states(&self, cells: &[Cell], operator: &[Cell]) -> Result<(), TopologyError> {
        let disordered =
            |cells: &[Cell]| cells.iter().enumerate().any(|(n, cell)| cell.slot as usize != n);
        if disordered(cells) {
            return Err(
                self.error("its state cells are not declared in the order of slots 0, 1, ..")
            );
        }
        if disordered(operator) {
            return Err(self.error(
                "its operator and broadcast states are not declared in the order of slots 0, 1, ..",
            ));
        }
        let all = || cells.iter().chain(operator);
        let twice = all().find(|cell| all().filter(|other| other.name == cell.name).count() > 1);
        if let Some(cell) = twice {
            return Err(self.error(format!(
                "it declares two states called `{}`: a checkpoint knows them by their names",
                cell.name
            )));
        }
        Ok(())
    }

    fn resolve(
        &self,
        subscription: &Subscription,
        ids: &BTreeMap<&str, ComponentId>,
        declared: &[Declarer],
    ) -> Result<Input, TopologyError> {
        let Subscription { from, stream, by, key } = subscription;
        let Some(&id) = ids.get(from.as_str()) else {
            let names: Vec<&str> = ids.keys().copied().collect();
            return Err(self.error(format!(
                "it subscribes to `{from}`, which does not exist; components are {}",
                names.join(", ")
            )));
        };
        let streams = &declared[id.0 as usize].streams;
        let Some(at) = streams.iter().position(|s| s.name == *stream) else {
            let names: Vec<&str> = streams.iter().map(|s| s.name.as_str()).collect();
            return Err(self.error(format!(
                "it subscribes to stream `{stream}` of `{from}`, which declares {}",
                if names.is_empty() { "none".to_string() } else { names.join(", ") }
            )));
        };
        let declared = &streams[at];
        let idempotent = matches!(self.kind, Kind::Sink(Delivery::Idempotent));
        let by = if idempotent && !key.is_empty() { &By::Fields(key.clone()) } else { by };
        let grouping = match by {
            By::Fields(names) if names.is_empty() => {
                return Err(self.error("its fields grouping names no field: use global instead"));
            }
            By::PartialKey(names) if names.is_empty() => {
                return Err(
                    self.error("its partial-key grouping names no field: use shuffle instead")
                );
            }
            By::Fields(names) => Grouping::Fields(self.positions(names, &declared.fields)?),
            By::PartialKey(names) => Grouping::PartialKey(self.positions(names, &declared.fields)?),
            By::Range(name, boundaries) => {
                let field = self.position(name, &declared.fields)?;
                self.check_boundaries(boundaries)?;
                Grouping::Range { field, boundaries: Arc::clone(boundaries) }
            }
            By::Other(grouping) => grouping.clone(),
        };
        if declared.direct != matches!(grouping, Grouping::Direct) {
            return Err(self.error(format!(
                "stream `{stream}` of `{from}` is {}direct, its grouping here is `{grouping}`",
                if declared.direct { "" } else { "not " }
            )));
        }
        Ok(Input { from: id, stream: StreamId(at as u16), grouping })
    }

    fn positions(&self, names: &[SmolStr], fields: &Fields) -> Result<Vec<u16>, TopologyError> {
        names.iter().map(|name| self.position(name, fields)).collect()
    }

    fn position(&self, name: &SmolStr, fields: &Fields) -> Result<u16, TopologyError> {
        match fields.index_of(name) {
            Some(at) => Ok(at as u16),
            None => Err(self.error(format!(
                "it groups by field `{name}`, but the stream has the fields {}",
                fields.0.iter().map(SmolStr::as_str).collect::<Vec<_>>().join(", ")
            ))),
        }
    }

    fn check_boundaries(&self, boundaries: &[Value]) -> Result<(), TopologyError> {
        let needed = usize::from(self.parallelism) - 1;
        if boundaries.len() != needed {
            return Err(self.error(format!(
                "the boundaries of its range partitioning are {}, and {} tasks need {needed}",
                boundaries.len(),
                self.parallelism,
            )));
        }
        match boundaries.windows(2).find(|pair| pair[0] >= pair[1]) {
            Some(pair) => Err(self.error(format!(
                "the boundaries of its range partitioning do not ascend: {} comes before {}",
                pair[0], pair[1],
            ))),
            None => Ok(()),
        }
    }
}

/// Emitters before subscribers, by repeatedly taking the first component whose inputs are all
/// taken.
fn sort_topologically(components: &[Component]) -> Result<Vec<ComponentId>, TopologyError> {
    let mut order: Vec<ComponentId> = Vec::new();
    while order.len() < components.len() {
        let ready = components.iter().find(|c| {
            !order.contains(&c.id) && c.inputs.iter().all(|input| order.contains(&input.from))
        });
        let Some(component) = ready else {
            let stuck: Vec<&str> = components
                .iter()
                .filter(|c| !order.contains(&c.id))
                .map(|c| c.name.as_str())
                .collect();
            let message = format!("the components {} form a cycle", stuck.join(", "));
            return Err(TopologyError { component: None, message });
        };
        order.push(component.id);
    }
    Ok(order)
}
