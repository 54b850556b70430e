use super::*;
use crate::catalog;

fn of(name: &str, settings: &[&str]) -> Vec<Probe> {
    within_reach(&catalog::load(name, settings).unwrap())
}

#[test]
fn what_is_switched_off_is_out_of_reach() {
    let plain = of("word-count", &[]);
    assert!(plain.contains(&Probe::CheckpointExpired));
    let off = [Probe::TreeTimedOut, Probe::QueryNotOwned, Probe::FileCopied, Probe::LogRotten];
    off.iter().for_each(|probe| assert!(!plain.contains(probe), "{probe:?}"));
    assert!(of("word-count", &["store.nodes=3"]).contains(&Probe::FileCopied));
    assert!(of("queries", &[]).contains(&Probe::QueryNotOwned));
    assert!(of("stateful-bolts", &[]).contains(&Probe::TreeTimedOut));
}

/// Some seeds draw barriers that overtake, some a memory backend.
#[test]
fn alternatives_are_within_reach() {
    let drawn = of("checkpoint-storm", &[]);
    let all = [Probe::InFlightRestored, Probe::IncrementTaken, Probe::AlignmentBlocked];
    all.iter().for_each(|probe| assert!(drawn.contains(probe), "{probe:?}"));
}

/// Nearly every probe is within reach of a shipped scenario; tests of their own show the others.
#[test]
fn the_catalog_reaches_nearly_all() {
    let scenarios: Vec<Scenario> =
        catalog::list().iter().map(|entry| entry.scenario().unwrap()).collect();
    let reached: Vec<Probe> = scenarios.iter().flat_map(within_reach).collect();
    let elsewhere = [
        Probe::BarrierOvertook,
        Probe::CheckpointSubsumed,
        Probe::FailuresNotTolerated,
        Probe::SavepointRestored,
        Probe::LogRotten,
        Probe::LogRewritten,
        Probe::InputTrimmed,
        Probe::SinkStalled,
    ];
    let out = Probe::ALL.iter().filter(|p| !reached.contains(p) && !elsewhere.contains(p));
    assert_eq!(out.collect::<Vec<_>>(), Vec::<&Probe>::new());
}
