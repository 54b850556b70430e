//! A store: one of the nodes that keep the files of checkpoints, each on its machine's disk.
//!
//! A file is named by checkpoint, generation, attempt, task and number. It comes in packets
//! through a pipeline of stores (see `flow`), lies under a temporary name until it is whole and
//! durable, and is acknowledged when contents and name are durable in all of the pipeline. A
//! failed write has an unknown outcome: it is reported as not durable, and nothing that has its
//! name is deleted for it. What a store reads it compares with the checksum that it is asked for.
//!
//! The coordinator that leads knows which store has which file: stores tell it what lies on their
//! disks, and copy files to one another when it says so (see `copies`).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{
    ConnId, DiskError, DiskOp, DiskReply, DiskTicket, Event, FileName, Lane,
};
use stormglass_sim::payload::Payload;

use crate::cluster::Cluster;
use crate::fence::Fence;
use crate::handle::{Discard, FileId, Flaw, checksum};
use crate::ids::{Attempt, CheckpointId, Generation, TaskId};
use crate::message::{Get, Message};
use crate::misread::{Look, Misread};
use crate::names::Twist;
use crate::node::Cx;
use crate::observation::Resource;
use crate::pipeline::{self, Copy};
use crate::replies::Replies;

mod copies;
mod flow;

use copies::Copies;
use flow::Flows;

const MAIN: Lane = Lane(0);
/// Where files lie that are not whole.
const WRITING: &str = "writing/";
/// Where whole ones lie.
const WHOLE: &str = "checkpoint/";

/// The store process.
#[derive(Clone, Debug)]
pub struct Store {
    cluster: Arc<Cluster>,
    fence: Fence,
    replies: Replies,
    /// Connections that it opened to other stores, by their places.
    peers: BTreeMap<u16, ConnId>,
    flows: Flows,
    copies: Copies,
    /// What is being read, and what was read before if that was not sound.
    reading: BTreeMap<DiskTicket, (Reading, Option<Misread>)>,
    listing: BTreeMap<DiskTicket, Listing>,
}

/// A file is being read.
#[derive(Clone, Debug)]
enum Reading {
    /// For a worker.
    Get(ConnId, Arc<Get>),
    /// To be copied.
    Copy(ConnId, Arc<Copy>),
}

impl Reading {
    /// Which file, and its checksum.
    fn file(&self) -> (FileId, u64) {
        match self {
            Reading::Get(_, get) => (get.id, get.print),
            Reading::Copy(_, copy) => (copy.file.id, copy.file.print),
        }
    }
}

/// Names are being listed.
#[derive(Clone, Debug)]
enum Listing {
    /// Partial files of an earlier life.
    Partial,
    /// All files, for the coordinator, which does not need all of them.
    Whole(ConnId, Arc<Discard>),
}

/// Where a file lies on the disk. Sorts by checkpoint.
pub fn path_of(id: FileId) -> FileName {
    let FileId { checkpoint, generation, attempt, task, number } = id;
    let (checkpoint, generation) = (checkpoint.0, generation.0);
    FileName::from(format!("{WHOLE}{checkpoint:010}/g{generation}-{attempt}-{task}-{number}"))
}

/// Which file lies there.
fn id_of(path: &str) -> Option<FileId> {
    let (checkpoint, rest) = path.strip_prefix(WHOLE)?.split_once('/')?;
    let mut parts = rest.split('-');
    let mut number = |mark: &str| parts.next()?.strip_prefix(mark)?.parse::<u32>().ok();
    Some(FileId {
        checkpoint: CheckpointId(checkpoint.parse().ok()?),
        generation: Generation(number("g")?),
        attempt: Attempt(number("a")?),
        task: TaskId(u16::try_from(number("t")?).ok()?),
        number: number("")?,
    })
}

impl Store {
    /// A store of this cluster.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        Store {
            cluster,
            fence: Fence::new(Resource::Store),
            replies: Replies::default(),
            peers: BTreeMap::new(),
            flows: Flows::default(),
            copies: Copies::default(),
            reading: BTreeMap::new(),
            listing: BTreeMap::new(),
        }
    }

    /// Reacts to one event.
    pub fn on_event(&mut self, event: Event<Message>, cx: &mut Cx<'_>) {
        self.replies.on_event(&event, cx);
        match event {
            Event::Start => self.list(WRITING, Listing::Partial, cx),
            Event::Received { conn, message, .. } => self.received(conn, message, cx),
            Event::Disk { ticket, result } => self.on_disk(ticket, result, cx),
            Event::Closed { conn, .. } => self.closed(conn, cx),
            _ => {}
        }
    }

    fn received(&mut self, conn: ConnId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Fence { generation } => {
                self.raise(generation, cx);
                let _ = cx.write(conn, Message::FenceRaised { generation });
            }
            // The next store of a pipeline knows of a newer generation.
            Message::Stale { generation } => self.raise(generation, cx),
            Message::Put(put) => self.put(conn, &put, cx),
            Message::PutTaken { id, pipeline, packets } => {
                self.taken((id, pipeline), packets, cx);
            }
            Message::PutDone { id, pipeline, durable, stores } => {
                self.done_onward((id, pipeline), durable, stores, cx);
            }
            Message::Get(get) if self.fence.admits(get.generation, get.task, conn, cx) => {
                self.read(Reading::Get(conn, get), None, cx);
            }
            Message::Copy(copy) if copy.generation >= self.fence.newest() => {
                self.read(Reading::Copy(conn, copy), None, cx);
            }
            Message::Discard(discard) if discard.generation >= self.fence.newest() => {
                self.list(WHOLE, Listing::Whole(conn, discard), cx);
            }
            _ => {}
        }
    }

    fn read(&mut self, reading: Reading, before: Option<Misread>, cx: &mut Cx<'_>) {
        let file = path_of(reading.file().0);
        self.reading.insert(cx.disk(MAIN, DiskOp::Read { file }), (reading, before));
    }

    fn list(&mut self, prefix: &str, listing: Listing, cx: &mut Cx<'_>) {
        let prefix = FileName::from(prefix);
        self.listing.insert(cx.disk(MAIN, DiskOp::List { prefix }), listing);
    }

    /// Learns of a generation: what older ones are writing comes to nothing.
    fn raise(&mut self, generation: Generation, cx: &mut Cx<'_>) {
        if self.fence.raise(generation, cx) {
            self.end_flows_before(generation, cx);
        }
    }

    fn closed(&mut self, conn: ConnId, cx: &mut Cx<'_>) {
        let peer = self.peers.iter().find(|(_, own)| **own == conn).map(|(at, _)| *at);
        if let Some(at) = peer {
            self.peers.remove(&at);
            self.peer_lost(at, conn, cx);
        }
        self.writer_lost(conn, cx);
    }

    /// The connection to another store; it is opened when it is needed first.
    fn peer(&mut self, at: u16, cx: &mut Cx<'_>) -> ConnId {
        let node = self.cluster.stores[usize::from(at)];
        *self.peers.entry(at).or_insert_with(|| cx.connect(node))
    }

    /// Its own place among the stores.
    fn place(&self, cx: &Cx<'_>) -> u16 {
        self.cluster.store_at(cx.me()).expect("a store is one of the stores")
    }

    fn on_disk(
        &mut self,
        ticket: DiskTicket,
        result: Result<DiskReply, DiskError>,
        cx: &mut Cx<'_>,
    ) {
        if let Some((reading, before)) = self.reading.remove(&ticket) {
            let print = reading.file().1;
            let flawed = match &result {
                Ok(DiskReply::Data(data)) if checksum(data) != print => Some(data.clone()),
                _ => None,
            };
            let result = match flawed.map(|data| Misread::look(before, &data)) {
                Some(Look::Again(misread)) => return self.read(reading, Some(misread), cx),
                Some(Look::Differs) => Err(DiskError::Io),
                Some(Look::Sure) | None => result,
            };
            match reading {
                Reading::Get(conn, get) => {
                    let refused = cx.twist(Twist::ReadRefused).then_some(Err(Flaw::Unknown));
                    let data = refused.unwrap_or_else(|| sound(result, get.print));
                    self.give(conn, &get, data, cx);
                }
                Reading::Copy(conn, copy) => {
                    self.copy(conn, &copy, sound(result, copy.file.print), cx);
                }
            }
        } else if let Some(listing) = self.listing.remove(&ticket) {
            let Ok(DiskReply::Names(names)) = result else { return };
            match listing {
                Listing::Partial => {
                    for file in names {
                        cx.disk(MAIN, DiskOp::Remove { file });
                    }
                }
                Listing::Whole(conn, order) => self.listed(conn, names, &order, cx),
            }
        } else {
            self.written(ticket, result.is_ok(), cx);
        }
    }

    /// Answers a worker, packet by packet.
    fn give(&mut self, conn: ConnId, get: &Get, data: Result<Payload, Flaw>, cx: &mut Cx<'_>) {
        let Get { id, task, generation, .. } = *get;
        let size = self.cluster.store.packet;
        let packets = data.as_ref().map_or(1, |data| pipeline::packets(data.size(), size));
        for packet in 0..packets {
            let data = data.as_ref().map(|data| pipeline::cut(data, size, packet));
            let data = data.map_err(|flaw| *flaw);
            let done = Message::GetDone { task, generation, id, packet, packets, data };
            self.replies.write(conn, done, cx);
        }
    }

    /// Removes what nobody needs, and tells what is left.
    fn listed(&mut self, conn: ConnId, files: Vec<FileName>, order: &Discard, cx: &mut Cx<'_>) {
        let up_to = order.up_to;
        let needless = |id: &FileId| id.checkpoint <= up_to && !order.keep.contains(id);
        let mut kept = Vec::new();
        for file in files {
            match id_of(&file) {
                Some(id) if needless(&id) => drop(cx.disk(MAIN, DiskOp::Remove { file })),
                Some(id) => kept.push(id),
                None => {}
            }
        }
        if self.cluster.stores.len() > 1 {
            self.replies.write(conn, Message::Inventory { up_to, files: kept.into() }, cx);
        }
    }
}

/// What was read, if it is what was written.
fn sound(result: Result<DiskReply, DiskError>, print: u64) -> Result<Payload, Flaw> {
    match result {
        Ok(DiskReply::Data(data)) if checksum(&data) == print => Ok(data),
        Ok(DiskReply::Data(_)) => Err(Flaw::Rotten),
        Err(DiskError::NotFound) => Err(Flaw::Missing),
        _ => Err(Flaw::Unknown),
    }
}
