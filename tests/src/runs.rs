//! Runs, made in a line.

use std::sync::Arc;

use stormglass_scenarios::catalog;
use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::run::{Run, Setup};
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::topologies::Registry;
use stormglass_sim::hash::Mixer;
use stormglass_sim::time::Instant;

/// Settings that make a catalog scenario short enough to be run often. Faults keep their shares of
/// the input; what lasts longer than the run is healed by its end.
pub fn short(name: &str) -> &'static [&'static str] {
    match name {
        "flight-delays" => &["input.csv.limit=4000"],
        "word-count" => &["input.words.count=8000"],
        "coordinator-storm" | "elastic" | "interval" => &[],
        _ => &["input.words.count=20000"],
    }
}

/// A catalog scenario with settings laid over it.
///
/// # Panics
/// If there is none, or a setting is a mistake.
pub fn scenario(name: &str, settings: &[&str]) -> Arc<Scenario> {
    Arc::new(catalog::load(name, settings).unwrap_or_else(|problem| panic!("{problem}")))
}

/// A scenario and a seed, ready to run with the shipped topologies and files.
///
/// # Panics
/// If the scenario asks for something that does not exist.
pub fn setup(scenario: &Arc<Scenario>, seed: u64) -> Setup {
    setup_with(scenario, &Registry::default(), seed)
}

/// As [`setup`], with topologies of one's own.
///
/// # Panics
/// If the scenario asks for something that does not exist.
pub fn setup_with(scenario: &Arc<Scenario>, registry: &Registry, seed: u64) -> Setup {
    let setup = Setup::new(scenario, registry, &catalog::file, seed);
    setup.unwrap_or_else(|problem| panic!("{problem}"))
}

/// Demands that every law held.
///
/// # Panics
/// If one did not, with what was broken and what to type.
pub fn assert_holds(outcome: &Outcome) {
    assert!(
        outcome.verdict.name() == "holds",
        "{} is {} with seed {}: {:#?}",
        outcome.scenario,
        outcome.verdict.name(),
        outcome.seed,
        outcome.verdict,
    );
}

/// Demands that a run holds, and that a clone has the future of its original, whoever goes first:
/// it is cloned at fifty instants.
///
/// # Panics
/// If a law is broken, or two futures differ.
pub fn assert_clones_share_its_future(setup: &Setup) {
    let alone = setup.clone().run();
    assert_holds(&alone);
    let end = alone.ended.since(Instant::ZERO).as_nanos();
    let mut instants: Vec<u64> = (0..50).map(|n| draw("clones", n, end)).collect();
    instants.sort_unstable();
    let mut original = Run::new(setup.clone());
    for (n, instant) in instants.into_iter().enumerate() {
        assert!(original.advance(Instant(instant)));
        let clone = original.clone();
        assert_eq!(clone.digest(), original.digest());
        if n % 2 == 0 {
            assert_eq!(clone.finish(), alone, "a clone at {instant} ns that went first");
        } else {
            // The original goes first, to its end; the clone takes its place.
            assert_eq!(original.finish(), alone, "an original cloned at {instant} ns");
            original = clone;
        }
    }
    assert_eq!(original.finish(), alone, "a run that was cloned fifty times");
}

/// The `n`-th number below `bound` that a test draws under a name.
pub fn draw(name: &str, n: u64, bound: u64) -> u64 {
    let mut mixer = Mixer::new();
    mixer.bytes(name.as_bytes());
    mixer.word(n);
    mixer.finish64() % bound
}
