//! Verifies: that a replica votes at most once in a term, also across restarts as far as a vote was
//! certainly told; that it never goes back to an older term within a life, nor to one before a vote
//! that was told: it could vote again (`one-vote`).
//!
//! Does not verify: that a vote was deserved (leader completeness shows that).
//!
//! A vote is observed before it is durable, and told only then. One that a crash overtook was never
//! told, and the replica may vote again. It was told for certain if the candidate could not have
//! been elected without it, if it was the candidate's own and it was elected, or if a later entry
//! of the same log is durable.

use stormglass_engine::raft::{Index, ReplicaId, Term};

use super::super::law::{Findings, Law, Witness};

/// The votes of one replica.
#[derive(Clone, Debug, Default)]
pub(super) struct Votes {
    cast: Vec<Vote>,
    /// Which life this is.
    life: u32,
    /// The newest term of this life.
    term: Term,
}

#[derive(Clone, Copy, Debug)]
struct Vote {
    term: Term,
    to: ReplicaId,
    life: u32,
    /// Certainly told.
    told: bool,
    /// An entry behind which it was cast: when that is exceeded by durable ones, it is durable.
    behind: Option<Index>,
    seen: Witness,
}

impl Votes {
    /// A new life begins, in the term that the disk knows.
    pub(super) fn recovered(
        &mut self,
        (name, term): (&str, Term),
        seen: Witness,
        findings: &mut Findings,
    ) {
        let forgotten = |vote: &&Vote| vote.told && vote.term > term;
        if let Some(vote) = self.cast.iter().rev().find(forgotten) {
            let (old, now, to) = (vote.term.0, term.0, vote.to);
            let sentence = format!(
                "{name} came back in term {now}, though its vote for {to} in term {old} was told"
            );
            findings.report(Law::OneVote, seen.at, sentence, &[vote.seen, seen]);
        }
        self.life += 1;
        self.term = term;
    }

    /// Whether it voted for somebody in a term, in any life.
    pub(super) fn has(&self, term: Term, to: ReplicaId) -> bool {
        self.cast.iter().rev().any(|vote| vote.term == term && vote.to == to)
    }

    /// It votes.
    pub(super) fn cast(
        &mut self,
        (name, term, to): (&str, Term, ReplicaId),
        seen: Witness,
        findings: &mut Findings,
    ) {
        if term < self.term {
            let (old, now) = (term.0, self.term.0);
            let sentence = format!("{name} voted for {to} in term {old}, but it was in term {now}");
            findings.report(Law::OneVote, seen.at, sentence, &[seen]);
        }
        self.term = self.term.max(term);
        let vote = Vote { term, to, life: self.life, told: false, behind: None, seen };
        let rival = |known: &&Vote| {
            known.term == term && known.to != to && (known.told || known.life == self.life)
        };
        if let Some(known) = self.cast.iter().find(rival) {
            report(name, known, &vote, seen, findings);
        }
        self.cast.push(vote);
    }

    /// An entry is appended behind the votes of this life.
    pub(super) fn appended(&mut self, index: Index) {
        let life = self.life;
        for vote in self.cast.iter_mut().rev().take_while(|vote| vote.life == life) {
            vote.behind.get_or_insert(index);
        }
    }

    /// Entries from a place on are gone, so that others can come there.
    pub(super) fn truncated(&mut self, from: Index) {
        let of_life = self.cast.iter_mut().rev().take_while(|vote| vote.life == self.life);
        of_life.filter(|vote| vote.behind >= Some(from)).for_each(|vote| vote.behind = None);
    }

    /// The log is durable up to a place.
    pub(super) fn persisted(&mut self, last: Index) {
        let of_life = self.cast.iter_mut().rev().take_while(|vote| vote.life == self.life);
        for vote in of_life {
            vote.told |= vote.behind.is_some_and(|index| index <= last);
        }
    }

    /// It is certain that a vote was told: somebody was elected with it.
    pub(super) fn counted(
        &mut self,
        (name, term, to): (&str, Term, ReplicaId),
        seen: Witness,
        findings: &mut Findings,
    ) {
        let Some(at) = self.cast.iter().rposition(|vote| vote.term == term && vote.to == to) else {
            return;
        };
        self.cast[at].told = true;
        let vote = self.cast[at];
        // An earlier vote that a crash overtook does not count; a later one always does.
        let rival = |known: &&Vote| known.term == term && known.to != to;
        if let Some(later) = self.cast[at..].iter().find(rival) {
            report(name, &vote, later, seen, findings);
        }
    }
}

#[cold]
fn report(name: &str, first: &Vote, second: &Vote, seen: Witness, findings: &mut Findings) {
    let again = if first.life == second.life { "" } else { ", after a restart," };
    let sentence = format!(
        "{name} voted for {} in term {} and{again} for {} in the same term",
        first.to, first.term.0, second.to
    );
    let mut events = vec![first.seen, second.seen];
    events.extend(Some(seen).filter(|seen| *seen != second.seen));
    findings.report(Law::OneVote, seen.at, sentence, &events);
}
