//! Operations as they are written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use stormglass_sim::time::Span;

use crate::scenario::{Target, Time};
use crate::units::Quantity;

/// What is asked of the cluster while it runs: `at` says when, one of the other keys says what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Operation")]
pub(in crate::scenario) struct RawOperation {
    /// When: "30s", "20%..40%" of the input's duration, or "storm" for any time of the storm.
    pub at: Quantity<Time>,
    /// The operator gives up after this long, and goes on; it may be done all the same. Default: it
    /// asks until it is done.
    pub patience: Option<Quantity<Span>>,
    /// To run on another number of workers or executors.
    pub rebalance: Option<RawRebalance>,
    /// To do without a supervisor and its workers.
    pub leave: Option<RawWho>,
    /// To take in a supervisor, which is no part of the cluster before.
    pub join: Option<RawWho>,
    /// A savepoint: a checkpoint that its owner keeps.
    pub savepoint: Option<RawSavepoint>,
    /// To end the job with a savepoint.
    pub stop_with_savepoint: Option<RawSavepoint>,
    /// To hand leadership to another coordinator.
    pub transfer: Option<RawTransfer>,
    /// To change who takes part in decisions.
    pub coordinators: Option<RawCoordinators>,
}

/// Another number of workers or executors.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Rebalance")]
pub(in crate::scenario) struct RawRebalance {
    /// How many workers; as many as before if absent.
    pub workers: Option<u16>,
    /// How many executors by component; as many as before for the rest.
    #[serde(default)]
    pub executors: BTreeMap<String, u16>,
}

/// A supervisor.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Who")]
pub(in crate::scenario) struct RawWho {
    /// A supervisor with its number: "supervisor-3".
    pub who: Quantity<Target>,
}

/// A savepoint.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Savepoint")]
pub(in crate::scenario) struct RawSavepoint {}

/// Another leader, whoever can take over first.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Transfer")]
pub(in crate::scenario) struct RawTransfer {}

/// Who takes part in decisions: coordinators by number.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Coordinators")]
pub(in crate::scenario) struct RawCoordinators {
    /// Who votes.
    pub voters: Vec<u16>,
    /// Who only listens.
    #[serde(default)]
    pub learners: Vec<u16>,
}
