//! The vocabulary of nodes: everything a process may know of its host.
//!
//! A node is one operating-system process without I/O: it reacts to one [`Event`] at a time and
//! acts only through its [`Context`]. This module does not import the world. Whoever implements
//! [`Context`] can host a [`Process`]: the simulated [`World`](crate::world::World) is the first
//! host, a hundred-line harness in the tests is the second.
//!
//! # The instants inside a handler
//!
//! A handler is atomic. Its state changes and observations carry the instant at which it runs. Each
//! [`Context::spend`] moves the instant of what *follows* in the handler (sends, writes, timers,
//! disk operations, launches) to the end of the work; a crash before that instant loses what had
//! not left.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::hash::Mixer;
use crate::payload::Payload;
use crate::time::{Instant, Span};

/// A machine: it owns a disk, a network card, cores and clocks. Numbered from zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineId(pub u16);

/// The address of a process: a port of a machine. A process that crashes and is started again at
/// the same place has the same id and a higher incarnation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Where the process runs.
    pub machine: MachineId,
    /// Which of the machine's processes it is.
    pub port: u16,
}

/// A thread of a process. Events of one lane are handled in order, and wait while it is busy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Lane(pub u16);

/// A pending timer, unique within a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TimerId(pub u64);

/// A connection, unique within a run; both ends know it by the same id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnId(pub u64);

/// An asynchronous disk operation, unique within a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DiskTicket(pub u64);

/// What processes say to each other: an immutable value with a size on the wire.
///
/// Sharing inside (an `Arc`) is fine as long as nothing reachable can change.
pub trait Message: Clone + fmt::Debug + Send + Sync + 'static {
    /// Bytes on the wire, headers included.
    fn wire_size(&self) -> u64;
    /// Mixes the contents into a digest; bulk by a fingerprint that was computed once.
    fn digest(&self, into: &mut Mixer);
    /// The lane of the receiving process that handles it.
    fn lane(&self) -> Lane {
        Lane(0)
    }
    /// What is left of it after a bit flipped on a wire without checksums; `bit` is any number,
    /// counted round. None if the receiver cannot make sense of it and drops it, as by default.
    fn corrupt(&self, bit: u64) -> Option<Self> {
        let _ = bit;
        None
    }
}

/// What a process tells about itself: a small typed value, always made, never formatted unless
/// somebody asks.
pub trait Observation: Clone + fmt::Debug + Send + Sync + 'static {
    /// Mixes the contents into a digest.
    fn digest(&self, into: &mut Mixer);
}

/// A closed set of names (probes, twists, sites): an enum that can list itself.
pub trait Name: Copy + fmt::Debug + Eq + Send + Sync + 'static {
    /// Every variant, each at its own index.
    const ALL: &'static [Self];
    /// The position in [`Name::ALL`].
    fn index(self) -> usize;
    /// Kebab-case, as people type and read it.
    fn name(self) -> &'static str;
}

/// For processes without probes, twists or sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoName {}
impl Name for NoName {
    const ALL: &'static [Self] = &[];
    fn index(self) -> usize {
        match self {}
    }
    fn name(self) -> &'static str {
        match self {}
    }
}

/// A sans-I/O process: a plain value that reacts to events.
///
/// The value handed to a host is the *pristine image*: after every crash the process is a clone of
/// it plus [`Event::Start`], and whatever it wants to remember it reads from its machine's disk.
pub trait Process: Clone + fmt::Debug + Send + Sync + 'static {
    /// What its kind sends.
    type Message: Message;
    /// What its kind observes.
    type Observation: Observation;
    /// Rare situations that it can mark.
    type Probe: Name;
    /// Rare events and planted bugs that a test world may switch on.
    type Twist: Name;
    /// The places at which it asks for memory.
    type Site: Name;

    /// Reacts to one event. `lane` is the thread that handles it.
    fn on_event(&mut self, lane: Lane, event: Event<Self::Message>, cx: &mut dyn Context<Self>);
}

/// Why a connection is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// Nobody listens at the address.
    Refused,
    /// The peer closed it in good order: everything that it had written arrived before.
    Closed,
    /// The peer's process died, or knows nothing of the connection.
    Reset,
    /// Data stayed unacknowledged for the network's patience (the transport gave up).
    TimedOut,
}

/// How a child process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// It asked for its own end with [`Context::exit`].
    Finished,
    /// A fault, or an error of its own, took it down.
    Crashed,
    /// A process of the same machine killed it.
    Killed,
    /// It held more memory than it may.
    OutOfMemory,
}

/// Something that happened to a process.
#[derive(Clone, Debug)]
// A tag of a whole word keeps the fields aligned, so that moving an event copies words: with a byte
// for a tag the copies straddle what was stored before them, and every move waits for the stores.
#[repr(u64)]
pub enum Event<M> {
    /// The first event of every incarnation.
    Start,
    /// A datagram arrived.
    Datagram {
        /// The sender's address; it may have died since.
        from: NodeId,
        /// What it sent.
        message: M,
    },
    /// A connection that this process asked for is open.
    Opened {
        /// The connection.
        conn: ConnId,
        /// The other end.
        peer: NodeId,
    },
    /// Another process opened a connection to this one.
    Accepted {
        /// The connection.
        conn: ConnId,
        /// The other end.
        peer: NodeId,
    },
    /// The next message of a connection, in the order it was written.
    Received {
        /// The connection.
        conn: ConnId,
        /// The other end.
        peer: NodeId,
        /// What it wrote.
        message: M,
    },
    /// A connection that had refused a write has room again.
    Writable {
        /// The connection.
        conn: ConnId,
    },
    /// A connection is gone; its id will not be seen again.
    Closed {
        /// The connection.
        conn: ConnId,
        /// The other end.
        peer: NodeId,
        /// Why.
        reason: CloseReason,
    },
    /// A message that this process posted to one of its own lanes.
    Posted {
        /// What it posted.
        message: M,
    },
    /// A timer fired.
    Timer {
        /// Which one.
        timer: TimerId,
        /// The word given to [`Context::set_timer`].
        token: u64,
    },
    /// A disk operation is done.
    Disk {
        /// Which one.
        ticket: DiskTicket,
        /// Its result.
        result: Result<DiskReply, DiskError>,
    },
    /// A process that this one launched is gone.
    Exited {
        /// Which one.
        node: NodeId,
        /// How it ended.
        exit: Exit,
    },
}

/// A write was not accepted; the message comes back.
#[derive(Clone, Debug)]
pub enum WriteError<M> {
    /// The buffer is full; [`Event::Writable`] follows.
    Full(M),
    /// The connection is not, or no longer, known.
    Gone(M),
}

/// The name of a file: a path with `/` between its parts.
pub type FileName = Arc<str>;

/// An asynchronous disk operation. Operations of one process start in the order of submission.
#[derive(Clone, Debug)]
pub enum DiskOp {
    /// Reads a whole file; [`DiskReply::Data`].
    Read {
        /// Which file.
        file: FileName,
    },
    /// Replaces a file's contents in the page cache, creating it if need be.
    Write {
        /// Which file.
        file: FileName,
        /// Its new contents.
        data: Payload,
    },
    /// Adds to a file's end in the page cache, creating it if need be.
    Append {
        /// Which file.
        file: FileName,
        /// What to add.
        data: Payload,
    },
    /// Makes a file's contents durable. Its *name* needs [`DiskOp::SyncDir`] if it is new.
    Sync {
        /// Which file.
        file: FileName,
    },
    /// Gives a file another name, replacing what had it; durable after [`DiskOp::SyncDir`].
    Rename {
        /// The old name.
        from: FileName,
        /// The new name.
        to: FileName,
    },
    /// Removes a file; durable after [`DiskOp::SyncDir`].
    Remove {
        /// Which file.
        file: FileName,
    },
    /// Makes the names of all files durable: creations, renames and removals.
    SyncDir,
    /// Lists the files whose names start with a prefix, in order; [`DiskReply::Names`].
    List {
        /// The prefix.
        prefix: FileName,
    },
}

/// What a disk operation gives back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskReply {
    /// It is done.
    Done,
    /// A file's contents.
    Data(Payload),
    /// Names of files.
    Names(Vec<FileName>),
}

/// Why a disk operation failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiskError {
    /// There is no such file.
    NotFound,
    /// The device failed; for a sync, what is durable is unknown.
    Io,
    /// No space is left.
    Full,
    /// A read past the end of a file.
    PastEnd,
}

/// The blocking view of the machine's disk, for embedded storage engines.
///
/// Each call is done at once; its device time delays the effects that follow in the handler, and
/// occupies the lane, like [`Context::spend`] without a core.
pub trait BlockingDisk {
    /// Length in bytes.
    fn len(&mut self, file: &str) -> Result<u64, DiskError>;
    /// Fills `out` from `offset`.
    fn read_at(&mut self, file: &str, offset: u64, out: &mut [u8]) -> Result<(), DiskError>;
    /// Writes at `offset`, creating or extending the file (with zeros) if need be.
    fn write_at(&mut self, file: &str, offset: u64, data: &[u8]) -> Result<(), DiskError>;
    /// Cuts or extends (with zeros) to `len` bytes.
    fn set_len(&mut self, file: &str, len: u64) -> Result<(), DiskError>;
    /// As [`DiskOp::Sync`].
    fn sync(&mut self, file: &str) -> Result<(), DiskError>;
    /// As [`DiskOp::Rename`].
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError>;
    /// As [`DiskOp::Remove`].
    fn remove(&mut self, file: &str) -> Result<(), DiskError>;
    /// As [`DiskOp::SyncDir`].
    fn sync_dir(&mut self) -> Result<(), DiskError>;
}

/// What a process can do: its whole view of the host. Object-safe.
pub trait Context<P: Process> {
    /// The process's own address.
    fn me(&self) -> NodeId;
    /// Which life of this address it is: 1 for the first.
    fn incarnation(&self) -> u32;
    /// The machine's monotonic clock, at the instant of the handler.
    fn now(&self) -> Instant;
    /// The machine's wall clock: it may be skewed, stepped or frozen. Never decide safety by it.
    fn wall_clock(&self) -> Instant;

    /// Sends a datagram: it may be lost, doubled, delayed and overtaken.
    fn send(&mut self, to: NodeId, message: P::Message);
    /// Opens a connection; answered by [`Event::Opened`] or [`Event::Closed`]. Writes are accepted
    /// at once and leave when it is open.
    fn connect(&mut self, to: NodeId) -> ConnId;
    /// Writes into a connection's bounded buffer.
    fn write(&mut self, conn: ConnId, message: P::Message) -> Result<(), WriteError<P::Message>>;
    /// Closes in good order: what was written still arrives, the peer then sees
    /// [`CloseReason::Closed`]. This end hears nothing more of it.
    fn close(&mut self, conn: ConnId);
    /// Hands a message to one of the process's own lanes, in order, at no cost.
    fn post(&mut self, lane: Lane, message: P::Message);

    /// Sets a timer on the machine's monotonic clock; it fires on `lane` with `token`.
    fn set_timer(&mut self, lane: Lane, after: Span, token: u64) -> TimerId;
    /// Cancels a timer in O(1). False if it has fired or was cancelled before; a timer that is
    /// cancelled is never seen, even if it was waiting for its lane.
    fn cancel_timer(&mut self, timer: TimerId) -> bool;

    /// Submits a disk operation; [`Event::Disk`] follows on `lane`.
    fn disk(&mut self, lane: Lane, op: DiskOp) -> DiskTicket;
    /// The disk's blocking view, working for `lane`.
    fn blocking_disk(&mut self, lane: Lane) -> &mut dyn BlockingDisk;

    /// The next word of the process's own random stream.
    fn random(&mut self) -> u64;
    /// A draw in `0..n` from the process's own random stream.
    ///
    /// # Panics
    /// If `n` is zero.
    fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "an empty range has no member");
        ((u128::from(self.random()) * u128::from(n)) >> 64) as u64
    }

    /// Works for `duration` of CPU time on `lane`: what follows in the handler leaves when the work
    /// is done, and the lane takes its next event then.
    fn spend(&mut self, lane: Lane, duration: Span);

    /// Says how many bytes of memory a part of the process (a task, a connection) needs at a site
    /// from now on, in place of what it needed there before. False if it wants more than before
    /// and is refused: then it has what it had. A process that holds more than it may in all, over
    /// all sites and parts, dies on the spot; nothing that follows in the handler happens. Every
    /// host but a test world grants all.
    fn reserve(&mut self, site: P::Site, part: u32, bytes: u64) -> bool;

    /// Starts a process on the same machine from a pristine image. Its exit will be an event.
    /// False, and nothing happens, if the port is taken.
    fn launch(&mut self, port: u16, image: P) -> bool;
    /// Kills a process of the same machine. Its parent sees [`Exit::Killed`].
    fn kill(&mut self, port: u16);
    /// Ends this process after the handler.
    fn exit(&mut self);

    /// Tells something. Costs no virtual time.
    fn observe(&mut self, observation: P::Observation);
    /// Marks that a rare situation was reached.
    fn probe(&mut self, probe: P::Probe);
    /// Asks whether a rare event or a planted bug is to happen here. Every host but a test world
    /// answers no.
    fn twist(&mut self, twist: P::Twist) -> bool;
    /// Asks whether a twist is switched on, without reaching its place: for parts that know no
    /// context and get their switches as a value. They report what they reach, and their driver
    /// then asks [`Context::twist`].
    fn twist_is_on(&self, twist: P::Twist) -> bool;
    /// Whether such parts are to report the places of twists that are off, too: somebody counts
    /// occasions.
    fn twists_are_watched(&self) -> bool {
        false
    }
}

impl NodeId {
    /// The process at `port` of machine `machine`.
    pub const fn new(machine: u16, port: u16) -> Self {
        NodeId { machine: MachineId(machine), port }
    }
    /// Both parts in one word, for digests.
    pub const fn word(self) -> u64 {
        ((self.machine.0 as u64) << 16) | self.port as u64
    }
}
impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m{}", self.0)
    }
}
impl fmt::Debug for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m{}:{}", self.machine.0, self.port)
    }
}
impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
