//! Chaos: what generators make of a seed. They know what can be done to whom (`repertoire`) and
//! nothing of any bug; what they make are ordinary faults.
//!
//! Every draw depends on the seed, the generator, the kind of fault and its number, and on nothing
//! else: one kind more or fewer disturbs no other kind's draws. All faults that have a time lie
//! within the storm and heal within it; one that the budget does not admit beside those before it
//! is left out.
//!
//! In reading order: `repertoire`, `usual` (what there is to wait for), then the generators:
//! `steady`, `correlated` (attrition, bursts, cascades, swizzled cuts, rolling restarts), `swarm`
//! and `aimed`.

use stormglass_sim::hash::fingerprint;
use stormglass_sim::time::{Instant, Span};

use super::generate::{Keyed, awaited, planned};
use super::{Plan, PlannedFault, Trigger};
use crate::budget;
use crate::scenario::{
    ChaosSpec, Event, FaultSpec, Generator, OnSpec, Pick, Scenario, Target, Time, When, storm,
};
use crate::units::{Between, Quantum, Stated};

mod aimed;
mod correlated;
mod repertoire;
mod steady;
mod swarm;
#[cfg(test)]
mod tests;
mod usual;

use repertoire::Strain;

/// Adds what a generator makes of a seed. `keyed` are the draws of this generator.
pub(super) fn add(
    scenario: &Scenario,
    spec: &ChaosSpec,
    keyed: &Keyed,
    duration: Span,
    plan: &mut Plan,
) {
    if keyed.draw("chance").below(ChaosSpec::CERTAIN.0.into()) >= u64::from(spec.chance.0) {
        return;
    }
    let field = Field::new(scenario, duration);
    let mut faults = match &spec.generator {
        Generator::Steady { mean } => steady::faults(&field, keyed, mean),
        Generator::Attrition { who, kill, leave, down, live, backoff } => {
            let toll = correlated::Toll { who: *who, leave: *leave, down: *down };
            correlated::attrition(&field, keyed, &toll, kill, *live, *backoff)
        }
        Generator::Burst { mean, faults, within } => {
            correlated::bursts(&field, keyed, *mean, faults, *within)
        }
        Generator::Cascade { mean, spread, within } => {
            correlated::cascades(&field, keyed, *mean, *spread, *within)
        }
        Generator::Swizzle { share, window } => correlated::swizzle(&field, keyed, *share, window),
        Generator::Rolling { who, down, every } => {
            correlated::rolling(&field, keyed, *who, down, every)
        }
        Generator::Swarm { kinds, each, triggered } => {
            swarm::faults(&field, keyed, kinds, each, *triggered)
        }
        Generator::Aimed {} => aimed::faults(&field, keyed, plan.seed),
    };
    // In the order of time, for people; what waits for an event comes last.
    faults.sort_by_key(|fault| fault.at().unwrap_or(Instant::FAR));
    for fault in faults {
        if budget::admits(scenario, plan, &fault).is_ok() {
            plan.faults.push(fault);
        }
    }
}

/// A trigger that counts from some instant of the storm on.
fn in_storm(event: Event) -> OnSpec {
    OnSpec { since: Some(Time::Storm), ..OnSpec::new(event, usual::counts(event)) }
}

/// Where and when faults can strike.
struct Field<'a> {
    scenario: &'a Scenario,
    duration: Span,
    storm: Between<Instant>,
}

impl<'a> Field<'a> {
    fn new(scenario: &'a Scenario, duration: Span) -> Self {
        let Between { min, max } = storm(scenario, duration);
        let storm = Between { min: Instant::ZERO + min, max: Instant::ZERO + max };
        Field { scenario, duration, storm }
    }

    /// A fault at an instant; earlier if it would not heal within the storm, none if the storm is
    /// too short for it.
    fn at(&self, strain: &Strain, at: Instant, keyed: &Keyed) -> Option<PlannedFault> {
        let when = When::At(Between::just(at.since(Instant::ZERO)));
        let mut fault = self.drawn(strain, when, keyed);
        let lasting = repertoire::extent(&fault, self.scenario);
        if lasting > self.storm.max.since(self.storm.min) {
            return None;
        }
        let last = self.storm.min + (self.storm.max.since(self.storm.min) - lasting);
        fault.trigger = Trigger::At(at.clamp(self.storm.min, last));
        Some(fault)
    }

    /// A fault at any instant of the storm.
    fn sometime(&self, strain: &Strain, keyed: &Keyed) -> Option<PlannedFault> {
        let at = keyed.draw("at").between(self.storm.min.nanos(), self.storm.max.nanos());
        self.at(strain, Instant(at), keyed)
    }

    /// A fault that waits for something.
    fn on(&self, strain: &Strain, on: OnSpec, keyed: &Keyed) -> PlannedFault {
        self.drawn(strain, When::On(on), keyed)
    }
    /// A trigger with any draws, where only what it waits for matters.
    fn trigger(&self, on: &OnSpec) -> Trigger {
        let nobody = Keyed::of_seed(0);
        Trigger::On(awaited(on, "", self.scenario, &nobody, self.duration))
    }
    /// The same trigger, counted from an instant on.
    fn since(&self, at: Instant, on: OnSpec) -> OnSpec {
        let at = Time::At(Between::just(at.since(Instant::ZERO)));
        OnSpec { since: Some(at), ..on }
    }

    fn drawn(&self, strain: &Strain, when: When, keyed: &Keyed) -> PlannedFault {
        let spec = FaultSpec::once(when, strain.action.clone(), strain.target.clone());
        planned(self.scenario, &spec, keyed, self.duration)
    }

    /// The instants of a Poisson process in the storm, with the draws of each.
    fn rain(&self, mean: Span, keyed: &Keyed) -> Vec<(Instant, Keyed)> {
        let mut drops = Vec::new();
        let mut at = self.storm.min;
        for number in 0u64.. {
            let keyed = keyed.of(number);
            at += keyed.draw("gap").exponential(mean);
            if at > self.storm.max {
                break;
            }
            drops.push((at, keyed));
        }
        drops
    }

    /// Everybody of the cluster whom something can be done to, each by its own name.
    fn everybody(&self) -> Vec<Target> {
        let all = repertoire::roles(self.scenario).into_iter();
        all.flat_map(|role| self.members(&Target::Any(role))).collect()
    }

    fn members(&self, target: &Target) -> Vec<Target> {
        crate::scenario::candidates(&self.scenario.cluster, target, None)
    }
}

impl Keyed {
    fn of_seed(seed: u64) -> Keyed {
        Keyed { seed, key: Vec::new() }
    }
    /// The draws of one of several: a kind's, by the fingerprint of its name, or a number's.
    fn of(&self, word: u64) -> Keyed {
        let mut one = self.clone();
        one.key.push(word);
        one
    }
    fn named(&self, name: &str) -> Keyed {
        self.of(fingerprint(name.as_bytes()))
    }
    /// One of several things, all equally likely; none of none.
    fn one_of<'t, T>(&self, purpose: &str, things: &'t [T]) -> Option<&'t T> {
        let number = things.len() as u64;
        (number > 0).then(|| &things[self.draw(purpose).below(number) as usize])
    }
    /// Whether something that has this share of all seeds is there.
    fn is_in(&self, purpose: &str, ppm: u32) -> bool {
        self.draw(purpose).below(1_000_000) < u64::from(ppm)
    }
    /// Those of several that a seed has: each with a lot of its own below `ppm`, and if there is
    /// none, the one with the least lot.
    fn some_of<T>(&self, things: Vec<(String, T)>, ppm: u32) -> Vec<(Keyed, T)> {
        let lot = |(name, thing): (String, T)| {
            let keyed = self.named(&name);
            (keyed.draw("lot").below(1_000_000), keyed, thing)
        };
        let lots: Vec<(u64, Keyed, T)> = things.into_iter().map(lot).collect();
        let least = lots.iter().map(|(lot, ..)| *lot).min().unwrap_or_default();
        let bound = u64::from(ppm).max(least + 1);
        let there = lots.into_iter().filter(|(lot, ..)| *lot < bound);
        there.map(|(_, keyed, thing)| (keyed, thing)).collect()
    }
}

/// How strong a kind of fault is in a seed: each quantity is drawn from a part of its range, an
/// eighth of it or all of it.
struct Narrow<'a>(&'a Keyed);

impl Pick<Stated, Stated> for Narrow<'_> {
    fn pick<T: Quantum>(&mut self, key: &'static str, from: &Between<T>) -> Between<T> {
        let (min, max) = (from.min.word(), from.max.word());
        let keyed = self.0.named(key);
        let width = (max - min) >> keyed.draw("width").below(4);
        let low = keyed.draw("low").between(min, max - width);
        Between { min: T::of_word(low), max: T::of_word(low + width) }
    }
}
