//! Verifies Raft's laws from the points that replicas pass: `election-safety` (one leader a term,
//! elected by a quorum), `one-vote` (see `votes`), `log-matching`, `leader-completeness`,
//! `state-machine-safety` (see `machine`), `durable-quorum` and `one-change` (see `durable`). A
//! replica is the process that observes.
//!
//! Does not verify: liveness, or that messages say what the points do.
//!
//! What counts as committed is what a leader says of its log. The term in which it said so counts
//! for leader completeness, not the entry's own.

use std::collections::{BTreeMap, VecDeque};

use stormglass_engine::observation::Observation;
use stormglass_engine::raft::{Index, Point, ReplicaId, Term};
use stormglass_sim::hash::Mixer;
use stormglass_sim::node::NodeId;

use super::law::{Findings, Law, Witness};

mod durable;
mod log;
mod machine;
#[cfg(test)]
mod tests;
mod votes;

use durable::Word;
use log::{Log, Logs};
use machine::{Machines, Progress};
use votes::Votes;

/// All replicas.
#[derive(Clone, Debug)]
pub(super) struct Raft {
    coordinators: Vec<NodeId>,
    replicas: BTreeMap<NodeId, Replica>,
    entries: BTreeMap<(Index, Term), Known>,
    /// Voters of the new half, and whether it is joint, by place and term of the entry.
    memberships: BTreeMap<(Index, Term), (u16, bool)>,
    elections: BTreeMap<Term, Election>,
    /// What leaders committed, and how far leaders of each term said so.
    committed: Log,
    told: BTreeMap<Term, Index>,
    /// The last of what leaders said, with who had it.
    words: VecDeque<Word>,
    machines: Machines,
}

/// What an entry is, wherever it is.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Fingerprint of it and all before it.
    chain: u64,
    print: u64,
    seen: Witness,
}

#[derive(Clone, Debug, Default)]
struct Replica {
    logs: Logs,
    /// Its log as it is now is durable up to here.
    durable: Index,
    /// Its log makes no sense any more, which was said once.
    lost: bool,
    /// The term that it leads.
    leads: Option<Term>,
    /// How far it took its log for committed in this life.
    commit: Index,
    /// A membership whose entry has not been seen in its log.
    membership: Option<(Index, (u16, bool))>,
    /// The last membership that came into force in this life.
    changed: Option<(Index, Witness)>,
    votes: Votes,
    progress: Progress,
}

/// An election, and the log with which it was won.
#[derive(Clone, Debug)]
struct Election {
    seen: Witness,
    logs: Logs,
    lost: bool,
}

impl Raft {
    /// The replicas of a cluster; all of them vote unless a membership says otherwise.
    pub(super) fn new(coordinators: Vec<NodeId>) -> Self {
        Raft {
            coordinators,
            replicas: BTreeMap::new(),
            entries: BTreeMap::new(),
            memberships: BTreeMap::new(),
            elections: BTreeMap::new(),
            committed: Log::default(),
            told: BTreeMap::new(),
            words: VecDeque::new(),
            machines: Machines::default(),
        }
    }

    /// A replica passes a point, or applies an entry.
    pub(super) fn observed(&mut self, seen: Witness, findings: &mut Findings) {
        match seen.what {
            Observation::Raft(point) => self.passed(point, seen, findings),
            Observation::Applied { index, term, print } => {
                self.applied((index, term, print), seen, findings);
            }
            _ => {}
        }
    }

    fn passed(&mut self, point: Point, seen: Witness, findings: &mut Findings) {
        let replica = self.replicas.entry(seen.node).or_default();
        match point {
            Point::Recovered { term, last } => self.recovered(term, last, seen, findings),
            Point::Campaigned { term } => {
                replica.leads = None;
                self.voted(term, None, seen, findings);
            }
            Point::VoteGranted { term, to } => self.voted(term, Some(to), seen, findings),
            Point::Elected { term } => self.elected(term, seen, findings),
            Point::SteppedDown { .. } => replica.leads = None,
            Point::Appended { index, term, print } => {
                replica.votes.appended(index);
                self.appended((index, term, print), seen, findings);
            }
            Point::Truncated { from } => self.truncated(from, seen, findings),
            Point::Persisted { last } => {
                replica.votes.persisted(last);
                replica.logs.persisted(last);
                replica.durable = last;
            }
            Point::Committed { index, term } => self.committed(index, term, seen, findings),
            Point::MembershipChanged { index, voters, joint } => {
                self.in_force(index, (voters, joint), seen, findings);
            }
            Point::Compacted { index } => replica.progress.compacted(index),
            Point::SnapshotInstalled { index, term } => {
                self.installed(index, term, seen, findings);
            }
            Point::SnapshotSent { .. } | Point::TransferBegan { .. } => {}
        }
    }

    fn in_force(
        &mut self,
        index: Index,
        membership: (u16, bool),
        seen: Witness,
        findings: &mut Findings,
    ) {
        let replica = self.replicas.entry(seen.node).or_default();
        let term = match index {
            Index(0) => Some(Term(0)),
            _ => replica.logs.certain().and_then(|log| log.term_at(index)),
        };
        match term {
            Some(term) => {
                if self.memberships.insert((index, term), membership).is_none() {
                    self.count_late((index, term), membership.0, seen, findings);
                }
            }
            None => replica.membership = Some((index, membership)),
        }
        self.changed(index, seen, findings);
    }

    /// A process as Raft calls it.
    fn name(&self, node: NodeId) -> String {
        self.id(node).map_or_else(|| node.to_string(), |id| id.to_string())
    }

    fn id(&self, node: NodeId) -> Option<ReplicaId> {
        let at = self.coordinators.iter().position(|known| *known == node)?;
        u16::try_from(at).ok().map(ReplicaId)
    }

    /// Whether a leader has said that an entry is committed.
    fn is_told(&self, index: Index) -> bool {
        self.told.values().any(|told| *told >= index)
    }

    fn recovered(&mut self, term: Term, last: Index, seen: Witness, findings: &mut Findings) {
        let name = self.name(seen.node);
        let replica = self.replicas.entry(seen.node).or_default();
        (replica.leads, replica.commit, replica.membership) = (None, Index(0), None);
        (replica.durable, replica.changed) = (last, None);
        replica.votes.recovered((&name, term), seen, findings);
        replica.progress.recovered();
        let had = replica.logs.last();
        if !replica.logs.recovered(last) && !replica.lost {
            replica.lost = true;
            let (last, had) = (last.0, had.0);
            let sentence =
                format!("{name} came back with a log up to entry {last}, but it had {had}");
            findings.report(Law::LogMatching, seen.at, sentence, &[seen]);
        }
    }

    fn voted(&mut self, term: Term, to: Option<ReplicaId>, seen: Witness, findings: &mut Findings) {
        let Some(to) = to.or_else(|| self.id(seen.node)) else { return };
        let name = self.name(seen.node);
        let replica = self.replicas.entry(seen.node).or_default();
        replica.votes.cast((&name, term, to), seen, findings);
    }

    fn elected(&mut self, term: Term, seen: Witness, findings: &mut Findings) {
        let name = self.name(seen.node);
        let t = term.0;
        if let Some(other) = self.elections.get(&term).map(|election| election.seen) {
            let rival = self.name(other.node);
            let sentence = format!("{name} was elected in term {t}, for which {rival} was elected");
            findings.report(Law::ElectionSafety, seen.at, sentence, &[other, seen]);
        }
        self.count_votes(term, seen, findings);
        let replica = self.replicas.entry(seen.node).or_default();
        replica.leads = Some(term);
        let Replica { logs, lost, .. } = replica.clone();
        self.elections.entry(term).or_insert(Election { seen, logs, lost });
        let earlier = self.told.range(..term).map(|(_, index)| *index).max();
        if let Some(upto) = earlier {
            self.complete(term, upto, seen, findings);
        }
    }

    /// Whether a quorum can have voted for a leader; whose votes it cannot have done without.
    fn count_votes(&mut self, term: Term, seen: Witness, findings: &mut Findings) {
        let Some(leader) = self.id(seen.node) else { return };
        let voted = |(_, replica): &(&NodeId, &Replica)| replica.votes.has(term, leader);
        let voters: Vec<NodeId> = self.replicas.iter().filter(voted).map(|(n, _)| *n).collect();
        let mut told = vec![seen.node];
        if let Some((members, joint)) = self.membership(seen.node) {
            let quorum = usize::from(members / 2 + 1);
            if voters.len() < quorum {
                let (name, t, n) = (self.name(seen.node), term.0, voters.len());
                let sentence = format!("{name} was elected in term {t} by {n} of {members} voters");
                findings.report(Law::ElectionSafety, seen.at, sentence, &[seen]);
            } else if voters.len() == quorum && !joint {
                told = voters;
            }
        }
        for node in told {
            let name = self.name(node);
            let Some(replica) = self.replicas.get_mut(&node) else { continue };
            replica.votes.counted((&name, term, leader), seen, findings);
        }
    }

    /// The voters of the new half of the membership in a replica's log, and whether it is joint.
    fn membership(&self, node: NodeId) -> Option<(u16, bool)> {
        let replica = self.replicas.get(&node).filter(|replica| !replica.lost)?;
        let log = replica.logs.certain()?;
        let newest = self.memberships.iter().rev().find(|((index, term), _)| {
            let of = if log.is_in_snapshot(*index) { &self.committed } else { log };
            *index == Index(0) || of.term_at(*index) == Some(*term)
        });
        let all = u16::try_from(self.coordinators.len()).ok()?;
        Some(newest.map_or((all, false), |(_, membership)| *membership))
    }

    /// Whether the leader of a term has what was committed up to a place.
    fn complete(&mut self, term: Term, upto: Index, seen: Witness, findings: &mut Findings) {
        let Some(election) = self.elections.get_mut(&term).filter(|e| !e.lost) else { return };
        let has_all = |log: &Log| log.lacks(&self.committed, upto).is_none();
        if election.logs.retain(has_all) {
            return;
        }
        election.lost = true;
        let (leader, elected) = (election.seen.node, election.seen);
        let lacking = election.logs.possible()[0].lacks(&self.committed, upto);
        let Some(index) = lacking else { return };
        let of = self.committed.term_at(index).unwrap_or_default();
        let mut tellers = self.told.iter().filter(|(t, i)| **t < term && **i >= index);
        let by = tellers.next().map_or(of, |(teller, _)| *teller);
        let sentence = format!(
            "{} was elected in term {} without entry {} of term {}, which was committed in term {}",
            self.name(leader),
            term.0,
            index.0,
            of.0,
            by.0
        );
        let mut events: Vec<Witness> =
            self.entries.get(&(index, of)).map(|known| known.seen).into_iter().collect();
        events.push(elected);
        events.extend(Some(seen).filter(|seen| *seen != elected));
        findings.report(Law::LeaderCompleteness, seen.at, sentence, &events);
    }

    fn committed(&mut self, index: Index, term: Term, seen: Witness, findings: &mut Findings) {
        let name = self.name(seen.node);
        let replica = self.replicas.entry(seen.node).or_default();
        replica.commit = replica.commit.max(index);
        let leads = replica.leads == Some(term);
        let told = self.told.values().max().copied().unwrap_or_default();
        if leads {
            let told = self.told.entry(term).or_default();
            *told = index.max(*told);
        }
        if replica.lost {
            return;
        }
        let i = index.0;
        let mut wrong = None;
        if index > replica.logs.last() {
            let last = replica.logs.last().0;
            wrong =
                Some(format!("{name} took entry {i} for committed, but its log ends at {last}"));
        } else if !leads && index > told {
            wrong = Some(format!("{name} took entry {i} for committed, which no leader has said"));
        } else if !replica.logs.retain(|log| log.lacks(&self.committed, index).is_none()) {
            let log = &replica.logs.possible()[0];
            let at = log.lacks(&self.committed, index).unwrap_or(index);
            let (own, due) = (log.term_at(at), self.committed.term_at(at));
            wrong = Some(format!(
                "{name} took its entry {} of term {} for committed, but the committed one is of \
                 term {}",
                at.0,
                own.unwrap_or_default().0,
                due.unwrap_or_default().0
            ));
        }
        if let Some(sentence) = wrong {
            findings.report(Law::StateMachineSafety, seen.at, sentence, &[seen]);
        } else if leads {
            self.lead(index, term, seen, findings);
        }
    }

    /// A leader's word of what is committed.
    fn lead(&mut self, index: Index, term: Term, seen: Witness, findings: &mut Findings) {
        let Some(log) = self.replicas.get(&seen.node).and_then(|r| r.logs.certain()) else {
            return;
        };
        self.committed.extend(log, index);
        self.count_durable(index, seen, findings);
        let later: Vec<Term> =
            self.elections.range(Term(term.0 + 1)..).map(|(term, _)| *term).collect();
        for term in later {
            self.complete(term, index, seen, findings);
        }
    }

    fn appended(
        &mut self,
        (index, term, print): (Index, Term, u64),
        seen: Witness,
        findings: &mut Findings,
    ) {
        let name = self.name(seen.node);
        let replica = self.replicas.entry(seen.node).or_default();
        if replica.lost {
            return;
        }
        let (i, t, last) = (index.0, term.0, replica.logs.last());
        // None if what is before is not known for certain.
        let chain = |log: &Log| {
            let before = self.entries.get(&(last, log.last_term())).map(|known| known.chain);
            let before = before.or_else(|| (last == Index(0)).then_some(0))?;
            let mut mixer = Mixer::new();
            mixer.pair(before, index.0);
            mixer.pair(term.0.into(), print);
            Some(mixer.finish64())
        };
        let follows = |log: &Log| log.last_term() <= term;
        let known = self.entries.get(&(index, term)).copied();
        let matches = |log: &Log| match (known, chain(log)) {
            (Some(known), Some(chain)) => known.chain == chain,
            _ => true,
        };
        let wrong = if index.0 != last.0 + 1 {
            Some(format!("{name} appended entry {i} of term {t} behind entry {}", last.0))
        } else if !replica.logs.retain(follows) {
            let newer = replica.logs.possible()[0].last_term().0;
            Some(format!("{name} appended entry {i} of term {t} behind one of term {newer}"))
        } else if !replica.logs.retain(matches) {
            let same = known.is_some_and(|known| known.print == print);
            let what = if same { "with another log before it" } else { "with other contents" };
            Some(format!("{name} appended entry {i} of term {t}, which another log has {what}"))
        } else {
            None
        };
        if let Some(sentence) = wrong {
            replica.lost = true;
            let events: Vec<Witness> = known.map(|known| known.seen).into_iter().collect();
            let events = [events, vec![seen]].concat();
            return findings.report(Law::LogMatching, seen.at, sentence, &events);
        }
        if known.is_none()
            && let Some(chain) = replica.logs.certain().and_then(chain)
        {
            self.entries.insert((index, term), Known { chain, print, seen });
        }
        replica.logs.append(index, term);
        if let Some((_, membership)) = replica.membership.take_if(|(of, _)| *of == index) {
            self.memberships.insert((index, term), membership);
        }
    }

    fn truncated(&mut self, from: Index, seen: Witness, findings: &mut Findings) {
        let name = self.name(seen.node);
        let replica = self.replicas.entry(seen.node).or_default();
        if from <= replica.commit {
            let (from, commit) = (from.0, replica.commit.0);
            let sentence = format!(
                "{name} cut its log at entry {from}, though it took all up to {commit} for \
                 committed"
            );
            findings.report(Law::StateMachineSafety, seen.at, sentence, &[seen]);
        }
        replica.votes.truncated(from);
        replica.cut_durable(from);
        replica.logs.truncate(from);
    }

    fn installed(&mut self, index: Index, term: Term, seen: Witness, findings: &mut Findings) {
        let name = self.name(seen.node);
        let replica = self.replicas.entry(seen.node).or_default();
        replica.logs.install(index, term);
        replica.cut_durable(Index(index.0 + 1));
        replica.progress.installed(index);
        replica.lost = false;
        let committed = self.committed.term_at(index);
        if !committed.map_or_else(|| self.is_told(index), |of| of == term) {
            let (i, t) = (index.0, term.0);
            let sentence = format!(
                "{name} took a snapshot up to entry {i} of term {t}, which is not committed"
            );
            findings.report(Law::StateMachineSafety, seen.at, sentence, &[seen]);
        }
    }

    fn applied(
        &mut self,
        (index, term, print): (Index, Term, u64),
        seen: Witness,
        findings: &mut Findings,
    ) {
        let name = self.name(seen.node);
        let (i, t) = (index.0, term.0);
        let entry = self.entries.get(&(index, term));
        let committed = self.committed.term_at(index);
        let wrong = if committed.is_some_and(|of| of != term) {
            let of = committed.unwrap_or_default().0;
            Some(format!("{name} applied entry {i} of term {t}; committed is the one of term {of}"))
        } else if !self.is_told(index) {
            Some(format!("{name} applied entry {i} of term {t}, which no leader had committed"))
        } else if entry.is_some_and(|known| known.print != print) {
            Some(format!("{name} applied something else than entry {i} of term {t}"))
        } else {
            None
        };
        if let Some(sentence) = wrong {
            let events: Vec<Witness> = entry.map(|known| known.seen).into_iter().collect();
            let events = [events, vec![seen]].concat();
            findings.report(Law::StateMachineSafety, seen.at, sentence, &events);
        }
        let Raft { replicas, machines, .. } = self;
        let progress = &mut replicas.entry(seen.node).or_default().progress;
        machines.applies(&name, (index, term, print), progress, seen, findings);
    }
}
