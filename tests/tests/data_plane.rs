//! What the input brings, done to a system that is protected against it and to one that is not.

use std::sync::Arc;

use stormglass_engine::names::Twist;
use stormglass_scenarios::judge::law::Law;
use stormglass_scenarios::outcome::{Outcome, Verdict};
use stormglass_scenarios::scenario::Scenario;
use stormglass_tests::runs::{assert_holds, scenario, setup};

const SEEDS: std::ops::Range<u64> = 0..6;

/// A small word count without any fault, with settings laid over it.
fn calm(settings: &[&str]) -> Arc<Scenario> {
    parse(CALM, settings)
}

/// The same, and a worker crashes.
fn words(settings: &[&str]) -> Arc<Scenario> {
    let fault = "\n[[fault]]\nat = \"40%..60%\"\ncrash = { who = \"worker\" }\n";
    parse(&format!("{CALM}{fault}"), settings)
}

const CALM: &str = r#"
name = "data"
topology.name = "checked-words"
input = { rate = "1k/s", words = { count = 8_000, vocabulary = 300, skew = 1.2 } }
checkpoint.interval = "500ms"
phases.lull = "60s"
"#;

fn parse(text: &str, settings: &[&str]) -> Arc<Scenario> {
    Arc::new(Scenario::parse_with(text, "data.toml", settings).unwrap_or_else(|p| panic!("{p}")))
}

fn run(scenario: &Arc<Scenario>, seed: u64, bug: Option<Twist>) -> Outcome {
    let mut setup = setup(scenario, seed);
    setup.bugs.extend(bug);
    setup.run()
}

fn hits(outcome: &Outcome, probe: &str) -> u64 {
    let found = outcome.probes.iter().find(|(name, _)| *name == probe);
    found.unwrap_or_else(|| panic!("there is no probe `{probe}`")).1
}

/// The laws of which one must be broken first.
fn assert_breaks(outcome: &Outcome, laws: &[Law]) {
    let first = outcome.violations().first();
    let first = first.unwrap_or_else(|| panic!("seed {}: {:?}", outcome.seed, outcome.verdict));
    assert!(laws.contains(&first.law), "seed {}: {first:?}", outcome.seed);
}

fn why(outcome: &Outcome) -> &str {
    match &outcome.verdict {
        Verdict::CouldNotJudge(unjudged) => &unjudged.why,
        verdict => panic!("seed {}: {verdict:?}", outcome.seed),
    }
}

/// One record in a thousand cannot be read. With dead letters each of them is published there,
/// once; without, the first one of them stops the job for good, which is nobody's fault but the
/// topology's: the run says so, names the record, and neither loses it nor calls the engine dead.
#[test]
fn a_poison_record_is_a_dead_letter_or_the_end() {
    for seed in SEEDS {
        let outcome = run(&words(&["input.poison=0.1%..0.3%"]), seed, None);
        assert_holds(&outcome);
        let letters = outcome.published["dead-letters"];
        assert!((1..60).contains(&letters), "seed {seed}: {letters} dead letters");
        assert_eq!(outcome.published["publish"] + letters, outcome.input.records);

        let strict = words(&["input.poison=0.1%..0.3%", "topology.name=strict-words"]);
        let outcome = run(&strict, seed, None);
        let why = why(&outcome);
        assert!(why.contains("fails every time in check (not a word)"), "seed {seed}: {why}");
    }
}

/// A producer publishes records again. A broker that knows them by their sequence numbers appends
/// them once; one that does not has them twice, and whoever counts them counts wrong.
#[test]
fn what_is_published_again_is_appended_once() {
    let repeats = words(&["input.repeats=0.5%..2%"]);
    for seed in SEEDS {
        let outcome = run(&repeats, seed, None);
        assert_holds(&outcome);
        assert!(hits(&outcome, "repeat-recognised") > 10, "seed {seed}");
        assert_eq!(outcome.digest, run(&words(&[]), seed, None).digest);
        let outcome = run(&repeats, seed, Some(Twist::PublishedTwice));
        let laws = [Law::StateEqualsOracle, Law::OutputEqualsOracle, Law::LegalOrder];
        assert_breaks(&outcome, &laws);
    }
}

/// The broker keeps records for 3 s, and the job cannot read for longer. A source that finds its
/// next record gone says so and stops there: the run proves which records are gone with the only
/// copy. One that goes on with what is left loses them, and nobody but the judge knows.
#[test]
fn what_is_not_kept_any_more_is_missed_aloud() {
    let long = ["input.retention=3s", "fault.1.crash.who=broker", "fault.1.crash.down=6s"];
    let short = ["input.retention=20s", "fault.1.crash.who=broker", "fault.1.crash.down=6s"];
    for seed in SEEDS {
        assert_holds(&run(&words(&short), seed, None));
        let outcome = run(&words(&long), seed, None);
        let why = why(&outcome);
        assert!(why.contains("the broker keeps records for 3s"), "seed {seed}: {why}");
        assert!(why.contains("had the only copy of those from p"), "seed {seed}: {why}");
        let outcome = run(&words(&long), seed, Some(Twist::OffsetResetSilent));
        assert_breaks(&outcome, &[Law::NoLoss, Law::LegalOrder, Law::ConsistentCut]);
        let lost = outcome.violations().iter().any(|broken| broken.law == Law::NoLoss);
        assert!(lost, "seed {seed}: {:?}", outcome.verdict);
    }
}

/// Bursts and hot keys that change: nothing is lost, and lag comes and goes.
#[test]
fn bursts_and_shifting_keys_are_caught_up_with() {
    let calm = run(&words(&[]), 1, None);
    for seed in SEEDS {
        let burst = r#"input.burst={ times = "4..8", every = "1s..2s", for = "300ms..600ms" }"#;
        let scenario = words(&[burst, "input.words.shift=500ms..1s"]);
        let outcome = run(&scenario, seed, None);
        assert_holds(&outcome);
        assert!(outcome.input.duration < calm.input.duration, "seed {seed}");
    }
}

/// The receiver takes a fifth of what arrives. A sink that waits for it holds back whoever sends to
/// it, up to the sources: what waits is at the broker. One that does not wait piles everything up
/// at the receiver.
#[test]
fn a_slow_receiver_slows_the_sources_down() {
    let scenario = calm(&[
        "input.rate=5k/s",
        "input.words.count=30000",
        "topology.sinks.publish=plain",
        "guarantee=at-least-once",
        "checkpoint.timeout=1h",
        "flow.credits=128",
        "sink.service=1ms",
        "phases.lull=180s",
    ]);
    let outcome = run(&scenario, 3, None);
    assert_holds(&outcome);
    assert!(hits(&outcome, "sink-stalled") > 0);
    let protected = outcome.flow.max_lag;
    let unprotected = run(&scenario, 3, Some(Twist::SinkWindowIgnored)).flow.max_lag;
    assert!(protected > 5_000, "{protected} records wait at the broker");
    assert!(unprotected < 2_000, "{unprotected} records wait at the broker");
}

/// For a while the broker's answers begin with records from before what was asked for, as answers
/// do that hold whole batches. A source leaves out what it has read; one that does not look reads
/// it again, and it counts twice.
#[test]
fn a_source_reads_what_it_asked_for() {
    let fault = r#"
[[fault]]
at = "30%..60%"
rewind = { who = "broker", records = "5..800", for = "500ms..2s" }
"#;
    let scenario = parse(&format!("{CALM}{fault}"), &[]);
    for seed in SEEDS {
        let outcome = run(&scenario, seed, None);
        assert_holds(&outcome);
        assert!(outcome.faults[0].took_effect && hits(&outcome, "old-records-skipped") > 0);
        let outcome = run(&scenario, seed, Some(Twist::FetchedOffsetUnchecked));
        assert_breaks(&outcome, &[Law::LegalOrder, Law::ConsistentCut, Law::NoDuplicate]);
    }
}

/// The broker is asked to drop records. What completed checkpoints have passed is not missed, also
/// not by a restore; what they have not passed is missed aloud.
#[test]
fn records_that_are_dropped_on_request_are_missed_aloud() {
    let faults = r#"
[[fault]]
at = "60%"
trim = { who = "broker", keep = 1_000 }

[[fault]]
at = "60%"
crash = { who = "worker" }
"#;
    let scenario = parse(&format!("{CALM}{faults}"), &[]);
    let late = parse(&format!("{CALM}{faults}"), &["fault.1.trim.keep=0", "fault.1.at=61%"]);
    for seed in SEEDS {
        let outcome = run(&scenario, seed, None);
        assert_holds(&outcome);
        assert!(outcome.faults.iter().all(|fault| fault.took_effect), "{:?}", outcome.faults);
        let why = why(&run(&late, seed, None)).to_string();
        assert!(why.contains("the broker was asked to drop records"), "seed {seed}: {why}");
    }
}

/// Everything at once, and the protected engine does not mind.
#[test]
fn the_data_storm_is_weathered() {
    let storm = scenario("data-storm", &[]);
    let mut struck = [0; 6];
    for seed in 0..8 {
        let outcome = run(&storm, seed, None);
        assert_holds(&outcome);
        for fault in &outcome.faults {
            struck[fault.number - 1] += u32::from(fault.took_effect);
        }
        assert!(outcome.published["dead-letters"] > 0 && hits(&outcome, "repeat-recognised") > 0);
    }
    assert!(struck.iter().all(|times| *times > 0), "{struck:?}");
}
