//! Writes the chronicle while a run goes on.

use std::collections::BTreeMap;

use stormglass_engine::ids::{CheckpointId, TaskId};
use stormglass_engine::observation::{Observation, Step};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::watch::Stamp;

use super::series::Counter;
use super::{Band, CheckpointHistory, Chronicle, End, GenerationHistory, Life, Part};

/// Writes down what it is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder {
    counter: Counter,
    /// Records that had arrived at the last sample.
    arrived: u64,
    checkpoints: Vec<CheckpointHistory>,
    /// Where a checkpoint stands in the list.
    places: BTreeMap<CheckpointId, usize>,
    generations: Vec<GenerationHistory>,
    lives: Vec<Life>,
    /// Where the newest life of a process stands in the list.
    newest: BTreeMap<NodeId, usize>,
}

impl Recorder {
    /// A source read a record, for the first time or again.
    pub(crate) fn read(&mut self, now: Instant, first: bool) {
        let bucket = self.counter.now(now);
        match first {
            true => bucket.read += 1,
            false => bucket.again += 1,
        }
    }

    /// A bolt or sink executed a tuple.
    pub(crate) fn hop(&mut self, now: Instant) {
        self.counter.now(now).hops += 1;
    }

    /// An output became visible so long after its record had arrived.
    pub(crate) fn visible(&mut self, now: Instant, latency: Span) {
        self.counter.visible(now, latency);
    }

    /// What had arrived by now, and how much of it was not read. What arrived since the last look
    /// belongs to the time before this one.
    pub(crate) fn sampled(&mut self, now: Instant, arrived: u64, lag: u64) {
        let before = Instant(now.nanos().saturating_sub(1));
        let bucket = self.counter.now(before);
        bucket.arrived += arrived - self.arrived;
        bucket.lag = bucket.lag.max(lag);
        self.arrived = arrived;
    }

    /// Whether a process was seen to be up.
    pub(crate) fn looked(&mut self, now: Instant, node: NodeId, incarnation: u32, up: bool) {
        let newest = self.newest.get(&node).copied();
        let current = newest.map(|at| &mut self.lives[at]).filter(|life| life.until.is_none());
        match current {
            Some(life) if life.incarnation == incarnation && up => return,
            Some(life) => life.until = Some(now),
            None => {}
        }
        if up {
            self.newest.insert(node, self.lives.len());
            self.lives.push(Life { node, incarnation, from: now, until: None });
        }
    }

    /// Anything but inputs executed and outputs made visible.
    pub(crate) fn observed(&mut self, at: Stamp, observation: &Observation) {
        let now = at.time;
        match *observation {
            Observation::WorkerStarted { node, incarnation } if node == at.node => {
                self.looked(now, node, incarnation, true);
            }
            Observation::ZombieExit { node, .. } => self.looked(now, node, at.incarnation, false),
            Observation::Granted { generation, restore, .. } => {
                let tasks = Vec::new();
                let granted =
                    GenerationHistory { generation, granted: now, running: None, restore, tasks };
                self.generations.push(granted);
            }
            Observation::Assigned { generation, task, node } => {
                let last = self.generations.last_mut().filter(|g| g.generation == generation);
                if let Some(last) = last {
                    last.tasks.push((task, node));
                }
            }
            Observation::Running { generation } => {
                let mut all = self.generations.iter_mut().rev();
                if let Some(granted) = all.find(|granted| granted.generation == generation) {
                    granted.running.get_or_insert(now);
                }
            }
            _ => self.checkpoint(now, observation),
        }
    }

    fn checkpoint(&mut self, now: Instant, observation: &Observation) {
        match *observation {
            Observation::CheckpointTriggered { checkpoint, kind, generation } => {
                let place = self.checkpoints.len();
                self.places.entry(checkpoint).or_insert(place);
                let (end, parts) = (None, Vec::new());
                let triggered = now;
                let history =
                    CheckpointHistory { checkpoint, kind, generation, triggered, end, parts };
                self.checkpoints.push(history);
            }
            Observation::CheckpointCompleted { checkpoint, bytes, .. } => {
                self.end(now, checkpoint, End::Completed { bytes });
            }
            Observation::CheckpointAborted { checkpoint, reason, .. } => {
                self.end(now, checkpoint, End::Aborted(reason));
            }
            Observation::Cut { task, checkpoint, .. } => {
                if let Some(part) = self.part(checkpoint, task) {
                    part.cut.get_or_insert(now);
                }
            }
            Observation::Stepped { step, task, checkpoint, .. } => {
                if let Some(part) = self.part(checkpoint, task) {
                    let at = match step {
                        Step::BarrierSent => &mut part.sent,
                        Step::Aligning => &mut part.aligning,
                        Step::Uploading => &mut part.uploading,
                        Step::Notified => &mut part.notified,
                    };
                    at.get_or_insert(now);
                }
            }
            Observation::CheckpointAcked { checkpoint, task, bytes, .. } => {
                if let Some(part) = self.part(checkpoint, task) {
                    part.acked.get_or_insert(now);
                    part.bytes = bytes;
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, now: Instant, checkpoint: CheckpointId, end: End) {
        if let Some(at) = self.places.get(&checkpoint) {
            self.checkpoints[*at].end.get_or_insert((now, end));
        }
    }

    /// What a task did for a checkpoint so far.
    fn part(&mut self, checkpoint: CheckpointId, task: TaskId) -> Option<&mut Part> {
        let parts = &mut self.checkpoints[*self.places.get(&checkpoint)?].parts;
        let at = match parts.binary_search_by_key(&task, |part| part.task) {
            Ok(at) => at,
            Err(at) => {
                parts.insert(at, Part { task, ..Part::default() });
                at
            }
        };
        Some(&mut parts[at])
    }

    /// All of it, with what the driver knows of the faults.
    pub(crate) fn chronicle(&self, bands: Vec<Band>) -> Chronicle {
        Chronicle {
            series: self.counter.series(),
            checkpoints: self.checkpoints.clone(),
            generations: self.generations.clone(),
            lives: self.lives.clone(),
            bands,
        }
    }
}
