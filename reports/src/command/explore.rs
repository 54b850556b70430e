//! `explore`: worlds that show something new are forked there, until one breaks a law.

use std::sync::Arc;

use clap::Args;
use stormglass_scenarios::bugs::worlds::{Source, Worlds};
use stormglass_scenarios::case::Case;
use stormglass_scenarios::explore::{self, Explored, Limit};
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::topologies::Registry;

use super::progress::Status;
use crate::cli::{self, Answer, Exit};
use crate::page::{Paint, Style};
use crate::words::{count, plural};
use crate::{files, shell};

/// Arguments of `explore`.
#[derive(Clone, Debug, Args)]
pub struct ExploreArgs {
    /// A shipped scenario (see `list`), or the path of a .toml file; the general catalog if absent
    pub scenario: Option<String>,
    /// Plant a bug in every run (see `bugs`); may be repeated
    #[arg(long = "bug", value_name = "NAME")]
    pub bugs: Vec<String>,
    /// The first seed
    #[arg(long, value_name = "N", default_value = "0", value_parser = cli::seed)]
    pub from: u64,
    /// Begin so many runs at most, forks among them
    #[arg(long, value_name = "N", default_value = "1000")]
    pub runs: u64,
    /// Begin no run after so many kernel events
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    pub events: u64,
    /// Change a key of the scenario, such as input.rate=5k/s; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "scenario")]
    pub settings: Vec<String>,
    /// Print what was found as JSON
    #[arg(long)]
    pub json: bool,
}

/// Explores a scenario.
///
/// # Errors
/// What is wrong with the arguments, or with a file that they name.
pub fn explore(args: &ExploreArgs, registry: &Registry) -> Result<Answer, Problem> {
    let bugs = super::twists(&args.bugs)?;
    type World<'a> = Box<dyn Fn(u64) -> Result<Setup, Problem> + 'a>;
    let (kinds, bare): (u64, World<'_>) = match &args.scenario {
        Some(name) => {
            let (scenario, files) = files::scenario(name, &args.settings)?;
            let load = move |name: &str| files.load(name);
            let all = explore::lengths(&[Arc::new(scenario)], &load)?;
            let kinds = all.len() as u64;
            let world =
                move |seed: u64| Setup::new(&all[(seed % kinds) as usize], registry, &load, seed);
            (kinds, Box::new(world))
        }
        None => {
            let worlds = Worlds::of(Source::Random)?.explored()?;
            (worlds.kinds(), Box::new(move |number| worlds.setup(number)))
        }
    };
    let world = |number| Ok(Setup { bugs: bugs.clone(), ..bare(number)? });
    let limit = Limit { runs: args.runs, events: args.events };
    let status = Status::new();
    let explored = explore::explore(&world, args.from, kinds, limit, &|_| true, &mut |now| {
        status.show(&format!("{} runs, {} things seen", now.runs, now.seen));
    })?;
    drop(status);
    let _ = cli::last_panic();
    let mut replay = None;
    if let Some(found) = &explored.found {
        let setup = Setup { plan: found.plan.clone(), ..world(found.number)? };
        let scenario = Arc::clone(&setup.scenario);
        let outcome = setup.run();
        let path = files::case_path(&outcome);
        files::write_case(&Case::new(&scenario, &outcome)?, &path)?;
        replay = Some(shell::replay(&path));
    }
    let exit = if explored.found.is_some() { Exit::Broken } else { Exit::Holds };
    let text = match args.json {
        true => super::json(&explored),
        false => page(&explored, replay.as_deref(), Paint::of_stdout()),
    };
    Ok(Answer { text, exit })
}

fn page(explored: &Explored, replay: Option<&str>, paint: Paint) -> String {
    let Explored { runs, forks, events, seen, found } = explored;
    let mut out = format!(
        "{}, {} of them forks; {} things seen in {} kernel events\n",
        plural(*runs, "run"),
        count(*forks),
        count(*seen),
        count(*events)
    );
    match found {
        None => out.push_str("every law holds\n"),
        Some(found) => {
            let law = paint.text(Style::Red, found.violation.law.name());
            let at: Vec<String> = found.plan.forks.iter().map(|fork| fork.at.to_string()).collect();
            let how = match at.len() {
                0 => String::new(),
                _ => format!(", forked at {}", at.join(" and ")),
            };
            out.push_str(&format!(
                "broken: {law}, in {} with seed {}{how}\n  {}\nreplay  {}\n",
                found.scenario,
                found.number,
                found.violation.sentence,
                replay.unwrap_or_default()
            ));
        }
    }
    out
}
