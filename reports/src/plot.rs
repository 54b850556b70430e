//! Plots as data, and as pictures: SVG and PNG without a system font or a system library.
//!
//! A [`Plot`] says what is seen: a title that is the message, panels with axes, and in each panel
//! layers of lines, bands, marks and bars. [`svg`] and [`png`] make the same picture of it, and
//! the same plot gives the same bytes on any machine.
//!
//! In reading order: the types here; `scale` (ticks, and numbers with their units); `draw` (where
//! everything goes, by plotters); `canvas` (what plotters draws on: a list of shapes); `font` (two
//! weights of DejaVu Sans, compiled in; text becomes outlines); `vector` and `raster` (shapes as
//! SVG and as PNG).

use stormglass_scenarios::sweep::grid::Unit;

mod canvas;
mod draw;
mod font;
mod raster;
mod scale;
#[cfg(test)]
mod tests;
mod vector;

pub use scale::quantity;

/// A picture with a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// The message, in a sentence.
    pub title: String,
    /// What is shown, in a line or two.
    pub subtitle: String,
    /// What lines in all panels are called; empty where they have their names beside them.
    pub legend: Vec<(Look, String)>,
    /// What is drawn, row by row.
    pub panels: Vec<Panel>,
    /// How many panels stand side by side.
    pub columns: usize,
    /// Small print: parameters, seeds, the command.
    pub notes: Vec<String>,
}

/// One pair of axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// What is special about it; may be empty.
    pub title: String,
    /// The axis from left to right.
    pub x: Axis,
    /// The axis from bottom to top.
    pub y: Axis,
    /// What is drawn, from back to front.
    pub layers: Vec<Layer>,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it shows.
    pub label: String,
    /// What its numbers are counted in.
    pub unit: Unit,
    /// Whether equal steps are equal ratios. What is not above zero stands at its low end then.
    pub log: bool,
    /// Its low end.
    pub from: f64,
    /// Its high end.
    pub to: f64,
}

/// Something drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// A line through points, with its name at its right end.
    Line {
        /// From left to right.
        points: Vec<(f64, f64)>,
        /// How it looks.
        look: Look,
        /// Its name, if it is to be told.
        label: String,
    },
    /// An area between two lines: x, low, high.
    Band {
        /// From left to right.
        points: Vec<(f64, f64, f64)>,
        /// How it looks.
        look: Look,
    },
    /// Marks at points, each with a bar from low to high: x, y, low, high.
    Marks {
        /// In any order.
        points: Vec<(f64, f64, f64, f64)>,
        /// How they look.
        look: Look,
        /// Their name, which stands at the last one, if it is to be told.
        label: String,
    },
    /// A bar at each place from low to high: x, low, high. Their width is a share of the least
    /// distance between two of them.
    Bars {
        /// From left to right.
        points: Vec<(f64, f64, f64)>,
        /// How they look.
        look: Look,
        /// Their name, which stands beside the last one.
        label: String,
    },
    /// A line all across at a height, with its name above it.
    Across {
        /// The height.
        y: f64,
        /// How it looks.
        look: Look,
        /// Its name.
        label: String,
    },
    /// A line all the way up at a place, with its name above the panel.
    Upright {
        /// The place.
        x: f64,
        /// How it looks.
        look: Look,
        /// Its name.
        label: String,
    },
}

/// How something looks: told apart by colour, and without it by dashes, marks and hatching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its colour.
    pub colour: Colour,
    /// How its line is broken.
    pub dash: Dash,
    /// Its mark.
    pub mark: Mark,
    /// How its area is filled.
    pub hatch: Hatch,
}

/// The colours of Okabe and Ito, which the colour-blind tell apart, and two greys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "colours have names")]
pub enum Colour {
    Blue,
    Vermillion,
    Green,
    Purple,
    Orange,
    Sky,
    Ink,
    Muted,
}

/// How a line is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say what they are")]
pub enum Dash {
    Solid,
    Long,
    Short,
    Dots,
}

/// A mark at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say what they are")]
pub enum Mark {
    None,
    Circle,
    Square,
    Triangle,
    Diamond,
}

/// How an area is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say what they are")]
pub enum Hatch {
    Plain,
    Rising,
    Falling,
    Level,
    Crossed,
}

impl Look {
    /// The looks of series, one after the other.
    pub const SERIES: [Look; 6] = [
        Look::new(Colour::Blue, Dash::Solid, Mark::Circle, Hatch::Plain),
        Look::new(Colour::Vermillion, Dash::Long, Mark::Square, Hatch::Rising),
        Look::new(Colour::Green, Dash::Short, Mark::Triangle, Hatch::Falling),
        Look::new(Colour::Purple, Dash::Dots, Mark::Diamond, Hatch::Level),
        Look::new(Colour::Orange, Dash::Solid, Mark::Square, Hatch::Crossed),
        Look::new(Colour::Sky, Dash::Long, Mark::Circle, Hatch::Plain),
    ];

    /// One of one's own.
    pub const fn new(colour: Colour, dash: Dash, mark: Mark, hatch: Hatch) -> Look {
        Look { colour, dash, mark, hatch }
    }
    /// A line without marks.
    pub const fn line(colour: Colour, dash: Dash) -> Look {
        Look::new(colour, dash, Mark::None, Hatch::Plain)
    }
    /// The look of the so-manieth series.
    pub fn of(number: usize) -> Look {
        Look::SERIES[number % Look::SERIES.len()]
    }
}

impl Axis {
    /// An axis that has room for all of these values.
    pub fn around(label: &str, unit: Unit, log: bool, values: impl Iterator<Item = f64>) -> Axis {
        let values: Vec<f64> =
            values.filter(|value| value.is_finite() && (!log || *value > 0.0)).collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (from, to) = match (low <= high, log) {
            (false, true) => (1.0, 10.0),
            (false, false) => (0.0, 1.0),
            (true, true) => (low / 1.12, high * 1.12),
            (true, false) => (0.0f64.min(low), if high > 0.0 { high * 1.08 } else { 1.0 }),
        };
        Axis { label: label.to_string(), unit, log, from, to }
    }

    /// Whether numbers spread so far that ratios are the better measure.
    pub fn wants_log(values: impl Iterator<Item = f64>) -> bool {
        let (mut low, mut high) = (f64::INFINITY, 0.0f64);
        for value in values {
            (low, high) = (low.min(value), high.max(value));
        }
        low > 0.0 && high / low >= 10.0
    }
}

impl Layer {
    /// All heights in it.
    pub fn heights(&self) -> Vec<f64> {
        match self {
            Layer::Line { points, .. } => points.iter().map(|point| point.1).collect(),
            Layer::Band { points, .. } | Layer::Bars { points, .. } => {
                points.iter().flat_map(|point| [point.1, point.2]).collect()
            }
            Layer::Marks { points, .. } => {
                points.iter().flat_map(|point| [point.1, point.2, point.3]).collect()
            }
            Layer::Across { y, .. } => vec![*y],
            Layer::Upright { .. } => Vec::new(),
        }
    }
}

/// A plot as SVG: text is outlines, so it looks the same everywhere.
pub fn svg(plot: &Plot) -> String {
    vector::svg(&draw::draw(plot), &plot.title)
}

/// A plot as PNG, with two pixels where the SVG has one.
pub fn png(plot: &Plot) -> Vec<u8> {
    raster::png(&draw::draw(plot))
}
