//! Fault plans: what a seed makes of a scenario's faults, as data that can be printed, edited,
//! shrunk and replayed.
//!
//! Every draw depends on the seed, the fault itself and the purpose of the draw, and on nothing
//! else: one fault more or fewer changes no other, wherever it stands. Faults that read exactly
//! alike are told apart by counting them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stormglass_sim::hash::fingerprint;
use stormglass_sim::time::{Instant, Span};

use crate::problem::{Place, Problem};
use crate::scenario::{Action, EventKind, FaultSpec, Scenario, Target, When};
use crate::units::{Between, Share, Text, UnitError, text};

mod draw;
#[cfg(test)]
mod tests;

pub(crate) use draw::Draw;

/// The version of plans that this program writes and reads.
pub const VERSION: u32 = 1;

/// The faults of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The format; see [`VERSION`].
    pub version: u32,
    /// The name of the scenario it was made for.
    pub scenario: String,
    /// The seed it was drawn with. Written as text, for JSON has no 64-bit integers.
    #[serde(with = "seed")]
    pub seed: u64,
    /// The faults, in the scenario's order.
    pub faults: Vec<PlannedFault>,
}

/// A fault with everything drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFault {
    /// When it strikes.
    pub trigger: Trigger,
    /// What happens.
    pub action: PlannedAction,
    /// To whom: one member of a role, or still a worker of a component.
    #[serde(with = "text")]
    pub target: Target,
    /// What became of it in a run; none before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Resolved>,
}

/// What happens, with everything drawn.
pub type PlannedAction = Action<Span, u32>;

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Trigger {
    /// At an instant of true time since the start of the run.
    #[serde(with = "instant")]
    At(Instant),
    /// As soon as something has been observed so many times since the start of the run.
    On {
        /// What.
        event: EventKind,
        /// The how-manieth, counted from 1.
        nth: u32,
    },
}

/// What became of a fault in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolved {
    /// When it struck.
    #[serde(with = "instant")]
    pub at: Instant,
    /// Whom it struck: a process as people name it.
    pub target: String,
    /// For a trigger: the number of the observation that fired it, counted over the whole run. It
    /// says *where* in the handler at that instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observation: Option<u64>,
}

/// Draws the plan of a seed. `duration` is that of the input: see
/// [`input::duration`](crate::input::duration).
///
/// # Errors
/// If a fault with an absolute time lies outside the storm of an input that long.
pub fn generate(scenario: &Scenario, seed: u64, duration: Span) -> Result<Plan, Problem> {
    let mut alike: BTreeMap<String, u64> = BTreeMap::new();
    let mut faults = Vec::new();
    for (number, spec) in (1..).zip(&scenario.faults) {
        check_time(scenario, number, spec, duration)?;
        let name = serde_json::to_string(spec).expect("a fault is plain data");
        let count = alike.entry(name.clone()).or_default();
        *count += 1;
        let key = [fingerprint(name.as_bytes()), *count];
        faults.push(planned(scenario, spec, seed, key, duration));
    }
    Ok(Plan { version: VERSION, scenario: scenario.name.clone(), seed, faults })
}

fn check_time(
    scenario: &Scenario,
    number: usize,
    spec: &FaultSpec,
    duration: Span,
) -> Result<(), Problem> {
    let When::At(time) = spec.when else { return Ok(()) };
    let storm = crate::scenario::storm(scenario, duration);
    if storm.min <= time.min && time.max <= storm.max {
        return Ok(());
    }
    let message = format!(
        "the fault is outside the storm, which lasts from {} to {} of an input of {duration}",
        storm.min, storm.max
    );
    let problem = scenario.origin.problem(&format!("fault.{number}.at"), message);
    Err(problem.help("move it, or set `phases.storm`"))
}

fn planned(
    scenario: &Scenario,
    spec: &FaultSpec,
    seed: u64,
    key: [u64; 2],
    duration: Span,
) -> PlannedFault {
    let draw = |purpose: &str| Draw::new(seed, &[key[0], key[1], fingerprint(purpose.as_bytes())]);
    let span = |purpose: &str, range: &Between<Span>| {
        Span::nanos(draw(purpose).between(range.min.as_nanos(), range.max.as_nanos()))
    };
    let at = |range: Between<Span>| Trigger::At(Instant::ZERO + span("at", &range));
    let trigger = match spec.when {
        When::At(time) => at(time),
        When::Share(share) => {
            let part = |share: Share| duration.scale(share.0.into(), 1_000_000);
            at(Between { min: part(share.min), max: part(share.max) })
        }
        When::Storm => at(crate::scenario::storm(scenario, duration)),
        When::On { event, nth } => {
            let nth = draw("nth").between(nth.min.into(), nth.max.into()) as u32;
            Trigger::On { event, nth }
        }
    };
    let one_of = |purpose: &str, target: &Target, other: Option<&Target>| -> Target {
        let candidates = crate::scenario::candidates(&scenario.cluster, target, other);
        match (target, candidates.as_slice()) {
            (Target::Any(_), [_, ..]) => {
                candidates[draw(purpose).below(candidates.len() as u64) as usize].clone()
            }
            _ => target.clone(),
        }
    };
    let target = one_of("target", &spec.target, spec.action.to());
    let to = spec.action.to().map(|to| one_of("to", to, Some(&target)));
    let action = spec.action.map(to, span, |purpose, range| {
        draw(purpose).between(range.min.into(), range.max.into()) as u32
    });
    PlannedFault { trigger, action, target, resolved: None }
}

impl Plan {
    /// Writes it as JSON for people: indented, every duration with its unit.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("a plan is plain data");
        json.push('\n');
        json
    }

    /// Reads what [`Plan::to_json`] wrote, or a person changed.
    ///
    /// # Errors
    /// If it is no plan, or one of another version.
    pub fn from_json(json: &str, source_name: &str) -> Result<Plan, Problem> {
        read_versioned(json, source_name, VERSION, "plan")
    }
}

/// Reads a JSON file that states its version, which has to be this one.
pub(crate) fn read_versioned<T: serde::de::DeserializeOwned>(
    json: &str,
    source_name: &str,
    wanted: u32,
    what: &str,
) -> Result<T, Problem> {
    #[derive(Deserialize)]
    struct Header {
        version: Option<u32>,
    }
    let wrong = |error: serde_json::Error| json_problem(json, source_name, &error);
    let header: Header = serde_json::from_str(json).map_err(wrong)?;
    match header.version {
        Some(version) if version == wanted => serde_json::from_str(json).map_err(wrong),
        Some(version) => {
            let message = format!("the {what} has version {version}, this program reads {wanted}");
            let help = format!("run its scenario and seed again to write a {what} of this version");
            Err(Problem::new(source_name, message).help(help))
        }
        None => {
            let message = format!("the {what} has no version: is it a {what}?");
            let help = format!("a {what} begins with \"version\": {wanted}");
            Err(Problem::new(source_name, message).help(help))
        }
    }
}

fn json_problem(json: &str, source_name: &str, error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let position = format!(" at line {line} column {column}");
    let message = message.strip_suffix(&position).unwrap_or(&message).trim_end();
    let (message, help) = message.split_once('\n').unwrap_or((message, ""));
    let problem = Problem::new(source_name, message).help(help);
    match line.checked_sub(1).and_then(|line| json.lines().nth(line)) {
        Some(text) => {
            let column = column.clamp(1, text.chars().count().max(1));
            problem.at(Place { line, column, width: 1, text: text.to_string() })
        }
        None => problem,
    }
}

/// An instant in JSON: the time since the start of the run, `"12.5s"`.
mod instant {
    use super::{Instant, Span, text};

    pub(super) fn serialize<S: serde::Serializer>(at: &Instant, to: S) -> Result<S::Ok, S::Error> {
        text::serialize(&at.since(Instant::ZERO), to)
    }
    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        from: D,
    ) -> Result<Instant, D::Error> {
        text::deserialize::<Span, D>(from).map(|since| Instant::ZERO + since)
    }
}

/// A seed as people write it: decimal, or hexadecimal after `0x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Text for Seed {
    const WHAT: &'static str = "a seed";
    const EXAMPLE: &'static str = "0x2a";
    const PATTERN: &'static str = "^([0-9]+|0x[0-9a-fA-F]+)$";

    fn parse(text: &str) -> Result<Self, UnitError> {
        let number = match text.strip_prefix("0x") {
            Some(digits) if !digits.starts_with('+') => u64::from_str_radix(digits, 16).ok(),
            None if !text.starts_with('+') => text.parse().ok(),
            _ => None,
        };
        number.map(Seed).ok_or_else(|| {
            let message = format!("`{text}` is not a seed");
            UnitError::new(message, "write a number below 2^64, such as 7 or 0x2a")
        })
    }
    fn print(&self) -> String {
        self.0.to_string()
    }
    fn from_number(number: u64) -> Option<Self> {
        Some(Seed(number))
    }
}

mod seed {
    use super::{Seed, text};

    pub(super) fn serialize<S: serde::Serializer>(seed: &u64, to: S) -> Result<S::Ok, S::Error> {
        text::serialize(&Seed(*seed), to)
    }
    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        text::deserialize::<Seed, D>(from).map(|seed| seed.0)
    }
}
