//! Routing: which tasks get an emitted tuple.
//!
//! Rules after Storm's `GrouperFactory` (SEMANTICS 1.1); keyed tasks by key group, after Flink:
//! `group = floorMod(hash, max_parallelism)`, `task = group * tasks / max_parallelism`. With as
//! many groups as tasks that is Storm's `floorMod(hash, tasks)`.

use alloc::vec::Vec;

use crate::ids::{Generation, StreamId, TaskId};
use crate::java;
use crate::topology::{Component, Grouping, Input, Topology};
use crate::value::Value;

/// The task, counted from 0, that owns a key group.
pub const fn owner(group: u16, tasks: u16, max_parallelism: u16) -> u16 {
    (group as u32 * tasks as u32 / max_parallelism as u32) as u16
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
}

impl Router {
    /// The router of `input` of the component `to`, for the emitting task `from`. The order of a
    /// shuffle is a function of generation, task and stream (see [`shuffle_order`]).
    pub fn new(
        topology: &Topology,
        to: &Component,
        input: &Input,
        from: TaskId,
        generation: Generation,
    ) -> Self {
        let rule = match &input.grouping {
            Grouping::Fields(at) => Rule::Fields(at.clone()),
            Grouping::Shuffle => Rule::Shuffle {
                choices: shuffle_order(to.parallelism, generation, from, input.stream),
                current: 0,
            },
            Grouping::All => Rule::All,
            Grouping::Global => Rule::Global,
            Grouping::Direct => Rule::Direct,
        };
        Router {
            stream: input.stream,
            first: to.first_task.0,
            tasks: to.parallelism,
            max_parallelism: topology.max_parallelism(),
            rule,
        }
    }

    /// Calls `deliver` with each target and the hash of the grouping fields (0 if there are none).
    #[inline]
    pub fn route(&mut self, values: &[Value], mut deliver: impl FnMut(TaskId, i32)) {
        match &mut self.rule {
            Rule::Fields(at) => {
                let hash = java::deep_hash_code(at.iter().map(|at| &values[usize::from(*at)]));
                let group = java::floor_mod(hash, self.max_parallelism);
                let index = owner(group, self.tasks, self.max_parallelism);
                deliver(TaskId(self.first + index), hash);
            }
            Rule::Shuffle { choices, current } => {
                // Storm: c = ++cur; c < n -> choices[c]; c == n -> cur = 0, choices[0].
                *current = if *current + 1 < choices.len() { *current + 1 } else { 0 };
                deliver(TaskId(self.first + choices[*current]), 0);
            }
            Rule::All => (0..self.tasks).for_each(|index| deliver(TaskId(self.first + index), 0)),
            Rule::Global => deliver(TaskId(self.first), 0),
            Rule::Direct => {}
        }
    }

    /// Whether a direct emission to `task` reaches this subscriber.
    pub fn takes_direct(&self, task: TaskId) -> bool {
        let range = self.first..self.first + self.tasks;
        matches!(self.rule, Rule::Direct) && range.contains(&task.0)
    }
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
