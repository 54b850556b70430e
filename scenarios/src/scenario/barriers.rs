//! What checkpoints guarantee, and whether their barriers wait for data.

use super::{Guarantee, Recovery, Scenario};
use crate::problem::Problem;
use crate::units::names;

names! {
    /// What a checkpoint guarantees (Flink's `CheckpointingMode`).
    Mode, "a checkpoint mode", "checkpoint modes":
    /// State holds what came before the barriers and nothing else.
    ExactlyOnce = "exactly-once",
    /// No channel waits for the barriers of others: state may hold what comes again after a
    /// restore.
    AtLeastOnce = "at-least-once",
}

names! {
    /// Whether barriers wait for the data before them.
    Alignment, "an alignment", "alignments":
    /// They do: a task blocks each channel behind its barrier until all are there.
    Aligned = "aligned",
    /// They overtake it, and it becomes part of the checkpoint.
    Unaligned = "unaligned",
}

/// What must hold between these settings and the rest.
pub(super) fn check(scenario: &Scenario) -> Result<(), Problem> {
    let checkpoint = &scenario.checkpoint;
    let fail = |path: &str, message: &str, help: &str| {
        Err(scenario.origin.problem(path, message).help(help))
    };
    let claims = scenario.guarantee;
    let barriers = (checkpoint.mode, checkpoint.alignment);
    if scenario.recovery != Recovery::Checkpoints
        && barriers != (Mode::ExactlyOnce, Alignment::Aligned)
    {
        let path = match checkpoint.mode {
            Mode::AtLeastOnce => "checkpoint.mode",
            Mode::ExactlyOnce => "checkpoint.alignment",
        };
        return fail(
            path,
            "this way of recovery knows no barriers",
            "leave it out, or recover by checkpoints",
        );
    }
    match barriers {
        (Mode::AtLeastOnce, _) if claims == Guarantee::ExactlyOnce => fail(
            "checkpoint.mode",
            "checkpoints that are at-least-once cannot keep the claim of exactly-once",
            "claim less: guarantee = \"at-least-once\"",
        ),
        (Mode::AtLeastOnce, Alignment::Unaligned) => fail(
            "checkpoint.alignment",
            "without blocked channels there is nothing that a barrier could overtake for",
            "unaligned checkpoints need checkpoint.mode = \"exactly-once\"",
        ),
        (_, Alignment::Aligned) if !checkpoint.aligned_timeout.is_zero() => fail(
            "checkpoint.aligned-timeout",
            "barriers of aligned checkpoints never overtake data",
            "add checkpoint.alignment = \"unaligned\", or leave the timeout out",
        ),
        (_, Alignment::Unaligned) if checkpoint.max_concurrent > 1 => fail(
            "checkpoint.max-concurrent",
            "barriers that overtake data leave room for one checkpoint at a time",
            "leave it out, or use checkpoint.alignment = \"aligned\"",
        ),
        _ => Ok(()),
    }
}
