//! What is told where acking and the commit of stateful bolts take the place of barriers.

use stormglass_sim::hash::Mixer;

use crate::coordinator::checkpoint_spout::Phase;
use crate::ids::{CheckpointId, ComponentId, Generation, Root, TaskId, Txid};

/// One thing that is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acking {
    /// The checkpoint spout goes on to a state of a transaction: that is decided.
    Stepped {
        /// The generation.
        generation: Generation,
        /// The transaction.
        txid: Txid,
        /// How far it has come.
        phase: Phase,
        /// The name of what is prepared for it.
        version: CheckpointId,
    },
    /// A keyed task has this state.
    Versioned {
        /// The task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
        /// The version; none for no state at all.
        version: Option<CheckpointId>,
        /// Why it says so.
        how: Versioning,
        /// Fingerprint of all its key groups.
        print: u64,
    },
    /// A source task's record is done: its tree is complete.
    Acked {
        /// The source task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
        /// The record.
        root: Root,
    },
    /// A source task's record has failed, and will be read again.
    Failed {
        /// The source task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
        /// The record.
        root: Root,
        /// Whether its time was over; otherwise a task gave it up.
        timed_out: bool,
    },
    /// A position is durable at the broker: no later generation will read what is below it.
    Kept {
        /// Which component reads.
        component: ComponentId,
        /// The record that is read next.
        next: Root,
    },
}

/// Why a keyed task says which state it has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Versioning {
    /// It prepares this version.
    Prepared,
    /// It starts with it.
    Restored,
    /// It has gone back to it.
    RolledBack,
}

impl Acking {
    /// Mixes everything in.
    pub(super) fn digest(&self, into: &mut Mixer) {
        let pack = |tag: u64, task: TaskId, generation: Generation| {
            tag | u64::from(task.0) << 8 | u64::from(generation.0) << 32
        };
        match *self {
            Acking::Stepped { generation, txid, phase, version } => {
                into.pair(1 | (phase as u64) << 8 | u64::from(txid.0) << 32, version.0.into());
                into.word(generation.0.into());
            }
            Acking::Versioned { task, generation, version, how, print } => {
                let version = version.map_or(u64::from(u32::MAX), |id| id.0.into());
                into.pair(pack(2, task, generation), version << 8 | how as u64);
                into.word(print);
            }
            Acking::Acked { task, generation, root } => {
                into.pair(pack(3, task, generation), root.0);
            }
            Acking::Failed { task, generation, root, timed_out } => {
                let tag = if timed_out { 4 } else { 5 };
                into.pair(pack(tag, task, generation), root.0);
            }
            Acking::Kept { component, next } => into.pair(6 | u64::from(component.0) << 8, next.0),
        }
    }
}
