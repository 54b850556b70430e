//! Generations of the job, from a failure to the next that runs.

use stormglass_engine::ids::{Generation, TaskId};
use stormglass_engine::observation::Observation;
use stormglass_engine::topology::Topology;
use stormglass_sim::fault::{Fault, Links};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

use crate::scenario::Phase;

/// How far the job's newest generation has come.
#[derive(Clone, Debug)]
pub(in crate::story) struct Job {
    generation: Generation,
    step: Step,
    /// Why the generation that was decided last was decided.
    cause: Cause,
    /// The worker of each task, as last assigned.
    workers: Vec<Option<NodeId>>,
    /// The tasks that have restored their state in this generation.
    restored: Vec<bool>,
    last_restored: Option<TaskId>,
    /// Processes with tasks that faults have silenced since the generation was decided, and until
    /// when.
    silenced: Vec<(NodeId, Instant)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// The newest generation gets its tasks.
    Starting,
    /// It runs.
    Running,
    /// It is to be replaced; `ran` tells whether it had come to run.
    Failed { ran: bool },
    /// The job has ended.
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cause {
    First,
    Failure,
    Wish,
}

impl Job {
    pub(super) fn new(topology: &Topology) -> Job {
        let tasks = usize::from(topology.tasks());
        Job {
            generation: Generation(0),
            step: Step::Starting,
            cause: Cause::First,
            workers: vec![None; tasks],
            restored: vec![false; tasks],
            last_restored: None,
            silenced: Vec::new(),
        }
    }

    pub(super) fn observed(&mut self, what: &Observation) {
        match *what {
            Observation::Granted { generation, .. } => {
                self.cause = match self.step {
                    Step::Failed { .. } => Cause::Failure,
                    _ if self.generation == Generation(0) => Cause::First,
                    // One that nobody suspected, and that had not come to run.
                    Step::Starting => self.cause,
                    _ => Cause::Wish,
                };
                (self.generation, self.step) = (generation, Step::Starting);
                self.restored.fill(false);
                self.last_restored = None;
                self.silenced.clear();
            }
            Observation::Assigned { task, node, .. } => {
                self.workers[usize::from(task.0) - 1] = Some(node);
            }
            Observation::Restored { task, generation, .. } if generation == self.generation => {
                self.restored[usize::from(task.0) - 1] = true;
                self.last_restored = Some(task);
            }
            Observation::Running { generation } if generation == self.generation => {
                self.step = Step::Running;
            }
            Observation::Suspected { .. } | Observation::JobFailed { .. } => {
                let ran = match self.step {
                    Step::Failed { ran } => ran,
                    step => step == Step::Running,
                };
                if self.step != Step::Ended && self.generation > Generation(0) {
                    self.step = Step::Failed { ran };
                }
            }
            // Whoever suspected somebody does not lead any more: the new leader finds out itself.
            Observation::Leads { .. } => {
                if let Step::Failed { ran } = self.step {
                    self.step = if ran { Step::Running } else { Step::Starting };
                }
            }
            Observation::Stopped { .. } => self.step = Step::Ended,
            _ => {}
        }
    }

    pub(super) fn struck(&mut self, now: Instant, fault: &Fault) {
        let (node, machine, until) = match fault {
            Fault::Crash { node } => (Some(*node), node.machine, Instant::FAR),
            Fault::Pause { node, duration } => (Some(*node), node.machine, now + *duration),
            Fault::CrashMachine { machine } => (None, *machine, Instant::FAR),
            // A machine that is cut from every other one.
            Fault::Cut { links: Links::Of(one) | Links::From(one) | Links::To(one), duration } => {
                (None, *one, now + *duration)
            }
            _ => return,
        };
        let hit = |worker: &NodeId| match node {
            None => worker.machine == machine,
            Some(node) => *worker == node,
        };
        let worker = self.workers.iter().flatten().find(|worker| hit(worker));
        self.silenced.extend(worker.map(|worker| (*worker, until)));
    }

    /// The phase, but for what is to be made up for once the generation runs.
    pub(super) fn phase(&self, now: Instant) -> Phase {
        match (self.step, self.cause) {
            (Step::Ended, _) => Phase::JobEnded,
            (Step::Failed { .. }, _) => Phase::Decision,
            (Step::Starting, Cause::First) => Phase::Deployment,
            (Step::Starting, Cause::Failure) => Phase::Restore,
            (Step::Starting, Cause::Wish) => Phase::Rescale,
            (Step::Running, _) if self.silenced.iter().any(|(_, until)| now < *until) => {
                Phase::Detection
            }
            (Step::Running, _) => Phase::Running,
        }
    }

    /// The worker of a task.
    pub(in crate::story) fn worker(&self, task: TaskId) -> Option<NodeId> {
        self.workers[usize::from(task.0) - 1]
    }

    /// A task that has not restored its state in a generation that does not run yet, or the one
    /// that did so last.
    pub(in crate::story) fn restoring(&self) -> Option<TaskId> {
        if self.step != Step::Starting || self.generation == Generation(0) {
            return None;
        }
        let missing = (1..).map(TaskId).zip(&self.restored).find(|(_, restored)| !**restored);
        missing.map(|(task, _)| task).or(self.last_restored)
    }
}
