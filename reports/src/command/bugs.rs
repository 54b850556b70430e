//! `bugs`: the matrix of planted bugs.

use std::io::IsTerminal;

use stormglass_scenarios::bugs::{ALL, Bug, Checker, Hunt, HuntResult};
use stormglass_scenarios::campaign::SharedLoader;
use stormglass_scenarios::catalog;
use stormglass_scenarios::problem::Problem;

use crate::cli::{Answer, BugsArgs, Exit};
use crate::page::{Paint, Side, Style, Table, labelled};

/// Hunts for every planted bug.
///
/// # Errors
/// If a shipped scenario is not well.
pub fn bugs(args: &BugsArgs) -> Result<Answer, Problem> {
    let jobs = super::jobs(args.jobs);
    let loader: &SharedLoader<'_> = &|name| catalog::file(name);
    let quiet = !std::io::stderr().is_terminal();
    let mut hunts = Vec::new();
    for bug in ALL {
        if !quiet {
            eprint!("\r\x1b[Khunting for {}", bug.name);
        }
        hunts.push((bug, bug.hunt(args.seeds.clone(), jobs, loader)?));
    }
    if !quiet {
        eprint!("\r\x1b[K");
    }
    let well = hunts.iter().all(|(_, hunt)| is_well(hunt));
    let exit = if well { Exit::Holds } else { Exit::Broken };
    if args.json {
        let hunts: Vec<&Hunt> = hunts.iter().map(|(_, hunt)| hunt).collect();
        return Ok(Answer { text: super::json(&hunts), exit });
    }
    Ok(Answer { text: matrix(&hunts, Paint::of_stdout()), exit })
}

/// Whether the right judge noticed, and no judge cries where there is nothing.
fn is_well(hunt: &Hunt) -> bool {
    matches!(hunt.result, HuntResult::Caught { .. }) && hunt.clean_passes
}

fn matrix(hunts: &[(&Bug, Hunt)], paint: Paint) -> String {
    let mut table = Table::new(&[
        ("planted bug", Side::Left),
        ("to be caught by", Side::Left),
        ("result", Side::Left),
        ("seeds", Side::Right),
        ("clean engine", Side::Left),
    ]);
    for (bug, hunt) in hunts {
        let style = if is_well(hunt) { Style::Green } else { Style::Red };
        let clean = if hunt.clean_passes { "passes" } else { "fails" };
        table.styled_row([
            (bug.name.to_string(), Style::Plain),
            (expected(bug), Style::Plain),
            (result(hunt).to_string(), style),
            (hunt.seeds.to_string(), Style::Plain),
            (clean.to_string(), if hunt.clean_passes { Style::Plain } else { Style::Red }),
        ]);
    }
    let mut out = table.render(0, paint);
    for (bug, hunt) in hunts {
        out.push('\n');
        out.push_str(&format!("{}: {}\n", paint.text(Style::Bold, bug.name), bug.story));
        if let HuntResult::Caught { by, seed, sentence }
        | HuntResult::CaughtByAnother { by, seed, sentence } = &hunt.result
        {
            let text = format!("in seed {seed} of {}: {sentence}", bug.scenario);
            out.push_str(&labelled(by, &text, 2, by.len() + 2, paint));
        }
    }
    out
}

fn expected(bug: &Bug) -> String {
    match bug.checker {
        Checker::Laws(laws) => laws.iter().map(|l| l.name()).collect::<Vec<_>>().join(" or "),
        Checker::CheckFork => "check-fork".to_string(),
    }
}

const fn result(hunt: &Hunt) -> &'static str {
    match &hunt.result {
        HuntResult::Caught { .. } => "caught",
        HuntResult::CaughtByAnother { .. } => "caught by another",
        HuntResult::Missed => "missed",
        HuntResult::NotReached => "not reached",
    }
}
