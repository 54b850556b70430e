//! What the lines of a figure say, in a sentence that is found from the data.

use serde::{Deserialize, Serialize};
use stormglass_scenarios::sweep::facts::Measure;
use stormglass_scenarios::sweep::grid::{Axis, Unit};

use super::lines::{Series, Shown, middle};
use crate::plot::quantity;

#[cfg(test)]
mod tests;

/// What a title speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Nothing in particular.
    Plain,
    /// How long heavy state takes to come back.
    StateSize,
    /// How long a heartbeat may be missing.
    Heartbeat,
    /// What sinks cost in latency.
    Latency,
    /// How barriers get past data that waits.
    Alignment,
    /// How long it takes to make up for an outage.
    Headroom,
}

/// A measure that changes by less than this ratio does not change.
const STEADY: f64 = 1.15;

/// The sentence.
pub fn title(subject: Option<Subject>, axis: &Axis, shown: &[Shown]) -> String {
    match subject.unwrap_or(Subject::Plain) {
        Subject::Plain => None,
        Subject::StateSize => state_size(axis, shown),
        Subject::Heartbeat => heartbeat(axis, shown),
        Subject::Latency => latency(axis, shown),
        Subject::Alignment => alignment(axis, shown),
        Subject::Headroom => headroom(axis, shown),
    }
    // What has no data for its own sentence is told plainly.
    .unwrap_or_else(|| plain(axis, shown))
}

/// More than so many false suspicions an hour are too many.
const TOO_MANY: f64 = 1.0;

/// The series of a measure by the beginning of its name, in the first panel that shows it.
fn of<'a>(shown: &'a [Shown], measure: Measure, label: &str) -> Option<&'a Series> {
    let panel = shown.iter().find(|shown| shown.measure == measure)?;
    panel.series.iter().find(|series| series.label.starts_with(label) && !series.points.is_empty())
}

/// What stands for the samples of a series at its last number, and that number.
fn last(series: &Series, measure: Measure) -> Option<(f64, f64)> {
    series.points.last().map(|(x, summary)| (*x, middle(measure, summary).0))
}

/// The same at a number; none if nothing was measured there.
fn at(series: &Series, measure: Measure, x: f64) -> Option<f64> {
    let (_, summary) = series.points.iter().find(|(at, _)| *at == x)?;
    Some(middle(measure, summary).0)
}

/// `2.4 times`.
fn times(ratio: f64) -> String {
    format!("{} times", quantity(ratio, Unit::Number))
}

fn state_size(axis: &Axis, shown: &[Shown]) -> Option<String> {
    let measure = shown.first()?.measure;
    let time = |seconds: f64| quantity(seconds, measure.unit());
    // Full and incremental checkpoints of the same backend over the same links.
    let mut pairs = Vec::new();
    for panel in shown {
        for full in panel.series.iter().filter(|series| series.label.starts_with("full")) {
            let links = full.label.trim_start_matches("full, ").to_string();
            let same = format!("increments, {links}");
            let Some(increments) = panel.series.iter().find(|of| of.label == same) else {
                continue;
            };
            let (x, whole) = last(full, measure)?;
            pairs.push((x, whole, at(increments, measure, x)?, links, panel.besides.clone()));
        }
    }
    let worst = pairs.iter().max_by(|a, b| (a.2 / a.1).total_cmp(&(b.2 / b.1)))?;
    let best = pairs.iter().min_by(|a, b| (a.2 / a.1).total_cmp(&(b.2 / b.1)))?;
    let size = quantity(worst.0, axis.unit);
    if worst.2 > worst.1 * STEADY {
        return Some(format!(
            "{size} of state take {} as long to come back from increments as from full \
             checkpoints: {} against {} ({})",
            times(worst.2 / worst.1),
            time(worst.2),
            time(worst.1),
            worst.4
        ));
    }
    if best.2 * STEADY < best.1 {
        return Some(format!(
            "{size} of state take {} as long to come back from full checkpoints as from \
             increments: {} against {} ({})",
            times(best.1 / best.2),
            time(best.1),
            time(best.2),
            best.4
        ));
    }
    let slow = pairs.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let fast = pairs.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(format!(
        "Full checkpoints or increments, {size} of state are back after {} over {} and {} over {}",
        time(fast.1),
        fast.3,
        time(slow.1),
        slow.3
    ))
}

fn heartbeat(axis: &Axis, shown: &[Shown]) -> Option<String> {
    let (noticed, wrong) = (Measure::Noticed, Measure::FalseSuspicions);
    let panel = shown.iter().find(|shown| shown.measure == wrong)?;
    let mut found: Option<(f64, f64, &str)> = None;
    for series in &panel.series {
        // From there on none is too many.
        let few = series.points.iter().rev();
        let few = few.take_while(|(_, summary)| middle(wrong, summary).0 < TOO_MANY);
        let Some((timeout, _)) = few.last() else { continue };
        let Some(after) =
            of(shown, noticed, &series.label).and_then(|of| at(of, noticed, *timeout))
        else {
            continue;
        };
        if found.is_none_or(|(_, best, _)| after < best) {
            found = Some((*timeout, after, &series.label));
        }
    }
    let Some((timeout, after, label)) = found else {
        let last = panel.series.iter().filter_map(|series| last(series, wrong));
        let (x, fewest) = last.min_by(|a, b| a.1.total_cmp(&b.1))?;
        return Some(format!(
            "Even after {} without a heartbeat {} suspicions an hour are false",
            quantity(x, axis.unit),
            quantity(fewest, Unit::Number)
        ));
    };
    let place = quantity(timeout, axis.unit);
    let beats = if label.is_empty() { String::new() } else { format!("With heartbeats {label} ") };
    Some(format!(
        "{beats}{place} of silence are enough: less than one false suspicion an hour, and death is \
         noticed after {}",
        quantity(after, noticed.unit())
    ))
}

fn latency(axis: &Axis, shown: &[Shown]) -> Option<String> {
    let measure = Measure::LatencyMedian;
    let (x, slow) = last(of(shown, measure, "transactional")?, measure)?;
    let fast = at(of(shown, measure, "idempotent")?, measure, x)?;
    let time = |seconds: f64| quantity(seconds, measure.unit());
    let place = quantity(x, axis.unit);
    Some(match change(fast, slow) {
        Change::Up => format!(
            "At an interval of {place} half of all records wait {} for a transactional sink, {} \
             for an idempotent one",
            time(slow),
            time(fast)
        ),
        _ => format!("Up to an interval of {place} latency is {} for every sink", time(slow)),
    })
}

fn alignment(axis: &Axis, shown: &[Shown]) -> Option<String> {
    let (expired, long) = (Measure::Expired, Measure::CheckpointDuration);
    let (x, aligned) = last(of(shown, expired, "aligned")?, expired)?;
    let unaligned = at(of(shown, expired, "unaligned")?, expired, x)?;
    let place = quantity(x, axis.unit);
    let share = |share: f64| quantity(share, expired.unit());
    if aligned > 0.0 && aligned > unaligned {
        let held = of(shown, Measure::InFlight, "unaligned");
        let held = held.and_then(|of| at(of, Measure::InFlight, x));
        let held = held.map_or(String::new(), |bytes| {
            format!(", which hold {} in flight", quantity(bytes, Unit::Bytes))
        });
        let few = if unaligned > 0.0 { share(unaligned) } else { "none".to_string() };
        return Some(format!(
            "{} of aligned checkpoints expire at a load of {place}, and {few} of unaligned \
             ones{held}",
            share(aligned)
        ));
    }
    let (x, slow) = last(of(shown, long, "aligned")?, long)?;
    let fast = at(of(shown, long, "unaligned")?, long, x)?;
    let (place, time) = (quantity(x, axis.unit), |s: f64| quantity(s, long.unit()));
    Some(match change(fast, slow) {
        Change::Up => format!(
            "At a load of {place} an aligned checkpoint takes {}, an unaligned one {}",
            time(slow),
            time(fast)
        ),
        _ => format!("Up to a load of {place} a checkpoint takes {} either way", time(slow)),
    })
}

fn headroom(axis: &Axis, shown: &[Shown]) -> Option<String> {
    let (again, down) = (Measure::Arrears, Measure::Down);
    let panel = shown.iter().find(|shown| shown.measure == again)?;
    // By the series in which it takes longest: as many times as long as the outage itself.
    let ratio = |x: f64| {
        let each = panel.series.iter().filter_map(|series| {
            let whole = of(shown, down, &series.label).and_then(|of| at(of, down, x))?;
            Some((at(series, again, x)? / whole.max(1e-9), series.label.as_str()))
        });
        each.max_by(|a, b| a.0.total_cmp(&b.0))
    };
    let all: Vec<(f64, f64, &str)> = axis
        .points
        .iter()
        .filter_map(|point| point.number)
        .filter_map(|x| ratio(x).map(|(ratio, label)| (x, ratio, label)))
        .collect();
    let (first, last) = (all.first()?, all.last()?);
    let place = |x: f64| quantity(x, axis.unit);
    let by = |label: &str| match label {
        "" => String::new(),
        label => format!(" with a checkpoint {label}"),
    };
    let enough = all.iter().rev().take_while(|(_, ratio, _)| *ratio <= 1.0).last();
    Some(match enough {
        Some((x, ..)) if *x == first.0 => format!(
            "Already at a head-room of {} an outage is made up for in less time than it took",
            place(*x)
        ),
        Some((x, ..)) => format!(
            "From a head-room of {} on an outage is made up for in less time than it took; at {} \
             that takes {} as long{}",
            place(*x),
            place(first.0),
            times(first.1),
            by(first.2)
        ),
        None => format!(
            "Even at a head-room of {} making up for an outage takes {} as long as it took{}; at \
             {} {}",
            place(last.0),
            times(last.1),
            by(last.2),
            place(first.0),
            times(first.1)
        ),
    })
}

/// How the first measure goes with the first axis, or which series is best at its end.
fn plain(axis: &Axis, shown: &[Shown]) -> String {
    let Some(first) = shown.first() else { return "Nothing was measured".to_string() };
    let (name, unit) = (first.measure.label(), first.measure.unit());
    let series: Vec<&Series> = first.series.iter().filter(|s| !s.points.is_empty()).collect();
    let ends = |series: &Series| ends(series, first.measure);
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

/// Number and value at both ends of a series.
fn ends(series: &Series, measure: Measure) -> ((f64, f64), (f64, f64)) {
    let first = series.points.first().map(|(x, summary)| (*x, middle(measure, summary).0));
    (first.unwrap_or_default(), last(series, measure).unwrap_or_default())
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
