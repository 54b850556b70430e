//! The receiving side of the sinks: an external system with two-phase commit, and with tables.
//!
//! Records of a transaction become durable when it is pre-committed and visible when it is
//! committed, which takes a [`CommitPermit`](crate::permit::CommitPermit). A transaction that is
//! not committed within the timeout since it began is thrown away, and its writer is fenced
//! (Kafka's rule, SEMANTICS 1.7); a commit that comes too late is told so. Time runs by the
//! machine's monotonic clock; over a restart the log's wall-clock time of the beginning counts,
//! so a stepped wall clock moves the timeouts of those that were open then, and no others.
//!
//! Sinks without transactions write to [`table`]s, or add to what is there.
//!
//! Its log on disk is a sequence of frames (see [`log`]); what is visible is decided by the log
//! alone, so a restarted receiver goes on where it was. A log that has grown is rewritten
//! ([`writer`]) without what is over; commits are put off for that moment.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{ConnId, Event, Lane};
use stormglass_sim::payload::Payload;
use stormglass_sim::time::Span;

use crate::fence::Fence;
use crate::ids::{CheckpointId, Generation, TaskId};
use crate::message::{Data, Gone, Message, Transaction};
use crate::names::{Probe, Twist};
use crate::node::Cx;
use crate::observation::{Observation, Resource};
use crate::replies::Replies;
use crate::snapshot::TransactionId;

pub mod log;
mod table;
mod transactions;
mod writer;

use log::{Expired, Frame, Output};
use table::{Table, Write};
use transactions::{Open, Transactions};
use writer::{Done, Writer};

const MAIN: Lane = Lane(0);
/// A sink is told what was taken when it is so many records.
const TELL_AFTER: u32 = 1_000;

/// How a receiver is tuned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// A transaction that is not committed so long after it began is thrown away.
    pub transaction_timeout: Span,
    /// The log is rewritten when it has so many bytes.
    pub rewrite_after: u64,
    /// CPU time that it takes to accept a record.
    pub service: Span,
}

impl Settings {
    /// 15 min (the most that a Kafka broker allows unless it is told otherwise), 4 MiB, no time.
    pub const DEFAULT: Settings = Settings {
        transaction_timeout: Span::secs(900),
        rewrite_after: 4 << 20,
        service: Span::ZERO,
    };
}

/// The receiver process.
#[derive(Clone, Debug)]
pub struct Receiver {
    settings: Settings,
    fence: Fence,
    log: Writer<Then>,
    transactions: Transactions,
    table: Table,
    replies: Replies,
    /// By sink task: its generation, and what it was not yet told to be taken.
    taken: BTreeMap<TaskId, (Generation, u32)>,
    /// A timer is set for the transaction whose time is up next.
    armed: bool,
}

/// What follows a sync.
#[derive(Clone, Debug)]
enum Then {
    /// Tell the sink that its transaction is durable.
    PreCommitted { conn: ConnId, id: TransactionId, checkpoint: CheckpointId },
    /// Show the transactions, then answer.
    Show { conn: ConnId, ids: Vec<TransactionId>, answer: Message },
    /// Throw the transactions away.
    Expire { of: Vec<(TransactionId, Expired)> },
    /// Show what was written, and answer who waits for it.
    Written(Vec<Write>),
}

impl Default for Receiver {
    fn default() -> Self {
        Receiver::new(Settings::DEFAULT)
    }
}

impl Receiver {
    /// A receiver with these settings.
    pub fn new(settings: Settings) -> Self {
        Receiver {
            settings,
            fence: Fence::new(Resource::Receiver),
            log: Writer::new(settings.rewrite_after),
            transactions: Transactions::default(),
            table: Table::default(),
            replies: Replies::default(),
            taken: BTreeMap::new(),
            armed: false,
        }
    }

    /// Reacts to one event.
    pub fn on_event(&mut self, event: Event<Message>, cx: &mut Cx<'_>) {
        self.replies.on_event(&event, cx);
        match event {
            Event::Start => self.log.start(cx),
            Event::Disk { ticket, result } => {
                let done = self.log.done(ticket, result, cx);
                self.on_disk(done, cx);
                if self.log.wants_rewriting() {
                    self.rewrite(cx);
                }
            }
            Event::Received { conn, message, .. } => self.received(conn, message, cx),
            Event::Timer { .. } => self.expire(cx),
            _ => {}
        }
    }

    fn received(&mut self, conn: ConnId, message: Message, cx: &mut Cx<'_>) {
        match message {
            // The log comes first: a receiver that has not read it must not answer anybody.
            _ if self.log.is_reading() => cx.close(conn),
            Message::Fence { generation } => {
                self.fence.raise(generation, cx);
                let _ = cx.write(conn, Message::FenceRaised { generation });
            }
            Message::Transaction(transaction) => {
                let (task, generation) = transaction.asked_by();
                if self.fence.admits(generation, task, conn, cx) {
                    let records = u64::from(transaction.records());
                    if !self.settings.service.is_zero() && records > 0 {
                        cx.spend(MAIN, self.settings.service * records);
                    }
                    self.transaction(&transaction, conn, cx);
                    self.tell_taken(&transaction, conn, cx);
                }
            }
            _ => {}
        }
    }

    fn transaction(&mut self, transaction: &Transaction, conn: ConnId, cx: &mut Cx<'_>) {
        match transaction {
            Transaction::Write { id, batches } => {
                self.write(*id, batches, conn, cx);
            }
            Transaction::PreCommit { id, checkpoint, batches } => {
                if self.write(*id, batches, conn, cx) {
                    let frames = self.transactions.pre_commit(*id, *checkpoint);
                    let (id, checkpoint) = (*id, *checkpoint);
                    let then = Then::PreCommitted { conn, id, checkpoint };
                    self.log.log(frames, then, cx);
                }
            }
            Transaction::Commit { task, generation, ids, permit } => {
                let (task, generation, checkpoint) = (*task, *generation, permit.checkpoint());
                if self.log.is_rewriting() || cx.twist(Twist::CommitBusy) {
                    let _ = cx.write(conn, Message::Busy { task, generation });
                    return;
                }
                self.tell_gone(ids, generation, conn, cx);
                let ids = self.transactions.permit(ids, Some(*permit));
                let answer = Message::Committed { task, generation, checkpoint };
                self.commit(ids, None, answer, conn, cx);
            }
            Transaction::Recover { task, generation, ids, permit } => {
                let (task, generation) = (*task, *generation);
                self.tell_gone(ids, generation, conn, cx);
                let ids = self.transactions.permit(ids, *permit);
                if !ids.is_empty() {
                    cx.probe(Probe::CommitRecovered);
                }
                let answer = Message::Recovered { task, generation };
                self.commit(ids, Some((task, generation)), answer, conn, cx);
            }
            Transaction::Append { first, data } => self.table.append(*first, data),
            Transaction::Upsert { first, table, keys, data } => {
                self.table.upsert(*first, *table, keys, data);
            }
            Transaction::Flush { writer, checkpoint } => {
                self.table.flush(conn, *writer, *checkpoint);
            }
        }
        self.sync_table(cx);
    }

    /// Tells a sink that there is room for more.
    fn tell_taken(&mut self, transaction: &Transaction, conn: ConnId, cx: &mut Cx<'_>) {
        // The end of a transaction is confirmed by itself.
        if matches!(transaction, Transaction::PreCommit { .. }) || transaction.records() == 0 {
            return;
        }
        let (task, generation) = transaction.asked_by();
        let taken = self.taken.entry(task).or_insert((generation, 0));
        if taken.0 != generation {
            *taken = (generation, 0);
        }
        taken.1 += transaction.records();
        if taken.1 >= TELL_AFTER {
            let tuples = core::mem::take(&mut taken.1);
            self.replies.write(conn, Message::Taken { task, generation, tuples }, cx);
        }
    }

    /// Adds records to a transaction. False if it has timed out: its writer is told.
    fn write(
        &mut self,
        id: TransactionId,
        batches: &[Arc<Data>],
        conn: ConnId,
        cx: &mut Cx<'_>,
    ) -> bool {
        if let Some(expired) = self.transactions.expired(id) {
            // Whatever it was, the writer must not go on with it.
            let fenced = Expired { checkpoint: None, ..expired };
            tell_gone(id, fenced, id.generation, conn, cx);
            return false;
        }
        let expires = cx.now() + self.settings.transaction_timeout;
        self.transactions.write(id, batches, cx.wall_clock(), expires);
        self.arm(cx);
        true
    }

    /// Tells a sink which of the transactions that it asks for have timed out.
    fn tell_gone(
        &mut self,
        ids: &[TransactionId],
        asked_in: Generation,
        conn: ConnId,
        cx: &mut Cx<'_>,
    ) {
        for id in ids {
            if let Some(expired) = self.transactions.expired(*id) {
                tell_gone(*id, expired, asked_in, conn, cx);
            }
        }
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
            self.abort_older(task, generation, cx);
        }
        if ids.is_empty() && abort_older.is_none() {
            let _ = cx.write(conn, answer);
            return;
        }
        self.log.log(Frame::encode_all(&frames), Then::Show { conn, ids, answer }, cx);
    }

    fn abort_older(&mut self, task: TaskId, than: Generation, cx: &mut Cx<'_>) {
        for (id, open) in self.transactions.abort_older(task, than) {
            let (generation, records) = (id.generation, open.outputs.len() as u32);
            cx.probe(Probe::TransactionsAborted);
            let checkpoint = open.checkpoint;
            cx.observe(Observation::TransactionAborted { task, generation, checkpoint, records });
        }
    }

    /// Syncs what was written without a transaction, unless a sync is under way.
    fn sync_table(&mut self, cx: &mut Cx<'_>) {
        if let Some((frames, writes)) = self.table.take() {
            self.log.log(frames, Then::Written(writes), cx);
        }
    }

    /// Sets the timer for the transaction whose time is up next.
    fn arm(&mut self, cx: &mut Cx<'_>) {
        if !self.armed
            && let Some(at) = self.transactions.next_expiry()
        {
            self.armed = true;
            cx.set_timer(MAIN, at.since(cx.now()), 0);
        }
    }

    /// The timer fired: what has been open for too long is thrown away, once that is durable.
    fn expire(&mut self, cx: &mut Cx<'_>) {
        self.armed = false;
        let of = self.transactions.due(cx.now());
        if !of.is_empty() {
            let frame = Frame::Expired { of: of.clone() };
            self.log.log(Frame::encode_all(&[frame]), Then::Expire { of }, cx);
        }
        self.arm(cx);
    }

    fn on_disk(&mut self, done: Done<Then>, cx: &mut Cx<'_>) {
        match done {
            Done::Read(log) => {
                self.recover(&log.unwrap_or_else(Payload::empty), cx);
            }
            Done::Failed => cx.exit(),
            Done::Rewritten => cx.probe(Probe::LogRewritten),
            Done::Nothing => {}
            Done::Durable(Then::PreCommitted { conn, id, checkpoint }) => {
                self.pre_committed(id, checkpoint, conn, cx);
            }
            Done::Durable(Then::Show { conn, ids, answer }) => {
                self.show(&ids, cx);
                let _ = cx.write(conn, answer);
            }
            Done::Durable(Then::Expire { of }) => {
                of.into_iter().for_each(|(id, expired)| self.expired(id, expired, cx));
            }
            Done::Durable(Then::Written(writes)) => {
                self.table.synced(&writes, cx);
                for write in writes {
                    let Write::Flush { conn, id, checkpoint } = write else { continue };
                    let _ = cx.write(conn, Message::PreCommitted { id, checkpoint });
                }
                self.sync_table(cx);
            }
        }
    }

    fn pre_committed(
        &mut self,
        id: TransactionId,
        checkpoint: CheckpointId,
        conn: ConnId,
        cx: &mut Cx<'_>,
    ) {
        if let Some(expired) = self.transactions.expired(id) {
            // Nobody was told that it would be committed: its writer has to do it all again.
            let fenced = Expired { checkpoint: None, ..expired };
            return tell_gone(id, fenced, id.generation, conn, cx);
        }
        if let Some(open) = self.transactions.get_mut(id) {
            stage(id, checkpoint, open, cx);
            if cx.twist(Twist::VisibleBeforeComplete) {
                open.shown = true;
                publish(id, open, cx);
            }
        }
        let _ = cx.write(conn, Message::PreCommitted { id, checkpoint });
    }

    /// A transaction has timed out, durably. Its writer is fenced with it: one that was paused and
    /// goes on would else begin it anew, with the rest of the records only (KAFKA-6119).
    fn expired(&mut self, id: TransactionId, expired: Expired, cx: &mut Cx<'_>) {
        if !self.transactions.throw_away(id) {
            return;
        }
        let Expired { checkpoint, records, began } = expired;
        if checkpoint.is_some() || !cx.twist(Twist::ExpiredUnfenced) {
            self.transactions.fence(id, expired);
        }
        let (task, generation, age) = (id.task, id.generation, cx.wall_clock().since(began));
        cx.probe(Probe::TransactionExpired);
        let told = Observation::TransactionExpired { task, generation, checkpoint, records, age };
        cx.observe(told);
    }

    /// Makes transactions visible: the instant at which readers see their records.
    fn show(&mut self, ids: &[TransactionId], cx: &mut Cx<'_>) {
        for id in ids {
            if let Some(open) = self.transactions.remove(*id).filter(|open| !open.shown) {
                publish(*id, &open, cx);
            }
        }
        // Not synced: it only spares a restarted receiver from announcing them again.
        self.log.note(Frame::encode_all(&[Frame::Shown { ids: ids.to_vec() }]), cx);
    }

    /// Replaces the log by one without what is over.
    fn rewrite(&mut self, cx: &mut Cx<'_>) {
        let mut frames = self.transactions.frames();
        frames.extend(self.table.frames());
        self.log.rewrite(&frames, cx);
    }

    /// Rebuilds everything from the log, and shows what was committed but not shown. From a rotten
    /// one it does not: what was committed would be forgotten.
    fn recover(&mut self, log: &Payload, cx: &mut Cx<'_>) {
        let mut committed: Vec<TransactionId> = Vec::new();
        let bytes = log.bytes();
        let Ok((frames, whole)) = Frame::decode_log(bytes) else {
            cx.probe(Probe::LogRotten);
            return cx.exit();
        };
        if whole < bytes.len() {
            if self.log.is_sure(log, cx) {
                self.log.cut(&bytes[..whole], cx);
            }
            return;
        }
        // The wall clock is the only one that the log can tell of, and it may have been set since:
        // by it, what was pre-committed a moment ago may seem too old. So they have all the time
        // again.
        let expires = cx.now() + self.settings.transaction_timeout;
        for frame in frames {
            match frame {
                Frame::PreCommit { id, checkpoint, began, outputs, values } => {
                    let times = (checkpoint, began, expires);
                    self.transactions.restore(id, times, (outputs, values));
                }
                Frame::Commit { ids } => committed.extend(ids),
                Frame::AbortOlder { task, generation } => {
                    for (id, open) in self.transactions.abort_older(task, generation) {
                        if committed.contains(&id) {
                            self.transactions.put_back(id, open);
                        }
                    }
                }
                Frame::Shown { ids } => {
                    ids.iter().for_each(|id| drop(self.transactions.remove(*id)));
                    committed.retain(|id| !ids.contains(id));
                }
                Frame::Expired { of } => {
                    for (id, expired) in of {
                        self.transactions.throw_away(id);
                        self.transactions.fence(id, expired);
                    }
                }
                Frame::Rows { rows, .. } => rows.into_iter().for_each(|row| self.table.put(row)),
                Frame::Appended { .. } => {}
            }
        }
        for (id, open) in self.transactions.all() {
            stage(id, open.checkpoint.expect("the log holds ended transactions"), open, cx);
        }
        self.table.tell(cx);
        if !committed.is_empty() {
            self.show(&committed, cx);
        }
        self.arm(cx);
    }
}

/// Tells a sink that a transaction has timed out.
fn tell_gone(
    id: TransactionId,
    expired: Expired,
    asked_in: Generation,
    conn: ConnId,
    cx: &mut Cx<'_>,
) {
    let Expired { checkpoint, records, began } = expired;
    let age = cx.wall_clock().since(began);
    let gone = Gone { id, asked_in, checkpoint, records, age };
    let _ = cx.write(conn, Message::Gone(Arc::new(gone)));
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
