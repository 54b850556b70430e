//! The name node's part of the coordinator: which store has which file, and who gets a copy when
//! too few have it.
//!
//! What is decided (the replicas of every file of a retained checkpoint) is in the metadata and
//! changes by replicated commands alone. What the stores tell (what lies on their disks, what was
//! found rotten) is a master's knowledge, told anew to each one.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use stormglass_sim::time::{Instant, Span};

use crate::handle::{FileId, FileRef, Replicas};
use crate::ids::CheckpointId;
use crate::pipeline::preferred;

/// After so long a copy counts as failed, whatever became of it.
const PATIENCE: Span = Span::secs(30);

/// What a master knows of the stores.
#[derive(Clone, Debug, Default)]
pub struct Replication {
    stores: Vec<StoreFacts>,
    /// Who has no sound copy of a file.
    flawed: BTreeMap<FileId, Replicas>,
    copying: BTreeMap<FileId, Copying>,
    /// Copies ordered so far.
    copies: u32,
}

/// One store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreFacts {
    /// Since when it cannot be reached; none if it can.
    pub lost: Option<Instant>,
    /// What lies on its disk: complete for files of checkpoints up to this one. None until it has
    /// told.
    pub files: Option<(CheckpointId, BTreeSet<FileId>)>,
}

#[derive(Clone, Copy, Debug)]
struct Copying {
    from: u16,
    to: u16,
    since: Instant,
}

/// What is to be done for a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mend {
    /// One store is to give another a copy.
    Copy {
        /// Who has it.
        from: u16,
        /// Who gets it.
        to: u16,
    },
    /// Enough have it: these.
    Record(Replicas),
}

/// Decides what a file needs: a pure function. `flawed` are those who have no sound copy, whatever
/// lies on their disks. A file that nobody reachable has needs what nobody can give.
pub fn mend(
    file: &FileRef,
    flawed: Replicas,
    stores: &[StoreFacts],
    replication: u16,
    lost: impl Fn(&StoreFacts) -> bool,
) -> Option<Mend> {
    let facts = |at: u16| &stores[usize::from(at)];
    let lies_there = |at: u16| match &facts(at).files {
        Some((up_to, files)) => file.id.checkpoint > *up_to || files.contains(&file.id),
        None => true,
    };
    let has = |at: &u16| !flawed.has(*at) && !lost(facts(*at)) && lies_there(*at);
    let places = 0..stores.len() as u16;
    let live: Vec<u16> = places.clone().filter(|at| file.replicas.has(*at) && has(at)).collect();
    if live.is_empty() || live.len() >= usize::from(replication) {
        return None;
    }
    let reachable = |at: &u16| facts(*at).lost.is_none();
    let others = places.filter(|at| !live.contains(at) && reachable(at));
    let others = preferred(file.id, others.filter(|at| facts(*at).files.is_some()));
    // One that was out of reach may be back with what it had.
    let surplus = |at: &&u16| {
        let files = facts(**at).files.as_ref();
        !flawed.has(**at) && files.is_some_and(|(_, files)| files.contains(&file.id))
    };
    let replicas = live.iter().fold(Replicas::default(), |all, at| all.with(*at));
    if let Some(at) = others.iter().find(surplus) {
        return Some(Mend::Record(replicas.with(*at)));
    }
    let from = *live.iter().find(|at| reachable(at))?;
    others.first().map(|to| Mend::Copy { from, to: *to })
}

impl Replication {
    /// Nothing is known of so many stores, at this instant.
    pub fn new(stores: usize, now: Instant) -> Self {
        let facts = StoreFacts { lost: Some(now), files: None };
        Replication { stores: alloc::vec![facts; stores], ..Replication::default() }
    }

    /// A store can be reached.
    pub fn opened(&mut self, store: u16) {
        self.stores[usize::from(store)].lost = None;
    }

    /// It cannot, and what it was copying is not heard of any more.
    pub fn closed(&mut self, store: u16, now: Instant) {
        self.stores[usize::from(store)] = StoreFacts { lost: Some(now), files: None };
        self.copying.retain(|_, copying| copying.from != store);
    }

    /// A store tells what lies on its disk.
    pub fn told(&mut self, store: u16, up_to: CheckpointId, files: &[FileId]) {
        self.stores[usize::from(store)].files = Some((up_to, files.iter().copied().collect()));
        // What is not there cannot be rotten.
        for (id, flawed) in &mut self.flawed {
            if id.checkpoint <= up_to && !files.contains(id) {
                *flawed = flawed.without(store);
            }
        }
        self.flawed.retain(|_, flawed| flawed.count() > 0);
    }

    /// A store has no sound copy of a file.
    pub fn found_flawed(&mut self, id: FileId, store: u16) {
        let flawed = self.flawed.entry(id).or_default();
        *flawed = flawed.with(store);
    }

    /// A copy is over. Gives back the replicas that are to be recorded, if it is there now.
    pub fn copied(&mut self, file: &FileRef, to: u16, durable: bool) -> Option<Replicas> {
        let copying = self.copying.remove(&file.id)?;
        if !durable || copying.to != to {
            return None;
        }
        if let Some((_, files)) = &mut self.stores[usize::from(to)].files {
            files.insert(file.id);
        }
        let flawed = self.flawed.entry(file.id).or_default();
        *flawed = flawed.without(to);
        let flawed = *flawed;
        let others = file.replicas.iter().filter(|at| !flawed.has(*at));
        Some(others.fold(Replicas::one(to), Replicas::with))
    }

    /// What is to be done now for the files of retained checkpoints. Whoever asks does it.
    pub fn due<'a>(
        &mut self,
        files: impl Iterator<Item = &'a FileRef>,
        replication: u16,
        lost_after: Span,
        now: Instant,
    ) -> Vec<(FileRef, Mend)> {
        self.copying.retain(|_, copying| now.since(copying.since) < PATIENCE);
        let lost = |facts: &StoreFacts| facts.lost.is_some_and(|at| now.since(at) >= lost_after);
        let mut due: BTreeMap<FileId, (FileRef, Mend)> = BTreeMap::new();
        let mut known = BTreeSet::new();
        for file in files {
            known.insert(file.id);
            let flawed = self.flawed.get(&file.id).copied().unwrap_or_default();
            if self.copying.contains_key(&file.id) {
                continue;
            }
            if let Some(mend) = mend(file, flawed, &self.stores, replication, lost) {
                due.insert(file.id, (*file, mend));
            }
        }
        self.flawed.retain(|id, _| known.contains(id));
        for (file, mend) in due.values() {
            if let Mend::Copy { from, to } = *mend {
                self.copying.insert(file.id, Copying { from, to, since: now });
            }
        }
        due.into_values().collect()
    }

    /// The number of the next copy.
    pub fn number(&mut self) -> u32 {
        self.copies += 1;
        self.copies
    }
}

#[cfg(test)]
mod tests;
