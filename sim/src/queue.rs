//! The event queue: pops in the order of (time, sequence), cancels in O(1).
//!
//! A calendar in three parts. The *open* slot is a small sorted list. The *near* ring has 4,096
//! slots of 4 us, unsorted until their turn comes. Beyond its 17 ms lie five *far* wheels of 256
//! slots, each slot as wide as a whole ring below it; a far slot is dealt out when its turn comes,
//! so an event moves once more for each power of 256 in its distance, and never through a heap.
//!
//! Items stay in a slab and do not move with their keys. A popped item stays *parked* under its
//! handle until it is taken: a timer that waits for a busy lane can still be cancelled. Cancelling
//! takes the key out of its slot, so no tombstone stays behind; large slots give their memory
//! back when they are emptied.
//!
//! Limits, asserted: 2^24 events at a time, 2^40 in a run.

use alloc::vec::Vec;
use core::mem;

use crate::time::Instant;

#[cfg(test)]
mod tests;

/// Width of a near slot: 2^15 ns.
const GRAIN: u32 = 15;
/// Near slots.
const NEAR: u64 = 1 << 9;
/// Slots of each far wheel.
const FAR: u64 = 1 << 8;
/// Far wheels; the last reaches the end of time.
const WHEELS: usize = 5;
/// Slots keep at most so many places when they are emptied.
const KEEP: usize = 64;

const SLOT_BITS: u32 = 24;
const SEQ_BITS: u32 = 40;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;
const SEQ_MASK: u64 = (1 << SEQ_BITS) - 1;
const NIL: u32 = u32::MAX;
/// Values of [`Cell::wheel`] beyond the wheels' own (0 is the near ring or the open slot).
const PARKED: u8 = 0xfe;
const FREE: u8 = 0xff;

const _: () = assert!(GRAIN + 9 + 8 * WHEELS as u32 == 64, "the wheels reach the end of time");

/// Names a pending or parked item; stale handles are told apart by a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle(pub(crate) u64);

impl Handle {
    const fn cell(self) -> usize {
        (self.0 & SLOT_MASK) as usize
    }
}

#[derive(Clone, Debug)]
struct Cell<T> {
    /// time:64 | sequence:40 | slot:24, as in the calendar.
    key: u128,
    generation: u64,
    /// Position in its calendar slot, kept exact except in the open slot; the next free cell.
    index: u32,
    wheel: u8,
    item: Option<T>,
}

/// See the module's documentation.
#[derive(Clone, Debug)]
pub(crate) struct Queue<T> {
    cells: Vec<Cell<T>>,
    free: u32,
    sequence: u64,
    /// Queued items, parked ones not counted.
    queued: usize,
    /// A key that scrambles the order of equal times; none keeps the order of insertion.
    ties: Option<u64>,
    /// Number of the open near slot. Invariant: near slots lie in `(cur, cur + NEAR]`, far slots
    /// of a wheel in `(c, c + FAR]` where `c` is the one that contains `cur`.
    cur: u64,
    /// Sorted, next one last.
    open: Vec<u128>,
    near: Vec<Vec<u128>>,
    near_map: [u64; NEAR as usize / 64],
    near_count: usize,
    far: Vec<Vec<u128>>,
    far_map: [[u64; FAR as usize / 64]; WHEELS],
    /// No occupied far slot starts before this near slot; `u64::MAX` if there is none.
    far_next: u64,
    /// Who put each item in, if somebody asked for it.
    causes: Option<Causes>,
}

/// Who put items in: a number that is noted beside each.
#[derive(Clone, Debug, Default)]
struct Causes {
    /// What is noted beside items that are added from now on.
    now: u64,
    /// By cell.
    of: Vec<u64>,
}

const fn time_of(key: u128) -> u64 {
    (key >> 64) as u64
}
const fn slot_of(key: u128) -> usize {
    (key as u64 & SLOT_MASK) as usize
}
/// The number of time bits below a slot of far wheel `w`.
const fn far_shift(w: usize) -> u32 {
    GRAIN + 9 + 8 * w as u32
}

impl Causes {
    #[cold]
    fn note(&mut self, cell: usize) {
        if self.of.len() <= cell {
            self.of.resize(cell + 1, 0);
        }
        self.of[cell] = self.now;
    }
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Queue {
            cells: Vec::new(),
            free: NIL,
            sequence: 0,
            queued: 0,
            ties: None,
            cur: 0,
            open: Vec::new(),
            near: (0..NEAR).map(|_| Vec::new()).collect(),
            near_map: [0; NEAR as usize / 64],
            near_count: 0,
            far: (0..FAR as usize * WHEELS).map(|_| Vec::new()).collect(),
            far_map: [[0; FAR as usize / 64]; WHEELS],
            far_next: u64::MAX,
            causes: None,
        }
    }

    /// From now on, a number is noted beside each item.
    pub(crate) fn keep_causes(&mut self) {
        self.causes.get_or_insert_default();
    }

    /// What is noted beside items that are added from now on.
    #[inline]
    pub(crate) fn cause_is(&mut self, cause: u64) {
        if let Some(causes) = &mut self.causes {
            causes.now = cause;
        }
    }

    /// What is noted beside items that are added now; zero if nothing is.
    #[inline]
    pub(crate) fn present_cause(&self) -> u64 {
        self.causes.as_ref().map_or(0, |causes| causes.now)
    }

    /// What was noted beside an item, which may have been taken out since; zero if nothing was.
    pub(crate) fn cause(&self, handle: Handle) -> u64 {
        let causes = self.causes.as_ref().and_then(|causes| causes.of.get(handle.cell()));
        causes.copied().unwrap_or(0)
    }

    /// Notes something else beside an item.
    #[inline]
    pub(crate) fn set_cause(&mut self, handle: Handle, cause: u64) {
        if let Some(causes) = &mut self.causes {
            causes.of[handle.cell()] = cause;
        }
    }

    /// From now on, equal times pop in an order that is drawn from `key`, except those pushed by
    /// [`Queue::push_in_order`]; with none, in the order of insertion.
    pub(crate) fn scramble_ties(&mut self, key: Option<u64>) {
        self.ties = key;
    }

    pub(crate) fn scrambles_ties(&self) -> bool {
        self.ties.is_some()
    }

    /// Queued items, parked ones not counted.
    pub(crate) fn len(&self) -> usize {
        self.queued
    }

    /// All queued and parked items, in no meaningful but a reproducible order.
    pub(crate) fn items(&self) -> impl Iterator<Item = &T> {
        self.cells.iter().filter_map(|c| c.item.as_ref())
    }

    /// Queued items for which `pick` holds, with their times, in the order of popping.
    pub(crate) fn find(&self, pick: impl Fn(&T) -> bool) -> Vec<(Instant, Handle)> {
        let queued = self.cells.iter().filter(|c| c.wheel < PARKED);
        let mut found: Vec<&Cell<T>> =
            queued.filter(|c| c.item.as_ref().is_some_and(&pick)).collect();
        found.sort_unstable_by_key(|c| c.key);
        let name = |c: &Cell<T>| Handle((c.generation << SLOT_BITS) | slot_of(c.key) as u64);
        found.into_iter().map(|c| (Instant(time_of(c.key)), name(c))).collect()
    }

    /// Cells ever made: the most items that were alive at one time.
    pub(crate) fn cell_count(&self) -> usize {
        self.cells.len()
    }

    /// Room for keys, in keys: what the calendar holds on to.
    #[cfg(test)]
    pub(crate) fn key_room(&self) -> usize {
        let slots = self.near.iter().chain(&self.far).chain([&self.open]);
        slots.map(Vec::capacity).sum()
    }

    /// Adds an item. A time before the last popped one would be popped next.
    #[inline]
    pub(crate) fn push(&mut self, time: Instant, item: T) -> Handle {
        let sequence = match self.ties {
            None => self.sequence,
            Some(key) => scramble(self.sequence, key),
        };
        self.push_at(time, sequence, item)
    }

    /// Adds an item that keeps its place among others of the same time pushed this way, whatever
    /// is scrambled.
    #[inline]
    pub(crate) fn push_in_order(&mut self, time: Instant, item: T) -> Handle {
        self.push_at(time, self.sequence, item)
    }

    /// Adds an item that is parked from the start.
    pub(crate) fn park(&mut self, item: T) -> Handle {
        let slot = self.fill(0, item);
        let cell = &mut self.cells[slot as usize];
        cell.wheel = PARKED;
        Handle((cell.generation << SLOT_BITS) | u64::from(slot))
    }

    #[inline(always)]
    fn push_at(&mut self, time: Instant, sequence: u64, item: T) -> Handle {
        assert!(self.sequence < SEQ_MASK, "a run has at most 2^40 events");
        self.sequence += 1;
        self.queued += 1;
        let rank = (u128::from(time.0) << 64) | u128::from(sequence << SLOT_BITS);
        let slot = self.fill(rank, item);
        self.place(rank | u128::from(slot));
        Handle((self.cells[slot as usize].generation << SLOT_BITS) | u64::from(slot))
    }

    /// Puts an item into a free cell.
    #[inline(always)]
    fn fill(&mut self, rank: u128, item: T) -> u32 {
        let slot = self.fill_cell(rank, item);
        if let Some(causes) = &mut self.causes {
            causes.note(slot as usize);
        }
        slot
    }

    #[inline(always)]
    fn fill_cell(&mut self, rank: u128, item: T) -> u32 {
        if self.free != NIL {
            let slot = self.free;
            let cell = &mut self.cells[slot as usize];
            self.free = cell.index;
            cell.key = rank | u128::from(slot);
            cell.item = Some(item);
            slot
        } else {
            let slot = self.cells.len() as u32;
            assert!(u64::from(slot) < SLOT_MASK, "at most 2^24 events at a time");
            let key = rank | u128::from(slot);
            self.cells.push(Cell { key, generation: 0, index: 0, wheel: 0, item: Some(item) });
            slot
        }
    }

    /// Puts a key where its time belongs, and notes where in its cell.
    #[inline]
    fn place(&mut self, key: u128) {
        let slot = time_of(key) >> GRAIN;
        let cell = &mut self.cells[slot_of(key)];
        if slot <= self.cur {
            cell.wheel = 0;
            let at = self.open.partition_point(|&k| k > key);
            self.open.insert(at, key);
        } else if slot - self.cur <= NEAR {
            let s = (slot % NEAR) as usize;
            cell.wheel = 0;
            cell.index = self.near[s].len() as u32;
            self.near[s].push(key);
            self.near_map[s / 64] |= 1 << (s % 64);
            self.near_count += 1;
        } else {
            self.place_far(key);
        }
    }

    fn place_far(&mut self, key: u128) {
        for w in 0..WHEELS {
            let shift = far_shift(w);
            let number = time_of(key) >> shift;
            if number - ((self.cur << GRAIN) >> shift) <= FAR {
                let s = (number % FAR) as usize;
                let list = &mut self.far[w * FAR as usize + s];
                let cell = &mut self.cells[slot_of(key)];
                cell.wheel = w as u8 + 1;
                cell.index = list.len() as u32;
                list.push(key);
                self.far_map[w][s / 64] |= 1 << (s % 64);
                self.far_next = self.far_next.min(number << (shift - GRAIN));
                return;
            }
        }
        unreachable!("the last wheel reaches the end of time");
    }

    /// The next item not later than `limit`, which stays parked under the handle.
    #[inline]
    pub(crate) fn pop(&mut self, limit: Instant) -> Option<(Instant, Handle)> {
        if self.open.is_empty() && !self.turn(limit.0 >> GRAIN) {
            return None;
        }
        let key = *self.open.last().expect("the open slot was filled");
        if time_of(key) > limit.0 {
            return None;
        }
        self.open.pop();
        self.queued -= 1;
        let cell = &mut self.cells[slot_of(key)];
        cell.wheel = PARKED;
        let handle = Handle((cell.generation << SLOT_BITS) | slot_of(key) as u64);
        Some((Instant(time_of(key)), handle))
    }

    /// Fills the empty open slot with the next events that start at or before near slot `limit`.
    fn turn(&mut self, limit: u64) -> bool {
        loop {
            let near = self.next_near();
            let next = near.min(self.far_next);
            if next > limit || next == u64::MAX {
                return false;
            }
            if self.far_next <= near {
                self.deal_far();
                continue;
            }
            let s = (near % NEAR) as usize;
            self.cur = near;
            if self.open.capacity() > KEEP {
                self.open = Vec::new();
            }
            mem::swap(&mut self.open, &mut self.near[s]);
            self.near_map[s / 64] &= !(1 << (s % 64));
            self.near_count -= self.open.len();
            if self.open.len() > 1 {
                self.open.sort_unstable_by(|a, b| b.cmp(a));
            }
            return true;
        }
    }

    /// The number of the next occupied near slot, or `u64::MAX`.
    #[inline]
    fn next_near(&self) -> u64 {
        if self.near_count == 0 {
            return u64::MAX;
        }
        self.cur + 1 + first_set(&self.near_map, ((self.cur + 1) % NEAR) as usize)
    }

    /// Deals the far slots that start at `far_next` out to finer ones, and finds the next.
    fn deal_far(&mut self) {
        assert!(self.far_next > self.cur, "far slots lie ahead");
        let start = self.far_next << GRAIN;
        self.cur = self.far_next - 1;
        for w in (0..WHEELS).rev() {
            let shift = far_shift(w);
            let number = start >> shift;
            let s = (number % FAR) as usize;
            let occupied = self.far_map[w][s / 64] >> (s % 64) & 1 == 1;
            if number << shift != start || !occupied {
                continue;
            }
            self.far_map[w][s / 64] &= !(1 << (s % 64));
            let mut list = mem::take(&mut self.far[w * FAR as usize + s]);
            assert!(list.iter().all(|&k| time_of(k) >> shift == number), "one lap at a time");
            for key in list.drain(..) {
                self.place(key);
            }
            if list.capacity() <= KEEP {
                self.far[w * FAR as usize + s] = list;
            }
        }
        self.find_far();
    }

    /// Recomputes `far_next`.
    fn find_far(&mut self) {
        self.far_next = u64::MAX;
        for (w, map) in self.far_map.iter().enumerate() {
            if map.iter().any(|&m| m != 0) {
                let shift = far_shift(w);
                let from = ((self.cur << GRAIN) >> shift) + 1;
                let number = from + first_set(map, (from % FAR) as usize);
                self.far_next = self.far_next.min(number << (shift - GRAIN));
            }
        }
    }

    /// The item under a handle, queued or parked.
    #[inline]
    pub(crate) fn get(&self, handle: Handle) -> Option<&T> {
        let cell = self.cells.get((handle.0 & SLOT_MASK) as usize)?;
        if cell.generation != handle.0 >> SLOT_BITS {
            return None;
        }
        cell.item.as_ref()
    }

    /// Takes the item of a parked handle out; none if it was cancelled, or is still queued.
    #[inline(always)]
    pub(crate) fn take(&mut self, handle: Handle) -> Option<T> {
        let slot = (handle.0 & SLOT_MASK) as usize;
        let cell = self.cells.get_mut(slot)?;
        if cell.generation != handle.0 >> SLOT_BITS || cell.wheel != PARKED {
            return None;
        }
        self.release(slot)
    }

    /// Takes the part of a parked item that matters, and forgets the rest: one move instead of two.
    ///
    /// # Panics
    /// If the handle is stale.
    #[inline(always)]
    pub(crate) fn take_part<R>(&mut self, handle: Handle, part: impl FnOnce(&mut T) -> R) -> R {
        let slot = (handle.0 & SLOT_MASK) as usize;
        let cell = &mut self.cells[slot];
        assert!(cell.generation == handle.0 >> SLOT_BITS && cell.wheel == PARKED, "it is parked");
        cell.generation += 1;
        cell.wheel = FREE;
        cell.index = self.free;
        self.free = slot as u32;
        let part = part(cell.item.as_mut().expect("a parked cell has an item"));
        cell.item = None;
        part
    }

    /// Takes an item out, whether it is queued or parked; none if it is gone.
    pub(crate) fn cancel(&mut self, handle: Handle) -> Option<T> {
        self.take(handle).or_else(|| self.recall(handle))
    }

    /// Takes a queued item out; none if it was popped before.
    pub(crate) fn recall(&mut self, handle: Handle) -> Option<T> {
        self.displace(handle).and_then(|key| self.release(slot_of(key)))
    }

    /// Gives a queued item another time, at which it keeps its rank among equals; its handle stays.
    /// False if it was popped before.
    pub(crate) fn retime(&mut self, handle: Handle, time: Instant) -> bool {
        let Some(key) = self.displace(handle) else { return false };
        let key = (u128::from(time.0) << 64) | u128::from(key as u64);
        self.cells[slot_of(key)].key = key;
        self.queued += 1;
        self.place(key);
        true
    }

    /// Takes the key of a queued item out of the calendar.
    fn displace(&mut self, handle: Handle) -> Option<u128> {
        let slot = (handle.0 & SLOT_MASK) as usize;
        let cell = self.cells.get(slot)?;
        if cell.generation != handle.0 >> SLOT_BITS || cell.wheel == PARKED {
            return None;
        }
        let (key, wheel, index) = (cell.key, cell.wheel as usize, cell.index as usize);
        self.queued -= 1;
        if wheel == 0 && time_of(key) >> GRAIN <= self.cur {
            let at = self.open.partition_point(|&k| k > key);
            assert!(self.open[at] == key, "an open key is in the open slot");
            self.open.remove(at);
            return Some(key);
        }
        let (list, map, s) = if wheel == 0 {
            let s = (time_of(key) >> GRAIN) as usize % NEAR as usize;
            self.near_count -= 1;
            (&mut self.near[s], &mut self.near_map[s / 64], s)
        } else {
            let w = wheel - 1;
            let s = (time_of(key) >> far_shift(w)) as usize % FAR as usize;
            (&mut self.far[w * FAR as usize + s], &mut self.far_map[w][s / 64], s)
        };
        assert!(list[index] == key, "a cell knows where its key is");
        list.swap_remove(index);
        if let Some(&moved) = list.get(index) {
            self.cells[slot_of(moved)].index = index as u32;
        }
        if list.is_empty() {
            *map &= !(1 << (s % 64));
            if list.capacity() > KEEP {
                *list = Vec::new();
            }
        }
        Some(key)
    }

    #[inline(always)]
    fn release(&mut self, slot: usize) -> Option<T> {
        let cell = &mut self.cells[slot];
        cell.generation += 1;
        cell.wheel = FREE;
        cell.index = self.free;
        self.free = slot as u32;
        cell.item.take()
    }
}

/// Distance from `from` to the first set bit at or after it, going round. There is one.
#[inline]
fn first_set(map: &[u64], from: usize) -> u64 {
    let (word, bit) = (from / 64, from % 64);
    let first = map[word] >> bit;
    if first != 0 {
        return u64::from(first.trailing_zeros());
    }
    let mut distance = 64 - bit as u64;
    for k in 1..=map.len() {
        let m = map[(word + k) % map.len()];
        if m != 0 {
            return distance + u64::from(m.trailing_zeros());
        }
        distance += 64;
    }
    unreachable!("an empty map is not searched");
}

/// A keyed permutation of 40-bit numbers.
fn scramble(sequence: u64, key: u64) -> u64 {
    let mut x = (sequence ^ key) & SEQ_MASK;
    for round in 0..3 {
        x = x.wrapping_mul(0x9e37_79b9_7f4a_7c15) & SEQ_MASK;
        x ^= x >> 21;
        x = x.wrapping_add(key >> (8 * round)) & SEQ_MASK;
    }
    x
}
