//! The fault budget: what a cluster must survive, what may stop it, and what nothing promises.
//!
//! [`harm`] says what each kind of fault does, [`cell`] what each role promises under it. Both are
//! matches without a rest: whoever adds a kind of fault or a role is asked what it may cost.
//!
//! The budget excuses missing progress, never a broken safety law, and loss only where every copy
//! is proved destroyed. It is kept by whoever makes plans ([`admits`]); the judges do not bend.

use crate::scenario::{ActionKind, Role};
use crate::units::names;

mod admits;
mod proof;
#[cfg(test)]
mod tests;

pub use admits::{Reason, admits};
pub use proof::{COORDINATOR_LOG, Destroyed, Proof, RECEIVER_LOG, quorum};

names! {
    /// What a fault does, as far as a promise depends on it.
    Harm, "a harm", "harms":
    /// Time is lost, and nothing else: links, pauses, slow disks and processors.
    Delay = "delay",
    /// A process dies and comes back to the disk that it left.
    Death = "death",
    /// A machine dies and comes back; what was not synced is gone, and that is what a sync is for.
    PowerLoss = "power-loss",
    /// The wall clock shows another time.
    WallClock = "wall-clock",
    /// Both clocks run at another rate.
    ClockRate = "clock-rate",
    /// Operations of a disk fail, and say so: whoever cannot go on ends and is started again.
    Errors = "errors",
    /// Bits change in what was durable: a checksum finds it.
    Rot = "rot",
    /// A disk says that something is durable, and it is not, or not there.
    Lies = "lies",
    /// Records of the input are dropped, whether or not somebody still needs them.
    Forget = "forget",
    /// Everything that was durable is gone, and nothing tells that there was anything.
    Wipe = "wipe",
    /// There is more to do, or it is bad: the input and those who take the output.
    Load = "load",
}

impl Harm {
    /// Whether what was durable may be durable no more.
    pub const fn destroys(self) -> bool {
        matches!(self, Harm::Rot | Harm::Lies | Harm::Wipe)
    }

    /// It in a few words.
    pub const fn statement(self) -> &'static str {
        match self {
            Harm::Delay => "time is lost, and nothing else",
            Harm::Death => "a process dies and comes back to the disk that it left",
            Harm::PowerLoss => "a machine dies and comes back; what was not synced is gone",
            Harm::WallClock => "the wall clock shows another time",
            Harm::ClockRate => "both clocks run at another rate",
            Harm::Errors => "operations of a disk fail, and say so",
            Harm::Rot => "bits change in what was durable: a checksum finds it",
            Harm::Forget => "records of the input are dropped, needed or not",
            Harm::Lies => "a disk says that something is durable, and it is not",
            Harm::Wipe => "everything that was durable is gone without a trace",
            Harm::Load => "there is more to do, or it is bad",
        }
    }
}

/// What is promised of a role under a harm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Promise {
    /// When the fault is over, all that is missing comes in bounded time, and every law holds.
    Survives,
    /// It may stand still for good, and nothing that it says is wrong.
    MayStop,
    /// Nothing is promised.
    Outside,
}

/// One cell of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cell {
    /// What is promised.
    pub promise: Promise,
    /// Why it is no more than that, in a sentence; empty for what is survived.
    pub why: &'static str,
}

/// What an action does to whom it strikes.
pub const fn harm(action: ActionKind) -> Harm {
    match action {
        ActionKind::Isolate
        | ActionKind::Cut
        | ActionKind::SlowLink
        | ActionKind::SlowDisk
        | ActionKind::ThrottleDisk
        | ActionKind::Partition
        | ActionKind::ThrottleLink
        | ActionKind::ThrottleCard
        | ActionKind::Clog
        | ActionKind::LosePackets
        | ActionKind::DuplicatePackets
        | ActionKind::ReorderPackets
        | ActionKind::CorruptPackets
        | ActionKind::HeavyTail
        | ActionKind::BreakConnections
        | ActionKind::DropMessage
        | ActionKind::DelayMessage
        | ActionKind::DuplicateMessage
        | ActionKind::ReplayMessage
        | ActionKind::CorruptMessage
        | ActionKind::LoseReply
        | ActionKind::StallDisk
        | ActionKind::Pause
        | ActionKind::SlowCpu => Harm::Delay,
        ActionKind::FailReads
        | ActionKind::FailWrites
        | ActionKind::FailSyncs
        | ActionKind::FullDisk
        | ActionKind::CorruptReads
        | ActionKind::MisdirectedReads => Harm::Errors,
        ActionKind::Crash
        | ActionKind::CrashLoop
        | ActionKind::LimitMemory
        | ActionKind::RefuseMemory => Harm::Death,
        ActionKind::CrashMachine | ActionKind::PowerLoss | ActionKind::RollingRestart => {
            Harm::PowerLoss
        }
        ActionKind::StepClock
        | ActionKind::SetClock
        | ActionKind::FreezeClock
        | ActionKind::SmearClock
        | ActionKind::StrobeClock => Harm::WallClock,
        ActionKind::DriftClock => Harm::ClockRate,
        ActionKind::Rot | ActionKind::RottenReads => Harm::Rot,
        ActionKind::ForgetfulSyncs
        | ActionKind::LyingSyncs
        | ActionKind::PhantomWrites
        | ActionKind::MisdirectedWrites => Harm::Lies,
        ActionKind::Wipe | ActionKind::LoseDisk | ActionKind::WipeAndRejoin => Harm::Wipe,
        ActionKind::Rewind => Harm::Load,
        ActionKind::Trim => Harm::Forget,
    }
}

/// What is promised of one member of a role under a harm. `spared` says whether enough others of it
/// are whole: a quorum of coordinators, another store with each file. Of a role with a single
/// member nobody is spared.
pub const fn cell(harm: Harm, role: Role, spared: bool) -> Cell {
    use Role::{
        Broker, Client, Coordinator, Operator, QueryClient, Receiver, Store, Supervisor, Worker,
    };
    match (harm, role) {
        // What is only late, dead for a while or unsynced is nobody's end. Whoever cannot trust
        // his disk ends, and is started again.
        (
            Harm::Delay
            | Harm::Death
            | Harm::PowerLoss
            | Harm::WallClock
            | Harm::ClockRate
            | Harm::Errors
            | Harm::Load,
            _,
        ) => SURVIVES,
        (Harm::Forget, Broker) => may_stop(
            "the broker has the only copy of the input: a restore may need what was dropped, and \
             the source then says what is missing and stops",
        ),
        (Harm::Forget, _) => SURVIVES,
        // A worker's disk is a copy of what the stores have; the others keep nothing.
        (
            Harm::Rot | Harm::Lies | Harm::Wipe,
            Worker | Supervisor | Client | Operator | QueryClient,
        ) => SURVIVES,
        (Harm::Rot, Coordinator) if spared => SURVIVES,
        (Harm::Rot, Coordinator) => may_stop(
            "a coordinator whose log is rotten stays out for good; without a quorum of the others \
             nothing is decided",
        ),
        (Harm::Lies | Harm::Wipe, Coordinator) => outside(
            "a coordinator that has forgotten its vote or what it confirmed, and does not know it, \
             may say the opposite",
        ),
        (Harm::Rot | Harm::Lies | Harm::Wipe, Store) if spared => SURVIVES,
        (Harm::Rot | Harm::Lies | Harm::Wipe, Store) => may_stop(
            "the only copy of a checkpoint's file is gone: there is nothing to restore from, and \
             nothing is made up",
        ),
        (Harm::Rot | Harm::Lies | Harm::Wipe, Receiver) => outside(
            "the receiver's log is the only copy of what sinks handed over and nobody has read yet",
        ),
        (Harm::Rot | Harm::Lies | Harm::Wipe, Broker) => {
            may_stop("the broker's file is the only copy of the positions that readers committed")
        }
    }
}

const SURVIVES: Cell = Cell { promise: Promise::Survives, why: "" };

const fn may_stop(why: &'static str) -> Cell {
    Cell { promise: Promise::MayStop, why }
}
const fn outside(why: &'static str) -> Cell {
    Cell { promise: Promise::Outside, why }
}
