//! Whether one more fault keeps a plan inside the budget.

use std::collections::BTreeSet;
use std::fmt;

use stormglass_sim::time::Span;

use super::{Cell, Harm, Promise, cell, harm};
use crate::plan::{Plan, PlannedAction, PlannedFault, Trigger};
use crate::scenario::{Operation, Role, Scenario, Target};
use crate::units::Drift;

/// Why a fault does not fit into a plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason {
    /// What it would do.
    pub harm: Harm,
    /// To whom.
    pub role: Role,
    /// What would be left of the promise.
    pub promise: Promise,
    /// In a sentence.
    pub why: String,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// Whether a plan that has to be survived stays one with one more fault. `scenario` is as the
/// plan's seed has it ([`Scenario::drawn`]). Whoever a fault will only find at that moment (a
/// leader, `it`) counts as somebody else each time, and a trigger as any instant.
///
/// # Errors
/// What the fault would cost more than the budget has.
pub fn admits(scenario: &Scenario, plan: &Plan, candidate: &PlannedFault) -> Result<(), Reason> {
    let harm = harm(candidate.action.kind());
    for &role in roles(candidate) {
        let Cell { promise, why } = cell(harm, role, is_spared(scenario, plan, candidate, role));
        if promise != Promise::Survives {
            return Err(Reason { harm, role, promise, why: why.to_string() });
        }
        if role == Role::Coordinator {
            trusts_clocks(scenario, plan, candidate)?;
        }
    }
    Ok(())
}

/// The roles that whom a fault strikes may have.
fn roles(fault: &PlannedFault) -> &'static [Role] {
    let alone = |role: Role| std::slice::from_ref(&Role::ALL[role as usize]);
    match (fault.target.role(), &fault.trigger) {
        (Some(role), _) => alone(role),
        (None, Trigger::On(on)) => match on.role() {
            role @ (Role::Worker | Role::Client | Role::Coordinator) => alone(role),
            // What services have in common.
            _ => &[Role::Broker, Role::Store, Role::Receiver],
        },
        (None, Trigger::At(_)) => alone(Role::Coordinator),
    }
}

/// Whether enough others of a role stay whole: of coordinators a quorum for ever, of stores one
/// with each file until it has been copied.
fn is_spared(scenario: &Scenario, plan: &Plan, candidate: &PlannedFault, role: Role) -> bool {
    let spare = match role {
        Role::Coordinator => fewest_voters(scenario).saturating_sub(1) / 2,
        Role::Store => u32::from(scenario.store.replication.saturating_sub(1)),
        _ => 0,
    };
    let together = |fault: &&PlannedFault| {
        let destroys = fault.action.destroys();
        let near = role != Role::Store || near(scenario, fault, candidate);
        destroys && near && roles(fault).contains(&role)
    };
    let (mut known, mut unknown) = (BTreeSet::new(), 0);
    for fault in plan.faults.iter().filter(together).chain([candidate]) {
        match fault.target {
            Target::Member(_, number) => drop(known.insert(number)),
            Target::Any(_) if scenario.cluster.members(role) == 1 => drop(known.insert(1)),
            _ => unknown += 1,
        }
    }
    known.len() as u32 + unknown <= spare
}

/// How many coordinators decide when the fewest do: operators may leave the decisions to some.
fn fewest_voters(scenario: &Scenario) -> u32 {
    let voters = scenario.operations.iter().filter_map(|spec| match &spec.operation {
        Operation::Coordinators { voters, .. } => Some(voters.len() as u32),
        _ => None,
    });
    voters.chain([scenario.cluster.coordinators.min.into()]).min().unwrap_or_default()
}

/// Whether what one destroyed may still be missing when the other strikes.
fn near(scenario: &Scenario, one: &PlannedFault, other: &PlannedFault) -> bool {
    let (Trigger::At(one), Trigger::At(other)) = (&one.trigger, &other.trigger) else {
        return true;
    };
    let apart = (*one).max(*other).since((*one).min(*other));
    // Nobody looks for rot: only later checkpoints end it, and increments may be needed for ever.
    scenario.state.incremental || apart < mended(scenario)
}

/// How long it takes until what was destroyed is whole again, if nothing else goes wrong: it is
/// noticed, given up and copied, and later checkpoints take the place of those that had it.
fn mended(scenario: &Scenario) -> Span {
    let checkpoint = &scenario.checkpoint;
    let replaced =
        (checkpoint.interval + checkpoint.timeout) * (u64::from(checkpoint.retained) + 1);
    replaced + scenario.store.lost_after + scenario.network.patience
}

/// A lease trusts a bound on how far clocks part: beyond it nothing is promised.
fn trusts_clocks(scenario: &Scenario, plan: &Plan, candidate: &PlannedFault) -> Result<(), Reason> {
    let drift = |fault: &PlannedFault| match fault.action {
        PlannedAction::DriftClock { by: Drift(ppm), .. } => Some(i64::from(ppm)),
        _ => None,
    };
    if drift(candidate).is_none() || !scenario.raft.lease {
        return Ok(());
    }
    let of_coordinators =
        plan.faults.iter().filter(|fault| roles(fault).contains(&Role::Coordinator));
    let drifts: Vec<i64> = of_coordinators.chain([candidate]).filter_map(drift).collect();
    let (least, most) = (drifts.iter().min(), drifts.iter().max());
    let (least, most) = (*least.unwrap_or(&0).min(&0), *most.unwrap_or(&0).max(&0));
    let apart = most - least + 2 * i64::from(scenario.clock.drift_ppm);
    let bound = scenario.raft.drift_bound_ppm;
    if apart <= i64::from(bound) {
        return Ok(());
    }
    let why = format!(
        "a lease trusts clocks to part by {bound} millionths at most, and these do by {apart}"
    );
    let (harm, role) = (Harm::ClockRate, Role::Coordinator);
    Err(Reason { harm, role, promise: Promise::Outside, why })
}
