//! How sinks hand their records over, what the receiver allows, and what a run assumes of it.

use serde::Serialize;
use stormglass_engine::topology::{Delivery, Kind, Topology};
use stormglass_sim::time::Span;

use super::{Guarantee, Scenario};
use crate::problem::Problem;
use crate::units::{names, text};

names! {
    /// How a sink hands its records over.
    SinkKind, "a kind of sink", "kinds of sinks":
    /// In transactions that checkpoints end and their completions make visible.
    Transactional = "transactional",
    /// At once, each under its key: the last write of a key stands.
    Idempotent = "idempotent",
    /// At once; after a restore records come again.
    Plain = "plain",
}

impl SinkKind {
    /// What the engine calls it.
    pub(crate) const fn delivery(self) -> Delivery {
        match self {
            SinkKind::Transactional => Delivery::Transactional,
            SinkKind::Idempotent => Delivery::Idempotent,
            SinkKind::Plain => Delivery::Plain,
        }
    }
}

names! {
    /// Something that a run takes for granted: if it is not so, a loss that follows from it cannot
    /// be judged.
    Assumption, "an assumption", "assumptions":
    /// No outage is as long as the transaction timeout.
    OutageBelowTransactionTimeout = "outage-below-transaction-timeout",
}

/// The receiving side of the sinks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sink {
    /// The receiver throws a transaction away that is not committed so long after it began
    /// (15 min, the most that a Kafka broker allows unless it is told otherwise).
    #[serde(with = "text")]
    pub transaction_timeout: Span,
    /// CPU time that the receiver takes to accept a record (0).
    #[serde(with = "text", skip_serializing_if = "is_zero")]
    pub service: Span,
    /// The receiver rewrites its log without what is over when it has so many bytes (4 MiB).
    pub rewrite_after: u64,
}

fn is_zero(span: &Span) -> bool {
    span.is_zero()
}

impl Default for Sink {
    fn default() -> Self {
        Sink { transaction_timeout: Span::secs(900), service: Span::ZERO, rewrite_after: 4 << 20 }
    }
}

/// What must hold between these settings and the rest.
pub(super) fn check(scenario: &Scenario) -> Result<(), Problem> {
    if scenario.sink.transaction_timeout.is_zero() {
        let path = "sink.transaction-timeout";
        let problem = scenario.origin.problem(path, "the transaction-timeout is 0");
        return Err(problem.help("write a duration above zero, such as \"15m\""));
    }
    Ok(())
}

/// What must hold between the claim and the sinks of a topology: a plain sink cannot keep more than
/// at-least-once.
pub(super) fn check_claim(scenario: &Scenario, topology: &Topology) -> Result<(), Problem> {
    let is_plain = |kind: &Kind| matches!(kind, Kind::Sink(Delivery::Plain));
    let plain = topology.components().iter().find(|component| is_plain(&component.kind));
    let Some(sink) = plain.filter(|_| scenario.guarantee == Guarantee::ExactlyOnce) else {
        return Ok(());
    };
    let path = match scenario.topology.sinks.contains_key(sink.name.as_str()) {
        true => format!("topology.sinks.{}", sink.name),
        false => "guarantee".to_string(),
    };
    let message =
        format!("a plain sink such as `{}` cannot keep the claim of exactly-once", sink.name);
    let problem = scenario.origin.problem(&path, message);
    Err(problem.help("claim less: guarantee = \"at-least-once\""))
}
