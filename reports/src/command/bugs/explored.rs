//! Exploration for the bugs that random seeds are slowest to find, from the same starting points.
//!
//! It may spend as many kernel events as random seeds did in the median block; the comparison is
//! of kernel events, which depend on no machine.

use serde::{Deserialize, Serialize};
use stormglass_scenarios::bugs::worlds::{Source, Worlds};
use stormglass_scenarios::bugs::{Bug, Checker, Plant};
use stormglass_scenarios::explore::{self, Limit};
use stormglass_scenarios::judge::law::Violation;
use stormglass_scenarios::plan::Plan;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::run::Setup;

use super::folder::Log;
use super::general::cpu_time;
use super::page::Found;

/// What one exploration came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exploration {
    pub(super) bug: String,
    pub(super) block: u64,
    pub(super) runs: u64,
    /// Kernel events that were handled.
    pub(super) events: u64,
    /// So many it might have been.
    pub(super) limit: u64,
    /// The world that the failure is of, and how it comes about; none if it was not found.
    pub(super) found: Option<(u64, Plan)>,
}

/// Those whom random seeds are slowest to find, the slowest first: a third of all that they find.
pub(super) fn slowest(found: &Found) -> Vec<(&'static Bug, u64)> {
    let guilty = found.bugs.iter().filter(|bug| bug.harmless.is_none());
    let mut costs: Vec<(u64, &'static Bug)> =
        guilty.filter_map(|bug| Some((found.cost(bug)?, *bug))).collect();
    costs.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
    costs.truncate(costs.len().div_ceil(3));
    costs.into_iter().map(|(cost, bug)| (bug, cost)).collect()
}

/// Explores for the slowest third, as far as it has not been done.
///
/// # Errors
/// If the log cannot be written.
pub(super) fn explore(
    found: &Found,
    blocks: u64,
    worlds: &Worlds,
    mut there: Vec<(Exploration, u64)>,
    log: &mut Log<Exploration, u64>,
) -> Result<Vec<(Exploration, u64)>, Problem> {
    let starts = found.blocks.iter().filter(|block| block.source == Source::Random);
    let starts: Vec<(u64, u64)> =
        starts.take(blocks as usize).map(|block| (block.number, block.from)).collect();
    if starts.is_empty() {
        return Ok(there);
    }
    let worlds = worlds.clone().explored()?;
    for (bug, limit) in slowest(found) {
        let (Plant::Twist(twist), Checker::Laws(laws)) = (bug.plant, bug.checker) else { continue };
        for (block, from) in &starts {
            let done = |(row, _): &(Exploration, u64)| row.bug == bug.name && row.block == *block;
            if there.iter().any(done) {
                continue;
            }
            let world = |number| Ok(Setup { bugs: vec![twist], ..worlds.setup(number)? });
            let began = cpu_time();
            let limits = Limit { runs: u64::MAX, events: limit };
            let due = |violation: &Violation| laws.contains(&violation.law);
            let explored =
                explore::explore(&world, *from, worlds.kinds(), limits, &due, &mut |_| {})?;
            let took = cpu_time().saturating_sub(began);
            let row = Exploration {
                bug: bug.name.to_string(),
                block: *block,
                runs: explored.runs,
                events: explored.events,
                limit,
                found: explored.found.map(|found| (found.number, found.plan)),
            };
            let how = if row.found.is_some() { "found" } else { "not found" };
            eprintln!("explored for {} from {from}: {how} in {} runs", bug.name, row.runs);
            log.add(&row, &took)?;
            there.push((row, took));
        }
    }
    Ok(there)
}
