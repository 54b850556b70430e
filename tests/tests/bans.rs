//! What differs between machines or runs is out of reach of the simulated crates: the fences are
//! where they should be, and they hold.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use stormglass_tests::sources::{code, root};

const SIMULATED: [&str; 3] = ["sim", "engine", "scenarios"];
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/banned");

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_simulated_crates_have_one_list() {
    let [sim, engine, scenarios] =
        SIMULATED.map(|room| read(root().join(room).join("clippy.toml")));
    assert_eq!(sim, engine, "the lists of sim and engine differ");
    assert_eq!(sim, scenarios, "the lists of sim and scenarios differ");
}

#[test]
fn the_lists_are_denied_and_not_only_warned_of() {
    let workspace = read(root().join("Cargo.toml"));
    for lint in
        ["disallowed_methods", "disallowed_types", "disallowed_macros", "iter_over_hash_type"]
    {
        assert!(workspace.contains(&format!("{lint} = \"deny\"")), "{lint} is not denied");
    }
    for profile in ["[profile.dev]", "[profile.release]"] {
        let rest = workspace.split_once(profile).expect("both profiles are there").1;
        let settings = rest.split("\n[").next().unwrap_or_default();
        let off = settings.contains("overflow-checks = false");
        let on = settings.contains("overflow-checks = true") || profile == "[profile.dev]";
        assert!(on && !off, "{profile}: debug and release would part ways at an overflow");
    }
}

/// Whether a crate has no standard library outside of its tests.
fn is_fenced(lib: &str) -> bool {
    let code = code(lib);
    let lines: Vec<&str> = code.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let std = lines.iter().position(|line| line.contains("extern crate std"));
    let for_tests = |at: usize| at > 0 && lines[at - 1] == "#[cfg(test)]";
    lines.contains(&"#![no_std]") && std.is_none_or(for_tests)
}

#[test]
fn sim_and_engine_have_no_standard_library() {
    for room in ["sim", "engine"] {
        assert!(is_fenced(&read(root().join(room).join("src/lib.rs"))), "{room} is not no_std");
    }
    for open in [
        "//! #![no_std]\nextern crate alloc;",
        "#![no_std]\nextern crate std;",
        "#![no_std]\n#[cfg(feature = \"std\")]\nextern crate std;",
        "#![cfg_attr(not(test), no_std)]",
    ] {
        assert!(!is_fenced(open), "{open} passes for a fence");
    }
}

/// The entries of the list, but for those of crates that may not be there.
fn entries() -> BTreeSet<String> {
    let list = read(root().join("sim/clippy.toml"));
    let paths = list.lines().filter_map(|line| line.split_once("path = \"")?.1.split('"').next());
    paths.filter(|path| !path.starts_with("rand::")).map(str::to_string).collect()
}

#[test]
fn every_entry_has_a_line_that_must_be_refused() {
    let fixture = read(Path::new(FIXTURE).join("src/lib.rs"));
    let planted = fixture.lines().filter_map(|line| Some(line.split_once("// banned: ")?.1));
    assert_eq!(planted.map(str::to_string).collect::<BTreeSet<_>>(), entries());
}

/// The fixture beside the list, where clippy finds both and can leave what it builds.
fn planted_crate() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("banned");
    fs::create_dir_all(place.join("src")).unwrap();
    for file in ["Cargo.toml", "src/lib.rs"] {
        fs::write(place.join(file), read(Path::new(FIXTURE).join(file))).unwrap();
    }
    // A file that is older than the last build would not be looked at again.
    let _ = fs::remove_dir_all(place.join("target"));
    fs::write(place.join("clippy.toml"), read(root().join("sim/clippy.toml"))).unwrap();
    place
}

#[test]
fn clippy_refuses_every_entry_and_nothing_else() {
    let cargo = || Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let installed = cargo().args(["clippy", "--version"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        println!("clippy is not installed: whether it refuses what it should is not tested");
        return;
    }
    let place = planted_crate();
    let output = cargo()
        .current_dir(&place)
        .args(["clippy", "--offline", "--quiet", "--message-format=short"])
        .env("CARGO_TARGET_DIR", place.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let refused = said.lines().filter(|line| line.contains("disallowed")).filter_map(|line| {
        let number = line.strip_prefix("src/lib.rs:")?.split(':').next()?;
        number.parse::<usize>().ok()
    });
    let refused: BTreeSet<usize> = refused.collect();
    let fixture = read(Path::new(FIXTURE).join("src/lib.rs"));
    for (number, line) in (1..).zip(fixture.lines()) {
        let banned = line.contains("// banned: ");
        assert_eq!(
            refused.contains(&number),
            banned,
            "clippy and line {number} do not agree: {line}\n{said}"
        );
    }
}
