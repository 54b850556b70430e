//! Files and names: what is in the page cache, and what a power loss would leave.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::chance::Draws;
use crate::disk::Outcome;
use crate::disk::content::Content;
use crate::fault::DiskFailure;
use crate::node::{DiskError, DiskOp, DiskReply, FileName};
use crate::payload::Payload;

/// What a device is asked to do.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Op(DiskOp),
    WriteAt {
        file: FileName,
        offset: u64,
        data: Payload,
    },
    SetLen {
        file: FileName,
        len: u64,
    },
    /// A read of the blocking view; it changes nothing.
    Look {
        bytes: u64,
    },
}

impl Action {
    /// Bytes that the device moves for it.
    pub(crate) fn cost(&self, files: &Files) -> u64 {
        match self {
            Action::Op(DiskOp::Read { file }) => files.content(file).map_or(0, Content::size),
            Action::Op(DiskOp::Write { data, .. } | DiskOp::Append { data, .. })
            | Action::WriteAt { data, .. } => data.size(),
            Action::Look { bytes } => *bytes,
            Action::Op(_) | Action::SetLen { .. } => 0,
        }
    }

    /// Whether an armed failure of this kind hits it.
    pub(crate) fn meets(&self, kind: DiskFailure) -> bool {
        use DiskOp::{Append, List, Read, Remove, Rename, Sync, SyncDir, Write};
        match self {
            Action::Op(Read { .. } | List { .. }) | Action::Look { .. } => {
                kind == DiskFailure::Reads
            }
            Action::Op(Write { .. } | Append { .. })
            | Action::WriteAt { .. }
            | Action::SetLen { .. } => matches!(kind, DiskFailure::Writes | DiskFailure::Full),
            Action::Op(Rename { .. } | Remove { .. }) => kind == DiskFailure::Writes,
            Action::Op(Sync { .. } | SyncDir) => {
                matches!(kind, DiskFailure::Syncs | DiskFailure::LyingSyncs)
            }
        }
    }
}

/// A change of names that is not durable yet.
#[derive(Clone, Debug)]
enum Change {
    Create { name: FileName, inode: u32 },
    Rename { from: FileName, to: FileName, inode: u32 },
    Remove { name: FileName },
}

/// What a power loss took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    pub(crate) bytes: u64,
    pub(crate) names: u64,
}

/// All files of one disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    inodes: BTreeMap<u32, Content>,
    names: BTreeMap<FileName, u32>,
    durable: BTreeMap<FileName, u32>,
    changes: Vec<Change>,
    next: u32,
    /// Logical bytes of all inodes.
    used: u64,
}

impl Files {
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    pub(crate) fn content(&self, file: &str) -> Option<&Content> {
        self.inodes.get(self.names.get(file)?)
    }

    /// The durable contents under a durable name: what a crash that spares nothing would leave.
    pub(crate) fn durable(&self, file: &str) -> Option<Payload> {
        self.inodes.get(self.durable.get(file)?).map(Content::durable)
    }

    /// Does what is asked, or what an armed failure makes of it.
    pub(crate) fn perform(
        &mut self,
        action: &Action,
        failure: Option<DiskFailure>,
        capacity: u64,
    ) -> Outcome {
        match failure {
            Some(DiskFailure::LyingSyncs) => return Ok(DiskReply::Done),
            Some(DiskFailure::Full) => return Err(DiskError::Full),
            Some(_) => return Err(DiskError::Io),
            None => {}
        }
        match action {
            Action::Op(op) => self.operate(op, capacity),
            Action::WriteAt { file, offset, data } => {
                let end = offset.saturating_add(data.bytes().len() as u64);
                let size = self.content(file).map_or(0, Content::size);
                self.room(end.saturating_sub(size), capacity)?;
                self.change(file, |c| c.write_at(*offset, data.bytes()));
                Ok(DiskReply::Done)
            }
            Action::SetLen { file, len } => {
                let size = self.content(file).map_or(0, Content::size);
                self.room(len.saturating_sub(size), capacity)?;
                self.change(file, |c| c.set_len(*len));
                Ok(DiskReply::Done)
            }
            Action::Look { .. } => Ok(DiskReply::Done),
        }
    }

    fn operate(&mut self, op: &DiskOp, capacity: u64) -> Outcome {
        match op {
            DiskOp::Read { file } => {
                let content = self.content(file).ok_or(DiskError::NotFound)?;
                return Ok(DiskReply::Data(content.read()));
            }
            DiskOp::List { prefix } => {
                let from = self.names.range(prefix.clone()..);
                let names = from.map(|(name, _)| name).take_while(|n| n.starts_with(&**prefix));
                return Ok(DiskReply::Names(names.cloned().collect()));
            }
            DiskOp::Write { file, data } => {
                let size = self.content(file).map_or(0, Content::size);
                self.room(data.size().saturating_sub(size), capacity)?;
                self.change(file, |c| c.write(data.clone()));
            }
            DiskOp::Append { file, data } => {
                self.room(data.size(), capacity)?;
                // Not through `change`: a log's size is the sum over all that was ever appended.
                self.used += self.content_mut(file).append(data.clone());
            }
            DiskOp::Sync { file } => {
                let inode = *self.names.get(file).ok_or(DiskError::NotFound)?;
                self.inodes.get_mut(&inode).expect("a name has an inode").sync();
            }
            DiskOp::Rename { from, to } => {
                let inode = self.names.remove(from).ok_or(DiskError::NotFound)?;
                self.names.insert(to.clone(), inode);
                self.changes.push(Change::Rename { from: from.clone(), to: to.clone(), inode });
            }
            DiskOp::Remove { file } => {
                self.names.remove(file).ok_or(DiskError::NotFound)?;
                self.changes.push(Change::Remove { name: file.clone() });
            }
            DiskOp::SyncDir => {
                for change in core::mem::take(&mut self.changes) {
                    self.commit(change);
                }
                self.sweep();
            }
        }
        Ok(DiskReply::Done)
    }

    /// Flips a bit of one of the files whose names start with a prefix.
    pub(crate) fn rot(&mut self, prefix: &str, file: u64, bit: u64) -> bool {
        let names = self.names.range(FileName::from(prefix)..);
        let named = names.take_while(|(name, _)| name.starts_with(prefix));
        let inodes: Vec<u32> = named.map(|(_, inode)| *inode).collect();
        let Some(at) = file.checked_rem(inodes.len() as u64) else { return false };
        self.inodes.get_mut(&inodes[at as usize]).expect("a name has an inode").rot(bit)
    }

    fn room(&self, more: u64, capacity: u64) -> Result<(), DiskError> {
        if self.used.saturating_add(more) > capacity { Err(DiskError::Full) } else { Ok(()) }
    }

    /// Changes a file's contents, creating it if need be.
    fn change(&mut self, file: &FileName, edit: impl FnOnce(&mut Content)) {
        let content = self.content_mut(file);
        let before = content.size();
        edit(content);
        let after = content.size();
        self.used = self.used - before + after;
    }

    /// A file's contents; it is created if need be.
    fn content_mut(&mut self, file: &FileName) -> &mut Content {
        let inode = match self.names.get(file) {
            Some(&inode) => inode,
            None => {
                let inode = self.next;
                self.next += 1;
                self.names.insert(file.clone(), inode);
                self.inodes.insert(inode, Content::empty());
                self.changes.push(Change::Create { name: file.clone(), inode });
                inode
            }
        };
        self.inodes.get_mut(&inode).expect("a name has an inode")
    }

    /// Makes one change of names durable.
    fn commit(&mut self, change: Change) {
        match change {
            Change::Create { name, inode } => {
                self.durable.insert(name, inode);
            }
            Change::Rename { from, to, inode } => {
                if self.durable.get(&from) == Some(&inode) {
                    self.durable.remove(&from);
                } else {
                    // an earlier rename of it was lost: it still has one name only
                    self.durable.retain(|_, other| *other != inode);
                }
                self.durable.insert(to, inode);
            }
            Change::Remove { name } => {
                self.durable.remove(&name);
            }
        }
    }

    /// Forgets contents that have no name. All names must be durable.
    fn sweep(&mut self) {
        assert!(self.changes.is_empty(), "every change of names was settled");
        if self.inodes.len() == self.names.len() {
            return;
        }
        let named: alloc::collections::BTreeSet<u32> = self.names.values().copied().collect();
        self.inodes.retain(|inode, _| named.contains(inode));
        self.used = self.inodes.values().map(Content::size).sum();
    }

    /// What is not durable is lost, but for a part drawn sector by sector and name by name.
    pub(crate) fn lose_power(&mut self, draws: Draws, drawn: &mut u64) -> Losses {
        let mut losses = Losses::default();
        for change in core::mem::take(&mut self.changes) {
            *drawn += 1;
            if draws.below(*drawn, 1, 2) == 0 {
                self.commit(change);
            } else {
                losses.names += 1;
            }
        }
        self.names = self.durable.clone();
        for content in self.inodes.values_mut() {
            losses.bytes += content.lose_power(draws, drawn);
        }
        self.sweep();
        self.used = self.inodes.values().map(Content::size).sum();
        losses
    }
}
