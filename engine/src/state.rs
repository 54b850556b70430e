//! Keyed state, by key group.
//!
//! A key's row holds one value for each declared cell. Rows live in ordered maps, one a key group,
//! shared copy-on-write: a snapshot is a clone of the pointers, and only the groups that changed
//! since the last snapshot are encoded again.
//!
//! Canonical encoding of a group: the number of keys as `u32`, then for each key in order its values
//! (`u16` count, then each value's encoding) and its row (likewise, a cell never set is null). All
//! integers are little-endian. The fingerprint of a group is `hash::fingerprint` of that encoding.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use stormglass_sim::payload::Payload;

use crate::ids::KeyGroup;
use crate::java;
use crate::value::Value;

/// A key: the values of the grouping fields.
pub type Key = Vec<Value>;
/// A key's cells, by slot.
pub type Row = Vec<Value>;

/// The rows of one key group.
#[derive(Clone, Debug, Default)]
struct Group {
    rows: Arc<BTreeMap<Key, Row>>,
    /// The encoding of `rows`; none if they changed since it was made, or were always empty.
    encoded: Option<Payload>,
}

/// The keyed state of one task: the groups that it owns.
#[derive(Clone, Debug)]
pub struct KeyedState {
    first: u16,
    groups: Vec<Group>,
    max_parallelism: u16,
    cells: u16,
    /// The current key, and the group it belongs to.
    key: Key,
    at: usize,
}

/// The encoded part of one key group in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSnapshot {
    /// Which group.
    pub group: KeyGroup,
    /// How many keys it has.
    pub keys: u32,
    /// Its canonical encoding.
    pub data: Payload,
}

impl KeyedState {
    /// Empty state for the key groups `range` of `max_parallelism`, with rows of `cells` cells.
    pub fn new(range: Range<u16>, max_parallelism: u16, cells: u16) -> Self {
        let (first, groups) = (range.start, range.map(|_| Group::default()).collect());
        KeyedState { first, groups, max_parallelism, cells, key: Key::new(), at: 0 }
    }

    /// Makes the key with this hash the current one and returns its group.
    ///
    /// # Panics
    /// If the key belongs to a group of another task.
    pub fn select<'a>(&mut self, hash: i32, key: impl Iterator<Item = &'a Value>) -> KeyGroup {
        let group = java::floor_mod(hash, self.max_parallelism);
        self.at = usize::from(group - self.first);
        assert!(self.at < self.groups.len(), "key group {group} belongs to another task");
        self.key.clear();
        self.key.extend(key.cloned());
        KeyGroup(group)
    }

    /// The current key's value of a cell; none if it was never set.
    pub fn get(&self, slot: u16) -> Option<&Value> {
        let row = self.groups[self.at].rows.get(self.key.as_slice())?;
        Some(&row[usize::from(slot)]).filter(|value| !matches!(value, Value::Null))
    }

    /// Sets the current key's value of a cell.
    ///
    /// # Panics
    /// If the cell is not declared.
    pub fn put(&mut self, slot: u16, value: Value) {
        assert!(slot < self.cells, "state cell {slot} is not declared");
        let group = &mut self.groups[self.at];
        group.encoded = None;
        let rows = Arc::make_mut(&mut group.rows);
        if let Some(row) = rows.get_mut(self.key.as_slice()) {
            row[usize::from(slot)] = value;
            return;
        }
        let mut row = alloc::vec![Value::Null; usize::from(self.cells)];
        row[usize::from(slot)] = value;
        rows.insert(self.key.clone(), row);
    }

    /// Forgets the current key's row.
    pub fn clear(&mut self) {
        let group = &mut self.groups[self.at];
        if group.rows.contains_key(self.key.as_slice()) {
            group.encoded = None;
            Arc::make_mut(&mut group.rows).remove(self.key.as_slice());
        }
    }

    /// Encodes the groups that are not empty, in order. Groups unchanged since the last call share
    /// their encoding with it.
    pub fn snapshot(&mut self) -> Vec<GroupSnapshot> {
        let first = self.first;
        let full = self.groups.iter_mut().enumerate().filter(|(_, group)| !group.rows.is_empty());
        full.map(|(at, group)| GroupSnapshot {
            group: KeyGroup(first + at as u16),
            keys: group.rows.len() as u32,
            data: group.encoded.get_or_insert_with(|| Payload::new(encode(&group.rows))).clone(),
        })
        .collect()
    }

    /// Replaces the contents of a group by a snapshot's.
    ///
    /// # Errors
    /// False if the group is not this task's, or its data is not an encoding of such rows.
    #[must_use]
    pub fn restore(&mut self, snapshot: &GroupSnapshot) -> bool {
        let Some(at) = snapshot.group.0.checked_sub(self.first).map(usize::from) else {
            return false;
        };
        let Some(group) = self.groups.get_mut(at) else { return false };
        let Some(rows) = decode(snapshot.data.bytes(), self.cells) else { return false };
        *group = Group { rows: Arc::new(rows), encoded: Some(snapshot.data.clone()) };
        true
    }
}

fn encode(rows: &BTreeMap<Key, Row>) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + rows.len() * 32);
    out.extend_from_slice(&(rows.len() as u32).to_le_bytes());
    for (key, row) in rows {
        for values in [key, row] {
            out.extend_from_slice(&(values.len() as u16).to_le_bytes());
            values.iter().for_each(|value| value.encode(&mut out));
        }
    }
    out
}

fn decode(mut bytes: &[u8], cells: u16) -> Option<BTreeMap<Key, Row>> {
    let (count, rest) = bytes.split_first_chunk::<4>()?;
    bytes = rest;
    let mut rows = BTreeMap::new();
    for _ in 0..u32::from_le_bytes(*count) {
        let key = decode_values(&mut bytes)?;
        let row = decode_values(&mut bytes)?;
        if row.len() != usize::from(cells) {
            return None;
        }
        rows.insert(key, row);
    }
    bytes.is_empty().then_some(rows)
}

fn decode_values(bytes: &mut &[u8]) -> Option<Vec<Value>> {
    let (count, rest) = bytes.split_first_chunk::<2>()?;
    *bytes = rest;
    (0..u16::from_le_bytes(*count)).map(|_| Value::decode(bytes)).collect()
}

#[cfg(test)]
mod tests;
