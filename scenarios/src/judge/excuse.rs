//! Verifies: that a checkpoint is given up as unreadable only when no store has a sound copy of one
//! of its files, and faults destroyed those that there were (`restore-latest`); that what is
//! missing at the end of the lull is missing because something is proved to be gone for good
//! (`progress`). A proof excuses exactly what it is about: never another checkpoint, never a broken
//! safety law.
//!
//! Does not verify: that the disks are as a proof says. Whoever drives the run looks at them.

use std::collections::BTreeSet;

use stormglass_engine::ids::CheckpointId;
use stormglass_engine::observation::Observation;
use stormglass_engine::raft::Point;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Span;

use super::Judges;
use super::expiry::Fate;
use super::law::{Findings, Law, Witness, plural};
use crate::budget::{COORDINATOR_LOG, Destroyed, Proof, RECEIVER_LOG, quorum};
use crate::outcome::Unjudged;

/// What a proof is checked against.
#[derive(Clone, Debug)]
pub struct Copies {
    /// The coordinators.
    pub coordinators: Vec<NodeId>,
    /// The stores.
    pub stores: Vec<NodeId>,
    /// The receiver.
    pub receiver: NodeId,
}

/// What was given up, and what was proved.
#[derive(Clone, Debug)]
pub(super) struct Excuses {
    copies: Copies,
    /// How many voted: in every membership that was in force anywhere.
    voters: BTreeSet<usize>,
    /// Checkpoints that were given up.
    claims: Vec<(CheckpointId, Witness)>,
    proofs: Vec<Proof>,
}

impl Excuses {
    pub(super) fn new(copies: Copies) -> Self {
        let voters = BTreeSet::from([copies.coordinators.len()]);
        Excuses { copies, voters, claims: Vec::new(), proofs: Vec::new() }
    }

    /// A replica says how many vote; it does not say who.
    pub(super) fn observed(&mut self, seen: &Witness) {
        if let Observation::Raft(Point::MembershipChanged { voters, .. }) = seen.what {
            self.voters.insert(voters.into());
        }
    }

    /// A checkpoint was given up.
    pub(super) fn claim(&mut self, checkpoint: CheckpointId, seen: Witness) {
        self.claims.push((checkpoint, seen));
    }

    /// Something is said to be gone. False if it does not follow from what was destroyed.
    pub(super) fn prove(&mut self, proof: Proof) -> bool {
        let sound = self.is_sound(&proof);
        if sound {
            self.proofs.push(proof);
        }
        sound
    }

    fn is_sound(&self, proof: &Proof) -> bool {
        let Copies { coordinators, stores, receiver } = &self.copies;
        match proof {
            Proof::Quorum { logs, .. } => {
                let gone = |node: &&NodeId| logs.iter().any(|log| log.node == **node);
                let left = coordinators.iter().filter(|node| !gone(node)).count();
                // Whoever they are: those that are left may all be among them.
                let stuck = |voters: &usize| left.min(*voters) < quorum(*voters);
                logs.iter().all(|log| log.file == COORDINATOR_LOG) && self.voters.iter().all(stuck)
            }
            Proof::Checkpoint { file, holders, copies, .. } => {
                let lost = |holder| copies.iter().any(|copy: &Destroyed| copy.node == holder);
                !holders.is_empty()
                    && holders.iter().all(|holder| stores.contains(holder) && lost(*holder))
                    && copies.iter().all(|copy| copy.file == *file)
            }
            Proof::Outputs { log } => log.node == *receiver && log.file == RECEIVER_LOG,
            Proof::Assumption { outage, timeout } => outage >= timeout,
        }
    }

    fn of_checkpoint(&self, wanted: CheckpointId, by: Witness) -> Option<&Proof> {
        self.proofs.iter().find(|proof| match proof {
            Proof::Checkpoint { checkpoint, copies, .. } => {
                *checkpoint == wanted.0 && copies.iter().all(|copy| copy.at <= by.at)
            }
            _ => false,
        })
    }

    /// Why nothing can be decided any more.
    pub(super) fn of_standstill(&self) -> Option<&Proof> {
        self.proofs.iter().find(|proof| matches!(proof, Proof::Quorum { .. }))
    }

    /// Why outputs are gone.
    pub(super) fn of_outputs(&self) -> Option<&Proof> {
        self.proofs.iter().find(|proof| matches!(proof, Proof::Outputs { .. }))
    }

    /// Why the checkpoints that were given up are gone.
    pub(super) fn of_checkpoints(&self) -> Vec<Proof> {
        let proofs = self.claims.iter().filter_map(|(id, seen)| self.of_checkpoint(*id, *seen));
        proofs.cloned().collect()
    }

    /// At the end: was everything gone that was given up?
    pub(super) fn finish(&self, findings: &mut Findings) {
        for (checkpoint, seen) in &self.claims {
            if self.of_checkpoint(*checkpoint, *seen).is_none() {
                let sentence = format!(
                    "checkpoint {} was given up as unreadable, but no fault destroyed every copy \
                     of one of its files",
                    checkpoint.0
                );
                findings.report(Law::RestoreLatest, seen.at, sentence, &[*seen]);
            }
        }
    }
}

impl Judges {
    /// The runner proves that something is gone for good. A proof that does not follow from what it
    /// says was destroyed is none.
    pub fn prove(&mut self, proof: Proof) {
        let outputs = match &proof {
            Proof::Outputs { log } => Some(log.at),
            _ => None,
        };
        if self.excuses.prove(proof)
            && let Some(at) = outputs
        {
            self.expiry.void(at, Fate::Destroyed, &mut self.staging);
            self.settle_expired();
        }
    }

    /// The runner says what is missing at the end of the lull, which lasted `after`, and which
    /// services cannot go on.
    pub fn progress(&mut self, pending: Option<&str>, after: Span, failing: Option<&str>) {
        let Some(what) = pending else { return };
        let mut sentence = format!("{after} of virtual time after the faults stopped, {what}");
        if let Some(failing) = failing {
            sentence += "; ";
            sentence += failing;
        }
        // Without a checkpoint to start from, anybody to decide, or input that can be used, there
        // is no progress to be had.
        self.excused = self.hopeless.proof(|partition| self.passed(partition));
        let stands = self.excuses.of_standstill().is_some();
        if stands {
            // What is at the receiver is not lost: with nobody to decide nobody comes for it.
            self.expiry.void(self.now, Fate::Waits, &mut self.staging);
            self.settle_expired();
        }
        if stands || self.retained.are_lost() || self.excused.is_some() {
            self.stuck = Some(sentence);
        } else {
            self.findings.report(Law::Progress, self.now, sentence, &[]);
        }
    }

    /// What nobody can judge, though nothing wrong was found in it.
    pub fn unjudged(&self) -> Option<Unjudged> {
        if let Some(why) = self.control.undecided() {
            return Some(Unjudged::undecided(why.to_string()));
        }
        if let Some(why) = self.retained.undecided() {
            return Some(Unjudged::beyond(why.to_string(), self.excuses.of_checkpoints()));
        }
        let standstill = self.stuck.clone().zip(self.excuses.of_standstill().cloned());
        let outputs = self.expiry.destroyed();
        let lost = self.excuses.of_outputs().filter(|_| outputs > 0).map(|proof| {
            let all = plural(outputs, "output");
            (format!("{all} of completed checkpoints went with the receiver's log"), proof.clone())
        });
        let first = standstill.or(lost).or_else(|| self.expiry.undecided().cloned());
        let first = first.map(|(why, proof)| Unjudged::beyond(why, vec![proof]));
        first.or_else(|| self.excused.clone().map(|why| Unjudged::beyond(why, Vec::new())))
    }
}
