//! Sweeps from arguments to files: resumed, cut into shards, put together again, refused.

use std::time::Duration;

use crate::program::Folder;

/// Six runs of a small job.
const SMALL: [&str; 8] = [
    "sweep",
    "interval",
    "--vary=checkpoint.interval=5s,10s,20s",
    "--measure=useful-work",
    "--set=input.words.count=600",
    "--seeds=2",
    "--jobs=1",
    "--set=cluster.cores=2",
];
const FILES: [&str; 6] =
    ["runs.csv", "points.csv", "figure.json", "figure.svg", "figure.png", "index.html"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SMALL[..], more].concat()
}

/// All that a sweep wrote, but for what it was asked for and when it ran.
fn written(folder: &Folder, name: &str) -> Vec<Vec<u8>> {
    let read = |file: &&str| std::fs::read(folder.path(&format!("{name}/{file}"))).unwrap();
    FILES.iter().map(read).collect()
}

#[test]
fn a_sweep_killed_in_the_middle_ends_the_same() {
    let folder = Folder::new("sweep-killed");
    let whole = folder.run(&with(&["--out", "whole"]));
    assert_eq!(whole.code, Some(0), "{}", whole.err);
    assert!(whole.out.contains("6 runs; figure.svg"), "{}", whole.out);
    let mut child = folder.spawn(&with(&["--resume", "killed"]));
    let rows = || std::fs::read_to_string(folder.path("killed/rows.jsonl")).unwrap_or_default();
    while rows().lines().count() < 2 {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let resumed = folder.run(&with(&["--resume", "killed"]));
    assert_eq!(resumed.out.replace("killed", "whole"), whole.out);
    assert_eq!(folder.read("killed/rows.jsonl"), folder.read("whole/rows.jsonl"));
    assert_eq!(written(&folder, "killed"), written(&folder, "whole"));
    // Asked for once more, it has nothing to run.
    let again = folder.run(&with(&["--resume", "killed"]));
    assert_eq!(again.out, resumed.out);
    assert!(again.err.contains("6 rows are there") && !again.err.contains("a second"));
}

#[test]
fn shards_are_one_whole() {
    let folder = Folder::new("sweep-shards");
    let whole = folder.run(&with(&["--out", "whole", "--json"]));
    assert!(whole.out.starts_with("{\n  \"title\": \""), "{}", whole.out);
    for part in ["1", "2"] {
        let ended = folder.run(&with(&["--shard", &format!("{part}/2"), "--out", part]));
        assert!(ended.out.starts_with("3 of 6 runs are in"), "{}", ended.out);
    }
    let merged = folder.run(&["merge", "2", "1", "--out", "merged", "--json"]);
    assert_eq!(merged.out, whole.out, "{}", merged.err);
    assert_eq!(written(&folder, "merged"), written(&folder, "whole"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let folder = Folder::new("sweep-refused");
    folder.run(&with(&["--out", "there"]));
    for (arguments, says) in [
        (with(&["--out", "there"]), "--resume goes on with it"),
        (with(&["--resume", "there", "--set=cluster.cores=3"]), "there is another sweep in it"),
        (vec!["sweep", "interval"], "nothing is varied"),
        (vec!["sweep"], "required arguments were not provided"),
        (vec!["sweep", "--figure", "recovery-by-intervall"], "did you mean `recovery-by-interval`"),
        (vec!["sweep", "interval", "--vary", "checkpoint.interval=1s..9s"], "write 1s..9s:log12"),
        (
            vec!["sweep", "interval", "--vary", "checkpoint.intervall=1s,9s"],
            "did you mean `interval`",
        ),
        (vec!["sweep", "interval", "--vary", "state.backend=file,log"], "has no numbers"),
        (
            vec!["sweep", "interval", "--vary", "input.rate=1/s,9/s", "--measure", "outages"],
            "did you mean `outage`",
        ),
    ] {
        let ended = folder.run(&arguments);
        assert_eq!(
            (ended.code, ended.out.as_str()),
            (Some(64), ""),
            "{arguments:?}: {}",
            ended.err
        );
        assert!(ended.err.contains(says), "{arguments:?}: {}", ended.err);
    }
}
