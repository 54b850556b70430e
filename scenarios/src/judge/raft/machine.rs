//! Verifies: that whatever replicas apply at a place is the same entry everywhere, the one that is
//! in the log and is committed; that each life applies in order, without gaps, from the beginning
//! or from behind a snapshot of its own (`state-machine-safety`).
//!
//! Does not verify: what applying an entry does.

use std::collections::{BTreeMap, BTreeSet};

use stormglass_engine::raft::{Index, Term};

use super::super::law::{Findings, Law, Witness};

/// What was applied anywhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Machines {
    applied: BTreeMap<Index, (Term, u64, Witness)>,
}

/// How far one replica has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// The last entry applied in this life.
    last: Option<Index>,
    /// The last places of snapshots that a life may begin behind.
    snapshots: BTreeSet<Index>,
    /// A leader's snapshot, which this life may go on behind.
    installed: Option<Index>,
}

impl Progress {
    /// A new life begins.
    pub(super) fn recovered(&mut self) {
        self.last = None;
        self.installed = None;
    }
    /// It has a snapshot of its own.
    pub(super) fn compacted(&mut self, index: Index) {
        self.snapshots.insert(index);
    }
    /// It got a snapshot.
    pub(super) fn installed(&mut self, index: Index) {
        self.snapshots.insert(index);
        self.installed = Some(index);
    }

    /// What is wrong with applying an entry now.
    fn applies(&mut self, index: Index) -> Option<String> {
        let before = Index(index.0.saturating_sub(1));
        let behind_snapshot = match self.last {
            None => before == Index(0) || self.snapshots.contains(&before),
            Some(_) => self.installed == Some(before),
        };
        let wrong = match self.last {
            _ if behind_snapshot => None,
            None => Some("first in this life, without a snapshot up to there".to_string()),
            Some(last) if last == before => None,
            Some(last) => Some(format!("right after entry {}", last.0)),
        };
        if behind_snapshot {
            self.installed = None;
        }
        self.last = Some(index);
        wrong
    }
}

impl Machines {
    /// A replica applies an entry.
    pub(super) fn applies(
        &mut self,
        name: &str,
        (index, term, print): (Index, Term, u64),
        progress: &mut Progress,
        seen: Witness,
        findings: &mut Findings,
    ) {
        let (i, t) = (index.0, term.0);
        if let Some(wrong) = progress.applies(index) {
            let sentence = format!("{name} applied entry {i} of term {t} {wrong}");
            findings.report(Law::StateMachineSafety, seen.at, sentence, &[seen]);
        }
        let (of, known, first) = *self.applied.entry(index).or_insert((term, print, seen));
        if (of, known) != (term, print) {
            let sentence = if of == term {
                format!("{name} applied another entry {i} of term {t} than others did")
            } else {
                format!(
                    "{name} applied entry {i} of term {t}, where entry {i} of term {} was applied \
                     before",
                    of.0
                )
            };
            findings.report(Law::StateMachineSafety, seen.at, sentence, &[first, seen]);
        }
    }
}
