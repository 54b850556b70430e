//! Campaigns that are killed, stopped, resumed, cut into shards and put together again.

use std::time::Duration;

use crate::program::{Ended, Folder};

/// A small job that crashes of workers disturb.
const SMALL: [&str; 5] = [
    "campaign",
    "word-count",
    "--set=input.words.count=1000",
    "--set=checkpoint.interval=100ms",
    "--jobs=1",
];
/// Another one, of a user's own.
const OTHER: &str = r#"
name = "other"
topology.name = "word-count"
input = { rate = "1k/s", words = { count = 2000 } }
[[fault]]
at = "30%..60%"
crash = { who = "worker" }
"#;
/// A bug that most seeds reach.
const BUG: &str = "--bug=restore-one-too-far";

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SMALL[..], more].concat()
}

#[track_caller]
fn judged(ended: &Ended) {
    assert!(matches!(ended.code, Some(0..=2)), "{ended:?}");
}

#[track_caller]
fn refused(ended: &Ended, parts: &[&str]) {
    assert_eq!((ended.code, ended.out.as_str()), (Some(64), ""), "{}", ended.err);
    for part in parts {
        assert!(ended.err.contains(part), "`{part}` is not in:\n{}", ended.err);
    }
}

/// The verdict rows of run folders put together.
#[track_caller]
fn merged(folder: &Folder, parts: &[&str], out: &str) -> String {
    let ended = folder.run(&[&["merge"], parts, &["--out", out]].concat());
    judged(&ended);
    assert!(!ended.err.contains("missing"), "{}", ended.err);
    folder.read(&format!("{out}/rows.jsonl"))
}

#[test]
fn a_campaign_killed_in_the_middle_loses_nothing() {
    let folder = Folder::new("killed");
    let arguments = with(&["--seeds", "0..24", BUG]);
    let whole = folder.run(&[&arguments[..], &["--out", "whole"]].concat());
    judged(&whole);

    let resume = [&arguments[..], &["--resume", "killed"]].concat();
    let mut child = folder.spawn(&resume);
    let rows = || std::fs::read_to_string(folder.path("killed/rows.jsonl")).unwrap_or_default();
    while rows().lines().count() < 3 {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let resumed = folder.run(&resume);
    assert_eq!(resumed.out.replace("killed/", "whole/"), whole.out, "the page shows no seam");
    assert_eq!(resumed.code, whole.code);
    assert_eq!(folder.read("killed/rows.jsonl"), folder.read("whole/rows.jsonl"));
    let rows = merged(&folder, &["killed"], "merged-killed");
    assert_eq!(rows, merged(&folder, &["whole"], "merged-whole"));
    assert_eq!(rows.lines().count(), 24);
    assert!(rows.contains(r#""verdict":"broken""#), "there is something to be lost");
}

#[test]
fn three_shards_are_one_whole() {
    let folder = Folder::new("shards");
    folder.write("other.toml", OTHER);
    let arguments = with(&["other.toml", "--seeds", "2..9"]);
    judged(&folder.run(&[&arguments[..], &["--out", "whole"]].concat()));
    for shard in ["1/3", "2/3", "3/3"] {
        let out = format!("part-{}", &shard[..1]);
        judged(&folder.run(&[&arguments[..], &["--shard", shard, "--out", &out]].concat()));
    }
    let whole = merged(&folder, &["whole"], "merged-whole");
    assert_eq!(whole, merged(&folder, &["part-3", "part-1", "part-2"], "merged-parts"));
    let manifests = ["merged-whole", "merged-parts"];
    let [whole, parts] = manifests.map(|name| folder.read(&format!("{name}/campaign.json")));
    assert_eq!(whole, parts);

    let two = folder.run(&["merge", "part-1", "part-3", "--out", "merged-two"]);
    assert!(two.err.contains("missing: word-count: 4, 7"), "{}", two.err);
    assert_eq!(two.code, Some(2));
    // The same shard twice is no news.
    judged(&folder.run(&["merge", "part-1", "part-1", "--out", "merged-same"]));
    let row = folder.read("part-1/rows.jsonl");
    let (first, rest) = row.split_once('\n').unwrap();
    let other = first.replace(r#""digest":""#, r#""digest":"f"#);
    folder.write("part-1/rows.jsonl", &format!("{other}\n{rest}"));
    let disagree = folder.run(&["merge", "whole", "part-1", "--out", "merged-disagree"]);
    refused(&disagree, &["part-1: word-count with seed 3 came out differently", "in whole"]);
}

#[test]
fn a_torn_line_is_cut_off_and_its_seed_runs_again() {
    let folder = Folder::new("torn_line");
    let arguments = with(&["--seeds", "0..3"]);
    judged(&folder.run(&[&arguments[..], &["--out", "it"]].concat()));
    let rows = folder.read("it/rows.jsonl");
    folder.write("it/rows.jsonl", &rows[..rows.len() - 20]);
    let missing = folder.run(&["merge", "it", "--out", "early"]);
    assert!(missing.err.contains("missing: word-count: 2\n"), "{}", missing.err);
    let resume = [&arguments[..], &["--resume", "it"]].concat();
    let resumed = folder.run(&resume);
    judged(&resumed);
    assert!(resumed.err.contains("2 rows are there"), "{}", resumed.err);
    assert_eq!(folder.read("it/rows.jsonl"), rows);
    folder.write("it/rows.jsonl", &format!("what is this?\n{rows}"));
    refused(&folder.run(&resume), &["rows.jsonl:1: it is no row"]);
}

#[test]
fn a_folder_of_another_campaign_is_refused() {
    let folder = Folder::new("another_campaign");
    judged(&folder.run(&with(&["--seeds", "0..2", "--out", "it"])));
    let rows = folder.read("it/rows.jsonl");
    refused(&folder.run(&with(&["--seeds", "0..2", "--out", "it"])), &["it: there is a campaign"]);
    let resume = |more: &[&str]| folder.run(&[&with(more)[..], &["--resume", "it"]].concat());
    refused(&resume(&["--seeds", "0..4"]), &["its seeds are 0..2 (shard 1/1), not 0..4"]);
    refused(&resume(&["--seeds", "0..2", BUG]), &["its planted bugs are none, not restore-one"]);
    refused(
        &resume(&["--seeds", "0..2", "--set", "input.rate=1k/s"]),
        &["its settings of word-count are"],
    );
    refused(
        &folder.run(&["campaign", "flight-delays", "--seeds", "0..2", "--resume", "it"]),
        &["its scenarios are word-count, not flight-delays"],
    );
    judged(&folder.run(&with(&["--seeds", "2..4", BUG, "--out", "bug"])));
    refused(
        &folder.run(&["merge", "it", "bug", "--out", "both"]),
        &["bug: it is not of the same campaign as it"],
    );
    refused(&folder.run(&["merge", "no-such", "--out", "both"]), &["no such file"]);
    assert_eq!(folder.read("it/rows.jsonl"), rows, "nothing was touched");
    // The code of today does not give the rows of yesterday.
    let at = rows.rfind(r#""digest":""#).unwrap() + 10;
    let mut other = rows;
    other.replace_range(at..at + 8, "01234567");
    folder.write("it/rows.jsonl", &other);
    refused(&resume(&["--seeds", "0..2"]), &["seed 1 comes out differently now"]);
}

#[test]
fn a_campaign_stops_when_it_is_told_to() {
    let folder = Folder::new("stopped");
    let arguments = with(&["--seeds", "0..1000000", BUG, "--fail-fast", "2"]);
    let fast = folder.run(&[&arguments[..], &["--out", "fast"]].concat());
    assert_eq!(fast.code, Some(1));
    assert!(fast.err.contains("stopped after 2 failures"), "{}", fast.err);
    let broken = |name: &str| folder.read(name).matches(r#""verdict":"broken""#).count();
    assert_eq!(broken("fast/rows.jsonl"), 2);
    let jobs: Vec<&str> =
        arguments.iter().map(|a| if *a == "--jobs=1" { "--jobs=3" } else { *a }).collect();
    let more = folder.run(&[&jobs[..], &["--out", "jobs"]].concat());
    assert_eq!(more.out.replace("jobs/", "fast/"), fast.out, "the number of jobs shows nowhere");
    assert_eq!(folder.read("jobs/rows.jsonl"), folder.read("fast/rows.jsonl"));

    let until = folder.run(&with(&["--seeds", "0..1000000", "--until", "1s"]));
    judged(&until);
    assert!(until.err.contains("stopped: the time is over"), "{}", until.err);
    assert!(until.err.contains("seeds a second"), "{}", until.err);
}

#[test]
fn junit_is_well_formed_and_counts() {
    let folder = Folder::new("junit");
    let ended = folder.run(&with(&["--seeds", "0..4", BUG, "--junit", "it.xml"]));
    judged(&ended);
    let xml = folder.read("it.xml");
    let elements = elements(&xml);
    let count = |name: &str| elements.iter().filter(|element| element.0 == name).count();
    assert_eq!((count("testsuites"), count("testsuite")), (1, 1));
    assert_eq!(elements[0].0, "testsuites");
    let suite = &elements[1].1;
    assert!(suite.contains(r#"name="word-count""#), "{suite}");
    assert!(suite.contains(&format!(r#"tests="{}""#, count("testcase"))), "{suite}");
    assert!(suite.contains(&format!(r#"failures="{}""#, count("failure"))), "{suite}");
    assert!(count("failure") > 0 && ended.code == Some(1), "{xml}");
    assert!(xml.contains("replay stormglass-runs/word-count-"), "{xml}");
}

/// Elements of a well-formed document: name and attributes.
#[track_caller]
fn elements(xml: &str) -> Vec<(String, String)> {
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").unwrap();
    let (mut open, mut found, mut rest) = (Vec::new(), Vec::new(), body);
    while let Some((text, tail)) = rest.split_once('<') {
        assert!(!text.contains('>'), "{text}");
        let (tag, tail) = tail.split_once('>').unwrap();
        rest = tail;
        assert!(!tag.contains('<') && tag.matches('"').count() % 2 == 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        found.push((name.to_string(), attributes.to_string()));
        if !tag.ends_with('/') {
            open.push(name.to_string());
        }
    }
    assert!(open.is_empty(), "{open:?}");
    found
}
