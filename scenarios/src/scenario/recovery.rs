//! How a failure is recovered from, and what acking needs to know.

use serde::Serialize;
use stormglass_engine::topology::Topology;
use stormglass_sim::time::Span;

use super::{Guarantee, Operation, OperationSpec, Scenario, StateBackend};
use crate::problem::Problem;
use crate::units::{names, text};

names! {
    /// How a failure is recovered from.
    Recovery, "a recovery mechanism", "recovery mechanisms":
    /// Barriers, consistent cuts and transactional sinks.
    Checkpoints = "checkpoints",
    /// Storm's: acking, and stateful bolts that commit through a checkpoint spout. At least once.
    StatefulBolts = "stateful-bolts",
}

/// Acking. Its checkpoints are those of `[checkpoint]`: interval and retained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Acking {
    /// A record whose tree is not complete after this long, or twice as long at most, is read again
    /// (30 s, as in Storm). Trees are acked when state is committed: it has to be longer than the
    /// checkpoint interval.
    #[serde(with = "text")]
    pub message_timeout: Span,
    /// Records of one source task that may be under way (10,000).
    pub max_pending: u32,
    /// A source has its position kept this often (1 s).
    #[serde(with = "text")]
    pub commit_interval: Span,
}

impl Default for Acking {
    fn default() -> Self {
        let (message_timeout, commit_interval) = (Span::secs(30), Span::secs(1));
        Acking { message_timeout, max_pending: 10_000, commit_interval }
    }
}

/// The shortest interval of the checkpoint spout, as in Storm.
const SHORTEST: Span = Span::millis(100);

/// What must hold between these settings and the rest.
pub(super) fn check(scenario: &Scenario) -> Result<(), Problem> {
    let (acking, interval) = (&scenario.acking, scenario.checkpoint.interval);
    let fail = |path: &str, message: &str, help: &str| {
        Err(scenario.origin.problem(path, message).help(help))
    };
    if scenario.recovery == Recovery::Checkpoints {
        return match *acking == Acking::default() {
            true => Ok(()),
            false => fail(
                "acking",
                "checkpoints need no acking",
                "add recovery = \"stateful-bolts\", or leave it out",
            ),
        };
    }
    if scenario.guarantee == Guarantee::ExactlyOnce {
        return fail(
            "recovery",
            "stateful bolts count some records twice after a failure",
            "claim less: guarantee = \"at-least-once\"",
        );
    }
    let savepoint = |spec: &&OperationSpec| {
        matches!(spec.operation, Operation::Savepoint {} | Operation::StopWithSavepoint {})
    };
    if scenario.operations.iter().any(|spec| savepoint(&spec)) {
        let help = "savepoints need recovery = \"checkpoints\"";
        return fail("recovery", "stateful bolts take no savepoints", help);
    }
    if scenario.state.backend != StateBackend::File || scenario.state.incremental {
        let help = "leave state.backend and state.incremental out";
        return fail("recovery", "stateful bolts prepare whole files", help);
    }
    if acking.max_pending == 0 {
        return fail("acking.max-pending", "a source must be allowed at least 1 record", "");
    }
    if acking.commit_interval.is_zero() {
        let help = "write a duration above zero, such as \"1s\"";
        return fail("acking.commit-interval", "the commit-interval is 0", help);
    }
    if acking.message_timeout <= interval {
        let message = format!(
            "trees are acked when state is committed, every {interval}: after {} all have failed",
            acking.message_timeout
        );
        let help = "give it the time of several checkpoints";
        return fail("acking.message-timeout", &message, help);
    }
    if interval < SHORTEST {
        let message = format!("the checkpoint spout's interval is at least {SHORTEST}");
        return fail("checkpoint.interval", &message, "");
    }
    Ok(())
}

/// Acking tells the tuples of a tree apart by their place in it and by their target: a component
/// may subscribe to a stream once.
pub(super) fn topology(scenario: &Scenario, topology: &Topology) -> Result<(), Problem> {
    if scenario.recovery == Recovery::Checkpoints {
        return Ok(());
    }
    for component in topology.components() {
        let mut inputs: Vec<_> = component.inputs.iter().map(|i| (i.from, i.stream)).collect();
        inputs.sort_unstable();
        if inputs.windows(2).any(|two| two[0] == two[1]) {
            let message = format!("`{}` subscribes to a stream twice", component.name);
            let problem = scenario.origin.problem("recovery", message);
            return Err(problem.help("trees of tuples are followed to each component once"));
        }
    }
    Ok(())
}
