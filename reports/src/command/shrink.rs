//! `shrink`: the smallest run that fails for the same reason.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use stormglass_scenarios::case::Case;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::shrink::{self, Budget, Progress, Shrunk};
use stormglass_scenarios::topologies::Registry;

use crate::cli::{self, Answer, Exit};
use crate::failure;
use crate::files::{self, Files};
use crate::page::{Paint, Style};
use crate::shell;
use crate::summary::Report;
use crate::version;
use crate::words::plural;

/// Arguments of `shrink`.
#[derive(Clone, Debug, clap::Args)]
pub struct ShrinkArgs {
    /// The case file of a failure
    pub case: PathBuf,
    /// Try at most so many smaller runs
    #[arg(long, value_name = "N", default_value = "1000")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub runs: u64,
    /// Runs side by side; as many as there are processors if absent
    #[arg(long, value_name = "N", value_parser = cli::jobs)]
    pub jobs: Option<usize>,
    /// Where the small case goes; CASE with .min before its ending if absent
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the small case as JSON
    #[arg(long)]
    pub json: bool,
}

/// Shrinks a case.
///
/// # Errors
/// If it is no case of a failure, does not fail any more, or cannot be written.
pub fn shrink(args: &ShrinkArgs, registry: &Registry) -> Result<Answer, Problem> {
    let source = args.case.display().to_string();
    let case = Case::from_json(&files::read(&args.case)?, &source)?;
    let budget = Budget { runs: args.runs, jobs: super::jobs(args.jobs) };
    let shrunk =
        smallest(&case, registry, budget).map_err(|problem| files::of(problem, &source))?;
    let out = args.out.clone().unwrap_or_else(|| files::small(&args.case));
    files::write_case(&shrunk.case, &out)?;
    let text = match args.json {
        true => shrunk.case.to_json(),
        false => page(&shrunk, &out, Paint::of_stdout()),
    };
    Ok(Answer { text, exit: Exit::Broken })
}

/// Shrinks a case, and says on standard error how far it is.
///
/// # Errors
/// As [`shrink::shrink`].
pub(super) fn smallest(
    case: &Case,
    registry: &Registry,
    budget: Budget,
) -> Result<Shrunk, Problem> {
    let files = Files::of_case(case);
    let bar = std::io::stderr().is_terminal().then(|| {
        let bar = ProgressBar::with_draw_target(Some(budget.runs), ProgressDrawTarget::stderr());
        let template = "shrinking {bar:30} {pos}/{len}  {msg}";
        bar.set_style(ProgressStyle::with_template(template).expect("it is well formed"));
        bar
    });
    let mut shrunk = shrink::shrink(case, registry, &|name| files.load(name), budget, &mut |now| {
        if let Some(bar) = &bar {
            let Progress { runs, trying, faults } = now;
            bar.set_position(runs);
            bar.set_message(format!("{}, fewer {trying}", plural(faults as u64, "fault")));
        }
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    // Panics of the engine or of user code were verdicts, and are told as such.
    let _ = cli::last_panic();
    if let Ok(shrunk) = &mut shrunk {
        shrunk.case.program = version::program();
    }
    shrunk
}

/// What is left, why it fails, and how to see it again.
fn page(shrunk: &Shrunk, out: &Path, paint: Paint) -> String {
    let Shrunk { case, shrinkage, scenario, topology, outcome, .. } = shrunk;
    let repeat = &shell::replay(out);
    let shrunk = Some(*shrinkage);
    let report = Report { scenario, topology, outcome, repeat, timeline: false, paint, shrunk };
    let left: String = case.scenario.lines().map(|line| format!("  {line}\n")).collect();
    let parts = [
        format!("{} {}\n", paint.text(Style::Green, "shrunk:"), failure::shrunk(shrinkage)),
        format!("{}{left}", report.heading("What is left of the scenario")),
        report.disturbed(),
        report.asked(),
        failure::page(&report),
        report.tail(),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}
