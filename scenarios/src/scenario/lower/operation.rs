//! Operations: when and what, each stated once.

use crate::problem::Problem;
use crate::scenario::document::Origin;
use crate::scenario::raw::{RawOperation, RawRebalance};
use crate::scenario::{Operation, OperationSpec};

pub(super) fn lower(
    raw: RawOperation,
    path: &str,
    origin: &Origin,
) -> Result<OperationSpec, Problem> {
    let when = super::fault::when(raw.at.0);
    let patience = raw.patience.map(|patience| patience.0);
    let rebalance =
        |raw: RawRebalance| Operation::Rebalance { workers: raw.workers, executors: raw.executors };
    let mut operations: Vec<Operation> = Vec::new();
    operations.extend(raw.rebalance.map(rebalance));
    operations.extend(raw.leave.map(|raw| Operation::Leave { who: raw.who.0 }));
    operations.extend(raw.join.map(|raw| Operation::Join { who: raw.who.0 }));
    operations.extend(raw.savepoint.map(|_| Operation::Savepoint {}));
    operations.extend(raw.stop_with_savepoint.map(|_| Operation::StopWithSavepoint {}));
    operations.extend(raw.transfer.map(|_| Operation::Transfer {}));
    operations.extend(raw.coordinators.map(|raw| {
        let (voters, learners) = (raw.voters, raw.learners);
        Operation::Coordinators { voters, learners }
    }));
    match (operations.len(), operations.pop()) {
        (1, Some(operation)) => Ok(OperationSpec { when, operation, patience }),
        (_, None) => {
            let problem = origin.problem(path, "the operation does not say what is asked for");
            Err(problem.help("give it a request, such as `rebalance = { workers = 8 }`"))
        }
        (_, Some(operation)) => {
            let path = format!("{path}.{}", operation.name());
            let problem = origin.key_problem(&path, "the operation asks for two things at once");
            Err(problem.help("write one `[[operation]]` for each"))
        }
    }
}
