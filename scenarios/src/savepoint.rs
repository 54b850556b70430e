//! A savepoint as a value: one run ends with it, and another starts from it.
//!
//! It is whole: the state of every task, and what the judges know up to it. What is published after
//! it goes to a receiver of its own, and is judged together with what was published before.

use std::ops::Range;
use std::sync::Arc;

use stormglass_engine::barrier::CheckpointKind;
use stormglass_engine::coordinator::metadata::Completed;
use stormglass_engine::handle::{FileRef, Part};
use stormglass_engine::ids::{Attempt, CheckpointId, Generation};
use stormglass_engine::log::InputLog;
use stormglass_engine::origin::Origin;
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
    /// Gathers a completed savepoint; `read` finds a file. None if one is missing.
    pub(crate) fn new(
        completed: &Completed,
        topology: &Topology,
        log: &InputLog,
        heritage: Heritage,
        read: impl Fn(&FileRef) -> Option<Payload>,
    ) -> Option<Self> {
        let inline = |part: &Arc<Part>| {
            let data = match (&part.inline, &part.files[..]) {
                (Some(inline), []) => inline.clone(),
                (None, [file]) => read(file)?,
                _ => return None,
            };
            Some(Arc::new(Part { inline: Some(data), files: Vec::new(), ..(**part).clone() }))
        };
        let completed = Completed {
            // To the next run it is a savepoint like any other, taken before its first generation.
            kind: CheckpointKind::Savepoint,
            generation: Generation(0),
            attempt: Attempt(0),
            parts: completed.parts.iter().map(inline).collect::<Option<_>>()?,
            ..completed.clone()
        };
        let shape = topology.components().iter().map(|component| {
            let first = component.first_task.0 - 1;
            (component.name.to_string(), first..first + component.parallelism)
        });
        Some(Savepoint {
            completed: Arc::new(completed),
            shape: shape.collect(),
            max_parallelism: topology.max_parallelism(),
            log: log.clone(),
            heritage,
        })
    }

    /// Its id. The ids of the next run's checkpoints follow.
    pub fn checkpoint(&self) -> CheckpointId {
        self.completed.checkpoint
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
