//! Retained checkpoints, as the judges have them: what the run goes back to when the newest one has
//! become unreadable.
//!
//! What an unreadable checkpoint had made visible stays visible, and the generation that starts
//! from an older one makes it visible again: with transactions there is no mending that, for the
//! record of them was in the checkpoint. The judges allow it once, compare state and outputs as
//! ever, and say at the end that exactly-once could not be judged. Where all sinks are idempotent
//! nothing is visible twice, and the run is judged like any other.

use std::collections::VecDeque;

use stormglass_engine::ids::CheckpointId;
use stormglass_engine::topology::{Delivery, Kind};

use super::lineage::Lineage;
use super::oracle::Oracle;
use super::plan::Plan;

/// The judges' state at the newest completed checkpoints. Clones share what has not changed since.
#[derive(Clone, Debug)]
pub(super) struct Retained {
    most: usize,
    destroys: bool,
    /// Whether there is a sink that shows again what is written again.
    repeats: bool,
    kept: VecDeque<(CheckpointId, Box<(Lineage, Oracle)>)>,
    lost: bool,
    undecided: Option<String>,
}

impl Retained {
    /// Nothing completed yet. What is kept is only needed if faults destroy what is durable.
    pub(super) fn new(retained: usize, destroys: bool, plan: &Plan) -> Self {
        let mut components = plan.topology.components().iter();
        let repeats = components.any(|component| match component.kind {
            Kind::Sink(delivery) => delivery != Delivery::Idempotent,
            _ => false,
        });
        Retained {
            most: retained,
            destroys,
            repeats,
            kept: VecDeque::new(),
            lost: false,
            undecided: None,
        }
    }

    /// Whether faults destroy what is durable.
    pub(super) fn destroys(&self) -> bool {
        self.destroys
    }

    /// A checkpoint completed.
    pub(super) fn keep(&mut self, checkpoint: CheckpointId, lineage: &Lineage, oracle: &Oracle) {
        if self.destroys && self.most > 1 {
            self.kept.push_back((checkpoint, Box::new((lineage.clone(), oracle.clone()))));
            if self.kept.len() > self.most {
                self.kept.pop_front();
            }
        }
    }

    /// The newest one is gone: the state at the one before it, if there is one.
    pub(super) fn before(&mut self, gone: CheckpointId) -> Option<Box<(Lineage, Oracle)>> {
        self.kept.retain(|(checkpoint, _)| *checkpoint != gone);
        let (before, state) = self.kept.back()?;
        let undecided = format!(
            "the faults destroyed checkpoint {} in every store: the run went on from checkpoint \
             {}, and what {} had made visible is visible twice",
            gone.0, before.0, gone.0
        );
        let state = state.clone();
        if self.repeats {
            self.undecided = Some(undecided);
        }
        Some(state)
    }

    /// No checkpoint is left to start from.
    pub(super) fn lost(&mut self) {
        self.lost = self.destroys;
        if self.destroys {
            let why = "the faults destroyed every retained checkpoint in every store";
            self.undecided = Some(why.to_string());
        }
    }

    /// Whether the faults left no checkpoint to start from.
    pub(super) fn are_lost(&self) -> bool {
        self.lost
    }

    /// Why not everything can be judged.
    pub(super) fn undecided(&self) -> Option<&str> {
        self.undecided.as_deref()
    }
}
