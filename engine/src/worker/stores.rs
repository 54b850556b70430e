//! A worker's way to the durable store: connections to all stores, and the files that its tasks
//! write there.

use alloc::vec::Vec;

use stormglass_sim::node::ConnId;
use stormglass_sim::payload::Payload;

use super::links::Link;
use crate::cluster::{Cluster, StoreSettings};
use crate::handle::{FileId, FileRef, Replicas};
use crate::ids::{CheckpointId, Generation, TaskId};
use crate::message::{Get, Message};
use crate::node::Cx;
use crate::pipeline::{Upload, preferred};

/// What became of a file at the end of a pipeline.
pub(super) enum Done {
    /// It is durable.
    Durable,
    /// It is on its way again, or nobody waits for it.
    Waiting,
    /// It was tried often enough.
    Failed,
}

/// The stores, by their places, and what is being written to them.
#[derive(Clone, Debug)]
pub(super) struct Stores {
    pub(super) links: Vec<Link>,
    settings: StoreSettings,
    /// How often a write that failed everywhere is tried again.
    retries: u16,
    uploads: Vec<Upload>,
}

impl Stores {
    /// Connects to all of them.
    pub(super) fn connect(cluster: &Cluster, cx: &mut Cx<'_>) -> Self {
        let links = cluster.stores.iter().map(|node| Link::connect(*node, cx)).collect();
        let retries = cluster.checkpoint.retries;
        Stores { links, settings: cluster.store, retries, uploads: Vec::new() }
    }

    /// The store at the other end of a connection.
    pub(super) fn at(&self, conn: ConnId) -> Option<u16> {
        self.links.iter().position(|link| link.conn == Some(conn)).map(|at| at as u16)
    }

    /// Whether a restore can begin: with one of them, for the others may be down for long.
    pub(super) fn are_open(&self) -> bool {
        self.links.iter().any(|link| link.open)
    }

    /// Starts to write a file; [`Stores::done`] tells when it is durable. Gives back what is known
    /// of it now.
    pub(super) fn put(
        &mut self,
        id: FileId,
        generation: Generation,
        data: Payload,
        cx: &mut Cx<'_>,
    ) -> FileRef {
        let mut upload = Upload::new(id, generation, data, self.settings.packet);
        let file = upload.file();
        self.start(&mut upload, cx);
        self.uploads.push(upload);
        file
    }

    /// Chooses a pipeline among the stores that can be reached and have not failed the file. A file
    /// that finds too few of them waits: with fewer replicas it would not be safe from writers of
    /// older generations (see [`Cluster::fenced_stores`]).
    fn start(&mut self, upload: &mut Upload, cx: &mut Cx<'_>) {
        let usable = |at: &u16| self.links[usize::from(*at)].open && !upload.failed().has(*at);
        let all = 0..self.links.len() as u16;
        let mut route = preferred(upload.file().id, all.filter(usable));
        let replication = usize::from(self.settings.replication);
        if route.len() >= replication {
            route.truncate(replication);
            upload.begin(route);
            pump(&mut self.links, upload, cx);
        }
    }

    /// Starts what waits.
    fn start_waiting(&mut self, cx: &mut Cx<'_>) {
        let mut uploads = core::mem::take(&mut self.uploads);
        for upload in uploads.iter_mut().filter(|upload| upload.head().is_none()) {
            self.start(upload, cx);
        }
        self.uploads = uploads;
    }

    /// Packets have come to the end of a pipeline.
    pub(super) fn taken(&mut self, id: FileId, pipeline: u32, packets: u32, cx: &mut Cx<'_>) {
        if let Some(upload) = self.uploads.iter_mut().find(|upload| upload.file().id == id) {
            upload.taken(pipeline, packets);
            pump(&mut self.links, upload, cx);
        }
    }

    /// A pipeline is done. If the file is not durable, another pipeline is tried, if there are
    /// stores for one that have not failed it; else the same again, as often as the settings say.
    pub(super) fn done(
        &mut self,
        id: FileId,
        pipeline: u32,
        durable: bool,
        stores: Replicas,
        cx: &mut Cx<'_>,
    ) -> Done {
        let current = |upload: &Upload| upload.file().id == id && upload.pipeline() == pipeline;
        let Some(at) = self.uploads.iter().position(current) else { return Done::Waiting };
        let mut upload = self.uploads.remove(at);
        if durable {
            return Done::Durable;
        }
        upload.broken(stores);
        self.start(&mut upload, cx);
        let open = self.links.iter().filter(|link| link.open).count();
        if upload.head().is_none() && open >= usize::from(self.settings.replication) {
            if upload.failed_everywhere() > self.retries {
                return Done::Failed;
            }
            self.start(&mut upload, cx);
        }
        self.uploads.push(upload);
        Done::Waiting
    }

    /// The connection to a store is gone.
    pub(super) fn lost(&mut self, store: u16, cx: &mut Cx<'_>) {
        let link = &mut self.links[usize::from(store)];
        (link.conn, link.open) = (None, false);
        for upload in self.uploads.iter_mut().filter(|upload| upload.head() == Some(store)) {
            upload.broken(Replicas::default());
        }
        self.start_waiting(cx);
    }

    /// A store can be reached.
    pub(super) fn opened(&mut self, store: u16, cx: &mut Cx<'_>) {
        self.links[usize::from(store)].open = true;
        self.uploads.iter_mut().for_each(|upload| upload.forgive(store));
        self.start_waiting(cx);
    }

    /// A task's part of a checkpoint is given up.
    pub(super) fn forget(&mut self, task: TaskId, checkpoint: CheckpointId) {
        let over = |id: FileId| id.task == task && id.checkpoint == checkpoint;
        self.uploads.retain(|upload| !over(upload.file().id));
    }

    /// Asks a store for a file.
    pub(super) fn get(&mut self, store: u16, get: Get, cx: &mut Cx<'_>) {
        self.links[usize::from(store)].send(Message::Get(get.into()), cx);
    }

    /// The stores to ask for a file, best first: those that should have it, then all others.
    pub(super) fn readers(&self, file: &FileRef) -> Vec<u16> {
        let all = 0..self.links.len() as u16;
        let mut order = preferred(file.id, file.replicas.iter());
        order.retain(|store| all.contains(store));
        order.extend(all.filter(|store| !file.replicas.has(*store)));
        order
    }

    /// Whether a store can be asked now. The only one is asked while the connection to it opens.
    pub(super) fn reachable(&self, store: u16) -> bool {
        let link = &self.links[usize::from(store)];
        link.open || self.links.len() == 1 && link.conn.is_some()
    }
}

/// Sends what may be under way of a file.
fn pump(links: &mut [Link], upload: &mut Upload, cx: &mut Cx<'_>) {
    let Some(head) = upload.head() else { return };
    while let Some(put) = upload.packet() {
        links[usize::from(head)].send(Message::Put(put), cx);
    }
}
