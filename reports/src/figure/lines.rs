//! Medians against a number: a line for each series, a panel for each measure and each point of
//! what is varied besides.

use stormglass_scenarios::sweep::facts::Measure;
use stormglass_scenarios::sweep::grid::Axis as Varied;
use stormglass_scenarios::sweep::statistics::Summary;

use super::Seen;
use super::titles::{self, Subject};
use crate::plot::{Axis, Layer, Look, Panel, Plot};

/// A line: its name, and what was measured at each number.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name; empty if it is the only one.
    pub label: String,
    /// Numbers with what was measured there; where nothing was, it is left out.
    pub points: Vec<(f64, Summary)>,
}

/// What stands for all samples at a point, and where its band begins and ends.
pub(super) fn middle(measure: Measure, of: &Summary) -> (f64, f64, f64) {
    match measure.is_averaged() {
        true => (of.mean, (of.mean - 2.0 * of.error).max(0.0), of.mean + 2.0 * of.error),
        false => (of.p50, of.p5, of.p95),
    }
}

/// What one panel shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// What is measured.
    pub measure: Measure,
    /// The point of what is varied besides; may be empty.
    pub besides: String,
    /// The lines.
    pub series: Vec<Series>,
}

/// The plot.
pub fn plot(seen: &Seen<'_>, measures: &[Measure], says: Option<Subject>) -> Plot {
    let shown = shown(seen, measures);
    let axis = &seen.swept.grid.axes[0];
    let mut panels: Vec<Panel> = shown.iter().map(|one| panel(axis, one, &shown)).collect();
    let mut legend = Vec::new();
    // Where several panels show the same lines, their names stand once.
    if panels.len() > 1 && shown[0].series.len() > 1 {
        let names = shown[0].series.iter().enumerate();
        legend = names.map(|(number, series)| (Look::of(number), series.label.clone())).collect();
        let layers = panels.iter_mut().flat_map(|panel| &mut panel.layers);
        for layer in layers {
            if let Layer::Line { label, .. } = layer {
                label.clear();
            }
        }
    }
    let columns = match panels.len() {
        1 => 1,
        3 => 3,
        _ => 2,
    };
    Plot {
        title: titles::title(says, axis, &shown),
        subtitle: subtitle(seen, measures),
        legend,
        panels,
        columns,
        notes: seen.notes.to_vec(),
    }
}

/// What each panel shows.
fn shown(seen: &Seen<'_>, measures: &[Measure]) -> Vec<Shown> {
    let axes = &seen.swept.grid.axes;
    let points = |axis: usize| axes.get(axis).map_or(1, |axis| axis.points.len());
    let label = |axis: usize, at: usize| match axes.get(axis) {
        Some(axis) => axis.points[at].label.clone(),
        None => String::new(),
    };
    let mut shown = Vec::new();
    for measure in measures {
        // All axes from the third on together.
        let besides: usize = (2..axes.len()).map(points).product();
        for panel in 0..besides {
            let mut rest = panel;
            let mut at = vec![0; axes.len().saturating_sub(1)];
            for axis in (2..axes.len()).rev() {
                at[axis - 1] = rest % points(axis);
                rest /= points(axis);
            }
            let names = (2..axes.len()).map(|axis| label(axis, at[axis - 1]));
            let besides = names.collect::<Vec<_>>().join(", ");
            let series = (0..points(1)).map(|number| {
                if let Some(first) = at.first_mut() {
                    *first = number;
                }
                let along = seen.swept.along(0, &at).into_iter();
                let along = along.map(|(x, point)| (x, point.summary(*measure)));
                let points = along.filter(|(_, summary)| summary.samples > 0).collect();
                Series { label: label(1, number), points }
            });
            shown.push(Shown { measure: *measure, besides, series: series.collect() });
        }
    }
    shown
}

/// What is shown, in a line.
fn subtitle(seen: &Seen<'_>, measures: &[Measure]) -> String {
    let axes = &seen.swept.grid.axes;
    let runs = seen.swept.points.iter().map(|point| point.runs.len()).max().unwrap_or(0);
    let each = if runs == 1 { "one run".to_string() } else { format!("{runs} runs") };
    let scenario = seen.scenario;
    let besides = match axes.get(1) {
        Some(axis) => format!(", by {}", axis.name),
        None => String::new(),
    };
    let averaged = match measures.iter().any(|measure| measure.is_averaged()) {
        true => " Counts and shares are means, with two standard errors.",
        false => "",
    };
    format!(
        "{}, against {}{besides}. Lines are medians, bands reach from the 5th to the 95th \
         percentile over {each} at each point.{averaged}",
        scenario.name, axes[0].name
    )
}

/// One panel; all that show the same measure have the same axes, so that they can be compared.
fn panel(axis: &Varied, shown: &Shown, all: &[Shown]) -> Panel {
    let same = || all.iter().filter(|other| other.measure == shown.measure);
    let points = || same().flat_map(|one| &one.series).flat_map(|series| &series.points);
    let unit = shown.measure.unit();
    let tell = |of: &Summary| middle(shown.measure, of);
    let heights = || points().flat_map(|(_, of)| <[f64; 3]>::from(tell(of)));
    let log = Axis::wants_log(heights());
    let several = shown.series.len() > 1;
    let mut layers = Vec::new();
    for (number, series) in shown.series.iter().enumerate() {
        let look = Look::of(number);
        let band = series.points.iter().map(|(x, of)| (*x, tell(of).1, tell(of).2)).collect();
        layers.push(Layer::Band { points: band, look });
    }
    for (number, series) in shown.series.iter().enumerate() {
        let points = series.points.iter().map(|(x, of)| (*x, tell(of).0)).collect();
        let label = if several { series.label.clone() } else { String::new() };
        layers.push(Layer::Line { points, look: Look::of(number), label });
    }
    let numbers = || axis.points.iter().filter_map(|point| point.number);
    let mut x = Axis::around(&axis.name, axis.unit, Axis::wants_log(numbers()), numbers());
    if !x.log {
        // Numbers that begin far from zero need not be drawn from there.
        let (low, high) = numbers().fold((f64::MAX, f64::MIN), |(l, h), n| (l.min(n), h.max(n)));
        let room = (high - low) * 0.06;
        (x.from, x.to) = (low - room, high + room);
    }
    Panel {
        title: shown.besides.clone(),
        x,
        y: Axis::around(shown.measure.label(), unit, log, heights()),
        layers,
    }
}
