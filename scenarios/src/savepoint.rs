//! A savepoint as a value: one run ends with it or retains it, and another starts from it.
//!
//! It is whole: the state of every task, and what the judges know up to it. What is published after
//! it goes to a receiver of its own, and is judged together with what was published before it. A
//! retained checkpoint is as good: what lies in several files is put together, and the run that
//! starts from it owns it alone. Only what was in flight cannot go with it, for that belongs to
//! channels between the tasks there were (Flink: a checkpoint with in-flight data cannot be
//! restored where a job's graph is another; a savepoint can).

use std::ops::Range;
use std::sync::Arc;

use stormglass_engine::barrier::CheckpointKind;
use stormglass_engine::coordinator::metadata::Completed;
use stormglass_engine::handle::{FileRef, Part};
use stormglass_engine::ids::{Attempt, CheckpointId, Generation};
use stormglass_engine::log::InputLog;
use stormglass_engine::origin::Origin;
use stormglass_engine::snapshot::Snapshot;
use stormglass_engine::topology::Topology;
use stormglass_sim::payload::Payload;

use crate::judge::heritage::Heritage;
use crate::problem::Problem;
use crate::scenario::{Operation, OperationSpec, Scenario, When};
use crate::units::{Between, Share};

/// What a run leaves to the next one of its job.
#[derive(Clone, Debug)]
pub struct Savepoint {
    /// All parts inline, as taken by the tasks there were.
    completed: Arc<Completed>,
    /// The components and their tasks, by name, in order.
    shape: Vec<(String, Range<u16>)>,
    max_parallelism: u16,
    files: usize,
    /// The input, which goes on.
    pub(crate) log: InputLog,
    /// What the judges know up to it.
    pub(crate) heritage: Heritage,
}

/// The same scenario, in which an operator ends the job with a savepoint when half of the input has
/// arrived, and asks for nothing else.
pub fn halfway(scenario: &Scenario) -> Scenario {
    let when = When::Share(Between::just(Share::percent(50)));
    let stop = OperationSpec { when, operation: Operation::StopWithSavepoint {}, patience: None };
    Scenario { operations: vec![stop], ..scenario.clone() }
}

impl Savepoint {
    /// Gathers a completed savepoint or checkpoint; `read` finds a sound copy of a file.
    ///
    /// # Errors
    /// If a file is gone, or something was in flight.
    pub(crate) fn new(
        completed: &Completed,
        topology: &Topology,
        log: &InputLog,
        heritage: Heritage,
        read: impl Fn(&FileRef) -> Option<Payload>,
    ) -> Result<Self, Problem> {
        let inline = |part: &Arc<Part>| {
            let data = gather(part, &read).map_err(|why| refused(completed.checkpoint, &why))?;
            Ok(Arc::new(Part { inline: Some(data), files: Vec::new(), ..(**part).clone() }))
        };
        let gathered = completed;
        let completed = Completed {
            // To the next run it is a savepoint like any other, taken before its first generation.
            kind: CheckpointKind::Savepoint,
            generation: Generation(0),
            attempt: Attempt(0),
            parts: completed.parts.iter().map(inline).collect::<Result<_, Problem>>()?,
            ..completed.clone()
        };
        let files = gathered.parts.iter().map(|part| part.files.len()).sum();
        let shape = topology.components().iter().map(|component| {
            let first = component.first_task.0 - 1;
            (component.name.to_string(), first..first + component.parallelism)
        });
        Ok(Savepoint {
            completed: Arc::new(completed),
            shape: shape.collect(),
            max_parallelism: topology.max_parallelism(),
            files,
            log: log.clone(),
            heritage,
        })
    }

    /// Its id. The ids of the next run's checkpoints follow.
    pub fn checkpoint(&self) -> CheckpointId {
        self.completed.checkpoint
    }

    /// How many files of the durable store it was put together from.
    pub fn files(&self) -> usize {
        self.files
    }

    /// How many tasks of each component took it, in the order of their names.
    pub fn tasks(&self) -> impl Iterator<Item = (&str, usize)> {
        self.shape.iter().map(|(name, tasks)| (name.as_str(), tasks.len()))
    }

    /// Whether a topology can start from it.
    pub(crate) fn fits(&self, scenario: &Scenario, topology: &Topology) -> Result<(), Problem> {
        let fail = |path: &str, message: String, help: &str| {
            Err(scenario.origin.problem(path, message).help(help))
        };
        let (mine, theirs) = (self.max_parallelism, topology.max_parallelism());
        if mine != theirs {
            let message = format!("the savepoint has {mine} key groups, the topology {theirs}");
            let help =
                "key groups are what moves: set `topology.max-parallelism` once for all runs";
            return fail("topology.max-parallelism", message, help);
        }
        let names = topology.components().iter().map(|component| &*component.name);
        if !names.eq(self.shape.iter().map(|(name, _)| name.as_str())) {
            let names: Vec<&str> = self.shape.iter().map(|(name, _)| name.as_str()).collect();
            let message = "the savepoint is of another topology".to_string();
            return fail("topology.name", message, &format!("it has {}", names.join(", ")));
        }
        Ok(())
    }

    /// It as the engine knows it.
    pub(crate) fn origin(&self, topology: &Topology) -> Arc<Origin> {
        assert_eq!(topology.components().len(), self.shape.len(), "it was compared before");
        let shape = self.shape.iter().map(|(_, tasks)| tasks.clone()).collect();
        Arc::new(Origin { completed: Arc::clone(&self.completed), shape })
    }
}

/// The contents of a part: inline, in a file, or in one and what has changed since. If they are not
/// to be had, why.
fn gather(part: &Part, read: &impl Fn(&FileRef) -> Option<Payload>) -> Result<Payload, String> {
    let sound = |file: &FileRef| {
        read(file).ok_or_else(|| format!("no store has a sound copy of file {}", file.id))
    };
    let damaged = || format!("what task {} kept is no snapshot", part.task.0);
    let data = match (&part.inline, &part.files[..]) {
        (Some(inline), _) => inline.clone(),
        (None, [file]) => sound(file)?,
        (None, files) => {
            let files: Vec<Payload> = files.iter().map(sound).collect::<Result<_, _>>()?;
            let files: Option<Vec<Snapshot>> = files.iter().map(Snapshot::decode).collect();
            files.and_then(Snapshot::over).ok_or_else(damaged)?.encode()
        }
    };
    let snapshot = Snapshot::decode(&data).ok_or_else(damaged)?;
    match snapshot.in_flight.is_empty() {
        true => Ok(data),
        false => Err(format!("tuples were in flight at task {}", part.task.0)),
    }
}

/// No other run can start from a checkpoint.
pub(crate) fn refused(checkpoint: CheckpointId, why: &str) -> Problem {
    let message = format!("no run can start from checkpoint {}: {why}", checkpoint.0);
    Problem::new("", message).help("a savepoint waits for what is in flight: end with one")
}
