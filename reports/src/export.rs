//! A run for other programs: JSON lines of what was observed, metrics for Prometheus, a trace for
//! Perfetto, a log for ShiViz; and the page for a browser.
//!
//! Files are made before the run begins, so that a path that cannot be written is found out at
//! once. What is observed is handed on while the run goes on: JSON lines need no memory, a trace
//! and a log need as much as their window.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use stormglass_engine::observation::Observation;
use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::places::Places;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::run::{Run, Setup};
use stormglass_scenarios::units::Text;
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::watch::Stamp;

use crate::files::reason;
use crate::html;
use crate::summary::Report;
use crate::words::{self, Names};

pub mod jsonl;
pub mod perfetto;
pub mod prometheus;
pub mod shiviz;

/// What a run is written to besides its page of text.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct OutputArgs {
    /// Write the run as a page for a browser: one file, which needs no network
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the run for another program: FORMAT is jsonl, perfetto, prometheus or
    /// shiviz; may be repeated
    #[arg(long = "export", value_name = "FORMAT=FILE", value_parser = export)]
    pub exports: Vec<Export>,
    /// Leave out of what is exported all that was observed before, such as 20s
    #[arg(long, value_name = "TIME", requires = "exports", value_parser = time)]
    pub from: Option<Instant>,
    /// Leave out all that was observed from then on
    #[arg(long, value_name = "TIME", requires = "exports", value_parser = time)]
    pub until: Option<Instant>,
}

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// For whom.
    pub format: Format,
    /// Where.
    pub path: PathBuf,
}

/// For whom a run is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Any program: a JSON object a line.
    Jsonl,
    /// Perfetto: a trace in its native format.
    Perfetto,
    /// Prometheus: the metrics of the run at its end.
    Prometheus,
    /// ShiViz: a log with vector clocks.
    Shiviz,
}

const FORMATS: [(&str, Format); 4] = [
    ("jsonl", Format::Jsonl),
    ("perfetto", Format::Perfetto),
    ("prometheus", Format::Prometheus),
    ("shiviz", Format::Shiviz),
];

fn export(text: &str) -> Result<Export, String> {
    let names = FORMATS.map(|(name, _)| name).join(", ");
    let Some((name, path)) = text.split_once('=').filter(|(_, path)| !path.is_empty()) else {
        return Err(format!(
            "write a format and a file, such as jsonl=run.jsonl; formats: {names}"
        ));
    };
    let format = FORMATS.iter().find(|(known, _)| *known == name).map(|(_, format)| *format);
    let format = format.ok_or_else(|| format!("`{name}` is not a format; there are {names}"))?;
    Ok(Export { format, path: PathBuf::from(path) })
}

fn time(text: &str) -> Result<Instant, String> {
    Span::parse(text)
        .map(|span| Instant::ZERO + span)
        .map_err(|error| format!("{}; {}", error.message, error.help))
}

/// A file that is being written.
struct Target<'a> {
    path: &'a Path,
    file: BufWriter<File>,
    /// The first thing that went wrong.
    failed: Option<std::io::Error>,
}

impl<'a> Target<'a> {
    fn new(path: &'a Path) -> Result<Self, Problem> {
        let file = File::create(path).map_err(|error| cannot_write(path, &error))?;
        Ok(Target { path, file: BufWriter::new(file), failed: None })
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.file.write_all(bytes).err();
        }
    }

    fn close(mut self) -> Result<(), Problem> {
        self.failed = self.failed.or_else(|| self.file.flush().err());
        if let Some(error) = &self.failed {
            return Err(cannot_write(self.path, error));
        }
        if std::io::stderr().is_terminal() {
            let size = self.file.get_ref().metadata().map_or(0, |file| file.len());
            eprintln!("wrote {}, {}", self.path.display(), words::bytes(size));
        }
        Ok(())
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Problem {
    let message = format!("cannot be written: {}", reason(error));
    Problem::new(&path.display().to_string(), message)
}

impl OutputArgs {
    /// Runs to the end, and writes what is asked for.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn run(&self, mut setup: Setup) -> Result<Outcome, Problem> {
        if let Some(path) = &self.html {
            Target::new(path)?;
            setup.record = true;
            setup.chronicle = true;
            setup.past.get_or_insert_default();
        }
        if self.exports.is_empty() {
            return Ok(setup.run());
        }
        let (scenario, topology) = (setup.scenario.clone(), setup.topology.clone());
        let names = Names { places: Places::new(&scenario), topology: &topology };
        let mut targets = Vec::new();
        for export in &self.exports {
            targets.push((export.format, Target::new(&export.path)?));
        }
        let of = |formats: &[Format]| self.exports.iter().any(|e| formats.contains(&e.format));
        let keeps = of(&[Format::Perfetto, Format::Shiviz]);
        if keeps {
            setup.past.get_or_insert_default();
        }
        setup.chronicle |= of(&[Format::Perfetto]);
        let window = self.window();
        let mut kept = Vec::new();
        let outcome = Run::new(setup).finish_telling(|told| {
            let told = within(told, &window);
            if keeps {
                kept.extend_from_slice(told);
            }
            for (_, target) in targets.iter_mut().filter(|(of, _)| *of == Format::Jsonl) {
                told.iter()
                    .for_each(|(at, what)| target.write(jsonl::line(at, what, &names).as_bytes()));
            }
        });
        for (format, mut target) in targets {
            match (format, outcome.past.as_deref()) {
                (Format::Prometheus, _) => target.write(prometheus::text(&outcome).as_bytes()),
                (Format::Perfetto, _) => {
                    let (outcome, names) = (&outcome, &names);
                    let window = window.clone();
                    let story = perfetto::Story { outcome, names, told: &kept, window };
                    target.write(&perfetto::trace(&story));
                }
                (Format::Shiviz, Some(past)) => {
                    target.write(shiviz::log(past, &kept, &names).as_bytes());
                }
                (Format::Jsonl | Format::Shiviz, _) => {}
            }
            target.close()?;
        }
        Ok(outcome)
    }

    /// Writes the page of a run, if it is asked for.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn page(&self, report: &Report<'_>) -> Result<(), Problem> {
        let Some(path) = &self.html else { return Ok(()) };
        let mut target = Target::new(path)?;
        target.write(html::page(report).as_bytes());
        target.close()
    }

    fn window(&self) -> Range<Instant> {
        self.from.unwrap_or(Instant::ZERO)..self.until.unwrap_or(Instant::FAR)
    }
}

/// The part of a story that falls into a window.
fn within<'a>(
    told: &'a [(Stamp, Observation)],
    window: &Range<Instant>,
) -> &'a [(Stamp, Observation)] {
    let place = |of: Instant| told.partition_point(|(at, _)| at.time < of);
    let (from, until) = (place(window.start), place(window.end));
    &told[from..until.max(from)]
}
