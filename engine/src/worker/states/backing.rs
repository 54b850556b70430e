//! How a task of a keyed bolt keeps and saves its state, besides the heap.
//!
//! *Incremental checkpoints* build on the files of the one that their barrier names, which is
//! complete (Flink's rule): a file of any other may be missing, or be deleted at any time. So an
//! increment holds what has changed since that one's cut, and a checkpoint that failed costs
//! nothing but that the next increment is longer.
//!
//! *Local recovery*: what lies on the machine's disk is taken only if it is of the very cut that is
//! to be restored. The name of a local store says which component, task and generation made it;
//! each attempt begins one of its own.

use alloc::vec::Vec;

use super::local::Local;
use crate::backend::Mark;
use crate::coordinator::metadata::Completed;
use crate::handle::FileRef;
use crate::ids::{CheckpointId, TaskId};
use crate::names::Probe;
use crate::snapshot::{Increment, Snapshot};
use crate::state::KeyedState;
use crate::state::delta::Keys;
use crate::worker::links::Env;

/// An increment builds on so many files at most: a restore has to read them all.
const FILES_MOST: usize = 10;

/// Besides the heap.
#[derive(Clone, Debug, Default)]
pub(super) struct Backing {
    local: Option<Local>,
    increments: Option<Increments>,
    /// The local store has given back something else than the heap has: what it has is saved whole.
    deviates: bool,
}

/// What increments are made of.
#[derive(Clone, Debug, Default)]
struct Increments {
    /// The checkpoint that the task started from, and its files.
    origin: Option<(CheckpointId, Vec<FileRef>)>,
    /// By later cut, the keys that had changed since the one before it.
    changed: Vec<(CheckpointId, Keys)>,
    /// What has changed since the last cut.
    since: Keys,
}

impl Backing {
    /// That of a task that starts with this state: none, or that of a checkpoint.
    pub(super) fn begin(
        task: TaskId,
        state: &mut KeyedState,
        restored: Option<(&Completed, &Snapshot)>,
        env: &mut Env<'_, '_>,
    ) -> Self {
        let incremental = env.cluster.state.incremental;
        let mark = restored.map(|(completed, snapshot)| (Mark::of(completed), snapshot));
        let local = Local::begin(task, state, mark, env);
        if local.is_some() || incremental {
            state.track_changes();
        }
        let increments = incremental.then(|| {
            let origin = restored.map(|(completed, _)| {
                let part = &completed.parts[usize::from(task.0) - 1];
                (completed.checkpoint, part.files.clone())
            });
            Increments { origin, ..Increments::default() }
        });
        Backing { local, increments, deviates: false }
    }

    /// A batch was executed.
    #[inline]
    pub(super) fn executed(&mut self, state: &mut KeyedState, env: &mut Env<'_, '_>) {
        if let Some(local) = self.local.as_mut().filter(|local| local.is_log()) {
            let keys: Keys = state.take_changes().into_iter().collect();
            if !keys.is_empty() {
                local.executed(&keys, state, env);
                if let Some(increments) = &mut self.increments {
                    increments.since.extend(keys);
                }
            }
        }
    }

    /// Puts the groups that a checkpoint cuts into its snapshot, the rest of which is there: as
    /// they are where they lie.
    pub(super) fn cut(
        &mut self,
        checkpoint: CheckpointId,
        state: &mut KeyedState,
        snapshot: &mut Snapshot,
        env: &mut Env<'_, '_>,
    ) {
        let mut keys: Keys = state.take_changes().into_iter().collect();
        let mark = Mark { checkpoint, generation: env.generation, attempt: env.attempt };
        snapshot.groups = state.snapshot();
        if let Some(local) = &mut self.local {
            self.deviates |= local.cut(mark, &keys, state, snapshot, env);
        }
        if let Some(increments) = &mut self.increments {
            keys.append(&mut increments.since);
            increments.changed.push((checkpoint, keys));
        }
    }

    /// Leaves only what has changed since a complete checkpoint in a snapshot, if its files are
    /// known: those that this attempt has made of it, or started from.
    pub(super) fn reduce(
        &mut self,
        base: CheckpointId,
        files: Option<&[FileRef]>,
        state: &KeyedState,
        snapshot: &mut Snapshot,
        env: &mut Env<'_, '_>,
    ) {
        let Some(Increments { origin, changed, .. }) = &mut self.increments else { return };
        changed.retain(|(of, _)| *of > base);
        let origin = origin.as_ref().filter(|(of, _)| *of == base);
        let Some(files) = files.or(origin.map(|(_, files)| &files[..])) else { return };
        if self.deviates || files.is_empty() || files.len() >= FILES_MOST {
            return;
        }
        let size = snapshot.groups.iter().map(|group| group.data.size()).sum();
        let keys: Keys = changed.iter().flat_map(|(_, keys)| keys.iter().cloned()).collect();
        let changed = state.delta(&keys);
        let deltas: u64 = files[1..].iter().map(|file| file.bytes).sum();
        let new: u64 = changed.iter().map(|group| group.data.size()).sum();
        if deltas + new > size / 2 {
            return; // A whole one is as good, and shorter to read.
        }
        env.cx.probe(Probe::IncrementTaken);
        snapshot.groups.clear();
        snapshot.increment = Some(Increment { base: files.to_vec(), size, changed });
    }
}
