//! What is in one file: the page cache's view and the durable one.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use crate::chance::Draws;
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

    fn is_clean(&self) -> bool {
        match self {
            Content::Log { chunks, durable } => match durable {
                Durable::Prefix(n) => *n == chunks.len(),
                Durable::Other(_) => false,
            },
            Content::Paged(paged) => paged.dirty.is_empty() && paged.len == paged.durable_len,
        }
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

    /// Writes at an offset; from now on the file is kept in pages.
    pub(crate) fn write_at(&mut self, offset: u64, data: &[u8]) {
        self.paged().write_at(offset, data);
    }

    /// Flips a bit, counted round over its bytes. False if it has none.
    pub(crate) fn rot(&mut self, bit: u64) -> bool {
        let Some(bit) = bit.checked_rem(8 * self.len()) else { return false };
        let (mut at, mask) = ((bit / 8) as usize, 1 << (bit % 8));
        match self {
            Content::Log { chunks, .. } => {
                for chunk in Arc::make_mut(chunks) {
                    let len = chunk.bytes().len();
                    if at < len {
                        let mut bytes = chunk.bytes().to_vec();
                        bytes[at] ^= mask;
                        *chunk = Payload::weighing(bytes, chunk.size());
                        break;
                    }
                    at -= len;
                }
            }
            Content::Paged(paged) => {
                let clean = !paged.dirty.contains(&(at / PAGE));
                for pages in [Some(&mut paged.pages), clean.then_some(&mut paged.durable)] {
                    if let Some(page) = pages.and_then(|pages| pages.get_mut(at / PAGE)) {
                        Arc::make_mut(page)[at % PAGE] ^= mask;
                    }
                }
            }
        }
        true
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
    pub(crate) fn lose_power(&mut self, draws: Draws, drawn: &mut u64) -> u64 {
        if self.is_clean() {
            return 0;
        }
        let (new, old) = (self.read(), self.durable());
        let mut draw = || {
            *drawn += 1;
            draws.below(*drawn, 0, 2) == 0
        };
        let keep_len = new.bytes().len() == old.bytes().len() || draw();
        let len = if keep_len { new.bytes().len() } else { old.bytes().len() };
        let mut left = old.bytes().to_vec();
        left.resize(len, 0);
        let (mut lost, mut whole) = (0, keep_len);
        for (n, sector) in new.bytes().chunks(SECTOR).enumerate() {
            let start = n * SECTOR;
            let end = start + sector.len();
            if old.bytes().get(start..end) == Some(sector) {
                continue;
            }
            if end.min(len) > start && draw() {
                let kept = end.min(len) - start;
                left[start..start + kept].copy_from_slice(&sector[..kept]);
                let rest = len.min(start + SECTOR);
                left[start + kept..rest].fill(0);
                whole &= kept == sector.len();
                lost += (sector.len() - kept) as u64;
            } else {
                whole = false;
                lost += sector.len() as u64;
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
