//! What an observation adds to the digest of a run.

use stormglass_sim::hash::Mixer;
use stormglass_sim::node;

use super::{Call, Observation};
use crate::ids::{CheckpointId, Generation, TaskId};

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
                into.pair(pack(35, task, generation), checkpoint.0.into());
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
            O::CheckpointTriggered { checkpoint, kind, generation } => {
                into.word(13 | (kind as u64) << 32);
                into.pair(checkpoint.0.into(), generation.0.into());
            }
            O::CheckpointAcked { checkpoint, task, attempt, bytes } => {
                into.pair(14 | u64::from(task.0) << 8, checkpoint.0.into());
                into.pair(attempt.0.into(), bytes);
            }
            O::CheckpointCompleted { checkpoint, kind, generation, bytes } => {
                into.pair(15 | (kind as u64) << 32, checkpoint.0.into());
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
            O::TransactionExpired { task, generation, checkpoint, records, age } => {
                into.pair(pack(50, task, generation), records.into());
                into.pair(option(checkpoint), age.as_nanos());
            }
            O::TransactionLost { task, generation, checkpoint, records, age } => {
                into.pair(pack(51, task, generation), records.into());
                into.pair(checkpoint.0.into(), age.as_nanos());
            }
            O::Appended { task, generation, root, child, print } => {
                into.pair(pack(52, task, generation), root.0);
                into.pair(child.0.into(), print);
            }
            O::Upserted { task, generation, sequence, key, root, child, print } => {
                into.pair(pack(53, task, generation), root.0);
                into.pair(u64::from(child.0) | u64::from(sequence) << 32, print);
                into.word(key);
            }
            O::RowKept { task, generation, sequence, key, print } => {
                into.pair(pack(54, task, generation), sequence.into());
                into.pair(key, print);
            }
            O::RowsKept { rows } => into.pair(55, rows),
            O::TaskFailed { task, generation } => into.word(pack(23, task, generation)),
            O::ZombieExit { node, generation } => {
                into.pair(24 | u64::from(generation.0) << 32, node.word());
            }
            // Bytes follow from the tuples, which the fingerprint covers.
            O::InFlight { task, generation, checkpoint, from, to, tuples, print, .. } => {
                into.word(pack(60, task, generation));
                into.pair(u64::from(from.0) << 16 | u64::from(to.0), checkpoint.0.into());
                into.pair(tuples.into(), print);
            }
            O::Input(input) => {
                into.word(65);
                input.digest(into);
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
            O::Queried { operation, task, generation, hash, key, row } => {
                into.pair(pack(60, task, generation), operation.client.word());
                into.pair(u64::from(operation.number) | u64::from(hash as u32) << 32, key);
                into.word(row);
            }
            O::QueryAnswered { operation, question, generation, row } => {
                into.pair(61 | u64::from(operation.number) << 32, operation.client.word());
                into.pair(u64::from(question) << 32 | u64::from(generation.0), row);
            }
            O::QueryRefused { operation } => {
                into.pair(62 | u64::from(operation.number) << 32, operation.client.word());
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
            O::Acking(acking) => {
                into.word(64);
                acking.digest(into);
            }
            O::IntervalChanged { interval } => into.pair(34, interval.as_nanos()),
            O::JobFailed { generation, checkpoint, reason } => {
                into.pair(50 | (reason as u64) << 32, checkpoint.0.into());
                into.word(generation.0.into());
            }
            O::Stopped { generation, checkpoint } => {
                into.pair(51, checkpoint.0.into());
                into.word(generation.0.into());
            }
            O::CheckpointUnreadable { checkpoint } => into.pair(60, checkpoint.0.into()),
            O::StateLost { generation } => into.pair(61, generation.0.into()),
            O::Responded { operation, value } => {
                into.pair(32 | u64::from(operation.number) << 32, value);
                into.word(operation.client.word());
            }
        }
    }
}

fn option(checkpoint: Option<CheckpointId>) -> u64 {
    checkpoint.map_or(u64::MAX, |id| id.0.into())
}
