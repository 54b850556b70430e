//! Verifies: that an output becomes visible only after the checkpoint that ends its transaction, or
//! a later one, has completed in the generation that wrote it (`visible-only-when-complete`). A
//! plain savepoint counts only if a generation started from it: sinks are not told of it.
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
    let covering = restores.covering(checkpoint, generation);
    if covering.is_some() && restores.may_show(checkpoint, generation) {
        return covering;
    }
    let when = match covering {
        Some(savepoint) => format!("though {} is only a savepoint", savepoint.0),
        None => format!("before checkpoint {} completed", checkpoint.0),
    };
    let sentence = format!(
        "{} published {}of generation {} {when}",
        plan.name(task),
        first.map_or(String::new(), |root| format!("{root} ")),
        generation.0,
    );
    let events: Vec<Witness> = restores.last_completion().into_iter().chain([seen]).collect();
    findings.report(Law::VisibleOnlyWhenComplete, seen.at, sentence, &events);
    None
}
