//! A machine's disk: a device that takes time, in front of [`files`].
//!
//! Operations run one after the other in the order of submission. Each waits in a log until its
//! completion instant and changes the files then, so a crash finds the device exactly as it was.
//! The blocking view cannot wait: it works on a copy that is *ahead* of the device (shared pages,
//! copied on write) and becomes the truth when the log has run dry.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::chance::Draws;
use crate::disk::files::{Action, Files, Losses};
use crate::fault::{ArmedId, DiskFailure};
use crate::machine::{DiskSpec, Slowdown};
use crate::node::{DiskError, DiskOp, DiskReply};
use crate::time::{Instant, Span};

pub(crate) mod content;
pub(crate) mod files;
#[cfg(test)]
mod tests;

/// What an operation gives back.
pub(crate) type Outcome = Result<DiskReply, DiskError>;

/// One life of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) slot: u32,
    pub(crate) incarnation: u32,
}

#[derive(Clone, Debug)]
struct Entry {
    completes: Instant,
    departs: Instant,
    owner: Owner,
    /// Set if somebody waits for the outcome.
    ticket: Option<u64>,
    failure: Option<DiskFailure>,
    action: Action,
    /// What it gave on the copy that is ahead, if there is one.
    outcome: Option<Outcome>,
}

/// What became of an asynchronous operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It takes until then.
    Later(Instant),
    Done(Outcome),
    /// Its process died before it was submitted.
    Lost,
}

/// See the module's documentation.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    spec: DiskSpec,
    files: Arc<Files>,
    /// `files` with all of `log` done. Invariant: there is none if `log` is empty.
    ahead: Option<Arc<Files>>,
    /// Invariant: completion instants rise strictly.
    log: VecDeque<Entry>,
    /// Outcomes of operations that were settled before their events came up.
    finished: Vec<(u64, Outcome)>,
    free_at: Instant,
    slowdowns: Vec<Slowdown>,
    armed: Vec<(DiskFailure, u32, ArmedId)>,
    /// Armed failures that were used, for the world to collect.
    pub(crate) fired: Vec<ArmedId>,
    draws: Draws,
    drawn: u64,
}

impl Disk {
    pub(crate) fn new(spec: DiskSpec, draws: Draws) -> Self {
        assert!(spec.bytes_per_second > 0, "a disk has some speed");
        Disk {
            spec,
            files: Arc::new(Files::default()),
            ahead: None,
            log: VecDeque::new(),
            finished: Vec::new(),
            free_at: Instant::ZERO,
            slowdowns: Vec::new(),
            armed: Vec::new(),
            fired: Vec::new(),
            draws,
            drawn: 0,
        }
    }

    pub(crate) fn reseed(&mut self, draws: Draws) {
        self.draws = draws;
    }

    /// The newest view: everything that was submitted is done.
    fn newest(&self) -> &Files {
        self.ahead.as_ref().unwrap_or(&self.files)
    }

    fn duration(&self, from: Instant, action: &Action) -> Span {
        let base = match action {
            Action::Op(DiskOp::Sync { .. } | DiskOp::SyncDir) => self.spec.sync_latency,
            _ => self.spec.latency,
        };
        let bytes = action.cost(self.newest());
        let transfer = Span::secs(1).scale(bytes, self.spec.bytes_per_second);
        let slow = self.slowdowns.iter().filter(|s| s.until > from);
        let percent = slow.fold(100, |all, s| all * s.percent / 100);
        let whole = base + transfer;
        if percent == 100 { whole } else { whole.scale(percent, 100) }
    }

    /// The armed failure that the next operation meets, if any.
    fn failure(&mut self, action: &Action) -> Option<DiskFailure> {
        if self.armed.is_empty() {
            return None;
        }
        let at = self.armed.iter().position(|(kind, ..)| action.meets(*kind))?;
        let (kind, left, id) = &mut self.armed[at];
        let kind = *kind;
        *left -= 1;
        self.fired.push(*id);
        if *left == 0 {
            self.armed.remove(at);
        }
        Some(kind)
    }

    /// Reserves the device for an operation that leaves its process at `departs`.
    fn reserve(&mut self, departs: Instant, action: &Action) -> Instant {
        let start = departs.max(self.free_at);
        let end = start + self.duration(start, action);
        // strictly later than anything before it, so that the order of completion is total
        let last = self.log.back().map_or(Instant::ZERO, |e| e.completes);
        self.free_at = end.max(last + Span(1));
        self.free_at
    }

    /// Submits an asynchronous operation; gives back when it completes.
    pub(crate) fn submit(
        &mut self,
        now: Instant,
        departs: Instant,
        owner: Owner,
        ticket: u64,
        op: DiskOp,
    ) -> Instant {
        assert!(departs >= now, "nothing leaves before now");
        self.settle(now);
        let action = Action::Op(op);
        let completes = self.reserve(departs, &action);
        let failure = self.failure(&action);
        let outcome = self
            .ahead
            .as_mut()
            .map(|ahead| Arc::make_mut(ahead).perform(&action, failure, self.spec.capacity));
        let ticket = Some(ticket);
        self.log.push_back(Entry { completes, departs, owner, ticket, failure, action, outcome });
        completes
    }

    /// Does an operation for the blocking view; gives back its outcome and when it completes.
    pub(crate) fn block(
        &mut self,
        now: Instant,
        departs: Instant,
        owner: Owner,
        action: Action,
    ) -> (Outcome, Instant) {
        self.go_ahead(now);
        let completes = self.reserve(departs, &action);
        let failure = self.failure(&action);
        let ahead = self.ahead.as_mut().expect("the copy was made");
        let outcome = Arc::make_mut(ahead).perform(&action, failure, self.spec.capacity);
        let done = Some(outcome.clone());
        let entry =
            Entry { completes, departs, owner, ticket: None, failure, action, outcome: done };
        self.log.push_back(entry);
        (outcome, completes)
    }

    /// Looks at a file through the blocking view: its files, and when the device has done it.
    pub(crate) fn look<R>(
        &mut self,
        now: Instant,
        departs: Instant,
        bytes: u64,
        read: impl FnOnce(&Files) -> Result<R, DiskError>,
    ) -> (Result<R, DiskError>, Instant) {
        self.settle(now);
        if !self.log.is_empty() {
            self.go_ahead(now);
        }
        let probe = Action::Look { bytes };
        let completes = self.reserve(departs, &probe);
        match self.failure(&probe) {
            Some(_) => (Err(DiskError::Io), completes),
            None => (read(self.newest()), completes),
        }
    }

    fn go_ahead(&mut self, now: Instant) {
        self.settle(now);
        if self.ahead.is_some() {
            return;
        }
        let mut ahead = self.files.clone();
        for entry in &mut self.log {
            let files = Arc::make_mut(&mut ahead);
            let outcome = files.perform(&entry.action, entry.failure, self.spec.capacity);
            entry.outcome = Some(outcome);
        }
        self.ahead = Some(ahead);
    }

    /// Lets everything happen that completes by `now`.
    fn settle(&mut self, now: Instant) {
        if self.log.back().is_some_and(|e| e.completes <= now)
            && let Some(ahead) = self.ahead.take()
        {
            self.files = ahead;
            for entry in self.log.drain(..) {
                let outcome = entry.outcome.expect("everything was done on the copy");
                self.finished.extend(entry.ticket.map(|t| (t, outcome)));
            }
            return;
        }
        while self.log.front().is_some_and(|e| e.completes <= now) {
            let entry = self.log.pop_front().expect("there is a front");
            let files = Arc::make_mut(&mut self.files);
            let outcome = files.perform(&entry.action, entry.failure, self.spec.capacity);
            self.finished.extend(entry.ticket.map(|t| (t, outcome)));
        }
        if self.log.is_empty() {
            self.ahead = None;
        }
    }

    /// What became of an asynchronous operation by `now`.
    pub(crate) fn finish(&mut self, now: Instant, ticket: u64) -> Finish {
        self.settle(now);
        if let Some(at) = self.finished.iter().position(|f| f.0 == ticket) {
            return Finish::Done(self.finished.swap_remove(at).1);
        }
        match self.log.iter().find(|e| e.ticket == Some(ticket)) {
            Some(entry) => Finish::Later(entry.completes),
            None => Finish::Lost,
        }
    }

    /// A process died: what it had not submitted is lost, the rest is the kernel's business.
    pub(crate) fn process_died(&mut self, now: Instant, owner: Owner) {
        self.settle(now);
        let before = self.log.len();
        self.log.retain(|e| e.owner != owner || e.departs <= now);
        if self.log.len() < before {
            self.ahead = None;
            self.free_at = self.log.back().map_or(now, |e| e.completes);
        }
    }

    /// The machine lost power: what is not durable is lost but for a drawn part.
    pub(crate) fn power_lost(&mut self, now: Instant) -> Losses {
        self.settle(now);
        self.log.clear();
        self.finished.clear();
        self.ahead = None;
        self.free_at = now;
        Arc::make_mut(&mut self.files).lose_power(self.draws, &mut self.drawn)
    }

    /// Operations submitted until then take `percent` of their time; slownesses multiply.
    pub(crate) fn slow_down(&mut self, now: Instant, slowdown: Slowdown) {
        self.slowdowns.retain(|s| s.until > now);
        self.slowdowns.push(slowdown);
    }

    /// Does nothing for a while. True if operations were under way.
    pub(crate) fn stall(&mut self, now: Instant, duration: Span) -> bool {
        self.settle(now);
        self.free_at = self.free_at.max(now) + duration;
        for entry in &mut self.log {
            entry.completes += duration;
        }
        !self.log.is_empty()
    }

    /// What a process had not submitted yet leaves it later, and what comes behind that waits.
    pub(crate) fn postpone(&mut self, now: Instant, owner: Owner, duration: Span) {
        self.settle(now);
        let unsent = |e: &Entry| e.owner == owner && e.departs > now;
        let Some(first) = self.log.iter().position(unsent) else { return };
        for entry in self.log.iter_mut().skip(first) {
            if unsent(entry) {
                entry.departs += duration;
            }
            entry.completes += duration;
        }
        self.free_at += duration;
    }

    pub(crate) fn arm(&mut self, kind: DiskFailure, count: u32, id: ArmedId) {
        assert!(count > 0, "an armed failure has something left");
        self.armed.push((kind, count, id));
    }

    /// Loses everything; gives back how many bytes that were.
    pub(crate) fn wipe(&mut self, now: Instant) -> u64 {
        self.settle(now);
        for entry in &mut self.log {
            entry.failure = Some(DiskFailure::Writes);
        }
        self.ahead = None;
        let lost = self.files.used();
        self.files = Arc::new(Files::default());
        lost
    }

    /// Flips a bit of a file at rest. False if there is no such file with a byte in it.
    pub(crate) fn rot(&mut self, now: Instant, prefix: &str, file: u64, bit: u64) -> bool {
        self.settle(now);
        if let Some(ahead) = &mut self.ahead {
            Arc::make_mut(ahead).rot(prefix, file, bit);
        }
        Arc::make_mut(&mut self.files).rot(prefix, file, bit)
    }

    /// The files as they are at an instant, for drivers and tests.
    pub(crate) fn files_at(&self, now: Instant) -> Arc<Files> {
        if self.log.front().is_none_or(|e| e.completes > now) {
            return self.files.clone();
        }
        let mut settled = self.clone();
        settled.settle(now);
        settled.files
    }
}
