//! What a source task keeps of its records where acking is used: its books, its acker, and what it
//! may read next.

use alloc::vec::Vec;

use super::Acker;
use super::pending::Pending;
use crate::ids::{Partition, Root};
use crate::names::Twist;
use crate::worker::links::Env;

/// It.
#[derive(Clone, Debug)]
pub(in crate::worker) struct Tracker {
    pub(in crate::worker) pending: Pending,
    pub(in crate::worker) acker: Acker,
    /// The positions that the broker has said to be durable.
    pub(in crate::worker) kept: Vec<(Partition, u64)>,
    /// The fetch that is under way is for records that failed.
    again: bool,
    /// The partition that comes first if there is not room for all.
    first: usize,
}

impl Tracker {
    /// Everything below these positions is done, and durable.
    pub(in crate::worker) fn new(positions: &[Root]) -> Self {
        let pending = Pending::new(positions);
        let kept = pending.positions();
        Tracker { pending, acker: Acker::new(), kept, again: false, first: 0 }
    }

    /// Whether the fetch that is under way is for records that failed.
    pub(in crate::worker) fn reads_again(&self) -> bool {
        self.again
    }

    /// What to read next, and how much from each place: records that failed before new ones, and
    /// no more than may be under way. None if there is no room.
    pub(in crate::worker) fn wanted(
        &mut self,
        positions: &[Root],
        env: &mut Env<'_, '_>,
    ) -> Option<(Vec<Root>, u32)> {
        let settings = env.cluster.recovery.acking()?;
        let (cap, limit) = (settings.max_pending as usize, env.cluster.flow.fetch as usize);
        let (under_way, waiting) = (self.pending.under_way(), self.pending.waiting().len());
        let room = cap.saturating_sub(under_way).min(limit);
        self.again = waiting > 0;
        if self.again && under_way + waiting >= cap && env.cx.twist(Twist::CapBlocksRetries) {
            return None;
        }
        if self.again {
            let from: Vec<Root> = self.pending.waiting().take(room).collect();
            return (!from.is_empty()).then_some((from, 1));
        }
        if room >= positions.len() {
            return Some((positions.to_vec(), (room / positions.len()) as u32));
        }
        // Not one for each: take turns.
        self.first = (self.first + 1) % positions.len();
        let turns = positions.iter().cycle().skip(self.first);
        let from: Vec<Root> = turns.take(room).copied().collect();
        (!from.is_empty()).then_some((from, 1))
    }
}
