//! Files for other programs: they are what their formats say, and whoever asks for them changes
//! nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::program::{Ended, Folder};

/// A short run with a crash and a slow store.
const SHORT: [&str; 6] = ["run", "word-count", "--seed", "3", "--set", "input.words.count=3000"];

fn run(folder: &Folder, arguments: &[&str]) -> Ended {
    let ended = folder.run(&[&SHORT[..], arguments].concat());
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
    ended
}

/// The part of JSON schema that ours is written in.
fn complains(schema: &Value, root: &Value, value: &Value) -> Option<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.strip_prefix("#/$defs/").unwrap();
        return complains(&root["$defs"][name], root, value);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let all = choices.iter().all(|choice| complains(choice, root, value).is_some());
        return all.then(|| format!("{value} is nothing of {schema}"));
    }
    if let Some(words) = schema["enum"].as_array() {
        return (!words.contains(value)).then(|| format!("{value} is not one of {schema}"));
    }
    if !schema["const"].is_null() {
        return (schema["const"] != *value).then(|| format!("{value} is not {schema}"));
    }
    let fits = match schema["type"].as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "object" => {
            let (has, may) =
                (value.as_object().unwrap(), schema["properties"].as_object().unwrap());
            let required = schema["required"].as_array().unwrap();
            let missing = required.iter().find(|name| !has.contains_key(name.as_str().unwrap()));
            if let Some(name) = missing {
                return Some(format!("{value} has no {name}"));
            }
            for (name, value) in has {
                let Some(schema) = may.get(name) else { return Some(format!("`{name}` is extra")) };
                if let Some(complaint) = complains(schema, root, value) {
                    return Some(format!("{name}: {complaint}"));
                }
            }
            true
        }
        other => panic!("a type that the test does not know: {other}"),
    };
    (!fits).then(|| format!("{value} is no {schema}"))
}

/// Every line is what the schema says of its kind, whatever the scenario has in it.
#[test]
fn json_lines_follow_their_schema() {
    let folder = Folder::new("json_lines");
    let schema: Value =
        serde_json::from_str(&folder.run(&["schema", "--observations"]).out).unwrap();
    let mut seen = BTreeSet::new();
    let scenarios: [&[&str]; 4] = [
        &SHORT,
        &["run", "stateful-bolts", "--seed", "1", "--set", "input.words.count=3000"],
        &["run", "queries", "--seed", "1", "--set", "input.words.count=5000"],
        &["run", "consensus", "--seed", "1", "--set", "input.words.count=2000"],
    ];
    for scenario in scenarios {
        let ended = folder.run(&[scenario, &["--export", "jsonl=run.jsonl"]].concat());
        assert_eq!(ended.err, "", "{scenario:?}");
        let mut last = 0;
        for line in folder.read("run.jsonl").lines() {
            let value: Value = serde_json::from_str(line).unwrap();
            let what = value["what"].as_str().unwrap();
            let kinds = schema["oneOf"].as_array().unwrap();
            let kind = kinds.iter().find(|kind| kind["title"] == *what).unwrap();
            assert_eq!(complains(kind, &schema, &value), None, "{line}");
            let t = value["t"].as_u64().unwrap();
            assert!(t >= last, "time runs backwards: {line}");
            last = t;
            seen.insert(what.to_string());
        }
    }
    assert!(seen.len() > 40, "only {seen:?}");
    // The test itself must be able to complain.
    let line = serde_json::json!({ "t": 1, "node": "broker", "life": 1, "event": 1,
        "what": "running", "generation": "one" });
    let kinds = schema["oneOf"].as_array().unwrap();
    let running = kinds.iter().find(|kind| kind["title"] == "running").unwrap();
    assert!(complains(running, &schema, &line).unwrap().starts_with("generation: "));
}

#[test]
fn what_is_written_changes_nothing_and_a_window_is_a_part_of_it() {
    let folder = Folder::new("windows");
    let quiet = run(&folder, &[]);
    let loud = run(&folder, &["--export", "jsonl=all.jsonl", "--export", "prometheus=run.prom"]);
    assert_eq!(quiet, loud);
    run(&folder, &["--export", "jsonl=part.jsonl", "--from", "1s", "--until", "1500ms"]);
    let inside = |line: &&str| {
        let line: Value = serde_json::from_str(line).unwrap();
        (1_000_000_000..1_500_000_000).contains(&line["t"].as_u64().unwrap())
    };
    let all = folder.read("all.jsonl");
    let expected: Vec<&str> = all.lines().filter(inside).collect();
    let part = folder.read("part.jsonl");
    assert!(!expected.is_empty() && expected.len() < all.lines().count());
    assert_eq!(part.lines().collect::<Vec<_>>(), expected);
    let one = all.lines().find(|line| line.contains("\"checkpoint-acked\"")).unwrap();
    insta::assert_snapshot!(one);
}

/// Families stand together and are introduced, samples have labels and numbers.
#[test]
fn metrics_are_what_prometheus_reads() {
    let folder = Folder::new("metrics");
    run(&folder, &["--export", "prometheus=run.prom"]);
    let text = folder.read("run.prom");
    let (mut families, mut samples) = (BTreeSet::new(), BTreeSet::new());
    let (mut family, mut kind) = ("", "");
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().unwrap();
            assert!(families.insert(family), "{family} stands in two places");
        } else if let Some(of) = line.strip_prefix("# TYPE ") {
            let (name, is) = of.split_once(' ').unwrap();
            assert_eq!(name, family);
            assert!(["counter", "gauge", "summary"].contains(&is), "{line}");
            kind = is;
            assert_eq!(is == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            assert!(samples.insert(sample), "twice: {sample}");
            assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
            let (name, labels) = sample.split_once('{').unwrap();
            let base = if kind == "summary" { name.trim_end_matches("_count") } else { name };
            assert_eq!(base, family, "{line}");
            assert!(labels.starts_with("scenario=\"word-count\",seed=\"3\""), "{line}");
            assert!(labels.ends_with("\"}"), "{line}");
        }
    }
    assert!(families.len() > 25, "{families:?}");
    let shown: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("checkpoint") || line.contains("outage"))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_file_that_cannot_be_written_is_found_out_before_the_run() {
    let folder = Folder::new("unwritable");
    let ended = folder.run(&[&SHORT[..], &["--export", "jsonl=nowhere/run.jsonl"]].concat());
    assert_eq!((ended.code, ended.out.as_str()), (Some(64), ""));
    let complaint = "nowhere/run.jsonl: cannot be written: there is no such file\n";
    assert_eq!(ended.err, complaint);
    let ended = folder.run(&[&SHORT[..], &["--export", "yaml=run.yaml"]].concat());
    assert_eq!(ended.code, Some(64));
    assert!(ended.err.contains("`yaml` is not a format; there are "), "{}", ended.err);
}
