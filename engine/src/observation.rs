//! What the engine tells about itself: one story, as small typed values.
//!
//! Checkers, plots, timelines and exports read these and nothing else. An observation carries the
//! generation of whoever makes it: a zombie's observations are those of its old generation.

use stormglass_sim::node::NodeId;
use stormglass_sim::time::Span;

use crate::barrier::CheckpointKind;
use crate::ids::{Attempt, CheckpointId, Child, Generation, KeyGroup, Partition, Root, TaskId};
use crate::raft::{Index, Point, Term};

pub mod acking;
mod digest;
pub mod input;

use acking::Acking;
use input::Input;

/// A service that outlives generations and has to fence old ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Resource {
    /// The log broker, which serves fetches.
    Broker,
    /// The durable store of checkpoints.
    Store,
    /// The receiving side of the transactional sink.
    Receiver,
    /// The checkpoint coordinator, which takes acknowledgements.
    Checkpoints,
}

/// Why a worker is suspected.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Suspicion {
    /// No heartbeat for the timeout.
    HeartbeatTimeout,
    /// Its connection to the coordinator broke.
    ConnectionLost,
    /// A new incarnation registered: the old one must have died.
    Reincarnated,
    /// It reported that a task failed.
    TaskFailed,
    /// It did not deploy its tasks in time.
    DeployTimeout,
    /// It reported that an executor stood still.
    ExecutorTimeout,
}

/// Why a checkpoint was given up (names after Flink's `CheckpointFailureReason`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AbortReason {
    /// Not complete within the timeout.
    Expired,
    /// The generation that took it is over.
    Superseded,
    /// A task could not take part.
    Declined,
    /// A newer one completed first.
    Subsumed,
    /// A task could not write its state, or does not know whether it did.
    Io,
    /// A task could not make its state ready to be written.
    Async,
    /// Completion was refused: a newer decision had come first, or whoever asked for the savepoint
    /// has gone on.
    Finalize,
}

/// Steps of a checkpoint that a task goes through besides its cut. What the step sends has left
/// when it is told, and nothing that follows has happened.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// Its barriers are on their way to the tasks after it.
    BarrierSent,
    /// The first barrier has come, others are missing.
    Aligning,
    /// Its part is on its way to the durable store.
    Uploading,
    /// It was told that the checkpoint is complete.
    Notified,
}

/// One thing that the engine tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Observation {
    /// A task executed one input: a spout a record (`from` is [`TaskId::BROKER`], `child` is
    /// [`Child::ROOT`]), a bolt or sink a tuple. For a keyed bolt this is its state update.
    Executed {
        /// The task.
        task: TaskId,
        /// The task that emitted the input.
        from: TaskId,
        /// The generation that the task runs in.
        generation: Generation,
        /// The record at the root.
        root: Root,
        /// The input's place below the root.
        child: Child,
        /// The key group that was updated; none unless the bolt is keyed.
        group: Option<KeyGroup>,
    },
    /// While executing the input just observed, a component left at least one of its streams
    /// without a tuple: parts of the tree may end here (a filter).
    Ended {
        /// The task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
        /// The record at the root.
        root: Root,
        /// The streams without a tuple, one bit each; streams from 15 on share the highest bit,
        /// which is set if none of them got one.
        unused: u16,
    },
    /// While executing the input just observed, a spout or bolt asked for the time or for chance,
    /// and this was the answer; or chance or load chose a target for what it emitted, and this is
    /// the target's index.
    Answered {
        /// The task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
        /// The answer.
        word: u64,
    },
    /// A task took its part of a checkpoint: everything it executed before in this generation is
    /// in, nothing after.
    Cut {
        /// The task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
        /// The checkpoint.
        checkpoint: CheckpointId,
    },
    /// A task went through a step of a checkpoint.
    Stepped {
        /// Which.
        step: Step,
        /// The task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
        /// The checkpoint.
        checkpoint: CheckpointId,
    },
    /// The offset that a spout task's cut holds for one of its partitions: the next to read.
    Position {
        /// The task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The record that will be read next.
        next: Root,
    },
    /// The contents of one non-empty key group in a task's cut.
    GroupCut {
        /// The task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The key group.
        group: KeyGroup,
        /// Number of keys.
        keys: u32,
        /// Fingerprint of its canonical encoding (see `state`).
        print: u64,
    },
    /// The operator and broadcast state in a task's cut.
    OperatorCut {
        /// The task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// Fingerprint of its canonical encoding (see `state::operator`).
        print: u64,
    },
    /// What a task's part of a checkpoint holds of one channel: tuples that its barrier overtook.
    InFlight {
        /// The task whose part it is: the receiving one, or the emitting one.
        task: TaskId,
        /// Its generation.
        generation: Generation,
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The emitting task.
        from: TaskId,
        /// The receiving task.
        to: TaskId,
        /// Number of tuples.
        tuples: u32,
        /// Their size on the wire.
        bytes: u64,
        /// Fingerprint of their roots and places, in order (see `snapshot`).
        print: u64,
    },
    /// A task starts in a generation with the state of a checkpoint, or with none.
    Restored {
        /// The task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
        /// Its execution attempt.
        attempt: Attempt,
        /// The checkpoint; none for a start from nothing.
        checkpoint: Option<CheckpointId>,
    },
    /// A worker process is up and asks for work.
    WorkerStarted {
        /// The worker.
        node: NodeId,
        /// Which life of it.
        incarnation: u32,
    },
    /// The coordinator suspects a worker of the current generation.
    Suspected {
        /// The worker.
        node: NodeId,
        /// Why.
        reason: Suspicion,
    },
    /// A new generation was decided and applied.
    Granted {
        /// The new generation.
        generation: Generation,
        /// Number of workers that take part.
        workers: u16,
        /// The checkpoint to restore from.
        restore: Option<CheckpointId>,
    },
    /// A worker got tasks in a generation.
    Assigned {
        /// The generation.
        generation: Generation,
        /// The task.
        task: TaskId,
        /// The worker.
        node: NodeId,
    },
    /// Every task of the generation is deployed with restored state; sources start now.
    Running {
        /// The generation.
        generation: Generation,
    },
    /// A checkpoint was triggered.
    CheckpointTriggered {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// What it is for.
        kind: CheckpointKind,
        /// The generation that takes it.
        generation: Generation,
    },
    /// The coordinator took a task's acknowledgement: its part is durable.
    CheckpointAcked {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The task.
        task: TaskId,
        /// Its execution attempt.
        attempt: Attempt,
        /// Logical size of its state in bytes.
        bytes: u64,
    },
    /// Completion was decided and applied: from now on a restore may choose this checkpoint. A new
    /// coordinator says so again of the latest one, for its predecessor may not have lived to say
    /// it.
    CheckpointCompleted {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// What it is for.
        kind: CheckpointKind,
        /// The generation that took it.
        generation: Generation,
        /// Logical size of its state in bytes, without what files add.
        bytes: u64,
    },
    /// A completed checkpoint cannot be read any more: every store was asked for a file of it, and
    /// none has a sound copy. From now on a restore takes the one before it.
    CheckpointUnreadable {
        /// The checkpoint.
        checkpoint: CheckpointId,
    },
    /// A generation cannot start: there were completed checkpoints, and none is readable.
    StateLost {
        /// The generation.
        generation: Generation,
    },
    /// A checkpoint was given up.
    CheckpointAborted {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The generation that took it.
        generation: Generation,
        /// Why.
        reason: AbortReason,
    },
    /// The interval between checkpoints changed with what was observed of failures and costs.
    IntervalChanged {
        /// From one trigger to the next, from now on.
        interval: Span,
    },
    /// A resource learnt of a generation; it must refuse all older ones from now on.
    Fenced {
        /// The kind of service.
        resource: Resource,
        /// The process.
        node: NodeId,
        /// The generation.
        generation: Generation,
    },
    /// A resource accepted something that changes it, or served a fetch.
    Accepted {
        /// The kind of service.
        resource: Resource,
        /// The generation of whoever asked.
        generation: Generation,
        /// The task that asked.
        task: TaskId,
    },
    /// A resource refused an older generation.
    Refused {
        /// The kind of service.
        resource: Resource,
        /// The generation of whoever asked.
        generation: Generation,
        /// The task that asked.
        task: TaskId,
    },
    /// An output lies in a transaction at the receiver; nobody can read it yet.
    Staged {
        /// The sink task that wrote it.
        task: TaskId,
        /// The generation that wrote it.
        generation: Generation,
        /// The checkpoint that ends its transaction.
        checkpoint: CheckpointId,
        /// The record at the root.
        root: Root,
        /// Its place below the root.
        child: Child,
        /// Fingerprint of its values (see `value`).
        print: u64,
    },
    /// A sink task's transaction is durable at the receiver: it holds the outputs staged last, and
    /// will be committed with this checkpoint. A restarted receiver stages what it finds again.
    PreCommitted {
        /// The sink task.
        task: TaskId,
        /// The generation that wrote the transaction.
        generation: Generation,
        /// The checkpoint that ends the transaction.
        checkpoint: CheckpointId,
        /// Number of records.
        records: u32,
    },
    /// A transaction became visible to readers of the receiver, all of it at once. A restarted
    /// receiver may say so again.
    Published {
        /// The sink task that wrote it.
        task: TaskId,
        /// The generation that wrote it.
        generation: Generation,
        /// The checkpoint that ends its transaction. If that one was given up, the next one of the
        /// same generation to complete covers it.
        checkpoint: CheckpointId,
        /// Number of records.
        records: u32,
    },
    /// A sink task's transaction was thrown away by a newer generation.
    TransactionAborted {
        /// The sink task.
        task: TaskId,
        /// The generation that wrote it.
        generation: Generation,
        /// The checkpoint that was to end it; none if it had not been pre-committed.
        checkpoint: Option<CheckpointId>,
        /// Number of records.
        records: u32,
    },
    /// A transaction timed out: the receiver has thrown its records away, durably. Nothing can be
    /// added to it any more, and no commit will make it visible.
    TransactionExpired {
        /// The sink task that wrote it.
        task: TaskId,
        /// The generation that wrote it.
        generation: Generation,
        /// The checkpoint that was to end it; none if it had not been pre-committed.
        checkpoint: Option<CheckpointId>,
        /// Number of records.
        records: u32,
        /// How long ago it began, by the receiver's clock.
        age: Span,
    },
    /// A sink task wanted to commit a transaction and learnt that it had timed out.
    TransactionLost {
        /// The sink task that wrote it.
        task: TaskId,
        /// The generation that wrote it.
        generation: Generation,
        /// The checkpoint that ended it.
        checkpoint: CheckpointId,
        /// Number of records.
        records: u32,
        /// How long ago it began, by the receiver's clock.
        age: Span,
    },
    /// An output of a plain sink is visible, and durable at the receiver.
    Appended {
        /// The sink task that wrote it.
        task: TaskId,
        /// The generation that wrote it.
        generation: Generation,
        /// The record at the root.
        root: Root,
        /// Its place below the root.
        child: Child,
        /// Fingerprint of its values (see `value`).
        print: u64,
    },
    /// An output of an idempotent sink is visible under its key, and durable at the receiver. What
    /// was there before is gone.
    Upserted {
        /// The sink task that wrote it.
        task: TaskId,
        /// The generation that wrote it.
        generation: Generation,
        /// Which of this generation's outputs of the task it is, counted from 0.
        sequence: u32,
        /// Fingerprint of its key.
        key: u64,
        /// The record at the root.
        root: Root,
        /// Its place below the root.
        child: Child,
        /// Fingerprint of its values (see `value`).
        print: u64,
    },
    /// A receiver that started again found this row of an idempotent sink's table in its log.
    RowKept {
        /// The sink task that wrote it.
        task: TaskId,
        /// The generation that wrote it.
        generation: Generation,
        /// Which of that generation's outputs of the task it is, counted from 0.
        sequence: u32,
        /// Fingerprint of its key.
        key: u64,
        /// Fingerprint of its values.
        print: u64,
    },
    /// A receiver that started again has said of all rows that it found.
    RowsKept {
        /// How many.
        rows: u64,
    },
    /// Trees of tuples, transactions of stateful bolts, plain outputs.
    Acking(Acking),
    /// Records of the input that are not kept any more.
    Input(Input),
    /// A spout or bolt returned an error: its worker dies.
    TaskFailed {
        /// The task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
    },
    /// A worker found that it belongs to an older generation, and ends itself.
    ZombieExit {
        /// The worker.
        node: NodeId,
        /// The generation it was in.
        generation: Generation,
    },
    /// The broker served the last record of a partition.
    PartitionDrained {
        /// The partition.
        partition: Partition,
    },
    /// A coordinator passed a point of the Raft protocol. What rests on it (messages, disk writes)
    /// has not been done yet.
    Raft(Point),
    /// A coordinator applies an entry of the metadata log: every replica does so, in order, and
    /// again after a restart. What the entry decided is observed right after this, by the same
    /// process: [`Observation::Granted`], [`Observation::Assigned`],
    /// [`Observation::CheckpointCompleted`]. It is decided once, whoever applies it first.
    Applied {
        /// The entry's place.
        index: Index,
        /// Its term.
        term: Term,
        /// Fingerprint of its body.
        print: u64,
    },
    /// A coordinator that leads has applied everything of earlier terms, and takes up its duties.
    Leads {
        /// Its term.
        term: Term,
    },
    /// The leading coordinator took a worker's heartbeat.
    Heard {
        /// The worker.
        node: NodeId,
        /// The generation whose tasks it holds; 0 for none.
        generation: Generation,
        /// The newest generation that it was told it has no tasks in; 0 for none.
        dismissed: Generation,
    },
    /// The coordinator gives up a generation that runs, for a new one may fare better.
    JobFailed {
        /// The generation.
        generation: Generation,
        /// The checkpoint that failed last.
        checkpoint: CheckpointId,
        /// Why that failed.
        reason: AbortReason,
    },
    /// The job has ended with a savepoint: what it covers is visible, and nothing runs any more.
    /// It is decided once, whoever applies it first.
    Stopped {
        /// The generation.
        generation: Generation,
        /// The savepoint.
        checkpoint: CheckpointId,
    },
    /// The owner of a key read its row for a query client: what it had executed before is in.
    Queried {
        /// The query: the client and its number of the question.
        operation: Operation,
        /// The task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
        /// The hash of the key.
        hash: i32,
        /// Fingerprint of the key (see `value`).
        key: u64,
        /// Fingerprint of its row, empty if it has none.
        row: u64,
    },
    /// A query client has an answer of which it says that it was current when it was given.
    QueryAnswered {
        /// The query.
        operation: Operation,
        /// The client's number of the question that was answered.
        question: u32,
        /// The generation of the owner that gave it.
        generation: Generation,
        /// Fingerprint of the row.
        row: u64,
    },
    /// A query client gave a query up: nobody could be found who owned the key for certain.
    QueryRefused {
        /// The query.
        operation: Operation,
    },
    /// A client asks something of the metadata.
    Invoked {
        /// The operation.
        operation: Operation,
        /// The register it is about.
        key: u16,
        /// What is asked.
        call: Call,
    },
    /// A client has its answer: the register's value right after the operation.
    Responded {
        /// The operation.
        operation: Operation,
        /// The value; 0 for a register that was never written.
        value: u64,
    },
}

/// An operation of a client on the metadata. Retries are the same operation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Operation {
    /// The client.
    pub client: NodeId,
    /// Its how-manieth operation, from 1.
    pub number: u32,
}

/// What a client asks of one register of the metadata.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Call {
    /// Its value.
    Read,
    /// To set it.
    Set(u64),
    /// To add to it, wrapping.
    Add(u64),
}
