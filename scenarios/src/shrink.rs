//! The smallest run that fails for the same reason.
//!
//! A failing case is made smaller step by step, and a step is kept if *the same law is broken by
//! the same component*: faults first (delta debugging, and where many are left, each in a few other
//! futures of the run), then rare events, operations and planted
//! bugs, then records, machines, tasks and settings, then triggers, durations and instants as a
//! person would write them; and again from the start until nothing more can be left out.
//!
//! Where a bug is planted and the engine passes without it, each smaller run has to pass without
//! it, too: a failure that has another cause, such as a cluster too small for its faults, is no
//! smaller one of the same kind.
//!
//! Faults are tried by their triggers: the observation that fired one in the whole run has another
//! number when another fault is missing. A candidate runs no further than to its first violation.
//!
//! It is a pure function: the same case and the same budget give the same result, however many
//! candidates are run side by side.
//!
//! In reading order: `lists` (what may be left out), `numbers` (what there may be less of), `plain`
//! (what may be written more plainly), `ddmin` (delta debugging itself), `text` (a scenario's
//! keys).

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stormglass_engine::names::Twist;
use stormglass_engine::topology::Topology;
use stormglass_sim::time::Instant;

use crate::bugs;
use crate::campaign::{SharedLoader, first};
use crate::case::Case;
use crate::judge::law::Law;
use crate::outcome::{Cause, Outcome, Verdict};
use crate::places::Places;
use crate::plan::{Fork, Plan};
use crate::problem::Problem;
use crate::run::{Run, Setup};
use crate::scenario::Scenario;
use crate::signature::{Reason, Signature};
use crate::topologies::Registry;

mod ddmin;
mod lists;
mod numbers;
mod plain;
#[cfg(test)]
mod tests;
mod text;

use text::Text;

/// How much may be spent on a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// So many candidates are run at most.
    pub runs: u64,
    /// How many of them side by side; at least one. It changes no result.
    pub jobs: usize,
}

/// How large a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Size {
    /// Faults of its plan.
    pub faults: u64,
    /// Rare events that are switched on.
    pub rare_events: u64,
    /// Operations that are asked for.
    pub operations: u64,
    /// Planted bugs.
    pub bugs: u64,
    /// Records of its input.
    pub records: u64,
    /// Machines.
    pub machines: u64,
    /// Tasks of its topology.
    pub tasks: u64,
}

/// How far a case was shrunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Shrinkage {
    /// Candidates that were run.
    pub runs: u64,
    /// What it was.
    pub before: Size,
    /// What it is.
    pub after: Size,
    /// Whether the budget ended before nothing more could be left out.
    pub ended_early: bool,
}

/// How far shrinking has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Candidates that were run.
    pub runs: u64,
    /// What is being tried to leave out.
    pub trying: &'static str,
    /// Faults of the best candidate.
    pub faults: usize,
}

/// A shrunk case, and its run.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// It as a file; it says how far it was shrunk.
    pub case: Case,
    /// How far it was shrunk.
    pub shrinkage: Shrinkage,
    /// Its scenario.
    pub scenario: Arc<Scenario>,
    /// Its topology.
    pub topology: Arc<Topology>,
    /// Its run.
    pub outcome: Outcome,
    /// By what its failure is known.
    pub signature: Signature,
}

/// Shrinks a failing case; `progress` is told after every few runs.
///
/// # Errors
/// If the case is none of a failure, or does not fail any more, or this program does not understand
/// it.
pub fn shrink(
    case: &Case,
    registry: &Registry,
    loader: &SharedLoader<'_>,
    budget: Budget,
    progress: &mut dyn FnMut(Progress),
) -> Result<Shrunk, Problem> {
    let (scenario, outcome) = reproduced(case, registry, loader)?;
    let drawn = scenario.drawn(outcome.seed);
    let (places, topology) = (Places::new(&drawn), drawn.topology(registry)?);
    let violation = &outcome.violations()[0];
    let wanted = Reason::of(violation, &places, &topology);
    let mut text = Text::of(&drawn.origin).expect("a case has a text");
    if scenario.cluster.coordinators != drawn.cluster.coordinators {
        text.set("cluster.coordinators", i64::from(drawn.cluster.coordinators.min));
    }
    let twists = case.bugs.iter().map(|bug| bugs::twist(bug)).collect::<Result<_, _>>()?;
    let whole = Candidate { text, plan: case.plan.by_triggers(), bugs: twists };
    let source = &case.source;
    let mut bench = Bench { wanted, source, registry, loader, clean_passes: false };
    bench.clean_passes = !whole.bugs.is_empty() && bench.passes(&whole);
    let size = Size::of(&bench.setup(&whole)?);
    // What was shrunk before was shrunk from what that was.
    let (earlier, before) = case.shrunk.map_or((0, size), |shrunk| (shrunk.runs, shrunk.before));
    let mut shrinker = Shrinker {
        bench,
        budget,
        progress,
        best: whole.clone(),
        runs: 0,
        accepted: 0,
        trying: "",
        tried: BTreeSet::new(),
    };
    // A plan that somebody has edited may fail only with what became of it before.
    if !shrinker.bench.fails(&whole) {
        shrinker.best.plan = case.plan.clone();
    }
    shrinker.all(&outcome);
    shrinker.shrunk(before, earlier)
}

/// The run of a case that fails.
fn reproduced(
    case: &Case,
    registry: &Registry,
    loader: &SharedLoader<'_>,
) -> Result<(Arc<Scenario>, Outcome), Problem> {
    let no_failure = |message: String, help: &str| Err(Problem::new("", message).help(help));
    if case.law.is_none() {
        let message =
            format!("there is nothing to shrink: the case was recorded as `{}`", { &case.verdict });
        return no_failure(message, "shrink the case of a broken run");
    }
    let scenario = Arc::new(case.scenario()?);
    let outcome = case.setup(registry, &|file| loader(file))?.run();
    if outcome.violations().is_empty() {
        let law = case.law.as_deref().unwrap_or_default();
        let message = format!(
            "the case broke `{law}` when it was recorded by {}, and now the run is judged `{}`",
            case.program,
            outcome.verdict.name()
        );
        return no_failure(message, "`stormglass replay` shows what is different");
    }
    Ok((scenario, outcome))
}

/// A run that may fail for the same reason.
#[derive(Clone, Debug, PartialEq)]
struct Candidate {
    text: Text,
    plan: Plan,
    bugs: Vec<Twist>,
}

impl Candidate {
    /// It with these faults alone.
    fn with_faults(&self, numbers: &[usize]) -> Candidate {
        let mut next = self.clone();
        next.plan.faults = numbers.iter().map(|at| self.plan.faults[*at].clone()).collect();
        next
    }

    /// It with other draws from an instant on.
    fn with_fork(&self, at: Instant, n: u64) -> Candidate {
        let mut next = self.clone();
        next.plan.forks.retain(|fork| fork.at < at);
        next.plan.forks.push(Fork { at, n });
        next
    }

    /// All of it.
    fn key(&self) -> String {
        let bugs: Vec<&str> = self.bugs.iter().map(|bug| bug_name(*bug)).collect();
        format!("{}{}{}", self.text.print(), bugs.join(" "), self.plan.to_json())
    }
}

fn bug_name(bug: Twist) -> &'static str {
    stormglass_sim::node::Name::name(bug)
}

/// Where candidates are run.
struct Bench<'a> {
    wanted: Reason,
    source: &'a str,
    registry: &'a Registry,
    loader: &'a SharedLoader<'a>,
    /// Whether each candidate has to pass without its planted bugs.
    clean_passes: bool,
}

impl Bench<'_> {
    fn scenario(&self, candidate: &Candidate) -> Result<Scenario, Problem> {
        Scenario::parse(&candidate.text.print(), self.source)
    }

    fn setup(&self, candidate: &Candidate) -> Result<Setup, Problem> {
        let scenario = Arc::new(self.scenario(candidate)?);
        let (load, plan) = (|file: &str| (self.loader)(file), candidate.plan.clone());
        let mut setup = Setup::with_plan(&scenario, self.registry, &load, plan)?;
        setup.bugs.clone_from(&candidate.bugs);
        Ok(setup)
    }

    /// Whether it makes sense, as far as can be told without the input.
    fn makes_sense(&self, candidate: &Candidate) -> bool {
        self.scenario(candidate).is_ok_and(|scenario| scenario.topology(self.registry).is_ok())
    }

    /// Whether it fails for the same reason.
    fn fails(&self, candidate: &Candidate) -> bool {
        let Ok(setup) = self.setup(candidate) else { return false };
        let (scenario, topology) = (Arc::clone(&setup.scenario), Arc::clone(&setup.topology));
        // A plan that makes no sense in a smaller cluster may have no run at all.
        let violation = catch_unwind(AssertUnwindSafe(|| match self.wanted.law {
            Law::NoPanic => setup.run().violations().first().cloned(),
            _ => Run::new(setup).first_violation(),
        }));
        let Ok(Some(violation)) = violation else { return false };
        let reason = Reason::of(&violation, &Places::new(&scenario), &topology);
        reason == self.wanted && (!self.clean_passes || self.passes(candidate))
    }

    /// Whether it passes without its planted bugs.
    fn passes(&self, candidate: &Candidate) -> bool {
        let clean = Candidate { bugs: Vec::new(), ..candidate.clone() };
        match self.run(&clean).map(|outcome| outcome.verdict) {
            Some(Verdict::Holds) => true,
            // It may be the bug without which nothing is hit.
            Some(Verdict::CouldNotJudge(unjudged)) => unjudged.cause == Cause::Vacuous,
            Some(Verdict::Broken { .. }) | None => false,
        }
    }

    fn run(&self, candidate: &Candidate) -> Option<Outcome> {
        self.setup(candidate).ok().map(Setup::run)
    }
}

struct Shrinker<'a> {
    bench: Bench<'a>,
    budget: Budget,
    progress: &'a mut dyn FnMut(Progress),
    /// The smallest so far. Invariant: it fails for the same reason.
    best: Candidate,
    runs: u64,
    /// How often a smaller one was found.
    accepted: u64,
    trying: &'static str,
    /// What does not fail, or not for the same reason.
    tried: BTreeSet<String>,
}

impl Shrinker<'_> {
    fn all(&mut self, outcome: &Outcome) {
        type Pass<'a> = (&'static str, fn(&mut Shrinker<'a>));
        let passes: [Pass<'_>; 11] = [
            ("faults", Shrinker::faults),
            ("other futures", Shrinker::futures),
            ("forks", Shrinker::forks),
            ("rare events", Shrinker::rare_events),
            ("operations", Shrinker::operations),
            ("planted bugs", Shrinker::bugs),
            ("records", Shrinker::records),
            ("machines", Shrinker::machines),
            ("tasks", Shrinker::tasks),
            ("settings", Shrinker::settings),
            ("times", Shrinker::plain),
        ];
        self.trying = "faults";
        self.guess_faults(outcome);
        loop {
            let before = self.accepted;
            for (trying, pass) in &passes {
                self.trying = trying;
                pass(self);
            }
            if self.accepted == before || self.is_spent() {
                return;
            }
        }
    }

    fn is_spent(&self) -> bool {
        self.runs >= self.budget.runs
    }

    /// The best candidate's scenario.
    fn scenario(&self) -> Option<Scenario> {
        self.bench.scenario(&self.best).ok()
    }

    /// Takes the first candidate that fails for the same reason, and says which it was.
    fn first(&mut self, candidates: Vec<Candidate>) -> Option<usize> {
        let mut fresh: Vec<(usize, String, Candidate)> = Vec::new();
        for (at, candidate) in candidates.into_iter().enumerate() {
            let key = candidate.key();
            let known =
                self.tried.contains(&key) || fresh.iter().any(|(_, other, _)| *other == key);
            if !known && candidate != self.best && self.bench.makes_sense(&candidate) {
                fresh.push((at, key, candidate));
            }
        }
        let jobs = self.budget.jobs.max(1);
        let mut rest = &fresh[..];
        while !rest.is_empty() && !self.is_spent() {
            let left = usize::try_from(self.budget.runs - self.runs).unwrap_or(usize::MAX);
            let (now, later) = rest.split_at(jobs.min(rest.len()).min(left));
            let found = first(now.len(), jobs, &|at| self.bench.fails(&now[at].2));
            let failed = found.unwrap_or(now.len());
            self.runs += (failed + usize::from(found.is_some())) as u64;
            self.tried.extend(now[..failed].iter().map(|(_, key, _)| key.clone()));
            if let Some((at, _, candidate)) = found.map(|found| &now[found]) {
                self.best = candidate.clone();
                self.accepted += 1;
                self.tell();
                return Some(*at);
            }
            self.tell();
            rest = later;
        }
        None
    }

    fn tell(&mut self) {
        let faults = self.best.plan.faults.len();
        (self.progress)(Progress { runs: self.runs, trying: self.trying, faults });
    }

    /// Runs the best candidate to its end.
    fn shrunk(self, before: Size, earlier: u64) -> Result<Shrunk, Problem> {
        let setup = self.bench.setup(&self.best)?;
        let after = Size::of(&setup);
        let (runs, ended_early) = (earlier + self.runs, self.is_spent());
        let shrinkage = Shrinkage { runs, before, after, ended_early };
        let (scenario, topology) = (Arc::clone(&setup.scenario), Arc::clone(&setup.topology));
        let outcome = setup.run();
        let signature = Signature::of(&outcome, &scenario, &topology);
        let signature = signature.expect("the best candidate fails");
        let case = Case { shrunk: Some(shrinkage), ..Case::new(&scenario, &outcome)? };
        Ok(Shrunk { case, shrinkage, scenario, topology, outcome, signature })
    }
}

impl Size {
    fn of(setup: &Setup) -> Size {
        let count = |n: usize| n as u64;
        Size {
            faults: count(setup.plan.faults.len()),
            rare_events: count(setup.plan.rare_events.len()),
            operations: count(setup.plan.operations.len()),
            bugs: count(setup.bugs.len()),
            records: setup.log.len(),
            machines: count(Places::new(&setup.scenario).machines().len()),
            tasks: setup.topology.components().iter().map(|c| c.tasks().count() as u64).sum(),
        }
    }
}
