//! State backends: where keyed state lies besides the heap, and what engines may stand there.
//!
//! A task that keeps its state on its machine's disk, too, need not download it when it starts
//! again there. What lies there may be newer than the checkpoint to restore, older, torn or another
//! attempt's: a [`Mark`] says of which cut it is, and only that very one will do. [`log`] is a
//! store of our own.
//!
//! A [`StorageEngine`] is an embedded key-value engine that works on the blocking view of a
//! machine's disk. It has no state of its own: a store is a file, and is open only within one call.
//! Between two calls only the file's bytes exist, so a run can be cloned there; within a call each
//! write and sync takes its device time, so a crash can fall between any two of them.
//!
//! **Invariant:** this crate knows no engine but by this trait.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use stormglass_sim::node::{BlockingDisk, DiskError};

use crate::coordinator::metadata::Completed;
use crate::ids::{Attempt, CheckpointId, Generation};
use crate::snapshot::{Reader, put};

pub mod log;

/// Where the keyed state of tasks lies, besides the heap.
#[derive(Clone, Debug)]
pub enum Backend {
    /// Nowhere else; a checkpoint's part travels with its acknowledgement, and lies in the
    /// coordinators' memory. For small state: [`MEMORY_MOST`] bytes of a task at most.
    Memory,
    /// Nowhere else; a checkpoint's part goes to the durable store.
    File,
    /// In a log on the machine's disk, to which every change is written.
    Log,
    /// In an embedded engine on the machine's disk, which holds what is newer in no later than the
    /// next checkpoint's cut: that is made of what the engine gives back.
    Embedded(Arc<dyn StorageEngine>),
}

/// The most logical bytes of a task's part that the coordinators keep in memory, as in Flink's
/// `MemoryStateBackend`.
pub const MEMORY_MOST: u64 = 5 * 1024 * 1024;

/// Which cut of a task's state a store holds: an attempt is part of the name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mark {
    /// The checkpoint.
    pub checkpoint: CheckpointId,
    /// The generation that made the cut.
    pub generation: Generation,
    /// The execution attempt that made it.
    pub attempt: Attempt,
}

impl Mark {
    /// The cut of a completed checkpoint.
    pub fn of(completed: &Completed) -> Self {
        let Completed { checkpoint, generation, attempt, .. } = *completed;
        Mark { checkpoint, generation, attempt }
    }

    /// Appends its 12 bytes.
    pub fn encode(self, out: &mut Vec<u8>) {
        put(out, self.checkpoint.0);
        put(out, self.generation.0);
        put(out, self.attempt.0);
    }

    /// Reads what [`Mark::encode`] wrote.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Mark {
            checkpoint: CheckpointId(reader.u32()?),
            generation: Generation(reader.u32()?),
            attempt: Attempt(reader.u32()?),
        })
    }
}

/// A key and its value, as bytes.
pub type Entry = (Vec<u8>, Vec<u8>);

/// What becomes of a key: a new value, or none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Which key.
    pub key: Vec<u8>,
    /// Its value from now on; none removes it.
    pub value: Option<Vec<u8>>,
}

/// A range of keys, in the order of their bytes.
pub type KeyRange = Range<Vec<u8>>;

/// Why a store did not do what it was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StorageError {
    /// There is no such file.
    Missing,
    /// The file is no store, or a broken one: torn while it was created, or rotten.
    Refused,
    /// The disk failed. Of a change it is not known whether it happened: the store must not be used
    /// again before it was made anew.
    Unknown(DiskError),
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorageError::Missing => f.write_str("there is no store"),
            StorageError::Refused => f.write_str("the store is broken"),
            StorageError::Unknown(error) => write!(f, "the disk failed: {error:?}"),
        }
    }
}

/// An embedded key-value engine: ordered tables of bytes, each in a file of its own.
///
/// A commit is atomic: after a crash at any instant within it, the store holds all of its changes
/// or none. If a disk lies about what is durable a store may be found as an older commit left it,
/// and cannot know: who needs a certain commit has to write down which one it is, and look, before
/// each commit too.
pub trait StorageEngine: fmt::Debug + Send + Sync {
    /// Makes a store with these entries, in the place of any that has its name. It and its name are
    /// durable when this returns. A crash before that leaves what was there before, or nothing.
    ///
    /// # Errors
    /// [`StorageError::Unknown`] if the disk failed.
    fn create(
        &self,
        disk: &mut dyn BlockingDisk,
        file: &str,
        entries: &[Entry],
    ) -> Result<(), StorageError>;

    /// Does all changes, the later ones last, makes them durable, and reads these ranges back: from
    /// what the engine has stored, one after the other, each in key order. All that only if the
    /// store holds an entry, as its last commit has left it: one that has gone back to an older
    /// commit, behind its user's back, must not be gone on with.
    ///
    /// # Errors
    /// See [`StorageError`]; [`StorageError::Refused`] if it does not hold that entry.
    fn commit(
        &self,
        disk: &mut dyn BlockingDisk,
        file: &str,
        held: &Entry,
        changes: &[Change],
        read: &[KeyRange],
    ) -> Result<Vec<Entry>, StorageError>;

    /// Reads a range in key order. What the engine finds is verified first: a broken store is
    /// refused, not believed.
    ///
    /// # Errors
    /// See [`StorageError`].
    fn scan(
        &self,
        disk: &mut dyn BlockingDisk,
        file: &str,
        read: &KeyRange,
    ) -> Result<Vec<Entry>, StorageError>;
}
