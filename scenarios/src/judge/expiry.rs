//! Verifies: that no output of a completed checkpoint is lost with a transaction that timed out at
//! the receiver (`no-loss`). If the scenario assumes that outages are shorter than the transaction
//! timeout and this one was not, nobody can say whose fault it is: the run cannot be judged.
//!
//! The *outage* of a transaction is the time from the cut that ends it, when the sink had done its
//! part, until somebody came to commit it; or the end of the run, if nobody did. A receiver that is
//! slow to take it, or to answer, is part of the outage. Where that is shorter than the timeout, it
//! is all the time for which the transaction can have been open: since the cut before, or the
//! restore of its sink. For the timeout counts from its first record, as Kafka's does.
//!
//! What lay at a receiver whose log was destroyed, and nowhere else, is lost without anybody's
//! fault: that much is excused, and counted.
//!
//! Does not verify: that the receiver waits for as long as it says.

use std::collections::BTreeMap;

use stormglass_engine::ids::{CheckpointId, TaskId};
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
    /// When the present transaction of each sink can have begun.
    begins: BTreeMap<TaskId, Instant>,
    /// Those that were ended, and that the receiver may not have yet.
    cuts: BTreeMap<Name, Open>,
    /// Those that the receiver has, and that are not visible, and since when the receiver has them.
    since: BTreeMap<Name, (Open, Instant)>,
    /// When somebody came for one of which the receiver knew, not yet durably, that it timed out.
    told: BTreeMap<Name, Instant>,
    expired: Vec<Expired>,
    undecided: Option<(String, Proof)>,
}

/// For how long a transaction was one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Open {
    /// When it can have begun.
    began: Instant,
    /// When its sink ended it.
    cut: Instant,
}

impl Open {
    /// If somebody came to commit it then: its outage.
    fn outage(&self, asked: Instant, timeout: Span) -> Span {
        let since = asked.since(self.cut);
        if since >= timeout { since } else { asked.since(self.began) }
    }
}

#[derive(Clone, Debug)]
struct Expired {
    name: Name,
    outputs: Vec<Output>,
    open: Open,
    /// When somebody first came to commit it.
    asked: Option<Instant>,
    /// A completed checkpoint covers it: what it held is lost.
    lost: bool,
    fate: Fate,
}

impl Expired {
    /// Whether outputs that count are lost by a timeout.
    fn is_loss(&self) -> bool {
        self.lost && !self.outputs.is_empty() && matches!(self.fate, Fate::TimedOut(_))
    }
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
        Expiry {
            claim,
            begins: BTreeMap::new(),
            cuts: BTreeMap::new(),
            since: BTreeMap::new(),
            told: BTreeMap::new(),
            expired: Vec::new(),
            undecided: None,
        }
    }

    /// A task was restored: if it is a sink, its first transaction begins.
    pub(super) fn restored(&mut self, task: TaskId, at: Instant) {
        self.begins.insert(task, at);
    }

    /// A sink ends a transaction, which may be empty, and begins the next.
    pub(super) fn cut(&mut self, name: Name, at: Instant) {
        let began = self.begins.insert(name.0, at);
        self.cuts.insert(name, Open { began: began.unwrap_or(at), cut: at });
    }

    /// A checkpoint is complete: what the receiver has not heard of before it was empty.
    pub(super) fn completed(&mut self, checkpoint: CheckpointId) {
        self.cuts.retain(|(_, _, ends), _| *ends >= checkpoint);
    }

    /// A transaction is at the receiver; it may have been before.
    pub(super) fn pre_committed(&mut self, name: Name, at: Instant) {
        let open = self.cuts.remove(&name).unwrap_or(Open { began: at, cut: at });
        self.since.entry(name).or_insert((open, at));
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
                let open = self.since.remove(&name).map(|(open, _)| open);
                let unknown = Open { began: seen.at, cut: seen.at };
                let open = open.or(self.cuts.remove(&name)).unwrap_or(unknown);
                if !self.expired.iter().any(|known| known.name == name) {
                    let (asked, lost) = (self.told.remove(&name), false);
                    let fate = Fate::TimedOut(seen);
                    self.expired.push(Expired { name, outputs, open, asked, lost, fate });
                }
            }
            Observation::TransactionLost { task, generation, checkpoint, .. } => {
                let name = (task, generation, checkpoint);
                match self.expired.iter_mut().find(|known| known.name == name) {
                    Some(known) => known.asked = known.asked.or(Some(seen.at)),
                    None => drop(self.told.entry(name).or_insert(seen.at)),
                }
            }
            _ => {}
        }
    }

    /// What was pre-committed up to an instant, and nobody has read, has this fate: nobody will.
    pub(super) fn void(&mut self, up_to: Instant, fate: Fate, staging: &mut Staging) {
        let (now, later) =
            std::mem::take(&mut self.since).into_iter().partition(|(_, (_, held))| *held <= up_to);
        self.since = later;
        let now: BTreeMap<Name, (Open, Instant)> = now;
        for (name, (open, _)) in now {
            let (outputs, asked, lost) = (staging.take(name), None, false);
            self.expired.push(Expired { name, outputs, open, asked, lost, fate });
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

    /// A lost transaction that nobody has come for, if it matters: the run is not over before it is
    /// known how long its outage was.
    pub(super) fn unasked(&self) -> Option<Name> {
        let open = |of: &&Expired| self.claim.assumed && of.is_loss() && of.asked.is_none();
        self.expired.iter().find(open).map(|of| of.name)
    }

    /// At the end: were outputs lost, and was it to be expected?
    pub(super) fn finish(&mut self, plan: &Plan, at: Instant, findings: &mut Findings) {
        let Claim { timeout, assumed } = self.claim;
        let outage = |of: &Expired| of.open.outage(of.asked.unwrap_or(at), timeout);
        let lost = |of: &&Expired| of.is_loss();
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
