//! Pipelines through a store: what comes is appended to a partial file and handed on at once.
//!
//! **Invariant:** what has a file's name is whole and durable: the name is given after the last
//! packet is synced, and only a durable name is acknowledged.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use stormglass_sim::node::{ConnId, DiskOp, DiskTicket, FileName};

use super::{MAIN, Store, WRITING, path_of};
use crate::handle::{FileId, Replicas};
use crate::ids::Generation;
use crate::message::Message;
use crate::names::Site;
use crate::node::Cx;
use crate::pipeline::Put;

/// A file in a pipeline: another attempt to write it has another number.
pub(super) type Name = (FileId, u32);

/// The files that are being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Flows {
    flows: BTreeMap<Name, Flow>,
    tickets: BTreeMap<DiskTicket, (Name, Step)>,
    /// Bytes that the disk has not taken yet.
    unwritten: u64,
}

/// A file on its way through.
#[derive(Clone, Debug)]
struct Flow {
    /// Where it comes from.
    from: ConnId,
    generation: Generation,
    /// Where it goes: the next store, and the connection to it.
    onward: Option<(u16, ConnId)>,
    packets: u32,
    /// Packets that are appended here.
    appended: u32,
    /// Packets that have come to the end of the pipeline.
    passed: u32,
    /// How many were acknowledged.
    told: u32,
    /// It is durable here.
    durable: bool,
    /// It is durable in these behind here.
    behind: Option<Replicas>,
}

/// What the disk does for a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// So many bytes.
    Append(u64),
    /// Likewise, of a file that is given up.
    Void(u64),
    Sync,
    Rename,
    SyncName,
}

impl Flows {
    /// Asks for the memory of a packet that goes to the disk.
    fn reserve(&mut self, bytes: u64, cx: &mut Cx<'_>) -> bool {
        let granted = cx.reserve(Site::StoreBuffers, 0, self.unwritten + bytes);
        if granted {
            self.unwritten += bytes;
        } else {
            cx.probe(Site::StoreBuffers.refused());
        }
        granted
    }

    /// The disk has taken it.
    fn release(&mut self, bytes: u64, cx: &mut Cx<'_>) {
        self.unwritten -= bytes;
        cx.reserve(Site::StoreBuffers, 0, self.unwritten);
    }
}

/// Where a file lies that is not whole.
fn partial((id, pipeline): Name) -> FileName {
    let FileId { checkpoint, generation, attempt, task, number } = id;
    FileName::from(format!(
        "{WRITING}{:010}/g{}-{attempt}-{task}-{number}~{pipeline}",
        checkpoint.0, generation.0
    ))
}

impl Store {
    /// A packet comes.
    pub(super) fn put(&mut self, conn: ConnId, put: &Put, cx: &mut Cx<'_>) {
        if !self.fence.admits(put.generation, put.id.task, conn, cx) {
            return;
        }
        let name = (put.id, put.pipeline);
        if put.packet == 0 {
            self.begin(conn, put, cx);
        }
        let Some(flow) = self.flows.flows.get(&name) else {
            // This life does not know the packets before it.
            let stores = Replicas::one(self.place(cx));
            return self.answer(conn, name, false, stores, cx);
        };
        let (onward, bytes) = (flow.onward, put.data.size());
        if !self.flows.reserve(bytes, cx) {
            let full = Replicas::one(self.place(cx));
            return self.fail(name, full, cx);
        }
        if let Some((_, onward)) = onward {
            let put = Put {
                id: put.id,
                generation: put.generation,
                pipeline: put.pipeline,
                onward: put.onward[1..].to_vec(),
                packet: put.packet,
                packets: put.packets,
                print: put.print,
                data: put.data.clone(),
            };
            self.replies.write(onward, Message::Put(put.into()), cx);
        }
        let file = partial(name);
        let append = cx.disk(MAIN, DiskOp::Append { file: file.clone(), data: put.data.clone() });
        self.flows.tickets.insert(append, (name, Step::Append(bytes)));
        if put.packet + 1 == put.packets {
            let sync = cx.disk(MAIN, DiskOp::Sync { file });
            self.flows.tickets.insert(sync, (name, Step::Sync));
        }
    }

    /// A file begins; earlier attempts of its writer are over.
    fn begin(&mut self, from: ConnId, put: &Put, cx: &mut Cx<'_>) {
        let over = self.flows.flows.range((put.id, 0)..(put.id, put.pipeline));
        for name in over.map(|(name, _)| *name).collect::<Vec<_>>() {
            self.give_up(name, cx);
        }
        let onward = put.onward.first().map(|next| (*next, self.peer(*next, cx)));
        let flow = Flow {
            from,
            generation: put.generation,
            onward,
            packets: put.packets,
            appended: 0,
            passed: if onward.is_some() { 0 } else { put.packets },
            told: 0,
            durable: false,
            behind: onward.is_none().then(Replicas::default),
        };
        self.flows.flows.insert((put.id, put.pipeline), flow);
    }

    /// Forgets a file that is not whole.
    fn give_up(&mut self, name: Name, cx: &mut Cx<'_>) -> Option<Flow> {
        let flow = self.flows.flows.remove(&name)?;
        self.flows.tickets.retain(|_, (of, step)| match *step {
            Step::Append(bytes) if *of == name => {
                *step = Step::Void(bytes);
                true
            }
            Step::Void(_) => true,
            _ => *of != name,
        });
        cx.disk(MAIN, DiskOp::Remove { file: partial(name) });
        Some(flow)
    }

    fn answer(
        &mut self,
        to: ConnId,
        (id, pipeline): Name,
        durable: bool,
        stores: Replicas,
        cx: &mut Cx<'_>,
    ) {
        let done = Message::PutDone { id, pipeline, durable, stores };
        self.replies.write(to, done, cx);
    }

    /// A pipeline is broken by a store.
    fn fail(&mut self, name: Name, failed: Replicas, cx: &mut Cx<'_>) {
        if let Some(flow) = self.give_up(name, cx) {
            self.answer(flow.from, name, false, failed, cx);
        }
    }

    /// The disk has done something for a file, or not.
    pub(super) fn written(&mut self, ticket: DiskTicket, done: bool, cx: &mut Cx<'_>) {
        let Some((name, step)) = self.flows.tickets.remove(&ticket) else { return };
        if let Step::Append(bytes) | Step::Void(bytes) = step {
            self.flows.release(bytes, cx);
        }
        let Some(flow) = self.flows.flows.get_mut(&name) else { return };
        if !done {
            let failed = Replicas::one(self.place(cx));
            return self.fail(name, failed, cx);
        }
        match step {
            Step::Append(_) => flow.appended += 1,
            Step::Void(_) => return,
            Step::Sync => {
                let (from, to) = (partial(name), path_of(name.0));
                let rename = cx.disk(MAIN, DiskOp::Rename { from, to });
                let sync = cx.disk(MAIN, DiskOp::SyncDir);
                self.flows.tickets.insert(rename, (name, Step::Rename));
                self.flows.tickets.insert(sync, (name, Step::SyncName));
            }
            Step::Rename => {}
            Step::SyncName => flow.durable = true,
        }
        self.advance(name, cx);
    }

    /// So many packets have come to the end of a pipeline.
    pub(super) fn taken(&mut self, name: Name, packets: u32, cx: &mut Cx<'_>) {
        if self.copy_taken(name, packets, cx) {
            return;
        }
        if let Some(flow) = self.flows.flows.get_mut(&name) {
            flow.passed = flow.passed.max(packets);
            self.advance(name, cx);
        }
    }

    /// What is behind here in a pipeline is done.
    pub(super) fn done_onward(
        &mut self,
        name: Name,
        durable: bool,
        stores: Replicas,
        cx: &mut Cx<'_>,
    ) {
        if self.copy_done(name, durable, cx) {
            return;
        }
        let Some(flow) = self.flows.flows.get_mut(&name) else { return };
        if !durable {
            return self.fail(name, stores, cx);
        }
        flow.passed = flow.packets;
        flow.behind = Some(stores);
        self.advance(name, cx);
    }

    /// Acknowledges what can be.
    fn advance(&mut self, name: Name, cx: &mut Cx<'_>) {
        let place = self.place(cx);
        let Some(flow) = self.flows.flows.get_mut(&name) else { return };
        let (from, packets) = (flow.from, flow.appended.min(flow.passed));
        if let Some(behind) = flow.behind.filter(|_| flow.durable) {
            self.flows.flows.remove(&name);
            return self.answer(from, name, true, behind.with(place), cx);
        }
        // The last one is acknowledged with the whole file.
        if packets > flow.told && packets < flow.packets {
            flow.told = packets;
            let (id, pipeline) = name;
            self.replies.write(from, Message::PutTaken { id, pipeline, packets }, cx);
        }
    }

    fn names(&self, which: impl Fn(&Flow) -> bool) -> Vec<Name> {
        let flows = self.flows.flows.iter();
        flows.filter(|(_, flow)| which(flow)).map(|(name, _)| *name).collect()
    }

    /// The connection to another store is gone.
    pub(super) fn peer_lost(&mut self, at: u16, conn: ConnId, cx: &mut Cx<'_>) {
        // What is durable behind needs the connection no more.
        for name in self.names(|f| f.onward == Some((at, conn)) && f.behind.is_none()) {
            self.fail(name, Replicas::one(at), cx);
        }
        self.copies_lost(conn, cx);
    }

    /// Whoever wrote through a connection is gone.
    pub(super) fn writer_lost(&mut self, conn: ConnId, cx: &mut Cx<'_>) {
        for name in self.names(|flow| flow.from == conn) {
            self.give_up(name, cx);
        }
    }

    /// What generations before this one write comes to nothing, and they are told.
    pub(super) fn end_flows_before(&mut self, generation: Generation, cx: &mut Cx<'_>) {
        for name in self.names(|flow| flow.generation < generation) {
            if let Some(flow) = self.give_up(name, cx) {
                self.replies.write(flow.from, Message::Stale { generation }, cx);
            }
        }
    }
}
