//! What every schedule keeps to, whatever is asked.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use proptest::prelude::*;
use stormglass_sim::node::NodeId;

use super::super::load::{ACT, REACH};
use super::super::{Edge, Executor, Request, Scheduler, executors, interleaved, local, schedule};
use crate::ids::TaskId;

const ALL: [Scheduler; 4] =
    [Scheduler::Even, Scheduler::Default, Scheduler::Local, Scheduler::Load];

/// A request that owns its parts.
#[derive(Clone, Debug)]
struct Asked {
    slots: Vec<NodeId>,
    workers: u16,
    executors: Vec<Executor>,
    current: Option<Vec<NodeId>>,
    edges: Vec<Edge>,
    loads: Vec<u32>,
}

impl Asked {
    fn request(&self) -> Request<'_> {
        Request {
            slots: &self.slots,
            workers: self.workers,
            executors: &self.executors,
            current: self.current.as_deref(),
            edges: &self.edges,
            loads: &self.loads,
        }
    }
    fn schedule(&self, scheduler: Scheduler) -> Vec<NodeId> {
        schedule(scheduler, &self.request())
    }
    /// The same while this runs.
    fn running(&self, current: Vec<NodeId>) -> Asked {
        Asked { current: Some(current), ..self.clone() }
    }
    /// The worker of each executor.
    fn by_executor(&self, tasks: &[NodeId]) -> Vec<NodeId> {
        self.executors.iter().map(|e| tasks[usize::from(e.first.0) - 1]).collect()
    }
    /// How many executors each worker in use has.
    fn counts(&self, tasks: &[NodeId]) -> Vec<usize> {
        let mut counts: BTreeMap<NodeId, usize> = BTreeMap::new();
        for worker in self.by_executor(tasks) {
            *counts.entry(worker).or_default() += 1;
        }
        counts.into_values().collect()
    }
    /// The load of the most loaded worker.
    fn peak(&self, tasks: &[NodeId]) -> u64 {
        let mut loads: BTreeMap<NodeId, u64> = BTreeMap::new();
        for (worker, load) in self.by_executor(tasks).into_iter().zip(&self.loads) {
            *loads.entry(worker).or_default() += u64::from(*load);
        }
        loads.into_values().max().unwrap_or(0)
    }
    /// Whether a load is within so many per mille of the mean of all workers.
    fn within(&self, load: u64, per_mille: u64) -> bool {
        let workers = self.slots.len().min(self.workers.into()) as u64;
        let total: u64 = self.loads.iter().map(|load| u64::from(*load)).sum();
        load * workers * 1_000 <= total * per_mille
    }
}

/// Components in a chain, each sending to the next.
fn chain(components: &[(u16, u16)], weights: &[u32]) -> Vec<Edge> {
    let mut next = 1;
    let mut ranges = Vec::new();
    for (tasks, _) in components {
        ranges.push((TaskId(next), TaskId(next + tasks - 1)));
        next += tasks;
    }
    let pairs = ranges.windows(2).zip(weights);
    pairs.map(|(pair, weight)| Edge { from: pair[0], to: pair[1], weight: *weight }).collect()
}

/// Slots on up to 5 machines, of which some may be dead; executors of up to 4 components; one
/// worker for each executor drawn among all slots, dead ones included.
fn asked() -> impl Strategy<Value = Asked> {
    let slots = prop::collection::btree_set((1u16..6, 1u16..4), 1..9);
    let components = prop::collection::vec((1u16..6, 1u16..6), 1..5);
    let draws = prop::collection::vec((any::<usize>(), 0u32..1_000), 20);
    let weights = prop::collection::vec(0u32..10, 4);
    (slots, 0usize..4, 1u16..9, components, draws, weights, any::<bool>()).prop_map(
        |(slots, dead, workers, components, draws, weights, runs)| {
            let mut slots: Vec<NodeId> =
                slots.into_iter().map(|(machine, port)| NodeId::new(machine, port)).collect();
            let executors = executors(&components);
            let place = |(one, (at, _)): (&Executor, &(usize, u32))| {
                let worker = slots[at % slots.len()];
                one.tasks().map(move |_| worker).collect::<Vec<_>>()
            };
            let current: Vec<NodeId> = executors.iter().zip(&draws).flat_map(place).collect();
            let loads = draws.iter().map(|(_, load)| *load).take(executors.len()).collect();
            slots.drain(..dead.min(slots.len() - 1));
            let edges = chain(&components, &weights);
            Asked { slots, workers, executors, current: runs.then_some(current), edges, loads }
        },
    )
}

proptest! {
    /// Every executor is placed once and whole, on slots that may be used, on no more workers than
    /// wanted; and the order in which slots are named does not matter.
    #[test]
    fn every_schedule_is_one(asked in asked()) {
        for scheduler in ALL {
            let tasks = asked.schedule(scheduler);
            prop_assert_eq!(tasks.len(), usize::from(asked.executors.last().unwrap().last.0));
            prop_assert!(tasks.iter().all(|worker| asked.slots.contains(worker)));
            let used: BTreeSet<NodeId> = tasks.iter().copied().collect();
            prop_assert!(used.len() <= asked.workers.into(), "{:?}", scheduler);
            for executor in &asked.executors {
                let workers: BTreeSet<NodeId> =
                    executor.tasks().map(|task| tasks[usize::from(task.0) - 1]).collect();
                prop_assert_eq!(workers.len(), 1);
            }
            let slots = asked.slots.iter().rev().copied().collect();
            prop_assert_eq!(tasks, Asked { slots, ..asked.clone() }.schedule(scheduler));
        }
    }

    /// From scratch, all but the load-driven one use as many workers as they can, evenly.
    #[test]
    fn from_scratch_workers_are_used_evenly(asked in asked()) {
        let asked = Asked { current: None, ..asked };
        let most = asked.slots.len().min(asked.workers.into()).min(asked.executors.len());
        for scheduler in [Scheduler::Even, Scheduler::Default, Scheduler::Local] {
            let counts = asked.counts(&asked.schedule(scheduler));
            prop_assert_eq!(counts.len(), most);
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
        }
    }

    /// What was just scheduled is left as it is.
    #[test]
    fn nothing_moves_if_nothing_changed(asked in asked()) {
        for scheduler in ALL {
            let tasks = asked.schedule(scheduler);
            let again = asked.running(tasks.clone()).schedule(scheduler);
            prop_assert_eq!(tasks, again, "{:?}", scheduler);
        }
    }

    /// An executor for each task, everything free: round robin over the interleaved slots.
    #[test]
    fn even_from_scratch_is_round_robin(asked in asked(), tasks in 1u16..20) {
        let executors = executors(&[(tasks, tasks)]);
        let workers = asked.slots.len() as u16;
        let asked = Asked { executors, workers, current: None, loads: Vec::new(), ..asked };
        let slots = interleaved(&asked.slots);
        let expected: Vec<_> = (0..usize::from(tasks)).map(|n| slots[n % slots.len()]).collect();
        prop_assert_eq!(asked.schedule(Scheduler::Even), expected);
    }

    /// The even scheduler moves nobody whose slot is alive, unless too many slots are.
    #[test]
    fn even_keeps_what_is_alive(asked in asked()) {
        let Some(current) = &asked.current else { return Ok(()) };
        let tasks = asked.schedule(Scheduler::Even);
        let alive: BTreeSet<_> = current.iter().filter(|at| asked.slots.contains(at)).collect();
        if alive.len() <= asked.workers.into() {
            for (before, after) in current.iter().zip(&tasks) {
                prop_assert!(!asked.slots.contains(before) || before == after);
            }
        }
    }

    /// When something is dead or the number of workers is another, the default scheduler ends up
    /// even; else it leaves all as it is.
    #[test]
    fn default_repairs_evenly(asked in asked()) {
        let Some(current) = &asked.current else { return Ok(()) };
        let tasks = asked.schedule(Scheduler::Default);
        let alive: BTreeSet<_> = current.iter().filter(|at| asked.slots.contains(at)).collect();
        let dead = current.iter().any(|at| !asked.slots.contains(at));
        if dead || alive.len() != asked.slots.len().min(asked.workers.into()) {
            let counts = asked.counts(&tasks);
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
        } else {
            prop_assert_eq!(&tasks, current);
        }
    }

    /// The local scheduler keeps at least as much traffic local as the even one, as evenly.
    #[test]
    fn local_is_no_worse_than_even(asked in asked()) {
        let asked = Asked { current: None, ..asked };
        let [even, local] = [Scheduler::Even, Scheduler::Local].map(|s| asked.schedule(s));
        prop_assert_eq!(asked.counts(&even), asked.counts(&local));
        let kept = |tasks: &[NodeId]| local::kept(&asked.request(), &asked.by_executor(tasks));
        prop_assert!(kept(&local) >= kept(&even));
    }

    /// With all alive and workers enough: load is moved only where it is uneven, and then the peak
    /// falls; and where one move is enough, one is made.
    #[test]
    fn load_lowers_the_peak(asked in asked()) {
        let asked = asked.running(asked.schedule(Scheduler::Even));
        let current = asked.current.clone().unwrap();
        let tasks = asked.schedule(Scheduler::Load);
        let (before, after) = (asked.peak(&current), asked.peak(&tasks));
        if tasks == current {
            // A move that would have been worth it by itself was not overlooked.
            prop_assert!(asked.within(before, ACT) || !one_move_is_enough(&asked, &current));
            return Ok(());
        }
        prop_assert!(!asked.within(before, ACT));
        prop_assert!(after < before);
        if one_move_is_enough(&asked, &current) {
            let both = asked.by_executor(&tasks).into_iter().zip(asked.by_executor(&current));
            prop_assert_eq!(both.filter(|(now, then)| now != then).count(), 1);
            prop_assert!(asked.within(after, REACH));
        }
    }
}

/// Whether moving some single executor brings the peak down to where moving stops.
fn one_move_is_enough(asked: &Asked, current: &[NodeId]) -> bool {
    let mut workers = interleaved(&asked.slots);
    workers.retain(|worker| current.contains(worker));
    let spare = interleaved(&asked.slots).into_iter().filter(|slot| !current.contains(slot));
    workers.extend(spare.take(usize::from(asked.workers).saturating_sub(workers.len())));
    asked.executors.iter().any(|executor| {
        workers.iter().any(|worker| {
            let mut tasks = current.to_vec();
            executor.tasks().for_each(|task| tasks[usize::from(task.0) - 1] = *worker);
            asked.within(asked.peak(&tasks), REACH)
        })
    })
}
