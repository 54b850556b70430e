//! Figures: each answers a question that operators ask, and its title is the answer, found from
//! the data.
//!
//! A figure is data: `reports/figures/*.toml` says which scenario runs over which grid, and how it
//! is drawn. What is drawn is a [`Plot`] made of the rows of a sweep and of nothing else.
//!
//! In reading order: the types here; `lines` (medians against a number, one line a series);
//! `phases` (outages in their five phases); `work` (useful work held against the formulas);
//! `titles` (what the lines of each figure say); `table` (rows and points as CSV); `page` (HTML).

use serde::{Deserialize, Serialize};
use stormglass_scenarios::problem::{Problem, suggest};
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::sweep::Swept;
use stormglass_scenarios::sweep::facts::Measure;
use stormglass_scenarios::sweep::grid::{Axis, Grid, Point, Unit};

use crate::plot::Plot;

pub mod lines;
pub mod page;
pub mod phases;
pub mod table;
#[cfg(test)]
mod tests;
pub mod titles;
pub mod work;

/// A figure as it is written down.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Preset {
    /// Its name, as people type it.
    pub name: String,
    /// The question that it answers.
    pub asks: String,
    /// The scenario that runs.
    pub scenario: String,
    /// What is set in all cells.
    #[serde(default)]
    pub set: Vec<String>,
    /// How many seeds each cell runs, unless somebody says otherwise.
    pub seeds: u64,
    /// What is varied.
    pub vary: Vec<Vary>,
    /// How it is drawn.
    pub draw: Drawing,
}

/// An axis as it is written down.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Vary {
    /// What it is called on the figure.
    pub name: String,
    /// `KEYS=VALUES`, as on the command line; may be absent.
    #[serde(default)]
    pub values: String,
    /// The unit of its numbers, where points state them.
    pub unit: Option<Unit>,
    /// Points of their own, after these values.
    #[serde(default)]
    pub points: Vec<Stated>,
}

/// A point that is written out.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    /// What it is called.
    pub label: String,
    /// Its number.
    pub number: Option<f64>,
    /// What is set.
    #[serde(default)]
    pub set: Vec<String>,
}

/// How a sweep is drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, tag = "as")]
pub enum Drawing {
    /// Useful work against the interval, held against the formulas.
    Work,
    /// Outages in their phases.
    Phases,
    /// Medians against the numbers of the first axis, a line for each point of the second, a panel
    /// for each measure and each point of the third.
    Lines {
        /// What is drawn.
        measures: Vec<Measure>,
        /// What its title speaks of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        says: Option<titles::Subject>,
    },
}

/// What a figure is made of.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The rows.
    pub swept: &'a Swept,
    /// The scenario at the first cell.
    pub scenario: &'a Scenario,
    /// Small print.
    pub notes: &'a [String],
}

const SHIPPED: &[&str] = &[
    include_str!("../figures/work-by-interval.toml"),
    include_str!("../figures/recovery-by-interval.toml"),
    include_str!("../figures/recovery-by-state-size.toml"),
    include_str!("../figures/detection-by-timeout.toml"),
    include_str!("../figures/latency-by-interval.toml"),
    include_str!("../figures/checkpoints-under-load.toml"),
    include_str!("../figures/catch-up-by-headroom.toml"),
];

/// The shipped figures, in the order in which they are asked for.
pub fn presets() -> Vec<Preset> {
    let read = |text: &&str| toml::from_str(text).expect("a test reads all that are shipped");
    SHIPPED.iter().map(read).collect()
}

/// A shipped figure by its name.
///
/// # Errors
/// If there is none.
pub fn find(name: &str) -> Result<Preset, Problem> {
    let all = presets();
    all.iter().find(|preset| preset.name == name).cloned().ok_or_else(|| {
        let names = all.iter().map(|preset| preset.name.as_str());
        Problem::new("", format!("unknown figure `{name}`")).help(suggest(name, names, "figures"))
    })
}

impl Preset {
    /// What it varies.
    ///
    /// # Errors
    /// If an axis makes no sense.
    pub fn grid(&self) -> Result<Grid, Problem> {
        let axes = self.vary.iter().map(Vary::axis).collect::<Result<Vec<_>, _>>()?;
        Ok(Grid { axes })
    }
}

impl Vary {
    fn axis(&self) -> Result<Axis, Problem> {
        let mut axis = match self.values.as_str() {
            "" => Axis { name: String::new(), unit: Unit::Number, points: Vec::new() },
            values => Axis::parse(values)?,
        };
        axis.name.clone_from(&self.name);
        axis.unit = self.unit.unwrap_or(axis.unit);
        axis.points.extend(self.points.iter().map(|stated| Point {
            label: stated.label.clone(),
            number: stated.number,
            settings: stated.set.clone(),
        }));
        Ok(axis)
    }
}

impl Drawing {
    /// What of a sweep cannot be drawn so.
    ///
    /// # Errors
    /// If the first axis has no numbers.
    pub fn check(&self, grid: &Grid) -> Result<(), Problem> {
        match grid.axes.first() {
            Some(axis) if axis.is_numeric() => Ok(()),
            Some(axis) => {
                let message = format!("`{}` has no numbers that a figure could go by", axis.name);
                let help = "vary a number first, such as checkpoint.interval=500ms..60s:log12; \
                            what is varied next tells lines apart";
                Err(Problem::new("--vary", message).help(help))
            }
            None => {
                let help = "such as --vary checkpoint.interval=500ms..60s:log12";
                Err(Problem::new("", "nothing is varied").help(help))
            }
        }
    }

    /// The plot.
    pub fn plot(&self, seen: &Seen<'_>) -> Plot {
        match self {
            Drawing::Work => work::plot(seen),
            Drawing::Phases => phases::plot(seen),
            Drawing::Lines { measures, says } => lines::plot(seen, measures, *says),
        }
    }
}
