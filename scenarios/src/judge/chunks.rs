//! A queue of plain values that is appended one by one, dropped from the front in bulk, and cheap
//! to clone: full chunks are shared.

use std::collections::VecDeque;
use std::sync::Arc;

/// Values in a chunk.
const CHUNK: usize = 256;

/// The queue. Positions are absolute: they count all values ever pushed.
///
/// Invariants: every chunk of `full` has `CHUNK` values, `tail` at most as many; `base` is the
/// position of the first stored value, and `base <= start <= end()`.
#[derive(Clone, Debug)]
pub(super) struct Chunks<T> {
    full: VecDeque<Arc<Vec<T>>>,
    tail: Vec<T>,
    base: u64,
    start: u64,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Chunks { full: VecDeque::new(), tail: Vec::new(), base: 0, start: 0 }
    }
}

impl<T> Chunks<T> {
    /// Appends a value.
    #[inline]
    pub(super) fn push(&mut self, value: T) {
        if self.tail.len() == CHUNK {
            let full = std::mem::replace(&mut self.tail, Vec::with_capacity(CHUNK));
            self.full.push_back(Arc::new(full));
        }
        self.tail.push(value);
    }
    /// The value pushed last, unless it was dropped.
    #[inline]
    pub(super) fn last_mut(&mut self) -> Option<&mut T> {
        self.tail.last_mut()
    }
    /// The same, to look at.
    pub(super) fn last(&self) -> Option<&T> {
        self.tail.last()
    }
    /// The position of the first value that was not dropped.
    pub(super) fn start(&self) -> u64 {
        self.start
    }
    /// The position of the next value to come.
    #[inline]
    pub(super) fn end(&self) -> u64 {
        self.base + (self.full.len() * CHUNK + self.tail.len()) as u64
    }
    /// Drops the values before a position.
    pub(super) fn drop_to(&mut self, position: u64) {
        self.start = position.clamp(self.start, self.end());
        while !self.full.is_empty() && self.base + CHUNK as u64 <= self.start {
            self.full.pop_front();
            self.base += CHUNK as u64;
        }
        if self.start == self.end() {
            self.base = self.start;
            self.tail.clear();
        }
    }
    /// The values before a position, as slices in order.
    pub(super) fn until(&self, position: u64) -> impl Iterator<Item = &[T]> {
        self.range(self.start, position)
    }
    /// The values from one position up to another, as slices in order.
    pub(super) fn range(&self, from: u64, to: u64) -> impl Iterator<Item = &[T]> {
        let pieces = self.full.iter().map(|chunk| chunk.as_slice());
        let mut base = self.base;
        pieces.chain([self.tail.as_slice()]).filter_map(move |piece| {
            let end = base + piece.len() as u64;
            let (first, last) = (from.clamp(base, end) - base, to.clamp(base, end) - base);
            base = end;
            (first < last).then(|| &piece[first as usize..last as usize])
        })
    }
}
