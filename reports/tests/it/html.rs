//! The page for a browser: whole, self-contained, small, and drawn without an error where there is
//! a browser to draw it.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::program::{Folder, broken};

/// A run with a crash, a slow store and a few checkpoints.
const SHORT: [&str; 6] = ["run", "word-count", "--seed", "3", "--set", "input.words.count=5000"];
/// Elements that have no end.
const VOID: [&str; 2] = ["meta", "br"];
/// Elements whose end may be left out.
const OPEN: [&str; 5] = ["td", "th", "tr", "p", "li"];

fn page(folder: &Folder, arguments: &[&str]) -> String {
    let ended = folder.run(&[arguments, &["--html", "run.html"]].concat());
    assert_eq!(ended.err, "", "{}", ended.out);
    folder.read("run.html")
}

/// What is drawn, and the document without it, its script and its style.
fn parts(page: &str) -> (Value, String) {
    let cut = |text: &str, from: &str, to: &str| {
        let (before, rest) = text.split_once(from).unwrap();
        let (inside, after) = rest.split_once(to).unwrap();
        (inside.to_string(), format!("{before}{from}{to}{after}"))
    };
    let (data, rest) = cut(page, "<script type=\"application/json\" id=\"data\">", "</script>");
    let (_, rest) = cut(&rest, "<script>\n", "</script>");
    let (_, rest) = cut(&rest, "<style>\n", "</style>");
    (serde_json::from_str(&data).unwrap(), rest)
}

/// Demands that elements are nested as HTML wants it.
fn nested(document: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in document.split('<').skip(1) {
        let name = tag.split([' ', '>']).next().unwrap();
        if name.starts_with('!') || VOID.contains(&name) {
            continue;
        }
        match name.strip_prefix('/') {
            None => open.push(name),
            Some(name) => {
                while open.last().is_some_and(|last| *last != name && OPEN.contains(last)) {
                    open.pop();
                }
                assert_eq!(open.pop(), Some(name), "</{name}> ends something else");
            }
        }
    }
    assert_eq!(open, Vec::<&str>::new(), "never ended");
}

#[test]
fn the_page_is_whole_and_needs_nothing_else() {
    let page = page(&Folder::new("html_whole"), &SHORT);
    for outside in ["http:", "https:", "src=", "<link", "@import", "url(", "fetch(", "import "] {
        assert!(!page.contains(outside), "it asks for something outside: {outside}");
    }
    let (data, document) = parts(&page);
    nested(&document);
    let sections = ["tiles", "timeline", "faults", "outages", "checkpoints", "flow", "plan"];
    let ids: BTreeSet<&str> =
        document.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    for id in sections.into_iter().chain(["drawing", "panel", "tip", "repeat", "data"]) {
        assert!(ids.contains(id), "there is no #{id}");
    }
    // What the script looks for is there: elements by their ids, data by its names.
    let script = page.rsplit_once("<script>\n").unwrap().1;
    for name in script.split("$(\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(ids.contains(name), "the script looks for #{name}");
    }
    for (letter, of) in [("D", &data), ("S", &data["story"]), ("E", &data["events"])] {
        for rest in script.split(&format!("{letter}.")).skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
            let before = script[..script.len() - rest.len() - 2].chars().next_back();
            let whole = script.len() - rest.len() - 2;
            let before =
                before.filter(|_| whole > 0).or_else(|| script[..whole].chars().next_back());
            if before.is_none_or(|c| c.is_ascii_alphanumeric() || c == '.') || name.is_empty() {
                continue;
            }
            assert!(!of[&name].is_null(), "the script reads {letter}.{name}");
        }
    }
}

/// What is drawn is what the outcome says.
#[test]
fn the_page_draws_what_was_run() {
    let folder = Folder::new("html_data");
    let (data, document) = parts(&page(&folder, &SHORT));
    let outcome: Value =
        serde_json::from_str(&folder.run(&[&SHORT[..], &["--json"]].concat()).out).unwrap();
    let length = |value: &Value| value.as_array().unwrap().len() as u64;
    let sum = |name: &str| -> u64 {
        data["series"][name].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum()
    };
    assert_eq!(data["end"].as_u64().unwrap(), outcome["ended_ns"].as_u64().unwrap() / 1_000);
    assert_eq!(length(&data["faults"]), length(&outcome["faults"]));
    assert_eq!(length(&data["recoveries"]), length(&outcome["recoveries"]));
    assert_eq!(Value::from(length(&data["checkpoints"])), outcome["checkpoints"]["triggered"]);
    assert_eq!(Value::from(sum("read") + sum("again")), outcome["flow"]["read"]);
    assert_eq!(Value::from(sum("again")), outcome["flow"]["replayed"]);
    assert_eq!(sum("arrived"), 5_000);
    let published: u64 =
        outcome["published"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(sum("visible"), published);
    // Every column of the story is as long as the others, and its events are there.
    let events = length(&data["events"]["id"]);
    assert!(events > 0);
    let story = &data["story"];
    let told = length(&story["t"]);
    assert!(told > 20);
    for column in ["n", "w", "e"] {
        assert_eq!(length(&story[column]), told, "{column}");
    }
    assert_eq!(story["s"].as_str().unwrap().chars().count() as u64, told);
    for (at, cause) in data["events"]["c"].as_array().unwrap().iter().enumerate() {
        assert!(cause.as_i64().unwrap() < at as i64, "a cause comes first");
    }
    let rows = document.matches(" data-checkpoint=").count() as u64;
    assert_eq!(rows, length(&data["checkpoints"]), "a row for each checkpoint");
    // Each task took part in a completed checkpoint on a process that has a lane.
    let (tasks, nodes) = (length(&data["tasks"]), length(&data["nodes"]) as i64);
    let completed = data["checkpoints"].as_array().unwrap().iter().find(|c| c["bytes"] != 0);
    assert_eq!(length(&completed.unwrap()["parts"]), tasks);
    for generation in data["generations"].as_array().unwrap() {
        for node in generation["tasks"].as_array().unwrap() {
            assert!((0..nodes).contains(&node.as_i64().unwrap()));
        }
    }
}

/// A failure tells the law, the sentence and the command that shows it again.
#[test]
fn the_page_of_a_failure_says_which_law_broke() {
    let folder = Folder::new("html_failure");
    let run = broken(&[]);
    let page = page(&folder, &run);
    let (_, document) = parts(&page);
    nested(&document);
    assert!(document.contains("<span class=\"verdict broken\">broken</span>: "));
    assert!(document.contains("<div class=\"broken-law\"><h3>"));
    let case = "stormglass-runs/flight-delays-7-restore-one-too-far.case.json";
    assert!(document.contains(&format!("replay {case}")));
    // The same page again, from the case.
    let ended = folder.run(&["replay", case, "--html", "again.html"]);
    assert_eq!(ended.err, "");
    assert_eq!(folder.read("again.html"), page);
}

/// Ten virtual minutes on 20 machines, with few records: what takes room are checkpoints and the
/// control plane.
const LARGE: [&str; 18] = [
    "run",
    "reference",
    "--seed",
    "1",
    "--set",
    "cluster.workers=20",
    "--set",
    "topology.parallelism.count=16",
    "--set",
    "topology.parallelism.words=4",
    "--set",
    "topology.parallelism.publish=4",
    "--set",
    "input.rate=20/s",
    "--set",
    "input.words.count=12000",
    "--set",
    "checkpoint.interval=2s",
];

/// It stays small, and a browser draws it soon.
#[test]
fn the_page_of_ten_minutes_on_twenty_machines_is_small() {
    let folder = Folder::new("html_large");
    let page = page(&folder, &LARGE);
    let (data, _) = parts(&page);
    let minutes = data["end"].as_u64().unwrap() / 60_000_000;
    let (nodes, checkpoints) = (&data["nodes"], &data["checkpoints"]);
    assert!(minutes >= 10 && nodes.as_array().unwrap().len() >= 20);
    assert!(checkpoints.as_array().unwrap().len() > 250);
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    let Some(browser) = browser() else { return };
    // How long it takes is told, not judged: it depends on the machine, and on what else it does.
    let millis = || {
        let dom = dom(&browser, &folder, "run.html");
        let (_, rest) = dom.split_once("data-drawn=\"").expect("it is drawn");
        rest.split('"').next().unwrap().parse::<u64>().unwrap()
    };
    let soonest = (0..3).map(|_| millis()).min().unwrap();
    println!("drawn after {soonest} ms, {} bytes", page.len());
}

/// It is drawn without an error, and an observation shows its causes.
#[test]
fn a_browser_draws_the_page() {
    let folder = Folder::new("html_browser");
    let (data, _) = parts(&page(&folder, &SHORT));
    let Some(browser) = browser() else { return };
    let words = data["story"]["w"].as_array().unwrap();
    // Many messages lead to it; what a fault did has no cause.
    let complete = words.iter().position(|words| words.as_str().unwrap().contains(" complete, "));
    let story = complete.expect("a checkpoint completes");
    for address in ["run.html", "run.html#dark,at=1s..2s", &format!("run.html#story={story}")] {
        let dom = dom(&browser, &folder, address);
        assert!(dom.contains(" data-drawn=\"") && !dom.contains(" data-error="), "{address}");
        let causes = dom
            .split_once("<ol class=\"causes\">")
            .map(|(_, rest)| rest.split("</ol>").next().unwrap().matches("<li").count());
        match address.contains("story") {
            true => assert!(causes.is_some_and(|causes| causes > 5), "{causes:?}"),
            false => assert_eq!(causes, None),
        }
    }
}

/// A headless browser, if there is one: `CHROME`, or a usual name.
fn browser() -> Option<String> {
    let names = [
        "chromium-headless-shell",
        "chrome-headless-shell",
        "headless_shell",
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    let usual = names.map(str::to_string).into_iter();
    let runs = |name: &String| Command::new(name).arg("--version").output().is_ok();
    let found = std::env::var("CHROME").ok().into_iter().chain(usual).find(runs);
    if found.is_none() {
        println!("skipped: no headless Chromium on this machine; CHROME=PATH names one");
    }
    found
}

/// The document after its script has run.
fn dom(browser: &str, folder: &Folder, address: &str) -> String {
    let flags = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,1200"];
    let address = format!("file://{}", folder.path(address));
    let profile = format!("--user-data-dir={}", folder.path("profile"));
    let output = Command::new(browser)
        .args(flags)
        .args([&profile, "--virtual-time-budget=4000", "--dump-dom", &address])
        .output()
        .unwrap();
    assert!(output.status.success(), "{browser}: {}", String::from_utf8_lossy(&output.stderr));
    let dom = String::from_utf8(output.stdout).unwrap();
    // The words of the script do not count.
    dom.split("<script").next().unwrap().to_string()
}

/// Whoever asks for a page gets the same run.
#[test]
fn a_page_changes_nothing() {
    let folder = Folder::new("html_nothing");
    let with = folder.run(&[&SHORT[..], &["--html", "run.html"]].concat());
    assert_eq!(with, folder.run(&SHORT));
}
