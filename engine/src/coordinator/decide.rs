//! What the coordinator decides about workers: a pure function of facts.

use alloc::vec::Vec;

use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use super::detector::Heartbeats;
use crate::cluster::ControlSettings;
use crate::observation::Suspicion;

/// How far the current generation has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// There is no generation yet; since this instant the coordinator has been waiting for workers.
    Waiting(Instant),
    /// A decision is being replicated.
    Deciding,
    /// A new coordinator found a generation that an earlier one left, at this instant.
    Inherited(Instant),
    /// A generation is being fenced or deployed.
    Placed,
    /// It runs.
    Running,
    /// The job has ended: nothing restarts it.
    Stopped,
}

/// How far the running generation's replacement by one that follows the goal has come. It waits
/// for the workers that are to take part, then for a checkpoint, so that little is done twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rebalance {
    /// Waiting for workers, since this instant.
    Staffing {
        /// Since when.
        since: Instant,
    },
    /// Waiting for a checkpoint, since this instant.
    Covering {
        /// Since when.
        since: Instant,
    },
    /// The checkpoint is complete.
    Covered,
}

/// What is known of one slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotFacts {
    /// Where a worker may run.
    pub node: NodeId,
    /// A new generation may use it.
    pub usable: bool,
    /// A worker is registered there and its heartbeats arrive.
    pub ready: bool,
    /// The current generation has tasks there.
    pub assigned: bool,
    /// The registered worker is the incarnation that the current generation was granted to, and it
    /// says that it runs that generation.
    pub in_place: bool,
    /// Since when and why its worker is suspected.
    pub suspected: Option<(Instant, Suspicion)>,
    /// Its supervisor's heartbeats arrive.
    pub supervised: bool,
}

/// All that the decision depends on.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Now.
    pub now: Instant,
    /// How far the generation has come.
    pub stage: Stage,
    /// The slots, in scheduling order.
    pub slots: &'a [SlotFacts],
    /// The settings.
    pub settings: &'a ControlSettings,
    /// Whether the running generation is to be replaced.
    pub rebalancing: Option<Rebalance>,
    /// It runs, and cannot go on as it is: more checkpoints failed than are tolerated.
    pub failed: bool,
}

/// What to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Nothing yet.
    Wait,
    /// Go on with the inherited generation as it is.
    Adopt,
    /// Take a checkpoint, for the generation is about to be replaced.
    Prepare,
    /// Start a new generation on these workers.
    Reassign(Vec<NodeId>),
}

/// Decides.
pub fn decide(facts: &Facts<'_>) -> Decision {
    match facts.stage {
        Stage::Deciding | Stage::Stopped => Decision::Wait,
        Stage::Waiting(since) => reassign_if(is_staffed(since, facts), facts),
        Stage::Inherited(since) => {
            let mut assigned = facts.slots.iter().filter(|slot| slot.assigned);
            if assigned.clone().all(|slot| slot.in_place) {
                return Decision::Adopt;
            }
            // Who differs cannot be adopted; the others are given time to be heard, lest all tasks
            // end up with the first.
            let heard = assigned.all(|slot| slot.ready);
            let patience = Heartbeats::new(since).due(&facts.settings.detector).since(since);
            reassign_if(heard || facts.now.since(since) >= patience, facts)
        }
        Stage::Placed => mend(facts).unwrap_or(Decision::Wait),
        Stage::Running if facts.failed => mend(facts).unwrap_or_else(|| reassign_if(true, facts)),
        Stage::Running => mend(facts).unwrap_or_else(|| rebalance(facts)),
    }
}

/// Replaces a generation that has lost a worker; none if it has lost none.
fn mend(facts: &Facts<'_>) -> Option<Decision> {
    let failed = |slot: &&SlotFacts| slot.assigned && slot.suspected.is_some();
    let mut failed = facts.slots.iter().filter(failed).peekable();
    failed.peek()?;
    Some(reassign_if(!failed.any(|slot| may_return(slot, facts)), facts))
}

/// Replaces a generation that does not follow the goal.
fn rebalance(facts: &Facts<'_>) -> Decision {
    match facts.rebalancing {
        None => Decision::Wait,
        Some(Rebalance::Staffing { since }) if is_staffed(since, facts) => Decision::Prepare,
        Some(Rebalance::Staffing { .. }) => Decision::Wait,
        Some(Rebalance::Covering { since }) => {
            reassign_if(facts.now.since(since) >= facts.settings.deploy_timeout, facts)
        }
        Some(Rebalance::Covered) => reassign_if(true, facts),
    }
}

/// Whether every worker that may take part is there, or has been waited for long enough.
fn is_staffed(since: Instant, facts: &Facts<'_>) -> bool {
    let mut usable = facts.slots.iter().filter(|slot| slot.usable);
    usable.all(|slot| slot.ready) || facts.now.since(since) >= facts.settings.worker_start_timeout
}

/// A worker whose process died is restarted in place by its supervisor: worth a short wait. One
/// that fell silent, or whose supervisor did, is not.
fn may_return(slot: &SlotFacts, facts: &Facts<'_>) -> bool {
    let Some((since, reason)) = slot.suspected else { return false };
    let died = matches!(
        reason,
        Suspicion::ConnectionLost | Suspicion::TaskFailed | Suspicion::ExecutorTimeout
    );
    let waited: Span = facts.now.since(since);
    died && !slot.ready && slot.supervised && waited < facts.settings.worker_start_timeout
}

fn reassign_if(condition: bool, facts: &Facts<'_>) -> Decision {
    let ready = facts.slots.iter().filter(|slot| slot.usable && slot.ready).map(|slot| slot.node);
    let workers: Vec<NodeId> = ready.collect();
    if condition && !workers.is_empty() { Decision::Reassign(workers) } else { Decision::Wait }
}

#[cfg(test)]
mod tests;
