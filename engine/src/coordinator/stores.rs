//! What the master does with its knowledge of the stores: has files copied, records who has them,
//! and gives up a checkpoint that nobody can read any more.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{ConnId, NodeId};

use super::master::Master;
use super::metadata::Command;
use super::replicas::Mend;
use super::{Ledger, tell};
use crate::handle::{Discard, FileId, FileRef};
use crate::ids::{CheckpointId, Generation};
use crate::message::Message;
use crate::names::{Probe, Twist};
use crate::node::Cx;
use crate::observation::{Observation, Suspicion};
use crate::pipeline::Copy;

/// Copies have numbers that no writer's pipelines have.
const COPIES: u32 = 1 << 31;

impl Master {
    /// Takes what concerns files from a store or a worker.
    pub(super) fn about_files(
        &mut self,
        peer: NodeId,
        message: &Message,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        match message {
            Message::Inventory { up_to, files } => {
                if let Some(store) = self.cluster.store_at(peer) {
                    self.replication.told(store, *up_to, files);
                }
            }
            Message::Flawed { id, store } if usize::from(*store) < self.cluster.stores.len() => {
                cx.probe(Probe::ReplicaFlawed);
                self.replication.found_flawed(*id, *store);
            }
            Message::Copied { id, to, durable } => {
                let Some(file) = file(*id, ledger) else { return };
                if let Some(stores) = self.replication.copied(&file, *to, *durable) {
                    cx.probe(Probe::FileCopied);
                    ledger.propose(Command::Replicas { id: *id, stores }, cx);
                }
            }
            Message::Unreadable { checkpoint, generation, .. } => {
                self.unreadable(peer, *checkpoint, *generation, ledger, cx);
            }
            _ => {}
        }
    }

    /// Looks whether every file has its replicas.
    pub(super) fn tend_files(&mut self, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        if self.cluster.stores.len() == 1 {
            return;
        }
        let settings = self.cluster.store;
        let metadata = &ledger.metadata;
        let kept: Vec<_> =
            metadata.retained().iter().chain(metadata.savepoints()).cloned().collect();
        let files = kept.iter().flat_map(|completed| &completed.parts);
        let files = files.flat_map(|part| &part.files);
        let due = self.replication.due(files, settings.replication, settings.lost_after, cx.now());
        for (file, mend) in due {
            match mend {
                Mend::Record(stores) => {
                    ledger.propose(Command::Replicas { id: file.id, stores }, cx);
                }
                Mend::Copy { from, to } => {
                    let generation = ledger.metadata.generation();
                    let term = ledger.replica.term().0 & 0x7fff;
                    let pipeline = COPIES | term << 16 | self.replication.number() & 0xffff;
                    let copy = Arc::new(Copy { file, to, generation, pipeline });
                    tell(self.store_conn(from), Message::Copy(copy), cx);
                }
            }
        }
    }

    fn store_conn(&self, store: u16) -> Option<ConnId> {
        let node = self.cluster.stores[usize::from(store)];
        self.resources.iter().find(|r| r.node == node && r.open)?.conn
    }

    /// At the end of a mastership: the outcome of a proposed completion is unknown, so nothing is
    /// deleted for it. A planted bug takes it for a failure.
    pub(super) fn leave_files(&self, ledger: &Ledger, cx: &mut Cx<'_>) {
        if let Some(checkpoint) = self.checkpoints.completing()
            && cx.twist(Twist::UnknownOutcomeDeleted)
        {
            let retained = ledger.metadata.retained().iter();
            let known = retained.flat_map(|completed| completed.files()).collect();
            self.keep_only(known, checkpoint, ledger, cx);
        }
    }

    /// A store can be reached, and has been told the generation.
    pub(super) fn store_opened(&mut self, store: u16, ledger: &Ledger, cx: &mut Cx<'_>) {
        self.replication.opened(store);
        if self.cluster.stores.len() > 1
            && let Some(latest) = ledger.metadata.latest()
        {
            let (up_to, generation) = (latest.checkpoint, ledger.metadata.generation());
            let order = Discard { up_to, keep: self.needed(ledger), generation };
            tell(self.store_conn(store), Message::Discard(order.into()), cx);
        }
    }

    /// A task has asked every store for a file of the checkpoint that it must restore, and none has
    /// a sound copy.
    fn unreadable(
        &mut self,
        reporter: NodeId,
        checkpoint: CheckpointId,
        generation: Generation,
        ledger: &mut Ledger,
        cx: &mut Cx<'_>,
    ) {
        if generation == ledger.metadata.generation() && self.unreadable.is_none() {
            self.unreadable = Some(reporter);
            ledger.propose(Command::Condemn { checkpoint, generation }, cx);
        }
    }

    /// A checkpoint was given up as unreadable: the next generation starts from the one before it.
    pub(super) fn condemned(&mut self, ledger: &mut Ledger, cx: &mut Cx<'_>) {
        let reporter = self.unreadable.take();
        if ledger.metadata.is_lost() {
            return;
        }
        let assignment = ledger.metadata.assignment();
        let first = assignment.and_then(|assignment| assignment.workers.first());
        if let Some(node) = reporter.or(first.map(|(node, _)| *node)) {
            self.suspect_registered(node, Suspicion::TaskFailed, ledger, cx);
            self.consider(ledger, cx);
        }
    }

    /// Whether the state that a generation should start from is gone for good: it is told, and
    /// nothing is deployed. To start from nothing would hide the loss (FLINK-7783).
    pub(super) fn is_stuck(&self, ledger: &Ledger, cx: &mut Cx<'_>) -> bool {
        let lost = ledger.metadata.is_lost();
        if lost {
            let generation = ledger.metadata.generation();
            cx.observe(Observation::StateLost { generation });
        }
        lost
    }
}

/// A file of a retained checkpoint or a savepoint.
fn file(id: FileId, ledger: &Ledger) -> Option<FileRef> {
    let metadata = &ledger.metadata;
    let kept = metadata.retained().iter().chain(metadata.savepoints());
    let parts = kept.flat_map(|completed| &completed.parts);
    parts.flat_map(|part| &part.files).find(|file| file.id == id).copied()
}
