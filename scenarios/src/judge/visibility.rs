//! Verifies: that an output becomes visible only after the checkpoint that ends its transaction, or
//! a later one, has completed in the generation that wrote it (`visible-only-when-complete`).
//!
//! Does not verify: what the output says (see `outputs`), or that it is visible once (see
//! `lineage`).

use stormglass_engine::ids::{CheckpointId, Generation, Root, TaskId};

use super::law::{Findings, Law, Witness};
use super::plan::Plan;
use super::restore::Restores;

/// Judges an output that became visible: the checkpoint that covers it, none if it is too early.
#[inline]
pub(super) fn published(
    plan: &Plan,
    restores: &Restores,
    (task, generation, checkpoint): (TaskId, Generation, CheckpointId),
    first: Option<Root>,
    seen: Witness,
    findings: &mut Findings,
) -> Option<CheckpointId> {
    if let Some(covering) = restores.covering(checkpoint, generation) {
        return Some(covering);
    }
    let sentence = format!(
        "{} published {}of generation {} before checkpoint {} completed",
        plan.name(task),
        first.map_or(String::new(), |root| format!("{root} ")),
        generation.0,
        checkpoint.0
    );
    let events: Vec<Witness> = restores.last_completion().into_iter().chain([seen]).collect();
    findings.report(Law::VisibleOnlyWhenComplete, seen.at, sentence, &events);
    None
}
