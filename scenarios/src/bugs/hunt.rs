//! The hunt for a planted bug, seed by seed.

use std::ops::Range;
use std::sync::Arc;

use stormglass_engine::names::Twist;

use super::fork::check_fork;
use super::{Bug, Checker, Plant};
use crate::campaign::{Campaign, Next, SharedLoader};
use crate::catalog;
use crate::judge::law::Law;
use crate::outcome::Outcome;
use crate::problem::Problem;
use crate::run::Setup;
use crate::topologies::{Registry, shared};

/// What became of a planted bug over some seeds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Hunt {
    /// The bug's name.
    pub bug: &'static str,
    /// Seeds that were run until it was caught, or at all.
    pub seeds: u64,
    /// In how many of them its place was reached.
    pub reached: u64,
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

impl HuntResult {
    const fn is_over(&self) -> bool {
        matches!(self, HuntResult::Caught { .. } | HuntResult::CaughtByAnother { .. })
    }
}

impl Hunt {
    fn new(bug: &Bug) -> Hunt {
        let result = HuntResult::NotReached;
        Hunt { bug: bug.name, seeds: 0, reached: 0, result, clean_passes: true }
    }

    /// Takes note of a run with the bug.
    fn note(&mut self, laws: &[Law], outcome: &Outcome) {
        self.seeds += 1;
        if outcome.reached.iter().any(|(_, times)| *times > 0) {
            self.reached += 1;
            self.result = HuntResult::Missed;
        }
        let Some(violation) = outcome.violations().first() else { return };
        let (by, seed) = (violation.law.name().to_string(), outcome.seed);
        let sentence = violation.sentence.clone();
        self.result = match laws.contains(&violation.law) {
            true => HuntResult::Caught { by, seed, sentence },
            false => HuntResult::CaughtByAnother { by, seed, sentence },
        };
    }
}

impl Bug {
    /// Looks for it, seed by seed, until it is caught; then runs the clean engine on the same
    /// seeds. One that nobody can notice is looked for in a few seeds only.
    ///
    /// # Errors
    /// If its scenario is not well.
    pub fn hunt(
        &self,
        seeds: Range<u64>,
        jobs: usize,
        loader: &SharedLoader<'_>,
    ) -> Result<Hunt, Problem> {
        /// Seeds for a bug that nobody is to notice.
        const FEW: u64 = 50;
        let few = seeds.start..seeds.end.min(seeds.start.saturating_add(FEW));
        let seeds = if self.harmless.is_some() { few } else { seeds };
        match (self.plant, self.checker) {
            (Plant::Twist(twist), Checker::Laws(laws)) => {
                self.hunt_twist(twist, laws, seeds, jobs, loader)
            }
            (Plant::Topology(topology), _) => self.hunt_fork(topology, seeds, loader),
            (Plant::Twist(_) | Plant::Nothing, _) => unreachable!("it has no scenario of its own"),
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
        let scenario = Arc::new(catalog::load(self.scenario, self.settings)?);
        let registry = Registry::default();
        let mut hunt = Hunt::new(self);
        let campaign = Campaign { scenario, seeds: seeds.clone(), jobs, bugs: vec![twist] };
        campaign.run(&registry, loader, |outcome| {
            if !hunt.result.is_over() {
                hunt.note(laws, &outcome);
            }
            if hunt.result.is_over() { Next::Stop } else { Next::Continue }
        })?;
        let same = seeds.start..seeds.start + hunt.seeds;
        let clean = Campaign { seeds: same, bugs: vec![], ..campaign };
        clean.run(&registry, loader, |outcome| {
            hunt.clean_passes &= outcome.violations().is_empty();
            Next::Continue
        })?;
        Ok(hunt)
    }

    fn hunt_fork(
        &self,
        topology: &'static str,
        seeds: Range<u64>,
        loader: &SharedLoader<'_>,
    ) -> Result<Hunt, Problem> {
        let calm = Arc::new(catalog::load(self.scenario, self.settings)?);
        let mut guilty = (*calm).clone();
        guilty.topology.name = topology.to_string();
        let (guilty, registry) = (Arc::new(guilty), shared::register(Registry::default()));
        let mut hunt = Hunt { result: HuntResult::Missed, ..Hunt::new(self) };
        for seed in seeds {
            // Its bolt runs with every record.
            (hunt.seeds, hunt.reached) = (hunt.seeds + 1, hunt.reached + 1);
            let load = |file: &str| loader(file);
            let clean = Setup::new(&calm, &registry, &load, seed)?;
            hunt.clean_passes &= check_fork(&clean).is_ok();
            let setup = Setup::new(&guilty, &registry, &load, seed)?;
            if let Err(fork) = check_fork(&setup) {
                let (by, sentence) = ("check-fork".to_string(), fork.to_string());
                hunt.result = HuntResult::Caught { by, seed, sentence };
                break;
            }
        }
        Ok(hunt)
    }
}
