//! What is wrong with something a user wrote: one sentence, the place, and what would be right.
//!
//! Printed as compilers do:
//!
//! ```text
//! scenario.toml:12:1: unknown key `intervall`
//!    |
//! 12 | intervall = "2s"
//!    | ^^^^^^^^^
//! help: did you mean `interval`?
//! ```

use std::fmt;
use std::ops::Range;

#[cfg(test)]
mod tests;

/// A mistake in a scenario, a plan or an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What was read: a file name, `--set`, or nothing if it was built in Rust.
    pub source: String,
    /// Where it is, if it has a place.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// How many characters are meant; at least 1.
    pub width: usize,
    /// The whole line.
    pub text: String,
}

impl Place {
    /// The place of a range of bytes in a text; a range over several lines ends with its first.
    pub fn of(text: &str, range: Range<usize>) -> Place {
        let start = text.floor_char_boundary(range.start.min(text.len()));
        let end = text.floor_char_boundary(range.end.clamp(start, text.len()));
        let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = text[begin..].lines().next().unwrap_or_default();
        let meant = text[start..end].lines().next().unwrap_or_default();
        Place {
            line: text[..begin].matches('\n').count() + 1,
            column: text[begin..start].chars().count() + 1,
            width: meant.chars().count().max(1),
            text: line.to_string(),
        }
    }
}

impl Problem {
    /// A mistake without a place.
    pub fn new(source: &str, message: impl Into<String>) -> Problem {
        Problem { source: source.to_string(), place: None, message: message.into(), help: None }
    }
    /// The same mistake at a place.
    pub fn at(mut self, place: Place) -> Problem {
        self.place = Some(place);
        self
    }
    /// The same mistake with what would be right.
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into()).filter(|help| !help.is_empty());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, self.source.as_str()) {
            (Some(place), source) => {
                let Place { line, column, width, text } = place;
                let text = text.replace('\t', " ");
                let gutter = " ".repeat(line.to_string().len());
                let caret = " ".repeat(column - 1) + &"^".repeat(*width);
                write!(f, "{source}:{line}:{column}: {}", self.message)?;
                write!(f, "\n{gutter} |\n{line} | {text}\n{gutter} | {caret}")?;
            }
            (None, "") => f.write_str(&self.message)?,
            (None, source) => write!(f, "{source}: {}", self.message)?,
        }
        match &self.help {
            Some(help) => write!(f, "\nhelp: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

/// The candidate that a mistyped name most likely meant; none if nothing is near.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace(['_', ' '], "-");
    let wanted = plain(name);
    let limit = (wanted.chars().count() / 3).max(1);
    let near =
        candidates.into_iter().map(|candidate| (distance(&wanted, &plain(candidate)), candidate));
    near.filter(|(far, _)| *far <= limit)
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate)
}

/// Help for a mistyped name: the nearest candidate, or all of them.
pub fn suggest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
    plural: &str,
) -> String {
    if let Some(near) = nearest(name, candidates.clone()) {
        return format!("did you mean `{near}`?");
    }
    let all: Vec<&str> = candidates.into_iter().collect();
    match all.as_slice() {
        [] => format!("there are no {plural} here"),
        all => format!("{plural} are {}", all.join(", ")),
    }
}

/// Edit distance: insertions, deletions, replacements and swaps of neighbours count one each.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut older = vec![0; b.len() + 1];
    let mut old: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = old[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(old[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(older[j - 2] + 1);
            }
        }
        older = std::mem::replace(&mut old, row);
    }
    old[b.len()]
}
