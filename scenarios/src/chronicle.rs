//! What somebody asked a run to write down: how much flowed when, what each task did for each
//! checkpoint, how long each process lived, and how long each fault lasted.
//!
//! Nothing is written down unless [`crate::run::Setup::chronicle`] asks for it, and whether it does
//! changes nothing else of a run.

use stormglass_engine::barrier::CheckpointKind;
use stormglass_engine::ids::{CheckpointId, Generation, TaskId};
use stormglass_engine::observation::AbortReason;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use crate::outcome::Quantiles;

mod recorder;
mod series;
#[cfg(test)]
mod tests;

pub(crate) use recorder::Recorder;

/// What was written down of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chronicle {
    /// How much flowed, from the start of the run to its end.
    pub series: Series,
    /// The checkpoints, in the order of their triggers.
    pub checkpoints: Vec<CheckpointHistory>,
    /// The generations that were granted, in order.
    pub generations: Vec<GenerationHistory>,
    /// The lives of processes, in the order in which they began.
    pub lives: Vec<Life>,
    /// The faults that struck somebody, in the order of the plan.
    pub bands: Vec<Band>,
}

/// How much flowed, in buckets of equal width.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The width of a bucket: 100 ms, 500 ms, 1 s, 5 s and so on, so that there are never more than
    /// [`Series::MOST`] of them.
    pub width: Span,
    /// The buckets, from time zero on.
    pub buckets: Vec<Bucket>,
}

/// What flowed in one bucket of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Records that arrived in the input log.
    pub arrived: u64,
    /// Records that sources read for the first time.
    pub read: u64,
    /// Records that sources read again.
    pub again: u64,
    /// Tuples that bolts and sinks executed.
    pub hops: u64,
    /// Outputs that became visible.
    pub visible: u64,
    /// Of those: from the arrival of the record to that moment.
    pub latency: Quantiles,
    /// The largest lag that was seen: records arrived but not read.
    pub lag: u64,
}

/// One checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointHistory {
    /// Which.
    pub checkpoint: CheckpointId,
    /// What it was for.
    pub kind: CheckpointKind,
    /// The generation that took it.
    pub generation: Generation,
    /// When it was triggered.
    pub triggered: Instant,
    /// What became of it, and when; none if the run ended before.
    pub end: Option<(Instant, End)>,
    /// What each task did for it, in the order of tasks.
    pub parts: Vec<Part>,
}

/// What became of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is complete.
    Completed {
        /// Logical size of its state in bytes.
        bytes: u64,
    },
    /// It was given up.
    Aborted(AbortReason),
}

/// What one task did for a checkpoint, and when. What it never came to, or has no use for, is
/// missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The task.
    pub task: TaskId,
    /// The first barrier came, others were missing.
    pub aligning: Option<Instant>,
    /// It took its part of the state.
    pub cut: Option<Instant>,
    /// Its own barriers were on their way.
    pub sent: Option<Instant>,
    /// Its part was on its way to the durable store.
    pub uploading: Option<Instant>,
    /// The coordinator took its acknowledgement.
    pub acked: Option<Instant>,
    /// It was told that the checkpoint is complete.
    pub notified: Option<Instant>,
    /// Logical size of its part in bytes.
    pub bytes: u64,
}

/// One generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationHistory {
    /// Which.
    pub generation: Generation,
    /// When it was granted.
    pub granted: Instant,
    /// When every task ran; none if it never came to that.
    pub running: Option<Instant>,
    /// The checkpoint it started from.
    pub restore: Option<CheckpointId>,
    /// Who got which task.
    pub tasks: Vec<(TaskId, NodeId)>,
}

/// One life of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// The process.
    pub node: NodeId,
    /// Which life, 1 for the first.
    pub incarnation: u32,
    /// When it was first seen, which is exact if it said something at its start.
    pub from: Instant,
    /// When it was first seen to be over; none if it outlived the run. Exact if a fault of the plan
    /// ended it, otherwise late by 100 ms at most.
    pub until: Option<Instant>,
}

/// How long a fault lasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Its number in the plan, counted from 1.
    pub fault: usize,
    /// Whom it struck.
    pub node: NodeId,
    /// When.
    pub from: Instant,
    /// When it was over, as the plan has it: the same instant for what is done at once.
    pub until: Instant,
}
