//! What the judges can tell of a run in numbers.

use stormglass_engine::ids::{CheckpointId, ComponentId, Partition, TaskId};
use stormglass_engine::topology::Kind;
use stormglass_engine::value::Value;

use super::Judges;
use crate::outcome::DuplicateFacts;

impl Judges {
    /// What took effect more than once.
    pub fn duplicates(&self) -> DuplicateFacts {
        if let Some(trees) = &self.trees {
            return trees.duplicates();
        }
        let DuplicateFacts { updates, outputs } = self.lineage.duplicates();
        DuplicateFacts { updates, outputs: outputs + self.direct.repeated() }
    }

    /// Executions observed, of all generations.
    pub fn executed(&self) -> u64 {
        self.executed
    }
    /// Updates of a keyed component that completed checkpoints cover.
    pub fn folded(&self, component: ComponentId) -> u64 {
        self.published(component)
    }
    /// Visible outputs of a sink.
    pub fn published(&self, component: ComponentId) -> u64 {
        match &self.trees {
            Some(trees) => trees.counted(component),
            None => self.lineage.counted(component),
        }
    }
    /// Checkpoints completed.
    pub fn checkpoints_completed(&self) -> u64 {
        self.restores.completed() + self.decided.0
    }
    /// The newest completed checkpoint.
    pub fn last_completed(&self) -> Option<CheckpointId> {
        self.restores.last_completed().or(self.decided.1)
    }
    /// Records that spouts have read in the newest generation and no completed checkpoint covers.
    pub fn in_flight(&self) -> u64 {
        if let Some(trees) = &self.trees {
            return trees.under_way();
        }
        let read = |partition: u16| {
            let by_spout = self.plan.topology.components().iter().filter_map(|spout| {
                if !matches!(spout.kind, Kind::Spout(_)) {
                    return None;
                }
                let index = partition % spout.parallelism.max(1);
                let task = TaskId(spout.first_task.0 + index);
                let entries = self.history.task(task)?.entries.until(u64::MAX).flatten();
                let of_partition =
                    entries.filter(|entry| entry.root.partition() == Partition(partition));
                Some(of_partition.count() as u64)
            });
            by_spout.max().unwrap_or(0)
        };
        (0..self.log.partitions.len() as u16).map(read).sum()
    }
    /// The keys of a component and their rows in the last completed checkpoint, in key order: the
    /// oracle's, which equal the engine's unless a violation says otherwise.
    pub fn final_state(
        &self,
        component: ComponentId,
    ) -> impl Iterator<Item = (&[Value], &[Value])> {
        self.oracle.rows(component)
    }
}
