//! The worlds that planted bugs are looked for in without knowledge of any of them.
//!
//! *Random* worlds are seeds of the general catalog: of all shipped scenarios but `aimed` and those
//! that look for single bugs. Half of the seeds go to scenarios whose faults a generator makes,
//! half to the others, in a fixed order that is the same for every bug. *Aimed* worlds are the
//! seeds of `aimed`, which enumerate what can be done to whom in which phase. A world has a number,
//! and the number is its seed, too.

use std::sync::Arc;

use crate::catalog;
use crate::explore;
use crate::problem::Problem;
use crate::run::Setup;
use crate::scenario::Scenario;
use crate::topologies::Registry;

/// Has a column of its own.
const AIMED: &str = "aimed";

/// Where worlds come from.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Seeds of the general catalog.
    Random,
    /// Enumerated plans.
    Aimed,
}

/// Numbered worlds.
#[derive(Clone, Debug)]
pub struct Worlds {
    /// Where they come from.
    pub source: Source,
    /// World `n` is one of scenario `n % len`.
    scenarios: Vec<Arc<Scenario>>,
    registry: Registry,
}

impl Worlds {
    /// The worlds of a source.
    ///
    /// # Errors
    /// None for what is shipped.
    pub fn of(source: Source) -> Result<Worlds, Problem> {
        let mut all = Vec::new();
        for entry in catalog::list() {
            all.push(Arc::new(entry.scenario()?));
        }
        let (aimed, general): (Vec<_>, Vec<_>) = all.into_iter().partition(|s| s.name == AIMED);
        let scenarios = match source {
            Source::Aimed => aimed,
            Source::Random => {
                let (swarms, others): (Vec<_>, Vec<_>) =
                    general.into_iter().partition(|scenario| !scenario.chaos.is_empty());
                let pairs = others.into_iter().enumerate();
                pairs.flat_map(|(at, one)| [swarms[at % swarms.len()].clone(), one]).collect()
            }
        };
        Ok(Worlds { source, scenarios, registry: Registry::default() })
    }

    /// The same scenarios as they are [explored](explore::lengths): short, and whole.
    ///
    /// # Errors
    /// None for what is shipped.
    pub fn explored(self) -> Result<Worlds, Problem> {
        let scenarios = explore::lengths(&self.scenarios, &catalog::file)?;
        Ok(Worlds { scenarios, ..self })
    }

    /// The scenario of a world.
    pub fn scenario(&self, number: u64) -> &Arc<Scenario> {
        &self.scenarios[(number % self.scenarios.len() as u64) as usize]
    }

    /// World `n` is of kind `n % kinds`: of the same scenario as all others of its kind.
    pub fn kinds(&self) -> u64 {
        self.scenarios.len() as u64
    }

    /// The names of its scenarios, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.scenarios.iter().map(|scenario| scenario.name.as_str())
    }

    /// A world with the clean engine.
    ///
    /// # Errors
    /// None for what is shipped.
    pub fn setup(&self, number: u64) -> Result<Setup, Problem> {
        Setup::new(self.scenario(number), &self.registry, &catalog::file, number)
    }

    /// A world with another topology in place of its own, if both are counts of words and it fits.
    pub(super) fn guilty(&self, number: u64, topology: &str, registry: &Registry) -> Option<Setup> {
        let scenario = self.scenario(number);
        if scenario.topology.name != "word-count" {
            return None;
        }
        let mut guilty = Scenario::clone(&scenario.drawn(number));
        guilty.topology.name = topology.to_string();
        Setup::new(&Arc::new(guilty), registry, &catalog::file, number).ok()
    }
}
