//! What logs may look like, and what may be left of them.

use proptest::prelude::*;
use stormglass_engine::raft::{Index, Term};

use super::super::log::{Log, Logs};
use super::{Law, Tale, begun};

#[test]
fn other_contents_at_the_same_place_and_term() {
    let mut tale = begun();
    tale.appends_other(2, 2, 1, 99);
    let sentence = "r2 appended entry 2 of term 1, which another log has with other contents";
    tale.breaks(Law::LogMatching, sentence);
    let mut tale = begun();
    tale.appends(2, 2, 1);
    tale.holds();
}

#[test]
fn the_same_entry_behind_another_log() {
    let mut tale = Tale::of(3);
    tale.elects(0, 1, &[1, 2]);
    tale.replicates(1, 1, &[0]);
    tale.elects(1, 2, &[2]);
    tale.replicates(1, 2, &[1]);
    tale.elects(0, 3, &[2]);
    tale.replicates(2, 3, &[0]);
    tale.elects(0, 4, &[2]);
    let good = tale.clone();
    // r1 takes entry 2 without a look at its entry 1.
    tale.appends(1, 2, 3);
    let sentence =
        "r1 appended entry 2 of term 3, which another log has with another log before it";
    tale.breaks(Law::LogMatching, sentence);
    let mut tale = good;
    tale.cuts(1, 1);
    tale.appends(1, 1, 1);
    tale.appends(1, 2, 3);
    tale.holds();
}

#[test]
fn gaps_repetitions_and_older_terms() {
    let mut tale = begun();
    tale.appends(2, 3, 1);
    tale.breaks(Law::LogMatching, "r2 appended entry 3 of term 1 behind entry 1");
    let mut tale = begun();
    tale.appends(1, 2, 1);
    tale.breaks(Law::LogMatching, "r1 appended entry 2 of term 1 behind entry 2");
    let mut tale = begun();
    tale.elects(1, 2, &[2]);
    tale.appends(1, 3, 2);
    tale.appends(1, 4, 1);
    tale.breaks(Law::LogMatching, "r1 appended entry 4 of term 1 behind one of term 2");
}

#[test]
fn a_log_that_grew_while_it_was_down() {
    let mut tale = begun();
    tale.back(2, 1, 2);
    tale.breaks(Law::LogMatching, "r2 came back with a log up to entry 2, but it had 1");
    let mut tale = begun();
    tale.appends(2, 2, 1);
    tale.back(2, 1, 2);
    tale.holds();
}

/// What was acknowledged and is lost is seen when a leader is elected by it.
#[test]
fn an_acknowledged_entry_is_lost() {
    let mut tale = begun();
    tale.back(1, 1, 1);
    tale.holds();
    tale.elects(1, 2, &[2]);
    let sentence =
        "r1 was elected in term 2 without entry 2 of term 1, which was committed in term 1";
    tale.breaks(Law::LeaderCompleteness, sentence);
}

/// A cut that was not durable is undone by a crash. Both logs are possible until one is ruled out.
#[test]
fn a_cut_that_a_crash_overtook() {
    let mut tale = begun();
    tale.replicates(3, 1, &[0]);
    tale.replicates(4, 1, &[0]);
    tale.elects(1, 2, &[2]);
    tale.replicates(3, 2, &[1]);
    tale.replicates(4, 2, &[1]);
    tale.cuts(0, 3);
    tale.appends(0, 3, 2);
    let mut whole = tale.clone();
    // The disk has the old log still.
    whole.back(0, 1, 4);
    whole.cuts(0, 3);
    whole.appends(0, 3, 2);
    whole.holds();
    // The disk has the new one, or what it has in common with the old one.
    tale.back(0, 2, 3);
    let mut old = tale.clone();
    old.cuts(0, 3);
    old.appends(0, 3, 2);
    old.holds();
    tale.appends(0, 4, 2);
    tale.holds();
    // By now it is the new one for sure.
    tale.appends(0, 5, 1);
    tale.breaks(Law::LogMatching, "r0 appended entry 5 of term 1 behind one of term 2");
}

#[test]
fn once_durable_the_old_log_is_gone() {
    let mut tale = begun();
    tale.replicates(3, 1, &[0]);
    tale.replicates(4, 1, &[0]);
    tale.elects(1, 2, &[2]);
    tale.replicates(3, 2, &[1]);
    tale.cuts(0, 3);
    tale.appends(0, 3, 2);
    tale.syncs(0, 3);
    tale.back(0, 2, 4);
    tale.breaks(Law::LogMatching, "r0 came back with a log up to entry 4, but it had 3");
}

/// A log as it is: the term at each place.
fn plain(terms: &[u32]) -> Log {
    let mut log = Log::default();
    (1..).zip(terms).for_each(|(index, term)| log.append(Index(index), Term(*term)));
    log
}

#[test]
fn a_snapshot_stands_for_what_is_before_it() {
    let mut log = Log::after(Index(3), Term(2));
    log.append(Index(4), Term(2));
    let committed = plain(&[1, 1, 2, 2, 2]);
    assert_eq!(log.lacks(&committed, Index(4)), None);
    assert_eq!(log.lacks(&committed, Index(5)), Some(Index(5)));
    assert_eq!(log.lacks(&plain(&[1, 1, 1]), Index(3)), Some(Index(3)));
    assert_eq!((log.term_at(Index(2)), log.is_in_snapshot(Index(2))), (None, true));
    assert!(!log.is_in_snapshot(Index(3)));
}

proptest! {
    #[test]
    fn runs_are_a_log(
        steps in prop::collection::vec((0..6_u32, 0..8_u64), 1..20),
        other in prop::collection::vec(0..2_u32, 0..10),
        upto in 0..12_u64,
    ) {
        let (mut log, mut model) = (Log::default(), Vec::<u32>::new());
        let mut term = 1;
        for (more, cut) in steps {
            if more == 0 {
                log.truncate(Index(cut + 1));
                model.truncate(cut as usize);
            } else {
                term += more / 4;
                model.push(term);
                log.append(Index(model.len() as u64), Term(term));
            }
            for at in 0..12 {
                let due = (at as usize).checked_sub(1).and_then(|at| model.get(at)).copied();
                prop_assert_eq!(log.term_at(Index(at)), due.map(Term));
            }
        }
        let other: Vec<u32> = other.iter().scan(1, |t, n| { *t += n; Some(*t) }).collect();
        let committed = plain(&other);
        let due = (0..other.len().min(upto as usize)).find(|at| model.get(*at) != other.get(*at));
        let due = due.map(|at| Index(at as u64 + 1));
        prop_assert_eq!(log.lacks(&committed, Index(upto)), due);
        let mut longer = plain(&other);
        longer.extend(&log, Index(upto));
        let mut due = other.clone();
        due.extend(model.iter().take(upto as usize).skip(other.len()));
        for at in 1..20 {
            let due = due.get(at as usize - 1).copied().map(Term);
            prop_assert_eq!(longer.term_at(Index(at)), due);
        }
    }

    /// Whatever a crash leaves is among the possible logs.
    #[test]
    fn a_crash_leaves_a_possible_log(
        steps in prop::collection::vec((0..5_u32, 1..5_u64), 1..12),
        kept in 0..24_usize,
    ) {
        let (mut logs, mut states) = (Logs::default(), vec![Vec::new()]);
        let mut now = Vec::<u32>::new();
        for (what, place) in steps {
            if what == 0 && place as usize <= now.len() {
                // A cut and the entry that takes its place are one write.
                now.truncate(place as usize - 1);
                logs.truncate(Index(place));
            }
            let term = now.last().copied().unwrap_or(1) + what / 4;
            now.push(term);
            logs.append(Index(now.len() as u64), Term(term));
            states.push(now.clone());
            if what == 2 {
                logs.persisted(Index(now.len() as u64));
                states = vec![now.clone()];
            }
        }
        let disk = &states[kept % states.len()];
        prop_assert!(logs.recovered(Index(disk.len() as u64)));
        prop_assert!(logs.possible().contains(&plain(disk)), "{logs:?} {disk:?}");
    }
}
