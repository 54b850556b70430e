//! Verifies: that a job gives a generation up for failed checkpoints only when more of them failed
//! in a row than it tolerates, by its own count: each once, for reasons that say something about
//! the job, since the last one that completed; or when sources stand still for a savepoint that
//! failed (`tolerance`).
//!
//! Does not verify: that it does give up then (another failure may come first), or why a checkpoint
//! was given up.

use std::collections::{BTreeMap, BTreeSet};

use stormglass_engine::barrier::CheckpointKind;
use stormglass_engine::ids::CheckpointId;
use stormglass_engine::observation::{AbortReason, Observation};

use super::control::Settings;
use super::law::{Findings, Law, Witness, plural};

/// The failures since the last success.
#[derive(Clone, Debug, Default)]
pub(super) struct Tolerance {
    kinds: BTreeMap<CheckpointId, CheckpointKind>,
    failed: BTreeSet<CheckpointId>,
}

impl Tolerance {
    /// Takes note of an observation.
    pub(super) fn observed(&mut self, with: &Settings, seen: Witness, findings: &mut Findings) {
        match seen.what {
            Observation::CheckpointTriggered { checkpoint, kind, .. } => {
                self.kinds.insert(checkpoint, kind);
            }
            Observation::CheckpointCompleted { checkpoint, .. } => {
                self.kinds.retain(|id, _| *id > checkpoint);
                self.failed.clear();
            }
            Observation::CheckpointAborted { checkpoint, reason, .. } => {
                let of_job = matches!(
                    reason,
                    AbortReason::Expired
                        | AbortReason::Declined
                        | AbortReason::Io
                        | AbortReason::Async
                );
                let plain = self.kinds.get(&checkpoint).is_none_or(|kind| !kind.is_savepoint());
                if of_job && plain {
                    self.failed.insert(checkpoint);
                }
            }
            Observation::JobFailed { checkpoint, .. } => {
                self.job_failed(with, checkpoint, seen, findings);
            }
            _ => {}
        }
    }

    fn job_failed(
        &mut self,
        with: &Settings,
        checkpoint: CheckpointId,
        seen: Witness,
        findings: &mut Findings,
    ) {
        let stands_still = self.kinds.get(&checkpoint).is_some_and(|kind| kind.stops());
        let failed = self.failed.len() as u64;
        let too_many = with.tolerated_failures.is_some_and(|most| failed > u64::from(most));
        self.failed.clear();
        if !stands_still && !too_many {
            let most = with.tolerated_failures.map_or("any number".into(), |n| n.to_string());
            let sentence = format!(
                "the job was given up when {} had failed in a row, of which {most} are tolerated",
                plural(failed, "checkpoint")
            );
            findings.report(Law::Tolerance, seen.at, sentence, &[seen]);
        }
    }
}
