//! The oracle's keyed state: one plain table a key group, and its canonical encoding.

use std::sync::Arc;

use stormglass_engine::value::{Value, fingerprint};

mod rows;
#[cfg(test)]
mod tests;

use super::plan::floor_mod;
pub(super) use rows::Cells;
use rows::Rows;

/// The keyed state of one component, over all its tasks.
#[derive(Clone, Debug)]
pub(super) struct Table {
    groups: Vec<Group>,
    /// Cells a row.
    pub(super) cells: usize,
    /// Where the next group is encoded.
    spare: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
struct Group {
    rows: Arc<Rows>,
    /// Fingerprint of the encoding; none if the rows changed since it was made.
    print: Option<u64>,
}

impl Table {
    /// Empty state.
    pub(super) fn new(groups: u16, cells: usize) -> Self {
        let groups = vec![Group::default(); usize::from(groups)];
        Table { groups, cells, spare: Vec::new() }
    }

    /// Hands out the row of a key with this hash, to be changed in place; an empty row is none.
    /// What `change` returns says whether it changed anything.
    #[inline]
    pub(super) fn with_row(
        &mut self,
        group: u16,
        hash: i32,
        key: &[Value],
        change: impl FnOnce(&mut Cells) -> bool,
    ) {
        let Some(group) = self.groups.get_mut(usize::from(group)) else { return };
        let rows = Arc::make_mut(&mut group.rows);
        let changed = if let Some(at) = rows.find(hash, key) {
            let row = &mut rows.rows[at];
            let changed = change(&mut row.cells);
            if changed {
                row.changed();
            }
            if row.cells.is_empty() {
                rows.remove(at);
            }
            changed
        } else {
            let mut row = Cells::new();
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
        let (rows, spare) = (&mut group.rows, &mut self.spare);
        let print = *group.print.get_or_insert_with(|| Arc::make_mut(rows).print(spare));
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
