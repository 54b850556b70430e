//! Services that end by themselves: whoever cannot trust his disk any more stops, and his machine's
//! init system starts him again. Whether he can go on then is for him to say; one who ends again
//! and again is named where nothing goes on.

use stormglass_sim::fault::Fault;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use super::Run;
use crate::scenario::Role;

/// What the init systems of the machines keep running. Workers are left to their supervisors.
const SERVICES: [Role; 5] =
    [Role::Coordinator, Role::Broker, Role::Store, Role::Receiver, Role::Supervisor];

/// One that ended this often after the last fault is taken for one that cannot go on.
const HOPELESS: u32 = 3;

/// How often a service ended by itself after the last fault had healed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Endings {
    node: NodeId,
    times: u32,
    last: Instant,
}

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
                    self.ended.push((now + after, node));
                    note(&mut self.endings, node, now, self.healed);
                }
                _ => {}
            }
        }
    }

    /// Who keeps the cluster from going on, if most services of a kind cannot: `broker has ended by
    /// itself 31 times since`.
    pub(super) fn failing(&self) -> Option<String> {
        let roles = [Role::Broker, Role::Receiver, Role::Store, Role::Coordinator];
        roles.into_iter().find_map(|role| self.failing_of(role))
    }

    fn failing_of(&self, role: Role) -> Option<String> {
        let all = self.places.all(role);
        let hopeless = |of: &&Endings| of.times >= HOPELESS && of.last >= self.healed;
        let failing = self.endings.iter().filter(|of| all.contains(&of.node)).filter(hopeless);
        let failing: Vec<&Endings> = failing.collect();
        let (count, times) = (failing.len(), failing.iter().map(|of| of.times).sum::<u32>());
        if 2 * count <= all.len() {
            return None;
        }
        Some(match failing[..] {
            [one] => {
                format!("{} has ended by itself {times} times since", self.places.name(one.node))
            }
            _ => format!(
                "{count} of {} {role} processes have ended by themselves {times} times since",
                all.len()
            ),
        })
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

/// Takes note of a service that ended by itself, unless faults were still to heal.
fn note(all: &mut Vec<Endings>, node: NodeId, now: Instant, healed: Instant) {
    if now < healed {
        return;
    }
    match all.iter_mut().find(|endings| endings.node == node) {
        // Another fault has struck since: what was before it shows nothing.
        Some(of) if of.last < healed => (of.times, of.last) = (1, now),
        Some(of) => (of.times, of.last) = (of.times + 1, now),
        None => all.push(Endings { node, times: 1, last: now }),
    }
}
