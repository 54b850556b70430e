//! Heartbeats of executors: a worker that lives may have a thread that stands still.
//!
//! As in Storm, executors beat less often than workers (SEMANTICS 1.3: every 3 s and every second).
//! A beat is asked for through the executor's own queue, so it comes when the thread has done what
//! lay before it; whoever gets on with what lies before it does not stand still either. What counts
//! are beats that were asked for and did not come, not time: a worker that was paused as a whole
//! accuses nobody.

use alloc::vec::Vec;

use stormglass_sim::node::Lane;
use stormglass_sim::time::Span;

use crate::cluster::ControlSettings;
use crate::ids::Generation;
use crate::message::Message;
use crate::node::Cx;

/// Beats of the worker for each of its executors.
const EVERY: u32 = 3;

/// The executors of a job, and when they were heard.
#[derive(Clone, Debug)]
pub(super) struct Beats {
    generation: Generation,
    /// Beats of the worker so far.
    ticks: u32,
    /// How often all executors were asked.
    asked: u32,
    /// Each executor, and the last question that it has answered.
    heard: Vec<(Lane, u32)>,
}

impl Beats {
    /// Watches the executors of a generation.
    pub(super) fn new(generation: Generation, mut lanes: Vec<Lane>) -> Self {
        lanes.sort();
        lanes.dedup();
        let heard = lanes.into_iter().map(|lane| (lane, 0)).collect();
        Beats { generation, ticks: 0, asked: 0, heard }
    }

    /// The worker beats: asks the executors if it is time, and gives back one that has been silent
    /// for too long.
    pub(super) fn tick(&mut self, settings: &ControlSettings, cx: &mut Cx<'_>) -> Option<Lane> {
        self.ticks += 1;
        if !self.ticks.is_multiple_of(EVERY) {
            return None;
        }
        let between: Span = settings.heartbeat_interval * u64::from(EVERY);
        let most = settings.executor_timeout.as_nanos().div_ceil(between.as_nanos().max(1));
        let silent = |(_, last): &&(Lane, u32)| u64::from(self.asked - last) >= most.max(1);
        if let Some((lane, _)) = self.heard.iter().find(silent) {
            return Some(*lane);
        }
        self.asked += 1;
        for (lane, _) in &self.heard {
            let beat =
                Message::Beat { lane: *lane, generation: self.generation, number: self.asked };
            cx.post(*lane, beat);
        }
        None
    }

    /// An executor works: however much lies before the question, it is alive.
    pub(super) fn moves(&mut self, lane: Lane) {
        if let Some((_, last)) = self.heard.iter_mut().find(|(known, _)| *known == lane) {
            *last = self.asked;
        }
    }

    /// An executor has come to a question.
    pub(super) fn heard(&mut self, lane: Lane, generation: Generation, number: u32) {
        let of_it = |(known, _): &&mut (Lane, u32)| *known == lane;
        if generation == self.generation
            && let Some((_, last)) = self.heard.iter_mut().find(of_it)
        {
            *last = number.max(*last);
        }
    }
}
