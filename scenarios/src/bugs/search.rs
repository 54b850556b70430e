//! The search for planted bugs in worlds that know nothing of them: many bugs side by side, world
//! after world, until each is caught.
//!
//! One run of the clean engine tells which bugs could have acted in a world: up to its first
//! occasion, a run with a bug is the same as the one without. A world without an occasion is one
//! more world in which the bug was not caught, and need not be run again.
//!
//! What is found is rows of plain data, one a world and nothing in them of the machine; what a
//! bug's search came to ([`Standing`]) follows from rows alone, in the order of worlds.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use stormglass_engine::names::Twist;
use stormglass_sim::node::Name;

use super::fork::check_fork;
use super::worlds::{Source, Worlds};
use super::{Bug, Checker, Plant};
use crate::campaign::{Next, side_by_side};
use crate::judge::law::Law;
use crate::outcome::Outcome;
use crate::problem::Problem;
use crate::run::Setup;
use crate::topologies::{Registry, shared};

#[cfg(test)]
mod tests;

/// What became of one world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Where it comes from.
    pub source: Source,
    /// The starting point that it is counted from.
    pub block: u64,
    /// Its number, which is its seed.
    pub number: u64,
    /// Its scenario.
    pub scenario: String,
    /// The verdict on the clean engine.
    pub clean: String,
    /// The law that it broke, if it did: then nothing else was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broke: Option<String>,
    /// Kernel events of the clean run.
    pub events: u64,
    /// Those bugs that were still looked for and could have acted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<Try>,
}

/// A run with a planted bug.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Try {
    /// The bug.
    pub bug: String,
    /// Kernel events until something was noticed, or at all.
    pub events: u64,
    /// The law that broke first, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub law: Option<String>,
    /// What was said of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sentence: String,
}

/// CPU time that a row took, in whatever unit the stopwatch has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// The clean run.
    pub clean: u64,
    /// Each try.
    pub tries: Vec<u64>,
}

/// Reads the CPU time that the calling thread has taken so far.
pub type Stopwatch<'a> = dyn Fn() -> u64 + Sync + 'a;

/// How far the search for one bug has come in one block.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The bug.
    pub bug: &'static Bug,
    /// Worlds until it was caught, or all of them.
    pub worlds: u64,
    /// In how many of them it could have acted.
    pub reached: u64,
    /// Who caught it and where.
    pub caught: Option<Catch>,
    /// The first time that a law broke which is not due.
    pub other: Option<Catch>,
    /// Kernel events until then: of the clean run where the bug could not act.
    pub events: u64,
    /// CPU time, likewise.
    pub cpu: u64,
}

/// A law broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catch {
    /// Which.
    pub law: String,
    /// In which world.
    pub number: u64,
    /// Its scenario.
    pub scenario: String,
    /// What was said of it.
    pub sentence: String,
    /// As which world of its block, counted from 1.
    pub worlds: u64,
}

impl Standing {
    /// Before the first world.
    pub fn new(bug: &'static Bug) -> Standing {
        Standing { bug, worlds: 0, reached: 0, caught: None, other: None, events: 0, cpu: 0 }
    }

    /// Whether it is still to be looked for: one that nobody is to notice, in a few worlds only.
    pub fn is_open(&self) -> bool {
        /// Worlds for a bug that nobody is to notice.
        const FEW: u64 = 50;
        self.caught.is_none() && (self.bug.harmless.is_none() || self.worlds < FEW)
    }

    /// Takes note of the next world.
    pub fn note(&mut self, row: &Row, times: &Times) {
        if !self.is_open() {
            return;
        }
        self.worlds += 1;
        let Some(at) = row.tries.iter().position(|tried| tried.bug == self.bug.name) else {
            self.events += row.events;
            self.cpu += times.clean;
            return;
        };
        let tried = &row.tries[at];
        self.reached += 1;
        self.events += tried.events;
        self.cpu += times.tries.get(at).copied().unwrap_or_default();
        let Some(law) = &tried.law else { return };
        let found = Catch {
            law: law.clone(),
            number: row.number,
            scenario: row.scenario.clone(),
            sentence: tried.sentence.clone(),
            worlds: self.worlds,
        };
        match self.bug.checker.is_due(law) {
            true => self.caught = Some(found),
            false => self.other = self.other.take().or(Some(found)),
        }
    }
}

impl Checker {
    /// Whether it is this law, by its name, that has to notice.
    fn is_due(self, law: &str) -> bool {
        match self {
            Checker::Laws(laws) => laws.iter().any(|due| due.name() == law),
            Checker::CheckFork => law == FORK,
        }
    }
}

/// The comparison of a run with its clone, where laws are named.
const FORK: &str = "check-fork";

/// Searches the worlds of some numbers for all bugs that are open. Hands each row over in the order
/// of numbers; ends when no bug is open, or whoever takes rows wants to.
///
/// # Errors
/// None for what is shipped.
pub fn search(
    worlds: &Worlds,
    block: u64,
    numbers: Range<u64>,
    jobs: usize,
    standings: &mut [Standing],
    stopwatch: &Stopwatch<'_>,
    mut each: impl FnMut(&Row, &Times, &[Standing]) -> Next,
) -> Result<(), Problem> {
    let bugs: Vec<&'static Bug> = standings.iter().map(|standing| standing.bug).collect();
    let open: Vec<AtomicBool> = standings.iter().map(|s| AtomicBool::new(s.is_open())).collect();
    let work = |number: u64| {
        let wanted = bugs.iter().zip(&open).filter(|(_, open)| open.load(Ordering::Relaxed));
        let wanted: Vec<&Bug> = wanted.map(|(bug, _)| *bug).collect();
        world(worlds, block, number, &wanted, stopwatch)
    };
    if standings.iter().all(|standing| !standing.is_open()) {
        return Ok(());
    }
    let (mut stopped, mut wrong) = (false, None);
    side_by_side(jobs, numbers, &|_| true, &work, |found| {
        // What was under way when the search ended does not count.
        if stopped {
            return Next::Stop;
        }
        let (mut row, mut times) = match found {
            Ok(found) => found,
            Err(problem) => {
                (stopped, wrong) = (true, Some(problem));
                return Next::Stop;
            }
        };
        // Threads run ahead: what they tried of bugs that had been caught before does not count.
        let is_open: Vec<&str> =
            standings.iter().filter(|s| s.is_open()).map(|s| s.bug.name).collect();
        let counts = |tried: &Try| is_open.contains(&tried.bug.as_str());
        let kept: Vec<bool> = row.tries.iter().map(counts).collect();
        let (mut tries, mut spent) = (kept.iter(), kept.iter());
        row.tries.retain(|_| *tries.next().expect("one each"));
        times.tries.retain(|_| *spent.next().expect("one each"));
        for (standing, open) in standings.iter_mut().zip(&open) {
            standing.note(&row, &times);
            open.store(standing.is_open(), Ordering::Relaxed);
        }
        let over = standings.iter().all(|standing| !standing.is_open());
        stopped = each(&row, &times, standings) == Next::Stop || over;
        if stopped { Next::Stop } else { Next::Continue }
    });
    wrong.map_or(Ok(()), Err)
}

/// Runs one world with the clean engine, and with each of these bugs that could have acted.
fn world(
    worlds: &Worlds,
    block: u64,
    number: u64,
    bugs: &[&Bug],
    stopwatch: &Stopwatch<'_>,
) -> Result<(Row, Times), Problem> {
    let setup = Setup { occasions: true, ..worlds.setup(number)? };
    let mut times = Times::default();
    let clean = timed(stopwatch, &mut times.clean, || setup.clone().run());
    let mut row = Row {
        source: worlds.source,
        block,
        number,
        scenario: clean.scenario.clone(),
        clean: clean.verdict.name().to_string(),
        broke: first_law(&clean).map(|law| law.name().to_string()),
        events: clean.flow.kernel_events,
        tries: Vec::new(),
    };
    if row.broke.is_some() {
        return Ok((row, times));
    }
    let registry = shared::register(Registry::default());
    for bug in bugs {
        let mut took = 0;
        let tried = timed(stopwatch, &mut took, || match bug.plant {
            Plant::Twist(twist) => reached(&clean, twist).then(|| plant(bug, &setup, twist)),
            Plant::Nothing => Some(outcome(bug, &setup.clone().run())),
            Plant::Topology(topology) => {
                let guilty = worlds.guilty(number, topology, &registry)?;
                Some(compare(bug, &guilty, &clean))
            }
        });
        if let Some(tried) = tried {
            row.tries.push(tried);
            times.tries.push(took);
        }
    }
    Ok((row, times))
}

fn timed<T>(stopwatch: &Stopwatch<'_>, took: &mut u64, work: impl FnOnce() -> T) -> T {
    let began = stopwatch();
    let done = work();
    *took = stopwatch().saturating_sub(began);
    done
}

fn reached(clean: &Outcome, twist: Twist) -> bool {
    clean.occasions.iter().any(|(name, _)| *name == twist.name())
}

fn first_law(outcome: &Outcome) -> Option<Law> {
    outcome.violations().first().map(|violation| violation.law)
}

/// Runs a world with a bug, up to the first violation. What broke first is asked of the whole run:
/// that is what anybody sees who runs it again.
fn plant(bug: &Bug, setup: &Setup, twist: Twist) -> Try {
    let setup = Setup { bugs: vec![twist], occasions: false, hasty: true, ..setup.clone() };
    let hasty = setup.clone().run();
    match first_law(&hasty) {
        None | Some(Law::Progress) => outcome(bug, &hasty),
        Some(_) => {
            let events = hasty.flow.kernel_events;
            let whole = Setup { hasty: false, ..setup }.run();
            Try { events, ..outcome(bug, &whole) }
        }
    }
}

fn outcome(bug: &Bug, outcome: &Outcome) -> Try {
    let violation = outcome.violations().first();
    Try {
        bug: bug.name.to_string(),
        events: outcome.flow.kernel_events,
        law: violation.map(|violation| violation.law.name().to_string()),
        sentence: violation.map_or(String::new(), |violation| violation.sentence.clone()),
    }
}

/// Compares a run with its own clone.
fn compare(bug: &Bug, guilty: &Setup, clean: &Outcome) -> Try {
    let differs = check_fork(guilty).err();
    Try {
        bug: bug.name.to_string(),
        events: 3 * clean.flow.kernel_events,
        law: differs.as_ref().map(|_| FORK.to_string()),
        sentence: differs.map_or(String::new(), |differs| differs.to_string()),
    }
}
