//! The running digest of a run, with marks along the way.

use alloc::vec::Vec;

use crate::hash::{Digest, Mixer};
use crate::node::{CloseReason, ConnId, DiskError, DiskReply, Event, Exit, Message, NodeId};

/// Marks kept at most; then every second is dropped and they are made half as often.
const MARKS: usize = 4096;
const SPACING: u64 = 4096;

/// The digest after so many kernel events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Kernel events handled before.
    pub events: u64,
    /// The digest then.
    pub digest: Digest,
}

/// Mixes everything that happens.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub(crate) mixer: Mixer,
    marks: Vec<Mark>,
    spacing: u64,
    pub(crate) next_mark: u64,
}

impl Trace {
    pub(crate) fn new(seed: u64) -> Self {
        let mut mixer = Mixer::new();
        mixer.word(seed);
        Trace { mixer, marks: Vec::new(), spacing: SPACING, next_mark: SPACING }
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest(self.mixer.finish())
    }

    pub(crate) fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Makes a mark, now that `events` have been handled.
    #[cold]
    pub(crate) fn mark(&mut self, events: u64) {
        assert!(events == self.next_mark, "marks come at their numbers");
        self.marks.push(Mark { events, digest: self.digest() });
        if self.marks.len() == MARKS {
            self.spacing *= 2;
            let spacing = self.spacing;
            self.marks.retain(|m| m.events.is_multiple_of(spacing));
        }
        self.next_mark = (events / self.spacing + 1) * self.spacing;
    }
}

fn conn_word(conn: ConnId, peer: NodeId, mixer: &mut Mixer) {
    mixer.pair(conn.0, peer.word());
}

/// A number for each kind of event. Part of every digest: never renumber.
#[inline]
pub(crate) fn kind<M>(event: &Event<M>) -> u64 {
    match event {
        Event::Start => 1,
        Event::Datagram { .. } => 2,
        Event::Opened { .. } => 3,
        Event::Accepted { .. } => 4,
        Event::Received { .. } => 5,
        Event::Writable { .. } => 6,
        Event::Closed { .. } => 7,
        Event::Posted { .. } => 8,
        Event::Timer { .. } => 9,
        Event::Disk { .. } => 10,
        Event::Exited { .. } => 11,
    }
}

/// Mixes an event's contents in.
#[inline]
pub(crate) fn contents<M: Message>(event: &Event<M>, mixer: &mut Mixer) {
    match event {
        Event::Start => {}
        Event::Datagram { from, message } => {
            mixer.word(from.word());
            message.digest(mixer);
        }
        Event::Opened { conn, peer } | Event::Accepted { conn, peer } => {
            conn_word(*conn, *peer, mixer);
        }
        Event::Received { conn, peer, message } => {
            conn_word(*conn, *peer, mixer);
            message.digest(mixer);
        }
        Event::Writable { conn } => mixer.word(conn.0),
        Event::Closed { conn, peer, reason } => {
            conn_word(*conn, *peer, mixer);
            mixer.word(match reason {
                CloseReason::Refused => 1,
                CloseReason::Closed => 2,
                CloseReason::Reset => 3,
                CloseReason::TimedOut => 4,
            });
        }
        Event::Posted { message } => message.digest(mixer),
        Event::Timer { timer, token } => mixer.pair(timer.0, *token),
        Event::Disk { ticket, result } => {
            mixer.word(ticket.0);
            disk_result(result, mixer);
        }
        Event::Exited { node, exit } => mixer.pair(
            node.word(),
            match exit {
                Exit::Finished => 1,
                Exit::Crashed => 2,
                Exit::Killed => 3,
                Exit::OutOfMemory => 4,
            },
        ),
    }
}

fn disk_result(result: &Result<DiskReply, DiskError>, mixer: &mut Mixer) {
    match result {
        Ok(DiskReply::Done) => mixer.word(1),
        Ok(DiskReply::Data(data)) => {
            mixer.word(2);
            mixer.pair(data.size(), data.fingerprint());
        }
        Ok(DiskReply::Names(names)) => {
            mixer.pair(3, names.len() as u64);
            names.iter().for_each(|n| mixer.bytes(n.as_bytes()));
        }
        Err(DiskError::NotFound) => mixer.word(4),
        Err(DiskError::Io) => mixer.word(5),
        Err(DiskError::Full) => mixer.word(6),
        Err(DiskError::PastEnd) => mixer.word(7),
    }
}
