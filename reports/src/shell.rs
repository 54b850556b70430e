//! Commands that a person can type.

use std::path::Path;

#[cfg(test)]
mod tests;

/// How this program was called: the words before its first argument.
pub fn program() -> String {
    // Set by `cargo run` for what it runs.
    if std::env::var_os("CARGO_MANIFEST_DIR").is_some() {
        return "cargo run --release --".to_string();
    }
    let called = std::env::args().next().unwrap_or_default();
    match called.is_empty() {
        true => "stormglass".to_string(),
        false => quote(&called),
    }
}

/// A command of this program.
pub fn command(words: &[String]) -> String {
    let words = words.iter().map(|word| quote(word));
    std::iter::once(program()).chain(words).collect::<Vec<_>>().join(" ")
}

/// The command that repeats a case.
pub fn replay(case: &Path) -> String {
    command(&["replay".to_string(), case.display().to_string()])
}

/// One word for a POSIX shell.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
