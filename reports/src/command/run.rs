//! `run`: one run, judged and explained.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use stormglass_engine::topology::Topology;
use stormglass_scenarios::case::Case;
use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::plan::Plan;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::topologies::Registry;

use crate::cli::{Answer, Exit, RunArgs, last_panic};
use crate::page::Paint;
use crate::summary::Report;
use crate::{files, shell};

/// Runs a scenario.
///
/// # Errors
/// What is wrong with the arguments, or with a file that they name.
pub fn run(args: &RunArgs, registry: &Registry) -> Result<Answer, Problem> {
    if !args.rescale.is_empty() {
        return super::rescale::run(args, registry);
    }
    let (scenario, files) = files::scenario(&args.scenario, &args.settings)?;
    let scenario = Arc::new(scenario);
    let bugs = super::twists(&args.bugs)?;
    let load = |name: &str| files.load(name);
    let mut setup = match &args.plan {
        Some(path) => {
            let plan = Plan::from_json(&files::read(path)?, &path.display().to_string())?;
            Setup::with_plan(&scenario, registry, &load, plan)?
        }
        None => Setup::new(&scenario, registry, &load, args.seed)?,
    };
    setup.bugs = bugs;
    setup.record = args.timeline;
    setup.chronicle = !args.json;
    let (scenario, topology) = (Arc::clone(&setup.scenario), Arc::clone(&setup.topology));
    let outcome = args.outputs.run(setup)?;
    note_panic(&outcome);
    let case = keep(&scenario, &outcome, args.case.as_deref())?;
    let repeat = match &case {
        Some(path) if !outcome.violations().is_empty() => shell::replay(path),
        _ => shell::command(&repeat(args)),
    };
    let report = report(&scenario, &topology, &outcome, &repeat, args.timeline);
    args.outputs.page(&report)?;
    Ok(answer(&report, args.json))
}

/// Writes the case of a run if it is broken, or if somebody asked for it. Where a failure's case
/// cannot be written the run is explained nevertheless, and repeated by its arguments.
fn keep(
    scenario: &Scenario,
    outcome: &Outcome,
    wanted: Option<&Path>,
) -> Result<Option<PathBuf>, Problem> {
    if let Some(path) = wanted {
        files::write_case(&Case::new(scenario, outcome)?, path)?;
        return Ok(Some(path.to_path_buf()));
    }
    if outcome.violations().is_empty() {
        return Ok(None);
    }
    let path = files::case_path(outcome);
    match Case::new(scenario, outcome).and_then(|case| files::write_case(&case, &path)) {
        Ok(()) => Ok(Some(path)),
        Err(problem) => {
            eprintln!("{problem}");
            Ok(None)
        }
    }
}

/// Says where the engine or a user's code panicked: the outcome says only what it said.
pub(super) fn note_panic(outcome: &Outcome) {
    let panicked = outcome.violations().iter().any(|v| v.law.name() == "no-panic");
    if let Some(panic) = last_panic().filter(|_| panicked) {
        eprintln!("note: {panic}\nnote: RUST_BACKTRACE=1 shows how it came there");
    }
}

/// A run to be shown on standard output.
pub(super) fn report<'a>(
    scenario: &'a Scenario,
    topology: &'a Topology,
    outcome: &'a Outcome,
    repeat: &'a str,
    timeline: bool,
) -> Report<'a> {
    let paint = Paint::of_stdout();
    Report { scenario, topology, outcome, repeat, timeline, paint, shrunk: None }
}

/// A run as its page or as JSON.
pub(super) fn answer(report: &Report<'_>, json: bool) -> Answer {
    let text = if json { super::json(report.outcome) } else { report.page() };
    Answer { text, exit: Exit::of(&report.outcome.verdict) }
}

/// The arguments that give the same run.
pub(super) fn repeat(args: &RunArgs) -> Vec<String> {
    let mut words = vec!["run".to_string(), args.scenario.clone()];
    match &args.plan {
        Some(plan) => words.extend(["--plan".to_string(), plan.display().to_string()]),
        None => words.extend(["--seed".to_string(), args.seed.to_string()]),
    }
    words.extend(args.settings.iter().flat_map(|s| ["--set".to_string(), s.clone()]));
    words.extend(args.rescale.iter().flat_map(|r| ["--rescale".to_string(), r.clone()]));
    words.extend(args.bugs.iter().flat_map(|bug| ["--bug".to_string(), bug.clone()]));
    words
}
