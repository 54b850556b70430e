//! Useful work: CPU time spent on what is counted for the first time, of the CPU time there was.
//!
//! An input counts once, however often a restore makes a task execute it again. How far a component
//! has come is the number of inputs that it has executed and not lost: a restore takes it back to
//! where it was at the cut. What it executes up to the furthest that it had ever come is work done
//! again; only what lies beyond is useful.

use std::collections::BTreeMap;
use std::sync::Arc;

use stormglass_engine::ids::{CheckpointId, Generation, TaskId};
use stormglass_engine::observation::Observation;
use stormglass_engine::topology::{Component, Topology};
use stormglass_sim::time::Instant;

use crate::outcome::UsefulWork;
use crate::units::Between;

#[cfg(test)]
mod tests;

/// Checkpoints back to which a restore may go.
const KEPT: u32 = 16;

/// How far each component has come.
#[derive(Clone, Debug)]
pub(super) struct Useful {
    topology: Arc<Topology>,
    generation: Generation,
    /// Inputs that each task has executed and not lost; the first entry is that of task 1.
    executed: Vec<u64>,
    /// The same at the cuts of checkpoints that a restore may choose.
    cuts: BTreeMap<CheckpointId, Vec<u64>>,
    /// The furthest that each component had come when it was last taken back.
    furthest: Vec<u64>,
    /// When faults strike: only that time is measured.
    storm: Between<Instant>,
    /// How far each component had come when the storm began, and when it ended.
    began: Option<(Instant, Vec<u64>)>,
    ended: Option<(Instant, Vec<u64>)>,
}

impl Useful {
    pub(super) fn new(topology: &Arc<Topology>, storm: Between<Instant>) -> Self {
        Useful {
            generation: Generation(0),
            executed: vec![0; usize::from(topology.tasks())],
            cuts: BTreeMap::new(),
            furthest: vec![0; topology.components().len()],
            storm,
            began: None,
            ended: None,
            topology: Arc::clone(topology),
        }
    }

    /// A task executed an input.
    #[inline]
    pub(super) fn executed(&mut self, task: TaskId, generation: Generation) {
        // What an older generation still does has no effect.
        if generation == self.generation {
            self.executed[usize::from(task.0) - 1] += 1;
        }
    }

    pub(super) fn observed(&mut self, observation: &Observation) {
        match *observation {
            Observation::Cut { task, generation, checkpoint } if generation == self.generation => {
                let none = || vec![0; self.executed.len()];
                let at = usize::from(task.0) - 1;
                self.cuts.entry(checkpoint).or_insert_with(none)[at] = self.executed[at];
            }
            Observation::CheckpointCompleted { checkpoint, .. } => {
                self.cuts.retain(|id, _| id.0 + KEPT >= checkpoint.0);
            }
            Observation::Granted { generation, restore, .. } => {
                self.furthest = self.come();
                self.generation = generation;
                match restore.and_then(|checkpoint| self.cuts.get(&checkpoint)) {
                    Some(cut) => self.executed.clone_from(cut),
                    None => self.executed.fill(0),
                }
            }
            _ => {}
        }
    }

    /// How far each component has come at the furthest.
    fn come(&self) -> Vec<u64> {
        let now = |component: &Component| -> u64 {
            component.tasks().map(|task| self.executed[usize::from(task.0) - 1]).sum()
        };
        let components = self.topology.components().iter().zip(&self.furthest);
        components.map(|(component, furthest)| now(component).max(*furthest)).collect()
    }

    /// Looks at how far everything has come, if the storm begins or ends.
    pub(super) fn sampled(&mut self, now: Instant) {
        if self.began.is_none() && now >= self.storm.min {
            self.began = Some((now, self.come()));
        }
        if self.ended.is_none() && now >= self.storm.max {
            self.ended = Some((now, self.come()));
        }
    }

    /// Of the component that had most to do.
    pub(super) fn facts(&self, now: Instant) -> UsefulWork {
        let Some((began, before)) = &self.began else { return UsefulWork::default() };
        let (ended, after) = match &self.ended {
            Some((ended, after)) => (*ended, after.clone()),
            None => (now, self.come()),
        };
        let each = self.topology.components().iter().zip(before.iter().zip(after));
        let each = each.map(|(component, (before, after))| {
            let useful = component.cpu * (after - before);
            let available = ended.since(*began) * u64::from(component.parallelism);
            let part = u128::from(useful.as_nanos()) * 1_000_000;
            let ppm = (part / u128::from(available.as_nanos().max(1))) as u64;
            UsefulWork { component: component.name.to_string(), useful, available, ppm }
        });
        each.max_by_key(|work| work.ppm).unwrap_or_default()
    }
}
