//! The text of a scenario, where each key stands in it, and the settings laid over it.
//!
//! Settings are parsed as lines below the text (`key.path=value`), so that one kind of place serves
//! both, then merged into the document before it gets its types.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::raw::RawScenario;
use crate::problem::{Place, Problem, suggest};

/// Where a scenario was written, so that late mistakes can be shown in its text. Any two are equal:
/// where it stands is no part of what a scenario says.
#[derive(Clone, Debug, Default)]
pub struct Origin(Option<Arc<Written>>);

#[derive(Debug, Default)]
struct Written {
    source: String,
    text: String,
    settings: Vec<String>,
    /// The text and the settings as lines below it.
    whole: String,
    /// Path to (key, value) in `whole`.
    places: BTreeMap<String, (Range<usize>, Range<usize>)>,
}

impl PartialEq for Origin {
    fn eq(&self, _: &Origin) -> bool {
        true
    }
}

impl Origin {
    /// The name of the source; empty if the scenario was built in Rust.
    pub fn source(&self) -> &str {
        self.0.as_ref().map_or("", |written| &written.source)
    }
    /// The text and the settings, unless the scenario was built in Rust. Parsed again with
    /// [`Scenario::parse_with`](super::Scenario::parse_with), they give the same scenario.
    pub fn written(&self) -> Option<(&str, &[String])> {
        self.0.as_ref().map(|written| (written.text.as_str(), written.settings.as_slice()))
    }
    /// The document with the settings laid over it; none if the scenario was built in Rust.
    pub(crate) fn document(&self) -> Option<toml::Table> {
        let written = self.0.as_ref()?;
        let mut again = Written {
            source: written.source.clone(),
            text: written.text.clone(),
            settings: written.settings.clone(),
            whole: written.text.clone(),
            places: BTreeMap::new(),
        };
        let lines = again.lines().ok()?;
        let document = again.merged(&lines).ok()?;
        toml::Table::deserialize(Deserializer::from(document)).ok()
    }
    /// A mistake in the value at a path (`fault.2.at`), or in what is nearest above it.
    pub fn problem(&self, path: &str, message: impl Into<String>) -> Problem {
        self.place(path, |(_, value)| value, message.into())
    }
    /// A mistake in the key at a path.
    pub fn key_problem(&self, path: &str, message: impl Into<String>) -> Problem {
        self.place(path, |(key, _)| key, message.into())
    }

    fn place(
        &self,
        path: &str,
        part: impl Fn(&(Range<usize>, Range<usize>)) -> &Range<usize>,
        message: String,
    ) -> Problem {
        let Some(written) = &self.0 else {
            return Problem::new("", format!("{path}: {message}"));
        };
        let mut path = path;
        loop {
            if let Some(place) = written.places.get(path) {
                return written.problem(part(place).clone(), message);
            }
            match path.rsplit_once('.') {
                Some((above, _)) => path = above,
                None => return Problem::new(&written.source, message),
            }
        }
    }
}

impl Written {
    /// Each setting at the place where it stands in `whole`, after nothing but line breaks.
    fn lines(&mut self) -> Result<Vec<String>, Problem> {
        let mut lines = Vec::new();
        for setting in &self.settings {
            let line = normal(setting)?;
            self.whole.push('\n');
            lines.push("\n".repeat(self.whole.len()) + &line);
            self.whole.push_str(&line);
        }
        Ok(lines)
    }

    /// The text with the settings laid over it.
    fn merged<'a>(&'a self, lines: &'a [String]) -> Result<Spanned<DeTable<'a>>, Problem> {
        let whole = |error: toml::de::Error| self.toml_problem(&error);
        let mut document = DeTable::parse(&self.text).map_err(whole)?;
        for line in lines {
            let setting = DeTable::parse(line).map_err(whole)?.into_inner();
            merge(document.get_mut(), setting, "")
                .map_err(|(range, message, help)| self.problem(range, message).help(help))?;
        }
        Ok(document)
    }

    /// A mistake at a range of `whole`: in the text, or in a setting.
    fn problem(&self, range: Range<usize>, message: String) -> Problem {
        if range.start <= self.text.len() {
            return Problem::new(&self.source, message).at(Place::of(&self.text, range));
        }
        let place = Place::of(&self.whole, range);
        let above = self.text.matches('\n').count() + 1;
        Problem::new("--set", message).at(Place { line: place.line - above, ..place })
    }

    fn toml_problem(&self, error: &toml::de::Error) -> Problem {
        let (message, help) = explain(error.message());
        let problem = match error.span() {
            // The whole document: a key is missing at its top.
            Some(range) if range.start == 0 && (range.end == 0 || range.end == self.text.len()) => {
                Problem::new(&self.source, message)
            }
            Some(range) => self.problem(range, message),
            None => Problem::new(&self.source, message),
        };
        problem.help(help)
    }
}

/// Reads the document, lays the settings over it, and gives it its types.
pub(super) fn read(
    text: &str,
    source: &str,
    settings: &[impl AsRef<str>],
) -> Result<(RawScenario, Origin), Problem> {
    let mut written = Written {
        source: source.to_string(),
        text: text.to_string(),
        settings: settings.iter().map(|setting| setting.as_ref().to_string()).collect(),
        whole: text.to_string(),
        places: BTreeMap::new(),
    };
    let lines = written.lines()?;
    let document = written.merged(&lines)?;
    let mut places = BTreeMap::new();
    collect(document.get_ref(), "", &mut places);
    let raw = RawScenario::deserialize(Deserializer::from(document))
        .map_err(|error| written.toml_problem(&error))?;
    written.places = places;
    Ok((raw, Origin(Some(Arc::new(written)))))
}

/// `key = value` with a value that is TOML: one that is not is put in quotes.
fn normal(setting: &str) -> Result<String, Problem> {
    let Some((key, value)) = setting.split_once('=') else {
        let message = format!("`{setting}` sets nothing");
        return Err(Problem::new("--set", message).help("write key=value, such as input.rate=5k/s"));
    };
    let (key, value) = (key.trim(), value.trim());
    let is_toml = DeTable::parse(&format!("value={value}")).is_ok_and(|t| t.get_ref().len() == 1);
    Ok(match is_toml {
        true => format!("{key}={value}"),
        false => format!("{key}={}", toml::Value::String(value.to_string())),
    })
}

type Mistake = (Range<usize>, String, String);

/// Lays the keys of `over` over `base`; a number names an element of a list, counted from 1.
fn merge<'i>(base: &mut DeTable<'i>, over: DeTable<'i>, path: &str) -> Result<(), Mistake> {
    for (key, value) in over {
        let inner = format!("{path}{}.", key.get_ref());
        let range = value.span();
        match (base.get_mut(key.get_ref().as_ref()).map(Spanned::get_mut), value.into_inner()) {
            (Some(DeValue::Table(below)), DeValue::Table(over)) => merge(below, over, &inner)?,
            (Some(DeValue::Array(list)), DeValue::Table(over)) => {
                for (number, value) in over {
                    let count = list.len();
                    let at = number.get_ref().parse::<usize>().ok().and_then(|n| n.checked_sub(1));
                    let element = at.and_then(|at| list.get_mut(at));
                    match (element.map(Spanned::get_mut), value.into_inner()) {
                        (Some(DeValue::Table(below)), DeValue::Table(over)) => {
                            merge(below, over, &format!("{inner}{}.", number.get_ref()))?;
                        }
                        (Some(element), value) => *element = value,
                        (None, _) => {
                            let name = inner.trim_end_matches('.');
                            let message = format!("there is no {name} `{}`", number.get_ref());
                            let help = format!("they are numbered from 1 to {count}");
                            return Err((number.span(), message, help));
                        }
                    }
                }
            }
            (_, value) => {
                base.remove(key.get_ref().as_ref());
                base.insert(key, Spanned::new(range, value));
            }
        }
    }
    Ok(())
}

/// Notes where each key and value stands; elements of a list are numbered from 1.
fn collect(
    table: &DeTable<'_>,
    path: &str,
    places: &mut BTreeMap<String, (Range<usize>, Range<usize>)>,
) {
    for (key, value) in table.iter() {
        let path = format!("{path}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(below) => collect(below, &format!("{path}."), places),
            DeValue::Array(list) => {
                for (number, element) in (1..).zip(list.iter()) {
                    let path = format!("{path}.{number}");
                    if let DeValue::Table(below) = element.get_ref() {
                        collect(below, &format!("{path}."), places);
                    }
                    places.insert(path, (element.span(), element.span()));
                }
            }
            _ => {}
        }
        places.insert(path, (key.span(), value.span()));
    }
}

/// Serde's words in ours: message and help.
fn explain(message: &str) -> (String, String) {
    if let Some((message, help)) = message.split_once('\n') {
        return (message.to_string(), help.to_string());
    }
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if message.starts_with("unknown field") {
        let (name, valid) = quoted.split_first().unwrap_or((&"", &[]));
        return (format!("unknown key `{name}`"), suggest(name, valid.iter().copied(), "keys"));
    }
    if message.starts_with("missing field") {
        let name = quoted.first().copied().unwrap_or_default();
        return (format!("the key `{name}` is missing"), String::new());
    }
    let wrong = ["invalid type: ", "invalid value: "].iter().find_map(|p| message.strip_prefix(p));
    let Some((found, expected)) = wrong.and_then(|wrong| wrong.rsplit_once(", expected ")) else {
        return (message.to_string(), String::new());
    };
    let expected = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" => "a whole number from 0 on",
        "f64" => "a number",
        "a string" => "a text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        other if other == "a map" || other.starts_with("struct ") => "a table",
        other => other,
    };
    (format!("expected {expected}, found {found}"), String::new())
}
