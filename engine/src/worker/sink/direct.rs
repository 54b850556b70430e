//! The sinks without transactions: what they write is visible as soon as the receiver has it.
//!
//! A plain sink adds its records to what is there; after a restore they come again. An idempotent
//! one writes each under its key, so that a replay writes again what is there already: in the end
//! the last write of each key stands, as if every record had come once. Both have the receiver
//! confirm everything that came before a cut before they acknowledge their part, as Flink's sinks
//! flush in `snapshotState`: nothing that a completed checkpoint covers can be lost.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::super::links::Env;
use super::two_phase::send;
use crate::ids::{CheckpointId, TaskId};
use crate::message::{Data, Transaction};
use crate::names::Twist;
use crate::snapshot::TransactionId;
use crate::topology::{Component, Grouping, Topology};
use crate::value::{self, Value};

/// The writes of one sink task in one attempt.
#[derive(Clone, Debug)]
pub(super) struct Direct {
    task: TaskId,
    keyed: bool,
    /// Counts this attempt's records.
    sequence: u32,
    /// Something was written since the last cut.
    written: bool,
    /// The newest cut before which something was written.
    asked: CheckpointId,
    /// The receiver has confirmed everything up to this checkpoint.
    confirmed: CheckpointId,
}

impl Direct {
    pub(super) fn new(task: TaskId, keyed: bool) -> Self {
        let (asked, confirmed) = (CheckpointId(0), CheckpointId(0));
        Direct { task, keyed, sequence: 0, written: false, asked, confirmed }
    }

    fn writer(&self, env: &Env<'_, '_>) -> TransactionId {
        let (task, generation, attempt) = (self.task, env.generation, env.attempt);
        TransactionId { task, generation, attempt, number: self.sequence }
    }

    /// Writes a batch.
    pub(super) fn execute(&mut self, data: &Arc<Data>, env: &mut Env<'_, '_>) {
        let (first, data) = (self.writer(env), data.clone());
        self.sequence += data.batch.len() as u32;
        self.written = true;
        if !self.keyed {
            return send(Transaction::Append { first, data }, env);
        }
        let topology = &env.cluster.topology;
        let component = topology.component_of(self.task);
        let (table, keys) = (component.id, keys(topology, component, &data));
        send(Transaction::Upsert { first, table, keys, data }, env);
    }

    /// Asks the receiver to confirm what was written. Some if it has not confirmed everything.
    pub(super) fn cut(
        &mut self,
        checkpoint: CheckpointId,
        env: &mut Env<'_, '_>,
    ) -> Option<CheckpointId> {
        if self.written {
            (self.written, self.asked) = (false, checkpoint);
            send(Transaction::Flush { writer: self.writer(env), checkpoint }, env);
        }
        let open = self.asked > self.confirmed && !env.cx.twist(Twist::FlushNotAwaited);
        open.then_some(self.asked)
    }

    /// The receiver has everything up to a checkpoint.
    pub(super) fn flushed(&mut self, checkpoint: CheckpointId) {
        self.confirmed = self.confirmed.max(checkpoint);
    }
}

/// The key of each tuple: the fingerprint of the fields by which it reached the sink.
fn keys(topology: &Topology, component: &Component, data: &Data) -> Vec<u64> {
    let emitter = topology.component_of(data.from).id;
    let mut key: Vec<Value> = Vec::new();
    let of_tuple = data.batch.iter().map(|(head, values)| {
        let mut inputs = component.inputs.iter();
        let by = inputs.find(|input| input.from == emitter && input.stream == head.stream);
        let Some(Grouping::Fields(fields)) = by.map(|input| &input.grouping) else {
            unreachable!("the builder checks that inputs of idempotent sinks are fields-grouped")
        };
        key.clear();
        key.extend(fields.iter().map(|at| values[usize::from(*at)].clone()));
        value::fingerprint(&key)
    });
    of_tuple.collect()
}
