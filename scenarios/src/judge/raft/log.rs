//! What a replica's log may be, as far as its points tell.
//!
//! By log matching the term at a place says everything before that place, so runs of terms are
//! enough. After a restart it is not told how much of what was not durable the disk has kept: then
//! a replica has several possible logs, until something that it does rules some of them out.

use stormglass_engine::raft::{Index, Term};

/// A log as runs of terms.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Log {
    /// A snapshot stands for everything up to here: only the term at this very place is known.
    base: Index,
    /// The first entry of each run, and its term.
    runs: Vec<(Index, Term)>,
    last: Index,
}

impl Log {
    /// A log that begins after a snapshot.
    pub(super) fn after(index: Index, term: Term) -> Self {
        Log { base: index, runs: vec![(index, term)], last: index }
    }
    /// Whether a snapshot stands for this place.
    pub(super) fn is_in_snapshot(&self, index: Index) -> bool {
        index < self.base
    }
    /// The term at a place; none before the first entry known and behind the last.
    pub(super) fn term_at(&self, index: Index) -> Option<Term> {
        if index > self.last {
            return None;
        }
        let after = self.runs.partition_point(|(first, _)| *first <= index);
        after.checked_sub(1).map(|at| self.runs[at].1)
    }
    /// The term of the last entry.
    pub(super) fn last_term(&self) -> Term {
        self.runs.last().map_or(Term(0), |(_, term)| *term)
    }

    pub(super) fn append(&mut self, index: Index, term: Term) {
        if self.runs.is_empty() || self.last_term() != term {
            self.runs.push((index, term));
        }
        self.last = index;
    }

    /// Drops everything from a place on.
    pub(super) fn truncate(&mut self, from: Index) {
        let last = Index(from.0.saturating_sub(1));
        if last >= self.last {
            return;
        }
        self.last = last;
        self.runs.retain(|(first, _)| *first <= last);
        self.base = self.base.min(last);
    }

    /// The first place up to `upto` at which this log does not have what `committed` has.
    pub(super) fn lacks(&self, committed: &Log, upto: Index) -> Option<Index> {
        let upto = upto.min(committed.last);
        let begin = self.base.max(committed.base).max(Index(1));
        let starts = self.runs.iter().chain(&committed.runs).map(|(first, _)| *first);
        let end = Index(self.last.0 + 1);
        let places = starts.chain([begin, end]).filter(|at| (begin..=upto).contains(at));
        places.filter(|at| self.term_at(*at) != committed.term_at(*at)).min()
    }

    /// Takes over what `leader` has behind the end of this log, up to a place.
    pub(super) fn extend(&mut self, leader: &Log, upto: Index) {
        let begin = Index(self.last.0 + 1);
        for (at, (first, term)) in leader.runs.iter().enumerate() {
            let end = leader.runs.get(at + 1).map_or(leader.last, |(next, _)| Index(next.0 - 1));
            let (first, end) = ((*first).max(begin), end.min(upto));
            if first <= end {
                self.append(first, *term);
                self.last = end;
            }
        }
    }
}

/// The possible logs of one replica.
#[derive(Clone, Debug)]
pub(super) struct Logs {
    /// Never empty. All have the same last place.
    possible: Vec<Log>,
    /// What the log was before it was cut or replaced, while that may not be durable.
    older: Vec<Log>,
}

impl Default for Logs {
    fn default() -> Self {
        Logs { possible: vec![Log::default()], older: Vec::new() }
    }
}

impl Logs {
    /// Each of them.
    pub(super) fn possible(&self) -> &[Log] {
        &self.possible
    }
    /// The log, if there is no doubt.
    pub(super) fn certain(&self) -> Option<&Log> {
        match self.possible.as_slice() {
            [log] => Some(log),
            _ => None,
        }
    }
    /// The last place.
    pub(super) fn last(&self) -> Index {
        self.possible[0].last
    }

    /// Keeps the logs that `can` be; all of them if none can, and then it is false.
    pub(super) fn retain(&mut self, can: impl Fn(&Log) -> bool) -> bool {
        let some = self.possible.iter().any(&can);
        if some {
            self.possible.retain(can);
        }
        some
    }

    pub(super) fn append(&mut self, index: Index, term: Term) {
        self.possible.iter_mut().for_each(|log| log.append(index, term));
    }

    pub(super) fn truncate(&mut self, from: Index) {
        self.older.extend(self.possible.iter().cloned());
        self.possible.iter_mut().for_each(|log| log.truncate(from));
        unique(&mut self.possible);
        unique(&mut self.older);
    }

    pub(super) fn install(&mut self, index: Index, term: Term) {
        let now = vec![Log::after(index, term)];
        self.older.append(&mut std::mem::replace(&mut self.possible, now));
    }

    /// The log is durable up to a place. Only if that is all of it are older ones gone for sure.
    pub(super) fn persisted(&mut self, last: Index) {
        if last == self.last() {
            self.older.clear();
        }
    }

    /// A new life begins with a log up to `last`. False if no log was ever so long.
    pub(super) fn recovered(&mut self, last: Index) -> bool {
        let mut found = std::mem::take(&mut self.older);
        found.append(&mut self.possible);
        found.retain(|log| log.last >= last);
        found.iter_mut().for_each(|log| log.truncate(Index(last.0 + 1)));
        unique(&mut found);
        if found.is_empty() {
            *self = Logs::default();
            return false;
        }
        self.possible = found;
        true
    }
}

fn unique(logs: &mut Vec<Log>) {
    let mut kept: Vec<Log> = Vec::with_capacity(logs.len());
    for log in logs.drain(..) {
        if !kept.contains(&log) {
            kept.push(log);
        }
    }
    *logs = kept;
}
