//! Scheduling: which worker runs which task.
//!
//! Pure functions of a [`Request`]. Storm's words (SEMANTICS 1.3): a *slot* is a place for a worker
//! (a port of a machine), an *executor* a thread that runs one or more tasks of a component.
//!
//! * [`Scheduler::Even`] leaves alone what runs, and deals the other executors out over free slots.
//! * [`Scheduler::Default`] first frees the slots that have too many or too few executors.
//! * [`Scheduler::Local`] puts executors that talk to each other together, where balance allows.
//! * [`Scheduler::Load`] moves executors off the most loaded worker, as few as it can.
//!
//! Where Storm would leave executors without a slot until one turns up, they go to slots in use: a
//! generation runs all tasks or none.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use stormglass_sim::node::{MachineId, NodeId};

use crate::ids::TaskId;
use crate::topology::Topology;

mod even;
pub mod load;
mod local;
#[cfg(test)]
mod tests;

/// By which rule executors are placed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheduler {
    /// Storm's `EvenScheduler`.
    Even,
    /// Storm's `DefaultScheduler`.
    Default,
    /// Executors that talk to each other on one worker, else on one machine.
    Local,
    /// By measured load.
    Load,
}

/// A thread of a worker, and the tasks of one component that it runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Executor {
    /// Its first task.
    pub first: TaskId,
    /// Its last task; those between belong to it as well.
    pub last: TaskId,
}

impl Executor {
    /// Its tasks, ascending.
    pub fn tasks(self) -> impl DoubleEndedIterator<Item = TaskId> + Clone {
        (self.first.0..=self.last.0).map(TaskId)
    }
}

/// Who sends to whom: from the tasks of one component to those of another, all alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edge {
    /// First and last task of the emitter.
    pub from: (TaskId, TaskId),
    /// First and last task of the subscriber.
    pub to: (TaskId, TaskId),
    /// How much flows, compared with other edges.
    pub weight: u32,
}

/// What is to be scheduled, and on what.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Where a worker can run, in any order.
    pub slots: &'a [NodeId],
    /// How many workers to use; fewer if there are fewer slots.
    pub workers: u16,
    /// All executors, ascending; together they have every task once, from task 1.
    pub executors: &'a [Executor],
    /// The worker of each task in the running assignment, from task 1. Workers that are not among
    /// `slots` are dead. None schedules from scratch, as Storm does when it rebalances.
    pub current: Option<&'a [NodeId]>,
    /// Who sends to whom; for [`Scheduler::Local`].
    pub edges: &'a [Edge],
    /// The measured load of each executor, in any unit (per mille of a core); for
    /// [`Scheduler::Load`]. If empty, all are alike.
    pub loads: &'a [u32],
}

/// Places every executor; returns the worker of each task, from task 1.
///
/// # Panics
/// If there is no slot, no worker is wanted, or the request's parts do not fit each other.
pub fn schedule(scheduler: Scheduler, request: &Request<'_>) -> Vec<NodeId> {
    request.check();
    let placed = match scheduler {
        Scheduler::Even => even::even(request, request.alive()),
        Scheduler::Default => even::default(request),
        Scheduler::Local => local::local(request),
        Scheduler::Load => load::load(request),
    };
    assert_eq!(placed.len(), request.executors.len(), "every executor is placed");
    let tasks = request.executors.iter().zip(&placed);
    tasks.flat_map(|(executor, worker)| executor.tasks().map(|_| *worker)).collect()
}

/// The executors of components with so many (tasks, executors), in name order, after Storm's
/// `Nimbus.computeExecutors`: each component's tasks in consecutive chunks, larger ones first. More
/// executors than tasks are not made.
///
/// # Panics
/// If a component has tasks and no executor.
pub fn executors(components: &[(u16, u16)]) -> Vec<Executor> {
    let mut executors = Vec::new();
    let mut next = 1;
    for (tasks, wanted) in components {
        if *tasks == 0 {
            continue;
        }
        assert!(*wanted > 0, "tasks need an executor");
        let (size, larger) = integer_divided((*tasks).into(), (*wanted).into());
        for index in 0..usize::from(*tasks.min(wanted)) {
            let size = if index < larger { size + 1 } else { size } as u16;
            let (first, last) = (TaskId(next), TaskId(next + size - 1));
            executors.push(Executor { first, last });
            next += size;
        }
    }
    executors
}

/// Who sends to whom in a topology, every subscription alike.
pub fn edges(topology: &Topology) -> Vec<Edge> {
    let mut edges = Vec::new();
    for to in topology.components() {
        for input in &to.inputs {
            let from = topology.component(input.from);
            let range = |of: &crate::topology::Component| {
                (of.first_task, TaskId(of.first_task.0 + of.parallelism - 1))
            };
            edges.push(Edge { from: range(from), to: range(to), weight: 1 });
        }
    }
    edges
}

/// Slots in the order in which they are filled, after `EvenScheduler.sortSlots`: those of each
/// machine by port, machines with more of them first (else by number), one slot of each in turn.
pub fn interleaved(slots: &[NodeId]) -> Vec<NodeId> {
    let mut by_machine: BTreeMap<MachineId, Vec<NodeId>> = BTreeMap::new();
    for slot in sorted(slots) {
        by_machine.entry(slot.machine).or_default().push(slot);
    }
    let mut machines: Vec<Vec<NodeId>> = by_machine.into_values().collect();
    machines.sort_by_key(|slots| core::cmp::Reverse(slots.len()));
    let rounds = machines.first().map_or(0, Vec::len);
    (0..rounds)
        .flat_map(|round| machines.iter().filter_map(move |m| m.get(round)))
        .copied()
        .collect()
}

/// `sum` in `pieces` as equal as can be: the size of a smaller piece, and how many pieces are
/// larger by one.
fn integer_divided(sum: usize, pieces: usize) -> (usize, usize) {
    (sum / pieces, sum % pieces)
}

/// Ascending, each once.
fn sorted(slots: &[NodeId]) -> Vec<NodeId> {
    let mut slots = slots.to_vec();
    slots.sort_unstable();
    slots.dedup();
    slots
}

impl Request<'_> {
    fn check(&self) {
        assert!(!self.slots.is_empty(), "tasks need a slot");
        assert!(self.workers > 0, "tasks need a worker");
        let mut next = 1;
        for executor in self.executors {
            assert_eq!(executor.first.0, next, "every task has one executor, in order");
            assert!(executor.last >= executor.first, "an executor has a task");
            next = executor.last.0 + 1;
        }
        if let Some(current) = self.current {
            assert_eq!(current.len(), usize::from(next) - 1, "a worker for each task that runs");
        }
        let loads = self.loads.len();
        assert!(loads == 0 || loads == self.executors.len(), "a load for each executor");
    }

    /// How many workers there will be.
    fn workers(&self) -> usize {
        sorted(self.slots).len().min(self.workers.into())
    }

    /// The slot that each executor runs at: all its tasks, and the slot usable.
    fn alive(&self) -> Vec<Option<NodeId>> {
        let Some(current) = self.current else { return alloc::vec![None; self.executors.len()] };
        let alive = |executor: &Executor| {
            let of = &current[usize::from(executor.first.0) - 1..usize::from(executor.last.0)];
            let whole = of.iter().all(|worker| *worker == of[0]);
            (whole && self.slots.contains(&of[0])).then_some(of[0])
        };
        self.executors.iter().map(alive).collect()
    }
}

/// How many executors run at each slot that is in use.
fn counts(alive: &[Option<NodeId>]) -> BTreeMap<NodeId, usize> {
    let mut counts = BTreeMap::new();
    for slot in alive.iter().flatten() {
        *counts.entry(*slot).or_default() += 1;
    }
    counts
}
