//! Pinned cases: failures that must not come back.
//!
//! A pinned case is run by its triggers, for instants and observations of the day on which it was
//! recorded mean nothing to the code of today. One of a planted bug is proved each time: with the
//! bug planted again it must break the same law, without it it must hold. One of a bug that was
//! really there must hold.

use std::fmt;

use stormglass_engine::names::Twist;

use crate::bugs;
use crate::case::Case;
use crate::input::Loader;
use crate::outcome::{Cause, Outcome, Verdict};
use crate::problem::Problem;
use crate::run::Setup;
use crate::topologies::Registry;

/// What became of a pinned case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It holds, and if its bug is a planted one, that is still caught.
    Well,
    /// A law is broken without any planted bug: the bug is back, or was never mended.
    Back {
        /// The law.
        law: String,
        /// What was said.
        sentence: String,
    },
    /// Its bug was planted again and reached, and no law was broken: nobody would notice it now.
    Missed,
    /// Its bug was planted again, and another law was the first to break.
    Another {
        /// The law that broke when it was recorded.
        recorded: String,
        /// The one that broke now.
        law: String,
        /// What was said.
        sentence: String,
    },
    /// What it waits for does not come any more, so that it shows nothing.
    NotReached {
        /// What did not come: faults that never struck, planted bugs without an occasion.
        what: Vec<String>,
    },
    /// Nothing can be said.
    Unjudged {
        /// Why.
        why: String,
    },
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kept::Well => write!(f, "as it should be"),
            Kept::Back { law, sentence } => {
                write!(f, "breaks `{law}` without any planted bug: {sentence}")
            }
            Kept::Missed => {
                write!(f, "missed: its bug was planted again and reached, and no law was broken")
            }
            Kept::Another { recorded, law, sentence } => {
                write!(f, "its bug was planted again and broke `{law}`, not `{recorded}`: ")?;
                write!(f, "{sentence}")
            }
            Kept::NotReached { what } => write!(f, "not reached: {}", what.join("; ")),
            Kept::Unjudged { why } => write!(f, "could not be judged: {why}"),
        }
    }
}

/// Runs a pinned case: with its planted bugs, if it has any, and without.
///
/// # Errors
/// If this program does not understand the case any more.
pub fn check(case: &Case, registry: &Registry, loader: &Loader<'_>) -> Result<Kept, Problem> {
    let mut setup = case.setup(registry, loader)?;
    setup.plan = setup.plan.by_triggers();
    if !setup.bugs.is_empty() {
        let planted = setup.clone().run();
        if let Some(wrong) = with_bugs(case, &planted) {
            return Ok(wrong);
        }
    }
    let clean = Setup { bugs: Vec::<Twist>::new(), ..setup }.run();
    if let Some(violation) = clean.violations().first() {
        let (law, sentence) = (violation.law.name().to_string(), violation.sentence.clone());
        return Ok(Kept::Back { law, sentence });
    }
    let what = missing(&clean);
    Ok(match clean.verdict {
        // With a planted bug it has shown already that everything comes.
        _ if case.bugs.is_empty() && !what.is_empty() => Kept::NotReached { what },
        Verdict::CouldNotJudge(unjudged)
            if case.bugs.is_empty() || unjudged.cause != Cause::Vacuous =>
        {
            Kept::Unjudged { why: unjudged.why }
        }
        _ => Kept::Well,
    })
}

/// What is wrong with the run that has the planted bugs, if anything is.
fn with_bugs(case: &Case, outcome: &Outcome) -> Option<Kept> {
    let recorded = case.law.clone().unwrap_or_default();
    if let Some(violation) = outcome.violations().first() {
        let (law, sentence) = (violation.law.name().to_string(), violation.sentence.clone());
        return (law != recorded).then_some(Kept::Another { recorded, law, sentence });
    }
    let what = missing(outcome);
    Some(if what.is_empty() { Kept::Missed } else { Kept::NotReached { what } })
}

/// What did not come.
fn missing(outcome: &Outcome) -> Vec<String> {
    let faults = outcome.faults.iter().filter(|fault| fault.at.is_none());
    let faults = faults.map(|fault| format!("fault {} ({})", fault.number, fault.kind));
    let bugs = outcome.reached.iter().filter(|(_, times)| *times == 0);
    faults.chain(bugs.map(|(name, _)| format!("the place of `{name}`"))).collect()
}

/// The stories of a case's planted bugs, one after the other.
pub fn story(case: &Case) -> Option<String> {
    let stories: Vec<&str> =
        case.bugs.iter().filter_map(|name| Some(bugs::find(name).ok()?.story)).collect();
    (!stories.is_empty()).then(|| stories.join("; "))
}
