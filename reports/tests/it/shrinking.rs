//! From a failing seed to a page: shrunk, replayed, pinned.

use std::path::Path;

use stormglass::pinned;
use stormglass_scenarios::regression::Kept;
use stormglass_scenarios::topologies::Registry;

use crate::program::{Ended, Folder, broken};

const CASE: [&str; 2] = ["--case", "it.case.json"];

#[track_caller]
fn says(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "`{part}` is not in:\n{page}");
    }
}

#[track_caller]
fn refused(ended: &Ended, parts: &[&str]) {
    assert_eq!((ended.code, ended.out.as_str()), (Some(64), ""), "{}", ended.err);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    says(&ended.err, parts);
}

/// The last line of a page that begins with a label.
fn labelled<'a>(page: &'a str, label: &str) -> &'a str {
    page.lines().rev().find_map(|line| line.trim().strip_prefix(label)).unwrap().trim()
}

#[test]
fn a_failure_is_shrunk_replayed_and_pinned() {
    let folder = Folder::new("shrink_replay_pin");
    assert_eq!(folder.run(&broken(&CASE)).code, Some(1));

    let shrunk = folder.run(&["shrink", "it.case.json", "--jobs", "1"]);
    assert_eq!((shrunk.code, shrunk.err.as_str()), (Some(1), ""), "{}", shrunk.out);
    says(&shrunk.out, &["shrunk: 5 faults to 1, 2,000 records to ", " runs\n"]);
    says(&shrunk.out, &["Broken: legal-order", "\n  shrunk      5 faults to 1", "  flight-delays"]);
    let side_by_side = folder.run(&["shrink", "it.case.json", "--jobs", "3"]);
    assert_eq!(side_by_side, shrunk, "the number of jobs shows nowhere");

    let replayed = folder.shell(labelled(&shrunk.out, "replay"));
    assert_eq!((replayed.code, replayed.err.as_str()), (Some(1), ""));
    assert!(replayed.out.ends_with("reproduced: same digest, same verdict\n"), "{}", replayed.out);
    assert_eq!(labelled(&replayed.out, "digest"), labelled(&shrunk.out, "digest"));
    says(&replayed.out, &["\n  shrunk      5 faults to 1"]);

    let pin = ["pin", "it.min.case.json", "--into", "kept", "--name", "one-too-far"];
    let pinned = folder.run(&pin);
    assert_eq!((pinned.code, pinned.err.as_str()), (Some(0), ""), "{}", pinned.out);
    says(&pinned.out, &["pinned: kept/one-too-far.case.json", "resumes one record after"]);
    says(
        &pinned.out,
        &["with restore-one-too-far planted it breaks legal-order, without it holds"],
    );
    refused(&folder.run(&pin), &["there is one of that name", "another --name"]);

    let (kept, registry) = (folder.path("kept"), Registry::default());
    let all = pinned::check(Path::new(&kept), &registry).unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].1, Kept::Well);
    // Its bug in the place of another one, it shows nothing, and the test that runs it says so.
    let case = folder.read("kept/one-too-far.case.json");
    folder
        .write("kept/other.case.json", &case.replace("\"restore-one-too-far\"", "\"ttl-ignored\""));
    let all = pinned::check(Path::new(&kept), &registry).unwrap();
    says(&all[1].1.to_string(), &["not reached: the place of `ttl-ignored`"]);
    assert!(std::panic::catch_unwind(|| pinned::assert_kept(&kept, &registry)).is_err());
}

#[test]
fn shrinking_ends_when_it_has_run_so_many() {
    let folder = Folder::new("shrink_a_little");
    folder.run(&broken(&CASE));
    let shrunk = folder.run(&["shrink", "it.case.json", "--runs", "2", "--out", "small.json"]);
    assert_eq!(shrunk.code, Some(1), "{}", shrunk.err);
    says(&shrunk.out, &["in 2 runs, and no more were allowed", "replay small.json\n"]);
    let case = folder.run(&["shrink", "small.json", "--json"]);
    assert_eq!(case.out, folder.read("small.min.case.json"));
}

#[test]
fn what_is_no_failure_cannot_be_shrunk_or_pinned() {
    let folder = Folder::new("shrink_nothing");
    let held = ["run", "word-count", "--set", "input.words.count=2000", "--case", "held.json"];
    assert_eq!(folder.run(&held).code, Some(0));
    for command in ["shrink", "pin"] {
        refused(
            &folder.run(&[command, "held.json"]),
            &["held.json: there is nothing to ", "holds"],
        );
        refused(&folder.run(&[command, "no-such.json"]), &["no such file"]);
        folder.write("no.json", "{}");
        refused(&folder.run(&[command, "no.json"]), &["the case has no version"]);
    }
    // The same run without its bug.
    folder.run(&broken(&CASE));
    let case = folder.read("it.case.json").replace("\"restore-one-too-far\"", "");
    folder.write("mended.json", &case);
    refused(
        &folder.run(&["shrink", "mended.json"]),
        &["mended.json: the case broke `legal-order`", "is judged `holds`", "stormglass replay"],
    );
    // As a pin that is what one hopes for: it holds.
    let pinned = folder.run(&["pin", "mended.json", "--story", "off by one"]);
    assert_eq!(pinned.code, Some(0), "{}", pinned.err);
    says(&pinned.out, &["pinned: regressions/mended.case.json", "off by one", "is mended"]);
    refused(&folder.run(&["pin", "it.case.json", "--name", "a/b"]), &["`a/b` is no name"]);
}

#[test]
fn a_replay_says_whether_the_same_law_still_breaks() {
    let folder = Folder::new("replay_after_a_change");
    folder.run(&broken(&CASE));
    let case = folder.read("it.case.json");
    let at = case.find("\"digest\": \"").unwrap() + 11;
    let mut other = case.clone();
    other.replace_range(at..at + 32, &"0".repeat(32));
    folder.write("other.json", &other);
    let ended = folder.run(&["replay", "other.json"]);
    assert_eq!(ended.code, Some(2));
    says(&ended.out, &["has changed since", "the same law still breaks (legal-order)\n"]);
    says(&ended.out, &[", by stormglass 0.1.0"]);
    folder.write("mended.json", &other.replace("\"restore-one-too-far\"", ""));
    let ended = folder.run(&["replay", "mended.json"]);
    says(&ended.out, &["no law breaks: holds\n"]);
}
