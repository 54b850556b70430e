//! What a replica wants done: its outputs, in order, and the points that it passes.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::hash::Mixer;

use super::{Entry, Index, Message, ReplicaId, Snapshot, Term};
use crate::names::Twist;

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
    /// Make this durable, and tell [`Raft::persisted`](super::Raft::persisted).
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
