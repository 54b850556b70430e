//! The seam to replication: `propose` -> replicated -> applied.
//!
//! A proposal's outcome arrives as an event, never as a return value, so that nobody can act on a
//! decision before it is durable. For now there is one replica: an entry is replicated when it is
//! synced to this machine's disk.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use stormglass_sim::node::{DiskError, DiskOp, DiskReply, DiskTicket, FileName, Lane};
use stormglass_sim::payload::Payload;

use super::metadata::Command;
use crate::node::Cx;

const MAIN: Lane = Lane(0);

/// This replica of the metadata log.
#[derive(Clone, Debug)]
pub struct Replica {
    file: FileName,
    /// The read of the log at the start; none once it is answered.
    recovery: Option<DiskTicket>,
    /// Proposals by the sync that makes each durable, in order.
    proposed: VecDeque<(DiskTicket, Command)>,
    /// Whether this life has made the file's name durable.
    named: bool,
}

/// What a disk event meant to the replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replicated {
    /// Not for the replica, or nothing to tell.
    Nothing,
    /// The log that an earlier life left, in order. Comes once, before anything else.
    Recovered(Vec<Command>),
    /// A proposal is durable: apply it now.
    Committed(Command),
    /// The disk failed: this replica cannot know what is durable, and must stop.
    Broken,
}

impl Default for Replica {
    fn default() -> Self {
        let file = FileName::from("coordinator/metadata.log");
        Replica { file, recovery: None, proposed: VecDeque::new(), named: false }
    }
}

impl Replica {
    /// Starts reading the log.
    pub fn start(&mut self, cx: &mut Cx<'_>) {
        self.recovery = Some(cx.disk(MAIN, DiskOp::Read { file: self.file.clone() }));
    }

    /// Proposes a command; [`Replicated::Committed`] follows.
    pub fn propose(&mut self, command: Command, cx: &mut Cx<'_>) {
        assert!(self.recovery.is_none(), "nothing is proposed before the log is read");
        let mut frame = Vec::new();
        command.encode(&mut frame);
        let file = &self.file;
        cx.disk(MAIN, DiskOp::Append { file: file.clone(), data: Payload::new(frame) });
        if !self.named {
            self.named = true;
            cx.disk(MAIN, DiskOp::SyncDir);
        }
        let ticket = cx.disk(MAIN, DiskOp::Sync { file: file.clone() });
        self.proposed.push_back((ticket, command));
    }

    /// Cuts a torn frame off the log's end: behind it nothing would be found again.
    fn cut(&self, whole: &[u8], cx: &mut Cx<'_>) {
        let new = FileName::from("coordinator/metadata.new");
        cx.disk(MAIN, DiskOp::Write { file: new.clone(), data: Payload::new(whole) });
        cx.disk(MAIN, DiskOp::Sync { file: new.clone() });
        cx.disk(MAIN, DiskOp::Rename { from: new, to: self.file.clone() });
        cx.disk(MAIN, DiskOp::SyncDir);
    }

    /// Takes a disk event.
    pub fn on_disk(
        &mut self,
        ticket: DiskTicket,
        result: Result<DiskReply, DiskError>,
        cx: &mut Cx<'_>,
    ) -> Replicated {
        if self.recovery == Some(ticket) {
            self.recovery = None;
            return match result {
                Ok(DiskReply::Data(log)) => {
                    let (commands, whole) = Command::decode_log(log.bytes());
                    if whole < log.bytes().len() {
                        self.cut(&log.bytes()[..whole], cx);
                    }
                    Replicated::Recovered(commands)
                }
                Err(DiskError::NotFound) => Replicated::Recovered(Vec::new()),
                _ => Replicated::Broken,
            };
        }
        if result.is_err() {
            return Replicated::Broken;
        }
        match self.proposed.front() {
            Some((first, _)) if *first == ticket => {
                let (_, command) = self.proposed.pop_front().expect("just seen");
                Replicated::Committed(command)
            }
            _ => Replicated::Nothing,
        }
    }
}
