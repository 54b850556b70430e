//! Verifies: that a coordinator that accuses a worker of silence has itself heard nothing of it for
//! as long as its detector must wait, in the same life (`fair-suspicion`). The time that its own
//! clock may run fast is granted to it.
//!
//! Does not verify: that silent workers are accused (progress shows that), or accusations for other
//! reasons.

use std::collections::BTreeMap;

use stormglass_engine::observation::{Observation, Suspicion};
use stormglass_engine::raft::Point;
use stormglass_sim::node::NodeId;

use super::control::Settings;
use super::law::{Findings, Law, Witness};

/// The last heartbeat of each worker, as each coordinator heard it.
#[derive(Clone, Debug, Default)]
pub(super) struct Suspicions {
    heard: BTreeMap<(NodeId, NodeId), Witness>,
}

impl Suspicions {
    /// Takes note of an observation.
    pub(super) fn observed(&mut self, with: &Settings, seen: Witness, findings: &mut Findings) {
        match seen.what {
            Observation::Heard { node, .. } => {
                self.heard.insert((seen.node, node), seen);
            }
            Observation::Raft(Point::Recovered { .. }) => {
                self.heard.retain(|(coordinator, _), _| *coordinator != seen.node);
            }
            Observation::Suspected { node, reason: Suspicion::HeartbeatTimeout } => {
                self.suspected(with, node, seen, findings);
            }
            _ => {}
        }
    }

    fn suspected(&self, with: &Settings, node: NodeId, seen: Witness, findings: &mut Findings) {
        let Some(&heard) = self.heard.get(&(seen.node, node)) else { return };
        let silence = seen.at.since(heard.at);
        // Its clock cuts off parts of nanoseconds, at both ends.
        let most = u128::from(silence.as_nanos() + 2) * (1_000_000 + u128::from(with.clock_ppm));
        if most < u128::from(with.patience.as_nanos()) * 1_000_000 {
            let sentence = format!(
                "{} accused {node} of silence {silence} after its heartbeat, but its detector \
                 waits {}",
                seen.node, with.patience
            );
            findings.report(Law::FairSuspicion, seen.at, sentence, &[heard, seen]);
        }
    }
}
