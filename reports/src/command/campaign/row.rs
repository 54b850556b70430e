//! One run in a line: its verdict, and what campaigns count of it.
//!
//! Nothing in it depends on the machine: the same run gives the same line, to the byte. All that a
//! campaign shows is made of such lines, so whether runs are of this process, of one that was
//! killed, or of another machine shows nowhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stormglass_engine::topology::Topology;
use stormglass_scenarios::outcome::{Cause, Outcome, Quantiles, Verdict};
use stormglass_scenarios::scenario::{Moment, Part, Phase, Scenario};
use stormglass_scenarios::signature::Signature;

#[cfg(test)]
mod tests;

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) scenario: String,
    /// Written as text: JSON has no 64-bit integers.
    #[serde(with = "text")]
    pub(super) seed: u64,
    #[serde(flatten)]
    pub(super) said: Said,
    pub(super) digest: String,
    /// It was to be disturbed and never was.
    pub(super) vacuous: bool,
    pub(super) effective_faults: u64,
    pub(super) coordinators: u16,
    /// What the seed drew of the scenario's alternatives: name and label.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) drew: BTreeMap<String, String>,
    /// Each kind of fault of the plan, and whether it took effect.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) faults: BTreeMap<String, bool>,
    /// The faults that took effect, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) struck: Vec<Struck>,
    /// Whether something took effect more than once.
    pub(super) duplicates: bool,
    pub(super) aborted_checkpoints: u64,
    pub(super) restored_checkpoints: u64,
    pub(super) leader_changes: u64,
    /// Half of its losses of a leader were over after so many nanoseconds; none if it lost none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) leaderless_ns: Option<u64>,
    pub(super) suspicions: u64,
    pub(super) wrong_suspicions: u64,
    /// Half of its right suspicions came after so many nanoseconds; none if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) detection_ns: Option<u64>,
    /// Operations of clients on the metadata that were asked for, and those that were answered.
    pub(super) asked: u64,
    pub(super) answered: u64,
    /// Rare events that were seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) seen: Vec<String>,
    /// How often each planted bug had its occasion.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) reached: BTreeMap<String, u64>,
}

/// A fault that took effect: what was done, to whom (none if to nobody), and the phases that
/// protocols were in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Struck(pub(super) String, pub(super) Option<Part>, pub(super) Vec<Phase>);

/// A verdict in a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub(super) enum Said {
    /// Every law held.
    Holds,
    /// At least one law was broken.
    Broken {
        /// By what failures are told apart.
        #[serde(flatten)]
        signature: Signature,
        /// What was said of the first one.
        sentence: String,
    },
    /// Nothing can be said.
    CouldNotJudge {
        /// Of what kind that is.
        cause: Cause,
        /// Why, in a sentence.
        why: String,
        /// What is gone for good, if that is it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        proofs: Vec<String>,
    },
}

impl Row {
    /// The row of a run.
    pub(super) fn of(outcome: &Outcome, scenario: &Scenario, topology: &Topology) -> Row {
        let mut faults: BTreeMap<String, bool> = BTreeMap::new();
        for fault in &outcome.faults {
            *faults.entry(fault.kind.clone()).or_default() |= fault.took_effect;
        }
        let struck = outcome.faults.iter().filter(|fault| fault.took_effect).map(|fault| {
            let action = fault.kind.split(' ').next().unwrap_or_default().to_string();
            Struck(action, fault.part, fault.phases.into_iter().flat_map(Moment::all).collect())
        });
        let said = match &outcome.verdict {
            Verdict::Holds => Said::Holds,
            Verdict::Broken { violations } => Said::Broken {
                signature: Signature::of(outcome, &scenario.drawn(outcome.seed), topology)
                    .expect("a broken run has a signature"),
                sentence: violations[0].sentence.clone(),
            },
            Verdict::CouldNotJudge(unjudged) => Said::CouldNotJudge {
                cause: unjudged.cause,
                why: unjudged.why.clone(),
                proofs: unjudged.proofs.iter().map(ToString::to_string).collect(),
            },
        };
        let Outcome { leaders, detection, duplicates, .. } = outcome;
        let median = |of: &Quantiles| (of.count > 0).then(|| of.p50.as_nanos());
        let seen = outcome.probes.iter().filter(|(_, times)| *times > 0);
        Row {
            scenario: outcome.scenario.clone(),
            seed: outcome.seed,
            said,
            digest: outcome.digest.to_string(),
            vacuous: outcome.is_vacuous(),
            effective_faults: outcome.effective_faults() as u64,
            coordinators: outcome.coordinators,
            drew: outcome.drew.clone(),
            faults,
            struck: struck.collect(),
            duplicates: duplicates.updates + duplicates.outputs > 0,
            aborted_checkpoints: outcome.aborted_checkpoints(),
            restored_checkpoints: outcome.restored_checkpoints(),
            leader_changes: leaders.changes,
            leaderless_ns: median(&leaders.leaderless),
            suspicions: detection.suspicions,
            wrong_suspicions: detection.wrong,
            detection_ns: median(&detection.delay),
            asked: leaders.operations,
            answered: leaders.answered,
            seen: seen.map(|(name, _)| name.to_string()).collect(),
            reached: outcome.reached.iter().map(|(name, n)| (name.to_string(), *n)).collect(),
        }
    }

    /// The signature of a failure.
    pub(super) fn failure(&self) -> Option<&Signature> {
        match &self.said {
            Said::Broken { signature, .. } => Some(signature),
            _ => None,
        }
    }
}

mod text {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(n: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&n.to_string())
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| de::Error::custom(format!("`{text}` is no number")))
    }
}
