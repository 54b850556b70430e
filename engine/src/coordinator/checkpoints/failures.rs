//! How many failed checkpoints in a row a job tolerates.
//!
//! After Flink's `CheckpointFailureManager` (SEMANTICS 1.6): each checkpoint counts once, whoever
//! tells of it; only reasons count that say something about the job's ability to take checkpoints;
//! the success of a newer one forgets what came before.

use alloc::vec::Vec;

use crate::barrier::CheckpointKind;
use crate::ids::CheckpointId;
use crate::observation::AbortReason;

/// Failures in a row.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Failures {
    /// The checkpoints that failed since the last success.
    counted: Vec<CheckpointId>,
    succeeded: CheckpointId,
}

/// Whether a failure counts. That of a savepoint never does.
pub const fn counts(reason: AbortReason, kind: CheckpointKind) -> bool {
    let of_job = match reason {
        AbortReason::Expired | AbortReason::Declined | AbortReason::Io | AbortReason::Async => true,
        AbortReason::Superseded | AbortReason::Subsumed | AbortReason::Finalize => false,
    };
    of_job && !kind.is_savepoint()
}

impl Failures {
    /// A checkpoint failed for a reason that counts. True if the job has to fail over: then
    /// counting begins anew. Any number is tolerated if none is given.
    pub fn failed(&mut self, checkpoint: CheckpointId, tolerated: Option<u32>) -> bool {
        let Some(tolerated) = tolerated else { return false };
        if checkpoint < self.succeeded || self.counted.contains(&checkpoint) {
            return false;
        }
        self.counted.push(checkpoint);
        let too_many = self.counted.len() > tolerated as usize;
        if too_many {
            self.counted.clear();
        }
        too_many
    }

    /// A checkpoint is complete.
    pub fn succeeded(&mut self, checkpoint: CheckpointId) {
        if checkpoint > self.succeeded {
            self.succeeded = checkpoint;
            self.counted.clear();
        }
    }
}
