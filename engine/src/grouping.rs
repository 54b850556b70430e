//! Routing: which tasks get an emitted tuple.
//!
//! Rules after Storm's `GrouperFactory` (SEMANTICS 1.1) and Flink's partitioners; keyed tasks by
//! key group, after Flink: `group = floorMod(hash, max_parallelism)`, `task = group * tasks /
//! max_parallelism`. With as many groups as tasks that is Storm's `floorMod(hash, tasks)`.
//!
//! `ring` has the slots of a load-aware shuffle, `choice` the rules of a partial key, of ranges and
//! of users.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::ids::{Generation, StreamId, TaskId};
use crate::java;
use crate::topology::{Component, Grouping, Input, Topology};
use crate::value::Value;

mod choice;
mod ring;

use choice::{Custom, PartialKey, Ranges};
use ring::Ring;

/// The task, counted from 0, that owns a key group.
pub const fn owner(group: u16, tasks: u16, max_parallelism: u16) -> u16 {
    (group as u32 * tasks as u32 / max_parallelism as u32) as u16
}

/// How near a task is to another, nearest first (Storm's `Scope`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Locality {
    /// In the same worker.
    Worker,
    /// On the same machine.
    Host,
    /// In the same rack: every machine, as with Storm's default network topography.
    Rack,
    /// Anywhere.
    Everything,
}

/// A full load, in the unit of loads.
pub const FULL_LOAD: u32 = 1_000_000;

/// What routers are told of the emitting task when it is deployed.
pub struct Emitting<'a> {
    /// The task.
    pub task: TaskId,
    /// Its generation.
    pub generation: Generation,
    /// How near a target is to it.
    pub near: &'a dyn Fn(TaskId) -> Locality,
    /// A random word; asked for by groupings that draw, and by no others.
    pub chance: &'a mut dyn FnMut() -> u64,
}

/// The routing state of one subscription, as one emitting task keeps it for one attempt.
#[derive(Clone, Debug)]
pub struct Router {
    /// The stream it listens to.
    pub stream: StreamId,
    first: u16,
    tasks: u16,
    max_parallelism: u16,
    rule: Rule,
}

#[derive(Clone, Debug)]
enum Rule {
    /// Positions of the fields.
    Fields(Vec<u16>),
    /// Target indices in their shuffled order, and the last one used.
    Shuffle {
        choices: Vec<u16>,
        current: usize,
    },
    All,
    Global,
    Direct,
    /// A target is drawn.
    Draw(java::Random),
    Ring(Box<Ring>),
    PartialKey(Box<PartialKey>),
    Ranges(Box<Ranges>),
    Custom(Box<Custom>),
}

impl Router {
    /// The router of `input` of the component `to`, for the task that emits. The order of a shuffle
    /// is a function of generation, task and stream (see [`shuffle_order`]).
    pub fn new(
        topology: &Topology,
        to: &Component,
        input: &Input,
        emitting: &mut Emitting<'_>,
    ) -> Self {
        let (tasks, from, generation) = (to.parallelism, emitting.task, emitting.generation);
        let all: Vec<u16> = (0..tasks).collect();
        let shuffled = |targets: &[u16]| {
            let order = shuffle_order(targets.len() as u16, generation, from, input.stream);
            let choices = order.iter().map(|at| targets[usize::from(*at)]).collect();
            Rule::Shuffle { choices, current: 0 }
        };
        let near = || to.tasks().map(|task| (emitting.near)(task));
        let rule = match &input.grouping {
            Grouping::Fields(at) => Rule::Fields(at.clone()),
            Grouping::Shuffle => shuffled(&all),
            Grouping::LocalOrShuffle => {
                let local = (0..tasks).zip(near()).filter(|(_, near)| *near == Locality::Worker);
                let local: Vec<u16> = local.map(|(index, _)| index).collect();
                shuffled(if local.is_empty() { &all } else { &local })
            }
            Grouping::LoadAwareShuffle => {
                let near = near().collect();
                Rule::Ring(Box::new(Ring::new(near, seeded(emitting))))
            }
            Grouping::PartialKey(at) => Rule::PartialKey(Box::new(PartialKey::new(at, tasks))),
            Grouping::All => Rule::All,
            Grouping::Global => Rule::Global,
            Grouping::Direct => Rule::Direct,
            Grouping::None | Grouping::Random => Rule::Draw(seeded(emitting)),
            Grouping::Custom(of_user) => {
                let of_user = of_user.clone();
                Rule::Custom(Box::new(Custom::new(of_user, topology, to, input, emitting)))
            }
            Grouping::Range { field, boundaries } => {
                Rule::Ranges(Box::new(Ranges::new(*field, boundaries)))
            }
        };
        Router {
            stream: input.stream,
            first: to.first_task.0,
            tasks,
            max_parallelism: topology.max_parallelism(),
            rule,
        }
    }

    /// Calls `deliver` with each target and the hash of the grouping fields (0 if there are none).
    /// Where chance or load chose the target, its index is returned: it has to be told, for nobody
    /// else can know.
    ///
    /// # Panics
    /// If a custom grouping chooses no task, one twice, or one that is not a target.
    #[inline]
    pub fn route(&mut self, values: &[Value], mut deliver: impl FnMut(TaskId, i32)) -> Option<u16> {
        let mut to = |index: u16, hash: i32| deliver(TaskId(self.first + index), hash);
        match &mut self.rule {
            Rule::Fields(at) => {
                let hash = java::deep_hash_code(at.iter().map(|at| &values[usize::from(*at)]));
                let group = java::floor_mod(hash, self.max_parallelism);
                to(owner(group, self.tasks, self.max_parallelism), hash);
            }
            Rule::Shuffle { choices, current } => {
                // Storm: c = ++cur; c < n -> choices[c]; c == n -> cur = 0, choices[0].
                *current = if *current + 1 < choices.len() { *current + 1 } else { 0 };
                to(choices[*current], 0);
            }
            Rule::All => (0..self.tasks).for_each(|index| to(index, 0)),
            Rule::Global => to(0, 0),
            Rule::Direct => {}
            Rule::Draw(random) => {
                let index = random.next_int_below(i32::from(self.tasks)) as u16;
                to(index, 0);
                return Some(index);
            }
            Rule::Ring(ring) => {
                let index = ring.next();
                to(index, 0);
                return Some(index);
            }
            Rule::PartialKey(partial) => to(partial.choose(values), 0),
            Rule::Ranges(ranges) => to(ranges.index(values), 0),
            Rule::Custom(custom) => custom.choose(values, |index| to(index, 0)),
        }
        None
    }

    /// Whether a direct emission to `task` reaches this subscriber.
    pub fn takes_direct(&self, task: TaskId) -> bool {
        let range = self.first..self.first + self.tasks;
        matches!(self.rule, Rule::Direct) && range.contains(&task.0)
    }

    /// Whether it wants to know how loaded its targets are.
    pub fn is_load_aware(&self) -> bool {
        matches!(self.rule, Rule::Ring(_))
    }

    /// Takes account of the loads of the targets, in parts of [`FULL_LOAD`]. To be called each
    /// second or so; for a router that is not load-aware nothing happens.
    pub fn refresh_load(&mut self, load: impl Fn(TaskId) -> u32) {
        if let Rule::Ring(ring) = &mut self.rule {
            ring.refresh(|index| load(TaskId(self.first + index)));
        }
    }
}

/// A generator of the router's own.
fn seeded(emitting: &mut Emitting<'_>) -> java::Random {
    java::Random::new((emitting.chance)() as i64)
}

/// The order in which a shuffle grouping visits its `tasks` targets: Fisher and Yates's shuffle,
/// from the last place down, by SplitMix64 words reduced with the high half of a product; the seed
/// is `generation << 32 | from << 16 | stream`.
pub fn shuffle_order(
    tasks: u16,
    generation: Generation,
    from: TaskId,
    stream: StreamId,
) -> Vec<u16> {
    let mut seed = u64::from(generation.0) << 32 | u64::from(from.0) << 16 | u64::from(stream.0);
    let mut choices: Vec<u16> = (0..tasks).collect();
    for last in (1..choices.len()).rev() {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = seed;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        let at = ((u128::from(word) * (last as u128 + 1)) >> 64) as usize;
        choices.swap(last, at);
    }
    choices
}

#[cfg(test)]
mod tests;
