//! Faults: when, what and to whom, each stated once.

use crate::problem::Problem;
use crate::scenario::document::Origin;
use crate::scenario::on::Mistake;
use crate::scenario::raw::RawFault;
use crate::scenario::{FaultSpec, Target, Time, When};
use crate::units::{Between, Quantity, Text};

pub(super) fn lower(mut raw: RawFault, path: &str, origin: &Origin) -> Result<FaultSpec, Problem> {
    let when = match (&raw.at, raw.on.take()) {
        (Some(Quantity(at)), None) => self::when(*at),
        (None, Some(on)) => match on.lower(Between::just(1)) {
            Ok(on) => When::On(on),
            Err(mistake) => return Err(mistaken(&format!("{path}.on"), mistake, origin)),
        },
        (None, None) => {
            let problem = origin.problem(path, "the fault does not say when it strikes");
            return Err(
                problem.help("give it `at = \"20%..40%\"` or `on = { event = .., nth = .. }`")
            );
        }
        (Some(_), Some(_)) => {
            let problem = origin.key_problem(&format!("{path}.on"), "the fault says twice when");
            return Err(problem.help("leave out `at` or `on`"));
        }
    };
    let every = raw.every.map(|Quantity(every)| every);
    let poisson = raw.poisson.map(|Quantity(mean)| mean);
    // Without a number, both go on to the end of the storm.
    let often = if every.or(poisson.map(Between::just)).is_some() { u32::MAX } else { 1 };
    let times = raw.times.map_or(Between::just(often), |Quantity(times)| times);
    let chance = raw.chance.map_or(FaultSpec::CERTAIN, |Quantity(chance)| chance);
    let mut actions = raw.actions();
    match (actions.len(), actions.pop()) {
        (1, Some((action, target))) => {
            Ok(FaultSpec { times, every, poisson, chance, ..FaultSpec::once(when, action, target) })
        }
        (_, None) => {
            let problem = origin.problem(path, "the fault does not say what happens");
            Err(problem.help(format!(
                "give it an action, such as `crash = {{ who = \"{}\" }}`",
                Target::EXAMPLE
            )))
        }
        (_, Some((action, _))) => {
            let path = format!("{path}.{}", action.name());
            let problem = origin.key_problem(&path, "the fault does two things at once");
            Err(problem.help("write one `[[fault]]` for each action"))
        }
    }
}

pub(super) const fn when(at: Time) -> When {
    match at {
        Time::At(time) => When::At(time),
        Time::Share(share) => When::Share(share),
        Time::Storm => When::Storm,
    }
}

/// A mistake in a trigger at a path.
pub(in crate::scenario) fn mistaken(path: &str, mistake: Mistake, origin: &Origin) -> Problem {
    let Mistake { key, message, help } = mistake;
    let path = if key.is_empty() { path.to_string() } else { format!("{path}.{key}") };
    origin.problem(&path, message).help(help)
}
