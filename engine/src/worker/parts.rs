//! A task's parts of checkpoints, from the cut to the acknowledgement: its files go to the durable
//! store, and when all of them are there, the coordinator is told where.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::links::Env;
use crate::backend::{Backend, MEMORY_MOST};
use crate::barrier::Barrier;
use crate::handle::{FileId, FileRef, Part, Replicas};
use crate::ids::{CheckpointId, TaskId};
use crate::message::Message;
use crate::names::{Probe, Site, Twist};
use crate::observation::{AbortReason, Step};
use crate::snapshot::Snapshot;

/// The parts of one task that are not acknowledged, and those on which increments may build.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    task: TaskId,
    waiting: Vec<Waiting>,
    /// Parts on which increments may build, once their checkpoints are complete.
    acknowledged: Vec<(CheckpointId, Arc<Part>)>,
}

/// A part on its way.
#[derive(Clone, Debug)]
struct Waiting {
    checkpoint: CheckpointId,
    part: Part,
    /// The size of its own file, which is in memory.
    bytes: u64,
    /// Files that the store has not confirmed.
    missing: Vec<FileId>,
    /// A sink's transactions have to be durable too, up to the one that this checkpoint ended.
    awaits_receiver: Option<CheckpointId>,
}

impl Parts {
    pub(super) fn new(task: TaskId) -> Self {
        Parts { task, waiting: Vec::new(), acknowledged: Vec::new() }
    }

    /// The memory of the parts on their way, as far as it is known.
    fn bytes(&self) -> u64 {
        self.waiting.iter().map(|waiting| waiting.bytes).sum()
    }

    /// Parts are not on their way any more.
    fn release(&self, env: &mut Env<'_, '_>) {
        env.reserve(Site::Snapshot, self.task, self.bytes());
    }

    /// Sends the task's part of a checkpoint to the store; declines the checkpoint if it cannot.
    pub(super) fn upload(
        &mut self,
        barrier: Barrier,
        snapshot: &Snapshot,
        awaits_receiver: Option<CheckpointId>,
        env: &mut Env<'_, '_>,
    ) {
        let checkpoint = barrier.checkpoint;
        if let Some(base) = barrier.base {
            self.acknowledged.retain(|(of, _)| *of >= base);
        }
        let (task, generation, attempt) = (self.task, env.generation, env.attempt);
        // The barrier has gone ahead; the state is written out when this work is done.
        let stopped = env.cluster.topology.component_of(task).snapshot_cpu;
        if !stopped.is_zero() {
            env.cx.spend(env.lane(task), stopped);
        }
        let (state, data) = (snapshot.state_size(), snapshot.encode());
        let bytes = data.size();
        let files = snapshot.base().to_vec();
        if env.cx.twist(Twist::PartDeclined) {
            return self.decline(checkpoint, AbortReason::Declined, env);
        }
        let mut part = Part { task, state, stopped, inline: None, files };
        let mut missing = Vec::new();
        let inline = matches!(env.cluster.state.backend, Backend::Memory);
        if inline && bytes > MEMORY_MOST {
            env.cx.probe(Probe::MemoryRefused);
            return self.decline(checkpoint, AbortReason::Declined, env);
        }
        if !env.reserve(Site::Snapshot, task, self.bytes() + bytes) {
            return self.decline(checkpoint, AbortReason::Declined, env);
        }
        if inline {
            part.inline = Some(data);
        } else {
            let id = FileId { checkpoint, generation, attempt, task, number: 0 };
            part.files.push(env.links.stores.put(id, generation, data, env.cx));
            missing.push(id);
        }
        env.stepped(Step::Uploading, task, checkpoint);
        self.waiting.push(Waiting { checkpoint, part, bytes, missing, awaits_receiver });
        self.acknowledge(env);
    }

    /// A file is durable in these stores. One that never becomes durable lets its checkpoint
    /// expire, and nothing is deleted for it.
    pub(super) fn stored(&mut self, id: FileId, replicas: Replicas, env: &mut Env<'_, '_>) {
        for waiting in &mut self.waiting {
            waiting.missing.retain(|missing| *missing != id);
            for file in waiting.part.files.iter_mut().filter(|file| file.id == id) {
                file.replicas = replicas;
            }
        }
        self.acknowledge(env);
    }

    /// A file could not be written, however often it was tried: the checkpoint is declined, and
    /// nothing is deleted for it.
    pub(super) fn failed(&mut self, id: FileId, env: &mut Env<'_, '_>) {
        let of_it = |waiting: &Waiting| waiting.missing.contains(&id);
        if let Some(at) = self.waiting.iter().position(of_it) {
            let checkpoint = self.waiting.remove(at).checkpoint;
            self.release(env);
            self.decline(checkpoint, AbortReason::Io, env);
        }
    }

    /// Tells the coordinator that this task cannot take part in a checkpoint.
    pub(super) fn decline(
        &self,
        checkpoint: CheckpointId,
        reason: AbortReason,
        env: &mut Env<'_, '_>,
    ) {
        let (generation, task, attempt) = (env.generation, self.task, env.attempt);
        let decline = Message::Decline { checkpoint, generation, task, attempt, reason };
        env.tell_coordinator(decline);
    }

    /// The receiver has a sink's transactions up to the one that ends with this checkpoint.
    pub(super) fn pre_committed(&mut self, checkpoint: CheckpointId, env: &mut Env<'_, '_>) {
        for waiting in &mut self.waiting {
            waiting.awaits_receiver = waiting.awaits_receiver.filter(|ends| *ends > checkpoint);
        }
        self.acknowledge(env);
    }

    /// Acknowledges the parts that are durable.
    fn acknowledge(&mut self, env: &mut Env<'_, '_>) {
        let done = |w: &Waiting| w.missing.is_empty() && w.awaits_receiver.is_none();
        while let Some(at) = self.waiting.iter().position(done) {
            let Waiting { checkpoint, part, .. } = self.waiting.remove(at);
            let (generation, attempt, part) = (env.generation, env.attempt, Arc::new(part));
            if env.cluster.state.incremental {
                self.acknowledged.push((checkpoint, part.clone()));
            }
            let ack = Message::Acknowledge { checkpoint, generation, attempt, part };
            env.tell_coordinator(ack);
            self.release(env);
        }
    }

    /// The files of the task's part of a complete checkpoint, if this attempt has made it.
    pub(super) fn files_of(&self, checkpoint: CheckpointId) -> Option<&[FileRef]> {
        let part = self.acknowledged.iter().find(|(of, _)| *of == checkpoint);
        part.map(|(_, part)| &part.files[..])
    }

    /// A checkpoint is given up.
    pub(super) fn forget(&mut self, checkpoint: CheckpointId, env: &mut Env<'_, '_>) {
        env.links.stores.forget(self.task, checkpoint);
        self.waiting.retain(|waiting| waiting.checkpoint != checkpoint);
        self.release(env);
    }
}
