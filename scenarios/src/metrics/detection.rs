//! Suspicions: who was rightly suspected, and how late.
//!
//! A suspicion is right if the life of the process that took part in the newest generation is over,
//! or the process stands still, or no packet passes between it and whoever suspects it, in one
//! direction at least. Slow links and lost packets are no excuse.

use std::collections::BTreeMap;

use stormglass_engine::observation::{Observation, Suspicion};
use stormglass_sim::fault::{Fault, Links};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;
use stormglass_sim::watch::Stamp;

use super::histogram::Histogram;
use crate::outcome::DetectionFacts;

/// Who lives and can be reached, and who was suspected.
#[derive(Clone, Debug, Default)]
pub(super) struct Detection {
    workers: BTreeMap<NodeId, Worker>,
    pauses: Vec<Pause>,
    cuts: Vec<Cut>,
    suspicions: u64,
    wrong: u64,
    delay: Histogram,
}

#[derive(Clone, Copy, Debug, Default)]
struct Worker {
    up: bool,
    /// When the life ended that takes part in the newest generation, or would.
    ended: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    node: NodeId,
    from: Instant,
    until: Instant,
}

#[derive(Clone, Debug)]
struct Cut {
    links: Links,
    from: Instant,
    until: Instant,
}

impl Detection {
    pub(super) fn observed(&mut self, at: Stamp, observation: &Observation) {
        match *observation {
            Observation::WorkerStarted { node, .. } => {
                let worker = self.workers.entry(node).or_default();
                if worker.up {
                    // It ended without a word.
                    worker.ended.get_or_insert(at.time);
                }
                worker.up = true;
            }
            Observation::Granted { .. } => {
                let up = self.workers.values_mut().filter(|worker| worker.up);
                up.for_each(|worker| worker.ended = None);
            }
            Observation::ZombieExit { node, .. } => self.ended(at.time, |of| of == node),
            Observation::TaskFailed { .. } => self.ended(at.time, |of| of == at.node),
            Observation::Suspected { node, reason } => self.suspected(at, node, reason),
            _ => {}
        }
    }

    fn ended(&mut self, now: Instant, who: impl Fn(NodeId) -> bool) {
        for (_, worker) in self.workers.iter_mut().filter(|(node, _)| who(**node)) {
            if worker.up {
                worker.up = false;
                worker.ended.get_or_insert(now);
            }
        }
    }

    /// A fault strikes.
    pub(super) fn injected(&mut self, now: Instant, fault: &Fault) {
        match fault {
            Fault::Crash { node } => self.ended(now, |of| of == *node),
            Fault::CrashMachine { machine } => self.ended(now, |of| of.machine == *machine),
            Fault::Pause { node, duration } => {
                self.pauses.retain(|pause| pause.until > now);
                self.pauses.push(Pause { node: *node, from: now, until: now + *duration });
            }
            Fault::Cut { links, duration } => {
                self.cuts.retain(|cut| cut.until > now);
                let links = links.clone();
                self.cuts.push(Cut { links, from: now, until: now + *duration });
            }
            _ => {}
        }
    }

    fn suspected(&mut self, at: Stamp, node: NodeId, reason: Suspicion) {
        self.suspicions += 1;
        if let Some(since) = self.trouble(at, node) {
            self.delay.add(at.time.since(since).as_nanos());
        } else if !matches!(
            reason,
            Suspicion::Reincarnated | Suspicion::TaskFailed | Suspicion::ExecutorTimeout
        ) {
            self.wrong += 1;
        }
    }

    /// Since when a process cannot answer whoever suspects it.
    fn trouble(&self, at: Stamp, node: NodeId) -> Option<Instant> {
        let ended = self.workers.get(&node).and_then(|worker| worker.ended);
        let still = |pause: &&Pause| pause.node == node && pause.until > at.time;
        let (one, other) = (node.machine, at.node.machine);
        let apart = |cut: &&Cut| {
            let there = cut.links.covers(one, other);
            let back = cut.links.covers(other, one);
            cut.until > at.time && (there || back)
        };
        let paused = self.pauses.iter().filter(still).map(|pause| pause.from).min();
        let cut = self.cuts.iter().filter(apart).map(|cut| cut.from).min();
        [ended, paused, cut].into_iter().flatten().min()
    }

    pub(super) fn facts(&self) -> DetectionFacts {
        DetectionFacts {
            suspicions: self.suspicions,
            wrong: self.wrong,
            delay: self.delay.quantiles(),
        }
    }
}
