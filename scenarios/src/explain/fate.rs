//! How likely the failure was when the run had come so far.
//!
//! At points along the run the world is forked: the past is kept, every draw from there on is made
//! anew, and the plan goes on. Where all forks fail the failure was inevitable; where hardly one
//! does, it was bad luck.

use serde::Serialize;
use stormglass_sim::time::{Instant, Span};

use super::Ending;
use crate::judge::law::Law;
use crate::outcome::Outcome;
use crate::run::{Run, Setup};

/// A point of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Chance {
    /// Where the world was forked, in true time.
    #[serde(rename = "at_ns", serialize_with = "nanos")]
    pub at: Instant,
    /// How many futures were tried.
    pub forks: u64,
    /// In how many the same law broke first.
    pub same: u64,
    /// In how many another one did.
    pub other: u64,
}

fn nanos<S: serde::Serializer>(at: &Instant, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(at.nanos())
}

/// Right before and after each fault that took effect until then (the last few), and evenly in
/// between: up to `points` and two for each of [`FAULTS`].
pub fn points(outcome: &Outcome, violated: Instant, points: u64) -> Vec<Instant> {
    let mut at: Vec<Instant> =
        (0..points).map(|n| Instant(violated.nanos() / points.max(1) * n)).collect();
    let faults = outcome.faults.iter().filter(|fault| fault.took_effect);
    let mut struck: Vec<Instant> =
        faults.filter_map(|fault| fault.at).filter(|at| *at < violated).collect();
    struck.sort_unstable();
    for fault in struck.iter().rev().take(FAULTS) {
        at.push(Instant(fault.nanos().saturating_sub(1)));
        at.push(*fault + Span::millis(1));
    }
    at.push(Instant(violated.nanos().saturating_sub(1)));
    at.sort_unstable();
    at.dedup();
    at
}

/// Of so many faults the moments before and after are points of the curve.
pub const FAULTS: usize = 5;

/// The curve at these points, in order, each with so many futures. `tick` is told before each run.
pub fn fate(
    setup: &Setup,
    law: Law,
    points: &[Instant],
    forks: u64,
    mut tick: impl FnMut(),
) -> Vec<Chance> {
    let mut run = Run::new(Setup { record: false, past: None, ..setup.clone() });
    let at = points.iter().map(|at| {
        run.advance(*at);
        let mut chance = Chance { at: *at, forks, same: 0, other: 0 };
        for n in 0..forks {
            tick();
            match Ending::of(run.fork(n + 1), law) {
                Ending::Same => chance.same += 1,
                Ending::Other(_) => chance.other += 1,
                Ending::Passes => {}
            }
        }
        chance
    });
    at.collect()
}

/// From when on every future fails; none if that is so nowhere, or from the start.
pub fn inevitable_from(curve: &[Chance]) -> Option<Instant> {
    let fails = |chance: &&Chance| chance.same + chance.other == chance.forks;
    let from = curve.iter().rev().take_while(fails).count();
    (from > 0 && from < curve.len()).then(|| curve[curve.len() - from].at)
}
