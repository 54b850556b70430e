//! What the processes of a cluster say to each other.
//!
//! Small messages are plain; bulk is behind an `Arc`, immutable, with its fingerprint computed
//! once. Whatever crosses a failure carries its generation, and its attempt where a task is meant.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::hash::Mixer;
use stormglass_sim::node::{self, Lane, NodeId};
use stormglass_sim::payload::Payload;

use crate::coordinator::metadata::{Assignment, Completed};
use crate::ids::{Attempt, CheckpointId, Generation, Partition, TaskId};
use crate::log::InputLog;
use crate::permit::CommitPermit;
use crate::snapshot::TransactionId;
use crate::tuple::Batch;

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
    /// Worker or supervisor to coordinator, as a datagram: I live.
    Heartbeat,
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
        checkpoint: CheckpointId,
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
        /// The task.
        task: TaskId,
        /// Its execution attempt.
        attempt: Attempt,
        /// Logical size in bytes.
        bytes: u64,
    },
    /// Coordinator to workers, and within a worker to a task: forget this checkpoint.
    AbortCheckpoint {
        /// The checkpoint.
        checkpoint: CheckpointId,
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
    /// Source to broker.
    Fetch(Arc<Fetch>),
    /// Broker to source.
    Records(Arc<Records>),
    /// Task to store: keep this file.
    Put(Arc<Put>),
    /// Store to task: the file is durable.
    PutDone {
        /// The checkpoint it belongs to.
        checkpoint: CheckpointId,
        /// The task.
        task: TaskId,
        /// Its attempt.
        attempt: Attempt,
        /// Whether the write succeeded. False means unknown: nothing may be deleted for it.
        durable: bool,
    },
    /// Task to store: give me this file.
    Get(Arc<Get>),
    /// Store to task: here it is; none if it cannot be read.
    GetDone {
        /// The task.
        task: TaskId,
        /// The generation that asked.
        generation: Generation,
        /// The contents.
        data: Option<Payload>,
    },
    /// Coordinator to store: these checkpoints are not needed any more.
    Discard {
        /// All checkpoints with ids below this one.
        below: CheckpointId,
        /// The generation of the coordinator's decision.
        generation: Generation,
    },
    /// Sink to receiver.
    Transaction(Arc<Transaction>),
    /// Receiver to sink: the transaction is durable and will be committed when asked.
    PreCommitted {
        /// Which.
        id: TransactionId,
        /// The checkpoint that ends it.
        checkpoint: CheckpointId,
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
    /// Receiver to sink: what a restore asked for is done.
    Recovered {
        /// The sink task.
        task: TaskId,
        /// The generation that asked.
        generation: Generation,
    },
}

/// Which tasks a worker runs, and from which checkpoint they start.
#[derive(Debug)]
pub struct Deployment {
    /// All tasks of the generation, with their workers.
    pub assignment: Arc<Assignment>,
    /// The checkpoint to restore, and the permit to commit what it covers.
    pub restore: Option<(Arc<Completed>, CommitPermit)>,
}

/// Tuples of one channel, in order, perhaps closed by a barrier.
#[derive(Debug)]
pub struct Data {
    /// The generation of the channel.
    pub generation: Generation,
    /// The emitting task.
    pub from: TaskId,
    /// The receiving task.
    pub to: TaskId,
    /// The tuples.
    pub batch: Batch,
    /// The checkpoint whose barrier follows the tuples.
    pub barrier: Option<CheckpointId>,
    /// Credits that ride along, for channels in the other direction.
    pub credits: Vec<Credit>,
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

/// A source's request for records.
#[derive(Debug)]
pub struct Fetch {
    /// The source task.
    pub task: TaskId,
    /// Its generation.
    pub generation: Generation,
    /// From which offset on, for each partition.
    pub from: Vec<(Partition, u64)>,
    /// The most records of each.
    pub limit: u32,
}

/// The broker's answer: ranges of the log.
#[derive(Debug)]
pub struct Records {
    /// The source task.
    pub task: TaskId,
    /// Its generation.
    pub generation: Generation,
    /// The log that the ranges lie in.
    pub log: InputLog,
    /// Partition, first offset, one past the last.
    pub ranges: Vec<(Partition, u64, u64)>,
}

/// A file for the durable store.
#[derive(Debug)]
pub struct Put {
    /// The checkpoint it belongs to.
    pub checkpoint: CheckpointId,
    /// The task that wrote it.
    pub task: TaskId,
    /// The task's generation.
    pub generation: Generation,
    /// The task's execution attempt.
    pub attempt: Attempt,
    /// The contents.
    pub data: Payload,
}

/// A request for a file of the durable store.
#[derive(Debug)]
pub struct Get {
    /// The checkpoint it belongs to.
    pub checkpoint: CheckpointId,
    /// The task that wrote it, and now wants it.
    pub task: TaskId,
    /// The attempt that wrote it.
    pub attempt: Attempt,
    /// The generation that wrote it.
    pub written_in: Generation,
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
}

impl Transaction {
    /// The sink task that asks, and its generation.
    pub fn asked_by(&self) -> (TaskId, Generation) {
        match self {
            Transaction::Write { id, .. } | Transaction::PreCommit { id, .. } => {
                (id.task, id.generation)
            }
            Transaction::Commit { task, generation, .. }
            | Transaction::Recover { task, generation, .. } => (*task, *generation),
        }
    }
}

/// Bytes of headers of every message (Ethernet, IP, TCP and ours).
const HEADER: u64 = 66;

impl node::Message for Message {
    fn wire_size(&self) -> u64 {
        HEADER
            + match self {
                Message::Deploy(deployment) => 16 + 8 * deployment.assignment.tasks.len() as u64,
                Message::Data(data) => 24 + data.batch.size() + 12 * data.credits.len() as u64,
                Message::Credit(credits) => 12 * credits.len() as u64,
                Message::Fetch(fetch) => 16 + 10 * fetch.from.len() as u64,
                Message::Records(records) => {
                    let size = |&(p, from, to): &(Partition, u64, u64)| {
                        18 + records.log.partitions[usize::from(p.0)].size(from, to)
                    };
                    16 + records.ranges.iter().map(size).sum::<u64>()
                }
                Message::Put(put) => 24 + put.data.size(),
                Message::GetDone { data, .. } => 16 + data.as_ref().map_or(0, Payload::size),
                Message::Transaction(transaction) => match &**transaction {
                    Transaction::Write { batches, .. } | Transaction::PreCommit { batches, .. } => {
                        24 + batches.iter().map(|data| data.batch.size()).sum::<u64>()
                    }
                    Transaction::Commit { ids, .. } | Transaction::Recover { ids, .. } => {
                        24 + 14 * ids.len() as u64
                    }
                },
                _ => 24,
            }
    }

    fn lane(&self) -> Lane {
        Lane(match self {
            Message::Trigger { task, .. }
            | Message::AbortCheckpoint { task, .. }
            | Message::Complete { task, .. }
            | Message::Resume { task, .. }
            | Message::PutDone { task, .. }
            | Message::GetDone { task, .. }
            | Message::Committed { task, .. }
            | Message::Recovered { task, .. } => task.0,
            Message::Data(data) => data.to.0,
            Message::Records(records) => records.task.0,
            Message::PreCommitted { id, .. } => id.task.0,
            _ => 0,
        })
    }

    fn digest(&self, into: &mut Mixer) {
        match self {
            Message::Register { incarnation, generation, running } => {
                into.pair(1 | u64::from(*running) << 8, u64::from(*incarnation));
                into.word(generation.0.into());
            }
            Message::Standing { generation, assigned } => {
                into.pair(2 | u64::from(*assigned) << 8, generation.0.into());
            }
            Message::Heartbeat => into.word(3),
            Message::Deploy(deployment) => deployment.digest(into),
            Message::Deployed { generation } => into.pair(5, generation.0.into()),
            Message::Go { generation } => into.pair(6, generation.0.into()),
            Message::Broken { generation, peer, task } => {
                into.pair(7 | u64::from(task.map_or(0, |t| t.0)) << 8, generation.0.into());
                into.word(peer.word());
            }
            Message::Trigger { checkpoint, generation, task } => {
                into.pair(8 | u64::from(task.0) << 8, pack(*checkpoint, *generation));
            }
            Message::Acknowledge { checkpoint, generation, task, attempt, bytes } => {
                into.pair(9 | u64::from(task.0) << 8, pack(*checkpoint, *generation));
                into.pair(attempt.0.into(), *bytes);
            }
            Message::AbortCheckpoint { checkpoint, generation, task } => {
                into.pair(10 | u64::from(task.0) << 8, pack(*checkpoint, *generation));
            }
            Message::Complete { permit, task } => {
                into.word(11 | u64::from(task.0) << 8);
                into.pair(permit.words().0, permit.words().1);
            }
            Message::Fence { generation } => into.pair(12, generation.0.into()),
            Message::FenceRaised { generation } => into.pair(13, generation.0.into()),
            Message::Stale { generation } => into.pair(14, generation.0.into()),
            Message::Data(data) => data.digest(into),
            Message::Credit(credits) => {
                into.pair(16, credits.len() as u64);
                credits.iter().for_each(|credit| credit.digest(into));
            }
            Message::Resume { task, generation } => {
                into.pair(17 | u64::from(task.0) << 8, generation.0.into());
            }
            Message::Fetch(fetch) => {
                into.pair(18 | u64::from(fetch.task.0) << 8, fetch.generation.0.into());
                fetch.from.iter().for_each(|(p, offset)| into.pair(p.0.into(), *offset));
            }
            Message::Records(records) => {
                into.pair(19 | u64::from(records.task.0) << 8, records.generation.0.into());
                for &(p, from, to) in &records.ranges {
                    into.pair(u64::from(p.0) << 48 | from, to);
                    into.word(records.log.partitions[usize::from(p.0)].fingerprint(from, to));
                }
            }
            Message::Put(put) => {
                into.pair(20 | u64::from(put.task.0) << 8, pack(put.checkpoint, put.generation));
                into.pair(put.attempt.0.into(), put.data.fingerprint());
            }
            Message::PutDone { checkpoint, task, attempt, durable } => {
                into.word(21 | u64::from(task.0) << 8 | u64::from(*durable) << 32);
                into.pair(checkpoint.0.into(), attempt.0.into());
            }
            Message::Get(get) => {
                into.pair(22 | u64::from(get.task.0) << 8, pack(get.checkpoint, get.generation));
                into.pair(get.attempt.0.into(), get.written_in.0.into());
            }
            Message::GetDone { task, generation, data } => {
                into.pair(23 | u64::from(task.0) << 8, generation.0.into());
                into.word(data.as_ref().map_or(0, Payload::fingerprint));
            }
            Message::Discard { below, generation } => into.pair(24, pack(*below, *generation)),
            Message::Transaction(transaction) => transaction.digest(into),
            Message::PreCommitted { id, checkpoint } => {
                into.pair(26, checkpoint.0.into());
                into.pair(id.words().0, id.words().1);
            }
            Message::Committed { task, generation, checkpoint } => {
                into.pair(27 | u64::from(task.0) << 8, pack(*checkpoint, *generation));
            }
            Message::Recovered { task, generation } => {
                into.pair(28 | u64::from(task.0) << 8, generation.0.into());
            }
        }
    }
}

const fn pack(checkpoint: CheckpointId, generation: Generation) -> u64 {
    (checkpoint.0 as u64) << 32 | generation.0 as u64
}

impl Deployment {
    fn digest(&self, into: &mut Mixer) {
        into.pair(4, self.assignment.generation.0.into());
        self.assignment.tasks.iter().for_each(|node| into.word(node.word()));
        if let Some((completed, permit)) = &self.restore {
            into.pair(completed.checkpoint.0.into(), permit.words().1);
        }
    }
}

impl Data {
    fn digest(&self, into: &mut Mixer) {
        let barrier = self.barrier.map_or(u64::from(u32::MAX), |id| id.0.into());
        into.pair(
            15 | u64::from(self.from.0) << 8 | u64::from(self.to.0) << 24,
            barrier << 32 | u64::from(self.generation.0),
        );
        into.word(self.batch.fingerprint());
        self.credits.iter().for_each(|credit| credit.digest(into));
    }
}

impl Credit {
    fn digest(&self, into: &mut Mixer) {
        into.pair(
            u64::from(self.from.0) << 16 | u64::from(self.to.0),
            u64::from(self.generation.0) << 32 | u64::from(self.tuples),
        );
    }
}

impl Transaction {
    fn digest(&self, into: &mut Mixer) {
        let (task, generation) = self.asked_by();
        into.pair(25 | u64::from(task.0) << 8, generation.0.into());
        let mut id = |id: &TransactionId| into.pair(id.words().0, id.words().1);
        match self {
            Transaction::Write { id: which, batches } => {
                id(which);
                batches.iter().for_each(|data| into.word(data.batch.fingerprint()));
            }
            Transaction::PreCommit { id: which, checkpoint, batches } => {
                id(which);
                into.word(checkpoint.0.into());
                batches.iter().for_each(|data| into.word(data.batch.fingerprint()));
            }
            Transaction::Commit { ids, permit, .. } => {
                ids.iter().for_each(id);
                into.pair(permit.words().0, permit.words().1);
            }
            Transaction::Recover { ids, permit, .. } => {
                ids.iter().for_each(id);
                into.word(permit.map_or(0, |permit| permit.words().0));
            }
        }
    }
}
