//! `campaign`: many seeds, counted, and each kind of failure explained once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use stormglass_engine::names::Twist;
use stormglass_engine::topology::Topology;
use stormglass_scenarios::campaign::{Campaign, Next};
use stormglass_scenarios::case::Case;
use stormglass_scenarios::outcome::Outcome;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::scenario::Scenario;
use stormglass_scenarios::shrink::Budget;
use stormglass_scenarios::topologies::Registry;
use stormglass_sim::node::Name;

use crate::cli::{Answer, CampaignArgs, Exit};
use crate::command::folder::Folder;
use crate::command::progress::Progress;
use crate::files::{self, Files};
use crate::page::Paint;
use crate::shell;

mod folder;
mod junit;
pub mod merge;
mod page;
mod row;
mod tally;

use folder::Manifest;
pub(super) use folder::Written;
use row::Row;
use tally::Tally;

/// What a run is of: the scenario as its seed has it, and the topology.
type Of = (Arc<Scenario>, Arc<Topology>);

/// One scenario with what came of it.
struct Done {
    scenario: Arc<Scenario>,
    /// None if it is not known here.
    topology: Option<Arc<Topology>>,
    files: Files,
    tally: Tally,
    /// Seeds that need not be run: their rows are there.
    seeds: BTreeSet<u64>,
    /// The last of these rows.
    last: Option<Row>,
}

/// Runs scenarios over many seeds.
///
/// # Errors
/// What is wrong with the arguments, or with a file that they name.
pub fn campaign(args: &CampaignArgs, registry: &Registry) -> Result<Answer, Problem> {
    let bugs = super::twists(&args.bugs)?;
    // All are read before the first one runs: a mistake in the last one is told at once.
    let mut done = Vec::new();
    for name in &args.scenarios {
        let (scenario, files) = files::scenario(name, &args.settings)?;
        let topology = Some(scenario.topology(registry)?);
        done.push(Done::new(scenario, topology, files, seeds(args)));
    }
    let mut folder = open(args, &bugs, &mut done)?;
    for one in done.iter().filter(|one| one.last.is_some()) {
        one.is_as_it_was(registry, &bugs)?;
    }
    let mut limits = Limits::new(args, &done);
    for at in 0..done.len() {
        limits.share(done.len() - at);
        run(args, registry, &bugs, &mut done[at], folder.as_mut(), &mut limits)?;
    }
    limits.tell();
    // Panics of the engine or of user code were verdicts, and are told as such.
    let _ = crate::cli::last_panic();
    let path = args.out.as_deref().or(args.resume.as_deref());
    let mut budget = budget(args.no_shrink, args.jobs);
    for one in &mut done {
        one.explain(registry, &bugs, path, &mut budget);
    }
    answer(&done, args.json, args.junit.as_deref())
}

/// How many runs the shrinking of one failure may take, and that of all.
const MOST_RUNS: u64 = 200;
const ALL_RUNS: u64 = 1_000;

/// What may be spent on shrinking: a campaign of which everything fails is not to go on for ever.
fn budget(no_shrink: bool, jobs: Option<usize>) -> Budget {
    Budget { runs: if no_shrink { 0 } else { ALL_RUNS }, jobs: super::jobs(jobs) }
}

/// The seeds that were asked for, as they are written.
fn seeds(args: &CampaignArgs) -> String {
    format!("{}..{}", args.seeds.start, args.seeds.end)
}

/// Everything on a page, or for programs.
fn answer(done: &[Done], json: bool, junit: Option<&Path>) -> Result<Answer, Problem> {
    let tallies: Vec<&Tally> = done.iter().map(|done| &done.tally).collect();
    if let Some(path) = junit {
        std::fs::write(path, junit::xml(&tallies)).map_err(|error| {
            Problem::new(&path.display().to_string(), format!("cannot be written: {error}"))
        })?;
    }
    let text = match json {
        true => super::json(&tallies),
        false => page::page(done, Paint::of_stdout()),
    };
    Ok(Answer { text, exit: exit(&tallies) })
}

/// The folder that was asked for, if one was, with what is there already.
fn open(
    args: &CampaignArgs,
    bugs: &[Twist],
    done: &mut [Done],
) -> Result<Option<Folder<Manifest>>, Problem> {
    let Some(path) = args.out.as_ref().or(args.resume.as_ref()) else { return Ok(None) };
    let written = done.iter().map(|done| Written::of(&done.scenario));
    let written = written.collect::<Result<Vec<_>, _>>()?;
    let names: BTreeSet<&String> = written.iter().map(|scenario| &scenario.name).collect();
    if names.len() < written.len() {
        let message = "two of the scenarios have the same name, by which rows are told apart";
        return Err(Problem::new("", message).help("give one of them another `name`"));
    }
    let mut bugs: Vec<String> = bugs.iter().map(|bug| bug.name().to_string()).collect();
    bugs.sort_unstable();
    let shard = format!("{}/{}", args.shard.number, args.shard.of);
    let manifest = Manifest::new(written, bugs, vec![seeds(args)], shard);
    if args.out.is_some() {
        return Folder::begin(path, &manifest).map(Some);
    }
    let folder = Folder::resume(path, &manifest, |row| {
        if let Some(done) = done.iter_mut().find(|done| done.scenario.name == row.scenario) {
            done.add(row);
        }
    })?;
    let there: usize = done.iter().map(|done| done.seeds.len()).sum();
    eprintln!("{}: {there} rows are there", path.display());
    Ok(Some(folder))
}

impl Done {
    fn new(
        scenario: Scenario,
        topology: Option<Arc<Topology>>,
        files: Files,
        seeds: String,
    ) -> Done {
        let tally = Tally::new(&scenario, seeds);
        let (scenario, seeds) = (Arc::new(scenario), BTreeSet::new());
        Done { scenario, topology, files, tally, seeds, last: None }
    }

    /// Counts a row that is there.
    fn add(&mut self, row: Row) {
        if self.seeds.insert(row.seed) {
            self.tally.add(&row);
            self.last = Some(row);
        }
    }

    /// Runs one seed; with what it is a run of.
    fn again(
        &self,
        registry: &Registry,
        bugs: &[Twist],
        seed: u64,
    ) -> Result<(Of, Outcome), Problem> {
        let load = |name: &str| self.files.load(name);
        let mut setup = Setup::new(&self.scenario, registry, &load, seed)?;
        setup.bugs = bugs.to_vec();
        let of = (Arc::clone(&setup.scenario), Arc::clone(&setup.topology));
        Ok((of, setup.run()))
    }

    /// Whether runs still come out as the rows say: if the code has changed since, rows of both
    /// must not be mixed.
    fn is_as_it_was(&self, registry: &Registry, bugs: &[Twist]) -> Result<(), Problem> {
        let (Some(last), Some(topology)) = (&self.last, &self.topology) else { return Ok(()) };
        let (_, now) = self.again(registry, bugs, last.seed)?;
        if Row::of(&now, &self.scenario, topology) == *last {
            return Ok(());
        }
        let message = format!(
            "{} with seed {} comes out differently now: the code, or a file that the scenario \
             reads, has changed since the campaign began",
            last.scenario, last.seed
        );
        Err(Problem::new("", message).help("begin anew in another folder"))
    }

    /// Runs the smallest failure of each kind again, as a person is to be told of it, shrinks it as
    /// far as that many runs allow, and writes its case. No outcome is kept until then: memory does
    /// not follow the number of runs.
    fn explain(
        &mut self,
        registry: &Registry,
        bugs: &[Twist],
        folder: Option<&Path>,
        budget: &mut Budget,
    ) {
        let mut failures = std::mem::take(&mut self.tally.failures);
        for failure in &mut failures {
            failure.replay = self.command(bugs, failure.seed);
            match self.again(registry, bugs, failure.seed) {
                Ok((_, outcome)) if outcome.digest.to_string() != failure.digest => eprintln!(
                    "{}: seed {} came out differently when it was run again",
                    self.scenario.name, failure.seed
                ),
                Ok((of, outcome)) => {
                    failure.of = Some(of);
                    if let Some(path) = self.keep(&outcome, folder) {
                        failure.replay = shell::replay(&path);
                        self.shrink(failure, &outcome, &path, registry, budget);
                    }
                    failure.outcome.get_or_insert(outcome);
                }
                Err(problem) => eprintln!("{problem}"),
            }
        }
        let _ = crate::cli::last_panic();
        self.tally.failures = failures;
    }

    /// Shrinks a failure whose case lies at a path, and writes the small one beside it.
    fn shrink(
        &self,
        failure: &mut tally::Failure,
        outcome: &Outcome,
        path: &Path,
        registry: &Registry,
        budget: &mut Budget,
    ) {
        let Budget { runs, jobs } = *budget;
        let runs = runs.min(MOST_RUNS);
        if runs == 0 {
            return;
        }
        let small = files::small(path);
        let shrunk = Case::new(&self.scenario, outcome)
            .and_then(|case| super::shrink::smallest(&case, registry, Budget { runs, jobs }))
            .and_then(|shrunk| files::write_case(&shrunk.case, &small).map(|()| shrunk));
        match shrunk {
            Ok(shrunk) => {
                budget.runs -= shrunk.shrinkage.runs;
                failure.replay = shell::replay(&small);
                failure.shrunk = Some(shrunk.shrinkage);
                failure.outcome = Some(shrunk.outcome);
                failure.of = Some((shrunk.scenario, shrunk.topology));
            }
            Err(problem) => eprintln!("{problem}"),
        }
    }

    /// Writes the case of a failure, and says where.
    fn keep(&self, outcome: &Outcome, folder: Option<&Path>) -> Option<PathBuf> {
        let path: PathBuf = match folder {
            Some(folder) => folder.join(files::case_path(outcome).file_name()?),
            None => files::case_path(outcome),
        };
        let case = Case::new(&self.scenario, outcome);
        match case.and_then(|case| files::write_case(&case, &path)) {
            Ok(()) => Some(path),
            Err(problem) => {
                eprintln!("{problem}");
                None
            }
        }
    }

    /// The command that runs a seed.
    fn command(&self, bugs: &[Twist], seed: u64) -> String {
        let source = self.scenario.origin.source();
        let name = match self.files {
            Files::Shipped => source.strip_suffix(".toml").unwrap_or(source),
            Files::Beside(_) => source,
        };
        let mut words = ["run", name, "--seed", &seed.to_string()].map(str::to_string).to_vec();
        let settings = self.scenario.origin.written().map_or(&[][..], |(_, settings)| settings);
        words.extend(settings.iter().flat_map(|s| ["--set".to_string(), s.clone()]));
        words.extend(bugs.iter().flat_map(|b| ["--bug".to_string(), b.name().to_string()]));
        shell::command(&words)
    }
}

/// Runs the seeds of one scenario whose rows are not there.
fn run(
    args: &CampaignArgs,
    registry: &Registry,
    bugs: &[Twist],
    done: &mut Done,
    mut folder: Option<&mut Folder<Manifest>>,
    limits: &mut Limits,
) -> Result<(), Problem> {
    let Done { scenario, topology: Some(topology), files, tally, seeds: there, .. } = done else {
        return Ok(());
    };
    let (scenario, topology, files, there) = (&*scenario, &*topology, &*files, &*there);
    let wanted = |seed: u64| args.shard.has(seed) && !there.contains(&seed);
    let of = args.shard.count(&args.seeds).saturating_sub(there.len() as u64);
    if of == 0 || limits.reached() {
        return Ok(());
    }
    let mut progress = Progress::new(&scenario.name, of);
    let (jobs, seeds) = (super::jobs(args.jobs), args.seeds.clone());
    let campaign = Campaign { scenario: Arc::clone(scenario), seeds, jobs, bugs: bugs.to_vec() };
    let mut wrong = None;
    campaign.run_those(registry, &|name| files.load(name), &wanted, |outcome| {
        // How many runs were under way depends on the machine: those do not count.
        if wrong.is_some() || limits.too_many() {
            return Next::Stop;
        }
        let row = Row::of(&outcome, scenario, topology);
        if let Some(folder) = &mut folder {
            wrong = folder.add(&row).err();
        }
        limits.step(&row);
        progress.step(row.seed, row.vacuous, row.failure().map(ToString::to_string));
        tally.add(&row);
        if limits.reached() { Next::Stop } else { Next::Continue }
    })?;
    progress.finish();
    wrong.map_or(Ok(()), Err)
}

/// When a campaign is to end before all seeds have run.
struct Limits {
    until: Option<Instant>,
    /// Until when the scenario may go on that is being run.
    now_until: Option<Instant>,
    fail_fast: Option<u64>,
    failures: u64,
    late: bool,
}

impl Limits {
    fn new(args: &CampaignArgs, done: &[Done]) -> Limits {
        Limits {
            until: args.until.map(|time| Instant::now() + time),
            now_until: None,
            fail_fast: args.fail_fast,
            failures: done.iter().map(|done| done.tally.broken).sum(),
            late: false,
        }
    }
    /// Gives the next of so many scenarios its share of the time that is left.
    fn share(&mut self, scenarios: usize) {
        let now = Instant::now();
        self.now_until = self.until.map(|until| {
            let left: Duration = until.saturating_duration_since(now);
            now + left / scenarios.max(1) as u32
        });
    }
    fn step(&mut self, row: &Row) {
        self.failures += u64::from(row.failure().is_some());
    }
    fn too_many(&self) -> bool {
        self.fail_fast.is_some_and(|most| self.failures >= most)
    }
    fn reached(&mut self) -> bool {
        let late = self.now_until.is_some_and(|until| Instant::now() >= until);
        self.late |= late;
        late || self.too_many()
    }
    fn tell(&self) {
        if self.too_many() {
            eprintln!("stopped after {} failures", self.failures);
        } else if self.late {
            eprintln!("stopped: the time is over");
        }
    }
}

fn exit(tallies: &[&Tally]) -> Exit {
    let any = |of: &dyn Fn(&Tally) -> u64| tallies.iter().any(|tally| of(tally) > 0);
    if any(&|tally| tally.broken) {
        Exit::Broken
    } else if any(&|tally| tally.could_not_judge) {
        Exit::CouldNotJudge
    } else {
        Exit::Holds
    }
}
