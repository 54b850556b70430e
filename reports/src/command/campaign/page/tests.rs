use stormglass_scenarios::outcome::Cause;
use stormglass_scenarios::scenario::{Moment, Part, Scenario};

use super::*;
use crate::command::campaign::row::Struck;
use crate::command::campaign::tally::{Doubt, Strikes};

/// A scenario of which only the name counts.
fn made_up(name: &str) -> Scenario {
    let scenario = stormglass_scenarios::catalog::load("word-count", &[] as &[&str]);
    Scenario { name: name.to_string(), ..scenario.unwrap() }
}

/// A tally of 500 made-up seeds.
fn tally() -> Tally {
    let mut tally = Tally::new(&made_up("made-up-storm"), "0..500".to_string());
    (tally.runs, tally.holds, tally.broken, tally.disturbed) = (500, 487, 1, 497);
    (tally.could_not_judge, tally.out_of_budget, tally.vacuous) = (12, 7, 3);
    for seed in 0..500u64 {
        *tally.coordinators.entry(1 + (seed % 7) as u16).or_default() += 1;
        tally.effective_faults.add(seed * seed % 13);
        tally.leader_changes.add(seed % 6 + seed % 7);
        tally.leaderless_ns.add(180_000_000 + seed * 1_000_000);
        tally.detection_ns.add(200_000 + seed % 11 * 500_000_000);
    }
    (tally.suspicions, tally.wrong_suspicions) = (2_204, 31);
    (tally.answered, tally.asked) = (60_112, 60_400);
    for (kind, planned, effective) in [
        ("crash it at raft-vote-granted", 500, 263),
        ("crash-machine leader", 412, 388),
        ("crash leader", 500, 500),
        ("isolate leader outbound", 300, 1),
        ("crash worker-of:count at checkpoint-triggered", 500, 500),
        ("drift-clock coordinator", 480, 240),
        ("pause operator", 500, 0),
    ] {
        tally.faults.insert(kind.to_string(), Strikes { planned, effective });
    }
    for (action, part, times) in [
        ("crash", Part::Leader, 7),
        ("crash", Part::Worker, 40),
        ("drift-clock", Part::Follower, 1_240),
    ] {
        let phases = Moment::FIRST.all().to_vec();
        tally.coverage.add(&vec![Struck(action.to_string(), Some(part), phases); times]);
    }
    let rare = [("zombie-exit", 120), ("credit-exhausted", 0), ("tree-timed-out", 0)];
    tally.rare_events = rare.map(|(name, runs)| (name.to_string(), runs)).into();
    tally.unjudged.push(Doubt {
        begins: String::new(),
        seeds: 2,
        first_seed: 41,
        cause: Cause::Undecided,
        why: "a made-up reason".to_string(),
        proofs: Vec::new(),
    });
    tally
}

#[test]
fn a_campaign_on_a_page() {
    let mut calm = Tally::new(&made_up("calm"), "0..3".to_string());
    (calm.runs, calm.holds) = (3, 3);
    calm.rare_events.clear();
    calm.coordinators.insert(1, 3);
    (0..3).for_each(|_| calm.effective_faults.add(0));
    let tallies = [&tally(), &calm];
    let parts = tallies.map(|tally| scenario(tally, Paint::NONE)).join("\n");
    let page = format!("{}\n{parts}", verdicts(&tallies, Paint::NONE));
    for line in page.lines() {
        assert!(line.chars().count() <= crate::page::WIDTH, "{line}");
        assert_eq!(line, line.trim_end(), "blanks at the end");
    }
    insta::assert_snapshot!(page);
}

#[test]
fn bars_show_what_is_there_at_all() {
    let bars = [bar(0, 9), bar(1, 10_000), bar(5, 10), bar(9, 9)];
    assert_eq!(bars, ["", "▏", "████████", &"█".repeat(16)]);
    assert_eq!(bar(0, 0), "");
}
