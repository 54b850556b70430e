//! What a sweep varies: axes, their points, and the cells of the grid that they span.
//!
//! An axis is written as `KEYS=VALUES`. Keys that move together are joined by `+`. Values are a
//! list, or a range with a number of values in it: evenly spaced (`lin`) or in even ratios (`log`).
//!
//! ```
//! use stormglass_scenarios::sweep::grid::Axis;
//!
//! let interval = Axis::parse("checkpoint.interval=500ms..60s:log3").unwrap();
//! let labels: Vec<&str> = interval.points.iter().map(|point| point.label.as_str()).collect();
//! assert_eq!(labels, ["500ms", "5.48s", "60s"]);
//!
//! let wrong = Axis::parse("checkpoint.interval=500ms..60s").unwrap_err();
//! assert!(wrong.to_string().contains("write 500ms..60s:log12"));
//! ```

use serde::{Deserialize, Serialize};
use stormglass_sim::time::Span;

use crate::problem::Problem;
use crate::units::{Bandwidth, Rate, Share, Size, Text, names};

#[cfg(test)]
mod tests;

/// The most values of a range.
const MOST: u64 = 1_000;

names! {
    /// What numbers are counted in.
    Unit, "a unit", "units":
    /// Seconds.
    Seconds = "s",
    /// Bytes.
    Bytes = "bytes",
    /// Bytes a second.
    BytesPerSecond = "bytes_per_s",
    /// Something a second.
    PerSecond = "per_s",
    /// Something an hour.
    PerHour = "per_h",
    /// A share of a whole: 1 is all of it.
    Share = "share",
    /// A bare number.
    Number = "number",
}

/// One thing that is varied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Its name: the first of its keys, unless somebody gave it another.
    pub name: String,
    /// What its numbers are counted in.
    pub unit: Unit,
    /// Its values, in order. Invariant: at least one, and no two with the same label.
    pub points: Vec<Point>,
}

/// One value of an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// As people write it.
    pub label: String,
    /// The number in the axis' unit, if it is one.
    pub number: Option<f64>,
    /// What is set, as `key=value`.
    pub settings: Vec<String>,
}

/// All combinations of the points of some axes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// The axes; the last one changes from cell to cell.
    pub axes: Vec<Axis>,
}

impl Grid {
    /// How many cells there are; one if nothing is varied.
    pub fn cells(&self) -> usize {
        self.axes.iter().map(|axis| axis.points.len()).product()
    }

    /// The points of a cell, one of each axis.
    pub fn cell(&self, mut number: usize) -> Vec<&Point> {
        let mut points: Vec<&Point> = Vec::new();
        for axis in self.axes.iter().rev() {
            points.push(&axis.points[number % axis.points.len()]);
            number /= axis.points.len();
        }
        points.reverse();
        points
    }

    /// The labels of a cell, one of each axis.
    pub fn labels(&self, cell: usize) -> Vec<String> {
        self.cell(cell).into_iter().map(|point| point.label.clone()).collect()
    }

    /// What is set in a cell.
    pub fn settings(&self, cell: usize) -> Vec<String> {
        self.cell(cell).into_iter().flat_map(|point| point.settings.clone()).collect()
    }
}

impl Axis {
    /// Reads `KEYS=VALUES`.
    ///
    /// # Errors
    /// If it is not that; the problem says what would be.
    pub fn parse(text: &str) -> Result<Axis, Problem> {
        let wrong = |message: String, help: &str| {
            Err(Problem::new("--vary", format!("`{text}`: {message}")).help(help))
        };
        let form = "write KEY=VALUES, such as checkpoint.interval=500ms..60s:log12 or \
                    state.backend=file,log,embedded";
        let Some((keys, values)) = text.split_once('=') else {
            return wrong("there is no `=`".to_string(), form);
        };
        let keys: Vec<&str> = keys.split('+').map(str::trim).collect();
        if keys.iter().any(|key| key.is_empty()) {
            return wrong("a key is empty".to_string(), form);
        }
        let values = match values_of(values.trim()) {
            Ok(values) => values,
            Err((message, help)) => return wrong(message, &help),
        };
        let numbers: Option<Vec<Quantity>> =
            values.iter().map(|value| Quantity::parse(value)).collect();
        let numbers = numbers.filter(|all| all.iter().all(|n| n.kind == all[0].kind));
        let unit = numbers.as_ref().map_or(Unit::Number, |numbers| numbers[0].kind.unit());
        let number = |at: usize| numbers.as_ref().map(|numbers| numbers[at].number());
        let points = values.iter().enumerate().map(|(at, value)| Point {
            label: value.clone(),
            number: number(at),
            settings: keys.iter().map(|key| format!("{key}={value}")).collect(),
        });
        let axis = Axis { name: keys[0].to_string(), unit, points: points.collect() };
        match axis.twice() {
            Some(label) => wrong(format!("`{label}` is there twice"), "write each value once"),
            None => Ok(axis),
        }
    }

    /// It as `KEYS=VALUES`; of one that was named, in these words.
    pub fn written(&self) -> String {
        let labels: Vec<&str> = self.points.iter().map(|point| point.label.as_str()).collect();
        let keys = self.points.first().map_or(Vec::new(), |point| {
            let keys = point.settings.iter().filter_map(|setting| setting.split_once('='));
            keys.map(|(key, _)| key).collect()
        });
        match keys.first() == Some(&self.name.as_str()) {
            true => format!("{}={}", keys.join("+"), labels.join(",")),
            false => format!("{}={}", self.name, labels.join(",")),
        }
    }

    /// A label that two points have.
    pub fn twice(&self) -> Option<&str> {
        let labels = self.points.iter().map(|point| point.label.as_str());
        let mut seen = std::collections::BTreeSet::new();
        labels.into_iter().find(|label| !seen.insert(*label))
    }

    /// Whether all its points are numbers, so that it can be an axis of a figure.
    pub fn is_numeric(&self) -> bool {
        self.points.iter().filter(|point| point.number.is_some()).count() > 1
    }
}

/// The values of a list or a range; otherwise what is wrong, and a remedy.
fn values_of(text: &str) -> Result<Vec<String>, (String, String)> {
    let list = list(text);
    if list.iter().any(String::is_empty) {
        return Err(("a value is empty".to_string(), "write values as a,b,c".to_string()));
    }
    let [only] = &list[..] else { return Ok(list) };
    let Some((ends, spacing)) = only.rsplit_once(':').filter(|(ends, _)| ends.contains(".."))
    else {
        return match range(only) {
            Some(_) => Err((
                "how many values of this range are meant is not said".to_string(),
                format!("write {only}:log12 for twelve in even ratios, or {only}:lin12"),
            )),
            None => Ok(list),
        };
    };
    let count = ["log", "lin"].iter().find_map(|how| spacing.strip_prefix(how));
    let count = count.and_then(|count| count.parse::<u64>().ok());
    let Some(count) = count.filter(|count| (2..=MOST).contains(count)) else {
        return Err((
            format!("`{spacing}` says not how values are spaced"),
            format!("write log or lin and a number from 2 to {MOST}, such as {ends}:log12"),
        ));
    };
    let Some((from, to)) = range(ends) else {
        return Err((
            format!("`{ends}` is not a range of one unit"),
            "write both ends with units of the same kind, such as 500ms..60s".to_string(),
        ));
    };
    if to.base <= from.base {
        return Err((
            format!("the range `{ends}` ends before it begins"),
            "write the smaller value first".to_string(),
        ));
    }
    let is_log = spacing.starts_with("log");
    if is_log && from.base == 0 {
        let help = format!("begin above zero, or write {ends}:lin{count}");
        return Err(("no ratio leads away from zero".to_string(), help));
    }
    let values = spread(from, to, count, is_log);
    if (values.len() as u64) < count {
        return Err((
            format!("there are only {} different values", values.len()),
            format!("write {ends}:{}{}", &spacing[..3], values.len()),
        ));
    }
    Ok(values)
}

/// Both ends of a range, if it is one.
fn range(text: &str) -> Option<(Quantity, Quantity)> {
    let (from, to) = text.split_once("..")?;
    let (from, to) = (Quantity::parse(from)?, Quantity::parse(to)?);
    (from.kind == to.kind).then_some((from, to))
}

/// So many values between two, ends included; those between are round to three digits.
fn spread(from: Quantity, to: Quantity, count: u64, is_log: bool) -> Vec<String> {
    let (low, high) = (from.base as f64, to.base as f64);
    let between = |at: u64| {
        let part = at as f64 / (count - 1) as f64;
        let value = match is_log {
            true => low * libm::pow(high / low, part),
            false => low + (high - low) * part,
        };
        round(value)
    };
    let all = (0..count).map(|at| match at {
        0 => from.base,
        at if at == count - 1 => to.base,
        at => between(at),
    });
    let mut all: Vec<u64> = all.collect();
    all.dedup();
    all.into_iter().map(|base| Quantity { kind: from.kind, base }.print()).collect()
}

/// To three digits.
fn round(value: f64) -> u64 {
    let mut step = 1.0;
    while value / step >= 1_000.0 {
        step *= 10.0;
    }
    (libm::round(value / step) * step) as u64
}

/// Splits at commas outside of brackets and quotes.
fn list(text: &str) -> Vec<String> {
    let (mut depth, mut quote, mut parts) = (0i32, None, vec![String::new()]);
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("there is one").push(c);
    }
    parts.iter().map(|part| part.trim().to_string()).collect()
}

/// What a number with a unit measures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Time,
    Bandwidth,
    Size,
    Rate,
    Share,
    /// Without a unit, in thousandths.
    Bare,
}

/// A number with its unit, in whole base units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Quantity {
    kind: Kind,
    base: u64,
}

impl Kind {
    const fn unit(self) -> Unit {
        match self {
            Kind::Time => Unit::Seconds,
            Kind::Bandwidth => Unit::BytesPerSecond,
            Kind::Size => Unit::Bytes,
            Kind::Rate => Unit::PerSecond,
            Kind::Share => Unit::Share,
            Kind::Bare => Unit::Number,
        }
    }
    /// Base units in one of [`Kind::unit`].
    const fn scale(self) -> f64 {
        match self {
            Kind::Time => 1e9,
            Kind::Bandwidth | Kind::Size => 1.0,
            Kind::Rate => 60.0,
            Kind::Share => 1e6,
            Kind::Bare => 1e3,
        }
    }
}

impl Quantity {
    fn parse(text: &str) -> Option<Quantity> {
        let text = text.trim();
        let of = |kind: Kind, base: Option<u64>| base.map(|base| Quantity { kind, base });
        let rate = |rate: Rate| rate.records * (60_000_000_000 / rate.per.as_nanos());
        of(Kind::Time, Span::parse(text).ok().map(Span::as_nanos))
            .or_else(|| of(Kind::Bandwidth, Bandwidth::parse(text).ok().map(|b| b.0)))
            .or_else(|| of(Kind::Size, Size::parse(text).ok().map(|size| size.0)))
            .or_else(|| of(Kind::Rate, Rate::parse(text).ok().map(rate)))
            .or_else(|| of(Kind::Share, Share::parse(text).ok().map(|share| share.0.into())))
            .or_else(|| of(Kind::Bare, bare(text)))
    }

    fn number(self) -> f64 {
        self.base as f64 / self.kind.scale()
    }

    fn print(self) -> String {
        match self.kind {
            Kind::Time => Span::nanos(self.base).print(),
            Kind::Bandwidth => Bandwidth(self.base).print(),
            Kind::Size => Size(self.base).print(),
            Kind::Rate if self.base.is_multiple_of(60) => Rate::a_second(self.base / 60).print(),
            Kind::Rate => Rate { records: self.base, per: Span::secs(60) }.print(),
            Kind::Share => Share(self.base as u32).print(),
            Kind::Bare => match (self.base / 1_000, self.base % 1_000) {
                (whole, 0) => whole.to_string(),
                (whole, rest) => format!("{whole}.{rest:03}").trim_end_matches('0').to_string(),
            },
        }
    }
}

/// A number in thousandths.
fn bare(text: &str) -> Option<u64> {
    let text = text.replace('_', "");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || rest.len() > 3 || !digits(whole) || !digits(rest) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    whole.checked_mul(1_000)?.checked_add(format!("{rest:0<3}").parse().ok()?)
}
