//! What armed failures do to operations.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::chance::Draws;
use crate::disk::Outcome;
use crate::disk::content::{Content, SECTOR};
use crate::disk::files::{Action, Files};
use crate::fault::{ArmedId, DiskFailure};
use crate::hash::Mixer;
use crate::node::{DiskError, DiskOp, DiskReply, FileName};
use crate::payload::Payload;
use crate::time::Instant;

/// Draws about one thing that happens to one file at one instant: whatever else happens, they are
/// the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keyed {
    draws: Draws,
    number: u64,
}

impl Keyed {
    pub(crate) fn new(draws: Draws, at: Instant, file: &str) -> Self {
        let mut key = Mixer::new();
        key.word(at.0);
        key.bytes(file.as_bytes());
        Keyed { draws, number: key.finish64() }
    }

    /// A draw in `0..n`; `aspect` tells apart several draws about the same thing.
    pub(crate) fn below(&self, aspect: u64, n: u64) -> u64 {
        self.draws.below(self.number, aspect, n)
    }
}

/// An armed failure that an operation meets.
#[derive(Clone, Debug)]
pub(crate) struct Strike {
    pub(crate) kind: DiskFailure,
    pub(crate) prefix: FileName,
    pub(crate) id: ArmedId,
    pub(crate) draws: Keyed,
}

/// Another place that a device takes for the right one.
struct Place {
    inode: u32,
    offset: u64,
}

/// What is drawn about a strike.
const BIT: u64 = 1;
const FILE: u64 = 2;
const PLACE: u64 = 3;

impl Action {
    /// The file that it is about, if it is about one.
    pub(crate) fn file(&self) -> Option<&FileName> {
        use DiskOp::{Append, List, Read, Remove, Rename, Sync, SyncDir, Write};
        match self {
            Action::Op(Read { file } | Write { file, .. } | Append { file, .. })
            | Action::Op(Sync { file } | Remove { file } | Rename { to: file, .. })
            | Action::WriteAt { file, .. }
            | Action::SetLen { file, .. }
            | Action::Look { file, .. } => Some(file),
            Action::Op(List { prefix }) => Some(prefix),
            Action::Op(SyncDir) => None,
        }
    }

    /// Whether an armed failure may hit it.
    pub(crate) fn meets(&self, kind: DiskFailure, prefix: &str) -> bool {
        use DiskFailure::{
            CorruptReads, ForgetfulSyncs, Full, LyingSyncs, MisdirectedReads, MisdirectedWrites,
            PhantomWrites, Reads, RottenReads, Syncs, Writes,
        };
        use DiskOp::{Append, List, Read, Remove, Rename, Sync, SyncDir, Write};
        let kinds: &[DiskFailure] = match self {
            Action::Op(List { .. }) | Action::Look { bytes: 0, .. } => &[Reads],
            Action::Op(Read { .. }) | Action::Look { .. } => {
                &[Reads, CorruptReads, RottenReads, MisdirectedReads]
            }
            Action::Op(Write { .. } | Append { .. }) | Action::WriteAt { .. } => {
                &[Writes, Full, PhantomWrites, MisdirectedWrites]
            }
            Action::SetLen { .. } => &[Writes, Full],
            Action::Op(Rename { .. } | Remove { .. }) => &[Writes],
            Action::Op(Sync { .. }) => &[Syncs, LyingSyncs, ForgetfulSyncs],
            Action::Op(SyncDir) => &[Syncs, LyingSyncs],
        };
        let other = match self {
            Action::Op(Rename { from, .. }) => Some(from),
            _ => None,
        };
        let aimed = |file: Option<&FileName>| file.is_some_and(|f| f.starts_with(prefix));
        // whose names a sync of the directory is about is known when it takes place
        let aimed = matches!(self, Action::Op(SyncDir)) || aimed(self.file()) || aimed(other);
        kinds.contains(&kind) && aimed
    }
}

impl Files {
    /// Does an operation as an armed failure has it. None if that would change nothing: then
    /// nothing was done.
    pub(crate) fn struck(
        &mut self,
        action: &Action,
        strike: &Strike,
        capacity: u64,
        at: Instant,
    ) -> Option<Outcome> {
        match strike.kind {
            DiskFailure::Reads | DiskFailure::Writes => Some(Err(DiskError::Io)),
            DiskFailure::Full => Some(Err(DiskError::Full)),
            DiskFailure::Syncs => {
                let met = action.file().is_some() || self.names_changed(&strike.prefix);
                met.then_some(Err(DiskError::Io))
            }
            DiskFailure::LyingSyncs => match action.file() {
                Some(file) => self.claim(file).then_some(Ok(DiskReply::Done)),
                None => self.sync_names(&strike.prefix).then_some(Ok(DiskReply::Done)),
            },
            DiskFailure::ForgetfulSyncs => {
                let file = action.file().expect("syncs of files are about one");
                self.forget(file).then_some(Err(DiskError::Io))
            }
            DiskFailure::CorruptReads | DiskFailure::MisdirectedReads => {
                let (file, offset, len) = self.asked(action)?;
                let right = self.content(file)?.part(offset, len)?;
                let wrong = match strike.kind {
                    DiskFailure::CorruptReads => flipped(&right, strike.draws)?,
                    _ => self.part_of(&self.elsewhere(strike, file, offset, Content::len)?, len),
                };
                (wrong != right).then(|| Ok(DiskReply::Data(Payload::new(wrong))))
            }
            DiskFailure::RottenReads => {
                let (file, offset, len) = self.asked(action)?;
                let bit = 8 * offset + strike.draws.below(BIT, (8 * len).max(1));
                let file = file.clone();
                self.content(&file)?.part(offset, len)?;
                self.rot_file(&file, bit, at);
                let read = self.content(&file)?.part(offset, len)?;
                Some(Ok(DiskReply::Data(Payload::new(read))))
            }
            DiskFailure::PhantomWrites => self.misplaced(action, None, capacity, at),
            DiskFailure::MisdirectedWrites => {
                let file = action.file().expect("writes are about one");
                let place =
                    self.elsewhere(strike, file, self.start(action), Content::durable_len)?;
                self.misplaced(action, Some(place), capacity, at)
            }
        }
    }

    /// What a read asks for; none if it is empty.
    fn asked<'a>(&self, action: &'a Action) -> Option<(&'a FileName, u64, u64)> {
        match action {
            Action::Op(DiskOp::Read { file }) => {
                let len = self.content(file)?.len();
                (len > 0).then_some((file, 0, len))
            }
            Action::Look { file, offset, bytes } => Some((file, *offset, *bytes)),
            _ => unreachable!("not a read"),
        }
    }

    /// Where a write begins.
    fn start(&self, action: &Action) -> u64 {
        match action {
            Action::Op(DiskOp::Append { file, .. }) => self.content(file).map_or(0, Content::len),
            Action::WriteAt { offset, .. } => *offset,
            _ => 0,
        }
    }

    /// A place that the device takes for an offset of a file: one of the same offset or, where a
    /// file does not go that far, at the beginning of a sector.
    fn elsewhere(
        &self,
        strike: &Strike,
        file: &str,
        offset: u64,
        len: impl Fn(&Content) -> u64,
    ) -> Option<Place> {
        let sector = SECTOR as u64;
        let sectors = |name: &str, content: &Content| {
            let all = len(content).div_ceil(sector);
            if name == file { all - u64::from(offset / sector < all) } else { all }
        };
        let candidates: Vec<_> = self
            .named(&strike.prefix)
            .map(|(name, inode, content)| (name, inode, len(content), sectors(name, content)))
            .filter(|(.., sectors)| *sectors > 0)
            .collect();
        let n = candidates.len() as u64;
        let drawn = (n > 0).then(|| strike.draws.below(FILE, n))?;
        let (name, inode, len, sectors) = candidates[drawn as usize];
        if &**name != file && offset < len {
            return Some(Place { inode, offset });
        }
        let drawn = strike.draws.below(PLACE, sectors);
        let skip = u64::from(&**name == file && drawn >= offset / sector);
        Some(Place { inode, offset: (drawn + skip) * sector })
    }

    /// `len` bytes of a place, with zeros where it ends.
    fn part_of(&self, place: &Place, len: u64) -> Vec<u8> {
        let content = self.inode(place.inode);
        let there = content.len().saturating_sub(place.offset).min(len);
        let mut bytes = content.part(place.offset, there).expect("it is inside");
        bytes.resize(len as usize, 0);
        bytes
    }

    /// A write that does not take place, or elsewhere. None if there is nothing to write, or the
    /// write would have changed nothing anyway.
    fn misplaced(
        &mut self,
        action: &Action,
        elsewhere: Option<Place>,
        capacity: u64,
        at: Instant,
    ) -> Option<Outcome> {
        let (file, data) = match action {
            Action::Op(DiskOp::Write { file, data } | DiskOp::Append { file, data })
            | Action::WriteAt { file, data, .. } => (file, data),
            _ => unreachable!("not a write"),
        };
        let from = self.start(action);
        let len = data.bytes().len() as u64;
        if len == 0 {
            return None;
        }
        let strayed = elsewhere.is_some_and(|p| self.scribble(p.inode, p.offset, data.bytes(), at));
        let old = self.content(file).map_or(Vec::new(), |content| {
            let there = content.len().saturating_sub(from).min(len);
            content.part(from, there).expect("it is inside")
        });
        if old == data.bytes() && !strayed {
            return None;
        }
        let mut left = old;
        left.resize(len as usize, 0);
        let left = Payload::weighing(left, data.size());
        let outcome = self.perform(&with_data(action, left), None, capacity, at).0;
        if outcome.is_ok() {
            self.hollow(file, from, from + len);
        }
        Some(outcome)
    }
}

/// The same write of something else.
fn with_data(action: &Action, new: Payload) -> Action {
    let mut action = action.clone();
    match &mut action {
        Action::Op(DiskOp::Write { data, .. } | DiskOp::Append { data, .. })
        | Action::WriteAt { data, .. } => *data = new,
        _ => unreachable!("not a write"),
    }
    action
}

fn flipped(bytes: &[u8], draws: Keyed) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    let bits = 8 * bytes.len() as u64;
    let bit = (bits > 0).then(|| draws.below(BIT, bits))?;
    bytes[bit as usize / 8] ^= 1 << (bit % 8);
    Some(bytes)
}

/// Kept by a disk: a failure that waits for its operations.
#[derive(Clone, Debug)]
pub(crate) struct Armed {
    pub(crate) kind: DiskFailure,
    pub(crate) prefix: FileName,
    /// How many operations it still waits for.
    pub(crate) left: u32,
    /// How many have met it and are not done yet.
    pub(crate) pending: u32,
    /// Operations that leave their process from then on do not meet it.
    pub(crate) until: Instant,
    pub(crate) id: ArmedId,
}

/// What becomes of an operation.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    Fine,
    /// There is no device.
    Gone,
    Struck(Arc<Strike>),
}
