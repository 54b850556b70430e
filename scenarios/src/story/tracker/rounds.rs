//! Checkpoints under way, task by task.

use std::collections::VecDeque;

use stormglass_engine::coordinator::checkpoint_spout::Phase as Transaction;
use stormglass_engine::ids::{CheckpointId, TaskId};
use stormglass_engine::observation::acking::Acking;
use stormglass_engine::observation::{Observation, Step};
use stormglass_engine::topology::{Kind, Topology};

use crate::scenario::Phase;

/// As many checkpoints are remembered: more are never under way at once.
const REMEMBERED: usize = 4;

/// The newest checkpoints, the latest triggered last.
#[derive(Clone, Debug)]
pub(in crate::story) struct Rounds {
    rounds: VecDeque<Round>,
    /// How far each task, from the first on, has come at the beginning: those that owe no part have
    /// nothing left to do.
    first: Vec<Come>,
    /// How many tasks are told of a completion: the sinks. None where stateful bolts commit.
    told: Option<u16>,
}

/// How far a task has come with a checkpoint; it never goes back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::story) enum Come {
    /// It has seen no barrier.
    Nowhere,
    /// It has one barrier and waits for others.
    Aligning,
    /// It has taken its part, and its barriers leave.
    Cut,
    /// Its part is on its way to the store.
    Uploading,
    /// Its part is acknowledged.
    Acknowledged,
    /// It was told that the checkpoint is complete.
    Notified,
}

/// One checkpoint.
#[derive(Clone, Debug)]
pub(in crate::story) struct Round {
    pub(in crate::story) checkpoint: CheckpointId,
    /// How far each task has come, from the first on.
    come: Vec<Come>,
    /// How many of those that owe a part have come so far and no farther.
    exactly: [u16; Come::Notified as usize + 1],
    complete: bool,
    /// Nothing is to follow.
    over: bool,
    last_cut: Option<TaskId>,
    last_acknowledged: Option<TaskId>,
}

impl Rounds {
    pub(super) fn new(topology: &Topology, acking: bool) -> Rounds {
        // Where stateful bolts commit, those with keyed state have something to prepare.
        let first = |task| {
            let component = topology.component_of(task);
            let owes = !acking || component.is_keyed() && matches!(component.kind, Kind::Bolt(_));
            if owes { Come::Nowhere } else { Come::Notified }
        };
        let first = (1..=topology.tasks()).map(|task| first(TaskId(task))).collect();
        let sinks = topology.components().iter().filter(|c| matches!(c.kind, Kind::Sink(_)));
        let told = sinks.map(|sink| sink.tasks().count() as u16).sum();
        Rounds { rounds: VecDeque::new(), first, told: (!acking).then_some(told) }
    }

    pub(super) fn observed(&mut self, what: &Observation) {
        match *what {
            Observation::CheckpointTriggered { checkpoint, .. } => self.begin(checkpoint),
            Observation::Stepped { step, task, checkpoint, .. } => match step {
                Step::Aligning => self.come(checkpoint, task, Come::Aligning),
                Step::Uploading => self.come(checkpoint, task, Come::Uploading),
                Step::Notified => {
                    self.come(checkpoint, task, Come::Notified);
                    self.end_if_told(checkpoint);
                }
                Step::BarrierSent => {}
            },
            Observation::Cut { task, checkpoint, .. } => self.come(checkpoint, task, Come::Cut),
            Observation::CheckpointAcked { checkpoint, task, .. } => {
                self.come(checkpoint, task, Come::Acknowledged);
            }
            Observation::CheckpointCompleted { checkpoint, kind, .. } => {
                if let Some(round) = self.find(checkpoint) {
                    round.complete = true;
                    // Nobody is told of a savepoint.
                    round.over = !kind.publishes();
                }
                self.end_if_told(checkpoint);
            }
            Observation::Acking(Acking::Stepped {
                version, phase: Transaction::Committed, ..
            }) => {
                if let Some(round) = self.find(version) {
                    round.over = true;
                }
            }
            Observation::CheckpointAborted { checkpoint, .. } => {
                self.rounds.retain(|round| round.checkpoint != checkpoint);
            }
            // A new leader knows of none that waits for acknowledgements.
            Observation::Leads { .. } => {
                self.rounds.retain(|round| round.complete || round.is_acknowledged());
            }
            // What the generation before has begun is over.
            Observation::Granted { .. } | Observation::Stopped { .. } => self.rounds.clear(),
            _ => {}
        }
    }

    fn begin(&mut self, checkpoint: CheckpointId) {
        if self.rounds.len() == REMEMBERED {
            self.rounds.pop_front();
        }
        let mut exactly = [0; Come::Notified as usize + 1];
        exactly[Come::Nowhere as usize] =
            self.first.iter().filter(|come| **come == Come::Nowhere).count() as u16;
        self.rounds.push_back(Round {
            checkpoint,
            come: self.first.clone(),
            exactly,
            complete: false,
            over: false,
            last_cut: None,
            last_acknowledged: None,
        });
    }

    /// A complete one of which every sink has been told is over.
    fn end_if_told(&mut self, checkpoint: CheckpointId) {
        let told = self.told;
        if let Some(round) = self.find(checkpoint) {
            let notified = round.exactly[Come::Notified as usize];
            round.over |= round.complete && told.is_some_and(|told| notified >= told);
        }
    }

    fn find(&mut self, checkpoint: CheckpointId) -> Option<&mut Round> {
        self.rounds.iter_mut().rev().find(|round| round.checkpoint == checkpoint)
    }

    fn come(&mut self, checkpoint: CheckpointId, task: TaskId, to: Come) {
        let at = usize::from(task.0) - 1;
        let Some(round) = self.find(checkpoint) else { return };
        let from = round.come[at];
        if to <= from {
            return;
        }
        round.come[at] = to;
        round.exactly[from as usize] -= 1;
        round.exactly[to as usize] += 1;
        if from < Come::Cut && to >= Come::Cut {
            round.last_cut = Some(task);
        }
        if from < Come::Acknowledged && to >= Come::Acknowledged {
            round.last_acknowledged = Some(task);
        }
    }

    /// The newest checkpoint under way.
    pub(in crate::story) fn newest(&self) -> Option<&Round> {
        self.rounds.back()
    }

    /// A checkpoint, if it is remembered and has not been given up.
    pub(in crate::story) fn get(&self, checkpoint: CheckpointId) -> Option<&Round> {
        self.rounds.iter().rev().find(|round| round.checkpoint == checkpoint)
    }

    /// Whether a task owes a part.
    pub(in crate::story) fn owes(&self, task: TaskId) -> bool {
        self.first[usize::from(task.0) - 1] == Come::Nowhere
    }

    /// The phase of the newest.
    pub(super) fn phase(&self) -> Phase {
        self.newest().map_or(Phase::BetweenCheckpoints, Round::phase)
    }
}

impl Round {
    /// How many tasks have come so far, or farther.
    fn at_least(&self, come: Come) -> u16 {
        self.exactly[come as usize..].iter().sum()
    }

    /// Whether every part is acknowledged.
    fn is_acknowledged(&self) -> bool {
        self.at_least(Come::Acknowledged) == self.at_least(Come::Nowhere)
    }

    pub(in crate::story) fn phase(&self) -> Phase {
        let owed = self.at_least(Come::Nowhere);
        let acknowledged = self.at_least(Come::Acknowledged);
        if self.over {
            Phase::BetweenCheckpoints
        } else if self.complete {
            Phase::CompletedNotNotified
        } else if acknowledged == owed {
            Phase::AllAcknowledged
        } else if 2 * acknowledged >= owed {
            Phase::HalfAcknowledged
        } else if self.at_least(Come::Cut) == owed {
            Phase::Uploading
        } else if self.exactly[Come::Aligning as usize] > 0 {
            Phase::Aligning
        } else if self.at_least(Come::Cut) > 0 {
            Phase::BarriersTravelling
        } else {
            Phase::Triggered
        }
    }

    /// A task that has not taken its part; if all have, the one that did so last.
    pub(in crate::story) fn holder(&self) -> Option<TaskId> {
        self.without(Come::Cut).next().or(self.last_cut)
    }

    /// A task whose part is not acknowledged; one that has not even taken it, if there is any.
    pub(in crate::story) fn slowest(&self) -> Option<TaskId> {
        self.without(Come::Cut).next().or_else(|| self.without(Come::Acknowledged).next())
    }

    /// The task whose part was acknowledged last.
    pub(in crate::story) fn last_acknowledged(&self) -> Option<TaskId> {
        self.last_acknowledged
    }

    /// The tasks that have not come so far, in order.
    fn without(&self, come: Come) -> impl Iterator<Item = TaskId> {
        let all = (1..).map(TaskId).zip(&self.come);
        all.filter(move |(_, at)| **at < come).map(|(task, _)| task)
    }
}
