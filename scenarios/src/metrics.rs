//! What a run measures of itself, from observations and the faults that strike.

use std::collections::BTreeMap;
use std::sync::Arc;

use stormglass_engine::ids::{CheckpointId, ComponentId, Generation, Root, TaskId};
use stormglass_engine::log::InputLog;
use stormglass_engine::observation::acking::Acking;
use stormglass_engine::observation::{AbortReason, Observation};
use stormglass_engine::topology::Topology;
use stormglass_sim::fault::Fault;
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::watch::Stamp;

use crate::chronicle::Recorder;
use crate::outcome::{
    CheckpointFacts, DetectionFacts, FlowFacts, IntervalFact, LeaderFacts, UsefulWork,
};
use crate::units::Between;

mod detection;
mod histogram;
mod leaders;
mod recovery;
#[cfg(test)]
mod tests;
mod useful;
mod visibility;

use detection::Detection;
pub(crate) use histogram::Histogram;
use leaders::Leaders;
pub(crate) use recovery::{Outages, Struck};
use useful::Useful;
use visibility::Visibility;

/// How often the lag is looked at.
pub(crate) const SAMPLE: Span = Span::millis(100);

/// The measurements of a run so far.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    topology: Arc<Topology>,
    log: InputLog,
    pub(crate) outages: Outages,
    leaders: Leaders,
    detection: Detection,
    /// The offset to read next in each partition: the furthest ever, and in the newest generation.
    furthest: Vec<u64>,
    /// Records that an earlier run of the job has read.
    inherited: u64,
    position: Vec<u64>,
    /// The positions that are durable at the broker, if they are kept there.
    kept: Vec<u64>,
    generation: Generation,
    /// The positions in the cuts of checkpoints that are not complete, and in the last complete
    /// one.
    cuts: BTreeMap<CheckpointId, Vec<u64>>,
    read: u64,
    hops: u64,
    last_new: Instant,
    visibility: Visibility,
    useful: Useful,
    latency: Histogram,
    triggered: BTreeMap<CheckpointId, Instant>,
    checkpoint_time: Histogram,
    checkpoints: CheckpointFacts,
    published: Vec<u64>,
    calm_until: Instant,
    calm_lags: Vec<u64>,
    calm_lag: Option<u64>,
    max_lag: u64,
    /// Writes down what happens when, if somebody asked for it.
    pub(crate) recorder: Option<Box<Recorder>>,
}

impl Metrics {
    pub(crate) fn new(topology: Arc<Topology>, log: InputLog, storm: Between<Instant>) -> Self {
        let none = vec![0; log.partitions.len()];
        Metrics {
            outages: Outages::default(),
            leaders: Leaders::default(),
            detection: Detection::default(),
            furthest: none.clone(),
            inherited: 0,
            position: none.clone(),
            kept: none,
            generation: Generation(0),
            cuts: BTreeMap::new(),
            read: 0,
            hops: 0,
            last_new: Instant::ZERO,
            visibility: Visibility::default(),
            useful: Useful::new(&topology, storm),
            latency: Histogram::default(),
            triggered: BTreeMap::new(),
            checkpoint_time: Histogram::default(),
            checkpoints: CheckpointFacts::default(),
            published: vec![0; topology.components().len()],
            calm_until: storm.min,
            calm_lags: Vec::new(),
            calm_lag: None,
            max_lag: 0,
            recorder: None,
            topology,
            log,
        }
    }

    #[inline]
    pub(crate) fn observed(&mut self, at: Stamp, observation: &Observation) {
        match *observation {
            Observation::Executed { task, from: TaskId::BROKER, generation, root, .. } => {
                self.read += 1;
                self.useful.executed(task, generation);
                let partition = usize::from(root.partition().0);
                let next = root.offset() + 1;
                if let Some(recorder) = &mut self.recorder {
                    recorder.read(at.time, next > self.furthest[partition]);
                }
                if generation == self.generation {
                    // One that failed may be read again after others.
                    self.position[partition] = self.position[partition].max(next);
                }
                if next > self.furthest[partition] {
                    self.furthest[partition] = next;
                    self.last_new = at.time;
                }
            }
            Observation::Executed { task, generation, .. } => {
                self.hops += 1;
                if let Some(recorder) = &mut self.recorder {
                    recorder.hop(at.time);
                }
                self.useful.executed(task, generation);
            }
            Observation::Staged { task, generation, checkpoint, root, .. } => {
                self.visibility.staged((task, generation, checkpoint), root);
            }
            Observation::Appended { task, root, .. } | Observation::Upserted { task, root, .. } => {
                self.became_visible(at.time, task, root)
            }
            _ => self.rare(at, observation),
        }
    }

    /// An output can be read from now on.
    fn became_visible(&mut self, now: Instant, task: TaskId, root: Root) {
        let ComponentId(component) = self.topology.component_of(task).id;
        self.published[usize::from(component)] += 1;
        let log = &self.log.partitions[usize::from(root.partition().0)];
        if let Some(record) = log.records().get(root.offset() as usize) {
            let latency = now.since(record.arrival);
            self.latency.add(latency.as_nanos());
            if let Some(recorder) = &mut self.recorder {
                recorder.visible(now, latency);
            }
        }
    }

    fn rare(&mut self, at: Stamp, observation: &Observation) {
        let now = at.time;
        match *observation {
            Observation::PreCommitted { task, generation, checkpoint, records } => {
                self.visibility.sealed((task, generation, checkpoint), records);
            }
            Observation::TransactionAborted { task, generation, checkpoint: Some(c), .. }
            | Observation::TransactionExpired { task, generation, checkpoint: Some(c), .. } => {
                self.visibility.aborted((task, generation, c));
            }
            Observation::Published { task, generation, checkpoint, .. } => {
                for root in self.visibility.published((task, generation, checkpoint)) {
                    self.became_visible(now, task, root);
                }
            }
            Observation::Acking(Acking::Kept { next, .. }) => {
                self.kept[usize::from(next.partition().0)] = next.offset();
            }
            Observation::Granted { generation, restore, .. } => {
                self.generation = generation;
                self.checkpoints.restored += u64::from(restore.is_some());
                match restore.and_then(|checkpoint| self.cuts.get(&checkpoint)) {
                    Some(positions) => self.position.clone_from(positions),
                    None => self.position.clone_from(&self.kept),
                }
            }
            Observation::Position { checkpoint, next, .. } => {
                let none = vec![0; self.position.len()];
                let positions = self.cuts.entry(checkpoint).or_insert(none);
                positions[usize::from(next.partition().0)] = next.offset();
            }
            Observation::CheckpointTriggered { checkpoint, .. } => {
                self.checkpoints.triggered += 1;
                self.triggered.insert(checkpoint, now);
            }
            Observation::CheckpointCompleted { checkpoint, kind, bytes, .. } => {
                self.checkpoints.completed += 1;
                self.checkpoints.savepoints += u64::from(kind.is_savepoint());
                self.cuts.retain(|id, _| *id >= checkpoint);
                self.checkpoints.last_bytes = bytes;
                if let Some(since) = self.triggered.remove(&checkpoint) {
                    self.checkpoint_time.add(now.since(since).as_nanos());
                }
            }
            Observation::InFlight { bytes, .. } => self.checkpoints.in_flight_bytes += bytes,
            Observation::IntervalChanged { interval } => {
                self.checkpoints.intervals.push(IntervalFact { at: now, interval });
            }
            Observation::CheckpointAborted { checkpoint, reason, .. } => {
                self.triggered.remove(&checkpoint);
                self.cuts.remove(&checkpoint);
                let reason = match reason {
                    AbortReason::Expired => "expired",
                    AbortReason::Superseded => "superseded",
                    AbortReason::Declined => "declined",
                    AbortReason::Subsumed => "subsumed",
                    AbortReason::Io => "io",
                    AbortReason::Async => "async",
                    AbortReason::Finalize => "finalize",
                };
                *self.checkpoints.aborted.entry(reason.to_string()).or_default() += 1;
            }
            _ => {}
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.observed(at, observation);
        }
        self.useful.observed(observation);
        self.outages.observed(now, observation, &self.furthest);
        self.leaders.observed(at, observation);
        self.detection.observed(at, observation);
    }

    /// The run goes on where another ended.
    pub(crate) fn inherit(&mut self, savepoint: CheckpointId, positions: Vec<u64>) {
        self.inherited = positions.iter().sum();
        self.furthest.clone_from(&positions);
        self.position.clone_from(&positions);
        self.cuts.insert(savepoint, positions);
    }

    /// A fault strikes now.
    pub(crate) fn injected(&mut self, now: Instant, fault: &Fault) {
        self.leaders.injected(now, fault);
        self.detection.injected(now, fault);
    }

    /// Looks at the lag, every [`SAMPLE`].
    pub(crate) fn sample(&mut self, now: Instant) {
        let arrived = |(log, next): (&stormglass_engine::log::PartitionLog, &u64)| {
            log.end_at(now).saturating_sub(*next)
        };
        let lag: u64 = self.log.partitions.iter().zip(&self.position).map(arrived).sum();
        self.max_lag = self.max_lag.max(lag);
        self.useful.sampled(now);
        if let Some(recorder) = &mut self.recorder {
            let arrived = self.log.partitions.iter().map(|log| log.end_at(now)).sum();
            recorder.sampled(now, arrived, lag);
        }
        if now < self.calm_until {
            self.calm_lags.push(lag);
        } else if self.calm_lag.is_none() {
            self.calm_lags.sort_unstable();
            let at = (self.calm_lags.len() * 99).div_ceil(100).saturating_sub(1);
            self.calm_lag = Some(self.calm_lags.get(at).copied().unwrap_or(0));
            self.calm_lags = Vec::new();
        }
        let calm = self.calm_lag.unwrap_or(u64::MAX);
        self.outages.sampled(now, &self.position, lag <= calm);
    }

    /// The offsets that the sources had reached, for a fault that strikes now.
    pub(crate) fn furthest(&self) -> &[u64] {
        &self.furthest
    }

    pub(crate) fn checkpoint_facts(&self) -> CheckpointFacts {
        let duration = self.checkpoint_time.quantiles();
        CheckpointFacts { duration, ..self.checkpoints.clone() }
    }

    pub(crate) fn useful_work(&self, now: Instant) -> UsefulWork {
        self.useful.facts(now)
    }
    pub(crate) fn leader_facts(&self) -> LeaderFacts {
        self.leaders.facts()
    }
    pub(crate) fn detection_facts(&self) -> DetectionFacts {
        self.detection.facts()
    }

    pub(crate) fn flow_facts(&self, kernel_events: u64) -> FlowFacts {
        let new = self.furthest.iter().sum::<u64>() - self.inherited;
        let first = self.log.partitions.iter().filter_map(|p| p.records().first());
        let began = first.map(|record| record.arrival).min().unwrap_or(Instant::ZERO);
        let nanos = self.last_new.since(began).as_nanos().max(1);
        let rate = u128::from(new.saturating_sub(1)) * 1_000_000_000_000 / u128::from(nanos);
        FlowFacts {
            read: self.read,
            // Of what was skipped nothing was read at all: that is for the judges to tell.
            replayed: self.read.saturating_sub(new),
            hops: self.hops,
            records_per_second_milli: u64::try_from(rate).unwrap_or(u64::MAX),
            latency: self.latency.quantiles(),
            calm_lag: self.calm_lag.unwrap_or(0),
            max_lag: self.max_lag,
            kernel_events,
        }
    }

    /// Visible outputs by sink component.
    pub(crate) fn published(&self) -> BTreeMap<String, u64> {
        let sinks = self
            .topology
            .components()
            .iter()
            .filter(|c| matches!(c.kind, stormglass_engine::topology::Kind::Sink(_)));
        sinks.map(|c| (c.name.to_string(), self.published[usize::from(c.id.0)])).collect()
    }
}
