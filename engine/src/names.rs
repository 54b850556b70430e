//! Closed sets of names: rare situations worth marking, bugs that may be planted, and places at
//! which memory is asked for.

use stormglass_sim::node::Name;

macro_rules! names {
    ($(#[$doc:meta])* $set:ident { $($(#[$line:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum $set { $($(#[$line])* $variant,)* }
        impl Name for $set {
            const ALL: &'static [Self] = &[$($set::$variant,)*];
            fn index(self) -> usize {
                self as usize
            }
            fn name(self) -> &'static str {
                match self { $($set::$variant => $text,)* }
            }
        }
    };
}

names! {
    /// Rare situations. A campaign lists how often each was reached.
    Probe {
        /// A barrier arrived while the same task still aligned an older checkpoint.
        BarrierOvertook = "barrier-overtook",
        /// A batch waited for its channel's alignment.
        AlignmentBlocked = "alignment-blocked",
        /// A channel ran out of credits.
        CreditExhausted = "credit-exhausted",
        /// A checkpoint was acknowledged by an attempt that is over.
        LateAcknowledgement = "late-acknowledgement",
        /// A completion was proposed but a newer generation was applied first.
        CompletionOvertaken = "completion-overtaken",
        /// A resource refused a stale generation.
        ZombieRefused = "zombie-refused",
        /// A worker ended itself because its generation is over.
        ZombieExit = "zombie-exit",
        /// A restore committed a transaction whose completion notice had been lost.
        CommitRecovered = "commit-recovered",
        /// A restore aborted transactions of an older generation.
        TransactionsAborted = "transactions-aborted",
        /// A worker failed while a generation was being deployed.
        FailedWhileDeploying = "failed-while-deploying",
        /// A new coordinator took over a running generation without restarting it.
        GenerationAdopted = "generation-adopted",
        /// A checkpoint expired.
        CheckpointExpired = "checkpoint-expired",
        /// A checkpoint completed while an older one was under way.
        CheckpointSubsumed = "checkpoint-subsumed",
        /// A task could not take part in a checkpoint.
        CheckpointDeclined = "checkpoint-declined",
        /// A barrier came of a checkpoint that was given up before.
        AbortedBarrier = "aborted-barrier",
        /// So many checkpoints failed that the job failed over.
        FailuresNotTolerated = "failures-not-tolerated",
        /// A generation was restored from a savepoint.
        SavepointRestored = "savepoint-restored",
        /// A worker was restarted in place.
        RestartedInPlace = "restarted-in-place",
        /// A coordinator found a torn frame at the end of its log.
        LogTorn = "log-torn",
        /// A coordinator or the receiver found rot in its log, and stays out.
        LogRotten = "log-rotten",
        /// A running generation was replaced because members or goal had changed.
        Rebalanced = "rebalanced",
        /// A running generation was replaced because some workers carried much more than others.
        LoadMoved = "load-moved",
        /// A worker lived, but one of its executors stood still.
        ExecutorSilent = "executor-silent",
        /// A task took its state from its machine's disk.
        LocalStateTaken = "local-state-taken",
        /// A task's state was on its machine's disk, but not that of the checkpoint to restore.
        LocalStateRefused = "local-state-refused",
        /// A task's part was too large for the coordinators' memory.
        MemoryRefused = "memory-refused",
        /// A store on a machine's disk failed: its task needs a new attempt.
        LocalStoreFailed = "local-store-failed",
        /// A checkpoint builds on files of earlier ones.
        IncrementTaken = "increment-taken",
        /// A barrier overtook data.
        BarrierOvertookData = "barrier-overtook-data",
        /// An aligned checkpoint lasted too long, and its barriers overtook data from there on.
        AlignmentTimedOut = "alignment-timed-out",
        /// Data that a barrier overtook became part of a checkpoint.
        InFlightPersisted = "in-flight-persisted",
        /// Data that was in flight in a checkpoint was put back on its channel.
        InFlightRestored = "in-flight-restored",
        /// A barrier came while data that a restore had put back was not executed yet.
        BarrierWhileRefilled = "barrier-while-refilled",
        /// A client's request came again, and was not applied again.
        RetryRecognised = "retry-recognised",
        /// The receiver was too busy to commit, and was asked again.
        CommitRetried = "commit-retried",
        /// A transaction timed out at the receiver.
        TransactionExpired = "transaction-expired",
        /// The receiver rewrote its log without what is over.
        LogRewritten = "log-rewritten",
        /// A query was answered by an owner that was none any more when that was confirmed.
        QueryOvertaken = "query-overtaken",
        /// A query came to a worker that does not own the key.
        QueryNotOwned = "query-not-owned",
        /// A step of the checkpoint spout failed, or was not acked in time.
        StepFailed = "step-failed",
        /// A tuple's tree was not complete in time.
        TreeTimedOut = "tree-timed-out",
        /// A tree that nobody waits for any more was acked or failed.
        LateTree = "late-tree",
        /// A transaction of stateful bolts was rolled back.
        RolledBack = "rolled-back",
        /// A store had no sound copy of a file that it should have.
        ReplicaFlawed = "replica-flawed",
        /// A file that had lost a replica got another.
        FileCopied = "file-copied",
        /// A task was refused the memory for its state, and ended with its worker.
        TaskStateRefused = "task-state-refused",
        /// A task was refused the memory for its part of a checkpoint, and declined it.
        SnapshotRefused = "snapshot-refused",
        /// A task was refused the memory for what waits for a barrier, and gave the checkpoint up.
        InputBuffersRefused = "input-buffers-refused",
        /// A task was refused the memory for data in flight, and declined the checkpoint.
        InFlightRefused = "in-flight-refused",
        /// A source was refused the memory for records, and rests before it asks for them again.
        FetchRefused = "fetch-refused",
        /// A store was refused the memory for a packet, and gave its file up.
        StoreBuffersRefused = "store-buffers-refused",
        /// A supervisor's worker held more memory than it may.
        WorkerOutOfMemory = "worker-out-of-memory",
        /// A producer published a record again, and the broker knew it by its sequence number.
        RepeatRecognised = "repeat-recognised",
        /// A source asked for records that the broker does not keep any more.
        InputTrimmed = "input-trimmed",
        /// The broker answered with records from before the offset that it was asked for.
        FetchRewound = "fetch-rewound",
        /// A source left out records that it has read before.
        OldRecordsSkipped = "old-records-skipped",
        /// A sink waited until the receiver had taken what it had sent.
        SinkStalled = "sink-stalled",
    }
}

names! {
    /// Planted bugs and rare events, off unless a test world switches them on.
    Twist {
        /// The receiver shows a transaction's records when it is pre-committed.
        VisibleBeforeComplete = "visible-before-complete",
        /// A source resumes one record after the restored position.
        RestoreOneTooFar = "restore-one-too-far",
        /// Broker, store and receiver do not check the generation of who asks.
        ZombieAccepted = "zombie-accepted",
        /// A worker does not look whether its tasks are still its own (STORM-3655).
        StaleTasksKept = "stale-tasks-kept",
        /// A task does not read its operator and broadcast state back at a restore.
        OperatorStateLost = "operator-state-lost",
        /// What has expired is still returned.
        TtlIgnored = "ttl-ignored",
        /// A heartbeat counts only if its second differs from that of the last one (storm#8419).
        HeartbeatBySecond = "heartbeat-by-second",
        /// An acknowledgement counts whichever attempt it is of.
        AcknowledgedByAnyAttempt = "acknowledged-by-any-attempt",
        /// Whatever a checkpoint was given up for counts against the job.
        AnyReasonCounts = "any-reason-counts",
        /// A savepoint takes the place of the last checkpoint, which tasks build on (FLINK-21351).
        SavepointSubsumes = "savepoint-subsumes",
        /// An increment's name leaves out the attempt, and of two with one name the older is kept
        /// (FLINK-29095).
        FileNameReused = "file-name-reused",
        /// What is given up at a restart gives its references back after it (FLINK-7268).
        DiscardOutlivesRestart = "discard-outlives-restart",
        /// A savepoint is not restored from, though sinks commit on it (FLINK-10354).
        SavepointNotRestored = "savepoint-not-restored",
        /// A coordinator that is deposed deletes what its checkpoints wrote (FLINK-25486).
        DeposedCleansUp = "deposed-cleans-up",
        /// A checkpoint that cannot be read now counts as one that cannot be read at all
        /// (FLINK-7783).
        UnreadableForgotten = "unreadable-forgotten",
        /// The files of a checkpoint whose completion has an unknown outcome are deleted
        /// (FLINK-22494).
        UnknownOutcomeDeleted = "unknown-outcome-deleted",
        /// A retried command is applied again: its client's sequence is not looked at.
        RetryAppliedTwice = "retry-applied-twice",
        /// A sink forgets a transaction on any answer to its commit (FLINK-23896).
        CommittableForgotten = "committable-forgotten",
        /// A sink fails if it is told of a completion and has nothing to commit (FLINK-10377).
        NotifyPrecondition = "notify-precondition",
        /// A sink drops the transaction of a checkpoint that is given up.
        AbortedWithCheckpoint = "aborted-with-checkpoint",
        /// A transaction times out, and its writer may go on writing to it (KAFKA-6119).
        ExpiredUnfenced = "expired-unfenced",
        /// A sink acknowledges a checkpoint before the receiver has what came before it.
        FlushNotAwaited = "flush-not-awaited",
        /// A query client takes an owner's word without asking whether it still is the owner.
        QueryUnconfirmed = "query-unconfirmed",
        /// A task takes whatever its machine's disk has of it (KAFKA-7192).
        LocalStateUnchecked = "local-state-unchecked",
        /// The tasks of a component share a place on their machine's disk (FLINK-12296).
        LocalPathShared = "local-path-shared",
        /// An executor's tick turns the timers of its source tasks once for each of them
        /// (STORM-3693).
        TickPerTask = "tick-per-task",
        /// A stateful bolt acks its inputs when they are prepared, not when they are committed.
        AckOnPrepare = "ack-on-prepare",
        /// A rollback keeps what was prepared.
        RollbackKeepsPrepared = "rollback-keeps-prepared",
        /// Records that wait to be read again count as under way, so that a cap on those blocks
        /// them, too (STORM-2343).
        CapBlocksRetries = "cap-blocks-retries",
        /// What arrived before a barrier that overtook it is left out of the checkpoint.
        InFlightNotPersisted = "in-flight-not-persisted",
        /// A restore puts what was in flight behind what newly arrives.
        InFlightBehind = "in-flight-behind",
        /// The late barrier of a checkpoint that was given up ends the persisting of its channel
        /// for the next one (FLINK-20654, FLINK-20645).
        LateBarrierEndsPersisting = "late-barrier-ends-persisting",
        /// Raft: a vote is granted whatever the candidate's log.
        RaftVoteUnchecked = "raft-vote-unchecked",
        /// Raft: a vote is told before it is durable.
        RaftVoteNotSynced = "raft-vote-not-synced",
        /// Raft: a vote survives into later terms. Harmless to safety; elections may never end.
        RaftVoteKept = "raft-vote-kept",
        /// Raft: every append cuts the log behind it, conflict or not (hashicorp/raft 0f31a01).
        RaftTruncateAlways = "raft-truncate-always",
        /// Raft: entries are acknowledged before they are durable.
        RaftAckBeforeSync = "raft-ack-before-sync",
        /// Raft: a leader counts its own entries as durable when they are proposed (etcd#14370).
        RaftSelfAck = "raft-self-ack",
        /// Raft: entries of older terms are committed by counting replicas (figure 8 of the paper).
        RaftCommitByCounting = "raft-commit-by-counting",
        /// Raft: a follower commits past the newest entry that it has matched with its leader.
        RaftCommitUnmatched = "raft-commit-unmatched",
        /// Raft: the quorum of an even number of voters is half of them (hashicorp/raft 163a55f).
        RaftQuorumEven = "raft-quorum-even",
        /// Raft: a membership is in force only once it is committed.
        RaftMembershipLate = "raft-membership-late",
        /// Raft: membership may change before the leader committed in its term, or during a change.
        RaftMembershipUnguarded = "raft-membership-unguarded",
        /// Raft: leadership moves to a replica that has not applied a pending change of membership,
        /// and it campaigns all the same (etcd raft#12134, #12163).
        RaftTransferUnchecked = "raft-transfer-unchecked",
        /// Raft: reads are served before the leader has committed in its term (etcd#7331).
        RaftReadBeforeOwnTerm = "raft-read-before-own-term",
        /// Raft: reads are served without asking a quorum whether one still leads.
        RaftReadWithoutQuorum = "raft-read-without-quorum",
        /// Raft: a retried read keeps the index of its first attempt, and answers to either confirm
        /// it (etcd#20418).
        RaftReadRetry = "raft-read-retry",
        /// Raft: a lease takes no account of the bound on clocks.
        RaftLeaseUnbounded = "raft-lease-unbounded",
        /// Raft: the count of bytes under way is not reset with the count of messages (etcd raft
        /// e419ba5).
        RaftInflightLeak = "raft-inflight-leak",
        /// Raft: term and vote are reset when the log's file is rewritten (redisraft 46a6ad0).
        RaftVoteLostOnCompaction = "raft-vote-lost-on-compaction",
        /// A source takes whatever records the broker answers with for those that it asked for.
        FetchedOffsetUnchecked = "fetched-offset-unchecked",
        /// A source whose next record is gone goes on with the earliest that is there, and tells
        /// nobody (Kafka's `auto.offset.reset=earliest`).
        OffsetResetSilent = "offset-reset-silent",
        /// The broker appends a record again that is published again: producers have no sequence
        /// numbers (Kafka before KIP-98, `enable.idempotence=false`).
        PublishedTwice = "published-twice",
        /// A sink sends on whether or not the receiver has taken what it sent before.
        SinkWindowIgnored = "sink-window-ignored",
        /// Rare: a broker answers a fetch with one record of each partition.
        FetchShort = "fetch-short",
        /// Rare: a task sends what it has gathered before a batch is full or its time is up.
        BatchLeavesEarly = "batch-leaves-early",
        /// Rare: a worker leaves a heartbeat out.
        HeartbeatSkipped = "heartbeat-skipped",
        /// Rare: a task cannot take part in a checkpoint.
        PartDeclined = "part-declined",
        /// Rare: a task does not find its state on its machine's disk.
        LocalStateForgotten = "local-state-forgotten",
        /// Rare: a store cannot read a file now.
        ReadRefused = "read-refused",
        /// Rare: the receiver is too busy to commit.
        CommitBusy = "commit-busy",
        /// Rare: a checkpoint has a tenth of its time.
        CheckpointHurried = "checkpoint-hurried",
        /// Rare: the workers are told twice that a checkpoint is complete.
        NoticeTwice = "notice-twice",
        /// Rare: a leader hands leadership over when a checkpoint is complete.
        LeadershipPassedOn = "leadership-passed-on",
        /// Rare: a coordinator's snapshot takes the place of its log though that is short.
        LogCompactedEarly = "log-compacted-early",
    }
}

impl Twist {
    /// The planted bugs.
    pub fn bugs() -> impl Iterator<Item = Twist> + Clone {
        Twist::ALL.iter().copied().filter(|twist| twist.rarity().is_none())
    }
    /// The rare events.
    pub fn rare_events() -> impl Iterator<Item = Twist> + Clone {
        Twist::ALL.iter().copied().filter(|twist| twist.rarity().is_some())
    }
    /// Of a rare event: how often it happens where it is switched on, in millionths of the times
    /// that it could. None for a planted bug. An engine is correct whenever they happen; how often
    /// is a matter of what it has to do again then.
    pub const fn rarity(self) -> Option<u32> {
        match self {
            Twist::FetchShort | Twist::HeartbeatSkipped => Some(250_000),
            Twist::BatchLeavesEarly => Some(100_000),
            Twist::LocalStateForgotten
            | Twist::CommitBusy
            | Twist::NoticeTwice
            | Twist::ReadRefused => Some(200_000),
            Twist::PartDeclined => Some(5_000),
            Twist::CheckpointHurried | Twist::LeadershipPassedOn => Some(100_000),
            Twist::LogCompactedEarly => Some(50_000),
            _ => None,
        }
    }
}

names! {
    /// Places at which processes ask for memory, and may be refused.
    Site {
        /// A task's state, as it was at its latest cut.
        TaskState = "task-state",
        /// A part of a checkpoint, from the cut until it is durable.
        Snapshot = "snapshot",
        /// What arrives on channels that wait for a barrier.
        InputBuffers = "input-buffers",
        /// What a barrier overtook, until it is part of a snapshot.
        InFlight = "in-flight",
        /// The records that a source asks for.
        Fetch = "fetch",
        /// What a store has not written to its disk yet.
        StoreBuffers = "store-buffers",
    }
}

impl Site {
    /// What is reached when memory is refused there.
    pub fn refused(self) -> Probe {
        match self {
            Site::TaskState => Probe::TaskStateRefused,
            Site::Snapshot => Probe::SnapshotRefused,
            Site::InputBuffers => Probe::InputBuffersRefused,
            Site::InFlight => Probe::InFlightRefused,
            Site::Fetch => Probe::FetchRefused,
            Site::StoreBuffers => Probe::StoreBuffersRefused,
        }
    }
}

/// The planted bugs that are switched on, as a plain value for what has no context to ask: Raft and
/// other pure parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Switches(u128);

/// The bit that says whether places are reported.
const WATCHED: u32 = 127;
const _: () = assert!(Twist::ALL.len() <= WATCHED as usize, "one bit each");

impl Switches {
    /// None of them.
    pub const NONE: Switches = Switches(0);

    /// Those for which `on` says so.
    pub fn of(mut on: impl FnMut(Twist) -> bool) -> Self {
        let on = Twist::ALL.iter().filter(|twist| on(**twist));
        Switches(on.fold(0, |bits, twist| bits | 1 << twist.index()))
    }
    /// The same, and who has them reports the places of all others, too.
    #[must_use]
    pub fn watched(self, watched: bool) -> Self {
        Switches(self.0 | u128::from(watched) << WATCHED)
    }
    /// Whether one is on.
    #[must_use]
    pub fn has(self, twist: Twist) -> bool {
        self.0 >> twist.index() & 1 == 1
    }
    /// Whether its place is to be reported.
    #[must_use]
    pub fn reports(self, twist: Twist) -> bool {
        self.has(twist) || self.0 >> WATCHED & 1 == 1
    }
    /// Whether any is on.
    #[must_use]
    pub fn any(self) -> bool {
        self.0 & !(1 << WATCHED) != 0
    }
}
