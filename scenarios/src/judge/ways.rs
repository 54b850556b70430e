//! The ways a task's tuples may take to a subscriber, where that depends on more than the tuple: on
//! what was sent before, on places, on chance, on load, on a rule of the user's.
//!
//! Rules after Storm's documentation of its groupings and Flink's of range partitioning; random
//! numbers after the documentation of `java.util.Random`. The user's own rule is asked itself, a
//! copy of it. None of this is shared with the engine.
//!
//! What can be known is demanded exactly: shuffles, partial keys, ranges, custom groupings. Chance
//! and load cannot be known: there any target will do that the engine told, and no other. Whether
//! draws are fair and loads were heeded is not judged.

use stormglass_engine::component::{CustomStreamGrouping, GroupingContext};
use stormglass_engine::ids::{Generation, TaskId};
use stormglass_engine::topology::Grouping;
use stormglass_engine::value::Value;
use stormglass_sim::node::NodeId;

use super::plan::{Outlet, Plan, Shuffle, java_hash};

/// The state of one subscription, as one emitting task has it within a generation.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// The tuple alone decides.
    Plain,
    /// One target after the other.
    Shuffle(Shuffle),
    /// One of these after the other.
    Local(Shuffle, Vec<u16>),
    /// Tuples sent to each target so far.
    PartialKey(Vec<u64>),
    /// A copy of the user's rule.
    Custom(Box<dyn CustomStreamGrouping>),
    /// Chance or load decides; the engine tells each time.
    Told,
}

/// Where a tuple has to go.
#[derive(Debug)]
pub(super) enum Due {
    /// To this target.
    One(u16),
    /// To each of these.
    Each(Vec<u16>),
    /// To the one target that the engine told.
    Told,
}

impl Way {
    /// Nothing was sent yet by the task `from`, where `node` tells the place of every task.
    pub(super) fn new(
        plan: &Plan,
        outlet: &Outlet,
        from: TaskId,
        generation: Generation,
        node: &dyn Fn(TaskId) -> Option<NodeId>,
    ) -> Self {
        let shuffle = |tasks: u16| Shuffle::new(tasks, generation, from, outlet.stream);
        let is_local =
            |index: &u16| node(TaskId(outlet.first + index)).is_some_and(|n| node(from) == Some(n));
        match &outlet.grouping {
            Grouping::Shuffle => Way::Shuffle(shuffle(outlet.tasks)),
            Grouping::LocalOrShuffle => {
                let local: Vec<u16> = (0..outlet.tasks).filter(is_local).collect();
                match local.len() as u16 {
                    0 => Way::Shuffle(shuffle(outlet.tasks)),
                    some => Way::Local(shuffle(some), local),
                }
            }
            Grouping::PartialKey(_) => Way::PartialKey(vec![0; usize::from(outlet.tasks)]),
            Grouping::Custom(of_user) => {
                let mut of_user = of_user.clone();
                let task = |index: u16| TaskId(outlet.first + index);
                let local: Vec<TaskId> = (0..outlet.tasks).filter(is_local).map(task).collect();
                let targets: Vec<TaskId> = (0..outlet.tasks).map(task).collect();
                let topology = &plan.topology;
                let stream = &topology.component_of(from).streams[usize::from(outlet.stream)];
                let context = GroupingContext {
                    task: from,
                    target: &topology.components()[usize::from(outlet.to)].name,
                    fields: &stream.fields,
                    local_targets: &local,
                };
                of_user.prepare(&context, &stream.name, &targets);
                Way::Custom(of_user)
            }
            Grouping::LoadAwareShuffle | Grouping::None | Grouping::Random => Way::Told,
            Grouping::Fields(_)
            | Grouping::All
            | Grouping::Global
            | Grouping::Direct
            | Grouping::Range { .. } => Way::Plain,
        }
    }

    /// Where the next tuple has to go that `from` emits with these values. For groupings of which
    /// [`is_loose`] is true.
    pub(super) fn next(&mut self, outlet: &Outlet, from: TaskId, values: &[Value]) -> Due {
        match (self, &outlet.grouping) {
            (_, Grouping::Range { field, boundaries }) => {
                let value = values.get(usize::from(*field)).unwrap_or(&Value::Null);
                Due::One(boundaries.iter().filter(|boundary| *boundary < value).count() as u16)
            }
            (Way::PartialKey(sent), Grouping::PartialKey(fields)) => {
                let [a, b] = halves(values, fields, outlet.tasks).map(usize::from);
                let less = if sent[a] <= sent[b] { a } else { b };
                sent[less] += 1;
                Due::One(less as u16)
            }
            (Way::Custom(of_user), _) => {
                let chosen = of_user.choose_tasks(from, values);
                let index = |task: &TaskId| task.0.wrapping_sub(outlet.first);
                Due::Each(chosen.iter().map(index).filter(|index| *index < outlet.tasks).collect())
            }
            (Way::Shuffle(shuffle), _) => Due::One(shuffle.visit()),
            (Way::Local(shuffle, targets), _) => Due::One(targets[usize::from(shuffle.visit())]),
            _ => Due::Told,
        }
    }
}

/// Whether it takes a [`Way`] to know where tuples have to go; plain shuffles apart, which are so
/// frequent that the oracle follows them itself.
pub(super) fn is_loose(grouping: &Grouping) -> bool {
    match grouping {
        Grouping::Shuffle
        | Grouping::Fields(_)
        | Grouping::All
        | Grouping::Global
        | Grouping::Direct => false,
        Grouping::LoadAwareShuffle
        | Grouping::LocalOrShuffle
        | Grouping::PartialKey(_)
        | Grouping::None
        | Grouping::Custom(_)
        | Grouping::Range { .. }
        | Grouping::Random => true,
    }
}

/// The two targets of a partial key: two draws below the number of targets, seeded by the hash of
/// the bytes of the fields' hash codes; if they meet, the second moves on by one.
pub(super) fn halves(values: &[Value], fields: &[u16], tasks: u16) -> [u16; 2] {
    let mut seed = 1i32;
    for field in fields {
        let hash = values.get(usize::from(*field)).map_or(0, java_hash);
        for shift in [24, 16, 8, 0] {
            let byte = i32::from((hash >> shift) as i8);
            seed = seed.wrapping_mul(31).wrapping_add(byte);
        }
    }
    let mut java = Java::new(i64::from(seed));
    let draws = [java.below(tasks), java.below(tasks)];
    match draws {
        [a, b] if a == b => [a, (b + 1) % tasks.max(1)],
        both => both,
    }
}

/// Java's random numbers.
struct Java {
    state: u128,
}

impl Java {
    const FACTOR: u128 = 25_214_903_917;
    const STATES: u128 = 1 << 48;

    fn new(seed: i64) -> Self {
        let low = u128::from(seed as u64) % Java::STATES;
        Java { state: (low ^ Java::FACTOR) % Java::STATES }
    }

    /// `nextInt(n)`.
    fn below(&mut self, n: u16) -> u16 {
        let n = u128::from(n.max(1));
        loop {
            self.state = (self.state * Java::FACTOR + 11) % Java::STATES;
            // The upper 31 of 48 bits.
            let word = self.state >> 17;
            if n.is_power_of_two() {
                return ((word * n) >> 31) as u16;
            }
            // Only words below the greatest multiple of n are fair.
            if word < (1 << 31) / n * n {
                return (word % n) as u16;
            }
        }
    }
}
