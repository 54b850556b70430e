//! Which Stormglass this is.

use std::path::{Path, PathBuf};

/// Digits of a commit that are shown.
const DIGITS: usize = 12;

/// This program with its version, and its commit where that is known: `stormglass 0.1.0, commit
/// 5812b61d3c0a`.
///
/// A commit is known if the build was told of one in `STORMGLASS_COMMIT`, or if Cargo has just
/// built and now runs what is checked out. No build script looks for it: that would build
/// everything again after every commit.
pub fn program() -> String {
    let version = concat!("stormglass ", env!("CARGO_PKG_VERSION"));
    match commit() {
        Some(commit) => format!("{version}, commit {commit}"),
        None => version.to_string(),
    }
}

fn commit() -> Option<String> {
    let told = option_env!("STORMGLASS_COMMIT").map(str::to_string);
    let commit = told.or_else(|| {
        // Set by Cargo for what it runs.
        std::env::var_os("CARGO_MANIFEST_DIR")?;
        head(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.git"))
    })?;
    let digits = commit.get(..DIGITS).unwrap_or(&commit);
    digits.chars().all(|c| c.is_ascii_hexdigit()).then(|| digits.to_string())
}

/// The commit that is checked out, by the files of Git.
pub(crate) fn head(git: &Path) -> Option<String> {
    let read = |path: PathBuf| std::fs::read_to_string(path).ok();
    // Of a second checkout it is a file that says where the folder is.
    let folder = match read(git.to_path_buf()) {
        Some(text) => PathBuf::from(text.strip_prefix("gitdir:")?.trim()),
        None => git.to_path_buf(),
    };
    let head = read(folder.join("HEAD"))?;
    let Some(name) = head.strip_prefix("ref:").map(str::trim) else {
        return Some(head.trim().to_string());
    };
    let common = read(folder.join("commondir")).map_or(folder.clone(), |at| folder.join(at.trim()));
    let loose = [&folder, &common].into_iter().find_map(|at| read(at.join(name)));
    loose.map(|commit| commit.trim().to_string()).or_else(|| {
        let packed = read(common.join("packed-refs"))?;
        let line = packed.lines().find(|line| line.ends_with(&format!(" {name}")))?;
        line.split(' ').next().map(str::to_string)
    })
}
