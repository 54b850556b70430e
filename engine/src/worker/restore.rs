//! What a new task reads of the checkpoint that it starts from.
//!
//! Each file is asked of one store after the other, the preferred replica first, until one gives
//! what was written. A store that answers that it has no sound copy is not asked again, and the
//! coordinator is told; one that cannot be reached, or whose disk could not say, is asked when it
//! is back. Only when every store has answered so is the file unreadable: that the bytes are gone
//! is then known, not guessed from a silence.

use alloc::boxed::Box;
use alloc::vec::Vec;

use stormglass_sim::payload::Payload;

use super::links::Env;
use crate::coordinator::metadata::Completed;
use crate::handle::{FileId, FileRef, Flaw, Part, Replicas, checksum};
use crate::ids::TaskId;
use crate::message::{Get, Message};
use crate::names::Twist;
use crate::pipeline::join;
use crate::snapshot::Snapshot;
use crate::state::operator::deal;

/// The files of a part, as far as they have come.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    task: TaskId,
    files: Vec<File>,
}

/// One file.
#[derive(Clone, Debug)]
struct File {
    file: FileRef,
    /// Stores in the order in which they are asked.
    order: Vec<u16>,
    /// Who is asked now.
    asked: Option<u16>,
    /// Who has no sound copy.
    flawed: Replicas,
    /// Packets that came from who is asked.
    packets: Vec<Payload>,
    whole: Option<Payload>,
}

/// What a message from a store has made of it.
pub(super) enum Read {
    /// More is to come.
    More,
    /// All of it is here.
    Whole(Box<Snapshot>),
    /// A file is not to be had anywhere.
    Unreadable,
}

impl Reading {
    /// Asks for a part's files, for `task`.
    pub(super) fn begin(task: TaskId, part: &Part, env: &mut Env<'_, '_>) -> Self {
        let file = |file: &FileRef| File {
            file: *file,
            order: env.links.stores.readers(file),
            asked: None,
            flawed: Replicas::default(),
            packets: Vec::new(),
            whole: None,
        };
        let files = part.files.iter().map(file).collect();
        let mut reading = Reading { task, files };
        reading.ask(env);
        reading
    }

    /// Asks for what is asked of nobody.
    pub(super) fn ask(&mut self, env: &mut Env<'_, '_>) {
        let (task, generation) = (self.task, env.generation);
        for file in self.files.iter_mut().filter(|f| f.whole.is_none() && f.asked.is_none()) {
            let stores = &mut env.links.stores;
            let flawed = file.flawed;
            let next = |store: &&u16| !flawed.has(**store) && stores.reachable(**store);
            let Some(&store) = file.order.iter().find(next) else { continue };
            file.asked = Some(store);
            let get = Get { id: file.file.id, print: file.file.print, task, generation };
            stores.get(store, get, env.cx);
        }
    }

    /// A store cannot be reached any more: another one is asked. True if that is taken for the loss
    /// of what it has, which a planted bug does.
    pub(super) fn store_lost(&mut self, store: u16, env: &mut Env<'_, '_>) -> bool {
        for file in self.files.iter_mut().filter(|file| file.asked == Some(store)) {
            file.asked = None;
            file.packets.clear();
        }
        self.ask(env);
        let nobody = |file: &File| file.whole.is_none() && file.asked.is_none();
        self.files.iter().any(nobody) && env.cx.twist(Twist::UnreadableForgotten)
    }

    /// A packet came from who was asked, or the answer that there is none.
    pub(super) fn take(
        &mut self,
        id: FileId,
        packets: (u32, u32),
        data: Result<Payload, Flaw>,
        env: &mut Env<'_, '_>,
    ) -> Read {
        let of_it = |file: &&mut File| file.file.id == id && file.whole.is_none();
        let Some(file) = self.files.iter_mut().find(of_it) else { return Read::More };
        let Some(store) = file.asked else { return Read::More };
        let flaw = match data {
            Ok(data) => file.add(packets, data),
            Err(flaw) => Some(flaw),
        };
        if let Some(flaw) = flaw {
            return self.flawed(id, store, flaw, env);
        }
        let all: Option<Vec<&Payload>> =
            self.files.iter().map(|file| file.whole.as_ref()).collect();
        match all.as_deref() {
            None => Read::More,
            Some(files) => {
                let files: Option<Vec<_>> =
                    files.iter().map(|file| Snapshot::decode(file)).collect();
                files
                    .and_then(Snapshot::over)
                    .map_or(Read::Unreadable, |whole| Read::Whole(Box::new(whole)))
            }
        }
    }

    /// A store has no sound copy, or cannot say.
    fn flawed(&mut self, id: FileId, store: u16, flaw: Flaw, env: &mut Env<'_, '_>) -> Read {
        let file = self.files.iter_mut().find(|file| file.file.id == id).expect("it was asked for");
        file.packets.clear();
        file.asked = None;
        if flaw == Flaw::Unknown {
            // Asked again at once it would say the same: another one may know better, and if all
            // are like this one, the next generation asks again.
            file.order.retain(|other| *other != store);
            file.order.push(store);
            let others = file.order.iter().any(|other| {
                *other != store && !file.flawed.has(*other) && env.links.stores.reachable(*other)
            });
            if !others {
                return Read::Unreadable;
            }
        } else {
            file.flawed = file.flawed.with(store);
            if file.file.replicas.has(store) {
                env.tell_coordinator(Message::Flawed { id, store });
            }
        }
        if file.flawed.count() as usize == file.order.len() {
            return Read::Unreadable;
        }
        self.ask(env);
        Read::More
    }

    /// Whether a file is known to be gone: every store has said so.
    pub(super) fn is_lost(&self) -> bool {
        self.files.iter().any(|file| file.flawed.count() as usize == file.order.len())
    }
}

impl File {
    /// Adds the next packet; the last one shows whether the file is what was written.
    fn add(&mut self, (packet, packets): (u32, u32), data: Payload) -> Option<Flaw> {
        if packet as usize != self.packets.len() {
            // It belongs to an answer that was given up.
            return None;
        }
        self.packets.push(data);
        if self.packets.len() < packets as usize {
            return None;
        }
        let whole = join(&core::mem::take(&mut self.packets));
        if checksum(&whole) != self.file.print {
            return Some(Flaw::Rotten);
        }
        self.whole = Some(whole);
        None
    }
}

/// What of the savepoint that the job started from is a task's now, if that is what it restores: of
/// all tasks of its component there were.
pub(super) fn share(task: TaskId, of: &Completed, env: &mut Env<'_, '_>) -> Option<Snapshot> {
    let cluster = env.cluster.clone();
    let origin = cluster.origin.as_ref()?;
    if origin.completed.checkpoint != of.checkpoint {
        return None;
    }
    let component = cluster.topology.component_of(task);
    let (index, tasks) = (task.0 - component.first_task.0, component.parallelism);
    let groups = cluster.topology.key_groups(index, tasks);
    let (mut mine, mut operators) = (Snapshot::default(), Vec::new());
    for part in origin.parts_of(component.id) {
        let part = part.inline.as_ref().and_then(Snapshot::decode);
        let part = part.expect("what a job starts from was checked when it was gathered");
        let read_here = part.positions.into_iter().filter(|p| p.partition().0 % tasks == index);
        mine.positions.extend(read_here);
        mine.groups.extend(part.groups.into_iter().filter(|g| groups.contains(&g.group.0)));
        if mine.states.is_empty() {
            mine.states = part.states;
        }
        operators.extend(part.operator);
    }
    if !operators.is_empty() {
        let first = mine.states.iter().position(|state| !state.kind.is_keyed());
        let own = &mine.states[first.unwrap_or(mine.states.len())..];
        mine.operator = deal(&operators, own, index, tasks);
        assert!(mine.operator.is_some(), "a part's checksum covers its operator state");
    }
    mine.positions.sort();
    mine.groups.sort_by_key(|group| group.group);
    Some(mine)
}
