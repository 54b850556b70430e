//! Raft's laws against histories by hand: each is broken by what breaks it, and by nothing near it.

mod durable;
mod elections;
mod logs;
mod machines;

use stormglass_engine::observation::Observation as O;
use stormglass_engine::raft::{Index, Point, ReplicaId, Term};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

use super::super::law::{Findings, Law, Witness};
use super::Raft;

/// A history of a few replicas, told in short words. The print of an entry is 10 times its place
/// and its term.
#[derive(Clone, Debug)]
struct Tale {
    replicas: u16,
    events: Vec<(u16, O)>,
}

impl Tale {
    /// Replicas that have just begun.
    fn of(replicas: u16) -> Self {
        let mut tale = Tale { replicas, events: Vec::new() };
        (0..replicas).for_each(|r| tale.back(r, 0, 0));
        tale
    }
    fn point(&mut self, r: u16, point: Point) {
        self.events.push((r, O::Raft(point)));
    }
    /// A life begins.
    fn back(&mut self, r: u16, term: u32, last: u64) {
        self.point(r, Point::Recovered { term: Term(term), last: Index(last) });
    }
    fn votes(&mut self, r: u16, term: u32, to: u16) {
        let term = Term(term);
        if r == to {
            return self.point(r, Point::Campaigned { term });
        }
        self.point(r, Point::VoteGranted { term, to: ReplicaId(to) });
    }
    fn wins(&mut self, r: u16, term: u32) {
        self.point(r, Point::Elected { term: Term(term) });
    }
    /// It stands for election, others vote for it, it wins.
    fn elects(&mut self, r: u16, term: u32, voters: &[u16]) {
        self.votes(r, term, r);
        voters.iter().for_each(|voter| self.votes(*voter, term, r));
        self.wins(r, term);
    }
    fn appends(&mut self, r: u16, index: u64, term: u32) {
        self.appends_other(r, index, term, index * 10 + u64::from(term));
    }
    fn appends_other(&mut self, r: u16, index: u64, term: u32, print: u64) {
        self.point(r, Point::Appended { index: Index(index), term: Term(term), print });
    }
    fn syncs(&mut self, r: u16, last: u64) {
        self.point(r, Point::Persisted { last: Index(last) });
    }
    fn cuts(&mut self, r: u16, from: u64) {
        self.point(r, Point::Truncated { from: Index(from) });
    }
    fn commits(&mut self, r: u16, index: u64, term: u32) {
        self.point(r, Point::Committed { index: Index(index), term: Term(term) });
    }
    fn applies(&mut self, r: u16, index: u64, term: u32) {
        let print = index * 10 + u64::from(term);
        self.events.push((r, O::Applied { index: Index(index), term: Term(term), print }));
    }
    /// An entry is in the logs of these, durable.
    fn replicates(&mut self, index: u64, term: u32, to: &[u16]) {
        for r in to {
            self.appends(*r, index, term);
            self.syncs(*r, index);
        }
    }

    /// What is broken.
    fn broken(&self) -> Vec<(Law, String)> {
        let node = |r: u16| NodeId::new(r, 1);
        let mut raft = Raft::new((0..self.replicas).map(node).collect());
        let mut findings = Findings::default();
        for (at, (r, what)) in (1..).zip(&self.events) {
            let seen = Witness { at: Instant(at), node: node(*r), what: *what };
            raft.observed(seen, &mut findings);
        }
        findings.all().iter().map(|v| (v.law, v.sentence.clone())).collect()
    }
    #[track_caller]
    fn holds(&self) {
        assert_eq!(self.broken(), []);
    }
    /// Just this law is broken, as the sentence says.
    #[track_caller]
    fn breaks(&self, law: Law, sentence: &str) {
        assert_eq!(self.broken(), [(law, sentence.to_string())]);
    }
}

/// Three replicas; r0 leads in term 1 and has committed entries 1 and 2, which r1 has too and r2
/// has not.
fn begun() -> Tale {
    let mut tale = Tale::of(3);
    tale.elects(0, 1, &[1, 2]);
    tale.replicates(1, 1, &[0, 1, 2]);
    tale.commits(0, 1, 1);
    (0..3).for_each(|r| tale.applies(r, 1, 1));
    tale.replicates(2, 1, &[0, 1]);
    tale.commits(0, 2, 1);
    tale.applies(0, 2, 1);
    tale.commits(1, 2, 1);
    tale.applies(1, 2, 1);
    tale
}

#[test]
fn an_ordinary_life_is_lawful() {
    let mut tale = begun();
    tale.holds();
    // r0 dies, r1 leads; r0 comes back with an entry that it had alone, and loses it.
    tale.appends(0, 3, 1);
    tale.elects(1, 2, &[2]);
    tale.replicates(3, 2, &[1]);
    tale.replicates(2, 1, &[2]);
    tale.replicates(3, 2, &[2]);
    tale.commits(1, 3, 2);
    tale.applies(1, 3, 2);
    tale.back(0, 1, 3);
    tale.cuts(0, 3);
    tale.appends(0, 3, 2);
    tale.commits(0, 3, 2);
    (1..=2).for_each(|index| tale.applies(0, index, 1));
    tale.applies(0, 3, 2);
    tale.holds();
}

#[test]
fn a_single_replica_rules_itself() {
    let mut tale = Tale::of(1);
    tale.elects(0, 1, &[]);
    tale.replicates(1, 1, &[0]);
    tale.commits(0, 1, 1);
    tale.applies(0, 1, 1);
    tale.back(0, 1, 1);
    tale.elects(0, 2, &[]);
    tale.replicates(2, 2, &[0]);
    tale.commits(0, 2, 2);
    tale.applies(0, 1, 1);
    tale.applies(0, 2, 2);
    tale.holds();
}
