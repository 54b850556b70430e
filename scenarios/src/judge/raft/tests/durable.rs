//! Who must have what a leader takes for committed, and when it may change the membership.

use stormglass_engine::raft::{Index, Point};

use super::{Law, Tale, begun};

fn in_force(tale: &mut Tale, r: u16, index: u64, voters: u16, joint: bool) {
    tale.point(r, Point::MembershipChanged { index: Index(index), voters, joint });
}

#[test]
fn a_quorum_has_it_durable() {
    // In the logs of all three, durable at one; then at two.
    let mut tale = begun();
    (0..3).for_each(|r| tale.appends(r, 3 - u64::from(r == 2), 1));
    tale.syncs(0, 3);
    let mut early = tale.clone();
    early.commits(0, 3, 1);
    let sentence = "r0 took entry 3 for committed when r0 had it durable, 1 of 3 voters";
    early.breaks(Law::DurableQuorum, sentence);
    tale.syncs(1, 3);
    tale.commits(0, 3, 1);
    tale.holds();
}

/// A leader's own disk counts no more than another's, and no less.
#[test]
fn a_leader_may_be_the_one_without_it() {
    let mut tale = begun();
    tale.replicates(2, 1, &[2]);
    tale.appends(0, 3, 1);
    tale.replicates(3, 1, &[1, 2]);
    tale.commits(0, 3, 1);
    tale.holds();
    let mut alone = Tale::of(1);
    alone.elects(0, 1, &[]);
    alone.appends(0, 1, 1);
    alone.commits(0, 1, 1);
    let sentence = "r0 took entry 1 for committed when nobody had it durable, 0 of 1 voters";
    alone.breaks(Law::DurableQuorum, sentence);
}

/// Another entry at the same place is not it, and one that was cut off is not there any more.
#[test]
fn another_entry_does_not_count() {
    let mut tale = Tale::of(3);
    tale.elects(0, 1, &[1, 2]);
    tale.replicates(1, 1, &[0]);
    tale.elects(1, 2, &[2]);
    tale.replicates(1, 2, &[1]);
    tale.commits(1, 1, 2);
    let sentence = "r1 took entry 1 for committed when r1 had it durable, 1 of 3 voters";
    tale.breaks(Law::DurableQuorum, sentence);
    let mut cut = begun();
    cut.replicates(3, 1, &[0, 1]);
    cut.cuts(1, 3);
    cut.commits(0, 3, 1);
    let sentence = "r0 took entry 3 for committed when r0 had it durable, 1 of 3 voters";
    cut.breaks(Law::DurableQuorum, sentence);
}

/// What is there after a restart is durable, and nothing else.
#[test]
fn a_disk_keeps_what_it_says() {
    for (kept, lawful) in [(3, true), (2, false)] {
        let mut tale = begun();
        tale.appends(0, 3, 1);
        tale.syncs(0, 3);
        tale.appends(1, 3, 1);
        tale.back(1, 1, kept);
        tale.commits(0, 3, 1);
        assert_eq!(tale.broken().is_empty(), lawful, "{:?}", tale.broken());
    }
}

/// Figure 8: a quorum has the entry of an older term. That is not enough, but it is durable.
#[test]
fn counting_replicas_of_an_older_term_is_durable() {
    let mut tale = begun();
    tale.replicates(3, 1, &[0]);
    tale.elects(0, 3, &[1]);
    tale.replicates(3, 1, &[1]);
    tale.commits(0, 3, 3);
    assert!(tale.broken().iter().all(|(law, _)| *law != Law::DurableQuorum), "{:?}", tale.broken());
}

/// A membership counts from its place in the log on, even if a replica tells of it too late.
#[test]
fn the_quorum_is_that_of_the_log() {
    let grown = |late: bool, having: &[u16]| {
        let mut tale = Tale::of(5);
        (0..5).for_each(|r| in_force(&mut tale, r, 0, 3, false));
        tale.elects(0, 1, &[1]);
        tale.replicates(1, 1, &[0, 1]);
        tale.commits(0, 1, 1);
        tale.appends(0, 2, 1);
        if !late {
            in_force(&mut tale, 0, 2, 5, true);
        }
        tale.syncs(0, 2);
        tale.replicates(1, 1, &having[1..]);
        tale.replicates(2, 1, having);
        tale.commits(0, 2, 1);
        if late {
            in_force(&mut tale, 0, 2, 5, true);
        }
        tale
    };
    grown(false, &[1, 3]).holds();
    grown(true, &[1, 3]).holds();
    let sentence = "r0 took entry 2 for committed when r0 and r1 had it durable, 2 of 5 voters";
    grown(false, &[1]).breaks(Law::DurableQuorum, sentence);
    grown(true, &[1]).breaks(Law::DurableQuorum, sentence);
}

#[test]
fn one_change_at_a_time() {
    let change = |committed: bool| {
        let mut tale = begun();
        tale.appends(0, 3, 1);
        in_force(&mut tale, 0, 3, 2, true);
        tale.syncs(0, 3);
        tale.replicates(3, 1, &[1]);
        if committed {
            tale.commits(0, 3, 1);
        }
        tale.appends(0, 4, 1);
        in_force(&mut tale, 0, 4, 2, false);
        tale
    };
    change(true).holds();
    let sentence =
        "r0 changed the membership by entry 4 while the change by entry 3 was not committed";
    change(false).breaks(Law::OneChange, sentence);
}

#[test]
fn no_change_before_the_first_commit_of_a_term() {
    let change = |committed: bool| {
        let mut tale = begun();
        tale.elects(1, 2, &[2]);
        tale.replicates(3, 2, &[1]);
        tale.replicates(2, 1, &[2]);
        tale.replicates(3, 2, &[2]);
        if committed {
            tale.commits(1, 3, 2);
        }
        tale.appends(1, 4, 2);
        in_force(&mut tale, 1, 4, 2, true);
        tale
    };
    change(true).holds();
    let sentence =
        "r1 changed the membership by entry 4 before it had committed anything in its term 2";
    change(false).breaks(Law::OneChange, sentence);
}

/// Followers take over what a leader did, and go back when their logs are cut.
#[test]
fn followers_change_as_their_logs_do() {
    let mut tale = begun();
    tale.appends(1, 3, 1);
    in_force(&mut tale, 1, 3, 2, true);
    tale.appends(1, 4, 1);
    in_force(&mut tale, 1, 4, 2, false);
    tale.cuts(1, 4);
    in_force(&mut tale, 1, 3, 2, true);
    tale.holds();
}
