//! Canaries: searches that must not end with a catch. If one comes out otherwise, what the matrix
//! says of the bugs is worth nothing.

use stormglass_engine::names::Twist;

use super::search::Standing;
use super::{Bug, Checker, Plant};
use crate::judge::law::Law;

/// A search of which it is known how it must end.
#[derive(Clone, Copy, Debug)]
pub struct Canary {
    /// What is looked for.
    pub bug: Bug,
    /// How that must end.
    pub due: Due,
}

/// How a search ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// The right judge noticed.
    Caught,
    /// Another judge noticed, the right one never did.
    CaughtByAnother,
    /// The bug could act, and nobody noticed.
    Missed,
    /// It could never act.
    NotReached,
}

impl Standing {
    /// How the search has ended so far.
    pub fn end(&self) -> Due {
        match (&self.caught, &self.other) {
            (Some(_), _) => Due::Caught,
            (None, Some(_)) => Due::CaughtByAnother,
            (None, None) if self.reached > 0 => Due::Missed,
            (None, None) => Due::NotReached,
        }
    }
}

const fn canary(name: &'static str, story: &'static str, plant: Plant, due: Due) -> Canary {
    // No record is followed by acking in most worlds: this judge has nothing to say.
    let checker = Checker::Laws(&[Law::PatientSpout]);
    let (scenario, source) = ("storm", "a canary");
    let harmless = Some("a canary");
    let bug = Bug { name, source, story, plant, scenario, settings: &[], checker, harmless };
    Canary { bug, due }
}

/// All of them.
pub static ALL: &[Canary] = &[
    canary("nothing-planted", "the clean engine, taken for a bug", Plant::Nothing, Due::Missed),
    canary(
        "wrong-judge",
        "a bug that every world shows, and a judge that has nothing to do with it",
        Plant::Twist(Twist::VisibleBeforeComplete),
        Due::CaughtByAnother,
    ),
];
