//! The oracle's keyed state: plain maps, one a key group, and their canonical encoding.

use std::collections::BTreeMap;
use std::sync::Arc;

use stormglass_engine::value::Value;
use stormglass_sim::hash;

type Rows = BTreeMap<Vec<Value>, Vec<Value>>;

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

impl Table {
    /// Empty state.
    pub(super) fn new(groups: u16, cells: usize) -> Self {
        Table { groups: vec![Group::default(); usize::from(groups)], cells }
    }

    /// Hands out the row of a key, to be changed in place; an empty row is none. What `change`
    /// returns says whether it changed anything.
    #[inline]
    pub(super) fn with_row(
        &mut self,
        group: u16,
        key: &[Value],
        change: impl FnOnce(&mut Vec<Value>) -> bool,
    ) {
        let Some(group) = self.groups.get_mut(usize::from(group)) else { return };
        let rows = Arc::make_mut(&mut group.rows);
        let changed = if let Some(row) = rows.get_mut(key) {
            let changed = change(row);
            if row.is_empty() {
                rows.remove(key);
            }
            changed
        } else {
            let mut row = Vec::new();
            let changed = change(&mut row);
            if !row.is_empty() {
                rows.insert(key.to_vec(), row);
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
        let rows = &group.rows;
        let print = *group.print.get_or_insert_with(|| hash::fingerprint(&encode(rows)));
        (rows.len() as u32, print)
    }

    /// Number of groups.
    pub(super) fn groups(&self) -> u16 {
        self.groups.len() as u16
    }
    /// Whether a group has no key.
    pub(super) fn is_empty(&self, group: u16) -> bool {
        self.groups.get(usize::from(group)).is_none_or(|group| group.rows.is_empty())
    }
    /// All keys and their rows, in the order of the keys.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&[Value], &[Value])> {
        let all = self.groups.iter().flat_map(|group| group.rows.iter());
        let mut rows: Vec<_> = all.map(|(key, row)| (key.as_slice(), row.as_slice())).collect();
        rows.sort_by(|a, b| a.0.cmp(b.0));
        rows.into_iter()
    }
}

/// Number of keys, then for each key in order its values and its row, each with a 16-bit count.
fn encode(rows: &Rows) -> Vec<u8> {
    let mut out = (rows.len() as u32).to_le_bytes().to_vec();
    for values in rows.iter().flat_map(|(key, row)| [key, row]) {
        out.extend((values.len() as u16).to_le_bytes());
        for value in values {
            value.encode(&mut out);
        }
    }
    out
}
