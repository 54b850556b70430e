//! A file that is replaced as a whole: at every instant, whatever fails, the old one or the new one
//! is there.
//!
//! The new one is written under a name of its own and synced. It gets the old one's name when that
//! has come back, and not before: the name may survive a loss of power that the content does not,
//! and then neither is there. It counts once the names are synced, too. If anything fails, nothing
//! more is asked for, and which of the two a later reading finds is not known.

use alloc::vec::Vec;

use stormglass_sim::node::{DiskError, DiskOp, DiskReply, DiskTicket, FileName};
use stormglass_sim::payload::Payload;

/// A file that is to take the place of another. It knows no context: whoever holds it hands in how
/// an operation is submitted, and tells it of what comes back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replacement {
    new: FileName,
    file: FileName,
    /// What was asked for and has not come back. None of it once something has failed.
    under_way: Vec<DiskTicket>,
    /// What follows when all of it has.
    next: Next,
}

/// What has to be known of a new file before it gets its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// That it was synced.
    Synced,
    /// That a reading finds it there, besides: the disk may have lost it without a word, and the
    /// old one is the only copy.
    ReadBack,
}

/// How far it has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// It is not done, or what came back was not its own.
    More,
    /// The new file has the name, and both are durable.
    Done,
    /// What is durable is unknown: only reading the file again can tell.
    Failed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    /// To read the new file, whose contents have this fingerprint.
    Read(u64),
    /// To look at what was read, and then as below.
    Compare(u64),
    /// To give it the name.
    Name,
    /// To say so.
    Done,
}

impl Replacement {
    /// Writes `data` as the file `new`, which is to become `file`.
    pub fn begin(
        new: FileName,
        file: FileName,
        data: Payload,
        proof: Proof,
        mut disk: impl FnMut(DiskOp) -> DiskTicket,
    ) -> Self {
        let next = match proof {
            Proof::Synced => Next::Name,
            Proof::ReadBack => Next::Read(data.fingerprint()),
        };
        let write = disk(DiskOp::Write { file: new.clone(), data });
        let sync = disk(DiskOp::Sync { file: new.clone() });
        Replacement { new, file, under_way: Vec::from([write, sync]), next }
    }

    /// Takes what came back from the disk, and asks for what is next.
    pub fn on_disk(
        &mut self,
        ticket: DiskTicket,
        result: Result<&DiskReply, &DiskError>,
        mut disk: impl FnMut(DiskOp) -> DiskTicket,
    ) -> Progress {
        let Some(at) = self.under_way.iter().position(|of| *of == ticket) else {
            return Progress::More;
        };
        self.under_way.remove(at);
        let Ok(reply) = result else { return self.fail() };
        if !self.under_way.is_empty() {
            return Progress::More;
        }
        match (self.next, reply) {
            (Next::Read(print), _) => {
                self.under_way.push(disk(DiskOp::Read { file: self.new.clone() }));
                self.next = Next::Compare(print);
            }
            (Next::Compare(print), DiskReply::Data(data)) if data.fingerprint() == print => {
                self.name(disk);
            }
            (Next::Compare(_), _) => return self.fail(),
            (Next::Name, _) => self.name(disk),
            (Next::Done, _) => return Progress::Done,
        }
        Progress::More
    }

    fn name(&mut self, mut disk: impl FnMut(DiskOp) -> DiskTicket) {
        let (from, to) = (self.new.clone(), self.file.clone());
        self.under_way.extend([disk(DiskOp::Rename { from, to }), disk(DiskOp::SyncDir)]);
        self.next = Next::Done;
    }

    fn fail(&mut self) -> Progress {
        self.under_way.clear();
        Progress::Failed
    }
}

#[cfg(test)]
mod tests;
