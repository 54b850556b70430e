//! What a campaign counts.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;
use stormglass_scenarios::outcome::{Cause, FaultOutcome, Outcome, Unjudged, Verdict};
use stormglass_scenarios::scenario::Scenario;
use stormglass_sim::node::Name;

use crate::words::count;

mod coverage;
mod spread;
#[cfg(test)]
mod tests;

pub(super) use coverage::Coverage;
pub(super) use spread::Spread;

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
    pub(super) rare_events: BTreeMap<&'static str, u64>,
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
    #[serde(flatten)]
    pub(super) first: Unjudged,
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
    pub(super) fn new(scenario: &Scenario, seeds: &Range<u64>) -> Tally {
        Tally {
            scenario: scenario.name.clone(),
            seeds: format!("{}..{}", seeds.start, seeds.end),
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
            rare_events: BTreeMap::new(),
            unjudged: Vec::new(),
            failures: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        self.runs += 1;
        let effective = outcome.effective_faults();
        self.disturbed += u64::from(effective > 0);
        self.effective_faults.add(effective as u64);
        let duplicates = outcome.duplicates;
        self.with_duplicates += u64::from(duplicates.updates + duplicates.outputs > 0);
        *self.coordinators.entry(outcome.coordinators).or_default() += 1;
        self.aborted_checkpoints.add(outcome.aborted_checkpoints());
        self.restored_checkpoints.add(outcome.restored_checkpoints());
        self.fared(&outcome);
        self.strikes(&outcome.faults);
        self.coverage.add(&outcome.faults);
        self.control(&outcome);
        for (name, times) in &outcome.probes {
            *self.rare_events.entry(name).or_default() += u64::from(*times > 0);
        }
        match &outcome.verdict {
            Verdict::Holds => self.holds += 1,
            Verdict::CouldNotJudge(unjudged) => {
                self.could_not_judge += 1;
                self.out_of_budget += u64::from(unjudged.cause == Cause::OutOfBudget);
                self.vacuous += u64::from(unjudged.cause == Cause::Vacuous);
                self.unjudged(unjudged, outcome.seed);
            }
            Verdict::Broken { .. } => {
                self.broken += 1;
                self.failed(outcome);
            }
        }
    }

    /// Who led, and who was suspected.
    fn control(&mut self, outcome: &Outcome) {
        let Outcome { leaders, detection, .. } = outcome;
        self.leader_changes.add(leaders.changes);
        self.answered += leaders.answered;
        self.asked += leaders.operations;
        self.suspicions += detection.suspicions;
        self.wrong_suspicions += detection.wrong;
        for (of, spread) in [
            (&leaders.leaderless, &mut self.leaderless_ns),
            (&detection.delay, &mut self.detection_ns),
        ] {
            if of.count > 0 {
                spread.add(of.p50.as_nanos());
            }
        }
    }

    /// Counts the run with those that drew alike.
    fn fared(&mut self, outcome: &Outcome) {
        for (name, label) in &outcome.drew {
            let fared = self.drew.entry(name.clone()).or_default();
            let fared = fared.entry(label.clone()).or_default();
            fared.runs += 1;
            fared.holds += u64::from(matches!(outcome.verdict, Verdict::Holds));
            fared.disturbed += u64::from(outcome.effective_faults() > 0);
        }
    }

    /// Runs that the judges could not make up their minds about.
    pub(super) fn undecided(&self) -> u64 {
        self.could_not_judge - self.out_of_budget - self.vacuous
    }

    /// Counts each kind of fault once a run.
    fn strikes(&mut self, faults: &[FaultOutcome]) {
        let mut kinds: BTreeMap<&str, bool> = BTreeMap::new();
        for fault in faults {
            *kinds.entry(&fault.kind).or_default() |= fault.took_effect;
        }
        for (kind, took_effect) in kinds {
            let strikes = self.faults.entry(kind.to_string()).or_default();
            strikes.planned += 1;
            strikes.effective += u64::from(took_effect);
        }
    }

    fn unjudged(&mut self, unjudged: &Unjudged, seed: u64) {
        let begins = signature(&unjudged.why);
        let alike = |d: &&mut Doubt| d.first.cause == unjudged.cause && d.begins == begins;
        match self.unjudged.iter_mut().find(alike) {
            Some(doubt) => doubt.seeds += 1,
            None => {
                let (seeds, first_seed, first) = (1, seed, unjudged.clone());
                self.unjudged.push(Doubt { begins, seeds, first_seed, first });
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
            unseen.map(|(name, _)| *name).filter(move |n| self.within_reach.contains(n) == within)
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
pub(super) fn signature(sentence: &str) -> String {
    let plain = |word: &str| match word.contains(|c: char| c.is_ascii_digit()) {
        true => "#".to_string(),
        false => word.to_string(),
    };
    sentence.split_whitespace().take(WORDS).map(plain).collect::<Vec<_>>().join(" ")
}
