//! Fault plans: what a seed makes of a scenario's faults, as data that can be printed, edited,
//! shrunk and replayed.
//!
//! Every draw depends on the seed, the fault itself and the purpose of the draw, and on nothing
//! else: one fault more or fewer changes no other, wherever it stands. Faults that read exactly
//! alike are told apart by counting them, and so are the times of one that strikes often.

use serde::{Deserialize, Serialize};
use stormglass_sim::time::{Instant, Span};

use crate::problem::{Place, Problem};
use crate::scenario::{Action, Awaited, Operation, Target};
use crate::units::{Drawn, Text, UnitError, text, text_option};

mod chaos;
mod draw;
mod generate;
mod rare;
#[cfg(test)]
mod tests;

pub(crate) use draw::Draw;
pub use generate::generate;
pub use rare::RareEvent;

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
    /// What is asked of the cluster, in the order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<PlannedOperation>,
    /// Rare events of the engine that are switched on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rare_events: Vec<RareEvent>,
    /// The faults, in the scenario's order.
    pub faults: Vec<PlannedFault>,
    /// Where the run leaves the future of its seed, in the order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forks: Vec<Fork>,
}

/// From an instant on, every draw of the world is made anew; everything that has happened, and what
/// is on its way, stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fork {
    /// From when on.
    #[serde(with = "instant")]
    pub at: Instant,
    /// Tells forks apart.
    pub n: u64,
}

/// An operation with its time drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedOperation {
    /// When it is asked for, by the operator's clock.
    #[serde(with = "instant")]
    pub at: Instant,
    /// What is asked for.
    pub operation: Operation,
    /// The operator gives up after this long without an answer; never if absent.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub patience: Option<Span>,
}

/// A fault with everything drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFault {
    /// When it strikes.
    pub trigger: Trigger,
    /// What happens.
    pub action: PlannedAction,
    /// To whom: one member of a role, or still whoever it is at that moment.
    #[serde(with = "text")]
    pub target: Target,
    /// What became of it in a run; none before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Resolved>,
}

/// What happens, with everything drawn.
pub type PlannedAction = Action<Drawn>;

impl PlannedFault {
    /// When it strikes, if it waits for nothing else.
    pub fn at(&self) -> Option<Instant> {
        match self.trigger {
            Trigger::At(at) => Some(at),
            Trigger::On(_) => None,
        }
    }
    /// Its kind, as campaigns count them: what is done to whom, and at which event if it waits for
    /// one. `crash leader`, `crash it at raft-vote-granted`.
    pub fn kind(&self) -> String {
        let kind = self.action.done_to(&self.target);
        match &self.trigger {
            Trigger::At(_) => kind,
            Trigger::On(on) => format!("{kind} at {}", on.word()),
        }
    }

    /// Whom it strikes: whom it struck before, if it has.
    pub(crate) fn whom(&self) -> Target {
        let struck = self.resolved.as_ref().map(|resolved| Target::parse(&resolved.target));
        struck.and_then(Result::ok).unwrap_or_else(|| self.target.clone())
    }
}

/// When a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Trigger {
    /// At an instant of true time since the start of the run.
    #[serde(with = "instant")]
    At(Instant),
    /// As soon as something has been observed so many times.
    On(Awaited),
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

impl Plan {
    /// The same faults, each by what it waits for: what became of them in a run is left out.
    #[must_use]
    pub fn by_triggers(&self) -> Plan {
        let mut plan = self.clone();
        plan.faults.iter_mut().for_each(|fault| fault.resolved = None);
        plan
    }

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
