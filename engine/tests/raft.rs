//! Raft on a table: replicas whose messages, disks and time are moved by hand.
//!
//! `paper` holds them to the paper's sentences; the files of `raft/dialogues/` say what they do in
//! a situation (see `script` for the words; `UPDATE_DIALOGUES=1` writes what happened into them).
//! Random schedules against the laws are in `raft_laws`.
#![expect(clippy::disallowed_methods, reason = "the dialogues are files beside this test")]

#[path = "raft/lab.rs"]
mod lab;
#[path = "raft/paper.rs"]
mod paper;
#[path = "raft/script.rs"]
mod script;

use std::path::{Path, PathBuf};

#[test]
fn replicas_do_what_the_dialogues_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/raft/dialogues");
    let entries = std::fs::read_dir(&folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    assert!(files.len() >= 35, "the dialogues are there");
    let differing: Vec<String> = files.iter().filter_map(|path| check(path).err()).collect();
    let hint = "UPDATE_DIALOGUES=1 rewrites the files";
    assert!(differing.is_empty(), "\n{}\n{hint}", differing.join("\n"));
}

/// Plays a file and compares. The first line that differs, if there is one.
fn check(path: &Path) -> Result<(), String> {
    let expected = std::fs::read_to_string(path).expect("the dialogue can be read");
    let told = script::play(&expected);
    if told == expected {
        return Ok(());
    }
    if std::env::var_os("UPDATE_DIALOGUES").is_some() {
        std::fs::write(path, told).expect("the dialogue can be written");
        return Ok(());
    }
    let (mut want, mut got) = (expected.lines(), told.lines());
    let first = (1..).find_map(|number| {
        let (want, got) = (want.next(), got.next());
        (want != got).then(|| format!("line {number}\n  expected {want:?}\n  told     {got:?}"))
    });
    Err(format!("{}: {}", path.display(), first.unwrap_or_else(|| "line ends".into())))
}
