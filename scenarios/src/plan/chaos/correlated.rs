//! Failures that come together: machines that die one after the other, bursts, cascades, swizzled
//! cuts, rolling restarts.

use stormglass_sim::time::{Instant, Span};

use super::Field;
use super::repertoire::{Strain, strains};
use crate::plan::generate::Keyed;
use crate::plan::{PlannedFault, Trigger};
use crate::scenario::{Action, ActionKind, Role, Target, Ways};
use crate::units::{Between, Share};

/// Whose machines lose power, how many stay, and for how long each is down.
pub(super) struct Toll {
    pub(super) who: Role,
    pub(super) leave: u32,
    pub(super) down: Between<Span>,
}

/// Machines of a role lose power one after the other, each after a longer rest.
pub(super) fn attrition(
    field: &Field<'_>,
    keyed: &Keyed,
    toll: &Toll,
    kill: &Between<u32>,
    live: Span,
    backoff: Share,
) -> Vec<PlannedFault> {
    let members = field.members(&Target::Any(toll.who));
    let machine = |target: &Target| match target {
        Target::Member(role, number) => field.scenario.cluster.machine_of(*role, *number).1,
        _ => 1,
    };
    let machines = field.scenario.cluster.machines_of(toll.who);
    let (mut faults, mut downs) = (Vec::new(), Vec::<(Instant, u32)>::new());
    let (mut at, mut rest) = (field.storm.min, live);
    for number in 0..keyed.quantity("kill", kill) {
        let keyed = keyed.of(number.into());
        at += keyed.draw("live").exponential(rest);
        rest += rest.scale(backoff.0.into(), 1_000_000);
        let Some(target) = keyed.one_of("victim", &members).cloned() else { break };
        let action = Action::CrashMachine { down: toll.down, leaves: None };
        let Some(fault) = field.at(&Strain { action, target }, at, &keyed) else { continue };
        let Trigger::At(when) = fault.trigger else { continue };
        // Who is still down at that moment, and would be down beside this one.
        downs.retain(|(until, _)| *until > when);
        let mine = machine(&fault.target);
        let others = downs.iter().filter(|(_, machine)| *machine != mine).count() as u32;
        if others + 1 + toll.leave > machines || when < at && number > 0 {
            continue;
        }
        let until = when + fault.action.lasting().copied().unwrap_or_default();
        downs.push((until, mine));
        faults.push(fault);
    }
    faults
}

/// Several faults at nearly the same time in nearly the same place.
pub(super) fn bursts(
    field: &Field<'_>,
    keyed: &Keyed,
    mean: Span,
    faults: &Between<u32>,
    within: Span,
) -> Vec<PlannedFault> {
    let places = field.everybody();
    let burst = |(at, keyed): (Instant, Keyed)| {
        let ways = keyed.one_of("place", &places).map_or(Vec::new(), |place| on(field, place));
        let one = |number: u32| {
            let keyed = keyed.of(number.into());
            let after = Span::nanos(keyed.draw("after").between(0, within.as_nanos()));
            field.at(keyed.one_of("strain", &ways)?, at + after, &keyed)
        };
        (0..keyed.quantity("faults", faults)).filter_map(one).collect::<Vec<_>>()
    };
    field.rain(mean, keyed).into_iter().flat_map(burst).collect()
}

/// The most faults of one cascade.
const LONGEST: u32 = 8;

/// A fault makes another likely on somebody of the same role, who has to take over.
pub(super) fn cascades(
    field: &Field<'_>,
    keyed: &Keyed,
    mean: Span,
    spread: Share,
    within: Span,
) -> Vec<PlannedFault> {
    let places = field.everybody();
    let mut faults = Vec::new();
    for (first, keyed) in field.rain(mean, keyed) {
        let Some(place) = keyed.one_of("place", &places) else { break };
        let same = |other: &&Target| other.kind() == place.kind();
        let peers: Vec<Target> = places.iter().filter(same).cloned().collect();
        let (mut at, mut victim) = (first, place.clone());
        for number in 0..LONGEST {
            let keyed = keyed.of(number.into());
            let ways = on(field, &victim);
            let Some(strain) = keyed.one_of("strain", &ways) else { break };
            faults.extend(field.at(strain, at, &keyed));
            at += Span::nanos(keyed.draw("after").between(0, within.as_nanos()));
            if at > field.storm.max || !keyed.is_in("spread", spread.0) {
                break;
            }
            let others: Vec<Target> =
                peers.iter().filter(|peer| **peer != victim).cloned().collect();
            victim = keyed.one_of("next", &others).cloned().unwrap_or(victim);
        }
    }
    faults
}

/// Everything that can be done to one process or its machine; links lead from it or to it.
fn on(field: &Field<'_>, place: &Target) -> Vec<Strain> {
    let is = |target: &Target| match (target, place) {
        (Target::Any(role), Target::Any(of) | Target::Member(of, _)) => role == of,
        // Whoever leads is one of the coordinators: this one.
        (Target::Leader, place) => place.is_coordinator(),
        _ => false,
    };
    let all = ActionKind::ALL.iter().flat_map(|kind| strains(*kind, field));
    let mine = all.filter(|strain| is(&strain.target));
    mine.map(|strain| Strain { target: place.clone(), ..strain }).collect()
}

/// A part of all machines is cut off: each begins at some time in the first half of a window and
/// ends at some time in its second half.
pub(super) fn swizzle(
    field: &Field<'_>,
    keyed: &Keyed,
    share: Share,
    window: &Between<Span>,
) -> Vec<PlannedFault> {
    let storm = field.storm.max.since(field.storm.min);
    let window = keyed.quantity("window", window).min(storm);
    let latest = storm - window;
    let begins = field.storm.min + Span::nanos(keyed.draw("begins").between(0, latest.as_nanos()));
    let half = window.as_nanos() / 2;
    let one = |target: Target| {
        let keyed = keyed.named(&target.to_string());
        if target.kind() == Role::Supervisor.name() || !keyed.is_in("there", share.0) {
            return None;
        }
        let from = begins + Span::nanos(keyed.draw("from").between(0, half));
        let to = begins + Span::nanos(half + keyed.draw("to").between(0, half));
        let lasting = Between::just(to.since(from).max(Span::millis(1)));
        let action = Action::Isolate { lasting, ways: Ways::Both };
        field.at(&Strain { action, target }, from, &keyed)
    };
    field.everybody().into_iter().filter_map(one).collect()
}

/// Every process of a role crashes once, one after the other, in an order that is drawn.
pub(super) fn rolling(
    field: &Field<'_>,
    keyed: &Keyed,
    who: Role,
    down: &Between<Span>,
    every: &Between<Span>,
) -> Vec<PlannedFault> {
    let mut members = field.members(&Target::Any(who));
    members.sort_by_key(|member| keyed.named(&member.to_string()).draw("order").word());
    let every = keyed.quantity("every", every);
    let round = every * (members.len() as u64).saturating_sub(1);
    let storm = field.storm.max.since(field.storm.min);
    let latest = storm - round.min(storm);
    let begins = field.storm.min + Span::nanos(keyed.draw("begins").between(0, latest.as_nanos()));
    let one = |(number, target): (u64, Target)| {
        if every * number > latest + round {
            return None;
        }
        let keyed = keyed.named(&target.to_string());
        let down = (who != Role::Worker).then_some(*down);
        field.at(
            &Strain { action: Action::Crash { down }, target },
            begins + every * number,
            &keyed,
        )
    };
    (0..).zip(members).filter_map(one).collect()
}
