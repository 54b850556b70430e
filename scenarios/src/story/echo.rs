//! Which decisions have been heard before.
//!
//! Every coordinator says what an entry of the metadata log decided when it applies it, and says it
//! again after a restart. A decision is made once: by whoever says it first. What the others say of
//! it is an echo, and nobody but the count of all observations takes note of it.
//!
//! All say the same about an entry, in the same order. So if a crash cuts one short, the next to
//! apply the entry goes on where that one stopped.

use stormglass_engine::observation::Observation;
use stormglass_engine::observation::acking::Acking;
use stormglass_engine::raft::Index;
use stormglass_sim::node::NodeId;

#[cfg(test)]
mod tests;

/// Tells decisions from their echoes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Echoes {
    /// The last entry that anybody has applied, and how many decisions of it were said.
    newest: (Index, u32),
    /// The same of each coordinator's last entry.
    speakers: Vec<(NodeId, Index, u32)>,
}

impl Echoes {
    /// Takes note of an observation; whether it is an echo of a decision.
    #[inline]
    pub(crate) fn is_echo(&mut self, node: NodeId, observation: &Observation) -> bool {
        match *observation {
            Observation::Applied { index, .. } => {
                self.speakers.retain(|(speaker, ..)| *speaker != node);
                self.speakers.push((node, index, 0));
                if index > self.newest.0 {
                    self.newest = (index, 0);
                }
                false
            }
            Observation::Granted { .. }
            | Observation::Assigned { .. }
            | Observation::CheckpointCompleted { .. }
            | Observation::CheckpointUnreadable { .. }
            | Observation::Stopped { .. }
            | Observation::Acking(Acking::Stepped { .. }) => self.was_said(node),
            _ => false,
        }
    }

    /// Whether somebody said before what a coordinator says now of its last entry.
    fn was_said(&mut self, node: NodeId) -> bool {
        let speaker = self.speakers.iter_mut().find(|(speaker, ..)| *speaker == node);
        let Some((_, index, said)) = speaker else { return false };
        *said += 1;
        let (newest, all) = &mut self.newest;
        if *index == *newest && *said > *all {
            *all = *said;
            return false;
        }
        true
    }
}
