//! What a task puts into a checkpoint, and its file format.
//!
//! A file is a checksum of everything after it (`u64`), then the positions, the key groups, the
//! transactions and the names of states, each as a `u32` count and little-endian entries, then the
//! length and the bytes of operator state and at last what was in flight (see [`in_flight`]), if
//! there is any. A key group of an increment is marked by the highest bit of its number. The
//! checksum takes the bytes of state by their fingerprint, which was computed when they were
//! encoded. A file whose checksum or shape is wrong is no snapshot. A file weighs its bytes, but
//! state weighs its logical size.

use alloc::vec::Vec;

use stormglass_sim::hash::Mixer;
use stormglass_sim::payload::Payload;

use crate::handle::FileRef;
use crate::ids::{Attempt, CheckpointId, Generation, KeyGroup, Root, TaskId};
use crate::state::GroupSnapshot;
use crate::state::delta::Layers;
use crate::state::schema::StateName;

pub mod in_flight;

use in_flight::InFlight;

/// Marks a key group of which a file holds the changes only.
const CHANGES: u32 = 1 << 31;
/// In place of the length of operator state: there is none, but something follows.
const NO_OPERATOR: u32 = u32::MAX;

/// The name of a transaction at the receiver: unique over all attempts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TransactionId {
    /// The sink task.
    pub task: TaskId,
    /// The generation that writes it.
    pub generation: Generation,
    /// The execution attempt that writes it.
    pub attempt: Attempt,
    /// Counts the attempt's transactions.
    pub number: u32,
}

/// One task's part of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// For a source: the record to read next, for each of its partitions.
    pub positions: Vec<Root>,
    /// For a keyed bolt: its key groups that are not empty.
    pub groups: Vec<GroupSnapshot>,
    /// For a sink: its pre-committed transactions, with the checkpoint that ends each.
    pub transactions: Vec<(TransactionId, CheckpointId)>,
    /// For a bolt: the states that it declares, keyed ones first.
    pub states: Vec<StateName>,
    /// For a bolt with operator or broadcast state: its encoding.
    pub operator: Option<Payload>,
    /// What a barrier overtook: of each channel in order.
    pub in_flight: Vec<InFlight>,
    /// For a keyed bolt whose groups are in files of earlier checkpoints: what has changed since.
    pub increment: Option<Increment>,
}

/// What has changed of a task's key groups since an earlier checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Increment {
    /// The files that hold the rest, in order. The new file does not say which.
    pub base: Vec<FileRef>,
    /// The logical size of all groups in bytes.
    pub size: u64,
    /// The changes, in the encoding of `state::delta`.
    pub changed: Vec<GroupSnapshot>,
}

impl Snapshot {
    /// The logical size of the state that it stands for, in bytes.
    pub fn state_size(&self) -> u64 {
        let operator = self.operator.as_ref().map_or(0, Payload::size);
        let groups = self.groups.iter().map(|group| group.data.size());
        self.increment.as_ref().map_or_else(|| groups.sum(), |of| of.size) + operator
    }

    /// The files that hold what is not in its own.
    pub fn base(&self) -> &[FileRef] {
        self.increment.as_ref().map_or(&[], |of| &of.base)
    }

    /// Groups, whole or changed, with the mark of each.
    fn marked(&self) -> impl Iterator<Item = (u32, &GroupSnapshot)> {
        let changed = self.increment.iter().flat_map(|of| &of.changed);
        self.groups.iter().map(|group| (0, group)).chain(changed.map(|group| (CHANGES, group)))
    }

    fn state(&self) -> impl Iterator<Item = &Payload> {
        self.marked().map(|(_, group)| &group.data).chain(&self.operator)
    }

    /// What files make together: a whole one, and increments in order, each over those before it.
    /// None if they are no such files.
    pub fn over(files: Vec<Snapshot>) -> Option<Snapshot> {
        let mut layers = Layers::default();
        let (first, increments) = files.split_first()?;
        if first.increment.is_some() {
            return None;
        }
        if increments.is_empty() {
            return files.into_iter().next();
        }
        layers.lay(&first.groups)?;
        for file in increments.iter() {
            if !file.groups.is_empty() {
                return None;
            }
            layers.lay_changes(file.increment.as_ref().map_or(&[], |of| &of.changed))?;
        }
        let last = files.into_iter().next_back()?;
        Some(Snapshot { groups: layers.finish(), increment: None, ..last })
    }

    /// The file's contents.
    pub fn encode(&self) -> Payload {
        let data: usize = self.marked().map(|(_, g)| 12 + g.data.bytes().len()).sum();
        let own = self.operator.as_ref().map_or(0, |operator| operator.bytes().len());
        let names: usize = self.states.iter().map(|state| 16 + state.name.len()).sum();
        let rest = 8 * self.positions.len() + 18 * self.transactions.len() + names + own;
        let mut out = Vec::with_capacity(64 + data + rest);
        out.extend_from_slice(&[0; 8]);
        put(&mut out, self.positions.len() as u32);
        self.positions.iter().for_each(|root| out.extend_from_slice(&root.0.to_le_bytes()));
        put(&mut out, self.marked().count() as u32);
        for (mark, group) in self.marked() {
            put(&mut out, u32::from(group.group.0) | mark);
            put(&mut out, group.keys);
            put(&mut out, group.data.bytes().len() as u32);
            out.extend_from_slice(group.data.bytes());
        }
        put(&mut out, self.transactions.len() as u32);
        for (id, checkpoint) in &self.transactions {
            id.encode(&mut out);
            put(&mut out, checkpoint.0);
        }
        put(&mut out, self.states.len() as u32);
        self.states.iter().for_each(|state| state.encode(&mut out));
        match &self.operator {
            Some(operator) => {
                put(&mut out, operator.bytes().len() as u32);
                out.extend_from_slice(operator.bytes());
            }
            None if self.in_flight.is_empty() => {}
            None => put(&mut out, NO_OPERATOR),
        }
        in_flight::encode(&self.in_flight, &mut out);
        let sum = self.checksum();
        out[..8].copy_from_slice(&sum.to_le_bytes());
        let bytes: usize = self.state().map(|data| data.bytes().len()).sum();
        let logical: u64 = self.state().map(Payload::size).sum();
        let weight = (out.len() - bytes) as u64 + logical;
        Payload::vouched(out, sum).weighed(weight)
    }

    /// A mix of all fields; the bytes of a key group by their fingerprint.
    fn checksum(&self) -> u64 {
        let mut mixer = Mixer::new();
        mixer.word(self.positions.len() as u64);
        self.positions.iter().for_each(|root| mixer.word(root.0));
        mixer.word(self.marked().count() as u64);
        for (mark, GroupSnapshot { group, keys, data }) in self.marked() {
            let number = u64::from(u32::from(group.0) | mark);
            mixer.pair(number << 32 | u64::from(*keys), data.bytes().len() as u64);
            mixer.word(data.fingerprint());
        }
        mixer.word(self.transactions.len() as u64);
        for (id, checkpoint) in &self.transactions {
            mixer.pair(id.words().0, id.words().1);
            mixer.word(checkpoint.0.into());
        }
        mixer.word(self.states.len() as u64);
        for StateName { name, kind, version, expires } in &self.states {
            mixer.word(*kind as u64 | u64::from(*version) << 8 | u64::from(*expires) << 32);
            mixer.text(0, name.as_bytes());
        }
        if let Some(operator) = &self.operator {
            mixer.pair(operator.bytes().len() as u64, operator.fingerprint());
        }
        self.in_flight.iter().for_each(|flying| flying.digest(&mut mixer));
        mixer.finish64()
    }

    /// Reads a file; none if it is torn, rotten or not a snapshot.
    pub fn decode(file: &Payload) -> Option<Snapshot> {
        let (sum, body) = file.bytes().split_first_chunk::<8>()?;
        let mut reader = Reader(body);
        let mut snapshot = Snapshot::default();
        for _ in 0..reader.u32()? {
            snapshot.positions.push(Root(reader.u64()?));
        }
        for _ in 0..reader.u32()? {
            let number = reader.u32()?;
            let group = KeyGroup(u16::try_from(number & !CHANGES).ok()?);
            let keys = reader.u32()?;
            let len = reader.u32()? as usize;
            let data = Payload::new(reader.take(len)?);
            let group = GroupSnapshot { group, keys, data };
            if number & CHANGES == 0 {
                snapshot.groups.push(group);
            } else {
                snapshot.increment.get_or_insert_default().changed.push(group);
            }
        }
        for _ in 0..reader.u32()? {
            let id = TransactionId::decode(&mut reader)?;
            snapshot.transactions.push((id, CheckpointId(reader.u32()?)));
        }
        for _ in 0..reader.u32()? {
            snapshot.states.push(StateName::decode(&mut reader)?);
        }
        let len = if reader.0.is_empty() { NO_OPERATOR } else { reader.u32()? };
        if len != NO_OPERATOR {
            snapshot.operator = Some(Payload::new(reader.take(len as usize)?));
        }
        snapshot.in_flight = in_flight::decode(&mut reader)?;
        let sound = reader.0.is_empty() && snapshot.checksum() == u64::from_le_bytes(*sum);
        sound.then_some(snapshot)
    }
}

impl TransactionId {
    /// Appends its 14 bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.task.0.to_le_bytes());
        put(out, self.generation.0);
        put(out, self.attempt.0);
        put(out, self.number);
    }
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        Some(TransactionId {
            task: TaskId(reader.u16()?),
            generation: Generation(reader.u32()?),
            attempt: Attempt(reader.u32()?),
            number: reader.u32()?,
        })
    }
    /// Two words for digests.
    pub(crate) fn words(&self) -> (u64, u64) {
        (
            u64::from(self.task.0) << 32 | u64::from(self.generation.0),
            u64::from(self.attempt.0) << 32 | u64::from(self.number),
        )
    }
}

/// Appends a little-endian `u32`.
pub(crate) fn put(out: &mut Vec<u8>, n: u32) {
    out.extend_from_slice(&n.to_le_bytes());
}

/// Reads fixed-width little-endian numbers off a byte string.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }
    pub(crate) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }
    pub(crate) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }
    pub(crate) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests;
