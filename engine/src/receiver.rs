//! The receiving side of the transactional sinks: an external system with two-phase commit.
//!
//! Records of a transaction become durable when it is pre-committed and visible when it is
//! committed, which takes a [`CommitPermit`]. Its log on disk is a sequence of frames (see
//! [`log`]); what is visible is decided by the log alone, so a restarted receiver goes on where it
//! was.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{
    ConnId, DiskError, DiskOp, DiskReply, DiskTicket, Event, FileName, Lane,
};
use stormglass_sim::payload::Payload;

use crate::fence::Fence;
use crate::ids::{CheckpointId, Generation, TaskId};
use crate::message::{Data, Message, Transaction};
use crate::names::{Probe, Twist};
use crate::node::Cx;
use crate::observation::{Observation, Resource};
use crate::permit::CommitPermit;
use crate::snapshot::TransactionId;

pub mod log;

use log::{Frame, Output};

const MAIN: Lane = Lane(0);

/// The receiver process.
#[derive(Clone, Debug)]
pub struct Receiver {
    fence: Fence,
    file: FileName,
    /// The read of the log at the start; none once it is answered.
    recovery: Option<DiskTicket>,
    /// Transactions that are not visible yet.
    transactions: BTreeMap<TransactionId, Open>,
    /// What to do when a sync is done.
    syncing: BTreeMap<DiskTicket, Then>,
}

/// A transaction that is not visible yet.
#[derive(Clone, Debug, Default)]
struct Open {
    outputs: Vec<Output>,
    /// The records' values in canonical encoding, as they go to the log.
    values: Vec<u8>,
    /// The checkpoint that ends it; set once it is pre-committed.
    checkpoint: Option<CheckpointId>,
    /// Its records were shown too early (a planted bug).
    shown: bool,
}

/// What follows a sync.
#[derive(Clone, Debug)]
enum Then {
    /// Tell the sink that its transaction is durable.
    PreCommitted { conn: ConnId, id: TransactionId, checkpoint: CheckpointId },
    /// Show the transactions, then answer.
    Show { conn: ConnId, ids: Vec<TransactionId>, answer: Message },
}

impl Default for Receiver {
    fn default() -> Self {
        Receiver {
            fence: Fence::new(Resource::Receiver),
            file: FileName::from("receiver/transactions.log"),
            recovery: None,
            transactions: BTreeMap::new(),
            syncing: BTreeMap::new(),
        }
    }
}

impl Receiver {
    /// Reacts to one event.
    pub fn on_event(&mut self, event: Event<Message>, cx: &mut Cx<'_>) {
        match event {
            Event::Start => {
                self.recovery = Some(cx.disk(MAIN, DiskOp::Read { file: self.file.clone() }));
                cx.disk(MAIN, DiskOp::Append { file: self.file.clone(), data: Payload::empty() });
                cx.disk(MAIN, DiskOp::SyncDir);
            }
            Event::Disk { ticket, result } => self.on_disk(ticket, result, cx),
            Event::Received { conn, message, .. } => self.received(conn, message, cx),
            _ => {}
        }
    }

    fn received(&mut self, conn: ConnId, message: Message, cx: &mut Cx<'_>) {
        match message {
            // The log comes first: a receiver that has not read it must not answer anybody.
            _ if self.recovery.is_some() => cx.close(conn),
            Message::Fence { generation } => {
                self.fence.raise(generation, cx);
                let _ = cx.write(conn, Message::FenceRaised { generation });
            }
            Message::Transaction(transaction) => {
                let (task, generation) = transaction.asked_by();
                if self.fence.admits(generation, task, conn, cx) {
                    self.transaction(&transaction, conn, cx);
                }
            }
            _ => {}
        }
    }

    fn transaction(&mut self, transaction: &Transaction, conn: ConnId, cx: &mut Cx<'_>) {
        match transaction {
            Transaction::Write { id, batches } => self.write(*id, batches),
            Transaction::PreCommit { id, checkpoint, batches } => {
                self.write(*id, batches);
                self.pre_commit(*id, *checkpoint, conn, cx);
            }
            Transaction::Commit { task, generation, ids, permit } => {
                let (task, generation, checkpoint) = (*task, *generation, permit.checkpoint());
                let ids = self.permitted(ids, Some(*permit));
                let answer = Message::Committed { task, generation, checkpoint };
                self.commit(ids, None, answer, conn, cx);
            }
            Transaction::Recover { task, generation, ids, permit } => {
                let ids = self.permitted(ids, *permit);
                if !ids.is_empty() {
                    cx.probe(Probe::CommitRecovered);
                }
                let (task, generation) = (*task, *generation);
                let answer = Message::Recovered { task, generation };
                self.commit(ids, Some((task, generation)), answer, conn, cx);
            }
        }
    }

    fn write(&mut self, id: TransactionId, batches: &[Arc<Data>]) {
        let open = self.transactions.entry(id).or_default();
        assert!(open.checkpoint.is_none(), "a pre-committed transaction takes no records");
        open.outputs.reserve(batches.iter().map(|data| data.batch.len()).sum());
        open.values.reserve(batches.iter().map(|data| data.batch.size() as usize).sum());
        for data in batches {
            for (head, values) in data.batch.iter() {
                open.outputs.push(Output::new(head, values));
                values.iter().for_each(|value| value.encode(&mut open.values));
            }
        }
    }

    fn pre_commit(
        &mut self,
        id: TransactionId,
        checkpoint: CheckpointId,
        conn: ConnId,
        cx: &mut Cx<'_>,
    ) {
        let open = self.transactions.get_mut(&id).expect("just written to");
        open.checkpoint = Some(checkpoint);
        let values = core::mem::take(&mut open.values);
        let data = Frame::encode_pre_commit(id, checkpoint, &open.outputs, &values);
        let ticket = self.log(data, cx);
        self.syncing.insert(ticket, Then::PreCommitted { conn, id, checkpoint });
    }

    /// The pre-committed transactions among `ids` that the permit covers.
    fn permitted(&self, ids: &[TransactionId], permit: Option<CommitPermit>) -> Vec<TransactionId> {
        let Some(permit) = permit else { return Vec::new() };
        let covered = |id: &&TransactionId| {
            let ends = self.transactions.get(id).and_then(|open| open.checkpoint);
            ends.is_some_and(|ends| ends <= permit.checkpoint())
                && (id.generation, id.attempt) <= (permit.generation(), permit.attempt())
        };
        ids.iter().filter(covered).copied().collect()
    }

    /// Makes the commit durable, together with the end of what older generations of `task` left.
    fn commit(
        &mut self,
        ids: Vec<TransactionId>,
        abort_older: Option<(TaskId, Generation)>,
        answer: Message,
        conn: ConnId,
        cx: &mut Cx<'_>,
    ) {
        let mut frames = Vec::from([Frame::Commit { ids: ids.clone() }]);
        if let Some((task, generation)) = abort_older {
            frames.push(Frame::AbortOlder { task, generation });
            self.abort_older(task, generation, &ids, cx);
        }
        if ids.is_empty() && abort_older.is_none() {
            let _ = cx.write(conn, answer);
            return;
        }
        let ticket = self.log(Frame::encode_all(&frames), cx);
        self.syncing.insert(ticket, Then::Show { conn, ids, answer });
    }

    fn abort_older(
        &mut self,
        task: TaskId,
        than: Generation,
        keep: &[TransactionId],
        cx: &mut Cx<'_>,
    ) {
        let old =
            |id: &TransactionId| id.task == task && id.generation < than && !keep.contains(id);
        let ids: Vec<TransactionId> = self.transactions.keys().copied().filter(old).collect();
        for id in ids {
            let open = self.transactions.remove(&id).expect("just listed");
            let (generation, records) = (id.generation, open.outputs.len() as u32);
            cx.probe(Probe::TransactionsAborted);
            let checkpoint = open.checkpoint;
            cx.observe(Observation::TransactionAborted { task, generation, checkpoint, records });
        }
    }

    /// Appends to the log and syncs; the ticket is that of the sync.
    fn log(&mut self, data: Payload, cx: &mut Cx<'_>) -> DiskTicket {
        let file = self.file.clone();
        cx.disk(MAIN, DiskOp::Append { file, data });
        cx.disk(MAIN, DiskOp::Sync { file: self.file.clone() })
    }

    fn on_disk(
        &mut self,
        ticket: DiskTicket,
        result: Result<DiskReply, DiskError>,
        cx: &mut Cx<'_>,
    ) {
        if self.recovery == Some(ticket) {
            match result {
                Ok(DiskReply::Data(data)) => self.recover(data.bytes(), cx),
                Err(DiskError::NotFound) => {}
                _ => return cx.exit(),
            }
            self.recovery = None;
            return;
        }
        if result.is_err() {
            // What is durable is unknown now: only reading the log again can tell.
            return cx.exit();
        }
        match self.syncing.remove(&ticket) {
            None => {}
            Some(Then::PreCommitted { conn, id, checkpoint }) => {
                self.pre_committed(id, checkpoint, cx);
                let _ = cx.write(conn, Message::PreCommitted { id, checkpoint });
            }
            Some(Then::Show { conn, ids, answer }) => {
                self.show(&ids, cx);
                let _ = cx.write(conn, answer);
            }
        }
    }

    fn pre_committed(&mut self, id: TransactionId, checkpoint: CheckpointId, cx: &mut Cx<'_>) {
        let Some(open) = self.transactions.get_mut(&id) else { return };
        stage(id, checkpoint, open, cx);
        if cx.twist(Twist::VisibleBeforeComplete) {
            open.shown = true;
            publish(id, open, cx);
        }
    }

    /// Makes transactions visible: the instant at which readers see their records.
    fn show(&mut self, ids: &[TransactionId], cx: &mut Cx<'_>) {
        for id in ids {
            if let Some(open) = self.transactions.remove(id).filter(|open| !open.shown) {
                publish(*id, &open, cx);
            }
        }
        // Not synced: it only spares a restarted receiver from announcing them again.
        let data = Frame::encode_all(&[Frame::Shown { ids: ids.to_vec() }]);
        cx.disk(MAIN, DiskOp::Append { file: self.file.clone(), data });
    }

    /// Cuts a torn frame off the log's end: behind it nothing would be found again.
    fn cut(&self, whole: &[u8], cx: &mut Cx<'_>) {
        let new = FileName::from("receiver/transactions.new");
        cx.disk(MAIN, DiskOp::Write { file: new.clone(), data: Payload::new(whole) });
        cx.disk(MAIN, DiskOp::Sync { file: new.clone() });
        cx.disk(MAIN, DiskOp::Rename { from: new, to: self.file.clone() });
        cx.disk(MAIN, DiskOp::SyncDir);
    }

    /// Rebuilds the transactions from the log, and shows those that were committed but not shown.
    fn recover(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        let mut committed: Vec<TransactionId> = Vec::new();
        let (frames, whole) = Frame::decode_log(bytes);
        if whole < bytes.len() {
            self.cut(&bytes[..whole], cx);
        }
        for frame in frames {
            match frame {
                Frame::PreCommit { id, checkpoint, outputs } => {
                    let open = Open { outputs, checkpoint: Some(checkpoint), ..Open::default() };
                    self.transactions.insert(id, open);
                }
                Frame::Commit { ids } => committed.extend(ids),
                Frame::AbortOlder { task, generation } => {
                    let old = |id: &TransactionId| id.task == task && id.generation < generation;
                    self.transactions.retain(|id, _| !old(id) || committed.contains(id));
                }
                Frame::Shown { ids } => {
                    self.transactions.retain(|id, _| !ids.contains(id));
                    committed.retain(|id| !ids.contains(id));
                }
            }
        }
        for (id, open) in &self.transactions {
            stage(*id, open.checkpoint.expect("the log holds ended transactions"), open, cx);
        }
        if !committed.is_empty() {
            self.show(&committed, cx);
        }
    }
}

/// Tells what a durable transaction holds.
fn stage(id: TransactionId, checkpoint: CheckpointId, open: &Open, cx: &mut Cx<'_>) {
    let (task, generation, records) = (id.task, id.generation, open.outputs.len() as u32);
    for &Output { root, child, print } in &open.outputs {
        cx.observe(Observation::Staged { task, generation, checkpoint, root, child, print });
    }
    cx.observe(Observation::PreCommitted { task, generation, checkpoint, records });
}

/// Tells that a transaction is visible: one observation, for readers see all of it at once.
fn publish(id: TransactionId, open: &Open, cx: &mut Cx<'_>) {
    let checkpoint = open.checkpoint.expect("only pre-committed transactions are shown");
    let (task, generation, records) = (id.task, id.generation, open.outputs.len() as u32);
    cx.observe(Observation::Published { task, generation, checkpoint, records });
}
