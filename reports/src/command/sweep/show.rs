//! What comes of a sweep: files in its folder, and a page of text.

use std::path::Path;

use serde::Serialize;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::sweep::facts::Measure;
use stormglass_scenarios::sweep::grid::Grid;
use stormglass_scenarios::sweep::statistics::Summary;
use stormglass_scenarios::sweep::{Row, Swept};

use super::{Manifest, swept};
use crate::cli::{Answer, Exit};
use crate::figure::{self, Drawing, Seen, page, table, work};
use crate::page::{self as text_page, Paint, Style};
use crate::plot::{Plot, png, quantity, svg};
use crate::words;

/// The files of a figure, with their names; nothing in them depends on the machine.
pub(super) struct Files {
    pub(super) plot: Plot,
    pub(super) work: Option<work::Found>,
    pub(super) files: Vec<(&'static str, Vec<u8>)>,
}

/// The shipped figures.
pub(super) fn list() -> String {
    let all = figure::presets();
    let widest = all.iter().map(|preset| preset.name.len()).max().unwrap_or(0);
    let mut out = format!("{:widest$}  what it asks\n", "figure");
    for preset in all {
        out += &format!("{:widest$}  {}\n", preset.name, preset.asks);
    }
    out
}

/// Writes the files and tells what they show.
pub(super) fn answer(
    manifest: &Manifest,
    scenario: &Scenario,
    rows: Vec<Row>,
    path: &Path,
    json: bool,
) -> Result<Answer, Problem> {
    let swept = swept(&manifest.grid, rows);
    let missing = manifest.runs() - swept.runs();
    if missing > 0 {
        let text = format!(
            "{} of {} runs are in {}; the figure is drawn when all are there (`merge`, or the \
             same with --resume)\n",
            words::count(swept.runs()),
            words::count(manifest.runs()),
            path.display()
        );
        return Ok(Answer { text, exit: exit(&swept) });
    }
    let Files { plot, work, files } = files(manifest, scenario, &swept);
    for (name, bytes) in &files {
        let path = path.join(name);
        std::fs::write(&path, bytes).map_err(|error| {
            Problem::new(&path.display().to_string(), format!("cannot be written: {error}"))
        })?;
    }
    let text = match json {
        true => files
            .iter()
            .find(|(name, _)| *name == "figure.json")
            .map_or(String::new(), |f| String::from_utf8_lossy(&f.1).into_owned()),
        false => text(manifest, &swept, &plot, work.as_ref(), path),
    };
    Ok(Answer { text, exit: exit(&swept) })
}

fn exit(swept: &Swept) -> Exit {
    let mut runs = swept.points.iter().flat_map(|point| &point.runs);
    match runs.any(|run| run.facts.verdict == "broken") {
        true => Exit::Broken,
        false => Exit::Holds,
    }
}

/// Everything that is written.
pub(super) fn files(manifest: &Manifest, scenario: &Scenario, swept: &Swept) -> Files {
    let notes = notes(manifest, swept);
    let seen = Seen { swept, scenario, notes: &notes };
    let plot = manifest.drawing.plot(&seen);
    let work = match manifest.drawing {
        Drawing::Work => work::found(&seen),
        _ => None,
    };
    let preset = manifest.figure.as_ref().and_then(|name| figure::find(name).ok());
    let says = work.as_ref().map_or(String::new(), |work| work.page());
    let page = page::Page {
        asks: preset.as_ref().map(|preset| preset.asks.as_str()),
        plot: &plot,
        swept,
        measures: &measures(&manifest.drawing),
        says: &says,
        command: &manifest.command,
    };
    let files = vec![
        ("runs.csv", table::runs(swept).into_bytes()),
        ("points.csv", table::points(swept).into_bytes()),
        ("figure.json", json(manifest, swept, &plot, work.as_ref()).into_bytes()),
        ("figure.svg", svg(&plot).into_bytes()),
        ("figure.png", png(&plot)),
        ("index.html", page::html(&page).into_bytes()),
    ];
    Files { plot, work, files }
}

/// What a table of the drawing shows.
fn measures(drawing: &Drawing) -> Vec<Measure> {
    match drawing {
        Drawing::Work => vec![Measure::UsefulWork, Measure::CheckpointDuration, Measure::Outage],
        Drawing::Phases => vec![
            Measure::Outage,
            Measure::Detection,
            Measure::Decision,
            Measure::Restore,
            Measure::Replay,
            Measure::CatchUp,
        ],
        Drawing::Lines { measures, .. } => measures.clone(),
    }
}

/// The small print.
fn notes(manifest: &Manifest, swept: &Swept) -> Vec<String> {
    let failed: usize = swept.points.iter().map(|point| point.failed()).sum();
    let held = match failed {
        0 => "all of which hold".to_string(),
        failed => format!("{failed} of which did not hold"),
    };
    let set = match &manifest.scenario.settings[..] {
        [] => String::new(),
        settings => format!(" with {}", settings.join(", ")),
    };
    let varied = manifest.grid.axes.iter().map(|axis| {
        let labels: Vec<&str> = axis.points.iter().map(|point| point.label.as_str()).collect();
        format!("{}: {}", axis.name, labels.join(", "))
    });
    vec![
        format!(
            "Scenario {}{set}. Seeds {}: {} runs, {held}. {}.",
            manifest.scenario.name,
            manifest.seeds,
            words::count(swept.runs()),
            manifest.program
        ),
        format!("{}.", varied.collect::<Vec<_>>().join("; ")),
        manifest.command.clone(),
    ]
}

/// `figure.json`.
#[derive(Serialize)]
struct Told<'a> {
    title: &'a str,
    subtitle: &'a str,
    figure: Option<&'a str>,
    scenario: &'a str,
    settings: &'a [String],
    seeds: &'a str,
    runs: u64,
    command: &'a str,
    grid: &'a Grid,
    points: Vec<ToldPoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    work: Option<work::Told>,
}

#[derive(Serialize)]
struct ToldPoint {
    at: Vec<String>,
    runs: usize,
    failed: usize,
    measures: std::collections::BTreeMap<&'static str, Summary>,
}

fn json(manifest: &Manifest, swept: &Swept, plot: &Plot, work: Option<&work::Found>) -> String {
    let points = swept.points.iter().enumerate().map(|(cell, point)| {
        let summaries = Measure::ALL.iter().map(|of| (of.name(), point.summary(*of)));
        ToldPoint {
            at: swept.grid.labels(cell),
            runs: point.runs.len(),
            failed: point.failed(),
            measures: summaries.filter(|(_, summary)| summary.samples > 0).collect(),
        }
    });
    crate::command::json(&Told {
        title: &plot.title,
        subtitle: &plot.subtitle,
        figure: manifest.figure.as_deref(),
        scenario: &manifest.scenario.name,
        settings: &manifest.scenario.settings,
        seeds: &manifest.seeds,
        runs: swept.runs(),
        command: &manifest.command,
        grid: &manifest.grid,
        points: points.collect(),
        work: work.map(work::Found::told),
    })
}

/// What a person reads on the terminal.
fn text(
    manifest: &Manifest,
    swept: &Swept,
    plot: &Plot,
    work: Option<&work::Found>,
    path: &Path,
) -> String {
    let paint = Paint::of_stdout();
    let mut out = paint.text(Style::Bold, &plot.title) + "\n\n";
    match work {
        Some(work) => out += &work.page(),
        None => out += &table(swept, &measures(&manifest.drawing)),
    }
    let failed: usize = swept.points.iter().map(|point| point.failed()).sum();
    if failed > 0 {
        out += &format!("\n{}\n", words::plural(failed as u64, "run") + " did not hold");
    }
    out += &format!(
        "\n{} runs; figure.svg, figure.png, index.html, points.csv, runs.csv and figure.json are \
         in {}\n",
        words::count(swept.runs()),
        path.display()
    );
    let lines = out.lines().flat_map(|line| match text_page::columns(line) > text_page::WIDTH {
        true => text_page::wrap(line, text_page::WIDTH),
        false => vec![line.to_string()],
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Medians, cell by cell.
fn table(swept: &Swept, measures: &[Measure]) -> String {
    let names = swept.grid.axes.iter().map(|axis| axis.name.clone());
    let head: Vec<String> =
        names.chain(measures.iter().map(|measure| measure.name().to_string())).collect();
    let mut rows = vec![head];
    for (cell, point) in swept.points.iter().enumerate() {
        let values = measures.iter().map(|measure| {
            let summary = point.summary(*measure);
            match summary.samples {
                0 => "-".to_string(),
                _ => quantity(summary.p50, measure.unit()),
            }
        });
        rows.push(swept.grid.labels(cell).into_iter().chain(values).collect());
    }
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
        cells.collect::<Vec<_>>().join("  ") + "\n"
    };
    rows.iter().map(line).collect()
}
