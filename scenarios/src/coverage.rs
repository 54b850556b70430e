//! What a campaign could have seen: which rare events a scenario can bring about at all.
//!
//! A rare event that never came is news only where its mechanism is switched on. Whoever adds a
//! probe says here what it takes.

use stormglass_engine::names::Probe;
use stormglass_sim::node::Name;

use crate::budget::{Harm, harm};
use crate::scenario::{
    ActionKind, Alignment, FaultSpec, Operation, Recovery, Scenario, Scheduler, Sink, StateBackend,
};

#[cfg(test)]
mod tests;

/// So many seeds are looked at for the alternatives that they draw.
const SEEDS: u64 = 64;

/// The rare events that some seed of a scenario can bring about, in their fixed order.
pub fn within_reach(scenario: &Scenario) -> Vec<Probe> {
    let seeds = if scenario.draws.is_empty() { 1 } else { SEEDS };
    let drawn: Vec<Scenario> = (0..seeds).map(|seed| scenario.drawn(seed)).collect();
    let reached = |probe: &Probe| drawn.iter().any(|scenario| reaches(scenario, *probe));
    Probe::ALL.iter().copied().filter(reached).collect()
}

/// Whether a scenario has switched on what it takes.
fn reaches(scenario: &Scenario, probe: Probe) -> bool {
    let Scenario { checkpoint, state, cluster, .. } = scenario;
    let barriers = scenario.recovery == Recovery::Checkpoints;
    let acking = scenario.recovery == Recovery::StatefulBolts;
    let unaligned = checkpoint.alignment == Alignment::Unaligned;
    let asked =
        |is: fn(&Operation) -> bool| scenario.operations.iter().any(|spec| is(&spec.operation));
    // Of a coordinator it is a log that suffers.
    let coordinators = |is: fn(Harm) -> bool| {
        let strikes =
            |fault: &FaultSpec| is(harm(fault.action.kind())) && fault.target.is_coordinator();
        // Chaos strikes everybody.
        !scenario.chaos.is_empty() || scenario.faults.iter().any(strikes)
    };
    match probe {
        Probe::ZombieRefused
        | Probe::ZombieExit
        | Probe::FailedWhileDeploying
        | Probe::RestartedInPlace
        | Probe::CreditExhausted
        | Probe::ExecutorSilent
        | Probe::TransactionsAborted
        | Probe::CommitRecovered
        | Probe::CommitRetried => true,
        Probe::AlignmentBlocked
        | Probe::CheckpointExpired
        | Probe::CheckpointDeclined
        | Probe::AbortedBarrier
        | Probe::LateAcknowledgement
        | Probe::CompletionOvertaken => barriers,
        Probe::BarrierOvertook | Probe::CheckpointSubsumed => {
            barriers && checkpoint.max_concurrent > 1
        }
        Probe::FailuresNotTolerated => checkpoint.tolerated_failures.is_some(),
        Probe::SavepointRestored => asked(|operation| matches!(operation, Operation::Savepoint {})),
        Probe::GenerationAdopted | Probe::RetryRecognised => {
            cluster.coordinators.max > 1 || coordinators(|_| true)
        }
        Probe::LogTorn => coordinators(|harm| harm == Harm::PowerLoss),
        Probe::LogRotten => coordinators(Harm::destroys),
        Probe::Rebalanced => asked(|operation| {
            matches!(
                operation,
                Operation::Rebalance { .. } | Operation::Leave { .. } | Operation::Join { .. }
            )
        }),
        Probe::LoadMoved => cluster.scheduler == Scheduler::Load,
        Probe::LocalStateTaken | Probe::LocalStateRefused | Probe::LocalStoreFailed => {
            matches!(state.backend, StateBackend::Log | StateBackend::Embedded)
        }
        Probe::MemoryRefused => state.backend == StateBackend::Memory,
        Probe::IncrementTaken => state.incremental,
        Probe::BarrierOvertookData
        | Probe::InFlightPersisted
        | Probe::InFlightRestored
        | Probe::BarrierWhileRefilled => unaligned,
        Probe::AlignmentTimedOut => unaligned && !checkpoint.aligned_timeout.is_zero(),
        Probe::TransactionExpired => {
            scenario.sink.transaction_timeout < Sink::default().transaction_timeout
        }
        Probe::LogRewritten => scenario.sink.rewrite_after < Sink::default().rewrite_after,
        Probe::QueryOvertaken | Probe::QueryNotOwned => scenario.queries.is_some(),
        Probe::StepFailed | Probe::TreeTimedOut | Probe::LateTree | Probe::RolledBack => acking,
        Probe::ReplicaFlawed | Probe::FileCopied => cluster.stores > 1,
        Probe::RepeatRecognised => scenario.input.disorder.repeats.is_some(),
        Probe::FetchRewound | Probe::OldRecordsSkipped => {
            let rewinds = |fault: &FaultSpec| fault.action.kind() == ActionKind::Rewind;
            !scenario.chaos.is_empty() || scenario.faults.iter().any(rewinds)
        }
        // What is gone is out of every budget, and it takes a slow receiver to hold a sink up.
        Probe::InputTrimmed | Probe::SinkStalled => false,
        Probe::TaskStateRefused
        | Probe::SnapshotRefused
        | Probe::InputBuffersRefused
        | Probe::FetchRefused
        | Probe::StoreBuffersRefused
        | Probe::WorkerOutOfMemory => scarce(scenario),
        Probe::InFlightRefused => scarce(scenario) && unaligned,
    }
}

/// Whether memory is refused or scarce for somebody.
fn scarce(scenario: &Scenario) -> bool {
    let is = |fault: &FaultSpec| {
        matches!(fault.action.kind(), ActionKind::RefuseMemory | ActionKind::LimitMemory)
    };
    !scenario.chaos.is_empty() || scenario.faults.iter().any(is)
}
