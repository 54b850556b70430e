//! The log-and-snapshot store: a file of frames on the local disk, for one attempt of one task.
//!
//! The first frame holds the state with which the file began; each later one holds the changes of
//! one executed batch, or marks the cut of a checkpoint. A frame is a head (magic number, length of
//! the body, its place in the file, checksum) and a body, all integers little-endian. Frames are
//! appended and nobody waits for them: the place is part of the checksum, so that a frame that the
//! disk has lost or torn ends the log there, however many good ones follow.
//!
//! A checkpoint can be restored from a log that marks its cut: the state is what the frames up to
//! the mark make. What is behind the mark never happened. When the changes outweigh the state, a
//! new file takes the place of the log: written beside it, synced, and renamed.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use stormglass_sim::hash::{Mixer, fingerprint};
use stormglass_sim::payload::Payload;

use super::{Change, Entry, Mark};
use crate::snapshot::{Reader, put};

#[cfg(test)]
mod tests;

const MAGIC: u32 = 0x5347_574c;
/// Magic, length, place, checksum.
const HEAD: usize = 4 + 4 + 8 + 8;

/// What a frame holds.
const BASE: u8 = 0;
const CHANGES: u8 = 1;
const MARK: u8 = 2;

/// A checkpoint's cut, and what else belongs to it.
pub type Cut<'a> = (Mark, &'a [u8]);

/// What a cut's state was, and what else belonged to it.
pub type Found = (Vec<Entry>, Vec<u8>);

/// Writes the frames of one file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Log {
    /// The fingerprint of the file's name.
    file: u64,
    /// Where the next frame goes, in bytes.
    at: u64,
    /// Logical bytes of the first frame, and of those behind it.
    base: u64,
    changed: u64,
}

impl Log {
    /// Begins a file of this name with the state of a cut, or that a task starts with if there is
    /// none. It weighs `state` logical bytes. Gives the file's first contents.
    pub fn begin(
        file: &str,
        cut: Option<Cut<'_>>,
        entries: &[Entry],
        state: u64,
    ) -> (Self, Payload) {
        let file = fingerprint(file.as_bytes());
        let mut log = Log { file, at: 0, base: 0, changed: 0 };
        let body = |out: &mut Vec<u8>| {
            out.push(BASE);
            put(out, cut.is_some().into());
            encode(cut.unwrap_or_default(), out);
            put(out, entries.len() as u32);
            for (key, value) in entries {
                bytes(out, key);
                bytes(out, value);
            }
        };
        let frame = log.frame(body, state);
        log.base = frame.size();
        (log, frame)
    }

    /// The frame of what a batch changed, which weighs `changed` logical bytes, to be appended.
    pub fn changes(&mut self, changes: &[Change], changed: u64) -> Payload {
        let body = |out: &mut Vec<u8>| {
            out.push(CHANGES);
            put(out, changes.len() as u32);
            for change in changes {
                bytes(out, &change.key);
                put(out, change.value.is_some().into());
                bytes(out, change.value.as_deref().unwrap_or_default());
            }
        };
        let frame = self.frame(body, changed);
        self.changed += frame.size();
        frame
    }

    /// The frame of a checkpoint's cut, to be appended.
    pub fn mark(&mut self, cut: Cut<'_>) -> Payload {
        let body = |out: &mut Vec<u8>| {
            out.push(MARK);
            encode(cut, out);
        };
        self.frame(body, 0)
    }

    /// Whether it is time to begin anew: the changes outweigh what the file began with, and are
    /// more than a few.
    pub fn is_long(&self) -> bool {
        const FEW: u64 = 64 * 1024;
        self.changed > self.base.max(FEW)
    }

    /// A frame; it weighs its bytes or `weight`, whichever is more.
    fn frame(&mut self, body: impl FnOnce(&mut Vec<u8>), weight: u64) -> Payload {
        let mut out = alloc::vec![0; HEAD];
        body(&mut out);
        let len = u32::try_from(out.len() - HEAD).expect("a frame below four gigabytes");
        let sum = checksum(self.file, self.at, &out[HEAD..]);
        out[..4].copy_from_slice(&MAGIC.to_le_bytes());
        out[4..8].copy_from_slice(&len.to_le_bytes());
        out[8..16].copy_from_slice(&self.at.to_le_bytes());
        out[16..HEAD].copy_from_slice(&sum.to_le_bytes());
        self.at += out.len() as u64;
        let weight = weight.max(out.len() as u64);
        Payload::weighing(out, weight)
    }
}

/// Which state a log is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// That of a checkpoint's cut.
    At(Mark),
    /// Whatever its last good frame left: nothing that any checkpoint holds.
    Newest,
}

/// Reads the state in a file of this name from its contents, in the order of the keys' bytes, and
/// what the last mark before that holds. None if it never was what is wanted.
pub fn recover(file: &str, contents: &[u8], wanted: Wanted) -> Option<Found> {
    let file = fingerprint(file.as_bytes());
    let (mut at, mut state, mut rest) = (0, BTreeMap::new(), Vec::new());
    while let Some((body, end)) = frame(file, contents, at) {
        if let Some((mark, with)) = redo(&mut state, body, at == 0)? {
            rest = with;
            if wanted == Wanted::At(mark) {
                return Some((state.into_iter().collect(), rest));
            }
        }
        at = end;
    }
    (wanted == Wanted::Newest && at > 0).then(|| (state.into_iter().collect(), rest))
}

/// File and place are part of the sum: a frame counts only where it was written.
fn checksum(file: u64, place: u64, body: &[u8]) -> u64 {
    let mut mixer = Mixer::new();
    mixer.pair(file, place);
    mixer.bytes(body);
    mixer.finish64()
}

/// The body of the frame that was written for this place, and its end.
fn frame(file: u64, bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let mut reader = Reader(bytes.get(at..)?);
    let (magic, len) = (reader.u32()?, reader.u32()? as usize);
    let (place, sum) = (reader.u64()?, reader.u64()?);
    let body = reader.take(len)?;
    let sound = magic == MAGIC && place == at as u64 && checksum(file, place, body) == sum;
    sound.then_some((body, at + HEAD + len))
}

/// Does again what a frame holds; gives the cut in it. None if it does not fit here.
fn redo(
    state: &mut BTreeMap<Vec<u8>, Vec<u8>>,
    body: &[u8],
    first: bool,
) -> Option<Option<(Mark, Vec<u8>)>> {
    let (&kind, rest) = body.split_first()?;
    let mut reader = Reader(rest);
    match kind {
        BASE if first => {
            let marked = reader.u32()? != 0;
            let cut = decode(&mut reader)?;
            for _ in 0..reader.u32()? {
                state.insert(take(&mut reader)?, take(&mut reader)?);
            }
            Some(marked.then_some(cut))
        }
        CHANGES if !first => {
            for _ in 0..reader.u32()? {
                let key = take(&mut reader)?;
                let (kept, value) = (reader.u32()? != 0, take(&mut reader)?);
                if kept {
                    state.insert(key, value)
                } else {
                    state.remove(&key)
                };
            }
            Some(None)
        }
        MARK if !first => Some(Some(decode(&mut reader)?)),
        _ => None,
    }
}

fn encode((mark, rest): Cut<'_>, out: &mut Vec<u8>) {
    mark.encode(out);
    bytes(out, rest);
}

fn decode(reader: &mut Reader<'_>) -> Option<(Mark, Vec<u8>)> {
    Some((Mark::decode(reader)?, take(reader)?))
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u32);
    out.extend_from_slice(bytes);
}

fn take(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    let len = reader.u32()? as usize;
    reader.take(len).map(<[u8]>::to_vec)
}
