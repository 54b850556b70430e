//! The checkpoint spout: Storm's commit of stateful bolts in three phases.
//!
//! Rules after Storm's `CheckpointSpout` and `CheckPointState` (SEMANTICS 1.4). What it stands at,
//! (txid, phase), is persisted before each step is emitted. It begins in recovery, and any failure
//! of a step leads back into it:
//!
//! | stands at | normal | recovering | once acked, normal | recovering |
//! |---|---|---|---|---|
//! | preparing n | prepare | rollback | committing n | committed n-1 |
//! | committing n | commit | commit | committed n | committed n |
//! | committed n | when due: preparing n+1 | init-state | - | recovery is over |
//!
//! An emission of a step has a number of its own, so that an answer to one that was given up counts
//! for no other.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::time::{Instant, Span};

use crate::handle::Part;
use crate::ids::{TaskId, Txid};

/// How far a transaction has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Tasks are to prepare it.
    Preparing,
    /// Every task has prepared it: it will be committed, whatever happens.
    Committing,
    /// Every task has committed it.
    Committed,
}

/// What the checkpoint spout stands at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TxState {
    /// The transaction.
    pub txid: Txid,
    /// How far it has come.
    pub phase: Phase,
}

/// What a checkpoint tuple asks of a bolt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Make what has been done since the last transaction durable.
    Prepare,
    /// What is prepared holds from now on.
    Commit,
    /// Forget what is prepared and what came after it.
    Rollback,
    /// The state is as it was committed last: begin to execute.
    InitState,
}

impl TxState {
    /// Nothing was ever committed.
    pub const INITIAL: TxState = TxState { txid: Txid(0), phase: Phase::Committed };

    /// What is emitted at it. At a committed transaction only a recovery emits something.
    pub const fn action(self, recovering: bool) -> Action {
        match (self.phase, recovering) {
            (Phase::Preparing, false) => Action::Prepare,
            (Phase::Preparing, true) => Action::Rollback,
            (Phase::Committing, _) => Action::Commit,
            (Phase::Committed, _) => Action::InitState,
        }
    }

    /// What comes after it. A recovery ends at the committed transaction, and stays there.
    pub const fn next(self, recovering: bool) -> TxState {
        let TxState { txid, phase } = self;
        match (phase, recovering) {
            (Phase::Preparing, false) => TxState { txid, phase: Phase::Committing },
            (Phase::Preparing, true) => TxState { txid: Txid(txid.0 - 1), phase: Phase::Committed },
            (Phase::Committing, _) => TxState { txid, phase: Phase::Committed },
            (Phase::Committed, false) => {
                TxState { txid: Txid(txid.0 + 1), phase: Phase::Preparing }
            }
            (Phase::Committed, true) => self,
        }
    }

    /// Whether the checkpoint spout can go from here to there in one step.
    pub fn leads_to(self, next: TxState) -> bool {
        next != self && (next == self.next(false) || next == self.next(true))
    }

    /// The newest transaction that nothing can undo any more.
    pub const fn decided(self) -> Txid {
        match self.phase {
            Phase::Preparing => Txid(self.txid.0 - 1),
            Phase::Committing | Phase::Committed => self.txid,
        }
    }
}

/// The spout, for as long as one coordinator leads one generation.
#[derive(Clone, Debug)]
pub struct CheckpointSpout {
    recovering: bool,
    step: Step,
    emissions: u32,
    /// The last transaction was begun, or the generation began to run.
    last_begun: Instant,
    /// The next one is due at once.
    hurried: bool,
}

/// What is being waited for.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Step {
    Nothing,
    /// A state is being replicated.
    Persisting,
    /// These tasks have not answered an emission.
    Emitted {
        emission: u32,
        missing: BTreeSet<TaskId>,
        parts: Vec<Arc<Part>>,
    },
    /// All have; this is what they prepared.
    Acked(Vec<Arc<Part>>),
}

/// What to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Something is under way.
    Wait,
    /// Nothing is due before this instant.
    WaitUntil(Instant),
    /// Persist this, with what the tasks have prepared.
    Persist(TxState, Vec<Arc<Part>>),
    /// Emit this step.
    Emit(Action),
}

impl CheckpointSpout {
    /// A spout that has just been opened: it recovers first.
    pub const fn new(now: Instant) -> Self {
        CheckpointSpout {
            recovering: true,
            step: Step::Nothing,
            emissions: 0,
            last_begun: now,
            hurried: false,
        }
    }

    /// A new generation runs. Emissions are counted on, so that no timer of an old one is mistaken.
    pub fn reopen(&mut self, now: Instant) {
        *self = CheckpointSpout { emissions: self.emissions, ..CheckpointSpout::new(now) };
    }

    /// The next transaction is due at once.
    pub fn hurry(&mut self) {
        self.hurried = true;
    }

    /// Decides what to do at what is persisted.
    pub fn decide(&mut self, at: TxState, now: Instant, interval: Span) -> Decision {
        if let Step::Acked(parts) = &mut self.step {
            let (next, parts) = (at.next(self.recovering), core::mem::take(parts));
            if next != at {
                self.step = Step::Persisting;
                return Decision::Persist(next, parts);
            }
            (self.recovering, self.step) = (false, Step::Nothing);
        }
        if self.step != Step::Nothing {
            return Decision::Wait;
        }
        if self.recovering || at.phase != Phase::Committed {
            return Decision::Emit(at.action(self.recovering));
        }
        let due = self.last_begun + interval;
        if now < due && !self.hurried {
            return Decision::WaitUntil(due);
        }
        (self.last_begun, self.hurried, self.step) = (now, false, Step::Persisting);
        Decision::Persist(at.next(false), Vec::new())
    }

    /// What was to be persisted is.
    pub fn persisted(&mut self) {
        self.step = Step::Nothing;
    }

    /// A step is emitted to these tasks; returns the emission's number.
    pub fn emit(&mut self, to: BTreeSet<TaskId>) -> u32 {
        self.emissions += 1;
        let parts = Vec::new();
        self.step = match to.is_empty() {
            true => Step::Acked(parts),
            false => Step::Emitted { emission: self.emissions, missing: to, parts },
        };
        self.emissions
    }

    /// A task has done a step. True if it was the last one.
    pub fn ack(&mut self, of: u32, task: TaskId) -> bool {
        self.take(Some(of), task, None)
    }

    /// What a task prepares is durable; `at` is the very transaction that it is for. True if it was
    /// the last one.
    pub fn prepared(&mut self, at: TxState, part: Arc<Part>) -> bool {
        let awaited = at.action(self.recovering) == Action::Prepare;
        awaited && self.take(None, part.task, Some(part))
    }

    fn take(&mut self, of: Option<u32>, task: TaskId, part: Option<Arc<Part>>) -> bool {
        let Step::Emitted { emission, missing, parts } = &mut self.step else { return false };
        if of.is_some_and(|of| *emission != of) || !missing.remove(&task) {
            return false;
        }
        parts.extend(part);
        if !missing.is_empty() {
            return false;
        }
        self.step = Step::Acked(core::mem::take(parts));
        true
    }

    /// A step failed at some task, or was not acked in time. True if that is news.
    pub fn fail(&mut self, of: u32) -> bool {
        let news = matches!(&self.step, Step::Emitted { emission, .. } if *emission == of);
        if news {
            (self.recovering, self.step) = (true, Step::Nothing);
        }
        news
    }
}

#[cfg(test)]
mod tests;
