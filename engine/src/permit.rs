//! The permit to commit: a capability that only a completed checkpoint mints.

use crate::ids::{Attempt, CheckpointId, Generation};

/// The right to make the transactions of a completed checkpoint visible.
///
/// Its fields are private: the coordinator's completion path is the only one that makes it. The
/// receiving side checks it again against the transactions it is shown for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommitPermit {
    checkpoint: CheckpointId,
    generation: Generation,
    attempt: Attempt,
}

impl CommitPermit {
    /// Minted where completion is applied, and nowhere else.
    pub(crate) const fn mint(
        checkpoint: CheckpointId,
        generation: Generation,
        attempt: Attempt,
    ) -> Self {
        CommitPermit { checkpoint, generation, attempt }
    }
    /// The completed checkpoint.
    pub const fn checkpoint(self) -> CheckpointId {
        self.checkpoint
    }
    /// The generation that took it.
    pub const fn generation(self) -> Generation {
        self.generation
    }
    /// The execution attempt of the tasks that took it.
    pub const fn attempt(self) -> Attempt {
        self.attempt
    }
    /// One word for digests.
    pub(crate) const fn words(self) -> (u64, u64) {
        (self.checkpoint.0 as u64, (self.generation.0 as u64) << 32 | self.attempt.0 as u64)
    }
}
