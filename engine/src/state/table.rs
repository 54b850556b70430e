//! The rows of one key group: a table that finds a key by its hash and lists keys in order.
//!
//! Entries lie in the order of their insertion; an open-addressing index, never iterated, leads
//! from a hash to an entry. The order by key is brought up to date when a snapshot asks for it.
//! Each entry knows where it lies in the encoding that was made last, so that the next one copies
//! what did not change.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use smallvec::SmallVec;

use super::encode_values;
use crate::value::Value;

/// The place in the index that leads nowhere.
const EMPTY: u32 = 0;

/// Keys and their rows.
///
/// Invariants: `index.len()` is a power of two, at least twice the number of entries, or zero;
/// `sorted` lists the first `sorted.len()` entries once, in key order; `places` are as many as
/// entries.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
    /// Where the last encoding has each entry, unless it has changed since.
    places: Vec<Place>,
    /// One past the entry's position, or [`EMPTY`].
    index: Vec<u32>,
    sorted: Vec<u32>,
}

/// A key and its row: most are one value each, and lie in the entry itself.
pub(super) type Cells = SmallVec<[Value; 2]>;

/// A key and its row. A lookup goes through many of them: each is a line of the cache, and what
/// only encodings need lies elsewhere.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Entry {
    /// The key, then the row.
    cells: Cells,
    hash: i32,
    /// How many of `cells` are the key.
    key: u16,
    /// The last encoding does not have it as it is.
    changed: bool,
}

const _: () = assert!(size_of::<Entry>() == 64);

/// The bytes of an entry in an encoding.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    from: u32,
    len: u32,
}

impl Table {
    /// An empty table with room for so many entries.
    pub(super) fn with_room(entries: usize) -> Self {
        let index = vec![EMPTY; (2 * entries).next_power_of_two().max(8)];
        let (entries, places) = (Vec::with_capacity(entries), Vec::with_capacity(entries));
        Table { entries, places, index, sorted: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The position of a key's entry.
    #[inline]
    pub(super) fn find(&self, hash: i32, key: &[Value]) -> Option<usize> {
        let mask = self.index.len().checked_sub(1)?;
        let mut at = spread(hash) & mask;
        while self.index[at] != EMPTY {
            let position = self.index[at] as usize - 1;
            let entry = &self.entries[position];
            if entry.hash == hash && entry.key() == key {
                return Some(position);
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// The row at a position.
    #[inline]
    pub(super) fn row(&self, position: usize) -> &[Value] {
        self.entries[position].row()
    }

    /// The row at a position, to be changed.
    #[inline]
    pub(super) fn row_mut(&mut self, position: usize) -> &mut [Value] {
        let entry = &mut self.entries[position];
        entry.changed = true;
        &mut entry.cells[usize::from(entry.key)..]
    }

    /// The key at a position.
    pub(super) fn key(&self, position: usize) -> &[Value] {
        self.entries[position].key()
    }

    /// All rows, in no particular order.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[Value]> {
        self.entries.iter().map(Entry::row)
    }

    /// All keys and rows, in no particular order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&[Value], &[Value])> {
        self.entries.iter().map(|entry| (entry.key(), entry.row()))
    }

    /// Adds a key that is not there, with a row of `cells` nulls. Returns its position.
    pub(super) fn insert(&mut self, hash: i32, key: &[Value], cells: u16) -> usize {
        let mut all = Cells::with_capacity(key.len() + usize::from(cells));
        all.extend(key.iter().cloned());
        all.resize(key.len() + usize::from(cells), Value::Null);
        let key = key.len() as u16;
        self.push(Entry { cells: all, hash, key, changed: true }, Place::default())
    }

    /// Adds an entry: its key, which are the first `key` cells, and its row. `lies` says where the
    /// last encoding has it, if it has. False if the key is there.
    #[must_use]
    pub(super) fn adopt(
        &mut self,
        hash: i32,
        key: usize,
        cells: Cells,
        lies: Range<usize>,
    ) -> bool {
        let new = self.find(hash, &cells[..key]).is_none();
        if new {
            let place = Place { from: lies.start as u32, len: lies.len() as u32 };
            self.push(Entry { cells, hash, key: key as u16, changed: lies.is_empty() }, place);
        }
        new
    }

    fn push(&mut self, entry: Entry, place: Place) -> usize {
        let position = self.entries.len();
        let hash = entry.hash;
        self.entries.push(entry);
        self.places.push(place);
        if self.index.len() < 2 * self.entries.len() {
            self.reindex();
        } else {
            self.link(hash, position);
        }
        position
    }

    fn link(&mut self, hash: i32, position: usize) {
        let mask = self.index.len() - 1;
        let mut at = spread(hash) & mask;
        while self.index[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.index[at] = position as u32 + 1;
    }

    fn reindex(&mut self) {
        let room = (4 * self.entries.len()).next_power_of_two().max(8);
        self.index.clear();
        self.index.resize(room, EMPTY);
        for position in 0..self.entries.len() {
            self.link(self.entries[position].hash, position);
        }
    }

    /// Removes the entry at a position and returns its hash and key.
    pub(super) fn remove(&mut self, position: usize) -> (i32, Vec<Value>) {
        self.unlink(position);
        let last = self.entries.len() - 1;
        if position != last {
            let place = self.place(last);
            self.index[place] = position as u32 + 1;
        }
        let Entry { hash, key, mut cells, .. } = self.entries.swap_remove(position);
        self.places.swap_remove(position);
        self.sorted.clear();
        cells.truncate(usize::from(key));
        (hash, cells.into_vec())
    }

    /// The place in the index that leads to an entry.
    fn place(&self, position: usize) -> usize {
        let mask = self.index.len() - 1;
        let mut at = spread(self.entries[position].hash) & mask;
        while self.index[at] != position as u32 + 1 {
            at = (at + 1) & mask;
        }
        at
    }

    /// Takes an entry out of the index: what lies behind it moves up as far as its hash allows.
    fn unlink(&mut self, position: usize) {
        let mask = self.index.len() - 1;
        let mut hole = self.place(position);
        let mut at = (hole + 1) & mask;
        while self.index[at] != EMPTY {
            let home = spread(self.entries[self.index[at] as usize - 1].hash) & mask;
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.index[hole] = self.index[at];
                hole = at;
            }
            at = (at + 1) & mask;
        }
        self.index[hole] = EMPTY;
    }

    /// Brings the order by key up to date.
    pub(super) fn sort(&mut self) {
        let Table { entries, sorted, .. } = self;
        let key = |at: u32| entries[at as usize].key();
        let known = sorted.len();
        if entries.len() - known > known / 8 + 1 {
            sorted.extend(known as u32..entries.len() as u32);
            // Keys are unique: no two are equal, so stability does not matter.
            sorted.sort_by(|a, b| key(*a).cmp(key(*b)));
        } else {
            for new in known as u32..entries.len() as u32 {
                let place = sorted.partition_point(|at| key(*at) < key(new));
                sorted.insert(place, new);
            }
        }
    }

    /// Appends the canonical encoding to `out`, which is empty. `last` is the one that was made or
    /// taken in before, if there was one: what has not changed is copied from it.
    pub(super) fn encode(&mut self, last: &[u8], out: &mut Vec<u8>) {
        self.sort();
        out.reserve(last.len().max(16 + self.len() * 40));
        out.extend_from_slice(&(self.len() as u32).to_le_bytes());
        // Neighbours that were neighbours before are copied together.
        let mut run = 0..0;
        for at in &self.sorted {
            let entry = &mut self.entries[*at as usize];
            let place = &mut self.places[*at as usize];
            let last_from = place.from as usize;
            if entry.changed || last_from != run.end {
                out.extend_from_slice(&last[run]);
                run = last_from..last_from;
            }
            let from = out.len() + run.len();
            if entry.changed {
                encode_values(entry.key(), out);
                encode_values(entry.row(), out);
                run = 0..0;
                place.len = (out.len() - from) as u32;
                entry.changed = false;
            } else {
                run.end += place.len as usize;
            }
            place.from = from as u32;
        }
        out.extend_from_slice(&last[run]);
    }
}

impl Entry {
    #[inline]
    fn key(&self) -> &[Value] {
        &self.cells[..usize::from(self.key)]
    }
    #[inline]
    fn row(&self) -> &[Value] {
        &self.cells[usize::from(self.key)..]
    }
}

/// Java's hashes of a group agree modulo the number of groups: the index needs other bits.
#[inline]
const fn spread(hash: i32) -> usize {
    ((hash as u32).wrapping_mul(0x9e37_79b1) >> 7) as usize
}
