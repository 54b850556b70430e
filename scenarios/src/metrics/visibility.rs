//! Which records wait at the receiver to become visible, for latencies from end to end.

use stormglass_engine::ids::{CheckpointId, Generation, Root, TaskId};

/// A transaction: the sink task, its generation, and the checkpoint that ends it.
type Name = (TaskId, Generation, CheckpointId);

/// Records by transaction. A transaction that is published is forgotten, so that a receiver that
/// says so again is not counted twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Visibility {
    held: Vec<(Name, Vec<Root>)>,
    /// As many records had the transaction that was published last.
    usual: usize,
    /// The newest published transaction of each sink task.
    newest: Vec<Name>,
}

impl Visibility {
    #[inline]
    pub(super) fn staged(&mut self, name: Name, root: Root) {
        match self.held.iter_mut().rev().find(|(of, _)| *of == name) {
            Some((_, roots)) => roots.push(root),
            None => {
                let mut roots = Vec::with_capacity(self.usual);
                roots.push(root);
                self.held.push((name, roots));
            }
        }
    }

    /// Only the last so many count: a receiver that died had begun to stage them before.
    pub(super) fn sealed(&mut self, name: Name, records: u32) {
        if let Some((_, roots)) = self.held.iter_mut().rev().find(|(of, _)| *of == name) {
            let surplus = roots.len().saturating_sub(records as usize);
            roots.drain(..surplus);
        }
    }

    pub(super) fn aborted(&mut self, name: Name) {
        self.held.retain(|(of, _)| *of != name);
    }

    /// The records that became visible.
    pub(super) fn published(&mut self, name: Name) -> Vec<Root> {
        let at = self.held.iter().position(|(of, _)| *of == name);
        let roots = at.map(|at| self.held.swap_remove(at).1).unwrap_or_default();
        let known = self.newest.iter().position(|(task, ..)| *task == name.0);
        match known {
            Some(at) if self.newest[at] >= name => return Vec::new(),
            Some(at) => self.newest[at] = name,
            None => self.newest.push(name),
        }
        self.usual = roots.len().next_power_of_two();
        roots
    }
}
