use stormglass_scenarios::outcome::{FaultOutcome, Unjudged};
use stormglass_scenarios::scenario::{Moment, Part, Scenario};
use stormglass_sim::time::Instant;

use super::*;
use crate::command::campaign::tally::{Doubt, Strikes};

/// A scenario of which only the name counts.
fn made_up(name: &str) -> Scenario {
    let scenario = stormglass_scenarios::catalog::load("word-count", &[] as &[&str]);
    Scenario { name: name.to_string(), ..scenario.unwrap() }
}

/// A tally of 500 made-up seeds.
fn tally() -> Tally {
    let mut tally = Tally::new(&made_up("made-up-storm"), &(0..500));
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
    let strike = |kind: &str, part| FaultOutcome {
        number: 1,
        kind: kind.to_string(),
        what: String::new(),
        target: String::new(),
        at: Some(Instant::ZERO),
        took_effect: true,
        in_flight: 0,
        messages_lost: 0,
        phases: Some(Moment::FIRST),
        part: Some(part),
    };
    for (kind, part, times) in [
        ("crash leader", Part::Leader, 7),
        ("crash worker at cut", Part::Worker, 40),
        ("drift-clock coordinator", Part::Follower, 1_240),
    ] {
        tally.coverage.add(&vec![strike(kind, part); times]);
    }
    let rare = [("zombie-exit", 120), ("credit-exhausted", 0), ("tree-timed-out", 0)];
    tally.rare_events.extend(rare);
    let first = Unjudged::undecided("a made-up reason".to_string());
    tally.unjudged.push(Doubt { begins: String::new(), seeds: 2, first_seed: 41, first });
    tally
}

#[test]
fn a_campaign_on_a_page() {
    let mut calm = Tally::new(&made_up("calm"), &(0..3));
    (calm.runs, calm.holds) = (3, 3);
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
