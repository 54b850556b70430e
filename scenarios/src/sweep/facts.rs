//! What a sweep keeps of a run, and what of it can be drawn.
//!
//! Everything is a whole number: the same run gives the same facts to the byte, on any machine.

use serde::{Deserialize, Serialize};
use stormglass_sim::time::{Instant, Span};

use super::grid::Unit;
use super::work;
use crate::outcome::{Outcome, Quantiles, Recovery};
use crate::scenario::Scenario;
use crate::units::names;

#[cfg(test)]
mod tests;

/// What a sweep keeps of a run. Times are in nanoseconds of virtual time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// `holds`, `broken` or `could-not-judge`.
    pub verdict: String,
    /// The digest of the run.
    pub digest: String,
    /// How long it lasted.
    pub ended_ns: u64,
    /// Faults that took effect.
    pub faults: u64,
    /// Useful work in millionths of the CPU time there was.
    pub useful_ppm: u64,
    /// What the formula's own model makes of the very failures of the run, in millionths: a
    /// checkpoint at the end of each period, all work since the last one lost. None without a
    /// fixed interval, or where the formula has nothing to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_ppm: Option<u64>,
    /// The outages that ended by themselves: detection, decision, restore, replay, catch-up.
    pub outages: Vec<[u64; 5]>,
    /// The others: cut short by the next failure or the end of the run.
    pub interrupted: u64,
    /// Suspicions of workers, right or wrong.
    pub suspicions: u64,
    /// Those of workers that were alive, moving and reachable.
    pub wrong_suspicions: u64,
    /// From a worker's death to its suspicion: how many, half of them, 95 of 100, all.
    pub noticed: [u64; 4],
    /// From a record's arrival to its visible output: how many, half of them, 95 and 99 of 100,
    /// all.
    pub latency: [u64; 5],
    /// Checkpoints triggered.
    pub triggered: u64,
    /// Those completed.
    pub completed: u64,
    /// Those that took too long.
    pub expired: u64,
    /// Those given up, for whatever reason.
    pub aborted: u64,
    /// From trigger to completion: how many, half of them, 95 of 100, all.
    pub checkpoint: [u64; 4],
    /// Logical size of the state in the last completed checkpoint, in bytes.
    pub state_bytes: u64,
    /// In-flight data that all checkpoints hold, in bytes.
    #[serde(default)]
    pub in_flight_bytes: u64,
    /// The interval between checkpoints at the end, where it follows what is observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_ns: Option<u64>,
    /// Records read, those read again among them.
    pub read: u64,
    /// Records read again.
    pub replayed: u64,
    /// Records a second, in thousandths.
    pub rate_milli: u64,
    /// The most records that waited to be read.
    pub max_lag: u64,
    /// Outputs that were visible before.
    pub duplicates: u64,
}

names! {
    /// What can be drawn of runs.
    Measure, "a measure", "measures":
    /// CPU time spent on what counts, of the CPU time there was.
    UsefulWork = "useful-work",
    /// What is missing of useful work.
    Overhead = "overhead",
    /// From a fault until the job had caught up.
    Outage = "outage",
    /// Of an outage: until somebody was suspected.
    Detection = "detection",
    /// Of an outage: until the new generation was applied.
    Decision = "decision",
    /// Of an outage: until the last task ran with restored state.
    Restore = "restore",
    /// Of an outage: until the sources had come to where they were at the fault.
    Replay = "replay",
    /// Of an outage: until the lag was low again.
    CatchUp = "catch-up",
    /// Of an outage: until the last task ran with restored state.
    Down = "down",
    /// Of an outage: from there until the lag was low again.
    Arrears = "arrears",
    /// From a worker's death to its suspicion, in the median of a run.
    Noticed = "noticed",
    /// Suspicions of workers that were well, an hour.
    FalseSuspicions = "false-suspicions",
    /// From a record's arrival to its visible output, in the median of a run.
    LatencyMedian = "latency-p50",
    /// The same for 95 of 100.
    Latency95 = "latency-p95",
    /// The same for 99 of 100.
    Latency99 = "latency-p99",
    /// From trigger to completion of a checkpoint, in the median of a run; nothing where half of
    /// all expire, of which that cannot be said.
    CheckpointDuration = "checkpoint-duration",
    /// In-flight data that a checkpoint holds, in the mean of a run.
    InFlight = "in-flight",
    /// The share of checkpoints that took too long.
    Expired = "expired",
    /// Checkpoints completed an hour.
    Completed = "completed",
    /// Logical size of the state.
    StateBytes = "state",
    /// The interval between checkpoints at the end, where it follows what is observed.
    Interval = "interval",
    /// Records a second.
    Throughput = "throughput",
    /// The share of records that were read again.
    Replayed = "replayed",
    /// The most records that waited to be read.
    MaxLag = "max-lag",
    /// Outputs that were visible before.
    Duplicates = "duplicates",
}

impl Facts {
    /// Of a run.
    pub fn of(outcome: &Outcome, scenario: &Scenario) -> Facts {
        let Outcome { checkpoints, detection, flow, .. } = outcome;
        let four = |of: &Quantiles| [of.count, nanos(of.p50), nanos(of.p95), nanos(of.max)];
        let latency = &flow.latency;
        let whole = outcome.recoveries.iter().filter(|recovery| !recovery.interrupted);
        let outages: Vec<[u64; 5]> = whole.map(phases).collect();
        Facts {
            verdict: outcome.verdict.name().to_string(),
            digest: outcome.digest.to_string(),
            ended_ns: outcome.ended.nanos(),
            faults: outcome.effective_faults() as u64,
            useful_ppm: outcome.useful_work.ppm,
            model_ppm: work::model(outcome, scenario),
            interrupted: (outcome.recoveries.len() - outages.len()) as u64,
            outages,
            suspicions: detection.suspicions,
            wrong_suspicions: detection.wrong,
            noticed: four(&detection.delay),
            latency: [
                latency.count,
                nanos(latency.p50),
                nanos(latency.p95),
                nanos(latency.p99),
                nanos(latency.max),
            ],
            triggered: checkpoints.triggered,
            completed: checkpoints.completed,
            expired: checkpoints.aborted.get("expired").copied().unwrap_or(0),
            aborted: outcome.aborted_checkpoints(),
            checkpoint: four(&checkpoints.duration),
            state_bytes: checkpoints.last_bytes,
            in_flight_bytes: checkpoints.in_flight_bytes,
            interval_ns: checkpoints.intervals.last().map(|fact| nanos(fact.interval)),
            read: flow.read,
            replayed: flow.replayed,
            rate_milli: flow.records_per_second_milli,
            max_lag: flow.max_lag,
            duplicates: outcome.duplicates.outputs,
        }
    }
}

fn nanos(span: Span) -> u64 {
    span.as_nanos()
}

fn phases(recovery: &Recovery) -> [u64; 5] {
    let Recovery { detection, decision, restore, replay, catch_up, .. } = recovery;
    [detection, decision, restore, replay, catch_up].map(|phase| phase.as_nanos())
}

impl Measure {
    /// What it is counted in.
    pub const fn unit(self) -> Unit {
        match self {
            Measure::UsefulWork | Measure::Overhead | Measure::Expired | Measure::Replayed => {
                Unit::Share
            }
            Measure::FalseSuspicions | Measure::Completed => Unit::PerHour,
            Measure::StateBytes | Measure::InFlight => Unit::Bytes,
            Measure::Throughput => Unit::PerSecond,
            Measure::MaxLag | Measure::Duplicates => Unit::Number,
            _ => Unit::Seconds,
        }
    }

    /// Whether runs are told by their mean: counts and shares of what is rare, of which half the
    /// runs have none.
    pub const fn is_averaged(self) -> bool {
        matches!(
            self,
            Measure::FalseSuspicions | Measure::Expired | Measure::InFlight | Measure::Duplicates
        )
    }

    /// It as an axis of a figure calls it.
    pub const fn label(self) -> &'static str {
        match self {
            Measure::UsefulWork => "useful work",
            Measure::Overhead => "overhead",
            Measure::Outage => "outage",
            Measure::Detection => "detection",
            Measure::Decision => "decision",
            Measure::Restore => "restore",
            Measure::Replay => "replay",
            Measure::CatchUp => "catch-up",
            Measure::Down => "until all tasks run again",
            Measure::Arrears => "replay and catch-up",
            Measure::InFlight => "in-flight data of a checkpoint",
            Measure::Noticed => "from death to suspicion",
            Measure::FalseSuspicions => "false suspicions an hour",
            Measure::LatencyMedian => "latency, median",
            Measure::Latency95 => "latency, 95th percentile",
            Measure::Latency99 => "latency, 99th percentile",
            Measure::CheckpointDuration => "checkpoint, from trigger to completion",
            Measure::Expired => "checkpoints that expired",
            Measure::Completed => "checkpoints completed an hour",
            Measure::StateBytes => "state",
            Measure::Interval => "interval at the end",
            Measure::Throughput => "records a second",
            Measure::Replayed => "records read again",
            Measure::MaxLag => "largest lag in records",
            Measure::Duplicates => "duplicate outputs",
        }
    }

    /// The samples that a run gives: one for each outage where it is about outages, otherwise one;
    /// none where there was nothing to be measured.
    pub fn samples(self, facts: &Facts) -> Vec<f64> {
        let seconds = |ns: u64| ns as f64 / 1e9;
        let sum = |phases: &[u64]| seconds(phases.iter().sum());
        let phase = |at: usize| facts.outages.iter().map(|outage| seconds(outage[at])).collect();
        let hours = seconds(facts.ended_ns) / 3_600.0;
        let if_any = |any: u64, value: f64| if any > 0 { vec![value] } else { Vec::new() };
        let share = |part: u64, whole: u64| if_any(whole, part as f64 / whole as f64);
        match self {
            Measure::UsefulWork => vec![facts.useful_ppm as f64 / 1e6],
            Measure::Overhead => vec![1.0 - facts.useful_ppm as f64 / 1e6],
            Measure::Outage => {
                facts.outages.iter().map(|outage| seconds(outage.iter().sum())).collect()
            }
            Measure::Detection => phase(0),
            Measure::Decision => phase(1),
            Measure::Restore => phase(2),
            Measure::Replay => phase(3),
            Measure::CatchUp => phase(4),
            Measure::Down => facts.outages.iter().map(|outage| sum(&outage[..3])).collect(),
            Measure::Arrears => facts.outages.iter().map(|outage| sum(&outage[3..])).collect(),
            Measure::InFlight => {
                if_any(facts.triggered, facts.in_flight_bytes as f64 / facts.triggered as f64)
            }
            Measure::Noticed => if_any(facts.noticed[0], seconds(facts.noticed[1])),
            Measure::FalseSuspicions => {
                if_any(facts.ended_ns, facts.wrong_suspicions as f64 / hours)
            }
            Measure::LatencyMedian => if_any(facts.latency[0], seconds(facts.latency[1])),
            Measure::Latency95 => if_any(facts.latency[0], seconds(facts.latency[2])),
            Measure::Latency99 => if_any(facts.latency[0], seconds(facts.latency[3])),
            Measure::CheckpointDuration => {
                let most = 2 * facts.expired < facts.triggered;
                if_any(facts.checkpoint[0] * u64::from(most), seconds(facts.checkpoint[1]))
            }
            Measure::Expired => share(facts.expired, facts.triggered),
            Measure::Completed => if_any(facts.ended_ns, facts.completed as f64 / hours),
            Measure::StateBytes => if_any(facts.completed, facts.state_bytes as f64),
            Measure::Interval => facts.interval_ns.map(seconds).into_iter().collect(),
            Measure::Throughput => vec![facts.rate_milli as f64 / 1e3],
            Measure::Replayed => share(facts.replayed, facts.read),
            Measure::MaxLag => vec![facts.max_lag as f64],
            Measure::Duplicates => vec![facts.duplicates as f64],
        }
    }
}

/// When the storm's failures struck.
pub(super) fn failures(outcome: &Outcome) -> impl Iterator<Item = Instant> {
    outcome.faults.iter().filter_map(|fault| fault.at)
}
