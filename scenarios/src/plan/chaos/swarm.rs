//! Swarm testing after Groce and others (ISSTA 2012): which kinds of faults there are at all
//! differs by seed. What never occurs in a run cannot hide what it would have prevented.

use super::repertoire::{Strain, strains};
use super::usual;
use super::{Field, Narrow};
use crate::plan::PlannedFault;
use crate::plan::generate::Keyed;
use crate::scenario::{ActionKind, EventKind, Target};
use crate::units::{Between, Share};

/// Of the ways of a kind, as many are in a seed that has the kind.
const HALF: u32 = 500_000;

pub(super) fn faults(
    field: &Field<'_>,
    keyed: &Keyed,
    kinds: &Between<Share>,
    each: &Between<u32>,
    triggered: Share,
) -> Vec<PlannedFault> {
    let share = keyed.draw("share").between(kinds.min.0.into(), kinds.max.0.into()) as u32;
    let all = ActionKind::ALL.iter().map(|kind| (kind.name(), strains(*kind, field.scenario)));
    let can = all.filter(|(_, strains)| !strains.is_empty());
    let kinds = can.map(|(name, strains)| (name.to_string(), strains)).collect();
    let there = keyed.some_of(kinds, share).into_iter();
    there.flat_map(|(keyed, strains)| of_kind(field, &keyed, strains, each, triggered)).collect()
}

/// All faults of one kind.
fn of_kind(
    field: &Field<'_>,
    keyed: &Keyed,
    strains: Vec<Strain>,
    each: &Between<u32>,
    triggered: Share,
) -> Vec<PlannedFault> {
    let strains = strains.into_iter().map(|strain| (strain.name(), strain)).collect();
    let strong = |(keyed, strain): (Keyed, Strain)| {
        let action = strain.action.map(None, &mut Narrow(&keyed));
        Strain { action, ..strain }
    };
    let strains: Vec<Strain> = keyed.some_of(strains, HALF).into_iter().map(strong).collect();
    let waits = keyed.is_in("triggered", triggered.0);
    let event = keyed.one_of("event", &usual::events(field.scenario)).copied();
    let one = |number: u32| {
        let keyed = keyed.named("number").of(number.into());
        let strain = keyed.one_of("strain", &strains)?;
        // The first of a kind never waits: no event may come.
        match event.filter(|_| waits && number > 0) {
            Some(event) => Some(field.on(&aim(strain, event, &keyed), event, &keyed)),
            None => field.sometime(strain, &keyed),
        }
    };
    (0..keyed.quantity("each", each)).filter_map(one).collect()
}

/// Half of what waits for an event strikes whoever made it, if that is one of those it can strike.
fn aim(strain: &Strain, event: EventKind, keyed: &Keyed) -> Strain {
    let fits = strain.role() == Some(event.role()) && strain.action.to().is_none();
    match fits && !strain.action.destroys() && keyed.is_in("it", HALF) {
        true => Strain { target: Target::It, ..strain.clone() },
        false => strain.clone(),
    }
}
