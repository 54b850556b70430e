//! Transactions of sinks that are pre-committed and not visible.

use stormglass_engine::ids::{CheckpointId, Generation, TaskId};
use stormglass_engine::observation::Observation;

use crate::scenario::Phase;

/// The transactions between pre-commit and commit, the latest pre-committed last.
#[derive(Clone, Debug, Default)]
pub(in crate::story) struct Sinks(Vec<Waiting>);

#[derive(Clone, Copy, Debug)]
struct Waiting {
    task: TaskId,
    generation: Generation,
    checkpoint: CheckpointId,
    /// The checkpoint is complete.
    complete: bool,
}

impl Sinks {
    pub(super) fn observed(&mut self, what: &Observation) {
        match *what {
            Observation::PreCommitted { task, generation, checkpoint, .. } => {
                let complete = self.gone(task, generation, checkpoint);
                self.0.push(Waiting { task, generation, checkpoint, complete });
            }
            Observation::Published { task, generation, checkpoint, .. }
            | Observation::TransactionAborted {
                task,
                generation,
                checkpoint: Some(checkpoint),
                ..
            }
            | Observation::TransactionExpired {
                task,
                generation,
                checkpoint: Some(checkpoint),
                ..
            }
            | Observation::TransactionLost { task, generation, checkpoint, .. } => {
                self.gone(task, generation, checkpoint);
            }
            Observation::CheckpointCompleted { checkpoint, kind, generation, .. }
                if kind.publishes() =>
            {
                // One that was given up is covered by the next of its generation.
                let covered = |waiting: &&mut Waiting| {
                    waiting.generation == generation && waiting.checkpoint <= checkpoint
                };
                self.0.iter_mut().filter(covered).for_each(|waiting| waiting.complete = true);
            }
            _ => {}
        }
    }

    /// It does not wait any more; whether its checkpoint was complete.
    fn gone(&mut self, task: TaskId, generation: Generation, checkpoint: CheckpointId) -> bool {
        let is = |waiting: &Waiting| {
            (waiting.task, waiting.generation, waiting.checkpoint) == (task, generation, checkpoint)
        };
        let at = self.0.iter().position(is);
        at.is_some_and(|at| self.0.remove(at).complete)
    }

    /// The phase of all, or of those that a checkpoint ends.
    pub(in crate::story) fn phase(&self, of: Option<CheckpointId>) -> Phase {
        let mut phase = Phase::SinksOpen;
        for waiting in &self.0 {
            match of.is_none_or(|of| of == waiting.checkpoint) {
                true if waiting.complete => return Phase::Committing,
                true => phase = Phase::PreCommitted,
                false => {}
            }
        }
        phase
    }

    /// The sink whose transaction was pre-committed last.
    pub(in crate::story) fn latest(&self) -> Option<TaskId> {
        self.0.last().map(|waiting| waiting.task)
    }
}
