//! Suspicions: who was rightly suspected, and how late.
//!
//! A suspicion is right if the life of the process that took part in the newest generation is over,
//! or the process stands still, or no packet passes between it and whoever suspects it, in one
//! direction at least. Slow links and lost packets are no excuse.

use std::collections::BTreeMap;

use stormglass_engine::observation::{Observation, Suspicion};
use stormglass_sim::fault::{Fault, Links, Weather};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::watch::Stamp;

use super::histogram::Histogram;
use crate::outcome::DetectionFacts;

/// How long after its death a process may still be suspected for it, if nobody tells when it died.
const MISSED: Span = Span::secs(15);

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
            Fault::Pause { node, duration } => self.still(now, *node, *duration),
            // When it dies is not told; whoever restarts it, or misses it, takes his time.
            Fault::LimitMemory { node, duration, .. } => self.still(now, *node, *duration + MISSED),
            Fault::CrashLoop { node, times, after, restart } => {
                let each = (*after + *restart + MISSED).as_nanos();
                self.still(now, *node, Span::nanos(each.saturating_mul(u64::from(*times))));
            }
            Fault::Weather { links, weather: Weather { speed: Some(0), .. }, duration }
            | Fault::Cut { links, duration } => {
                self.cuts.retain(|cut| cut.until > now);
                let links = links.clone();
                self.cuts.push(Cut { links, from: now, until: now + *duration });
            }
            _ => {}
        }
    }

    /// A process does not answer, from now on for so long.
    fn still(&mut self, now: Instant, node: NodeId, duration: Span) {
        self.pauses.retain(|pause| pause.until > now);
        self.pauses.push(Pause { node, from: now, until: now + duration });
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
