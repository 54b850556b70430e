//! Dialogues with single processes of the engine, on a host that is not the world.
//!
//! Each file of `dialogues/` is a situation, what happens, and what the process does; see
//! `host::script` for the words. `UPDATE_DIALOGUES=1` writes what happened into the files.
#![expect(clippy::disallowed_methods, reason = "the dialogues are files beside this test")]

mod host;

use std::path::{Path, PathBuf};

use host::script::{difference, play};

#[test]
fn processes_say_what_the_dialogues_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let entries = std::fs::read_dir(&folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    assert!(files.len() >= 30, "the dialogues are there");
    let differing: Vec<String> = files.iter().filter_map(|path| check(path).err()).collect();
    let hint = "UPDATE_DIALOGUES=1 rewrites the files";
    assert!(differing.is_empty(), "\n{}\n{hint}", differing.join("\n"));
}

/// Plays a file and compares. The first difference, shown, if there is one.
fn check(path: &Path) -> Result<(), String> {
    let expected = std::fs::read_to_string(path).expect("the dialogue can be read");
    let told = play(&expected);
    if told == expected {
        return Ok(());
    }
    if std::env::var_os("UPDATE_DIALOGUES").is_some() {
        std::fs::write(path, told).expect("the dialogue can be written");
        return Ok(());
    }
    Err(format!("{}\n{}", path.display(), difference(&expected, &told)))
}
