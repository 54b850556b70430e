//! Planted bugs, and the laws that must catch them.
//!
//! In reading order: what a bug is, here; `matrix`, all of them; [`worlds`], in which they are
//! looked for without knowledge of any, [`search`], all side by side, and [`canaries`], searches
//! that must find nothing; [`directed`], a scenario for each that reaches it soon, and [`hunt`],
//! which looks there; [`fork`] compares a run with its own clone.

use stormglass_engine::names::Twist;
use stormglass_sim::node::Name;

use crate::judge::law::Law;
use crate::problem::{Problem, suggest};

pub mod canaries;
pub mod directed;
pub mod fork;
pub mod hunt;
mod matrix;
pub mod search;
#[cfg(test)]
mod tests;
pub mod worlds;

/// How a planted bug is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// A place in the engine.
    Twist(Twist),
    /// A user's topology that is wrong in itself, by name.
    Topology(&'static str),
    /// Not at all: canaries.
    Nothing,
}

/// A planted bug.
#[derive(Clone, Copy, Debug)]
pub struct Bug {
    /// Its name.
    pub name: &'static str,
    /// Where it really happened, or who warns of it.
    pub source: &'static str,
    /// What is wrong, in a sentence.
    pub story: &'static str,
    /// How it is switched on.
    pub plant: Plant,
    /// The shipped scenario that it is looked for in.
    pub scenario: &'static str,
    /// What is laid over the scenario, as with `--set`.
    pub settings: &'static [&'static str],
    /// Who must notice.
    pub checker: Checker,
    /// Why nobody can notice, if that is so; then it need not be caught.
    pub harmless: Option<&'static str>,
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
pub const ALL: &[Bug] = matrix::ROWS;

/// The planted bug of that name, wherever it is.
///
/// # Errors
/// If there is none.
pub fn find(name: &str) -> Result<&'static Bug, Problem> {
    ALL.iter().find(|bug| bug.name == name).ok_or_else(|| {
        let problem = Problem::new("", format!("there is no planted bug `{name}`"));
        problem.help(suggest(name, ALL.iter().map(|bug| bug.name), "planted bugs"))
    })
}

/// The planted bug in the engine of that name.
///
/// # Errors
/// If there is none.
pub fn twist(name: &str) -> Result<Twist, Problem> {
    Twist::bugs().find(|twist| twist.name() == name).ok_or_else(|| {
        let names = Twist::bugs().map(Twist::name);
        if ALL.iter().any(|bug| bug.name == name) {
            let message = format!("`{name}` is not in the engine but in a user's topology");
            return Problem::new("--bug", message).help("`stormglass bugs` hunts it");
        }
        let problem = Problem::new("--bug", format!("there is no planted bug `{name}`"));
        problem.help(suggest(name, names, "planted bugs"))
    })
}
