//! The rows of one key group, and their canonical encoding.
//!
//! A checkpoint changes few rows of a group, but the fingerprint is one of the whole encoding: each
//! row knows where it lies in the last one, and the next one copies what has not changed.

use smallvec::SmallVec;
use stormglass_engine::value::Value;
use stormglass_sim::hash;

/// The slot that leads nowhere.
const NOWHERE: u32 = u32::MAX;
/// A group has no fewer slots than this.
const FEWEST: usize = 8;

/// Rows in the order in which their keys came, found by the hash of the key.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    /// Hashes and the places of their rows, each in the first free slot from the one on that its
    /// hash names. A power of two, at most half of them taken; none without rows.
    slots: Vec<(i32, u32)>,
    /// The rows that came before the last look, in the order of their keys.
    order: Vec<u32>,
    /// The last encoding.
    encoded: Vec<u8>,
}

/// A few values: mostly one, which then lies in the row itself.
pub(in crate::judge) type Cells = SmallVec<[Value; 1]>;

/// A key and its cells.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) key: Cells,
    pub(super) cells: Cells,
    pub(super) hash: i32,
    /// Where the last encoding has it; of length 0 if it has changed since.
    start: u32,
    length: u32,
}

impl Row {
    /// It is not any more what the last encoding has.
    #[inline]
    pub(super) fn changed(&mut self) {
        self.length = 0;
    }
}

impl Rows {
    #[inline]
    pub(super) fn find(&self, hash: i32, key: &[Value]) -> Option<usize> {
        let mut slot = self.slot_of(hash);
        loop {
            match *self.slots.get(slot)? {
                (_, NOWHERE) => return None,
                (of, at) if of == hash && self.rows[at as usize].key[..] == *key => {
                    return Some(at as usize);
                }
                _ => slot = (slot + 1) & (self.slots.len() - 1),
            }
        }
    }

    /// All hashes of a group leave the same rest: the product has their other bits on top.
    #[inline]
    fn slot_of(&self, hash: i32) -> usize {
        let mixed = (hash as u32).wrapping_mul(0x85eb_ca6b);
        (mixed >> 8) as usize & self.slots.len().saturating_sub(1)
    }

    /// Adds a row whose key is not there.
    pub(super) fn insert(&mut self, hash: i32, key: &[Value], cells: Cells) {
        let at = self.rows.len() as u32;
        self.rows.push(Row { key: key.into(), cells, hash, start: 0, length: 0 });
        match self.slots.len() < 2 * self.rows.len() {
            true => self.index(),
            false => self.lead(hash, at),
        }
    }

    fn lead(&mut self, hash: i32, at: u32) {
        let mut slot = self.slot_of(hash);
        while self.slots[slot].1 != NOWHERE {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = (hash, at);
    }

    fn index(&mut self) {
        let slots = (4 * self.rows.len()).next_power_of_two().max(FEWEST);
        self.slots.clear();
        self.slots.resize(slots, (0, NOWHERE));
        for at in 0..self.rows.len() {
            self.lead(self.rows[at].hash, at as u32);
        }
    }

    /// Rows that became empty are gone.
    pub(super) fn remove(&mut self, at: usize) {
        self.rows.remove(at);
        self.order.clear();
        self.index();
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

    /// The fingerprint of the canonical encoding: the number of keys, then for each key in order
    /// its values and its row, each with a 16-bit count. `spare` is a buffer of any contents.
    pub(super) fn print(&mut self, spare: &mut Vec<u8>) -> u64 {
        self.sort();
        spare.clear();
        self.encode(spare);
        std::mem::swap(&mut self.encoded, spare);
        hash::fingerprint(&self.encoded)
    }

    fn encode(&mut self, out: &mut Vec<u8>) {
        let Rows { rows, order, encoded: last, .. } = self;
        out.reserve(last.len().max(8 + 40 * rows.len()));
        out.extend((rows.len() as u32).to_le_bytes());
        // What is to be copied next of the last encoding.
        let (mut from, mut to) = (0, 0);
        for at in order {
            let row = &mut rows[*at as usize];
            let start = row.start as usize;
            if row.length > 0 && start == to {
                row.start = (out.len() + to - from) as u32;
                to += row.length as usize;
                continue;
            }
            out.extend_from_slice(&last[from..to]);
            row.start = out.len() as u32;
            if row.length > 0 {
                (from, to) = (start, start + row.length as usize);
                continue;
            }
            (from, to) = (0, 0);
            for values in [&row.key, &row.cells] {
                out.extend_from_slice(&(values.len() as u16).to_le_bytes());
                values.iter().for_each(|value| value.encode(out));
            }
            row.length = out.len() as u32 - row.start;
        }
        out.extend_from_slice(&last[from..to]);
    }

    /// Whether two groups hold the same.
    pub(super) fn equals(&self, other: &Rows) -> bool {
        let same = |row: &Row| {
            other.find(row.hash, &row.key).is_some_and(|at| other.rows[at].cells == row.cells)
        };
        self.rows.len() == other.rows.len() && self.rows.iter().all(same)
    }
}
