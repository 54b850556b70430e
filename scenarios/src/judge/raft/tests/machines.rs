//! What may be committed and applied.

use stormglass_engine::observation::Observation as O;
use stormglass_engine::raft::{Index, Point, Term};

use super::{Law, begun};

const LAW: Law = Law::StateMachineSafety;

#[test]
fn another_entry_is_applied() {
    let mut tale = begun();
    tale.replicates(2, 1, &[2]);
    tale.commits(2, 2, 1);
    let applied = |print| O::Applied { index: Index(2), term: Term(1), print };
    let mut bad = tale.clone();
    bad.events.push((2, applied(22)));
    bad.breaks(LAW, "r2 applied something else than entry 2 of term 1");
    tale.events.push((2, applied(21)));
    tale.holds();
}

#[test]
fn an_entry_of_another_term_is_applied() {
    let mut tale = begun();
    tale.applies(2, 2, 2);
    tale.breaks(LAW, "r2 applied entry 2 of term 2; committed is the one of term 1");
}

#[test]
fn an_entry_is_applied_that_is_not_committed() {
    let mut tale = begun();
    tale.replicates(3, 1, &[0, 1]);
    tale.applies(1, 3, 1);
    tale.breaks(LAW, "r1 applied entry 3 of term 1, which no leader had committed");
}

#[test]
fn a_gap_and_a_repetition() {
    let mut tale = begun();
    tale.replicates(3, 1, &[0, 1]);
    tale.commits(0, 3, 1);
    let mut again = tale.clone();
    again.applies(0, 2, 1);
    again.breaks(LAW, "r0 applied entry 2 of term 1 right after entry 2");
    let mut gap = tale.clone();
    gap.applies(2, 3, 1);
    gap.breaks(LAW, "r2 applied entry 3 of term 1 right after entry 1");
    tale.applies(0, 3, 1);
    tale.holds();
}

#[test]
fn a_life_begins_at_the_beginning_or_behind_a_snapshot() {
    let mut tale = begun();
    let mut bare = tale.clone();
    bare.back(0, 1, 2);
    bare.applies(0, 2, 1);
    let sentence =
        "r0 applied entry 2 of term 1 first in this life, without a snapshot up to there";
    bare.breaks(LAW, sentence);
    tale.point(0, Point::Compacted { index: Index(1) });
    tale.back(0, 1, 2);
    tale.applies(0, 2, 1);
    tale.back(0, 1, 2);
    tale.applies(0, 1, 1);
    tale.applies(0, 2, 1);
    tale.holds();
}

#[test]
fn a_leaders_snapshot_skips_entries() {
    let mut tale = begun();
    tale.replicates(3, 1, &[0, 1]);
    tale.commits(0, 3, 1);
    let snapshot = |index| Point::SnapshotInstalled { index: Index(index), term: Term(1) };
    let mut good = tale.clone();
    good.point(2, snapshot(2));
    good.replicates(3, 1, &[2]);
    good.commits(2, 3, 1);
    good.applies(2, 3, 1);
    good.elects(2, 2, &[1]);
    good.holds();
    tale.point(2, snapshot(4));
    tale.breaks(LAW, "r2 took a snapshot up to entry 4 of term 1, which is not committed");
}

#[test]
fn a_follower_commits_what_it_has_not_matched() {
    let mut tale = begun();
    tale.replicates(2, 1, &[2]);
    tale.replicates(3, 1, &[2]);
    tale.elects(1, 2, &[0]);
    tale.replicates(3, 2, &[1, 0]);
    tale.commits(1, 3, 2);
    let mut good = tale.clone();
    good.cuts(2, 3);
    good.appends(2, 3, 2);
    good.commits(2, 3, 2);
    good.holds();
    tale.commits(2, 3, 2);
    let sentence =
        "r2 took its entry 3 of term 1 for committed, but the committed one is of term 2";
    tale.breaks(LAW, sentence);
}

#[test]
fn a_follower_runs_ahead() {
    let mut tale = begun();
    tale.replicates(3, 1, &[0, 1]);
    let mut ahead = tale.clone();
    ahead.commits(1, 3, 1);
    ahead.breaks(LAW, "r1 took entry 3 for committed, which no leader has said");
    tale.commits(0, 3, 1);
    let mut short = tale.clone();
    short.commits(2, 3, 1);
    short.breaks(LAW, "r2 took entry 3 for committed, but its log ends at 1");
    tale.commits(1, 3, 1);
    tale.holds();
}

#[test]
fn what_is_committed_stays() {
    let mut tale = begun();
    tale.cuts(1, 2);
    tale.breaks(LAW, "r1 cut its log at entry 2, though it took all up to 2 for committed");
    let mut tale = begun();
    tale.replicates(3, 1, &[1]);
    tale.cuts(1, 3);
    tale.holds();
}
