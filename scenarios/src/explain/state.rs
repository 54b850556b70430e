//! What a process holds at an instant: its whole state, as `Debug` has it, in a size that a person
//! reads. What is long and as it was when the process first ran is left out, and so are most
//! members of long lists.

use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use crate::problem::{Problem, suggest};
use crate::run::{Run, Setup};
use crate::scenario::Role;

/// Of a list, a map or a set so many members are shown, and of one deep inside so many.
const MEMBERS: (usize, usize) = (8, 3);
/// Columns of a line, and of what stands deep inside and is cut off there.
const WIDTH: usize = 100;
/// Deep inside begins at this indentation; what is deeper than twice that is one line.
const DEEP: usize = 8;
/// What is shorter is shown although it has not changed.
const SHORT: usize = 40;

/// The state of a process after everything that happens up to and at an instant. A process that is
/// down then has none.
///
/// # Errors
/// If there is no process of that name.
pub fn state(setup: &Setup, until: Instant, name: &str) -> Result<Option<String>, Problem> {
    let mut run = Run::new(Setup { record: false, past: None, ..setup.clone() });
    let node = find(&run, name)?;
    let text = |run: &Run| run.world().process(node).map(|process| format!("{process:?}"));
    let mut first = None;
    while first.is_none() && run.now() < until {
        let next = run.now() + Span::millis(1);
        run.advance(next.min(until));
        first = text(&run);
    }
    run.advance(until);
    let Some(now) = text(&run) else { return Ok(None) };
    let first = first.as_deref().map(Tree::parse);
    Ok(Some(Tree::parse(&now).show(first.as_ref(), 0)))
}

fn find(run: &Run, name: &str) -> Result<NodeId, Problem> {
    let nodes: Vec<NodeId> = Role::ALL.iter().flat_map(|role| run.places().all(*role)).collect();
    let names: Vec<String> = nodes.iter().map(|node| run.places().name(*node)).collect();
    match names.iter().position(|known| known == name) {
        Some(at) => Ok(nodes[at]),
        None => {
            let problem = Problem::new("--state", format!("there is no process `{name}`"));
            Err(problem.help(suggest(name, names.iter().map(String::as_str), "processes")))
        }
    }
}

/// What `Debug` writes, as a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    /// A number, a string, the name of what follows.
    head: String,
    /// The bracket that opens its parts; none if it has none.
    open: Option<char>,
    parts: Vec<(Option<Tree>, Tree)>,
}

impl Tree {
    /// Reads the text of a value. Whatever it is, something comes of it.
    pub(super) fn parse(text: &str) -> Tree {
        let chars: Vec<char> = text.chars().collect();
        Reader { chars: &chars, at: 0 }.value()
    }

    /// In one line.
    fn line(&self) -> String {
        let mut out = self.head.clone();
        let Some(open) = self.open else { return out };
        let spaced = if open == '{' && !self.parts.is_empty() { " " } else { "" };
        let before = if open == '{' && !out.is_empty() { " " } else { "" };
        let part = |(key, value): &(Option<Tree>, Tree)| match key {
            Some(key) => format!("{}: {}", key.line(), value.line()),
            None => value.line(),
        };
        let parts: Vec<String> = self.parts.iter().map(part).collect();
        out.push_str(&format!("{before}{open}{spaced}{}{spaced}", parts.join(", ")));
        out.push(closing(open));
        out
    }

    /// In as many lines as it takes, without what is as it was.
    pub(super) fn show(&self, was: Option<&Tree>, indent: usize) -> String {
        let line = self.line();
        let long = line.chars().count() > WIDTH.saturating_sub(indent).max(WIDTH / 2);
        let (Some(open), true) = (self.open, long) else { return line + "\n" };
        let was = was.filter(|was| was.head == self.head && was.open == self.open);
        if let ('(', [(None, one)]) = (open, &self.parts[..]) {
            let old = was.and_then(|was| was.part(None, 0));
            return format!("{}({})\n", self.head, one.show(old, indent).trim_end());
        }
        if indent > 2 * DEEP {
            let start: String = line.chars().take(WIDTH / 2).collect();
            return format!("{start} ...\n");
        }
        let inner = " ".repeat(indent + 2);
        let before = if open == '{' && !self.head.is_empty() { " " } else { "" };
        let mut out = format!("{}{before}{open}\n", self.head);
        let named = self.parts.iter().all(|(key, _)| key.is_some()) && !self.head.is_empty();
        let members = if indent < DEEP { MEMBERS.0 } else { MEMBERS.1 };
        let shown = if named { self.parts.len() } else { members.min(self.parts.len()) };
        for (place, (key, value)) in self.parts[..shown].iter().enumerate() {
            let label = key.as_ref().map_or(String::new(), |key| format!("{}: ", key.line()));
            let old = was.and_then(|was| was.part(key.as_ref(), place));
            let text = match old == Some(value) && value.line().chars().count() > SHORT {
                true => "(as at first)\n".to_string(),
                false => value.show(old, indent + 2),
            };
            out.push_str(&format!("{inner}{label}{text}"));
        }
        match self.parts.len() - shown {
            0 => {}
            left => out.push_str(&format!("{inner}({left} more)\n")),
        }
        out.push_str(&format!("{}{}\n", " ".repeat(indent), closing(open)));
        out
    }

    /// The part of that name, or at that place.
    fn part(&self, key: Option<&Tree>, place: usize) -> Option<&Tree> {
        let found = match key {
            Some(key) => self.parts.iter().find(|(known, _)| known.as_ref() == Some(key)),
            None => self.parts.get(place),
        };
        found.map(|(_, value)| value)
    }
}

const fn closing(open: char) -> char {
    match open {
        '{' => '}',
        '(' => ')',
        _ => ']',
    }
}

/// Reads what `Debug` writes.
struct Reader<'a> {
    chars: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn value(&mut self) -> Tree {
        let head = self.head();
        let Some(open @ ('{' | '(' | '[')) = self.peek() else {
            return Tree { head, open: None, parts: Vec::new() };
        };
        self.at += 1;
        let mut parts = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek() {
                None => break,
                Some('}' | ')' | ']') => {
                    self.at += 1;
                    break;
                }
                Some(',') => self.at += 1,
                Some(_) => {
                    let before = self.at;
                    parts.push(self.part());
                    // Nothing is read for ever.
                    self.at = self.at.max(before + 1);
                }
            }
        }
        Tree { head, open: Some(open), parts }
    }

    fn part(&mut self) -> (Option<Tree>, Tree) {
        let first = self.value();
        match (self.peek(), self.chars.get(self.at + 1)) {
            (Some(':'), Some(' ')) => {
                self.at += 2;
                (Some(first), self.value())
            }
            _ => (None, first),
        }
    }

    /// Everything up to a bracket, a comma or a colon that ends a name.
    fn head(&mut self) -> String {
        let from = self.at;
        while let Some(c) = self.peek() {
            match c {
                '"' => self.skip_string(),
                '{' | '(' | '[' | '}' | ')' | ']' | ',' => break,
                ':' if self.chars.get(self.at + 1) == Some(&' ') => break,
                _ => self.at += 1,
            }
        }
        let head: String = self.chars[from..self.at.min(self.chars.len())].iter().collect();
        head.trim().to_string()
    }

    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(c) = self.peek() {
            self.at += if c == '\\' { 2 } else { 1 };
            if c == '"' {
                break;
            }
        }
        self.at = self.at.min(self.chars.len());
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }
}
