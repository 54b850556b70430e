//! What an observation is about.

use stormglass_engine::ids::{CheckpointId, Generation, TaskId};
use stormglass_engine::observation::Observation;
use stormglass_engine::observation::acking::Acking;

use super::EventKind;

/// The checkpoint, the generation and the task that an observation names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Subject {
    pub(crate) checkpoint: Option<CheckpointId>,
    pub(crate) generation: Option<Generation>,
    pub(crate) task: Option<TaskId>,
}

/// Whether observations of a kind name them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Named {
    pub(crate) checkpoint: bool,
    pub(crate) generation: bool,
    pub(crate) task: bool,
}

impl Subject {
    /// That of an observation for which triggers can wait.
    pub(crate) fn of(what: &Observation) -> Subject {
        let about = |checkpoint, generation, task| Subject { checkpoint, generation, task };
        match *what {
            Observation::Executed { task, generation, .. }
            | Observation::Refused { task, generation, .. } => {
                about(None, Some(generation), Some(task))
            }
            Observation::Cut { task, generation, checkpoint }
            | Observation::Stepped { task, generation, checkpoint, .. }
            | Observation::PreCommitted { task, generation, checkpoint, .. }
            | Observation::Published { task, generation, checkpoint, .. } => {
                about(Some(checkpoint), Some(generation), Some(task))
            }
            Observation::Restored { task, generation, checkpoint, .. }
            | Observation::TransactionExpired { task, generation, checkpoint, .. } => {
                about(checkpoint, Some(generation), Some(task))
            }
            Observation::Acking(Acking::Versioned { task, generation, version, .. }) => {
                about(version, Some(generation), Some(task))
            }
            Observation::Acking(Acking::Stepped { generation, version, .. }) => {
                about(Some(version), Some(generation), None)
            }
            Observation::CheckpointAcked { checkpoint, task, .. } => {
                about(Some(checkpoint), None, Some(task))
            }
            Observation::CheckpointTriggered { checkpoint, generation, .. }
            | Observation::CheckpointCompleted { checkpoint, generation, .. }
            | Observation::CheckpointAborted { checkpoint, generation, .. }
            | Observation::JobFailed { checkpoint, generation, .. }
            | Observation::Stopped { checkpoint, generation } => {
                about(Some(checkpoint), Some(generation), None)
            }
            Observation::CheckpointUnreadable { checkpoint } => about(Some(checkpoint), None, None),
            Observation::Granted { generation, restore, .. } => {
                about(restore, Some(generation), None)
            }
            Observation::Running { generation }
            | Observation::Fenced { generation, .. }
            | Observation::Heard { generation, .. }
            | Observation::ZombieExit { generation, .. } => about(None, Some(generation), None),
            _ => Subject::default(),
        }
    }
}

impl EventKind {
    /// What its observations name, if not in every case.
    pub(crate) fn named(self) -> Named {
        let about = |checkpoint, generation, task| Named { checkpoint, generation, task };
        match self {
            EventKind::Executed | EventKind::Refused => about(false, true, true),
            EventKind::Cut
            | EventKind::BarrierSent
            | EventKind::Aligning
            | EventKind::Uploading
            | EventKind::Notified
            | EventKind::PreCommitted
            | EventKind::Published
            | EventKind::Restored
            | EventKind::TransactionExpired
            | EventKind::Versioned => about(true, true, true),
            EventKind::CheckpointAcked => about(true, false, true),
            EventKind::Stepped
            | EventKind::CheckpointTriggered
            | EventKind::CheckpointCompleted
            | EventKind::CheckpointAborted
            | EventKind::JobFailed
            | EventKind::Stopped
            | EventKind::Granted => about(true, true, false),
            EventKind::CheckpointUnreadable => about(true, false, false),
            EventKind::Running | EventKind::Fenced | EventKind::Heard | EventKind::ZombieExit => {
                about(false, true, false)
            }
            _ => about(false, false, false),
        }
    }

    /// Whether every task of a certain kind makes such an observation once in a checkpoint or, of
    /// [`EventKind::Restored`], in a generation: so that it can be said how many are missing.
    pub(crate) const fn is_of_each_task(self) -> bool {
        matches!(
            self,
            EventKind::Cut
                | EventKind::BarrierSent
                | EventKind::CheckpointAcked
                | EventKind::Notified
                | EventKind::PreCommitted
                | EventKind::Published
                | EventKind::Restored
        )
    }
}
