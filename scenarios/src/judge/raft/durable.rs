//! Verifies: that what a leader takes for committed is durable, as that very entry, at a quorum of
//! the membership in its log (`durable-quorum`), and that a leader changes the membership only
//! after it has committed in its term, and not during a change (`one-change`).
//!
//! Does not verify: *who* votes. Points tell how many voters a membership has, not which, and of a
//! joint one only the new half. A replica that does not vote may stand in for one that does.
//!
//! Commits of older terms by counting replicas pass: they are durable, and still not safe.

use stormglass_engine::raft::{Index, Term};
use stormglass_sim::node::NodeId;

use super::super::law::{Findings, Law, Witness};
use super::{Raft, Replica};

/// So many words are kept for memberships that are told of late.
const KEPT: usize = 64;

/// A leader's word that entries are committed, and who had them.
#[derive(Clone, Debug)]
pub(super) struct Word {
    index: Index,
    /// Replicas that had the last of them durable.
    having: Vec<NodeId>,
    seen: Witness,
}

impl Replica {
    /// Whether an entry is in its log and durable, as far as anybody can tell.
    fn has_durable(&self, index: Index, term: Term) -> bool {
        let is_it =
            |log: &super::Log| log.is_in_snapshot(index) || log.term_at(index) == Some(term);
        self.durable >= index && self.logs.possible().iter().any(is_it)
    }
    /// Entries from a place on are gone.
    pub(super) fn cut_durable(&mut self, from: Index) {
        self.durable = self.durable.min(Index(from.0.saturating_sub(1)));
    }
}

impl Raft {
    /// A leader takes its log for committed up to a place: a quorum must have it.
    pub(super) fn count_durable(&mut self, index: Index, seen: Witness, findings: &mut Findings) {
        let Some(leader) = self.replicas.get(&seen.node).filter(|leader| !leader.lost) else {
            return;
        };
        let Some(term) = leader.logs.certain().and_then(|log| log.term_at(index)) else { return };
        let having = self.replicas.iter().filter(|(_, r)| r.has_durable(index, term));
        let having = having.map(|(node, _)| *node).collect();
        let word = Word { index, having, seen };
        if let Some((voters, _)) = self.membership(seen.node) {
            self.weigh(&word, (index, term), voters, seen, findings);
        }
        if self.words.len() >= KEPT {
            self.words.pop_front();
        }
        self.words.push_back(word);
    }

    /// A membership is told of only after its entry was committed: it counted all the same.
    pub(super) fn count_late(
        &mut self,
        (index, term): (Index, Term),
        voters: u16,
        seen: Witness,
        findings: &mut Findings,
    ) {
        if self.committed.term_at(index) != Some(term) {
            return;
        }
        let at = self.words.partition_point(|word| word.index < index);
        if let Some(word) = self.words.get(at).cloned() {
            self.weigh(&word, (index, term), voters, seen, findings);
        }
    }

    fn weigh(
        &self,
        word: &Word,
        entry: (Index, Term),
        voters: u16,
        seen: Witness,
        findings: &mut Findings,
    ) {
        let n = word.having.len();
        if n > usize::from(voters / 2) {
            return;
        }
        let names: Vec<String> = word.having.iter().map(|node| self.name(*node)).collect();
        let who = if names.is_empty() { "nobody".to_string() } else { names.join(" and ") };
        let sentence = format!(
            "{} took entry {} for committed when {who} had it durable, {n} of {voters} voters",
            self.name(word.seen.node),
            word.index.0,
        );
        let appended = self.entries.get(&entry).map(|known| known.seen);
        let mut events: Vec<Witness> = appended.into_iter().chain([word.seen]).collect();
        events.extend(Some(seen).filter(|seen| *seen != word.seen));
        findings.report(Law::DurableQuorum, seen.at, sentence, &events);
    }

    /// A membership is in force at a replica; if it leads, by its own doing.
    pub(super) fn changed(&mut self, index: Index, seen: Witness, findings: &mut Findings) {
        let name = self.name(seen.node);
        let Some(replica) = self.replicas.get_mut(&seen.node) else { return };
        let before = replica.changed.replace((index, seen)).filter(|(before, _)| *before < index);
        let Some(term) = replica.leads.filter(|_| index > replica.commit) else { return };
        let (i, t, commit) = (index.0, term.0, replica.commit);
        let pending = before.filter(|(before, _)| *before > commit);
        if let Some((before, first)) = pending {
            let sentence = format!(
                "{name} changed the membership by entry {i} while the change by entry {} was not \
                 committed",
                before.0
            );
            findings.report(Law::OneChange, seen.at, sentence, &[first, seen]);
        } else if replica.logs.certain().is_some_and(|log| log.term_at(commit) < Some(term)) {
            let sentence = format!(
                "{name} changed the membership by entry {i} before it had committed anything in \
                 its term {t}"
            );
            findings.report(Law::OneChange, seen.at, sentence, &[seen]);
        }
    }
}
