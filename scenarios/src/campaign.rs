//! Many runs: one world a thread, results in the order of their seeds.
//!
//! The only file of this crate with threads. Nothing here reads a clock or prints: whoever calls
//! hands in what is to happen after each run, and may stop the campaign there.

#![expect(clippy::disallowed_methods, reason = "one world a thread; no world knows of another")]

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use stormglass_engine::names::Twist;

use crate::input::Loader;
use crate::outcome::Outcome;
use crate::problem::Problem;
use crate::run::Setup;
use crate::scenario::Scenario;
use crate::topologies::Registry;

#[cfg(test)]
mod tests;

/// Seeds of one scenario.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// Its seeds.
    pub seeds: Range<u64>,
    /// How many worlds run side by side; at least one.
    pub jobs: usize,
    /// Planted bugs to switch on in every run.
    pub bugs: Vec<Twist>,
}

/// A part of all seeds, for machines side by side: those that leave the same rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which part, counted from 1.
    pub number: u64,
    /// Of how many.
    pub of: u64,
}

impl Shard {
    /// All seeds.
    pub const WHOLE: Shard = Shard { number: 1, of: 1 };

    /// Whether it has a seed. Whatever range seeds are of, each is in one part.
    pub const fn has(self, seed: u64) -> bool {
        seed % self.of == self.number - 1
    }

    /// How many seeds of a range it has.
    pub const fn count(self, seeds: &Range<u64>) -> u64 {
        self.below(seeds.end) - self.below(seeds.start)
    }

    /// How many seeds it has below one.
    const fn below(self, end: u64) -> u64 {
        end / self.of + (end % self.of >= self.number) as u64
    }
}

/// Whether a campaign goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// It does.
    Continue,
    /// Runs that have begun are finished and handed over; no other one begins.
    Stop,
}

/// Loads files for all threads.
pub type SharedLoader<'a> =
    dyn Fn(&str) -> Result<std::borrow::Cow<'static, str>, String> + Sync + 'a;

/// The first of so many that a test says yes to, `jobs` at a time. The answer does not depend on
/// how many are tested at a time: those after it may have been tested, all before it have been.
pub(crate) fn first(
    count: usize,
    jobs: usize,
    test: &(dyn Fn(usize) -> bool + Sync),
) -> Option<usize> {
    if jobs <= 1 {
        return (0..count).find(|at| test(*at));
    }
    let (next, found) = (AtomicUsize::new(0), AtomicUsize::new(count));
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(count) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    // Each number is handed out once and in order: all below it are taken care of.
                    if at >= found.load(Ordering::Relaxed) {
                        return;
                    }
                    if test(at) {
                        found.fetch_min(at, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    Some(found.into_inner()).filter(|at| *at < count)
}

impl Campaign {
    /// Runs all seeds; hands each outcome over in the order of seeds, whatever order they end in.
    ///
    /// # Errors
    /// The first seed's problem with the scenario itself.
    pub fn run(
        &self,
        registry: &Registry,
        loader: &SharedLoader<'_>,
        each: impl FnMut(Outcome) -> Next,
    ) -> Result<(), Problem> {
        self.run_those(registry, loader, &|_| true, each)
    }

    /// Runs those seeds that are wanted, as [`Campaign::run`] does.
    ///
    /// # Errors
    /// The first seed's problem with the scenario itself.
    pub fn run_those(
        &self,
        registry: &Registry,
        loader: &SharedLoader<'_>,
        wanted: &(dyn Fn(u64) -> bool + Sync),
        mut each: impl FnMut(Outcome) -> Next,
    ) -> Result<(), Problem> {
        let mut wrong = None;
        let work = |seed: u64| self.one(registry, &|file| loader(file), seed);
        side_by_side(self.jobs, self.seeds.clone(), wanted, &work, |outcome| match outcome {
            _ if wrong.is_some() => Next::Stop,
            Ok(outcome) => each(outcome),
            Err(problem) => {
                wrong = Some(problem);
                Next::Stop
            }
        });
        wrong.map_or(Ok(()), Err)
    }

    fn one(&self, registry: &Registry, load: &Loader<'_>, seed: u64) -> Result<Outcome, Problem> {
        let mut setup = Setup::new(&self.scenario, registry, load, seed)?;
        setup.bugs.clone_from(&self.bugs);
        Ok(setup.run())
    }
}

/// Does work on those numbers that are wanted, so many side by side; hands over what comes of it
/// in the order of the numbers, whatever order it ends in.
pub(crate) fn side_by_side<T: Send>(
    jobs: usize,
    numbers: Range<u64>,
    wanted: &(dyn Fn(u64) -> bool + Sync),
    work: &(dyn Fn(u64) -> T + Sync),
    mut each: impl FnMut(T) -> Next,
) {
    let (next, stopped) = (AtomicU64::new(numbers.start), AtomicBool::new(false));
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            let (sender, next, stopped, end) = (sender.clone(), &next, &stopped, numbers.end);
            scope.spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        break;
                    }
                    if wanted(number) && sender.send((number, work(number))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut due = numbers.clone().filter(|number| wanted(*number)).peekable();
        for (number, done) in receiver {
            early.insert(number, done);
            while let Some(done) = due.peek().and_then(|number| early.remove(number)) {
                due.next();
                if each(done) == Next::Stop {
                    stopped.store(true, Ordering::Relaxed);
                }
            }
        }
    });
}
