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
        let (next, stopped) = (AtomicU64::new(self.seeds.start), AtomicBool::new(false));
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                let (sender, next, stopped) = (sender.clone(), &next, &stopped);
                scope.spawn(move || {
                    while !stopped.load(Ordering::Relaxed) {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= self.seeds.end {
                            break;
                        }
                        if !wanted(seed) {
                            continue;
                        }
                        let load: &Loader<'_> = &|file| loader(file);
                        let outcome = self.one(registry, load, seed);
                        if sender.send((seed, outcome)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let mut early = BTreeMap::new();
            let mut due = self.seeds.clone().filter(|seed| wanted(*seed)).peekable();
            for (seed, outcome) in receiver {
                early.insert(seed, outcome);
                while let Some(outcome) = due.peek().and_then(|seed| early.remove(seed)) {
                    due.next();
                    match outcome.map(&mut each) {
                        Ok(Next::Continue) => {}
                        Ok(Next::Stop) => stopped.store(true, Ordering::Relaxed),
                        Err(problem) => {
                            stopped.store(true, Ordering::Relaxed);
                            return Err(problem);
                        }
                    }
                }
            }
            Ok(())
        })
    }

    fn one(&self, registry: &Registry, load: &Loader<'_>, seed: u64) -> Result<Outcome, Problem> {
        let mut setup = Setup::new(&self.scenario, registry, load, seed)?;
        setup.bugs.clone_from(&self.bugs);
        Ok(setup.run())
    }
}
