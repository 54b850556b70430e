//! Parts of keyed state: what changed of a group, and rows as the entries of a local store.
//!
//! Encoding of the changes of a group: the number of keys as `u32`, then for each key in order its
//! values and its row, as in the canonical encoding; in the place of a row that is gone stands the
//! count `0xffff`. As an entry of a local store a row has for its key the group (`u16`, big-endian,
//! so that a group is a range) and the key's values, and for its value the row.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use stormglass_sim::payload::Payload;

use super::{GroupSnapshot, Key, KeyedState, decode_values, encode_values};
use crate::backend::{Change, Entry, KeyRange};
use crate::ids::KeyGroup;
use crate::value::Value;

#[cfg(test)]
mod tests;

/// In the place of a row's count: the row is gone.
const GONE: u16 = u16::MAX;

/// Names of rows: groups and keys, in order.
pub type Keys = BTreeSet<(KeyGroup, Key)>;

/// Encodings of key groups, laid one over the other: rows stay encoded, keys give the order.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    groups: BTreeMap<KeyGroup, BTreeMap<Key, Vec<u8>>>,
}

impl Layers {
    /// Lays whole groups over what is there. None if they are no encodings.
    #[must_use]
    pub fn lay(&mut self, groups: &[GroupSnapshot]) -> Option<()> {
        groups.iter().try_for_each(|group| {
            let rows = self.groups.entry(group.group).or_default();
            rows.clear();
            over(rows, &group.data)
        })
    }

    /// Lays changes of groups over what is there. None if they are no encodings.
    #[must_use]
    pub fn lay_changes(&mut self, changed: &[GroupSnapshot]) -> Option<()> {
        changed
            .iter()
            .try_for_each(|group| over(self.groups.entry(group.group).or_default(), &group.data))
    }

    /// Lays the entries of a local store over what is there. None if they are no rows.
    #[must_use]
    pub fn lay_entries(&mut self, entries: &[Entry]) -> Option<()> {
        entries.iter().try_for_each(|(key, row)| {
            let (group, mut rest) = key.split_first_chunk()?;
            let key = decode_values(&mut rest).filter(|_| rest.is_empty())?;
            let rows = self.groups.entry(KeyGroup(u16::from_be_bytes(*group))).or_default();
            rows.insert(key, row.clone());
            Some(())
        })
    }

    /// The groups that are not empty, in order, in their canonical encoding. They weigh their
    /// bytes: what they weigh by their cells is known to who takes them in.
    pub fn finish(self) -> Vec<GroupSnapshot> {
        let full = self.groups.into_iter().filter(|(_, rows)| !rows.is_empty());
        full.map(|(group, rows)| {
            let keys = rows.len() as u32;
            let mut out = keys.to_le_bytes().to_vec();
            for (key, row) in rows {
                encode_values(&key, &mut out);
                out.extend_from_slice(&row);
            }
            GroupSnapshot { group, keys, data: Payload::new(out) }
        })
        .collect()
    }
}

fn over(rows: &mut BTreeMap<Key, Vec<u8>>, data: &Payload) -> Option<()> {
    let (count, mut bytes) = data.bytes().split_first_chunk::<4>()?;
    for _ in 0..u32::from_le_bytes(*count) {
        let key = decode_values(&mut bytes)?;
        match bytes.strip_prefix(&GONE.to_le_bytes()) {
            Some(rest) => {
                rows.remove(&key);
                bytes = rest;
            }
            None => {
                let before = bytes;
                decode_values(&mut bytes)?;
                rows.insert(key, before[..before.len() - bytes.len()].to_vec());
            }
        }
    }
    bytes.is_empty().then_some(())
}

/// The entries of a group.
pub fn range_of(group: KeyGroup) -> KeyRange {
    let end = u32::from(group.0) + 1;
    // Behind the last group comes what no key begins with: three bytes of the highest value.
    let end = u16::try_from(end).map_or(alloc::vec![0xff; 3], |end| end.to_be_bytes().to_vec());
    group.0.to_be_bytes().to_vec()..end
}

fn entry_key(group: KeyGroup, key: &[Value]) -> Vec<u8> {
    let mut out = group.0.to_be_bytes().to_vec();
    encode_values(key, &mut out);
    out
}

fn entry_row(row: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_values(row, &mut out);
    out
}

impl KeyedState {
    /// What a row weighs: by its cells if one of them has a weight, else its bytes.
    fn weight(&self, row: &[Value]) -> u64 {
        if self.weighed.is_empty() {
            return row.iter().map(Value::size).sum();
        }
        super::weight(row, &self.weighed)
    }

    /// All rows with their groups and keys; in no particular order within a group.
    fn all_rows(&self) -> impl Iterator<Item = (KeyGroup, &[Value], &[Value])> {
        let named = (self.first..).map(KeyGroup).zip(&self.groups);
        named.flat_map(|(group, of)| of.rows.entries().map(move |(key, row)| (group, key, row)))
    }

    /// What has become of these rows, group by group, in the encoding of changes. It weighs what
    /// the rows weigh.
    pub fn delta(&self, keys: &Keys) -> Vec<GroupSnapshot> {
        let mut groups: Vec<GroupSnapshot> = Vec::new();
        let mut keys = keys.iter().peekable();
        while let Some((group, _)) = keys.peek() {
            let group = *group;
            let (mut out, mut count, mut weight) = (alloc::vec![0; 4], 0_u32, 0);
            while let Some((_, key)) = keys.next_if(|(other, _)| *other == group) {
                count += 1;
                encode_values(key, &mut out);
                match self.row(key) {
                    Some(row) => {
                        encode_values(row, &mut out);
                        weight += self.weight(row);
                    }
                    None => out.extend_from_slice(&GONE.to_le_bytes()),
                }
            }
            out[..4].copy_from_slice(&count.to_le_bytes());
            let data = Payload::new(out);
            let data = if !self.weighed.is_empty() { data.weighed(weight) } else { data };
            groups.push(GroupSnapshot { group, keys: count, data });
        }
        groups
    }

    /// What has become of these rows, as changes of a local store, and what the rows weigh.
    pub fn changed_entries(&self, keys: &Keys) -> (Vec<Change>, u64) {
        let mut weight = 0;
        let changes = keys.iter().map(|(group, key)| {
            let row = self.row(key);
            weight += row.map_or(0, |row| self.weight(row));
            Change { key: entry_key(*group, key), value: row.map(entry_row) }
        });
        (changes.collect(), weight)
    }

    /// All rows as entries of a local store, in the order of the entries' bytes, and what they
    /// weigh.
    pub fn entries(&self) -> (Vec<Entry>, u64) {
        let (mut all, mut weight) = (Vec::new(), 0);
        for (group, key, row) in self.all_rows() {
            all.push((entry_key(group, key), entry_row(row)));
            weight += self.weight(row);
        }
        all.sort_unstable();
        (all, weight)
    }
}
