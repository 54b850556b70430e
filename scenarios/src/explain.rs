//! Why a run failed, for a person who has a minute.
//!
//! In reading order: [`chain`], the few events that matter in causal order; [`critical`], which
//! single fault turns the verdict if it is moved or removed; [`fate`], how likely the failure was
//! when the run had come so far, by forks of the world; [`state`], what a process holds at an
//! instant.
//!
//! All of it is made of runs: a run is a pure function, so it can be had again with more listened
//! to, with a fault less, or forked in the middle.

pub mod chain;
pub mod critical;
pub mod fate;
pub mod state;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::judge::law::Law;
use crate::run::Run;

/// How a run ended, against the failure that is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// No law was broken.
    Passes,
    /// The same law broke first.
    Same,
    /// Another law broke first.
    Other(Law),
}

impl Ending {
    /// Of a run, where this law is the one that broke. It goes no further than to the first
    /// violation.
    fn of(run: Run, law: Law) -> Ending {
        match run.first_violation() {
            None => Ending::Passes,
            Some(violation) if violation.law == law => Ending::Same,
            Some(violation) => Ending::Other(violation.law),
        }
    }
}
