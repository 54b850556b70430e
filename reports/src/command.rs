//! The commands, one module each: from arguments to a page of text.

pub mod budget;
pub mod bugs;
pub mod campaign;
pub mod catalog;
pub mod explain;
pub mod explore;
mod folder;
pub mod pin;
pub mod plan;
mod progress;
pub mod replay;
mod rescale;
pub mod run;
pub mod shrink;
pub mod sweep;

use stormglass_engine::names::Twist;
use stormglass_scenarios::bugs as planted;
use stormglass_scenarios::problem::Problem;

/// Planted bugs by their names, each once.
fn twists(names: &[String]) -> Result<Vec<Twist>, Problem> {
    let mut twists = Vec::new();
    for name in names {
        let twist = planted::twist(name)?;
        if !twists.contains(&twist) {
            twists.push(twist);
        }
    }
    Ok(twists)
}

/// Indented JSON with a line break at its end.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("reports are plain data") + "\n"
}

/// How many runs go on side by side.
fn jobs(wanted: Option<usize>) -> usize {
    wanted.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}
