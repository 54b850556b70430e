//! What the engine tells about itself: one story, as small typed values.
//!
//! Checkers, plots, timelines and exports read these and nothing else. An observation carries the
//! generation of whoever makes it: a zombie's observations are those of its old generation.

use stormglass_sim::hash::Mixer;
use stormglass_sim::node::{self, NodeId};
use stormglass_sim::time::Span;

use crate::ids::{Attempt, CheckpointId, Child, Generation, KeyGroup, Partition, Root, TaskId};
use crate::raft::{Index, Point, Term};

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
    /// A task could not write its state.
    Declined,
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
        /// The generation that took it.
        generation: Generation,
        /// Logical size of its state in bytes, without what files add.
        bytes: u64,
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

impl node::Observation for Observation {
    fn digest(&self, into: &mut Mixer) {
        use Observation as O;
        let pack = |tag: u64, task: TaskId, generation: Generation| {
            tag | u64::from(task.0) << 8 | u64::from(generation.0) << 32
        };
        match *self {
            O::Executed { task, from, generation, root, child, group } => {
                into.word(pack(1, task, generation));
                into.word(root.0);
                let group = group.map_or(0xffff, |group| group.0);
                into.word(u64::from(from.0) | u64::from(group) << 16 | u64::from(child.0) << 32);
            }
            O::Ended { task, generation, root, unused } => {
                into.pair(pack(2, task, generation), root.0);
                into.word(unused.into());
            }
            O::Answered { task, generation, word } => into.pair(pack(3, task, generation), word),
            O::Cut { task, generation, checkpoint } => {
                into.pair(pack(4, task, generation), checkpoint.0.into());
            }
            O::Stepped { step, task, generation, checkpoint } => {
                let word = u64::from(checkpoint.0) | (step as u64) << 32;
                into.pair(pack(33, task, generation), word);
            }
            O::Position { task, generation, checkpoint, next } => {
                into.pair(pack(5, task, generation), checkpoint.0.into());
                into.word(next.0);
            }
            O::GroupCut { task, generation, checkpoint, group, keys, print } => {
                into.pair(pack(6, task, generation), checkpoint.0.into());
                into.pair(u64::from(group.0) | u64::from(keys) << 32, print);
            }
            O::OperatorCut { task, generation, checkpoint, print } => {
                into.pair(pack(33, task, generation), checkpoint.0.into());
                into.word(print);
            }
            O::Restored { task, generation, attempt, checkpoint } => {
                into.word(pack(7, task, generation));
                into.pair(attempt.0.into(), option(checkpoint));
            }
            O::WorkerStarted { node, incarnation } => {
                into.pair(8 | u64::from(incarnation) << 32, node.word());
            }
            O::Suspected { node, reason } => into.pair(9 | (reason as u64) << 32, node.word()),
            O::Granted { generation, workers, restore } => {
                into.pair(10 | u64::from(workers) << 32, generation.0.into());
                into.word(option(restore));
            }
            O::Assigned { generation, task, node } => {
                into.pair(pack(11, task, generation), node.word());
            }
            O::Running { generation } => into.pair(12, generation.0.into()),
            O::CheckpointTriggered { checkpoint, generation } => {
                into.word(13);
                into.pair(checkpoint.0.into(), generation.0.into());
            }
            O::CheckpointAcked { checkpoint, task, attempt, bytes } => {
                into.pair(14 | u64::from(task.0) << 8, checkpoint.0.into());
                into.pair(attempt.0.into(), bytes);
            }
            O::CheckpointCompleted { checkpoint, generation, bytes } => {
                into.pair(15, checkpoint.0.into());
                into.pair(generation.0.into(), bytes);
            }
            O::CheckpointAborted { checkpoint, generation, reason } => {
                into.pair(16 | (reason as u64) << 32, checkpoint.0.into());
                into.word(generation.0.into());
            }
            O::Fenced { resource, node, generation } => {
                into.pair(17 | (resource as u64) << 32, node.word());
                into.word(generation.0.into());
            }
            O::Accepted { resource, generation, task } => {
                into.pair(pack(18, task, generation), resource as u64);
            }
            O::Refused { resource, generation, task } => {
                into.pair(pack(19, task, generation), resource as u64);
            }
            O::PreCommitted { task, generation, checkpoint, records } => {
                into.word(pack(20, task, generation));
                into.pair(checkpoint.0.into(), records.into());
            }
            O::Published { task, generation, checkpoint, records } => {
                into.word(pack(21, task, generation));
                into.pair(checkpoint.0.into(), records.into());
            }
            O::Staged { task, generation, checkpoint, root, child, print } => {
                into.pair(pack(26, task, generation), root.0);
                into.pair(u64::from(checkpoint.0) | u64::from(child.0) << 32, print);
            }
            O::TransactionAborted { task, generation, checkpoint, records } => {
                into.pair(pack(22, task, generation), records.into());
                into.word(option(checkpoint));
            }
            O::TaskFailed { task, generation } => into.word(pack(23, task, generation)),
            O::ZombieExit { node, generation } => {
                into.pair(24 | u64::from(generation.0) << 32, node.word());
            }
            O::PartitionDrained { partition } => into.pair(25, partition.0.into()),
            O::Raft(point) => {
                into.word(27);
                point.digest(into);
            }
            O::Applied { index, term, print } => {
                into.pair(28 | u64::from(term.0) << 32, index.0);
                into.word(print);
            }
            O::Leads { term } => into.pair(29, term.0.into()),
            O::Heard { node, generation, dismissed } => {
                let generations = u64::from(dismissed.0) << 32 | u64::from(generation.0);
                into.pair(30 | node.word() << 32, generations);
            }
            O::Invoked { operation, key, call } => {
                let (kind, value) = match call {
                    Call::Read => (0, 0),
                    Call::Set(value) => (1, value),
                    Call::Add(value) => (2, value),
                };
                into.pair(31 | u64::from(key) << 16 | kind << 8, value);
                into.pair(operation.client.word(), operation.number.into());
            }
            O::Responded { operation, value } => {
                into.pair(32 | u64::from(operation.number) << 32, value);
                into.word(operation.client.word());
            }
            O::IntervalChanged { interval } => into.pair(34, interval.as_nanos()),
        }
    }
}

fn option(checkpoint: Option<CheckpointId>) -> u64 {
    checkpoint.map_or(u64::MAX, |id| id.0.into())
}
