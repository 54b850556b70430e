//! What CI asks on every push: does the topology hold, and does its report read as it did?
//!
//! After a change that is meant to change the reports: `INSTA_UPDATE=always cargo test`, and read
//! the difference before it is committed. In CI `INSTA_UPDATE=no` makes a difference a failure.

use std::panic::{AssertUnwindSafe, catch_unwind};

use stormglass::testing::Storm;

fn storm() -> Storm {
    Storm::load("scenarios/parcels.toml").with(parcels::registry())
}

/// Each record is checked, in each seed. A seed that fails leaves a case in `stormglass-runs`, and
/// the test's output ends with the command that replays it.
#[test]
fn parcels_arrive_in_every_storm() {
    storm().holds(0..20);
}

/// The report of one seed, kept: whoever changes the topology sees in the review what it does to
/// recovery and latency. Without the digest, which a new version of the engine changes too.
#[test]
fn the_report_of_seed_7() {
    insta::assert_snapshot!(storm().run(7).redacted());
}

/// A few figures with a name, where a whole report would be too much.
#[test]
fn what_we_promise() {
    let outcome = storm().run(7).outcome;
    for recovery in &outcome.recoveries {
        let seconds = recovery.total().as_nanos() / 1_000_000_000;
        assert!(seconds < 10, "an outage of {seconds} s: {recovery:?}");
    }
}

/// A test that cannot fail is none: with a bug planted in the engine it does, and says how to go
/// on.
#[test]
fn a_failing_seed_is_written_as_a_case() {
    let folder = std::env::temp_dir().join(format!("parcels-{}", std::process::id()));
    let broken = storm().planted("restore-one-too-far").cases_into(&folder);
    let panic = catch_unwind(AssertUnwindSafe(|| broken.holds(0..20))).expect_err("it fails");
    let text = panic.downcast_ref::<String>().expect("a sentence");
    assert!(text.contains("Broken: ") && text.contains("replay "), "{text}");
    assert_eq!(std::fs::read_dir(&folder).expect("it was made").count(), 1);
    std::fs::remove_dir_all(folder).expect("it was made here");
}
