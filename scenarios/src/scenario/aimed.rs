//! Aims, enumerated: for each phase and part, when and whom to strike.
//!
//! They follow from the protocols alone: of whom plays the part, the one whose loss matters most in
//! that phase. What is done to it is left open.

use super::{Actor, OnSpec, Part, Phase, Role, Target, When};

/// What has to happen in a run for a phase to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// Nothing: every run has it.
    Nothing,
    /// A sink with transactions.
    Transactions,
    /// A worker is lost.
    WorkerLost,
    /// The leader is lost.
    LeaderLost,
    /// An operator has leadership handed over.
    Transfer,
    /// An operator changes who takes part in decisions.
    MembershipChange,
    /// A coordinator is away for so long that the leader's log has been compacted.
    CoordinatorLags,
    /// An operator asks for a rebalance.
    Rebalance,
    /// An operator ends the job with a savepoint.
    StopWithSavepoint,
}

impl Phase {
    /// What has to happen for it to come after the beginning of a run.
    pub const fn need(self) -> Need {
        match self {
            Phase::BetweenCheckpoints
            | Phase::Triggered
            | Phase::BarriersTravelling
            | Phase::Aligning
            | Phase::Uploading
            | Phase::HalfAcknowledged
            | Phase::AllAcknowledged
            | Phase::CompletedNotNotified => Need::Nothing,
            Phase::SinksOpen | Phase::PreCommitted | Phase::Committing => Need::Transactions,
            Phase::Running
            | Phase::Detection
            | Phase::Decision
            | Phase::Restore
            | Phase::Replay
            | Phase::CatchUp => Need::WorkerLost,
            Phase::Rescale => Need::Rebalance,
            Phase::JobEnded => Need::StopWithSavepoint,
            Phase::Election | Phase::ElectedNotServing | Phase::Serving => Need::LeaderLost,
            Phase::Transferring => Need::Transfer,
            Phase::MembershipChange => Need::MembershipChange,
            Phase::SendingSnapshot => Need::CoordinatorLags,
            // Every run begins with it, long before any storm.
            Phase::Deployment => Need::Nothing,
        }
    }
}

/// When a phase is entered in the storm, and who then plays a part; none if nobody does, or if it
/// has nothing to do with the phase.
pub fn aimed(phase: Phase, part: Part) -> Option<(When, Target)> {
    let target = match part {
        // What has ended has nothing to lose, and what has not begun is not in the storm.
        _ if matches!(phase, Phase::JobEnded | Phase::Deployment) => return None,
        Part::Leader => match phase {
            Phase::Election => return None,
            Phase::ElectedNotServing => return None,
            _ => Target::Leader,
        },
        Part::Follower => match phase {
            Phase::Election | Phase::ElectedNotServing => Target::Now(Actor::Voter),
            _ => Target::Follower(None),
        },
        Part::Candidate => match phase {
            Phase::Election | Phase::ElectedNotServing => Target::Now(Actor::Candidate),
            _ => return None,
        },
        Part::Worker => worker(phase),
        Part::Supervisor => match worker(phase) {
            Target::Now(actor) => Target::SupervisorOf(Box::new(Target::Now(actor))),
            _ => Target::Any(Role::Supervisor),
        },
        Part::Broker => Target::Member(Role::Broker, 1),
        Part::Store => Target::Any(Role::Store),
        Part::Receiver => Target::Member(Role::Receiver, 1),
        // Nothing waits for them.
        Part::Client | Part::Operator | Part::QueryClient => return None,
    };
    concerns(phase, part).then(|| (When::On(OnSpec::phase(phase)), target))
}

/// The worker whose loss matters most in a phase.
fn worker(phase: Phase) -> Target {
    let actor = match phase {
        Phase::BarriersTravelling | Phase::Aligning => Actor::HolderOfLastBarrier,
        Phase::Uploading | Phase::HalfAcknowledged => Actor::SlowestToAck,
        Phase::AllAcknowledged => Actor::LastToAck,
        Phase::PreCommitted | Phase::Committing => Actor::PreCommittedSink,
        Phase::Restore | Phase::Rescale => Actor::RestoringWorker,
        _ => return Target::Any(Role::Worker),
    };
    Target::Now(actor)
}

/// Whether a part has to do with a phase. Whoever decides or computes has to do with all.
fn concerns(phase: Phase, part: Part) -> bool {
    match part {
        Part::Broker => matches!(
            phase,
            Phase::Triggered
                | Phase::Running
                | Phase::Detection
                | Phase::Decision
                | Phase::Restore
                | Phase::Rescale
                | Phase::Replay
                | Phase::CatchUp
        ),
        Part::Store => matches!(
            phase,
            Phase::BarriersTravelling
                | Phase::Aligning
                | Phase::Uploading
                | Phase::HalfAcknowledged
                | Phase::AllAcknowledged
                | Phase::CompletedNotNotified
                | Phase::Decision
                | Phase::Restore
                | Phase::Rescale
                | Phase::ElectedNotServing
        ),
        Part::Receiver => matches!(
            phase,
            Phase::HalfAcknowledged
                | Phase::AllAcknowledged
                | Phase::CompletedNotNotified
                | Phase::SinksOpen
                | Phase::PreCommitted
                | Phase::Committing
                | Phase::Restore
                | Phase::Rescale
                | Phase::Replay
        ),
        _ => true,
    }
}
