//! Exploration: worlds are values, so a run that shows something new is kept where it does, forked
//! there, and continued with other draws and other faults.
//!
//! *New* is what no run before has shown: an observation of a role in phases in which it was never
//! seen, two kinds of observations that never followed one another, a probe that was never hit.
//! The measure of work is the number of kernel events that were really handled: what a fork shares
//! with its parent is not done again. Energy is spent where an event shows most that is new: on
//! fresh worlds of one scenario or another, of each those whose settings and faults were met least
//! (`pool`). A quarter of the runs goes to everything in turn, whatever it shows, and one of eight
//! to forks of kept worlds, of those first that showed much and have been forked little.
//!
//! Worlds are there [short, and whole](lengths): as many faults strike within a third of the input,
//! and most of what they can do to one another they do there, for less than half of the events.
//!
//! Nothing here knows of any bug. What is found is a plan: forks are part of plans, and whoever
//! runs it comes to the same (see [`Run::branch`]).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use stormglass_engine::names::Probe;
use stormglass_sim::node::Name;
use stormglass_sim::time::Span;

use crate::budget;
use crate::input;
use crate::judge::law::Violation;
use crate::plan::{self, Draw, Plan, PlannedAction, PlannedFault, Trigger};
use crate::problem::Problem;
use crate::run::{Run, Setup};
use crate::scenario::{Scenario, Source};
use crate::story::FEATURES;

mod pool;
#[cfg(test)]
mod tests;

use pool::Pool;

/// Of the input of a short world.
const PART: u64 = 3;
/// How far it goes between two looks, beside instants at which people let things happen.
const STEP: Span = Span::nanos(250_000_001);
/// So many worlds are kept at most.
const KEPT: usize = 48;
/// So many of one run.
const KEPT_OF_ONE: usize = 3;
/// Forks of forks go so deep.
const DEEPEST: usize = 4;
/// One of so many runs is a fork.
const FORKED: u64 = 8;
/// So many faults more strike a fork, at most.
const MORE: u64 = 3;

/// How much may be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// So many runs are begun at most, forks among them.
    pub runs: u64,
    /// None is begun after so many kernel events.
    pub events: u64,
}

/// What was explored.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Explored {
    /// Runs, forks among them.
    pub runs: u64,
    /// Forks.
    pub forks: u64,
    /// Kernel events that were handled.
    pub events: u64,
    /// Things that were seen at least once.
    pub seen: u64,
    /// What was looked for, if it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
}

/// A run that breaks a law.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Found {
    /// The world that it is of or was forked from.
    pub number: u64,
    /// Its scenario.
    pub scenario: String,
    /// How it comes about.
    pub plan: Plan,
    /// What it breaks first.
    pub violation: Violation,
}

/// What is explored in the place of some scenarios: each with a third of its input, then each as it
/// is. One of which no third can be made, as if it was built in Rust, is there as it is alone.
///
/// # Errors
/// If an input cannot be made.
pub fn lengths(
    scenarios: &[Arc<Scenario>],
    loader: &input::Loader<'_>,
) -> Result<Vec<Arc<Scenario>>, Problem> {
    let mut all = Vec::new();
    for scenario in scenarios {
        let records = input::build(&scenario.input, 0, loader)?.len();
        let key = match scenario.input.source {
            Source::Words { .. } => "input.words.count",
            Source::Csv { .. } => "input.csv.limit",
        };
        let part = (records / PART).max(1);
        all.extend(scenario.set(&format!("{key}={part}")).ok().map(Arc::new));
    }
    all.extend(scenarios.iter().cloned());
    Ok(all)
}

/// Explores worlds until one breaks a law that is wanted, or the limit is reached. `world` makes
/// the worlds from `first` on, with whatever bugs are planted; world `n` is of kind `n % kinds`, of
/// which some may show more than others.
///
/// # Errors
/// If a world cannot be made.
pub fn explore(
    world: &dyn Fn(u64) -> Result<Setup, Problem>,
    first: u64,
    kinds: u64,
    limit: Limit,
    wanted: &dyn Fn(&Violation) -> bool,
    progress: &mut dyn FnMut(&Explored),
) -> Result<Explored, Problem> {
    let mut explorer = Explorer {
        wanted,
        seen: vec![false; FEATURES + Probe::ALL.len()],
        corpus: Vec::new(),
        so_far: Explored { runs: 0, forks: 0, events: 0, seen: 0, found: None },
    };
    let mut pool = Pool::new(first, kinds);
    let mut arms = vec![Arm::default(); kinds as usize];
    while explorer.so_far.found.is_none()
        && explorer.so_far.runs < limit.runs
        && explorer.so_far.events < limit.events
    {
        let (turn, before) = (explorer.so_far.runs, explorer.so_far.clone());
        if let Some(best) = explorer.best().filter(|_| turn % FORKED == FORKED - 1) {
            explorer.fork(best, turn);
        } else {
            let arm = choose(&arms, turn);
            let (number, setup) = pool.take(arm, world)?;
            let setup = Setup { covers: true, hasty: true, ..setup };
            let scenario = setup.scenario.name.clone();
            explorer.go(Run::new(setup), number, 0, &scenario);
            let Explored { events, seen, .. } = explorer.so_far;
            arms[arm].note(turn, seen - before.seen, events - before.events);
        }
        progress(&explorer.so_far);
    }
    Ok(explorer.so_far)
}

/// A kind of worlds that energy can be spent on, and what it has shown lately.
#[derive(Clone, Default)]
struct Arm {
    /// New things, in 1024ths; what is long ago counts little.
    new: u64,
    /// Kernel events, likewise.
    events: u64,
    /// When it was used last, counted from 1; 0 if never.
    used: u64,
}

impl Arm {
    fn note(&mut self, turn: u64, new: u64, events: u64) {
        self.new = self.new * 7 / 8 + new * 1_024;
        self.events = self.events * 7 / 8 + events;
        self.used = turn + 1;
    }

    /// New things an event; all there is of what was never tried.
    fn rate(&self) -> u64 {
        if self.used == 0 { u64::MAX } else { (self.new << 20) / (self.events + 1) }
    }
}

/// The kind to spend the next run on.
fn choose(arms: &[Arm], turn: u64) -> usize {
    let all = 0..arms.len();
    let chosen = match turn % 4 {
        1 => all.min_by_key(|at| (arms[*at].used, *at)),
        // Of equal ones the first.
        _ => all.max_by_key(|at| (arms[*at].rate(), std::cmp::Reverse(*at))),
    };
    chosen.expect("worlds have a kind")
}

/// A run that stands where it showed something new.
#[derive(Clone)]
struct Kept {
    run: Run,
    number: u64,
    depth: usize,
    /// How much was new.
    new: u64,
    /// How often it has been forked.
    forked: u64,
}

impl Kept {
    /// How much is expected of another fork.
    fn promise(&self) -> u64 {
        self.new * 1_000 / (1 + self.forked)
    }
}

struct Explorer<'a> {
    wanted: &'a dyn Fn(&Violation) -> bool,
    seen: Vec<bool>,
    corpus: Vec<Kept>,
    so_far: Explored,
}

impl Explorer<'_> {
    /// Whom to fork next.
    fn best(&self) -> Option<usize> {
        // Of equal ones the newest.
        (0..self.corpus.len()).max_by_key(|at| (self.corpus[*at].promise(), *at))
    }

    fn fork(&mut self, at: usize, turn: u64) {
        let kept = &mut self.corpus[at];
        kept.forked += 1;
        let (number, depth) = (kept.number, kept.depth + 1);
        let run = kept.run.branch(turn, more(&kept.run, turn));
        let scenario = run.setup().scenario.name.clone();
        self.so_far.forks += 1;
        self.go(run, number, depth, &scenario);
    }

    /// Runs to the end, and keeps the run where it shows most that is new.
    fn go(&mut self, mut run: Run, number: u64, depth: usize, scenario: &str) {
        self.so_far.runs += 1;
        let mut handled = run.world().events();
        let mut best: Vec<Kept> = Vec::new();
        let mut goes_on = true;
        while goes_on {
            let until = run.now() + STEP;
            // A panic breaks the run: it is met again, and judged, when the run is finished anew.
            let Ok(more) = catch_unwind(AssertUnwindSafe(|| run.advance(until))) else { break };
            goes_on = more;
            let new = self.take_new(&mut run);
            self.so_far.events += run.world().events() - handled;
            handled = run.world().events();
            let least = best.last().map_or(0, |kept| kept.new);
            let room = best.len() < KEPT_OF_ONE;
            if goes_on && depth < DEEPEST && new > 0 && (room || new > least) {
                best.truncate(KEPT_OF_ONE - 1);
                best.push(Kept { run: run.clone(), number, depth, new, forked: 0 });
                best.sort_by_key(|kept| std::cmp::Reverse(kept.new));
            }
        }
        self.corpus.extend(best);
        while self.corpus.len() > KEPT {
            let worst = (0..self.corpus.len()).min_by_key(|at| (self.corpus[*at].promise(), *at));
            self.corpus.remove(worst.expect("there are many"));
        }
        let plan = run.setup().plan.clone();
        let whole = match run.violations().is_empty() {
            // What is judged at the end alone is judged now.
            true => run.finish(),
            false => Setup { covers: false, hasty: false, ..run.setup().clone() }.run(),
        };
        let Some(violation) = whole.violations().first().filter(|v| (self.wanted)(v)) else {
            return;
        };
        let (violation, scenario) = (violation.clone(), scenario.to_string());
        self.so_far.found = Some(Found { number, scenario, plan, violation });
    }

    /// Counts what the run shows that no run has shown before.
    fn take_new(&mut self, run: &mut Run) -> u64 {
        let fresh: Vec<usize> = run.take_fresh().into_iter().map(usize::from).collect();
        let hit = Probe::ALL.iter().filter(|probe| run.world().probe_hits(**probe) > 0);
        let hit: Vec<usize> = hit.map(|probe| FEATURES + probe.index()).collect();
        let mut new = 0;
        for at in fresh.into_iter().chain(hit) {
            new += u64::from(!std::mem::replace(&mut self.seen[at], true));
        }
        self.so_far.seen += new;
        new
    }
}

/// Faults that strike a fork besides its parent's: some that another seed would have had, at times
/// that are still to come, as far as the budget has room for them.
fn more(run: &Run, turn: u64) -> Vec<PlannedFault> {
    let Setup { scenario, plan, log, .. } = run.setup();
    let mut draw = Draw::new(plan.seed, &[turn]);
    let Ok(other) = plan::generate(scenario, draw.word(), input::duration(log)) else {
        return Vec::new();
    };
    let later = |fault: &PlannedFault| match fault.trigger {
        Trigger::At(at) => at > run.now() && is_plain(&fault.action),
        Trigger::On(_) => false,
    };
    let mut candidates: Vec<PlannedFault> = other.faults.into_iter().filter(later).collect();
    let mut more = Vec::new();
    let mut whole = plan.clone();
    for _ in 0..draw.below(MORE + 1) {
        if candidates.is_empty() {
            break;
        }
        let fault = candidates.remove(draw.below(candidates.len() as u64) as usize);
        if is_admitted(scenario, &whole, &fault) {
            whole.faults.push(fault.clone());
            more.push(fault);
        }
    }
    more
}

/// A scenario whose faults a person has written asks for no budget.
fn is_admitted(scenario: &Arc<Scenario>, plan: &Plan, fault: &PlannedFault) -> bool {
    scenario.chaos.is_empty() || budget::admits(scenario, plan, fault).is_ok()
}

/// Whether judges need not know of it from the beginning.
fn is_plain(action: &PlannedAction) -> bool {
    let known = matches!(action, PlannedAction::DriftClock { .. } | PlannedAction::Trim { .. });
    !known && !action.destroys()
}
