//! By what failures are told apart: the law that broke first, the component that broke it, and what
//! the cluster was about.

use std::fmt;

use serde::{Deserialize, Serialize};
use stormglass_engine::topology::Topology;

use crate::judge::law::{Law, Violation};
use crate::outcome::Outcome;
use crate::places::Places;
use crate::scenario::{Role, Scenario};

/// What failures of one kind have in common: that which broke first, who broke it and when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Signature {
    /// The law that broke first.
    pub law: String,
    /// Where nothing goes on, the role of the service that cannot; otherwise the component that its
    /// sentence names first; without one, the role of whoever was seen.
    pub component: String,
    /// `calm` before the first fault; in an outage which phase of that; `lull` after the last fault
    /// and all outages; otherwise `storm`.
    pub phase: String,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} in {}", self.law, self.component, self.phase)
    }
}

impl Signature {
    /// The signature of a run; none unless it is broken. `scenario` is as the seed has it
    /// ([`Scenario::drawn`]).
    pub fn of(outcome: &Outcome, scenario: &Scenario, topology: &Topology) -> Option<Signature> {
        let violation = outcome.violations().first()?;
        Some(Signature {
            law: violation.law.name().to_string(),
            component: component(violation, &Places::new(scenario), topology),
            phase: phase(violation, outcome).to_string(),
        })
    }
}

/// Why a run is broken, whatever else was done to it at the same time: a signature without the
/// phase. In which outage a judge notices, and whether other faults are still to come, depends on
/// the faults that have nothing to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) law: Law,
    component: String,
    /// Of a panic: what was said, up to the first number.
    said: Option<String>,
}

impl Reason {
    pub(crate) fn of(violation: &Violation, places: &Places, topology: &Topology) -> Reason {
        let panicked = violation.law == Law::NoPanic;
        let said = panicked.then(|| {
            // "panicked in event 5 of seed 7: what was said"
            let said = violation.sentence.split_once(": ").map_or("", |(_, said)| said);
            said.chars().take_while(|c| !c.is_ascii_digit()).collect()
        });
        Reason { law: violation.law, component: component(violation, places, topology), said }
    }
}

/// Who broke a law.
fn component(violation: &Violation, places: &Places, topology: &Topology) -> String {
    let role = || {
        let name = places.name(violation.events.first()?.node);
        Some(name.trim_end_matches(|c: char| c == '-' || c.is_ascii_digit()).to_string())
    };
    let component = failing(violation).or_else(|| named(&violation.sentence, topology));
    let component = component.or_else(role);
    component.unwrap_or_else(|| "cluster".to_string())
}

/// The role of the service that cannot go on, which comes last in such a sentence.
fn failing(violation: &Violation) -> Option<String> {
    let (_, who) = violation.sentence.rsplit_once("; ")?;
    let words = |word: &str| Role::ALL.iter().find(|role| is_of(word, role.name()));
    let role = who.split(' ').find_map(words);
    role.filter(|_| violation.law == Law::Progress).map(|role| role.name().to_string())
}

/// Whether a word is the name of a role, or of one of its processes: `store`, `store-2`.
fn is_of(word: &str, role: &str) -> bool {
    let number = word.strip_prefix(role).and_then(|rest| rest.strip_prefix('-'));
    word == role || number.is_some_and(|number| number.chars().all(|c| c.is_ascii_digit()))
}

/// The first component that a sentence names.
fn named(sentence: &str, topology: &Topology) -> Option<String> {
    let part_of_names = |c: char| c.is_alphanumeric() || "-_".contains(c);
    let mut words = sentence.split(|c| !part_of_names(c));
    words.find(|word| topology.find(word).is_some()).map(str::to_string)
}

/// What the cluster was about when a law broke.
fn phase(violation: &Violation, outcome: &Outcome) -> &'static str {
    let at = violation.at;
    let struck = outcome.faults.iter().filter(|fault| fault.took_effect).filter_map(|f| f.at);
    if struck.clone().all(|fault| fault > at) {
        return "calm";
    }
    for recovery in &outcome.recoveries {
        let mut end = recovery.began;
        for (name, length) in [
            ("detection", recovery.detection),
            ("decision", recovery.decision),
            ("restore", recovery.restore),
            ("replay", recovery.replay),
            ("catch-up", recovery.catch_up),
        ] {
            end += length;
            if recovery.began <= at && at < end {
                return name;
            }
        }
    }
    match struck.max() > Some(at) {
        true => "storm",
        false => "lull",
    }
}
