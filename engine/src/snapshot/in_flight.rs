//! What was on its way between two tasks when a barrier overtook it (Flink's channel state).
//!
//! In a file it follows everything else, if there is any: a `u32` count of pieces, then for each
//! its channel (two `u16`), a `u32` count of tuples, and each tuple's head and values in their
//! canonical encoding.

use alloc::vec::Vec;

use stormglass_sim::hash::Mixer;

use super::{Reader, put};
use crate::ids::{Child, Root, StreamId, TaskId, Tree};
use crate::tuple::{Batch, Head};
use crate::value::Value;

/// A piece of a channel. The task that keeps it is the receiving one, if it had arrived, or the
/// emitting one, if it waited for credit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InFlight {
    /// The emitting task.
    pub from: TaskId,
    /// The receiving task.
    pub to: TaskId,
    /// The tuples, in order.
    pub batch: Batch,
}

impl InFlight {
    pub(super) fn digest(&self, into: &mut Mixer) {
        let channel = u64::from(self.from.0) << 16 | u64::from(self.to.0);
        into.pair(channel, self.batch.len() as u64);
        into.word(self.batch.fingerprint());
    }
}

pub(super) fn encode(all: &[InFlight], out: &mut Vec<u8>) {
    if all.is_empty() {
        return;
    }
    put(out, all.len() as u32);
    for InFlight { from, to, batch } in all {
        out.extend_from_slice(&from.0.to_le_bytes());
        out.extend_from_slice(&to.0.to_le_bytes());
        put(out, batch.len() as u32);
        for (head, values) in batch.iter() {
            out.extend_from_slice(&head.root.0.to_le_bytes());
            put(out, head.child.0);
            put(out, head.hash as u32);
            out.extend_from_slice(&head.stream.0.to_le_bytes());
            out.extend_from_slice(&head.arity.to_le_bytes());
            values.iter().for_each(|value| value.encode(out));
        }
    }
}

pub(super) fn decode(reader: &mut Reader<'_>) -> Option<Vec<InFlight>> {
    let mut all = Vec::new();
    if reader.0.is_empty() {
        return Some(all);
    }
    for _ in 0..reader.u32()? {
        let (from, to) = (TaskId(reader.u16()?), TaskId(reader.u16()?));
        let mut batch = Batch::default();
        let mut values = Vec::new();
        for _ in 0..reader.u32()? {
            let (root, child) = (Root(reader.u64()?), Child(reader.u32()?));
            let hash = reader.u32()? as i32;
            let (stream, arity) = (StreamId(reader.u16()?), reader.u16()?);
            values.clear();
            for _ in 0..arity {
                values.push(Value::decode(&mut reader.0)?);
            }
            batch.push(Head { root, child, hash, stream, arity, tree: Tree::NONE }, &values);
        }
        all.push(InFlight { from, to, batch });
    }
    Some(all)
}

/// A fingerprint over the names of tuples, in order.
#[derive(Clone, Copy, Default, Debug)]
pub struct Names {
    mixer: Mixer,
    tuples: u32,
}

impl Names {
    /// Adds a tuple.
    pub fn add(&mut self, root: Root, child: Child) {
        self.mixer.pair(root.0, child.0.into());
        self.tuples += 1;
    }
    /// How many were added.
    pub fn tuples(&self) -> u32 {
        self.tuples
    }
    /// The fingerprint.
    pub fn print(&self) -> u64 {
        self.mixer.finish64()
    }
}
