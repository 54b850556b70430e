//! Moment: how far the protocols of the engine have come at a moment.
//!
//! Four of them go on side by side, each in one phase at a time: a [`Protocol`] is a machine, a
//! [`Phase`] one of its states, [`Moment`] the product. What a phase is follows from what has been
//! observed, and from which faults have struck; the engine is never asked.

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::units::names;

names! {
    /// What goes on side by side with the others.
    Protocol, "a protocol", "protocols":
    /// From the trigger of a checkpoint to the last sink that is told of its completion. Of
    /// several under way, the newest.
    Checkpoint = "checkpoint",
    /// The transactions of all sinks.
    Sink = "sink",
    /// The job: from a failure to the moment at which it has caught up.
    Recovery = "recovery",
    /// Who leads the coordinators.
    Leadership = "leadership",
}

names! {
    /// A state of a [`Protocol`].
    Phase, "a phase", "phases":
    /// No checkpoint is under way.
    BetweenCheckpoints = "between-checkpoints",
    /// The coordinator has triggered a checkpoint; no task has taken its part.
    Triggered = "triggered",
    /// Some tasks have taken their part, others have not seen a barrier.
    BarriersTravelling = "barriers-travelling",
    /// A task has one barrier and waits for others.
    Aligning = "aligning",
    /// Every task has taken its part; less than half of them are acknowledged.
    Uploading = "uploading",
    /// Half of the parts are acknowledged, or more.
    HalfAcknowledged = "half-acknowledged",
    /// Every part is acknowledged; completion is not decided.
    AllAcknowledged = "all-acknowledged",
    /// Completion is decided; some sink has not been told.
    CompletedNotNotified = "completed-not-notified",

    /// No sink has a transaction that is pre-committed and not visible.
    SinksOpen = "sinks-open",
    /// A sink's transaction is pre-committed; its checkpoint is not complete.
    PreCommitted = "pre-committed",
    /// A transaction's checkpoint is complete; readers do not see the transaction.
    Committing = "committing",

    /// Every task runs, and no outage is to be made up for.
    Running = "running",
    /// The first generation gets its tasks; none was before it.
    Deployment = "deployment",
    /// A generation gets its tasks in the place of one that had not failed.
    Rescale = "rescale",
    /// A process that runs tasks was silenced by a fault; nobody is suspected.
    Detection = "detection",
    /// A worker is suspected, or the generation was given up; the next one is not decided.
    Decision = "decision",
    /// A new generation is decided; some task does not run with restored state.
    Restore = "restore",
    /// Sources have not passed the offsets that they had at the fault.
    Replay = "replay",
    /// The lag is not back at what it is in calm times.
    CatchUp = "catch-up",
    /// The job has ended with a savepoint.
    JobEnded = "job-ended",

    /// Nobody leads, or somebody stands for a newer term.
    Election = "election",
    /// A coordinator has a quorum's votes, and has not taken up its duties.
    ElectedNotServing = "elected-not-serving",
    /// A leader serves.
    Serving = "serving",
    /// The leader hands leadership over.
    Transferring = "transferring",
    /// A joint membership is in force.
    MembershipChange = "membership-change",
    /// The leader sends a snapshot to a coordinator that has not installed it.
    SendingSnapshot = "sending-snapshot",
}

impl Phase {
    /// The protocol whose phase it is.
    pub const fn protocol(self) -> Protocol {
        match self {
            Phase::BetweenCheckpoints
            | Phase::Triggered
            | Phase::BarriersTravelling
            | Phase::Aligning
            | Phase::Uploading
            | Phase::HalfAcknowledged
            | Phase::AllAcknowledged
            | Phase::CompletedNotNotified => Protocol::Checkpoint,
            Phase::SinksOpen | Phase::PreCommitted | Phase::Committing => Protocol::Sink,
            Phase::Running
            | Phase::Deployment
            | Phase::Rescale
            | Phase::Detection
            | Phase::Decision
            | Phase::Restore
            | Phase::Replay
            | Phase::CatchUp
            | Phase::JobEnded => Protocol::Recovery,
            Phase::Election
            | Phase::ElectedNotServing
            | Phase::Serving
            | Phase::Transferring
            | Phase::MembershipChange
            | Phase::SendingSnapshot => Protocol::Leadership,
        }
    }
}

/// The phase of each [`Protocol`] at a moment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Moment([Phase; Protocol::ALL.len()]);

impl Moment {
    /// The phases of a run at its very beginning.
    pub const FIRST: Moment =
        Moment([Phase::BetweenCheckpoints, Phase::SinksOpen, Phase::Deployment, Phase::Election]);

    /// The phase of a protocol.
    pub const fn of(self, protocol: Protocol) -> Phase {
        self.0[protocol as usize]
    }
    /// Whether a protocol is in this phase.
    pub fn are(self, phase: Phase) -> bool {
        self.of(phase.protocol()) == phase
    }
    /// The phase of each protocol, in their order.
    pub const fn all(self) -> [Phase; Protocol::ALL.len()] {
        self.0
    }
    /// The same with a protocol in another phase.
    #[must_use]
    pub(crate) fn with(mut self, phase: Phase) -> Moment {
        self.0[phase.protocol() as usize] = phase;
        self
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.map(Phase::name).join(", "))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for phase in self.0 {
            map.serialize_entry(phase.protocol().name(), phase.name())?;
        }
        map.end()
    }
}

names! {
    /// The part that a process plays at a moment: its role, and of a coordinator who it is among
    /// them.
    Part, "a part", "parts":
    /// The coordinator that leads.
    Leader = "leader",
    /// A coordinator that does not lead.
    Follower = "follower",
    /// A coordinator that stands for election, or was elected and does not serve yet.
    Candidate = "candidate",
    /// A worker.
    Worker = "worker",
    /// A supervisor.
    Supervisor = "supervisor",
    /// The log broker.
    Broker = "broker",
    /// A store of checkpoints.
    Store = "store",
    /// The receiver of the sinks.
    Receiver = "receiver",
    /// A client of the metadata.
    Client = "client",
    /// The operator.
    Operator = "operator",
    /// A query client.
    QueryClient = "query-client",
}
