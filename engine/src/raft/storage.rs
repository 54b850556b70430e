//! What a replica's file holds: frames, each with what was written at once.
//!
//! A frame is a head (magic number, length of the body, its place in the file, checksum) and a
//! body. The driver appends a frame, syncs the file, and only then appends the next one; what is to
//! be written meanwhile goes into the next frame together. So at most the last frame can be torn:
//! it is cut off, for nothing was promised on it. A bad frame with a good one behind it was
//! confirmed once, and is *rotten*: a replica must not go on without it, and recovery says so.
//!
//! A file that was rewritten is one frame, durable before it has the file's name: there is none
//! behind it that would tell rot from a torn write, but it cannot be torn. So the first frame of a
//! file is appended only if it fits into [`FIRST_MOST`] bytes, and in a longer file a bad first
//! frame is rotten.
//!
//! What cannot be told from a torn frame is rot in the very last one of several, and in a first one
//! that is alone and short. So no frame stays the last one: when there is nothing to be written for
//! a while, a frame of nothing is, the *seal*, and nobody waits for it.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use stormglass_sim::hash::Mixer;

use super::{Body, Durable, Entry, Index, Membership, ReplicaId, Snapshot, Term, Write};
use crate::names::{Switches, Twist};
use crate::snapshot::{Reader, put};

#[cfg(test)]
mod tests;

const MAGIC: u32 = 0x5347_5246;
/// Magic, length, place, checksum.
const HEAD: usize = 4 + 4 + 8 + 8;

/// A first frame that takes more bytes is not appended to an empty file, but becomes durable under
/// another name first.
pub const FIRST_MOST: usize = 512;

/// Writes the frames of one file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Frames {
    /// Where the next frame goes.
    at: u64,
}

/// A frame that was confirmed once cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotten {
    /// Where it begins.
    pub offset: usize,
}

impl fmt::Display for Rotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the log cannot be read at byte {}, though it was durable there", self.offset)
    }
}

impl Frames {
    /// Goes on behind so many bytes: those that [`recover`] or [`rewrite`] gave.
    #[must_use]
    pub fn after(bytes: usize) -> Self {
        Frames { at: bytes as u64 }
    }

    /// One frame of these writes, to be appended at once; of none it is a seal. The one before has
    /// to be durable.
    pub fn encode(&mut self, writes: &[Write]) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD + writes.iter().map(room).sum::<usize>());
        out.resize(HEAD, 0);
        writes.iter().for_each(|write| encode(write, &mut out));
        let len = u32::try_from(out.len() - HEAD).expect("a frame below four gigabytes");
        let sum = checksum(self.at, &out[HEAD..]);
        out[..4].copy_from_slice(&MAGIC.to_le_bytes());
        out[4..8].copy_from_slice(&len.to_le_bytes());
        out[8..16].copy_from_slice(&self.at.to_le_bytes());
        out[16..HEAD].copy_from_slice(&sum.to_le_bytes());
        self.at += out.len() as u64;
        out
    }
}

/// The place is part of the sum: a frame counts only where it was written.
fn checksum(place: u64, body: &[u8]) -> u64 {
    let mut mixer = Mixer::new();
    mixer.word(place);
    mixer.bytes(body);
    mixer.finish64()
}

/// A whole file that holds the same as a longer one: one frame. `reached` hears of a planted bug.
pub fn rewrite(durable: &Durable, switches: Switches, mut reached: impl FnMut(Twist)) -> Vec<u8> {
    let Durable { mut term, mut vote, .. } = *durable;
    let fresh = (Term(1).min(term), None);
    let bug = Twist::RaftVoteLostOnCompaction;
    if switches.reports(bug) && (term, vote) != fresh {
        reached(bug);
        (term, vote) = if switches.has(bug) { fresh } else { (term, vote) };
    }
    let mut writes = alloc::vec![Write::HardState { term, vote }];
    writes.extend(durable.snapshot.iter().map(|snapshot| Write::Snapshot(snapshot.clone())));
    if !durable.entries.is_empty() {
        writes.push(Write::Entries(durable.entries.clone()));
    }
    Frames::default().encode(&writes)
}

/// Reads a file: what it holds, and how many of its bytes are whole frames. What is behind them was
/// torn and is to be cut off.
///
/// # Errors
/// If a frame cannot be read and one behind it can, or it is a long file's first one; if one is not
/// where it was written, or if frames contradict each other.
pub fn recover(bytes: &[u8]) -> Result<(Durable, usize), Rotten> {
    let (mut durable, mut at) = (Durable::default(), 0);
    while at < bytes.len() {
        let here = frame(bytes, at).filter(|(place, ..)| *place == at as u64);
        let Some((_, body, end)) = here else {
            let more = (at..bytes.len()).any(|later| frame(bytes, later).is_some());
            let was_whole = at == 0 && bytes.len() > FIRST_MOST;
            return if more || was_whole { Err(Rotten { offset: at }) } else { Ok((durable, at)) };
        };
        let mut reader = Reader(body);
        while !reader.0.is_empty() {
            let write = decode(&mut reader).ok_or(Rotten { offset: at })?;
            redo(&mut durable, write).ok_or(Rotten { offset: at })?;
        }
        at = end;
    }
    Ok((durable, at))
}

/// The frame that begins here: the place that it was written for, its body, and its end.
fn frame(bytes: &[u8], at: usize) -> Option<(u64, &[u8], usize)> {
    let mut reader = Reader(bytes.get(at..)?);
    if reader.u32()? != MAGIC {
        return None;
    }
    let len = reader.u32()? as usize;
    let place = reader.u64()?;
    let sum = reader.u64()?;
    let body = reader.take(len)?;
    (checksum(place, body) == sum).then_some((place, body, at + HEAD + len))
}

/// Does a write again, on what the writes before it left. None if it does not fit.
fn redo(durable: &mut Durable, write: Write) -> Option<()> {
    let base = durable.snapshot.as_ref().map_or(0, |snapshot| snapshot.index.0);
    match write {
        Write::HardState { term, vote } => (durable.term, durable.vote) = (term, vote),
        Write::Entries(entries) => {
            let keep = entries.first()?.index.0.checked_sub(base + 1)?;
            let keep = usize::try_from(keep).ok().filter(|keep| *keep <= durable.entries.len())?;
            durable.entries.truncate(keep);
            durable.entries.extend(entries);
            let follows = |(number, entry): (u64, &Entry)| entry.index.0 == base + number;
            if !(1..).zip(&durable.entries).skip(keep).all(follows) {
                return None;
            }
        }
        Write::Snapshot(snapshot) => {
            let covered = usize::try_from(snapshot.index.0.checked_sub(base)?).ok()?;
            let last = covered.checked_sub(1).and_then(|at| durable.entries.get(at));
            if last.is_some_and(|entry| entry.term == snapshot.term) {
                durable.entries.drain(..covered);
            } else {
                durable.entries.clear();
            }
            durable.snapshot = Some(snapshot);
        }
    }
    Some(())
}

/// About how many bytes a write takes.
fn room(write: &Write) -> usize {
    match write {
        Write::HardState { .. } => 8,
        Write::Entries(entries) => entries.iter().map(|entry| entry.size() as usize + 8).sum(),
        Write::Snapshot(snapshot) => snapshot.data.len() + 64,
    }
}

fn encode(write: &Write, out: &mut Vec<u8>) {
    match write {
        Write::HardState { term, vote } => {
            out.push(1);
            put(out, term.0);
            out.push(vote.is_some().into());
            out.extend_from_slice(&vote.map_or(0, |id| id.0).to_le_bytes());
        }
        Write::Entries(entries) => {
            out.push(2);
            put(out, entries.len() as u32);
            entries.iter().for_each(|entry| encode_entry(entry, out));
        }
        Write::Snapshot(snapshot) => {
            out.push(3);
            out.extend_from_slice(&snapshot.index.0.to_le_bytes());
            put(out, snapshot.term.0);
            encode_membership(&snapshot.membership, out);
            put(out, snapshot.data.len() as u32);
            out.extend_from_slice(&snapshot.data);
        }
    }
}

fn decode(reader: &mut Reader<'_>) -> Option<Write> {
    match byte(reader)? {
        1 => {
            let term = Term(reader.u32()?);
            let voted = byte(reader)? == 1;
            let id = ReplicaId(reader.u16()?);
            Some(Write::HardState { term, vote: voted.then_some(id) })
        }
        2 => {
            let count = reader.u32()?;
            let entries = (0..count).map(|_| decode_entry(reader)).collect::<Option<_>>()?;
            Some(Write::Entries(entries))
        }
        3 => {
            let (index, term) = (Index(reader.u64()?), Term(reader.u32()?));
            let membership = decode_membership(reader)?;
            let len = reader.u32()? as usize;
            let data = Arc::from(reader.take(len)?);
            Some(Write::Snapshot(Arc::new(Snapshot { index, term, membership, data })))
        }
        _ => None,
    }
}

fn encode_entry(entry: &Entry, out: &mut Vec<u8>) {
    out.extend_from_slice(&entry.index.0.to_le_bytes());
    put(out, entry.term.0);
    match &entry.body {
        Body::Blank => out.push(1),
        Body::Command(bytes) => {
            out.push(2);
            put(out, bytes.len() as u32);
            out.extend_from_slice(bytes);
        }
        Body::Membership(membership) => {
            out.push(3);
            encode_membership(membership, out);
        }
    }
}

fn decode_entry(reader: &mut Reader<'_>) -> Option<Entry> {
    let (index, term) = (Index(reader.u64()?), Term(reader.u32()?));
    let body = match byte(reader)? {
        1 => Body::Blank,
        2 => {
            let len = reader.u32()? as usize;
            Body::Command(Arc::from(reader.take(len)?))
        }
        3 => Body::Membership(Arc::new(decode_membership(reader)?)),
        _ => return None,
    };
    Some(Entry { index, term, body })
}

fn encode_membership(membership: &Membership, out: &mut Vec<u8>) {
    for list in [&membership.voters, &membership.outgoing, &membership.learners] {
        out.extend_from_slice(&(list.len() as u16).to_le_bytes());
        list.iter().for_each(|id| out.extend_from_slice(&id.0.to_le_bytes()));
    }
}

fn decode_membership(reader: &mut Reader<'_>) -> Option<Membership> {
    let mut list = || -> Option<Vec<ReplicaId>> {
        let count = reader.u16()?;
        (0..count).map(|_| reader.u16().map(ReplicaId)).collect()
    };
    Some(Membership { voters: list()?, outgoing: list()?, learners: list()? })
}

fn byte(reader: &mut Reader<'_>) -> Option<u8> {
    reader.take(1).map(|bytes| bytes[0])
}
