//! Whatever is mistyped is answered with one clear error and exit code 64; a row that cannot be
//! read is a dead letter that is counted and shown.

use crate::program::Folder;

/// Runs something wrong; the error, of which nothing may be on standard output.
#[track_caller]
fn wrong(folder: &Folder, arguments: &[&str]) -> String {
    let ended = folder.run(arguments);
    assert_eq!((ended.code, ended.out.as_str()), (Some(64), ""), "{}", ended.err);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    ended.err
}

#[track_caller]
fn says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in:\n{error}");
    }
}

#[test]
fn an_unknown_scenario_is_answered_with_the_nearest_name() {
    let folder = Folder::new("unknown_scenario");
    says(
        &wrong(&folder, &["run", "flight-dealys"]),
        &["flight-dealys", "did you mean `flight-delays`"],
    );
    says(
        &wrong(&folder, &["run", "zebra"]),
        &["consensus, coordinator-storm, data-storm, elastic"],
    );
    says(&wrong(&folder, &["run", "mine.toml"]), &["mine.toml", "there is no such file"]);
    says(&wrong(&folder, &["run", "./"]), &["cannot be read"]);
    says(&wrong(&folder, &["campaign", "word-count", "zebra", "--seeds", "0..2"]), &["zebra"]);
}

#[test]
fn a_wrong_setting_is_shown_where_it_stands() {
    let folder = Folder::new("wrong_setting");
    let set = |setting: &str| wrong(&folder, &["run", "word-count", "--set", setting]);
    says(&set("topology.name=word-cuont"), &["word-cuont", "did you mean `word-count`"]);
    says(&set("checkpoint.intervall=2s"), &["intervall", "^", "did you mean `interval`"]);
    says(&set("checkpoint.interval=2"), &["^", "2s"]);
    says(&set("cluster.workers=0"), &["--set", "workers"]);
    says(&set("checkpoint.interval=0s"), &["--set", "interval"]);
    says(&set("topology.parallelism.zebra=2"), &["zebra"]);
    says(&set("fault.1.crash.who=worker-9"), &["worker-9"]);
    says(&set("fault.1.crash.who=worker-of:zebra"), &["zebra"]);
    says(&set("fault.1.crash.who=wroker"), &["wroker", "did you mean `worker`"]);
    says(&set("nonsense"), &["key=value"]);
}

#[test]
fn a_wrong_argument_is_told_by_the_command_line() {
    let folder = Folder::new("wrong_argument");
    says(&wrong(&folder, &[]), &["Usage"]);
    says(&wrong(&folder, &["runn"]), &["runn", "'run'"]);
    says(&wrong(&folder, &["run"]), &["SCENARIO"]);
    says(&wrong(&folder, &["run", "word-count", "--seed", "x"]), &["`x` is not a seed"]);
    says(&wrong(&folder, &["run", "word-count", "--sed", "7"]), &["--sed", "--se"]);
    says(
        &wrong(&folder, &["run", "word-count", "--bug", "zombie-acepted"]),
        &["did you mean `zombie-accepted`"],
    );
    says(&wrong(&folder, &["campaign", "word-count", "--seeds", "5..5"]), &["no seed"]);
    says(&wrong(&folder, &["campaign", "word-count"]), &["--seeds"]);
    says(
        &wrong(&folder, &["campaign", "word-count", "--seeds", "0..2", "--jobs", "0"]),
        &["--jobs"],
    );
    says(&wrong(&folder, &["replay"]), &["CASE"]);
}

#[test]
fn help_and_version_that_were_asked_for_are_no_mistake() {
    let folder = Folder::new("help");
    for arguments in [&["--help"][..], &["--version"], &["run", "--help"], &["list"], &["schema"]] {
        let ended = folder.run(arguments);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(!ended.out.is_empty());
    }
    assert!(folder.run(&["completions", "bash"]).out.contains("stormglass"));
}

#[test]
fn a_plan_or_a_case_of_another_version_is_refused() {
    let folder = Folder::new("versions");
    let small = ["run", "word-count", "--set", "input.words.count=500", "--set", "fault=[]"];
    let ended = folder.run(&[&small[..], &["--case", "one.case.json"]].concat());
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let case = folder.read("one.case.json");
    folder.write("old.case.json", &case.replacen("\"version\": 1", "\"version\": 99", 1));
    says(
        &wrong(&folder, &["replay", "old.case.json"]),
        &["old.case.json", "version 99", "reads 1"],
    );
    folder.write("torn.case.json", &case[..case.len() / 2]);
    says(&wrong(&folder, &["replay", "torn.case.json"]), &["torn.case.json:", "EOF"]);
    says(&wrong(&folder, &["replay", "no.case.json"]), &["there is no such file"]);

    let plan = r#"{ "version": 99, "scenario": "word-count", "seed": "7", "faults": [] }"#;
    folder.write("plan.json", plan);
    let with = |plan| [&small[..], &["--plan", plan]].concat();
    says(&wrong(&folder, &with("plan.json")), &["plan.json", "version 99"]);
    folder.write("other.json", &plan.replace("99", "1").replace("word-count", "flight-delays"));
    says(&wrong(&folder, &with("other.json")), &["flight-delays", "word-count"]);
    folder.write("right.json", &plan.replace("99", "1"));
    assert_eq!(folder.run(&with("right.json")).code, Some(0));
}

/// Flights of a user's own file.
const MINE: &str = r#"
name = "mine"
topology.name = "flight-delays"
input = { rate = "100/s", csv = { file = "mine.csv" } }
"#;

#[test]
fn a_row_that_cannot_be_read_is_counted_and_shown() {
    let folder = Folder::new("dead_letter");
    folder.write("mine.toml", MINE);
    let good = "2001-01-13T14:56,SAN,SJC,32,418\n".repeat(49);
    folder.write("mine.csv", &format!("date,origin,destination,delay,distance\n{good}oops,,\n"));
    let ended = folder.run(&["run", "mine.toml", "--case", "mine.case.json"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
    says(&ended.out, &["50 records checked one by one", "1 record could not be read"]);
    let again = folder.run(&["replay", "mine.case.json"]);
    says(&again.out, &["1 record could not be read", "reproduced: same digest"]);
    folder.write("mine.csv", &format!("date,origin,destination,delay,distance\n{good}"));
    let changed = folder.run(&["replay", "mine.case.json"]);
    assert_eq!(changed.code, Some(2));
    says(&changed.out, &["not reproduced", "a file that the scenario reads, has changed"]);
}

#[test]
fn a_run_that_was_never_disturbed_could_not_be_judged() {
    let folder = Folder::new("vacuous");
    let fault =
        "fault=[{ on = { event = \"executed\", nth = 1_000_000 }, crash = { who = \"worker\" } }]";
    let small = ["word-count", "--set", "input.words.count=500", "--set", fault];
    let ended = folder.run(&[&["run"][..], &small].concat());
    assert_eq!(ended.code, Some(2), "{}{}", ended.out, ended.err);
    says(
        &ended.out,
        &["could not judge: no fault", "never struck", "Disturbed: 0 of 1 fault took"],
    );
    let campaign = folder.run(&[&["campaign", "--seeds", "0..3"][..], &small].concat());
    assert_eq!(campaign.code, Some(2));
    says(&campaign.out, &["3 runs (100%) from seed 0 on: no fault"]);
}

#[test]
fn a_missing_file_is_named_with_the_line_that_asks_for_it() {
    let folder = Folder::new("missing_csv");
    folder.write("mine.toml", MINE);
    says(&wrong(&folder, &["run", "mine.toml"]), &["mine.toml:4", "mine.csv", "no such file", "^"]);
    folder.write("mine.csv", "date,origin,destination,delay,distance\n");
    says(&wrong(&folder, &["run", "mine.toml"]), &["no row"]);
}
