//! What the judges of one run leave to those of the next: records that count, and the oracle's
//! state, as of the savepoint between them.

use super::Judges;
use super::lineage::Lineage;
use super::oracle::Inherited;
use stormglass_engine::ids::CheckpointId;

/// What is known up to a savepoint.
#[derive(Clone, Debug)]
pub struct Heritage {
    lineage: Lineage,
    oracle: Inherited,
}

impl Heritage {
    /// The offset to read next in each partition.
    pub(crate) fn positions(&self) -> Vec<u64> {
        self.oracle.furthest()
    }
}

impl Judges {
    /// Whether the job has ended.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// What is known up to the last completed checkpoint, at the end of a run.
    pub(crate) fn heritage(&self) -> Heritage {
        Heritage { lineage: self.lineage.clone(), oracle: self.oracle.leave() }
    }

    /// The run starts from a savepoint that these judges have not seen.
    pub(crate) fn inherit(&mut self, savepoint: CheckpointId, heritage: &Heritage) {
        self.lineage.inherit(&heritage.lineage);
        self.oracle.inherit(&heritage.oracle);
        self.restores.inherit(savepoint);
    }
}
