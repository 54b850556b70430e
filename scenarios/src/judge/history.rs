//! What the tasks of the newest generation did since the last completed checkpoint.
//!
//! This is the judges' whole memory of the flow: one flat entry an execution, dropped as soon as a
//! checkpoint covers it or a newer generation takes over. What older generations still do is not
//! recorded: none of it may ever count.

use stormglass_engine::ids::{
    Attempt, CheckpointId, Child, Generation, KeyGroup, Partition, Root, TaskId,
};
use stormglass_engine::observation::Observation;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

use super::chunks::Chunks;
use super::law::Witness;

/// No key group.
const NO_GROUP: u16 = u16::MAX;

/// One execution. 32 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// The record at the root.
    pub(super) root: Root,
    at: Instant,
    /// The input's place below the root.
    pub(super) child: Child,
    /// Who sent the input.
    pub(super) from: TaskId,
    group: u16,
    /// How many answers about time and chance it was given.
    pub(super) answers: u16,
    /// The streams on which the tree ended here, as bits.
    pub(super) ended: u16,
}

impl Entry {
    /// The key group that was updated.
    pub(super) fn group(&self) -> Option<KeyGroup> {
        (self.group != NO_GROUP).then_some(KeyGroup(self.group))
    }
}

/// Where a task cut its history for a checkpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    checkpoint: CheckpointId,
    /// Position in the entries.
    pub(super) entries: u64,
    /// Position in the answers.
    pub(super) answers: u64,
    at: Instant,
}

/// What a task said of one key group in a cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupMark {
    checkpoint: CheckpointId,
    at: Instant,
    /// Which group.
    pub(super) group: KeyGroup,
    /// Number of keys.
    pub(super) keys: u32,
    /// Fingerprint of the encoding.
    pub(super) print: u64,
}

/// What a task said of its operator and broadcast state in a cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnMark {
    checkpoint: CheckpointId,
    at: Instant,
    /// Fingerprint of the encoding.
    pub(super) print: u64,
}

/// A look at one key that a task was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Position in the entries: those before it are in.
    pub(super) entries: u64,
    /// The hash of the key.
    pub(super) hash: i32,
    /// Fingerprint of the key.
    pub(super) key: u64,
    /// Fingerprint of the row that the task gave.
    pub(super) row: u64,
    /// The answer as it was observed.
    pub(super) seen: Witness,
}

/// What a task's part of a checkpoint holds of one channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFlightMark {
    checkpoint: CheckpointId,
    at: Instant,
    /// Who sent it.
    pub(super) from: TaskId,
    /// Who will receive it.
    pub(super) to: TaskId,
    /// Number of tuples.
    pub(super) tuples: u32,
    /// Their size on the wire.
    bytes: u64,
    /// Fingerprint of their names, in order.
    pub(super) print: u64,
}

/// The history of one task in the newest generation.
#[derive(Clone, Debug)]
pub(super) struct TaskHistory {
    /// Where it runs.
    pub(super) node: NodeId,
    /// The attempt that was restored; none before that.
    pub(super) attempt: Option<Attempt>,
    /// Executions not yet covered by a completed checkpoint.
    pub(super) entries: Chunks<Entry>,
    /// Answers to them.
    pub(super) answers: Chunks<u64>,
    marks: Vec<Mark>,
    positions: Vec<(CheckpointId, Root)>,
    groups: Vec<GroupMark>,
    own: Vec<OwnMark>,
    in_flight: Vec<InFlightMark>,
    acked: Vec<(CheckpointId, Attempt)>,
    looks: Vec<Look>,
}

impl Default for TaskHistory {
    fn default() -> Self {
        TaskHistory {
            node: NodeId::new(0, 0),
            attempt: None,
            entries: Chunks::default(),
            answers: Chunks::default(),
            marks: Vec::new(),
            positions: Vec::new(),
            groups: Vec::new(),
            own: Vec::new(),
            in_flight: Vec::new(),
            acked: Vec::new(),
            looks: Vec::new(),
        }
    }
}

impl TaskHistory {
    /// Its cut for a checkpoint.
    pub(super) fn mark(&self, checkpoint: CheckpointId) -> Option<Mark> {
        self.marks.iter().find(|mark| mark.checkpoint == checkpoint).copied()
    }
    /// The offset that its cut holds for a partition.
    pub(super) fn position(&self, checkpoint: CheckpointId, of: Partition) -> Option<u64> {
        let here = |(at, next): &&(CheckpointId, Root)| *at == checkpoint && next.partition() == of;
        self.positions.iter().find(here).map(|(_, next)| next.offset())
    }
    /// What it said of the key groups in its cut.
    pub(super) fn groups(&self, checkpoint: CheckpointId) -> impl Iterator<Item = &GroupMark> {
        self.groups.iter().filter(move |mark| mark.checkpoint == checkpoint)
    }
    /// What it said of its own state in its cut.
    pub(super) fn own(&self, checkpoint: CheckpointId) -> Option<&OwnMark> {
        self.own.iter().find(|mark| mark.checkpoint == checkpoint)
    }
    /// The looks at its state up to a position, in order.
    pub(super) fn looks(&self, entries: u64) -> impl Iterator<Item = &Look> {
        self.looks.iter().filter(move |look| look.entries <= entries)
    }
    /// What its part of a checkpoint holds of channels.
    pub(super) fn in_flight(&self, of: CheckpointId) -> impl Iterator<Item = &InFlightMark> {
        self.in_flight.iter().filter(move |mark| mark.checkpoint == of)
    }
    /// Whether the coordinator has the acknowledgement of this very attempt.
    pub(super) fn has_acked(&self, checkpoint: CheckpointId) -> bool {
        self.acked.iter().any(|(id, attempt)| *id == checkpoint && Some(*attempt) == self.attempt)
    }

    fn forget(&mut self, mut covered: impl FnMut(CheckpointId) -> bool) {
        self.marks.retain(|mark| !covered(mark.checkpoint));
        self.positions.retain(|(id, _)| !covered(*id));
        self.groups.retain(|mark| !covered(mark.checkpoint));
        self.own.retain(|mark| !covered(mark.checkpoint));
        self.in_flight.retain(|mark| !covered(mark.checkpoint));
        self.acked.retain(|(id, _)| !covered(*id));
    }
}

/// The histories of all tasks in the newest generation.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    generation: Generation,
    tasks: Vec<TaskHistory>,
}

impl History {
    /// Nothing yet, for tasks `1..=tasks`.
    pub(super) fn new(tasks: u16) -> Self {
        let tasks = vec![TaskHistory::default(); usize::from(tasks) + 1];
        History { generation: Generation(0), tasks }
    }
    /// The newest generation.
    pub(super) fn generation(&self) -> Generation {
        self.generation
    }
    /// The history of a task; none if there is no such task.
    pub(super) fn task(&self, task: TaskId) -> Option<&TaskHistory> {
        self.tasks.get(usize::from(task.0)).filter(|_| task != TaskId::BROKER)
    }

    #[inline]
    fn live(&mut self, task: TaskId, generation: Generation) -> Option<&mut TaskHistory> {
        if generation != self.generation {
            return None;
        }
        self.tasks.get_mut(usize::from(task.0))
    }

    /// A new generation: what the old one did since the last completed checkpoint never was.
    pub(super) fn granted(&mut self, generation: Generation) {
        self.generation = generation;
        self.tasks.iter_mut().for_each(|task| *task = TaskHistory::default());
    }

    /// Records an execution. False if the task was not restored before.
    #[inline]
    pub(super) fn executed(&mut self, at: Instant, observation: &Observation) -> bool {
        let &Observation::Executed { task, from, generation, root, child, group } = observation
        else {
            return true;
        };
        let Some(history) = self.live(task, generation) else { return true };
        let group = group.map_or(NO_GROUP, |group| group.0);
        let (answers, ended) = (0, 0);
        history.entries.push(Entry { root, at, child, from, group, answers, ended });
        history.attempt.is_some()
    }

    /// Records everything else that a task does.
    pub(super) fn observed(&mut self, at: Instant, node: NodeId, observation: &Observation) {
        match *observation {
            Observation::Ended { task, generation, root, unused } => {
                let Some(history) = self.live(task, generation) else { return };
                if let Some(entry) = history.entries.last_mut().filter(|e| e.root == root) {
                    entry.ended = unused;
                }
            }
            Observation::Answered { task, generation, word } => {
                let Some(history) = self.live(task, generation) else { return };
                if let Some(entry) = history.entries.last_mut() {
                    entry.answers = entry.answers.saturating_add(1);
                    history.answers.push(word);
                }
            }
            Observation::Cut { task, generation, checkpoint } => {
                let Some(history) = self.live(task, generation) else { return };
                let (entries, answers) = (history.entries.end(), history.answers.end());
                history.marks.push(Mark { checkpoint, entries, answers, at });
            }
            Observation::Position { task, generation, checkpoint, next } => {
                let Some(history) = self.live(task, generation) else { return };
                history.positions.push((checkpoint, next));
            }
            Observation::GroupCut { task, generation, checkpoint, group, keys, print } => {
                let Some(history) = self.live(task, generation) else { return };
                history.groups.push(GroupMark { checkpoint, at, group, keys, print });
            }
            Observation::OperatorCut { task, generation, checkpoint, print } => {
                let Some(history) = self.live(task, generation) else { return };
                history.own.push(OwnMark { checkpoint, at, print });
            }
            Observation::InFlight {
                task,
                generation,
                checkpoint,
                from,
                to,
                tuples,
                bytes,
                print,
            } => {
                let Some(history) = self.live(task, generation) else { return };
                let mark = InFlightMark { checkpoint, at, from, to, tuples, bytes, print };
                history.in_flight.push(mark);
            }
            Observation::Restored { task, generation, attempt, .. } => {
                let Some(history) = self.live(task, generation) else { return };
                *history = TaskHistory { node, attempt: Some(attempt), ..TaskHistory::default() };
            }
            Observation::CheckpointAcked { checkpoint, task, attempt, .. } => {
                let Some(history) = self.tasks.get_mut(usize::from(task.0)) else { return };
                history.acked.push((checkpoint, attempt));
            }
            Observation::Queried { task, generation, hash, key, row, .. } => {
                let Some(history) = self.live(task, generation) else { return };
                let (entries, what) = (history.entries.end(), *observation);
                let seen = Witness { at, node, what };
                history.looks.push(Look { entries, hash, key, row, seen });
            }
            Observation::CheckpointAborted { checkpoint, .. } => {
                self.tasks.iter_mut().for_each(|task| task.forget(|id| id == checkpoint));
            }
            _ => {}
        }
    }

    /// A completed checkpoint covers what came before its cuts: forget it.
    pub(super) fn covered(&mut self, checkpoint: CheckpointId) {
        for task in &mut self.tasks {
            if let Some(mark) = task.mark(checkpoint) {
                task.entries.drop_to(mark.entries);
                task.answers.drop_to(mark.answers);
                task.looks.retain(|look| look.entries > mark.entries);
            }
            task.forget(|id| id <= checkpoint);
        }
    }

    /// An execution as it was observed.
    pub(super) fn witness(&self, task: TaskId, entry: &Entry) -> Witness {
        let what = Observation::Executed {
            task,
            from: entry.from,
            generation: self.generation,
            root: entry.root,
            child: entry.child,
            group: entry.group(),
        };
        Witness { at: entry.at, node: self.tasks[usize::from(task.0)].node, what }
    }
    /// A task's cut as it was observed.
    pub(super) fn cut_witness(&self, task: TaskId, checkpoint: CheckpointId) -> Option<Witness> {
        let history = self.task(task)?;
        let generation = self.generation;
        let what = Observation::Cut { task, generation, checkpoint };
        Some(Witness { at: history.mark(checkpoint)?.at, node: history.node, what })
    }
    /// What a task said of a channel, as it was observed.
    pub(super) fn in_flight_witness(&self, task: TaskId, mark: &InFlightMark) -> Witness {
        let InFlightMark { checkpoint, at, from, to, tuples, bytes, print } = *mark;
        let generation = self.generation;
        let what =
            Observation::InFlight { task, generation, checkpoint, from, to, tuples, bytes, print };
        Witness { at, node: self.tasks[usize::from(task.0)].node, what }
    }
    /// What a task said of a key group, as it was observed.
    pub(super) fn group_witness(&self, task: TaskId, mark: &GroupMark) -> Witness {
        let GroupMark { checkpoint, at, group, keys, print } = *mark;
        let generation = self.generation;
        let what = Observation::GroupCut { task, generation, checkpoint, group, keys, print };
        Witness { at, node: self.tasks[usize::from(task.0)].node, what }
    }
    /// What a task said of its own state, as it was observed.
    pub(super) fn own_witness(&self, task: TaskId, mark: &OwnMark) -> Witness {
        let OwnMark { checkpoint, at, print } = *mark;
        let generation = self.generation;
        let what = Observation::OperatorCut { task, generation, checkpoint, print };
        Witness { at, node: self.tasks[usize::from(task.0)].node, what }
    }
}
