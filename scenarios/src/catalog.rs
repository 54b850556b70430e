//! The shipped scenarios, compiled in.

use std::borrow::Cow;

use crate::bugs::directed;
use crate::input::no_such_file;
use crate::problem::{Problem, nearest, suggest};
use crate::scenario::Scenario;
use crate::sweep::scenarios as figures;

#[cfg(test)]
mod tests;

/// A shipped scenario.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name, as people type it.
    pub name: &'static str,
    /// Its TOML.
    pub text: &'static str,
}

macro_rules! entries {
    ($($name:literal)*) => {
        &[$(Entry { name: $name, text: include_str!(concat!("../catalog/", $name, ".toml")) },)*]
    };
}

const ENTRIES: &[Entry] = entries![
    "aimed" "checkpoint-storm" "consensus" "coordinator-storm" "data-storm" "elastic"
    "flight-delays" "hot-spot" "interval" "outage" "queries" "reference" "replicated"
    "rolling-restart" "stateful-bolts" "storm" "swarm" "swarm-acking" "swarm-control" "swarm-flow"
    "swarm-input" "swarm-state" "word-count"
];
const FILES: &[(&str, &str)] = &[("flights.csv", include_str!("../catalog/flights.csv"))];

/// All of them, by name.
pub const fn list() -> &'static [Entry] {
    ENTRIES
}

/// The TOML of a shipped scenario, also of one that looks for planted bugs or that a figure is made
/// of.
pub fn find(name: &str) -> Option<&'static str> {
    let unlisted = directed::ENTRIES.iter().chain(figures::ENTRIES);
    ENTRIES.iter().chain(unlisted).find(|entry| entry.name == name).map(|entry| entry.text)
}

/// The shipped scenario that a mistyped name most likely meant.
pub fn nearest_to(name: &str) -> Option<&'static str> {
    nearest(name, ENTRIES.iter().map(|entry| entry.name))
}

/// A shipped scenario with settings laid over it (see [`Scenario::parse_with`]).
///
/// # Errors
/// If there is none of that name, or a setting is a mistake.
pub fn load(name: &str, settings: &[impl AsRef<str>]) -> Result<Scenario, Problem> {
    let Some(text) = find(name) else {
        let problem = Problem::new("", format!("unknown scenario `{name}`"));
        return Err(problem.help(suggest(name, ENTRIES.iter().map(|e| e.name), "scenarios")));
    };
    Scenario::parse_with(text, &format!("{name}.toml"), settings)
}

/// The shipped input files: a [`Loader`](crate::input::Loader).
///
/// # Errors
/// If there is none of that name.
pub fn file(name: &str) -> Result<Cow<'static, str>, String> {
    let found = FILES.iter().find(|(file, _)| *file == name);
    found
        .map(|(_, text)| Cow::Borrowed(*text))
        .ok_or_else(|| no_such_file(name, FILES.iter().map(|(file, _)| *file)))
}

impl Entry {
    /// The scenario itself.
    ///
    /// # Errors
    /// None for what is shipped: a test reads all of them.
    pub fn scenario(&self) -> Result<Scenario, Problem> {
        load(self.name, &[] as &[&str])
    }
}
