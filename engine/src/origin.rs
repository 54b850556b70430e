//! What a job starts from that is not its first: a savepoint, taken by as many tasks as there were.
//!
//! Keys move with their key groups, partitions with the tasks that read them now, and operator
//! state is dealt out ([`deal`](crate::state::operator::deal)), so there may be another number of
//! tasks; the number of key groups is the same for ever. What the old sinks had
//! pre-committed is not taken over: it is for them to commit, before the new job begins.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use crate::coordinator::metadata::Completed;
use crate::handle::Part;
use crate::ids::ComponentId;

/// A savepoint of an earlier job of the same topology.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// It. All of its parts are inline.
    pub completed: Arc<Completed>,
    /// Which of its parts are of each component, in the order of components.
    pub shape: Vec<Range<u16>>,
}

impl Origin {
    /// The parts of a component.
    pub fn parts_of(&self, component: ComponentId) -> &[Arc<Part>] {
        let Range { start, end } = self.shape[usize::from(component.0)].clone();
        &self.completed.parts[usize::from(start)..usize::from(end)]
    }
}
