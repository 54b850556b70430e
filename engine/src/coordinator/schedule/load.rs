//! The load-driven scheduler: moves executors off the most loaded worker, as few as it can.
//!
//! What is alive stays at first; with too many workers, the most loaded ones. Executors without a
//! place go, heaviest first, each to the least loaded worker. Then, if the most loaded worker
//! carries more than [`ACT`] of the mean, executors move until nobody carries more than [`REACH`]:
//! each time the one move off the most loaded worker after which the larger of the two workers'
//! loads is the least. So one move is made where one is enough, and never more than executors.
//!
//! The space between the two bounds is the hysteresis: what was just balanced is left alone until
//! loads have changed by a tenth. Where [`REACH`] is out of reach, moves that do not lower the peak
//! by more than that tenth are not made, for every re-assignment costs an outage; unless executors
//! had to be placed anyway.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;

use stormglass_sim::node::NodeId;

use super::{Request, interleaved};

/// Worth acting on: the most loaded worker carries more than this, in per mille of the mean.
pub const ACT: u64 = 1_200;
/// Where moving stops, in per mille of the mean.
pub const REACH: u64 = 1_100;

pub(super) fn load(request: &Request<'_>) -> Vec<NodeId> {
    let mut board = Board::new(request);
    let settled = board.settle();
    let before = (board.peak(), board.at.clone());
    if board.exceeds(board.peak(), ACT) {
        for _ in 0..board.at.len() {
            if !board.exceeds(board.peak(), REACH) || !board.move_one() {
                break;
            }
        }
        let gain = before.0 - board.peak();
        if settled && !board.exceeds(gain, ACT - REACH) {
            board.at = before.1;
        }
    }
    board.at.iter().map(|at| board.workers[at.expect("all are settled")]).collect()
}

/// Executors on workers.
struct Board {
    /// The workers to use.
    workers: Vec<NodeId>,
    /// The load of each executor.
    loads: Vec<u64>,
    /// Which worker each executor is at.
    at: Vec<Option<usize>>,
}

impl Board {
    fn new(request: &Request<'_>) -> Self {
        let alive = request.alive();
        let loads: Vec<u64> = match request.loads {
            [] => vec![1; alive.len()],
            loads => loads.iter().map(|load| u64::from(*load)).collect(),
        };
        let carried = |slot: &NodeId| -> u64 {
            let here = alive.iter().zip(&loads).filter(|(at, _)| **at == Some(*slot));
            here.map(|(_, load)| *load).sum()
        };
        let slots = interleaved(request.slots);
        let in_use = |slot: &NodeId| alive.contains(&Some(*slot));
        let (mut workers, free): (Vec<NodeId>, Vec<NodeId>) = slots.into_iter().partition(in_use);
        workers.sort_by_key(|slot| Reverse(carried(slot)));
        workers.extend(interleaved(&free));
        workers.truncate(request.workers());
        let index = |slot: Option<NodeId>| workers.iter().position(|worker| Some(*worker) == slot);
        let at = alive.iter().map(|slot| index(*slot)).collect();
        Board { workers, loads, at }
    }

    /// Places who has no place. True if everybody had one.
    fn settle(&mut self) -> bool {
        let mut homeless: Vec<usize> =
            (0..self.at.len()).filter(|one| self.at[*one].is_none()).collect();
        homeless.sort_by_key(|one| Reverse(self.loads[*one]));
        for one in &homeless {
            // By number as well, lest idle executors all end up with one worker.
            let carried = self.carried();
            let number = |worker| self.at.iter().filter(|at| **at == Some(worker)).count();
            let least = (0..self.workers.len()).min_by_key(|w| (carried[*w], number(*w)));
            self.at[*one] = least;
        }
        homeless.is_empty()
    }

    /// What each worker carries.
    fn carried(&self) -> Vec<u64> {
        let mut carried = vec![0; self.workers.len()];
        for (at, load) in self.at.iter().zip(&self.loads) {
            if let Some(at) = at {
                carried[*at] += load;
            }
        }
        carried
    }

    fn peak(&self) -> u64 {
        self.carried().into_iter().max().unwrap_or(0)
    }

    /// Whether a load is more than so many per mille of the mean.
    fn exceeds(&self, load: u64, per_mille: u64) -> bool {
        let total: u64 = self.loads.iter().sum();
        let wide = |a: u64, b: u64| u128::from(a) * u128::from(b);
        wide(load, self.workers.len() as u64 * 1_000) > wide(total, per_mille)
    }

    /// Makes the best move off the most loaded worker; false if none lowers its load for good.
    fn move_one(&mut self) -> bool {
        let carried = self.carried();
        let worker = (0..carried.len()).max_by_key(|worker| (carried[*worker], Reverse(*worker)));
        let from = worker.expect("a worker at least");
        let movable = |one: &usize| self.at[*one] == Some(from);
        let executors = (0..self.at.len()).filter(movable);
        let moves = executors.flat_map(|one| (0..carried.len()).map(move |to| (one, to)));
        let after = |one: usize, to: usize| {
            (carried[from] - self.loads[one]).max(carried[to] + self.loads[one])
        };
        let lowers = |&(one, to): &(usize, usize)| to != from && after(one, to) < carried[from];
        let Some((one, to)) = moves.filter(lowers).min_by_key(|(one, to)| after(*one, *to)) else {
            return false;
        };
        self.at[one] = Some(to);
        true
    }
}
