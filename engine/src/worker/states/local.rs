//! What a task keeps of its state on its machine's disk.

use alloc::format;
use alloc::vec::Vec;

use stormglass_sim::hash::fingerprint;
use stormglass_sim::node::{DiskError, DiskOp, FileName, Lane};
use stormglass_sim::payload::Payload;

use crate::backend::log::{Log, Wanted, recover};
use crate::backend::{Backend, Change, Entry, KeyRange, Mark, StorageError};
use crate::coordinator::metadata::Completed;
use crate::ids::{Generation, KeyGroup, TaskId};
use crate::names::{Probe, Twist};
use crate::snapshot::{Reader, Snapshot};
use crate::state::delta::{Keys, Layers, range_of};
use crate::state::{GroupSnapshot, KeyedState};
use crate::worker::links::Env;

/// Under this key the embedded store keeps which cut it holds, and what else was cut. It comes
/// behind every row.
const CUT: [u8; 4] = [0xff; 4];

/// The stores of so many generations are looked into.
const GENERATIONS_MOST: usize = 8;

/// A local store of one attempt.
#[derive(Clone, Debug)]
pub(super) struct Local {
    task: TaskId,
    file: FileName,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Log(Log),
    /// What it holds about its last cut.
    Embedded(Vec<u8>),
    /// It failed: nothing is written to it any more, and nothing will be read.
    Broken,
}

/// Where a task of a generation keeps its state.
fn file_name(task: TaskId, generation: Generation, env: &mut Env<'_, '_>) -> FileName {
    let component = env.cluster.topology.component_of(task).id;
    if env.cx.twist(Twist::LocalPathShared) {
        return format!("state/{component}/{generation}").into();
    }
    format!("state/{component}-{task}/{generation}").into()
}

/// A group and its rows, whatever they weigh.
fn content(group: &GroupSnapshot) -> (KeyGroup, &[u8]) {
    (group.group, group.data.bytes())
}

/// What belongs to a cut besides its groups.
fn head(snapshot: &Snapshot) -> Snapshot {
    Snapshot { groups: Vec::new(), ..snapshot.clone() }
}

/// Which file's and which cut it is, and what belongs to it besides its groups.
fn encode_cut(file: &str, mark: Mark, head: &Snapshot) -> Vec<u8> {
    let mut out = Vec::from(fingerprint(file.as_bytes()).to_le_bytes());
    mark.encode(&mut out);
    out.extend_from_slice(head.encode().bytes());
    out
}

/// None if it is another file's.
fn decode_cut(file: &str, bytes: &[u8]) -> Option<(Mark, Snapshot)> {
    let mut reader = Reader(bytes);
    if reader.u64()? != fingerprint(file.as_bytes()) {
        return None;
    }
    let mark = Mark::decode(&mut reader)?;
    Some((mark, Snapshot::decode(&Payload::new(reader.0))?))
}

/// Takes a task's part of a checkpoint from its machine's disk, if it is there: from the store of
/// the generation that made the cut, or of a later one that began with it. What is found there is
/// removed: whatever is restored from now on, the task's next store has it, or none.
pub(in crate::worker) fn take(
    task: TaskId,
    completed: &Completed,
    env: &mut Env<'_, '_>,
) -> Option<Snapshot> {
    if matches!(env.cluster.state.backend, Backend::Memory | Backend::File) {
        return None;
    }
    // What barriers have overtaken is part of a cut, and comes after the store has been told of it.
    if env.cluster.barriers.may_overtake() || env.cx.twist(Twist::LocalStateForgotten) {
        return None;
    }
    let later = (completed.generation.0..env.generation.0).rev().take(GENERATIONS_MOST);
    let (mut found, mut taken) = (false, None);
    for generation in later.map(Generation) {
        let file = file_name(task, generation, env);
        match take_from(task, &file, Mark::of(completed), env) {
            Err(StorageError::Missing) => continue,
            Ok(snapshot) => taken = taken.or(snapshot),
            Err(_) => {}
        }
        found = true;
        env.cx.disk(env.lane(task), DiskOp::Remove { file });
    }
    if taken.is_some() {
        env.cx.probe(Probe::LocalStateTaken);
    } else if found {
        env.cx.probe(Probe::LocalStateRefused);
    }
    taken
}

/// What a store has of a cut; none if it has something else.
fn take_from(
    task: TaskId,
    file: &str,
    wanted: Mark,
    env: &mut Env<'_, '_>,
) -> Result<Option<Snapshot>, StorageError> {
    let unchecked = env.cx.twist(Twist::LocalStateUnchecked);
    let lane = env.lane(task);
    let found = match env.cluster.state.backend.clone() {
        Backend::Embedded(engine) => {
            let everything = Vec::new()..Vec::from([0xff; 5]);
            let mut all = engine.scan(env.cx.blocking_disk(lane), file, &everything)?;
            let cut = all.pop().filter(|(key, _)| *key == CUT);
            let cut = cut.and_then(|(_, cut)| decode_cut(file, &cut));
            cut.filter(|(mark, _)| unchecked || *mark == wanted).map(|(_, head)| (all, head))
        }
        _ => {
            let bytes = read(file, lane, env)?;
            let wanted = if unchecked { Wanted::Newest } else { Wanted::At(wanted) };
            let found = recover(file, &bytes, wanted);
            found.and_then(|(all, head)| Some((all, Snapshot::decode(&Payload::new(head))?)))
        }
    };
    Ok(found.and_then(|(entries, head)| {
        let mut layers = Layers::default();
        layers.lay_entries(&entries)?;
        Some(Snapshot { groups: layers.finish(), ..head })
    }))
}

fn read(file: &str, lane: Lane, env: &mut Env<'_, '_>) -> Result<Vec<u8>, StorageError> {
    let failed = |error| match error {
        DiskError::NotFound => StorageError::Missing,
        other => StorageError::Unknown(other),
    };
    let disk = env.cx.blocking_disk(lane);
    let len = disk.len(file).map_err(failed)?;
    let mut bytes = alloc::vec![0; usize::try_from(len).map_err(|_| failed(DiskError::Io))?];
    disk.read_at(file, 0, &mut bytes).map_err(failed)?;
    Ok(bytes)
}

impl Local {
    /// Begins the store of a task that starts with this state: that of a cut, or none. None if the
    /// backend keeps nothing on the machine's disk.
    pub(super) fn begin(
        task: TaskId,
        state: &KeyedState,
        cut: Option<(Mark, &Snapshot)>,
        env: &mut Env<'_, '_>,
    ) -> Option<Self> {
        if matches!(env.cluster.state.backend, Backend::Memory | Backend::File) {
            return None;
        }
        let file = file_name(task, env.generation, env);
        let mut local = Local { task, file, kind: Kind::Broken };
        let cut = cut.map(|(mark, snapshot)| (mark, head(snapshot)));
        local.make(state, cut.as_ref().map(|(mark, head)| (*mark, head)), env);
        Some(local)
    }

    /// Makes the store, in the place of any that has its name.
    fn make(&mut self, state: &KeyedState, cut: Option<(Mark, &Snapshot)>, env: &mut Env<'_, '_>) {
        let (mut entries, weight) = state.entries();
        let lane = env.lane(self.task);
        match env.cluster.state.backend.clone() {
            Backend::Embedded(engine) => {
                let (mark, head) = cut.unzip();
                let (mark, empty) = (mark.unwrap_or_default(), Snapshot::default());
                let cut = encode_cut(&self.file, mark, head.unwrap_or(&empty));
                entries.push((CUT.to_vec(), cut.clone()));
                match engine.create(env.cx.blocking_disk(lane), &self.file, &entries) {
                    Ok(()) => self.kind = Kind::Embedded(cut),
                    Err(_) => self.fail(env),
                }
            }
            _ => {
                let head = cut.map(|(mark, head)| (mark, head.encode()));
                let head = head.as_ref().map(|(mark, head)| (*mark, head.bytes()));
                let (log, data) = Log::begin(&self.file, head, &entries, weight);
                self.kind = Kind::Log(log);
                let new = FileName::from(format!("{}.new", self.file));
                let (from, to) = (new.clone(), self.file.clone());
                // Nobody waits and nothing is promised on it: one that is not whole is refused
                // when it is read, and the state comes from the stores.
                env.cx.disk(lane, DiskOp::Write { file: new.clone(), data });
                env.cx.disk(lane, DiskOp::Sync { file: new });
                env.cx.disk(lane, DiskOp::Rename { from, to });
                env.cx.disk(lane, DiskOp::SyncDir);
            }
        }
    }

    /// Whether every batch is written to it at once.
    pub(super) fn is_log(&self) -> bool {
        matches!(self.kind, Kind::Log(_))
    }

    /// A batch was executed, and these rows have changed.
    pub(super) fn executed(&mut self, keys: &Keys, state: &KeyedState, env: &mut Env<'_, '_>) {
        let Kind::Log(log) = &mut self.kind else { return };
        let (changes, weight) = state.changed_entries(keys);
        let data = log.changes(&changes, weight);
        env.cx.disk(env.lane(self.task), DiskOp::Append { file: self.file.clone(), data });
    }

    /// A checkpoint cuts the state, of which these rows have changed since the last cut. What an
    /// embedded store has of their groups takes the place of what the heap has; true if that was
    /// something else.
    pub(super) fn cut(
        &mut self,
        mark: Mark,
        keys: &Keys,
        state: &KeyedState,
        snapshot: &mut Snapshot,
        env: &mut Env<'_, '_>,
    ) -> bool {
        let head = head(snapshot);
        match &mut self.kind {
            Kind::Log(log) if log.is_long() => self.make(state, Some((mark, &head)), env),
            Kind::Log(log) => {
                let (lane, file) = (env.lane(self.task), self.file.clone());
                let data = log.mark((mark, head.encode().bytes()));
                env.cx.disk(lane, DiskOp::Append { file: file.clone(), data });
                env.cx.disk(lane, DiskOp::Sync { file });
            }
            Kind::Embedded(_) => match self.commit(mark, &head, keys, state, snapshot, env) {
                Ok(deviates) => return deviates,
                Err(_) => self.fail(env),
            },
            Kind::Broken => {}
        }
        false
    }

    /// Commits a cut to the embedded store, and puts what it reads back in the place of what is
    /// something else; true if there was any.
    fn commit(
        &mut self,
        mark: Mark,
        head: &Snapshot,
        keys: &Keys,
        state: &KeyedState,
        snapshot: &mut Snapshot,
        env: &mut Env<'_, '_>,
    ) -> Result<bool, StorageError> {
        let (Backend::Embedded(engine), Kind::Embedded(held)) =
            (env.cluster.state.backend.clone(), &mut self.kind)
        else {
            return Ok(false);
        };
        let cut = encode_cut(&self.file, mark, head);
        let held = (CUT.to_vec(), core::mem::replace(held, cut.clone()));
        let (mut changes, _) = state.changed_entries(keys);
        changes.push(Change { key: CUT.to_vec(), value: Some(cut) });
        let mut groups: Vec<_> = keys.iter().map(|(group, _)| *group).collect();
        groups.dedup();
        let ranges: Vec<KeyRange> = groups.iter().map(|group| range_of(*group)).collect();
        let disk = env.cx.blocking_disk(env.lane(self.task));
        let stored: Vec<Entry> = engine.commit(disk, &self.file, &held, &changes, &ranges)?;
        let mut layers = Layers::default();
        layers.lay_entries(&stored).ok_or(StorageError::Refused)?;
        let stored = layers.finish();
        let cut = snapshot.groups.iter().filter(|of| groups.contains(&of.group));
        if cut.map(content).eq(stored.iter().map(content)) {
            return Ok(false);
        }
        snapshot.groups.retain(|of| !groups.contains(&of.group));
        snapshot.groups.extend(stored);
        snapshot.groups.sort_by_key(|of| of.group);
        Ok(true)
    }

    /// Whether a change happened is not known, or the store is broken: only a new attempt, with a
    /// store that is made of a checkpoint, can mend that.
    fn fail(&mut self, env: &mut Env<'_, '_>) {
        self.kind = Kind::Broken;
        env.cx.probe(Probe::LocalStoreFailed);
        let me = env.cx.me();
        env.broken(me, Some(self.task));
    }
}
