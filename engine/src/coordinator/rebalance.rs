//! Re-assignment driven by load: what workers measure, and when it is worth acting on.
//!
//! Workers [`Tally`] what they do and report [`Load`]s: counts since the report before. The
//! coordinator's [`Meter`] turns them into rates over a window. [`decide`] says whether the rates
//! call for a new assignment, which [`Scheduler::Load`](super::schedule::Scheduler::Load) then
//! makes.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use super::schedule::Executor;
use crate::ids::{Generation, TaskId};

#[cfg(test)]
mod tests;

/// What a worker did since its last report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Load {
    /// In which generation.
    pub generation: Generation,
    /// Its reports of a generation are numbered; later ones have higher numbers.
    pub number: u32,
    /// The time that it covers.
    pub over: Span,
    /// Its tasks.
    pub tasks: Vec<TaskLoad>,
}

/// What a task did since its worker's last report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskLoad {
    /// Which task.
    pub task: TaskId,
    /// Tuples that it executed (a source: records that it read).
    pub executed: u64,
    /// CPU time that it used.
    pub cpu: Span,
}

/// What a worker keeps to make its reports from.
#[derive(Clone, Debug)]
pub struct Tally {
    generation: Generation,
    number: u32,
    since: Instant,
    tasks: BTreeMap<TaskId, (u64, Span)>,
}

impl Tally {
    /// Begins with a generation; these are the worker's tasks.
    pub fn new(
        generation: Generation,
        tasks: impl IntoIterator<Item = TaskId>,
        now: Instant,
    ) -> Self {
        let tasks = tasks.into_iter().map(|task| (task, (0, Span::ZERO))).collect();
        Tally { generation, number: 0, since: now, tasks }
    }

    /// A task executed tuples, which took this CPU time in all.
    ///
    /// # Panics
    /// If it is not the worker's.
    pub fn add(&mut self, task: TaskId, executed: u64, cpu: Span) {
        let sum = self.tasks.get_mut(&task).expect("a task of this worker");
        *sum = (sum.0 + executed, sum.1 + cpu);
    }

    /// What was done since the last report, or the beginning.
    pub fn report(&mut self, now: Instant) -> Load {
        self.number += 1;
        let over = now.since(core::mem::replace(&mut self.since, now));
        let take = |(task, sum): (&TaskId, &mut (u64, Span))| {
            let (executed, cpu) = core::mem::take(sum);
            TaskLoad { task: *task, executed, cpu }
        };
        let tasks = self.tasks.iter_mut().map(take).collect();
        Load { generation: self.generation, number: self.number, over, tasks }
    }
}

/// How much a task does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rate {
    /// Tuples a second.
    pub executed: u64,
    /// CPU time, in per mille of a core.
    pub cpu_permille: u32,
}

/// Turns the reports of one generation into rates over a window.
#[derive(Clone, Debug)]
pub struct Meter {
    window: Span,
    generation: Generation,
    workers: BTreeMap<NodeId, Reports>,
}

/// The latest reports of one worker, oldest first.
///
/// Invariant: without the oldest they cover less than the window, or there is one.
#[derive(Clone, Debug, Default)]
struct Reports {
    last: Option<u32>,
    over: Span,
    kept: VecDeque<Load>,
}

impl Meter {
    /// Measures over a window.
    pub fn new(window: Span) -> Self {
        Meter { window, generation: Generation(0), workers: BTreeMap::new() }
    }

    /// A new generation: what was measured in another says nothing about it.
    pub fn reset(&mut self, generation: Generation) {
        self.generation = generation;
        self.workers.clear();
    }

    /// Takes a report in. False if it is of another generation, or was doubled or overtaken.
    pub fn report(&mut self, worker: NodeId, load: Load) -> bool {
        if load.generation != self.generation {
            return false;
        }
        let reports = self.workers.entry(worker).or_default();
        if reports.last.is_some_and(|last| load.number <= last) {
            return false;
        }
        reports.last = Some(load.number);
        reports.over += load.over;
        reports.kept.push_back(load);
        while reports.kept.len() > 1 && reports.over - reports.kept[0].over >= self.window {
            let oldest = reports.kept.pop_front().expect("more than one");
            reports.over = reports.over - oldest.over;
        }
        true
    }

    /// Whether a worker was heard for a whole window.
    pub fn covers(&self, worker: NodeId) -> bool {
        self.workers.get(&worker).is_some_and(|reports| reports.over >= self.window)
    }

    /// The rates of a worker's tasks, ascending; none until its reports cover a window.
    pub fn rates(&self, worker: NodeId) -> Option<BTreeMap<TaskId, Rate>> {
        let reports = self.workers.get(&worker).filter(|_| self.covers(worker))?;
        let mut sums: BTreeMap<TaskId, (u64, u64)> = BTreeMap::new();
        for load in reports.kept.iter().flat_map(|report| &report.tasks) {
            let sum = sums.entry(load.task).or_default();
            sum.0 = sum.0.saturating_add(load.executed);
            sum.1 = sum.1.saturating_add(load.cpu.as_nanos());
        }
        let rate = |(executed, cpu): (u64, u64)| Rate {
            executed: per(executed, 1_000_000_000, reports.over),
            cpu_permille: u32::try_from(per(cpu, 1_000, reports.over)).unwrap_or(u32::MAX),
        };
        Some(sums.into_iter().map(|(task, sum)| (task, rate(sum))).collect())
    }

    /// The CPU load of a worker, in per mille of a core; none until its reports cover a window.
    pub fn worker_load(&self, worker: NodeId) -> Option<u32> {
        let rates = self.rates(worker)?;
        Some(rates.values().fold(0, |sum, rate| sum.saturating_add(rate.cpu_permille)))
    }

    /// The CPU load of each executor, in per mille of a core, as a schedule wants it; none until
    /// the reports of all these workers cover a window.
    pub fn executor_loads(&self, executors: &[Executor], workers: &[NodeId]) -> Option<Vec<u32>> {
        let mut rates: BTreeMap<TaskId, Rate> = BTreeMap::new();
        for worker in workers {
            rates.extend(self.rates(*worker)?);
        }
        let load = |executor: &Executor| {
            let tasks = executor.tasks().filter_map(|task| rates.get(&task));
            tasks.fold(0u32, |sum, rate| sum.saturating_add(rate.cpu_permille))
        };
        Some(executors.iter().map(load).collect())
    }
}

/// `count * unit / over`, rounded down; 0 over no time.
fn per(count: u64, unit: u64, over: Span) -> u64 {
    let wide = u128::from(count) * u128::from(unit);
    let rate = wide.checked_div(u128::from(over.as_nanos())).unwrap_or(0);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

/// When load is worth a new assignment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The most loaded worker carries more than this, in per mille of the mean. Below
    /// [`load::ACT`](super::schedule::load::ACT) the scheduler will not move anything.
    pub threshold_permille: u32,
    /// And it carries at least this, in per mille of a core: who idles need not idle evenly.
    pub busy_permille: u32,
    /// The least time after a re-assignment of any cause: catching up is not the load to come.
    pub cool_down: Span,
}

/// All that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Now.
    pub now: Instant,
    /// When the last re-assignment began to run; none while it does not.
    pub running_since: Option<Instant>,
    /// The load of each worker that is to be used, in per mille of a core over the last window. 0
    /// for one without tasks, none for one that was not measured long enough.
    pub loads: &'a [Option<u32>],
    /// The settings.
    pub settings: &'a Settings,
}

/// What to do about load.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Nothing runs that could be measured, or not everybody has been.
    Unknown,
    /// Nothing: nobody carries too much.
    Balanced,
    /// Somebody carries too much, but the last re-assignment is too recent. Look again then.
    Cooling(Instant),
    /// Re-assign.
    Reassign {
        /// Who carries most, by its place among the loads.
        worker: usize,
        /// How much, in per mille of the mean.
        permille: u64,
    },
}

/// Decides.
pub fn decide(facts: &Facts<'_>) -> Decision {
    let loads: Option<Vec<u64>> = facts.loads.iter().map(|load| load.map(u64::from)).collect();
    let (Some(since), Some(loads)) = (facts.running_since, loads) else {
        return Decision::Unknown;
    };
    let heaviest = loads.iter().enumerate().rev().max_by_key(|(_, load)| **load);
    let Some((worker, peak)) = heaviest else { return Decision::Unknown };
    let (settings, total) = (facts.settings, loads.iter().sum::<u64>());
    // Against total / workers, in per mille.
    let scaled = peak * loads.len() as u64 * 1_000;
    let heavy = scaled > total * u64::from(settings.threshold_permille);
    if !heavy || *peak < settings.busy_permille.into() {
        return Decision::Balanced;
    }
    let until = since + settings.cool_down;
    if facts.now < until {
        return Decision::Cooling(until);
    }
    Decision::Reassign { worker, permille: scaled / total }
}
