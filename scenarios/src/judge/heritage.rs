//! What the judges of one run leave to those of the next: records that count, and the oracle's
//! state, as of the savepoint or checkpoint between them.
//!
//! A retained checkpoint is older than what the run has done since. What it covers becomes visible
//! after it completed: that is added to what is kept of it, and nothing else is.

use stormglass_engine::barrier::CheckpointKind;
use stormglass_engine::ids::{CheckpointId, Generation, TaskId};

use super::Judges;
use super::lineage::Lineage;
use super::oracle::{Inherited, Oracle};
use super::outputs::{Output, Outputs};
use super::plan::Plan;

/// What is known up to a savepoint or checkpoint.
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

/// What is known up to each of the checkpoints that the run retains, if somebody asks for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Heritages {
    /// How many are kept; none if nobody asks.
    most: usize,
    /// Oldest first.
    kept: Vec<Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    checkpoint: CheckpointId,
    kind: CheckpointKind,
    heritage: Heritage,
    /// Outputs that it covers and nobody could read when the judges looked last.
    open: Outputs,
}

impl Heritages {
    /// A checkpoint completed. Those are dropped that need not be retained: never the newest, and
    /// never the latest that is no savepoint.
    pub(super) fn keep(
        &mut self,
        (checkpoint, kind): (CheckpointId, CheckpointKind),
        lineage: &Lineage,
        oracle: &Oracle,
    ) {
        if self.most == 0 {
            return;
        }
        let heritage = Heritage { lineage: lineage.clone(), oracle: oracle.leave() };
        let open = oracle.outputs.clone();
        self.kept.push(Kept { checkpoint, kind, heritage, open });
        let base = self.kept.iter().rposition(|kept| !kept.kind.is_savepoint());
        let surplus = self.kept.len() > self.most;
        let oldest = (0..self.kept.len() - 1).find(|at| Some(*at) != base);
        if let Some(oldest) = oldest.filter(|_| surplus) {
            self.kept.remove(oldest);
        }
    }

    /// Outputs that a checkpoint covers became visible.
    pub(super) fn published(
        &mut self,
        plan: &Plan,
        name: (TaskId, Generation, CheckpointId),
        outputs: &[Output],
    ) {
        for kept in self.kept.iter_mut().filter(|kept| kept.checkpoint >= name.2) {
            // What is wrong with them is found by the judges of this run.
            kept.heritage.lineage.published(name.0, outputs);
            outputs.iter().for_each(|output| drop(kept.open.published(plan, name, *output)));
        }
    }

    /// A checkpoint is unreadable.
    pub(super) fn gone(&mut self, checkpoint: CheckpointId) {
        self.kept.retain(|kept| kept.checkpoint != checkpoint);
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

    /// From now on what is known up to each retained checkpoint is kept, of which there are at most
    /// so many.
    pub(crate) fn keep_heritages(&mut self, most: usize) {
        self.heritages.most = most.max(1);
    }

    /// What is known up to a retained checkpoint; if it cannot be handed on, why.
    pub(crate) fn heritage_at(&self, checkpoint: CheckpointId) -> Result<Heritage, String> {
        let mut kept = self.heritages.kept.iter();
        let Some(kept) = kept.find(|kept| kept.checkpoint == checkpoint) else {
            return Err("this run's judges do not know what it covers".to_string());
        };
        if let Some(what) = kept.open.pending(&self.plan) {
            return Err(what);
        }
        match self.unpublished().filter(|(.., ends)| *ends <= checkpoint) {
            Some((task, ..)) => Err(format!("{} has unpublished outputs", self.plan.name(task))),
            None => Ok(kept.heritage.clone()),
        }
    }

    /// The run starts from a savepoint that these judges have not seen.
    pub(crate) fn inherit(&mut self, savepoint: CheckpointId, heritage: &Heritage) {
        self.lineage.inherit(&heritage.lineage);
        self.oracle.inherit(&heritage.oracle);
        self.restores.inherit(savepoint);
        self.retained.keep(savepoint, &self.lineage, &self.oracle);
    }
}
