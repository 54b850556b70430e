//! What a fault can wait for.

use stormglass_engine::observation::acking::Acking;
use stormglass_engine::observation::{Observation, Step};
use stormglass_engine::raft::Point;

use super::Role;
use crate::units::names;

mod subject;

pub(crate) use subject::{Named, Subject};

names! {
    /// What a fault can wait for: kinds of [`Observation`]. Those that begin with `raft-` are the
    /// points of the protocol: a crash of `it` there is exact, nothing that follows has happened.
    EventKind, "an event", "events":
    /// A task executed one input.
    Executed = "executed",
    /// A task took its part of a checkpoint.
    Cut = "cut",
    /// A task's barriers are on their way.
    BarrierSent = "barrier-sent",
    /// A task has the first barrier of a checkpoint, others are missing.
    Aligning = "aligning",
    /// A task's part of a checkpoint is on its way to the durable store.
    Uploading = "uploading",
    /// A sink was told that a checkpoint is complete.
    Notified = "notified",
    /// A task started with the state of a checkpoint, or with none.
    Restored = "restored",
    /// A worker process is up.
    WorkerStarted = "worker-started",
    /// The coordinator suspects a worker.
    Suspected = "suspected",
    /// A new generation was decided.
    Granted = "granted",
    /// Every task of a generation runs.
    Running = "running",
    /// A checkpoint was triggered.
    CheckpointTriggered = "checkpoint-triggered",
    /// The coordinator took a task's acknowledgement.
    CheckpointAcked = "checkpoint-acked",
    /// A checkpoint is complete.
    CheckpointCompleted = "checkpoint-completed",
    /// A checkpoint was given up.
    CheckpointAborted = "checkpoint-aborted",
    /// A generation is given up, for too many of its checkpoints failed.
    JobFailed = "job-failed",
    /// The job has ended with a savepoint.
    Stopped = "stopped",
    /// No store has a sound copy of all files of a checkpoint.
    CheckpointUnreadable = "checkpoint-unreadable",
    /// A service learnt of a new generation.
    Fenced = "fenced",
    /// A sink task's transaction is durable at the receiver.
    PreCommitted = "pre-committed",
    /// An output became visible.
    Published = "published",
    /// A transaction timed out at the receiver.
    TransactionExpired = "transaction-expired",
    /// The checkpoint spout goes on to a state of a transaction.
    Stepped = "stepped",
    /// A keyed task prepares a transaction, starts with what one left, or rolls one back.
    Versioned = "versioned",
    /// A service refused an older generation.
    Refused = "refused",
    /// A worker found that its generation is over, and ends itself.
    ZombieExit = "zombie-exit",
    /// A coordinator has read its disk.
    RaftRecovered = "raft-recovered",
    /// A coordinator stands for election; its own vote is not durable yet.
    RaftCampaigned = "raft-campaigned",
    /// A coordinator granted its vote to another; it is not durable yet.
    RaftVoteGranted = "raft-vote-granted",
    /// A quorum voted for a coordinator; it has told nobody yet.
    RaftElected = "raft-elected",
    /// A coordinator does not lead any more.
    RaftSteppedDown = "raft-stepped-down",
    /// An entry is in a coordinator's log; it is not durable yet.
    RaftAppended = "raft-appended",
    /// Entries are gone from a coordinator's log.
    RaftTruncated = "raft-truncated",
    /// A coordinator's log is durable up to some entry; nobody is told yet.
    RaftPersisted = "raft-persisted",
    /// A coordinator learnt that entries are committed; none of them is applied yet.
    RaftCommitted = "raft-committed",
    /// A membership is in force at a coordinator.
    RaftMembershipChanged = "raft-membership-changed",
    /// A coordinator's log was replaced by a snapshot of its own.
    RaftCompacted = "raft-compacted",
    /// A leader begins to send a snapshot.
    RaftSnapshotSent = "raft-snapshot-sent",
    /// A leader's snapshot replaced a coordinator's log; it is not durable yet.
    RaftSnapshotInstalled = "raft-snapshot-installed",
    /// A leader hands leadership to another.
    RaftTransferBegan = "raft-transfer-began",
    /// A coordinator applies an entry of the log.
    Applied = "applied",
    /// A new leader takes up its duties.
    Leads = "leads",
    /// The leader took a worker's heartbeat.
    Heard = "heard",
    /// A client asks something of the metadata.
    Invoked = "invoked",
    /// A client has its answer.
    Responded = "responded",
}

impl EventKind {
    /// The kind of an observation, if faults can wait for it.
    #[inline]
    pub const fn of(observation: &Observation) -> Option<EventKind> {
        Some(match observation {
            Observation::Executed { .. } => EventKind::Executed,
            Observation::Cut { .. } => EventKind::Cut,
            Observation::Stepped { step, .. } => match step {
                Step::BarrierSent => EventKind::BarrierSent,
                Step::Aligning => EventKind::Aligning,
                Step::Uploading => EventKind::Uploading,
                Step::Notified => EventKind::Notified,
            },
            Observation::Restored { .. } => EventKind::Restored,
            Observation::WorkerStarted { .. } => EventKind::WorkerStarted,
            Observation::Suspected { .. } => EventKind::Suspected,
            Observation::Granted { .. } => EventKind::Granted,
            Observation::Running { .. } => EventKind::Running,
            Observation::CheckpointTriggered { .. } => EventKind::CheckpointTriggered,
            Observation::CheckpointAcked { .. } => EventKind::CheckpointAcked,
            Observation::CheckpointCompleted { .. } => EventKind::CheckpointCompleted,
            Observation::CheckpointAborted { .. } => EventKind::CheckpointAborted,
            Observation::JobFailed { .. } => EventKind::JobFailed,
            Observation::Stopped { .. } => EventKind::Stopped,
            Observation::CheckpointUnreadable { .. } => EventKind::CheckpointUnreadable,
            Observation::Fenced { .. } => EventKind::Fenced,
            Observation::PreCommitted { .. } => EventKind::PreCommitted,
            Observation::Published { .. } => EventKind::Published,
            Observation::TransactionExpired { .. } => EventKind::TransactionExpired,
            Observation::Acking(Acking::Stepped { .. }) => EventKind::Stepped,
            Observation::Acking(Acking::Versioned { .. }) => EventKind::Versioned,
            Observation::Refused { .. } => EventKind::Refused,
            Observation::ZombieExit { .. } => EventKind::ZombieExit,
            Observation::Raft(point) => EventKind::of_point(point),
            Observation::Applied { .. } => EventKind::Applied,
            Observation::Leads { .. } => EventKind::Leads,
            Observation::Heard { .. } => EventKind::Heard,
            Observation::Invoked { .. } => EventKind::Invoked,
            Observation::Responded { .. } => EventKind::Responded,
            _ => return None,
        })
    }

    const fn of_point(point: &Point) -> EventKind {
        match point {
            Point::Recovered { .. } => EventKind::RaftRecovered,
            Point::Campaigned { .. } => EventKind::RaftCampaigned,
            Point::VoteGranted { .. } => EventKind::RaftVoteGranted,
            Point::Elected { .. } => EventKind::RaftElected,
            Point::SteppedDown { .. } => EventKind::RaftSteppedDown,
            Point::Appended { .. } => EventKind::RaftAppended,
            Point::Truncated { .. } => EventKind::RaftTruncated,
            Point::Persisted { .. } => EventKind::RaftPersisted,
            Point::Committed { .. } => EventKind::RaftCommitted,
            Point::MembershipChanged { .. } => EventKind::RaftMembershipChanged,
            Point::Compacted { .. } => EventKind::RaftCompacted,
            Point::SnapshotSent { .. } => EventKind::RaftSnapshotSent,
            Point::SnapshotInstalled { .. } => EventKind::RaftSnapshotInstalled,
            Point::TransferBegan { .. } => EventKind::RaftTransferBegan,
        }
    }

    /// The role of whoever makes such an observation. Services have much in common: a broker stands
    /// for all of them.
    pub const fn role(self) -> Role {
        match self {
            EventKind::Executed
            | EventKind::Cut
            | EventKind::BarrierSent
            | EventKind::Aligning
            | EventKind::Uploading
            | EventKind::Notified
            | EventKind::Restored
            | EventKind::WorkerStarted
            | EventKind::Versioned
            | EventKind::ZombieExit => Role::Worker,
            EventKind::Fenced
            | EventKind::Refused
            | EventKind::PreCommitted
            | EventKind::TransactionExpired
            | EventKind::Published => Role::Broker,
            EventKind::Invoked | EventKind::Responded => Role::Client,
            _ => Role::Coordinator,
        }
    }
}
