//! Keyed state, by key group.
//!
//! A key's row holds one value for each declared cell. Rows live in tables, one a key group, shared
//! copy-on-write between a run and its clones; only the groups that changed since the last snapshot
//! are encoded again.
//!
//! Canonical encoding of a group: the number of keys as `u32`, then for each key in order its
//! values (`u16` count, then each value's encoding) and its row (likewise, a cell never set is
//! null). All integers are little-endian. The fingerprint of a group is `hash::fingerprint` of that
//! encoding.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use stormglass_sim::payload::Payload;

use crate::ids::KeyGroup;
use crate::java;
use crate::value::Value;

mod table;
#[cfg(test)]
mod tests;

use table::Table;

/// A key: the values of the grouping fields.
pub type Key = Vec<Value>;

/// The rows of one key group.
#[derive(Clone, Debug, Default)]
struct Group {
    rows: Arc<Table>,
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
    /// The group of the current key, and the position of its row there.
    at: usize,
    position: Option<usize>,
    /// The current key and its hash, if it has no row.
    key: Key,
    hash: i32,
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
        let (key, hash, at, position) = (Key::new(), 0, 0, None);
        KeyedState { first, groups, max_parallelism, cells, key, hash, at, position }
    }

    /// Makes the key with this hash the current one and returns its group.
    ///
    /// # Panics
    /// If the key belongs to a group of another task.
    pub fn select(&mut self, hash: i32, key: &[Value]) -> KeyGroup {
        let group = java::floor_mod(hash, self.max_parallelism);
        let at = group.checked_sub(self.first).map(usize::from);
        let at = at.filter(|at| *at < self.groups.len());
        self.at = at.unwrap_or_else(|| panic!("key group {group} belongs to another task"));
        self.position = self.groups[self.at].rows.find(hash, key);
        // Only a key that is not there yet is needed again.
        if self.position.is_none() {
            self.hash = hash;
            self.key.clear();
            self.key.extend_from_slice(key);
        }
        KeyGroup(group)
    }

    /// The current key's value of a cell; none if it was never set.
    #[inline]
    pub fn get(&self, slot: u16) -> Option<&Value> {
        let row = self.groups[self.at].rows.row(self.position?);
        Some(&row[usize::from(slot)]).filter(|value| !matches!(value, Value::Null))
    }

    /// Sets the current key's value of a cell.
    ///
    /// # Panics
    /// If the cell is not declared.
    #[inline]
    pub fn put(&mut self, slot: u16, value: Value) {
        assert!(slot < self.cells, "state cell {slot} is not declared");
        let group = &mut self.groups[self.at];
        group.encoded = None;
        let rows = Arc::make_mut(&mut group.rows);
        let position = match self.position {
            Some(position) => position,
            None => rows.insert(self.hash, &self.key, self.cells),
        };
        self.position = Some(position);
        rows.row_mut(position)[usize::from(slot)] = value;
    }

    /// Forgets the current key's row.
    pub fn clear(&mut self) {
        if let Some(position) = self.position.take() {
            let group = &mut self.groups[self.at];
            group.encoded = None;
            (self.hash, self.key) = Arc::make_mut(&mut group.rows).remove(position);
        }
    }

    /// Encodes the groups that are not empty, in order. Groups unchanged since the last call share
    /// their encoding with it.
    pub fn snapshot(&mut self) -> Vec<GroupSnapshot> {
        let full = self.groups.iter_mut().enumerate().filter(|(_, group)| !group.rows.is_empty());
        let first = self.first;
        full.map(|(at, group)| GroupSnapshot {
            group: KeyGroup(first + at as u16),
            keys: group.rows.len() as u32,
            data: group.encode(),
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
        self.position = None;
        true
    }
}

impl Group {
    fn encode(&mut self) -> Payload {
        if let Some(encoded) = &self.encoded {
            return encoded.clone();
        }
        Arc::make_mut(&mut self.rows).sort();
        let encoded = Payload::new(encode(&self.rows));
        self.encoded = Some(encoded.clone());
        encoded
    }
}

fn encode(rows: &Table) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + rows.len() * 40);
    out.extend_from_slice(&(rows.len() as u32).to_le_bytes());
    for (key, row) in rows.in_order() {
        for values in [key, row] {
            out.extend_from_slice(&(values.len() as u16).to_le_bytes());
            values.iter().for_each(|value| value.encode(&mut out));
        }
    }
    out
}

fn decode(mut bytes: &[u8], cells: u16) -> Option<Table> {
    let (count, rest) = bytes.split_first_chunk::<4>()?;
    bytes = rest;
    let mut rows = Vec::new();
    for _ in 0..u32::from_le_bytes(*count) {
        let key = decode_values(&mut bytes)?;
        let row = decode_values(&mut bytes)?;
        if row.len() != usize::from(cells) {
            return None;
        }
        rows.push((java::deep_hash_code(key.iter()), key, row));
    }
    if bytes.is_empty() { table::collect(rows) } else { None }
}

fn decode_values(bytes: &mut &[u8]) -> Option<Vec<Value>> {
    let (count, rest) = bytes.split_first_chunk::<2>()?;
    *bytes = rest;
    (0..u16::from_le_bytes(*count)).map(|_| Value::decode(bytes)).collect()
}
