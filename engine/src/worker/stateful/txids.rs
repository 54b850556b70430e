//! Which transaction may follow which in a key-value state (Storm's `RedisKeyValueState`).

use crate::coordinator::checkpoint_spout::{Phase, TxState};
use crate::ids::Txid;

/// The transactions of one task's state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Txids {
    committed: Txid,
    prepared: Option<Txid>,
}

impl Txids {
    /// Those of a restored state. One that is to be committed is prepared everywhere.
    pub(super) const fn restored(at: TxState) -> Self {
        match at.phase {
            Phase::Committing => Txids { committed: Txid(at.txid.0 - 1), prepared: Some(at.txid) },
            Phase::Preparing | Phase::Committed => {
                Txids { committed: at.decided(), prepared: None }
            }
        }
    }

    /// Prepares a transaction, perhaps again. False if it is committed already.
    #[must_use]
    pub(super) fn prepare(&mut self, txid: Txid) -> bool {
        let fits = txid > self.committed;
        if fits {
            self.prepared = Some(txid);
        }
        fits
    }

    /// Commits a transaction: the prepared one, or none if it is committed already. False if
    /// another one is prepared, or a later one is committed.
    #[must_use]
    pub(super) fn commit(&mut self, txid: Txid) -> bool {
        let fits = txid >= self.committed && self.prepared.is_none_or(|prepared| prepared == txid);
        if fits {
            (self.committed, self.prepared) = (txid, None);
        }
        fits
    }

    /// Drops what is prepared.
    pub(super) fn roll_back(&mut self) {
        self.prepared = None;
    }
}

#[cfg(test)]
mod tests;
