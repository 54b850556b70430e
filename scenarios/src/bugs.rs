//! Planted bugs, and the laws that must catch them.

use std::ops::Range;
use std::sync::Arc;

use stormglass_engine::names::Twist;
use stormglass_sim::node::Name;
use stormglass_sim::time::{Instant, Span};

use crate::campaign::{Campaign, Next, SharedLoader};
use crate::catalog;
use crate::judge::law::Law;
use crate::outcome::Outcome;
use crate::problem::{Problem, suggest};
use crate::run::{Run, Setup};
use crate::topologies::{Registry, shared};

/// How a planted bug is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// A place in the engine.
    Twist(Twist),
    /// A user's topology that is wrong in itself, by name.
    Topology(&'static str),
}

/// A planted bug.
#[derive(Clone, Copy, Debug)]
pub struct Bug {
    /// Its name.
    pub name: &'static str,
    /// What is wrong, in a sentence.
    pub story: &'static str,
    /// How it is switched on.
    pub plant: Plant,
    /// The catalog scenario that it is looked for in.
    pub scenario: &'static str,
    /// Who must notice.
    pub checker: Checker,
}

/// Who notices a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checker {
    /// A judge of runs: one of these laws is the first to break.
    Laws(&'static [Law]),
    /// The comparison of a run with its own clone.
    CheckFork,
}

/// The matrix.
pub const ALL: &[Bug] = &[
    Bug {
        name: "visible-before-complete",
        story: "the receiver shows a transaction when it is pre-committed",
        plant: Plant::Twist(Twist::VisibleBeforeComplete),
        scenario: "flight-delays",
        checker: Checker::Laws(&[Law::VisibleOnlyWhenComplete]),
    },
    Bug {
        name: "restore-one-too-far",
        story: "a source resumes one record after the restored position",
        plant: Plant::Twist(Twist::RestoreOneTooFar),
        scenario: "flight-delays",
        checker: Checker::Laws(&[Law::NoLoss, Law::LegalOrder]),
    },
    Bug {
        name: "zombie-accepted",
        story: "broker, store and receiver serve workers of an older generation",
        plant: Plant::Twist(Twist::ZombieAccepted),
        scenario: "flight-delays",
        checker: Checker::Laws(&[Law::Fencing]),
    },
    Bug {
        name: "shared-counter",
        story: "a bolt shares a counter between its clones, behind the world's back",
        plant: Plant::Topology("shared-counter"),
        scenario: "word-count",
        checker: Checker::CheckFork,
    },
];

/// The planted bug in the engine of that name.
///
/// # Errors
/// If there is none.
pub fn twist(name: &str) -> Result<Twist, Problem> {
    let found = Twist::ALL.iter().find(|twist| twist.name() == name);
    found.copied().ok_or_else(|| {
        let names = Twist::ALL.iter().map(|twist| twist.name());
        if ALL.iter().any(|bug| bug.name == name) {
            let message = format!("`{name}` is not in the engine but in a user's topology");
            return Problem::new("--bug", message).help("`stormglass bugs` hunts it");
        }
        let problem = Problem::new("--bug", format!("there is no planted bug `{name}`"));
        problem.help(suggest(name, names, "planted bugs"))
    })
}

/// What became of a planted bug over some seeds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Hunt {
    /// The bug's name.
    pub bug: &'static str,
    /// Seeds that were run until it was caught, or at all.
    pub seeds: u64,
    /// How it ended.
    pub result: HuntResult,
    /// Whether the clean engine passed the same seeds.
    pub clean_passes: bool,
}

/// How the hunt for a bug ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "result")]
pub enum HuntResult {
    /// The checker that should noticed.
    Caught {
        /// By which law or check.
        by: String,
        /// At which seed.
        seed: u64,
        /// What it said.
        sentence: String,
    },
    /// Another law noticed first.
    CaughtByAnother {
        /// Which.
        by: String,
        /// At which seed.
        seed: u64,
        /// What it said.
        sentence: String,
    },
    /// Its place was reached, and nobody noticed.
    Missed,
    /// Its place was never reached.
    NotReached,
}

impl Bug {
    /// Looks for it, seed by seed, until it is caught; then runs the clean engine on the same
    /// seeds.
    ///
    /// # Errors
    /// If its scenario is not well.
    pub fn hunt(
        &self,
        seeds: Range<u64>,
        jobs: usize,
        loader: &SharedLoader<'_>,
    ) -> Result<Hunt, Problem> {
        match (self.plant, self.checker) {
            (Plant::Twist(twist), Checker::Laws(laws)) => {
                self.hunt_twist(twist, laws, seeds, jobs, loader)
            }
            (Plant::Topology(topology), _) => self.hunt_fork(topology, seeds, loader),
            (Plant::Twist(_), Checker::CheckFork) => unreachable!("forks are of topologies"),
        }
    }

    fn hunt_twist(
        &self,
        twist: Twist,
        laws: &[Law],
        seeds: Range<u64>,
        jobs: usize,
        loader: &SharedLoader<'_>,
    ) -> Result<Hunt, Problem> {
        let scenario = Arc::new(catalog::load(self.scenario, &[] as &[&str])?);
        let registry = Registry::default();
        let (mut run, mut result) = (0, HuntResult::NotReached);
        let campaign = Campaign { scenario, seeds: seeds.clone(), jobs, bugs: vec![twist] };
        campaign.run(&registry, loader, |outcome| {
            let over =
                matches!(result, HuntResult::Caught { .. } | HuntResult::CaughtByAnother { .. });
            if !over {
                run += 1;
                self.note(laws, &outcome, &mut result);
            }
            match result {
                HuntResult::Missed | HuntResult::NotReached => Next::Continue,
                _ => Next::Stop,
            }
        })?;
        let mut clean_passes = true;
        let clean = Campaign { seeds: seeds.start..seeds.start + run, bugs: vec![], ..campaign };
        clean.run(&registry, loader, |outcome| {
            clean_passes &= outcome.violations().is_empty();
            Next::Continue
        })?;
        Ok(Hunt { bug: self.name, seeds: run, result, clean_passes })
    }

    fn note(&self, laws: &[Law], outcome: &Outcome, result: &mut HuntResult) {
        if let Some(violation) = outcome.violations().first() {
            let (by, seed) = (violation.law.name().to_string(), outcome.seed);
            let sentence = violation.sentence.clone();
            *result = match laws.contains(&violation.law) {
                true => HuntResult::Caught { by, seed, sentence },
                false => HuntResult::CaughtByAnother { by, seed, sentence },
            };
        } else if outcome.reached.iter().any(|(_, times)| *times > 0) {
            *result = HuntResult::Missed;
        }
    }

    fn hunt_fork(
        &self,
        topology: &'static str,
        seeds: Range<u64>,
        loader: &SharedLoader<'_>,
    ) -> Result<Hunt, Problem> {
        let calm = Arc::new(catalog::load(self.scenario, &[] as &[&str])?);
        let mut guilty = (*calm).clone();
        guilty.topology.name = topology.to_string();
        let (guilty, registry) = (Arc::new(guilty), shared::register(Registry::default()));
        let (mut run, mut result) = (0, HuntResult::Missed);
        let mut clean_passes = true;
        for seed in seeds {
            run += 1;
            let load = |file: &str| loader(file);
            let clean = Setup::new(&calm, &registry, &load, seed)?;
            clean_passes &= check_fork(&clean).is_ok();
            let setup = Setup::new(&guilty, &registry, &load, seed)?;
            if let Err(fork) = check_fork(&setup) {
                let (by, sentence) = ("check-fork".to_string(), fork.to_string());
                result = HuntResult::Caught { by, seed, sentence };
                break;
            }
        }
        Ok(Hunt { bug: self.name, seeds: run, result, clean_passes })
    }
}

/// A run and its clone did not have the same future.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkDiffers {
    /// Where the run was cloned.
    pub at: Instant,
    /// The digest of the run that was never cloned.
    pub alone: String,
    /// The digest of the clone.
    pub clone: String,
    /// The digest of the original, which went on after its clone had ended.
    pub original: String,
}

impl std::fmt::Display for ForkDiffers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "a run cloned at {} ends with digest {}, its original with {}, and without a clone it \
             is {}: something is shared behind the world's back, such as an `Arc` with a cell, a \
             static or a lock in a spout or bolt",
            self.at, self.clone, self.original, self.alone
        )
    }
}

/// Runs a scenario three times: alone, cloned in the middle, and on from there after the clone has
/// ended. If a user's spouts and bolts are plain values, all three are the same to the byte.
///
/// # Errors
/// If they are not.
pub fn check_fork(setup: &Setup) -> Result<(), ForkDiffers> {
    let middle = Instant::ZERO + crate::input::duration(&setup.log).scale(1, 2) + Span::millis(1);
    let alone = Run::new(setup.clone()).finish().digest;
    let mut original = Run::new(setup.clone());
    original.advance(middle);
    let clone = original.clone().finish().digest;
    let original = original.finish().digest;
    if alone == clone && alone == original {
        return Ok(());
    }
    let text = |digest: stormglass_sim::hash::Digest| digest.to_string();
    Err(ForkDiffers {
        at: middle,
        alone: text(alone),
        clone: text(clone),
        original: text(original),
    })
}
