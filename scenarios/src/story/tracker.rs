//! In which phase each protocol of the engine is, by what has been observed.
//!
//! It always listens, for the coverage of faults by phase is always told: so it takes note of what
//! the control plane does and of one task's step at a time, never of a tuple, and each observation
//! costs it the same however long the run is.

use stormglass_engine::observation::Observation;
use stormglass_engine::observation::acking::Acking;
use stormglass_engine::topology::Topology;
use stormglass_sim::fault::Fault;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

use crate::scenario::{Moment, Phase};

mod job;
mod leadership;
mod rounds;
mod sinks;
#[cfg(test)]
mod tests;

pub(super) use job::Job;
pub(super) use leadership::Leadership;
pub(super) use rounds::{Round, Rounds};
pub(super) use sinks::Sinks;

/// Follows the protocols.
#[derive(Clone, Debug)]
pub(crate) struct Tracker {
    pub(super) rounds: Rounds,
    pub(super) sinks: Sinks,
    pub(super) job: Job,
    pub(super) leadership: Leadership,
}

/// What is left to make up for of an outage, as the metrics measure it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arrears {
    /// Sources have not passed the offsets that they had at the fault.
    Replay,
    /// The lag is not low.
    Lag,
}

impl Tracker {
    /// `acking` tells that stateful bolts commit in the place of barriers.
    pub(super) fn new(topology: &Topology, acking: bool) -> Tracker {
        Tracker {
            rounds: Rounds::new(topology, acking),
            sinks: Sinks::default(),
            job: Job::new(topology),
            leadership: Leadership::default(),
        }
    }

    /// Takes note of what is no echo, see [`Echoes`](super::echo::Echoes).
    #[inline]
    pub(super) fn observed(&mut self, by: NodeId, what: &Observation) {
        match *what {
            // Most of what is observed, and none of it changes a phase.
            Observation::Executed { .. }
            | Observation::Ended { .. }
            | Observation::Answered { .. }
            | Observation::Staged { .. }
            | Observation::Appended { .. }
            | Observation::Upserted { .. }
            | Observation::GroupCut { .. }
            | Observation::Accepted { .. }
            | Observation::Heard { .. }
            | Observation::Acking(Acking::Acked { .. } | Acking::Failed { .. }) => {}
            Observation::Raft(point) => self.leadership.passed(by, point),
            _ => {
                self.rounds.observed(what);
                self.sinks.observed(what);
                self.job.observed(what);
                self.leadership.observed(by, what);
            }
        }
    }

    /// A fault took effect.
    pub(super) fn struck(&mut self, now: Instant, fault: &Fault) {
        self.leadership.struck(fault);
        self.job.struck(now, fault);
    }

    /// The phases at this moment.
    pub(super) fn moment(&self, now: Instant, arrears: Option<Arrears>) -> Moment {
        Moment::FIRST
            .with(self.rounds.phase())
            .with(self.sinks.phase(None))
            .with(match (self.job.phase(now), arrears) {
                (Phase::Running, Some(Arrears::Replay)) => Phase::Replay,
                (Phase::Running, Some(Arrears::Lag)) => Phase::CatchUp,
                (phase, _) => phase,
            })
            .with(self.leadership.phase())
    }
}
