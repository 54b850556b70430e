//! The records of a source task that are under way, that wait to be read again, or that are done.
//!
//! Rules after Storm's `SpoutExecutor` (a record fails between one and two message timeouts after
//! it was read) and its Kafka spout (what is done above the lowest record that is not waits for
//! it; records that failed are read again before new ones).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::RotatingMap;
use crate::ids::{Partition, Root};

/// The books of a source task.
#[derive(Clone, Debug)]
pub(in crate::worker) struct Pending {
    /// Which try of a record is under way.
    under_way: RotatingMap<Root, u16>,
    /// Records that failed and have not been read again.
    failed: BTreeSet<Root>,
    /// The last try of each record that failed at least once and is not done.
    tries: BTreeMap<Root, u16>,
    /// For each partition: the lowest record that is not done, and those above it that are.
    done: BTreeMap<Partition, (u64, BTreeSet<u64>)>,
}

impl Pending {
    /// Everything below these positions is done.
    pub(in crate::worker) fn new(positions: &[Root]) -> Self {
        let none = |root: &Root| (root.partition(), (root.offset(), BTreeSet::new()));
        Pending {
            under_way: RotatingMap::new(2),
            failed: BTreeSet::new(),
            tries: BTreeMap::new(),
            done: positions.iter().map(none).collect(),
        }
    }

    /// A record is read, perhaps again. Returns the number of the try.
    pub(in crate::worker) fn emitted(&mut self, root: Root) -> u16 {
        let number = self.tries.get(&root).map_or(1, |last| last % u16::MAX + 1);
        self.failed.remove(&root);
        self.under_way.put(root, number);
        number
    }

    /// A tree is complete. False if it is not the try of its record that is under way.
    pub(in crate::worker) fn acked(&mut self, root: Root, number: u16) -> bool {
        if self.under_way.get_mut(&root).copied() != Some(number) {
            return false;
        }
        self.under_way.remove(&root);
        self.tries.remove(&root);
        if let Some((lowest, above)) = self.done.get_mut(&root.partition()) {
            above.insert(root.offset());
            while above.remove(lowest) {
                *lowest += 1;
            }
        }
        true
    }

    /// A tree has failed. False if it is not the try of its record that is under way.
    pub(in crate::worker) fn failed(&mut self, root: Root, number: u16) -> bool {
        if self.under_way.get_mut(&root).copied() != Some(number) {
            return false;
        }
        self.under_way.remove(&root);
        self.tries.insert(root, number);
        self.failed.insert(root)
    }

    /// A turn of the message timeout: returns the records whose time is over. They have failed.
    pub(in crate::worker) fn rotate(&mut self) -> Vec<Root> {
        let old = self.under_way.rotate();
        self.tries.extend(old.iter().map(|(root, number)| (*root, *number)));
        self.failed.extend(old.keys());
        old.into_keys().collect()
    }

    /// Records that are under way.
    pub(in crate::worker) fn under_way(&self) -> usize {
        self.under_way.len()
    }
    /// Records that wait to be read again, the lowest first.
    pub(in crate::worker) fn waiting(&self) -> impl ExactSizeIterator<Item = Root> {
        self.failed.iter().copied()
    }
    /// Whether a record waits to be read again.
    pub(in crate::worker) fn is_waiting(&self, root: Root) -> bool {
        self.failed.contains(&root)
    }
    /// For each partition, the record below which nothing need be read again.
    pub(in crate::worker) fn positions(&self) -> Vec<(Partition, u64)> {
        self.done.iter().map(|(partition, (lowest, _))| (*partition, *lowest)).collect()
    }
}

#[cfg(test)]
mod tests;
