//! Swarm testing after Groce and others (ISSTA 2012): which kinds of faults there are at all
//! differs by seed. What never occurs in a run cannot hide what it would have prevented.

use super::repertoire::{Strain, strains};
use super::usual;
use super::{Field, Narrow, in_storm};
use crate::plan::PlannedFault;
use crate::plan::generate::Keyed;
use crate::scenario::{ActionKind, Event, OnSpec, Part, Target, aimed};
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
    let all = ActionKind::ALL.iter().map(|kind| (kind.name(), strains(*kind, field)));
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
    let event = what(field, keyed);
    let one = |number: u32| {
        let keyed = keyed.named("number").of(number.into());
        let strain = keyed.one_of("strain", &strains)?;
        // The first of a kind never waits: no event may come.
        match event.filter(|_| waits && number > 0) {
            Some(event) => {
                let on = in_storm(event);
                Some(field.on(&aim(strain, &on, &keyed), on, &keyed))
            }
            None => field.sometime(strain, &keyed),
        }
    };
    (0..keyed.quantity("each", each)).filter_map(one).collect()
}

/// What a kind waits for: an event or a phase.
fn what(field: &Field<'_>, keyed: &Keyed) -> Option<Event> {
    match keyed.is_in("phase", HALF) {
        true => keyed.one_of("event", &usual::phases(field.scenario)).copied().map(Event::Entered),
        false => keyed.one_of("event", &usual::events(field.scenario)).copied().map(Event::Seen),
    }
}

/// Half of what waits strikes whoever makes the event or plays its part in the phase, if that is
/// one of those whom it can strike.
fn aim(strain: &Strain, on: &OnSpec, keyed: &Keyed) -> Strain {
    let Some(role) = strain.target.role().filter(|_| keyed.is_in("it", HALF)) else {
        return strain.clone();
    };
    let target = match on.event {
        Event::Seen(_) => (on.role() == role).then_some(Target::It),
        Event::Entered(phase) => {
            let targets = Part::ALL.iter().filter_map(|part| aimed(phase, *part));
            targets.map(|(_, target)| target).find(|target| target.role() == Some(role))
        }
    };
    match target.filter(|target| strain.is_on(role, target)) {
        Some(target) => Strain { target, ..strain.clone() },
        None => strain.clone(),
    }
}
