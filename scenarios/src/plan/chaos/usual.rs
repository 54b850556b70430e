//! How often events happen in a run, roughly: so that a fault that waits for the so-manieth strikes
//! in the storm, if anything makes it strike at all.

use stormglass_sim::time::{Instant, Span};

use crate::scenario::{EventKind, Operation, Recovery, Role, Scenario};
use crate::units::Between;

/// The mean time from the beginning of the storm to a failure that others are to follow.
pub(super) const OPENING: Span = Span::secs(1);

/// The events of a scenario.
pub(super) fn events(scenario: &Scenario) -> Vec<EventKind> {
    EventKind::ALL.iter().copied().filter(|event| happens(*event, scenario)).collect()
}

fn happens(event: EventKind, scenario: &Scenario) -> bool {
    let several = scenario.cluster.coordinators.min > 1;
    let asked = |name: &str| scenario.operations.iter().any(|o| o.operation.name() == name);
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
        EventKind::Stopped => asked(Operation::StopWithSavepoint {}.name()),
        EventKind::RaftTransferBegan => asked(Operation::Transfer {}.name()),
        EventKind::RaftMembershipChanged => asked("coordinators"),
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

/// Whose failure an event follows, if it needs one.
pub(super) const fn needs(event: EventKind) -> Option<Role> {
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
        | EventKind::JobFailed => Some(Role::Worker),
        EventKind::RaftRecovered
        | EventKind::RaftCampaigned
        | EventKind::RaftVoteGranted
        | EventKind::RaftElected
        | EventKind::RaftSteppedDown
        | EventKind::RaftTruncated
        | EventKind::RaftSnapshotSent
        | EventKind::RaftSnapshotInstalled
        | EventKind::Leads => Some(Role::Coordinator),
        _ => None,
    }
}

/// Which of an event are likely to happen in the storm.
pub(super) fn counts(
    event: EventKind,
    scenario: &Scenario,
    storm: Between<Instant>,
) -> Between<u32> {
    // So many in so long a time, from the storm's beginning to its end.
    let paced = |per: Span, each: u32| {
        let count = |at: Instant| {
            let whole = at.since(Instant::ZERO).as_nanos() / per.as_nanos().max(1);
            u32::try_from(whole).unwrap_or(u32::MAX / each).saturating_mul(each)
        };
        let (min, max) = (count(storm.min).max(1), count(storm.max).max(2));
        Between { min, max: max - max / 8 }
    };
    let few = |min: u32, max: u32| Between { min, max };
    let (interval, workers) = (scenario.checkpoint.interval, u32::from(scenario.cluster.workers));
    let coordinators = u32::from(scenario.cluster.coordinators.min);
    match event {
        EventKind::Executed => paced(scenario.input.rate.time_for(1), 1),
        EventKind::Cut | EventKind::BarrierSent | EventKind::Uploading => paced(interval, 6),
        EventKind::CheckpointAcked => paced(interval, 6),
        EventKind::Aligning => paced(interval, 3),
        EventKind::Notified | EventKind::PreCommitted | EventKind::Published => paced(interval, 1),
        EventKind::CheckpointTriggered | EventKind::CheckpointCompleted => paced(interval, 1),
        EventKind::Heard => paced(scenario.cluster.heartbeat_interval, workers),
        EventKind::RaftAppended | EventKind::RaftPersisted => paced(interval, 2 * coordinators),
        EventKind::RaftCommitted | EventKind::Applied => paced(interval, 2 * coordinators),
        EventKind::Invoked | EventKind::Responded => few(1, 40),
        EventKind::Stepped | EventKind::Versioned => paced(scenario.checkpoint.interval, 3),
        // A start has each task restored, each worker started, and so on.
        EventKind::Restored => few(8, 40),
        EventKind::WorkerStarted => few(workers, 3 * workers),
        EventKind::Granted | EventKind::Running => few(2, 4),
        EventKind::Fenced => few(3, 12),
        EventKind::RaftRecovered => few(coordinators + 1, coordinators + 3),
        EventKind::RaftElected | EventKind::Leads => few(2, 4),
        EventKind::RaftCampaigned | EventKind::RaftVoteGranted => few(2, 6),
        EventKind::Suspected
        | EventKind::CheckpointAborted
        | EventKind::JobFailed
        | EventKind::Stopped
        | EventKind::CheckpointUnreadable
        | EventKind::TransactionExpired
        | EventKind::Refused
        | EventKind::ZombieExit
        | EventKind::RaftSteppedDown
        | EventKind::RaftTruncated
        | EventKind::RaftMembershipChanged
        | EventKind::RaftCompacted
        | EventKind::RaftSnapshotSent
        | EventKind::RaftSnapshotInstalled
        | EventKind::RaftTransferBegan => few(1, 3),
    }
}
