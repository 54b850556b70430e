//! Requests and metadata as bytes: what the replicated log and its snapshots hold. Checksums are
//! the log's business.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::NodeId;
use stormglass_sim::time::Span;

use super::{Answer, Assignment, Command, Completed, Ended, Goal, Metadata, Progress, Request};
use crate::barrier::CheckpointKind;
use crate::coordinator::checkpoint_spout::{Phase, TxState};
use crate::coordinator::interval::{Experience, Window};
use crate::handle::{FileId, Part, Replicas};
use crate::ids::{Attempt, CheckpointId, ComponentId, Generation, TaskId, Txid};
use crate::observation::Call;
use crate::snapshot::{Reader, put};

/// A number that no optional word has.
const NONE: u64 = u64::MAX;

fn put_long(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(&n.to_le_bytes());
}
fn put_span(out: &mut Vec<u8>, span: Span) {
    put_long(out, span.as_nanos());
}
fn span(reader: &mut Reader<'_>) -> Option<Span> {
    reader.u64().map(Span::nanos)
}
fn put_node(out: &mut Vec<u8>, node: NodeId) {
    put(out, node.word() as u32);
}
fn node(reader: &mut Reader<'_>) -> Option<NodeId> {
    let word = reader.u32()?;
    Some(NodeId::new((word >> 16) as u16, word as u16))
}
fn put_answer(out: &mut Vec<u8>, answer: Answer) {
    out.push(u8::from(answer.is_some()));
    put_long(out, answer.unwrap_or(0));
}
fn answer(reader: &mut Reader<'_>) -> Option<Answer> {
    let known = reader.take(1)?[0] == 1;
    let word = reader.u64()?;
    Some(known.then_some(word))
}

fn put_many<T>(
    out: &mut Vec<u8>,
    all: impl ExactSizeIterator<Item = T>,
    f: impl Fn(&mut Vec<u8>, T),
) {
    put(out, all.len() as u32);
    all.for_each(|one| f(out, one));
}
fn many<T>(
    reader: &mut Reader<'_>,
    mut f: impl FnMut(&mut Reader<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let len = reader.u32()?;
    (0..len).map(|_| f(reader)).collect()
}

fn put_workers(
    out: &mut Vec<u8>,
    workers: &[(NodeId, u32)],
    tasks: &[NodeId],
    executors: &[TaskId],
) {
    put_many(out, workers.iter(), |out, (node, incarnation)| {
        put_node(out, *node);
        put(out, *incarnation);
    });
    put_many(out, tasks.iter(), |out, node| put_node(out, *node));
    put_many(out, executors.iter(), |out, task| put(out, task.0.into()));
}
type Workers = (Vec<(NodeId, u32)>, Vec<NodeId>, Vec<TaskId>);
fn workers(reader: &mut Reader<'_>) -> Option<Workers> {
    let workers = many(reader, |reader| Some((node(reader)?, reader.u32()?)))?;
    let tasks = many(reader, node)?;
    Some((workers, tasks, many(reader, |reader| Some(TaskId(reader.u32()? as u16)))?))
}

fn put_completed(out: &mut Vec<u8>, completed: &Completed) {
    put(out, completed.checkpoint.0);
    put(out, completed.generation.0);
    put(out, completed.attempt.0);
    out.push(completed.kind as u8);
    put_many(out, completed.parts.iter(), |out, part| part.encode(out));
    put_span(out, completed.ran);
}
fn completed(reader: &mut Reader<'_>) -> Option<Completed> {
    Some(Completed {
        checkpoint: CheckpointId(reader.u32()?),
        generation: Generation(reader.u32()?),
        attempt: Attempt(reader.u32()?),
        kind: *CheckpointKind::ALL.get(usize::from(reader.take(1)?[0]))?,
        parts: many(reader, |reader| Part::decode(reader).map(Arc::new))?,
        ran: span(reader)?,
    })
}

fn put_window(out: &mut Vec<u8>, window: &Window) {
    put_long(out, window.failures_micro);
    put_span(out, window.running);
}
fn window(reader: &mut Reader<'_>) -> Option<Window> {
    Some(Window { failures_micro: reader.u64()?, running: span(reader)? })
}
fn put_experience(out: &mut Vec<u8>, experience: &Experience) {
    put_window(out, &experience.recent);
    put_window(out, &experience.lasting);
    put_span(out, experience.cost);
    put(out, experience.checkpoints);
}
fn experience(reader: &mut Reader<'_>) -> Option<Experience> {
    let (recent, lasting) = (window(reader)?, window(reader)?);
    Some(Experience { recent, lasting, cost: span(reader)?, checkpoints: reader.u32()? })
}

fn put_state(out: &mut Vec<u8>, TxState { txid, phase }: TxState) {
    put(out, txid.0);
    out.push(phase as u8);
}
fn state(reader: &mut Reader<'_>) -> Option<TxState> {
    let txid = Txid(reader.u32()?);
    let phases = [Phase::Preparing, Phase::Committing, Phase::Committed];
    let phase = *phases.get(usize::from(reader.take(1)?[0]))?;
    Some(TxState { txid, phase })
}

fn put_executors<'a>(
    out: &mut Vec<u8>,
    executors: impl ExactSizeIterator<Item = (&'a ComponentId, &'a u16)>,
) {
    put_many(out, executors, |out, (component, n)| {
        put(out, u32::from(component.0) << 16 | u32::from(*n));
    });
}
fn executors(reader: &mut Reader<'_>) -> Option<Vec<(ComponentId, u16)>> {
    many(reader, |reader| {
        let word = reader.u32()?;
        Some((ComponentId((word >> 16) as u16), word as u16))
    })
}

impl Request {
    /// The bytes of a log entry.
    pub fn encode(&self) -> Arc<[u8]> {
        let mut out = Vec::new();
        put_node(&mut out, self.client);
        put_long(&mut out, self.sequence);
        match &self.command {
            Command::Grant { generation, basis, ended, workers, tasks, executors } => {
                out.push(1);
                put(&mut out, generation.0);
                put(&mut out, *basis);
                out.push(u8::from(ended.failed));
                put_span(&mut out, ended.ran);
                put_workers(&mut out, workers, tasks, executors);
            }
            Command::Reserve { generation } => {
                out.push(2);
                put(&mut out, generation.0);
            }
            Command::Complete(completed) => {
                out.push(3);
                put_completed(&mut out, completed);
            }
            Command::Stop { generation, checkpoint } => {
                out.push(20);
                put(&mut out, generation.0);
                put(&mut out, checkpoint.0);
            }
            Command::Join { supervisor } => {
                out.push(4);
                put_node(&mut out, *supervisor);
            }
            Command::Leave { supervisor } => {
                out.push(5);
                put_node(&mut out, *supervisor);
            }
            Command::Rebalance { workers, executors } => {
                out.push(6);
                put_long(&mut out, workers.map_or(NONE, u64::from));
                put_executors(&mut out, executors.iter().map(|(component, n)| (component, n)));
            }
            Command::Replicas { id, stores } => {
                out.push(40);
                id.encode(&mut out);
                put_long(&mut out, stores.0);
            }
            Command::Condemn { checkpoint, generation } => {
                out.push(41);
                put(&mut out, checkpoint.0);
                put(&mut out, generation.0);
            }
            Command::Update { key, call } => {
                let (tag, value) = match call {
                    Call::Read => (7, 0),
                    Call::Set(value) => (8, *value),
                    Call::Add(value) => (9, *value),
                };
                out.push(tag);
                put(&mut out, (*key).into());
                put_long(&mut out, value);
            }
            Command::Step { generation, to, parts } => {
                out.push(10);
                put(&mut out, generation.0);
                put_state(&mut out, *to);
                put_many(&mut out, parts.iter(), |out, part| part.encode(out));
            }
        }
        out.into()
    }

    /// Reads what [`Request::encode`] wrote; none if it is anything else.
    pub fn decode(bytes: &[u8]) -> Option<Request> {
        let mut reader = Reader(bytes);
        let reader = &mut reader;
        let (client, sequence) = (node(reader)?, reader.u64()?);
        let command = match reader.take(1)?[0] {
            1 => {
                let (generation, basis) = (Generation(reader.u32()?), reader.u32()?);
                let failed = reader.take(1)?[0] == 1;
                let ended = Ended { failed, ran: span(reader)? };
                let (workers, tasks, executors) = workers(reader)?;
                Command::Grant { generation, basis, ended, workers, tasks, executors }
            }
            2 => Command::Reserve { generation: Generation(reader.u32()?) },
            3 => Command::Complete(completed(reader)?),
            20 => {
                let generation = Generation(reader.u32()?);
                Command::Stop { generation, checkpoint: CheckpointId(reader.u32()?) }
            }
            4 => Command::Join { supervisor: node(reader)? },
            5 => Command::Leave { supervisor: node(reader)? },
            6 => {
                let workers = reader.u64()?;
                let workers = (workers != NONE).then_some(workers as u16);
                Command::Rebalance { workers, executors: executors(reader)? }
            }
            tag @ 7..=9 => {
                let (key, value) = (reader.u32()? as u16, reader.u64()?);
                let call = [Call::Read, Call::Set(value), Call::Add(value)][usize::from(tag - 7)];
                Command::Update { key, call }
            }
            10 => {
                let (generation, to) = (Generation(reader.u32()?), state(reader)?);
                let parts = many(reader, |reader| Part::decode(reader).map(Arc::new))?;
                Command::Step { generation, to, parts }
            }
            40 => {
                let id = FileId::decode(reader)?;
                Command::Replicas { id, stores: Replicas(reader.u64()?) }
            }
            41 => {
                let checkpoint = CheckpointId(reader.u32()?);
                Command::Condemn { checkpoint, generation: Generation(reader.u32()?) }
            }
            _ => return None,
        };
        reader.0.is_empty().then_some(Request { client, sequence, command })
    }
}

impl Metadata {
    /// The bytes of a snapshot: equal for equal metadata.
    pub fn encode(&self) -> Arc<[u8]> {
        let mut out = Vec::new();
        let out = &mut out;
        put_many(out, self.assignment.iter(), |out, assignment| {
            put(out, assignment.generation.0);
            put(out, assignment.attempt.0);
            put(out, assignment.basis);
            put_workers(out, &assignment.workers, &assignment.tasks, &assignment.executors);
        });
        put_many(out, self.completed.iter(), |out, completed| put_completed(out, completed));
        put_many(out, self.savepoints.iter(), |out, completed| put_completed(out, completed));
        out.push(u8::from(self.stopped));
        put(out, self.next_checkpoint);
        put_state(out, self.progress.state);
        put(out, self.progress.version.0);
        out.push(u8::from(self.lost));
        put_many(out, self.members.iter(), |out, (supervisor, active)| {
            put_node(out, *supervisor);
            out.push(u8::from(*active));
        });
        put(out, self.goal.version);
        put_long(out, self.goal.workers.map_or(NONE, u64::from));
        put_executors(out, self.goal.executors.iter());
        put_experience(out, &self.experience);
        put_many(out, self.registers.iter(), |out, (key, value)| {
            put(out, (*key).into());
            put_long(out, *value);
        });
        put_many(out, self.sessions.iter(), |out, (client, (sequence, answer))| {
            put_node(out, *client);
            put_long(out, *sequence);
            put_answer(out, *answer);
        });
        core::mem::take(out).into()
    }

    /// Reads what [`Metadata::encode`] wrote; none if it is anything else.
    pub fn decode(bytes: &[u8]) -> Option<Metadata> {
        let mut reader = Reader(bytes);
        let reader = &mut reader;
        let assignment = many(reader, |reader| {
            let (generation, attempt) = (Generation(reader.u32()?), Attempt(reader.u32()?));
            let basis = reader.u32()?;
            let (workers, tasks, executors) = workers(reader)?;
            let of = Assignment { generation, attempt, basis, workers, tasks, executors };
            Some(Arc::new(of))
        })?;
        let completed = many(reader, |reader| completed(reader).map(Arc::new))?;
        let savepoints = many(reader, |reader| self::completed(reader).map(Arc::new))?;
        let stopped = reader.take(1)?[0] == 1;
        let next_checkpoint = reader.u32()?;
        let progress = Progress { state: state(reader)?, version: CheckpointId(reader.u32()?) };
        let lost = reader.take(1)?[0] == 1;
        let member = |reader: &mut Reader<'_>| Some((node(reader)?, reader.take(1)?[0] == 1));
        let members = many(reader, member)?.into_iter().collect();
        let version = reader.u32()?;
        let workers = reader.u64()?;
        let workers = (workers != NONE).then_some(workers as u16);
        let executors: BTreeMap<_, _> = executors(reader)?.into_iter().collect();
        let experience = experience(reader)?;
        let register = |reader: &mut Reader<'_>| Some((reader.u32()? as u16, reader.u64()?));
        let registers = many(reader, register)?.into_iter().collect();
        let sessions =
            many(reader, |reader| Some((node(reader)?, (reader.u64()?, answer(reader)?))))?;
        reader.0.is_empty().then(|| Metadata {
            assignment: assignment.into_iter().next(),
            completed,
            savepoints,
            stopped,
            next_checkpoint,
            progress,
            lost,
            members,
            goal: Goal { version, workers, executors },
            experience,
            registers,
            sessions: sessions.into_iter().collect(),
        })
    }
}
