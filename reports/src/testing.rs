//! Storms in a user's own `#[test]`: run seeds, snapshot a report, keep what fails as a case.
//!
//! ```no_run
//! # use stormglass_scenarios::topologies::Registry;
//! use stormglass::testing::Storm;
//!
//! let storm = Storm::load("scenarios/parcels.toml").with(Registry::default());
//! // Panics with the paragraph that explains the first failure, and with the command that repeats
//! // it; the case lies in `stormglass-runs`.
//! storm.holds(0..50);
//! // The whole report of one seed: the same on every machine, so it can be kept as a snapshot.
//! println!("{}", storm.run(7).page);
//! ```
//!
//! `examples/parcels` in the repository is a whole project of this kind.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use stormglass_scenarios::bugs;
use stormglass_scenarios::case::Case;
use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::topologies::Registry;

use crate::files::{self, Files};
use crate::page::Paint;
use crate::shell;
use crate::summary::Report;

#[cfg(test)]
mod tests;

/// A scenario, ready to be run in a test. Whatever is wrong with it ends the test with the sentence
/// that the command line would print.
#[derive(Clone, Debug)]
pub struct Storm {
    /// As people type it.
    name: String,
    scenario: Arc<Scenario>,
    files: Files,
    registry: Registry,
    bugs: Vec<String>,
    cases: PathBuf,
}

/// One run of a storm.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What came of it.
    pub outcome: Outcome,
    /// The report, as `stormglass run` prints it, without colours.
    pub page: String,
}

impl Storm {
    /// A shipped scenario by its name, or one of your own by the path of its file, from the folder
    /// of your package on.
    ///
    /// # Panics
    /// If there is none, or it is wrong.
    pub fn load(name: &str) -> Storm {
        Storm::set(name, &[])
    }

    /// The same with settings laid over it, such as `"input.rate=5k/s"`.
    ///
    /// # Panics
    /// If there is no such scenario, or it is wrong with these settings.
    pub fn set(name: &str, settings: &[&str]) -> Storm {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let (scenario, files) = or_panic(files::scenario(name, &settings));
        Storm {
            name: name.to_string(),
            scenario: Arc::new(scenario),
            files,
            registry: Registry::default(),
            bugs: Vec::new(),
            cases: PathBuf::from(files::RUNS),
        }
    }

    /// With topologies of your own.
    #[must_use]
    pub fn with(self, registry: Registry) -> Storm {
        Storm { registry, ..self }
    }

    /// With a bug of the engine that is planted: whoever writes a test wants to see it fail once.
    #[must_use]
    pub fn planted(mut self, bug: &str) -> Storm {
        self.bugs.push(bug.to_string());
        self
    }

    /// Cases of failures go into this folder; `stormglass-runs` if nobody says so.
    #[must_use]
    pub fn cases_into(self, folder: impl Into<PathBuf>) -> Storm {
        Storm { cases: folder.into(), ..self }
    }

    /// Runs a seed.
    ///
    /// # Panics
    /// If the scenario asks for something that does not exist.
    pub fn run(&self, seed: u64) -> Ran {
        or_panic(self.try_run(seed))
    }

    /// Runs seeds until one breaks a law.
    ///
    /// # Panics
    /// If one does, with the paragraph that explains why and the command that repeats it; its case
    /// has been written then.
    pub fn holds(&self, seeds: Range<u64>) {
        for seed in seeds {
            let ran = self.run(seed);
            if !ran.outcome.violations().is_empty() {
                panic!("seed {seed} of {} breaks a law\n\n{}", self.name, ran.page);
            }
        }
    }

    fn try_run(&self, seed: u64) -> Result<Ran, Problem> {
        let load = |name: &str| self.files.load(name);
        let mut setup = Setup::new(&self.scenario, &self.registry, &load, seed)?;
        setup.bugs = self.bugs.iter().map(|bug| bugs::twist(bug)).collect::<Result<_, _>>()?;
        let (scenario, topology) = (Arc::clone(&setup.scenario), Arc::clone(&setup.topology));
        let outcome = setup.run();
        let repeat = match outcome.violations() {
            [] => shell::command(&self.words(seed)),
            _ => shell::replay(&self.keep(&scenario, &outcome)?),
        };
        let report = Report {
            scenario: &scenario,
            topology: &topology,
            outcome: &outcome,
            repeat: &repeat,
            timeline: false,
            shrunk: None,
            paint: Paint::NONE,
        };
        let page = report.page();
        Ok(Ran { outcome, page })
    }

    /// Writes the case of a failure.
    fn keep(&self, scenario: &Scenario, outcome: &Outcome) -> Result<PathBuf, Problem> {
        let path = files::case_path(outcome);
        let path = self.cases.join(path.file_name().unwrap_or_default());
        files::write_case(&Case::new(scenario, outcome)?, &path)?;
        Ok(path)
    }

    /// The arguments that give the same run.
    fn words(&self, seed: u64) -> Vec<String> {
        let mut words = vec!["run".to_string(), self.name.clone()];
        words.extend(["--seed".to_string(), seed.to_string()]);
        let settings = self.scenario.origin.written().map_or(&[][..], |(_, settings)| settings);
        words.extend(settings.iter().flat_map(|set| ["--set".to_string(), set.clone()]));
        words.extend(self.bugs.iter().flat_map(|bug| ["--bug".to_string(), bug.clone()]));
        words
    }
}

impl Ran {
    /// The report without its digest, which changes with every change of the engine, even if
    /// nothing else does that a user can see.
    pub fn redacted(&self) -> String {
        let line = |line: &str| match line.split_once("digest  ") {
            Some((before, _)) if before.trim().is_empty() => format!("{before}digest  [digest]\n"),
            _ => format!("{line}\n"),
        };
        self.page.lines().map(line).collect()
    }
}

fn or_panic<T>(result: Result<T, Problem>) -> T {
    result.unwrap_or_else(|problem| panic!("{problem}"))
}
