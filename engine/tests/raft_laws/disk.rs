//! A replica's disk: a file of frames, and the one that is on its way there.
//!
//! One frame at a time, as the file asks for: what is to be written meanwhile waits, and goes into
//! the next one together.

use stormglass_engine::names::{Switches, Twist};
use stormglass_engine::raft::storage::{Frames, recover, rewrite};
use stormglass_engine::raft::{Durable, Entry, PersistId, Raft, ReplicaId, Term, Write};

use super::chance::Chance;

/// What a frame changes once it is durable.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Term and vote.
    HardState(Term, Option<ReplicaId>),
    /// Entries from the first one's index on.
    Entries(Vec<Entry>),
    /// Everything: the file was written anew.
    File(Durable),
}

#[derive(Clone, Debug)]
struct Flight {
    through: PersistId,
    bytes: Vec<u8>,
    /// Whether it takes the place of the whole file, at once or not at all.
    anew: bool,
    changes: Vec<Change>,
}

/// The disk of one replica.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    file: Vec<u8>,
    waiting: Vec<(PersistId, Write)>,
    flight: Option<Flight>,
}

impl Disk {
    /// Asks for a write.
    pub(crate) fn write(&mut self, id: PersistId, write: Write) {
        self.waiting.push((id, write));
    }

    /// Begins the next frame with all that waits, if none is under way. True if it did.
    pub(crate) fn begin(
        &mut self,
        raft: &Raft,
        switches: Switches,
        reached: impl FnMut(Twist),
    ) -> bool {
        let Some((through, _)) = self.waiting.last().filter(|_| self.flight.is_none()) else {
            return false;
        };
        let through = *through;
        let writes: Vec<Write> = self.waiting.drain(..).map(|(_, write)| write).collect();
        let anew = writes.iter().any(|write| matches!(write, Write::Snapshot(_)));
        let (bytes, changes) = if anew {
            let held = raft.durable();
            (rewrite(&held, switches, reached), vec![Change::File(held)])
        } else {
            let bytes = Frames::after(self.file.len()).encode(&writes);
            (bytes, writes.into_iter().map(change).collect())
        };
        self.flight = Some(Flight { through, bytes, anew, changes });
        true
    }

    /// The frame under way is durable.
    pub(crate) fn done(&mut self) -> Option<(PersistId, Vec<Change>)> {
        let Flight { through, bytes, anew, changes } = self.flight.take()?;
        if anew {
            self.file.clear();
        }
        self.file.extend(bytes);
        Some((through, changes))
    }

    /// The power fails: the frame under way may be there all the same, or a part of it.
    pub(crate) fn crash(&mut self, keep: u64) -> Vec<Change> {
        let mut chance = Chance::new(keep, 0);
        self.waiting.clear();
        if chance.percent(30) {
            return self.done().map_or(Vec::new(), |(_, changes)| changes);
        }
        if let Some(torn) = self.flight.take().filter(|flight| !flight.anew)
            && chance.percent(50)
        {
            let part = chance.below(torn.bytes.len() as u64) as usize;
            self.file.extend(&torn.bytes[..part]);
        }
        Vec::new()
    }

    /// Reads the disk when a replica starts.
    ///
    /// # Errors
    /// If it is rotten.
    pub(crate) fn recover(&mut self) -> Result<Durable, String> {
        let (durable, whole) = recover(&self.file).map_err(|rotten| rotten.to_string())?;
        self.file.truncate(whole);
        Ok(durable)
    }
}

fn change(write: Write) -> Change {
    match write {
        Write::HardState { term, vote } => Change::HardState(term, vote),
        Write::Entries(entries) => Change::Entries(entries),
        Write::Snapshot(_) => unreachable!("the file is written anew"),
    }
}
