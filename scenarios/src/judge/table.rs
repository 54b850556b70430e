//! The oracle's keyed state: one plain table a key group, and its canonical encoding.

use std::collections::BTreeMap;
use std::sync::Arc;

use stormglass_engine::value::{Value, fingerprint};
use stormglass_sim::hash;

use super::plan::floor_mod;

/// No further row.
const END: u32 = u32::MAX;

/// The keyed state of one component, over all its tasks.
#[derive(Clone, Debug)]
pub(super) struct Table {
    groups: Vec<Group>,
    /// Cells a row.
    pub(super) cells: usize,
}

#[derive(Clone, Debug, Default)]
struct Group {
    rows: Arc<Rows>,
    /// Fingerprint of the encoding; none if the rows changed since it was made.
    print: Option<u64>,
}

/// Rows in the order in which their keys came, found by the hash of the key.
#[derive(Clone, Debug, Default)]
struct Rows {
    rows: Vec<Row>,
    /// The first row of each hash; rows of equal hashes form a list.
    first: BTreeMap<i32, u32>,
    /// The rows that came before the last look, in the order of their keys.
    order: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Row {
    key: Vec<Value>,
    cells: Vec<Value>,
    hash: i32,
    next: u32,
}

impl Rows {
    fn find(&self, hash: i32, key: &[Value]) -> Option<usize> {
        let mut at = *self.first.get(&hash)?;
        while at != END {
            let row = &self.rows[at as usize];
            if row.key == key {
                return Some(at as usize);
            }
            at = row.next;
        }
        None
    }

    fn insert(&mut self, hash: i32, key: &[Value], cells: Vec<Value>) {
        let at = self.rows.len() as u32;
        let next = self.first.insert(hash, at).unwrap_or(END);
        self.rows.push(Row { key: key.to_vec(), cells, hash, next });
    }

    /// Rows that became empty are gone.
    fn remove(&mut self, at: usize) {
        self.rows.remove(at);
        self.order.clear();
        self.first.clear();
        for (at, row) in (0..).zip(&mut self.rows) {
            row.next = self.first.insert(row.hash, at).unwrap_or(END);
        }
    }

    /// Finds the places of the rows that came since the last look.
    fn sort(&mut self) {
        let Rows { rows, order, .. } = self;
        for new in order.len() as u32..rows.len() as u32 {
            let key = &rows[new as usize].key;
            let place = order.partition_point(|at| rows[*at as usize].key < *key);
            order.insert(place, new);
        }
    }

    /// Number of keys, then for each key in order its values and its row, each with a 16-bit count.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(8 + 40 * self.rows.len());
        out.extend((self.rows.len() as u32).to_le_bytes());
        let rows = self.order.iter().map(|at| &self.rows[*at as usize]);
        for values in rows.flat_map(|row| [&row.key, &row.cells]) {
            out.extend_from_slice(&(values.len() as u16).to_le_bytes());
            for value in values {
                value.encode(&mut out);
            }
        }
        out
    }

    /// Whether two groups hold the same.
    fn equals(&self, other: &Rows) -> bool {
        let same = |row: &Row| {
            other.find(row.hash, &row.key).is_some_and(|at| other.rows[at].cells == row.cells)
        };
        self.rows.len() == other.rows.len() && self.rows.iter().all(same)
    }
}

impl Table {
    /// Empty state.
    pub(super) fn new(groups: u16, cells: usize) -> Self {
        Table { groups: vec![Group::default(); usize::from(groups)], cells }
    }

    /// Hands out the row of a key with this hash, to be changed in place; an empty row is none.
    /// What `change` returns says whether it changed anything.
    #[inline]
    pub(super) fn with_row(
        &mut self,
        group: u16,
        hash: i32,
        key: &[Value],
        change: impl FnOnce(&mut Vec<Value>) -> bool,
    ) {
        let Some(group) = self.groups.get_mut(usize::from(group)) else { return };
        let rows = Arc::make_mut(&mut group.rows);
        let changed = if let Some(at) = rows.find(hash, key) {
            let row = &mut rows.rows[at].cells;
            let changed = change(row);
            if row.is_empty() {
                rows.remove(at);
            }
            changed
        } else {
            let mut row = Vec::new();
            let changed = change(&mut row);
            if !row.is_empty() {
                rows.insert(hash, key, row);
            }
            changed
        };
        if changed {
            group.print = None;
        }
    }

    /// Number of keys in a group, and the fingerprint of its canonical encoding.
    pub(super) fn print(&mut self, group: u16) -> (u32, u64) {
        let Some(group) = self.groups.get_mut(usize::from(group)) else { return (0, 0) };
        let rows = &mut group.rows;
        let print = *group.print.get_or_insert_with(|| {
            let rows = Arc::make_mut(rows);
            rows.sort();
            hash::fingerprint(&rows.encode())
        });
        (group.rows.rows.len() as u32, print)
    }

    /// The fingerprint of the row of the key with this hash and fingerprint; that of an empty row
    /// if there is none.
    pub(super) fn row_print(&self, hash: i32, key: u64) -> u64 {
        let group = self.groups.get(usize::from(floor_mod(hash, self.groups())));
        let mut rows = group.into_iter().flat_map(|group| &group.rows.rows);
        let row = rows.find(|row| row.hash == hash && fingerprint(&row.key) == key);
        fingerprint(row.map_or(&[], |row| &row.cells))
    }

    /// Number of groups.
    pub(super) fn groups(&self) -> u16 {
        self.groups.len() as u16
    }
    /// Whether a group has no key.
    pub(super) fn is_empty(&self, group: u16) -> bool {
        self.groups.get(usize::from(group)).is_none_or(|group| group.rows.rows.is_empty())
    }
    /// Whether two tables hold the same.
    pub(super) fn equals(&self, other: &Table) -> bool {
        let mut both = self.groups.iter().zip(&other.groups);
        self.groups.len() == other.groups.len() && both.all(|(a, b)| a.rows.equals(&b.rows))
    }
    /// All keys and their rows, in the order of the keys.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&[Value], &[Value])> {
        let all = self.groups.iter().flat_map(|group| group.rows.rows.iter());
        let mut rows: Vec<_> = all.map(|row| (row.key.as_slice(), row.cells.as_slice())).collect();
        rows.sort_by(|a, b| a.0.cmp(b.0));
        rows.into_iter()
    }
}
