//! Verifies: that the broker calls no record gone whose retention is not over, and that a source
//! gives up only what the broker has called gone (`no-loss`); that what a run cannot finish for the
//! input's sake is named, and proved: a record is gone with the only copy that there was, or a
//! user's spout or bolt fails on it here, too.
//!
//! Does not verify: what fails for what lies in state (it is named all the same, and not excused).

use std::collections::BTreeMap;
use std::sync::Arc;

use stormglass_engine::ids::{ComponentId, Partition, Root, TaskId};
use stormglass_engine::log::InputLog;
use stormglass_engine::observation::input::Input;
use stormglass_sim::time::{Instant, Span};

use super::control::Settings;
use super::law::{Findings, Law, Witness, count, plural};
use super::oracle::order_free::fails_alone;
use super::plan::Plan;

/// A record that failed so often fails every time.
const EVERY_TIME: u32 = 3;

/// What of the input nobody can use.
#[derive(Clone, Debug)]
pub(super) struct Hopeless {
    plan: Arc<Plan>,
    log: InputLog,
    retention: Option<Span>,
    /// Whether the broker is asked to drop records.
    trims: bool,
    clock_ppm: u32,
    /// What was executed last; kept where there is no history.
    last: Option<(TaskId, Root)>,
    /// How often a component failed on a record.
    failures: BTreeMap<(ComponentId, Root), u32>,
    /// By partition: the first record that was not dropped on request.
    truncated: BTreeMap<Partition, u64>,
    /// By partition: the first record that the broker still has, as far as it has said.
    starts: BTreeMap<Partition, u64>,
    /// By partition: the record at which a source stopped, and the first one that is there.
    lost: BTreeMap<Partition, (Root, u64)>,
}

impl Hopeless {
    /// All is well so far.
    pub(super) fn new(plan: Arc<Plan>, log: InputLog, settings: &Settings) -> Self {
        Hopeless {
            plan,
            log,
            retention: settings.retention,
            trims: settings.trims,
            clock_ppm: settings.clock_ppm,
            last: None,
            failures: BTreeMap::new(),
            truncated: BTreeMap::new(),
            starts: BTreeMap::new(),
            lost: BTreeMap::new(),
        }
    }

    /// A task executes something.
    pub(super) fn executed(&mut self, task: TaskId, root: Root) {
        self.last = Some((task, root));
    }

    /// A spout or bolt returned an error, on the record that its task executed last.
    pub(super) fn failed(&mut self, task: TaskId, root: Option<Root>) {
        let last = self.last.filter(|(last, _)| *last == task).map(|(_, root)| root);
        let Some(root) = root.or(last) else { return };
        let Some(component) = self.plan.component(task) else { return };
        *self.failures.entry((component.id, root)).or_default() += 1;
    }

    /// Broker or source tell that records are gone.
    pub(super) fn told(&mut self, input: Input, seen: Witness, findings: &mut Findings) {
        match input {
            Input::Trimmed { partition, start, .. } => {
                let known = self.starts.entry(partition).or_default();
                *known = start.max(*known);
                let over = self.over(partition, seen.at);
                if start > over {
                    let sentence = format!(
                        "the broker dropped {}, which it had to keep",
                        Root::new(partition, over)
                    );
                    findings.report(Law::NoLoss, seen.at, sentence, &[seen]);
                }
            }
            Input::Truncated { partition, start, .. } if self.trims => {
                let known = self.truncated.entry(partition).or_default();
                *known = start.max(*known);
            }
            Input::Truncated { .. } => {
                let sentence = "the broker dropped records, and nobody had asked it to".to_string();
                findings.report(Law::NoLoss, seen.at, sentence, &[seen]);
            }
            Input::Rewound { .. } => {}
            Input::Lost { next, start, .. } => {
                let known = self.starts.get(&next.partition()).copied().unwrap_or(0);
                if start > known || next.offset() >= start {
                    let sentence = format!("{next} was given up, and the broker has it");
                    findings.report(Law::NoLoss, seen.at, sentence, &[seen]);
                } else {
                    self.lost.insert(next.partition(), (next, start));
                }
            }
        }
    }

    /// The first record of a partition whose retention cannot be over.
    fn over(&self, partition: Partition, now: Instant) -> u64 {
        let truncated = self.truncated.get(&partition).copied().unwrap_or(0);
        let Some(retention) = self.retention else { return truncated };
        // The broker's clock may be fast by so much.
        let slack = Span::nanos(now.nanos()).scale(self.clock_ppm.into(), 1_000_000);
        let log = &self.log.partitions[usize::from(partition.0)];
        match (now + slack).nanos().checked_sub(retention.as_nanos()) {
            Some(before) => log.end_at(Instant(before)).max(truncated),
            None => truncated,
        }
    }

    /// What stands in the way, in a sentence. `passed` tells how far completed checkpoints have
    /// come in a partition.
    pub(super) fn pending(&self, passed: impl Fn(Partition) -> u64) -> Option<String> {
        if let Some((next, start)) = self.lost.values().find(|(next, _)| is_next(*next, &passed)) {
            let gone = plural(start - next.offset(), "record");
            return Some(format!("{next} is next, and gone with {gone} from the broker's log"));
        }
        let ((component, root), times) = self.failing()?;
        let name = &self.plan.topology.component(component).name;
        Some(format!("record {root} fails every time in {name}: {} times so far", count(times)))
    }

    /// The record that fails every time, and how often it did.
    fn failing(&self) -> Option<((ComponentId, Root), u64)> {
        let often = self.failures.iter().filter(|(_, times)| **times >= EVERY_TIME);
        let most = often.max_by_key(|(_, times)| **times);
        most.map(|(which, times)| (*which, u64::from(*times)))
    }

    /// Why the run cannot be finished, if that is proved.
    pub(super) fn proof(&self, passed: impl Fn(Partition) -> u64) -> Option<String> {
        if let Some((next, start)) = self.lost.values().find(|(next, _)| is_next(*next, &passed)) {
            let last = Root::new(next.partition(), start - 1);
            let on_request = self.truncated.get(&next.partition()) >= Some(start);
            let why = match self.retention.filter(|_| !on_request) {
                Some(retention) => format!("keeps records for {retention}"),
                None => "was asked to drop records".to_string(),
            };
            return Some(format!(
                "the broker {why}, and had the only copy of those from {next} to {last}: no \
                 completed checkpoint had passed them"
            ));
        }
        let ((component, root), times) = self.failing()?;
        let (at, error) = fails_alone(&self.plan, &self.log, root)?;
        let name = &self.plan.topology.component(component).name;
        (at == usize::from(component.0)).then(|| {
            let times = count(times);
            format!(
                "record {root} fails every time in {name} ({error}): {times} times, and here, too"
            )
        })
    }
}

/// Whether completed checkpoints end where a source stopped, or before.
fn is_next(next: Root, passed: impl Fn(Partition) -> u64) -> bool {
    passed(next.partition()) <= next.offset()
}
