//! What is said where acking and stateful bolts take the place of barriers.

use alloc::vec::Vec;

use stormglass_sim::node::Lane;

use crate::coordinator::checkpoint_spout::Action;
use crate::ids::{CheckpointId, ComponentId, Generation, Partition, Root, TaskId, Tree, Txid};
use crate::raft::Term;

/// The name of an emission of the checkpoint spout: a step that is repeated is another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Emission {
    /// The term of the coordinator that emits it.
    pub term: Term,
    /// Its how-manieth in the generation.
    pub number: u32,
}

/// A checkpoint tuple.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The generation of the tasks.
    pub generation: Generation,
    /// The task that passes it on; [`TaskId::BROKER`] for the checkpoint spout.
    pub from: TaskId,
    /// The task that takes it; [`TaskId::BROKER`] for all that read from spouts.
    pub to: TaskId,
    /// The thread of that task.
    pub lane: Lane,
    /// Its emission.
    pub emission: Emission,
    /// What is to be done.
    pub action: Action,
    /// The transaction.
    pub txid: Txid,
    /// The name of what is prepared: every try to prepare a transaction has another.
    pub version: CheckpointId,
}

/// What a task has to tell an acker of one tuple.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ack {
    /// The record at the root.
    pub root: Root,
    /// Its tree.
    pub tree: Tree,
    /// The tuple's edge and those of what was emitted for it, by exclusive or; none if it failed.
    pub edges: Option<u64>,
}

/// What tasks of one worker have to tell an acker.
#[derive(Debug)]
pub struct Acks {
    /// The generation of the tasks.
    pub generation: Generation,
    /// The source task beside which the acker lives.
    pub to: TaskId,
    /// Its thread.
    pub lane: Lane,
    /// In order.
    pub acks: Vec<Ack>,
}

/// Positions of a source task.
#[derive(Debug)]
pub struct Offsets {
    /// The source task.
    pub task: TaskId,
    /// Its generation.
    pub generation: Generation,
    /// Who reads: positions are kept by component and partition.
    pub component: ComponentId,
    /// The partitions, with the record below which nothing need be read again.
    pub positions: Vec<(Partition, u64)>,
    /// Whether they are to be kept; otherwise they are asked for.
    pub commit: bool,
    /// The thread of the source task.
    pub lane: Lane,
}
