//! The checkpoint coordinator's books: at most one checkpoint at a time, acknowledged by attempt.
//!
//! Rules after Flink's `CheckpointCoordinator` (SEMANTICS 1.6): ids come from a durable counter, an
//! acknowledgement counts for exactly one (checkpoint, task, attempt), the pause counts from the
//! last completion.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::time::{Instant, Span};

use super::metadata::{Assignment, Completed};
use crate::cluster::CheckpointSettings;
use crate::handle::Part;
use crate::ids::{Attempt, CheckpointId, Generation};

/// The books.
#[derive(Clone, Debug, Default)]
pub struct Checkpoints {
    pending: Option<Pending>,
    reserving: bool,
    last_trigger: Instant,
    last_completion: Option<Instant>,
    /// The next one is due at once.
    hurried: bool,
}

#[derive(Clone, Debug)]
struct Pending {
    checkpoint: CheckpointId,
    generation: Generation,
    attempt: Attempt,
    /// Each task's part; none until it is acknowledged. The first entry is task 1's.
    parts: Vec<Option<Arc<Part>>>,
    /// Completion has been proposed.
    completing: bool,
}

/// What an acknowledgement did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Acknowledged {
    /// It is of another checkpoint, generation or attempt, or came twice.
    Ignored,
    /// It counts; others are missing.
    Counted,
    /// It was the last one: propose completion.
    Last(Completed),
}

impl Checkpoints {
    /// A new generation runs since `now`, or the present one goes on under a new coordinator.
    /// Returns the checkpoint that is given up for it.
    pub fn restart(&mut self, now: Instant) -> Option<(CheckpointId, Generation)> {
        let given_up = self.pending.take().map(|p| (p.checkpoint, p.generation));
        *self = Checkpoints { last_trigger: now, ..Checkpoints::default() };
        given_up
    }

    /// When the next checkpoint may be triggered; none while one is under way.
    pub fn due(&self, settings: &CheckpointSettings) -> Option<Instant> {
        if self.pending.is_some() || self.reserving {
            return None;
        }
        if self.hurried {
            return Some(self.last_trigger);
        }
        let by_interval = self.last_trigger + settings.interval;
        let by_pause = self.last_completion.map(|at| at + settings.min_pause);
        Some(by_pause.map_or(by_interval, |pause| pause.max(by_interval)))
    }

    /// The next checkpoint is due at once.
    pub fn hurry(&mut self) {
        self.hurried = true;
    }

    /// An id is being asked for.
    pub fn reserve(&mut self) {
        assert!(self.pending.is_none() && !self.reserving, "one checkpoint at a time");
        self.reserving = true;
    }

    /// The id was refused: the generation is over.
    pub fn reservation_refused(&mut self) {
        self.reserving = false;
    }

    /// The id is there: the checkpoint begins.
    pub fn begin(&mut self, checkpoint: CheckpointId, assignment: &Assignment, now: Instant) {
        assert!(self.reserving, "an id is asked for before it is there");
        (self.reserving, self.hurried) = (false, false);
        self.last_trigger = now;
        self.pending = Some(Pending {
            checkpoint,
            generation: assignment.generation,
            attempt: assignment.attempt,
            parts: alloc::vec![None; assignment.tasks.len()],
            completing: false,
        });
    }

    /// A task says that its part is durable.
    pub fn acknowledge(
        &mut self,
        checkpoint: CheckpointId,
        generation: Generation,
        attempt: Attempt,
        part: Arc<Part>,
    ) -> Acknowledged {
        let current = |p: &&mut Pending| {
            p.checkpoint == checkpoint && p.generation == generation && p.attempt == attempt
        };
        let Some(pending) = self.pending.as_mut().filter(current) else {
            return Acknowledged::Ignored;
        };
        let slot = &mut pending.parts[usize::from(part.task.0) - 1];
        if slot.is_some() {
            return Acknowledged::Ignored;
        }
        *slot = Some(part);
        if pending.parts.iter().any(Option::is_none) {
            return Acknowledged::Counted;
        }
        pending.completing = true;
        let parts = pending.parts.iter().flatten().cloned().collect();
        let ran = Span::ZERO;
        Acknowledged::Last(Completed { checkpoint, generation, attempt, parts, ran })
    }

    /// Completion was applied.
    pub fn complete(&mut self, checkpoint: CheckpointId, now: Instant) {
        if self.pending.as_ref().is_some_and(|p| p.checkpoint == checkpoint) {
            self.pending = None;
            self.last_completion = Some(now);
        }
    }

    /// Gives a checkpoint up, unless its completion has been proposed. True if it was pending.
    pub fn abort(&mut self, checkpoint: CheckpointId) -> bool {
        let open = |p: &Pending| p.checkpoint == checkpoint && !p.completing;
        let pending = self.pending.as_ref().is_some_and(open);
        if pending {
            self.pending = None;
        }
        pending
    }
}

#[cfg(test)]
mod tests;
