//! What the lines of a figure say, in a sentence that is found from the data.

use serde::{Deserialize, Serialize};
use stormglass_scenarios::sweep::grid::Axis;

use super::lines::{Series, Shown};
use crate::plot::quantity;

#[cfg(test)]
mod tests;

/// What a title speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Nothing in particular.
    Plain,
}

/// A measure that changes by less than this ratio does not change.
const STEADY: f64 = 1.15;

/// The sentence.
pub fn title(subject: Option<Subject>, axis: &Axis, shown: &[Shown]) -> String {
    match subject.unwrap_or(Subject::Plain) {
        Subject::Plain => plain(axis, shown),
    }
}

/// How the first measure goes with the first axis, or which series is best at its end.
fn plain(axis: &Axis, shown: &[Shown]) -> String {
    let Some(first) = shown.first() else { return "Nothing was measured".to_string() };
    let (name, unit) = (first.measure.label(), first.measure.unit());
    let series: Vec<&Series> = first.series.iter().filter(|s| !s.points.is_empty()).collect();
    let told = match series[..] {
        [] => return format!("No run had anything to show of its {name}"),
        [only] => {
            let ((from, low), (to, high)) = ends(only);
            let place = |x| quantity(x, axis.unit);
            let value = |y| quantity(y, unit);
            match change(low, high) {
                Change::None => format!("{name}: {} whatever the {}", value(high), axis.name),
                Change::Up => format!(
                    "{name} grows from {} to {} as {} goes from {} to {}",
                    value(low),
                    value(high),
                    axis.name,
                    place(from),
                    place(to)
                ),
                Change::Down => format!(
                    "{name} falls from {} to {} as {} goes from {} to {}",
                    value(low),
                    value(high),
                    axis.name,
                    place(from),
                    place(to)
                ),
            }
        }
        _ => {
            let last = |series: &&&Series| ends(series).1.1;
            let least = series.iter().min_by(|a, b| last(a).total_cmp(&last(b)));
            let most = series.iter().max_by(|a, b| last(a).total_cmp(&last(b)));
            let (least, most) = (least.expect("there are some"), most.expect("there are some"));
            let (low, high) = (last(&least), last(&most));
            let place = quantity(ends(most).1.0, axis.unit);
            match change(low, high) {
                Change::None => {
                    format!("{name} at {place}: {} for all", quantity(high, unit))
                }
                _ => format!(
                    "{name} at {place}: {} for {}, {} for {}",
                    quantity(low, unit),
                    least.label,
                    quantity(high, unit),
                    most.label
                ),
            }
        }
    };
    capital(&told)
}

/// Number and median at both ends of a series.
fn ends(series: &Series) -> ((f64, f64), (f64, f64)) {
    let at = |point: Option<&(f64, stormglass_scenarios::sweep::statistics::Summary)>| {
        point.map_or((0.0, 0.0), |(x, summary)| (*x, summary.p50))
    };
    (at(series.points.first()), at(series.points.last()))
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Change {
    Up,
    Down,
    None,
}

fn change(from: f64, to: f64) -> Change {
    match (from, to) {
        (from, to) if to > from * STEADY => Change::Up,
        (from, to) if to < from / STEADY => Change::Down,
        _ => Change::None,
    }
}

/// The same with a capital letter.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().collect::<String>() + letters.as_str(),
        None => String::new(),
    }
}
