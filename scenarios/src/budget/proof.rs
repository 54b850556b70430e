//! Proofs that something is gone for good: what the budget does not promise any more, and why.
//!
//! A proof names every copy with the fault that destroyed it; whoever is shown one checks it
//! against what he knows of the cluster ([`Proof`]'s parts are all there is to check).

use std::fmt;

use serde::{Serialize, Serializer};
use stormglass_sim::fault::DamageKind;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

/// The file in which a coordinator keeps what it has promised.
pub const COORDINATOR_LOG: &str = "coordinator/raft.log";
/// The file in which the receiver keeps what sinks handed over.
pub const RECEIVER_LOG: &str = "receiver/transactions.log";

/// A copy that a fault destroyed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Destroyed {
    /// Whose it was.
    #[serde(skip)]
    pub node: NodeId,
    /// The same as people name it: `store-2`.
    pub who: String,
    /// Its file.
    pub file: String,
    /// What happened to it.
    #[serde(serialize_with = "how")]
    pub how: DamageKind,
    /// When.
    #[serde(rename = "at_ns", serialize_with = "instant")]
    pub at: Instant,
    /// The number of the fault in the plan, counted from 1; none if it is not known which.
    pub fault: Option<usize>,
}

/// Something that cannot be had any more.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "gone")]
pub enum Proof {
    /// So many coordinators are out for good that those left are no quorum.
    Quorum {
        /// How many vote.
        voters: usize,
        /// Who is out, with its log.
        logs: Vec<Destroyed>,
    },
    /// No store has a sound copy of a file that a completed checkpoint needs.
    Checkpoint {
        /// Which.
        checkpoint: u32,
        /// The file.
        file: String,
        /// The stores that had it.
        #[serde(skip)]
        holders: Vec<NodeId>,
        /// What became of their copies.
        copies: Vec<Destroyed>,
    },
    /// What sinks had handed over to the receiver and nobody had read was nowhere else.
    Outputs {
        /// The receiver's log.
        log: Destroyed,
    },
    /// Nobody came to commit a transaction before it timed out, though the run assumes that
    /// somebody does.
    Assumption {
        /// How long that took.
        #[serde(rename = "outage_ns", serialize_with = "span")]
        outage: Span,
        /// The transaction timeout.
        #[serde(rename = "timeout_ns", serialize_with = "span")]
        timeout: Span,
    },
}

/// How many of so many voters decide.
pub const fn quorum(voters: usize) -> usize {
    voters / 2 + 1
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proof::Quorum { voters, logs } => {
                let (gone, needed) = (logs.len(), quorum(*voters));
                write!(
                    f,
                    "{gone} of {voters} coordinators are out for good, and {needed} are needed to \
                     decide: "
                )?;
                listed(f, logs)
            }
            Proof::Checkpoint { checkpoint, file, copies, .. } => {
                write!(f, "checkpoint {checkpoint} needs {file}, and no store has it: ")?;
                listed(f, copies)
            }
            Proof::Outputs { log } => {
                write!(f, "what nobody had read yet was in {} alone: ", log.file)?;
                listed(f, std::slice::from_ref(log))
            }
            Proof::Assumption { outage, timeout } => write!(
                f,
                "an outage of {} is not below the transaction timeout of {timeout}",
                millis(*outage)
            ),
        }
    }
}

fn listed(f: &mut fmt::Formatter<'_>, copies: &[Destroyed]) -> fmt::Result {
    for (number, copy) in copies.iter().enumerate() {
        let comma = if number > 0 { ", " } else { "" };
        write!(f, "{comma}{copy}")?;
    }
    Ok(())
}

impl fmt::Display for Destroyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Destroyed { who, how, at, fault, .. } = self;
        let (how, at) = (words(*how), millis(at.since(Instant::ZERO)));
        write!(f, "that of {who} {how} at {at}")?;
        match fault {
            Some(fault) => write!(f, " (fault {fault})"),
            None => Ok(()),
        }
    }
}

/// A duration to the millisecond.
fn millis(span: Span) -> Span {
    Span::millis((span.as_nanos() + 500_000) / 1_000_000)
}

const fn words(how: DamageKind) -> &'static str {
    match how {
        DamageKind::Rotted => "rotted",
        DamageKind::Overwritten => "was overwritten",
        DamageKind::NeverWritten => "was never written",
        DamageKind::NeverSynced => "was never synced",
        DamageKind::Wiped => "was wiped",
    }
}

fn how<S: Serializer>(how: &DamageKind, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(match how {
        DamageKind::Rotted => "rotted",
        DamageKind::Overwritten => "overwritten",
        DamageKind::NeverWritten => "never-written",
        DamageKind::NeverSynced => "never-synced",
        DamageKind::Wiped => "wiped",
    })
}
fn instant<S: Serializer>(at: &Instant, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(at.nanos())
}
fn span<S: Serializer>(span: &Span, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(span.as_nanos())
}
