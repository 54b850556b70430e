//! A sink task: what it receives goes to the receiver, in one of three ways.
//!
//! [`two_phase`] writes transactions that checkpoints end and their completions commit; [`direct`]
//! writes at once, plain or under keys, and has everything durable before it takes part in a
//! checkpoint.
//!
//! A receiver that is slow slows the sink down, and with it whoever sends to the sink: no more than
//! a window of records is on its way that the receiver has not said to have taken.

use alloc::sync::Arc;

use super::inputs::Inputs;
use super::links::Env;
use super::task::Failed;
use crate::ids::{CheckpointId, TaskId};
use crate::message::{Data, Gone};
use crate::names::{Probe, Twist};
use crate::observation::Observation;
use crate::permit::CommitPermit;
use crate::snapshot::Snapshot;
use crate::topology::Delivery;

mod direct;
mod two_phase;

use direct::Direct;
use two_phase::TwoPhase;

/// Records that may be on their way to the receiver, besides those of the end of a transaction:
/// twice what a sink sends at once.
const WINDOW: u32 = 2 * two_phase::WRITE_AFTER as u32;

/// A sink task.
#[derive(Clone, Debug)]
pub(super) struct Sink {
    task: TaskId,
    pub(super) inputs: Inputs,
    way: Way,
    /// Records that the receiver has not said to have taken.
    sent: u32,
}

#[derive(Clone, Debug)]
enum Way {
    TwoPhase(TwoPhase),
    Direct(Direct),
}

impl Sink {
    pub(super) fn new(task: TaskId, inputs: Inputs, delivery: Delivery) -> Self {
        let way = match delivery {
            Delivery::Transactional => Way::TwoPhase(TwoPhase::new(task)),
            Delivery::Idempotent => Way::Direct(Direct::new(task, true)),
            Delivery::Plain => Way::Direct(Direct::new(task, false)),
        };
        Sink { task, inputs, way, sent: 0 }
    }

    /// Whether it has to wait until the receiver has taken more.
    pub(super) fn is_full(&self, env: &mut Env<'_, '_>) -> bool {
        let full = self.sent >= WINDOW;
        if full {
            env.cx.probe(Probe::SinkStalled);
        }
        full && !env.cx.twist(Twist::SinkWindowIgnored)
    }

    /// The receiver has taken so many more.
    pub(super) fn taken(&mut self, tuples: u32) {
        self.sent = self.sent.saturating_sub(tuples);
    }

    /// Commits what a restored checkpoint covers and throws away what older generations left.
    pub(super) fn recover(
        &mut self,
        snapshot: &Snapshot,
        permit: Option<CommitPermit>,
        env: &mut Env<'_, '_>,
    ) {
        two_phase::recover(self.task, snapshot, permit, env);
    }

    /// Takes a batch.
    pub(super) fn execute(&mut self, data: &Arc<Data>, env: &mut Env<'_, '_>) {
        let (task, from, generation) = (self.task, data.from, env.generation);
        for (head, _) in data.batch.iter() {
            let (root, child, group) = (head.root, head.child, None);
            env.cx.observe(Observation::Executed { task, from, generation, root, child, group });
        }
        self.sent += match &mut self.way {
            Way::TwoPhase(way) => way.execute(data, env),
            Way::Direct(way) => {
                way.execute(data, env);
                data.batch.len() as u32
            }
        };
    }

    /// Takes its part of a checkpoint. Some if the receiver has to confirm what came before it: up
    /// to which checkpoint. That may be one that was given up.
    pub(super) fn cut(
        &mut self,
        checkpoint: CheckpointId,
        snapshot: &mut Snapshot,
        env: &mut Env<'_, '_>,
    ) -> Option<CheckpointId> {
        match &mut self.way {
            Way::TwoPhase(way) => way.cut(checkpoint, snapshot, env),
            Way::Direct(way) => way.cut(checkpoint, env),
        }
    }

    /// Where acking takes the place of barriers: asks the receiver to confirm what was written,
    /// under a number.
    pub(super) fn confirm(&mut self, number: CheckpointId, env: &mut Env<'_, '_>) {
        if let Way::Direct(way) = &mut self.way {
            way.cut(number, env);
        }
    }

    /// The receiver has confirmed everything up to a checkpoint: its log is in order.
    pub(super) fn pre_committed(&mut self, checkpoint: CheckpointId) {
        match &mut self.way {
            Way::TwoPhase(way) => way.pre_committed(checkpoint),
            Way::Direct(way) => way.flushed(checkpoint),
        }
    }

    /// A checkpoint is complete: everything up to it becomes visible.
    pub(super) fn commit(
        &mut self,
        permit: CommitPermit,
        env: &mut Env<'_, '_>,
    ) -> Result<(), Failed> {
        match &mut self.way {
            Way::TwoPhase(way) => way.commit(permit, env),
            Way::Direct(_) => Ok(()),
        }
    }

    /// The receiver has made everything up to a checkpoint visible.
    pub(super) fn committed(&mut self, checkpoint: CheckpointId) {
        if let Way::TwoPhase(way) = &mut self.way {
            way.committed(checkpoint);
        }
    }

    /// A checkpoint is given up. Its transaction stays pending, and is committed with a later one.
    pub(super) fn abandoned(&mut self, checkpoint: CheckpointId, env: &mut Env<'_, '_>) {
        if let Way::TwoPhase(way) = &mut self.way {
            way.abandoned(checkpoint, env);
        }
    }

    /// The receiver cannot commit at this moment.
    pub(super) fn busy(&mut self, env: &mut Env<'_, '_>) {
        if let Way::TwoPhase(way) = &mut self.way {
            way.busy(env);
        }
    }

    /// Asks again for what the receiver was too busy to commit.
    pub(super) fn retry(&mut self, env: &mut Env<'_, '_>) {
        if let Way::TwoPhase(way) = &mut self.way {
            way.retry(env);
        }
    }

    /// A transaction timed out at the receiver: its records are lost.
    pub(super) fn gone(&mut self, gone: &Gone, env: &mut Env<'_, '_>) {
        if let Way::TwoPhase(way) = &mut self.way {
            way.gone(gone, env);
        }
    }

    /// Whether nothing is left to commit.
    pub(super) fn is_settled(&self) -> bool {
        match &self.way {
            Way::TwoPhase(way) => way.is_settled(),
            Way::Direct(_) => true,
        }
    }
}
