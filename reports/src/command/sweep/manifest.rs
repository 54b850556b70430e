//! What a sweep was asked for, as its run folder keeps it.

use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};
use stormglass_scenarios::campaign::Shard;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::sweep::Row;
use stormglass_scenarios::sweep::grid::Grid;

use super::Asked;
use crate::cli;
use crate::command::campaign::Written;
use crate::command::folder::{self, VERSION};
use crate::figure::Drawing;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The format of the folder.
    pub(super) version: u32,
    /// The program that ran it.
    pub(super) program: String,
    /// The shipped figure that it is, if it is one.
    pub(super) figure: Option<String>,
    pub(super) scenario: Written,
    /// What is varied.
    pub(super) grid: Grid,
    /// The seeds of each cell, such as `0..20`.
    pub(super) seeds: String,
    /// How it is drawn.
    pub(super) drawing: Drawing,
    /// The command that asks for it.
    pub(super) command: String,
    /// Which part of the runs, such as `1/3`.
    pub(super) shard: String,
}

impl Manifest {
    pub(super) fn new(asked: &Asked, shard: Shard) -> Result<Manifest, Problem> {
        Ok(Manifest {
            version: VERSION,
            program: format!("stormglass {}", env!("CARGO_PKG_VERSION")),
            figure: asked.figure.clone(),
            scenario: Written::of(&asked.scenario)?,
            grid: asked.grid.clone(),
            seeds: format!("{}..{}", asked.seeds.start, asked.seeds.end),
            drawing: asked.drawing.clone(),
            command: asked.command(),
            shard: format!("{}/{}", shard.number, shard.of),
        })
    }

    /// The seeds of each cell.
    pub(super) fn seeds(&self) -> Range<u64> {
        cli::seeds(&self.seeds).unwrap_or(0..0)
    }

    /// How many runs all parts have together.
    pub(super) fn runs(&self) -> u64 {
        let seeds = self.seeds();
        self.grid.cells() as u64 * (seeds.end - seeds.start)
    }

    /// Whether rows are of this grid and these seeds.
    ///
    /// # Errors
    /// The first one that is not.
    pub(super) fn fits(&self, rows: &[Row], path: &Path) -> Result<(), Problem> {
        let seeds = self.seeds();
        let fits = |row: &&Row| {
            row.cell < self.grid.cells()
                && row.at == self.grid.labels(row.cell)
                && seeds.contains(&row.seed)
        };
        match rows.iter().find(|row| !fits(row)) {
            Some(row) => {
                let message = format!("a row is not of this sweep: {}", row.at.join(", "));
                Err(Problem::new(&path.display().to_string(), message))
            }
            None => Ok(()),
        }
    }

    /// What is different in another one, but for the shard.
    pub(super) fn differs_from(&self, other: &Manifest) -> Option<String> {
        let told = |what: &str, ours: &str, others: &str| {
            (ours != others).then(|| format!("{what} {ours}, not {others}"))
        };
        let axes = |manifest: &Manifest| {
            let axes = manifest.grid.axes.iter().map(|axis| axis.written());
            axes.collect::<Vec<_>>().join(" and ")
        };
        let figure = |manifest: &Manifest| manifest.figure.clone().unwrap_or("none".to_string());
        told("its figure is", &figure(self), &figure(other))
            .or_else(|| told("its scenario is", &self.scenario.name, &other.scenario.name))
            .or_else(|| told("it varies", &axes(self), &axes(other)))
            .or_else(|| told("its seeds are", &self.seeds, &other.seeds))
            .or_else(|| {
                let settings = |of: &Manifest| match &of.scenario.settings[..] {
                    [] => "nothing".to_string(),
                    settings => settings.join(", "),
                };
                told("it sets", &settings(self), &settings(other))
            })
            .or_else(|| told("it is of", &self.program, &other.program))
            .or_else(|| (self != other).then(|| "it is written differently".to_string()))
    }
}

impl folder::Manifest for Manifest {
    const WHAT: &'static str = "sweep";
    type Row = Row;

    fn version(&self) -> u32 {
        self.version
    }

    fn differs_at_all(&self, other: &Manifest) -> Option<String> {
        if self.shard != other.shard {
            return Some(format!("its shard is {}, not {}", self.shard, other.shard));
        }
        // Drawings may differ: rows are the same however they are drawn.
        let drawn = Manifest {
            drawing: self.drawing.clone(),
            command: self.command.clone(),
            ..other.clone()
        };
        self.differs_from(&drawn)
    }
}
