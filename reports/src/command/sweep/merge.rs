//! `merge` of sweeps: the folders of one sweep, run on several machines, as one.

use std::collections::BTreeMap;

use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::sweep::Row;

use super::{Manifest, show};
use crate::cli::{Answer, MergeArgs};
use crate::command::folder::{self, Folder, Manifest as _};

/// Whether the first folder is of a sweep.
pub(in crate::command) fn is_sweep(args: &MergeArgs) -> bool {
    args.folders.first().is_some_and(|folder| folder.join("sweep.json").exists())
}

/// Merges folders.
///
/// # Errors
/// If they are not of one sweep, do not agree on a run, or cannot be read or written.
pub(in crate::command) fn merge(args: &MergeArgs) -> Result<Answer, Problem> {
    let mut manifest: Option<Manifest> = None;
    let mut rows: BTreeMap<(usize, u64), (Row, String)> = BTreeMap::new();
    for path in &args.folders {
        let problem = |message: String| Problem::new(&path.display().to_string(), message);
        let mut its = Manifest::read(path)?;
        its.shard = "1/1".to_string();
        if let Some(differs) = manifest.as_ref().and_then(|first| its.differs_from(first)) {
            return Err(problem(format!("it is not of the same sweep as the first: {differs}")));
        }
        folder::read(path, |row: Row, line| {
            let key = (row.cell, row.seed);
            match rows.get(&key) {
                Some((_, known)) if known != line => {
                    let at = row.at.join(", ");
                    let message = format!("{at} with seed {} came out differently here", row.seed);
                    let help = "a run is the same wherever it runs: is the program?";
                    Err(problem(message).help(help))
                }
                _ => {
                    rows.insert(key, (row, line.to_string()));
                    Ok(())
                }
            }
        })?;
        manifest.get_or_insert(its);
    }
    let manifest = manifest.expect("the command line asks for a folder");
    let mut merged = Folder::begin(&args.out, &manifest)?;
    let mut all = Vec::new();
    for (row, line) in rows.into_values() {
        merged.write(&line)?;
        all.push(row);
    }
    manifest.fits(&all, &args.out)?;
    let written = &manifest.scenario;
    let scenario = Scenario::parse_with(&written.text, &written.source, &written.settings)?;
    show::answer(&manifest, &scenario, all, &args.out, args.json)
}
