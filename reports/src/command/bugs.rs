//! `bugs`: the matrix of planted bugs.
//!
//! `general` searches worlds that know nothing of any bug, `explored` forks them, `folder` keeps
//! what is found, `prove` makes a case of each catch, `page` shows it all; `directed` hunts each
//! bug in a scenario of its own.

use std::ops::Range;
use std::path::PathBuf;

use clap::Args;
use stormglass_scenarios::bugs::{self, ALL, Bug};
use stormglass_scenarios::problem::Problem;

use crate::cli::{self, Answer};

mod directed;
mod explored;
mod folder;
mod general;
mod page;
mod prove;

/// Arguments of `bugs`.
#[derive(Clone, Debug, Args)]
pub struct BugsArgs {
    /// Only these; all if absent
    #[arg(value_name = "NAME")]
    pub bugs: Vec<String>,
    /// Hunt each bug in the scenario that reaches it soon, instead of in the general catalog
    #[arg(long, conflicts_with_all = ["random", "aimed", "blocks", "explore", "out"])]
    pub directed: bool,
    /// With --directed, the seeds from A up to, but without, B
    #[arg(long, value_name = "A..B", default_value = "0..300", value_parser = cli::seeds)]
    #[arg(requires = "directed")]
    pub seeds: Range<u64>,
    /// So many random seeds of the general catalog from each starting point at most
    #[arg(long, value_name = "N", default_value = "1000")]
    pub random: u64,
    /// From so many starting points
    #[arg(long, value_name = "N", default_value = "5")]
    pub blocks: u64,
    /// So many enumerated plans at most
    #[arg(long, value_name = "N", default_value = "10000")]
    pub aimed: u64,
    /// Explore for the bugs that are slowest to be found, from so many starting points
    #[arg(long, value_name = "N", default_value = "3")]
    pub explore: u64,
    /// Write what is found into a folder as it comes, or go on with what is there
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Shrink each catch, and replay what is left of it
    #[arg(long, conflicts_with = "directed")]
    pub prove: bool,
    /// Runs side by side; as many as there are processors if absent
    #[arg(long, value_name = "N", value_parser = cli::jobs)]
    pub jobs: Option<usize>,
    /// Print the matrix as JSON
    #[arg(long)]
    pub json: bool,
}

/// Hunts for planted bugs.
///
/// # Errors
/// If there is none of a name, or a shipped scenario is not well.
pub fn bugs(args: &BugsArgs) -> Result<Answer, Problem> {
    match args.directed {
        true => directed::directed(args),
        false => general::general(args),
    }
}

/// The bugs of these names; all if there are none.
fn chosen(names: &[String]) -> Result<Vec<&'static Bug>, Problem> {
    if names.is_empty() {
        return Ok(ALL.iter().collect());
    }
    let find = |name: &String| bugs::find(name);
    names.iter().map(find).collect()
}
