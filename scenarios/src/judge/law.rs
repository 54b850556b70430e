//! The laws, and what a broken one looks like.
//!
//! Verifies: nothing by itself; it keeps the first violation of each law.
//! Does not verify: whether a violation is excused; that is the verdict's business.

use serde::ser::{Serialize, SerializeStruct, Serializer};
use stormglass_engine::observation::Observation;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

/// What a cluster that claims exactly-once promises.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Law {
    /// No record is left out.
    NoLoss,
    /// No record counts twice.
    NoDuplicate,
    /// Keyed state is what the bolts make of the input.
    StateEqualsOracle,
    /// Outputs are what the bolts make of the input.
    OutputEqualsOracle,
    /// Channels are first in, first out.
    LegalOrder,
    /// A checkpoint has what was sent before it and nothing else.
    ConsistentCut,
    /// Outputs wait for their checkpoint.
    VisibleOnlyWhenComplete,
    /// Old generations change nothing.
    Fencing,
    /// A restore takes the newest completed checkpoint.
    RestoreLatest,
    /// A term has at most one leader.
    ElectionSafety,
    /// A replica votes once in a term.
    OneVote,
    /// Logs that agree at a place agree before it.
    LogMatching,
    /// A leader has what was committed before its term.
    LeaderCompleteness,
    /// All replicas apply the same.
    StateMachineSafety,
    /// What is committed is durable.
    DurableQuorum,
    /// Memberships change one at a time.
    OneChange,
    /// Metadata behaves as one copy.
    Linearizable,
    /// Nobody is accused whose heartbeats arrive.
    FairSuspicion,
    /// A task has one owner.
    SingleOwner,
    /// A job is not given up without need.
    Tolerance,
    /// An answer about state is the owner's.
    CurrentAnswers,
    /// Trees are given their time.
    PatientSpout,
    /// What the faults allow is finished.
    Progress,
    /// Nobody panics.
    NoPanic,
}

impl Law {
    /// Every law.
    pub const ALL: [Law; 24] = [
        Law::NoLoss,
        Law::NoDuplicate,
        Law::StateEqualsOracle,
        Law::OutputEqualsOracle,
        Law::LegalOrder,
        Law::ConsistentCut,
        Law::VisibleOnlyWhenComplete,
        Law::Fencing,
        Law::RestoreLatest,
        Law::ElectionSafety,
        Law::OneVote,
        Law::LogMatching,
        Law::LeaderCompleteness,
        Law::StateMachineSafety,
        Law::DurableQuorum,
        Law::OneChange,
        Law::Linearizable,
        Law::FairSuspicion,
        Law::SingleOwner,
        Law::Tolerance,
        Law::CurrentAnswers,
        Law::PatientSpout,
        Law::Progress,
        Law::NoPanic,
    ];

    /// Kebab-case, as people type and read it.
    pub const fn name(self) -> &'static str {
        match self {
            Law::NoLoss => "no-loss",
            Law::NoDuplicate => "no-duplicate",
            Law::StateEqualsOracle => "state-equals-oracle",
            Law::OutputEqualsOracle => "output-equals-oracle",
            Law::LegalOrder => "legal-order",
            Law::ConsistentCut => "consistent-cut",
            Law::VisibleOnlyWhenComplete => "visible-only-when-complete",
            Law::Fencing => "fencing",
            Law::RestoreLatest => "restore-latest",
            Law::ElectionSafety => "election-safety",
            Law::OneVote => "one-vote",
            Law::LogMatching => "log-matching",
            Law::LeaderCompleteness => "leader-completeness",
            Law::StateMachineSafety => "state-machine-safety",
            Law::DurableQuorum => "durable-quorum",
            Law::OneChange => "one-change",
            Law::Linearizable => "linearizable",
            Law::FairSuspicion => "fair-suspicion",
            Law::SingleOwner => "single-owner",
            Law::Tolerance => "tolerance",
            Law::CurrentAnswers => "current-answers",
            Law::PatientSpout => "patient-spout",
            Law::Progress => "progress",
            Law::NoPanic => "no-panic",
        }
    }

    /// The law in one line.
    pub const fn statement(self) -> &'static str {
        match self {
            Law::NoLoss => "every record read before a completed checkpoint has its full effect",
            Law::NoDuplicate => "no record changes the same state or is published twice",
            Law::StateEqualsOracle => {
                "the state of a checkpoint is what the bolts make of its input"
            }
            Law::OutputEqualsOracle => "what is published is what the bolts make of the input",
            Law::LegalOrder => {
                "a channel is first in, first out: nothing missing, nothing invented"
            }
            Law::ConsistentCut => {
                "a completed checkpoint holds all that was sent before it and nothing else"
            }
            Law::VisibleOnlyWhenComplete => {
                "an output is visible only after its checkpoint completed"
            }
            Law::Fencing => "once a generation runs, nothing of an older one is accepted",
            Law::RestoreLatest => "every task restores the newest completed checkpoint, once",
            Law::ElectionSafety => "a term has at most one leader, and a quorum elected it",
            Law::OneVote => "a replica votes at most once in a term, whatever it forgot",
            Law::LogMatching => "logs with the same term at a place are the same up to there",
            Law::LeaderCompleteness => {
                "whoever is elected has every entry that was committed in an earlier term"
            }
            Law::StateMachineSafety => {
                "every replica applies the committed entries: the same, in order, each once"
            }
            Law::DurableQuorum => {
                "what a leader takes for committed is durable at a quorum of its membership"
            }
            Law::OneChange => {
                "a leader changes the membership when it has committed, one change at a time"
            }
            Law::Linearizable => "every answer fits one order of all operations on a register",
            Law::FairSuspicion => "no worker is accused while its heartbeats arrive in time",
            Law::SingleOwner => "a process without the current tasks soon stops claiming old ones",
            Law::Tolerance => {
                "the job fails over only when more checkpoints failed in a row than it tolerates"
            }
            Law::CurrentAnswers => {
                "an answer about state that claims to be current is its owner's at that moment"
            }
            Law::PatientSpout => "no record is given up before its message timeout is over",
            Law::NoPanic => "neither the engine nor a user's spouts and bolts panic",
            Law::Progress => "after the faults, what they allow is finished in bounded time",
        }
    }
}

/// An observation that matters to a violation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Witness {
    /// When it was made, in true time.
    pub at: Instant,
    /// Who made it.
    pub node: NodeId,
    /// What was seen.
    pub what: Observation,
}

impl Serialize for Witness {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Witness", 3)?;
        out.serialize_field("at_ns", &self.at.nanos())?;
        out.serialize_field("node", &self.node.to_string())?;
        out.serialize_field("what", &format!("{:?}", self.what))?;
        out.end()
    }
}

/// A broken law.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Violation {
    /// Which one.
    pub law: Law,
    /// One sentence that names the places.
    pub sentence: String,
    /// When the judge noticed, in true time.
    #[serde(rename = "at_ns", serialize_with = "nanos")]
    pub at: Instant,
    /// The few observations that matter, in order.
    pub events: Vec<Witness>,
}

fn nanos<S: Serializer>(at: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(at.nanos())
}

/// What the judges found: the first violation of each law, in the order of their discovery.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    violations: Vec<Violation>,
}

impl Findings {
    /// Keeps the violation unless its law was broken before.
    #[cold]
    pub(super) fn raise(&mut self, violation: Violation) {
        if !self.violations.iter().any(|known| known.law == violation.law) {
            self.violations.push(violation);
        }
    }
    /// Keeps a violation made of its parts.
    #[cold]
    pub(super) fn report(&mut self, law: Law, at: Instant, sentence: String, seen: &[Witness]) {
        self.raise(Violation { law, sentence, at, events: seen.to_vec() });
    }
    /// All of them.
    pub(super) fn all(&self) -> &[Violation] {
        &self.violations
    }
}

/// A count with separators: `4,311`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 tuple`, `3 tuples`.
pub(super) fn plural(n: u64, one: &str) -> String {
    format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" })
}
