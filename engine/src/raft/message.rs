//! What replicas say to each other.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::hash::Mixer;

use super::{Entry, Index, Membership, Term};

#[cfg(test)]
mod tests;

/// One message, always with its sender's term.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The sender's term.
    pub term: Term,
    /// What it says.
    pub kind: Kind,
}

/// What a message says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Would you vote for me in the next term? Changes nobody's term (9.6).
    PreVote {
        /// The term that the sender would stand in.
        next: Term,
        /// Its last entry.
        last: Index,
        /// That entry's term.
        last_term: Term,
    },
    /// The answer to [`Kind::PreVote`].
    PreVoteReply {
        /// The term that was asked about.
        next: Term,
        /// Whether the sender would.
        granted: bool,
    },
    /// Vote for me in this term (3.4).
    Vote {
        /// The sender's last entry.
        last: Index,
        /// That entry's term.
        last_term: Term,
        /// The leader asked for this election (3.10): whoever still hears it votes all the same.
        transfer: bool,
    },
    /// The answer to [`Kind::Vote`].
    VoteReply {
        /// Whether the sender voted so.
        granted: bool,
    },
    /// Entries that follow on one; without entries, a question whether the logs agree there (3.5).
    Append {
        /// The entry before the first.
        prev: Index,
        /// That entry's term.
        prev_term: Term,
        /// The entries.
        entries: Vec<Entry>,
        /// The leader's commit index.
        commit: Index,
    },
    /// The sender's log equals the leader's up to there, durably.
    AppendReply {
        /// The last index for which that is known.
        matched: Index,
    },
    /// The sender's log has no such entry.
    AppendReject {
        /// The entry before the first that was offered.
        prev: Index,
        /// The last place where the logs may agree.
        hint: Index,
        /// The sender's term there.
        hint_term: Term,
    },
    /// I still lead (3.4), and ask whether you follow: the round's number comes back (6.4).
    Heartbeat {
        /// The round.
        round: u64,
        /// How far the receiver may commit: it has that much.
        commit: Index,
    },
    /// The answer to [`Kind::Heartbeat`].
    HeartbeatReply {
        /// The round.
        round: u64,
    },
    /// A part of a snapshot.
    Chunk {
        /// The last index that the snapshot covers.
        index: Index,
        /// That entry's term.
        last_term: Term,
        /// The membership in force there.
        membership: Arc<Membership>,
        /// Bytes before this part.
        offset: u64,
        /// Bytes in all.
        total: u64,
        /// The part.
        data: Arc<[u8]>,
    },
    /// How much of a snapshot has arrived in one piece.
    ChunkReply {
        /// The last index that the snapshot covers.
        index: Index,
        /// Bytes from the start.
        arrived: u64,
    },
    /// Stand for election at once (3.10).
    TimeoutNow,
    /// Your term is over.
    Stale,
}

impl Message {
    /// Bytes on the wire, without the headers of the transport.
    #[must_use]
    pub fn wire_size(&self) -> u64 {
        const HEAD: u64 = 5;
        HEAD + match &self.kind {
            Kind::Stale | Kind::TimeoutNow => 0,
            Kind::VoteReply { .. } => 1,
            Kind::PreVoteReply { .. } => 5,
            Kind::AppendReply { .. } | Kind::HeartbeatReply { .. } => 8,
            Kind::Vote { .. } => 13,
            Kind::PreVote { .. } | Kind::Heartbeat { .. } | Kind::ChunkReply { .. } => 16,
            Kind::AppendReject { .. } => 20,
            Kind::Append { entries, .. } => 24 + entries.iter().map(Entry::size).sum::<u64>(),
            Kind::Chunk { membership, data, .. } => 32 + membership.size() + data.len() as u64,
        }
    }

    /// Mixes the contents into a digest.
    pub fn digest(&self, into: &mut Mixer) {
        into.word(self.term.0.into());
        match &self.kind {
            Kind::PreVote { next, last, last_term } => {
                into.pair(1, last.0);
                into.pair(next.0.into(), last_term.0.into());
            }
            Kind::PreVoteReply { next, granted } => {
                into.pair(2 | u64::from(*granted) << 8, next.0.into());
            }
            Kind::Vote { last, last_term, transfer } => {
                into.pair(3 | u64::from(*transfer) << 8, last.0);
                into.word(last_term.0.into());
            }
            Kind::VoteReply { granted } => into.word(4 | u64::from(*granted) << 8),
            Kind::Append { prev, prev_term, entries, commit } => {
                into.pair(5 | (entries.len() as u64) << 8, prev.0);
                into.pair(prev_term.0.into(), commit.0);
                entries.iter().for_each(|entry| entry.digest(into));
            }
            Kind::AppendReply { matched } => into.pair(6, matched.0),
            Kind::AppendReject { prev, hint, hint_term } => {
                into.pair(7, prev.0);
                into.pair(hint.0, hint_term.0.into());
            }
            Kind::Heartbeat { round, commit } => {
                into.pair(8, *round);
                into.word(commit.0);
            }
            Kind::HeartbeatReply { round } => into.pair(9, *round),
            Kind::Chunk { index, last_term, membership, offset, total, data } => {
                into.pair(10 | u64::from(last_term.0) << 8, index.0);
                into.pair(*offset, *total);
                membership.digest(into);
                into.bytes(data);
            }
            Kind::ChunkReply { index, arrived } => {
                into.pair(11, index.0);
                into.word(*arrived);
            }
            Kind::TimeoutNow => into.word(12),
            Kind::Stale => into.word(13),
        }
    }
}
