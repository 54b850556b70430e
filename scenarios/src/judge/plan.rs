//! The judges' own reading of a topology: who sends to whom, over which lane, by which rule.
//!
//! A lane is the channel from one task to another. Rules after Storm's documentation of its
//! groupings and Flink's of key groups; hashes after the Java class library's documentation. None
//! of this is shared with the engine.

use std::sync::Arc;

use stormglass_engine::ids::{Generation, TaskId};
use stormglass_engine::topology::{Component, DEFAULT_STREAM, Delivery, Grouping, Kind, Topology};
use stormglass_engine::value::Value;

use super::ways::is_loose;

/// No lane.
pub(super) const NONE: u32 = u32::MAX;

/// A topology, prepared for judging.
#[derive(Debug)]
pub(super) struct Plan {
    /// The topology itself.
    pub(super) topology: Arc<Topology>,
    /// What is known of each component, by id.
    pub(super) parts: Vec<Part>,
    /// The component of each task; that of the broker (0) means nothing.
    pub(super) component_of: Vec<u16>,
    /// Number of lanes.
    pub(super) lanes: usize,
}

/// One component's place in the flow.
#[derive(Debug)]
pub(super) struct Part {
    /// Its subscribers' subscriptions, in the order of names and declarations.
    pub(super) outlets: Vec<Outlet>,
    /// The position of its default stream.
    pub(super) default_stream: Option<u16>,
    /// By emitting task: the lane to this component's first task, the others follow.
    pub(super) lanes_from: Vec<u32>,
    /// Which components are upstream of it.
    pub(super) upstream: Vec<bool>,
    /// How often it can legally execute one (root, child): over how many paths it comes.
    pub(super) copies: u32,
    /// How many steps below their root its inputs are, at most.
    pub(super) depth: u32,
    /// Whether an input is grouped in a way that the tuple alone does not decide.
    pub(super) loose: bool,
    /// By stream: whether all its subscribers are sinks with transactions. They only need the
    /// fingerprints of its tuples.
    pub(super) printed: Vec<bool>,
}

/// One subscription, seen from the emitter.
#[derive(Debug)]
pub(super) struct Outlet {
    /// The emitter's stream.
    pub(super) stream: u16,
    /// The subscriber.
    pub(super) to: u16,
    /// Which of the subscriber's inputs.
    pub(super) input: u16,
    /// The subscriber's first task.
    pub(super) first: u16,
    /// The subscriber's number of tasks.
    pub(super) tasks: u16,
    /// How tuples are spread.
    pub(super) grouping: Grouping,
    /// The lane from the emitter's first to the subscriber's first task.
    pub(super) lanes: u32,
}

impl Plan {
    /// Reads a topology.
    pub(super) fn new(topology: Arc<Topology>) -> Self {
        let components = topology.components();
        let mut plan = Plan {
            parts: components.iter().map(|c| Part::new(c, components.len())).collect(),
            component_of: vec![0; usize::from(topology.tasks()) + 1],
            lanes: 0,
            topology: Arc::clone(&topology),
        };
        for component in components {
            for task in component.tasks() {
                plan.component_of[usize::from(task.0)] = component.id.0;
            }
        }
        for component in topology.in_order() {
            plan.connect(component);
        }
        plan
    }

    /// Adds the subscribers of a component whose own inputs are all connected.
    fn connect(&mut self, component: &Component) {
        let topology = Arc::clone(&self.topology);
        let id = usize::from(component.id.0);
        self.parts[id].take_inputs(component);
        let inputs = topology.components().iter().flat_map(|to| {
            let numbered = to.inputs.iter().enumerate();
            numbered.filter(|(_, i)| i.from == component.id).map(move |(at, i)| (to, at, i))
        });
        for (to, position, input) in inputs {
            let at = usize::from(to.id.0);
            if self.parts[at].lanes_from.is_empty() {
                self.parts[at].lanes_from = vec![NONE; self.component_of.len()];
            }
            let mut lanes = self.parts[at].lanes_from[usize::from(component.first_task.0)];
            if lanes == NONE {
                lanes = self.lanes as u32;
                self.lanes += usize::from(component.parallelism) * usize::from(to.parallelism);
                for (index, task) in component.tasks().enumerate() {
                    self.parts[at].lanes_from[usize::from(task.0)] =
                        lanes + index as u32 * u32::from(to.parallelism);
                }
            }
            let prints = matches!(to.kind, Kind::Sink(Delivery::Transactional));
            self.parts[id].printed[usize::from(input.stream.0)] &= prints;
            self.parts[id].outlets.push(Outlet {
                stream: input.stream.0,
                to: to.id.0,
                input: position as u16,
                first: to.first_task.0,
                tasks: to.parallelism,
                grouping: input.grouping.clone(),
                lanes,
            });
            let (upstream, copies, depth) = {
                let from = &self.parts[id];
                (from.upstream.clone(), from.copies, from.depth)
            };
            let part = &mut self.parts[at];
            part.upstream.iter_mut().zip(upstream).for_each(|(mine, theirs)| *mine |= theirs);
            part.upstream[id] = true;
            let to_several = matches!(input.grouping, Grouping::All | Grouping::Custom(_));
            let width = if to_several { to.parallelism } else { 1 };
            part.copies = part.copies.saturating_add(copies.saturating_mul(u32::from(width)));
            part.depth = part.depth.max(depth + 1);
        }
    }

    /// The component of a task, if there is such a task.
    pub(super) fn component(&self, task: TaskId) -> Option<&Component> {
        let known = task != TaskId::BROKER && usize::from(task.0) < self.component_of.len();
        known.then(|| self.topology.component_of(task))
    }
    /// A task as people name it, even one that does not exist.
    pub(super) fn name(&self, task: TaskId) -> String {
        match task == TaskId::BROKER || self.component(task).is_some() {
            true => self.topology.task_name(task),
            false => format!("task {}", task.0),
        }
    }
    /// The lane between two tasks, if the one sends to the other.
    #[inline]
    pub(super) fn lane(&self, from: TaskId, to: &Component, index: u16) -> Option<usize> {
        let lanes = &self.parts[usize::from(to.id.0)].lanes_from;
        let first = *lanes.get(usize::from(from.0))?;
        (first != NONE).then(|| first as usize + usize::from(index))
    }
    /// Which components can be reached from one over the streams in a set: one bit each, the
    /// highest for all streams from 15 on.
    pub(super) fn reach(&self, from: &Component, streams: u16) -> Vec<bool> {
        let mut reached = vec![false; self.parts.len()];
        let outlets = &self.parts[usize::from(from.id.0)].outlets;
        let in_set = |outlet: &&Outlet| streams >> outlet.stream.min(15) & 1 == 1;
        for first in outlets.iter().filter(in_set).map(|outlet| usize::from(outlet.to)) {
            reached[first] = true;
            for (at, part) in self.parts.iter().enumerate() {
                reached[at] |= part.upstream[first];
            }
        }
        reached
    }
    /// How often a component can legally execute one (root, child) that comes from another.
    pub(super) fn copies_from(&self, to: &Component, from: &Component) -> u32 {
        let of_stream = |stream: u16| {
            let same = to.inputs.iter().filter(|i| i.from == from.id && i.stream.0 == stream);
            same.count() as u32
        };
        let subscriptions = (0..from.streams.len() as u16).map(of_stream).max().unwrap_or(0);
        subscriptions.saturating_mul(self.parts[usize::from(from.id.0)].copies)
    }
}

impl Part {
    fn new(component: &Component, components: usize) -> Self {
        Part {
            outlets: Vec::new(),
            default_stream: component.stream_id(DEFAULT_STREAM).map(|id| id.0),
            lanes_from: Vec::new(),
            upstream: vec![false; components],
            copies: 0,
            depth: 0,
            loose: component.inputs.iter().any(|input| is_loose(&input.grouping)),
            printed: vec![true; component.streams.len()],
        }
    }
    fn take_inputs(&mut self, component: &Component) {
        if component.inputs.is_empty() {
            self.copies = 1;
        }
    }
}

/// The state of a shuffle: its order of visits, and the place it visited last.
#[derive(Clone, Debug, Default)]
pub(super) struct Shuffle {
    order: Vec<u16>,
    last: usize,
}

impl Shuffle {
    /// The order in which the task `from` visits `tasks` targets over a stream in a generation. As
    /// documented: shuffled from the last place down, places drawn from SplitMix64's words by the
    /// high half of a product, seeded by `generation << 32 | task << 16 | stream`.
    pub(super) fn new(tasks: u16, generation: Generation, from: TaskId, stream: u16) -> Self {
        let seed = (u64::from(generation.0) << 32) + (u64::from(from.0) << 16) + u64::from(stream);
        let mut words = SplitMix(seed);
        let mut order: Vec<u16> = (0..tasks).collect();
        let mut last = order.len();
        while last > 1 {
            let place = (u128::from(words.next()) * last as u128) >> 64;
            last -= 1;
            order.swap(place as usize, last);
        }
        Shuffle { order, last: 0 }
    }
    /// The next target; the first visit is to the second place, as in Storm.
    #[inline]
    pub(super) fn visit(&mut self) -> u16 {
        self.last += 1;
        if self.last >= self.order.len() {
            self.last = 0;
        }
        self.order.get(self.last).copied().unwrap_or(0)
    }
}

struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Java's `Arrays.deepHashCode` of the selected values.
#[inline]
pub(super) fn hash_fields(values: &[Value], fields: &[u16]) -> i32 {
    let mut hash = 1i32;
    for field in fields {
        let of_one = values.get(usize::from(*field)).map_or(0, java_hash);
        hash = hash.wrapping_mul(31).wrapping_add(of_one);
    }
    hash
}

/// Java's `Math.floorMod(hash, n)`; 0 if `n` is.
#[inline]
pub(super) fn floor_mod(hash: i32, n: u16) -> u16 {
    hash.checked_rem_euclid(i32::from(n)).unwrap_or(0) as u16
}

/// The index of the task that owns a key group.
#[inline]
pub(super) fn owner(group: u16, tasks: u16, groups: u16) -> u16 {
    (u32::from(group) * u32::from(tasks) / u32::from(groups.max(1))) as u16
}

/// Java's polynomial over parts: `h(s) = s[0] * 31^(n-1) + ... + s[n-1]`, and `start * 31^n`.
#[inline]
fn polynomial(start: i32, parts: impl Iterator<Item = i32>) -> i32 {
    parts.fold(start, |h, part| h.wrapping_mul(31).wrapping_add(part))
}

/// Java's `hashCode` of what the value is in Java.
pub(super) fn java_hash(value: &Value) -> i32 {
    let halves = |bits: u64| ((bits >> 32) as u32 ^ bits as u32) as i32;
    match value {
        Value::Null => 0,
        Value::Bool(yes) => {
            if *yes {
                1231
            } else {
                1237
            }
        }
        Value::Int(n) => halves(*n as u64),
        Value::Float(x) if x.is_nan() => halves(0x7ff8 << 48),
        Value::Float(x) => halves(x.to_bits()),
        Value::Str(s) => {
            // What each byte may say of all: whether it is a unit of its own.
            let mut high = 0;
            let hash = polynomial(0, s.bytes().inspect(|b| high |= b).map(i32::from));
            match high < 0x80 {
                true => hash,
                false => polynomial(0, s.encode_utf16().map(i32::from)),
            }
        }
        Value::Bytes(bytes) => polynomial(1, bytes.iter().map(|b| i32::from(*b as i8))),
        Value::List(items) => polynomial(1, items.iter().map(java_hash)),
    }
}
