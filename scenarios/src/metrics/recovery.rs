//! Outages and their five phases, which tile them (DESIGN: the way of a failure).

use stormglass_engine::ids::{CheckpointId, Generation};
use stormglass_engine::observation::{Observation, Suspicion};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use crate::outcome::Recovery;
use crate::story::Arrears;

/// The lag has to stay low for this long before an outage is over.
const STEADY: Span = Span::secs(1);

/// A fault that took effect on a process or its machine.
#[derive(Clone, Debug)]
pub(crate) struct Struck {
    /// Its number in the plan, from 1.
    pub(crate) fault: usize,
    /// When.
    pub(crate) at: Instant,
    /// Whom.
    pub(crate) node: NodeId,
    /// The offsets that the sources had reached.
    pub(crate) offsets: Vec<u64>,
}

/// The outages of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outages {
    struck: Vec<Struck>,
    current: Option<Outage>,
    past: Vec<Outage>,
}

/// An outage, as far as it has come.
#[derive(Clone, Debug)]
struct Outage {
    fault: Option<usize>,
    suspect: NodeId,
    reason: Suspicion,
    offsets: Vec<u64>,
    generation: Generation,
    checkpoint: Option<CheckpointId>,
    began: Instant,
    suspected: Instant,
    granted: Option<Instant>,
    running: Option<Instant>,
    replayed: Option<Instant>,
    /// Since when the lag has been low.
    low_since: Option<Instant>,
    caught_up: Option<Instant>,
    /// When it was cut short.
    cut: Option<Instant>,
}

impl Outages {
    /// A fault took effect.
    pub(crate) fn struck(&mut self, struck: Struck) {
        self.struck.push(struck);
    }

    /// Whether an outage is going on.
    pub(crate) fn is_open(&self) -> bool {
        self.current.is_some()
    }

    /// What is left to make up for, once every task runs again.
    pub(crate) fn arrears(&self) -> Option<Arrears> {
        let outage = self.current.as_ref().filter(|outage| outage.running.is_some())?;
        Some(if outage.replayed.is_none() { Arrears::Replay } else { Arrears::Lag })
    }

    pub(super) fn observed(&mut self, now: Instant, what: &Observation, furthest: &[u64]) {
        match *what {
            Observation::Suspected { node, reason } => self.suspected(now, node, reason, furthest),
            Observation::Granted { generation, restore, .. } => {
                if let Some(outage) = &mut self.current {
                    outage.granted = Some(now);
                    outage.generation = generation;
                    outage.checkpoint = restore;
                }
            }
            Observation::Running { generation } => {
                let current = self.current.as_mut().filter(|o| o.generation == generation);
                if let Some(outage) = current {
                    outage.running = Some(now);
                }
            }
            _ => {}
        }
    }

    fn suspected(&mut self, now: Instant, node: NodeId, reason: Suspicion, furthest: &[u64]) {
        if let Some(outage) = &mut self.current {
            if outage.running.is_none() {
                return;
            }
            outage.cut = Some(now);
            self.past.extend(self.current.take());
        }
        // The fault that hit this machine last is to blame; each is blamed once.
        let of_machine = |struck: &Struck| struck.node.machine == node.machine;
        let blamed = self.struck.iter().rposition(of_machine).map(|at| self.struck.remove(at));
        let earliest = self.past.last().and_then(Outage::end).unwrap_or(Instant::ZERO);
        let began = blamed.as_ref().map_or(now, |struck| struck.at).max(earliest).min(now);
        let offsets = blamed.as_ref().map_or_else(|| furthest.to_vec(), |s| s.offsets.clone());
        self.current = Some(Outage {
            fault: blamed.map(|struck| struck.fault),
            suspect: node,
            reason,
            offsets,
            generation: Generation(0),
            checkpoint: None,
            began,
            suspected: now,
            granted: None,
            running: None,
            replayed: None,
            low_since: None,
            caught_up: None,
            cut: None,
        });
    }

    /// The sources' positions, and whether the lag is low, at one look.
    pub(super) fn sampled(&mut self, now: Instant, position: &[u64], low: bool) {
        let Some(outage) = self.current.as_mut().filter(|o| o.running.is_some()) else { return };
        if outage.replayed.is_none() {
            let passed = position.iter().zip(&outage.offsets).all(|(next, fault)| next >= fault);
            outage.replayed = passed.then_some(now);
        }
        if outage.replayed.is_none() || !low {
            outage.low_since = None;
            return;
        }
        let since = *outage.low_since.get_or_insert(now);
        if now.since(since) >= STEADY {
            outage.caught_up = Some(since);
            self.past.extend(self.current.take());
        }
    }

    /// All outages; one that is still open ends now.
    pub(crate) fn all(&self, now: Instant, name: impl Fn(NodeId) -> String) -> Vec<Recovery> {
        let open = self.current.clone().map(|mut outage| {
            outage.cut = Some(now);
            outage
        });
        self.past.iter().chain(&open).map(|outage| outage.recovery(&name)).collect()
    }
}

impl Outage {
    /// When it ended.
    fn end(&self) -> Option<Instant> {
        self.caught_up.or(self.cut)
    }

    fn recovery(&self, name: &impl Fn(NodeId) -> String) -> Recovery {
        let end = self.end().expect("past outages have an end");
        // A phase that was never entered is empty at the end.
        let upto = |at: Option<Instant>| at.unwrap_or(end).min(end);
        let (suspected, granted) = (self.suspected, upto(self.granted));
        let (running, replayed) = (upto(self.running), upto(self.replayed));
        let why = match self.reason {
            Suspicion::HeartbeatTimeout => "no heartbeat",
            Suspicion::ConnectionLost => "connection lost",
            Suspicion::Reincarnated => "came back as a new process",
            Suspicion::TaskFailed => "task failed",
            Suspicion::ExecutorTimeout => "executor silent",
            Suspicion::DeployTimeout => "not deployed in time",
        };
        Recovery {
            fault: self.fault,
            suspected: format!("{}: {why}", name(self.suspect)),
            generation: self.generation.0,
            checkpoint: self.checkpoint.map(|id| id.0),
            began: self.began,
            detection: suspected.since(self.began),
            decision: granted.since(suspected),
            restore: running.since(granted),
            replay: replayed.since(running),
            catch_up: end.since(replayed),
            interrupted: self.caught_up.is_none(),
        }
    }
}
