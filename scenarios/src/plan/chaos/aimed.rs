//! Aimed plans: every action on every role at every event, enumerated. Nothing here knows of a bug:
//! what there is to aim at is read off the vocabulary.

use super::repertoire::{Strain, strains};
use super::{Field, usual};
use crate::plan::PlannedFault;
use crate::plan::generate::Keyed;
use crate::scenario::{ActionKind, EventKind, Target};

pub(super) fn faults(field: &Field<'_>, keyed: &Keyed, seed: u64) -> Vec<PlannedFault> {
    let all = triples(field);
    let size = all.len() as u64;
    let (round, place) = (seed / size, u128::from(seed % size) * u128::from(stride(size)));
    let (event, strain) = &all[(place % u128::from(size)) as usize];
    // What a triple is beside does not change what it draws.
    let keyed = keyed.named(event.name()).named(&strain.name()).of(round);
    let first = opening(field, *event, &keyed);
    first.into_iter().chain([field.on(strain, *event, &keyed)]).collect()
}

/// From one seed's triple to the next one's: prime to their number, so that all are reached, and
/// near its golden section, so that few seeds in a row have something of everything.
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

/// Everything that can be done to anybody at any event.
pub(super) fn triples(field: &Field<'_>) -> Vec<(EventKind, Strain)> {
    let all = |kind: &ActionKind| strains(*kind, field.scenario);
    let strains: Vec<Strain> = ActionKind::ALL.iter().flat_map(all).collect();
    let at = |event: EventKind| {
        let plain = strains.iter().cloned();
        // Whoever makes the event, once for each way of an action.
        let fits = |strain: &&Strain| {
            strain.role() == Some(event.role())
                && strain.action.to().is_none()
                && !strain.action.destroys()
        };
        let its = strains.iter().filter(fits);
        let its = its.map(|strain| Strain { target: Target::It, ..strain.clone() });
        let mut all: Vec<Strain> = its.chain(plain).collect();
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|strain| seen.insert(strain.name()));
        all.into_iter().map(move |strain| (event, strain))
    };
    usual::events(field.scenario).into_iter().flat_map(at).collect()
}

/// What only happens after a failure needs one: a worker or the leader crashes early in the storm.
fn opening(field: &Field<'_>, event: EventKind, keyed: &Keyed) -> Option<PlannedFault> {
    let role = usual::needs(event)?;
    let keyed = keyed.named("opening");
    let mut crashes = strains(ActionKind::Crash, field.scenario);
    crashes.retain(|strain| strain.role() == Some(role));
    let at = field.storm.min + keyed.draw("after").exponential(usual::OPENING);
    field.at(keyed.one_of("strain", &crashes)?, at, &keyed)
}
