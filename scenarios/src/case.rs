//! A case: one run as a file that a single command replays.
//!
//! It holds the scenario as it was written, the settings laid over it, the seed, the plan with each
//! fault both as its trigger and as what became of it, the planted bugs, and the digest and verdict
//! to be seen again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bugs;
use crate::input::Loader;
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::run::Setup;
use crate::scenario::Scenario;
use crate::shrink::Shrinkage;
use crate::topologies::Registry;

#[cfg(test)]
mod tests;

/// The version of cases that this program writes and reads.
pub const VERSION: u32 = 1;

/// One run as a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The format; see [`VERSION`].
    pub version: u32,
    /// The program that wrote it, for people.
    pub program: String,
    /// The scenario's TOML: in the file it is a list of lines.
    #[serde(with = "lines")]
    pub scenario: String,
    /// What it was read from.
    pub source: String,
    /// Settings laid over it, as `key=value`.
    pub settings: Vec<String>,
    /// Planted bugs that were switched on.
    pub bugs: Vec<String>,
    /// Seed and faults.
    pub plan: Plan,
    /// The digest of the run.
    pub digest: String,
    /// The verdict's name.
    pub verdict: String,
    /// The law that broke first, if one did.
    pub law: Option<String>,
    /// What it was shrunk from, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrunk: Option<Shrinkage>,
    /// What went wrong, for whoever meets it as a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub story: Option<String>,
}

impl Case {
    /// The case of an outcome.
    ///
    /// # Errors
    /// If the scenario was built in Rust: it has no text to write down.
    pub fn new(scenario: &Scenario, outcome: &Outcome) -> Result<Case, Problem> {
        let Some((text, settings)) = scenario.origin.written() else {
            let message = "a scenario built in Rust cannot be written as a case";
            return Err(Problem::new("", message).help("pin its seed in a test instead"));
        };
        let mut settings = settings.to_vec();
        if !scenario.drew.is_empty() {
            // What the seed drew is among them already.
            settings.push("draw=[]".to_string());
        }
        Ok(Case {
            version: VERSION,
            program: format!("stormglass {}", env!("CARGO_PKG_VERSION")),
            scenario: text.to_string(),
            source: scenario.origin.source().to_string(),
            settings,
            bugs: outcome.bugs.clone(),
            plan: outcome.plan.clone(),
            digest: outcome.digest.to_string(),
            verdict: outcome.verdict.name().to_string(),
            law: outcome.violations().first().map(|violation| violation.law.name().to_string()),
            shrunk: None,
            story: None,
        })
    }

    /// Its run again, with each fault at the instant at which it struck.
    ///
    /// # Errors
    /// If this program does not understand the case any more.
    pub fn setup(&self, registry: &Registry, loader: &Loader<'_>) -> Result<Setup, Problem> {
        let scenario = Arc::new(self.scenario()?);
        let mut setup = Setup::with_plan(&scenario, registry, loader, self.plan.clone())?;
        setup.bugs = self.bugs.iter().map(|bug| bugs::twist(bug)).collect::<Result<_, _>>()?;
        Ok(setup)
    }

    /// The scenario of the case.
    ///
    /// # Errors
    /// If this program does not understand it any more.
    pub fn scenario(&self) -> Result<Scenario, Problem> {
        Scenario::parse_with(&self.scenario, &self.source, &self.settings)
    }

    /// Writes it as JSON for people.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("a case is plain data");
        json.push('\n');
        json
    }

    /// Reads what [`Case::to_json`] wrote.
    ///
    /// # Errors
    /// If it is no case, or one of another version.
    pub fn from_json(json: &str, source_name: &str) -> Result<Case, Problem> {
        crate::plan::read_versioned(json, source_name, VERSION, "case")
    }
}

/// A text as a list of its lines, for people; a text as it is can be read, too.
mod lines {
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Lines(Vec<String>),
        Whole(String),
    }

    pub(super) fn serialize<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(text.split('\n'))
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
        Ok(match Written::deserialize(from)? {
            Written::Lines(lines) => lines.join("\n"),
            Written::Whole(text) => text,
        })
    }
}
