//! Watchers: whoever listens to the one stream of observations.

use crate::node::{NodeId, Process};
use crate::time::Instant;

/// When and where something was observed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Stamp {
    /// True time, not any machine's clock.
    pub time: Instant,
    /// Who observed it.
    pub node: NodeId,
    /// Which life of that process, 1 for the first.
    pub incarnation: u32,
    /// The number of the kernel event that was being handled, counted from 1.
    pub event: u64,
}

/// What the run does after an observation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watch {
    /// It goes on.
    Continue,
    /// It finishes this handler and then pauses, so that the driver can act at this very instant.
    Yield,
    /// The process has crashed at this instant: no later effect or observation of the handler
    /// happens, nor do effects that would have left later; then the run pauses.
    Stop,
}

/// Sees every observation of a world while the handler that makes it runs.
///
/// What a watcher keeps never changes the run; only its answers do.
pub trait Watcher<P: Process> {
    /// Sees one observation.
    fn observed(&mut self, at: Stamp, observation: &P::Observation) -> Watch;
}

/// Nobody listens.
impl<P: Process> Watcher<P> for () {
    fn observed(&mut self, _: Stamp, _: &P::Observation) -> Watch {
        Watch::Continue
    }
}
