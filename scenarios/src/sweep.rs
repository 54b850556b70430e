//! Many runs over a grid of settings: what is varied, what is kept of each run, and what the
//! formulas say.
//!
//! ```
//! use stormglass_scenarios::campaign::Next;
//! use stormglass_scenarios::sweep::facts::Measure;
//! use stormglass_scenarios::sweep::grid::{Axis, Grid};
//! use stormglass_scenarios::sweep::{Swept, Sweep};
//! use stormglass_scenarios::{catalog, topologies::Registry};
//!
//! let base = catalog::load("interval", &["input.words.count=500"]).unwrap();
//! let axis = Axis::parse("checkpoint.interval=5s,20s").unwrap();
//! let sweep = Sweep::new(&base, Grid { axes: vec![axis] }, 0..2).unwrap();
//! let mut rows = Vec::new();
//! sweep.run(&Registry::default(), &catalog::file, 1, &|_| true, |row| {
//!     rows.push(row);
//!     Next::Continue
//! }).unwrap();
//! let swept = Swept::new(&sweep.grid, rows);
//! assert_eq!(swept.points.len(), 2);
//! assert_eq!(swept.points[1].samples(Measure::UsefulWork).len(), 2);
//! ```
//!
//! In reading order: [`grid`], what is varied; [`facts`], what is kept of a run, and what of it
//! can be drawn; [`statistics`], many samples in a few numbers, and curves through points;
//! [`work`], useful work held against the formulas; [`scenarios`], of which figures are made.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::campaign::{self, Next, SharedLoader};
use crate::input::Loader;
use crate::problem::Problem;
use crate::run::Setup;
use crate::scenario::Scenario;
use crate::topologies::Registry;

pub mod facts;
pub mod grid;
pub mod scenarios;
pub mod statistics;
#[cfg(test)]
mod tests;
pub mod work;

use facts::{Facts, Measure};
use grid::Grid;
use statistics::Summary;

/// A scenario at every cell of a grid, over some seeds. Its runs are numbered from 0: cell by
/// cell, and in each cell seed by seed.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// What is varied.
    pub grid: Grid,
    /// The scenario at each cell.
    pub cells: Vec<Arc<Scenario>>,
    /// The seeds of each cell: the same in all of them, so that they meet the same chance.
    pub seeds: Range<u64>,
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The number of its cell.
    pub cell: usize,
    /// The cell by its labels, one of each axis.
    pub at: Vec<String>,
    /// The seed. Written as text: JSON has no 64-bit integers.
    #[serde(with = "seed_as_text")]
    pub seed: u64,
    /// What was kept of it.
    #[serde(flatten)]
    pub facts: Facts,
}

impl Sweep {
    /// The scenario laid out over a grid.
    ///
    /// # Errors
    /// The first cell that makes no sense, or if the scenario was built in Rust.
    pub fn new(base: &Scenario, grid: Grid, seeds: Range<u64>) -> Result<Sweep, Problem> {
        let Some((text, settings)) = base.origin.written() else {
            let message = "a scenario built in Rust has no keys to vary";
            return Err(Problem::new("", message));
        };
        let cell = |number: usize| {
            let mut all = settings.to_vec();
            all.extend(grid.settings(number));
            Scenario::parse_with(text, base.origin.source(), &all).map(Arc::new)
        };
        let cells = (0..grid.cells()).map(cell).collect::<Result<Vec<_>, _>>()?;
        Ok(Sweep { grid, cells, seeds })
    }

    /// How many runs there are.
    pub fn runs(&self) -> u64 {
        self.cells.len() as u64 * self.of_a_cell()
    }

    fn of_a_cell(&self) -> u64 {
        self.seeds.end - self.seeds.start
    }

    /// The number of the run of a cell and a seed.
    pub fn number(&self, cell: usize, seed: u64) -> u64 {
        cell as u64 * self.of_a_cell() + (seed - self.seeds.start)
    }

    /// Runs those whose numbers are wanted; hands over their rows in order, whatever order they
    /// end in.
    ///
    /// # Errors
    /// The first run's problem with the scenario itself.
    pub fn run(
        &self,
        registry: &Registry,
        loader: &SharedLoader<'_>,
        jobs: usize,
        wanted: &(dyn Fn(u64) -> bool + Sync),
        mut each: impl FnMut(Row) -> Next,
    ) -> Result<(), Problem> {
        let mut wrong = None;
        let work = |number: u64| self.one(registry, &|file| loader(file), number);
        campaign::side_by_side(jobs, 0..self.runs(), wanted, &work, |row| match row {
            _ if wrong.is_some() => Next::Stop,
            Ok(row) => each(row),
            Err(problem) => {
                wrong = Some(problem);
                Next::Stop
            }
        });
        wrong.map_or(Ok(()), Err)
    }

    /// One run, by its number.
    ///
    /// # Errors
    /// A problem with the scenario itself.
    pub fn one(&self, registry: &Registry, load: &Loader<'_>, number: u64) -> Result<Row, Problem> {
        let cell = (number / self.of_a_cell()) as usize;
        let seed = self.seeds.start + number % self.of_a_cell();
        let scenario = &self.cells[cell];
        let outcome = Setup::new(scenario, registry, load, seed)?.run();
        let facts = Facts::of(&outcome, scenario);
        Ok(Row { cell, at: self.grid.labels(cell), seed, facts })
    }
}

/// What came of a sweep, cell by cell.
#[derive(Clone, Debug)]
pub struct Swept {
    /// What was varied.
    pub grid: Grid,
    /// The cells, in order; a cell that was not run has no runs.
    pub points: Vec<Point>,
}

/// The runs of one cell.
#[derive(Clone, Debug, Default)]
pub struct Point {
    /// In the order of their seeds.
    pub runs: Vec<Row>,
}

impl Swept {
    /// Sorts rows into their cells, whatever order they come in.
    pub fn new(grid: &Grid, rows: impl IntoIterator<Item = Row>) -> Swept {
        let mut points = vec![Point::default(); grid.cells()];
        for row in rows {
            points[row.cell].runs.push(row);
        }
        points.iter_mut().for_each(|point| point.runs.sort_by_key(|row| row.seed));
        Swept { grid: grid.clone(), points }
    }

    /// How many runs there are.
    pub fn runs(&self) -> u64 {
        self.points.iter().map(|point| point.runs.len() as u64).sum()
    }

    /// The cells where all axes but one stand at given points, with the numbers of that axis;
    /// points of it that are no numbers are left out.
    pub fn along(&self, axis: usize, others: &[usize]) -> Vec<(f64, &Point)> {
        let axes = &self.grid.axes;
        let numbers = axes[axis].points.iter().enumerate();
        let numbers = numbers.filter_map(|(at, point)| point.number.map(|number| (at, number)));
        let cell = |at: usize| {
            let mut others = others.iter();
            axes.iter().enumerate().fold(0, |cell, (number, of)| {
                let at = if number == axis { at } else { *others.next().unwrap_or(&0) };
                cell * of.points.len() + at
            })
        };
        numbers.map(|(at, number)| (number, &self.points[cell(at)])).collect()
    }
}

impl Point {
    /// All samples of a measure, run after run.
    pub fn samples(&self, measure: Measure) -> Vec<f64> {
        self.runs.iter().flat_map(|run| measure.samples(&run.facts)).collect()
    }

    /// They in a few numbers.
    pub fn summary(&self, measure: Measure) -> Summary {
        Summary::of(&self.samples(measure))
    }

    /// How many runs did not hold.
    pub fn failed(&self) -> usize {
        self.runs.iter().filter(|run| run.facts.verdict != "holds").count()
    }
}

mod seed_as_text {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(n: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&n.to_string())
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| de::Error::custom(format!("`{text}` is no number")))
    }
}
