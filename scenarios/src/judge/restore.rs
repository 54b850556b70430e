//! Verifies: that a new generation restores the newest completed checkpoint, or the newest one that
//! was not found unreadable in a run whose faults destroy what is durable; that all its tasks
//! start from that one, and each starts once (`restore-latest`); that checkpoints complete with
//! rising ids, in the newest generation, with a cut and an acknowledgement of every task
//! (`consistent-cut`); that a job ends with its newest complete savepoint (`consistent-cut`).
//!
//! Does not verify: that what a task loads is what was stored (the oracle does, by the next cut).

use stormglass_engine::barrier::CheckpointKind;
use stormglass_engine::ids::{CheckpointId, Generation, TaskId};
use stormglass_engine::observation::Observation;

use super::history::History;
use super::law::{Findings, Law, Witness};
use super::plan::Plan;

/// Which checkpoints completed, and what generations start from.
#[derive(Clone, Debug, Default)]
pub(super) struct Restores {
    completed: Vec<Completed>,
    /// Of these, the ones that no store had a sound copy of.
    unreadable: Vec<CheckpointId>,
    /// None is left that could be restored.
    stranded: bool,
    last: Option<Witness>,
    granted: Vec<Grant>,
}

#[derive(Clone, Copy, Debug)]
struct Completed {
    checkpoint: CheckpointId,
    generation: Generation,
    kind: CheckpointKind,
    /// What it covers may be shown: its completion was told to the sinks, or a generation started
    /// from it.
    public: bool,
}

#[derive(Clone, Debug)]
struct Grant {
    generation: Generation,
    restore: Option<CheckpointId>,
    seen: Witness,
    /// One bit a task.
    restored: Vec<u64>,
}

impl Restores {
    /// The run starts from a savepoint, and what that covers is public.
    pub(super) fn inherit(&mut self, checkpoint: CheckpointId) {
        let (generation, kind) = (Generation(0), CheckpointKind::Savepoint);
        self.completed.push(Completed { checkpoint, generation, kind, public: true });
    }
    /// The newest completed checkpoint that is not known to be unreadable.
    pub(super) fn last_completed(&self) -> Option<CheckpointId> {
        let readable = |one: &&Completed| !self.unreadable.contains(&one.checkpoint);
        self.completed.iter().rev().find(readable).map(|one| one.checkpoint)
    }

    /// A checkpoint was found unreadable. False if it was not the newest, or nothing that was
    /// durable can have been destroyed.
    pub(super) fn unreadable(
        &mut self,
        destroys: bool,
        seen: Witness,
        findings: &mut Findings,
    ) -> bool {
        let Observation::CheckpointUnreadable { checkpoint } = seen.what else { return true };
        let newest = self.last_completed() == Some(checkpoint);
        if !destroys || !newest {
            let why = if newest { "nothing durable was destroyed" } else { "it is not the newest" };
            let sentence =
                format!("checkpoint {} was given up as unreadable, but {why}", checkpoint.0);
            let events: Vec<Witness> = self.last.into_iter().chain([seen]).collect();
            findings.report(Law::RestoreLatest, seen.at, sentence, &events);
        }
        self.unreadable.push(checkpoint);
        destroys && newest
    }
    /// Whether a checkpoint was found unreadable after it had completed.
    pub(super) fn is_unreadable(&self, checkpoint: CheckpointId) -> bool {
        self.unreadable.contains(&checkpoint)
    }
    /// No checkpoint is left that could be restored: what generations are granted for is of no
    /// matter any more, for none of them can start.
    pub(super) fn strand(&mut self) {
        self.stranded = true;
    }
    /// Whether that is so.
    pub(super) fn is_stranded(&self) -> bool {
        self.stranded
    }
    /// How many completed.
    pub(super) fn completed(&self) -> u64 {
        self.completed.len() as u64
    }
    /// The checkpoint that covers what `checkpoint` ended in a generation: itself, or if it was
    /// given up, the next one of that generation that completed.
    #[inline]
    pub(super) fn covering(
        &self,
        checkpoint: CheckpointId,
        generation: Generation,
    ) -> Option<CheckpointId> {
        self.later(checkpoint, generation).last().map(|completed| completed.checkpoint)
    }
    /// Whether what `checkpoint` ended in a generation may be shown. A plain savepoint by itself
    /// shows nothing.
    #[inline]
    pub(super) fn may_show(&self, checkpoint: CheckpointId, generation: Generation) -> bool {
        self.later(checkpoint, generation).any(|completed| completed.public)
    }
    /// The completed checkpoints of a generation from one on, newest first.
    #[inline]
    fn later(
        &self,
        from: CheckpointId,
        generation: Generation,
    ) -> impl Iterator<Item = &Completed> {
        let later = self.completed.iter().rev().take_while(move |c| c.checkpoint >= from);
        later.filter(move |completed| completed.generation == generation)
    }
    /// The observation of the newest completion.
    pub(super) fn last_completion(&self) -> Option<Witness> {
        self.last
    }

    /// A newer generation was granted. False if it does not restore the newest checkpoint.
    pub(super) fn granted(&mut self, plan: &Plan, seen: Witness, findings: &mut Findings) -> bool {
        let Observation::Granted { generation, restore, .. } = seen.what else { return true };
        let restored = vec![0; usize::from(plan.topology.tasks()) / 64 + 1];
        if let Some(start) = self.completed.iter_mut().find(|c| Some(c.checkpoint) == restore) {
            start.public = true;
        }
        self.granted.push(Grant { generation, restore, seen, restored });
        if self.stranded {
            return false;
        }
        let newest = self.last_completed();
        if restore != newest {
            let sentence = format!(
                "generation {} was granted to restore {}, but the newest completed is {}",
                generation.0,
                name(restore),
                name(newest)
            );
            let events: Vec<Witness> = self.last.into_iter().chain([seen]).collect();
            findings.report(Law::RestoreLatest, seen.at, sentence, &events);
        }
        restore == newest
    }

    /// A task starts in a generation.
    pub(super) fn restored(&mut self, plan: &Plan, seen: Witness, findings: &mut Findings) {
        let Observation::Restored { task, generation, checkpoint, .. } = seen.what else { return };
        let mut report = |what: String, grant: Option<Witness>| {
            let sentence = format!("{} {what}", plan.name(task));
            let events: Vec<Witness> = grant.into_iter().chain([seen]).collect();
            findings.report(Law::RestoreLatest, seen.at, sentence, &events);
        };
        let g = generation.0;
        let grant = self.granted.iter_mut().rev().find(|grant| grant.generation == generation);
        let Some(grant) = grant else {
            return report(format!("was restored in generation {g}, which nobody granted"), None);
        };
        if grant.restore != checkpoint {
            let (got, due) = (name(checkpoint), name(grant.restore));
            let what = format!("restored {got} in generation {g}, which was to restore {due}");
            report(what, Some(grant.seen));
        }
        let Some(word) = grant.restored.get_mut(usize::from(task.0) / 64) else { return };
        let bit = 1 << (task.0 % 64);
        if *word & bit != 0 {
            report(format!("was restored twice in generation {g}"), Some(grant.seen));
        }
        *word |= bit;
    }

    /// The job ended.
    pub(super) fn stopped(&self, seen: Witness, findings: &mut Findings) {
        let Observation::Stopped { checkpoint, .. } = seen.what else { return };
        let due = self.completed.last().filter(|last| last.kind.stops());
        if due.map(|last| last.checkpoint) != Some(checkpoint) {
            let c = checkpoint.0;
            let sentence = format!("the job ended with {c}, which is no complete savepoint");
            let events: Vec<Witness> = self.last.into_iter().chain([seen]).collect();
            findings.report(Law::ConsistentCut, seen.at, sentence, &events);
        }
    }

    /// A checkpoint completed. False if it cannot be folded.
    pub(super) fn completes(
        &mut self,
        plan: &Plan,
        history: &History,
        seen: Witness,
        findings: &mut Findings,
    ) -> bool {
        let Observation::CheckpointCompleted { checkpoint, kind, generation, .. } = seen.what
        else {
            return false;
        };
        let (c, g) = (checkpoint.0, generation.0);
        let previous = self.completed.last().map(|last| last.checkpoint);
        let ended = self.completed.last().is_some_and(|last| last.kind.stops());
        let public = kind.publishes();
        self.completed.push(Completed { checkpoint, generation, kind, public });
        self.last = Some(seen);
        let (law, sentence) = if let Some(previous) = previous.filter(|p| *p >= checkpoint) {
            (
                Law::ConsistentCut,
                format!("checkpoint {c} completed after checkpoint {}", previous.0),
            )
        } else if ended {
            let what = format!("checkpoint {c} completed after the savepoint that ends the job");
            (Law::ConsistentCut, what)
        } else if generation != history.generation() {
            let newest = history.generation().0;
            let what = format!("checkpoint {c} of generation {g} completed in generation {newest}");
            (Law::RestoreLatest, what)
        } else if let Some((task, what)) = incomplete(plan, history, checkpoint) {
            let name = plan.name(task);
            (
                Law::ConsistentCut,
                format!("checkpoint {c} of generation {g} completed {what} {name}"),
            )
        } else {
            return true;
        };
        findings.report(law, seen.at, sentence, &[seen]);
        false
    }
}

/// The first task without a cut or an acknowledgement.
fn incomplete(
    plan: &Plan,
    history: &History,
    checkpoint: CheckpointId,
) -> Option<(TaskId, &'static str)> {
    let lacks = |task: TaskId| {
        let of_task = history.task(task)?;
        if of_task.mark(checkpoint).is_none() {
            return Some((task, "without a cut of"));
        }
        let acked = of_task.has_acked(checkpoint);
        (!acked).then_some((task, "without the acknowledgement of"))
    };
    (1..=plan.topology.tasks()).map(TaskId).find_map(lacks)
}

fn name(checkpoint: Option<CheckpointId>) -> String {
    checkpoint.map_or("nothing".into(), |id| format!("checkpoint {}", id.0))
}
