//! Aimed plans: phase x part x action, enumerated, and every action on whoever makes an event.
//! Nothing here knows of a bug: what there is to aim at is read off the vocabulary.

use stormglass_sim::time::Span;

use super::repertoire::{Strain, strains};
use super::{Field, in_storm, usual};
use crate::plan::PlannedFault;
use crate::plan::generate::Keyed;
use crate::scenario::{Action, ActionKind, Event, Need, OnSpec, Part, Role, Target, When, aimed};
use crate::units::Between;

/// The mean time from the beginning of the storm to a failure that others are to follow.
const OPENING: Span = Span::secs(2);

/// One of all aims: what is waited for, and what is done to whom.
#[derive(Clone, Debug)]
pub(super) struct Aim {
    pub(super) on: OnSpec,
    pub(super) strain: Strain,
}

impl Aim {
    /// Tells it from all others.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.on.word(), self.strain.name())
    }
}

pub(super) fn faults(field: &Field<'_>, keyed: &Keyed, seed: u64) -> Vec<PlannedFault> {
    let all = aims(field);
    let size = all.len() as u64;
    let (round, place) = (seed / size, u128::from(seed % size) * u128::from(stride(size)));
    let aim = &all[(place % u128::from(size)) as usize];
    // What an aim is beside does not change what it draws.
    let keyed = keyed.named(&aim.name()).of(round);
    let first = opening(field, aim.on.event, &keyed);
    let since = first.as_ref().and_then(|fault| fault.at());
    let on = match since {
        // What follows from a failure is waited for from then on.
        Some(at) => field.since(at, aim.on.clone()),
        None => aim.on.clone(),
    };
    first.into_iter().chain([field.on(&aim.strain, on, &keyed)]).collect()
}

/// From one seed's aim to the next one's: prime to their number, so that all are reached, and near
/// its golden section, so that few seeds in a row have something of everything.
fn stride(size: u64) -> u64 {
    let prime = |stride: &u64| {
        let (mut a, mut b) = (*stride, size);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a == 1
    };
    (size * 618 / 1_000..=size + 1).find(prime).unwrap_or(1)
}

/// Everything that can be done to anybody at any moment that there is a word for.
pub(super) fn aims(field: &Field<'_>) -> Vec<Aim> {
    let of_kind = |kind: &ActionKind| strains(*kind, field);
    let strains: Vec<Strain> = ActionKind::ALL.iter().flat_map(of_kind).collect();
    let mut all = Vec::new();
    // Two parts may mean the same.
    let mut seen = std::collections::BTreeSet::new();
    let mut add = |on: OnSpec, target: &Target, role: Role| {
        for strain in strains.iter().filter(|strain| strain.is_on(role, target)) {
            let strain = Strain { target: target.clone(), ..strain.clone() };
            if !strain.is_affordable(field, field.trigger(&on)) {
                continue;
            }
            let aim = Aim { on: on.clone(), strain };
            if seen.insert(aim.name()) {
                all.push(aim);
            }
        }
    };
    for phase in usual::phases(field.scenario) {
        for part in Part::ALL {
            let Some((When::On(on), target)) = aimed(phase, *part) else { continue };
            let Some(role) = target.role() else { continue };
            let exists = role.is_of_cluster() && field.scenario.cluster.members(role) > 0;
            let follows = matches!(target, Target::Follower(_));
            if exists && (!follows || field.scenario.cluster.coordinators.min > 1) {
                add(on, &target, role);
            }
        }
    }
    for event in usual::events(field.scenario).into_iter().map(Event::Seen) {
        let on = in_storm(event);
        let role = on.role();
        add(on, &Target::It, role);
    }
    all
}

/// What only comes after a failure needs one: a worker or a coordinator crashes early in the storm.
fn opening(field: &Field<'_>, event: Event, keyed: &Keyed) -> Option<PlannedFault> {
    let down = Some(Between { min: Span::millis(300), max: Span::secs(2) });
    let (target, down) = match usual::needs(event) {
        Need::WorkerLost => (Target::Any(Role::Worker), None),
        Need::LeaderLost => (Target::Leader, down),
        Need::CoordinatorLags => {
            (Target::Follower(None), Some(Between { min: Span::secs(3), max: Span::secs(6) }))
        }
        Need::Nothing
        | Need::Transactions
        | Need::Transfer
        | Need::MembershipChange
        | Need::Rebalance
        | Need::StopWithSavepoint => return None,
    };
    let keyed = keyed.named("opening");
    let at = field.storm.min + keyed.draw("after").exponential(OPENING);
    field.at(&Strain { action: Action::Crash { down }, target }, at, &keyed)
}
