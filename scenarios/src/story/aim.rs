//! Triggers with conditions, as they wait.

use stormglass_engine::ids::{CheckpointId, TaskId};
use stormglass_engine::observation::Observation;
use stormglass_sim::time::Instant;
use stormglass_sim::watch::Stamp;

use super::tracker::Arrears;
use super::whom::{Cue, Whom};
use crate::scenario::{Awaited, Event, EventKind, Moment, Phase, Protocol, Subject, Tasks};

/// As many checkpoints or generations have their tasks counted: of older ones nothing comes.
const REMEMBERED: usize = 8;

/// A trigger with conditions, and what it has counted.
#[derive(Clone, Debug)]
pub(super) struct Aim {
    /// What comes one after the other, the first first.
    stages: Vec<Stage>,
    /// The stage that counts.
    at: usize,
}

#[derive(Clone, Debug)]
struct Stage {
    on: Awaited,
    /// How many tasks of a checkpoint or a generation make one time.
    tasks: Option<usize>,
    /// How often it has happened.
    seen: u32,
    /// The tasks that have had the event, by checkpoint or generation.
    groups: Vec<(u32, Vec<TaskId>)>,
    /// The phase that it waits for was the case when this was looked at last.
    inside: bool,
}

/// An observation, and what is known at it.
pub(super) struct Seen<'a> {
    pub(super) at: Stamp,
    pub(super) what: &'a Observation,
    pub(super) kind: Option<EventKind>,
    pub(super) whom: &'a Whom,
    pub(super) arrears: Option<Arrears>,
}

impl Seen<'_> {
    /// What targets go by.
    pub(super) fn cue(&self) -> Cue {
        Cue { by: Some(self.at.node), checkpoint: Subject::of(self.what).checkpoint }
    }
}

impl Aim {
    pub(super) fn new(on: &Awaited, whom: &Whom) -> Aim {
        let mut stages: Vec<Stage> = on.chain().map(|on| Stage::new(on, whom)).collect();
        stages.reverse();
        Aim { stages, at: 0 }
    }

    /// The observations that it has to see; none for all that may change a phase.
    pub(super) fn kind(&self) -> Option<EventKind> {
        match self.stages[self.at].on.event {
            Event::Seen(kind) => Some(kind),
            Event::Entered(_) => None,
        }
    }

    /// Sees an observation. What the fault has to know of it, if that makes the last number full.
    pub(super) fn sees(&mut self, seen: &Seen<'_>) -> Option<Cue> {
        // Tuples enter no phase.
        let of_tuple = matches!(seen.what, Observation::Executed { .. });
        let stage = &mut self.stages[self.at];
        if stage.on.is_phase() && of_tuple {
            return None;
        }
        let subject = Subject::of(seen.what);
        if !stage.sees(&subject, seen) {
            return None;
        }
        self.at += 1;
        if let Some(next) = self.stages.get_mut(self.at) {
            next.begin(seen);
            return None;
        }
        let last = &self.stages[self.at - 1].on;
        Some(match last.event {
            Event::Seen(_) => seen.cue(),
            Event::Entered(_) => {
                Cue { checkpoint: last.checkpoint.map(CheckpointId), ..seen.cue() }
            }
        })
    }
}

impl Stage {
    fn new(on: &Awaited, whom: &Whom) -> Stage {
        let tasks = match (on.tasks, on.event) {
            (Some(tasks), Event::Seen(kind)) => {
                let all = whom.tasks_with(kind, on.of.as_deref());
                Some(match tasks {
                    Tasks::Share(share) => {
                        (u64::from(share.0) * all as u64).div_ceil(1_000_000) as usize
                    }
                    Tasks::Left(left) => all.saturating_sub(left.into()),
                })
            }
            _ => None,
        };
        let inside = matches!(on.event, Event::Entered(phase) if Moment::FIRST.are(phase));
        Stage { on: on.clone(), tasks, seen: 0, groups: Vec::new(), inside }
    }

    /// It counts from the observation after this on.
    fn begin(&mut self, seen: &Seen<'_>) {
        if let Event::Entered(phase) = self.on.event {
            self.inside = self.is(phase, seen, None);
        }
    }

    /// Whether an observation makes its number full.
    fn sees(&mut self, subject: &Subject, seen: &Seen<'_>) -> bool {
        let happens = match self.on.event {
            Event::Seen(kind) => seen.kind == Some(kind),
            Event::Entered(phase) => {
                let before = self.inside;
                self.inside = self.is(phase, seen, None);
                self.inside && !before
            }
        };
        if !happens || !self.holds(subject, seen) || !self.is_of_enough(subject) {
            return false;
        }
        self.seen += 1;
        self.seen == self.on.nth
    }

    /// Whether every condition is met.
    fn holds(&self, subject: &Subject, seen: &Seen<'_>) -> bool {
        let on = &self.on;
        let same = |wanted: Option<u32>, is: Option<u32>| wanted.is_none_or(|n| is == Some(n));
        let of_event = matches!(on.event, Event::Seen(_));
        on.since.is_none_or(|since| seen.at.time >= Instant::ZERO + since)
            && (!of_event || same(on.checkpoint, subject.checkpoint.map(|id| id.0)))
            && same(on.generation, subject.generation.map(|id| id.0))
            && on
                .of
                .as_ref()
                .is_none_or(|of| subject.task.is_some_and(|task| seen.whom.is_task_of(task, of)))
            && on.by.as_ref().is_none_or(|by| seen.whom.is(by, seen.at.node))
            && Protocol::ALL.iter().all(|protocol| self.is_in_time(*protocol, subject, seen))
    }

    /// Whether a protocol is in one of its phases that are named, if any are.
    fn is_in_time(&self, protocol: Protocol, subject: &Subject, seen: &Seen<'_>) -> bool {
        let mut named = self.on.during.iter().filter(|phase| phase.protocol() == protocol);
        let Some(first) = named.next() else { return true };
        self.is(*first, seen, Some(subject)) || named.any(|p| self.is(*p, seen, Some(subject)))
    }

    /// Whether a phase is the case: that of the checkpoint that is named, or, if it is one of
    /// checkpoints, of that which an observation is about.
    fn is(&self, phase: Phase, seen: &Seen<'_>, subject: Option<&Subject>) -> bool {
        let about = subject.filter(|_| phase.protocol() == Protocol::Checkpoint);
        let about = about.and_then(|subject| subject.checkpoint);
        let of = self.on.checkpoint.map(CheckpointId).or(about);
        seen.whom.is_phase(phase, of, seen.whom.moment(seen.at.time, seen.arrears))
    }

    /// Whether this is one time: where tasks are counted, if it is of the one that was missing.
    fn is_of_enough(&mut self, subject: &Subject) -> bool {
        let Some(enough) = self.tasks else { return true };
        let by_generation = self.on.event == Event::Seen(EventKind::Restored);
        let group = match by_generation {
            true => subject.generation.map(|id| id.0),
            false => subject.checkpoint.map(|id| id.0),
        };
        let (Some(group), Some(task)) = (group, subject.task) else { return false };
        if !self.groups.iter().any(|(known, _)| *known == group) {
            if self.groups.len() == REMEMBERED {
                self.groups.remove(0);
            }
            self.groups.push((group, Vec::new()));
        }
        let known = self.groups.iter_mut().find(|(known, _)| *known == group);
        let (_, tasks) = known.expect("it has just been put in");
        if tasks.contains(&task) {
            return false;
        }
        tasks.push(task);
        tasks.len() == enough
    }
}
