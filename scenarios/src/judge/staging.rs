//! Verifies: nothing by itself; it keeps what the receiver holds and nobody can read yet, so that a
//! transaction's outputs are at hand when it becomes visible, all at once.
//!
//! Does not verify: that outputs are staged in any order, or that they are ever published.

use std::collections::BTreeSet;

use stormglass_engine::ids::{CheckpointId, Generation, TaskId};

use super::outputs::Output;

/// A transaction: the sink task, its generation, and the checkpoint that ends it.
pub(super) type Name = (TaskId, Generation, CheckpointId);

/// What the receiver holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Staging {
    held: Vec<(Name, Vec<Output>)>,
    /// As many outputs had the transaction that became visible last: the next may be as long.
    usual: usize,
    /// Transactions that are visible: a restarted receiver may say so again.
    visible: BTreeSet<Name>,
}

/// What becomes of a transaction that is published.
#[derive(Debug)]
pub(super) enum Published {
    /// It is visible from now on: its outputs.
    Now(Vec<Output>),
    /// It was visible before; nothing changes for anybody.
    Again,
    /// It was not staged like this: how many outputs were.
    Unknown(usize),
}

impl Staging {
    /// An output is in a transaction.
    #[inline]
    pub(super) fn stage(&mut self, name: Name, output: Output) {
        match self.held.iter_mut().rev().find(|(of, _)| *of == name) {
            Some((_, outputs)) => outputs.push(output),
            None => {
                let mut outputs = Vec::with_capacity(self.usual);
                outputs.push(output);
                self.held.push((name, outputs));
            }
        }
    }

    /// The transaction holds the last so many outputs; what a receiver that died staged before it
    /// was staged again.
    pub(super) fn seal(&mut self, name: Name, records: u32) {
        if let Some((_, outputs)) = self.held.iter_mut().rev().find(|(of, _)| *of == name) {
            let surplus = outputs.len().saturating_sub(records as usize);
            outputs.drain(..surplus);
        }
    }

    /// The transaction is void.
    pub(super) fn abort(&mut self, name: Name) {
        self.held.retain(|(of, _)| *of != name);
    }

    /// The transaction is void: what it held.
    pub(super) fn take(&mut self, name: Name) -> Vec<Output> {
        let at = self.held.iter().position(|(of, _)| *of == name);
        at.map(|at| self.held.swap_remove(at).1).unwrap_or_default()
    }

    /// The transactions that nobody can read yet.
    pub(super) fn held(&self) -> impl Iterator<Item = Name> {
        self.held.iter().map(|(name, _)| *name)
    }

    /// The transaction becomes visible.
    pub(super) fn publish(&mut self, name: Name, records: u32) -> Published {
        if self.visible.contains(&name) {
            self.held.retain(|(of, _)| *of != name);
            return Published::Again;
        }
        let at = self.held.iter().position(|(of, _)| *of == name);
        let staged = at.map_or(0, |at| self.held[at].1.len());
        if staged != records as usize {
            return Published::Unknown(staged);
        }
        self.visible.insert(name);
        self.usual = staged.next_power_of_two();
        Published::Now(at.map(|at| self.held.swap_remove(at).1).unwrap_or_default())
    }
}
