//! Checkpoints: whether their interval can be, and whether a snapshot is survived.

use crate::problem::Problem;
use crate::scenario::Scenario;

pub(super) fn check(scenario: &Scenario) -> Result<(), Problem> {
    let fail = |path: &str, message: String, help: &str| {
        Err(scenario.origin.problem(path, message).help(help))
    };
    let patience = scenario.cluster.heartbeat_timeout;
    for (component, &cpu) in &scenario.topology.snapshot_cpu {
        if cpu >= patience {
            let path = format!("topology.snapshot-cpu.{component}");
            let message = format!("an executor that is silent for {patience} counts as failed");
            return fail(&path, message, "write less, or raise cluster.heartbeat-timeout");
        }
    }
    let Some(adaptive) = &scenario.checkpoint.adaptive else { return Ok(()) };
    if adaptive.min.is_zero() {
        let help = "write a duration above zero, such as \"1s\"";
        return fail("checkpoint.adaptive.min", "the least interval is 0".into(), help);
    }
    if adaptive.min > adaptive.max {
        let message = format!("the least interval is {}, which is more", adaptive.min);
        return fail("checkpoint.adaptive.max", message, "write `max` larger than `min`");
    }
    if adaptive.hysteresis.0 > 1_000_000 {
        let message = "a share is at most 100%".to_string();
        return fail("checkpoint.adaptive.hysteresis", message, "10% is common");
    }
    Ok(())
}
