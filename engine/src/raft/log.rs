//! The log: entries without gaps, after a snapshot that stands for those before.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Entry, Index, Snapshot, Term};

#[cfg(test)]
mod tests;

#[derive(Clone, Debug)]
pub(super) struct Log {
    snapshot: Option<Arc<Snapshot>>,
    /// Invariant: index and term of the snapshot; zero without one.
    base: (Index, Term),
    /// Invariant: the first follows on `base`, each on the one before.
    entries: VecDeque<Entry>,
    /// Invariant: the sum of the entries' sizes.
    bytes: u64,
}

impl Log {
    /// # Panics
    /// If the entries leave a gap: whoever read them off the disk has to have noticed.
    pub(super) fn new(snapshot: Option<Arc<Snapshot>>, entries: Vec<Entry>) -> Self {
        let base = snapshot.as_ref().map_or_else(Default::default, |s| (s.index, s.term));
        let mut log = Log { snapshot, base, entries: VecDeque::new(), bytes: 0 };
        entries.into_iter().for_each(|entry| log.push(entry));
        log
    }

    pub(super) fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        self.snapshot.as_ref()
    }
    /// The last index that is not an entry any more.
    pub(super) fn base(&self) -> Index {
        self.base.0
    }
    pub(super) fn last(&self) -> Index {
        Index(self.base.0.0 + self.entries.len() as u64)
    }
    pub(super) fn last_term(&self) -> Term {
        self.entries.back().map_or(self.base.1, |entry| entry.term)
    }
    /// Bytes of the entries after the snapshot.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    fn offset(&self, index: Index) -> Option<usize> {
        usize::try_from(index.0.checked_sub(self.base.0.0)?.checked_sub(1)?).ok()
    }
    pub(super) fn get(&self, index: Index) -> Option<&Entry> {
        self.entries.get(self.offset(index)?)
    }
    /// None before the snapshot and behind the end.
    pub(super) fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.base.0 {
            return Some(self.base.1);
        }
        self.get(index).map(|entry| entry.term)
    }
    /// The entries from an index on, up to so many bytes but at least one if there is one; and
    /// their bytes.
    pub(super) fn batch(&self, from: Index, limit: u64) -> (Vec<Entry>, u64) {
        let from = self.offset(from).map_or(self.entries.len(), |at| at.min(self.entries.len()));
        let (mut count, mut bytes) = (0, 0);
        for entry in self.entries.range(from..) {
            let more = bytes + entry.size();
            if more > limit && count > 0 {
                break;
            }
            (count, bytes) = (count + 1, more);
        }
        // Counted first, so that the list is allocated once.
        let batch = self.entries.range(from..from + count).cloned().collect();
        (batch, bytes)
    }

    pub(super) fn push(&mut self, entry: Entry) {
        assert_eq!(entry.index, self.last().next(), "the log has no gaps");
        self.bytes += entry.size();
        self.entries.push_back(entry);
    }
    /// Cuts off everything from an index on.
    pub(super) fn truncate(&mut self, from: Index) {
        let keep = self.offset(from).unwrap_or(0);
        while self.entries.len() > keep {
            let entry = self.entries.pop_back().expect("there is one more");
            self.bytes -= entry.size();
        }
    }
    /// Puts a snapshot in the place of everything up to its index. Entries behind it stay if they
    /// follow on it.
    pub(super) fn compact(&mut self, snapshot: Arc<Snapshot>) {
        if self.term_at(snapshot.index) == Some(snapshot.term) {
            while self.entries.front().is_some_and(|entry| entry.index <= snapshot.index) {
                let entry = self.entries.pop_front().expect("it was just seen");
                self.bytes -= entry.size();
            }
        } else {
            self.entries.clear();
            self.bytes = 0;
        }
        self.base = (snapshot.index, snapshot.term);
        self.snapshot = Some(snapshot);
    }

    /// The last index up to `index` whose term is at most `term`: the two logs cannot agree on
    /// anything behind it.
    pub(super) fn may_match(&self, index: Index, term: Term) -> (Index, Term) {
        let mut at = index.min(self.last());
        loop {
            match self.term_at(at) {
                Some(found) if found > term && at > self.base.0 => at = Index(at.0 - 1),
                Some(found) => return (at, found),
                None => return (at.min(self.base.0), Term(0)),
            }
        }
    }
}
