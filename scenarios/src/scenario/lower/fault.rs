//! Faults: when, what and to whom, each stated once.

use crate::problem::Problem;
use crate::scenario::document::Origin;
use crate::scenario::raw::{At, RawFault};
use crate::scenario::{Action, ActionSpec, FaultSpec, Target, Ways, When};
use crate::units::{Between, Quantity, Text};

pub(super) fn lower(raw: RawFault, path: &str, origin: &Origin) -> Result<FaultSpec, Problem> {
    let when = match (&raw.at, &raw.on) {
        (Some(Quantity(at)), None) => self::when(*at),
        (None, Some(on)) => When::On { event: on.event.0, nth: on.nth.0 },
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
    let mut actions = actions(raw);
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

pub(super) const fn when(at: At) -> When {
    match at {
        At::Time(time) => When::At(time),
        At::Share(share) => When::Share(share),
        At::Storm => When::Storm,
    }
}

/// Every action that is written: there should be one.
fn actions(raw: RawFault) -> Vec<(ActionSpec, Target)> {
    let mut actions: Vec<(ActionSpec, Target)> = Vec::new();
    if let Some(raw) = raw.crash {
        actions.push((Action::Crash { down: raw.down.map(|down| down.0) }, raw.who.0));
    }
    if let Some(raw) = raw.crash_machine {
        actions.push((Action::CrashMachine { down: raw.down.0 }, raw.who.0));
    }
    if let Some(raw) = raw.isolate {
        let ways = raw.ways.map_or(Ways::Both, |Quantity(ways)| ways);
        actions.push((Action::Isolate { lasting: raw.r#for.0, ways }, raw.who.0));
    }
    if let Some(raw) = raw.cut {
        let symmetric = raw.symmetric.unwrap_or(true);
        actions.push((Action::Cut { to: raw.to.0, lasting: raw.r#for.0, symmetric }, raw.from.0));
    }
    if let Some(raw) = raw.slow_link {
        let (extra, lasting) = (raw.extra.0, raw.r#for.0);
        actions.push((Action::SlowLink { to: raw.to.0, extra, lasting }, raw.from.0));
    }
    if let Some(raw) = raw.slow_disk {
        let (factor, lasting) = (raw.factor.0, raw.r#for.0);
        actions.push((Action::SlowDisk { factor, lasting }, raw.who.0));
    }
    if let Some(raw) = raw.rot {
        let any = Between { min: 0, max: u32::MAX };
        let file = raw.file.map_or(any, |Quantity(file)| file);
        actions.push((Action::Rot { file, bit: any }, raw.who.0));
    }
    if let Some(raw) = raw.wipe {
        actions.push((Action::Wipe {}, raw.who.0));
    }
    if let Some(raw) = raw.pause {
        actions.push((Action::Pause { lasting: raw.r#for.0 }, raw.who.0));
    }
    if let Some(raw) = raw.drift_clock {
        let (by, lasting) = (raw.by.0, raw.r#for.0);
        actions.push((Action::DriftClock { by, lasting }, raw.who.0));
    }
    if let Some(raw) = raw.step_clock {
        actions.push((Action::StepClock { by: raw.by.0 }, raw.who.0));
    }
    actions
}
