//! What a run leaves in its durable store, gathered so that other runs can start from it.

use std::sync::Arc;

use stormglass_engine::coordinator::metadata::{Completed, Metadata};
use stormglass_engine::handle::{FileRef, checksum};
use stormglass_engine::node::Node;
use stormglass_engine::store;
use stormglass_sim::payload::Payload;

use super::{Run, Setup};
use crate::judge::heritage::Heritage;
use crate::problem::Problem;
use crate::savepoint::{Savepoint, refused};
use crate::scenario::{Recovery, Role};

impl Run {
    /// The checkpoints that the cluster retains now (`checkpoint.retained`), oldest first: each as
    /// something that another run can start from, or why none can. Wait a moment for one whose
    /// outputs are not visible yet: to commit them is for this run. Asks [`Setup::retain`] to be
    /// set from the start.
    pub fn retained(&self) -> Vec<Result<Arc<Savepoint>, Problem>> {
        let all = self.metadata().max_by_key(|metadata| metadata.latest().map(|c| c.checkpoint));
        let all = all.map_or(&[][..], Metadata::retained).iter();
        all.map(|completed| {
            if self.setup.scenario.recovery != Recovery::Checkpoints {
                let why = "the records after it are those whose trees are open, and only this \
                           run's sources know them";
                return Err(refused(completed.checkpoint, why));
            }
            let heritage = self.world.watcher().judges.heritage_at(completed.checkpoint);
            let heritage = heritage.map_err(|why| refused(completed.checkpoint, &why))?;
            self.gather(completed, heritage)
        })
        .collect()
    }

    /// The savepoint with which the job has ended.
    pub(super) fn savepoint(&self) -> Option<Arc<Savepoint>> {
        let judges = &self.world.watcher().judges;
        let ending = self.metadata().filter_map(Metadata::ending).last();
        let ending = ending.filter(|_| judges.is_stopped())?;
        self.gather(ending, judges.heritage()).ok()
    }

    pub(super) fn metadata(&self) -> impl Iterator<Item = &Metadata> {
        let coordinators = self.places.all(Role::Coordinator).into_iter();
        coordinators.filter_map(|node| match self.world.process(node)? {
            Node::Coordinator(coordinator) => Some(coordinator.metadata()),
            _ => None,
        })
    }

    fn gather(&self, of: &Completed, heritage: Heritage) -> Result<Arc<Savepoint>, Problem> {
        let stores = self.places.all(Role::Store);
        let read = |file: &FileRef| -> Option<Payload> {
            let path = store::path_of(file.id);
            let copies = stores.iter().filter_map(|at| self.world.cached_file(at.machine, &path));
            copies.into_iter().find(|copy| checksum(copy) == file.print)
        };
        let Setup { topology, log, .. } = &*self.setup;
        Savepoint::new(of, topology, log, heritage, read).map(Arc::new)
    }
}
