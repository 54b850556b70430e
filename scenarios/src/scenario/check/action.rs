//! Whom an action may strike, and which of its quantities make sense.

use crate::scenario::{Action, ActionKind, ActionSpec, Role, Target};
use crate::units::{Between, Drift, Step};

/// By how much a clock may be slowed, in millionths.
const MOST_SLOWED: i32 = 500_000;

/// A mistake: at which key, what is wrong, and the remedy.
pub(super) type Mistake = (&'static str, String, String);

fn wrong<T>(
    key: &'static str,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Result<T, Mistake> {
    Err((key, message.into(), help.into()))
}

/// An action against a process of a role.
pub(super) fn check(action: &ActionSpec, target: &Target, role: Role) -> Result<(), Mistake> {
    may_strike(action.kind(), target, role)?;
    match action {
        Action::Crash { down: Some(_) } if role == Role::Worker => wrong(
            "down",
            "a worker is restarted by its supervisor",
            "leave `down` out and see cluster.restart-delay",
        ),
        Action::Crash { down: None } if role != Role::Worker => {
            let help = "say how long it is down: `down = \"2s\"`";
            wrong("who", format!("nobody restarts a {role}"), help)
        }
        Action::SlowDisk { factor, .. } if factor.min == 0 => {
            let help = "1 changes nothing, 100 is very slow";
            wrong("factor", "a factor of 0 would be infinitely fast", help)
        }
        Action::DriftClock { by, .. } if by.min.0 < -MOST_SLOWED => wrong(
            "by",
            "a clock that runs at less than half its rate is broken",
            "write at least \"-50%\"",
        ),
        Action::DriftClock { by, .. } if *by == Between::just(Drift(0)) => {
            wrong("by", "the clock does not drift", "write such as \"10%\"")
        }
        Action::StepClock { by } if *by == Between::just(Step(0)) => {
            wrong("by", "the clock does not jump", "write such as \"-10s\"")
        }
        Action::Crash { .. }
        | Action::CrashMachine { .. }
        | Action::Isolate { .. }
        | Action::Cut { .. }
        | Action::SlowLink { .. }
        | Action::SlowDisk { .. }
        | Action::Rot { .. }
        | Action::Wipe {}
        | Action::Pause { .. }
        | Action::DriftClock { .. }
        | Action::StepClock { .. } => Ok(()),
    }?;
    match action.lasting() {
        Some(lasting) if lasting.min.is_zero() => {
            let down = matches!(action.kind(), ActionKind::Crash | ActionKind::CrashMachine);
            let key = if down { "down" } else { "for" };
            wrong(key, "it takes no time at all", "write a duration above zero")
        }
        _ => Ok(()),
    }
}

/// Whether a process of the role can be struck by it.
fn may_strike(kind: ActionKind, target: &Target, role: Role) -> Result<(), Mistake> {
    match kind {
        ActionKind::Crash | ActionKind::CrashMachine => match role {
            Role::Client | Role::Operator => {
                let help = "cut it off or pause it: it has to know what it asked for";
                wrong("who", format!("`{target}` is no part of the cluster"), help)
            }
            _ => Ok(()),
        },
        ActionKind::Rot | ActionKind::Wipe if role != Role::Store => {
            wrong("who", format!("a {role} keeps nothing that it may lose"), "aim at a `store`")
        }
        ActionKind::Isolate
        | ActionKind::Cut
        | ActionKind::SlowLink
        | ActionKind::SlowDisk
        | ActionKind::Rot
        | ActionKind::Wipe
        | ActionKind::Pause
        | ActionKind::DriftClock
        | ActionKind::StepClock => Ok(()),
    }
}
