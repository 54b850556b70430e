//! Names of what is drawn, where nothing else stands.

use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

use super::{AXIS, At, LABEL, LINE, Pen, Spec, width};
use crate::plot::font::Weight;
use crate::plot::{Layer, Look, Panel};

/// Between the end of a line and its name.
const AWAY: f64 = 12.0;

/// Lines of a legend are this far apart.
pub(super) const KEY_LINE: f64 = 20.0;
/// How long the line of a key is.
const KEY: f64 = 30.0;

/// Row and place of each key of a legend.
pub(super) fn legend(keys: &[(Look, String)], left: f64, right: f64) -> Vec<(usize, f64)> {
    let (mut row, mut x) = (0, left);
    let mut places = Vec::new();
    for (_, label) in keys {
        let wide = KEY + 8.0 + width(label, LABEL, Weight::Bold);
        if x + wide > right && x > left {
            (row, x) = (row + 1, left);
        }
        places.push((row, x));
        x += wide + 26.0;
    }
    places
}

/// How much room the names at the right need.
pub(super) fn room(panel: &Panel) -> f64 {
    let widest = beside(panel).map(|(_, label, _)| width(label, LABEL, Weight::Bold));
    match widest.fold(0.0, f64::max) {
        0.0 => 10.0,
        widest => widest + AWAY + 6.0,
    }
}

/// What has its name at its right end: where that is, the name and the look.
fn beside(panel: &Panel) -> impl Iterator<Item = ((f64, f64), &str, Look)> {
    panel.layers.iter().filter_map(|layer| {
        let (end, label, look) = match layer {
            Layer::Line { points, look, label } => (*points.last()?, label, look),
            Layer::Marks { points, look, label } => {
                let (x, y, ..) = *points.last()?;
                ((x, y), label, look)
            }
            Layer::Bars { points, look, label } => {
                let (x, low, high) = *points.last()?;
                ((x, (low + high) / 2.0), label, look)
            }
            Layer::Across { y, look, label } => ((panel.x.to, *y), label, look),
            Layer::Band { .. } | Layer::Upright { .. } => return None,
        };
        (!label.is_empty()).then_some((end, label.as_str(), *look))
    })
}

/// Names above a panel, in rows in which none touches another.
pub(super) struct Uprights {
    pub(super) rows: usize,
    /// Place, name, row and look.
    names: Vec<(f64, String, usize, Look)>,
}

/// Finds a row for each name; the axis is not laid out yet, but its ends are known.
pub(super) fn uprights(panel: &Panel, left: f64, right: f64) -> Uprights {
    let place = |x: f64| {
        let at = |value| super::position(&panel.x, value);
        let part = (at(x) - at(panel.x.from)) / (at(panel.x.to) - at(panel.x.from));
        left + part * (right - left)
    };
    let mut all: Vec<(f64, &str, Look)> = panel
        .layers
        .iter()
        .filter_map(|layer| match layer {
            Layer::Upright { x, look, label } => Some((*x, label.as_str(), *look)),
            _ => None,
        })
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    // From the right: a name hangs to the right of its line, and what lies further left has to get
    // past it.
    let mut ends: Vec<f64> = Vec::new();
    let mut names = Vec::new();
    for (x, label, look) in all {
        let end = place(x) + 8.0 + width(label, LABEL, Weight::Regular);
        let free = ends.iter().position(|begin| end < *begin);
        let row = free.unwrap_or(ends.len());
        if row == ends.len() {
            ends.push(0.0);
        }
        ends[row] = place(x) - 6.0;
        names.push((x, label.to_string(), row, look));
    }
    Uprights { rows: ends.len(), names }
}

impl Pen<'_> {
    /// A key of a legend.
    pub(super) fn key(&self, (x, y): At, look: Look, label: &str) {
        self.dashed(&[(x, y), (x + KEY, y)], 2.2, look);
        self.mark((x + KEY / 2.0, y), look);
        let (at, colour) = ((x + KEY + 8.0, y), look.colour.dark());
        self.text(label, at, LABEL, Weight::Bold, colour, (HPos::Left, VPos::Center));
    }

    pub(super) fn uprights(&self, uprights: &Uprights, spec: &Spec<'_>) {
        for (x, label, row, look) in &uprights.names {
            let x = spec.x(*x);
            let y = spec.inner.top - 4.0 - (*row as f64 + 0.5) * LINE;
            self.dashed(&[(x, y - 6.0), (x, spec.inner.bottom)], 1.4, *look);
            let (at, colour) = ((x + 5.0, y), look.colour.dark());
            self.text(label, at, LABEL, Weight::Regular, colour, (HPos::Left, VPos::Center));
        }
    }

    /// Names at the right ends, pushed apart where they would touch.
    pub(super) fn beside(&self, panel: &Panel, spec: &Spec<'_>) {
        let mut names: Vec<(At, &str, Look)> =
            beside(panel).map(|(end, label, look)| (spec.at(end), label, look)).collect();
        names.sort_by(|a, b| a.0.1.total_cmp(&b.0.1));
        let wanted: Vec<f64> = names.iter().map(|(end, ..)| end.1).collect();
        let places = apart(&wanted, spec.inner.top, spec.inner.bottom);
        for ((end, label, look), y) in names.into_iter().zip(places) {
            let x = spec.inner.right + AWAY;
            if (y - end.1).abs() > 3.0 {
                self.line(&[(spec.inner.right + 1.0, end.1), (x - 3.0, y)], 0.8, AXIS.mix(0.8));
            }
            let colour = look.colour.dark();
            self.text(label, (x, y), LABEL, Weight::Bold, colour, (HPos::Left, VPos::Center));
        }
    }
}

/// Heights as near to those wanted as can be, a line apart at least. They come and stay sorted.
fn apart(wanted: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let mut places: Vec<f64> = Vec::with_capacity(wanted.len());
    for y in wanted {
        let least = places.last().map_or(top, |above| above + LINE);
        places.push(y.max(least));
    }
    let mut most = bottom;
    for place in places.iter_mut().rev() {
        *place = place.min(most);
        most = *place - LINE;
    }
    places
}
