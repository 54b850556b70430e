//! The durable store: keeps the files of checkpoints on its machine's disk.
//!
//! A file is named by checkpoint, generation, attempt and task, is written whole, and is
//! acknowledged when both its contents and its name are durable. A failed write has an unknown
//! outcome: it is reported as not durable, and nothing is deleted for it.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use stormglass_sim::node::{
    ConnId, DiskError, DiskOp, DiskReply, DiskTicket, Event, FileName, Lane,
};

use crate::fence::Fence;
use crate::ids::{Attempt, CheckpointId, Generation, TaskId};
use crate::message::{Get, Message, Put};
use crate::node::Cx;
use crate::observation::Resource;
use crate::replies::Replies;

const MAIN: Lane = Lane(0);

/// The store process.
#[derive(Clone, Debug)]
pub struct Store {
    fence: Fence,
    replies: Replies,
    writing: BTreeMap<DiskTicket, Writing>,
    reading: BTreeMap<DiskTicket, Reading>,
    listing: Option<(DiskTicket, CheckpointId)>,
}

/// A put whose last disk operation is under way.
#[derive(Clone, Debug)]
struct Writing {
    conn: ConnId,
    checkpoint: CheckpointId,
    task: TaskId,
    attempt: Attempt,
    /// The operations before the last one; all must succeed.
    before: Vec<DiskTicket>,
    failed: bool,
}

#[derive(Clone, Debug)]
struct Reading {
    conn: ConnId,
    task: TaskId,
    generation: Generation,
}

impl Default for Store {
    fn default() -> Self {
        Store {
            fence: Fence::new(Resource::Store),
            replies: Replies::default(),
            writing: BTreeMap::new(),
            reading: BTreeMap::new(),
            listing: None,
        }
    }
}

/// The name of a task's file. Sorts by checkpoint.
fn file_name(
    checkpoint: CheckpointId,
    generation: Generation,
    attempt: Attempt,
    task: TaskId,
) -> FileName {
    let (checkpoint, generation) = (checkpoint.0, generation.0);
    FileName::from(format!("checkpoint/{checkpoint:010}/g{generation}-{attempt}-{task}"))
}

/// The checkpoint that a file belongs to.
fn checkpoint_of(file: &str) -> Option<CheckpointId> {
    file.split('/').nth(1)?.parse().ok().map(CheckpointId)
}

impl Store {
    /// Reacts to one event.
    pub fn on_event(&mut self, event: Event<Message>, cx: &mut Cx<'_>) {
        self.replies.on_event(&event, cx);
        match event {
            Event::Received { conn, message, .. } => self.received(conn, message, cx),
            Event::Disk { ticket, result } => self.on_disk(ticket, result, cx),
            _ => {}
        }
    }

    fn received(&mut self, conn: ConnId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Fence { generation } => {
                self.fence.raise(generation, cx);
                let _ = cx.write(conn, Message::FenceRaised { generation });
            }
            Message::Put(put) => self.put(&put, conn, cx),
            Message::Get(get) => self.get(&get, conn, cx),
            Message::Discard { below, generation } if generation >= self.fence.newest() => {
                let prefix = FileName::from("checkpoint/");
                self.listing = Some((cx.disk(MAIN, DiskOp::List { prefix }), below));
            }
            _ => {}
        }
    }

    fn put(&mut self, put: &Put, conn: ConnId, cx: &mut Cx<'_>) {
        if !self.fence.admits(put.generation, put.task, conn, cx) {
            return;
        }
        let Put { checkpoint, task, generation, attempt, .. } = *put;
        let file = file_name(checkpoint, generation, attempt, task);
        let write = cx.disk(MAIN, DiskOp::Write { file: file.clone(), data: put.data.clone() });
        let sync = cx.disk(MAIN, DiskOp::Sync { file });
        let last = cx.disk(MAIN, DiskOp::SyncDir);
        let before = Vec::from([write, sync]);
        let writing = Writing { conn, checkpoint, task, attempt, before, failed: false };
        self.writing.insert(last, writing);
    }

    fn get(&mut self, get: &Get, conn: ConnId, cx: &mut Cx<'_>) {
        if !self.fence.admits(get.generation, get.task, conn, cx) {
            return;
        }
        let Get { checkpoint, task, attempt, written_in, generation } = *get;
        let file = file_name(checkpoint, written_in, attempt, task);
        let ticket = cx.disk(MAIN, DiskOp::Read { file });
        self.reading.insert(ticket, Reading { conn, task, generation });
    }

    fn on_disk(
        &mut self,
        ticket: DiskTicket,
        result: Result<DiskReply, DiskError>,
        cx: &mut Cx<'_>,
    ) {
        if let Some(writing) = self.writing.remove(&ticket) {
            let Writing { conn, checkpoint, task, attempt, .. } = writing;
            let durable = result.is_ok() && !writing.failed;
            let done = Message::PutDone { checkpoint, task, attempt, durable };
            self.replies.write(conn, done, cx);
        } else if let Some(reading) = self.reading.remove(&ticket) {
            let Reading { conn, task, generation } = reading;
            let data = match result {
                Ok(DiskReply::Data(data)) => Some(data),
                _ => None,
            };
            self.replies.write(conn, Message::GetDone { task, generation, data }, cx);
        } else if let Some((_, below)) = self.listing.filter(|(listing, _)| *listing == ticket) {
            self.listing = None;
            if let Ok(DiskReply::Names(files)) = result {
                let old = |file: &FileName| checkpoint_of(file).is_some_and(|id| id < below);
                for file in files.into_iter().filter(old) {
                    cx.disk(MAIN, DiskOp::Remove { file });
                }
            }
        } else if result.is_err() {
            let of_it = |writing: &&mut Writing| writing.before.contains(&ticket);
            if let Some(writing) = self.writing.values_mut().find(of_it) {
                writing.failed = true;
            }
        }
    }
}
