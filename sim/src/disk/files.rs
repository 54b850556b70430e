//! Files and names: what is in the page cache, and what a power loss would leave.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::chance::Draws;
use crate::disk::Outcome;
use crate::disk::books::Books;
use crate::disk::content::{Content, was_kept};
use crate::disk::strike::{Keyed, Strike};
use crate::fault::{Damage, DamageKind, PowerLoss};
use crate::node::{DiskError, DiskOp, DiskReply, FileName};
use crate::payload::Payload;
use crate::time::Instant;

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
    /// A read of the blocking view: of so many bytes of a file or, without one, of its length.
    Look {
        file: FileName,
        offset: u64,
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
            Action::Look { bytes, .. } => *bytes,
            Action::Op(_) | Action::SetLen { .. } => 0,
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

impl Change {
    /// The name that is there because of it, or is not.
    fn name(&self) -> &FileName {
        match self {
            Change::Create { name, .. } | Change::Remove { name } => name,
            Change::Rename { to, .. } => to,
        }
    }

    /// Whether it is about a file whose name starts or started with this.
    fn concerns(&self, prefix: &str) -> bool {
        let from = match self {
            Change::Rename { from, .. } => Some(from),
            _ => None,
        };
        self.name().starts_with(prefix) || from.is_some_and(|f| f.starts_with(prefix))
    }
}

/// What a power loss took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    pub(crate) bytes: u64,
    pub(crate) names: u64,
    /// Whether there was anything that was not synced.
    pub(crate) met_something: bool,
}

/// All files of one disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    inodes: BTreeMap<u32, Content>,
    names: BTreeMap<FileName, u32>,
    durable: BTreeMap<FileName, u32>,
    /// Each with whether a lying sync has claimed it.
    changes: Vec<(Change, bool)>,
    next: u32,
    /// Logical bytes of all inodes.
    used: u64,
    books: Books,
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

    /// Does what is asked, or what an armed failure makes of it; says whether that struck.
    pub(crate) fn perform(
        &mut self,
        action: &Action,
        strike: Option<&Strike>,
        capacity: u64,
        at: Instant,
    ) -> (Outcome, bool) {
        match strike.and_then(|strike| self.struck(action, strike, capacity, at)) {
            Some(outcome) => (outcome, true),
            None => (self.done(action, capacity, at), false),
        }
    }

    fn done(&mut self, action: &Action, capacity: u64, at: Instant) -> Outcome {
        match action {
            Action::Op(op) => self.operate(op, capacity, at),
            Action::WriteAt { file, offset, data } => {
                let end = offset.saturating_add(data.bytes().len() as u64);
                let size = self.content(file).map_or(0, Content::size);
                self.room(end.saturating_sub(size), capacity)?;
                let inode = self.change(file, |c| c.write_at(*offset, data.bytes()));
                self.books.written(inode, *offset, end);
                Ok(DiskReply::Done)
            }
            Action::SetLen { file, len } => {
                let size = self.content(file).map_or(0, Content::size);
                self.room(len.saturating_sub(size), capacity)?;
                let inode = self.change(file, |c| c.set_len(*len));
                self.books.written(inode, *len, u64::MAX);
                Ok(DiskReply::Done)
            }
            Action::Look { .. } => Ok(DiskReply::Done),
        }
    }

    fn operate(&mut self, op: &DiskOp, capacity: u64, at: Instant) -> Outcome {
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
                let inode = self.change(file, |c| c.write(data.clone()));
                self.books.written(inode, 0, u64::MAX);
            }
            DiskOp::Append { file, data } => {
                self.room(data.size(), capacity)?;
                // Not through `change`: a log's size is the sum over all that was ever appended.
                self.used += self.open(file).1.append(data.clone());
            }
            DiskOp::Sync { file } => {
                let inode = *self.names.get(file).ok_or(DiskError::NotFound)?;
                self.inodes.get_mut(&inode).expect("a name has an inode").sync();
                if !self.books.synced(inode) {
                    self.books.damaged(inode, file, DamageKind::NeverWritten, at);
                }
            }
            DiskOp::Rename { from, to } => {
                let inode = self.names.remove(from).ok_or(DiskError::NotFound)?;
                self.names.insert(to.clone(), inode);
                self.books.renamed(inode, to);
                let change = Change::Rename { from: from.clone(), to: to.clone(), inode };
                self.changes.push((change, false));
            }
            DiskOp::Remove { file } => {
                self.names.remove(file).ok_or(DiskError::NotFound)?;
                self.changes.push((Change::Remove { name: file.clone() }, false));
            }
            DiskOp::SyncDir => {
                for (change, _) in core::mem::take(&mut self.changes) {
                    self.commit(change);
                }
                self.sweep();
            }
        }
        Ok(DiskReply::Done)
    }

    /// The files whose names start with a prefix, in order.
    pub(crate) fn named(&self, prefix: &str) -> impl Iterator<Item = (&FileName, u32, &Content)> {
        let names = self.names.range(FileName::from(prefix)..);
        let named = names.take_while(move |(name, _)| name.starts_with(prefix));
        named.map(|(name, inode)| (name, *inode, self.inode(*inode)))
    }

    pub(crate) fn inode(&self, inode: u32) -> &Content {
        self.inodes.get(&inode).expect("a name has an inode")
    }

    /// Flips a bit of one of the files whose names start with a prefix.
    pub(crate) fn rot(&mut self, prefix: &str, file: u64, bit: u64, at: Instant) -> bool {
        let names: Vec<FileName> = self.named(prefix).map(|file| file.0.clone()).collect();
        let Some(number) = file.checked_rem(names.len() as u64) else { return false };
        self.rot_file(&names[number as usize], bit, at)
    }

    /// Flips a bit of a file. False if there is none.
    pub(crate) fn rot_file(&mut self, file: &FileName, bit: u64, at: Instant) -> bool {
        let inode = *self.names.get(file).expect("it was just found");
        let content = self.inodes.get_mut(&inode).expect("a name has an inode");
        let Some(durable) = content.rot(bit) else { return false };
        if durable {
            self.damaged(inode, DamageKind::Rotted, at);
        }
        true
    }

    /// Writes over what is durable of a file. False if that changed nothing.
    pub(crate) fn scribble(&mut self, inode: u32, offset: u64, data: &[u8], at: Instant) -> bool {
        let content = self.inodes.get_mut(&inode).expect("a place is in a file");
        let changed = content.scribble(offset, data);
        if changed {
            self.damaged(inode, DamageKind::Overwritten, at);
        }
        changed
    }

    /// Enters a damage to durable contents, if they have a durable name too.
    fn damaged(&mut self, inode: u32, kind: DamageKind, at: Instant) {
        let has_name = |(name, other): (&FileName, &u32)| (*other == inode).then(|| name.clone());
        if self.durable.iter().any(|n| *n.1 == inode)
            && let Some(name) = self.names.iter().chain(&self.durable).find_map(has_name)
        {
            self.books.damaged(inode, &name, kind, at);
        }
    }

    /// A part of a file is not what it should be, and nobody was told.
    pub(crate) fn hollow(&mut self, file: &str, from: u64, to: u64) {
        let inode = *self.names.get(file).expect("it was just written");
        self.books.hollow(inode, from, to);
    }

    /// A sync lies about a file. False if it tells the truth.
    pub(crate) fn claim(&mut self, file: &str) -> bool {
        let Some(&inode) = self.names.get(file) else { return false };
        let content = self.inode(inode);
        let lies = content.differs();
        if lies {
            let content = content.clone();
            self.books.claim(inode, content);
        }
        lies
    }

    /// A sync of the directory lies about the names that start with a prefix, and does the others.
    /// False, and nothing is done, if there is no such change.
    pub(crate) fn sync_names(&mut self, but: &str) -> bool {
        if !self.names_changed(but) {
            return false;
        }
        for (change, _) in core::mem::take(&mut self.changes) {
            if change.concerns(but) {
                self.changes.push((change, true));
            } else {
                self.commit(change);
            }
        }
        true
    }

    /// Whether a name that starts with a prefix has changed since the directory was synced.
    pub(crate) fn names_changed(&self, prefix: &str) -> bool {
        self.changes.iter().any(|(change, _)| change.concerns(prefix))
    }

    /// A failing sync drops what it should have made durable. False if there is nothing.
    pub(crate) fn forget(&mut self, file: &FileName) -> bool {
        let Some(&inode) = self.names.get(file) else { return false };
        if !self.inode(inode).differs() {
            return false;
        }
        let before = self.inode(inode).read();
        self.change(file, Content::forget);
        let after = self.inode(inode).read();
        let differs = |at: &usize| before.bytes()[*at] != after.bytes()[*at];
        let mut all = 0..after.bytes().len();
        if let Some(first) = all.find(differs) {
            let last = all.rfind(differs).unwrap_or(first);
            self.books.hollow(inode, first as u64, last as u64 + 1);
        }
        true
    }

    /// Nothing is left but the books.
    pub(crate) fn wiped(&self, at: Instant) -> Files {
        let mut books = self.books.closed();
        for (name, &inode) in &self.durable {
            if self.inode(inode).durable_len() > 0 {
                books.damaged(inode, name, DamageKind::Wiped, at);
            }
        }
        // inodes are never reused: the books name them
        Files { books, next: self.next, ..Files::default() }
    }

    pub(crate) fn damage(&self) -> Vec<Damage> {
        self.books.damage()
    }

    fn room(&self, more: u64, capacity: u64) -> Result<(), DiskError> {
        if self.used.saturating_add(more) > capacity { Err(DiskError::Full) } else { Ok(()) }
    }

    /// Changes a file's contents, creating it if need be.
    fn change(&mut self, file: &FileName, edit: impl FnOnce(&mut Content)) -> u32 {
        let (inode, content) = self.open(file);
        let before = content.size();
        edit(content);
        let after = content.size();
        self.used = self.used - before + after;
        inode
    }

    /// A file's contents; it is created if need be.
    fn open(&mut self, file: &FileName) -> (u32, &mut Content) {
        let inode = match self.names.get(file) {
            Some(&inode) => inode,
            None => {
                let inode = self.next;
                self.next += 1;
                self.names.insert(file.clone(), inode);
                self.inodes.insert(inode, Content::empty());
                self.changes.push((Change::Create { name: file.clone(), inode }, false));
                inode
            }
        };
        (inode, self.inodes.get_mut(&inode).expect("a name has an inode"))
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
    pub(crate) fn lose_power(&mut self, mode: PowerLoss, draws: Draws, at: Instant) -> Losses {
        let changes = core::mem::take(&mut self.changes);
        let dirty = |content: &Content| !content.is_clean();
        let met_something = !changes.is_empty() || self.inodes.values().any(dirty);
        let mut losses = Losses { met_something, ..Losses::default() };
        let (keys, nameless) = (self.keys(draws, at), Keyed::new(draws, at, ""));
        let claims = self.books.power_lost();
        self.lose_names(changes, mode, nameless, &mut losses, at);
        self.names = self.durable.clone();
        for (inode, content) in &mut self.inodes {
            if content.is_clean() {
                continue;
            }
            let claim = claims.iter().find(|claim| claim.0 == *inode);
            let key = keys.get(inode).copied().unwrap_or(nameless);
            let before = claim.map(|_| content.read());
            losses.bytes += content.lose_power(mode, key);
            if let (Some((_, claimed)), Some(new)) = (claim, before)
                && !was_kept(content.read().bytes(), claimed.read().bytes(), new.bytes())
                && let Some((name, _)) = self.names.iter().find(|n| n.1 == inode)
            {
                self.books.damaged(*inode, name, DamageKind::NeverSynced, at);
            }
        }
        self.sweep();
        self.used = self.inodes.values().map(Content::size).sum();
        losses
    }

    /// Draws for what becomes of each file that is not synced, by its name.
    fn keys(&self, draws: Draws, at: Instant) -> BTreeMap<u32, Keyed> {
        let mut keys = BTreeMap::new();
        for (name, inode) in self.durable.iter().chain(&self.names) {
            if !self.inode(*inode).is_clean() {
                keys.insert(*inode, Keyed::new(draws, at, name));
            }
        }
        keys
    }

    fn lose_names(
        &mut self,
        changes: Vec<(Change, bool)>,
        mode: PowerLoss,
        draws: Keyed,
        losses: &mut Losses,
        at: Instant,
    ) {
        let kept = match mode {
            PowerLoss::Torn => draws.below(0, changes.len() as u64 + 1),
            _ => 0,
        };
        for (n, (change, claimed)) in changes.into_iter().enumerate() {
            let survives = match mode {
                PowerLoss::Nothing => false,
                PowerLoss::Everything => true,
                PowerLoss::Torn => (n as u64) < kept,
                PowerLoss::Scattered | PowerLoss::Garbage => draws.below(1 + n as u64, 2) == 0,
            };
            if survives {
                self.commit(change);
                continue;
            }
            losses.names += 1;
            if let Change::Create { name, inode } | Change::Rename { to: name, inode, .. } = change
                && claimed
            {
                self.books.damaged(inode, &name, DamageKind::NeverSynced, at);
            }
        }
    }
}
