//! What a campaign counts.

use std::collections::BTreeMap;

use serde::Serialize;
use stormglass_engine::names::Probe;
use stormglass_scenarios::outcome::{Cause, Outcome};
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::shrink::Shrinkage;
use stormglass_scenarios::signature::Signature;
use stormglass_sim::node::Name;

use super::Of;
use super::row::{Row, Said};
use crate::words::count;

mod coverage;
mod spread;
#[cfg(test)]
mod tests;

pub(super) use coverage::Coverage;
pub(super) use spread::Spread;

/// Words of a sentence that tell one kind of doubt from another.
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
    /// Of these: more was gone for good than is promised to be survived.
    pub(super) out_of_budget: u64,
    /// Of these: they were to be disturbed and never were.
    pub(super) vacuous: u64,
    /// Runs in which at least one fault took effect.
    pub(super) disturbed: u64,
    /// Runs in which something took effect more than once.
    pub(super) with_duplicates: u64,
    /// Runs with so many coordinators.
    pub(super) coordinators: BTreeMap<u16, u64>,
    /// What seeds drew of the scenario's alternatives, by name and label: how each fared.
    pub(super) drew: BTreeMap<String, BTreeMap<String, Fared>>,
    /// How many checkpoints a run gave up, and from how many it was restored.
    pub(super) aborted_checkpoints: Spread,
    pub(super) restored_checkpoints: Spread,
    /// How many faults took effect in a run.
    pub(super) effective_faults: Spread,
    /// How often the leader of the metadata changed in a run.
    pub(super) leader_changes: Spread,
    /// Half of a run's losses of a leader were over after so many nanoseconds: runs that lost one.
    pub(super) leaderless_ns: Spread,
    /// Suspicions of workers in all runs, and those of workers that were alive and reachable.
    pub(super) suspicions: u64,
    pub(super) wrong_suspicions: u64,
    /// Half of a run's right suspicions came after so many nanoseconds: runs that had one.
    pub(super) detection_ns: Spread,
    /// Operations of clients on the metadata that were answered, of those asked.
    pub(super) answered: u64,
    pub(super) asked: u64,
    /// Each kind of fault, by name.
    pub(super) faults: BTreeMap<String, Strikes>,
    /// What was done to whom, in which phase of each protocol.
    pub(super) coverage: Coverage,
    /// Rare events that the scenario can bring about.
    pub(super) within_reach: Vec<&'static str>,
    /// Runs in which each rare event was seen.
    pub(super) rare_events: BTreeMap<String, u64>,
    /// Why runs could not be judged, each kind of reason once.
    pub(super) unjudged: Vec<Doubt>,
    pub(super) failures: Vec<Failure>,
}

/// In how many runs there was a kind of fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Strikes {
    /// In their plans.
    pub(super) planned: u64,
    /// And took effect at least once.
    pub(super) effective: u64,
}

/// How the runs with something in common fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Fared {
    pub(super) runs: u64,
    pub(super) holds: u64,
    pub(super) disturbed: u64,
}

/// A kind of reason why runs could not be judged: its cause, and how its sentence begins.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Doubt {
    pub(super) begins: String,
    /// How many seeds it was.
    pub(super) seeds: u64,
    /// The first one. Written as text: JSON has no 64-bit integers.
    #[serde(serialize_with = "as_text")]
    pub(super) first_seed: u64,
    /// What was said of that.
    pub(super) cause: Cause,
    pub(super) why: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) proofs: Vec<String>,
}

/// A kind of failure.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Failure {
    #[serde(flatten)]
    pub(super) signature: Signature,
    /// How many seeds failed like this.
    pub(super) seeds: u64,
    /// The one with the fewest faults that took effect, the first of several. Written as text: JSON
    /// has no 64-bit integers.
    #[serde(serialize_with = "as_text")]
    pub(super) seed: u64,
    /// How many took effect.
    pub(super) faults: u64,
    /// Its digest.
    pub(super) digest: String,
    /// What was said of it.
    pub(super) sentence: String,
    /// The command that shows it again.
    pub(super) replay: String,
    /// How far it was shrunk, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shrunk: Option<Shrinkage>,
    /// All of it, shrunk or run again for whoever is to be told; none if it cannot be run here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<Outcome>,
    /// What that is a run of.
    #[serde(skip)]
    pub(super) of: Option<Of>,
}

impl Tally {
    pub(super) fn new(scenario: &Scenario, seeds: String) -> Tally {
        Tally {
            scenario: scenario.name.clone(),
            seeds,
            runs: 0,
            holds: 0,
            broken: 0,
            could_not_judge: 0,
            out_of_budget: 0,
            vacuous: 0,
            disturbed: 0,
            with_duplicates: 0,
            coordinators: BTreeMap::new(),
            drew: BTreeMap::new(),
            aborted_checkpoints: Spread::default(),
            restored_checkpoints: Spread::default(),
            effective_faults: Spread::default(),
            leader_changes: Spread::default(),
            leaderless_ns: Spread::default(),
            suspicions: 0,
            wrong_suspicions: 0,
            detection_ns: Spread::default(),
            answered: 0,
            asked: 0,
            faults: BTreeMap::new(),
            coverage: Coverage::default(),
            within_reach: stormglass_scenarios::coverage::within_reach(scenario)
                .iter()
                .map(|p| p.name())
                .collect(),
            rare_events: Probe::ALL.iter().map(|probe| (probe.name().to_string(), 0)).collect(),
            unjudged: Vec::new(),
            failures: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, row: &Row) {
        self.runs += 1;
        self.disturbed += u64::from(row.effective_faults > 0);
        self.effective_faults.add(row.effective_faults);
        self.with_duplicates += u64::from(row.duplicates);
        *self.coordinators.entry(row.coordinators).or_default() += 1;
        self.aborted_checkpoints.add(row.aborted_checkpoints);
        self.restored_checkpoints.add(row.restored_checkpoints);
        self.fared(row);
        for (kind, took_effect) in &row.faults {
            let strikes = self.faults.entry(kind.clone()).or_default();
            strikes.planned += 1;
            strikes.effective += u64::from(*took_effect);
        }
        self.coverage.add(&row.struck);
        self.control(row);
        for name in &row.seen {
            *self.rare_events.entry(name.clone()).or_default() += 1;
        }
        match &row.said {
            Said::Holds => self.holds += 1,
            Said::CouldNotJudge { cause, why, proofs } => {
                self.could_not_judge += 1;
                self.out_of_budget += u64::from(*cause == Cause::OutOfBudget);
                self.vacuous += u64::from(*cause == Cause::Vacuous);
                self.unjudged(*cause, why, proofs, row.seed);
            }
            Said::Broken { signature, sentence } => {
                self.broken += 1;
                self.failed(signature, sentence, row);
            }
        }
    }

    /// Who led, and who was suspected.
    fn control(&mut self, row: &Row) {
        self.leader_changes.add(row.leader_changes);
        self.answered += row.answered;
        self.asked += row.asked;
        self.suspicions += row.suspicions;
        self.wrong_suspicions += row.wrong_suspicions;
        row.leaderless_ns.into_iter().for_each(|n| self.leaderless_ns.add(n));
        row.detection_ns.into_iter().for_each(|n| self.detection_ns.add(n));
    }

    /// Counts the run with those that drew alike.
    fn fared(&mut self, row: &Row) {
        for (name, label) in &row.drew {
            let fared = self.drew.entry(name.clone()).or_default();
            let fared = fared.entry(label.clone()).or_default();
            fared.runs += 1;
            fared.holds += u64::from(row.said == Said::Holds);
            fared.disturbed += u64::from(row.effective_faults > 0);
        }
    }

    /// Runs that the judges could not make up their minds about.
    pub(super) fn undecided(&self) -> u64 {
        self.could_not_judge - self.out_of_budget - self.vacuous
    }

    fn unjudged(&mut self, cause: Cause, why: &str, proofs: &[String], first_seed: u64) {
        let begins = beginning(why);
        match self.unjudged.iter_mut().find(|d| d.cause == cause && d.begins == begins) {
            Some(doubt) => doubt.seeds += 1,
            None => {
                let (why, proofs) = (why.to_string(), proofs.to_vec());
                self.unjudged.push(Doubt { begins, seeds: 1, first_seed, cause, why, proofs });
            }
        }
    }

    fn failed(&mut self, signature: &Signature, sentence: &str, row: &Row) {
        match self.failures.iter_mut().find(|failure| failure.signature == *signature) {
            Some(failure) => {
                failure.seeds += 1;
                if (row.effective_faults, row.seed) < (failure.faults, failure.seed) {
                    (failure.seed, failure.faults) = (row.seed, row.effective_faults);
                    failure.digest.clone_from(&row.digest);
                    failure.sentence = sentence.to_string();
                }
            }
            None => self.failures.push(Failure {
                signature: signature.clone(),
                seeds: 1,
                seed: row.seed,
                faults: row.effective_faults,
                digest: row.digest.clone(),
                sentence: sentence.to_string(),
                replay: String::new(),
                shrunk: None,
                outcome: None,
                of: None,
            }),
        }
    }

    /// Rare events, each with the number of runs that saw it.
    pub(super) fn seen(&self) -> String {
        let seen = self.rare_events.iter().filter(|(_, runs)| **runs > 0);
        listed(seen.map(|(name, runs)| format!("{name} {}", count(*runs))))
    }

    /// Rare events that no run saw, though the scenario has what it takes; how many others there
    /// are.
    pub(super) fn never_seen(&self) -> String {
        let never = |within: bool| {
            let unseen = self.rare_events.iter().filter(|(_, runs)| **runs == 0);
            let names = unseen.map(|(name, _)| name.as_str());
            names.filter(move |n| self.within_reach.contains(n) == within)
        };
        let names = listed(never(true).map(str::to_string));
        match never(false).count() {
            0 => names,
            1 => format!("{names}; 1 needs what the scenario does not use"),
            others => format!("{names}; {others} need what the scenario does not use"),
        }
    }
}

fn as_text<S: serde::Serializer>(n: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&n.to_string())
}

fn listed(texts: impl Iterator<Item = String>) -> String {
    let all = texts.collect::<Vec<_>>().join(", ");
    if all.is_empty() { "none".to_string() } else { all }
}

/// How a sentence begins, with `#` for what differs from seed to seed: words with digits in them.
pub(super) fn beginning(sentence: &str) -> String {
    let plain = |word: &str| match word.contains(|c: char| c.is_ascii_digit()) {
        true => "#".to_string(),
        false => word.to_string(),
    };
    sentence.split_whitespace().take(WORDS).map(plain).collect::<Vec<_>>().join(" ")
}
