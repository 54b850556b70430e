//! The coordinator's metadata: a replicated state machine of commands.
//!
//! Everything that must survive the loss of a coordinator is here and changes by [`Command`]s
//! alone. Applying is a pure function of (state, command), and a command that was overtaken is
//! refused, not an error: whoever proposed it learns the outcome when it is applied.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::hash::fingerprint;
use stormglass_sim::node::NodeId;

use crate::ids::{Attempt, CheckpointId, Generation, TaskId};
use crate::snapshot::{Reader, put};

/// Which worker runs which task in a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The generation.
    pub generation: Generation,
    /// The execution attempt of every task in it.
    pub attempt: Attempt,
    /// The workers, with the incarnation that was chosen.
    pub workers: Vec<(NodeId, u32)>,
    /// The worker of each task; the first entry is that of task 1.
    pub tasks: Vec<NodeId>,
}

impl Assignment {
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

/// A completed checkpoint. Its files are named by (checkpoint, generation, attempt, task).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// Its id.
    pub checkpoint: CheckpointId,
    /// The generation that took it.
    pub generation: Generation,
    /// The execution attempt that took it.
    pub attempt: Attempt,
    /// Logical size of all its files in bytes.
    pub bytes: u64,
}

/// A change of the metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Start a generation. Refused unless it follows the current one.
    Grant {
        /// The new generation.
        generation: Generation,
        /// The workers, with their incarnations.
        workers: Vec<(NodeId, u32)>,
        /// The worker of each task.
        tasks: Vec<NodeId>,
    },
    /// Take the next checkpoint id. Refused unless the generation is current.
    Reserve {
        /// The generation that will take the checkpoint.
        generation: Generation,
    },
    /// Declare a checkpoint complete. Refused unless its generation is current and it is newer than
    /// every completed one.
    Complete(Completed),
}

/// What applying a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The generation is current now.
    Granted(Arc<Assignment>),
    /// The id belongs to the proposer.
    Reserved(CheckpointId),
    /// The checkpoint is the latest now.
    Completed(Arc<Completed>),
    /// A newer decision had come first; nothing changed.
    Refused,
}

/// The state.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    assignment: Option<Arc<Assignment>>,
    /// Completed and retained checkpoints, oldest first.
    completed: Vec<Arc<Completed>>,
    next_checkpoint: u32,
}

impl Metadata {
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
    /// The oldest checkpoint that is still kept.
    pub fn oldest(&self) -> Option<CheckpointId> {
        self.completed.first().map(|completed| completed.checkpoint)
    }

    /// Applies a command, keeping at most `retained` completed checkpoints.
    pub fn apply(&mut self, command: Command, retained: u16) -> Applied {
        match command {
            Command::Grant { generation, workers, tasks } => {
                if generation.0 != self.generation().0 + 1 {
                    return Applied::Refused;
                }
                let attempt = Attempt(self.assignment.as_ref().map_or(0, |a| a.attempt.0) + 1);
                let assignment = Arc::new(Assignment { generation, attempt, workers, tasks });
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
            Command::Complete(completed) => {
                let newest = self.latest().map_or(CheckpointId(0), |latest| latest.checkpoint);
                if completed.generation != self.generation() || completed.checkpoint <= newest {
                    return Applied::Refused;
                }
                let completed = Arc::new(completed);
                self.completed.push(completed.clone());
                let surplus = self.completed.len().saturating_sub(usize::from(retained.max(1)));
                self.completed.drain(..surplus);
                Applied::Completed(completed)
            }
        }
    }
}

impl Command {
    /// Appends a frame: length, checksum, body.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        match self {
            Command::Grant { generation, workers, tasks } => {
                body.push(1);
                put(&mut body, generation.0);
                put(&mut body, workers.len() as u32);
                for (node, incarnation) in workers {
                    put(&mut body, node.word() as u32);
                    put(&mut body, *incarnation);
                }
                put(&mut body, tasks.len() as u32);
                tasks.iter().for_each(|node| put(&mut body, node.word() as u32));
            }
            Command::Reserve { generation } => {
                body.push(2);
                put(&mut body, generation.0);
            }
            Command::Complete(completed) => {
                body.push(3);
                put(&mut body, completed.checkpoint.0);
                put(&mut body, completed.generation.0);
                put(&mut body, completed.attempt.0);
                body.extend_from_slice(&completed.bytes.to_le_bytes());
            }
        }
        put(out, body.len() as u32);
        out.extend_from_slice(&fingerprint(&body).to_le_bytes());
        out.extend_from_slice(&body);
    }

    /// Reads the frames of a log up to the first that is torn or rotten; also gives back how many
    /// bytes that were.
    pub fn decode_log(bytes: &[u8]) -> (Vec<Command>, usize) {
        let (mut reader, mut whole) = (Reader(bytes), 0);
        let commands = core::iter::from_fn(|| {
            let len = reader.u32()? as usize;
            let sum = reader.u64()?;
            let body = reader.take(len)?;
            let command = if fingerprint(body) == sum { Command::decode(body) } else { None };
            whole = if command.is_some() { bytes.len() - reader.0.len() } else { whole };
            command
        });
        (commands.collect(), whole)
    }

    fn decode(body: &[u8]) -> Option<Command> {
        let (tag, rest) = body.split_first()?;
        let mut reader = Reader(rest);
        let node = |word: u32| NodeId::new((word >> 16) as u16, word as u16);
        Some(match tag {
            1 => {
                let generation = Generation(reader.u32()?);
                let mut workers = Vec::new();
                for _ in 0..reader.u32()? {
                    workers.push((node(reader.u32()?), reader.u32()?));
                }
                let mut tasks = Vec::new();
                for _ in 0..reader.u32()? {
                    tasks.push(node(reader.u32()?));
                }
                Command::Grant { generation, workers, tasks }
            }
            2 => Command::Reserve { generation: Generation(reader.u32()?) },
            3 => Command::Complete(Completed {
                checkpoint: CheckpointId(reader.u32()?),
                generation: Generation(reader.u32()?),
                attempt: Attempt(reader.u32()?),
                bytes: reader.u64()?,
            }),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
