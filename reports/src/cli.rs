//! The command line: arguments, exit codes, and what happens if this program itself fails.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use stormglass_scenarios::campaign::Shard;
use stormglass_scenarios::outcome::Verdict;
use stormglass_scenarios::plan::Seed;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::topologies::Registry;
use stormglass_scenarios::units::Text;
use stormglass_sim::time::Span;

use crate::command;
pub use crate::command::bugs::BugsArgs;
pub use crate::command::explain::ExplainArgs;
pub use crate::command::explore::ExploreArgs;
pub use crate::command::pin::PinArgs;
pub use crate::command::shrink::ShrinkArgs;
pub use crate::command::sweep::SweepArgs;
use crate::export::OutputArgs;

#[cfg(test)]
mod tests;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every law held, or there was nothing to judge.
    Holds,
    /// A law was broken.
    Broken,
    /// Nothing can be said.
    CouldNotJudge,
    /// The command, or a file that it reads, is a mistake.
    Usage,
    /// This program failed: never a verdict.
    Internal,
}

impl Exit {
    /// What the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Holds => 0,
            Exit::Broken => 1,
            Exit::CouldNotJudge => 2,
            Exit::Usage => 64,
            Exit::Internal => 70,
        }
    }
    /// The end that a verdict means.
    pub const fn of(verdict: &Verdict) -> Exit {
        match verdict {
            Verdict::Holds => Exit::Holds,
            Verdict::Broken { .. } => Exit::Broken,
            Verdict::CouldNotJudge(_) => Exit::CouldNotJudge,
        }
    }
}

/// What a command gives back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// For standard output.
    pub text: String,
    /// How the program ends.
    pub exit: Exit,
}

/// A stream-processing cluster in a glass: run, break, judge and replay it from a seed.
#[derive(Clone, Debug, Parser)]
#[command(name = "stormglass", version, max_term_width = 100, after_help = EXITS)]
#[command(propagate_version = false, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXITS: &str = "Exit codes: 0 holds, 1 broken, 2 could not judge, 64 wrong usage, \
                     70 a failure of Stormglass itself";

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run a scenario once, judge it and explain what happened
    Run(RunArgs),
    /// Print what a seed makes of a scenario's faults and chaos, without running it
    Plan(PlanArgs),
    /// Run a case file again and check that it ends the same, to the byte
    Replay(ReplayArgs),
    /// Shrink the case of a failure to the smallest run that fails for the same reason
    Shrink(ShrinkArgs),
    /// Explain a failing case: what led to it, which fault it needs, since when it was inevitable
    Explain(ExplainArgs),
    /// Keep the case of a failure as a regression test
    Pin(PinArgs),
    /// Run scenarios over many seeds and explain each kind of failure
    Campaign(CampaignArgs),
    /// Merge the run folders of one campaign or sweep: killed, resumed, or run on several machines
    Merge(MergeArgs),
    /// Run a scenario over a grid of settings and draw what comes of it
    Sweep(SweepArgs),
    /// Fork worlds where they show something new, until one breaks a law
    Explore(ExploreArgs),
    /// Hunt for every planted bug: is it caught, and by the right judge?
    Bugs(BugsArgs),
    /// Show what must be survived, and what is out of the budget of faults
    Budget,
    /// List the shipped scenarios, or the faults that one may state
    List {
        /// List what may be done to a cluster instead
        #[arg(long)]
        faults: bool,
    },
    /// Print the JSON schema of scenario files, for editors
    Schema {
        /// Print that of observations instead, as --export jsonl= writes them
        #[arg(long)]
        observations: bool,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Arguments of `run`.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// A shipped scenario (see `list`), or the path of a .toml file
    pub scenario: String,
    /// The seed that everything is drawn from: decimal, or hexadecimal after 0x
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed)]
    pub seed: u64,
    /// Change a key of the scenario, such as input.rate=5k/s; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Plant a bug (see `bugs`); may be repeated
    #[arg(long = "bug", value_name = "NAME")]
    pub bugs: Vec<String>,
    /// Take seed and faults from a plan file (see `plan` in what --json prints)
    #[arg(long, value_name = "FILE", conflicts_with = "seed")]
    pub plan: Option<PathBuf>,
    /// Write the run as a case file that `replay` repeats
    #[arg(long, value_name = "FILE")]
    pub case: Option<PathBuf>,
    /// Stop with a savepoint when half of the input has arrived, and go on from it with so many
    /// tasks of a component; may be repeated
    #[arg(long, value_name = "COMPONENT=TASKS", conflicts_with_all = ["plan", "case", "json"])]
    #[arg(conflicts_with_all = ["exports", "html"])]
    pub rescale: Vec<String>,
    /// Print the outcome as JSON
    #[arg(long)]
    pub json: bool,
    /// Print what the control plane did, line by line
    #[arg(long, conflicts_with = "json")]
    pub timeline: bool,
    /// What else is written.
    #[command(flatten)]
    pub outputs: OutputArgs,
}

/// Arguments of `plan`.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// A shipped scenario (see `list`), or the path of a .toml file
    pub scenario: String,
    /// The seed that everything is drawn from: decimal, or hexadecimal after 0x
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed)]
    pub seed: u64,
    /// Change a key of the scenario, such as input.rate=5k/s; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Print the plan as JSON, to be edited and given to `run --plan`
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `replay`.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// A case file
    pub case: PathBuf,
    /// Print the outcome as JSON
    #[arg(long)]
    pub json: bool,
    /// Print what the control plane did, line by line
    #[arg(long, conflicts_with = "json")]
    pub timeline: bool,
    /// What else is written.
    #[command(flatten)]
    pub outputs: OutputArgs,
}

/// Arguments of `campaign`.
#[derive(Clone, Debug, Args)]
pub struct CampaignArgs {
    /// Shipped scenarios (see `list`), or paths of .toml files
    #[arg(required = true, value_name = "SCENARIO")]
    pub scenarios: Vec<String>,
    /// The seeds from A up to, but without, B; or commit:HASH+N, N seeds of a commit's own
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    pub seeds: Range<u64>,
    /// Runs side by side; as many as there are processors if absent
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub jobs: Option<usize>,
    /// Write each verdict into a new run folder as it comes
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Go on with the killed or stopped campaign of a run folder; begin it if there is none
    #[arg(long, value_name = "DIR")]
    pub resume: Option<PathBuf>,
    /// Run the K-th of N parts of the seeds, for machines side by side; see `merge`
    #[arg(long, value_name = "K/N", default_value = "1/1", hide_default_value = true)]
    #[arg(value_parser = shard)]
    pub shard: Shard,
    /// Begin no run after so much time, such as 10m
    #[arg(long, value_name = "TIME", value_parser = until)]
    pub until: Option<Duration>,
    /// Stop after so many failures
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub fail_fast: Option<u64>,
    /// Leave failures as they are: shrink none
    #[arg(long)]
    pub no_shrink: bool,
    /// Write the results as JUnit XML, too
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Change a key of each scenario, such as input.rate=5k/s; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Plant a bug in every run (see `bugs`); may be repeated
    #[arg(long = "bug", value_name = "NAME")]
    pub bugs: Vec<String>,
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `merge`.
#[derive(Clone, Debug, Args)]
pub struct MergeArgs {
    /// Run folders of one campaign
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// The run folder to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Leave failures as they are: shrink none
    #[arg(long)]
    pub no_shrink: bool,
    /// Write the results as JUnit XML, too
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,
}

/// The program: reads its arguments, does what they say, and says how it ended.
pub fn main(registry: &Registry) -> ExitCode {
    // An engine or a bolt that panics breaks a law and is reported as such; nothing is to be
    // written in between. Whoever wants the stack asks for it in the usual way.
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        std::panic::set_hook(Box::new(|info| {
            *LAST_PANIC.lock().unwrap_or_else(|e| e.into_inner()) = Some(info.to_string());
        }));
    }
    ExitCode::from(with_arguments(registry, std::env::args_os()).code())
}

/// The program with the given arguments, of which the first is its own name.
pub fn with_arguments(registry: &Registry, arguments: impl Iterator<Item = OsString>) -> Exit {
    catch_unwind(AssertUnwindSafe(|| go(registry, arguments))).unwrap_or_else(|_| internal())
}

static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

fn internal() -> Exit {
    let panic = LAST_PANIC.lock().unwrap_or_else(|e| e.into_inner()).take();
    let panic = panic.map_or(String::new(), |panic| format!("\n{panic}"));
    eprintln!(
        "stormglass itself failed, which says nothing about what it ran; this is a bug of \
         Stormglass, and RUST_BACKTRACE=1 shows where{panic}"
    );
    Exit::Internal
}

/// Where the last panic was, for a run that it broke.
pub(crate) fn last_panic() -> Option<String> {
    LAST_PANIC.lock().unwrap_or_else(|e| e.into_inner()).take()
}

fn go(registry: &Registry, arguments: impl Iterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version that were asked for are no mistake; a closed pipe is none either.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Holds };
        }
    };
    match answer(&cli.command, registry) {
        Ok(Answer { text, exit }) => match std::io::stdout().lock().write_all(text.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                eprintln!("cannot write to standard output: {error}");
                Exit::Internal
            }
            _ => exit,
        },
        Err(problem) => {
            eprintln!("{problem}");
            Exit::Usage
        }
    }
}

/// Does what a command says.
///
/// # Errors
/// What is wrong with the arguments, or with a file that they name.
pub fn answer(command: &Command, registry: &Registry) -> Result<Answer, Problem> {
    match command {
        Command::Run(args) => command::run::run(args, registry),
        Command::Plan(args) => command::plan::plan(args, registry),
        Command::Replay(args) => command::replay::replay(args, registry),
        Command::Shrink(args) => command::shrink::shrink(args, registry),
        Command::Explain(args) => command::explain::explain(args, registry),
        Command::Pin(args) => command::pin::pin(args, registry),
        Command::Campaign(args) => command::campaign::campaign(args, registry),
        Command::Merge(args) => command::campaign::merge::merge(args, registry),
        Command::Sweep(args) => command::sweep::sweep(args, registry),
        Command::Explore(args) => command::explore::explore(args, registry),
        Command::Bugs(args) => command::bugs::bugs(args),
        Command::Budget => Ok(command::budget::budget()),
        Command::List { faults: false } => Ok(command::catalog::list()),
        Command::List { faults: true } => Ok(command::catalog::faults()),
        Command::Schema { observations: false } => Ok(command::catalog::schema()),
        Command::Schema { observations: true } => Ok(command::catalog::observations()),
        Command::Completions { shell } => Ok(command::catalog::completions(*shell)),
    }
}

/// Begins the name of a commit where a seed is asked for.
const COMMIT: &str = "commit:";
/// Each commit has two to the power of this many seeds of its own.
const OF_A_COMMIT: u32 = 20;

pub(crate) fn seed(text: &str) -> Result<u64, String> {
    if let Some(hash) = text.strip_prefix(COMMIT) {
        return commit(hash);
    }
    Seed::parse(text)
        .map(|seed| seed.0)
        .map_err(|error| format!("{}; {}", error.message, error.help))
}

/// The first seed of a commit. Seven digits decide, as many as Git shows: longer forms of the same
/// hash mean the same seeds.
fn commit(hash: &str) -> Result<u64, String> {
    let digits = hash.get(..7).filter(|_| hash.chars().all(|c| c.is_ascii_hexdigit()));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.map(|number| number << OF_A_COMMIT).ok_or_else(|| {
        format!("`{hash}` is not a commit's hash; write at least seven digits of it")
    })
}

pub(crate) fn seeds(text: &str) -> Result<Range<u64>, String> {
    if let Some((commit, count)) = text.strip_prefix(COMMIT).and_then(|_| text.split_once('+')) {
        let start = seed(commit)?;
        let count = count.parse().ok().filter(|count| (1..=1 << OF_A_COMMIT).contains(count));
        let count: u64 = count.ok_or(format!("a commit has 1 to {} seeds", 1u64 << OF_A_COMMIT))?;
        return Ok(start..start + count);
    }
    let Some((from, to)) = text.split_once("..") else {
        return Err("write a range such as 0..100, or commit:1a2b3c4+100".to_string());
    };
    let range = seed(from)?..seed(to)?;
    match range.is_empty() {
        true => Err(format!("there is no seed in {text}: its end is not part of a range")),
        false => Ok(range),
    }
}

pub(crate) fn shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    match parts {
        Some((number, of)) if (1..=of).contains(&number) => Ok(Shard { number, of }),
        Some((_, of)) => Err(format!("parts are counted from 1, and the last one is {of}/{of}")),
        None => Err("write a part such as 2/5, the second of five".to_string()),
    }
}

fn until(text: &str) -> Result<Duration, String> {
    // Scenarios write minutes out; whoever types is glad of a letter.
    let minutes = text.strip_suffix('m').map(|number| format!("{number}min"));
    Span::parse(minutes.as_deref().unwrap_or(text))
        .map(|span| Duration::from_nanos(span.as_nanos()))
        .map_err(|error| format!("{}; {}", error.message, error.help))
}

pub(crate) fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("no run could begin".to_string()),
        Ok(jobs) => Ok(jobs),
        Err(_) => Err("write a whole number".to_string()),
    }
}
