//! A replica's disk: a file of frames, and what was written to it but is not durable yet.

use std::collections::VecDeque;

use stormglass_engine::names::{Switches, Twist};
use stormglass_engine::raft::storage::{Frames, recover, rewrite};
use stormglass_engine::raft::{Durable, Entry, PersistId, ReplicaId, Term, Write};
use stormglass_sim::time::Instant;

use super::chance::Chance;

/// What a write changes once it is durable.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Term and vote.
    HardState(Term, Option<ReplicaId>),
    /// Entries from the first one's index on.
    Entries(Vec<Entry>),
    /// Everything: the log's file was written anew.
    File(Durable),
}

#[derive(Clone, Debug)]
struct Unsynced {
    id: PersistId,
    bytes: Vec<u8>,
    change: Change,
}

/// The disk of one replica.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    file: Vec<u8>,
    frames: Frames,
    unsynced: VecDeque<Unsynced>,
    /// When the last write that was asked for is durable.
    pub(crate) busy: Instant,
}

impl Disk {
    /// Asks for a write. `durable` is what the replica holds, for a file that is written anew.
    pub(crate) fn write(
        &mut self,
        id: PersistId,
        write: &Write,
        durable: impl FnOnce() -> Durable,
        switches: Switches,
        reached: &mut Vec<Twist>,
    ) {
        let (bytes, change) = match write {
            Write::HardState { term, vote } => {
                (self.frames.encode(write), Change::HardState(*term, *vote))
            }
            Write::Entries(entries) => {
                (self.frames.encode(write), Change::Entries(entries.clone()))
            }
            Write::Snapshot(_) => {
                let held = durable();
                (rewrite(&mut self.frames, &held, switches, reached), Change::File(held))
            }
        };
        self.unsynced.push_back(Unsynced { id, bytes, change });
    }

    /// Makes everything durable up to a write.
    pub(crate) fn sync(&mut self, through: PersistId) -> Vec<Change> {
        let count = self.unsynced.iter().take_while(|write| write.id <= through).count();
        self.keep(count)
    }

    fn keep(&mut self, count: usize) -> Vec<Change> {
        let mut changes = Vec::new();
        for write in self.unsynced.drain(..count) {
            if let Change::File(_) = write.change {
                self.file.clear();
            }
            self.file.extend(write.bytes);
            changes.push(write.change);
        }
        changes
    }

    /// The power fails: of what is not durable, the first writes may be there all the same, and a
    /// part of the next one.
    pub(crate) fn crash(&mut self, keep: u64) -> Vec<Change> {
        let mut chance = Chance::new(keep, 0);
        let most = self.unsynced.len() as u64;
        let kept = if chance.percent(50) { 0 } else { chance.within(0, most) };
        let changes = self.keep(kept as usize);
        if let Some(torn) = self.unsynced.pop_front()
            && !matches!(torn.change, Change::File(_))
            && chance.percent(50)
        {
            let part = chance.below(torn.bytes.len() as u64) as usize;
            self.file.extend(&torn.bytes[..part]);
        }
        self.unsynced.clear();
        self.busy = Instant::ZERO;
        changes
    }

    /// Reads the disk when a replica starts.
    ///
    /// # Errors
    /// If it is rotten.
    pub(crate) fn recover(&mut self) -> Result<Durable, String> {
        let recovered = recover(&self.file).map_err(|rotten| format!("{rotten:?}"))?;
        let (durable, whole, frames) = recovered;
        self.file.truncate(whole);
        self.frames = frames;
        Ok(durable)
    }
}
