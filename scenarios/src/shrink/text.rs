//! The text of a scenario as a tree of keys, to be changed key by key.

use toml::{Table, Value};

use crate::scenario::Origin;

/// What comes first in a text, in this order.
const FIRST: [&str; 5] = ["name", "guarantee", "topology", "input", "cluster"];
/// What a plan has already: who draws it is of no use any more.
const DRAWN: [&str; 5] = ["summary", "fault", "chaos", "draw", "rare-events"];

/// The keys of a scenario, with their values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text(Table);

impl Text {
    /// What a scenario's text and settings say, without what its plan has already; none if it was
    /// built in Rust.
    pub(super) fn of(origin: &Origin) -> Option<Text> {
        let mut table = origin.document()?;
        DRAWN.iter().for_each(|key| _ = table.remove(*key));
        Some(Text(table))
    }

    pub(super) fn set(&mut self, path: &str, value: impl Into<Value>) {
        let (above, key) = path.rsplit_once('.').unwrap_or(("", path));
        let mut table = &mut self.0;
        for name in above.split('.').filter(|name| !name.is_empty()) {
            let below = table.entry(name).or_insert_with(|| Table::new().into());
            let Value::Table(below) = below else { return };
            table = below;
        }
        table.insert(key.to_string(), value.into());
    }

    /// Takes a key away, and whatever is below it.
    pub(super) fn remove(&mut self, path: &str) {
        let (above, key) = path.rsplit_once('.').unwrap_or(("", path));
        let mut table = &mut self.0;
        for name in above.split('.').filter(|name| !name.is_empty()) {
            let Some(Value::Table(below)) = table.get_mut(name) else { return };
            table = below;
        }
        table.remove(key);
    }

    /// The path of every value, in the order of the text.
    pub(super) fn paths(&self) -> Vec<String> {
        self.lines().into_iter().map(|(path, _)| path).collect()
    }

    /// It as TOML, a value a line: `cluster.workers = 2`.
    pub(super) fn print(&self) -> String {
        let lines = self.lines();
        lines.iter().map(|(path, value)| format!("{path} = {value}\n")).collect()
    }

    fn lines(&self) -> Vec<(String, &Value)> {
        let mut lines = Vec::new();
        let place = |key: &str| FIRST.iter().position(|first| *first == key);
        let mut keys: Vec<&String> = self.0.keys().collect();
        keys.sort_by_key(|key| (place(key).unwrap_or(FIRST.len()), *key));
        keys.iter().for_each(|key| collect(quoted(key), &self.0[*key], &mut lines));
        lines
    }
}

fn collect<'a>(path: String, value: &'a Value, lines: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Table(below) => {
            for (key, value) in below {
                collect(format!("{path}.{}", quoted(key)), value, lines);
            }
        }
        value => lines.push((path, value)),
    }
}

/// A key as it is written.
fn quoted(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    match !key.is_empty() && key.chars().all(bare) {
        true => key.to_string(),
        false => Value::String(key.to_string()).to_string(),
    }
}
