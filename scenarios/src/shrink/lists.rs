//! What a run has several of and may do without: faults, forks, rare events, operations, planted
//! bugs, settings.

use stormglass_sim::time::Instant;

use super::ddmin::ddmin;
use super::{Candidate, Shrinker};
use crate::judge::law::Law;
use crate::outcome::Outcome;

/// So many of the last faults before the failure are tried alone.
const LAST: [usize; 4] = [1, 2, 3, 5];

/// So few faults are small enough.
const FEW: usize = 3;
/// So many other futures are tried for each fault.
const FUTURES: u64 = 32;

/// Settings that say what is claimed, and of what there is how much: they stay, or are shrunk by
/// number. Tables among them stay as a whole.
const KEPT: [&str; 16] = [
    "name",
    "guarantee",
    "assume",
    "recovery",
    "checkpoint.mode",
    "topology.name",
    "topology.sinks",
    "topology.parallelism",
    "input.rate",
    "input.csv.file",
    "input.csv.limit",
    "input.words.count",
    "input.partitions",
    "cluster.workers",
    "cluster.slots",
    "cluster.coordinators",
];
/// Tables whose keys need each other: each goes as a whole.
const WHOLE: [&str; 4] = ["input.burst", "checkpoint.adaptive", "queries", "operation"];

impl Shrinker<'_> {
    /// Guesses which faults matter: those that took effect before the failure, and of them the last
    /// ones.
    pub(super) fn guess_faults(&mut self, outcome: &Outcome) {
        let Some(broken) = outcome.violations().first().map(|violation| violation.at) else {
            return;
        };
        let struck = outcome.faults.iter().filter(|fault| fault.took_effect);
        let mut before: Vec<_> = struck
            .filter_map(|fault| Some((fault.at.filter(|at| *at <= broken)?, fault.number - 1)))
            .collect();
        before.sort_unstable();
        let guess = |last: usize| {
            let mut numbers: Vec<usize> = before.iter().rev().take(last).map(|(_, n)| *n).collect();
            numbers.sort_unstable();
            self.best.with_faults(&numbers)
        };
        let mut guesses = vec![guess(0)];
        guesses.extend(LAST.iter().filter(|last| **last < before.len()).map(|last| guess(*last)));
        guesses.push(guess(before.len()));
        self.first(guesses);
    }

    pub(super) fn faults(&mut self) {
        self.list(
            |candidate| (0..candidate.plan.faults.len()).collect(),
            |candidate, kept: &[usize]| candidate.with_faults(kept),
        );
    }

    /// Where many faults seem to be needed, some only move the others' time by a little. So each is
    /// left out while the run goes on with other draws from where it would have struck.
    pub(super) fn futures(&mut self) {
        while self.best.plan.faults.len() > FEW {
            let (best, all) = (self.best.clone(), 0..self.best.plan.faults.len());
            let others = all.clone().flat_map(|gone| {
                let kept: Vec<usize> = all.clone().filter(|at| *at != gone).collect();
                let at = best.plan.faults[gone].at().unwrap_or(Instant::ZERO);
                let without = best.with_faults(&kept);
                (1..=FUTURES).map(move |n| without.with_fork(at, n))
            });
            if self.first(others.collect()).is_none() {
                return;
            }
            self.faults();
        }
    }

    pub(super) fn forks(&mut self) {
        self.list(
            |candidate| candidate.plan.forks.clone(),
            |candidate, kept| {
                let mut next = candidate.clone();
                next.plan.forks = kept.to_vec();
                next
            },
        );
    }

    pub(super) fn rare_events(&mut self) {
        self.list(
            |candidate| candidate.plan.rare_events.clone(),
            |candidate, kept| {
                let mut next = candidate.clone();
                next.plan.rare_events = kept.to_vec();
                next
            },
        );
    }

    pub(super) fn operations(&mut self) {
        self.list(
            |candidate| candidate.plan.operations.clone(),
            |candidate, kept| {
                let mut next = candidate.clone();
                next.plan.operations = kept.to_vec();
                if kept.is_empty() {
                    // Nobody is there any more to ask for anything.
                    next.text.remove("operation");
                }
                next
            },
        );
    }

    pub(super) fn bugs(&mut self) {
        self.list(
            |candidate| candidate.bugs.clone(),
            |candidate, kept| Candidate { bugs: kept.to_vec(), ..candidate.clone() },
        );
    }

    /// Settings whose defaults do as well.
    pub(super) fn settings(&mut self) {
        let progress = self.bench.wanted.law == Law::Progress;
        let stays = |path: &str| {
            // How long recovery may take is what the law is about.
            let kept = KEPT.iter().chain(progress.then_some(&"phases.lull"));
            let stores = ["store.nodes", "store.replication", "operation"];
            kept.chain(&stores).any(|kept| is_below(path, kept))
        };
        let whole = |path: String| {
            let table = WHOLE.iter().find(|table| is_below(&path, table));
            table.map_or(path.clone(), |table| table.to_string())
        };
        self.list(
            |candidate| {
                let paths = candidate.text.paths().into_iter().filter(|path| !stays(path));
                let mut paths: Vec<String> = paths.map(whole).collect();
                paths.dedup();
                paths
            },
            |candidate, kept| {
                let mut next = candidate.clone();
                let paths = candidate.text.paths().into_iter().filter(|path| !stays(path));
                let gone = paths.map(whole).filter(|path| !kept.contains(path));
                gone.for_each(|path| next.text.remove(&path));
                next
            },
        );
    }

    /// Shrinks one list of the best candidate.
    fn list<T: Clone>(
        &mut self,
        items: impl Fn(&Candidate) -> Vec<T>,
        with: impl Fn(&Candidate, &[T]) -> Candidate,
    ) {
        let whole = self.best.clone();
        ddmin(items(&whole), &mut |lists| {
            self.first(lists.iter().map(|kept| with(&whole, kept)).collect())
        });
    }
}

/// Whether a path is another one or below it.
fn is_below(path: &str, table: &str) -> bool {
    path.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
