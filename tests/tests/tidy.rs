//! Holds the tree to its layers, maps and style, read off the sources as text.
//!
//! Each rule brings small files on which it must complain: a rule that never bites is no rule.

use std::collections::BTreeSet;

use stormglass_tests::sources::{Source, tree};

/// A rule, what it is for, and files that break it.
struct Rule {
    name: &'static str,
    why: &'static str,
    check: fn(&[Source]) -> Vec<String>,
    bites: &'static [&'static [(&'static str, &'static str)]],
}

const RULES: &[Rule] = &[
    Rule {
        name: "layers",
        why: "each room knows only what stands to its left: sim, engine, scenarios, reports, tests",
        check: layers,
        bites: &[
            &[("sim/src/a.rs", "use stormglass_engine::node::Node;")],
            &[("engine/src/a.rs", "use stormglass_scenarios::run::Run;")],
            &[("scenarios/tests/a.rs", "use stormglass::cli;")],
            &[("reports/src/a.rs", "fn f() { stormglass_tests::runs::draw() }")],
            &[("sim/Cargo.toml", "[dev-dependencies]\nstormglass-engine.workspace = true")],
            &[("scenarios/Cargo.toml", "[dependencies]\nstormglass = { workspace = true }")],
        ],
    },
    Rule {
        name: "vocabulary",
        why: "the engine can be hosted by anyone who implements the vocabulary of nodes",
        check: vocabulary,
        bites: &[
            &[("engine/src/a.rs", "use stormglass_sim::world::World;")],
            &[("engine/src/a/b.rs", "use stormglass_sim::{node::Lane, fault::Fault};")],
            &[("engine/src/a.rs", "use stormglass_sim as sim;")],
            &[("engine/src/a.rs", "fn f(_: &stormglass_sim::net::NetworkSpec) {}")],
        ],
    },
    Rule {
        name: "silent",
        why: "scenarios never prints and never reads the machine's clock or files",
        check: silent,
        bites: &[
            &[("scenarios/src/a.rs", "fn f() { println!(\"x\") }")],
            &[("scenarios/src/a.rs", "fn f() {\n    std::eprint!(\"x\")\n}")],
            &[("scenarios/src/a.rs", "use std::time::Instant;")],
            &[("scenarios/src/a.rs", "use std::{fs, fmt};")],
            &[("scenarios/src/a.rs", "fn f() { std::env::var(\"HOME\"); }")],
        ],
    },
    Rule {
        name: "threads",
        why: "a world has no threads; campaigns have theirs in one file",
        check: threads,
        bites: &[
            &[("sim/src/a.rs", "fn f() { std::thread::spawn(|| {}); }")],
            &[("engine/src/a.rs", "use std::thread;")],
            &[("scenarios/src/run.rs", "use std::sync::{Arc, mpsc};")],
            &[("scenarios/src/a.rs", "async fn f() {}")],
        ],
    },
    Rule {
        name: "maps",
        why: "a crate's documentation lists all its modules",
        check: maps,
        bites: &[
            &[("sim/src/lib.rs", "//! Has [`a`].\npub mod a;\nmod b;")],
            &[("sim/src/lib.rs", "pub mod a; // `a` is not in the crate's documentation")],
        ],
    },
    Rule {
        name: "reachable",
        why: "a file that no module declares is compiled by nobody",
        check: reachable,
        bites: &[
            &[("sim/src/lib.rs", "mod a;"), ("sim/src/b.rs", "")],
            &[("sim/src/a.rs", "// mod b;"), ("sim/src/a/b.rs", "")],
            &[("sim/src/a.rs", "mod b;"), ("sim/src/a/b/mod.rs", "")],
        ],
    },
    Rule {
        name: "columns",
        why: "two files fit side by side",
        check: columns,
        bites: &[
            &[("sim/src/a.rs", LONG)],
            &[("README.md", LONG)],
            &[("scenarios/catalog/a.toml", LONG)],
        ],
    },
    Rule {
        name: "length",
        why: "a file is read in one sitting",
        check: length,
        bites: &[&[("sim/src/a.rs", MANY)]],
    },
    Rule {
        name: "finished",
        why: "what is in the tree is done, and every test runs",
        check: finished,
        bites: &[
            &[("sim/src/a.rs", concat!("// FIX", "ME: later"))],
            &[("README.md", concat!("XX", "X"))],
            &[("sim/src/a.rs", concat!("fn f() { db", "g!(1); }"))],
            &[("sim/src/a.rs", concat!("fn f() { to", "do!() }"))],
            &[("sim/src/a.rs", concat!("fn f() { unimple", "mented!() }"))],
            &[("sim/src/a.rs", concat!("#[ig", "nore = \"slow\"]"))],
        ],
    },
    Rule {
        name: "anywhere",
        why: "the tree works wherever it is checked out",
        check: anywhere,
        bites: &[
            &[("README.md", concat!("see /wo", "rk/shared"))],
            &[("sim/src/a.rs", concat!("const A: &str = \"/t", "mp/a\";"))],
            &[("sim/src/a.rs", concat!("// in /ho", "me/me"))],
        ],
    },
    Rule {
        name: "lints",
        why: "every crate is under the workspace's lints",
        check: lints,
        bites: &[&[("sim/Cargo.toml", "[package]\nname = \"a\"")]],
    },
];

const LONG: &str = "0123456789 0123456789 0123456789 0123456789 0123456789 \
                    0123456789 0123456789 0123456789 0123456789 0123456789";
const MANY: &str =
    "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";

#[test]
fn the_tree_is_tidy() {
    let tree = tree();
    let mut complaints = String::new();
    for rule in RULES {
        for complaint in (rule.check)(&tree) {
            complaints += &format!("{complaint}\n    ({}: {})\n", rule.name, rule.why);
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn every_rule_bites() {
    for rule in RULES {
        for files in rule.bites {
            let times = if rule.name == "length" { 20 } else { 1 };
            let made = |(path, text): &(&str, &str)| Source::new(path, &text.repeat(times));
            let files: Vec<Source> = files.iter().map(made).collect();
            assert!(!(rule.check)(&files).is_empty(), "{} lets {files:#?} pass", rule.name);
        }
    }
}

#[test]
fn no_rule_bites_what_is_well() {
    let well = [
        (
            "sim/src/lib.rs",
            "//! Says println! and stormglass_engine. Has [`a`], `b`.\nmod a;\nmod b;",
        ),
        ("sim/src/a.rs", "mod tests;\n"),
        ("sim/src/b.rs", "const A: &str = \"std::thread::spawn\";"),
        ("sim/src/a/tests.rs", "use std::time::Instant;"),
        ("engine/src/lib.rs", "//! `a`\nmod a;"),
        ("engine/src/a.rs", "use stormglass_sim::node::{Lane, NodeId};\nmod tests;"),
        ("engine/src/a/tests.rs", "use stormglass_sim::world::World;"),
        ("engine/Cargo.toml", "stormglass-sim.workspace = true\n[lints]\nworkspace = true"),
        ("scenarios/src/lib.rs", "//! [`campaign`]\nmod campaign;"),
        ("scenarios/src/campaign.rs", "use stormglass_engine::a;\nuse std::sync::mpsc;"),
        ("README.md", "| a table | with wide rows |\nhttps://example.invalid/network/tmpfs"),
    ];
    let well: Vec<Source> = well.iter().map(|(path, text)| Source::new(path, text)).collect();
    for rule in RULES {
        assert_eq!((rule.check)(&well), Vec::<String>::new(), "{}", rule.name);
    }
}

/// The rooms from left to right, with their packages.
const ROOMS: [(&str, &str); 5] = [
    ("sim", "stormglass-sim"),
    ("engine", "stormglass-engine"),
    ("scenarios", "stormglass-scenarios"),
    ("reports", "stormglass"),
    ("tests", "stormglass-tests"),
];

/// A complaint for each line of a file's code that a test finds wrong.
fn complain(source: &Source, wrong: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let lines = source.code();
    let found = lines.iter().filter_map(|(number, line)| wrong(line).map(|what| (number, what)));
    found.map(|(number, what)| format!("{}:{number}: {what}", source.path)).collect()
}

/// Whether code uses a word: not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

fn layers(tree: &[Source]) -> Vec<String> {
    let above = |source: &Source| {
        let at = ROOMS.iter().position(|(room, _)| *room == source.room());
        at.map_or(&[][..], |at| &ROOMS[at + 1..])
    };
    let mut complaints = Vec::new();
    for source in tree.iter().filter(|source| source.is_rust()) {
        complaints.extend(complain(source, |line| {
            let used = above(source)
                .iter()
                .find(|(_, package)| has_word(line, &package.replace('-', "_")));
            used.map(|(room, _)| format!("`{}` knows of `{room}`", source.room()))
        }));
    }
    for source in tree.iter().filter(|source| source.path.ends_with("/Cargo.toml")) {
        for (number, line) in source.lines() {
            let key = line.split(['.', '=', ' ']).next().unwrap_or_default();
            if let Some((room, _)) = above(source).iter().find(|(_, package)| key == *package) {
                complaints.push(format!("{}:{number}: depends on `{room}`", source.path));
            }
        }
    }
    complaints
}

fn vocabulary(tree: &[Source]) -> Vec<String> {
    const VOCABULARY: [&str; 4] = ["node", "time", "hash", "payload"];
    let engine = tree.iter().filter(|source| source.room() == "engine" && source.is_product());
    engine
        .flat_map(|source| {
            complain(source, |line| {
                line.match_indices("stormglass_sim").find_map(|(at, name)| {
                    let rest = line[at + name.len()..].strip_prefix("::").unwrap_or_default();
                    let end = rest.find(|l: char| !l.is_alphanumeric()).unwrap_or(rest.len());
                    let module = &rest[..end];
                    (!VOCABULARY.contains(&module))
                        .then(|| format!("of sim, the engine imports only {VOCABULARY:?}"))
                })
            })
        })
        .collect()
}

/// Whether a line of code names a module of `std`, alone or in braces.
fn uses_std(line: &str, module: &str) -> bool {
    let braces = line.split_once("std::{").map(|(_, rest)| rest);
    has_word(line, &format!("std::{module}")) || braces.is_some_and(|rest| has_word(rest, module))
}

fn silent(tree: &[Source]) -> Vec<String> {
    let product = tree.iter().filter(|source| source.room() == "scenarios" && source.is_product());
    product
        .flat_map(|source| {
            complain(source, |line| {
                let prints = ["println!", "eprintln!", "print!", "eprint!"];
                let modules = ["time", "fs", "env", "net", "process", "io"];
                let print = prints.iter().find(|name| has_word(line, name.trim_end_matches('!')));
                let print = print.filter(|name| line.contains(**name));
                let module = modules.iter().find(|module| uses_std(line, module));
                print.or(module).map(|what| format!("scenarios does not use `{what}`"))
            })
        })
        .collect()
}

fn threads(tree: &[Source]) -> Vec<String> {
    let simulated = |source: &&Source| {
        matches!(source.room(), "sim" | "engine" | "scenarios")
            && source.is_product()
            && source.path != "scenarios/src/campaign.rs"
    };
    let words = ["thread", "mpsc", "async", "thread_local"];
    let wrong = |line: &str| {
        let used = words.iter().find(|word| has_word(line, word));
        used.map(|word| format!("`{word}` outside of scenarios/src/campaign.rs"))
    };
    tree.iter().filter(simulated).flat_map(|source| complain(source, wrong)).collect()
}

/// The modules that a file declares in files of their own.
fn declared(source: &Source) -> BTreeSet<String> {
    let code = source.code();
    let names = code.iter().filter_map(|(_, line)| {
        let line = line.trim().strip_suffix(';')?;
        let (visibility, name) = line.rsplit_once("mod ")?;
        (visibility.is_empty() || visibility.starts_with("pub")).then(|| name.trim().to_string())
    });
    names.collect()
}

fn maps(tree: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in tree.iter().filter(|source| source.path.ends_with("/src/lib.rs")) {
        let docs: String = source.text.lines().take_while(|line| line.starts_with("//!")).collect();
        for module in declared(source).into_iter().filter(|module| module != "tests") {
            if !docs.contains(&format!("`{module}`")) {
                complaints.push(format!("{}: its map does not show `{module}`", source.path));
            }
        }
    }
    complaints
}

fn reachable(tree: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in tree.iter().filter(|source| source.is_rust()) {
        let Some((room, inner)) = source.path.split_once("/src/") else { continue };
        if room.contains('/') || matches!(inner, "lib.rs" | "main.rs") {
            continue;
        }
        let inner = inner.strip_suffix(".rs").expect("it is Rust");
        let (parents, name) = match inner.rsplit_once('/') {
            Some((parent, name)) => (vec![format!("{room}/src/{parent}.rs")], name),
            None => (vec![format!("{room}/src/lib.rs"), format!("{room}/src/main.rs")], inner),
        };
        let parent = |path: &Source| parents.contains(&path.path) && declared(path).contains(name);
        if !tree.iter().any(parent) {
            complaints.push(format!("{}: not declared in {}", source.path, parents[0]));
        }
    }
    complaints
}

const COLUMNS: usize = 100;

fn columns(tree: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in tree {
        if source.path.starts_with("tests/fixtures/") {
            continue;
        }
        let markdown = source.path.ends_with(".md");
        let catalog = source.path.ends_with(".toml") && source.path.contains("catalog/");
        if !(source.is_rust() || markdown || catalog || source.path == ".ci/run") {
            continue;
        }
        let mut fenced = false;
        for (number, line) in source.lines() {
            fenced ^= markdown && line.trim_start().starts_with("```");
            let table = markdown && (fenced || line.starts_with("    ") || line.starts_with("|"));
            let wide = line.chars().count();
            if wide > COLUMNS && !table && !line.contains("://") {
                complaints.push(format!("{}:{number}: {wide} columns", source.path));
            }
        }
    }
    complaints
}

fn length(tree: &[Source]) -> Vec<String> {
    const LINES: usize = 600;
    let rust = tree.iter().filter(|source| source.is_rust());
    let long = rust.map(|source| (source, source.lines().count())).filter(|(_, n)| *n > LINES);
    long.map(|(source, n)| format!("{}: {n} lines, at most {LINES}", source.path)).collect()
}

fn finished(tree: &[Source]) -> Vec<String> {
    let words = [
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("db", "g!("),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("#[ig", "nore"),
    ];
    find_text(tree, &words, "is not finished")
}

fn anywhere(tree: &[Source]) -> Vec<String> {
    let places = [concat!("/wo", "rk/"), concat!("/t", "mp"), concat!("/ho", "me/"), "/root/"];
    find_text(tree, &places, "names a place on one machine")
}

/// A complaint for each line that says one of these, as a word of its own or after a quote.
fn find_text(tree: &[Source], texts: &[&str], what: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in tree.iter().filter(|source| source.path != "tests/tests/tidy.rs") {
        if source.path.ends_with("Cargo.lock")
            || source.path.ends_with(".csv")
            || source.path.starts_with("tests/fixtures/")
        {
            continue;
        }
        for (number, line) in source.lines() {
            let starts = |at: usize| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|letter| letter.is_alphanumeric() || "_./".contains(letter))
            };
            let found = |text: &&&str| line.match_indices(**text).any(|(at, _)| starts(at));
            if let Some(text) = texts.iter().find(found) {
                complaints.push(format!("{}:{number}: `{text}` {what}", source.path));
            }
        }
    }
    complaints
}

fn lints(tree: &[Source]) -> Vec<String> {
    let rooms = tree.iter().filter(|source| {
        source.path.ends_with("/Cargo.toml") && source.path.matches('/').count() == 1
    });
    let bare = rooms.filter(|source| !source.text.contains("[lints]\nworkspace = true"));
    bare.map(|source| format!("{}: says nothing of `[lints]`", source.path)).collect()
}
