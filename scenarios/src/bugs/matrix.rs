//! The matrix: every planted bug, where it comes from, and who must notice.
//!
//! Sources are issues and commits of the systems that had the bug, or the section of Ongaro's
//! dissertation whose rule it breaks.

use stormglass_engine::names::Twist;

use super::{Bug, Checker, Plant};
use crate::judge::law::Law;

/// A bug in the engine: its name and place, its source, its story.
const fn bug(name: &'static str, twist: Twist, source: &'static str, story: &'static str) -> Bug {
    let plant = Plant::Twist(twist);
    let (scenario, checker) = ("", Checker::Laws(&[]));
    Bug { name, source, story, plant, scenario, settings: &[], checker, harmless: None }
}

impl Bug {
    /// Where it is looked for, and the laws of which one must be the first to break.
    const fn breaks(self, scenario: &'static str, laws: &'static [Law]) -> Bug {
        Bug { scenario, checker: Checker::Laws(laws), ..self }
    }
    /// What is laid over the scenario.
    const fn with(self, settings: &'static [&'static str]) -> Bug {
        Bug { settings, ..self }
    }
    const fn harmless(self, why: &'static str) -> Bug {
        Bug { harmless: Some(why), ..self }
    }
}

/// Files are shared between checkpoints, and one checkpoint is kept.
const INCREMENTS: &[&str] = &[
    "state.backend=file",
    "state.incremental=true",
    "checkpoint.retained=1",
    "input.words.vocabulary=2000",
];

pub(super) const ROWS: &[Bug] = &[
    bug(
        "visible-before-complete",
        Twist::VisibleBeforeComplete,
        "a two-phase commit without its second phase",
        "the receiver shows a transaction when it is pre-committed",
    )
    .breaks("flight-delays", &[Law::VisibleOnlyWhenComplete]),
    bug(
        "restore-one-too-far",
        Twist::RestoreOneTooFar,
        "off by one at a restore",
        "a source resumes one record after the restored position",
    )
    .breaks("flight-delays", &[Law::NoLoss, Law::LegalOrder]),
    bug(
        "local-state-unchecked",
        Twist::LocalStateUnchecked,
        "KAFKA-7192",
        "a task starts with what its machine's disk has of it, newer than the checkpoint or not",
    )
    .breaks("power", &[Law::StateEqualsOracle])
    .with(&["state.backend=log"]),
    bug(
        "local-path-shared",
        Twist::LocalPathShared,
        "FLINK-12296",
        "the tasks of a component share a place on their machine's disk: the second one to start \
         there replaces what the first one keeps",
    )
    .breaks("power", &[Law::StateEqualsOracle]),
    bug(
        "zombie-accepted",
        Twist::ZombieAccepted,
        "a fence left open",
        "broker, store and receiver serve workers of an older generation",
    )
    .breaks("flight-delays", &[Law::Fencing]),
    Bug {
        name: "shared-counter",
        source: "a user's mistake",
        story: "a bolt shares a counter between its clones, behind the world's back",
        plant: Plant::Topology("shared-counter"),
        scenario: "word-count",
        settings: &[],
        checker: Checker::CheckFork,
        harmless: None,
    },
    bug(
        "in-flight-not-persisted",
        Twist::InFlightNotPersisted,
        "an unaligned checkpoint without its channels",
        "what waits for a task when a barrier overtakes it is left out of the checkpoint",
    )
    .breaks("overtaken", &[Law::ConsistentCut]),
    bug(
        "in-flight-behind",
        Twist::InFlightBehind,
        "a restore that does not wait for its channels",
        "what was in flight is executed behind what newly arrives",
    )
    .breaks("overtaken", &[Law::LegalOrder]),
    bug(
        "late-barrier-ends-persisting",
        Twist::LateBarrierEndsPersisting,
        "FLINK-20654, FLINK-20645",
        "the late barrier of a checkpoint that was given up ends the persisting of its channel",
    )
    .breaks("overtaken", &[Law::ConsistentCut]),
    bug(
        "stale-tasks-kept",
        Twist::StaleTasksKept,
        "STORM-3655",
        "a worker does not look whether its tasks are still its own",
    )
    .breaks("owners", &[Law::SingleOwner]),
    bug(
        "unreadable-forgotten",
        Twist::UnreadableForgotten,
        "FLINK-7783",
        "a checkpoint that cannot be read while the store is away is forgotten for good",
    )
    .breaks("unreadable", &[Law::RestoreLatest]),
    bug(
        "unknown-outcome-deleted",
        Twist::UnknownOutcomeDeleted,
        "FLINK-22494",
        "a completion of unknown outcome is taken for a failure, and its files are deleted",
    )
    .breaks("unknown", &[Law::RestoreLatest]),
    bug(
        "operator-state-lost",
        Twist::OperatorStateLost,
        "an operator that restores keyed state alone",
        "a task does not read its operator and broadcast state back at a restore",
    )
    .breaks("states", &[Law::StateEqualsOracle, Law::LegalOrder, Law::ConsistentCut]),
    bug(
        "ttl-ignored",
        Twist::TtlIgnored,
        "a time-to-live that only cleans up",
        "what has expired is still returned",
    )
    .breaks("states", &[Law::StateEqualsOracle]),
    bug(
        "heartbeat-by-second",
        Twist::HeartbeatBySecond,
        "storm#8419",
        "a heartbeat counts only if its second differs from that of the last one",
    )
    .breaks("owners", &[Law::FairSuspicion]),
    bug(
        "acknowledged-by-any-attempt",
        Twist::AcknowledgedByAnyAttempt,
        "a name without its attempt",
        "a checkpoint goes on in a new generation, and acknowledgements of the old one complete it",
    )
    .breaks("acks", &[Law::Fencing, Law::ConsistentCut]),
    bug(
        "any-reason-counts",
        Twist::AnyReasonCounts,
        "Flink's CheckpointFailureManager",
        "savepoints that fail count against the job",
    )
    .breaks("savepoints", &[Law::Tolerance]),
    bug(
        "savepoint-subsumes",
        Twist::SavepointSubsumes,
        "FLINK-21351",
        "a savepoint takes the place of the last checkpoint, whose files are deleted, though tasks \
         build on them",
    )
    .breaks("savepoints", &[Law::Progress, Law::RestoreLatest])
    .with(INCREMENTS),
    bug(
        "file-name-reused",
        Twist::FileNameReused,
        "FLINK-29095",
        "the name of an increment leaves out the attempt, and of two with one name the older is \
         kept",
    )
    .breaks("increments", &[Law::StateEqualsOracle, Law::RestoreLatest]),
    bug(
        "discard-outlives-restart",
        Twist::DiscardOutlivesRestart,
        "FLINK-7268",
        "a checkpoint that is given up at a restart gives back its references after it, though \
         what was restored counts on them",
    )
    .breaks("increments", &[Law::Progress, Law::RestoreLatest]),
    bug(
        "savepoint-not-restored",
        Twist::SavepointNotRestored,
        "FLINK-10354",
        "a savepoint is not restored from, though sinks commit on it",
    )
    .breaks("savepoints", &[Law::VisibleOnlyWhenComplete, Law::RestoreLatest]),
    bug(
        "deposed-cleans-up",
        Twist::DeposedCleansUp,
        "FLINK-25486",
        "a coordinator that does not lead any more deletes the checkpoints that it knows",
    )
    .breaks("deposed", &[Law::RestoreLatest, Law::Progress]),
    bug(
        "query-unconfirmed",
        Twist::QueryUnconfirmed,
        "a cached owner",
        "a query client takes an owner's word without asking whether it still is the owner",
    )
    .breaks("queries", &[Law::CurrentAnswers]),
    bug(
        "retry-applied-twice",
        Twist::RetryAppliedTwice,
        "dissertation 6.3",
        "a client's retry is applied again",
    )
    .breaks("retries", &[Law::Linearizable]),
    bug(
        "committable-forgotten",
        Twist::CommittableForgotten,
        "FLINK-23896",
        "a sink forgets a transaction on any answer to its commit",
    )
    .breaks("handover", &[Law::NoLoss, Law::Progress]),
    bug(
        "notify-precondition",
        Twist::NotifyPrecondition,
        "FLINK-10377",
        "a sink fails if it is told of a completion and has nothing to commit",
    )
    .breaks("handover", &[Law::Progress]),
    bug(
        "aborted-with-checkpoint",
        Twist::AbortedWithCheckpoint,
        "TwoPhaseCommitSinkFunction: a notification of an abort is no reason to abort",
        "a sink drops the transaction of a checkpoint that is given up",
    )
    .breaks("handover", &[Law::NoLoss, Law::Progress]),
    bug(
        "expired-unfenced",
        Twist::ExpiredUnfenced,
        "KAFKA-6119",
        "a transaction times out, and its writer may go on writing to it",
    )
    .breaks("paused-writer", &[Law::NoLoss, Law::OutputEqualsOracle, Law::Progress]),
    bug(
        "flush-not-awaited",
        Twist::FlushNotAwaited,
        "FlinkKafkaProducer: setFlushOnCheckpoint(false)",
        "a sink acknowledges a checkpoint before the receiver has what came before it",
    )
    .breaks("handover", &[Law::NoLoss])
    .with(&["topology.sinks.publish=plain", "guarantee=at-least-once"]),
    bug(
        "tick-per-task",
        Twist::TickPerTask,
        "STORM-3693",
        "an executor's tick turns the timers of its source tasks once for each of them",
    )
    .breaks("trees", &[Law::PatientSpout]),
    bug(
        "ack-on-prepare",
        Twist::AckOnPrepare,
        "the documentation of Storm's state",
        "a stateful bolt acks its inputs when they are prepared, not when they are committed",
    )
    .breaks("trees", &[Law::NoLoss]),
    bug(
        "rollback-keeps-prepared",
        Twist::RollbackKeepsPrepared,
        "Storm's rules of a key-value state",
        "a rollback keeps what was prepared",
    )
    .breaks("trees", &[Law::RestoreLatest]),
    bug(
        "cap-blocks-retries",
        Twist::CapBlocksRetries,
        "STORM-2343",
        "a cap on records under way blocks those that wait to be read again, too",
    )
    .breaks("trees", &[Law::Progress]),
    bug(
        "raft-vote-unchecked",
        Twist::RaftVoteUnchecked,
        "dissertation 3.6.1",
        "a vote is granted whatever the candidate's log",
    )
    .breaks("points", &[Law::LeaderCompleteness]),
    bug(
        "raft-vote-not-synced",
        Twist::RaftVoteNotSynced,
        "dissertation 3.8",
        "a vote is told before it is durable",
    )
    .breaks("votes", &[Law::OneVote, Law::ElectionSafety]),
    bug(
        "raft-vote-kept",
        Twist::RaftVoteKept,
        "dissertation 3.4",
        "a vote is kept in later terms, until nobody can win",
    )
    .breaks("votes", &[Law::Progress, Law::ElectionSafety]),
    bug(
        "raft-truncate-always",
        Twist::RaftTruncateAlways,
        "hashicorp/raft 0f31a01",
        "every append cuts the log behind it, conflict or not",
    )
    .breaks("flow", &[Law::StateMachineSafety, Law::DurableQuorum, Law::Progress]),
    bug(
        "raft-ack-before-sync",
        Twist::RaftAckBeforeSync,
        "dissertation 3.8",
        "entries are acknowledged before they are durable",
    )
    .breaks("points", &[Law::DurableQuorum]),
    bug(
        "raft-self-ack",
        Twist::RaftSelfAck,
        "etcd#14370",
        "a leader counts its own entries as durable when they are proposed",
    )
    .breaks("retries", &[Law::DurableQuorum])
    .with(&["cluster.coordinators=1"]),
    bug(
        "raft-commit-by-counting",
        Twist::RaftCommitByCounting,
        "Raft paper, figure 8",
        "entries of older terms are committed by counting replicas",
    )
    .breaks("figure-eight", &[Law::LeaderCompleteness, Law::StateMachineSafety]),
    bug(
        "raft-commit-unmatched",
        Twist::RaftCommitUnmatched,
        "dissertation 3.5",
        "a follower commits past the newest entry that it has matched",
    )
    .breaks("points", &[Law::StateMachineSafety]),
    bug(
        "raft-quorum-even",
        Twist::RaftQuorumEven,
        "hashicorp/raft 163a55f",
        "the quorum of an even number of voters is half of them",
    )
    .breaks("even", &[Law::DurableQuorum, Law::ElectionSafety]),
    bug(
        "raft-membership-late",
        Twist::RaftMembershipLate,
        "dissertation 4.1",
        "a membership is in force only once it is committed",
    )
    .breaks("membership", &[Law::DurableQuorum]),
    bug(
        "raft-membership-unguarded",
        Twist::RaftMembershipUnguarded,
        "raft-dev, July 2015",
        "membership changes before the leader has committed in its term, or during a change",
    )
    .breaks("membership", &[Law::OneChange]),
    bug(
        "raft-transfer-unchecked",
        Twist::RaftTransferUnchecked,
        "etcd raft#12134, #12163",
        "leadership moves to a replica that has not applied a change of membership",
    )
    .breaks("membership", &[Law::ElectionSafety]),
    bug(
        "raft-read-before-own-term",
        Twist::RaftReadBeforeOwnTerm,
        "etcd#7331",
        "reads are served before the leader has committed in its term",
    )
    .breaks("reads", &[Law::Linearizable]),
    bug(
        "raft-read-without-quorum",
        Twist::RaftReadWithoutQuorum,
        "dissertation 6.4",
        "reads are served without asking a quorum whether one still leads",
    )
    .breaks("lease", &[Law::Linearizable])
    .with(&["raft.lease=false"]),
    bug(
        "raft-read-retry",
        Twist::RaftReadRetry,
        "etcd#20418",
        "a retried read keeps the index of its first attempt",
    )
    .breaks("lease", &[Law::Linearizable])
    .with(&["raft.lease=false"])
    .harmless(
        "all attempts of a client are one operation, and the first one's answer is right \
         for it; a caller that tells them apart is misled, as the engine's test `raft_laws` does",
    ),
    bug(
        "raft-lease-unbounded",
        Twist::RaftLeaseUnbounded,
        "dissertation 6.4.1",
        "a lease takes no account of the bound on clocks",
    )
    .breaks("lease", &[Law::Linearizable]),
    bug(
        "raft-inflight-leak",
        Twist::RaftInflightLeak,
        "etcd raft e419ba5",
        "the count of bytes under way is not reset with that of messages",
    )
    .breaks("flow", &[Law::Progress]),
    bug(
        "raft-vote-lost-on-compaction",
        Twist::RaftVoteLostOnCompaction,
        "redisraft 46a6ad0",
        "term and vote are reset when the log's file is rewritten",
    )
    .breaks("votes", &[Law::OneVote, Law::ElectionSafety]),
    bug(
        "fetched-offset-unchecked",
        Twist::FetchedOffsetUnchecked,
        "a consumer that trusts its broker: answers begin with the batch that holds the offset",
        "a source takes whatever records the broker answers with for those that it asked for",
    )
    .breaks("input", &[Law::LegalOrder, Law::ConsistentCut, Law::NoDuplicate]),
    bug(
        "offset-reset-silent",
        Twist::OffsetResetSilent,
        "Kafka's auto.offset.reset=earliest",
        "a source whose next record is gone goes on with the earliest that is there",
    )
    .breaks("input", &[Law::NoLoss, Law::LegalOrder, Law::ConsistentCut])
    .with(&["input.retention=3s", "fault.1.crash.down=6s"]),
    bug(
        "published-twice",
        Twist::PublishedTwice,
        "KIP-98: a producer without sequence numbers",
        "the broker appends a record again that is published again",
    )
    .breaks("input", &[Law::LegalOrder, Law::StateEqualsOracle, Law::OutputEqualsOracle]),
    bug(
        "sink-window-ignored",
        Twist::SinkWindowIgnored,
        "a sink without back-pressure",
        "a sink sends on whether or not the receiver has taken what it sent before",
    )
    .breaks("storm", &[Law::Progress])
    .harmless("it costs memory and nothing else: `data_plane` looks at how much waits"),
];
