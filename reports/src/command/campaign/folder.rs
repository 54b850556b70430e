//! What a campaign was asked for, as its run folder keeps it.

use serde::{Deserialize, Serialize};
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::scenario::Scenario;

use super::row::Row;
use crate::command::folder::{self, Line, VERSION};

#[cfg(test)]
mod tests;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The format of the folder.
    pub(super) version: u32,
    /// The program that ran it.
    pub(super) program: String,
    pub(super) scenarios: Vec<Written>,
    /// Planted bugs that are switched on.
    pub(super) bugs: Vec<String>,
    /// Ranges of seeds such as `0..100`, in order.
    pub(super) seeds: Vec<String>,
    /// Which part of them, such as `1/3`.
    pub(super) shard: String,
}

/// A scenario as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct Written {
    pub(in crate::command) name: String,
    /// What it was read from.
    pub(in crate::command) source: String,
    /// Settings laid over it, as `key=value`.
    pub(in crate::command) settings: Vec<String>,
    /// Its TOML.
    pub(in crate::command) text: String,
}

impl Written {
    /// # Errors
    /// If the scenario was built in Rust.
    pub(in crate::command) fn of(scenario: &Scenario) -> Result<Written, Problem> {
        let Some((text, settings)) = scenario.origin.written() else {
            return Err(Problem::new("", "a scenario built in Rust cannot be written down"));
        };
        Ok(Written {
            name: scenario.name.clone(),
            source: scenario.origin.source().to_string(),
            settings: settings.to_vec(),
            text: text.to_string(),
        })
    }
}

impl Manifest {
    pub(super) fn new(
        scenarios: Vec<Written>,
        bugs: Vec<String>,
        seeds: Vec<String>,
        shard: String,
    ) -> Manifest {
        let program = format!("stormglass {}", env!("CARGO_PKG_VERSION"));
        Manifest { version: VERSION, program, scenarios, bugs, seeds, shard }
    }

    /// What is different in another one, in a few words; none if nothing is. Which seeds they are
    /// of is not looked at.
    pub(super) fn differs_from(&self, other: &Manifest) -> Option<String> {
        let names = |m: &Manifest| m.scenarios.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
        let all = |words: &[String]| match words {
            [] => "none".to_string(),
            words => words.join(", "),
        };
        let differ = |what: &str, ours: &[String], others: &[String]| {
            (ours != others).then(|| format!("{what} are {}, not {}", all(ours), all(others)))
        };
        if let Some(differ) = differ("its scenarios", &names(self), &names(other)) {
            return Some(differ);
        }
        for (ours, others) in self.scenarios.iter().zip(&other.scenarios) {
            let settings = format!("its settings of {}", ours.name);
            if let Some(differ) = differ(&settings, &ours.settings, &others.settings) {
                return Some(differ);
            }
            if ours.text != others.text {
                return Some(format!("its scenario {} is written differently", ours.name));
            }
        }
        if self.program != other.program {
            return Some(format!("it is of {}, not of {}", self.program, other.program));
        }
        differ("its planted bugs", &self.bugs, &other.bugs)
    }
}

impl folder::Manifest for Manifest {
    const WHAT: &'static str = "campaign";
    type Row = Row;

    fn version(&self) -> u32 {
        self.version
    }

    /// As [`Manifest::differs_from`], with the seeds.
    fn differs_at_all(&self, other: &Manifest) -> Option<String> {
        let seeds = |m: &Manifest| format!("{} (shard {})", m.seeds.join(", "), m.shard);
        let (ours, others) = (seeds(self), seeds(other));
        let differ = (ours != others).then(|| format!("its seeds are {ours}, not {others}"));
        self.differs_from(other).or(differ)
    }
}

impl Line for Row {
    fn who(&self) -> (String, u64) {
        (self.scenario.clone(), self.seed)
    }
}
