//! The fault budget: what a cluster must survive, what may stop it, and what nothing promises.
//!
//! [`harm`] says what each kind of fault does, [`cell`] what each role promises under it. Both are
//! matches without a rest: whoever adds a kind of fault or a role is asked what it may cost.
//!
//! The budget excuses missing progress, never a broken safety law, and loss only where every copy
//! is proved destroyed. It is kept by whoever makes plans ([`admits`]); the judges do not bend.

use crate::scenario::{Action, Role};
use crate::units::{Form, names};

mod admits;
#[cfg(test)]
mod tests;

pub use admits::{Reason, admits};

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
    /// Bits change in what was durable: a checksum finds it.
    Rot = "rot",
    /// Everything that was durable is gone, and nothing tells that there was anything.
    Wipe = "wipe",
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
pub const fn harm<F: Form>(action: &Action<F>) -> Harm {
    match action {
        Action::Isolate { .. }
        | Action::Cut { .. }
        | Action::SlowLink { .. }
        | Action::SlowDisk { .. }
        | Action::Pause { .. } => Harm::Delay,
        Action::Crash { .. } => Harm::Death,
        Action::CrashMachine { .. } => Harm::PowerLoss,
        Action::StepClock { .. } => Harm::WallClock,
        Action::DriftClock { .. } => Harm::ClockRate,
        Action::Rot { .. } => Harm::Rot,
        Action::Wipe {} => Harm::Wipe,
    }
}

/// What is promised of one member of a role under a harm. `spared` says whether enough others of it
/// are whole: a quorum of coordinators, another store with each file. Of a role with a single
/// member nobody is spared.
pub const fn cell(harm: Harm, role: Role, spared: bool) -> Cell {
    match (harm, role) {
        // What is only late, dead for a while or unsynced is nobody's end.
        (Harm::Delay | Harm::Death | Harm::PowerLoss | Harm::WallClock, _) => SURVIVES,
        (Harm::ClockRate, _) => SURVIVES,
        // A worker's disk is a copy of what the stores have; the others keep nothing.
        (
            Harm::Rot | Harm::Wipe,
            Role::Worker | Role::Supervisor | Role::Client | Role::Operator | Role::QueryClient,
        ) => SURVIVES,
        (Harm::Rot, Role::Coordinator) if spared => SURVIVES,
        (Harm::Rot, Role::Coordinator) => may_stop(
            "a coordinator whose log is rotten stays out for good; without a quorum of the others \
             nothing is decided",
        ),
        (Harm::Wipe, Role::Coordinator) => outside(
            "a coordinator with an empty disk has forgotten its vote and what it confirmed, and \
             does not know it",
        ),
        (Harm::Rot | Harm::Wipe, Role::Store) if spared => SURVIVES,
        (Harm::Rot | Harm::Wipe, Role::Store) => may_stop(
            "the only copy of a checkpoint's file is gone: there is nothing to restore from, and \
             nothing is made up",
        ),
        (Harm::Rot | Harm::Wipe, Role::Receiver) => outside(
            "the receiver's log is the only copy of what sinks handed over and nobody has read yet",
        ),
        (Harm::Rot | Harm::Wipe, Role::Broker) => {
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
