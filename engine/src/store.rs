//! The durable store: keeps the files of checkpoints on its machine's disk.
//!
//! A file is named by checkpoint, generation, attempt and task, is written whole, and is
//! acknowledged when both its contents and its name are durable. A failed write has an unknown
//! outcome: it is reported as not durable, and nothing is deleted for it.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{
    ConnId, DiskError, DiskOp, DiskReply, DiskTicket, Event, FileName, Lane,
};

use crate::fence::Fence;
use crate::handle::FileId;
use crate::ids::{Generation, TaskId};
use crate::message::{Discard, Get, Message, Put};
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
    listing: Option<(DiskTicket, Arc<Discard>)>,
}

/// A put whose last disk operation is under way.
#[derive(Clone, Debug)]
struct Writing {
    conn: ConnId,
    id: FileId,
    /// The operations before the last one; all must succeed.
    before: Vec<DiskTicket>,
    failed: bool,
}

#[derive(Clone, Debug)]
struct Reading {
    conn: ConnId,
    id: FileId,
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

/// Where a file lies on the disk. Sorts by checkpoint.
fn path_of(id: FileId) -> FileName {
    let FileId { checkpoint, generation, attempt, task, number } = id;
    let (checkpoint, generation) = (checkpoint.0, generation.0);
    FileName::from(format!("checkpoint/{checkpoint:010}/g{generation}-{attempt}-{task}-{number}"))
}

/// The checkpoint that a file was written for.
fn checkpoint_of(file: &str) -> Option<u32> {
    file.split('/').nth(1)?.parse().ok()
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
            Message::Discard(discard) if discard.generation >= self.fence.newest() => {
                let prefix = FileName::from("checkpoint/");
                self.listing = Some((cx.disk(MAIN, DiskOp::List { prefix }), discard));
            }
            _ => {}
        }
    }

    fn put(&mut self, put: &Put, conn: ConnId, cx: &mut Cx<'_>) {
        let id = put.id;
        if !self.fence.admits(id.generation, id.task, conn, cx) {
            return;
        }
        let file = path_of(id);
        let write = cx.disk(MAIN, DiskOp::Write { file: file.clone(), data: put.data.clone() });
        let sync = cx.disk(MAIN, DiskOp::Sync { file });
        let last = cx.disk(MAIN, DiskOp::SyncDir);
        let before = Vec::from([write, sync]);
        self.writing.insert(last, Writing { conn, id, before, failed: false });
    }

    fn get(&mut self, get: &Get, conn: ConnId, cx: &mut Cx<'_>) {
        if !self.fence.admits(get.generation, get.task, conn, cx) {
            return;
        }
        let Get { id, task, generation } = *get;
        let ticket = cx.disk(MAIN, DiskOp::Read { file: path_of(id) });
        self.reading.insert(ticket, Reading { conn, id, task, generation });
    }

    fn on_disk(
        &mut self,
        ticket: DiskTicket,
        result: Result<DiskReply, DiskError>,
        cx: &mut Cx<'_>,
    ) {
        if let Some(writing) = self.writing.remove(&ticket) {
            let Writing { conn, id, .. } = writing;
            let durable = result.is_ok() && !writing.failed;
            self.replies.write(conn, Message::PutDone { id, durable }, cx);
        } else if let Some(reading) = self.reading.remove(&ticket) {
            let Reading { conn, id, task, generation } = reading;
            let data = match result {
                Ok(DiskReply::Data(data)) => Some(data),
                _ => None,
            };
            self.replies.write(conn, Message::GetDone { task, generation, id, data }, cx);
        } else if let Some((_, discard)) = self.listing.take_if(|(listing, _)| *listing == ticket) {
            if let Ok(DiskReply::Names(files)) = result {
                let keep: Vec<FileName> = discard.keep.iter().map(|id| path_of(*id)).collect();
                let up_to = discard.up_to.0;
                let decided = |file: &FileName| checkpoint_of(file).is_some_and(|id| id <= up_to);
                let needless = |file: &FileName| decided(file) && !keep.contains(file);
                for file in files.into_iter().filter(needless) {
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
