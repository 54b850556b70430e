//! The receiver's log as a file: what is in order and durable, and its rewriting.
//!
//! A log that has grown is rewritten without what is over, and [replaced](crate::replace): the new
//! file is read back first, for the old one is the only copy. Until that is done, what is to be
//! written waits.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use stormglass_sim::node::{DiskError, DiskOp, DiskReply, DiskTicket, FileName};
use stormglass_sim::payload::Payload;

use super::MAIN;
use super::log::{Frame, seal};
use crate::misread::{Look, Misread};
use crate::node::Cx;
use crate::replace::{Progress, Proof, Replacement};

/// The log's file; `T` is what follows when something is durable.
#[derive(Clone, Debug)]
pub(super) struct Writer<T> {
    file: FileName,
    /// The read of the log at the start; none once it is answered.
    reading: Option<DiskTicket>,
    /// What was read, and is being made durable: an earlier life may have died before its sync.
    found: Option<(DiskTicket, Payload)>,
    /// What was read, seems to be torn at its end, and is read again.
    torn: Option<Misread>,
    /// The rewriting under way cuts a torn end off: the log is read when it is done.
    cutting: bool,
    /// What to do when a sync is done.
    syncing: BTreeMap<DiskTicket, T>,
    /// What waits for the end of a rewriting.
    held: Vec<(Vec<u8>, T)>,
    rewriting: Rewriting,
    /// Frames in the log behind the last sync that was asked for.
    unsynced: u64,
    /// Bytes in the log, and those of the last rewriting.
    bytes: u64,
    rewritten: u64,
    /// The log is rewritten when it has so many bytes, and at least twice those of the last time.
    limit: u64,
}

/// How far the rewriting of the log has come.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Rewriting {
    No,
    /// As soon as nothing is on its way to the disk.
    Due,
    UnderWay(Replacement),
}

/// What a disk operation brought.
#[derive(Debug)]
pub(super) enum Done<T> {
    /// The log's contents at the start; none if there is none.
    Read(Option<Payload>),
    /// Something is durable.
    Durable(T),
    /// The log was rewritten.
    Rewritten,
    /// Nothing that concerns anybody.
    Nothing,
    /// What is durable is unknown now: only reading the log again can tell.
    Failed,
}

impl<T> Writer<T> {
    pub(super) fn new(limit: u64) -> Self {
        Writer {
            file: FileName::from("receiver/transactions.log"),
            reading: None,
            found: None,
            torn: None,
            cutting: false,
            syncing: BTreeMap::new(),
            held: Vec::new(),
            rewriting: Rewriting::No,
            unsynced: 0,
            bytes: 0,
            rewritten: 0,
            limit,
        }
    }

    /// Reads the log, and creates it if there is none.
    pub(super) fn start(&mut self, cx: &mut Cx<'_>) {
        self.reading = Some(cx.disk(MAIN, DiskOp::Read { file: self.file.clone() }));
        cx.disk(MAIN, DiskOp::Append { file: self.file.clone(), data: Payload::empty() });
        cx.disk(MAIN, DiskOp::SyncDir);
    }

    /// Whether the log has not been read yet, or what was read is not known to be durable.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.is_some() || self.found.is_some() || self.cutting
    }

    /// Whether the log is being rewritten, or is about to be.
    pub(super) fn is_rewriting(&self) -> bool {
        self.rewriting != Rewriting::No
    }

    /// Appends frames and syncs them; `then` follows.
    pub(super) fn log(&mut self, frames: Vec<u8>, then: T, cx: &mut Cx<'_>) {
        if self.is_rewriting() {
            return self.held.push((frames, then));
        }
        self.note(frames, cx);
        let ticket = cx.disk(MAIN, DiskOp::Sync { file: self.file.clone() });
        // the disk does one thing after the other: what comes now is written after that
        self.unsynced = 0;
        self.syncing.insert(ticket, then);
    }

    /// Appends frames that need not be durable.
    pub(super) fn note(&mut self, mut frames: Vec<u8>, cx: &mut Cx<'_>) {
        self.unsynced += seal(&mut frames, self.bytes, Some(self.unsynced));
        self.bytes += frames.len() as u64;
        let data = Payload::new(frames);
        cx.disk(MAIN, DiskOp::Append { file: self.file.clone(), data });
        if self.rewriting == Rewriting::No && self.bytes >= self.limit.max(2 * self.rewritten) {
            self.rewriting = Rewriting::Due;
        }
    }

    /// Whether the time has come to [`Writer::rewrite`].
    pub(super) fn wants_rewriting(&self) -> bool {
        self.rewriting == Rewriting::Due && self.syncing.is_empty()
    }

    /// Replaces the log by frames that say all that still counts.
    pub(super) fn rewrite(&mut self, frames: &[Frame], cx: &mut Cx<'_>) {
        // One more, which says nothing: the last one could not be told from a torn one.
        let end = Frame::Shown { ids: Vec::new() };
        let mut bytes = Frame::encode_all(frames);
        end.append_to(&mut bytes);
        seal(&mut bytes, 0, None);
        self.rewritten = bytes.len() as u64;
        self.replace(Payload::new(bytes), cx);
    }

    fn replace(&mut self, data: Payload, cx: &mut Cx<'_>) {
        (self.bytes, self.unsynced) = (data.bytes().len() as u64, 0);
        let (new, file) = (FileName::from("receiver/transactions.new"), self.file.clone());
        let disk = |op| cx.disk(MAIN, op);
        let new = Replacement::begin(new, file, data, Proof::ReadBack, disk);
        self.rewriting = Rewriting::UnderWay(new);
    }

    /// Whether a log whose end seems to be torn is there like that: what is misread looks torn,
    /// too. If that is not known it is read again; another reading that differs is a failure.
    pub(super) fn is_sure(&mut self, log: &Payload, cx: &mut Cx<'_>) -> bool {
        let look = Misread::look(self.torn.take(), log);
        if let Look::Again(misread) = look {
            self.torn = Some(misread);
            self.reading = Some(cx.disk(MAIN, DiskOp::Read { file: self.file.clone() }));
            return false;
        }
        look == Look::Sure
    }

    /// Cuts a torn frame off the log's end, behind which nothing would be found again; then the log
    /// is read anew.
    pub(super) fn cut(&mut self, whole: &[u8], cx: &mut Cx<'_>) {
        self.cutting = true;
        self.replace(Payload::new(whole), cx);
    }

    /// A disk operation is done.
    pub(super) fn done(
        &mut self,
        ticket: DiskTicket,
        result: Result<DiskReply, DiskError>,
        cx: &mut Cx<'_>,
    ) -> Done<T> {
        if self.reading == Some(ticket) {
            self.reading = None;
            return match result {
                Ok(DiskReply::Data(data)) if self.torn.as_ref().is_none_or(|t| t.is(&data)) => {
                    self.bytes = data.bytes().len() as u64;
                    if self.torn.is_some() {
                        return Done::Read(Some(data));
                    }
                    cx.disk(MAIN, DiskOp::Sync { file: self.file.clone() });
                    self.found = Some((cx.disk(MAIN, DiskOp::SyncDir), data));
                    Done::Nothing
                }
                Err(DiskError::NotFound) => Done::Read(None),
                _ => Done::Failed,
            };
        }
        let Ok(reply) = result else { return Done::Failed };
        if let Some((_, log)) = self.found.take_if(|(of, _)| *of == ticket) {
            return Done::Read(Some(log));
        }
        if let Rewriting::UnderWay(new) = &mut self.rewriting {
            match new.on_disk(ticket, Ok(&reply), |op| cx.disk(MAIN, op)) {
                Progress::More => {}
                Progress::Failed => return Done::Failed,
                Progress::Done => return self.replaced(cx),
            }
        }
        self.syncing.remove(&ticket).map_or(Done::Nothing, Done::Durable)
    }

    /// The log is the new file: it is read if it was cut, and what has waited is written.
    fn replaced(&mut self, cx: &mut Cx<'_>) -> Done<T> {
        self.rewriting = Rewriting::No;
        if core::mem::take(&mut self.cutting) {
            self.reading = Some(cx.disk(MAIN, DiskOp::Read { file: self.file.clone() }));
            return Done::Nothing;
        }
        for (frames, then) in core::mem::take(&mut self.held) {
            self.log(frames, then, cx);
        }
        Done::Rewritten
    }
}
