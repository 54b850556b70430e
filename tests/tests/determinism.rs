//! A run is a pure function of scenario, seed and plan: twice in one process, in two processes, in
//! debug and in release, and whoever listens.
//!
//! `digests.txt` pins some runs. When the engine is meant to behave differently, they change:
//!
//!     UPDATE_DIGESTS=1 cargo test -p stormglass-tests --test determinism

use std::fmt::Write as _;
use std::process::Command;

use stormglass_scenarios::run::{Run, Setup};
use stormglass_scenarios::scenario::Scenario;
use stormglass_sim::time::Instant;
use stormglass_tests::parting::parting;
use stormglass_tests::runs::{assert_holds, scenario, setup, short};

const NAMES: [&str; 5] =
    ["flight-delays", "word-count", "reference", "coordinator-storm", "elastic"];
const PINNED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/digests.txt");
const CHILD: &str = "STORMGLASS_TESTS_CHILD";

/// Runs twice and demands equal outcomes; otherwise says where the two part.
fn assert_repeats(first: &Setup, second: &Setup) {
    let (left, right) = (first.clone().run(), second.clone().run());
    if left.digest != right.digest {
        let place = parting(&Run::new(first.clone()), &Run::new(second.clone()));
        let (name, seed) = (&left.scenario, left.seed);
        panic!("two runs of {name} with seed {seed} differ: {}\n{place}", first.scenario.summary);
    }
    assert_eq!(left, right, "equal histories give equal outcomes");
    assert_holds(&left);
}

#[test]
fn a_run_repeats_in_one_process() {
    for name in NAMES {
        let short = scenario(name, short(name));
        for seed in 0..3 {
            assert_repeats(&setup(&short, seed), &setup(&short, seed));
        }
    }
    let full = scenario("flight-delays", &[]);
    assert_repeats(&setup(&full, 11), &setup(&full, 11));
}

#[test]
fn whoever_listens_changes_nothing() {
    for name in NAMES {
        let quiet = setup(&scenario(name, short(name)), 4);
        let told = Setup { record: true, chronicle: true, ..quiet.clone() };
        let mut all = 0;
        let mut heard = Run::new(told).finish_telling(|observations| all += observations.len());
        let chronicle = heard.chronicle.take().expect("somebody asked for it");
        assert!(!heard.story.is_empty() && all > heard.story.len(), "{name}");
        assert!(!chronicle.series.buckets.is_empty() && !chronicle.lives.is_empty(), "{name}");
        heard.story.clear();
        assert_eq!(heard, quiet.run());
    }
}

#[test]
fn looking_in_between_changes_nothing() {
    let setup = setup(&scenario("word-count", short("word-count")), 5);
    let mut watched = Run::new(setup.clone());
    let times = (1..).map(|step| Instant(step * 17_777_777));
    for _ in times.map_while(|at| watched.advance(at).then_some(at)) {}
    assert_eq!(watched.finish(), setup.run());
}

/// What a child process prints: one line for each scenario.
fn digests_of_short_runs() -> String {
    let mut lines = String::new();
    for name in NAMES {
        let outcome = setup(&scenario(name, short(name)), 6).run();
        writeln!(lines, "child {name} {} {}", outcome.digest, outcome.verdict.name()).unwrap();
    }
    lines
}

/// Prints digests when this test binary is run as the other process; otherwise nothing.
#[test]
fn as_the_other_process() {
    if std::env::var_os(CHILD).is_some() {
        print!("\n{}", digests_of_short_runs());
    }
}

#[test]
fn a_run_repeats_in_two_processes() {
    let this = std::env::current_exe().unwrap();
    let output = Command::new(this)
        .args(["--exact", "as_the_other_process", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("child "));
    let theirs: String = lines.map(|line| format!("{line}\n")).collect();
    assert_eq!(theirs, digests_of_short_runs(), "another process ran differently");
}

#[test]
fn pinned_digests_hold() {
    let ours = pinned_runs();
    if std::env::var_os("UPDATE_DIGESTS").is_some() {
        std::fs::write(PINNED, &ours).unwrap();
        return;
    }
    let pinned = std::fs::read_to_string(PINNED).unwrap_or_default();
    let both = pinned.lines().zip(ours.lines());
    let mut changed = String::new();
    for (then, now) in both.filter(|(then, now)| then != now) {
        write!(changed, "  pinned  {then}\n  now     {now}\n").unwrap();
    }
    assert!(
        pinned == ours,
        "runs went differently than they did when their digests were pinned:\n{changed}\
         If that is meant, pin them anew and look at the difference:\n\n    \
         UPDATE_DIGESTS=1 cargo test -p stormglass-tests --test determinism\n\n\
         If nothing was meant to change, debug and release, or two machines, part ways.",
    );
}

/// Some runs, one a line: scenario, seed, digest, verdict.
fn pinned_runs() -> String {
    let mut text = String::from("# scenario seed digest verdict: written by determinism.rs\n");
    let pinned = [
        ("flight-delays", 0..3),
        ("reference", 0..3),
        ("word-count", 0..4),
        ("coordinator-storm", 0..4),
        ("elastic", 0..2),
        ("checkpoint-storm", 0..8),
        ("stateful-bolts", 0..2),
        ("queries", 0..2),
    ];
    for (name, seeds) in pinned {
        let scenario = scenario(name, &[]);
        for seed in seeds {
            let outcome = setup(&scenario, seed).run();
            let (digest, verdict) = (outcome.digest, outcome.verdict.name());
            writeln!(text, "{name} {seed} {digest} {verdict}").unwrap();
        }
    }
    text
}

#[test]
fn a_scenario_built_in_rust_runs_as_its_text_does() {
    let written = scenario("word-count", short("word-count"));
    let mut built = Scenario::new(
        &written.name,
        &written.topology.name,
        written.input.rate,
        written.input.source.clone(),
    );
    built.topology.clone_from(&written.topology);
    built.faults.clone_from(&written.faults);
    built.summary.clone_from(&written.summary);
    assert_eq!(built, *written, "the catalog says what the defaults are");
    assert_eq!(setup(&built.into(), 8).run(), setup(&written, 8).run());
}

/// The way in which two runs that differ are shown must itself work.
#[test]
fn two_runs_that_differ_are_shown_to_part() {
    let scenario = scenario("word-count", short("word-count"));
    let same = Run::new(setup(&scenario, 1));
    assert_eq!(parting(&same, &same.clone()), "the two never part");
    let mut other = same.clone();
    other.advance(Instant(3_000_000_000));
    let place = parting(&same, &other.fork(1));
    assert!(place.contains("the same until 3"), "{place}");
    assert!(place.contains("event"), "{place}");
}
