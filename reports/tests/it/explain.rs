//! A failure, explained to a person, to a program, and process by process.

use crate::program::{Ended, FLIGHTS, Folder, broken};

/// A run, with a bug or without, that leaves its case.
fn kept(test: &str, bug: bool) -> Folder {
    let folder = Folder::new(test);
    let case = ["--case", "it.json"];
    let arguments = if bug { broken(&case) } else { [&FLIGHTS[..], &case].concat() };
    let ended = folder.run(&arguments);
    assert_eq!(ended.code, Some(i32::from(bug)), "{}", ended.out);
    folder
}

const SHORT: [&str; 6] = ["explain", "it.json", "--forks", "2", "--points", "3"];

#[test]
fn a_failure_is_explained() {
    let ended = kept("explained", true).run(&SHORT);
    assert_eq!((ended.code, ended.err.as_str()), (Some(1), ""), "{}", ended.out);
    let from = ended.out.find("How it came about").expect("it says how");
    insta::assert_snapshot!(&ended.out[from..ended.out.find("\ndigest").expect("its tail")]);
}

#[test]
fn a_program_reads_the_same() {
    let ended = kept("explained_json", true).run(&[&SHORT[..], &["--json"]].concat());
    assert_eq!((ended.code, ended.err.as_str()), (Some(1), ""), "{}", ended.out);
    let json: serde_json::Value = serde_json::from_str(&ended.out).expect("it is JSON");
    assert_eq!(json["violation"]["law"], "legal-order");
    assert!(json["chain"].as_array().is_some_and(|links| links.len() > 3), "{json}");
    assert!(json["curve"].as_array().is_some_and(|points| points.len() > 3), "{json}");
}

#[test]
fn a_process_is_shown_at_a_moment() {
    let folder = kept("state", true);
    let state = |arguments: &[&str]| -> Ended {
        folder.run(&[&["explain", "it.json", "--state"][..], arguments].concat())
    };
    let ended = state(&["worker-2", "--until", "3s"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
    assert!(ended.out.starts_with("worker-2 at 3.000 s\nWorker("), "{}", ended.out);
    assert!(ended.out.contains("\n  job: Some("), "{}", ended.out);
    let nobody = state(&["worker-22"]);
    assert_eq!(nobody.code, Some(64), "{}", nobody.out);
    insta::assert_snapshot!(nobody.err);
}

#[test]
fn a_run_that_does_not_fail_cannot_be_explained() {
    let ended = kept("nothing_to_explain", false).run(&SHORT);
    assert_eq!((ended.code, ended.out.as_str()), (Some(64), ""));
    insta::assert_snapshot!(ended.err);
}
