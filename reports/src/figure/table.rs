//! The rows and the points of a sweep as CSV, with columns that stay as they are: new ones come
//! last.
//!
//! `runs.csv` has a line for each run: for each axis its label and, where it is a number, that
//! number in the unit that the column ends with; then the columns of [`COLUMNS`].
//!
//! `points.csv` has a line for each cell and measure: the axes as above, then `measure`, `unit`,
//! `runs`, `samples`, `mean`, `error` (the standard error of the mean), `min`, `p5`, `p50`, `p95`
//! and `max`. A measure without a sample has no line.

use stormglass_scenarios::sweep::Swept;
use stormglass_scenarios::sweep::facts::{Facts, Measure};
use stormglass_scenarios::sweep::grid::{Grid, Unit};
use stormglass_scenarios::sweep::statistics::Summary;

/// A column of `runs.csv`: its name, and what stands in it.
pub type Column = (&'static str, fn(&Facts) -> String);

/// The columns of `runs.csv` after those of the axes and `seed`. Times are in nanoseconds of
/// virtual time; a cell is empty where nothing was measured.
pub const COLUMNS: &[Column] = &[
    ("verdict", |f| f.verdict.clone()),
    ("digest", |f| f.digest.clone()),
    ("ended_ns", |f| f.ended_ns.to_string()),
    ("faults", |f| f.faults.to_string()),
    ("useful_ppm", |f| f.useful_ppm.to_string()),
    ("model_ppm", |f| f.model_ppm.map_or(String::new(), |ppm| ppm.to_string())),
    ("outages", |f| f.outages.len().to_string()),
    ("interrupted", |f| f.interrupted.to_string()),
    ("outage_ns", |f| median(f.outages.iter().map(|phases| phases.iter().sum()))),
    ("detection_ns", |f| median(f.outages.iter().map(|phases| phases[0]))),
    ("decision_ns", |f| median(f.outages.iter().map(|phases| phases[1]))),
    ("restore_ns", |f| median(f.outages.iter().map(|phases| phases[2]))),
    ("replay_ns", |f| median(f.outages.iter().map(|phases| phases[3]))),
    ("catch_up_ns", |f| median(f.outages.iter().map(|phases| phases[4]))),
    ("suspicions", |f| f.suspicions.to_string()),
    ("wrong_suspicions", |f| f.wrong_suspicions.to_string()),
    ("noticed_p50_ns", |f| if_any(f.noticed[0], f.noticed[1])),
    ("noticed_max_ns", |f| if_any(f.noticed[0], f.noticed[3])),
    ("latency_p50_ns", |f| if_any(f.latency[0], f.latency[1])),
    ("latency_p95_ns", |f| if_any(f.latency[0], f.latency[2])),
    ("latency_p99_ns", |f| if_any(f.latency[0], f.latency[3])),
    ("latency_max_ns", |f| if_any(f.latency[0], f.latency[4])),
    ("triggered", |f| f.triggered.to_string()),
    ("completed", |f| f.completed.to_string()),
    ("expired", |f| f.expired.to_string()),
    ("aborted", |f| f.aborted.to_string()),
    ("checkpoint_p50_ns", |f| if_any(f.checkpoint[0], f.checkpoint[1])),
    ("checkpoint_max_ns", |f| if_any(f.checkpoint[0], f.checkpoint[3])),
    ("state_bytes", |f| f.state_bytes.to_string()),
    ("interval_ns", |f| f.interval_ns.map_or(String::new(), |ns| ns.to_string())),
    ("read", |f| f.read.to_string()),
    ("replayed", |f| f.replayed.to_string()),
    ("rate_milli", |f| f.rate_milli.to_string()),
    ("max_lag", |f| f.max_lag.to_string()),
    ("duplicates", |f| f.duplicates.to_string()),
    ("in_flight_bytes", |f| f.in_flight_bytes.to_string()),
];

fn if_any(any: u64, value: u64) -> String {
    if any > 0 { value.to_string() } else { String::new() }
}

/// The lower one of two in the middle.
fn median(values: impl Iterator<Item = u64>) -> String {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).map_or(String::new(), u64::to_string)
}

/// `runs.csv`.
pub fn runs(swept: &Swept) -> String {
    let names = COLUMNS.iter().map(|(name, _)| (*name).to_string());
    let header = axes(&swept.grid).into_iter().chain(["seed".to_string()]).chain(names);
    let mut out = line(header);
    for run in swept.points.iter().flat_map(|point| &point.runs) {
        let facts = COLUMNS.iter().map(|(_, of)| of(&run.facts));
        let at = at(&swept.grid, run.cell).into_iter();
        out += &line(at.chain([run.seed.to_string()]).chain(facts));
    }
    out
}

/// `points.csv`.
pub fn points(swept: &Swept) -> String {
    let fixed =
        ["measure", "unit", "runs", "samples", "mean", "error", "min", "p5", "p50", "p95", "max"];
    let header = axes(&swept.grid).into_iter().chain(fixed.map(str::to_string));
    let mut out = line(header);
    for (cell, point) in swept.points.iter().enumerate() {
        for measure in Measure::ALL {
            let Summary { samples, mean, error, min, p5, p50, p95, max } = point.summary(*measure);
            if samples == 0 {
                continue;
            }
            let told = [measure.name(), measure.unit().name()].map(str::to_string);
            let counts = [point.runs.len() as u64, samples].map(|n| n.to_string());
            let numbers = [mean, error, min, p5, p50, p95, max].map(|n| n.to_string());
            let all = at(&swept.grid, cell).into_iter().chain(told).chain(counts).chain(numbers);
            out += &line(all);
        }
    }
    out
}

/// The columns of the axes.
fn axes(grid: &Grid) -> Vec<String> {
    let mut names = Vec::new();
    for axis in &grid.axes {
        names.push(axis.name.clone());
        if axis.is_numeric() {
            names.push(match axis.unit {
                Unit::Number => format!("{}_number", axis.name),
                unit => format!("{}_{unit}", axis.name),
            });
        }
    }
    names
}

/// What stands in them.
fn at(grid: &Grid, cell: usize) -> Vec<String> {
    let mut values = Vec::new();
    for (axis, point) in grid.axes.iter().zip(grid.cell(cell)) {
        values.push(point.label.clone());
        if axis.is_numeric() {
            values.push(point.number.map_or(String::new(), |number| number.to_string()));
        }
    }
    values
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let quoted = |cell: String| match cell.contains([',', '"', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    };
    cells.map(quoted).collect::<Vec<_>>().join(",") + "\n"
}
