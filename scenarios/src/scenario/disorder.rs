//! What an input brings besides its records in good order: bursts, hot keys that change, records
//! that nobody can read, publications that are repeated, and records that are not kept for good.

use serde::Serialize;
use stormglass_sim::time::Span;

use super::Scenario;
use crate::problem::Problem;
use crate::units::{Between, Share};

/// How an input differs from an even one. Each seed draws its own values of the ranges.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Disorder {
    /// More records arrive for a while, again and again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<Burst>,
    /// After so long, other words become the frequent ones, again and again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift: Option<Between<Span>>,
    /// Share of records in which one character is no character any more (U+FFFD).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poison: Option<Between<Share>>,
    /// Share of records that are published again within a second, for the acknowledgement was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Between<Share>>,
    /// How long the broker keeps a record; for good if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<Between<Span>>,
}

/// More records for a while, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Burst {
    /// The rate is so many times what it is otherwise.
    pub times: Between<u32>,
    /// From the start or the end of a burst to the next one.
    pub every: Between<Span>,
    /// How long it lasts.
    #[serde(rename = "for")]
    pub lasting: Between<Span>,
}

impl Disorder {
    /// Whether the input is even, whole, and kept for good.
    pub fn is_none(&self) -> bool {
        *self == Disorder::default()
    }
}

/// The most by which a burst may multiply the rate.
const MOST_TIMES: u32 = 1_000;

pub(super) fn check(scenario: &Scenario) -> Result<(), Problem> {
    let disorder = &scenario.input.disorder;
    let burst = disorder.burst.as_ref();
    let spans = [
        ("input.burst.every", burst.map(|burst| burst.every)),
        ("input.burst.for", burst.map(|burst| burst.lasting)),
        ("input.words.shift", disorder.shift),
        ("input.retention", disorder.retention),
    ];
    for (path, span) in spans {
        if span.is_some_and(|span| span.min.is_zero()) {
            let name = path.rsplit_once('.').map_or(path, |(_, name)| name);
            let problem = scenario.origin.problem(path, format!("the {name} may be 0"));
            return Err(problem.help("write a duration above zero, such as \"10s\""));
        }
    }
    if let Some(burst) = burst.filter(|burst| burst.times.min == 0 || burst.times.max > MOST_TIMES)
    {
        let times = if burst.times.min == 0 { burst.times.min } else { burst.times.max };
        let message = format!("a rate times {times} is out of range");
        let problem = scenario.origin.problem("input.burst.times", message);
        return Err(problem.help(format!("write a number from 1 to {MOST_TIMES}")));
    }
    Ok(())
}
