//! What a new task reads of the checkpoint that it starts from.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::payload::Payload;

use super::links::Env;
use crate::handle::{FileId, Part};
use crate::ids::TaskId;
use crate::message::{Get, Message};
use crate::snapshot::Snapshot;

/// The files of a part, as far as they have come.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    task: TaskId,
    files: Vec<(FileId, Option<Payload>)>,
}

/// What a file that came has made of it.
pub(super) enum Read {
    /// More is to come.
    More,
    /// All of it is here.
    Whole(Box<Snapshot>),
    /// A file is missing, or not what it should be.
    Unreadable,
}

impl Reading {
    /// Asks the store for a part's files, for `task`.
    pub(super) fn begin(task: TaskId, part: &Part, env: &mut Env<'_, '_>) -> Self {
        let files = part.files.iter().map(|file| (file.id, None)).collect();
        let reading = Reading { task, files };
        reading.ask(env);
        reading
    }

    /// Asks for what has not come.
    pub(super) fn ask(&self, env: &mut Env<'_, '_>) {
        for (id, _) in self.files.iter().filter(|(_, data)| data.is_none()) {
            let get = Get { id: *id, task: self.task, generation: env.generation };
            env.links.store.send(Message::Get(Arc::new(get)), env.cx);
        }
    }

    /// A file came; none if it cannot be read.
    pub(super) fn take(&mut self, id: FileId, data: Option<Payload>) -> Read {
        let Some(data) = data else { return Read::Unreadable };
        if let Some(file) = self.files.iter_mut().find(|file| file.0 == id) {
            file.1 = Some(data);
        }
        let all: Option<Vec<&Payload>> = self.files.iter().map(|file| file.1.as_ref()).collect();
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
}
