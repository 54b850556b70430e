//! The judges of the control plane together: Raft, the metadata, the failure detector, ownership.

use stormglass_engine::observation::Observation;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Span;

use super::excuse::Copies;
use super::expiry::Claim;
use super::law::{Findings, Witness};
use super::linear::Linear;
use super::owner::Owners;
use super::queries::Queries;
use super::raft::Raft;
use super::suspicion::Suspicions;
use super::tolerance::Tolerance;

/// What the judges have to know of a cluster.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The coordinators as Raft counts them. All vote until a membership says otherwise.
    pub coordinators: Vec<NodeId>,
    /// A worker that was heard may not be accused of silence before this: the timeout of a fixed
    /// detector; for one that adapts, the interval of heartbeats.
    pub patience: Span,
    /// A coordinator's clock runs fast by so many millionths at most.
    pub clock_ppm: u32,
    /// What the run says of transactions that time out.
    pub transactions: Claim,
    /// How many completed checkpoints are kept to restore from.
    pub retained: usize,
    /// Whether faults destroy what was durable: only then may a checkpoint be unreadable.
    pub destroys: bool,
    /// Where there are copies that faults may destroy.
    pub copies: Copies,
    /// Stores that must refuse older generations before a new one runs: then every pipeline of so
    /// many stores as have each file has one of them.
    pub fenced_stores: usize,
    /// Heartbeats further apart than this are no steady connection.
    pub heartbeat_timeout: Span,
    /// Checkpoints that may fail in a row; any number if absent.
    pub tolerated_failures: Option<u32>,
    /// Where a run recovers by acking: how long a tree has time.
    pub message_timeout: Option<Span>,
    /// How long the broker keeps a record; for good if absent.
    pub retention: Option<Span>,
    /// Whether the broker is asked to drop records.
    pub trims: bool,
    /// Whether checkpoints are to hold every record exactly once. Otherwise duplicates are allowed,
    /// and nothing else.
    pub exact: bool,
}

/// The judges of the control plane.
#[derive(Clone, Debug)]
pub(super) struct Control {
    settings: Settings,
    raft: Raft,
    linear: Linear,
    suspicions: Suspicions,
    owners: Owners,
    tolerance: Tolerance,
    queries: Queries,
    undecided: Option<String>,
}

impl Control {
    /// Nothing seen yet.
    pub(super) fn new(settings: Settings) -> Self {
        Control {
            raft: Raft::new(settings.coordinators.clone()),
            linear: Linear::default(),
            suspicions: Suspicions::default(),
            owners: Owners::default(),
            tolerance: Tolerance::default(),
            queries: Queries::default(),
            undecided: None,
            settings,
        }
    }

    /// Takes note of an observation.
    pub(super) fn observed(&mut self, seen: Witness, findings: &mut Findings) {
        match seen.what {
            Observation::Raft(_) => {
                self.raft.observed(seen, findings);
                self.suspicions.observed(&self.settings, seen, findings);
            }
            Observation::Applied { .. } => self.raft.observed(seen, findings),
            Observation::Suspected { .. } => {
                self.suspicions.observed(&self.settings, seen, findings);
            }
            Observation::Heard { .. } => {
                self.suspicions.observed(&self.settings, seen, findings);
                self.owners.observed(&self.settings, seen, findings);
            }
            Observation::Running { .. } => self.owners.observed(&self.settings, seen, findings),
            Observation::Granted { .. }
            | Observation::Queried { .. }
            | Observation::QueryAnswered { .. }
            | Observation::QueryRefused { .. } => self.queries.observed(seen, findings),
            Observation::Invoked { .. } | Observation::Responded { .. } => {
                self.linear.observed(seen, findings);
            }
            _ => self.tolerance.observed(&self.settings, seen, findings),
        }
    }

    /// The end of the run.
    pub(super) fn finish(&mut self, findings: &mut Findings) {
        self.undecided = self.linear.finish(findings);
    }

    /// What could not be judged.
    pub(super) fn undecided(&self) -> Option<&str> {
        self.undecided.as_deref()
    }
}
