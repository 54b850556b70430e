//! What there is to wait for in a scenario: which events and phases come at all, how often, and
//! what has to happen first.

use crate::scenario::{
    Event, EventKind, Need, Operation, Phase, Protocol, Recovery, Scenario, SinkKind,
};
use crate::units::Between;

/// The events of a scenario.
pub(super) fn events(scenario: &Scenario) -> Vec<EventKind> {
    EventKind::ALL.iter().copied().filter(|event| happens(*event, scenario)).collect()
}

/// The phases of a scenario.
pub(super) fn phases(scenario: &Scenario) -> Vec<Phase> {
    Phase::ALL.iter().copied().filter(|phase| comes(*phase, scenario)).collect()
}

fn is_asked(name: &str, scenario: &Scenario) -> bool {
    scenario.operations.iter().any(|spec| spec.operation.name() == name)
}

fn comes(phase: Phase, scenario: &Scenario) -> bool {
    let checkpoints = scenario.recovery == Recovery::Checkpoints;
    let several = scenario.cluster.coordinators.min > 1;
    let fits = match phase.protocol() {
        Protocol::Checkpoint => checkpoints,
        Protocol::Sink | Protocol::Recovery | Protocol::Leadership => true,
    };
    fits && match phase.need() {
        Need::Nothing | Need::WorkerLost => true,
        Need::Transactions => {
            let sinks = &scenario.topology.sinks;
            checkpoints && sinks.values().all(|kind| *kind == SinkKind::Transactional)
        }
        Need::LeaderLost | Need::CoordinatorLags => several,
        Need::Transfer => is_asked(Operation::Transfer {}.name(), scenario),
        Need::MembershipChange => is_asked("coordinators", scenario),
        Need::Rebalance => is_asked("rebalance", scenario),
        Need::StopWithSavepoint => is_asked(Operation::StopWithSavepoint {}.name(), scenario),
    }
}

fn happens(event: EventKind, scenario: &Scenario) -> bool {
    let several = scenario.cluster.coordinators.min > 1;
    match event {
        EventKind::Stepped | EventKind::Versioned => scenario.recovery == Recovery::StatefulBolts,
        EventKind::Cut
        | EventKind::BarrierSent
        | EventKind::Aligning
        | EventKind::Uploading
        | EventKind::Notified
        | EventKind::CheckpointTriggered
        | EventKind::CheckpointAcked
        | EventKind::CheckpointCompleted
        | EventKind::CheckpointAborted
        | EventKind::PreCommitted => scenario.recovery == Recovery::Checkpoints,
        EventKind::JobFailed => scenario.checkpoint.tolerated_failures.is_some(),
        EventKind::Stopped => is_asked(Operation::StopWithSavepoint {}.name(), scenario),
        EventKind::RaftTransferBegan => is_asked(Operation::Transfer {}.name(), scenario),
        EventKind::RaftMembershipChanged => is_asked("coordinators", scenario),
        EventKind::Invoked | EventKind::Responded => {
            scenario.cluster.clients > 0 || !scenario.operations.is_empty()
        }
        // What takes lost copies or a long outage is too rare to wait for.
        EventKind::CheckpointUnreadable | EventKind::TransactionExpired => false,
        EventKind::RaftVoteGranted
        | EventKind::RaftTruncated
        | EventKind::RaftSnapshotSent
        | EventKind::RaftSnapshotInstalled => several,
        EventKind::Executed
        | EventKind::Restored
        | EventKind::WorkerStarted
        | EventKind::Suspected
        | EventKind::Granted
        | EventKind::Running
        | EventKind::Fenced
        | EventKind::Published
        | EventKind::Refused
        | EventKind::ZombieExit
        | EventKind::RaftRecovered
        | EventKind::RaftCampaigned
        | EventKind::RaftElected
        | EventKind::RaftSteppedDown
        | EventKind::RaftAppended
        | EventKind::RaftPersisted
        | EventKind::RaftCommitted
        | EventKind::RaftCompacted
        | EventKind::Applied
        | EventKind::Leads
        | EventKind::Heard => true,
    }
}

/// What has to happen for an event or a phase to come in the storm.
pub(super) const fn needs(event: Event) -> Need {
    let event = match event {
        Event::Seen(event) => event,
        Event::Entered(phase) => return phase.need(),
    };
    match event {
        EventKind::Restored
        | EventKind::WorkerStarted
        | EventKind::Suspected
        | EventKind::Granted
        | EventKind::Running
        | EventKind::Fenced
        | EventKind::Refused
        | EventKind::ZombieExit
        | EventKind::CheckpointAborted
        | EventKind::JobFailed => Need::WorkerLost,
        EventKind::RaftRecovered
        | EventKind::RaftCampaigned
        | EventKind::RaftVoteGranted
        | EventKind::RaftElected
        | EventKind::RaftSteppedDown
        | EventKind::RaftTruncated
        | EventKind::Leads => Need::LeaderLost,
        EventKind::RaftSnapshotSent | EventKind::RaftSnapshotInstalled => Need::CoordinatorLags,
        _ => Need::Nothing,
    }
}

/// Which one to wait for, of those that come soon after some instant of a storm: what is frequent
/// has many of them in a second.
pub(super) const fn counts(event: Event) -> Between<u32> {
    let Event::Seen(event) = event else { return Between { min: 1, max: 2 } };
    let max = match event {
        EventKind::Executed => 300,
        EventKind::Cut
        | EventKind::BarrierSent
        | EventKind::Uploading
        | EventKind::CheckpointAcked
        | EventKind::Heard
        | EventKind::RaftAppended
        | EventKind::RaftPersisted
        | EventKind::RaftCommitted
        | EventKind::Applied
        | EventKind::Restored => 12,
        EventKind::Aligning
        | EventKind::Notified
        | EventKind::PreCommitted
        | EventKind::Published
        | EventKind::Stepped
        | EventKind::Versioned
        | EventKind::Invoked
        | EventKind::Responded
        | EventKind::Fenced => 5,
        _ => 2,
    };
    Between { min: 1, max }
}
