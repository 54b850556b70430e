//! Verifies: that each transaction of a sink task shows, once its checkpoint completed, exactly the
//! outputs that the oracle computed for it: same records, same children, same values, same number
//! (`output-equals-oracle`); at the end, that all of them did become visible (`no-loss`).
//!
//! Does not verify: the order of outputs within a transaction, or when they become visible.

use std::sync::Arc;

use stormglass_engine::ids::{CheckpointId, Child, Generation, Root, TaskId};
use stormglass_sim::time::Instant;

use super::law::{Findings, Law, plural};
use super::plan::Plan;

/// One output: its record, its place below it, and the fingerprint of its values.
pub(super) type Output = (Root, Child, u64);

/// A completed transaction whose outputs are not all visible.
#[derive(Clone, Debug)]
struct Transaction {
    task: TaskId,
    generation: Generation,
    checkpoint: CheckpointId,
    expected: Arc<Vec<Output>>,
    /// How many came in the expected order.
    matched: usize,
    /// All others, once one came out of order.
    loose: Vec<Output>,
}

impl Transaction {
    fn missing(&self) -> u64 {
        (self.expected.len() - self.matched - self.loose.len()) as u64
    }
}

/// The outputs that are yet to become visible.
#[derive(Clone, Debug, Default)]
pub(super) struct Outputs {
    open: Vec<Transaction>,
}

impl Outputs {
    /// A transaction completed: these outputs have to become visible.
    pub(super) fn expect(
        &mut self,
        (task, generation, checkpoint): (TaskId, Generation, CheckpointId),
        expected: Vec<Output>,
    ) {
        if !expected.is_empty() {
            let (expected, matched, loose) = (Arc::new(expected), 0, Vec::new());
            let transaction =
                Transaction { task, generation, checkpoint, expected, matched, loose };
            self.open.push(transaction);
        }
    }

    /// Where a transaction stands among those that are open.
    #[inline]
    fn position(
        &self,
        (task, generation, checkpoint): (TaskId, Generation, CheckpointId),
    ) -> Option<usize> {
        self.open.iter().position(|open| {
            open.task == task && open.checkpoint == checkpoint && open.generation == generation
        })
    }

    /// A transaction became visible. Whether its outputs are exactly the expected ones, in their
    /// order; if not, they have to be [looked at](Outputs::published) one by one.
    pub(super) fn published_as_expected(
        &mut self,
        name: (TaskId, Generation, CheckpointId),
        outputs: &[Output],
    ) -> bool {
        let at = self.position(name);
        let fits = |at: &usize| {
            let open = &self.open[*at];
            open.matched == 0 && open.loose.is_empty() && open.expected[..] == *outputs
        };
        at.filter(fits).map(|at| self.open.swap_remove(at)).is_some()
    }

    /// An output became visible. The sentence says what is wrong with it, if anything is.
    #[inline]
    pub(super) fn published(
        &mut self,
        plan: &Plan,
        (task, generation, checkpoint): (TaskId, Generation, CheckpointId),
        output: Output,
    ) -> Option<String> {
        let at = self.position((task, generation, checkpoint));
        let Some(at) = at else {
            let name = plan.name(task);
            let (root, child, c) = (output.0, output.1.0, checkpoint.0);
            return Some(format!(
                "{name} published {root} (child {child}) with checkpoint {c}, beyond what the \
                 oracle's {name} has in that transaction"
            ));
        };
        let open = &mut self.open[at];
        if open.loose.is_empty() && open.expected[open.matched] == output {
            open.matched += 1;
        } else {
            open.loose.push(output);
        }
        if open.missing() > 0 {
            return None;
        }
        let open = self.open.swap_remove(at);
        (!open.loose.is_empty()).then(|| open.difference(plan)).flatten()
    }

    /// A checkpoint is gone, and with it what it would still have made visible.
    pub(super) fn forget(&mut self, checkpoint: CheckpointId) {
        self.open.retain(|open| open.checkpoint != checkpoint);
    }
    /// Whether outputs are yet to become visible.
    pub(super) fn is_settled(&self) -> bool {
        self.open.is_empty()
    }
    /// What is yet to become visible: `publish[0] has 12 unpublished outputs of checkpoint 9`.
    pub(super) fn pending(&self, plan: &Plan) -> Option<String> {
        let open = self.open.first()?;
        let missing = plural(open.missing(), "unpublished output");
        Some(format!("{} has {missing} of checkpoint {}", plan.name(open.task), open.checkpoint.0))
    }
    /// At the end: all must be visible.
    pub(super) fn finish(&self, plan: &Plan, at: Instant, findings: &mut Findings) {
        for open in &self.open {
            let first = open.first_missing();
            let sentence = format!(
                "{} never published {} of checkpoint {}, which completed in generation {}; the \
                 first is of {}",
                plan.name(open.task),
                plural(open.missing(), "output"),
                open.checkpoint.0,
                open.generation.0,
                first.0,
            );
            findings.report(Law::NoLoss, at, sentence, &[]);
        }
    }
}

impl Transaction {
    fn rest(&self) -> (Vec<Output>, Vec<Output>) {
        let mut expected = self.expected[self.matched..].to_vec();
        let mut came = self.loose.clone();
        expected.sort_unstable();
        came.sort_unstable();
        (expected, came)
    }
    fn first_missing(&self) -> Output {
        let (expected, came) = self.rest();
        let missing = expected.iter().find(|output| came.binary_search(output).is_err());
        missing.or(expected.first()).copied().unwrap_or((Root(0), Child::ROOT, 0))
    }
    #[cold]
    fn difference(&self, plan: &Plan) -> Option<String> {
        let (expected, came) = self.rest();
        let (mine, theirs) = expected.iter().zip(&came).find(|(mine, theirs)| mine != theirs)?;
        let (name, c) = (plan.name(self.task), self.checkpoint.0);
        Some(if (mine.0, mine.1) == (theirs.0, theirs.1) {
            format!(
                "{name} published {} (child {}) of checkpoint {c} with other values than the \
                 oracle's (fingerprint {:016x}, not {:016x})",
                mine.0, mine.1.0, theirs.2, mine.2
            )
        } else {
            format!(
                "{name} published {} (child {}) in checkpoint {c}, where the oracle has {} \
                 (child {})",
                theirs.0, theirs.1.0, mine.0, mine.1.0
            )
        })
    }
}
