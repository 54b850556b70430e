//! The laws: what must hold after every step, whatever was lost, cut, delayed or crashed.
//!
//! Verifies: the five properties of the paper's figure 3.2, that votes and commits rest on quorums
//! of the membership in the log and on what is really durable, that one change of membership is
//! under way at a time, that a disk gives back what it was given, and that reads are linearizable.
//! It reads points, writes and messages as they happen and keeps logs of its own.
//!
//! Does not verify: progress, which is the cluster's to ask for once faults have stopped; clocks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use stormglass_engine::raft::{
    Body, Durable, Entry, Index, Membership, Point, ReplicaId, Snapshot, Term, print,
};
use stormglass_sim::hash::Mixer;

mod commits;
#[cfg(test)]
mod tests;

/// A law's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Law {
    /// At most one leader a term (3.4).
    ElectionSafety,
    /// A leader was voted for by a quorum of each half of the membership in its log (3.4, 4.3).
    ElectionQuorum,
    /// A replica tells one vote a term, in all its lives (3.4, 3.8).
    OneVote,
    /// A leader neither overwrites nor deletes entries of its log (3.5).
    LeaderAppendOnly,
    /// Logs with an entry of the same index and term are the same up to there (3.5).
    LogMatching,
    /// What was committed in a term is in the log of every leader of a later term (3.6.3).
    LeaderCompleteness,
    /// Nobody applies another entry at an index, or leaves one out (3.6.3).
    StateMachineSafety,
    /// What is committed is durable on a quorum of each half of the membership, for ever (3.8).
    DurableQuorum,
    /// A membership is appended only when the one before and an entry of the leader's own term are
    /// committed (4.1, 4.3).
    OneChange,
    /// What was durable before a crash is found after it, and nothing else (3.8).
    Recovery,
    /// A read sees every write that was acknowledged before it was asked for (6.4).
    LinearizableReads,
    /// Once faults have stopped, new entries are committed, and reach every member (3.9).
    Progress,
    /// The replica held itself to be broken.
    Assertion,
}

impl Law {
    /// Laws about what everything rests on. Breaking one of them does no harm by itself; it is a
    /// matter of luck then whether one of the others is broken.
    fn is_about_causes(self) -> bool {
        use Law::{DurableQuorum, ElectionQuorum, OneChange, OneVote, Recovery};
        matches!(self, OneVote | ElectionQuorum | DurableQuorum | OneChange | Recovery)
    }
}

/// Which laws are asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    /// All of them: a bug is found where it begins.
    All,
    /// Only those about what comes of it in the end.
    Harm,
}

/// A law was broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Violation {
    /// Which one.
    pub(crate) law: Law,
    /// How.
    pub(crate) text: String,
}

/// What a law says to a step.
pub(crate) type Judged = Result<(), Violation>;

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.law, self.text)
    }
}

/// Says that a law is broken.
pub(crate) fn broken<T>(law: Law, text: String) -> Result<T, Violation> {
    Err(Violation { law, text })
}

/// An entry as the laws know it: its term, and the fingerprint of its body.
type Mark = (Term, u64);

/// A committed entry.
#[derive(Clone, Debug)]
struct Committed {
    mark: Mark,
    /// The term of the first who knew that it is committed. Not the entry's own.
    within: Term,
    /// The membership that it was committed by.
    by: Arc<Membership>,
    /// The state after it.
    state: u64,
}

/// A replica as the laws know it.
#[derive(Clone, Debug, Default)]
struct Replica {
    /// Its whole log, as its points tell it; what a snapshot covers is what was committed.
    log: Vec<Mark>,
    /// The same of its disk, as the writes that reached it tell.
    disk: Vec<Mark>,
    /// Term and vote on its disk.
    hard: (Term, Option<ReplicaId>),
    /// The term that it leads.
    leads: Option<Term>,
    /// Up to where it has said that the log is committed, in this life.
    commit: usize,
    /// The last entry that it applied in this life.
    applied: u64,
}

/// An election that was won.
#[derive(Clone, Debug)]
struct Election {
    term: Term,
    leader: ReplicaId,
    log: Vec<Mark>,
}

/// All that the laws remember of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Laws {
    asked: Asked,
    bootstrap: Arc<Membership>,
    memberships: BTreeMap<u64, Arc<Membership>>,
    /// The fingerprint of each entry that was ever in a log, and the term of the one before it.
    entries: BTreeMap<(u64, Term), (u64, Term)>,
    committed: Vec<Committed>,
    elections: Vec<Election>,
    /// Votes that somebody else was told of.
    votes: BTreeMap<(ReplicaId, Term), ReplicaId>,
    replicas: Vec<Replica>,
    /// What a read that begins now has to see.
    floor: u64,
    reads: BTreeMap<u64, u64>,
}

/// The state of the machine after one more entry: a chain of fingerprints.
pub(crate) fn chained(state: u64, term: Term, print: u64) -> u64 {
    let mut mixer = Mixer::new();
    mixer.pair(state, term.0.into());
    mixer.word(print);
    mixer.finish64()
}

/// Whether those for whom `with` holds are a majority of each half.
pub(crate) fn is_quorum(membership: &Membership, with: impl Fn(ReplicaId) -> bool) -> bool {
    [&membership.voters, &membership.outgoing].into_iter().all(|half| {
        half.is_empty() || half.iter().filter(|voter| with(**voter)).count() > half.len() / 2
    })
}

impl Laws {
    /// Those of a cluster of so many replicas that begins with a membership.
    pub(crate) fn new(replicas: u16, bootstrap: Membership, asked: Asked) -> Self {
        Laws {
            asked,
            bootstrap: Arc::new(bootstrap),
            memberships: BTreeMap::new(),
            entries: BTreeMap::new(),
            committed: Vec::new(),
            elections: Vec::new(),
            votes: BTreeMap::new(),
            replicas: vec![Replica::default(); usize::from(replicas)],
            floor: 0,
            reads: BTreeMap::new(),
        }
    }

    /// The last index that anybody knows to be committed.
    pub(crate) fn last_committed(&self) -> u64 {
        self.committed.len() as u64
    }

    /// How many elections were won.
    pub(crate) fn elections(&self) -> usize {
        self.elections.len()
    }

    /// Says that a law is broken, if it is asked.
    fn broken(&self, law: Law, text: String) -> Judged {
        if self.asked == Asked::Harm && law.is_about_causes() { Ok(()) } else { broken(law, text) }
    }

    fn replica(&mut self, id: ReplicaId) -> &mut Replica {
        &mut self.replicas[usize::from(id.0)]
    }

    fn membership(&self, log: &[Mark]) -> Arc<Membership> {
        let found = log.iter().rev().find_map(|(_, print)| self.memberships.get(print));
        Arc::clone(found.unwrap_or(&self.bootstrap))
    }

    /// A replica starts with what it found on its disk.
    pub(crate) fn life(&mut self, id: ReplicaId, found: &Durable) -> Judged {
        let log = self.history(id, found)?;
        let replica = self.replica(id);
        if (found.term, found.vote) != replica.hard || log != replica.disk {
            let (term, vote) = replica.hard;
            let text = format!(
                "{id} found {} with vote {:?} and {} entries, but {} with vote {vote:?} and {} \
                 entries were durable",
                found.term.0,
                found.vote,
                log.len(),
                term.0,
                replica.disk.len()
            );
            self.broken(Law::Recovery, text)?;
        }
        let (disk, hard) = (log.clone(), (found.term, found.vote));
        let replica = self.replica(id);
        *replica = Replica { log, disk, hard, ..Replica::default() };
        Ok(())
    }

    /// The whole log that a durable state stands for.
    fn history(&self, id: ReplicaId, durable: &Durable) -> Result<Vec<Mark>, Violation> {
        let mut log = Vec::new();
        if let Some(snapshot) = &durable.snapshot {
            self.check_snapshot(id, snapshot.index, snapshot.term)?;
            let covered = &self.committed[..snapshot.index.0 as usize];
            log.extend(covered.iter().map(|entry| entry.mark));
        }
        for entry in &durable.entries {
            if entry.index.0 != log.len() as u64 + 1 {
                let text = format!("{id} has a gap before {} on its disk", entry.index.0);
                return broken(Law::Recovery, text);
            }
            log.push((entry.term, print(&entry.body)));
        }
        Ok(log)
    }

    fn check_snapshot(&self, id: ReplicaId, index: Index, term: Term) -> Judged {
        match self.committed.get((index.0 as usize).wrapping_sub(1)) {
            Some(entry) if entry.mark.0 == term => Ok(()),
            _ => broken(
                Law::StateMachineSafety,
                format!("{id} has a snapshot of {} in term {}, not committed", index.0, term.0),
            ),
        }
    }

    /// A replica passes a point.
    pub(crate) fn point(&mut self, id: ReplicaId, point: Point) -> Judged {
        match point {
            Point::Elected { term } => self.elected(id, term),
            Point::SteppedDown { .. } => {
                self.replica(id).leads = None;
                Ok(())
            }
            Point::Appended { index, term, print } => self.appended(id, index, (term, print)),
            Point::Truncated { from } => self.truncated(id, from),
            Point::Persisted { last } => {
                let replica = self.replica(id);
                let at = last.0 as usize;
                if replica.disk.get(..at) == replica.log.get(..at) {
                    return Ok(());
                }
                self.broken(Law::Recovery, format!("{id} takes its log to be durable up to {at}"))
            }
            Point::Committed { index, term } => self.claimed(id, index, term),
            Point::Compacted { index } if index.0 > self.replica(id).applied => broken(
                Law::StateMachineSafety,
                format!("{id} compacts up to {}, which it has not applied", index.0),
            ),
            Point::SnapshotInstalled { index, term } => self.installed(id, index, term),
            _ => Ok(()),
        }
    }

    fn elected(&mut self, id: ReplicaId, term: Term) -> Judged {
        if let Some(other) = self.elections.iter().find(|election| election.term == term) {
            let text = format!("{id} and {} were elected in term {}", other.leader, term.0);
            return broken(Law::ElectionSafety, text);
        }
        let replica = &self.replicas[usize::from(id.0)];
        let log = replica.log.clone();
        let membership = self.membership(&log);
        let voted = |voter: ReplicaId| {
            let own = voter == id && replica.hard == (term, Some(id));
            own || self.votes.get(&(voter, term)) == Some(&id)
        };
        if !is_quorum(&membership, voted) {
            let text = format!("{id} leads term {} without a quorum of {membership:?}", term.0);
            self.broken(Law::ElectionQuorum, text)?;
        }
        for (at, entry) in self.committed.iter().enumerate() {
            if entry.within < term && log.get(at) != Some(&entry.mark) {
                let text = format!(
                    "{id} leads term {} without entry {}, committed in term {}",
                    term.0,
                    at + 1,
                    entry.within.0
                );
                return broken(Law::LeaderCompleteness, text);
            }
        }
        self.elections.push(Election { term, leader: id, log });
        self.replica(id).leads = Some(term);
        Ok(())
    }

    fn appended(&mut self, id: ReplicaId, index: Index, mark: Mark) -> Judged {
        let log = &mut self.replicas[usize::from(id.0)].log;
        if index.0 != log.len() as u64 + 1 {
            let text = format!("{id} appends {} behind {}", index.0, log.len());
            return broken(Law::LogMatching, text);
        }
        let before = log.last().map_or(Term(0), |last| last.0);
        log.push(mark);
        let known = self.entries.entry((index.0, mark.0)).or_insert((mark.1, before));
        if *known != (mark.1, before) {
            let text = format!("{id} has another entry {} of term {}", index.0, mark.0.0);
            return broken(Law::LogMatching, text);
        }
        Ok(())
    }

    fn truncated(&mut self, id: ReplicaId, from: Index) -> Judged {
        let replica = self.replica(id);
        if let Some(term) = replica.leads {
            let text = format!("{id} leads term {} and cuts its log at {}", term.0, from.0);
            return broken(Law::LeaderAppendOnly, text);
        }
        if from.0 <= replica.applied {
            let text = format!("{id} cuts its log at {}, which it has applied", from.0);
            return broken(Law::StateMachineSafety, text);
        }
        replica.log.truncate(from.0 as usize - 1);
        Ok(())
    }

    fn installed(&mut self, id: ReplicaId, index: Index, term: Term) -> Judged {
        self.check_snapshot(id, index, term)?;
        let covered = self.committed[..index.0 as usize].iter().map(|entry| entry.mark).collect();
        let replica = self.replica(id);
        if replica.leads.is_some() {
            return broken(Law::LeaderAppendOnly, format!("{id} leads and installs a snapshot"));
        }
        replica.log = covered;
        replica.commit = replica.commit.max(index.0 as usize);
        Ok(())
    }

    /// A replica tells another that it has its vote, or asks it for its own.
    pub(crate) fn told_vote(&mut self, voter: ReplicaId, term: Term, to: ReplicaId) -> Judged {
        let told = *self.votes.entry((voter, term)).or_insert(to);
        if told != to {
            let text = format!("{voter} votes for {told} and for {to} in term {}", term.0);
            self.broken(Law::OneVote, text)?;
        }
        Ok(())
    }

    /// A replica wants entries written: memberships among them become known.
    pub(crate) fn writes(&mut self, id: ReplicaId, entries: &[Entry]) -> Judged {
        self.learn(entries);
        for entry in entries.iter().filter(|entry| matches!(entry.body, Body::Membership(_))) {
            if self.replica(id).leads == Some(entry.term) {
                self.one_change(id, entry)?;
            }
        }
        Ok(())
    }

    /// Learns which fingerprints are memberships.
    fn learn(&mut self, entries: &[Entry]) {
        for entry in entries {
            if let Body::Membership(membership) = &entry.body {
                self.memberships.insert(print(&entry.body), Arc::clone(membership));
            }
        }
    }

    /// A replica applies an entry.
    pub(crate) fn applied(&mut self, id: ReplicaId, entry: &Entry) -> Judged {
        let (index, mark) = (entry.index.0, (entry.term, print(&entry.body)));
        let known = self.committed.get(index as usize - 1).map(|known| known.mark);
        let replica = self.replica(id);
        if index != replica.applied + 1 {
            let text = format!("{id} applies {index} after {}", replica.applied);
            return broken(Law::StateMachineSafety, text);
        }
        if known != Some(mark) || index as usize > replica.commit {
            let text = format!("{id} applies {index} of term {}, not committed", entry.term.0);
            return broken(Law::StateMachineSafety, text);
        }
        replica.applied = index;
        Ok(())
    }

    /// A replica takes its state from a snapshot; `state` is what it holds.
    pub(crate) fn restored(&mut self, id: ReplicaId, snapshot: &Snapshot, state: u64) -> Judged {
        self.check_snapshot(id, snapshot.index, snapshot.term)?;
        let at = snapshot.index.0 as usize;
        let right = self.committed[at - 1].state;
        let log: Vec<Mark> = self.committed[..at].iter().map(|entry| entry.mark).collect();
        let membership = self.membership(&log);
        let replica = self.replica(id);
        let back = snapshot.index.0 <= replica.applied;
        replica.applied = snapshot.index.0;
        replica.commit = replica.commit.max(at);
        if back || state != right || *membership != snapshot.membership {
            let text = format!("{id} restores a snapshot of {at} that is not what was applied");
            return broken(Law::StateMachineSafety, text);
        }
        Ok(())
    }

    /// A client learns that what it proposed is committed, or reads the state at an index.
    pub(crate) fn acknowledged(&mut self, index: u64) {
        self.floor = self.floor.max(index);
    }

    /// A client asks for a read.
    pub(crate) fn read_begins(&mut self, request: u64) {
        self.reads.insert(request, self.floor);
    }

    /// A replica is willing to serve a read at an index.
    pub(crate) fn read_ready(&mut self, id: ReplicaId, request: u64, index: u64) -> Judged {
        let Some(floor) = self.reads.remove(&request) else {
            let text = format!("{id} answers read {request}, which nobody waits for");
            return broken(Law::LinearizableReads, text);
        };
        if index < floor {
            let text = format!("{id} serves a read at {index}, {floor} was acknowledged before");
            return broken(Law::LinearizableReads, text);
        }
        Ok(())
    }
}
