//! What the processes of a cluster say to each other.
//!
//! Small messages are plain; bulk is behind an `Arc`, immutable, with its fingerprint computed
//! once. Whatever crosses a failure carries its generation, and its attempt where a task is meant.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{Lane, NodeId};
use stormglass_sim::payload::Payload;
use stormglass_sim::time::{Instant, Span};

use crate::barrier::{Barrier, CheckpointKind};
use crate::coordinator::checkpoint_spout::TxState;
use crate::coordinator::metadata::{Answer, Assignment, Command, Completed};
use crate::coordinator::rebalance::Load;
use crate::handle::{Discard, FileId, Flaw, Part, Replicas};
use crate::ids::{Attempt, CheckpointId, ComponentId, Generation, TaskId};
use crate::observation::{AbortReason, Call};
use crate::permit::CommitPermit;
use crate::pipeline::{Copy, Put};
use crate::query::Query;
use crate::raft::{self, ReplicaId, Term};
use crate::snapshot::TransactionId;
use crate::tuple::Batch;
use crate::value::Value;

pub mod acking;
pub mod console;
pub mod fetch;
mod wire;

use acking::{Acks, Emission, Offsets, Step};
use console::Console;
use fetch::{Fetch, Records};

/// One message.
#[derive(Clone, Debug)]
pub enum Message {
    /// Worker to coordinator: I am up.
    Register {
        /// Which life of the worker.
        incarnation: u32,
        /// The generation whose tasks it holds; 0 for none.
        generation: Generation,
        /// Whether its sources may run.
        running: bool,
    },
    /// Coordinator to worker: the generation that is current.
    Standing {
        /// It.
        generation: Generation,
        /// Whether this very incarnation of the worker has tasks in it.
        assigned: bool,
    },
    /// Worker to all coordinators, as a datagram: I live.
    Heartbeat {
        /// The generation whose tasks it holds; 0 for none.
        generation: Generation,
        /// The newest generation that it was told it has no tasks in; 0 for none.
        dismissed: Generation,
        /// Its wall clock.
        sent: Instant,
    },
    /// Supervisor to all coordinators, as a datagram: I live, and my workers may be used.
    Supervising {
        /// Its wall clock.
        sent: Instant,
    },
    /// Within a worker, through an executor's queue: do you live?
    Beat {
        /// The executor's thread.
        lane: Lane,
        /// Its generation.
        generation: Generation,
        /// The how-manieth question.
        number: u32,
    },
    /// Worker to coordinator: an executor of mine stands still, and I end myself.
    Silent {
        /// Its generation.
        generation: Generation,
        /// Its first task.
        executor: TaskId,
    },
    /// Worker to coordinator: what my tasks did since the last report.
    Load(Arc<Load>),
    /// Coordinator to worker, as a datagram: I lead, connect to me.
    Leader {
        /// Its term: a later one counts.
        term: Term,
    },
    /// Coordinator to coordinator, as a datagram.
    Raft(Arc<raft::Message>),
    /// Client to coordinator, as a datagram.
    Ask(Arc<Ask>),
    /// Coordinator to client, as a datagram: it is done, or refused if there is no answer.
    Answer {
        /// The client's number of the operation.
        number: u32,
        /// The answer.
        answer: Answer,
    },
    /// Coordinator to client, as a datagram: I do not lead.
    Elsewhere {
        /// The client's number of the operation.
        number: u32,
        /// Who does, as far as I know.
        leader: Option<NodeId>,
    },
    /// Coordinator to query client, as a datagram: who owns what, as a linearizable read has it.
    Placement {
        /// The client's number of the question.
        number: u32,
        /// The current assignment; none before the first.
        assignment: Option<Arc<Assignment>>,
    },
    /// Query client to worker, as a datagram: what do you know of this key?
    Query(Arc<Query>),
    /// Worker to query client, as a datagram.
    Queried {
        /// The client's number of the question.
        number: u32,
        /// The generation of the worker.
        generation: Generation,
        /// The key's row, empty if it has none; none if the worker does not own the key in the
        /// generation that was asked for.
        row: Option<Arc<[Value]>>,
    },
    /// Coordinator to worker: run these tasks.
    Deploy(Arc<Deployment>),
    /// Worker to coordinator: my tasks have their state and their channels.
    Deployed {
        /// The generation.
        generation: Generation,
    },
    /// Coordinator to worker: every task is deployed, sources may run.
    Go {
        /// The generation.
        generation: Generation,
    },
    /// Worker to coordinator: something that I need in this generation is gone.
    Broken {
        /// The generation.
        generation: Generation,
        /// The process concerned.
        peer: NodeId,
        /// The task that failed, if one did.
        task: Option<TaskId>,
    },
    /// Coordinator to workers with sources, and within a worker to a source: start a checkpoint.
    Trigger {
        /// The checkpoint.
        barrier: Barrier,
        /// The generation that takes it.
        generation: Generation,
        /// Within a worker: which source.
        task: TaskId,
    },
    /// Worker to coordinator: a task's part of a checkpoint is durable.
    Acknowledge {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The generation of the task.
        generation: Generation,
        /// Its execution attempt.
        attempt: Attempt,
        /// Where the part is.
        part: Arc<Part>,
    },
    /// Worker to coordinator: a task cannot take part in a checkpoint.
    Decline {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The generation of the task.
        generation: Generation,
        /// The task.
        task: TaskId,
        /// Its execution attempt.
        attempt: Attempt,
        /// Why.
        reason: AbortReason,
    },
    /// Coordinator to workers, and within a worker to a task: forget this checkpoint.
    AbortCheckpoint {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The latest complete one.
        latest: Option<CheckpointId>,
        /// The generation that took it.
        generation: Generation,
        /// Within a worker: which task.
        task: TaskId,
    },
    /// Coordinator to workers, and within a worker to a sink: a checkpoint is complete.
    Complete {
        /// The right to commit what it covers.
        permit: CommitPermit,
        /// Within a worker: which task.
        task: TaskId,
    },
    /// Worker to coordinator: what a sink had to commit of the savepoint that the job ends with is
    /// visible.
    Finished {
        /// The savepoint.
        checkpoint: CheckpointId,
        /// The generation of the sink task.
        generation: Generation,
        /// The sink task.
        task: TaskId,
    },
    /// Coordinator to a resource: refuse everything older.
    Fence {
        /// The new generation.
        generation: Generation,
    },
    /// Resource to coordinator: I do.
    FenceRaised {
        /// The new generation.
        generation: Generation,
    },
    /// Resource to worker: you are of an older generation.
    Stale {
        /// The resource's generation.
        generation: Generation,
    },
    /// Task to task.
    Data(Arc<Data>),
    /// Receiving to emitting worker: room for more tuples.
    Credit(Arc<[Credit]>),
    /// Within a worker: a task that had run out of credits may go on.
    Resume {
        /// The task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
    },
    /// Within a worker: a task has something to do, by itself or with a kept batch.
    Wake {
        /// The task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
    },
    /// At the broker's console: something is asked of it, or befalls it.
    Console(Console),
    /// Source to broker.
    Fetch(Arc<Fetch>),
    /// Broker to source.
    Records(Arc<Records>),
    /// Task to store, and from store to store down a pipeline: keep this packet of a file.
    Put(Arc<Put>),
    /// Back up the pipeline: so many packets have come to its end.
    PutTaken {
        /// Of which file.
        id: FileId,
        /// Through which pipeline.
        pipeline: u32,
        /// How many.
        packets: u32,
    },
    /// Back up the pipeline: the file is durable in all of it, or not for certain.
    PutDone {
        /// Which.
        id: FileId,
        /// Through which pipeline.
        pipeline: u32,
        /// Whether the write succeeded. False means unknown: nothing may be deleted for it.
        durable: bool,
        /// Who has it; of a write that did not succeed, who failed.
        stores: Replicas,
    },
    /// Task to store: give me this file.
    Get(Arc<Get>),
    /// Store to task: here it is; none if it cannot be read.
    GetDone {
        /// The task.
        task: TaskId,
        /// The generation that asked.
        generation: Generation,
        /// Which file.
        id: FileId,
        /// The how-manieth of its packets, from 0.
        packet: u32,
        /// Of how many.
        packets: u32,
        /// The packet, or why there is none.
        data: Result<Payload, Flaw>,
    },
    /// Worker to coordinator: a store has no sound copy of a file, though it should.
    Flawed {
        /// The file.
        id: FileId,
        /// The store, by its place.
        store: u16,
    },
    /// Worker to coordinator: no store has a sound copy of a file that I need.
    Unreadable {
        /// The checkpoint that needs it.
        checkpoint: CheckpointId,
        /// The generation that restores it.
        generation: Generation,
        /// The task whose part it is.
        task: TaskId,
    },
    /// Store to coordinator: these files I have.
    Inventory {
        /// It is complete for files of checkpoints up to this one.
        up_to: CheckpointId,
        /// They.
        files: Arc<[FileId]>,
    },
    /// Coordinator to store: give another store a copy.
    Copy(Arc<Copy>),
    /// Store to coordinator: what became of the copy.
    Copied {
        /// The file.
        id: FileId,
        /// Who should have it, by its place.
        to: u16,
        /// Whether it has.
        durable: bool,
    },
    /// Coordinator to store: of these checkpoints, no other files are needed any more.
    Discard(Arc<Discard>),
    /// The checkpoint spout to the tasks that read from spouts, and from a bolt to all that read
    /// from it: a checkpoint tuple.
    Step(Step),
    /// Task to coordinator: the step of a checkpoint tuple is done; what a keyed bolt prepares is
    /// acknowledged instead.
    Stepped {
        /// The step.
        emission: Emission,
        /// The generation of the task.
        generation: Generation,
        /// The task.
        task: TaskId,
        /// False if the step failed here.
        done: bool,
    },
    /// Tasks to the acker of a source task.
    Acks(Arc<Acks>),
    /// Source to broker: these positions are to be kept; none, to ask for what is kept.
    CommitOffsets(Arc<Offsets>),
    /// Broker to source: the positions that are durable.
    Offsets(Arc<Offsets>),
    /// Sink to receiver.
    Transaction(Arc<Transaction>),
    /// Receiver to sink: the transaction is durable and will be committed when asked; or everything
    /// is durable that a sink without transactions wrote.
    PreCommitted {
        /// Which transaction, or which writer.
        id: TransactionId,
        /// The checkpoint that ends it.
        checkpoint: CheckpointId,
    },
    /// Receiver to sink: I have taken so many more of your records, and have room for as many.
    Taken {
        /// The sink task.
        task: TaskId,
        /// The generation that sent them.
        generation: Generation,
        /// How many.
        tuples: u32,
    },
    /// Receiver to sink: everything up to this checkpoint is visible.
    Committed {
        /// The sink task.
        task: TaskId,
        /// The generation that asked.
        generation: Generation,
        /// The checkpoint.
        checkpoint: CheckpointId,
    },
    /// Receiver to sink: I cannot commit at this moment, ask again.
    Busy {
        /// The sink task.
        task: TaskId,
        /// The generation that asked.
        generation: Generation,
    },
    /// Receiver to sink: a transaction that you ask for has timed out.
    Gone(Arc<Gone>),
    /// Receiver to sink: what a restore asked for is done.
    Recovered {
        /// The sink task.
        task: TaskId,
        /// The generation that asked.
        generation: Generation,
    },
}

/// What a client asks. A retry is equal to what it retries.
#[derive(Debug)]
pub struct Ask {
    /// Its number of the operation: later ones have higher numbers, in later lives as well.
    pub number: u32,
    /// What it asks.
    pub what: Asked,
}

/// What can be asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asked {
    /// Something of a register.
    Call(u16, Call),
    /// A change of the metadata.
    Command(Command),
    /// A savepoint. It is done when it is complete, and answered with its id.
    Savepoint(CheckpointKind),
    /// Who owns which task now.
    Placement,
    /// To hand leadership to another coordinator.
    Transfer,
    /// To change who takes part in the replication of the metadata.
    Membership {
        /// Who votes.
        voters: Vec<ReplicaId>,
        /// Who listens.
        learners: Vec<ReplicaId>,
    },
}

/// Which tasks a worker runs, and from which checkpoint they start.
#[derive(Debug)]
pub struct Deployment {
    /// All tasks of the generation, with their workers.
    pub assignment: Arc<Assignment>,
    /// The checkpoint to restore, and the permit to commit what it covers.
    pub restore: Option<(Arc<Completed>, CommitPermit)>,
    /// What the checkpoint spout stands at; its initial state where there is none.
    pub transaction: TxState,
}

/// Tuples of one channel, in order, perhaps closed by a barrier.
#[derive(Clone, Debug)]
pub struct Data {
    /// The generation of the channel.
    pub generation: Generation,
    /// The emitting task.
    pub from: TaskId,
    /// The receiving task.
    pub to: TaskId,
    /// The tuples.
    pub batch: Batch,
    /// The barrier that follows the tuples.
    pub barrier: Option<Barrier>,
    /// Credits that ride along, for channels in the other direction.
    pub credits: Vec<Credit>,
    /// The thread that takes it: the receiving task's; the main thread where barriers overtake.
    pub lane: Lane,
}

/// Room for tuples on a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Credit {
    /// The generation of the channel.
    pub generation: Generation,
    /// The task that may emit.
    pub from: TaskId,
    /// The task that has room.
    pub to: TaskId,
    /// For how many more tuples.
    pub tuples: u32,
}

/// A request for a file of the durable store.
#[derive(Debug)]
pub struct Get {
    /// Its name.
    pub id: FileId,
    /// Its checksum.
    pub print: u64,
    /// The task that asks.
    pub task: TaskId,
    /// The generation that asks.
    pub generation: Generation,
}

/// What a sink task asks of the receiver. `generation` is that of the sink task that asks.
#[derive(Debug)]
pub enum Transaction {
    /// Add records to an open transaction, opening it if need be.
    Write {
        /// Which.
        id: TransactionId,
        /// The records, in order.
        batches: Vec<Arc<Data>>,
    },
    /// End a transaction with a checkpoint, and make it durable.
    PreCommit {
        /// Which.
        id: TransactionId,
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The last records, in order.
        batches: Vec<Arc<Data>>,
    },
    /// Make pre-committed transactions visible.
    Commit {
        /// The sink task.
        task: TaskId,
        /// Its generation.
        generation: Generation,
        /// Which, all of this task.
        ids: Vec<TransactionId>,
        /// The right to do so.
        permit: CommitPermit,
    },
    /// After a restore: commit what the checkpoint covers, throw away everything else that older
    /// generations of this task left.
    Recover {
        /// The sink task.
        task: TaskId,
        /// Its new generation.
        generation: Generation,
        /// What the restored checkpoint covers.
        ids: Vec<TransactionId>,
        /// The right to commit it; none when starting from nothing.
        permit: Option<CommitPermit>,
    },
    /// Make records visible at once.
    Append {
        /// The writer, and the number of the first record.
        first: TransactionId,
        /// The records.
        data: Arc<Data>,
    },
    /// Make records visible at once, each in the place of what was under its key.
    Upsert {
        /// The writer, and the number of the first record.
        first: TransactionId,
        /// The sink whose table it is.
        table: ComponentId,
        /// The key of each record, as a fingerprint.
        keys: Vec<u64>,
        /// The records.
        data: Arc<Data>,
    },
    /// Say when all is durable that this writer has written so far.
    Flush {
        /// The writer, and how many records it has written.
        writer: TransactionId,
        /// The checkpoint that waits for it.
        checkpoint: CheckpointId,
    },
}

/// A transaction that timed out at the receiver, which threw its records away.
#[derive(Debug)]
pub struct Gone {
    /// Which.
    pub id: TransactionId,
    /// The generation that asks for it.
    pub asked_in: Generation,
    /// The checkpoint that ended it; none if it was not pre-committed.
    pub checkpoint: Option<CheckpointId>,
    /// Number of its records.
    pub records: u32,
    /// How long ago it began.
    pub age: Span,
}

impl Transaction {
    /// How many records it brings.
    pub fn records(&self) -> u32 {
        match self {
            Transaction::Write { batches, .. } | Transaction::PreCommit { batches, .. } => {
                batches.iter().map(|data| data.batch.len() as u32).sum()
            }
            Transaction::Append { data, .. } | Transaction::Upsert { data, .. } => {
                data.batch.len() as u32
            }
            Transaction::Commit { .. }
            | Transaction::Recover { .. }
            | Transaction::Flush { .. } => 0,
        }
    }
    /// The sink task that asks, and its generation.
    pub fn asked_by(&self) -> (TaskId, Generation) {
        match self {
            Transaction::Write { id, .. }
            | Transaction::PreCommit { id, .. }
            | Transaction::Append { first: id, .. }
            | Transaction::Upsert { first: id, .. }
            | Transaction::Flush { writer: id, .. } => (id.task, id.generation),
            Transaction::Commit { task, generation, .. }
            | Transaction::Recover { task, generation, .. } => (*task, *generation),
        }
    }
}
