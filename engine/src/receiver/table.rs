//! What sinks without transactions write: rows under keys, and records that are only passed on.
//!
//! Writes become visible when they are durable, in the order in which they came; one sync serves
//! all that came before it. So what was visible is never lost, and a later write never shows first.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use stormglass_sim::node::ConnId;

use super::log::{Frame, Output, Row};
use crate::ids::{CheckpointId, ComponentId, Generation, TaskId};
use crate::message::Data;
use crate::node::Cx;
use crate::observation::Observation;
use crate::snapshot::TransactionId;

/// The rows, and what is on its way to the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    rows: BTreeMap<(ComponentId, u64), Row>,
    /// Writes that came after the last sync began, and their frames.
    next: Vec<Write>,
    frames: Vec<u8>,
    syncing: bool,
}

/// Something that becomes visible, or is answered, once it is durable.
#[derive(Clone, Debug)]
pub(super) enum Write {
    /// A record of a plain sink.
    Record(TaskId, Generation, Output),
    /// A row of an idempotent sink.
    Row(Row, Output),
    /// A sink waits for all that came before.
    Flush { conn: ConnId, id: TransactionId, checkpoint: CheckpointId },
}

impl Table {
    /// Takes records of a plain sink.
    pub(super) fn append(&mut self, first: TransactionId, data: &Data) {
        let mut encoded = Vec::new();
        for (head, values) in data.batch.iter() {
            let output = Output::new(head, values);
            self.next.push(Write::Record(first.task, first.generation, output));
            values.iter().for_each(|value| value.encode(&mut encoded));
        }
        Frame::Appended { first, values: encoded }.append_to(&mut self.frames);
    }

    /// Takes rows of an idempotent sink.
    pub(super) fn upsert(
        &mut self,
        first: TransactionId,
        table: ComponentId,
        keys: &[u64],
        data: &Data,
    ) {
        let TransactionId { task, generation, number, .. } = first;
        let (mut rows, mut encoded) = (Vec::with_capacity(keys.len()), Vec::new());
        for ((nth, key), (head, values)) in (0..).zip(keys).zip(data.batch.iter()) {
            let output = Output::new(head, values);
            let (key, sequence, print) = (*key, number + nth, output.print);
            let row = Row { table, key, task, generation, sequence, print };
            rows.push(row);
            self.next.push(Write::Row(row, output));
            values.iter().for_each(|value| value.encode(&mut encoded));
        }
        Frame::Rows { rows, values: encoded }.append_to(&mut self.frames);
    }

    /// A sink waits for all that it has written.
    pub(super) fn flush(&mut self, conn: ConnId, id: TransactionId, checkpoint: CheckpointId) {
        self.next.push(Write::Flush { conn, id, checkpoint });
    }

    /// What is to be synced now, if anything is and no sync is under way.
    pub(super) fn take(&mut self) -> Option<(Vec<u8>, Vec<Write>)> {
        if self.syncing || self.next.is_empty() {
            return None;
        }
        self.syncing = true;
        Some((core::mem::take(&mut self.frames), core::mem::take(&mut self.next)))
    }

    /// Writes are durable: what they bring is visible from now on.
    pub(super) fn synced(&mut self, writes: &[Write], cx: &mut Cx<'_>) {
        self.syncing = false;
        for write in writes {
            match *write {
                Write::Record(task, generation, Output { root, child, print }) => {
                    cx.observe(Observation::Appended { task, generation, root, child, print });
                }
                Write::Row(row, Output { root, child, print }) => {
                    let Row { task, generation, sequence, key, .. } = row;
                    self.put(row);
                    cx.observe(Observation::Upserted {
                        task,
                        generation,
                        sequence,
                        key,
                        root,
                        child,
                        print,
                    });
                }
                Write::Flush { .. } => {}
            }
        }
    }

    /// A row takes the place of the one with its key.
    pub(super) fn put(&mut self, row: Row) {
        self.rows.insert((row.table, row.key), row);
    }

    /// What a log has to hold of the rows.
    pub(super) fn frames(&self) -> Vec<Frame> {
        let rows: Vec<Row> = self.rows.values().copied().collect();
        let frame = (!rows.is_empty()).then_some(Frame::Rows { rows, values: Vec::new() });
        frame.into_iter().collect()
    }

    /// Says what is there, after a start.
    pub(super) fn tell(&self, cx: &mut Cx<'_>) {
        for row in self.rows.values() {
            let Row { task, generation, sequence, key, print, .. } = *row;
            cx.observe(Observation::RowKept { task, generation, sequence, key, print });
        }
        if !self.rows.is_empty() {
            cx.observe(Observation::RowsKept { rows: self.rows.len() as u64 });
        }
    }
}
