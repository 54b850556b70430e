//! Queries from outside: a worker answers for the keys that its tasks own, in its own generation.
//!
//! It reads what its tasks have executed so far, on its main thread: between two executions, never
//! in the middle of one, so all changes of a tuple are seen or none. Whether the worker still is
//! the owner it cannot know; the client asks the coordinators.

use alloc::sync::Arc;

use stormglass_sim::node::NodeId;
use stormglass_sim::time::Span;

use super::{MAIN, Worker};
use crate::java;
use crate::message::Message;
use crate::node::Cx;
use crate::observation::{Observation, Operation};
use crate::query::Query;
use crate::value::{self, Value};

/// CPU time of a look at one key.
const LOOK: Span = Span::micros(5);

impl Worker {
    /// A client asks for a key.
    pub(super) fn query(&mut self, client: NodeId, query: &Query, cx: &mut Cx<'_>) {
        cx.spend(MAIN, LOOK);
        let generation = self.generation();
        let row = self.row_of(query);
        if let Some(row) = &row {
            let operation = Operation { client, number: query.number };
            let (hash, key) = (java::deep_hash_code(query.key.iter()), &query.key);
            cx.observe(Observation::Queried {
                operation,
                task: query.task,
                generation,
                hash,
                key: value::fingerprint(key),
                row: value::fingerprint(row),
            });
        }
        cx.send(client, Message::Queried { number: query.number, generation, row });
    }

    /// The row, if this worker runs the task in the generation that was asked for.
    fn row_of(&self, query: &Query) -> Option<Arc<[Value]>> {
        let job = self.job.as_ref().filter(|job| job.running)?;
        if job.generation != query.generation {
            return None;
        }
        let at = job.local.get(usize::from(query.task.0).wrapping_sub(1)).copied().flatten()?;
        let hash = java::deep_hash_code(query.key.iter());
        job.tasks[usize::from(at)].row(hash, &query.key).map(Arc::from)
    }
}
