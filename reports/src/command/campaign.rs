//! `campaign`: many seeds, counted, and each kind of failure explained once.

use std::sync::Arc;

use stormglass_engine::names::Twist;
use stormglass_engine::topology::Topology;
use stormglass_scenarios::campaign::{Campaign, Next};
use stormglass_scenarios::case::Case;
use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::topologies::Registry;

use crate::cli::{Answer, CampaignArgs, Exit};
use crate::files::{self, Files};
use crate::page::Paint;
use crate::shell;

mod page;
mod progress;
mod tally;

use progress::Progress;
use tally::Tally;

/// One scenario with what came of it.
struct Done {
    scenario: Arc<Scenario>,
    topology: Arc<Topology>,
    tally: Tally,
}

/// Runs scenarios over many seeds.
///
/// # Errors
/// What is wrong with the arguments, or with a file that they name.
pub fn campaign(args: &CampaignArgs, registry: &Registry) -> Result<Answer, Problem> {
    let bugs = super::twists(&args.bugs)?;
    // All are read before the first one runs: a mistake in the last one is told at once.
    let read = |name: &String| files::scenario(name, &args.settings);
    let scenarios = args.scenarios.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut done = Vec::new();
    for (scenario, files) in scenarios {
        done.push(one(args, registry, scenario, &files, &bugs)?);
    }
    let exit = exit(&done);
    let text = match args.json {
        true => super::json(&done.iter().map(|done| &done.tally).collect::<Vec<_>>()),
        false => page::page(&done, Paint::of_stdout()),
    };
    Ok(Answer { text, exit })
}

fn one(
    args: &CampaignArgs,
    registry: &Registry,
    scenario: Scenario,
    files: &Files,
    bugs: &[Twist],
) -> Result<Done, Problem> {
    let scenario = Arc::new(scenario);
    let topology = scenario.topology(registry)?;
    let (jobs, seeds) = (super::jobs(args.jobs), args.seeds.clone());
    let mut tally = Tally::new(&scenario, &seeds);
    let mut progress = Progress::new(&scenario.name, seeds.end - seeds.start);
    let campaign = Campaign { scenario: Arc::clone(&scenario), seeds, jobs, bugs: bugs.to_vec() };
    campaign.run(registry, &|name| files.load(name), |outcome| {
        progress.step(&outcome);
        tally.add(outcome);
        Next::Continue
    })?;
    progress.finish();
    // Panics of the engine or of user code were verdicts, and are told as such.
    let _ = crate::cli::last_panic();
    for failure in &mut tally.failures {
        failure.replay = keep(&scenario, &failure.first, args);
    }
    Ok(Done { scenario, topology, tally })
}

/// Writes the case of a failure; the command that shows it again.
fn keep(scenario: &Scenario, outcome: &Outcome, args: &CampaignArgs) -> String {
    let path = files::case_path(outcome);
    match Case::new(scenario, outcome).and_then(|case| files::write_case(&case, &path)) {
        Ok(()) => shell::replay(&path),
        Err(problem) => {
            eprintln!("{problem}");
            let name = args.scenarios.iter().find(|name| name.contains(&scenario.name));
            let name = name.unwrap_or(&scenario.name).clone();
            let seed = outcome.seed.to_string();
            let mut words = vec!["run".to_string(), name, "--seed".to_string(), seed];
            words.extend(args.settings.iter().flat_map(|s| ["--set".to_string(), s.clone()]));
            words.extend(args.bugs.iter().flat_map(|bug| ["--bug".to_string(), bug.clone()]));
            shell::command(&words)
        }
    }
}

fn exit(done: &[Done]) -> Exit {
    let any = |of: &dyn Fn(&Tally) -> u64| done.iter().any(|done| of(&done.tally) > 0);
    if any(&|tally| tally.broken) {
        Exit::Broken
    } else if any(&|tally| tally.could_not_judge) {
        Exit::CouldNotJudge
    } else {
        Exit::Holds
    }
}
