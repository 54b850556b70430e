//! The README shows what the program prints. After a change that is meant to change it:
//! `UPDATE_README=1 cargo test -p stormglass --test it readme`.
//!
//! In a `console` block a line that begins with `$ ` is a command, and what follows up to the next
//! one is what it writes to standard output. Test commands are left out: they run this test.

use std::path::Path;

use crate::program::Folder;

fn path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")
}

/// The README with what its commands write now.
fn refreshed(readme: &str) -> String {
    let folder = Folder::new("readme");
    let (mut out, mut inside, mut skips) = (String::new(), false, false);
    for line in readme.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
            skips = false;
        }
        let command = line.strip_prefix("$ ").filter(|_| inside);
        match command {
            None if skips => continue,
            _ => {
                out.push_str(line);
                out.push('\n');
            }
        }
        if let Some(command) = command {
            skips = !command.starts_with("cargo test");
            if skips {
                out.push_str(&folder.shell(command).out);
            }
        }
    }
    out
}

#[test]
fn the_readme_shows_what_is_printed() {
    let readme = std::fs::read_to_string(path()).unwrap();
    let now = refreshed(&readme);
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path(), &now).unwrap();
        return;
    }
    let differs = readme.lines().zip(now.lines()).position(|(old, new)| old != new);
    if let Some(at) = differs {
        let line = |text: &str| text.lines().nth(at).unwrap_or_default().to_string();
        panic!(
            "README.md:{}: it shows\n    {}\nand the program prints\n    {}\n\
             UPDATE_README=1 cargo test -p stormglass --test it readme",
            at + 1,
            line(&readme),
            line(&now)
        );
    }
    assert_eq!(readme.len(), now.len(), "one of them is longer");
}

#[test]
fn its_own_topology_is_a_test_that_runs() {
    let readme = std::fs::read_to_string(path()).unwrap();
    let block = readme.split("```rust\n").nth(1).unwrap().split("```").next().unwrap();
    let tested = include_str!("own_topology.rs");
    assert!(tested.contains(block), "README's Rust block is not part of tests/it/own_topology.rs");
}
