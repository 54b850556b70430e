//! The table of all kinds of observations. A new kind does not compile before it has a line here.

use serde_json::Value;
use stormglass_engine::observation::Observation;
use stormglass_engine::observation::acking::Acking;
use stormglass_engine::observation::input::Input;
use stormglass_engine::raft::Point;

use super::forms::{
    Abort, Attempt, Call, Checkpoint, Component, Count, Duration, Few, Flag, Form, Generation,
    Group, Hash, How, Index, Maybe, Number, Operation, Partition, PhaseOf, Place, Print, Process,
    Purpose, Reason, Record, Replica, Resource, StepOf, Task, Term, Transaction,
};
use super::{Fact, Kind};
use crate::words::Names;

/// Says of the kinds in one enum what they are called, what they say, and how each field is
/// written, under its own name unless another one stands before it. What is in an enum of its own
/// has a table of its own.
macro_rules! kinds {
    ($table:ident, $of:ident, $name:ident, $facts:ident,
        inside { $($inner:ident => $inner_name:ident, $inner_facts:ident;)* }
        $($variant:ident = $called:literal, $says:literal
            { $($fact:literal $field:ident: $form:ty,)* })+
    ) => {
        const $table: &[Kind] = &[$(Kind {
            name: $called,
            says: $says,
            facts: &[$(Fact {
                name: $fact,
                form: <$form as Form>::NAME,
                schema: <$form as Form>::schema,
                optional: <$form as Form>::OPTIONAL,
            },)*],
        },)+];

        fn $name(what: &$of) -> &'static str {
            match what {
                $($of::$variant { .. } => $called,)+
                $($of::$inner(what) => $inner_name(what),)*
            }
        }

        fn $facts(what: &$of, names: &Names<'_>) -> Vec<(&'static str, Value)> {
            match what {
                $($of::$variant { $($field,)* } => {
                    vec![$(($fact, <$form as Form>::value($field, names)),)*]
                })+
                $($of::$inner(what) => $inner_facts(what, names),)*
            }
        }
    };
}

/// All tables.
pub(super) const ALL: [&[Kind]; 4] = [PLAIN, ACKING, INPUT, RAFT];

/// The name of an observation.
pub fn name(what: &Observation) -> &'static str {
    plain(what)
}

pub(super) fn facts(what: &Observation, names: &Names<'_>) -> Vec<(&'static str, Value)> {
    plain_facts(what, names)
}

kinds! {
    PLAIN, Observation, plain, plain_facts,
    inside {
        Acking => acking, acking_facts;
        Input => input, input_facts;
        Raft => raft, raft_facts;
    }
    Executed = "executed",
        "a task executed one input: a spout a record, a bolt or sink a tuple"
        { "task" task: Task, "from" from: Task, "generation" generation: Generation,
          "root" root: Record, "child" child: Place, "group" group: Maybe<Group>, }
    Ended = "ended",
        "while executing the input just observed, a component left streams without a tuple"
        { "task" task: Task, "generation" generation: Generation, "root" root: Record,
          "unused" unused: Few, }
    Answered = "answered",
        "a component asked for the time or for chance, or chance chose a target"
        { "task" task: Task, "generation" generation: Generation, "word" word: Print, }
    Cut = "cut",
        "a task took its part of a checkpoint"
        { "task" task: Task, "generation" generation: Generation,
          "checkpoint" checkpoint: Checkpoint, }
    Stepped = "checkpoint-stepped",
        "a task went through a step of a checkpoint"
        { "step" step: StepOf, "task" task: Task, "generation" generation: Generation,
          "checkpoint" checkpoint: Checkpoint, }
    Position = "position",
        "the record that a spout task's cut will read next"
        { "task" task: Task, "generation" generation: Generation,
          "checkpoint" checkpoint: Checkpoint, "next" next: Record, }
    GroupCut = "group-cut",
        "what one key group holds in a task's cut"
        { "task" task: Task, "generation" generation: Generation,
          "checkpoint" checkpoint: Checkpoint, "group" group: Group, "keys" keys: Count,
          "print" print: Print, }
    OperatorCut = "operator-cut",
        "the state of operators in a task's cut"
        { "task" task: Task, "generation" generation: Generation,
          "checkpoint" checkpoint: Checkpoint, "print" print: Print, }
    InFlight = "in-flight",
        "tuples of one channel that a barrier overtook"
        { "task" task: Task, "generation" generation: Generation,
          "checkpoint" checkpoint: Checkpoint, "from" from: Task, "to" to: Task,
          "tuples" tuples: Count, "bytes" bytes: Number, "print" print: Print, }
    Restored = "restored",
        "a task starts with the state of a checkpoint, or with none"
        { "task" task: Task, "generation" generation: Generation, "attempt" attempt: Attempt,
          "checkpoint" checkpoint: Maybe<Checkpoint>, }
    WorkerStarted = "worker-started",
        "a worker process is up and asks for work"
        { "worker" node: Process, "incarnation" incarnation: Count, }
    Suspected = "suspected",
        "the coordinator suspects a worker"
        { "worker" node: Process, "reason" reason: Reason, }
    Granted = "granted",
        "a new generation was decided and applied"
        { "generation" generation: Generation, "workers" workers: Few,
          "restore" restore: Maybe<Checkpoint>, }
    Assigned = "assigned",
        "a worker got a task"
        { "generation" generation: Generation, "task" task: Task, "worker" node: Process, }
    Running = "running",
        "every task of a generation is deployed"
        { "generation" generation: Generation, }
    CheckpointTriggered = "checkpoint-triggered",
        "a checkpoint was triggered"
        { "checkpoint" checkpoint: Checkpoint, "purpose" kind: Purpose,
          "generation" generation: Generation, }
    CheckpointAcked = "checkpoint-acked",
        "the coordinator took a task's acknowledgement"
        { "checkpoint" checkpoint: Checkpoint, "task" task: Task, "attempt" attempt: Attempt,
          "bytes" bytes: Number, }
    CheckpointCompleted = "checkpoint-completed",
        "completion was decided and applied; a new coordinator says it again of the latest one"
        { "checkpoint" checkpoint: Checkpoint, "purpose" kind: Purpose,
          "generation" generation: Generation, "bytes" bytes: Number, }
    CheckpointUnreadable = "checkpoint-unreadable",
        "a completed checkpoint cannot be read any more"
        { "checkpoint" checkpoint: Checkpoint, }
    StateLost = "state-lost",
        "a generation cannot start: no completed checkpoint is readable"
        { "generation" generation: Generation, }
    CheckpointAborted = "checkpoint-aborted",
        "a checkpoint was given up"
        { "checkpoint" checkpoint: Checkpoint, "generation" generation: Generation,
          "reason" reason: Abort, }
    IntervalChanged = "interval-changed",
        "the interval between checkpoints changed"
        { "interval" interval: Duration, }
    Fenced = "fenced",
        "a service learnt of a generation, and refuses all older ones"
        { "resource" resource: Resource, "process" node: Process,
          "generation" generation: Generation, }
    Accepted = "accepted",
        "a service accepted something that changes it, or served a fetch"
        { "resource" resource: Resource, "generation" generation: Generation, "task" task: Task, }
    Refused = "refused",
        "a service refused an older generation"
        { "resource" resource: Resource, "generation" generation: Generation, "task" task: Task, }
    Staged = "staged",
        "an output lies in a transaction at the receiver"
        { "task" task: Task, "generation" generation: Generation,
          "checkpoint" checkpoint: Checkpoint, "root" root: Record, "child" child: Place,
          "print" print: Print, }
    PreCommitted = "pre-committed",
        "a sink task's transaction is durable at the receiver"
        { "task" task: Task, "generation" generation: Generation,
          "checkpoint" checkpoint: Checkpoint, "records" records: Count, }
    Published = "published",
        "a transaction became visible"
        { "task" task: Task, "generation" generation: Generation,
          "checkpoint" checkpoint: Checkpoint, "records" records: Count, }
    TransactionAborted = "transaction-aborted",
        "a transaction was thrown away by a newer generation"
        { "task" task: Task, "generation" generation: Generation,
          "checkpoint" checkpoint: Maybe<Checkpoint>, "records" records: Count, }
    TransactionExpired = "transaction-expired",
        "a transaction timed out at the receiver"
        { "task" task: Task, "generation" generation: Generation,
          "checkpoint" checkpoint: Maybe<Checkpoint>, "records" records: Count,
          "age" age: Duration, }
    TransactionLost = "transaction-lost",
        "a sink task learnt that a transaction had timed out"
        { "task" task: Task, "generation" generation: Generation,
          "checkpoint" checkpoint: Checkpoint, "records" records: Count, "age" age: Duration, }
    Appended = "appended",
        "an output of a plain sink is visible"
        { "task" task: Task, "generation" generation: Generation, "root" root: Record,
          "child" child: Place, "print" print: Print, }
    Upserted = "upserted",
        "an output of an idempotent sink is visible under its key"
        { "task" task: Task, "generation" generation: Generation, "sequence" sequence: Count,
          "key" key: Print, "root" root: Record, "child" child: Place, "print" print: Print, }
    RowKept = "row-kept",
        "a receiver that started again found this row"
        { "task" task: Task, "generation" generation: Generation, "sequence" sequence: Count,
          "key" key: Print, "print" print: Print, }
    RowsKept = "rows-kept",
        "a receiver that started again has said of all rows that it found"
        { "rows" rows: Number, }
    TaskFailed = "task-failed",
        "a spout or bolt returned an error: its worker dies"
        { "task" task: Task, "generation" generation: Generation, }
    ZombieExit = "zombie-exit",
        "a worker found that its generation is over, and ends itself"
        { "worker" node: Process, "generation" generation: Generation, }
    PartitionDrained = "partition-drained",
        "the broker served the last record of a partition"
        { "partition" partition: Partition, }
    Applied = "applied",
        "a coordinator applies an entry of the metadata log"
        { "index" index: Index, "term" term: Term, "print" print: Print, }
    Leads = "leads",
        "a coordinator takes up the duties of the leader"
        { "term" term: Term, }
    Heard = "heard",
        "the leader took a worker's heartbeat"
        { "worker" node: Process, "generation" generation: Generation,
          "dismissed" dismissed: Generation, }
    JobFailed = "job-failed",
        "a generation is given up, for its checkpoints fail"
        { "generation" generation: Generation, "checkpoint" checkpoint: Checkpoint,
          "reason" reason: Abort, }
    Stopped = "stopped",
        "the job has ended with a savepoint"
        { "generation" generation: Generation, "checkpoint" checkpoint: Checkpoint, }
    Queried = "queried",
        "the owner of a key read its row for a query client"
        { "operation" operation: Operation, "task" task: Task,
          "generation" generation: Generation, "hash" hash: Hash, "key" key: Print,
          "row" row: Print, }
    QueryAnswered = "query-answered",
        "a query client has an answer"
        { "operation" operation: Operation, "question" question: Count,
          "generation" generation: Generation, "row" row: Print, }
    QueryRefused = "query-refused",
        "a query client gave a query up"
        { "operation" operation: Operation, }
    Invoked = "invoked",
        "a client asks something of the metadata"
        { "operation" operation: Operation, "key" key: Few, "call" call: Call, }
    Responded = "responded",
        "a client has its answer"
        { "operation" operation: Operation, "value" value: Print, }
}

kinds! {
    ACKING, Acking, acking, acking_facts,
    inside {}
    Stepped = "transaction-stepped",
        "the checkpoint spout goes on to a state of a transaction"
        { "generation" generation: Generation, "txid" txid: Transaction, "phase" phase: PhaseOf,
          "version" version: Checkpoint, }
    Versioned = "versioned",
        "a keyed task has this state"
        { "task" task: Task, "generation" generation: Generation,
          "version" version: Maybe<Checkpoint>, "how" how: How, "print" print: Print, }
    Acked = "acked",
        "a record is done: its tree of tuples is complete"
        { "task" task: Task, "generation" generation: Generation, "root" root: Record, }
    Failed = "failed",
        "a record has failed, and will be read again"
        { "task" task: Task, "generation" generation: Generation, "root" root: Record,
          "timed_out" timed_out: Flag, }
    Kept = "kept",
        "a position is durable at the broker"
        { "component" component: Component, "next" next: Record, }
}

kinds! {
    INPUT, Input, input, input_facts,
    inside {}
    Trimmed = "trimmed",
        "the broker was asked for records that it does not keep any more"
        { "partition" partition: Partition, "asked" asked: Number, "start" start: Number, }
    Truncated = "truncated",
        "the broker drops records because it was asked to"
        { "request" request: Count, "partition" partition: Partition, "start" start: Number, }
    Rewound = "rewound",
        "the broker answers with records from before what was asked for"
        { "request" request: Count, }
    Lost = "lost",
        "a source cannot go on in a partition: the next record is gone"
        { "task" task: Task, "generation" generation: Generation, "next" next: Record,
          "start" start: Number, }
}

kinds! {
    RAFT, Point, raft, raft_facts,
    inside {}
    Recovered = "raft-recovered",
        "a coordinator has read its disk"
        { "term" term: Term, "last" last: Index, }
    Campaigned = "raft-campaigned",
        "a coordinator stands for election"
        { "term" term: Term, }
    VoteGranted = "raft-vote-granted",
        "a coordinator granted its vote to another"
        { "term" term: Term, "to" to: Replica, }
    Elected = "raft-elected",
        "a quorum voted for a coordinator"
        { "term" term: Term, }
    SteppedDown = "raft-stepped-down",
        "a coordinator does not lead any more"
        { "term" term: Term, }
    Appended = "raft-appended",
        "an entry is in a coordinator's log, not durable yet"
        { "index" index: Index, "term" term: Term, "print" print: Print, }
    Truncated = "raft-truncated",
        "entries from here on are not in a coordinator's log any more"
        { "from" from: Index, }
    Persisted = "raft-persisted",
        "a coordinator's log is durable up to here"
        { "last" last: Index, }
    Committed = "raft-committed",
        "a coordinator learnt that the log is committed up to here"
        { "index" index: Index, "term" term: Term, }
    MembershipChanged = "raft-membership-changed",
        "a membership is in force at a coordinator"
        { "index" index: Index, "voters" voters: Few, "joint" joint: Flag, }
    Compacted = "raft-compacted",
        "a coordinator's log up to here was replaced by a snapshot"
        { "index" index: Index, }
    SnapshotSent = "raft-snapshot-sent",
        "a leader begins to send a snapshot"
        { "to" to: Replica, "index" index: Index, }
    SnapshotInstalled = "raft-snapshot-installed",
        "a leader's snapshot replaced a coordinator's log"
        { "index" index: Index, "term" term: Term, }
    TransferBegan = "raft-transfer-began",
        "a leader hands leadership to another"
        { "to" to: Replica, }
}
