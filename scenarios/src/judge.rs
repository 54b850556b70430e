//! The judges: they read observations, nothing else, and say which law is broken.
//!
//! In reading order: [`law`] has the laws and the form of a violation; `chunks`, `bitmap` and
//! `history` keep what is not yet covered by a completed checkpoint; `plan`, `ways` and `table` are
//! the judges' own reading of a topology and its groupings, and their own keyed state; `lineage`
//! counts records,
//! `retained` goes back with the engine to an older checkpoint; `oracle` evaluates records with
//! `outputs` as its memory of what must become visible, `direct` does so for sinks without
//! transactions, [`expiry`] says what a timeout excuses, [`excuse`] what is proved to be gone,
//! `hopeless` what the input makes impossible; `restore`, `fencing` and `visibility` watch
//! the protocol. `trees` takes the place of most of them where a run recovers by acking;
//! `figures` counts; [`heritage`] is handed on from run to run. [`control`] joins those of the
//! control plane: `raft`, `linear`, `suspicion`, `owner`, `queries`, `tolerance`. [`Judges`] is all
//! of them.
//!
//! **Invariant:** nothing here calls the engine's routing, hashing or state. What is shared are
//! the traits, the values, the topology and the user's own spouts and bolts.
//!
//! Memory follows what is uncommitted, but for one bit a record, component and child number; a
//! clone shares it. The path of an observation is a push into a flat queue; the work is done when
//! a checkpoint completes.

use std::sync::Arc;

use stormglass_engine::barrier::CheckpointKind;
use stormglass_engine::ids::{CheckpointId, Partition};
use stormglass_engine::log::InputLog;
use stormglass_engine::observation::Observation;
use stormglass_engine::topology::{Delivery, Kind, Topology};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

mod bitmap;
mod chunks;
pub mod control;
mod direct;
pub mod excuse;
pub mod expiry;
mod fencing;
mod figures;
pub mod heritage;
mod history;
mod hopeless;
pub mod law;
mod lineage;
mod linear;
mod oracle;
mod outputs;
mod owner;
mod plan;
mod queries;
mod raft;
mod restore;
mod retained;
mod staging;
mod suspicion;
mod table;
mod tolerance;
mod trees;
mod visibility;
mod ways;

#[cfg(test)]
mod tests;

use control::{Control, Settings};
use direct::Direct;
use excuse::Excuses;
use expiry::Expiry;
use fencing::Fencing;
use heritage::Heritages;
use history::History;
use hopeless::Hopeless;
use law::{Findings, Law, Violation, Witness, count};
use lineage::Lineage;
use oracle::Oracle;
use plan::Plan;
use restore::Restores;
use retained::Retained;
use staging::{Published, Staging};
use trees::Trees;

/// All judges of one run.
#[derive(Clone, Debug)]
pub struct Judges {
    plan: Arc<Plan>,
    log: InputLog,
    /// Whether state has every record exactly once.
    exact: bool,
    history: History,
    lineage: Lineage,
    oracle: Oracle,
    restores: Restores,
    retained: Retained,
    heritages: Heritages,
    fencing: Fencing,
    control: Control,
    /// Where acking takes the place of barriers: most of the others then see nothing.
    trees: Option<Box<Trees>>,
    /// There: the versions that were decided, and the last one.
    decided: (u64, Option<CheckpointId>),
    staging: Staging,
    expiry: Expiry,
    hopeless: Hopeless,
    /// Why the run cannot be finished, if that was proved.
    excused: Option<String>,
    direct: Direct,
    findings: Findings,
    excuses: Excuses,
    /// What was missing at the end, though nothing more could be done.
    stuck: Option<String>,
    executed: u64,
    /// The job has ended.
    stopped: bool,
    now: Instant,
}

impl Judges {
    /// The judges of a run of `topology` over `log`, on a cluster with these settings.
    pub fn new(topology: Arc<Topology>, log: InputLog, settings: Settings) -> Self {
        let plan = Arc::new(Plan::new(topology));
        let exact = settings.exact;
        let mut oracle = Oracle::new(Arc::clone(&plan), log.clone());
        if !exact {
            // It expects every record exactly once: of anything else it cannot judge.
            oracle.go_blind();
        }
        Judges {
            exact,
            history: History::new(plan.topology.tasks()),
            lineage: Lineage::new(Arc::clone(&plan), log.partitions.len()),
            oracle,
            restores: Restores::default(),
            fencing: Fencing::new(&plan, settings.fenced_stores),
            expiry: Expiry::new(settings.transactions),
            hopeless: Hopeless::new(Arc::clone(&plan), log.clone(), &settings),
            excused: None,
            direct: Direct::new(&plan),
            trees: settings.message_timeout.map(|timeout| {
                let partitions = log.partitions.len();
                let (plan, ppm) = (Arc::clone(&plan), settings.clock_ppm);
                Box::new(Trees::new(plan, partitions, timeout, ppm))
            }),
            decided: (0, None),
            heritages: Heritages::default(),
            retained: Retained::new(settings.retained, settings.destroys, &plan),
            excuses: Excuses::new(settings.copies.clone()),
            stuck: None,
            control: Control::new(settings),
            staging: Staging::default(),
            findings: Findings::default(),
            executed: 0,
            stopped: false,
            now: Instant::ZERO,
            plan,
            log,
        }
    }

    /// Takes note of an observation, which `node` made at the true time `time`.
    #[inline]
    pub fn observed(&mut self, time: Instant, node: NodeId, o: &Observation) {
        self.now = time;
        if self.trees.is_some() {
            return self.followed(Witness { at: time, node, what: *o });
        }
        if let Observation::Executed { .. } = o {
            self.executed += 1;
            if !self.history.executed(time, o) {
                self.unrestored(Witness { at: time, node, what: *o });
            }
            if self.stopped {
                self.after_the_end(Witness { at: time, node, what: *o });
            }
            return;
        }
        self.protocol(Witness { at: time, node, what: *o });
    }

    /// What is seen where acking takes the place of barriers.
    fn followed(&mut self, seen: Witness) {
        let Judges { plan, findings, fencing, control, trees, hopeless, .. } = self;
        let Some(trees) = trees else { return };
        match seen.what {
            Observation::Executed { task, root, .. } => {
                hopeless.executed(task, root);
                self.executed += 1;
            }
            Observation::TaskFailed { task, .. } => hopeless.failed(task, None),
            Observation::Input(input) => hopeless.told(input, seen, findings),
            Observation::Granted { generation, .. } => {
                control.observed(seen, findings);
                if !fencing.granted(generation, seen, findings) {
                    return;
                }
            }
            Observation::Restored { .. }
            | Observation::Fenced { .. }
            | Observation::Accepted { .. } => fencing.observed(plan, seen, findings),
            Observation::CheckpointCompleted { checkpoint, .. } => {
                control.observed(seen, findings);
                self.decided.0 += 1;
                self.decided.1 = Some(checkpoint);
            }
            _ => control.observed(seen, findings),
        }
        trees.observed(seen, findings);
    }

    fn protocol(&mut self, seen: Witness) {
        let Judges { plan, findings, history, .. } = self;
        match seen.what {
            Observation::Granted { generation, .. } => {
                self.control.observed(seen, findings);
                if self.stopped {
                    return self.after_the_end(seen);
                }
                if self.fencing.granted(generation, seen, findings) {
                    if !self.restores.granted(plan, seen, findings) {
                        self.oracle.go_blind();
                    }
                    history.granted(generation);
                    self.oracle.granted(generation);
                    self.direct.granted(plan);
                }
            }
            Observation::Restored { task, .. } => {
                self.fencing.observed(plan, seen, findings);
                self.expiry.restored(task, seen.at);
                self.restores.restored(plan, seen, findings);
                history.observed(seen.at, seen.node, &seen.what);
            }
            Observation::CheckpointCompleted { checkpoint, kind, .. } => {
                self.control.observed(seen, findings);
                self.completed((checkpoint, kind), seen);
            }
            Observation::CheckpointTriggered { .. } | Observation::JobFailed { .. } => {
                self.control.observed(seen, findings);
            }
            Observation::CheckpointAborted { .. } => {
                self.control.observed(seen, findings);
                history.observed(seen.at, seen.node, &seen.what);
            }
            Observation::Stopped { .. } => self.stopped_now(seen),
            Observation::CheckpointUnreadable { checkpoint } => self.unreadable(checkpoint, seen),
            Observation::StateLost { .. } if self.restores.is_stranded() => self.retained.lost(),
            Observation::StateLost { generation } => {
                let g = generation.0;
                let what = format!("generation {g} gave state up as lost that can be read");
                findings.report(Law::RestoreLatest, seen.at, what, &[seen]);
            }
            Observation::Staged { task, generation, checkpoint, root, child, print } => {
                self.staging.stage((task, generation, checkpoint), (root, child, print));
            }
            Observation::Cut { task, generation, checkpoint } => {
                let of = plan.component(task).map(|component| &component.kind);
                if let Some(Kind::Sink(Delivery::Transactional)) = of {
                    self.expiry.cut((task, generation, checkpoint), seen.at);
                }
                history.observed(seen.at, seen.node, &seen.what);
            }
            Observation::PreCommitted { task, generation, checkpoint, records } => {
                self.staging.seal((task, generation, checkpoint), records);
                self.expiry.pre_committed((task, generation, checkpoint), seen.at);
            }
            Observation::TransactionAborted { task, generation, checkpoint: Some(c), .. } => {
                self.staging.abort((task, generation, c));
                self.expiry.over((task, generation, c));
            }
            Observation::Published { .. } => self.published_now(seen),
            Observation::TransactionExpired { .. } | Observation::TransactionLost { .. } => {
                self.expiry.observed(seen, &mut self.staging);
                self.settle_expired();
            }
            Observation::Appended { .. }
            | Observation::Upserted { .. }
            | Observation::RowKept { .. }
            | Observation::RowsKept { .. } => {
                self.direct.observed(plan, history.generation(), seen, findings);
            }
            Observation::TaskFailed { task, .. } => {
                let of = plan.component(task).map(|component| &component.kind);
                if let Some(Kind::Sink(_)) = of {
                    let name = plan.name(task);
                    let sentence = format!("{name} failed, and a sink runs no code of the user's");
                    findings.report(Law::Progress, seen.at, sentence, &[seen]);
                }
                let root = history.task(task).and_then(|of_task| of_task.entries.last());
                self.hopeless.failed(task, root.map(|entry| entry.root));
            }
            Observation::Input(input) => self.hopeless.told(input, seen, findings),
            Observation::Fenced { .. } | Observation::Accepted { .. } => {
                self.fencing.observed(plan, seen, findings);
            }
            Observation::Raft(_) => {
                self.excuses.observed(&seen);
                self.control.observed(seen, findings);
            }
            Observation::Applied { .. }
            | Observation::Heard { .. }
            | Observation::Suspected { .. }
            | Observation::Running { .. }
            | Observation::QueryAnswered { .. }
            | Observation::QueryRefused { .. }
            | Observation::Invoked { .. }
            | Observation::Responded { .. } => self.control.observed(seen, findings),
            Observation::Queried { .. } => {
                self.control.observed(seen, findings);
                history.observed(seen.at, seen.node, &seen.what);
            }
            _ => history.observed(seen.at, seen.node, &seen.what),
        }
    }

    fn completed(&mut self, (checkpoint, kind): (CheckpointId, CheckpointKind), seen: Witness) {
        let Judges { plan, findings, history, .. } = self;
        if !self.restores.completes(plan, history, seen, findings) {
            self.oracle.go_blind();
            return;
        }
        let folded = self.lineage.fold(checkpoint, history, seen.at);
        if let Some(violation) = folded.filter(|_| self.exact) {
            findings.raise(violation);
        }
        self.oracle.complete(checkpoint, history, seen.at, findings);
        self.written_at_once(checkpoint, seen);
        self.history.covered(checkpoint);
        self.expiry.completed(checkpoint);
        self.settle_expired();
        self.retained.keep(checkpoint, &self.lineage, &self.oracle);
        self.heritages.keep((checkpoint, kind), &self.lineage, &self.oracle);
    }

    /// What sinks without transactions wrote before a checkpoint that completed: now it counts.
    fn written_at_once(&mut self, checkpoint: CheckpointId, seen: Witness) {
        let exact = self.exact;
        let Judges { plan, findings, history, lineage, .. } = self;
        let visible = self.direct.complete(plan, checkpoint, history, seen.at, findings);
        for direct::Due { task, outputs } in &visible {
            let outputs: Vec<outputs::Output> = outputs.iter().map(|(_, output)| *output).collect();
            if let Some(twice) = lineage.published(*task, &outputs).filter(|_| exact) {
                let name = (*task, history.generation(), checkpoint);
                let sentence = lineage.published_twice(name, twice);
                findings.report(Law::NoDuplicate, seen.at, sentence, &[seen]);
            }
        }
        let due = std::mem::take(&mut self.oracle.direct);
        if !self.oracle.is_blind() {
            self.direct.compare(plan, &visible, due, seen.at, findings);
        }
    }

    /// What timed out and is covered by a completed checkpoint is lost.
    fn settle_expired(&mut self) {
        let Judges { plan, restores, oracle, lineage, .. } = self;
        self.expiry.settle(plan, restores, &mut oracle.outputs, lineage);
    }

    /// The job ended: with its newest checkpoint, and with everything visible.
    fn stopped_now(&mut self, seen: Witness) {
        let Judges { plan, findings, restores, oracle, .. } = self;
        self.stopped = true;
        restores.stopped(seen, findings);
        if let Some(what) = oracle.outputs.pending(plan).filter(|_| !oracle.is_blind()) {
            let sentence = format!("the job ended when {what}");
            findings.report(Law::NoLoss, seen.at, sentence, &[seen]);
        }
    }

    /// No store has a sound copy of the newest checkpoint: everything is as with the one before.
    #[cold]
    fn unreadable(&mut self, checkpoint: CheckpointId, seen: Witness) {
        let Judges { findings, restores, retained, excuses, .. } = self;
        if retained.destroys() {
            excuses.claim(checkpoint, seen);
        }
        if !restores.unreadable(retained.destroys(), seen, findings) {
            return self.oracle.go_blind();
        }
        self.heritages.gone(checkpoint);
        match retained.before(checkpoint) {
            Some(before) => {
                self.lineage.go_back(&before.0);
                self.oracle.go_back(&before.1, checkpoint);
            }
            // It was the last one: nothing goes on from here.
            None => {
                restores.strand();
                self.oracle.go_blind();
            }
        }
    }

    /// A transaction became visible, all of it at once.
    fn published_now(&mut self, seen: Witness) {
        let Observation::Published { task, generation, checkpoint, records } = seen.what else {
            return;
        };
        let Judges { plan, findings, restores, .. } = self;
        let name = (task, generation, checkpoint);
        self.expiry.over(name);
        let outputs = match self.staging.publish(name, records) {
            Published::Again => return,
            Published::Now(outputs) => outputs,
            Published::Unknown(staged) => {
                let (who, c) = (plan.name(task), checkpoint.0);
                let sentence = format!(
                    "{who} published {records} outputs of checkpoint {c}, of which {staged} were \
                     staged"
                );
                return findings.report(Law::OutputEqualsOracle, seen.at, sentence, &[seen]);
            }
        };
        let first = outputs.first().map(|(root, ..)| *root);
        let covering = visibility::published(plan, restores, name, first, seen, findings);
        if covering.is_some_and(|covering| restores.is_unreadable(covering)) {
            // A generation that could not start from it committed it all the same. It is as visible
            // as what had been before, and comes again: the end says so.
            return;
        }
        let twice = self.lineage.published(task, &outputs);
        if let Some(twice) = twice.filter(|_| self.exact) {
            let sentence = self.lineage.published_twice(name, twice);
            findings.report(Law::NoDuplicate, seen.at, sentence, &[seen]);
        }
        let Some(covering) = covering else { return };
        let name = (task, generation, covering);
        self.heritages.published(plan, name, &outputs);
        if self.oracle.outputs.published_as_expected(name, &outputs) {
            return;
        }
        for output in outputs {
            let wrong = self.oracle.outputs.published(plan, name, output);
            if let Some(sentence) = wrong.filter(|_| !self.oracle.is_blind()) {
                findings.report(Law::OutputEqualsOracle, seen.at, sentence, &[seen]);
            }
        }
    }

    /// The job has ended, and something goes on: older generations may not know it yet.
    #[cold]
    fn after_the_end(&mut self, seen: Witness) {
        let what = match seen.what {
            Observation::Granted { generation, .. } => {
                format!("generation {} was granted", generation.0)
            }
            Observation::Executed { task, generation, root, .. }
                if generation == self.history.generation() =>
            {
                format!("{} executed {root}", self.plan.name(task))
            }
            _ => return,
        };
        let sentence = format!("{what} after the job had ended with its savepoint");
        self.findings.report(Law::ConsistentCut, seen.at, sentence, &[seen]);
    }

    #[cold]
    fn unrestored(&mut self, seen: Witness) {
        let Observation::Executed { task, generation, root, .. } = seen.what else { return };
        let (name, g) = (self.plan.name(task), generation.0);
        let sentence = format!("{name} executed {root} in generation {g} before it was restored");
        self.findings.report(Law::LegalOrder, seen.at, sentence, &[seen]);
    }

    /// The end of the run: the checks that need all of it.
    pub fn finish(&mut self) {
        let Judges { plan, findings, now, .. } = self;
        self.control.finish(findings);
        self.excuses.finish(findings);
        if self.trees.is_some() {
            return;
        }
        self.expiry.finish(plan, *now, findings);
        if self.retained.are_lost() {
            // Every copy was destroyed: what is missing is excused, and the end says so.
            return;
        }
        let on_the_way = self.oracle.on_the_way();
        self.lineage.finish(self.oracle.positions(), &on_the_way, *now, findings);
        if self.oracle.is_blind() {
            return;
        }
        self.oracle.outputs.finish(plan, *now, findings);
        if self.is_covered() {
            self.direct.finish(&self.plan, self.now, &mut self.findings);
        }
        if self.plan.topology.is_commutative() && self.is_covered() {
            self.oracle.compare_order_free(self.now, &mut self.findings);
        }
    }

    /// The first violation of each law, in the order of discovery.
    pub fn violations(&self) -> &[Violation] {
        self.findings.all()
    }

    /// Whether completed checkpoints cover the whole log or the job has ended, and all their
    /// outputs are visible, or known to be lost to who wrote them.
    pub fn is_complete(&self) -> bool {
        if let Some(trees) = &self.trees {
            return trees.behind(&self.ends()).is_none();
        }
        (self.stopped || self.is_covered())
            && self.oracle.outputs.is_settled()
            && self.unpublished().is_none()
            && self.expiry.unasked().is_none()
    }

    /// What is missing for [`Judges::is_complete`].
    pub fn pending(&self) -> Option<String> {
        if let Some(trees) = &self.trees {
            let (at, kept, end) = trees.behind(&self.ends())?;
            if let Some(what) = self.hopeless.pending(|_| 0) {
                return Some(what);
            }
            return Some(format!("p{at} is done up to {} of {}", count(kept), count(end)));
        }
        let behind = self.spouts().find_map(|(_, positions)| {
            let ends = self.log.partitions.iter().map(|partition| partition.len());
            let mut both = positions.iter().zip(ends).enumerate();
            let (at, (next, end)) = both.find(|(_, (next, end))| **next < *end)?;
            Some(format!("p{at} is folded up to {} of {}", count(*next), count(end)))
        });
        let behind = behind.or_else(|| self.oracle.under_way()).filter(|_| !self.stopped);
        let hopeless = || self.hopeless.pending(|partition| self.passed(partition));
        let behind = behind.map(|what| hopeless().unwrap_or(what));
        behind.or_else(|| self.oracle.outputs.pending(&self.plan)).or_else(|| {
            let (task, _, checkpoint) = self.unpublished().or_else(|| self.expiry.unasked())?;
            let name = self.plan.name(task);
            Some(format!("{name} has unpublished outputs of checkpoint {}", checkpoint.0))
        })
    }

    /// A transaction that a completed checkpoint covers and nobody can read. Where the oracle
    /// knows what is due, it is the one to ask.
    fn unpublished(&self) -> Option<staging::Name> {
        let covered = |(_, generation, checkpoint): &staging::Name| {
            self.restores.covering(*checkpoint, *generation).is_some()
        };
        self.staging.held().filter(|_| !self.exact).find(covered)
    }

    fn spouts(&self) -> impl Iterator<Item = (usize, &Vec<u64>)> {
        self.oracle.positions().iter().enumerate().filter(|(_, positions)| !positions.is_empty())
    }
    /// How far completed checkpoints have come in a partition: the spout that is last.
    fn passed(&self, partition: Partition) -> u64 {
        let of = self.spouts().filter_map(|(_, at)| at.get(usize::from(partition.0)).copied());
        of.min().unwrap_or(0)
    }
    fn ends(&self) -> Vec<u64> {
        self.log.partitions.iter().map(|partition| partition.len()).collect()
    }
    fn is_covered(&self) -> bool {
        let mut ends = self.log.partitions.iter().map(|partition| partition.len()).enumerate();
        self.oracle.is_drained()
            && ends.all(|(at, end)| self.spouts().all(|(_, positions)| positions[at] >= end))
    }
}
