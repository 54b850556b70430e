//! What caused what: of each kernel event when and where it happened, and which earlier event asked
//! for it. A world keeps it if it is asked to, and runs the same either way.
//!
//! An event happens after its cause, and after whatever its process handled before: these two
//! relations make Lamport's *happened before* (Time, Clocks, and the Ordering of Events, 1978).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use crate::node::{Event, NodeId};
use crate::time::Instant;

/// One kernel event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happening {
    /// True time.
    pub time: Instant,
    /// Whose handler ran; none if no process noticed.
    pub node: Option<NodeId>,
    /// What came to the process.
    pub way: Way,
    /// The event that asked for it: whose handler sent the message, set the timer, asked the disk.
    /// Some process handled it. None if it came from outside: a boot, a fault, somebody at the
    /// console.
    pub cause: Option<u64>,
}

/// What an event brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Nothing to any process.
    Kernel,
    /// It starts.
    Start,
    /// A message of another process.
    Message,
    /// News of a connection.
    Connection,
    /// A message of its own.
    Posted,
    /// Its timer.
    Timer,
    /// Its disk's answer.
    Disk,
    /// Its child's end.
    Exit,
}

/// What has happened since it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Events that were handled before.
    before: u64,
    happenings: Vec<Happening>,
    /// Events that somebody wants to read.
    wanted: BTreeSet<u64>,
    texts: BTreeMap<u64, String>,
}

impl Past {
    pub(crate) fn since(before: u64, wanted: BTreeSet<u64>) -> Self {
        Past { before, wanted, ..Past::default() }
    }

    /// An event by its number, as in [`Stamp::event`](crate::watch::Stamp::event).
    pub fn get(&self, event: u64) -> Option<&Happening> {
        let at = event.checked_sub(self.before + 1)?;
        self.happenings.get(usize::try_from(at).ok()?)
    }

    /// All of it, in order, with the numbers.
    pub fn all(&self) -> impl Iterator<Item = (u64, &Happening)> {
        (self.before + 1..).zip(&self.happenings)
    }

    /// The contents of an event as `Debug` has them, if it was among those that somebody wanted to
    /// read and came to a process.
    pub fn text(&self, event: u64) -> Option<&str> {
        self.texts.get(&event).map(String::as_str)
    }

    /// The next event happens.
    pub(crate) fn happens(&mut self, time: Instant, cause: u64) {
        let cause = self.handled(cause);
        self.happenings.push(Happening { time, node: None, way: Way::Kernel, cause });
    }

    /// It waited for a busy lane: who asked for it is not who woke the lane.
    pub(crate) fn was_asked_by(&mut self, cause: u64) {
        let cause = self.handled(cause);
        if let Some(last) = self.happenings.last_mut() {
            last.cause = cause;
        }
    }

    /// The event itself if a process handled it, or else its cause: an arrival that found a busy
    /// lane asks for the event that the lane takes later.
    fn handled(&self, event: u64) -> Option<u64> {
        match self.get(event) {
            Some(Happening { node: None, cause, .. }) => *cause,
            Some(_) => Some(event),
            None => None,
        }
    }

    /// It comes to a process.
    pub(crate) fn reaches<M: core::fmt::Debug>(&mut self, node: NodeId, event: &Event<M>) {
        let Some(last) = self.happenings.last_mut() else { return };
        last.node = Some(node);
        last.way = match event {
            Event::Start => Way::Start,
            Event::Datagram { .. } | Event::Received { .. } => Way::Message,
            Event::Opened { .. }
            | Event::Accepted { .. }
            | Event::Writable { .. }
            | Event::Closed { .. } => Way::Connection,
            Event::Posted { .. } => Way::Posted,
            Event::Timer { .. } => Way::Timer,
            Event::Disk { .. } => Way::Disk,
            Event::Exited { .. } => Way::Exit,
        };
        let number = self.before + self.happenings.len() as u64;
        if self.wanted.contains(&number) {
            self.texts.insert(number, alloc::format!("{event:?}"));
        }
    }
}
