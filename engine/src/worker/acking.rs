//! Acking: the trees of tuples below each record, followed by one word each.
//!
//! Rules after Storm's `Acker` and `RotatingMap` (SEMANTICS 1.2). A tuple on its way to a task is
//! an edge of its record's tree, and has a number that looks random; the exclusive or of the
//! numbers of all edges that were sent and of all that were acked is 0 when nothing is under way.
//! Both ends know what an edge's number is made of, so it does not travel.
//!
//! In reading order: the acker, here; [`pending`], the records of a source task; [`tracker`], what
//! the source keeps of both.
//!
//! A record that is read again is a new tree: its try is part of every name. The acker of a tree
//! lives beside the source task that reads its record.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use stormglass_sim::hash::Mixer;

use crate::ids::{Child, Root, TaskId, Tree};
use crate::message::acking::Ack;

pub(super) mod pending;
#[cfg(test)]
mod tests;
pub(super) mod tracker;

/// The number of an edge: that of the tuple at `child`, from one task to another.
#[inline]
pub(super) fn edge(root: Root, tree: Tree, child: Child, from: TaskId, to: TaskId) -> u64 {
    let mut mixer = Mixer::new();
    mixer.pair(root.0, u64::from(tree.0) << 32 | u64::from(child.0));
    mixer.word(u64::from(from.0) << 16 | u64::from(to.0));
    mixer.finish64()
}

/// A map that forgets its oldest entries: each rotation drops those that have been in it for as
/// many rotations as it has buckets.
#[derive(Clone, Debug)]
pub(super) struct RotatingMap<K, V> {
    /// The newest first.
    buckets: VecDeque<BTreeMap<K, V>>,
}

impl<K: Ord, V> RotatingMap<K, V> {
    pub(super) fn new(buckets: usize) -> Self {
        RotatingMap { buckets: (0..buckets).map(|_| BTreeMap::new()).collect() }
    }
    /// Puts an entry among the newest.
    pub(super) fn put(&mut self, key: K, value: V) {
        self.remove(&key);
        self.buckets[0].insert(key, value);
    }
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.buckets.iter_mut().find_map(|bucket| bucket.get_mut(key))
    }
    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        self.buckets.iter_mut().find_map(|bucket| bucket.remove(key))
    }
    pub(super) fn len(&self) -> usize {
        self.buckets.iter().map(BTreeMap::len).sum()
    }
    /// A turn: returns what is too old.
    pub(super) fn rotate(&mut self) -> BTreeMap<K, V> {
        let old = self.buckets.pop_back().unwrap_or_default();
        self.buckets.push_front(BTreeMap::new());
        old
    }
}

/// A tree at its acker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Entry {
    val: u64,
    /// The spout has told of it.
    begun: bool,
    failed: bool,
}

/// What became of a tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Acked,
    Failed,
}

/// The trees of one source task's records.
#[derive(Clone, Debug)]
pub(super) struct Acker {
    entries: RotatingMap<(Root, u16), Entry>,
}

impl Acker {
    /// An entry is dropped, silently, between two and three turns after its first message.
    pub(super) fn new() -> Self {
        Acker { entries: RotatingMap::new(3) }
    }

    /// The spout has sent a record's first tuples. They may have been acked before.
    pub(super) fn init(&mut self, root: Root, number: u16, edges: u64) -> Option<Verdict> {
        self.change((root, number), |entry| {
            entry.val ^= edges;
            entry.begun = true;
        })
    }

    /// A task has done with a tuple: its edge, and the edges that it sent.
    pub(super) fn ack(&mut self, root: Root, number: u16, edges: u64) -> Option<Verdict> {
        self.change((root, number), |entry| entry.val ^= edges)
    }

    /// A task has given a tuple up. The entry is put anew: that alone restarts its time.
    pub(super) fn fail(&mut self, root: Root, number: u16) -> Option<Verdict> {
        let key = (root, number);
        let entry = self.entries.remove(&key).unwrap_or_default();
        self.entries.put(key, Entry { failed: true, ..entry });
        self.change(key, |_| {})
    }

    fn change(&mut self, key: (Root, u16), f: impl FnOnce(&mut Entry)) -> Option<Verdict> {
        if self.entries.get_mut(&key).is_none() {
            self.entries.put(key, Entry::default());
        }
        let entry = self.entries.get_mut(&key)?;
        f(entry);
        if !entry.begun {
            return None;
        }
        // A tree that is whole counts as acked, even if a part of it failed.
        let verdict = match (entry.val == 0, entry.failed) {
            (true, _) => Verdict::Acked,
            (false, true) => Verdict::Failed,
            (false, false) => return None,
        };
        self.entries.remove(&key);
        Some(verdict)
    }

    /// A turn of its time.
    pub(super) fn rotate(&mut self) {
        self.entries.rotate();
    }
}

/// Acks on their way, by source task.
#[derive(Clone, Debug, Default)]
pub(super) struct Outgoing {
    acks: BTreeMap<TaskId, Vec<Ack>>,
}

impl Outgoing {
    pub(super) fn push(&mut self, ack: Ack) {
        self.acks.entry(ack.tree.source()).or_default().push(ack);
    }
    pub(super) fn is_empty(&self) -> bool {
        self.acks.is_empty()
    }
    /// Everything, by source task.
    pub(super) fn take(&mut self) -> BTreeMap<TaskId, Vec<Ack>> {
        core::mem::take(&mut self.acks)
    }
}
