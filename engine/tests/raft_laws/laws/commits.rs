//! What is committed, and what it rests on.

use std::sync::Arc;

use stormglass_engine::raft::{Durable, Entry, Index, Membership, ReplicaId, Term, print};

use super::{Committed, Judged, Law, Laws, Mark, broken, chained, is_quorum};

impl Laws {
    /// A replica knows the log to be committed up to an index.
    pub(super) fn claimed(&mut self, id: ReplicaId, index: Index, within: Term) -> Judged {
        let last = index.0 as usize;
        let replica = self.replica(id);
        let from = replica.commit;
        replica.commit = from.max(last);
        let log = replica.log.clone();
        if log.len() < last {
            let text = format!("{id} commits {last}, but has {} entries", log.len());
            return broken(Law::StateMachineSafety, text);
        }
        let fresh = last > self.committed.len();
        let by = if fresh { self.membership(&log) } else { Arc::clone(&self.bootstrap) };
        for (at, mark) in log.iter().enumerate().take(last).skip(from) {
            match self.committed.get(at) {
                Some(known) if known.mark != *mark => {
                    let text = format!(
                        "{id} commits {} of term {}, but that of term {} is committed",
                        at + 1,
                        mark.0.0,
                        known.mark.0.0
                    );
                    return broken(Law::StateMachineSafety, text);
                }
                Some(_) => {}
                None => self.commit(id, within, *mark, Arc::clone(&by))?,
            }
        }
        if fresh { self.check_durable(last - 1) } else { Ok(()) }
    }

    fn commit(&mut self, id: ReplicaId, within: Term, mark: Mark, by: Arc<Membership>) -> Judged {
        let at = self.committed.len();
        let before = self.committed.last().map_or(0, |entry| entry.state);
        let state = chained(before, mark.0, mark.1);
        self.committed.push(Committed { mark, within, by, state });
        // A leader of a later term may have been elected before this one committed.
        let without = self
            .elections
            .iter()
            .find(|election| election.term > within && election.log.get(at) != Some(&mark));
        if let Some(election) = without {
            let text = format!(
                "{id} commits {} in term {}, but {} leads term {} without it",
                at + 1,
                within.0,
                election.leader,
                election.term.0
            );
            return broken(Law::LeaderCompleteness, text);
        }
        Ok(())
    }

    /// The committed entry at a place of the log is durable on a quorum.
    fn check_durable(&self, at: usize) -> Judged {
        let entry = &self.committed[at];
        let has =
            |id: ReplicaId| self.replicas[usize::from(id.0)].disk.get(at) == Some(&entry.mark);
        if is_quorum(&entry.by, has) {
            return Ok(());
        }
        let on: Vec<usize> =
            (0..self.replicas.len()).filter(|id| has(ReplicaId(*id as u16))).collect();
        let text = format!(
            "entry {} of term {} is committed, but durable on {on:?} only: no quorum of {:?}",
            at + 1,
            entry.mark.0.0,
            entry.by
        );
        self.broken(Law::DurableQuorum, text)
    }

    /// A leader appends a membership.
    pub(super) fn one_change(&self, id: ReplicaId, entry: &Entry) -> Judged {
        let log = &self.replicas[usize::from(id.0)].log;
        let at = entry.index.0 as usize - 1;
        let before = log[..at].iter().rposition(|(_, print)| self.memberships.contains_key(print));
        if let Some(before) = before.filter(|before| *before >= self.committed.len()) {
            let text = format!(
                "{id} appends membership {} while membership {} is not committed",
                at + 1,
                before + 1
            );
            self.broken(Law::OneChange, text)?;
        }
        if !self.committed.iter().rev().any(|committed| committed.mark.0 == entry.term) {
            let text = format!(
                "{id} appends membership {} before it committed an entry of term {}",
                at + 1,
                entry.term.0
            );
            self.broken(Law::OneChange, text)?;
        }
        Ok(())
    }

    /// Entries have reached a disk.
    pub(crate) fn durable_entries(&mut self, id: ReplicaId, entries: &[Entry]) -> Judged {
        let Some(first) = entries.first() else { return Ok(()) };
        let disk = &mut self.replica(id).disk;
        let kept = first.index.0 as usize - 1;
        if kept > disk.len() {
            let text = format!("{id} writes {} behind {}", first.index.0, disk.len());
            return broken(Law::Recovery, text);
        }
        let gone = disk.split_off(kept);
        disk.extend(entries.iter().map(|entry| (entry.term, print(&entry.body))));
        self.check_lost(id, kept, &gone)
    }

    /// Term and vote have reached a disk.
    pub(crate) fn durable_hard_state(
        &mut self,
        id: ReplicaId,
        term: Term,
        vote: Option<ReplicaId>,
    ) -> Judged {
        let hard = self.replica(id).hard;
        let changed = hard.0 == term && hard.1.is_some() && hard.1 != vote;
        if changed || term < hard.0 {
            let text = format!(
                "{id} had term {} and vote {:?} on its disk, and makes it {} and {vote:?}",
                hard.0.0, hard.1, term.0
            );
            self.broken(Law::OneVote, text)?;
        }
        self.replica(id).hard = (term, vote);
        Ok(())
    }

    /// A whole new file has replaced a disk's contents: `held` is what it was made from.
    pub(crate) fn durable_file(&mut self, id: ReplicaId, held: &Durable) -> Judged {
        self.learn(&held.entries);
        let log = self.history(id, held)?;
        self.durable_hard_state(id, held.term, held.vote)?;
        let gone = std::mem::replace(&mut self.replica(id).disk, log);
        self.check_lost(id, 0, &gone)
    }

    /// Nothing that was on a disk from `kept` on was needed there.
    fn check_lost(&self, id: ReplicaId, kept: usize, gone: &[Mark]) -> Judged {
        let disk = &self.replicas[usize::from(id.0)].disk;
        for (at, mark) in (kept..).zip(gone) {
            let needed = self.committed.get(at).is_some_and(|entry| entry.mark == *mark);
            if needed && disk.get(at) != Some(mark) {
                self.check_durable(at)?;
            }
        }
        Ok(())
    }
}
