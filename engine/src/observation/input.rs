//! What is told of the input log: records that are not there any more.

use stormglass_sim::hash::Mixer;

use crate::ids::{Generation, Partition, Root, TaskId};

/// One thing that is told of the input log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    /// The broker was asked for records that it does not keep any more: whoever asks for an offset
    /// below the start of a partition gets none.
    Trimmed {
        /// The partition.
        partition: Partition,
        /// The offset that was asked for.
        asked: u64,
        /// The first one that is kept.
        start: u64,
    },
    /// The broker drops records because it was asked to.
    Truncated {
        /// The number of the request.
        request: u32,
        /// The partition.
        partition: Partition,
        /// The first offset that is kept.
        start: u64,
    },
    /// The broker answers a fetch with records from before what was asked for, the first time since
    /// that befell it.
    Rewound {
        /// The number of the request.
        request: u32,
    },
    /// A source cannot go on in a partition, for the record that is next is gone. It says so, and
    /// reads no more of that partition.
    Lost {
        /// The source task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
        /// The record that is next.
        next: Root,
        /// The first offset that is kept.
        start: u64,
    },
}

impl Input {
    pub(super) fn digest(&self, into: &mut Mixer) {
        match *self {
            Input::Trimmed { partition, asked, start } => {
                into.word(1 | u64::from(partition.0) << 32);
                into.pair(asked, start);
            }
            Input::Truncated { request, partition, start } => {
                into.pair(3 | u64::from(partition.0) << 32, request.into());
                into.word(start);
            }
            Input::Rewound { request } => into.pair(4, request.into()),
            Input::Lost { task, generation, next, start } => {
                into.word(2 | u64::from(task.0) << 8 | u64::from(generation.0) << 32);
                into.pair(next.0, start);
            }
        }
    }
}
