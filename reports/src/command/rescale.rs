//! `run --rescale`: two runs, of which the second goes on from the first one's savepoint with other
//! numbers of tasks.

use std::sync::Arc;

use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::run::{Run, Setup};
use stormglass_scenarios::savepoint::{Savepoint, halfway};
use stormglass_scenarios::topologies::Registry;

use super::run::{answer, note_panic, repeat, report};
use crate::cli::{Answer, Exit, RunArgs};
use crate::{files, shell};

/// Runs a scenario up to its half and on from there.
///
/// # Errors
/// What is wrong with the arguments, or with a file that they name.
pub(super) fn run(args: &RunArgs, registry: &Registry) -> Result<Answer, Problem> {
    let again = shell::command(&repeat(args));
    let (scenario, files) = files::scenario(&args.scenario, &args.settings)?;
    let mut settings = args.settings.clone();
    settings.extend(args.rescale.iter().map(|to| format!("topology.parallelism.{to}")));
    let (rescaled, _) = files::scenario(&args.scenario, &settings)?;
    let load = |name: &str| files.load(name);
    let mut first = Setup::new(&Arc::new(halfway(&scenario)), registry, &load, args.seed)?;
    first.bugs = super::twists(&args.bugs)?;
    first.record = args.timeline;
    first.chronicle = true;
    let (one, topology) = (Arc::clone(&first.scenario), Arc::clone(&first.topology));
    let (outcome, savepoint) = Run::new(first).finish_with_savepoint();
    note_panic(&outcome);
    let mut before = answer(&report(&one, &topology, &outcome, &again, args.timeline), false);
    let Some(savepoint) = savepoint else {
        let to = args.rescale.join(" ");
        before.text += &format!(
            "\n\nNot restored: the job did not end with a savepoint, so nothing goes on with \
             {to}.\nAnother seed may get that far: --seed {}",
            args.seed.wrapping_add(1)
        );
        return Ok(before);
    };
    let seed = args.seed;
    let mut second = Setup::from_savepoint(&Arc::new(rescaled), registry, seed, &savepoint)?;
    second.bugs = super::twists(&args.bugs)?;
    second.record = args.timeline;
    second.chronicle = true;
    let (two, topology) = (Arc::clone(&second.scenario), Arc::clone(&second.topology));
    let outcome = second.run();
    note_panic(&outcome);
    let after = answer(&report(&two, &topology, &outcome, &again, args.timeline), false);
    let exit = if before.exit == Exit::Holds { after.exit } else { before.exit };
    let text = format!("{}\n{}\n\n{}", before.text, between(&savepoint, args), after.text);
    Ok(Answer { text, exit })
}

/// What happens between the two runs, in a line.
fn between(savepoint: &Savepoint, args: &RunArgs) -> String {
    let tasks: Vec<String> = savepoint.tasks().map(|(name, n)| format!("{name}={n}")).collect();
    let (id, from, to) = (savepoint.checkpoint(), tasks.join(" "), args.rescale.join(" "));
    format!("Restored: savepoint {id}, taken with {from}, goes on with {to}")
}
