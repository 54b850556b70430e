//! Faults as they are written.

use schemars::JsonSchema;
use serde::Deserialize;
use stormglass_sim::time::Span;

use crate::scenario::{EventKind, Target, Ways};
use crate::units::{Between, Drift, Quantity, Share, Step, Text, UnitError};

type Duration = Option<Quantity<Span>>;

/// A fault: `at` or `on` says when, one of the other keys says what.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Fault")]
pub(in crate::scenario) struct RawFault {
    /// When: "30s", "20%..40%" of the input's duration, or "storm" for any time of the storm.
    pub at: Option<Quantity<At>>,
    /// When: as soon as something has been observed so many times.
    pub on: Option<RawOn>,
    /// How often, each time drawn anew: a number or a range such as "3..5". Default 1; with `every`
    /// or `poisson` as often as the storm has room for.
    pub times: Option<Quantity<Between<u32>>>,
    /// From one time to the next: "2s..4s". Without it each has a time of its own.
    pub every: Option<Quantity<Between<Span>>>,
    /// The mean time from one to the next, if they are a Poisson process that lasts as long as the
    /// storm.
    pub poisson: Duration,
    /// In how many of all seeds the fault exists at all. Default 100%.
    pub chance: Option<Quantity<Share>>,
    /// A process dies; its machine survives.
    pub crash: Option<RawCrash>,
    /// A machine dies with its processes and loses what was not synced.
    pub crash_machine: Option<RawCrashMachine>,
    /// A machine is cut from every other one.
    pub isolate: Option<RawIsolate>,
    /// The link between two machines is cut.
    pub cut: Option<RawCut>,
    /// A link takes longer.
    pub slow_link: Option<RawSlowLink>,
    /// A disk takes longer.
    pub slow_disk: Option<RawSlowDisk>,
    /// A bit of a checkpoint's file flips on a store's disk.
    pub rot: Option<RawRot>,
    /// A store's disk is empty.
    pub wipe: Option<RawWipe>,
    /// A process stops and goes on later.
    pub pause: Option<RawFor>,
    /// A machine's clocks run faster or slower.
    pub drift_clock: Option<RawDriftClock>,
    /// A machine's wall clock jumps.
    pub step_clock: Option<RawStepClock>,
}

/// As soon as something has been observed so many times since the start of the run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "On")]
pub(in crate::scenario) struct RawOn {
    /// What.
    pub event: Quantity<EventKind>,
    /// The how-manieth, counted from 1: a number or a range such as "3..9".
    pub nth: Quantity<Between<u32>>,
}

/// Who crashes: "worker", "worker-2", "worker-of:count", "leader", "follower", "it", ...
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Crash")]
pub(in crate::scenario) struct RawCrash {
    /// The process.
    pub who: Quantity<Target>,
    /// Started again after this long; left out for a worker, which its supervisor restarts.
    pub down: Option<Quantity<Between<Span>>>,
}

/// Whose machine crashes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "CrashMachine")]
pub(in crate::scenario) struct RawCrashMachine {
    /// A process on the machine.
    pub who: Quantity<Target>,
    /// Back after this long.
    pub down: Quantity<Between<Span>>,
}

/// To whom, and for how long.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "For")]
pub(in crate::scenario) struct RawFor {
    /// The process, or the machine it runs on.
    pub who: Quantity<Target>,
    /// For how long.
    pub r#for: Quantity<Between<Span>>,
}

/// A machine that is cut from every other one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Isolate")]
pub(in crate::scenario) struct RawIsolate {
    /// A process on the machine.
    pub who: Quantity<Target>,
    /// For how long.
    pub r#for: Quantity<Between<Span>>,
    /// "out": nothing that it sends arrives; "in": nothing arrives at it. Default "both".
    pub ways: Option<Quantity<Ways>>,
}

/// A cut link.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Cut")]
pub(in crate::scenario) struct RawCut {
    /// The sending end.
    pub from: Quantity<Target>,
    /// The receiving end.
    pub to: Quantity<Target>,
    /// For how long.
    pub r#for: Quantity<Between<Span>>,
    /// Whether the other direction is cut as well. Default true.
    pub symmetric: Option<bool>,
}

/// A slow link.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "SlowLink")]
pub(in crate::scenario) struct RawSlowLink {
    /// The sending end.
    pub from: Quantity<Target>,
    /// The receiving end.
    pub to: Quantity<Target>,
    /// By how much.
    pub extra: Quantity<Between<Span>>,
    /// For how long.
    pub r#for: Quantity<Between<Span>>,
}

/// A slow disk.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "SlowDisk")]
pub(in crate::scenario) struct RawSlowDisk {
    /// A process on the machine.
    pub who: Quantity<Target>,
    /// How many times as long: a number or a range such as "100..300".
    pub factor: Quantity<Between<u32>>,
    /// For how long.
    pub r#for: Quantity<Between<Span>>,
}

/// A file that rots.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Rot")]
pub(in crate::scenario) struct RawRot {
    /// The store.
    pub who: Quantity<Target>,
    /// Which of its files, the oldest first, counted round from 0: a number or a range. Default any
    /// of them.
    pub file: Option<Quantity<Between<u32>>>,
}

/// A disk that loses everything.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Wipe")]
pub(in crate::scenario) struct RawWipe {
    /// The store.
    pub who: Quantity<Target>,
}

/// Clocks that run faster or slower.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "DriftClock")]
pub(in crate::scenario) struct RawDriftClock {
    /// A process on the machine.
    pub who: Quantity<Target>,
    /// By how much: "10%", "-10%" or a range such as "-10%..10%".
    pub by: Quantity<Between<Drift>>,
    /// For how long.
    pub r#for: Quantity<Between<Span>>,
}

/// A wall clock that jumps.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "StepClock")]
pub(in crate::scenario) struct RawStepClock {
    /// A process on the machine.
    pub who: Quantity<Target>,
    /// How far: "10s", "-10s" or a range such as "-10s..10s".
    pub by: Quantity<Between<Step>>,
}

/// The texts of `at`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::scenario) enum At {
    Storm,
    Share(Between<Share>),
    Time(Between<Span>),
}

impl Text for At {
    const WHAT: &'static str = "a time";
    const EXAMPLE: &'static str = "20%..40%";
    const PATTERN: &'static str = "^(storm|[0-9].*)$";

    fn parse(text: &str) -> Result<Self, UnitError> {
        match text {
            "storm" => Ok(At::Storm),
            text if text.contains('%') => Between::parse(text).map(At::Share),
            text if text.starts_with(|c: char| c.is_ascii_digit()) => {
                Between::parse(text).map(At::Time)
            }
            text => Err(UnitError::new(
                format!("`{text}` is not a time"),
                "write \"30s\", \"20%..40%\" of the input's duration, or \"storm\"",
            )),
        }
    }
    fn print(&self) -> String {
        match self {
            At::Storm => "storm".to_string(),
            At::Share(share) => share.print(),
            At::Time(time) => time.print(),
        }
    }
}
