//! Handles: by which names a checkpoint knows what its tasks keep in the durable store.
//!
//! A task's [`Part`] of a checkpoint travels with its acknowledgement, is replicated with the
//! decision that completes the checkpoint, and comes back with a deployment. A file may belong to
//! several checkpoints: its name says which one wrote it, and in which attempt.

use alloc::vec::Vec;
use core::fmt;

use stormglass_sim::hash::{Mixer, fingerprint};
use stormglass_sim::payload::Payload;
use stormglass_sim::time::Span;

use crate::ids::{Attempt, CheckpointId, Generation, TaskId};
use crate::snapshot::{Reader, put};

/// The name of a file in the durable store: unique over all attempts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId {
    /// The checkpoint that it was written for.
    pub checkpoint: CheckpointId,
    /// The generation that wrote it.
    pub generation: Generation,
    /// The execution attempt that wrote it.
    pub attempt: Attempt,
    /// The task that wrote it.
    pub task: TaskId,
    /// Counts the files that the task wrote for the checkpoint, from 0.
    pub number: u32,
}

/// A file in the durable store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileRef {
    /// Its name.
    pub id: FileId,
    /// Its logical size in bytes.
    pub bytes: u64,
    /// Its [`checksum`].
    pub print: u64,
    /// Who has it.
    pub replicas: Replicas,
}

/// The stores that hold a file, by their places among the cluster's stores: one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Replicas(pub u64);

/// One task's part of a checkpoint: what a restore needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// The task.
    pub task: TaskId,
    /// The logical size of its state in bytes, however much of it was written anew.
    pub state: u64,
    /// For how long the task did nothing else for it.
    pub stopped: Span,
    /// Contents that were too small to be worth a file.
    pub inline: Option<Payload>,
    /// Its files, to be read in this order. Some may belong to earlier checkpoints too.
    pub files: Vec<FileRef>,
}

/// Why a store cannot give a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flaw {
    /// It is not there.
    Missing,
    /// It is not what was written.
    Rotten,
    /// The disk could not say.
    Unknown,
}

/// What the durable store need not keep.
#[derive(Debug)]
pub struct Discard {
    /// Files of checkpoints up to this one, which completed: whatever was decided of the older
    /// ones, it is decided.
    pub up_to: CheckpointId,
    /// All files of these checkpoints that are needed.
    pub keep: Vec<FileId>,
    /// The generation of the coordinator's decision.
    pub generation: Generation,
}

/// The checksum of a file's contents, whatever its writer vouched for: a rotten byte changes it.
pub fn checksum(contents: &Payload) -> u64 {
    fingerprint(contents.bytes())
}

impl FileId {
    /// Two words for digests.
    pub(crate) const fn words(self) -> (u64, u64) {
        (
            (self.checkpoint.0 as u64) << 32 | self.generation.0 as u64,
            (self.attempt.0 as u64) << 32 | (self.task.0 as u64) << 16 ^ self.number as u64,
        )
    }

    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        put(out, self.checkpoint.0);
        put(out, self.generation.0);
        put(out, self.attempt.0);
        put(out, self.task.0.into());
        put(out, self.number);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        Some(FileId {
            checkpoint: CheckpointId(reader.u32()?),
            generation: Generation(reader.u32()?),
            attempt: Attempt(reader.u32()?),
            task: TaskId(u16::try_from(reader.u32()?).ok()?),
            number: reader.u32()?,
        })
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FileId { checkpoint, generation, attempt, task, number } = self;
        write!(f, "{checkpoint} {generation} {attempt} {task}")?;
        if *number > 0 { write!(f, "#{number}") } else { Ok(()) }
    }
}

impl Replicas {
    /// One store alone.
    pub const fn one(store: u16) -> Self {
        Replicas(1 << store)
    }
    /// These and one more.
    #[must_use]
    pub const fn with(self, store: u16) -> Self {
        Replicas(self.0 | 1 << store)
    }
    /// These and those.
    #[must_use]
    pub const fn and(self, others: Replicas) -> Self {
        Replicas(self.0 | others.0)
    }
    /// These without one.
    #[must_use]
    pub const fn without(self, store: u16) -> Self {
        Replicas(self.0 & !(1 << store))
    }
    /// How many.
    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }
    /// Whether a store has it.
    pub const fn has(self, store: u16) -> bool {
        self.0 >> store & 1 == 1
    }
    /// All of them, ascending.
    pub fn iter(self) -> impl Iterator<Item = u16> {
        (0..64).filter(move |store| self.has(*store))
    }
}

impl Part {
    /// Bytes that were written for this checkpoint: what its own files weigh, and what is inline.
    pub fn written(&self, checkpoint: CheckpointId) -> u64 {
        let own = self.files.iter().filter(|file| file.id.checkpoint == checkpoint);
        let files: u64 = own.map(|file| file.bytes).sum();
        files + self.inline.as_ref().map_or(0, Payload::size)
    }

    /// Bytes on the wire.
    pub(crate) fn wire_size(&self) -> u64 {
        24 + 44 * self.files.len() as u64 + self.inline.as_ref().map_or(0, Payload::size)
    }

    pub(crate) fn digest(&self, into: &mut Mixer) {
        into.pair(self.task.0.into(), self.state);
        into.word(self.stopped.as_nanos());
        into.word(self.inline.as_ref().map_or(0, Payload::fingerprint));
        for file in &self.files {
            let (first, second) = file.id.words();
            into.pair(first, second);
            into.pair(file.bytes, file.print);
            into.word(file.replicas.0);
        }
    }

    /// Appends it: fixed-width little-endian fields, as in all of the metadata.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put(out, self.task.0.into());
        out.extend_from_slice(&self.state.to_le_bytes());
        out.extend_from_slice(&self.stopped.as_nanos().to_le_bytes());
        put(out, u32::from(self.inline.is_some()));
        if let Some(inline) = &self.inline {
            out.extend_from_slice(&inline.size().to_le_bytes());
            put(out, inline.bytes().len() as u32);
            out.extend_from_slice(inline.bytes());
        }
        put(out, self.files.len() as u32);
        for file in &self.files {
            file.id.encode(out);
            for word in [file.bytes, file.print, file.replicas.0] {
                out.extend_from_slice(&word.to_le_bytes());
            }
        }
    }

    /// Reads what [`Part::encode`] wrote.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let task = TaskId(u16::try_from(reader.u32()?).ok()?);
        let (state, stopped) = (reader.u64()?, Span::nanos(reader.u64()?));
        let inline = match reader.u32()? {
            0 => None,
            _ => {
                let (size, len) = (reader.u64()?, reader.u32()? as usize);
                Some(Payload::weighing(reader.take(len)?, size))
            }
        };
        let mut files = Vec::new();
        for _ in 0..reader.u32()? {
            let id = FileId::decode(reader)?;
            let (bytes, print) = (reader.u64()?, reader.u64()?);
            files.push(FileRef { id, bytes, print, replicas: Replicas(reader.u64()?) });
        }
        Some(Part { task, state, stopped, inline, files })
    }
}
