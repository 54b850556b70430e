//! Raft: a replicated log without I/O, in the manner of etcd's.
//!
//! Input is a message, the passing of time, a proposal, or word that something is durable. Output
//! is an ordered list: messages to send, what to persist, entries to apply, and the *points* that
//! were passed. A driver carries the outputs out in their order; a promise (a vote, an
//! acknowledgement) leaves only after [`Raft::persisted`] has confirmed what it rests on, and that
//! is this module's business, not the driver's.
//!
//! # The modules, in the order of the paper
//!
//! * `entry` and `log`: what is replicated; `message`: what replicas say; `output`: what
//!   they want done; `persistence`: what must be durable before what is said;
//!   [`storage`]: what a replica's file holds.
//! * `election` (3.4, 3.6, 9.6): how a leader comes and goes.
//! * `replication` and `progress` (3.5, 3.6.2, 10.2): entries on their way.
//! * `transfer` (3.10): leadership handed over.
//! * `membership` (4): who takes part, and what a quorum is.
//! * `snapshot` (5): compaction, and snapshots on their way.
//! * `read` (6.4): reads that write nothing.
//!
//! Sections are those of Ongaro's dissertation ("Consensus: Bridging Theory and Practice", 2014).

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use stormglass_sim::time::{Instant, Span};

use crate::names::{Switches, Twist};

mod election;
mod entry;
mod log;
mod membership;
mod message;
mod output;
mod persistence;
mod progress;
mod read;
mod replication;
mod snapshot;
pub mod storage;
mod transfer;

pub use entry::{Body, Entry, Snapshot, print};
pub use membership::Membership;
pub use message::{Kind, Message};
pub use output::{Output, PersistId, Point, Write};

use log::Log;
use membership::Memberships;
use persistence::Disk;
use progress::Progress;
use read::Read;
use replication::Offer;
use snapshot::{Part, Receiving};
use transfer::Transfer;

/// A replica: its number in the cluster's list of coordinators, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReplicaId(pub u16);

/// A term: at most one leader each (section 3.3). 0 before the first election.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Term(pub u32);

/// A place in the log, from 1; 0 is before the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Index(pub u64);

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

impl Index {
    /// The one after it.
    pub(crate) fn next(self) -> Index {
        Index(self.0 + 1)
    }
}

/// What only a leader knows. It begins with its term and ends with it.
#[derive(Clone, Debug)]
struct Leading {
    /// The first entry of its term.
    blank: Index,
    /// The others that take part.
    progress: BTreeMap<ReplicaId, Progress>,
    heartbeat_at: Instant,
    /// The last round that began.
    round: u64,
    /// The last round that a quorum has answered. Invariant: `confirmed <= round`.
    confirmed: u64,
    /// When the rounds after `confirmed` were sent.
    sent: VecDeque<(u64, Instant)>,
    /// When the round `confirmed` was sent.
    lease_from: Option<Instant>,
    reads: Vec<Read>,
    transfer: Option<Transfer>,
    /// It has told another to take over in this term: that may happen at any time from then on.
    abdicated: bool,
}

impl Leading {
    fn new(
        blank: Index,
        others: impl Iterator<Item = ReplicaId>,
        heartbeat_at: Instant,
        now: Instant,
    ) -> Self {
        Leading {
            blank,
            progress: others.map(|id| (id, Progress::new(blank, now))).collect(),
            heartbeat_at,
            round: 0,
            confirmed: 0,
            sent: VecDeque::new(),
            lease_from: None,
            reads: Vec::new(),
            transfer: None,
            abdicated: false,
        }
    }
}

/// One replica.
///
/// Whatever happens to it is a call, and what it wants done is appended to `out`, to be carried out
/// in that order. It must be ticked when [`Raft::deadline`] has come.
#[derive(Clone, Debug)]
pub struct Raft {
    id: ReplicaId,
    settings: Settings,
    switches: Switches,
    random: u64,
    /// How many timeouts were drawn.
    draws: u64,

    term: Term,
    vote: Option<ReplicaId>,
    log: Log,
    disk: Disk,
    /// Invariant: `applied <= commit`, and both at least the snapshot's index.
    commit: Index,
    applied: Index,

    memberships: Memberships,
    /// The one in force, and the index of its entry.
    membership: Arc<Membership>,
    in_force: Index,

    role: Role,
    leader: Option<ReplicaId>,
    /// When a leader of the current term or an older one was last heard.
    heard: Option<Instant>,
    election_at: Instant,
    /// Who decides the election that is under way, and what they said.
    electorate: Arc<Membership>,
    votes: BTreeMap<ReplicaId, bool>,
    receiving: Option<Receiving>,
    /// Messages of the current leader that begin behind the log, until it reaches there.
    early: Vec<Offer>,
    /// Invariant: there if and only if it leads.
    leading: Option<Leading>,
}

/// Whether a planted bug acts here; counts it if so, or if its places are counted anyway. `differs`
/// says that it would matter.
fn bug(switches: Switches, twist: Twist, differs: bool, out: &mut Vec<Output>) -> bool {
    if differs && switches.reports(twist) {
        out.push(Output::Reached(twist));
    }
    differs && switches.has(twist)
}

impl Raft {
    /// Starts from what is on disk; `bootstrap` is the membership that all replicas with an empty
    /// disk start with. `random` seeds the election timeouts.
    #[expect(clippy::too_many_arguments, reason = "each is another kind of thing")]
    pub fn new(
        id: ReplicaId,
        bootstrap: Membership,
        settings: Settings,
        durable: Durable,
        switches: Switches,
        random: u64,
        now: Instant,
        out: &mut Vec<Output>,
    ) -> Raft {
        let Durable { term, vote, snapshot, entries } = durable;
        let mut memberships = match &snapshot {
            Some(snapshot) => Memberships::new(snapshot.index, snapshot.membership.clone()),
            None => Memberships::new(Index(0), bootstrap),
        };
        for entry in &entries {
            if let Body::Membership(membership) = &entry.body {
                memberships.push(entry.index, membership.clone());
            }
        }
        let log = Log::new(snapshot, entries);
        let (last, base) = (log.last(), log.base());
        out.push(Output::Point(Point::Recovered { term, last }));
        out.extend(log.snapshot().map(|snapshot| Output::Restore(snapshot.clone())));
        // Before it fell it may have answered a leader, whose lease counts on it.
        let heard = (settings.lease.is_some() && term > Term(0)).then_some(now);
        let (in_force, membership) = memberships.newest().clone();
        let mut raft = Raft {
            id,
            settings,
            switches,
            random,
            draws: 0,
            term,
            vote,
            disk: Disk::new(last),
            log,
            commit: base,
            applied: base,
            memberships,
            electorate: membership.clone(),
            membership,
            in_force,
            role: Role::Follower,
            leader: None,
            heard,
            election_at: now,
            votes: BTreeMap::new(),
            receiving: None,
            early: Vec::new(),
            leading: None,
        };
        raft.draw_timeout(now);
        if raft.membership.voters == [id] && raft.membership.outgoing.is_empty() {
            // There is nobody to wait for.
            raft.election_at = now;
        }
        raft.verify();
        raft
    }

    /// When [`Raft::tick`] must be called at the latest.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        match &self.leading {
            Some(leading) => {
                let transfer = leading.transfer.map_or(Instant::FAR, |transfer| transfer.until);
                leading.heartbeat_at.min(transfer)
            }
            None if self.may_stand() => self.election_at,
            None => Instant::FAR,
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant, out: &mut Vec<Output>) {
        if self.leading.is_some() {
            self.tick_leader(now, out);
        } else if now >= self.election_at {
            self.time_out(now, out);
        }
        self.verify();
    }

    /// A message has arrived.
    pub fn receive(
        &mut self,
        from: ReplicaId,
        message: Message,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let Message { term, kind } = message;
        if from == self.id {
            return;
        }
        match kind {
            // These two are about a term that has not begun.
            Kind::PreVote { next, last, last_term } => {
                self.on_pre_vote(from, next, (last, last_term), now, out);
            }
            Kind::PreVoteReply { next, granted } if term <= self.term => {
                if self.role == Role::PreCandidate && next == Term(self.term.0 + 1) {
                    self.count_vote(from, granted, now, out);
                }
            }
            Kind::Vote { transfer, .. } if self.ignores_vote(transfer, now) => {}
            kind => {
                if term > self.term {
                    self.adopt(term, now, out);
                }
                if term == self.term {
                    self.dispatch(from, kind, now, out);
                } else {
                    self.answer_stale(from, &kind, out);
                }
            }
        }
        self.write_hard(out);
        self.verify();
    }

    /// "If a server receives a request with a stale term number, it rejects the request" (3.3).
    fn answer_stale(&mut self, from: ReplicaId, kind: &Kind, out: &mut Vec<Output>) {
        match kind {
            Kind::Vote { .. } => self.reply(from, Kind::VoteReply { granted: false }, out),
            Kind::Append { .. } | Kind::Heartbeat { .. } | Kind::Chunk { .. } => {
                self.reply(from, Kind::Stale, out);
            }
            _ => {}
        }
    }

    /// Acts on a message of the current term.
    fn dispatch(&mut self, from: ReplicaId, kind: Kind, now: Instant, out: &mut Vec<Output>) {
        if let Some(progress) = self.leading.as_mut().and_then(|l| l.progress.get_mut(&from)) {
            progress.heard = now;
        }
        let from_leader =
            matches!(kind, Kind::Append { .. } | Kind::Heartbeat { .. } | Kind::Chunk { .. });
        if from_leader {
            if self.role == Role::Leader {
                // Two leaders in a term: the checkers see it. There is nothing right to do.
                return;
            }
            self.hear_leader(from, now);
        }
        match kind {
            Kind::Vote { last, last_term, .. } => self.on_vote(from, (last, last_term), now, out),
            Kind::VoteReply { granted } if self.role == Role::Candidate => {
                self.count_vote(from, granted, now, out);
            }
            Kind::Append { prev, prev_term, entries, commit } => {
                self.on_append(from, Offer { prev, prev_term, entries, commit }, now, out);
            }
            Kind::AppendReply { matched } => self.on_append_reply(from, matched, now, out),
            Kind::AppendReject { prev, hint, hint_term } => {
                self.on_append_reject(from, prev, (hint, hint_term), out);
            }
            Kind::Heartbeat { round, commit } => {
                self.commit_to(commit.min(self.log.last()), now, out);
                self.reply(from, Kind::HeartbeatReply { round }, out);
            }
            Kind::HeartbeatReply { round } => self.on_heartbeat_reply(from, round, now, out),
            Kind::Chunk { index, last_term: term, membership, offset, total, data } => {
                let part = Part { index, term, membership, offset, total, data };
                self.on_chunk(from, part, now, out);
            }
            Kind::ChunkReply { index, arrived } => self.on_chunk_reply(from, index, arrived, out),
            Kind::TimeoutNow => self.on_timeout_now(now, out),
            Kind::VoteReply { .. }
            | Kind::PreVote { .. }
            | Kind::PreVoteReply { .. }
            | Kind::Stale => {}
        }
    }

    /// A leader appends commands. Gives back the index of the first, and the term: whether they
    /// took effect is known when that index is applied, by its term.
    ///
    /// # Errors
    /// If it does not lead, or is handing leadership over.
    pub fn propose(
        &mut self,
        commands: Vec<Arc<[u8]>>,
        now: Instant,
        out: &mut Vec<Output>,
    ) -> Result<(Index, Term), Refusal> {
        self.accepts()?;
        let term = self.term;
        let first = self.append_own(commands.into_iter().map(Body::Command), now, out);
        self.verify();
        Ok((first, term))
    }

    /// Whether new entries may be made here.
    fn accepts(&self) -> Result<(), Refusal> {
        match &self.leading {
            None => Err(Refusal::NotLeader(self.leader)),
            Some(leading) if leading.transfer.is_some() => Err(Refusal::Transferring),
            Some(_) => Ok(()),
        }
    }

    fn send(&self, to: ReplicaId, kind: Kind, out: &mut Vec<Output>) {
        out.push(Output::Send(to, Message { term: self.term, kind }));
    }

    /// See [`bug`].
    fn bug(&self, twist: Twist, differs: bool, out: &mut Vec<Output>) -> bool {
        bug(self.switches, twist, differs, out)
    }
    /// Whether any bug is planted: then what must hold may not.
    fn is_planted(&self) -> bool {
        self.switches.any()
    }

    /// Holds the replica to its invariants.
    fn verify(&self) {
        assert_eq!(self.leading.is_some(), self.role == Role::Leader);
        assert!(!self.disk.dirty, "term and vote are written before a call returns");
        if self.is_planted() {
            return;
        }
        assert!(self.log.base() <= self.applied);
        assert!(self.applied <= self.commit);
        assert!(self.commit <= self.log.last());
        assert!(self.log.last_term() <= self.term);
    }

    /// Its own number.
    #[must_use]
    pub fn id(&self) -> ReplicaId {
        self.id
    }
    /// What it is at the moment.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }
    /// The latest term that it has seen.
    #[must_use]
    pub fn term(&self) -> Term {
        self.term
    }
    /// Who leads, as far as it knows.
    #[must_use]
    pub fn leader(&self) -> Option<ReplicaId> {
        self.leader
    }
    /// How far it knows the log to be committed.
    #[must_use]
    pub fn commit(&self) -> Index {
        self.commit
    }
    /// How far it has handed entries out to be applied.
    #[must_use]
    pub fn applied(&self) -> Index {
        self.applied
    }
    /// The last index in its log.
    #[must_use]
    pub fn last_index(&self) -> Index {
        self.log.last()
    }
    /// Bytes of the log since the snapshot.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        self.log.bytes()
    }
    /// The membership in force.
    #[must_use]
    pub fn membership(&self) -> &Membership {
        &self.membership
    }
    /// Whether it leads and has committed an entry of its term: from then on it knows everything
    /// that was ever committed (6.4).
    #[must_use]
    pub fn may_lead(&self) -> bool {
        self.leading.as_ref().is_some_and(|leading| leading.blank <= self.commit)
    }
}
