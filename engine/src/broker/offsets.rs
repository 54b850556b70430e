//! The positions of readers: for each component and partition, the record below which nothing will
//! be asked for again.
//!
//! They lie in one small file, which is [replaced](crate::replace) as a whole. A position counts as
//! kept when that is done. Positions never fall: what is below one was done for good, whoever said
//! so.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::hash::fingerprint;
use stormglass_sim::node::{ConnId, DiskError, DiskOp, DiskReply, DiskTicket, FileName, Lane};
use stormglass_sim::payload::Payload;

use crate::ids::{ComponentId, Partition, Root};
use crate::message::{Message, acking};
use crate::node::Cx;
use crate::observation::Observation;
use crate::observation::acking::Acking;
use crate::replace::{Progress, Proof, Replacement};
use crate::replies::Replies;
use crate::snapshot::Reader;

const MAIN: Lane = Lane(0);

type Positions = BTreeMap<(ComponentId, Partition), u64>;
type Asked = Arc<acking::Offsets>;

/// They, as far as they are durable.
#[derive(Clone, Debug, Default)]
pub(super) struct Offsets {
    kept: Positions,
    /// The read of the file at the start; none once it is answered.
    reading: Option<DiskTicket>,
    /// What was read, and whose name is being made durable.
    found: Option<(DiskTicket, Positions)>,
    writing: Option<Writing>,
    /// What came meanwhile.
    waiting: Vec<(ConnId, Asked)>,
}

/// A file that is being written.
#[derive(Clone, Debug)]
struct Writing {
    file: Replacement,
    positions: Positions,
    /// Who waits for it.
    asked: Vec<(ConnId, Asked)>,
}

/// What is durable is unknown: only reading the file again can tell.
#[derive(Debug)]
pub(super) struct Unknown;

impl Offsets {
    /// Reads the file.
    pub(super) fn start(&mut self, cx: &mut Cx<'_>) {
        self.reading = Some(cx.disk(MAIN, DiskOp::Read { file: file() }));
    }

    /// Whether the file has been read, and what was read is durable.
    pub(super) fn is_ready(&self) -> bool {
        self.reading.is_none() && self.found.is_none()
    }

    /// A source asks for its positions, or has some kept.
    pub(super) fn asked(
        &mut self,
        asked: Asked,
        conn: ConnId,
        replies: &mut Replies,
        cx: &mut Cx<'_>,
    ) {
        if asked.commit {
            self.waiting.push((conn, asked));
            self.write(cx);
        } else {
            self.answer(&asked, conn, replies, cx);
        }
    }

    fn answer(&self, asked: &Asked, conn: ConnId, replies: &mut Replies, cx: &mut Cx<'_>) {
        let acking::Offsets { task, generation, component, commit, lane, .. } = **asked;
        let of_it = self.kept.iter().filter(|((reader, _), _)| *reader == component);
        // Who has positions kept hears of those alone.
        let mine = of_it.map(|((_, partition), offset)| (*partition, *offset)).filter(|(p, _)| {
            !commit || asked.positions.iter().any(|(partition, _)| partition == p)
        });
        let positions = mine.collect();
        let answer = acking::Offsets { task, generation, component, positions, commit, lane };
        replies.write(conn, Message::Offsets(Arc::new(answer)), cx);
    }

    /// Writes a new file if something waits for it, one at a time.
    fn write(&mut self, cx: &mut Cx<'_>) {
        if self.writing.is_some() || self.waiting.is_empty() {
            return;
        }
        let asked = core::mem::take(&mut self.waiting);
        let mut new = self.kept.clone();
        for (_, asked) in &asked {
            for (partition, offset) in &asked.positions {
                let position = new.entry((asked.component, *partition)).or_default();
                *position = (*position).max(*offset);
            }
        }
        let (fresh, data) = (FileName::from("broker/offsets.new"), encode(&new));
        let disk = |op| cx.disk(MAIN, op);
        let file = Replacement::begin(fresh, file(), data, Proof::Synced, disk);
        self.writing = Some(Writing { file, positions: new, asked });
    }

    /// A disk operation is done.
    ///
    /// # Errors
    /// If it failed: the process must start again.
    pub(super) fn on_disk(
        &mut self,
        ticket: DiskTicket,
        result: Result<&DiskReply, &DiskError>,
        replies: &mut Replies,
        cx: &mut Cx<'_>,
    ) -> Result<(), Unknown> {
        if self.reading.take_if(|of| *of == ticket).is_some() {
            match result {
                Ok(DiskReply::Data(data)) => {
                    let found = decode(data.bytes()).ok_or(Unknown)?;
                    // An earlier life may have died before the file's name was durable.
                    self.found = Some((cx.disk(MAIN, DiskOp::SyncDir), found));
                }
                Err(DiskError::NotFound) => {}
                _ => return Err(Unknown),
            }
            return Ok(());
        }
        if result.is_err() {
            return Err(Unknown);
        }
        if let Some((_, found)) = self.found.take_if(|(of, _)| *of == ticket) {
            self.keep(found, cx);
        }
        let Some(mut writing) = self.writing.take() else { return Ok(()) };
        match writing.file.on_disk(ticket, result, |op| cx.disk(MAIN, op)) {
            Progress::More => self.writing = Some(writing),
            Progress::Failed => return Err(Unknown),
            Progress::Done => {
                let Writing { positions, asked, .. } = writing;
                self.keep(positions, cx);
                asked.iter().for_each(|(conn, asked)| self.answer(asked, *conn, replies, cx));
                self.write(cx);
            }
        }
        Ok(())
    }

    /// These are durable from now on. A life tells of all that it found: the one before may have
    /// died between the sync and its word.
    fn keep(&mut self, new: Positions, cx: &mut Cx<'_>) {
        for ((component, partition), offset) in &new {
            if self.kept.get(&(*component, *partition)) != Some(offset) {
                let (component, next) = (*component, Root::new(*partition, *offset));
                cx.observe(Observation::Acking(Acking::Kept { component, next }));
            }
        }
        self.kept = new;
    }
}

fn file() -> FileName {
    FileName::from("broker/offsets")
}

/// A checksum, then component, partition and offset of each position.
fn encode(positions: &Positions) -> Payload {
    let mut out = Vec::from([0; 8]);
    for ((component, partition), offset) in positions {
        out.extend_from_slice(&component.0.to_le_bytes());
        out.extend_from_slice(&partition.0.to_le_bytes());
        out.extend_from_slice(&offset.to_le_bytes());
    }
    let sum = fingerprint(&out[8..]);
    out[..8].copy_from_slice(&sum.to_le_bytes());
    Payload::new(out)
}

fn decode(bytes: &[u8]) -> Option<Positions> {
    let (sum, body) = bytes.split_first_chunk::<8>()?;
    if fingerprint(body) != u64::from_le_bytes(*sum) {
        return None;
    }
    let mut reader = Reader(body);
    let mut positions = Positions::new();
    while !reader.0.is_empty() {
        let key = (ComponentId(reader.u16()?), Partition(reader.u16()?));
        positions.insert(key, reader.u64()?);
    }
    Some(positions)
}

#[cfg(test)]
mod tests;
