//! Triggers: whether what they wait for can come.

use super::fault::{check_share, reach};
use crate::problem::Problem;
use crate::scenario::lower::mistaken;
use crate::scenario::on::Mistake;
use crate::scenario::{FaultSpec, OnSpec, Scenario, Time, When};
use crate::units::Between;

pub(super) fn check(
    scenario: &Scenario,
    path: &str,
    fault: &FaultSpec,
    on: &OnSpec,
) -> Result<(), Problem> {
    let mut path = format!("{path}.on");
    for on in on.chain() {
        let wrong = |mistake| mistaken(&path, mistake, &scenario.origin);
        numbers(on).and_then(|()| on.check_conditions()).map_err(wrong)?;
        if let Some(Err((message, help))) = on.by.as_ref().map(|by| reach(scenario, fault, by)) {
            return Err(wrong(Mistake::new("by", message, help)));
        }
        match on.since {
            Some(Time::Share(share)) => check_share(scenario, &format!("{path}.since"), share)?,
            Some(Time::At(Between { min, max })) if min > max => {
                return Err(wrong(Mistake::new("since", "it ends before it begins", "")));
            }
            _ => {}
        }
        path += ".after";
    }
    Ok(())
}

fn numbers(on: &OnSpec) -> Result<(), Mistake> {
    let is_none = |number: &Between<u32>| number.min == 0 || number.min > number.max;
    if is_none(&on.nth) {
        return Err(Mistake::new("nth", "nothing happens 0 times", "the first time is 1"));
    }
    for (key, number) in [("checkpoint", &on.checkpoint), ("generation", &on.generation)] {
        if number.as_ref().is_some_and(is_none) {
            let message = format!("there is no {key} 0");
            return Err(Mistake::new(key, message, format!("the first {key} is 1")));
        }
    }
    Ok(())
}

/// The components that a fault's trigger names, and the keys.
pub(super) fn components(fault: &FaultSpec) -> Vec<(String, &str)> {
    let mut all = Vec::new();
    let When::On(on) = &fault.when else { return all };
    let mut path = "on".to_string();
    for on in on.chain() {
        all.extend(on.of.as_deref().map(|of| (format!("{path}.of"), of)));
        let by = on.by.as_ref().and_then(|by| by.component());
        all.extend(by.map(|by| (format!("{path}.by"), by)));
        path += ".after";
    }
    all
}
