//! Verifies: that no output of a completed checkpoint is lost with a transaction that timed out at
//! the receiver (`no-loss`). If the scenario assumes that outages are shorter than the transaction
//! timeout and this one was not, nobody can say whose fault it is: the run cannot be judged.
//!
//! The *outage* of a transaction is the time from its pre-commit, when the sink had done its part,
//! until somebody came to commit it; or the end of the run, if nobody did.
//!
//! What lay at a receiver whose log was destroyed, and nowhere else, is lost without anybody's
//! fault: that much is excused, and counted.
//!
//! Does not verify: that the receiver waits for as long as it says.

use std::collections::BTreeMap;

use stormglass_engine::observation::Observation;
use stormglass_sim::time::{Instant, Span};

use super::law::{Findings, Law, Witness, plural};
use super::lineage::Lineage;
use super::outputs::{Output, Outputs};
use super::plan::Plan;
use super::restore::Restores;
use super::staging::{Name, Staging};
use crate::budget::Proof;

/// What a run says of transactions that time out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The timeout.
    pub timeout: Span,
    /// Whether the scenario assumes that outages are shorter.
    pub assumed: bool,
}

/// The transactions that timed out.
#[derive(Clone, Debug)]
pub(super) struct Expiry {
    claim: Claim,
    /// Since when those that are not visible have been pre-committed.
    since: BTreeMap<Name, Instant>,
    expired: Vec<Expired>,
    undecided: Option<(String, Proof)>,
}

#[derive(Clone, Debug)]
struct Expired {
    name: Name,
    outputs: Vec<Output>,
    /// When it was pre-committed.
    since: Instant,
    /// When somebody first came to commit it.
    asked: Option<Instant>,
    /// A completed checkpoint covers it: what it held is lost.
    lost: bool,
    fate: Fate,
}

/// Why nobody can read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// It timed out.
    TimedOut(Witness),
    /// The receiver's log was destroyed.
    Destroyed,
    /// It is at the receiver, and there is nobody to decide that it may be read.
    Waits,
}

impl Expiry {
    pub(super) fn new(claim: Claim) -> Self {
        Expiry { claim, since: BTreeMap::new(), expired: Vec::new(), undecided: None }
    }

    /// A transaction is at the receiver; it may have been before.
    pub(super) fn pre_committed(&mut self, name: Name, at: Instant) {
        self.since.entry(name).or_insert(at);
    }

    /// It is visible, or void.
    pub(super) fn over(&mut self, name: Name) {
        self.since.remove(&name);
    }

    /// A transaction timed out, or somebody learnt of that.
    pub(super) fn observed(&mut self, seen: Witness, staging: &mut Staging) {
        match seen.what {
            Observation::TransactionExpired {
                task,
                generation,
                checkpoint: Some(checkpoint),
                ..
            } => {
                let name = (task, generation, checkpoint);
                let outputs = staging.take(name);
                let since = self.since.remove(&name).unwrap_or(seen.at);
                if !self.expired.iter().any(|known| known.name == name) {
                    let (asked, lost) = (None, false);
                    let fate = Fate::TimedOut(seen);
                    self.expired.push(Expired { name, outputs, since, asked, lost, fate });
                }
            }
            Observation::TransactionLost { task, generation, checkpoint, .. } => {
                let name = (task, generation, checkpoint);
                let known = self.expired.iter_mut().find(|known| known.name == name);
                if let Some(known) = known {
                    known.asked = known.asked.or(Some(seen.at));
                }
            }
            _ => {}
        }
    }

    /// What was pre-committed up to an instant, and nobody has read, has this fate: nobody will.
    pub(super) fn void(&mut self, up_to: Instant, fate: Fate, staging: &mut Staging) {
        let (now, later) =
            std::mem::take(&mut self.since).into_iter().partition(|of| of.1 <= up_to);
        self.since = later;
        let now: BTreeMap<Name, Instant> = now;
        for (name, since) in now {
            let (outputs, asked, lost) = (staging.take(name), None, false);
            self.expired.push(Expired { name, outputs, since, asked, lost, fate });
        }
    }

    /// How many outputs of completed checkpoints were destroyed with the receiver's log.
    pub(super) fn destroyed(&self) -> u64 {
        let destroyed = self.expired.iter().filter(|of| of.lost && of.fate == Fate::Destroyed);
        destroyed.map(|of| of.outputs.len() as u64).sum()
    }

    /// What a completed checkpoint covers is lost: nothing else need be missed for it.
    pub(super) fn settle(
        &mut self,
        plan: &Plan,
        restores: &Restores,
        due: &mut Outputs,
        lineage: &mut Lineage,
    ) {
        for expired in self.expired.iter_mut().filter(|expired| !expired.lost) {
            let (task, generation, checkpoint) = expired.name;
            let Some(covering) = restores.covering(checkpoint, generation) else { continue };
            expired.lost = true;
            for output in &expired.outputs {
                // Whatever is wrong with it besides, it is not visible.
                let _ = due.published(plan, (task, generation, covering), *output);
            }
            lineage.missed(task, &expired.outputs);
        }
    }

    /// At the end: were outputs lost, and was it to be expected?
    pub(super) fn finish(&mut self, plan: &Plan, at: Instant, findings: &mut Findings) {
        let Claim { timeout, assumed } = self.claim;
        let outage = |of: &Expired| of.asked.unwrap_or(at).since(of.since);
        let lost = |of: &&Expired| {
            of.lost && !of.outputs.is_empty() && matches!(of.fate, Fate::TimedOut(_))
        };
        let records: u64 = self.expired.iter().filter(lost).map(|of| of.outputs.len() as u64).sum();
        // Who never came for it has no outage to blame.
        let excused = |of: &&Expired| assumed && of.asked.is_some() && outage(of) >= timeout;
        let Some(longest) = self.expired.iter().filter(lost).max_by_key(|of| outage(of)) else {
            return;
        };
        let shown = |span: Span| Span::millis(span.as_nanos() / 1_000_000);
        let all = format!("{} of completed checkpoints", plural(records, "output"));
        match self.expired.iter().filter(lost).find(|of| !excused(of)) {
            Some(first) => {
                let ((task, _, checkpoint), outage) = (first.name, outage(first));
                let sentence = format!(
                    "{all} were lost with transactions that timed out: that of {} for checkpoint \
                     {} was to be committed after an outage of {}, and the transaction timeout is \
                     {timeout}",
                    plan.name(task),
                    checkpoint.0,
                    shown(outage),
                );
                let seen: Vec<Witness> = match first.fate {
                    Fate::TimedOut(seen) => vec![seen],
                    Fate::Destroyed | Fate::Waits => Vec::new(),
                };
                findings.report(Law::NoLoss, seen.first().map_or(at, |s| s.at), sentence, &seen);
            }
            None => {
                let outage = outage(longest);
                let why = format!(
                    "{all} were lost in an outage of {}, and the run assumes that outages are \
                     shorter than the transaction timeout of {timeout}",
                    shown(outage),
                );
                self.undecided = Some((why, Proof::Assumption { outage, timeout }));
            }
        }
    }

    /// Why the run cannot be judged, if that is so.
    pub(super) fn undecided(&self) -> Option<&(String, Proof)> {
        self.undecided.as_ref()
    }
}
