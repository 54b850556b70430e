//! The frames of the receiver's log. A frame is its body's length, its checksum, its body.

use alloc::vec::Vec;

use stormglass_sim::hash::fingerprint;
use stormglass_sim::payload::Payload;

use crate::ids::{CheckpointId, Child, Generation, Root, TaskId};
use crate::snapshot::{Reader, TransactionId, put};
use crate::tuple::Head;
use crate::value::{self, Value};

/// Bytes before a frame's body.
const HEADER: usize = 12;

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

/// One entry of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// A transaction's records, durable from here on.
    PreCommit {
        /// Which.
        id: TransactionId,
        /// The checkpoint that ends it.
        checkpoint: CheckpointId,
        /// Its records.
        outputs: Vec<Output>,
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
}

impl Frame {
    /// Encodes frames in order.
    pub fn encode_all(frames: &[Frame]) -> Payload {
        let mut out = Vec::new();
        frames.iter().for_each(|frame| frame_with(&mut out, |body| frame.encode(body)));
        Payload::new(out)
    }

    /// Encodes a [`Frame::PreCommit`] of these outputs. `values` are their encoded values, which
    /// readers of the receiver get; recovery needs the fingerprints alone.
    pub fn encode_pre_commit(
        id: TransactionId,
        checkpoint: CheckpointId,
        outputs: &[Output],
        values: &[u8],
    ) -> Payload {
        let mut out = Vec::with_capacity(64 + 20 * outputs.len() + values.len());
        frame_with(&mut out, |body| {
            encode_pre_commit(id, checkpoint, outputs, body);
            body.extend_from_slice(values);
        });
        Payload::new(out)
    }

    /// Reads the frames of a log up to the first that is torn or rotten; also gives back how many
    /// bytes that were.
    pub fn decode_log(bytes: &[u8]) -> (Vec<Frame>, usize) {
        let (mut reader, mut whole) = (Reader(bytes), 0);
        let frames = core::iter::from_fn(|| {
            let len = reader.u32()? as usize;
            let sum = reader.u64()?;
            let body = reader.take(len)?;
            let frame = if fingerprint(body) == sum { Frame::decode(body) } else { None };
            whole = if frame.is_some() { bytes.len() - reader.0.len() } else { whole };
            frame
        });
        (frames.collect(), whole)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Frame::PreCommit { id, checkpoint, outputs } => {
                encode_pre_commit(*id, *checkpoint, outputs, out);
            }
            Frame::Commit { ids } => encode_ids(2, ids, out),
            Frame::AbortOlder { task, generation } => {
                out.push(3);
                out.extend_from_slice(&task.0.to_le_bytes());
                put(out, generation.0);
            }
            Frame::Shown { ids } => encode_ids(4, ids, out),
        }
    }

    fn decode(body: &[u8]) -> Option<Frame> {
        let (tag, rest) = body.split_first()?;
        let mut reader = Reader(rest);
        Some(match tag {
            1 => {
                let id = TransactionId::decode(&mut reader)?;
                let checkpoint = CheckpointId(reader.u32()?);
                let mut outputs = Vec::new();
                for _ in 0..reader.u32()? {
                    let (root, child) = (Root(reader.u64()?), Child(reader.u32()?));
                    outputs.push(Output { root, child, print: reader.u64()? });
                }
                Frame::PreCommit { id, checkpoint, outputs }
            }
            2 => Frame::Commit { ids: decode_ids(&mut reader)? },
            3 => {
                let (task, generation) = (TaskId(reader.u16()?), Generation(reader.u32()?));
                Frame::AbortOlder { task, generation }
            }
            4 => Frame::Shown { ids: decode_ids(&mut reader)? },
            _ => return None,
        })
    }
}

/// Appends a frame: length, checksum, and the body that `fill` writes in place.
fn frame_with(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER]);
    fill(out);
    let body = start + HEADER;
    let (len, sum) = ((out.len() - body) as u32, fingerprint(&out[body..]));
    out[start..start + 4].copy_from_slice(&len.to_le_bytes());
    out[start + 4..body].copy_from_slice(&sum.to_le_bytes());
}

fn encode_pre_commit(
    id: TransactionId,
    checkpoint: CheckpointId,
    outputs: &[Output],
    out: &mut Vec<u8>,
) {
    out.push(1);
    id.encode(out);
    put(out, checkpoint.0);
    put(out, outputs.len() as u32);
    for output in outputs {
        let mut entry = [0; 20];
        entry[..8].copy_from_slice(&output.root.0.to_le_bytes());
        entry[8..12].copy_from_slice(&output.child.0.to_le_bytes());
        entry[12..].copy_from_slice(&output.print.to_le_bytes());
        out.extend_from_slice(&entry);
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
