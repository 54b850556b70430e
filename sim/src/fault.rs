//! Faults are data: what a driver can do to a world at an instant.
//!
//! A [`Fault`] is plain data that can be printed, edited and replayed; [`World::inject`] is the
//! mechanism. When, where and how often is the business of whoever writes plans. Durations start at
//! the instant of injection; a fault that heals does so by itself.
//!
//! [`World::inject`]: crate::world::World::inject

use alloc::vec::Vec;
use core::fmt;

use crate::node::{FileName, MachineId, NodeId};
use crate::time::Span;

/// Something bad, or its repair, that happens to a world at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A process dies. The page cache stays; peers get resets after a link delay; its parent gets
    /// [`Exited`](crate::node::Event::Exited).
    Crash {
        /// Which process.
        node: NodeId,
    },
    /// A booted process that is down starts again, if its machine is up.
    Start {
        /// Which process.
        node: NodeId,
    },
    /// A machine loses power: its processes die silently, unsynced data is lost but for a drawn
    /// part.
    CrashMachine {
        /// Which machine.
        machine: MachineId,
    },
    /// A machine that is down starts; its booted processes start with it.
    StartMachine {
        /// Which machine.
        machine: MachineId,
    },
    /// A process stands still: its events wait, work and effects under way resume later.
    Pause {
        /// Which process.
        node: NodeId,
        /// For how long.
        duration: Span,
    },
    /// No packet passes from any of `from` to any of `to`. Cuts of a link add up: it is whole when
    /// the last has healed.
    Cut {
        /// Senders.
        from: Vec<MachineId>,
        /// Receivers.
        to: Vec<MachineId>,
        /// Whether the way back is cut too.
        symmetric: bool,
        /// For how long.
        duration: Span,
    },
    /// Everything to and from a machine takes longer.
    Clog {
        /// Which machine.
        machine: MachineId,
        /// For how long.
        duration: Span,
        /// By how much, one way.
        extra: Span,
    },
    /// Everything from one machine to another takes longer.
    SlowLink {
        /// Sender.
        from: MachineId,
        /// Receiver.
        to: MachineId,
        /// By how much, one way.
        extra: Span,
        /// For how long.
        duration: Span,
    },
    /// A machine's disk takes `factor` times as long for operations submitted meanwhile.
    SlowDisk {
        /// Which machine.
        machine: MachineId,
        /// How many times as long.
        factor: u32,
        /// For how long.
        duration: Span,
    },
    /// A machine's disk does nothing for a while; operations under way take that much longer.
    StallDisk {
        /// Which machine.
        machine: MachineId,
        /// For how long.
        duration: Span,
    },
    /// The next operations of a kind fail on a machine's disk; armed until used up.
    FailDisk {
        /// Which machine.
        machine: MachineId,
        /// Which operations.
        kind: DiskFailure,
        /// How many.
        count: u32,
    },
    /// A machine's disk is empty: no name, no content, cached or durable.
    WipeDisk {
        /// Which machine.
        machine: MachineId,
    },
    /// A bit of a file at rest flips, in the page cache and on the device.
    RotFile {
        /// Which machine.
        machine: MachineId,
        /// Of the files whose names start with this, in order,
        prefix: FileName,
        /// the one with this number, counted round from 0.
        file: u64,
        /// Which of its bits, counted round from 0.
        bit: u64,
    },
    /// CPU work begun meanwhile takes `factor_percent` percent of its usual time.
    SlowCpu {
        /// Which machine.
        machine: MachineId,
        /// 200 is half as fast; below 100 is faster.
        factor_percent: u32,
        /// For how long.
        duration: Span,
    },
    /// A machine's wall clock jumps. Its monotonic clock does not.
    StepClock {
        /// Which machine.
        machine: MachineId,
        /// By how much.
        step: ClockStep,
    },
    /// A machine's clocks, both of them, run faster or slower than true time; afterwards they run
    /// at their usual rate again, from where they are then. They never jump, and a timer goes off
    /// when the clock shows its time, whenever it was set. A drift takes the place of one that is
    /// under way.
    DriftClock {
        /// Which machine.
        machine: MachineId,
        /// By how much faster than true time, in millionths; below zero is slower.
        ppm: i32,
        /// For how long, in true time.
        duration: Span,
    },
    /// Something happens to one message between two processes; armed until that message.
    Message {
        /// Sender.
        from: NodeId,
        /// Receiver.
        to: NodeId,
        /// Which one from now on: 1 is the next. Datagrams and messages of connections count.
        nth: u64,
        /// What happens to it.
        action: MessageAction,
    },
}

/// Which disk operations fail, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFailure {
    /// Reads fail with an I/O error.
    Reads,
    /// Writes, appends, renames and removals fail with an I/O error and change nothing.
    Writes,
    /// Syncs fail, and nothing they should have made durable is.
    Syncs,
    /// Syncs claim success, and nothing they should have made durable is.
    LyingSyncs,
    /// Writes fail for want of space.
    Full,
}

/// A jump of a wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockStep {
    /// Into the future.
    Forward(Span),
    /// Into the past, at most to the clock's origin.
    Back(Span),
}

/// What happens to one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageAction {
    /// A datagram is lost; a message of a connection is retransmitted.
    Drop,
    /// It takes longer.
    Delay(Span),
    /// A datagram arrives twice, the copy with a latency of its own. A connection drops the copy.
    Duplicate,
    /// It arrives, but the answer does not: the next datagram back is lost, or the connection is
    /// reset at both ends instead of carrying the next message back.
    LoseReply,
}

/// What a fault did when it was injected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Whether it hit something: a crash of what is down does not, nor does a cut between nobody.
    /// Armed faults have not hit yet.
    pub took_effect: bool,
    /// Set for a fault that waits for its occasion; ask
    /// [`World::armed_hits`](crate::world::World::armed_hits) whether it came.
    pub armed: Option<ArmedId>,
    /// Processes that died.
    pub processes_lost: u64,
    /// Messages that were under way and met the fault: lost datagrams, and messages of connections
    /// that have to be sent again or never will be.
    pub messages_lost: u64,
    /// Bytes of unsynced file contents that were lost.
    pub bytes_lost: u64,
    /// Changes of file names that were lost.
    pub names_lost: u64,
}

/// An armed fault, numbered in the order of injection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArmedId(pub u32);

/// Why a fault cannot be injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultError {
    /// No such machine.
    UnknownMachine(MachineId),
    /// Nothing was ever started at this address.
    UnknownNode(NodeId),
    /// [`Fault::Start`] of a process that was launched, not booted: its parent starts it.
    NotBooted(NodeId),
    /// [`Fault::Start`] on a machine that is down.
    MachineDown(MachineId),
    /// `nth` counts from one; factors are not zero.
    Zero,
    /// A clock stands still or runs backwards.
    Backwards,
}

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultError::UnknownMachine(machine) => write!(f, "there is no machine {machine}"),
            FaultError::UnknownNode(node) => write!(f, "no process was ever started at {node}"),
            FaultError::NotBooted(node) => write!(f, "{node} is started by its parent only"),
            FaultError::MachineDown(machine) => write!(f, "machine {machine} is down"),
            FaultError::Zero => f.write_str("a count or factor of zero has no meaning"),
            FaultError::Backwards => f.write_str("a clock runs on, and not backwards"),
        }
    }
}
impl core::error::Error for FaultError {}
