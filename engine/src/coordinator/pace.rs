//! The interval in force: what the master does with [`interval`](super::interval)'s decisions, and
//! what it tells the metadata for them.

use stormglass_sim::time::{Instant, Span};

use super::Ledger;
use super::interval::{self, Decision};
use super::master::{Master, Step};
use super::metadata::Ended;
use crate::cluster::CheckpointSettings;
use crate::node::Cx;
use crate::observation::Observation;

/// The interval in force, and the running time that the metadata does not know of yet.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    interval: Span,
    /// Since when the generation has run without this being told.
    since: Instant,
}

impl Pace {
    /// A new master begins with the interval that is set, and goes by the metadata at once.
    pub(super) fn new(initial: Span) -> Self {
        Pace { interval: initial, since: Instant::ZERO }
    }

    /// A generation begins to run, or is found running: how long it did so before, the master that
    /// is gone has told up to its last completed checkpoint.
    pub(super) fn begin(&mut self, now: Instant) {
        self.since = now;
    }

    /// For how long the generation has run since this was asked last: it is to be told now.
    pub(super) fn account(&mut self, now: Instant) -> Span {
        let ran = now.since(self.since);
        self.since = now;
        ran
    }
}

impl Master {
    /// The settings, with the interval in force.
    pub(super) fn checkpoint_settings(&self) -> CheckpointSettings {
        CheckpointSettings { interval: self.pace.interval, ..self.cluster.checkpoint }
    }

    /// Decides anew on the interval: there is something new in the metadata.
    pub(super) fn adapt(&mut self, ledger: &Ledger, cx: &mut Cx<'_>) {
        let settings = &self.cluster.checkpoint;
        let Some(adaptive) = &settings.adaptive else { return };
        let facts = interval::Facts {
            settings: adaptive,
            initial: settings.interval,
            interval: self.pace.interval,
            experience: ledger.metadata.experience(),
        };
        if let Decision::Change(interval) = interval::decide(&facts) {
            self.pace.interval = interval;
            cx.observe(Observation::IntervalChanged { interval });
        }
    }

    /// How the present generation ends that is to be replaced now.
    pub(super) fn ended(&mut self, now: Instant) -> Ended {
        match self.step {
            Step::Running => {
                // What comes after the first suspicion is the restart.
                let suspected = self.slots.values().filter_map(|slot| slot.suspected);
                let failed_at = suspected.map(|(at, _)| at).min();
                let ran = self.pace.account(failed_at.unwrap_or(now));
                Ended { failed: failed_at.is_some(), ran }
            }
            // It ran under an earlier master, and was not found as it should be.
            Step::Inherited(_) => Ended { failed: true, ran: Span::ZERO },
            // It never ran, or there is none.
            Step::Waiting(_)
            | Step::Deciding
            | Step::Fencing
            | Step::Deploying(_)
            | Step::Stopped => Ended::default(),
        }
    }
}

/// From when the interval to the first checkpoint of a generation counts that begins to run now. An
/// interval is computing time and the cost of one checkpoint, and the first has none before it.
pub(super) fn first_counts_from(ledger: &Ledger, now: Instant) -> Instant {
    let cost = ledger.metadata.experience().cost;
    Instant(now.nanos().saturating_sub(cost.as_nanos()))
}
