//! The locality-aware variant: the slots and the numbers of executors of the even scheduler, other
//! executors on them.
//!
//! Workers are filled one after the other, those of one machine in a row. A worker takes, until it
//! is full, the executor that exchanges most with those it has; if that is equal, with those on its
//! machine; if that is equal, the first. An edge's weight is spread evenly over its pairs of tasks.
//! If the outcome keeps no more traffic local than the even scheduler's, the latter is used.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;

use stormglass_sim::node::{MachineId, NodeId};

use super::{Executor, Request, even};
use crate::ids::TaskId;

/// Traffic that stays within workers, and within machines.
type Local = (u64, u64);

pub(super) fn local(request: &Request<'_>) -> Vec<NodeId> {
    let even = even::even(request, vec![None; request.executors.len()]);
    let grouped = grouped(request, &even);
    let better = kept(request, &grouped) > kept(request, &even);
    if better { grouped } else { even }
}

/// What an assignment of executors keeps local.
pub(super) fn kept(request: &Request<'_>, placed: &[NodeId]) -> Local {
    let (mut worker, mut machine) = (0, 0);
    for (one, at) in placed.iter().enumerate() {
        for (other, there) in placed.iter().enumerate().skip(one + 1) {
            if at.machine == there.machine {
                let traffic = exchanged(request, one, other);
                machine += traffic;
                worker += if at == there { traffic } else { 0 };
            }
        }
    }
    (worker, machine)
}

/// The greedy rule, with as many executors at each slot as in `even`.
fn grouped(request: &Request<'_>, even: &[NodeId]) -> Vec<NodeId> {
    let mut placed = vec![None; even.len()];
    for (worker, room) in by_machine(even) {
        // What each executor exchanges with those on this worker, and on its machine.
        let mut pull: Vec<Local> = (0..even.len())
            .map(|one| (0, pull_of(request, one, &placed, worker.machine)))
            .collect();
        for _ in 0..room {
            let waiting = (0..even.len()).filter(|one| placed[*one].is_none());
            let next = waiting.max_by_key(|one| (pull[*one], Reverse(*one)));
            let next = next.expect("as much room as executors");
            placed[next] = Some(worker);
            for (one, pull) in pull.iter_mut().enumerate() {
                let traffic = exchanged(request, one, next);
                *pull = (pull.0 + traffic, pull.1 + traffic);
            }
        }
    }
    placed.into_iter().map(|worker| worker.expect("as much room as executors")).collect()
}

/// What an executor exchanges with those already on a machine.
fn pull_of(
    request: &Request<'_>,
    one: usize,
    placed: &[Option<NodeId>],
    machine: MachineId,
) -> u64 {
    let there = placed.iter().enumerate();
    let there = there.filter(|(_, at)| at.is_some_and(|at| at.machine == machine));
    there.map(|(other, _)| exchanged(request, one, other)).sum()
}

/// The workers in use with their numbers of executors: in the order of their machines' first use,
/// and in order of use within.
fn by_machine(even: &[NodeId]) -> Vec<(NodeId, usize)> {
    let mut machines: BTreeMap<MachineId, usize> = BTreeMap::new();
    let mut workers: Vec<(NodeId, usize)> = Vec::new();
    for slot in even {
        let next = machines.len();
        machines.entry(slot.machine).or_insert(next);
        match workers.iter_mut().find(|(worker, _)| worker == slot) {
            Some((_, room)) => *room += 1,
            None => workers.push((*slot, 1)),
        }
    }
    workers.sort_by_key(|(worker, _)| machines[&worker.machine]);
    workers
}

/// What two executors exchange, both ways: each edge's weight (in 2^-16) by their share of its
/// pairs of tasks. Nothing for an executor and itself.
fn exchanged(request: &Request<'_>, one: usize, other: usize) -> u64 {
    if one == other {
        return 0;
    }
    let (one, other) = (request.executors[one], request.executors[other]);
    let way = |from: Executor, to: Executor| {
        let shares = request.edges.iter().map(move |edge| {
            let pairs = overlap(from, edge.from) * overlap(to, edge.to);
            let all = count(edge.from) * count(edge.to);
            let share = (u128::from(edge.weight) << 16) * u128::from(pairs) / u128::from(all);
            // At most the weight, in 2^-16: 48 bits.
            share as u64
        });
        shares.sum::<u64>()
    };
    way(one, other) + way(other, one)
}

fn count((first, last): (TaskId, TaskId)) -> u64 {
    assert!(first <= last, "an edge has tasks at both ends");
    u64::from(last.0 - first.0) + 1
}

fn overlap(executor: Executor, (first, last): (TaskId, TaskId)) -> u64 {
    let (from, to) = (executor.first.max(first), executor.last.min(last));
    if from <= to { count((from, to)) } else { 0 }
}
