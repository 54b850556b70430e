//! What is in one file: the page cache's view and the durable one.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use crate::disk::strike::Keyed;
use crate::fault::PowerLoss;
use crate::node::DiskError;
use crate::payload::Payload;

/// What a device writes at once; a crash tears contents along its edges.
pub(crate) const SECTOR: usize = 512;
const PAGE: usize = 4096;

type Page = Arc<[u8; PAGE]>;

/// The contents of one file.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Written whole or appended to: payloads one after the other, shared with their writers.
    Log { chunks: Arc<Vec<Payload>>, durable: Durable },
    /// Written at offsets.
    Paged(Paged),
}

/// What is durable of a log.
#[derive(Clone, Debug)]
pub(crate) enum Durable {
    /// Its first chunks.
    Prefix(usize),
    /// Something else.
    Other(Arc<Vec<Payload>>),
}

/// Pages, the last one filled up with zeros.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paged {
    pages: Vec<Page>,
    len: u64,
    durable: Vec<Page>,
    durable_len: u64,
    /// Pages that differ, or may.
    dirty: BTreeSet<usize>,
}

fn join(chunks: &[Payload]) -> Payload {
    match chunks {
        [only] => only.clone(),
        _ => {
            let mut bytes = Vec::with_capacity(chunks.iter().map(|c| c.bytes().len()).sum());
            chunks.iter().for_each(|c| bytes.extend_from_slice(c.bytes()));
            Payload::weighing(bytes, weight(chunks))
        }
    }
}

fn weight(chunks: &[Payload]) -> u64 {
    chunks.iter().map(Payload::size).sum()
}

impl Content {
    /// An empty file, durably empty too.
    pub(crate) fn empty() -> Self {
        Content::Log { chunks: Arc::default(), durable: Durable::Prefix(0) }
    }

    /// Logical size in bytes.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Content::Log { chunks, .. } => weight(chunks),
            Content::Paged(paged) => paged.len,
        }
    }

    /// Length in bytes; the logical size may exceed it.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Content::Log { chunks, .. } => chunks.iter().map(|c| c.bytes().len() as u64).sum(),
            Content::Paged(paged) => paged.len,
        }
    }

    pub(crate) fn read(&self) -> Payload {
        match self {
            Content::Log { chunks, .. } => join(chunks),
            Content::Paged(paged) => Payload::new(flat(&paged.pages, paged.len)),
        }
    }

    /// What would be left if nothing that is not durable survived.
    pub(crate) fn durable(&self) -> Payload {
        match self {
            Content::Log { chunks, durable: Durable::Prefix(n) } => join(&chunks[..*n]),
            Content::Log { durable: Durable::Other(old), .. } => join(old),
            Content::Paged(paged) => Payload::new(flat(&paged.durable, paged.durable_len)),
        }
    }

    /// Whether all of it is durable as it is.
    pub(crate) fn is_clean(&self) -> bool {
        match self {
            Content::Log { chunks, durable } => match durable {
                Durable::Prefix(n) => *n == chunks.len(),
                Durable::Other(_) => false,
            },
            Content::Paged(paged) => paged.dirty.is_empty() && paged.len == paged.durable_len,
        }
    }

    /// Whether its bytes are others than the durable ones.
    pub(crate) fn differs(&self) -> bool {
        !self.is_clean() && self.read().bytes() != self.durable().bytes()
    }

    /// Replaces all of it.
    pub(crate) fn write(&mut self, data: Payload) {
        let old = match self {
            Content::Log { chunks, durable: Durable::Prefix(n) } => {
                let n = *n;
                let mut old = core::mem::take(chunks);
                if old.len() > n {
                    Arc::make_mut(&mut old).truncate(n);
                }
                old
            }
            Content::Log { durable: Durable::Other(old), .. } => old.clone(),
            Content::Paged(_) => Arc::new(vec![self.durable()]),
        };
        *self = Content::Log { chunks: Arc::new(vec![data]), durable: Durable::Other(old) };
    }

    /// Adds to its end. Gives back by how much its logical size grows.
    pub(crate) fn append(&mut self, data: Payload) -> u64 {
        match self {
            Content::Log { chunks, .. } => {
                let size = data.size();
                Arc::make_mut(chunks).push(data);
                size
            }
            Content::Paged(paged) => {
                paged.write_at(paged.len, data.bytes());
                data.bytes().len() as u64
            }
        }
    }

    /// Makes it durable as it is.
    pub(crate) fn sync(&mut self) {
        match self {
            Content::Log { chunks, durable } => *durable = Durable::Prefix(chunks.len()),
            Content::Paged(paged) => paged.sync(),
        }
    }

    /// Fills `out` from `offset`.
    pub(crate) fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), DiskError> {
        let end = offset.checked_add(out.len() as u64).ok_or(DiskError::PastEnd)?;
        if end > self.len() {
            return Err(DiskError::PastEnd);
        }
        match self {
            Content::Paged(paged) => paged.read_at(offset, out),
            Content::Log { chunks, .. } => {
                let (mut skip, mut filled) = (offset as usize, 0);
                for chunk in chunks.iter() {
                    let bytes = chunk.bytes();
                    let from = skip.min(bytes.len());
                    let n = (bytes.len() - from).min(out.len() - filled);
                    out[filled..filled + n].copy_from_slice(&bytes[from..from + n]);
                    skip -= from;
                    filled += n;
                }
            }
        }
        Ok(())
    }

    /// `len` bytes from an offset; none if it ends before.
    pub(crate) fn part(&self, offset: u64, len: u64) -> Option<Vec<u8>> {
        let mut bytes = vec![0; len as usize];
        self.read_at(offset, &mut bytes).ok().map(|()| bytes)
    }

    /// Writes at an offset; from now on the file is kept in pages.
    pub(crate) fn write_at(&mut self, offset: u64, data: &[u8]) {
        self.paged().write_at(offset, data);
    }

    /// Flips a bit, counted round over its bytes: in the page cache, and on the device too if that
    /// has the same byte there. Says whether it does; none if the file has no bit.
    pub(crate) fn rot(&mut self, bit: u64) -> Option<bool> {
        let bit = bit.checked_rem(8 * self.len())?;
        let (at, mask) = (bit / 8, 1 << (bit % 8));
        let mut live = [0];
        self.read_at(at, &mut live).expect("it is inside");
        let rotten = [live[0] ^ mask];
        Some(match self {
            Content::Log { chunks, durable: Durable::Prefix(n) } => {
                let durable: usize = chunks[..*n].iter().map(|c| c.bytes().len()).sum();
                splice(&mut Arc::make_mut(chunks)[..], at, &rotten);
                at < durable as u64
            }
            Content::Log { chunks, durable: Durable::Other(old) } => {
                splice(&mut Arc::make_mut(chunks)[..], at, &rotten);
                let durable = join(old).bytes().get(at as usize) == Some(&live[0]);
                durable && splice(&mut Arc::make_mut(old)[..], at, &rotten)
            }
            Content::Paged(paged) => {
                let (page, byte) = (at as usize / PAGE, at as usize % PAGE);
                Arc::make_mut(&mut paged.pages[page])[byte] = rotten[0];
                let durable = at < paged.durable_len && paged.durable[page][byte] == live[0];
                if durable {
                    Arc::make_mut(&mut paged.durable[page])[byte] = rotten[0];
                }
                durable
            }
        })
    }

    /// Writes over what is durable at an offset, as far as that goes, and so over the page cache
    /// where it is clean. False if nothing was changed by it.
    pub(crate) fn scribble(&mut self, offset: u64, data: &[u8]) -> bool {
        match self {
            Content::Log { chunks, durable: Durable::Prefix(n) } => {
                splice(&mut Arc::make_mut(chunks)[..*n], offset, data)
            }
            Content::Log { durable: Durable::Other(old), .. } => {
                splice(&mut Arc::make_mut(old)[..], offset, data)
            }
            Content::Paged(paged) => paged.scribble(offset, data),
        }
    }

    /// The page cache takes what is not durable for clean, and shows what the device has: old
    /// bytes, zeros where there were none. The length stays.
    pub(crate) fn forget(&mut self) {
        match self {
            Content::Log { chunks, durable: Durable::Prefix(n) } => {
                let chunks = Arc::make_mut(chunks);
                let lost = chunks.split_off(*n);
                let zeros = vec![0; lost.iter().map(|c| c.bytes().len()).sum()];
                chunks.push(Payload::weighing(zeros, weight(&lost)));
            }
            Content::Log { chunks, durable: Durable::Other(old) } => {
                let mut bytes = join(old).bytes().to_vec();
                bytes.resize(chunks.iter().map(|c| c.bytes().len()).sum(), 0);
                *chunks = Arc::new(vec![Payload::weighing(bytes, weight(chunks))]);
            }
            Content::Paged(paged) => {
                for &page in &paged.dirty {
                    if let Some(live) = paged.pages.get_mut(page) {
                        let old = paged.durable.get(page).cloned();
                        *live = old.unwrap_or_else(|| Arc::new([0; PAGE]));
                    }
                }
                let cut = paged.len as usize % PAGE;
                if let Some(last) = paged.pages.last_mut().filter(|_| cut > 0) {
                    Arc::make_mut(last)[cut..].fill(0);
                }
            }
        }
    }

    /// Bytes that are durable.
    pub(crate) fn durable_len(&self) -> u64 {
        let sum = |chunks: &[Payload]| chunks.iter().map(|c| c.bytes().len() as u64).sum();
        match self {
            Content::Log { chunks, durable: Durable::Prefix(n) } => sum(&chunks[..*n]),
            Content::Log { durable: Durable::Other(old), .. } => sum(old),
            Content::Paged(paged) => paged.durable_len,
        }
    }

    /// Cuts or extends it with zeros.
    pub(crate) fn set_len(&mut self, len: u64) {
        self.paged().set_len(len);
    }

    fn paged(&mut self) -> &mut Paged {
        if let Content::Log { .. } = self {
            let (live, durable) = (self.read(), self.durable());
            let mut paged = Paged::default();
            paged.write_at(0, durable.bytes());
            paged.sync();
            if !self.is_clean() {
                paged.set_len(0);
                paged.write_at(0, live.bytes());
            }
            *self = Content::Paged(paged);
        }
        match self {
            Content::Paged(paged) => paged,
            Content::Log { .. } => unreachable!("it was just turned into pages"),
        }
    }

    /// What a power loss leaves of it; gives back how many bytes were lost.
    ///
    /// Sector by sector the new contents survive or the old ones do (zeros where there was
    /// nothing), and so does the new length, unless it is cut to the old one.
    pub(crate) fn lose_power(&mut self, mode: PowerLoss, draws: Keyed) -> u64 {
        if self.is_clean() {
            return 0;
        }
        if mode == PowerLoss::Everything {
            self.sync();
            return 0;
        }
        let (new, old) = (self.read(), self.durable());
        let fate = Fate::new(mode, draws, new.bytes(), old.bytes());
        let mut left = old.bytes().to_vec();
        left.resize(fate.len, 0);
        let (mut lost, mut whole) = (0, fate.len == new.bytes().len());
        for sector in &fate.changed {
            let (start, end) = (sector.start, sector.end.min(fate.len));
            let bytes = &new.bytes()[sector.clone()];
            if end > start && fate.survives(start) {
                left[start..end].copy_from_slice(&bytes[..end - start]);
                let rest = fate.len.min(start + SECTOR);
                left[end..rest].fill(0);
                whole &= end == sector.end;
                lost += (sector.end - end) as u64;
                continue;
            }
            whole = false;
            lost += bytes.len() as u64;
            if end > start && fate.is_garbage(start) {
                fate.fill(start, &mut left[start..end], bytes);
            }
        }
        if whole {
            self.sync();
            return 0;
        }
        let weight = old.size().max(left.len() as u64);
        let chunks = Arc::new(vec![Payload::weighing(left, weight)]);
        *self = Content::Log { chunks, durable: Durable::Prefix(1) };
        lost
    }
}

/// What a power loss does to one file.
struct Fate {
    mode: PowerLoss,
    draws: Keyed,
    /// The sectors of the new contents that differ from the old ones.
    changed: Vec<Range<usize>>,
    /// Under [`PowerLoss::Torn`]: where the first one begins that does not survive.
    torn: usize,
    /// The length that is left.
    len: usize,
}

impl Fate {
    fn new(mode: PowerLoss, draws: Keyed, new: &[u8], old: &[u8]) -> Self {
        let sectors = (0..new.len()).step_by(SECTOR).map(|at| at..new.len().min(at + SECTOR));
        let changed: Vec<_> =
            sectors.filter(|s| old.get(s.clone()) != Some(&new[s.clone()])).collect();
        let mut fate = Fate { mode, draws, changed, torn: 0, len: old.len() };
        match mode {
            PowerLoss::Nothing => {}
            PowerLoss::Torn => {
                let survivors = draws.below(TORN, fate.changed.len() as u64 + 1) as usize;
                let next = fate.changed.get(survivors);
                fate.torn = next.map_or(new.len(), |s| s.start);
                let grown = new.len() > old.len();
                if next.is_none() || (!grown && draws.below(LENGTH, 2) == 0) {
                    fate.len = new.len();
                } else if grown {
                    fate.len = old.len().max(fate.torn);
                }
            }
            _ if draws.below(LENGTH, 2) == 0 => fate.len = new.len(),
            _ => {}
        }
        fate
    }

    fn survives(&self, sector: usize) -> bool {
        match self.mode {
            PowerLoss::Nothing => false,
            PowerLoss::Torn => sector < self.torn,
            _ => self.draws.below(SECTORS + sector as u64, 2) == 0,
        }
    }

    fn is_garbage(&self, sector: usize) -> bool {
        self.mode == PowerLoss::Garbage && self.draws.below(SECTORS + sector as u64 + 1, 2) == 0
    }

    /// Puts drawn bytes where a sector was to change, from the first such byte to the last.
    fn fill(&self, sector: usize, left: &mut [u8], new: &[u8]) {
        let differs = |at: &usize| left[*at] != new[*at];
        let (first, last) = ((0..left.len()).find(differs), (0..left.len()).rfind(differs));
        let (Some(first), Some(last)) = (first, last) else { return };
        for (at, byte) in left.iter_mut().enumerate().take(last + 1).skip(first) {
            *byte = self.draws.below(BYTES + (sector + at) as u64, 256) as u8;
        }
    }
}

/// What the draws of a power loss are about. Sectors, and bytes, are told apart by their offset.
const LENGTH: u64 = 1;
const TORN: u64 = 2;
const SECTORS: u64 = 1 << 32;
const BYTES: u64 = 1 << 33;

/// Whether a power loss, sector by sector, left what had been claimed to be durable, or what
/// replaced it since.
pub(crate) fn was_kept(left: &[u8], claimed: &[u8], new: &[u8]) -> bool {
    if left.len() < claimed.len() && left.len() != new.len() {
        return false;
    }
    let same = |at: usize, end: usize, other: &[u8]| {
        left[at..end] == other[at.min(other.len())..end.min(other.len())]
    };
    (0..left.len().min(claimed.len())).step_by(SECTOR).all(|at| {
        let end = left.len().min(claimed.len()).min(at + SECTOR);
        same(at, end, claimed) || same(at, end, new)
    })
}

/// Writes into a list of chunks at an offset, as far as they go. False if that changed nothing.
fn splice(chunks: &mut [Payload], offset: u64, data: &[u8]) -> bool {
    let (mut at, mut changed) = (0, false);
    for chunk in chunks {
        let len = chunk.bytes().len() as u64;
        let (from, to) = (offset.max(at), (offset + data.len() as u64).min(at + len));
        if from < to {
            let new = &data[(from - offset) as usize..(to - offset) as usize];
            let place = (from - at) as usize..(to - at) as usize;
            if chunk.bytes()[place.clone()] != *new {
                let mut bytes = chunk.bytes().to_vec();
                bytes[place].copy_from_slice(new);
                *chunk = Payload::weighing(bytes, chunk.size());
                changed = true;
            }
        }
        at += len;
    }
    changed
}

fn flat(pages: &[Page], len: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(pages.len() * PAGE);
    pages.iter().for_each(|p| bytes.extend_from_slice(&p[..]));
    bytes.truncate(len as usize);
    bytes
}

impl Paged {
    fn write_at(&mut self, offset: u64, data: &[u8]) {
        let end = offset + data.len() as u64;
        if end > self.len {
            self.set_len(end);
        }
        let (mut at, mut rest) = (offset as usize, data);
        while !rest.is_empty() {
            let (page, from) = (at / PAGE, at % PAGE);
            let n = rest.len().min(PAGE - from);
            Arc::make_mut(&mut self.pages[page])[from..from + n].copy_from_slice(&rest[..n]);
            self.dirty.insert(page);
            rest = &rest[n..];
            at += n;
        }
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) {
        let (mut at, mut filled) = (offset as usize, 0);
        while filled < out.len() {
            let (page, from) = (at / PAGE, at % PAGE);
            let n = (out.len() - filled).min(PAGE - from);
            out[filled..filled + n].copy_from_slice(&self.pages[page][from..from + n]);
            filled += n;
            at += n;
        }
    }

    /// See [`Content::scribble`].
    fn scribble(&mut self, offset: u64, data: &[u8]) -> bool {
        let end = self.durable_len.min(offset + data.len() as u64);
        let mut changed = false;
        for at in offset..end {
            let (page, byte) = (at as usize / PAGE, at as usize % PAGE);
            let new = data[(at - offset) as usize];
            if self.durable[page][byte] == new {
                continue;
            }
            changed = true;
            Arc::make_mut(&mut self.durable[page])[byte] = new;
            if !self.dirty.contains(&page)
                && let Some(live) = self.pages.get_mut(page)
            {
                Arc::make_mut(live)[byte] = new;
            }
        }
        changed
    }

    fn set_len(&mut self, len: u64) {
        let before = self.pages.len();
        let pages = (len as usize).div_ceil(PAGE);
        self.pages.resize_with(pages, || Arc::new([0; PAGE]));
        self.dirty.extend(before..pages);
        if len < self.len && !(len as usize).is_multiple_of(PAGE) {
            let last = pages - 1;
            Arc::make_mut(&mut self.pages[last])[len as usize % PAGE..].fill(0);
            self.dirty.insert(last);
        }
        self.len = len;
    }

    fn sync(&mut self) {
        self.durable.truncate(self.pages.len());
        for &page in &self.dirty {
            let Some(live) = self.pages.get(page) else { continue };
            if page < self.durable.len() {
                self.durable[page] = live.clone();
            } else {
                assert!(page == self.durable.len(), "new pages are dirty");
                self.durable.push(live.clone());
            }
        }
        self.dirty.clear();
        self.durable_len = self.len;
        assert!(self.durable.len() == self.pages.len(), "a synced file is whole");
    }
}
