//! Rules that look at each tuple: a partial key, ranges, and what users write.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use smol_str::SmolStr;

use super::{Emitting, Locality};
use crate::component::{CustomStreamGrouping, GroupingContext};
use crate::ids::TaskId;
use crate::java;
use crate::topology::{Component, Input, Topology};
use crate::value::Value;

/// Storm's partial key: each key has two targets, and the emitter balances between them.
#[derive(Clone, Debug)]
pub(super) struct PartialKey {
    /// Positions of the fields.
    fields: Vec<u16>,
    /// Tuples sent to each target.
    sent: Vec<u64>,
}

impl PartialKey {
    pub(super) fn new(fields: &[u16], tasks: u16) -> Self {
        PartialKey { fields: fields.to_vec(), sent: alloc::vec![0; usize::from(tasks)] }
    }

    /// The target of a tuple: the one of the key's two that got fewer so far, the first if both got
    /// as many.
    pub(super) fn choose(&mut self, values: &[Value]) -> u16 {
        let [first, second] = self.candidates(values);
        let sent = |target: u16| self.sent[usize::from(target)];
        let target = if sent(second) < sent(first) { second } else { first };
        self.sent[usize::from(target)] += 1;
        target
    }

    /// Both targets of a key: what a generator draws that is seeded by the hash of the key's bytes,
    /// four big-endian ones for the hash code of each field.
    fn candidates(&self, values: &[Value]) -> [u16; 2] {
        let hashes = self.fields.iter().map(|at| java::hash_code(&values[usize::from(*at)]));
        let seed = java::bytes(hashes.flat_map(i32::to_be_bytes));
        let mut random = java::Random::new(i64::from(seed));
        let tasks = self.sent.len() as i32;
        let first = random.next_int_below(tasks);
        let second = random.next_int_below(tasks);
        let second = if second == first { (second + 1) % tasks } else { second };
        [first as u16, second as u16]
    }
}

/// Flink's range partitioning: boundaries are upper bounds, themselves included.
#[derive(Clone, Debug)]
pub(super) struct Ranges {
    field: u16,
    boundaries: Arc<[Value]>,
}

impl Ranges {
    pub(super) fn new(field: u16, boundaries: &Arc<[Value]>) -> Self {
        Ranges { field, boundaries: Arc::clone(boundaries) }
    }

    /// The target of a tuple: as many boundaries are below its value.
    pub(super) fn index(&self, values: &[Value]) -> u16 {
        let value = &values[usize::from(self.field)];
        self.boundaries.partition_point(|boundary| boundary < value) as u16
    }
}

/// A user's grouping at work.
#[derive(Clone, Debug)]
pub(super) struct Custom {
    of_user: Box<dyn CustomStreamGrouping>,
    from: TaskId,
    /// The subscriber, for whoever reads why a choice was refused.
    name: SmolStr,
    first: u16,
    tasks: u16,
}

impl Custom {
    pub(super) fn new(
        mut of_user: Box<dyn CustomStreamGrouping>,
        topology: &Topology,
        to: &Component,
        input: &Input,
        emitting: &Emitting<'_>,
    ) -> Self {
        let stream = &topology.component(input.from).streams[usize::from(input.stream.0)];
        let targets: Vec<TaskId> = to.tasks().collect();
        let local: Vec<TaskId> =
            to.tasks().filter(|task| (emitting.near)(*task) == Locality::Worker).collect();
        let (task, fields) = (emitting.task, &stream.fields);
        let context = GroupingContext { task, target: &to.name, fields, local_targets: &local };
        of_user.prepare(&context, &stream.name, &targets);
        let (name, first) = (to.name.clone(), to.first_task.0);
        Custom { of_user, from: task, name, first, tasks: to.parallelism }
    }

    /// Calls `deliver` with the index of each chosen target.
    pub(super) fn choose(&mut self, values: &[Value], mut deliver: impl FnMut(u16)) {
        let chosen = self.of_user.choose_tasks(self.from, values);
        let (first, end) = (self.first, self.first + self.tasks);
        let (name, last) = (&self.name, end - 1);
        assert!(
            !chosen.is_empty(),
            "the custom grouping of `{name}` chose no task; its tasks are {first} to {last}"
        );
        for (at, TaskId(task)) in chosen.iter().enumerate() {
            assert!(
                (first..end).contains(task),
                "the custom grouping of `{name}` chose task {task}, which is no task of `{name}`; \
                 its tasks are {first} to {last}"
            );
            assert!(
                !chosen[..at].contains(&TaskId(*task)),
                "the custom grouping of `{name}` chose task {task} twice"
            );
            deliver(task - first);
        }
    }
}

#[cfg(test)]
mod tests;
