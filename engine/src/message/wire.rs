//! Messages on the wire: their size, the lane that takes them, their contents in the digest.

use stormglass_sim::hash::Mixer;
use stormglass_sim::node::{self, Lane, NodeId};
use stormglass_sim::payload::Payload;

use super::acking::{Acks, Emission, Offsets, Step};
use super::{Ask, Asked, Credit, Data, Deployment, Gone, Message, Records, Transaction};
use crate::coordinator::metadata::{Command, Request};
use crate::ids::{CheckpointId, Generation, Partition};
use crate::snapshot::TransactionId;
use crate::value::{self, Value};

/// Bytes of headers of every message (Ethernet, IP, TCP and ours).
const HEADER: u64 = 66;

impl Records {
    /// Size of the records in bytes.
    pub fn size(&self) -> u64 {
        let size = |&(p, from, to): &(Partition, u64, u64)| {
            self.log.partitions[usize::from(p.0)].size(from, to)
        };
        self.ranges.iter().map(size).sum()
    }
}

impl node::Message for Message {
    fn wire_size(&self) -> u64 {
        HEADER
            + match self {
                Message::Load(load) => 24 + 18 * load.tasks.len() as u64,
                Message::Raft(message) => message.wire_size(),
                Message::Deploy(deployment) => 16 + 8 * deployment.assignment.tasks.len() as u64,
                Message::Data(data) => 24 + data.batch.size() + 12 * data.credits.len() as u64,
                Message::Credit(credits) => 12 * credits.len() as u64,
                Message::Fetch(fetch) => 16 + 10 * fetch.from.len() as u64,
                Message::Records(records) => 16 + 18 * records.ranges.len() as u64 + records.size(),
                Message::Placement { assignment, .. } => {
                    8 + assignment.as_ref().map_or(0, |of| 12 + 8 * of.tasks.len() as u64)
                }
                Message::Query(query) => query.wire_size(),
                Message::Queried { row, .. } => {
                    12 + row.iter().flat_map(|row| row.iter()).map(Value::size).sum::<u64>()
                }
                Message::Acks(acks) => 16 + 20 * acks.acks.len() as u64,
                Message::CommitOffsets(of) | Message::Offsets(of) => {
                    16 + 10 * of.positions.len() as u64
                }
                Message::Put(put) => 48 + 2 * put.onward.len() as u64 + put.data.size(),
                Message::Inventory { files, .. } => 8 + 20 * files.len() as u64,
                Message::Acknowledge { part, .. } => 24 + part.wire_size(),
                Message::Discard(discard) => 16 + 20 * discard.keep.len() as u64,
                Message::GetDone { data, .. } => 24 + data.as_ref().map_or(0, Payload::size),
                Message::Transaction(transaction) => match &**transaction {
                    Transaction::Write { batches, .. } | Transaction::PreCommit { batches, .. } => {
                        24 + batches.iter().map(|data| data.batch.size()).sum::<u64>()
                    }
                    Transaction::Commit { ids, .. } | Transaction::Recover { ids, .. } => {
                        24 + 14 * ids.len() as u64
                    }
                    Transaction::Append { data, .. } => 24 + data.batch.size(),
                    Transaction::Upsert { keys, data, .. } => {
                        24 + 8 * keys.len() as u64 + data.batch.size()
                    }
                    Transaction::Flush { .. } => 24,
                },
                _ => 24,
            }
    }

    /// The store's answer is for no task's thread: whoever writes state out while the task goes on
    /// acknowledges it, and does not wait for the task's work (so Flink's asynchronous part).
    fn lane(&self) -> Lane {
        Lane(match self {
            Message::Trigger { task, .. }
            | Message::AbortCheckpoint { task, .. }
            | Message::Complete { task, .. }
            | Message::Resume { task, .. }
            | Message::Wake { task, .. }
            | Message::GetDone { task, .. }
            | Message::Committed { task, .. }
            | Message::Taken { task, .. }
            | Message::Busy { task, .. }
            | Message::Recovered { task, .. } => task.0,
            Message::Step(step) => step.lane.0,
            Message::Acks(acks) => acks.lane.0,
            Message::Offsets(offsets) => offsets.lane.0,
            Message::Beat { lane, .. } => lane.0,
            Message::Data(data) => data.lane.0,
            Message::Records(records) => records.lane.0,
            Message::PreCommitted { id, .. } => id.task.0,
            Message::Gone(gone) => gone.id.task.0,
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
            Message::Heartbeat { generation, dismissed, sent } => {
                into.pair(3 | u64::from(generation.0) << 32, sent.nanos());
                into.word(dismissed.0.into());
            }
            Message::Supervising { sent } => into.pair(29, sent.nanos()),
            Message::Beat { lane, generation, number } => {
                into.pair(
                    36 | u64::from(lane.0) << 8,
                    u64::from(generation.0) << 32 | u64::from(*number),
                );
            }
            Message::Silent { generation, executor } => {
                into.pair(37 | u64::from(executor.0) << 8, generation.0.into());
            }
            Message::Load(load) => {
                into.pair(35 | u64::from(load.generation.0) << 32, load.number.into());
                into.word(load.over.as_nanos());
                for task in &load.tasks {
                    into.pair(u64::from(task.task.0) | task.executed << 16, task.cpu.as_nanos());
                }
            }
            Message::Leader { term } => into.pair(30, term.0.into()),
            Message::Raft(message) => {
                into.word(31);
                message.digest(into);
            }
            Message::Ask(ask) => ask.digest(into),
            Message::Answer { number, answer } => {
                into.pair(33 | u64::from(*number) << 32, answer.unwrap_or(0));
                into.word(answer.is_some().into());
            }
            Message::Elsewhere { number, leader } => {
                into.pair(34 | u64::from(*number) << 32, leader.map_or(0, |node| node.word() + 1));
            }
            Message::Placement { number, assignment } => {
                let generation = assignment.as_ref().map_or(0, |of| of.generation.0);
                into.pair(38 | u64::from(*number) << 32, generation.into());
            }
            Message::Query(query) => {
                into.word(39);
                query.digest(into);
            }
            Message::Queried { number, generation, row } => {
                into.pair(40 | u64::from(*number) << 32, generation.0.into());
                into.word(row.as_ref().map_or(u64::MAX, |row| value::fingerprint(row)));
            }
            Message::Deploy(deployment) => deployment.digest(into),
            Message::Deployed { generation } => into.pair(5, generation.0.into()),
            Message::Go { generation } => into.pair(6, generation.0.into()),
            Message::Broken { generation, peer, task } => {
                into.pair(7 | u64::from(task.map_or(0, |t| t.0)) << 8, generation.0.into());
                into.word(peer.word());
            }
            Message::Trigger { barrier, generation, task } => {
                into.pair(8 | u64::from(task.0) << 8, generation.0.into());
                barrier.digest(into);
            }
            Message::Acknowledge { checkpoint, generation, attempt, part } => {
                into.pair(9 | u64::from(attempt.0) << 8, pack(*checkpoint, *generation));
                part.digest(into);
            }
            Message::Decline { checkpoint, generation, task, attempt, reason } => {
                into.pair(50 | u64::from(task.0) << 8, pack(*checkpoint, *generation));
                into.pair(attempt.0.into(), *reason as u64);
            }
            Message::AbortCheckpoint { checkpoint, latest, generation, task } => {
                into.pair(10 | u64::from(task.0) << 8, pack(*checkpoint, *generation));
                into.word(latest.map_or(0, |latest| latest.0.into()));
            }
            Message::Finished { checkpoint, generation, task } => {
                into.pair(51 | u64::from(task.0) << 8, pack(*checkpoint, *generation));
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
            Message::Wake { task, generation } => {
                into.pair(60 | u64::from(task.0) << 8, generation.0.into());
            }
            Message::Console(console) => console.digest(into),
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
                for &(p, asked, start) in &records.gone {
                    into.pair(u64::from(p.0) << 48 | asked, start);
                }
            }
            Message::Put(put) => {
                into.pair(20, put.data.fingerprint());
                into.pair(put.id.words().0, put.id.words().1);
                into.pair(pack_two(put.packet, put.packets), pack_two(put.pipeline, 0));
                into.word(put.generation.0.into());
                put.onward.iter().for_each(|store| into.word((*store).into()));
            }
            Message::PutTaken { id, pipeline, packets } => {
                into.pair(38, pack_two(*pipeline, *packets));
                into.pair(id.words().0, id.words().1);
            }
            Message::PutDone { id, pipeline, durable, stores } => {
                into.pair(21 | u64::from(*durable) << 32, stores.0);
                into.pair(id.words().0, id.words().1);
                into.word((*pipeline).into());
            }
            Message::Get(get) => {
                into.pair(22 | u64::from(get.task.0) << 8, get.generation.0.into());
                into.pair(get.id.words().0, get.id.words().1);
            }
            Message::GetDone { task, generation, id, packet, packets, data } => {
                into.pair(23 | u64::from(task.0) << 8, generation.0.into());
                into.pair(id.words().0, id.words().1);
                into.pair(
                    pack_two(*packet, *packets),
                    match data {
                        Ok(data) => data.fingerprint(),
                        Err(flaw) => *flaw as u64,
                    },
                );
            }
            Message::Flawed { id, store } => {
                into.pair(39, (*store).into());
                into.pair(id.words().0, id.words().1);
            }
            Message::Unreadable { checkpoint, generation, task } => {
                into.pair(40 | u64::from(task.0) << 8, pack(*checkpoint, *generation));
            }
            Message::Inventory { up_to, files } => {
                into.pair(41 | u64::from(up_to.0) << 32, files.len() as u64);
                files.iter().for_each(|id| into.pair(id.words().0, id.words().1));
            }
            Message::Copy(copy) => {
                into.pair(42 | u64::from(copy.to) << 8, pack_two(copy.pipeline, copy.generation.0));
                into.pair(copy.file.id.words().0, copy.file.id.words().1);
            }
            Message::Copied { id, to, durable } => {
                into.pair(43 | u64::from(*to) << 8, u64::from(*durable));
                into.pair(id.words().0, id.words().1);
            }
            Message::Discard(discard) => {
                into.pair(24, pack(discard.up_to, discard.generation));
                discard.keep.iter().for_each(|id| into.pair(id.words().0, id.words().1));
            }
            Message::Transaction(transaction) => transaction.digest(into),
            Message::PreCommitted { id, checkpoint } => {
                into.pair(26, checkpoint.0.into());
                into.pair(id.words().0, id.words().1);
            }
            Message::Taken { task, generation, tuples } => {
                into.pair(52 | u64::from(task.0) << 8, generation.0.into());
                into.word((*tuples).into());
            }
            Message::Committed { task, generation, checkpoint } => {
                into.pair(27 | u64::from(task.0) << 8, pack(*checkpoint, *generation));
            }
            Message::Busy { task, generation } => {
                into.pair(50 | u64::from(task.0) << 8, generation.0.into());
            }
            Message::Gone(gone) => {
                let Gone { id, asked_in, checkpoint, records, age } = &**gone;
                into.pair(51 | u64::from(asked_in.0) << 32, age.as_nanos());
                into.pair(id.words().0, id.words().1);
                into.pair(checkpoint.map_or(u64::MAX, |id| id.0.into()), u64::from(*records));
            }
            Message::Recovered { task, generation } => {
                into.pair(28 | u64::from(task.0) << 8, generation.0.into());
            }
            Message::Step(step) => step.digest(into),
            Message::Stepped { emission, generation, task, done } => {
                into.pair(39 | u64::from(task.0) << 8, generation.0.into());
                into.pair(emission.word(), u64::from(*done));
            }
            Message::Acks(acks) => acks.digest(into),
            Message::CommitOffsets(offsets) => offsets.digest(41, into),
            Message::Offsets(offsets) => offsets.digest(42, into),
        }
    }
}

const fn pack_two(high: u32, low: u32) -> u64 {
    (high as u64) << 32 | low as u64
}

const fn pack(checkpoint: CheckpointId, generation: Generation) -> u64 {
    (checkpoint.0 as u64) << 32 | generation.0 as u64
}

impl Emission {
    fn word(self) -> u64 {
        u64::from(self.term.0) << 32 | u64::from(self.number)
    }
}

impl Step {
    fn digest(&self, into: &mut Mixer) {
        let (from, to) = (u64::from(self.from.0), u64::from(self.to.0));
        into.pair(38 | (self.action as u64) << 8 | from << 16 | to << 32, self.emission.word());
        into.pair(pack(self.version, self.generation), self.txid.0.into());
    }
}

impl Acks {
    fn digest(&self, into: &mut Mixer) {
        into.pair(40 | u64::from(self.to.0) << 8, self.generation.0.into());
        for ack in &self.acks {
            into.pair(ack.root.0, u64::from(ack.tree.0) | u64::from(ack.edges.is_some()) << 32);
            into.word(ack.edges.unwrap_or(0));
        }
    }
}

impl Offsets {
    fn digest(&self, tag: u64, into: &mut Mixer) {
        let commit = u64::from(self.commit) << 32;
        into.pair(tag | u64::from(self.task.0) << 8 | commit, self.generation.0.into());
        self.positions.iter().for_each(|(p, offset)| into.pair(p.0.into(), *offset));
    }
}

impl Ask {
    fn digest(&self, into: &mut Mixer) {
        into.word(32 | u64::from(self.number) << 32);
        match &self.what {
            Asked::Call(key, call) => {
                let command = Command::Update { key: *key, call: *call };
                into.bytes(&Request { client: NodeId::new(0, 0), sequence: 0, command }.encode());
            }
            Asked::Command(command) => {
                let (client, command) = (NodeId::new(0, 0), command.clone());
                into.bytes(&Request { client, sequence: 1, command }.encode());
            }
            Asked::Transfer => into.word(1),
            Asked::Savepoint(kind) => into.word(3 | (*kind as u64) << 8),
            Asked::Placement => into.word(4),
            Asked::Membership { voters, learners } => {
                into.pair(2, voters.len() as u64);
                voters.iter().chain(learners).for_each(|id| into.word(id.0.into()));
            }
        }
    }
}

impl Deployment {
    fn digest(&self, into: &mut Mixer) {
        into.pair(4, self.assignment.generation.0.into());
        self.assignment.tasks.iter().for_each(|node| into.word(node.word()));
        into.pair(self.transaction.txid.0.into(), self.transaction.phase as u64);
        if let Some((completed, permit)) = &self.restore {
            into.pair(completed.checkpoint.0.into(), permit.words().1);
        }
    }
}

impl Data {
    fn digest(&self, into: &mut Mixer) {
        into.pair(
            15 | u64::from(self.from.0) << 8 | u64::from(self.to.0) << 24,
            u64::from(self.barrier.is_some()) << 32 | u64::from(self.generation.0),
        );
        if let Some(barrier) = self.barrier {
            barrier.digest(into);
        }
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
            Transaction::Append { first, data } => {
                id(first);
                into.word(data.batch.fingerprint());
            }
            Transaction::Upsert { first, table, keys, data } => {
                id(first);
                into.pair(table.0.into(), data.batch.fingerprint());
                keys.iter().for_each(|key| into.word(*key));
            }
            Transaction::Flush { writer, checkpoint } => {
                id(writer);
                into.word(checkpoint.0.into());
            }
        }
    }
}
