//! `sweep`: a scenario over a grid of settings, and what comes of it as a figure, tables and a
//! page.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use stormglass_scenarios::campaign::{Next, Shard};
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::sweep::facts::Measure;
use stormglass_scenarios::sweep::grid::{Axis, Grid};
use stormglass_scenarios::sweep::{Row, Sweep, Swept};
use stormglass_scenarios::topologies::Registry;
use stormglass_scenarios::units::Text;

use super::folder::{Folder, Line};
use super::progress::Progress;
use crate::cli::{self, Answer, Exit};
use crate::figure::{self, Drawing};
use crate::files::{self, Files};
use crate::shell;

mod manifest;
pub(super) mod merge;
mod show;
#[cfg(test)]
mod tests;

use manifest::Manifest;

/// Seeds of each cell, unless somebody says otherwise.
const SEEDS: u64 = 20;

/// Arguments of `sweep`.
#[derive(Clone, Debug, Args)]
pub struct SweepArgs {
    /// A shipped scenario (see `list`), or the path of a .toml file
    #[arg(required_unless_present_any = ["figure", "figures"], conflicts_with = "figure")]
    pub scenario: Option<String>,
    /// A shipped figure instead (see --figures): scenario, grid and drawing are its own
    #[arg(long, value_name = "NAME", conflicts_with_all = ["vary", "measure"])]
    pub figure: Option<String>,
    /// List the shipped figures
    #[arg(long, exclusive = true)]
    pub figures: bool,
    /// What is varied, such as checkpoint.interval=500ms..60s:log12 or state.backend=file,log; the
    /// first makes the axis, the second the lines, others make panels; keys joined by + move
    /// together
    #[arg(long, value_name = "KEYS=VALUES")]
    pub vary: Vec<String>,
    /// What is drawn (outage), such as useful-work or latency-p95; may be repeated
    #[arg(long, value_name = "NAME", value_parser = measure)]
    pub measure: Vec<Measure>,
    /// How many seeds each cell runs, or which, as A..B; 20, or the figure's own, if absent
    #[arg(long, value_name = "N", value_parser = seeds)]
    pub seeds: Option<Range<u64>>,
    /// Runs side by side; as many as there are processors if absent
    #[arg(long, value_name = "N", value_parser = cli::jobs)]
    pub jobs: Option<usize>,
    /// Write everything into a new run folder
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Go on in a run folder; begin if there is nothing in it. Without --out and --resume that is
    /// a folder of the figure's or the scenario's name in stormglass-runs
    #[arg(long, value_name = "DIR")]
    pub resume: Option<PathBuf>,
    /// Run the K-th of N parts of all runs, for machines side by side; see `merge`
    #[arg(long, value_name = "K/N", default_value = "1/1", hide_default_value = true)]
    #[arg(value_parser = cli::shard)]
    pub shard: Shard,
    /// Change a key in all cells, such as input.rate=5k/s; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,
}

fn measure(text: &str) -> Result<Measure, String> {
    Measure::parse(text).map_err(|error| format!("{}; {}", error.message, error.help))
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    match text.parse() {
        Ok(0) => Err("no run could begin".to_string()),
        Ok(count) => Ok(0..count),
        Err(_) => cli::seeds(text),
    }
}

/// What was asked for, read and checked.
struct Asked {
    /// Of the folder and the title: the figure's or the scenario's.
    name: String,
    figure: Option<String>,
    scenario: Scenario,
    files: Files,
    grid: Grid,
    seeds: Range<u64>,
    drawing: Drawing,
}

/// Runs a sweep and shows it.
///
/// # Errors
/// What is wrong with the arguments, or with a file that they name.
pub fn sweep(args: &SweepArgs, registry: &Registry) -> Result<Answer, Problem> {
    if args.figures {
        return Ok(Answer { text: show::list(), exit: Exit::Holds });
    }
    let asked = asked(args)?;
    asked.drawing.check(&asked.grid)?;
    let sweep = Sweep::new(&asked.scenario, asked.grid.clone(), asked.seeds.clone())?;
    // A topology that is not known is told before anything runs.
    for cell in &sweep.cells {
        cell.topology(registry)?;
    }
    let manifest = Manifest::new(&asked, args.shard)?;
    let path = args.out.clone().or_else(|| args.resume.clone());
    let path = path.unwrap_or_else(|| Path::new(files::RUNS).join(&asked.name));
    let mut rows = Vec::new();
    let mut folder = match &args.out {
        Some(out) => Folder::begin(out, &manifest)?,
        None => Folder::resume(&path, &manifest, |row| rows.push(row))?,
    };
    manifest.fits(&rows, &path)?;
    if let Some(last) = rows.last() {
        eprintln!("{}: {} rows are there", path.display(), rows.len());
        is_as_it_was(last, &sweep, &asked.files, registry)?;
    }
    run(args, registry, &sweep, &asked, &mut rows, &mut folder)?;
    let _ = cli::last_panic();
    show::answer(&manifest, &asked.scenario, rows, &path, args.json)
}

/// Reads the arguments.
fn asked(args: &SweepArgs) -> Result<Asked, Problem> {
    let Some(name) = &args.figure else {
        let name = args.scenario.as_deref().unwrap_or_default();
        let (scenario, files) = files::scenario(name, &args.settings)?;
        let axes = args.vary.iter().map(|text| Axis::parse(text)).collect::<Result<_, _>>()?;
        let measures = match &args.measure[..] {
            [] => vec![Measure::Outage],
            measures => measures.to_vec(),
        };
        return Ok(Asked {
            name: format!("sweep-{}", scenario.name),
            figure: None,
            scenario,
            files,
            grid: Grid { axes },
            seeds: args.seeds.clone().unwrap_or(0..SEEDS),
            drawing: Drawing::Lines { measures, says: None },
        });
    };
    let preset = figure::find(name)?;
    let settings: Vec<String> = preset.set.iter().chain(&args.settings).cloned().collect();
    let (scenario, files) = files::scenario(&preset.scenario, &settings)?;
    Ok(Asked {
        name: preset.name.clone(),
        figure: Some(preset.name.clone()),
        scenario,
        files,
        grid: preset.grid()?,
        seeds: args.seeds.clone().unwrap_or(0..preset.seeds),
        drawing: preset.draw,
    })
}

/// Whether runs still come out as the rows say: if the code has changed since, rows of both must
/// not be mixed.
fn is_as_it_was(
    last: &Row,
    sweep: &Sweep,
    files: &Files,
    registry: &Registry,
) -> Result<(), Problem> {
    let number = sweep.number(last.cell, last.seed);
    if sweep.one(registry, &|name| files.load(name), number)? == *last {
        return Ok(());
    }
    let message = format!(
        "{} with seed {} comes out differently now: the code, or a file that the scenario reads, \
         has changed since the sweep began",
        last.at.join(", "),
        last.seed
    );
    Err(Problem::new("", message).help("begin anew in another folder"))
}

/// Runs what has no row.
fn run(
    args: &SweepArgs,
    registry: &Registry,
    sweep: &Sweep,
    asked: &Asked,
    rows: &mut Vec<Row>,
    folder: &mut Folder<Manifest>,
) -> Result<(), Problem> {
    let there: BTreeSet<u64> = rows.iter().map(|row| sweep.number(row.cell, row.seed)).collect();
    let wanted = |number: u64| args.shard.has(number) && !there.contains(&number);
    let of = (0..sweep.runs()).filter(|number| wanted(*number)).count() as u64;
    if of == 0 {
        return Ok(());
    }
    let mut progress = Progress::new(&asked.name, of);
    let (jobs, mut wrong) = (super::jobs(args.jobs), None);
    sweep.run(registry, &|name| asked.files.load(name), jobs, &wanted, |row| {
        if wrong.is_some() {
            return Next::Stop;
        }
        wrong = folder.add(&row).err();
        let broken = row.facts.verdict == "broken";
        progress.step(row.seed, false, broken.then(|| format!("a law at {}", row.at.join(", "))));
        rows.push(row);
        Next::Continue
    })?;
    progress.finish();
    wrong.map_or(Ok(()), Err)
}

impl Line for Row {
    fn who(&self) -> (String, u64) {
        (self.at.join(", "), self.seed)
    }
}

impl Asked {
    /// The command that asks for it, whoever calls it.
    fn command(&self) -> String {
        let mut words = vec!["sweep".to_string()];
        let mut option = |name: &str, value: &str| {
            words.extend([format!("--{name}"), value.to_string()]);
        };
        let own = match &self.figure {
            Some(figure) => {
                option("figure", figure);
                figure::find(figure).map_or(0, |preset| preset.set.len())
            }
            None => 0,
        };
        if self.figure.is_none() {
            self.grid.axes.iter().for_each(|axis| option("vary", &axis.written()));
            if let Drawing::Lines { measures, .. } = &self.drawing {
                measures.iter().for_each(|measure| option("measure", measure.name()));
            }
        }
        let (_, settings) = self.scenario.origin.written().unwrap_or_default();
        settings.iter().skip(own).for_each(|setting| option("set", setting));
        option("seeds", &format!("{}..{}", self.seeds.start, self.seeds.end));
        if self.figure.is_none() {
            let source = self.scenario.origin.source();
            words.insert(
                1,
                match self.files {
                    Files::Shipped => source.strip_suffix(".toml").unwrap_or(source).to_string(),
                    Files::Beside(_) => source.to_string(),
                },
            );
        }
        let quoted = words.iter().map(|word| shell::quote(word));
        ["stormglass".to_string()].into_iter().chain(quoted).collect::<Vec<_>>().join(" ")
    }
}

/// All rows of a sweep, sorted, each once.
fn swept(grid: &Grid, rows: Vec<Row>) -> Arc<Swept> {
    let mut seen = BTreeSet::new();
    let rows = rows.into_iter().filter(|row| seen.insert((row.cell, row.seed)));
    Arc::new(Swept::new(grid, rows))
}
