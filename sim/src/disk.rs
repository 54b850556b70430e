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
use crate::disk::content::Content;
use crate::disk::files::{Action, Files, Losses};
use crate::disk::strike::{Armed, Fate, Keyed, Strike};
use crate::fault::{ArmedId, PowerLoss};
use crate::machine::{DiskSpec, Slowdown, slowest};
use crate::node::{DiskError, DiskOp, DiskReply};
use crate::time::{Instant, Span};

pub(crate) mod books;
pub(crate) mod content;
pub(crate) mod files;
pub(crate) mod strike;
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
    fate: Fate,
    action: Action,
    /// What it gave on the copy that is ahead, if there is one, and whether a failure struck.
    outcome: Option<(Outcome, bool)>,
}

impl Entry {
    fn perform(&self, files: &mut Files, capacity: u64) -> (Outcome, bool) {
        let strike = match &self.fate {
            Fate::Fine => None,
            Fate::Gone => return (Err(DiskError::Io), false),
            Fate::Struck(strike) => Some(&**strike),
        };
        files.perform(&self.action, strike, capacity, self.completes)
    }
}

/// A read of the blocking view.
#[derive(Clone, Copy)]
struct Look<'a> {
    file: &'a str,
    offset: u64,
    bytes: u64,
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
    /// Who waits in the blocking view, until when.
    waiting: Vec<(Owner, Instant)>,
    slowdowns: Vec<Slowdown>,
    /// Until when it moves at most so many bytes per second.
    throttles: Vec<(Instant, u64)>,
    /// Operations that leave their process before that find no device.
    gone_until: Instant,
    armed: Vec<Armed>,
    /// What the next power loss leaves, if that was said.
    next_power_loss: Option<(PowerLoss, ArmedId)>,
    /// Armed faults that have struck, once for each time.
    hits: Vec<ArmedId>,
    draws: Draws,
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
            waiting: Vec::new(),
            slowdowns: Vec::new(),
            throttles: Vec::new(),
            gone_until: Instant::ZERO,
            armed: Vec::new(),
            next_power_loss: None,
            hits: Vec::new(),
            draws,
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
        self.slowed(from, base, action.cost(self.newest()))
    }

    /// How long it takes to do what takes `base` and moves some bytes.
    fn slowed(&self, from: Instant, base: Span, bytes: u64) -> Span {
        let throttles = self.throttles.iter().filter(|t| t.0 > from).map(|t| t.1);
        let speed = throttles.fold(self.spec.bytes_per_second, u64::min);
        let transfer = Span::secs(1).scale(bytes, speed);
        let percent = slowest(&self.slowdowns, from);
        let whole = base + transfer;
        if percent == 100 { whole } else { whole.scale(percent, 100) }
    }

    /// What becomes of the next operation, which leaves its process at `departs` and completes at
    /// `completes`.
    fn fate(&mut self, departs: Instant, completes: Instant, action: &Action) -> Fate {
        if departs < self.gone_until {
            return Fate::Gone;
        }
        if self.armed.is_empty() {
            return Fate::Fine;
        }
        let meets =
            |a: &&mut Armed| a.left > 0 && departs < a.until && action.meets(a.kind, &a.prefix);
        let Some(armed) = self.armed.iter_mut().find(meets) else { return Fate::Fine };
        armed.left -= 1;
        armed.pending += 1;
        let file = action.file().map_or("", |f| f);
        let draws = Keyed::new(self.draws, completes, file);
        let (kind, prefix, id) = (armed.kind, armed.prefix.clone(), armed.id);
        Fate::Struck(Arc::new(Strike { kind, prefix, id, draws }))
    }

    /// Enters in the books whether an armed failure struck an operation that it had met.
    fn account(&mut self, fate: &Fate, struck: bool) {
        let Fate::Struck(strike) = fate else { return };
        if struck {
            self.hits.push(strike.id);
        }
        let at = self.armed.iter().position(|a| a.id == strike.id);
        let at = at.expect("it waits for what has met it");
        let armed = &mut self.armed[at];
        armed.pending -= 1;
        armed.left += u32::from(!struck);
        if armed.left == 0 && armed.pending == 0 {
            self.armed.remove(at);
        }
    }

    /// Failures that were met by operations that will not take place have not struck.
    fn never_done(&mut self, log: &VecDeque<Entry>) {
        log.iter().for_each(|entry| self.account(&entry.fate, false));
    }

    /// Reserves the device for an operation that leaves its process at `departs`.
    fn reserve(&mut self, departs: Instant, action: &Action) -> Instant {
        let start = departs.max(self.free_at);
        self.occupied(start + self.duration(start, action))
    }

    /// The device is busy until then, at least.
    fn occupied(&mut self, end: Instant) -> Instant {
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
        let fate = self.fate(departs, completes, &action);
        let ticket = Some(ticket);
        let mut entry = Entry { completes, departs, owner, ticket, fate, action, outcome: None };
        if self.ahead.is_some() {
            let _ = self.perform_ahead(&mut entry);
        }
        self.log.push_back(entry);
        completes
    }

    /// Does an operation on the copy that is ahead.
    fn perform_ahead(&mut self, entry: &mut Entry) -> Outcome {
        let ahead = self.ahead.as_mut().expect("the copy was made");
        let (outcome, struck) = entry.perform(Arc::make_mut(ahead), self.spec.capacity);
        entry.outcome = Some((outcome.clone(), struck));
        if !struck && matches!(entry.fate, Fate::Struck(_)) {
            // what could not change it may meet the next one
            self.account(&entry.fate, false);
            entry.fate = Fate::Fine;
        }
        outcome
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
        let fate = self.fate(departs, completes, &action);
        let mut entry =
            Entry { completes, departs, owner, ticket: None, fate, action, outcome: None };
        let outcome = self.perform_ahead(&mut entry);
        self.log.push_back(entry);
        self.waits(now, owner, completes);
        (outcome, completes)
    }

    /// A process waits in the blocking view.
    fn waits(&mut self, now: Instant, owner: Owner, until: Instant) {
        self.waiting.retain(|(other, until)| *other != owner && *until > now);
        self.waiting.push((owner, until));
    }

    /// Who waits in the blocking view.
    pub(crate) fn waiting(&self, now: Instant) -> Vec<Owner> {
        self.waiting.iter().filter(|(_, until)| *until > now).map(|(owner, _)| *owner).collect()
    }

    /// Tells a file's length through the blocking view, and when the device has done so.
    pub(crate) fn len(
        &mut self,
        now: Instant,
        departs: Instant,
        owner: Owner,
        file: &str,
    ) -> (Result<u64, DiskError>, Instant) {
        let (fate, completes) = self.look(now, departs, owner, Look { file, offset: 0, bytes: 0 });
        let found = match fate {
            Fate::Fine => self.newest().content(file).map(Content::len).ok_or(DiskError::NotFound),
            fate => self.look_struck(fate, completes, file, 0, &mut []).map(|()| 0),
        };
        (found, completes)
    }

    /// Fills `out` from a file through the blocking view; tells when the device has done so.
    pub(crate) fn read_at(
        &mut self,
        now: Instant,
        departs: Instant,
        owner: Owner,
        (file, offset): (&str, u64),
        out: &mut [u8],
    ) -> (Result<(), DiskError>, Instant) {
        let bytes = out.len() as u64;
        let (fate, completes) = self.look(now, departs, owner, Look { file, offset, bytes });
        let found = match fate {
            Fate::Fine => read(self.newest(), file, offset, out),
            fate => self.look_struck(fate, completes, file, offset, out),
        };
        (found, completes)
    }

    /// Looks through the blocking view: what becomes of that, and when the device has done it.
    fn look(
        &mut self,
        now: Instant,
        departs: Instant,
        owner: Owner,
        Look { file, offset, bytes }: Look<'_>,
    ) -> (Fate, Instant) {
        self.settle(now);
        if !self.log.is_empty() {
            self.go_ahead(now);
        }
        let start = departs.max(self.free_at);
        let completes = self.occupied(start + self.slowed(start, self.spec.latency, bytes));
        self.waits(now, owner, completes);
        if self.armed.is_empty() && departs >= self.gone_until {
            return (Fate::Fine, completes);
        }
        let action = Action::Look { file: file.into(), offset, bytes };
        (self.fate(departs, completes, &action), completes)
    }

    /// Does a look that goes wrong.
    #[cold]
    fn look_struck(
        &mut self,
        fate: Fate,
        completes: Instant,
        file: &str,
        offset: u64,
        out: &mut [u8],
    ) -> Result<(), DiskError> {
        let Fate::Struck(strike) = &fate else { return Err(DiskError::Io) };
        let action = Action::Look { file: file.into(), offset, bytes: out.len() as u64 };
        let look = |files: &mut Arc<Files>| {
            Arc::make_mut(files).struck(&action, strike, self.spec.capacity, completes)
        };
        // what rots while it is read has rotted in both, as at rest
        let (there, ahead) = (look(&mut self.files), self.ahead.as_mut().map(look));
        let outcome = ahead.unwrap_or(there);
        self.account(&fate, outcome.is_some());
        match outcome {
            Some(Ok(DiskReply::Data(data))) => out.copy_from_slice(data.bytes()),
            Some(Ok(_)) => unreachable!("a read gives data"),
            Some(Err(error)) => return Err(error),
            None => return read(self.newest(), file, offset, out),
        }
        Ok(())
    }

    fn go_ahead(&mut self, now: Instant) {
        self.settle(now);
        if self.ahead.is_some() {
            return;
        }
        let mut ahead = self.files.clone();
        for entry in &mut self.log {
            entry.outcome = Some(entry.perform(Arc::make_mut(&mut ahead), self.spec.capacity));
        }
        self.ahead = Some(ahead);
    }

    /// Lets everything happen that completes by `now`.
    fn settle(&mut self, now: Instant) {
        if self.log.back().is_some_and(|e| e.completes <= now)
            && let Some(ahead) = self.ahead.take()
        {
            self.files = ahead;
            while let Some(mut entry) = self.log.pop_front() {
                let outcome = entry.outcome.take().expect("everything was done on the copy");
                self.conclude(&entry, outcome);
            }
            return;
        }
        while self.log.front().is_some_and(|e| e.completes <= now) {
            let entry = self.log.pop_front().expect("there is a front");
            let outcome = entry.perform(Arc::make_mut(&mut self.files), self.spec.capacity);
            self.conclude(&entry, outcome);
        }
        if self.log.is_empty() {
            self.ahead = None;
        }
    }

    /// An operation has taken place.
    #[inline]
    fn conclude(&mut self, entry: &Entry, (outcome, struck): (Outcome, bool)) {
        self.account(&entry.fate, struck);
        self.finished.extend(entry.ticket.map(|t| (t, outcome)));
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
        let sent = |e: &Entry| e.owner != owner || e.departs <= now;
        if !self.log.iter().all(sent) {
            let (sent, unsent) = self.log.drain(..).partition(sent);
            self.log = sent;
            self.never_done(&unsent);
            self.ahead = None;
            self.free_at = self.log.back().map_or(now, |e| e.completes);
        }
    }

    /// The machine lost power: what is not durable is lost but for a drawn part.
    pub(crate) fn power_lost(&mut self, now: Instant) -> Losses {
        self.settle(now);
        let log = core::mem::take(&mut self.log);
        self.never_done(&log);
        self.finished.clear();
        self.ahead = None;
        self.free_at = now;
        let said = self.next_power_loss.take();
        let mode = said.map_or(self.spec.power_loss, |(mode, _)| mode);
        let losses = Arc::make_mut(&mut self.files).lose_power(mode, self.draws, now);
        self.hits.extend(said.filter(|_| losses.met_something).map(|(_, id)| id));
        losses
    }

    /// Says what the next power loss leaves.
    pub(crate) fn at_power_loss(&mut self, leaves: PowerLoss, id: ArmedId) {
        self.next_power_loss = Some((leaves, id));
    }

    /// Operations submitted until then take `percent` of their time; of several slownesses
    /// the slowest holds.
    pub(crate) fn slow_down(&mut self, now: Instant, slowdown: Slowdown) {
        self.slowdowns.retain(|s| s.until > now);
        self.slowdowns.push(slowdown);
    }

    /// Operations submitted until then move at most so many bytes per second. True if that is less
    /// than the disk can.
    pub(crate) fn throttle(&mut self, now: Instant, until: Instant, bytes_per_second: u64) -> bool {
        assert!(bytes_per_second > 0, "a disk has some speed");
        self.throttles.retain(|t| t.0 > now);
        self.throttles.push((until, bytes_per_second));
        until > now && bytes_per_second < self.spec.bytes_per_second
    }

    /// Does nothing for a while. Gives back who waits for it in the blocking view: what such a
    /// process does next comes as much later.
    pub(crate) fn stall(&mut self, now: Instant, duration: Span) -> Vec<Owner> {
        self.settle(now);
        let waiting = self.waiting(now);
        self.free_at = self.free_at.max(now) + duration;
        for entry in &mut self.log {
            entry.completes += duration;
            if entry.departs > now && waiting.contains(&entry.owner) {
                entry.departs += duration;
            }
        }
        self.waiting.iter_mut().for_each(|(_, until)| *until += duration);
        waiting
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

    pub(crate) fn arm(&mut self, now: Instant, armed: Armed) {
        assert!(armed.left > 0, "an armed failure has something left");
        self.armed.retain(|a| a.until > now || a.pending > 0);
        self.armed.push(armed);
    }

    /// Loses everything; gives back how many bytes that were.
    pub(crate) fn wipe(&mut self, now: Instant) -> u64 {
        self.settle(now);
        for at in 0..self.log.len() {
            let fate = core::mem::replace(&mut self.log[at].fate, Fate::Gone);
            self.account(&fate, false);
        }
        self.ahead = None;
        let lost = self.files.used();
        self.files = Arc::new(self.files.wiped(now));
        lost
    }

    /// The device is gone, and an empty one there from then on; gives back how many bytes are lost.
    pub(crate) fn lose(&mut self, now: Instant, until: Instant) -> u64 {
        self.gone_until = self.gone_until.max(until);
        self.wipe(now)
    }

    /// Flips a bit of a file at rest. False if there is no such file with a byte in it.
    pub(crate) fn rot(&mut self, now: Instant, prefix: &str, file: u64, bit: u64) -> bool {
        self.settle(now);
        if let Some(ahead) = &mut self.ahead {
            Arc::make_mut(ahead).rot(prefix, file, bit, now);
        }
        Arc::make_mut(&mut self.files).rot(prefix, file, bit, now)
    }

    /// How often an armed fault has struck by an instant that is not in the past.
    pub(crate) fn hits_at(&self, now: Instant, id: ArmedId) -> u64 {
        let count = |hits: &[ArmedId]| hits.iter().filter(|hit| **hit == id).count() as u64;
        if self.armed.iter().all(|a| a.id != id || a.pending == 0) {
            return count(&self.hits);
        }
        let mut settled = self.clone();
        settled.settle(now);
        count(&settled.hits)
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

fn read(files: &Files, file: &str, offset: u64, out: &mut [u8]) -> Result<(), DiskError> {
    files.content(file).ok_or(DiskError::NotFound)?.read_at(offset, out)
}
