//! What a campaign counts.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;
use stormglass_scenarios::outcome::{Outcome, Verdict};

use crate::words::count;

#[cfg(test)]
mod tests;

/// Words of a violation's sentence that tell one kind of failure from another.
const WORDS: usize = 5;

/// The counts of one scenario.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Tally {
    pub(super) scenario: String,
    /// Written as text: JSON has no 64-bit integers.
    pub(super) seeds: String,
    pub(super) runs: u64,
    pub(super) holds: u64,
    pub(super) broken: u64,
    pub(super) could_not_judge: u64,
    pub(super) vacuous: u64,
    /// How many runs had so many effective faults.
    pub(super) effective_faults: BTreeMap<usize, u64>,
    /// Runs in which each rare event was seen.
    pub(super) rare_events: BTreeMap<&'static str, u64>,
    /// Why runs could not be judged: the reason, how many, the first seed.
    pub(super) unjudged: Vec<(String, u64, u64)>,
    pub(super) failures: Vec<Failure>,
}

/// A kind of failure: a law, and how its sentence begins.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Failure {
    pub(super) law: &'static str,
    pub(super) begins: String,
    /// How many seeds failed like this.
    pub(super) seeds: u64,
    /// The command that shows the first one again.
    pub(super) replay: String,
    /// The first one.
    pub(super) first: Outcome,
}

impl Tally {
    pub(super) fn new(scenario: &str, seeds: &Range<u64>) -> Tally {
        Tally {
            scenario: scenario.to_string(),
            seeds: format!("{}..{}", seeds.start, seeds.end),
            runs: 0,
            holds: 0,
            broken: 0,
            could_not_judge: 0,
            vacuous: 0,
            effective_faults: BTreeMap::new(),
            rare_events: BTreeMap::new(),
            unjudged: Vec::new(),
            failures: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        self.runs += 1;
        self.vacuous += u64::from(super::is_vacuous(&outcome));
        *self.effective_faults.entry(outcome.effective_faults()).or_default() += 1;
        for (name, times) in &outcome.probes {
            *self.rare_events.entry(name).or_default() += u64::from(*times > 0);
        }
        match &outcome.verdict {
            Verdict::Holds => self.holds += 1,
            Verdict::CouldNotJudge { why } => {
                self.could_not_judge += 1;
                match self.unjudged.iter_mut().find(|(known, ..)| known == why) {
                    Some((_, seeds, _)) => *seeds += 1,
                    None => self.unjudged.push((why.clone(), 1, outcome.seed)),
                }
            }
            Verdict::Broken { .. } => {
                self.broken += 1;
                self.failed(outcome);
            }
        }
    }

    fn failed(&mut self, outcome: Outcome) {
        let Some(violation) = outcome.violations().first() else { return };
        let (law, begins) = (violation.law.name(), signature(&violation.sentence));
        let known = self.failures.iter_mut().find(|f| f.law == law && f.begins == begins);
        match known {
            Some(failure) => failure.seeds += 1,
            None => {
                let replay = String::new();
                self.failures.push(Failure { law, begins, seeds: 1, replay, first: outcome });
            }
        }
    }

    /// How many faults took effect in the median run.
    pub(super) fn median_effective(&self) -> String {
        let mut seen = 0;
        for (faults, runs) in &self.effective_faults {
            seen += runs;
            if 2 * seen >= self.runs {
                return faults.to_string();
            }
        }
        "-".to_string()
    }

    /// Rare events, each with the number of runs that saw it.
    pub(super) fn seen(&self) -> String {
        let seen = self.rare_events.iter().filter(|(_, runs)| **runs > 0);
        listed(seen.map(|(name, runs)| format!("{name} {}", count(*runs))))
    }

    /// Rare events that no run saw.
    pub(super) fn never_seen(&self) -> String {
        let never = self.rare_events.iter().filter(|(_, runs)| **runs == 0);
        listed(never.map(|(name, _)| name.to_string()))
    }
}

fn listed(texts: impl Iterator<Item = String>) -> String {
    let all = texts.collect::<Vec<_>>().join(", ");
    if all.is_empty() { "none".to_string() } else { all }
}

/// How a sentence begins, with `#` for what differs from seed to seed: words with digits in them.
pub(super) fn signature(sentence: &str) -> String {
    let plain = |word: &str| match word.contains(|c: char| c.is_ascii_digit()) {
        true => "#".to_string(),
        false => word.to_string(),
    };
    sentence.split_whitespace().take(WORDS).map(plain).collect::<Vec<_>>().join(" ")
}
