//! The tree as text, and Rust with its comments and strings blanked out.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it is, from the root of the tree, with slashes.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// The folder that holds the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the rooms share a folder").to_path_buf()
}

/// All text files, by path. What a build or a run leaves behind is no part of the tree.
///
/// # Panics
/// If the tree cannot be read.
pub fn tree() -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root(), "", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 100, "only {} files: is this the whole tree?", found.len());
    found
}

fn walk(folder: &Path, path: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("the folders of the tree can be read") {
        let entry = entry.expect("and so can their entries");
        let name = entry.file_name().to_string_lossy().into_owned();
        let left_behind = name == ".git" || name.starts_with("target") || name == "stormglass-runs";
        let inner = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        if left_behind {
            continue;
        }
        if entry.path().is_dir() {
            walk(&entry.path(), &inner, found);
        } else if let Ok(text) = fs::read_to_string(entry.path())
            && !name.ends_with(".new")
        {
            found.push(Source { path: inner, text });
        }
    }
}

impl Source {
    /// A file made up by a test.
    pub fn new(path: &str, text: &str) -> Source {
        Source { path: path.to_string(), text: text.to_string() }
    }
    /// Whether it is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
    /// The first folder of its path: a room, as a rule.
    pub fn room(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }
    /// Whether it is compiled into a room, and not only into its tests, benches and examples.
    pub fn is_product(&self) -> bool {
        let mut parts = self.path.split('/').skip(1);
        let in_src = self.is_rust() && parts.next() == Some("src");
        in_src && !parts.any(|part| part == "tests" || part == "tests.rs")
    }
    /// Its lines, numbered from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }
    /// Its lines without comments and without what strings say, numbered from 1.
    pub fn code(&self) -> Vec<(usize, String)> {
        (1..).zip(code(&self.text).lines().map(str::to_string)).collect()
    }
}

/// Rust with everything inside comments and string literals blanked out, line by line.
pub fn code(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let end = match letters[at] {
            '/' if letters.get(at + 1) == Some(&'/') => line_end(&letters, at),
            '/' if letters.get(at + 1) == Some(&'*') => block_end(&letters, at),
            '"' => string_end(&letters, at, hashes_before(&letters, at)),
            '\'' => char_end(&letters, at),
            _ => at,
        };
        if end == at {
            out.push(letters[at]);
            at += 1;
            continue;
        }
        let quote = matches!(letters[at], '"' | '\'');
        for (position, letter) in letters.iter().enumerate().take(end).skip(at) {
            let edge = quote && (position == at || position + 1 == end);
            out.push(if *letter == '\n' || edge { *letter } else { ' ' });
        }
        at = end;
    }
    out
}

fn line_end(letters: &[char], at: usize) -> usize {
    letters[at..].iter().position(|l| *l == '\n').map_or(letters.len(), |length| at + length)
}

fn block_end(letters: &[char], at: usize) -> usize {
    let (mut depth, mut now) = (0, at);
    while now + 1 < letters.len() {
        match (letters[now], letters[now + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                now += 1;
                continue;
            }
        }
        now += 2;
        if depth == 0 {
            return now;
        }
    }
    letters.len()
}

/// The number of `#` of a raw string that opens here; none if it is not raw.
fn hashes_before(letters: &[char], quote: usize) -> Option<usize> {
    let hashes = letters[..quote].iter().rev().take_while(|l| **l == '#').count();
    let r = quote.checked_sub(hashes + 1)?;
    let word_before = |at: usize| letters[at].is_alphanumeric() || letters[at] == '_';
    let prefix = letters[r] == 'r'
        && (r == 0 || !word_before(r - 1) || letters[r - 1] == 'b' || letters[r - 1] == 'c');
    prefix.then_some(hashes)
}

fn string_end(letters: &[char], at: usize, raw: Option<usize>) -> usize {
    let mut now = at + 1;
    while now < letters.len() {
        match (letters[now], raw) {
            ('\\', None) => now += 1,
            ('"', None) => return now + 1,
            ('"', Some(hashes)) => {
                let closing = letters[now + 1..].iter().take_while(|l| **l == '#').count();
                if closing >= hashes {
                    return now + 1;
                }
            }
            _ => {}
        }
        now += 1;
    }
    letters.len()
}

/// The end of a character literal; `at` if this is a lifetime.
fn char_end(letters: &[char], at: usize) -> usize {
    match letters.get(at + 1) {
        Some('\\') => {
            let close = letters[at + 3..].iter().position(|l| *l == '\'');
            close.map_or(letters.len(), |length| at + 3 + length + 1)
        }
        Some(_) if letters.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn comments_and_strings_are_blanked() {
        for (text, left) in [
            ("a // b", "a     "),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("x // \" y") // z"#, r#"f("         ")     "#),
            ("r#\"a \" b\"# c", "r#\"     \"# c"),
            ("'\"' 'x 'static '\\'' d", "' ' 'x 'static '  ' d"),
            ("\"a\nb\" c", "\" \n \" c"),
        ] {
            assert_eq!(code(text), left);
        }
    }
}
