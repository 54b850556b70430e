//! The coordinator's metadata: a replicated state machine of commands.
//!
//! Everything that must survive the loss of a coordinator is here and changes by [`Command`]s
//! alone. Applying is a pure function of (state, request), and a command that was overtaken is
//! refused, not an error: whoever proposed it learns the outcome when it is applied. A request
//! names its client and a rising sequence (dissertation, 6.3): one that comes again, because its
//! answer was lost, changes nothing and gets the same answer.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{Lane, NodeId};
use stormglass_sim::time::Span;

use super::checkpoint_spout::{Phase, TxState};
use super::interval::Experience;
use crate::barrier::CheckpointKind;
use crate::handle::{FileId, Part, Replicas};
use crate::ids::{Attempt, CheckpointId, ComponentId, Generation, TaskId};
use crate::names::{Switches, Twist};
use crate::observation::Call;
use crate::origin::Origin;

mod codec;

/// Which worker runs which task in a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The generation.
    pub generation: Generation,
    /// The execution attempt of every task in it.
    pub attempt: Attempt,
    /// The version of the goal that it was made for.
    pub basis: u32,
    /// The workers, with the incarnation that was chosen.
    pub workers: Vec<(NodeId, u32)>,
    /// The worker of each task; the first entry is that of task 1.
    pub tasks: Vec<NodeId>,
    /// The executor of each task, named by its first task: tasks of one executor share a thread.
    pub executors: Vec<TaskId>,
}

impl Assignment {
    /// The thread that runs a task.
    pub fn lane_of(&self, task: TaskId) -> Lane {
        Lane(self.executors[usize::from(task.0) - 1].0)
    }
    /// The worker of a task.
    pub fn worker_of(&self, task: TaskId) -> NodeId {
        self.tasks[usize::from(task.0) - 1]
    }
    /// The tasks of a worker, ascending.
    pub fn tasks_of(&self, worker: NodeId) -> impl Iterator<Item = TaskId> {
        let numbered = (1..).map(TaskId).zip(&self.tasks);
        numbered.filter(move |(_, node)| **node == worker).map(|(task, _)| task)
    }
}

/// A completed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// Its id.
    pub checkpoint: CheckpointId,
    /// What it is for.
    pub kind: CheckpointKind,
    /// The generation that took it.
    pub generation: Generation,
    /// The execution attempt that took it.
    pub attempt: Attempt,
    /// What its tasks keep; the first entry is task 1's.
    pub parts: Vec<Arc<Part>>,
    /// How long the generation had run since the metadata was told last.
    pub ran: Span,
}

impl Completed {
    /// Logical size of all its state in bytes.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.state).sum()
    }
    /// For how long it stopped the task that it stopped longest.
    pub fn stopped(&self) -> Span {
        self.parts.iter().map(|part| part.stopped).max().unwrap_or_default()
    }
    /// The files that it needs.
    pub fn files(&self) -> impl Iterator<Item = FileId> {
        self.parts.iter().flat_map(|part| part.files.iter().map(|file| file.id))
    }
}

/// How the topology is to be spread. Operators change it; schedulers follow it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Goal {
    /// Rises with every change of the goal or of the members.
    pub version: u32,
    /// Workers to use; none for as many as there are.
    pub workers: Option<u16>,
    /// Executors of components; the others have one for each task.
    pub executors: BTreeMap<ComponentId, u16>,
}

/// A change of the metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Start a generation. Refused unless it follows the current one.
    Grant {
        /// The new generation.
        generation: Generation,
        /// The version of the goal that it is made for.
        basis: u32,
        /// How the one before it ended.
        ended: Ended,
        /// The workers, with their incarnations.
        workers: Vec<(NodeId, u32)>,
        /// The worker of each task.
        tasks: Vec<NodeId>,
        /// The executor of each task.
        executors: Vec<TaskId>,
    },
    /// Take the next checkpoint id. Refused unless the generation is current.
    Reserve {
        /// The generation that will take the checkpoint.
        generation: Generation,
    },
    /// Declare a checkpoint complete. Refused unless its generation is current and it is newer than
    /// every completed one.
    Complete(Completed),
    /// The job has ended with a savepoint. Refused unless that is the latest, and the generation is
    /// current.
    Stop {
        /// The generation.
        generation: Generation,
        /// The savepoint.
        checkpoint: CheckpointId,
    },
    /// The checkpoint spout goes on to a state. Refused unless the generation is current and the
    /// state follows the present one.
    Step {
        /// The generation whose tasks did the step.
        generation: Generation,
        /// The state.
        to: TxState,
        /// What all tasks keep, if they have just prepared it.
        parts: Vec<Arc<Part>>,
    },
    /// A supervisor's workers may be used.
    Join {
        /// The supervisor.
        supervisor: NodeId,
    },
    /// They may not be used any more.
    Leave {
        /// The supervisor.
        supervisor: NodeId,
    },
    /// Spread the topology anew (Storm's `rebalance`).
    Rebalance {
        /// Workers to use; none to leave that as it is.
        workers: Option<u16>,
        /// Executors of some components.
        executors: Vec<(ComponentId, u16)>,
    },
    /// These stores have a file now. Refused if no retained checkpoint needs it.
    Replicas {
        /// The file.
        id: FileId,
        /// Who has it.
        stores: Replicas,
    },
    /// A checkpoint cannot be read: restore the one before it from now on. Refused unless the
    /// generation that found it out is current, and it is the latest. The last one is not
    /// forgotten: see [`Metadata::is_lost`].
    Condemn {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The generation that could not restore it.
        generation: Generation,
    },
    /// A client's operation on a register.
    Update {
        /// The register.
        key: u16,
        /// What to do.
        call: Call,
    },
}

/// How a generation ended.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Ended {
    /// Whether it ran, and was lost for the failure of a worker.
    pub failed: bool,
    /// How long it had run since the metadata was told last.
    pub ran: Span,
}

/// A command with the name that makes it idempotent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub client: NodeId,
    /// It rises with each request of the client, over all its lives.
    pub sequence: u64,
    /// What is asked.
    pub command: Command,
}

/// What applying a request did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The generation is current now.
    Granted(Arc<Assignment>),
    /// The id belongs to the proposer.
    Reserved(CheckpointId),
    /// The checkpoint is the latest now.
    Completed(Arc<Completed>),
    /// The job has ended with this savepoint.
    Stopped(CheckpointId),
    /// The checkpoint spout stands at this.
    Stepped(Progress),
    /// Members or goal changed: this is the version now.
    Planned(u32),
    /// The replicas of a file are recorded.
    Recorded,
    /// The checkpoint is given up as unreadable.
    Condemned(CheckpointId),
    /// A register has this value now.
    Updated(u64),
    /// A newer decision had come first; nothing changed.
    Refused,
    /// It was applied before, with this answer; nothing changed.
    Again(Answer),
}

/// How far the checkpoint spout has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// What it stands at.
    pub state: TxState,
    /// The name under which the last transaction that was begun is prepared, or was.
    pub version: CheckpointId,
}

impl Default for Progress {
    fn default() -> Self {
        Progress { state: TxState::INITIAL, version: CheckpointId(0) }
    }
}

/// What a client is told, in a word: the new value, id, generation or version; none if refused.
pub type Answer = Option<u64>;

/// The state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    assignment: Option<Arc<Assignment>>,
    /// Completed and retained checkpoints, oldest first.
    completed: Vec<Arc<Completed>>,
    /// All savepoints, oldest first: they are their operators' to delete.
    savepoints: Vec<Arc<Completed>>,
    /// The job has ended.
    stopped: bool,
    next_checkpoint: u32,
    progress: Progress,
    /// The only completed checkpoint is unreadable.
    lost: bool,
    /// Supervisors, and whether their workers may be used.
    members: BTreeMap<NodeId, bool>,
    goal: Goal,
    /// What was observed of failures and checkpoints.
    experience: Experience,
    registers: BTreeMap<u16, u64>,
    /// The newest request of each client, and its answer.
    sessions: BTreeMap<NodeId, (u64, Answer)>,
}

impl Metadata {
    /// The metadata of a cluster that begins with these supervisors.
    pub fn new(supervisors: &[NodeId]) -> Self {
        let members = supervisors.iter().map(|supervisor| (*supervisor, true)).collect();
        Metadata { members, ..Metadata::default() }
    }

    /// The same of a job that starts from a savepoint.
    #[must_use]
    pub fn after(mut self, origin: Option<&Origin>) -> Self {
        if let Some(origin) = origin {
            self.completed.push(origin.completed.clone());
            self.next_checkpoint = origin.completed.checkpoint.0;
        }
        self
    }

    /// The current assignment.
    pub fn assignment(&self) -> Option<&Arc<Assignment>> {
        self.assignment.as_ref()
    }
    /// The current generation; 0 before the first.
    pub fn generation(&self) -> Generation {
        self.assignment.as_ref().map_or(Generation(0), |a| a.generation)
    }
    /// The latest completed checkpoint.
    pub fn latest(&self) -> Option<&Arc<Completed>> {
        self.completed.last()
    }
    /// The completed checkpoints that are still kept, oldest first.
    pub fn retained(&self) -> &[Arc<Completed>] {
        &self.completed
    }
    /// The latest completed checkpoint that is no savepoint: tasks may build on it.
    pub fn latest_checkpoint(&self) -> Option<&Arc<Completed>> {
        self.completed.iter().rev().find(|completed| !completed.kind.is_savepoint())
    }
    /// All savepoints, oldest first, retained or not.
    pub fn savepoints(&self) -> &[Arc<Completed>] {
        &self.savepoints
    }
    /// The savepoint that the job is to end with, or has ended with.
    pub fn ending(&self) -> Option<&Arc<Completed>> {
        self.latest().filter(|latest| latest.kind.stops())
    }
    /// Whether the job has ended.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }
    /// The answer to a request that was applied before, as far as it is known.
    pub fn answered(&self, client: NodeId, sequence: u64) -> Option<Answer> {
        let (newest, answer) = self.sessions.get(&client)?;
        (sequence <= *newest).then(|| answer.filter(|_| sequence == *newest))
    }
    /// How far the checkpoint spout has come.
    pub fn progress(&self) -> Progress {
        self.progress
    }
    /// Whether no completed checkpoint is readable, though there was one: its state is gone.
    pub fn is_lost(&self) -> bool {
        self.lost
    }
    /// How the topology is to be spread.
    pub fn goal(&self) -> &Goal {
        &self.goal
    }
    /// What was observed of failures and checkpoints.
    pub fn experience(&self) -> &Experience {
        &self.experience
    }
    /// The supervisors whose workers may be used, in the order of their addresses.
    pub fn supervisors(&self) -> impl Iterator<Item = NodeId> {
        self.members.iter().filter(|(_, active)| **active).map(|(supervisor, _)| *supervisor)
    }
    /// Whether a supervisor has ever been a member.
    pub fn knows(&self, supervisor: NodeId) -> bool {
        self.members.contains_key(&supervisor)
    }
    /// The value of a register; 0 for one that was never written.
    pub fn register(&self, key: u16) -> u64 {
        self.registers.get(&key).copied().unwrap_or(0)
    }
    /// Whether a request, or a later one of its client, was applied before.
    pub fn is_retry(&self, request: &Request) -> bool {
        self.sessions.get(&request.client).is_some_and(|(newest, _)| request.sequence <= *newest)
    }
    /// Forgets what a client has asked before, so that its next request counts as new.
    pub fn forget(&mut self, client: NodeId) {
        self.sessions.remove(&client);
    }

    /// Applies a request, keeping at most `retained` completed checkpoints.
    pub fn apply(&mut self, request: Request, retained: u16, switches: Switches) -> Applied {
        let Request { client, sequence, command } = request;
        if let Some((newest, answer)) = self.sessions.get(&client).filter(|(n, _)| sequence <= *n) {
            // An older one's answer is gone: its client has gone on, and does not wait for it.
            return Applied::Again(answer.filter(|_| sequence == *newest));
        }
        let applied = self.change(command, retained, switches);
        self.sessions.insert(client, (sequence, applied.answer()));
        applied
    }

    fn change(&mut self, command: Command, retained: u16, switches: Switches) -> Applied {
        match command {
            Command::Grant { generation, basis, ended, workers, tasks, executors } => {
                if generation.0 != self.generation().0 + 1 || self.stopped {
                    return Applied::Refused;
                }
                self.experience.ran(ended.ran);
                if ended.failed {
                    self.experience.failed();
                }
                let attempt = Attempt(self.assignment.as_ref().map_or(0, |a| a.attempt.0) + 1);
                let assignment =
                    Assignment { generation, attempt, basis, workers, tasks, executors };
                let assignment = Arc::new(assignment);
                self.assignment = Some(assignment.clone());
                Applied::Granted(assignment)
            }
            Command::Reserve { generation } => {
                if generation != self.generation() {
                    return Applied::Refused;
                }
                self.next_checkpoint += 1;
                Applied::Reserved(CheckpointId(self.next_checkpoint))
            }
            Command::Complete(completed) => self.complete(completed, retained, switches),
            Command::Stop { generation, checkpoint } => self.stop(generation, checkpoint),
            Command::Step { generation, to, parts } => {
                self.step(generation, to, parts, retained, switches)
            }
            Command::Replicas { id, stores } => self.record(id, stores),
            Command::Condemn { checkpoint, generation } => self.condemn(checkpoint, generation),
            Command::Join { supervisor } => self.set_member(supervisor, true),
            Command::Leave { supervisor } => self.set_member(supervisor, false),
            Command::Rebalance { workers, executors } => {
                self.goal.workers = workers.or(self.goal.workers);
                self.goal.executors.extend(executors);
                self.planned()
            }
            Command::Update { key, call } => {
                let register = self.registers.entry(key).or_default();
                match call {
                    Call::Read => {}
                    Call::Set(value) => *register = value,
                    Call::Add(value) => *register = register.wrapping_add(value),
                }
                Applied::Updated(*register)
            }
        }
    }

    fn complete(&mut self, completed: Completed, retained: u16, switches: Switches) -> Applied {
        let newest = self.latest().map_or(CheckpointId(0), |latest| latest.checkpoint);
        let newest = self.savepoints.last().map_or(newest, |last| last.checkpoint.max(newest));
        let ended = self.ending().is_some();
        if completed.generation != self.generation() || completed.checkpoint <= newest || ended {
            return Applied::Refused;
        }
        self.experience.ran(completed.ran);
        self.experience.stopped(completed.stopped());
        let completed = Arc::new(self.with_known_replicas(completed));
        if completed.kind.is_savepoint() {
            self.savepoints.push(completed.clone());
        }
        if !completed.kind.is_savepoint() || !switches.has(Twist::SavepointNotRestored) {
            self.completed.push(completed.clone());
        }
        self.subsume(retained);
        Applied::Completed(completed)
    }

    /// Drops what need not be retained (Flink's `CheckpointSubsumeHelper`): never the newest, and
    /// never the latest that is no savepoint, unless the job ends: tasks build on its files.
    fn subsume(&mut self, retained: u16) {
        let ends = self.ending().is_some();
        let base = self.latest_checkpoint().map(|base| base.checkpoint).filter(|_| !ends);
        let newest = self.latest().map(|latest| latest.checkpoint);
        let mut surplus = self.completed.len().saturating_sub(usize::from(retained.max(1)));
        self.completed.retain(|completed| {
            let held = [base, newest].contains(&Some(completed.checkpoint));
            let drops = surplus > 0 && !held;
            surplus -= usize::from(drops);
            !drops
        });
    }

    fn stop(&mut self, generation: Generation, checkpoint: CheckpointId) -> Applied {
        let due = self.ending().map(|ending| ending.checkpoint);
        if generation != self.generation() || due != Some(checkpoint) || self.stopped {
            return Applied::Refused;
        }
        self.stopped = true;
        Applied::Stopped(checkpoint)
    }

    /// A prepared transaction takes the next checkpoint id as its name. Once it is to be committed,
    /// what was prepared under that name is what a restore takes.
    fn step(
        &mut self,
        generation: Generation,
        to: TxState,
        parts: Vec<Arc<Part>>,
        retained: u16,
        switches: Switches,
    ) -> Applied {
        let Some(assignment) = self.assignment.clone().filter(|a| a.generation == generation)
        else {
            return Applied::Refused;
        };
        if !self.progress.state.leads_to(to) {
            return Applied::Refused;
        }
        self.progress.state = to;
        match to.phase {
            Phase::Preparing => {
                self.next_checkpoint += 1;
                self.progress.version = CheckpointId(self.next_checkpoint);
            }
            Phase::Committing => {
                let (checkpoint, attempt) = (self.progress.version, assignment.attempt);
                let ran = Span::ZERO;
                let kind = CheckpointKind::Checkpoint;
                let completed = Completed { checkpoint, kind, generation, attempt, parts, ran };
                let kept = self.complete(completed, retained, switches);
                assert!(matches!(kept, Applied::Completed(_)), "ids rise");
            }
            Phase::Committed => {}
        }
        Applied::Stepped(self.progress)
    }

    /// Tasks that build on files of an older checkpoint know their replicas as they were then.
    fn with_known_replicas(&self, mut completed: Completed) -> Completed {
        let (known, id) = (self.completed.iter(), completed.checkpoint);
        let known = known.flat_map(|older| &older.parts).flat_map(|part| &part.files);
        let known: BTreeMap<FileId, Replicas> =
            known.map(|file| (file.id, file.replicas)).collect();
        for part in &mut completed.parts {
            if part.files.iter().any(|file| file.id.checkpoint != id) {
                for file in &mut Arc::make_mut(part).files {
                    file.replicas = known.get(&file.id).copied().unwrap_or(file.replicas);
                }
            }
        }
        completed
    }

    fn record(&mut self, id: FileId, stores: Replicas) -> Applied {
        let mut known = false;
        let all = self.completed.iter_mut().chain(&mut self.savepoints);
        for completed in all.filter(|c| c.files().any(|file| file == id)) {
            let parts = &mut Arc::make_mut(completed).parts;
            for part in parts.iter_mut().filter(|part| part.files.iter().any(|f| f.id == id)) {
                let files = &mut Arc::make_mut(part).files;
                files.iter_mut().filter(|f| f.id == id).for_each(|file| file.replicas = stores);
                known = true;
            }
        }
        if known { Applied::Recorded } else { Applied::Refused }
    }

    fn condemn(&mut self, checkpoint: CheckpointId, generation: Generation) -> Applied {
        let latest = self.latest().is_some_and(|latest| latest.checkpoint == checkpoint);
        if generation != self.generation() || !latest || self.lost {
            return Applied::Refused;
        }
        if self.completed.len() == 1 {
            self.lost = true;
        } else {
            self.completed.pop();
        }
        Applied::Condemned(checkpoint)
    }

    fn set_member(&mut self, supervisor: NodeId, active: bool) -> Applied {
        if self.members.insert(supervisor, active) == Some(active) {
            return Applied::Planned(self.goal.version);
        }
        self.planned()
    }

    fn planned(&mut self) -> Applied {
        self.goal.version += 1;
        Applied::Planned(self.goal.version)
    }
}

impl Applied {
    /// What the client is told.
    pub fn answer(&self) -> Answer {
        match self {
            Applied::Granted(assignment) => Some(assignment.generation.0.into()),
            Applied::Reserved(checkpoint) => Some(checkpoint.0.into()),
            Applied::Completed(completed) => Some(completed.checkpoint.0.into()),
            Applied::Stopped(checkpoint) => Some(checkpoint.0.into()),
            Applied::Stepped(progress) => Some(progress.state.txid.0.into()),
            Applied::Planned(version) => Some((*version).into()),
            Applied::Updated(value) => Some(*value),
            Applied::Recorded => Some(0),
            Applied::Condemned(checkpoint) => Some(checkpoint.0.into()),
            Applied::Refused => None,
            Applied::Again(answer) => *answer,
        }
    }
}

#[cfg(test)]
mod tests;
