//! What a run proves to its judges: which copies its faults destroyed, read off the disks of the
//! world. The judges ask for it, for nothing of it is in any observation.

use std::sync::Arc;

use stormglass_engine::coordinator::metadata::{Completed, Metadata};
use stormglass_engine::handle::{FileRef, checksum};
use stormglass_engine::ids::CheckpointId;
use stormglass_engine::raft::storage;
use stormglass_engine::store;
use stormglass_sim::node::NodeId;

use super::Run;
use crate::budget::{COORDINATOR_LOG, Destroyed, Proof, RECEIVER_LOG};
use crate::scenario::Role;
use crate::story::Durable;

impl Run {
    /// A checkpoint completed, or was given up: what it needs is noted while it is known.
    pub(super) fn noted(&mut self, what: Durable) {
        match what {
            Durable::Completed => {
                let all = self.metadata().flat_map(Metadata::retained).cloned();
                let mut known: Vec<Arc<Completed>> = all.collect();
                known.sort_by_key(|completed| completed.checkpoint);
                // Replicas may be known better by some.
                self.completed = known;
            }
            Durable::Unreadable(checkpoint) => {
                if let Some(proof) = self.is_gone(checkpoint) {
                    self.world.watcher_mut().judges.prove(proof);
                }
            }
        }
    }

    /// At the end of a run that is not complete: who is out for good.
    pub(super) fn prove(&mut self) {
        let quorum = self.no_quorum();
        let receivers = self.places.all(Role::Receiver).into_iter();
        let log = receivers.filter_map(|node| self.destroyed(node, RECEIVER_LOG)).next();
        let outputs = log.map(|log| Proof::Outputs { log });
        for proof in quorum.into_iter().chain(outputs) {
            self.world.watcher_mut().judges.prove(proof);
        }
    }

    /// The coordinators that cannot come back, if there are any.
    fn no_quorum(&self) -> Option<Proof> {
        let coordinators = self.places.all(Role::Coordinator);
        // However often it is started: it reads this, and stops.
        let is_out = |node: &&NodeId| {
            let log = self.world.cached_file(node.machine, COORDINATOR_LOG);
            log.is_some_and(|log| storage::recover(log.bytes()).is_err())
        };
        let out = coordinators.iter().filter(is_out);
        let logs: Vec<Destroyed> =
            out.filter_map(|node| self.destroyed(*node, COORDINATOR_LOG)).collect();
        let voters = coordinators.len();
        (!logs.is_empty()).then_some(Proof::Quorum { voters, logs })
    }

    /// Whether a file of a checkpoint is gone from every store, and by which faults.
    fn is_gone(&self, checkpoint: CheckpointId) -> Option<Proof> {
        let now = self.metadata().flat_map(Metadata::retained);
        let known = self.completed.iter().chain(now);
        let known = known.filter(|completed| completed.checkpoint == checkpoint);
        let files = known.flat_map(|completed| &completed.parts).flat_map(|part| &part.files);
        files.cloned().find_map(|file| self.is_lost(checkpoint, &file))
    }

    fn is_lost(&self, checkpoint: CheckpointId, file: &FileRef) -> Option<Proof> {
        let (stores, path) = (self.places.all(Role::Store), store::path_of(file.id));
        let is_sound = |node: &NodeId| {
            let (cached, durable) = (
                self.world.cached_file(node.machine, &path),
                self.world.durable_file(node.machine, &path),
            );
            [cached, durable].iter().flatten().any(|copy| checksum(copy) == file.print)
        };
        if stores.iter().any(is_sound) {
            return None;
        }
        let had = |(at, node): (u16, &NodeId)| file.replicas.has(at).then_some(*node);
        let holders: Vec<NodeId> = (0..).zip(&stores).filter_map(had).collect();
        let copies = holders.iter().filter_map(|node| self.destroyed(*node, &path)).collect();
        let (checkpoint, file) = (checkpoint.0, path.to_string());
        Some(Proof::Checkpoint { checkpoint, file, holders, copies })
    }

    /// What a fault did to a file, the last time that one did.
    fn destroyed(&self, node: NodeId, file: &str) -> Option<Destroyed> {
        let damage = self.world.damage(node.machine).into_iter();
        let damage = damage.rev().find(|damage| *damage.file == *file)?;
        let (who, at) = (self.places.name(node), damage.at);
        let both = (1..).zip(self.setup.plan.faults.iter().zip(&self.faults));
        let culprit = both.filter(|(_, (planned, state))| {
            let struck = state.resolved.as_ref();
            let here = struck.is_some_and(|struck| struck.target == who && struck.at <= at);
            here && planned.action.destroys()
        });
        let fault = culprit.last().map(|(number, _)| number);
        Some(Destroyed { node, who, file: file.to_string(), how: damage.kind, at, fault })
    }
}
