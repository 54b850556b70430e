//! From what a scenario states to what a seed draws.

use std::collections::BTreeMap;

use stormglass_sim::hash::fingerprint;
use stormglass_sim::time::{Instant, Span};

use super::{Draw, Plan, PlannedFault, PlannedOperation, RareEvent, Trigger, VERSION, chaos};
use crate::problem::Problem;
use crate::scenario::{
    Awaited, FaultSpec, OnSpec, OperationSpec, Pick, Scenario, Target, Time, When, candidates,
    storm,
};
use crate::units::{Between, Drawn, Quantum, Share, Stated};

/// Draws the plan of a seed for a scenario as that seed has it ([`Scenario::drawn`]). `duration` is
/// that of the input: see [`input::duration`](crate::input::duration).
///
/// # Errors
/// If a fault with an absolute time lies outside the storm of an input that long, or an operation
/// after its end.
pub fn generate(scenario: &Scenario, seed: u64, duration: Span) -> Result<Plan, Problem> {
    let mut alike = Alike::default();
    let mut faults = Vec::new();
    for (number, spec) in (1..).zip(&scenario.faults) {
        check_time(scenario, number, spec, duration)?;
        // How often it strikes is no part of what it is: its first time stays as it was drawn.
        let alone = FaultSpec::once(spec.when.clone(), spec.action.clone(), spec.target.clone());
        let name = serde_json::to_string(&alone).expect("a fault is plain data");
        let keyed = Keyed { seed, key: alike.key(name) };
        faults.extend(repeated(scenario, spec, &keyed, duration));
    }
    let operations = operations(scenario, seed, duration, &mut alike)?;
    let rare_events = RareEvent::draw(seed, scenario.rare_events);
    let (version, name) = (VERSION, scenario.name.clone());
    let forks = Vec::new();
    let mut plan = Plan { version, scenario: name, seed, operations, rare_events, faults, forks };
    for spec in &scenario.chaos {
        // Its parameters are no part of what it is: with one kind of fault fewer the others stay.
        let keyed = Keyed { seed, key: alike.key(format!("chaos {}", spec.generator.name())) };
        chaos::add(scenario, spec, &keyed, duration, &mut plan);
    }
    Ok(plan)
}

/// Counts what reads alike.
#[derive(Default)]
struct Alike(BTreeMap<String, u64>);

impl Alike {
    fn key(&mut self, name: String) -> Vec<u64> {
        let print = fingerprint(name.as_bytes());
        let count = self.0.entry(name).or_default();
        *count += 1;
        vec![print, *count]
    }
}

/// The draws of one fault or operation, each with a stream of its own.
#[derive(Clone)]
pub(super) struct Keyed {
    pub(super) seed: u64,
    pub(super) key: Vec<u64>,
}

impl Keyed {
    pub(super) fn draw(&self, purpose: &str) -> Draw {
        let purpose = [fingerprint(purpose.as_bytes())];
        Draw::new(self.seed, &[&self.key[..], &purpose].concat())
    }
    pub(super) fn quantity<T: Quantum>(&self, purpose: &str, range: &Between<T>) -> T {
        T::of_word(self.draw(purpose).between(range.min.word(), range.max.word()))
    }
    /// The draws of its so-manieth time, from 0; those of the first are its own.
    fn time(&self, number: u64) -> Keyed {
        let mut time = self.clone();
        time.key.extend((number > 0).then_some(number));
        time
    }
}

impl Pick<Stated, Drawn> for &Keyed {
    fn pick<T: Quantum>(&mut self, key: &'static str, from: &Between<T>) -> T {
        self.quantity(key, from)
    }
}

/// The instants that a stated time may be.
fn instants(when: &When, scenario: &Scenario, duration: Span) -> Option<Between<Span>> {
    let time = match when {
        When::At(time) => Time::At(*time),
        When::Share(share) => Time::Share(*share),
        When::Storm => Time::Storm,
        When::On(_) => return None,
    };
    Some(instants_of(time, scenario, duration))
}

fn instants_of(time: Time, scenario: &Scenario, duration: Span) -> Between<Span> {
    match time {
        Time::At(time) => time,
        Time::Share(Between { min, max }) => {
            let part = |share: Share| duration.scale(share.0.into(), 1_000_000);
            Between { min: part(min), max: part(max) }
        }
        Time::Storm => storm(scenario, duration),
    }
}

/// A trigger with everything drawn; `place` tells it from those that come after it.
pub(super) fn awaited(
    on: &OnSpec,
    place: &str,
    scenario: &Scenario,
    keyed: &Keyed,
    duration: Span,
) -> Awaited {
    let draw = |key: &str, range: &Between<u32>| keyed.quantity(&format!("{place}{key}"), range);
    let since = |time: Time| {
        let instants = instants_of(time, scenario, duration);
        keyed.quantity(&format!("{place}since"), &instants)
    };
    let before = format!("{place}after.");
    let after = |on: &OnSpec| Box::new(awaited(on, &before, scenario, keyed, duration));
    Awaited {
        event: on.event,
        nth: draw("nth", &on.nth),
        tasks: on.tasks,
        checkpoint: on.checkpoint.as_ref().map(|range| draw("checkpoint", range)),
        generation: on.generation.as_ref().map(|range| draw("generation", range)),
        of: on.of.clone(),
        by: on.by.clone(),
        during: on.during.clone(),
        since: on.since.map(since),
        after: on.after.as_deref().map(after),
    }
}

fn check_time(
    scenario: &Scenario,
    number: usize,
    spec: &FaultSpec,
    duration: Span,
) -> Result<(), Problem> {
    let When::At(time) = spec.when else { return Ok(()) };
    let storm = storm(scenario, duration);
    if storm.min <= time.min && time.max <= storm.max {
        return Ok(());
    }
    let message = format!(
        "the fault is outside the storm, which lasts from {} to {} of an input of {duration}",
        storm.min, storm.max
    );
    let problem = scenario.origin.problem(&format!("fault.{number}.at"), message);
    Err(problem.help("move it, or set `phases.storm`"))
}

/// Every time that a fault strikes; none if this seed is without it.
fn repeated(
    scenario: &Scenario,
    spec: &FaultSpec,
    keyed: &Keyed,
    duration: Span,
) -> Vec<PlannedFault> {
    if keyed.draw("chance").below(FaultSpec::CERTAIN.0.into()) >= u64::from(spec.chance.0) {
        return Vec::new();
    }
    let times = keyed.quantity("times", &spec.times);
    let storm = storm(scenario, duration);
    let mut faults: Vec<PlannedFault> = Vec::new();
    for number in 0..u64::from(times) {
        let keyed = keyed.time(number);
        let mut fault = planned(scenario, spec, &keyed, duration);
        let before = faults.last().and_then(|before| match before.trigger {
            Trigger::At(at) => Some(at),
            Trigger::On(_) => None,
        });
        let next = match (spec.poisson, &spec.every, before) {
            (Some(mean), _, before) => {
                let from = before.unwrap_or(Instant::ZERO + storm.min);
                Some(from + keyed.draw("gap").exponential(mean))
            }
            (None, Some(every), Some(before)) => Some(before + keyed.quantity("every", every)),
            _ => None,
        };
        if let Some(at) = next {
            if at > Instant::ZERO + storm.max {
                break;
            }
            fault.trigger = Trigger::At(at);
        }
        faults.push(fault);
    }
    faults
}

/// One fault with everything drawn.
pub(super) fn planned(
    scenario: &Scenario,
    spec: &FaultSpec,
    keyed: &Keyed,
    duration: Span,
) -> PlannedFault {
    let trigger = match (&spec.when, instants(&spec.when, scenario, duration)) {
        (When::On(on), _) => Trigger::On(awaited(on, "", scenario, keyed, duration)),
        (_, instants) => {
            let instants = instants.unwrap_or(Between::just(duration));
            Trigger::At(Instant::ZERO + keyed.quantity("at", &instants))
        }
    };
    let one_of = |purpose: &str, target: &Target, other: Option<&Target>| -> Target {
        let candidates = candidates(&scenario.cluster, target, other);
        match (target, candidates.len() as u64) {
            (Target::Any(_) | Target::Follower(None), number @ 1..) => {
                candidates[keyed.draw(purpose).below(number) as usize].clone()
            }
            _ => target.clone(),
        }
    };
    let target = one_of("target", &spec.target, spec.action.to());
    let to = spec.action.to().map(|to| one_of("to", to, Some(&target)));
    let action = spec.action.map(to.as_ref(), &mut { keyed });
    PlannedFault { trigger, action, target, resolved: None }
}

fn operations(
    scenario: &Scenario,
    seed: u64,
    duration: Span,
    alike: &mut Alike,
) -> Result<Vec<PlannedOperation>, Problem> {
    let mut operations = Vec::new();
    for (number, spec) in (1..).zip(&scenario.operations) {
        let OperationSpec { when, operation, patience } = spec;
        let name = serde_json::to_string(spec).expect("an operation is plain data");
        let keyed = Keyed { seed, key: alike.key(name) };
        let Some(instants) = instants(when, scenario, duration) else { continue };
        if instants.max > duration {
            let message = format!("the operation may come after the end of an input of {duration}");
            return Err(scenario.origin.problem(&format!("operation.{number}.at"), message));
        }
        let at = Instant::ZERO + keyed.quantity("at", &instants);
        let (operation, patience) = (operation.clone(), *patience);
        operations.push(PlannedOperation { at, operation, patience });
    }
    // One operator asks for one thing after the other.
    operations.sort_by_key(|operation| operation.at);
    Ok(operations)
}
