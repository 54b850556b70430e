//! `explain`: why a case failed: what led to it, which fault it needs, and since when it could not
//! be helped.

use std::path::{Path, PathBuf};

use serde::Serialize;
use stormglass_scenarios::case::Case;
use stormglass_scenarios::explain::chain::{self, Chain, What};
use stormglass_scenarios::explain::critical::{self, Critical, MOVED};
use stormglass_scenarios::explain::fate::{self, Chance};
use stormglass_scenarios::explain::{Ending, state};
use stormglass_scenarios::judge::law::Violation;
use stormglass_scenarios::problem::Problem;
use stormglass_scenarios::run::Setup;
use stormglass_scenarios::shrink::Shrinkage;
use stormglass_scenarios::topologies::Registry;
use stormglass_scenarios::units::Text;
use stormglass_sim::time::{Instant, Span};

use super::progress::Status;
use crate::cli::{Answer, Exit};
use crate::files::{self, Files};
use crate::page::{Paint, Side, Style, Table, wrap};
use crate::summary::Report;
use crate::words::{self, Names};
use crate::{failure, shell};

#[cfg(test)]
mod tests;

/// Arguments of `explain`.
#[derive(Clone, Debug, clap::Args)]
pub struct ExplainArgs {
    /// A case file
    pub case: PathBuf,
    /// Futures that are tried at each point of the curve
    #[arg(long, value_name = "N", default_value = "8")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub forks: u64,
    /// Points of the curve, beside the moments before and after faults
    #[arg(long, value_name = "N", default_value = "8")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=200))]
    pub points: u64,
    /// Show what a process holds instead, such as worker-2; see --until
    #[arg(long, value_name = "NODE")]
    pub state: Option<String>,
    /// The moment of which --state is, such as 12.5s; that of the failure if absent
    #[arg(long, value_name = "TIME", requires = "state", value_parser = moment)]
    pub until: Option<Span>,
    /// Print it as JSON
    #[arg(long, conflicts_with = "state")]
    pub json: bool,
}

fn moment(text: &str) -> Result<Span, String> {
    Span::parse(text).map_err(|error| format!("{}; {}", error.message, error.help))
}

/// An explanation for programs.
#[derive(Serialize)]
struct Explained<'a> {
    violation: &'a Violation,
    chain: Vec<Step>,
    faults: &'a [Critical],
    without_any_fault: Ending,
    curve: &'a [Chance],
    #[serde(skip_serializing_if = "Option::is_none")]
    inevitable_from_ns: Option<u64>,
}

/// A link of the chain for programs.
#[derive(Serialize)]
struct Step {
    at_ns: u64,
    node: Option<String>,
    what: String,
    after: Vec<usize>,
    message: Option<String>,
}

/// Explains a case.
///
/// # Errors
/// If it is no case, not one that this program understands, or one that does not fail.
pub fn explain(args: &ExplainArgs, registry: &Registry) -> Result<Answer, Problem> {
    let (setup, shrunk) = setup(&args.case, registry)?;
    if let Some(node) = &args.state {
        return show_state(&setup, args, node);
    }
    let progress = Status::new();
    progress.show("running it again");
    let (outcome, chain) = chain::chain(&setup);
    let Some(violation) = outcome.violations().first() else {
        let message = format!("the run does not fail: {}", outcome.verdict.name());
        let help = "`replay` says whether the code has changed since the case was written";
        return Err(Problem::new(&args.case.display().to_string(), message).help(help));
    };
    let faults = {
        let mut runs = 0;
        critical::critical(&setup, &outcome, violation.law, || {
            runs += 1;
            progress.show(&format!("without each of the faults: run {runs}"));
        })
    };
    let without_any = critical::without_any(&setup, violation.law);
    let points = fate::points(&outcome, violation.at, args.points);
    let all = points.len() as u64 * args.forks;
    let mut runs = 0;
    let curve = fate::fate(&setup, violation.law, &points, args.forks, || {
        runs += 1;
        progress.show(&format!("other futures: run {runs} of {all}"));
    });
    drop(progress);
    let paint = Paint::of_stdout();
    let repeat = shell::replay(&args.case);
    let report = Report {
        scenario: &setup.scenario,
        topology: &setup.topology,
        outcome: &outcome,
        repeat: &repeat,
        timeline: false,
        shrunk,
        paint,
    };
    let told =
        Told { report, violation, chain: &chain, faults: &faults, without_any, curve: &curve };
    let text = if args.json { told.json() } else { told.page() };
    Ok(Answer { text, exit: Exit::Broken })
}

/// The run of a case, and how far it was shrunk.
fn setup(path: &Path, registry: &Registry) -> Result<(Setup, Option<Shrinkage>), Problem> {
    let case = Case::from_json(&files::read(path)?, &path.display().to_string())?;
    let files = Files::of_case(&case);
    let setup = case.setup(registry, &|name| files.load(name))?;
    Ok((setup, case.shrunk))
}

fn show_state(setup: &Setup, args: &ExplainArgs, node: &str) -> Result<Answer, Problem> {
    let until = match args.until {
        Some(until) => Instant::ZERO + until,
        None => {
            let outcome = setup.clone().run();
            outcome.violations().first().map_or(outcome.ended, |violation| violation.at)
        }
    };
    let at = words::instant(until);
    let text = match state::state(setup, until, node)? {
        Some(state) => format!("{node} at {at}\n{state}"),
        None => format!("{node} at {at}\nis down\n"),
    };
    Ok(Answer { text, exit: Exit::Holds })
}

/// What has been found.
struct Told<'a> {
    report: Report<'a>,
    violation: &'a Violation,
    chain: &'a Chain,
    faults: &'a [Critical],
    without_any: Ending,
    curve: &'a [Chance],
}

impl Told<'_> {
    fn page(&self) -> String {
        let parts = [failure::page(&self.report), self.came(), self.needed(), self.curve()];
        let tail = format!(
            "digest  {}\nseed    {}\nreplay  {}\n",
            self.report.outcome.digest, self.report.outcome.seed, self.report.repeat
        );
        let parts = parts.into_iter().chain([tail]).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join("\n")
    }

    /// The chain: a line an event, causes first.
    fn came(&self) -> String {
        let names = self.report.names();
        let mut table = Table::new(&[
            ("", Side::Right),
            ("at", Side::Right),
            ("who", Side::Left),
            ("what", Side::Left),
            ("after", Side::Left),
        ]);
        for (number, link) in self.chain.links.iter().enumerate() {
            let who = link.node.map(|node| names.node(node)).unwrap_or_default();
            let what = self.what(&names, &link.what);
            let what = what.strip_prefix(&format!("{who} ")).unwrap_or(&what).to_string();
            let mut after: Vec<String> = link.after.iter().map(|at| (at + 1).to_string()).collect();
            if let Some(letter) = &link.by {
                let links = &self.chain.links;
                let known = link.after.iter().any(|at| links[*at].node == Some(letter.from));
                let from = if known { String::new() } else { names.node(letter.from) };
                after.push(format!("{} {from}", letter.name).trim_end().to_string());
            }
            let style = match link.what {
                What::Fault(_) => Style::Yellow,
                What::Observed(_) => Style::Plain,
            };
            let cells =
                [(number + 1).to_string(), words::instant(link.at), who, what, after.join(", ")];
            table.styled_row(cells.map(|cell| (cell, style)));
        }
        if self.chain.links.is_empty() {
            return String::new();
        }
        let mut out =
            self.heading("How it came about: each line happened after those that it names");
        out.push_str(&table.render(2, self.report.paint));
        if self.chain.left_out > 0 {
            let left = words::plural(self.chain.left_out as u64, "earlier event");
            let line = format!("  ({left} of the same kinds, or older, happened before it, too)\n");
            out.push_str(&self.report.paint.text(Style::Dim, line.trim_end()));
            out.push('\n');
        }
        out
    }

    fn what(&self, names: &Names<'_>, what: &What) -> String {
        match what {
            What::Fault(place) => {
                let fault = &self.report.outcome.faults[*place];
                format!("fault {}: {}", fault.number, fault.what)
            }
            What::Observed(observation) => names.observation(observation),
        }
    }

    /// Which fault the failure needs, and whether it has to strike just then.
    fn needed(&self) -> String {
        if self.faults.is_empty() {
            return String::new();
        }
        let moved = words::span(MOVED);
        let (sooner, later) = (format!("{moved} sooner"), format!("{moved} later"));
        let mut table = Table::new(&[
            ("fault", Side::Right),
            ("what", Side::Left),
            ("to whom", Side::Left),
            ("without it", Side::Left),
            (&sooner, Side::Left),
            (&later, Side::Left),
        ]);
        for critical in self.faults {
            let fault = &self.report.outcome.faults[critical.fault - 1];
            let plain = |text: &str| (text.to_string(), Style::Plain);
            table.styled_row([
                plain(&critical.fault.to_string()),
                plain(&fault.what),
                plain(&fault.target),
                ending(Some(critical.without)),
                ending(critical.sooner),
                ending(critical.later),
            ]);
        }
        let mut out = self.heading("Which fault matters");
        out.push_str(&table.render(2, self.report.paint));
        wrap(&self.verdict_of_faults(), 96).iter().for_each(|l| out.push_str(&format!("  {l}\n")));
        out
    }

    /// Which faults are needed, in a sentence.
    fn verdict_of_faults(&self) -> String {
        let needed: Vec<&Critical> = self.faults.iter().filter(|fault| fault.is_needed()).collect();
        match &needed[..] {
            [] if self.without_any == Ending::Same => {
                "None: it fails without any fault, too.".to_string()
            }
            [] => "None by itself: it fails without each of them, and not without all.".to_string(),
            [one] => {
                let exact = if one.is_exact() { ", and it has to strike just then" } else { "" };
                format!("The critical fault is {}: without it nothing fails{exact}.", one.fault)
            }
            many => {
                let numbers: Vec<String> = many.iter().map(|one| one.fault.to_string()).collect();
                format!("It takes the faults {} together.", listed(&numbers))
            }
        }
    }

    /// How likely the failure was, point by point.
    fn curve(&self) -> String {
        let names: Vec<(Instant, usize)> = self
            .report
            .outcome
            .faults
            .iter()
            .filter(|fault| fault.took_effect)
            .filter_map(|fault| Some((fault.at?, fault.number)))
            .collect();
        let forks = self.curve.first().map_or(0, |chance| chance.forks);
        let title = format!("When it became inevitable: {forks} other futures of each moment");
        let mut table = Table::new(&[
            ("at", Side::Right),
            ("fail alike", Side::Right),
            ("otherwise", Side::Right),
            ("", Side::Left),
            ("", Side::Left),
        ]);
        let mut before = Instant::ZERO;
        for chance in self.curve {
            let struck = names.iter().filter(|(at, _)| *at >= before && *at < chance.at);
            let struck: Vec<String> = struck.map(|(_, fault)| fault.to_string()).collect();
            let note = match &struck[..] {
                [] => String::new(),
                [one] => format!("after fault {one}"),
                many => format!("after faults {}", listed(many)),
            };
            let bar = (chance.same + chance.other) as usize * BAR / forks.max(1) as usize;
            table.row([
                words::instant(chance.at),
                chance.same.to_string(),
                chance.other.to_string(),
                format!("{}{}", "█".repeat(bar), "·".repeat(BAR - bar)),
                note,
            ]);
            before = chance.at;
        }
        let mut out = self.heading(&title);
        out.push_str(&table.render(2, self.report.paint));
        wrap(&self.verdict_of_fate(), 96).iter().for_each(|l| out.push_str(&format!("  {l}\n")));
        out
    }

    fn verdict_of_fate(&self) -> String {
        let all = |chance: &Chance| chance.same + chance.other == chance.forks;
        match fate::inevitable_from(self.curve) {
            Some(at) => {
                format!("From {} on every future that was tried fails.", words::instant(at))
            }
            None if self.curve.iter().all(all) => {
                "Every future fails, from the start: it does not take bad luck.".to_string()
            }
            None => "Up to the end there are futures that do not fail: it takes bad luck, too."
                .to_string(),
        }
    }

    fn heading(&self, text: &str) -> String {
        self.report.paint.text(Style::Bold, text) + "\n"
    }

    fn json(&self) -> String {
        let names = self.report.names();
        let chain = self.chain.links.iter().map(|link| Step {
            at_ns: link.at.nanos(),
            node: link.node.map(|node| names.node(node)),
            what: self.what(&names, &link.what),
            after: link.after.iter().map(|at| at + 1).collect(),
            message: link.by.as_ref().map(|letter| letter.name.clone()),
        });
        super::json(&Explained {
            violation: self.violation,
            chain: chain.collect(),
            faults: self.faults,
            without_any_fault: self.without_any,
            curve: self.curve,
            inevitable_from_ns: fate::inevitable_from(self.curve).map(Instant::nanos),
        })
    }
}

/// Columns of a bar of the curve.
const BAR: usize = 24;

fn ending(ending: Option<Ending>) -> (String, Style) {
    match ending {
        None => ("-".to_string(), Style::Dim),
        Some(Ending::Passes) => ("passes".to_string(), Style::Green),
        Some(Ending::Same) => ("fails alike".to_string(), Style::Plain),
        Some(Ending::Other(law)) => (format!("breaks {}", law.name()), Style::Yellow),
    }
}

/// `1, 2 and 4`.
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [many @ .., last] => format!("{} and {last}", many.join(", ")),
    }
}
