//! Dialogues with single processes of the engine, on a host that is not the world.
//!
//! Each file of `dialogues/` is a situation, what happens, and what the process does; see
//! `host::script` for the words.

mod host;

use std::path::{Path, PathBuf};

#[test]
fn processes_say_what_the_dialogues_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let entries = std::fs::read_dir(&folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    assert!(files.len() >= 20, "the dialogues are there");
    let differing: Vec<String> =
        files.iter().filter_map(|path| host::script::check(path).err()).collect();
    let hint = "UPDATE_DIALOGUES=1 rewrites the files";
    assert!(differing.is_empty(), "\n{}\n{hint}", differing.join("\n"));
}
