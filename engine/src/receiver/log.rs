//! The frames of the receiver's log. A frame is its body's length, its checksum, its body.
//!
//! The checksum is also that of the frame's place in the file, so a frame counts only where it was
//! written. The body's first byte says, besides its kind, which frame it is since the last sync:
//! the first one was written when everything before it was durable. So a bad frame that has such a
//! one behind it was durable too, and is *rotten*; any other was torn by a crash, and nobody was
//! told of it, nor of what is behind it.
//!
//! What cannot be told from a torn frame is rot in the very last one.

use alloc::vec::Vec;

use stormglass_sim::hash::Mixer;
use stormglass_sim::time::Instant;

use crate::ids::{CheckpointId, Child, ComponentId, Generation, Root, TaskId};
use crate::snapshot::{Reader, TransactionId, put};
use crate::tuple::Head;
use crate::value::{self, Value};

/// Bytes before a frame's body.
const HEADER: usize = 12;
/// Bits of a body's first byte that say what it holds; the others number the frame.
const KIND: u8 = 0b111;
/// The highest number: that of later frames too.
const LAST: u8 = u8::MAX >> 3;

/// A frame that was durable once cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotten {
    /// Where it begins.
    pub offset: usize,
}

/// A record that was or will be published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Output {
    /// The record at the root of its tree.
    pub root: Root,
    /// Its place in the tree.
    pub child: Child,
    /// The fingerprint of its values.
    pub print: u64,
}

impl Output {
    /// The output for a tuple.
    pub fn new(head: &Head, values: &[Value]) -> Self {
        Output { root: head.root, child: head.child, print: value::fingerprint(values) }
    }
}

/// A row of an idempotent sink's table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// The sink.
    pub table: ComponentId,
    /// The fingerprint of its key.
    pub key: u64,
    /// The task that wrote it.
    pub task: TaskId,
    /// The generation that wrote it.
    pub generation: Generation,
    /// Which of that generation's outputs of the task it is, counted from 0.
    pub sequence: u32,
    /// The fingerprint of its values.
    pub print: u64,
}

/// A transaction that timed out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expired {
    /// The checkpoint that ended it; none if it was not pre-committed.
    pub checkpoint: Option<CheckpointId>,
    /// How many records it had.
    pub records: u32,
    /// When it began, by the machine's wall clock.
    pub began: Instant,
}

/// One entry of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// A transaction's records, durable from here on.
    PreCommit {
        /// Which.
        id: TransactionId,
        /// The checkpoint that ends it.
        checkpoint: CheckpointId,
        /// When it began, by the machine's wall clock.
        began: Instant,
        /// Its records.
        outputs: Vec<Output>,
        /// Their values, which readers of the receiver get; recovery needs the fingerprints alone.
        values: Vec<u8>,
    },
    /// These transactions are visible from here on.
    Commit {
        /// Which.
        ids: Vec<TransactionId>,
    },
    /// Transactions of a task's older generations are void, unless they were committed.
    AbortOlder {
        /// The task.
        task: TaskId,
        /// The generation that asked.
        generation: Generation,
    },
    /// The commit of these has been announced.
    Shown {
        /// Which.
        ids: Vec<TransactionId>,
    },
    /// These transactions have timed out: they are void, and nothing may be added to them.
    Expired {
        /// Which, and what they were.
        of: Vec<(TransactionId, Expired)>,
    },
    /// Rows that are visible from here on, each in the place of the one with its key.
    Rows {
        /// The rows.
        rows: Vec<Row>,
        /// The values of those that were written with this frame.
        values: Vec<u8>,
    },
    /// Records of a plain sink, visible from here on. Nothing has to be known of them again.
    Appended {
        /// The writer, and the number of the first record.
        first: TransactionId,
        /// Their values.
        values: Vec<u8>,
    },
}

impl Frame {
    /// Encodes frames in order, to be [sealed](seal) where they are written.
    pub fn encode_all(frames: &[Frame]) -> Vec<u8> {
        let mut out = Vec::new();
        frames.iter().for_each(|frame| frame.append_to(&mut out));
        out
    }

    /// Encodes one more.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        frame_with(out, |body| self.encode(body));
    }

    /// Encodes a [`Frame::PreCommit`] of its parts.
    pub fn pre_commit(
        name: (TransactionId, CheckpointId, Instant),
        outputs: &[Output],
        values: &[u8],
    ) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + 40 + 20 * outputs.len() + values.len());
        frame_with(&mut out, |body| encode_pre_commit(name, outputs, values, body));
        out
    }

    /// Reads the frames of a log up to the first that is torn; also gives back how many bytes that
    /// were.
    ///
    /// # Errors
    /// If a frame cannot be read that was durable.
    pub fn decode_log(bytes: &[u8]) -> Result<(Vec<Frame>, usize), Rotten> {
        let (mut frames, mut at) = (Vec::new(), 0);
        while let Some((frame, _, end)) = Frame::at(bytes, at) {
            frames.push(frame);
            at = end;
        }
        let mut behind = at + 1;
        while behind < bytes.len() {
            match Frame::at(bytes, behind) {
                Some((_, 0, _)) => return Err(Rotten { offset: at }),
                Some((.., end)) => behind = end,
                None => behind += 1,
            }
        }
        Ok((frames, at))
    }

    /// The frame that was written at a place, its number since the last sync, and its end.
    fn at(bytes: &[u8], at: usize) -> Option<(Frame, u8, usize)> {
        let mut reader = Reader(bytes.get(at..)?);
        let len = reader.u32()? as usize;
        let sum = reader.u64()?;
        let body = reader.take(len)?;
        let number = body.first()? >> KIND.count_ones();
        let sound = checksum(at as u64, body) == sum;
        let frame = if sound { Frame::decode(body) } else { None };
        frame.map(|frame| (frame, number, at + HEADER + len))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Frame::PreCommit { id, checkpoint, began, outputs, values } => {
                encode_pre_commit((*id, *checkpoint, *began), outputs, values, out);
            }
            Frame::Commit { ids } => encode_ids(2, ids, out),
            Frame::AbortOlder { task, generation } => {
                out.push(3);
                out.extend_from_slice(&task.0.to_le_bytes());
                put(out, generation.0);
            }
            Frame::Shown { ids } => encode_ids(4, ids, out),
            Frame::Expired { of } => {
                out.push(5);
                put(out, of.len() as u32);
                of.iter().for_each(|(id, expired)| expired.encode(id, out));
            }
            Frame::Rows { rows, values } => {
                out.push(6);
                put(out, rows.len() as u32);
                rows.iter().for_each(|row| row.encode(out));
                out.extend_from_slice(values);
            }
            Frame::Appended { first, values } => {
                out.push(7);
                first.encode(out);
                out.extend_from_slice(values);
            }
        }
    }

    fn decode(body: &[u8]) -> Option<Frame> {
        let (tag, rest) = body.split_first()?;
        let mut reader = Reader(rest);
        Some(match tag & KIND {
            1 => {
                let id = TransactionId::decode(&mut reader)?;
                let checkpoint = CheckpointId(reader.u32()?);
                let began = Instant(reader.u64()?);
                let mut outputs = Vec::new();
                for _ in 0..reader.u32()? {
                    let (root, child) = (Root(reader.u64()?), Child(reader.u32()?));
                    outputs.push(Output { root, child, print: reader.u64()? });
                }
                Frame::PreCommit { id, checkpoint, began, outputs, values: reader.0.to_vec() }
            }
            2 => Frame::Commit { ids: decode_ids(&mut reader)? },
            3 => {
                let (task, generation) = (TaskId(reader.u16()?), Generation(reader.u32()?));
                Frame::AbortOlder { task, generation }
            }
            4 => Frame::Shown { ids: decode_ids(&mut reader)? },
            5 => {
                let count = reader.u32()?;
                let of = (0..count).map(|_| Expired::decode(&mut reader)).collect::<Option<_>>()?;
                Frame::Expired { of }
            }
            6 => {
                let count = reader.u32()?;
                let rows = (0..count).map(|_| Row::decode(&mut reader)).collect::<Option<_>>()?;
                Frame::Rows { rows, values: reader.0.to_vec() }
            }
            7 => {
                let first = TransactionId::decode(&mut reader)?;
                Frame::Appended { first, values: reader.0.to_vec() }
            }
            _ => return None,
        })
    }
}

fn encode_pre_commit(
    (id, checkpoint, began): (TransactionId, CheckpointId, Instant),
    outputs: &[Output],
    values: &[u8],
    out: &mut Vec<u8>,
) {
    out.reserve(40 + 20 * outputs.len() + values.len());
    out.push(1);
    id.encode(out);
    put(out, checkpoint.0);
    out.extend_from_slice(&began.nanos().to_le_bytes());
    put(out, outputs.len() as u32);
    outputs.iter().for_each(|output| output.encode(out));
    out.extend_from_slice(values);
}

/// Appends a frame: length, room for the checksum, and the body that `fill` writes in place.
fn frame_with(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER]);
    fill(out);
    let len = (out.len() - start - HEADER) as u32;
    out[start..start + 4].copy_from_slice(&len.to_le_bytes());
}

/// Makes encoded frames those of a place in the file; so many were written since the last sync, or
/// none will count as written since, if they are durable before anybody looks for them. Gives back
/// how many they are.
pub fn seal(frames: &mut [u8], place: u64, unsynced: Option<u64>) -> u64 {
    let (mut at, mut count) = (0, 0);
    while at < frames.len() {
        let len = u32::from_le_bytes(frames[at..at + 4].try_into().expect("four bytes")) as usize;
        let (head, body) = frames[at..at + HEADER + len].split_at_mut(HEADER);
        let number = unsynced.map_or(0, |before| (before + count).min(u64::from(LAST)) as u8);
        body[0] |= number << KIND.count_ones();
        head[4..].copy_from_slice(&checksum(place + at as u64, body).to_le_bytes());
        at += HEADER + len;
        count += 1;
    }
    count
}

/// The place is part of the sum.
fn checksum(place: u64, body: &[u8]) -> u64 {
    let mut mixer = Mixer::new();
    mixer.word(place);
    mixer.bytes(body);
    mixer.finish64()
}

impl Output {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut entry = [0; 20];
        entry[..8].copy_from_slice(&self.root.0.to_le_bytes());
        entry[8..12].copy_from_slice(&self.child.0.to_le_bytes());
        entry[12..].copy_from_slice(&self.print.to_le_bytes());
        out.extend_from_slice(&entry);
    }
}

impl Expired {
    /// Checkpoints are numbered from 1: 0 stands for none.
    fn encode(&self, id: &TransactionId, out: &mut Vec<u8>) {
        id.encode(out);
        put(out, self.checkpoint.map_or(0, |id| id.0));
        put(out, self.records);
        out.extend_from_slice(&self.began.nanos().to_le_bytes());
    }
    fn decode(reader: &mut Reader<'_>) -> Option<(TransactionId, Expired)> {
        let id = TransactionId::decode(reader)?;
        let checkpoint = Some(CheckpointId(reader.u32()?)).filter(|id| id.0 != 0);
        let (records, began) = (reader.u32()?, Instant(reader.u64()?));
        Some((id, Expired { checkpoint, records, began }))
    }
}

impl Row {
    fn encode(&self, out: &mut Vec<u8>) {
        let Row { table, key, task, generation, sequence, print } = self;
        out.extend_from_slice(&table.0.to_le_bytes());
        out.extend_from_slice(&key.to_le_bytes());
        out.extend_from_slice(&task.0.to_le_bytes());
        put(out, generation.0);
        put(out, *sequence);
        out.extend_from_slice(&print.to_le_bytes());
    }
    fn decode(reader: &mut Reader<'_>) -> Option<Row> {
        let (table, key) = (ComponentId(reader.u16()?), reader.u64()?);
        let (task, generation) = (TaskId(reader.u16()?), Generation(reader.u32()?));
        let (sequence, print) = (reader.u32()?, reader.u64()?);
        Some(Row { table, key, task, generation, sequence, print })
    }
}

fn encode_ids(tag: u8, ids: &[TransactionId], out: &mut Vec<u8>) {
    out.push(tag);
    put(out, ids.len() as u32);
    ids.iter().for_each(|id| id.encode(out));
}

fn decode_ids(reader: &mut Reader<'_>) -> Option<Vec<TransactionId>> {
    (0..reader.u32()?).map(|_| TransactionId::decode(reader)).collect()
}

#[cfg(test)]
mod tests;
