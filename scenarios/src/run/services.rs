//! Services that end by themselves: whoever cannot trust his disk any more stops, and his machine's
//! init system starts him again. Whether he can go on then is for him to say.

use stormglass_sim::fault::Fault;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use super::Run;
use crate::scenario::Role;

/// What the init systems of the machines keep running. Workers are left to their supervisors.
const SERVICES: [Role; 5] =
    [Role::Coordinator, Role::Broker, Role::Store, Role::Receiver, Role::Supervisor];

impl Run {
    /// Looks for services that have ended, and starts those again whose time has come.
    pub(super) fn keep_services(&mut self) {
        let now = self.world.now();
        let after = self.setup.scenario.cluster.restart_delay;
        for node in SERVICES.iter().flat_map(|role| self.places.all(*role)) {
            let known = self.ended.iter().position(|(_, ended)| *ended == node);
            let is_up = self.world.is_up(node) || !self.world.is_machine_up(node.machine);
            match known {
                Some(at) if is_up => drop(self.ended.remove(at)),
                Some(at) if self.ended[at].0 <= now => {
                    self.ended.remove(at);
                    let _ = self.world.inject(&Fault::Start { node });
                }
                None if !is_up && !self.is_struck(node, now) => {
                    self.ended.push((now + after, node))
                }
                _ => {}
            }
        }
    }

    /// Whether a fault keeps it down, which says itself for how long.
    fn is_struck(&self, node: NodeId, now: Instant) -> bool {
        let name = self.places.name(node);
        let mut both = self.setup.plan.faults.iter().zip(&self.faults);
        let repaired = self.later.iter().any(|later| later.what == Fault::Start { node });
        repaired
            || both.any(|(planned, state)| {
                let lasting = planned.action.lasting().copied().unwrap_or(Span::ZERO);
                let struck = state.resolved.as_ref().filter(|struck| struck.target == name);
                struck.is_some_and(|struck| struck.at + lasting >= now)
            })
    }
}
