//! Which decisions have been heard before.
//!
//! Every coordinator says what an entry of the metadata log decided when it applies it, and says it
//! again after a restart. A decision is made once: by whoever applies the entry first. What the
//! others say of it is an echo, and nobody but the count of all observations takes note of it.

use stormglass_engine::observation::Observation;
use stormglass_engine::raft::Index;
use stormglass_sim::node::NodeId;

#[cfg(test)]
mod tests;

/// Tells decisions from their echoes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Echoes {
    /// The last entry that anybody has applied.
    newest: Index,
    /// The coordinators whose last applied entry somebody had applied before.
    behind: Vec<NodeId>,
}

impl Echoes {
    /// Takes note of an observation; whether it is an echo of a decision.
    #[inline]
    pub(crate) fn is_echo(&mut self, node: NodeId, observation: &Observation) -> bool {
        match *observation {
            Observation::Applied { index, .. } => {
                self.applied(node, index);
                false
            }
            Observation::Granted { .. }
            | Observation::Assigned { .. }
            | Observation::CheckpointCompleted { .. } => self.behind.contains(&node),
            _ => false,
        }
    }

    fn applied(&mut self, node: NodeId, index: Index) {
        self.behind.retain(|known| *known != node);
        if index <= self.newest {
            self.behind.push(node);
        } else {
            self.newest = index;
        }
    }
}
