//! Raft: a replicated log without I/O, in the manner of etcd's.
//!
//! Input is a message, the passing of time, a proposal, or word that something is durable. Output
//! is an ordered list: messages to send, what to persist, entries to apply, and the *points* that
//! were passed. A driver carries the outputs out in their order; a promise (a vote, an
//! acknowledgement) leaves only after [`Raft::persisted`] has confirmed what it rests on, and that
//! is this module's business, not the driver's.
//!
//! Sections are those of Ongaro's dissertation ("Consensus: Bridging Theory and Practice", 2014).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use stormglass_sim::hash::Mixer;
use stormglass_sim::time::Span;

use crate::names::Twist;

mod message;

pub use message::Message;

/// A replica: its number in the cluster's list of coordinators, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReplicaId(pub u16);

/// A term: at most one leader each (section 3.3). 0 before the first election.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Term(pub u32);

/// A place in the log, from 1; 0 is before the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Index(pub u64);

/// An entry of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its place.
    pub index: Index,
    /// The term of the leader that made it.
    pub term: Term,
    /// What it says.
    pub body: Body,
}

/// What an entry says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// Nothing: a new leader's first entry, so that it can commit in its own term (3.6.2, 6.4).
    Blank,
    /// A command for the state machine.
    Command(Arc<[u8]>),
    /// A membership, in force from the moment that it is in the log (4.3).
    Membership(Arc<Membership>),
}

/// Who takes part. Sorted, without repetition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Membership {
    /// Who votes.
    pub voters: Vec<ReplicaId>,
    /// Who votes as well, as the old half of a joint membership; empty outside of a change (4.3).
    pub outgoing: Vec<ReplicaId>,
    /// Who only listens (4.2.1).
    pub learners: Vec<ReplicaId>,
}

/// A state machine's state at an index, which stands for the log up to there (section 5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The last entry that it covers.
    pub index: Index,
    /// That entry's term.
    pub term: Term,
    /// The membership in force there.
    pub membership: Membership,
    /// The state machine's encoding.
    pub data: Arc<[u8]>,
}

/// How a replica is tuned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// An election timeout is drawn from here, anew each time (3.4); bounds included.
    pub election_timeout: (Span, Span),
    /// A leader is heard at least so often.
    pub heartbeat: Span,
    /// Bytes of entries in one message; a message with one entry may be larger.
    pub append_bytes: u32,
    /// Bytes of entries under way to one follower.
    pub inflight_bytes: u32,
    /// Bytes of a snapshot in one message.
    pub chunk_bytes: u32,
    /// Reads are served under a lease where the stated bound on clocks allows it (6.4.1); else by
    /// a round to a quorum.
    pub lease: Option<ClockBound>,
}

/// How far two machines' clocks may differ in rate, in millionths: what a lease rests on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClockBound {
    /// One clock may run so much faster than another.
    pub drift_ppm: u32,
}

/// Everything that a replica finds on its disk when it starts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Durable {
    /// The latest term that it has seen.
    pub term: Term,
    /// Whom it voted for in that term.
    pub vote: Option<ReplicaId>,
    /// The snapshot that the log begins after.
    pub snapshot: Option<Arc<Snapshot>>,
    /// The log, without gaps.
    pub entries: Vec<Entry>,
}

/// Names a request to persist; they rise.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct PersistId(pub u64);

/// What to make durable. All of them are one log: in order, and a later one counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Write {
    /// Term and vote.
    HardState {
        /// The term.
        term: Term,
        /// The vote in it.
        vote: Option<ReplicaId>,
    },
    /// These entries replace everything from the first one's index on.
    Entries(Vec<Entry>),
    /// The log begins after this snapshot; entries behind it stay if they follow on it, and are
    /// dropped if the snapshot came from a leader ([`Output::Restore`]).
    Snapshot(Arc<Snapshot>),
}

/// What a replica wants done, in order.
#[derive(Clone, Debug)]
pub enum Output {
    /// It passed a point of the protocol.
    Point(Point),
    /// Make this durable, and tell [`Raft::persisted`].
    Persist(PersistId, Write),
    /// Send this. It may be lost, doubled and overtaken.
    Send(ReplicaId, Message),
    /// This entry is committed. In order, each once in a life of the replica.
    Apply(Entry),
    /// The state machine is replaced by a snapshot: a leader's, or at the start one's own.
    Restore(Arc<Snapshot>),
    /// A read may be served once the entry at `index` is applied.
    ReadReady {
        /// What the driver called it.
        request: u64,
        /// The commit index when the read was accepted, or later.
        index: Index,
    },
    /// A read cannot be served here: leadership was lost.
    ReadLost {
        /// What the driver called it.
        request: u64,
    },
    /// A planted bug was reached: count it.
    Reached(Twist),
}

/// A named point of the protocol, at which a plan may crash or delay the replica: what follows it
/// in the list of outputs then never happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Point {
    /// It has read its disk: first output of a life. Entries after `last` are gone.
    Recovered {
        /// The durable term.
        term: Term,
        /// The last index of the durable log (or of its snapshot).
        last: Index,
    },
    /// It stands for election: term and own vote are set, not durable yet.
    Campaigned {
        /// The new term.
        term: Term,
    },
    /// It granted its vote to another: not durable yet, nothing is sent.
    VoteGranted {
        /// The term.
        term: Term,
        /// To whom.
        to: ReplicaId,
    },
    /// A quorum voted for it; nothing is sent yet.
    Elected {
        /// Its term.
        term: Term,
    },
    /// It was leader, and is not any more.
    SteppedDown {
        /// The term that it led.
        term: Term,
    },
    /// An entry is in its log: not durable yet.
    Appended {
        /// Its place.
        index: Index,
        /// Its term.
        term: Term,
        /// Fingerprint of its body.
        print: u64,
    },
    /// Entries from here on are not in its log any more.
    Truncated {
        /// The first that is gone.
        from: Index,
    },
    /// Its log is durable up to here; nothing that rests on it is sent yet.
    Persisted {
        /// The last durable entry.
        last: Index,
    },
    /// It learnt that the log is committed up to here; nothing of it is applied or told yet.
    Committed {
        /// The index.
        index: Index,
        /// Its current term.
        term: Term,
    },
    /// A membership entry is in force, by being in the log.
    MembershipChanged {
        /// Its place.
        index: Index,
        /// Number of voters of the new half.
        voters: u16,
        /// Whether it is joint.
        joint: bool,
    },
    /// The log up to here was replaced by a snapshot of its own.
    Compacted {
        /// The last index that the snapshot covers.
        index: Index,
    },
    /// It begins to send a snapshot.
    SnapshotSent {
        /// To whom.
        to: ReplicaId,
        /// The last index that it covers.
        index: Index,
    },
    /// A leader's snapshot replaced its log: not durable yet.
    SnapshotInstalled {
        /// The last index that it covers.
        index: Index,
        /// That entry's term.
        term: Term,
    },
    /// It hands leadership to another (3.10).
    TransferBegan {
        /// To whom.
        to: ReplicaId,
    },
}

/// Why something cannot be done here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Somebody else leads, perhaps this one.
    NotLeader(Option<ReplicaId>),
    /// Leadership is being handed over.
    Transferring,
    /// A change of membership is under way, or nothing is committed in this term yet (4.1).
    ChangePending,
    /// The membership makes no sense, or the replica is not in it.
    BadMembership,
}

/// What a replica is at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// It follows, or waits for a leader.
    Follower,
    /// It asks whether it would win, without a new term (9.6).
    PreCandidate,
    /// It asks for votes.
    Candidate,
    /// It leads.
    Leader,
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

impl Point {
    /// Mixes it into a digest.
    pub(crate) fn digest(&self, into: &mut Mixer) {
        let (tag, number, word) = match *self {
            Point::Recovered { term, last } => (1, term.0, last.0),
            Point::Campaigned { term } => (2, term.0, 0),
            Point::VoteGranted { term, to } => (3, term.0, to.0.into()),
            Point::Elected { term } => (4, term.0, 0),
            Point::SteppedDown { term } => (5, term.0, 0),
            Point::Appended { index, term, print } => {
                into.word(print);
                (6, term.0, index.0)
            }
            Point::Truncated { from } => (7, 0, from.0),
            Point::Persisted { last } => (8, 0, last.0),
            Point::Committed { index, term } => (9, term.0, index.0),
            Point::MembershipChanged { index, voters, joint } => {
                (10, u32::from(voters) << 1 | u32::from(joint), index.0)
            }
            Point::Compacted { index } => (11, 0, index.0),
            Point::SnapshotSent { to, index } => (12, to.0.into(), index.0),
            Point::SnapshotInstalled { index, term } => (13, term.0, index.0),
            Point::TransferBegan { to } => (14, to.0.into(), 0),
        };
        into.pair(tag | u64::from(number) << 32, word);
    }
}
