//! Between sources and the log broker.

use alloc::vec::Vec;

use stormglass_sim::node::Lane;

use crate::ids::{Generation, Partition, TaskId};
use crate::log::InputLog;

/// A source's request for records.
#[derive(Debug)]
pub struct Fetch {
    /// The source task.
    pub task: TaskId,
    /// Its generation.
    pub generation: Generation,
    /// From which offset on, for each partition.
    pub from: Vec<(Partition, u64)>,
    /// The most records of each.
    pub limit: u32,
    /// The thread of the source task.
    pub lane: Lane,
}

/// The broker's answer: ranges of the log.
#[derive(Debug)]
pub struct Records {
    /// The source task.
    pub task: TaskId,
    /// Its generation.
    pub generation: Generation,
    /// The log that the ranges lie in.
    pub log: InputLog,
    /// Partition, first offset, one past the last.
    pub ranges: Vec<(Partition, u64, u64)>,
    /// What was asked for and is not kept any more: partition, the offset that was asked for, the
    /// first one that is kept.
    pub gone: Vec<(Partition, u64, u64)>,
    /// The thread of the source task.
    pub lane: Lane,
}
