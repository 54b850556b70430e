//! What a leader knows of one other replica, and how it feeds it.
//!
//! A follower is *probed* until the place is known where the logs agree: one message at a time.
//! Then it is *replicated* to: messages follow each other without waiting (10.2.1), as many as fit
//! into the window. If it is behind the leader's snapshot, it gets that first.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::time::Instant;

use super::{Index, Output, Snapshot, bug};
use crate::names::{Switches, Twist};

#[cfg(test)]
mod tests;

#[derive(Clone, Debug)]
pub(super) struct Progress {
    /// Its log is durable and equal to the leader's up to here.
    pub(super) matched: Index,
    /// What it is sent next. Invariant: `matched < next`.
    pub(super) next: Index,
    pub(super) state: State,
    /// When it was last heard in this term.
    pub(super) heard: Instant,
    /// The latest round that it has answered.
    pub(super) round: u64,
    /// It was asked, and nothing got further since.
    pub(super) idle: bool,
    /// The last round that had begun when it was last sent entries or a part of a snapshot.
    pub(super) sent_in: u64,
    /// When it was last asked about what it had not answered.
    pub(super) asked_at: Instant,
    /// The commit index that it was last told.
    pub(super) told: Index,
    window: Window,
}

#[derive(Clone, Debug)]
pub(super) enum State {
    /// One message at a time; `waiting` for the answer to one.
    Probe { waiting: bool },
    /// Messages follow each other.
    Replicate,
    /// It is sent a snapshot.
    Snapshot(Transmission),
}

/// A snapshot on its way.
#[derive(Clone, Debug)]
pub(super) struct Transmission {
    pub(super) snapshot: Arc<Snapshot>,
    /// Bytes that have arrived.
    pub(super) acked: usize,
    /// Bytes that were sent. Invariant: `acked <= sent`.
    pub(super) sent: usize,
    /// A part was sent since the start or the last rewinding: what counts if there are no bytes.
    pub(super) asked: bool,
}

impl Transmission {
    /// Whether one part more may be under way; one always may.
    pub(super) fn fits(&self, part: usize, window: usize) -> bool {
        self.sent == self.acked || self.sent - self.acked + part <= window
    }
    /// Sends again what was not acknowledged; if all was, the last part, so that the end of it is.
    pub(super) fn rewind(&mut self, part: usize) {
        if self.acked == self.snapshot.data.len() {
            self.acked = self.acked.saturating_sub(part);
        }
        self.sent = self.acked;
        self.asked = false;
    }
}

/// The messages with entries that are under way to a follower.
#[derive(Clone, Debug, Default)]
struct Window {
    /// The last index in each, and its bytes.
    messages: VecDeque<(Index, u64)>,
    /// Invariant: their sum.
    bytes: u64,
}

impl Progress {
    pub(super) fn new(next: Index, now: Instant) -> Self {
        let state = State::Probe { waiting: false };
        let window = Window::default();
        let (matched, told) = (Index(0), Index(0));
        Progress {
            matched,
            next,
            state,
            heard: now,
            round: 0,
            idle: false,
            sent_in: 0,
            asked_at: Instant::ZERO,
            told,
            window,
        }
    }
    /// Whether nothing more may be sent before something is acknowledged.
    pub(super) fn is_full(&self, limit: u32) -> bool {
        self.window.bytes >= limit.into()
    }
    pub(super) fn is_waiting(&self) -> bool {
        !self.window.messages.is_empty()
    }
    pub(super) fn sent(&mut self, last: Index, bytes: u64) {
        self.next = last.next();
        self.window.messages.push_back((last, bytes));
        self.window.bytes += bytes;
    }
    /// Takes note that everything up to an index has arrived.
    pub(super) fn arrived(&mut self, matched: Index) {
        self.idle = false;
        self.matched = self.matched.max(matched);
        self.next = self.next.max(matched.next());
        while self.window.messages.front().is_some_and(|(last, _)| *last <= matched) {
            let (_, bytes) = self.window.messages.pop_front().expect("it was just seen");
            self.window.bytes -= bytes;
        }
    }
}

/// Changes how a follower is fed: nothing is under way to it any more.
pub(super) fn feed(
    switches: Switches,
    progress: &mut Progress,
    state: State,
    out: &mut Vec<Output>,
) {
    let leaks = bug(switches, Twist::RaftInflightLeak, progress.window.bytes > 0, out);
    progress.state = state;
    progress.window.messages.clear();
    if !leaks {
        progress.window.bytes = 0;
    }
}
