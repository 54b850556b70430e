//! What a run gives back: plain data, for people and programs. Nothing here depends on the machine
//! that ran it: equal inputs give equal outcomes to the byte.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use stormglass_engine::observation::Observation;
use stormglass_sim::hash::Digest;
use stormglass_sim::past::Past;
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::watch::Stamp;

use crate::budget::Proof;
use crate::chronicle::Chronicle;
use crate::judge::law::Violation;
use crate::plan::Plan;
use crate::scenario::{Moment, Part};
use crate::units::names;

/// One run, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The scenario's name.
    pub scenario: String,
    /// The seed. Written as text: JSON has no 64-bit integers.
    #[serde(serialize_with = "as_text")]
    pub seed: u64,
    /// How many coordinators the seed drew.
    pub coordinators: u16,
    /// What the seed drew of the scenario's alternatives: name and label.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub drew: BTreeMap<String, String>,
    /// Planted bugs that were switched on, by name.
    pub bugs: Vec<String>,
    /// What the judges say.
    pub verdict: Verdict,
    /// The digest of the whole run.
    #[serde(serialize_with = "as_text")]
    pub digest: Digest,
    /// When the run ended.
    #[serde(rename = "ended_ns", serialize_with = "instant")]
    pub ended: Instant,
    /// The input: records and the time they take to arrive.
    pub input: InputFacts,
    /// What was done to it, in order.
    pub faults: Vec<FaultOutcome>,
    /// Each outage, in order.
    pub recoveries: Vec<Recovery>,
    /// Checkpoints.
    pub checkpoints: CheckpointFacts,
    /// How much went through, and how fast.
    pub flow: FlowFacts,
    /// Of the component that had most to do: how much of its time went into what counts.
    pub useful_work: UsefulWork,
    /// What took effect more than once, where the claim allows it.
    pub duplicates: DuplicateFacts,
    /// Who led the metadata, and how its clients fared.
    pub leaders: LeaderFacts,
    /// Suspicions of workers, right and wrong.
    pub detection: DetectionFacts,
    /// Published outputs by sink component, in name order.
    pub published: BTreeMap<String, u64>,
    /// The plan with what became of each fault: a case is made of it.
    pub plan: Plan,
    /// Hits of each probe, in their fixed order.
    pub probes: Vec<(&'static str, u64)>,
    /// How often each rare event that was switched on happened.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rare_events: Vec<(&'static str, u64)>,
    /// How often each planted bug had its occasion, in their fixed order.
    pub reached: Vec<(&'static str, u64)>,
    /// How often planted bugs that were off could have acted, if that was asked for: those that
    /// could.
    #[serde(skip)]
    pub occasions: Vec<(&'static str, u64)>,
    /// What the control plane did, for a timeline: empty unless asked for, and the first 100,000
    /// observations at most.
    #[serde(skip)]
    pub story: Vec<(Stamp, Observation)>,
    /// What caused what, by the numbers of kernel events: none unless asked for.
    #[serde(skip)]
    pub past: Option<Arc<Past>>,
    /// What was written down, for plots and pages: none unless asked for.
    #[serde(skip)]
    pub chronicle: Option<Chronicle>,
}

/// What the judges say of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Verdict {
    /// Every law held.
    Holds,
    /// At least one law was broken; the first one found comes first.
    Broken {
        /// What was found.
        violations: Vec<Violation>,
    },
    /// Nothing can be said.
    CouldNotJudge(Unjudged),
}

/// Why nothing can be said of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unjudged {
    /// Of what kind that is, as campaigns count.
    pub cause: Cause,
    /// Why, in a sentence.
    pub why: String,
    /// What is gone for good, if that is it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<Proof>,
}

names! {
    /// Why runs cannot be judged.
    Cause, "a cause", "causes":
    /// It was to be disturbed and never was.
    Vacuous = "vacuous",
    /// More is gone for good than the budget promises to survive.
    OutOfBudget = "out-of-budget",
    /// The judges could not make up their minds.
    Undecided = "undecided",
}

impl Cause {
    /// It as a label.
    pub const fn label(self) -> &'static str {
        match self {
            Cause::Vacuous => "vacuous",
            Cause::OutOfBudget => "out of budget",
            Cause::Undecided => "undecided",
        }
    }
}

impl Unjudged {
    /// No fault took effect.
    pub fn vacuous() -> Unjudged {
        let why = "no fault of the plan took effect: the run was never disturbed".to_string();
        Unjudged { cause: Cause::Vacuous, why, proofs: Vec::new() }
    }
    /// Something is missing, and proved to be gone for good.
    pub fn beyond(why: String, proofs: Vec<Proof>) -> Unjudged {
        Unjudged { cause: Cause::OutOfBudget, why, proofs }
    }
    /// Nobody can tell.
    pub fn undecided(why: String) -> Unjudged {
        Unjudged { cause: Cause::Undecided, why, proofs: Vec::new() }
    }
}

/// The input of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InputFacts {
    /// Number of records.
    pub records: u64,
    /// When the last one arrives.
    #[serde(rename = "duration_ns", serialize_with = "span")]
    pub duration: Span,
    /// Number of partitions.
    pub partitions: u16,
}

/// What became of one fault of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultOutcome {
    /// Its place in the plan, counted from 1.
    pub number: usize,
    /// Its kind, as campaigns count them: `crash leader`, `isolate worker`.
    pub kind: String,
    /// What happened: `crash`, `isolate for 13.2s`.
    pub what: String,
    /// To whom: `worker-2`; the planned target if it never struck.
    pub target: String,
    /// When; none if its trigger never fired.
    #[serde(rename = "at_ns", serialize_with = "optional_instant")]
    pub at: Option<Instant>,
    /// In which phase each protocol was at that moment, before it took effect; none if it never
    /// struck.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phases: Option<Moment>,
    /// The part that whoever was struck played at that moment; none if it struck nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Whether it hit something.
    pub took_effect: bool,
    /// Records read by sources and not yet covered by a completed checkpoint at that instant.
    pub in_flight: u64,
    /// Messages under way that it destroyed or held up.
    pub messages_lost: u64,
}

/// One outage, from the fault that caused it until the job had caught up. The phases tile it: they
/// do not overlap, and their sum is the length of the outage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// The number of the fault that caused it; none if it cannot be told.
    pub fault: Option<usize>,
    /// Who was suspected first, and why.
    pub suspected: String,
    /// The generation that ended it.
    pub generation: u32,
    /// The checkpoint that it started from; none for a start from nothing.
    pub checkpoint: Option<u32>,
    /// When the fault took effect.
    #[serde(rename = "began_ns", serialize_with = "instant")]
    pub began: Instant,
    /// Until somebody was suspected.
    #[serde(rename = "detection_ns", serialize_with = "span")]
    pub detection: Span,
    /// Until the new generation was applied.
    #[serde(rename = "decision_ns", serialize_with = "span")]
    pub decision: Span,
    /// Until the last task ran with restored state.
    #[serde(rename = "restore_ns", serialize_with = "span")]
    pub restore: Span,
    /// Until the sources passed the offsets that they had at the fault.
    #[serde(rename = "replay_ns", serialize_with = "span")]
    pub replay: Span,
    /// Until the lag was back at or below its calm 99th percentile, for a second at least.
    #[serde(rename = "catch_up_ns", serialize_with = "span")]
    pub catch_up: Span,
    /// Whether another outage, or the end of the run, cut it short.
    pub interrupted: bool,
}

impl Recovery {
    /// The length of the outage.
    pub fn total(&self) -> Span {
        self.detection + self.decision + self.restore + self.replay + self.catch_up
    }
}

/// Checkpoints of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckpointFacts {
    /// Triggered.
    pub triggered: u64,
    /// Completed, savepoints among them.
    pub completed: u64,
    /// Savepoints completed.
    pub savepoints: u64,
    /// Generations that started from one.
    pub restored: u64,
    /// Given up, by reason.
    pub aborted: BTreeMap<String, u64>,
    /// From trigger to completion.
    pub duration: Quantiles,
    /// Logical size of the state in the last completed one in bytes.
    pub last_bytes: u64,
    /// In-flight data that all of them hold, on the wire, in bytes: what their barriers overtook.
    #[serde(skip_serializing_if = "is_zero")]
    pub in_flight_bytes: u64,
    /// Each change of the interval, if it follows what is observed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<IntervalFact>,
}

/// From then on, checkpoints are so far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct IntervalFact {
    /// From when on.
    #[serde(rename = "at_ns", serialize_with = "instant")]
    pub at: Instant,
    /// From one trigger to the next.
    #[serde(rename = "interval_ns", serialize_with = "span")]
    pub interval: Span,
}

/// Useful work of one component while faults strike: CPU time spent on inputs that are counted for
/// the first time, of the CPU time available. Snapshots, work that a failure undid and had done
/// again, and outages are what is missing, and waiting for input where that is scarce.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UsefulWork {
    /// The component that has the largest share.
    pub component: String,
    /// CPU time spent on inputs for the first time.
    #[serde(rename = "useful_ns", serialize_with = "span")]
    pub useful: Span,
    /// One core for each of its tasks, as long as the storm lasts.
    #[serde(rename = "available_ns", serialize_with = "span")]
    pub available: Span,
    /// The share, in millionths.
    pub ppm: u64,
}

/// Throughput and latency of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FlowFacts {
    /// Records that sources read, replays included.
    pub read: u64,
    /// Records that sources read again after a restore.
    pub replayed: u64,
    /// Executions of tuples by bolts and sinks, replays and zombies included.
    pub hops: u64,
    /// Records a virtual second, from the first arrival to the last first-time read, in
    /// thousandths.
    pub records_per_second_milli: u64,
    /// From a record's arrival to the instant at which its output is visible.
    pub latency: Quantiles,
    /// The calm 99th percentile of the lag: records arrived but not read.
    pub calm_lag: u64,
    /// The largest lag.
    pub max_lag: u64,
    /// Kernel events of the simulated world.
    pub kernel_events: u64,
}

/// What of a run took effect more than once. A claim of exactly-once is broken by the first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DuplicateFacts {
    /// Updates of keyed state that had counted before.
    pub updates: u64,
    /// Outputs that had been visible before.
    pub outputs: u64,
}

/// The coordinators of a run, and whoever asked them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeaderFacts {
    /// Elections won.
    pub elections: u64,
    /// Leaders that took up their duties after the first one.
    pub changes: u64,
    /// From the loss of a leader (it crashed, stood still or was cut off, or stepped down) to the
    /// first entry that its successor committed.
    pub leaderless: Quantiles,
    /// Operations on the metadata that clients asked for.
    pub operations: u64,
    /// Those that were answered.
    pub answered: u64,
    /// From question to answer.
    pub response: Quantiles,
}

/// The failure detector of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DetectionFacts {
    /// Suspicions, for any reason.
    pub suspicions: u64,
    /// Of processes that were alive, moving and reachable at that moment.
    pub wrong: u64,
    /// Of the others: since they were not.
    pub delay: Quantiles,
}

/// A distribution in five numbers; all zero without a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// Number of samples.
    pub count: u64,
    /// Half of the samples are at most this.
    #[serde(rename = "p50_ns", serialize_with = "span")]
    pub p50: Span,
    /// 95 of 100.
    #[serde(rename = "p95_ns", serialize_with = "span")]
    pub p95: Span,
    /// 99 of 100.
    #[serde(rename = "p99_ns", serialize_with = "span")]
    pub p99: Span,
    /// All.
    #[serde(rename = "max_ns", serialize_with = "span")]
    pub max: Span,
}

impl Outcome {
    /// How many faults took effect.
    pub fn effective_faults(&self) -> usize {
        self.faults.iter().filter(|fault| fault.took_effect).count()
    }
    /// How many outages ended with a restored checkpoint.
    pub fn restored_checkpoints(&self) -> u64 {
        self.recoveries.iter().filter(|recovery| recovery.checkpoint.is_some()).count() as u64
    }
    /// How many checkpoints were given up, for whatever reason.
    pub fn aborted_checkpoints(&self) -> u64 {
        self.checkpoints.aborted.values().sum()
    }
    /// Why it could not be judged, if that is so.
    pub fn unjudged(&self) -> Option<&Unjudged> {
        match &self.verdict {
            Verdict::CouldNotJudge(unjudged) => Some(unjudged),
            _ => None,
        }
    }
    /// Whether it was to be disturbed and never was.
    pub fn is_vacuous(&self) -> bool {
        !self.faults.is_empty() && self.effective_faults() == 0
    }
    /// The violations; none unless broken.
    pub fn violations(&self) -> &[Violation] {
        match &self.verdict {
            Verdict::Broken { violations } => violations,
            _ => &[],
        }
    }
}

impl Verdict {
    /// `holds`, `broken` or `could-not-judge`.
    pub const fn name(&self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::Broken { .. } => "broken",
            Verdict::CouldNotJudge(_) => "could-not-judge",
        }
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}
fn as_text<T: ToString, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&value.to_string())
}
fn instant<S: Serializer>(at: &Instant, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(at.nanos())
}
fn optional_instant<S: Serializer>(at: &Option<Instant>, to: S) -> Result<S::Ok, S::Error> {
    at.map(Instant::nanos).serialize(to)
}
fn span<S: Serializer>(span: &Span, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(span.as_nanos())
}
