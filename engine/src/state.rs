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
//!
//! Its logical size is that of the encoding, unless a cell has a weight: then it is the sum of the
//! weights of what is set, and of the encodings of cells without one; keys are in the weights.
//!
//! [`delta`] encodes what changed since another encoding was made; [`operator`] keeps what belongs
//! to a task instead of a key; [`schema`] says which states a snapshot holds, and how they fit the
//! declared ones.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use stormglass_sim::payload::Payload;

use crate::component::Cell;
use crate::ids::KeyGroup;
use crate::java;
use crate::value::Value;

pub mod delta;
pub mod operator;
pub mod schema;
mod table;
#[cfg(test)]
mod tests;

use schema::Mapping;
use table::{Cells, Table};

/// A key: the values of the grouping fields.
pub type Key = Vec<Value>;

/// The rows of one key group.
#[derive(Clone, Debug, Default)]
struct Group {
    rows: Arc<Table>,
    /// The last encoding of `rows`; none if they were always empty.
    encoded: Option<Payload>,
    /// They changed since it was made.
    changed: bool,
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
    /// The declared cells, if one of them has a weight.
    weighed: Arc<[Cell]>,
    /// By group: the keys whose rows changed since they were last asked for; none unless wanted.
    changes: Option<Vec<BTreeSet<Key>>>,
    /// The current key is among them.
    noted: bool,
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
        let (weighed, changes, noted) = (Arc::default(), None, false);
        KeyedState {
            first,
            groups,
            max_parallelism,
            cells,
            key,
            hash,
            at,
            position,
            weighed,
            changes,
            noted,
        }
    }

    /// The same, whose snapshots weigh what these cells say. They are the cells of its rows.
    #[must_use]
    pub fn weighing(mut self, cells: &[Cell]) -> Self {
        if cells.iter().any(|cell| cell.weight.is_some()) {
            self.weighed = cells.into();
        }
        self
    }

    /// From now on remembers which rows change.
    pub fn track_changes(&mut self) {
        self.changes = Some(alloc::vec![BTreeSet::new(); self.groups.len()]);
        self.noted = false;
    }

    /// The keys whose rows changed since the last call, in the order of groups and keys, each once.
    /// A row that is gone changed, too. Empty unless changes are tracked.
    pub fn take_changes(&mut self) -> Vec<(KeyGroup, Key)> {
        self.noted = false;
        let by_group = self.changes.iter_mut().flatten().map(core::mem::take);
        let named = (self.first..).map(KeyGroup).zip(by_group);
        named.flat_map(|(group, keys)| keys.into_iter().map(move |key| (group, key))).collect()
    }

    /// The row of any key of this task; none if it has none.
    pub fn row(&self, key: &[Value]) -> Option<&[Value]> {
        let hash = java::deep_hash_code(key.iter());
        let group = java::floor_mod(hash, self.max_parallelism).checked_sub(self.first)?;
        let rows = &self.groups.get(usize::from(group))?.rows;
        Some(rows.row(rows.find(hash, key)?))
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
        self.noted = false;
        // Only a key that is not there yet is needed again.
        if self.position.is_none() {
            self.hash = hash;
            self.key.clear();
            self.key.extend_from_slice(key);
        }
        KeyGroup(group)
    }

    /// The row of any key, empty if it has none; none if the key belongs to another task. The
    /// current key stays.
    pub fn peek(&self, hash: i32, key: &[Value]) -> Option<&[Value]> {
        let group = java::floor_mod(hash, self.max_parallelism);
        let at = group.checked_sub(self.first).map(usize::from)?;
        let rows = &self.groups.get(at)?.rows;
        Some(rows.find(hash, key).map_or(&[], |position| rows.row(position)))
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
        self.note_change();
        let group = &mut self.groups[self.at];
        group.changed = true;
        let rows = Arc::make_mut(&mut group.rows);
        let position = match self.position {
            Some(position) => position,
            None => rows.insert(self.hash, &self.key, self.cells),
        };
        self.position = Some(position);
        rows.row_mut(position)[usize::from(slot)] = value;
    }

    /// Hands out the current key's value of a cell, to be changed in place; null is none. A row of
    /// which nothing is left is gone.
    ///
    /// # Panics
    /// If the cell is not declared.
    pub fn update(&mut self, slot: u16, change: &mut dyn FnMut(&mut Value)) {
        assert!(slot < self.cells, "state cell {slot} is not declared");
        let Some(position) = self.position else {
            let mut value = Value::Null;
            change(&mut value);
            if !matches!(value, Value::Null) {
                self.put(slot, value);
            }
            return;
        };
        self.note_change();
        let group = &mut self.groups[self.at];
        group.changed = true;
        let row = Arc::make_mut(&mut group.rows).row_mut(position);
        change(&mut row[usize::from(slot)]);
        if row.iter().all(|value| matches!(value, Value::Null)) {
            self.clear();
        }
    }

    /// Forgets the current key's row.
    pub fn clear(&mut self) {
        if self.position.is_none() {
            return;
        }
        self.note_change();
        if let Some(position) = self.position.take() {
            let group = &mut self.groups[self.at];
            group.changed = true;
            (self.hash, self.key) = Arc::make_mut(&mut group.rows).remove(position);
        }
    }

    /// Notes that the current key's row changes, if somebody wants to know.
    #[inline]
    fn note_change(&mut self) {
        let Some(changes) = self.changes.as_mut().filter(|_| !self.noted) else { return };
        self.noted = true;
        let rows = &self.groups[self.at].rows;
        let key = self.position.map_or(&self.key[..], |position| rows.key(position));
        changes[self.at].insert(key.to_vec());
    }

    /// Encodes the groups that are not empty, in order. Groups unchanged since the last call share
    /// their encoding with it.
    pub fn snapshot(&mut self) -> Vec<GroupSnapshot> {
        let full = self.groups.iter_mut().enumerate().filter(|(_, group)| !group.rows.is_empty());
        let (first, weighed, mut scratch) = (self.first, &self.weighed[..], Vec::new());
        full.map(|(at, group)| GroupSnapshot {
            group: KeyGroup(first + at as u16),
            keys: group.rows.len() as u32,
            data: group.encode(weighed, &mut scratch),
        })
        .collect()
    }

    /// Replaces the contents of a group by a snapshot's, whose rows have the declared cells.
    ///
    /// # Errors
    /// False if the group is not this task's, or its data is not an encoding of such rows.
    #[must_use]
    pub fn restore(&mut self, snapshot: &GroupSnapshot) -> bool {
        self.restore_rows(snapshot, None)
    }

    /// As [`KeyedState::restore`], from rows with the cells that the mapping was made for.
    ///
    /// # Errors
    /// As there.
    #[must_use]
    pub fn restore_mapped(&mut self, snapshot: &GroupSnapshot, mapping: &Mapping) -> bool {
        self.restore_rows(snapshot, Some(mapping).filter(|mapping| !mapping.is_identity()))
    }

    fn restore_rows(&mut self, snapshot: &GroupSnapshot, mapping: Option<&Mapping>) -> bool {
        let Some(at) = snapshot.group.0.checked_sub(self.first).map(usize::from) else {
            return false;
        };
        let Some(group) = self.groups.get_mut(at) else { return false };
        let stored = mapping.map_or(usize::from(self.cells), Mapping::stored);
        let Some(rows) = decode(snapshot.data.bytes(), stored, mapping) else { return false };
        let encoded = mapping.is_none().then(|| weigh(&snapshot.data, &rows, &self.weighed));
        *group = Group { rows: Arc::new(rows), changed: encoded.is_none(), encoded };
        self.position = None;
        true
    }
}

impl Group {
    fn encode(&mut self, weighed: &[Cell], scratch: &mut Vec<u8>) -> Payload {
        let last = match &self.encoded {
            Some(encoded) if !self.changed => return encoded.clone(),
            last => last.as_ref().map_or(&[][..], Payload::bytes),
        };
        scratch.clear();
        Arc::make_mut(&mut self.rows).encode(last, scratch);
        let encoded = weigh(&Payload::new(&scratch[..]), &self.rows, weighed);
        (self.encoded, self.changed) = (Some(encoded.clone()), false);
        encoded
    }
}

/// An encoding of rows that weighs what they weigh.
fn weigh(encoding: &Payload, rows: &Table, cells: &[Cell]) -> Payload {
    if cells.is_empty() {
        return encoding.clone();
    }
    encoding.clone().weighed(rows.rows().map(|row| weight(row, cells)).sum())
}

fn weight(row: &[Value], cells: &[Cell]) -> u64 {
    cells.iter().zip(row).map(|(cell, value)| cell.size(value)).sum()
}

fn decode(data: &[u8], cells: usize, mapping: Option<&Mapping>) -> Option<Table> {
    let (count, mut bytes) = data.split_first_chunk::<4>()?;
    let count = u32::from_le_bytes(*count) as usize;
    // A row takes two counts at least: what says that it has more has less.
    let mut rows = Table::with_room(count.min(bytes.len() / 4));
    for _ in 0..count {
        let from = data.len() - bytes.len();
        let mut all = Cells::with_capacity(1 + cells);
        let key = decode_onto(&mut all, &mut bytes)?;
        let row = decode_onto(&mut all, &mut bytes)?;
        if row != cells {
            return None;
        }
        let mut lies = from..data.len() - bytes.len();
        if let Some(mapping) = mapping {
            let row = mapping.apply(&all[key..]);
            all.truncate(key);
            all.extend(row);
            lies = 0..0;
        }
        if !rows.adopt(java::deep_hash_code(all[..key].iter()), key, all, lies) {
            return None;
        }
    }
    bytes.is_empty().then_some(rows)
}

/// Appends a row: the number of values as `u16`, then each one.
fn encode_values(values: &[Value], out: &mut Vec<u8>) {
    out.extend_from_slice(&(values.len() as u16).to_le_bytes());
    values.iter().for_each(|value| value.encode(out));
}

fn decode_values(bytes: &mut &[u8]) -> Option<Vec<Value>> {
    let mut values = Vec::new();
    decode_onto(&mut values, bytes)?;
    Some(values)
}

/// Appends the values of a row, and says how many there are.
fn decode_onto(values: &mut impl Extend<Value>, bytes: &mut &[u8]) -> Option<usize> {
    let (count, rest) = bytes.split_first_chunk::<2>()?;
    *bytes = rest;
    let count = usize::from(u16::from_le_bytes(*count));
    for _ in 0..count {
        values.extend([Value::decode(bytes)?]);
    }
    Some(count)
}
