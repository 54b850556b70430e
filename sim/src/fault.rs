//! Faults are data: what a driver can do to a world at an instant.
//!
//! A [`Fault`] is plain data that can be printed, edited and replayed; [`World::inject`] is the
//! mechanism. When, where and how often is the business of whoever writes plans. Durations start at
//! the instant of injection; a fault that heals does so by itself.
//!
//! [`World::inject`]: crate::world::World::inject

use core::fmt;

use crate::machine::Domain;
use crate::node::{FileName, MachineId, NodeId};
use crate::time::{Instant, Span};

mod network;
pub mod partition;

pub use network::{Break, Links, Party, Weather};

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
    /// A process dies so-and-so long from now, and then as long after each start, whoever starts
    /// it, `times` times in all; a life that ends in another way does not count. Armed: each such
    /// death is a hit.
    CrashLoop {
        /// Which process.
        node: NodeId,
        /// How often it dies.
        times: u32,
        /// How long it lives each time, in true time.
        after: Span,
        /// How long after each of these deaths, the last one too, the init system starts it again
        /// if it was booted; whether one that was launched starts again is up to its parent.
        restart: Span,
    },
    /// A process stands still: its events wait, work and effects under way resume later.
    Pause {
        /// Which process.
        node: NodeId,
        /// For how long.
        duration: Span,
    },
    /// CPU work begun meanwhile takes `factor_percent` percent of its usual time; of several such
    /// times the slowest holds.
    SlowCpu {
        /// Which machine.
        machine: MachineId,
        /// 200 is half as fast; below 100 is faster.
        factor_percent: u32,
        /// For how long.
        duration: Span,
    },
    /// A machine loses power: its processes die silently, unsynced data is lost but for a drawn
    /// part. If it was about to start, it does not.
    CrashMachine {
        /// Which machine.
        machine: MachineId,
    },
    /// A machine that is down starts; its booted processes start with it.
    StartMachine {
        /// Which machine.
        machine: MachineId,
    },
    /// All machines of a failure domain lose power, at the same instant; those that were about to
    /// start do not.
    CrashDomain {
        /// Which domain.
        domain: Domain,
    },
    /// The machines of a failure domain that are down start, in the order of their numbers: the
    /// first now.
    StartDomain {
        /// Which domain.
        domain: Domain,
        /// Each next one so long after the one before; nothing starts all at once.
        stagger: Span,
    },
    /// A machine's wall clock jumps. Its monotonic clock does not.
    StepClock {
        /// Which machine.
        machine: MachineId,
        /// By how much.
        step: ClockStep,
    },
    /// A machine's wall clock is set: from now on it differs from true time by this much, and runs
    /// on at its rate. No difference is what a time service does.
    SetClock {
        /// Which machine.
        machine: MachineId,
        /// How far it is ahead (forward) or behind (back).
        offset: ClockStep,
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
    /// A machine's wall clock stands still for a while. Steps move it all the same. A freeze takes
    /// the place of one that is under way, which ends first, in its own way.
    FreezeClock {
        /// Which machine.
        machine: MachineId,
        /// For how long, in true time.
        duration: Span,
        /// How it goes on.
        then: Thaw,
    },
    /// A machine's wall clock is stepped little by little, evenly over a time, as time services
    /// smear leap seconds. Smears, strobes and steps of a clock add up.
    SmearClock {
        /// Which machine.
        machine: MachineId,
        /// By how much in all; back by less than the duration, for it runs on all the while.
        step: ClockStep,
        /// Over how long, in true time.
        duration: Span,
    },
    /// A machine's wall clock jumps forward at once, back after a period, forward again after the
    /// next, and so on for a while; then it is where it would have been.
    StrobeClock {
        /// Which machine.
        machine: MachineId,
        /// By how much it jumps.
        delta: Span,
        /// How long it stays on each side, in true time.
        period: Span,
        /// For how long, in true time.
        duration: Span,
    },
    /// A process's next requests for more memory at a site are refused; armed until used up,
    /// through all its lives.
    RefuseMemory {
        /// Which process.
        node: NodeId,
        /// The index of the site among the [`Site`](crate::node::Process::Site)s.
        site: u16,
        /// How many requests.
        count: u32,
    },
    /// A process may hold so much memory and no more, through all its lives: if it holds more
    /// already it dies now, else when it wants more; its parent gets
    /// [`OutOfMemory`](crate::node::Exit::OutOfMemory). Of several limits the tightest holds.
    /// Armed: each death is a hit.
    LimitMemory {
        /// Which process.
        node: NodeId,
        /// Bytes, over all sites.
        bytes: u64,
        /// For how long.
        duration: Span,
    },
    /// No packet passes over these links: what is under way meets the cut, and what is sent to it
    /// is lost (a datagram) or waits (a connection). Cuts of a link add up: it is whole when the
    /// last has healed.
    Cut {
        /// Which links.
        links: Links,
        /// For how long.
        duration: Span,
    },
    /// A weather of its own on some links, for packets that leave meanwhile. It hits with every
    /// packet that it does something to; ask
    /// [`World::armed_hits`](crate::world::World::armed_hits).
    Weather {
        /// Which links.
        links: Links,
        /// What it does.
        weather: Weather,
        /// For how long.
        duration: Span,
    },
    /// Cuts and weathers of these links end now. What a weather has delayed stays delayed.
    Heal {
        /// Which links.
        links: Links,
    },
    /// A machine's network card carries less, in each direction, for messages that come to it
    /// meanwhile; what still waits at the end goes on at the usual speed. The slowest of several
    /// counts. It hits with every message that goes through it.
    SlowCard {
        /// Which machine.
        machine: MachineId,
        /// How much, in bytes per second. Zero: everything waits for the end.
        speed: u64,
        /// For how long.
        duration: Span,
    },
    /// Connections between two parties break although nobody died.
    Break {
        /// One party: with [`Break::HalfOpen`] the one that knows nothing any more.
        one: Party,
        /// The other.
        other: Party,
        /// How they break.
        how: Break,
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
    /// A machine's disk takes `factor` times as long for operations submitted meanwhile; of several
    /// such times the slowest holds.
    SlowDisk {
        /// Which machine.
        machine: MachineId,
        /// How many times as long.
        factor: u32,
        /// For how long.
        duration: Span,
    },
    /// A machine's disk moves at most so many bytes per second for operations submitted meanwhile:
    /// large ones take long, small ones do not. Of several throttles the tightest holds.
    ThrottleDisk {
        /// Which machine.
        machine: MachineId,
        /// The most that it moves.
        bytes_per_second: u64,
        /// For how long.
        duration: Span,
    },
    /// A machine's disk does nothing for a while; operations under way take that much longer, and
    /// what a process does that waits for one in the blocking view comes as much later.
    StallDisk {
        /// Which machine.
        machine: MachineId,
        /// For how long.
        duration: Span,
    },
    /// The next operations of a kind go wrong on a machine's disk; armed until used up. An
    /// operation that the failure could not change uses nothing up and is no hit.
    FailDisk {
        /// Which machine.
        machine: MachineId,
        /// Which operations, and how.
        kind: DiskFailure,
        /// Only operations on files whose names start with this. A failed or lying sync of the
        /// directory is met if names that start with it have changed; a listing, if its own
        /// prefix starts with it.
        prefix: FileName,
        /// How many.
        count: u32,
        /// Only operations submitted in this time from now on; without it there is no hurry.
        within: Option<Span>,
    },
    /// A machine's disk is gone, with all that was on it: every operation fails with an I/O error,
    /// those under way too; a process that waits for one in the blocking view dies of it. After a
    /// while an empty one is in its place.
    LoseDisk {
        /// Which machine.
        machine: MachineId,
        /// For how long.
        duration: Span,
    },
    /// A machine's disk is empty: no name, no content, cached or durable. Operations under way
    /// fail, and a process that waits for one in the blocking view dies of it.
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
    /// Says what a machine's next power loss leaves of what is not synced, instead of what its
    /// [`DiskSpec`](crate::machine::DiskSpec) says; armed until then. The last one said counts. It
    /// has hit if there was something not synced.
    NextPowerLoss {
        /// Which machine.
        machine: MachineId,
        /// What it leaves.
        leaves: PowerLoss,
    },
}

/// Which disk operations go wrong, and how.
///
/// Lost and stray writes are those of a device without a cache of its own: what a process reads
/// back is what is really there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFailure {
    /// Reads and listings fail with an I/O error.
    Reads,
    /// Writes, appends, renames and removals fail with an I/O error and change nothing.
    Writes,
    /// Syncs fail, and nothing they should have made durable is; a later sync makes it so.
    Syncs,
    /// Syncs claim success, and nothing they should have made durable is; a later sync makes it so.
    LyingSyncs,
    /// Syncs of files fail, and what they should have made durable never will be: the page cache
    /// drops it, as Linux's does ("fsyncgate"), so a later sync succeeds, without it.
    ForgetfulSyncs,
    /// Writes and appends fail for want of space and change nothing.
    Full,
    /// Reads give what is there but for one bit, drawn; read again, it is right.
    CorruptReads,
    /// A drawn bit of what is read has rotted, on the device and in the page cache: it is as wrong
    /// when read again.
    RottenReads,
    /// Reads give what is at another place: at the same offset of another file, or in another
    /// sector of the same one; as many bytes as asked for, with zeros where that has no more. Only
    /// files whose names start with the failure's prefix are confused with each other.
    MisdirectedReads,
    /// Writes and appends claim success and do not take place. A file grows as it should, but has
    /// in the place of the data what it had before: its old bytes, zeros where there were none.
    PhantomWrites,
    /// As `PhantomWrites`, and the data lands elsewhere: at the same offset of another file, or in
    /// another sector of the same one, of what is durable there; no file grows. Only files whose
    /// names start with the failure's prefix are confused with each other.
    MisdirectedWrites,
}

/// What a power loss leaves of file contents and changes of names that are not synced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PowerLoss {
    /// Each sector and each change of a name survives or not, by a draw of its own, and so does a
    /// new length: what was written later may survive what was written before.
    #[default]
    Scattered,
    /// Of each file the first sectors survive, up to a drawn one, and of the changes of names the
    /// first ones: a write that was torn.
    Torn,
    /// As `Scattered`, but half of the sectors that do not survive hold drawn bytes where they
    /// were to change. What was durable stays.
    Garbage,
    /// Nothing: the disk is as of the last syncs.
    Nothing,
    /// Everything, as if it had been synced.
    Everything,
}

/// A jump of a wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockStep {
    /// Into the future.
    Forward(Span),
    /// Into the past, at most to the clock's origin.
    Back(Span),
}

impl ClockStep {
    /// Nanoseconds; into the past they are below zero.
    pub fn nanos(self) -> i128 {
        match self {
            ClockStep::Forward(span) => i128::from(span.0),
            ClockStep::Back(span) => -i128::from(span.0),
        }
    }
}

/// How a wall clock goes on that stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thaw {
    /// It jumps to what it would have shown.
    Jumps,
    /// It goes on from where it stood, and is late from then on.
    Resumes,
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
    /// A datagram arrives, and an old copy of it once more, so much later, whatever became of its
    /// sender. A connection drops the copy.
    Replay(Span),
    /// The bit with this number flips, counted round. With checksums that is [`Drop`](Self::Drop).
    Corrupt(u64),
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
    /// Set for a fault that waits for its occasions; ask
    /// [`World::armed_hits`](crate::world::World::armed_hits) whether they came. A weather took
    /// effect when it began, and its hits tell whether a packet met it.
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

/// What became of file contents that were durable, or had been acknowledged to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file, by its present name, or the last it had.
    pub file: FileName,
    /// What happened to it.
    pub kind: DamageKind,
    /// When. For what was acknowledged without being true: when it was acknowledged, but for a
    /// lying sync, which does damage at the power loss.
    pub at: Instant,
}

/// How durable contents were damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DamageKind {
    /// A bit of them flipped.
    Rotted,
    /// A write to another place has struck them.
    Overwritten,
    /// A sync succeeded, but a write before it had not taken place, or elsewhere.
    NeverWritten,
    /// A sync had lied, and a power loss has taken what it should have made durable.
    NeverSynced,
    /// The disk was wiped, or lost.
    Wiped,
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
    /// No machine stands there.
    UnknownDomain(Domain),
    /// Processes ask for memory at no site with this index.
    UnknownSite(u16),
    /// `nth` counts from one; factors are not zero.
    Zero,
    /// A clock's rate is such that it stands still or runs backwards.
    Backwards,
    /// A distribution of latencies that has no member, or no lower bound.
    NoLatency,
}

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultError::UnknownMachine(machine) => write!(f, "there is no machine {machine}"),
            FaultError::UnknownNode(node) => write!(f, "no process was ever started at {node}"),
            FaultError::NotBooted(node) => write!(f, "{node} is started by its parent only"),
            FaultError::MachineDown(machine) => write!(f, "machine {machine} is down"),
            FaultError::UnknownDomain(domain) => write!(f, "no machine stands in {domain}"),
            FaultError::UnknownSite(site) => write!(f, "there is no memory site {site}"),
            FaultError::Zero => f.write_str("a count or factor of zero has no meaning"),
            FaultError::NoLatency => f.write_str("no latency is in that range"),
            FaultError::Backwards => f.write_str("a clock runs on, and not backwards"),
        }
    }
}
impl core::error::Error for FaultError {}
