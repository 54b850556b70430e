//! `bugs --prove`: each catch is shrunk, written as a case, read back, and replayed.

use std::path::{Path, PathBuf};

use serde::Serialize;
use stormglass_scenarios::bugs::worlds::{Source, Worlds};
use stormglass_scenarios::bugs::{Bug, Plant};
use stormglass_scenarios::case::Case;
use stormglass_scenarios::catalog;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::shrink::{self, Budget};
use stormglass_scenarios::topologies::Registry;

use super::page::Found;
use crate::files;
use crate::shell;

/// As many faults are what a person takes in.
pub(super) const FEW: u64 = 5;

/// What became of one catch.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Proof {
    pub(super) bug: &'static str,
    /// Faults of the plan that caught it.
    pub(super) before: u64,
    /// Faults that are left.
    pub(super) after: u64,
    /// Whether its case, read back, ends the same to the byte, with the same law broken.
    pub(super) replays: bool,
    /// How to see it.
    pub(super) command: String,
}

impl Proof {
    pub(super) fn is_well(&self) -> bool {
        self.replays && self.after <= FEW
    }
}

/// Proves the first catch of each bug, in random worlds or else in aimed ones.
///
/// # Errors
/// If a case cannot be shrunk or written.
pub(super) fn prove(
    found: &Found,
    both: [&Worlds; 2],
    budget: Budget,
    out: Option<&Path>,
) -> Result<Vec<Proof>, Problem> {
    let folder = out.map_or(PathBuf::from(files::RUNS), |out| out.join("cases"));
    let mut proofs = Vec::new();
    for bug in &found.bugs {
        let Plant::Twist(twist) = bug.plant else { continue };
        let Some((worlds, number)) = first(found, bug, both) else { continue };
        let setup = Setup { bugs: vec![twist], ..worlds.setup(number)? };
        let scenario = setup.scenario.clone();
        let case = Case::new(&scenario, &setup.run())?;
        let path = folder.join(format!("{}.case.json", bug.name));
        let proof = one(bug, &case, budget, &path)?;
        let verdict = if proof.is_well() { "proved" } else { "NOT PROVED" };
        eprintln!("{}: {} faults of {}, {verdict}", bug.name, proof.after, proof.before);
        proofs.push(proof);
    }
    Ok(proofs)
}

/// Where a bug was caught first.
fn first<'w>(found: &Found, bug: &Bug, both: [&'w Worlds; 2]) -> Option<(&'w Worlds, u64)> {
    let catch = |source: Source| {
        let blocks = found.blocks.iter().filter(move |block| block.source == source);
        let mut all = blocks.flat_map(|block| &block.standings);
        all.find_map(|s| s.caught.as_ref().filter(|_| s.bug.name == bug.name)).map(|c| c.number)
    };
    let [random, aimed] = both;
    let in_random = catch(Source::Random).map(|number| (random, number));
    in_random.or_else(|| catch(Source::Aimed).map(|number| (aimed, number)))
}

fn one(bug: &Bug, case: &Case, budget: Budget, path: &Path) -> Result<Proof, Problem> {
    let registry = Registry::default();
    let load = |name: &str| catalog::file(name);
    let shrunk = shrink::shrink(case, &registry, &load, budget, &mut |_| {})?;
    files::write_case(&shrunk.case, path)?;
    let read = Case::from_json(&files::read(path)?, &path.display().to_string())?;
    let again = read.setup(&registry, &load)?.run();
    let law = again.violations().first().map(|violation| violation.law.name());
    Ok(Proof {
        bug: bug.name,
        before: shrunk.shrinkage.before.faults,
        after: shrunk.shrinkage.after.faults,
        replays: again.digest.to_string() == read.digest && law == case.law.as_deref(),
        command: shell::replay(path),
    })
}
