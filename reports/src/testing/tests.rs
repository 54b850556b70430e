//! Storms as tests see them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

const SMALL: [&str; 1] = ["input.words.count=5000"];

#[test]
fn a_page_is_what_the_command_prints_and_can_be_redacted() {
    let storm = Storm::set("word-count", &SMALL);
    let ran = storm.run(3);
    assert_eq!(ran.page, storm.run(3).page);
    assert!(ran.page.starts_with("holds: exactly-once, 5,000 records"), "{}", ran.page);
    let digest = ran.outcome.digest.to_string();
    assert!(ran.page.contains(&digest) && !ran.redacted().contains(&digest));
    let again = "run word-count --seed 3 --set input.words.count=5000\n";
    assert!(ran.redacted().ends_with(again), "{}", ran.redacted());
    assert_eq!(ran.page.lines().count(), ran.redacted().lines().count());
}

#[test]
fn a_failure_panics_with_its_story_and_leaves_a_case() {
    let folder = std::env::temp_dir().join(format!("stormglass-storm-{}", std::process::id()));
    let settings = ["input.csv.limit=2000", "checkpoint.interval=500ms"];
    let storm = Storm::set("flight-delays", &settings).cases_into(&folder);
    storm.holds(0..2);
    let storm = storm.planted("restore-one-too-far");
    let panic = catch_unwind(AssertUnwindSafe(|| storm.holds(0..5))).expect_err("it fails");
    let text = panic.downcast_ref::<String>().expect("a sentence");
    assert!(text.contains("breaks a law\n\n") && text.contains("Broken: "), "{text}");
    let command = text.lines().last().expect("the command comes last");
    let path = command.rsplit(' ').next().expect("its last word is a path");
    let case = std::fs::read_to_string(path).expect("the case is there");
    let case = Case::from_json(&case, path).expect("it is one");
    assert_eq!(case.bugs, ["restore-one-too-far"]);
    std::fs::remove_dir_all(folder).expect("it was made here");
}

#[test]
fn what_is_wrong_is_said_in_the_usual_words() {
    let panic = catch_unwind(|| Storm::load("word-cuont")).expect_err("there is none");
    let text = panic.downcast_ref::<String>().expect("a sentence");
    assert!(text.contains("did you mean `word-count`?"), "{text}");
}
