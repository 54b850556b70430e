//! The checkpoint coordinator's books: what is asked for, under way and given up.
//!
//! Rules after Flink (SEMANTICS 1.6). Requests (`CheckpointRequestDecider`): an id is asked for at
//! a time; savepoints come first, then what is wanted at once, then the periodic ones; the pause
//! counts from the last completion. Checkpoints under way (`PendingCheckpoint`): an acknowledgement
//! counts for exactly one (checkpoint, task, attempt); a completion subsumes the older ones.
//! Failures (`CheckpointFailureManager`): see [`failures`].
//!
//! Unlike in Flink nothing begins while a savepoint is under way, and its completion subsumes
//! older checkpoints too: so checkpoints complete with rising ids, always.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use super::metadata::{Assignment, Completed};
use crate::barrier::{Barrier, CheckpointKind, Pace};
use crate::cluster::CheckpointSettings;
use crate::handle::{FileId, FileRef, Part};
use crate::ids::{Attempt, CheckpointId, Generation};
use crate::observation::AbortReason;

pub mod failures;

use failures::Failures;

/// The most requests that wait (Flink's `MAX_QUEUED_REQUESTS`).
const MOST_REQUESTS: usize = 1_000;

/// The books.
#[derive(Clone, Debug, Default)]
pub struct Checkpoints {
    /// Under way, with rising ids.
    pending: Vec<Pending>,
    /// Waiting, in order of precedence.
    queue: Vec<Request>,
    /// An id is being asked for.
    reserving: Option<Request>,
    last_trigger: Instant,
    last_completion: Option<Instant>,
    failures: Failures,
    /// A planted bug's: by the file of a task that it follows, the first one that was acknowledged.
    reused: Option<BTreeMap<FileId, FileRef>>,
}

/// A wish for a checkpoint. In order of precedence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Request {
    /// An operator wants one. It begins however many are under way.
    Savepoint(CheckpointKind, Asker),
    /// The generation is about to be replaced: without pause, as soon as there is room.
    Hurried,
    /// The interval is over.
    Periodic,
}

/// Which operation of which client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Asker {
    /// The client.
    pub client: NodeId,
    /// Its request; the life of the client is in the high half.
    pub sequence: u64,
}

/// A checkpoint under way.
#[derive(Clone, Debug)]
struct Pending {
    barrier: Barrier,
    generation: Generation,
    attempt: Attempt,
    asker: Option<Asker>,
    /// The checkpoint that tasks may build on.
    base: Option<Arc<Completed>>,
    /// Each task's part; none until it is acknowledged. The first entry is task 1's.
    parts: Vec<Option<Arc<Part>>>,
    /// Completion has been proposed.
    completing: bool,
}

/// A task's word that its part is durable.
#[derive(Clone, Debug)]
pub struct Ack {
    /// The checkpoint.
    pub checkpoint: CheckpointId,
    /// The generation of the task.
    pub generation: Generation,
    /// Its execution attempt.
    pub attempt: Attempt,
    /// The part.
    pub part: Arc<Part>,
}

/// What an acknowledgement did (Flink's `TaskAcknowledgeResult`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Acknowledged {
    /// The checkpoint is not under way, or not any more.
    Discarded,
    /// It is of another generation or attempt than the one that takes the checkpoint.
    Unknown,
    /// It came twice.
    Duplicate,
    /// The part names a file that may be gone: decline the checkpoint.
    Baseless,
    /// It counts; others are missing.
    Counted,
    /// It was the last one: propose completion, in the name of whoever asked.
    Last(Completed, Option<Asker>),
}

impl Acknowledged {
    /// Whether it counts.
    #[must_use]
    pub const fn counts(&self) -> bool {
        matches!(self, Acknowledged::Counted | Acknowledged::Last(..))
    }
}

/// A checkpoint that is under way no more, though it is not complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GivenUp {
    /// The checkpoint.
    pub checkpoint: CheckpointId,
    /// The generation that took it.
    pub generation: Generation,
    /// Who waits for it.
    pub asker: Option<Asker>,
    /// Why.
    pub reason: AbortReason,
    /// It was one failure too many, or sources stand still for it: the job has to fail over.
    pub fails_job: bool,
}

impl Checkpoints {
    /// A new generation runs since `now`, or the present one goes on under a new coordinator.
    /// Returns what is given up for it. Operators ask again.
    pub fn restart(&mut self, now: Instant) -> Vec<GivenUp> {
        let pending = core::mem::take(&mut self.pending);
        let failures = core::mem::take(&mut self.failures);
        let reused = self.reused.take();
        *self = Checkpoints { last_trigger: now, failures, reused, ..Checkpoints::default() };
        pending.iter().map(|pending| pending.given_up(AbortReason::Superseded, false)).collect()
    }

    /// A planted bug: what is pending goes on in a new generation.
    pub fn carry_over(&mut self, assignment: &Assignment) {
        for pending in &mut self.pending {
            (pending.generation, pending.attempt) = (assignment.generation, assignment.attempt);
        }
    }

    /// When the next checkpoint may be triggered; none while others are in its way.
    pub fn due(&self, settings: &CheckpointSettings) -> Option<Instant> {
        let full = self.pending.len() >= usize::from(settings.max_concurrent);
        let exclusive = self.pending.iter().any(|pending| pending.barrier.kind.is_savepoint());
        if self.reserving.is_some() || exclusive {
            return None;
        }
        match self.queue.first() {
            Some(Request::Savepoint(..)) => Some(self.last_trigger),
            _ if full => None,
            Some(_) => Some(self.last_trigger),
            None => {
                let by_interval = self.last_trigger + settings.interval;
                let by_pause = self.last_completion.map(|at| at + settings.min_pause);
                Some(by_pause.map_or(by_interval, |pause| pause.max(by_interval)))
            }
        }
    }

    /// The next checkpoint is wanted at once.
    pub fn hurry(&mut self) {
        let asked =
            self.queue.contains(&Request::Hurried) || self.reserving == Some(Request::Hurried);
        if !asked {
            self.enqueue(Request::Hurried);
        }
    }

    /// An operator wants a savepoint; a retry changes nothing. False if too many wait.
    #[must_use]
    pub fn ask(&mut self, kind: CheckpointKind, asker: Asker) -> bool {
        assert!(kind.is_savepoint(), "nobody asks for a plain checkpoint");
        let of_asker =
            |request: &Request| matches!(request, Request::Savepoint(_, a) if *a == asker);
        let known = self.queue.iter().chain(&self.reserving).any(of_asker)
            || self.pending.iter().any(|pending| pending.asker == Some(asker));
        if !known && self.queue.len() >= MOST_REQUESTS {
            return false;
        }
        if !known {
            self.enqueue(Request::Savepoint(kind, asker));
        }
        true
    }

    /// Those of the same precedence keep their order.
    fn enqueue(&mut self, request: Request) {
        let rank = |request: &Request| match request {
            Request::Savepoint(..) => 0,
            Request::Hurried => 1,
            Request::Periodic => 2,
        };
        let at = self.queue.partition_point(|other| rank(other) <= rank(&request));
        self.queue.insert(at, request);
    }

    /// Takes up the next request if it may begin now: an id has to be asked for.
    #[must_use]
    pub fn reserve(&mut self, settings: &CheckpointSettings, now: Instant) -> Option<Request> {
        self.due(settings).filter(|due| *due <= now)?;
        let queued = !self.queue.is_empty();
        let request = if queued { self.queue.remove(0) } else { Request::Periodic };
        self.reserving = Some(request);
        self.reserving
    }

    /// The id was refused: the generation is over.
    pub fn reservation_refused(&mut self) {
        self.reserving = None;
    }

    /// The id is there: the checkpoint begins. `base` is the latest complete one that is no
    /// savepoint.
    pub fn begin(
        &mut self,
        checkpoint: CheckpointId,
        assignment: &Assignment,
        base: Option<Arc<Completed>>,
        now: Instant,
    ) -> Barrier {
        let request = self.reserving.take().expect("an id is asked for before it is there");
        let (kind, asker) = match request {
            Request::Savepoint(kind, asker) => (kind, Some(asker)),
            Request::Hurried | Request::Periodic => (CheckpointKind::Checkpoint, None),
        };
        if !kind.is_savepoint() {
            self.last_trigger = now;
        }
        let base_id = base.as_ref().map(|base| base.checkpoint);
        let barrier = Barrier { checkpoint, kind, base: base_id, pace: Pace::Waits };
        let newest = self.pending.last().map(|pending| pending.barrier.checkpoint);
        assert!(newest < Some(checkpoint), "ids rise");
        self.pending.push(Pending {
            barrier,
            generation: assignment.generation,
            attempt: assignment.attempt,
            asker,
            base,
            parts: alloc::vec![None; assignment.tasks.len()],
            completing: false,
        });
        barrier
    }

    /// What a checkpoint is for; none if it is not under way.
    pub fn pending(&self, checkpoint: CheckpointId) -> Option<CheckpointKind> {
        self.position(checkpoint).map(|at| self.pending[at].barrier.kind)
    }

    /// A task says that its part is durable; these checkpoints are retained. A planted bug takes it
    /// of any attempt.
    pub fn acknowledge(
        &mut self,
        ack: Ack,
        retained: &[Arc<Completed>],
        any_attempt: bool,
    ) -> Acknowledged {
        let Ack { checkpoint, generation, attempt, part } = ack;
        let Some(at) = self.position(checkpoint) else { return Acknowledged::Discarded };
        let task = usize::from(part.task.0).wrapping_sub(1);
        let pending = &self.pending[at];
        let whose = (pending.generation, pending.attempt) == (generation, attempt) || any_attempt;
        let Some(slot) = pending.parts.get(task).filter(|_| whose) else {
            return Acknowledged::Unknown;
        };
        if slot.is_some() {
            return Acknowledged::Duplicate;
        }
        let part = self.under_its_names(part);
        if !self.are_kept(checkpoint, &part, retained) {
            return Acknowledged::Baseless;
        }
        let pending = &mut self.pending[at];
        pending.parts[task] = Some(part);
        if pending.parts.iter().any(Option::is_none) {
            return Acknowledged::Counted;
        }
        pending.completing = true;
        Acknowledged::Last(pending.completed(), pending.asker)
    }

    /// The newest checkpoint whose completion has been proposed and not applied.
    pub fn completing(&self) -> Option<CheckpointId> {
        let completing = self.pending.iter().rev().find(|pending| pending.completing);
        completing.map(|pending| pending.barrier.checkpoint)
    }

    /// Whether the files that a part shares with other checkpoints are still needed by those.
    fn are_kept(&self, checkpoint: CheckpointId, part: &Part, retained: &[Arc<Completed>]) -> bool {
        let mut shared =
            part.files.iter().filter(|file| file.id.checkpoint != checkpoint).peekable();
        if shared.peek().is_none() {
            return true;
        }
        let needed = self.needed(retained);
        shared.all(|file| needed.contains(&file.id))
    }

    /// The files that must not be deleted: of what is retained, of what has been acknowledged, and
    /// of what tasks that are at work may build on.
    pub fn needed(&self, retained: &[Arc<Completed>]) -> BTreeSet<FileId> {
        let bases = self.pending.iter().filter_map(|pending| pending.base.as_ref());
        let whole = retained.iter().chain(bases).flat_map(|completed| completed.files());
        let named = self.reused.iter().flat_map(|reused| reused.values().map(|file| file.id));
        whole.chain(self.acknowledged_files()).chain(named).collect()
    }

    /// All files that acknowledged parts of what is under way name.
    pub fn acknowledged_files(&self) -> BTreeSet<FileId> {
        let parts = self.pending.iter().flat_map(|pending| pending.parts.iter().flatten());
        parts.flat_map(|part| part.files.iter().map(|file| file.id)).collect()
    }

    /// A planted bug: from now on the name of an increment says only which file it follows, not
    /// which attempt has written it; of several with one name the first is kept.
    pub fn reuse_names(&mut self) {
        self.reused.get_or_insert_default();
    }

    /// A part, with what is kept under the names of its files.
    fn under_its_names(&mut self, mut part: Arc<Part>) -> Arc<Part> {
        let Some(reused) = self.reused.as_mut().filter(|_| part.files.len() > 1) else {
            return part;
        };
        let files = &mut Arc::make_mut(&mut part).files;
        for at in 1..files.len() {
            let first = reused.entry(files[at - 1].id).or_insert(files[at]);
            if first.id.attempt == files[at].id.attempt {
                // One attempt does not repeat a name.
                *first = files[at];
            } else {
                files[at] = *first;
            }
        }
        part
    }

    /// Completion was applied. Returns the older ones, which it subsumes.
    pub fn complete(&mut self, checkpoint: CheckpointId, now: Instant) -> Vec<GivenUp> {
        let Some(at) = self.position(checkpoint) else { return Vec::new() };
        self.last_completion = Some(now);
        self.failures.succeeded(checkpoint);
        let older: Vec<Pending> = self.pending.drain(..=at).collect();
        let subsumed = |pending: &Pending| pending.given_up(AbortReason::Subsumed, false);
        older[..at].iter().map(subsumed).collect()
    }

    /// Gives a checkpoint up, unless its completion has been proposed. A planted bug lets any
    /// reason count against the job.
    pub fn abort(
        &mut self,
        checkpoint: CheckpointId,
        reason: AbortReason,
        tolerated: Option<u32>,
        any_reason: bool,
    ) -> Option<GivenUp> {
        let at = self.position(checkpoint)?;
        let refused = reason == AbortReason::Finalize;
        if self.pending[at].completing && !refused {
            return None;
        }
        let pending = self.pending.remove(at);
        let kind = pending.barrier.kind;
        let counts = any_reason || failures::counts(reason, kind);
        let too_many = counts && self.failures.failed(checkpoint, tolerated);
        Some(pending.given_up(reason, too_many || kind.stops()))
    }

    fn position(&self, checkpoint: CheckpointId) -> Option<usize> {
        self.pending.iter().position(|pending| pending.barrier.checkpoint == checkpoint)
    }
}

impl Pending {
    fn given_up(&self, reason: AbortReason, fails_job: bool) -> GivenUp {
        let (checkpoint, generation) = (self.barrier.checkpoint, self.generation);
        GivenUp { checkpoint, generation, asker: self.asker, reason, fails_job }
    }

    fn completed(&self) -> Completed {
        Completed {
            checkpoint: self.barrier.checkpoint,
            kind: self.barrier.kind,
            generation: self.generation,
            attempt: self.attempt,
            parts: self.parts.iter().flatten().cloned().collect(),
            ran: Span::ZERO,
        }
    }
}

#[cfg(test)]
mod tests;
