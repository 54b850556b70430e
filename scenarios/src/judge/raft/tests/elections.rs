//! Who may be elected, and who may vote.

use stormglass_engine::raft::{Index, Point};

use super::{Law, Tale, begun};

#[test]
fn two_leaders_in_a_term() {
    let mut tale = Tale::of(5);
    tale.elects(0, 1, &[1, 2]);
    tale.elects(3, 1, &[4, 2]);
    let broken = tale.broken();
    let sentence = "r3 was elected in term 1, for which r0 was elected".to_string();
    assert!(broken.contains(&(Law::ElectionSafety, sentence)), "{broken:?}");
    let mut tale = Tale::of(5);
    tale.elects(0, 1, &[1, 2]);
    tale.elects(3, 2, &[4, 2]);
    tale.holds();
}

#[test]
fn a_quorum_is_more_than_half() {
    let mut tale = Tale::of(4);
    tale.elects(0, 1, &[1]);
    tale.breaks(Law::ElectionSafety, "r0 was elected in term 1 by 2 of 4 voters");
    let mut tale = Tale::of(4);
    tale.elects(0, 1, &[1, 2]);
    tale.holds();
}

/// The membership in the leader's log counts, committed or not.
#[test]
fn a_membership_counts_from_the_log_on() {
    let begun = || {
        let mut tale = Tale::of(5);
        tale.point(0, Point::MembershipChanged { index: Index(0), voters: 3, joint: false });
        tale.elects(0, 1, &[1]);
        tale.replicates(1, 1, &[0, 1]);
        tale.commits(0, 1, 1);
        tale
    };
    let grown = |voters: &[u16]| {
        let mut tale = begun();
        tale.appends(0, 2, 1);
        tale.point(0, Point::MembershipChanged { index: Index(2), voters: 5, joint: false });
        tale.syncs(0, 2);
        tale.back(0, 1, 2);
        tale.elects(0, 2, voters);
        tale
    };
    grown(&[1, 3]).holds();
    grown(&[1]).breaks(Law::ElectionSafety, "r0 was elected in term 2 by 2 of 5 voters");
    // One that never came to the disk does not.
    let mut lost = begun();
    lost.point(0, Point::MembershipChanged { index: Index(2), voters: 5, joint: false });
    lost.appends(0, 2, 1);
    lost.back(0, 1, 1);
    lost.elects(0, 2, &[1]);
    lost.holds();
}

#[test]
fn two_votes_in_a_life() {
    let mut tale = Tale::of(3);
    tale.votes(2, 1, 0);
    tale.votes(2, 1, 1);
    tale.breaks(Law::OneVote, "r2 voted for r0 in term 1 and for r1 in the same term");
    let mut tale = Tale::of(3);
    tale.votes(2, 1, 0);
    tale.votes(2, 1, 0);
    tale.votes(2, 2, 1);
    tale.holds();
    // Its own candidacy is a vote.
    let mut tale = Tale::of(3);
    tale.votes(2, 1, 2);
    tale.votes(2, 1, 1);
    tale.breaks(Law::OneVote, "r2 voted for r2 in term 1 and for r1 in the same term");
}

#[test]
fn a_vote_for_the_past() {
    let mut tale = Tale::of(3);
    tale.back(2, 4, 0);
    tale.votes(2, 3, 0);
    tale.breaks(Law::OneVote, "r2 voted for r0 in term 3, but it was in term 4");
}

/// A crash comes before the vote is durable, so before it is told: the next life may vote again.
#[test]
fn a_vote_that_a_crash_overtook_does_not_count() {
    let mut tale = Tale::of(3);
    tale.votes(2, 1, 0);
    tale.back(2, 0, 0);
    tale.votes(2, 1, 1);
    tale.holds();
}

/// But if somebody was elected who cannot do without the vote, it was told.
#[test]
fn a_vote_that_was_counted_was_told() {
    let mut tale = Tale::of(3);
    tale.votes(0, 1, 0);
    tale.votes(2, 1, 0);
    tale.back(2, 0, 0);
    tale.votes(2, 1, 1);
    tale.wins(0, 1);
    let sentence = "r2 voted for r0 in term 1 and, after a restart, for r1 in the same term";
    tale.breaks(Law::OneVote, sentence);
    // With a third vote it can do without.
    let mut tale = Tale::of(3);
    tale.votes(0, 1, 0);
    tale.votes(1, 1, 0);
    tale.votes(2, 1, 0);
    tale.back(2, 0, 0);
    tale.votes(2, 1, 2);
    tale.wins(0, 1);
    tale.holds();
}

/// What comes behind a vote on the disk is durable only if the vote is.
#[test]
fn a_vote_before_a_durable_entry_was_told() {
    let mut tale = Tale::of(3);
    tale.elects(0, 1, &[1, 2]);
    tale.appends(0, 1, 1);
    tale.appends(2, 1, 1);
    let mut lost = tale.clone();
    lost.back(2, 0, 0);
    lost.votes(2, 1, 1);
    lost.holds();
    tale.syncs(2, 1);
    tale.back(2, 1, 1);
    tale.votes(2, 1, 1);
    let sentence = "r2 voted for r0 in term 1 and, after a restart, for r1 in the same term";
    tale.breaks(Law::OneVote, sentence);
}

#[test]
fn a_leader_lacks_what_was_committed() {
    let mut tale = begun();
    tale.elects(2, 2, &[1]);
    let sentence =
        "r2 was elected in term 2 without entry 2 of term 1, which was committed in term 1";
    tale.breaks(Law::LeaderCompleteness, sentence);
    let mut tale = begun();
    tale.elects(1, 2, &[2]);
    tale.holds();
}

/// The old leader learns only later that a quorum had the entry, before it voted for another.
#[test]
fn a_commit_that_is_told_late_counts_too() {
    let mut tale = begun();
    tale.replicates(3, 1, &[0, 1]);
    let mut good = tale.clone();
    good.elects(1, 2, &[2]);
    good.commits(0, 3, 1);
    good.holds();
    tale.elects(2, 2, &[1]);
    tale.commits(0, 3, 1);
    let sentence =
        "r2 was elected in term 2 without entry 2 of term 1, which was committed in term 1";
    tale.breaks(Law::LeaderCompleteness, sentence);
}

/// Figure 8 of the paper: an entry of an older term that is on a quorum is not committed by that.
/// Whoever says so is caught when a leader without it is elected.
#[test]
fn the_term_of_the_commit_counts() {
    let mut tale = Tale::of(3);
    tale.elects(0, 1, &[1, 2]);
    tale.replicates(1, 1, &[0]);
    tale.elects(1, 2, &[2]);
    tale.replicates(1, 2, &[1]);
    tale.elects(0, 3, &[2]);
    tale.replicates(1, 1, &[2]);
    let mut good = tale.clone();
    // In term 3 entry 1 is committed with one of term 3: r1 was elected before that, in term 2.
    good.replicates(2, 3, &[0, 2]);
    good.commits(0, 2, 3);
    good.holds();
    tale.commits(0, 1, 3);
    tale.elects(1, 4, &[2]);
    let sentence =
        "r1 was elected in term 4 without entry 1 of term 1, which was committed in term 3";
    tale.breaks(Law::LeaderCompleteness, sentence);
}

/// A vote that somebody was elected with is durable: one who came back before it could vote again.
#[test]
fn a_vote_that_was_told_is_not_forgotten() {
    let mut tale = Tale::of(3);
    tale.elects(0, 5, &[1]);
    let (mut safe, mut spare) = (tale.clone(), tale.clone());
    tale.back(1, 4, 0);
    let sentence = "r1 came back in term 4, though its vote for r0 in term 5 was told";
    tale.breaks(Law::OneVote, sentence);
    safe.back(1, 5, 0);
    safe.holds();
    // One that was not needed may never have been told.
    spare.votes(2, 5, 0);
    spare.back(2, 4, 0);
    spare.holds();
}
