//! The states of a keyed task: what it works on, what is prepared, what is committed; and the
//! inputs that are in each and not yet acked.

use alloc::vec::Vec;

use super::txids::Txids;
use crate::coordinator::checkpoint_spout::TxState;
use crate::ids::{CheckpointId, Txid};
use crate::message::acking::Ack;
use crate::worker::acking::Outgoing;
use crate::worker::states::States;

/// A state under the name by which the store knows it; none for no state at all.
type Version = (Option<CheckpointId>, States);

/// They. The state that the task works on is its own.
#[derive(Clone, Debug)]
pub(super) struct Versions {
    initialised: bool,
    txids: Txids,
    committed: Version,
    prepared: Option<Version>,
    /// Executed since the last prepare.
    executed: Vec<Ack>,
    /// Executed before the last prepare, and after the last commit.
    awaiting_commit: Vec<Ack>,
}

impl Versions {
    /// Those of a restored task.
    pub(super) fn restored(states: States, version: Option<CheckpointId>, at: TxState) -> Self {
        Versions {
            initialised: false,
            txids: Txids::restored(at),
            committed: (version, states),
            prepared: None,
            executed: Vec::new(),
            awaiting_commit: Vec::new(),
        }
    }

    pub(super) fn is_initialised(&self) -> bool {
        self.initialised
    }
    pub(super) fn initialise(&mut self) {
        self.initialised = true;
    }
    pub(super) fn has_prepared(&self) -> bool {
        self.prepared.is_some()
    }
    #[inline]
    pub(super) fn executed(&mut self, ack: Ack) {
        self.executed.push(ack);
    }

    /// Prepares the state as it is. False if it cannot be.
    #[must_use]
    pub(super) fn prepare(
        &mut self,
        txid: Txid,
        version: CheckpointId,
        states: &mut States,
    ) -> bool {
        if !self.initialised || !self.txids.prepare(txid) {
            return false;
        }
        // Encoded before it is shared, so that the copy need not be again.
        states.print();
        self.prepared = Some((Some(version), states.clone()));
        self.awaiting_commit.append(&mut self.executed);
        true
    }

    /// Commits what is prepared, and acks what is in it. False if it cannot be.
    #[must_use]
    pub(super) fn commit(&mut self, txid: Txid, outgoing: &mut Outgoing) -> bool {
        if !self.txids.commit(txid) {
            return false;
        }
        if let Some(prepared) = self.prepared.take() {
            self.committed = prepared;
        }
        self.ack_prepared(outgoing);
        true
    }

    /// Acks what is in the prepared state.
    pub(super) fn ack_prepared(&mut self, outgoing: &mut Outgoing) {
        self.awaiting_commit.drain(..).for_each(|ack| outgoing.push(ack));
    }

    /// Goes back to what is committed, and fails all inputs that are not in it. Returns the name of
    /// what is committed. One that `keeps` goes back to what is prepared (a planted bug).
    pub(super) fn roll_back(
        &mut self,
        states: &mut States,
        keeps: bool,
        outgoing: &mut Outgoing,
    ) -> Option<CheckpointId> {
        self.txids.roll_back();
        let prepared = self.prepared.take();
        let (version, committed) = &self.committed;
        *states = match prepared.filter(|_| keeps) {
            Some((_, prepared)) => prepared,
            None => committed.clone(),
        };
        let lost = self.awaiting_commit.drain(..).chain(self.executed.drain(..));
        lost.for_each(|ack| outgoing.push(Ack { edges: None, ..ack }));
        *version
    }
}

#[cfg(test)]
mod tests;
