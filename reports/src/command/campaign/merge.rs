//! `merge`: the folders of one campaign, run on several machines, as one.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::topologies::Registry;

use super::folder::{Manifest, Written};
use super::row::Row;
use super::{Done, answer};
use crate::cli::{Answer, Exit, MergeArgs, seeds};
use crate::command::folder::{self, Folder, Manifest as _};
use crate::command::sweep::merge as sweep;
use crate::files::Files;

#[cfg(test)]
mod tests;

/// Ranges of seeds without a row.
type Gaps = Vec<Range<u64>>;

/// A row, and the folder that it comes from.
struct Known<'a> {
    row: Row,
    line: String,
    folder: &'a Path,
}

/// Merges folders.
///
/// # Errors
/// If they are not of one campaign, do not agree on a run, or cannot be read or written.
pub fn merge(args: &MergeArgs, registry: &Registry) -> Result<Answer, Problem> {
    if sweep::is_sweep(args) {
        return sweep::merge(args);
    }
    let manifest = manifest(&args.folders)?;
    let mut rows: BTreeMap<(String, u64), Known<'_>> = BTreeMap::new();
    for folder in &args.folders {
        folder::read(folder, |row, line| add(&mut rows, row, line, folder))?;
    }
    let mut merged = Folder::begin(&args.out, &manifest)?;
    let bugs = crate::command::twists(&manifest.bugs)?;
    let mut done = Vec::new();
    for written in &manifest.scenarios {
        done.push(scenario(written, &manifest, registry)?);
    }
    for Known { row, line, .. } in rows.into_values() {
        merged.write(&line)?;
        if let Some(done) = done.iter_mut().find(|done| done.scenario.name == row.scenario) {
            done.add(row);
        }
    }
    let mut budget = super::budget(args.no_shrink, None);
    for one in &mut done {
        one.explain(registry, &bugs, Some(&args.out), &mut budget);
    }
    let mut answer = answer(&done, args.json, args.junit.as_deref())?;
    let missing = listed(&missing(&manifest, &done)?);
    if !missing.is_empty() {
        for seeds in &missing {
            eprintln!("missing: {seeds}");
        }
        if answer.exit == Exit::Holds {
            answer.exit = Exit::CouldNotJudge;
        }
    }
    Ok(answer)
}

/// What all folders together were asked for.
fn manifest(folders: &[PathBuf]) -> Result<Manifest, Problem> {
    let (first, rest) = folders.split_first().expect("the command line asks for one");
    let mut manifest = Manifest::read(first)?;
    let mut ranges: Vec<String> = manifest.seeds.clone();
    for folder in rest {
        let other = Manifest::read(folder)?;
        if let Some(differs) = other.differs_from(&manifest) {
            let message =
                format!("it is not of the same campaign as {}: {differs}", first.display());
            return Err(Problem::new(&folder.display().to_string(), message));
        }
        ranges.extend(other.seeds);
    }
    manifest.seeds = together(&ranges)?;
    manifest.shard = "1/1".to_string();
    Ok(manifest)
}

/// Ranges in order, with those that touch each other made one.
fn together(ranges: &[String]) -> Result<Vec<String>, Problem> {
    let range = |text: &String| seeds(text).map_err(|error| Problem::new("", error));
    let mut ranges = ranges.iter().map(range).collect::<Result<Vec<_>, _>>()?;
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut out: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    Ok(out.iter().map(|range| format!("{}..{}", range.start, range.end)).collect())
}

/// Takes a row, unless it is there already and says the same.
fn add<'a>(
    rows: &mut BTreeMap<(String, u64), Known<'a>>,
    row: Row,
    line: &str,
    folder: &'a Path,
) -> Result<(), Problem> {
    let key = (row.scenario.clone(), row.seed);
    if let Some(known) = rows.get(&key) {
        if known.line == line {
            return Ok(());
        }
        let message = format!(
            "{} with seed {} came out differently here and in {}",
            row.scenario,
            row.seed,
            known.folder.display()
        );
        let help = "a run is the same wherever it runs: is the program?";
        return Err(Problem::new(&folder.display().to_string(), message).help(help));
    }
    rows.insert(key, Known { row, line: line.to_string(), folder });
    Ok(())
}

fn scenario(written: &Written, manifest: &Manifest, registry: &Registry) -> Result<Done, Problem> {
    let scenario = Scenario::parse_with(&written.text, &written.source, &written.settings)?;
    let files = Files::of(&written.source, &written.text);
    // Whoever merges need not have a user's topology: failures are told in fewer words then.
    let topology = scenario.topology(registry).ok();
    Ok(Done::new(scenario, topology, files, manifest.seeds.join(", ")))
}

/// The seeds that were asked for and have no row, by scenario.
fn missing(manifest: &Manifest, done: &[Done]) -> Result<BTreeMap<String, Gaps>, Problem> {
    let mut missing: BTreeMap<String, Gaps> = BTreeMap::new();
    for range in &manifest.seeds {
        let range = seeds(range).map_err(|error| Problem::new("", error))?;
        for done in done {
            let mut next = range.start;
            let gaps = missing.entry(done.scenario.name.clone()).or_default();
            for seed in done.seeds.range(range.clone()).copied().chain([range.end]) {
                if next < seed {
                    gaps.push(next..seed);
                }
                next = seed.saturating_add(1);
            }
        }
    }
    missing.retain(|_, gaps| !gaps.is_empty());
    Ok(missing)
}

/// Seeds as people write them, ten ranges at most: `word-count: 3, 5..9 and 20 more`.
fn listed(missing: &BTreeMap<String, Gaps>) -> Vec<String> {
    const RANGES: usize = 10;
    let told = |gap: &Range<u64>| match gap.end - gap.start {
        1 => gap.start.to_string(),
        _ => format!("{}..{}", gap.start, gap.end),
    };
    let all = missing.iter().map(|(scenario, gaps)| {
        let first = gaps.iter().take(RANGES).map(told).collect::<Vec<_>>().join(", ");
        let rest: u64 = gaps.iter().skip(RANGES).map(|gap| gap.end - gap.start).sum();
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        format!("{scenario}: {first}{rest}")
    });
    all.collect()
}
