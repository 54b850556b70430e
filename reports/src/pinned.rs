//! Pinned cases in a folder, for a test of one's own:
//!
//! ```no_run
//! #[test]
//! fn what_was_mended_stays_mended() {
//!     stormglass::pinned::assert_kept("regressions", &Default::default());
//! }
//! ```
//!
//! `stormglass pin CASE` writes them. A folder is one beside the manifest of the crate whose test
//! it is: Cargo runs tests there.

use std::path::{Path, PathBuf};

use stormglass_scenarios::case::Case;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::regression::{self, Kept};
use stormglass_scenarios::topologies::Registry;

use crate::files::{self, Files};

/// What the names of cases end in.
const ENDING: &str = ".case.json";

/// Runs every case of a folder, in the order of their names.
///
/// # Errors
/// If the folder cannot be read, has no case, or has one that this program does not understand.
pub fn check(folder: &Path, registry: &Registry) -> Result<Vec<(PathBuf, Kept)>, Problem> {
    let mut all = Vec::new();
    for path in cases(folder)? {
        let source = path.display().to_string();
        let case = Case::from_json(&files::read(&path)?, &source)?;
        let kept = one(&case, registry);
        all.push((path, kept.map_err(|problem| files::of(problem, &source))?));
    }
    Ok(all)
}

/// Demands that every case of a folder is as it should be.
///
/// # Panics
/// With each case that is not, what became of it, and its story.
pub fn assert_kept(folder: impl AsRef<Path>, registry: &Registry) {
    let all = check(folder.as_ref(), registry).unwrap_or_else(|problem| panic!("{problem}"));
    let complaints: Vec<String> = (all.iter())
        .filter(|(_, kept)| *kept != Kept::Well)
        .map(|(path, kept)| format!("{}: {kept}", path.display()))
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Runs one case.
pub(crate) fn one(case: &Case, registry: &Registry) -> Result<Kept, Problem> {
    let files = Files::of_case(case);
    regression::check(case, registry, &|name| files.load(name))
}

fn cases(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let wrong = |message: String| Problem::new(&folder.display().to_string(), message);
    let entries = std::fs::read_dir(folder)
        .map_err(|e| wrong(format!("cannot be read: {}", files::reason(&e))))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| wrong(files::reason(&error)))?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ENDING)) {
            paths.push(path);
        }
    }
    paths.sort();
    match paths.is_empty() {
        true => Err(wrong("there is no case".to_string())
            .help("`stormglass pin CASE --into` this folder writes one")),
        false => Ok(paths),
    }
}
