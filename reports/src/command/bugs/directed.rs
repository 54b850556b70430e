//! `bugs --directed`: each planted bug in the scenario that reaches it soon.

use stormglass_scenarios::bugs::hunt::{Hunt, HuntResult};
use stormglass_scenarios::bugs::{Bug, Checker};
use stormglass_scenarios::campaign::SharedLoader;
use stormglass_scenarios::catalog;
use stormglass_scenarios::problem::Problem;

use super::super::progress::Status;
use super::{BugsArgs, chosen};
use crate::cli::{Answer, Exit};
use crate::page::{Paint, Side, Style, Table, labelled};
use crate::words::plural;

/// Hunts for planted bugs.
///
/// # Errors
/// If there is none of a name, or a shipped scenario is not well.
pub(super) fn directed(args: &BugsArgs) -> Result<Answer, Problem> {
    let jobs = super::super::jobs(args.jobs);
    let loader: &SharedLoader<'_> = &|name| catalog::file(name);
    let status = Status::new();
    let mut hunts = Vec::new();
    for bug in chosen(&args.bugs)? {
        status.show(&format!("hunting for {}", bug.name));
        hunts.push((bug, bug.hunt(args.seeds.clone(), jobs, loader)?));
    }
    drop(status);
    let well = hunts.iter().all(|(bug, hunt)| is_well(bug, hunt));
    let exit = if well { Exit::Holds } else { Exit::Broken };
    if args.json {
        let hunts: Vec<&Hunt> = hunts.iter().map(|(_, hunt)| hunt).collect();
        return Ok(Answer { text: super::super::json(&hunts), exit });
    }
    Ok(Answer { text: matrix(&hunts, Paint::of_stdout()), exit })
}

/// Whether the right judge noticed, and no judge cries where there is nothing.
fn is_well(bug: &Bug, hunt: &Hunt) -> bool {
    let noticed = match hunt.result {
        HuntResult::Caught { .. } => true,
        HuntResult::Missed => bug.harmless.is_some(),
        HuntResult::CaughtByAnother { .. } | HuntResult::NotReached => false,
    };
    noticed && hunt.clean_passes
}

fn matrix(hunts: &[(&Bug, Hunt)], paint: Paint) -> String {
    let mut table = Table::new(&[
        ("planted bug", Side::Left),
        ("caught by", Side::Left),
        ("seeds", Side::Right),
        ("reached", Side::Right),
        ("clean engine", Side::Left),
    ]);
    for (bug, hunt) in hunts {
        let clean = match hunt.clean_passes {
            true => ("passes", Style::Plain),
            false => ("fails", Style::Red),
        };
        table.styled_row([
            (bug.name.to_string(), Style::Plain),
            result(bug, hunt),
            (hunt.seeds.to_string(), Style::Plain),
            (hunt.reached.to_string(), Style::Plain),
            (clean.0.to_string(), clean.1),
        ]);
    }
    let mut out = table.render(0, paint);
    out.push('\n');
    out.push_str(&sum(hunts));
    for (bug, hunt) in hunts {
        out.push('\n');
        let name = paint.text(Style::Bold, bug.name);
        out.push_str(&format!("{name}, {}\n", bug.source));
        out.push_str(&labelled("", bug.story, 2, 0, paint));
        out.push_str(&detail(bug, hunt, paint));
    }
    out
}

/// Who noticed; in red if that is not who should.
fn result(bug: &Bug, hunt: &Hunt) -> (String, Style) {
    match &hunt.result {
        HuntResult::Caught { by, .. } => (by.clone(), Style::Green),
        HuntResult::CaughtByAnother { by, .. } => (format!("another: {by}"), Style::Red),
        HuntResult::Missed if bug.harmless.is_some() => {
            ("nobody: harmless here".into(), Style::Yellow)
        }
        HuntResult::Missed => ("nobody".to_string(), Style::Red),
        HuntResult::NotReached => ("nobody: not reached".to_string(), Style::Red),
    }
}

/// How many were caught, in a line.
fn sum(hunts: &[(&Bug, Hunt)]) -> String {
    let count = |is: fn(&Bug, &Hunt) -> bool| hunts.iter().filter(|(b, h)| is(b, h)).count();
    let caught = count(|_, hunt| matches!(hunt.result, HuntResult::Caught { .. }));
    let harmless =
        count(|bug, hunt| bug.harmless.is_some() && matches!(hunt.result, HuntResult::Missed));
    let others = hunts.len() - caught - harmless;
    let clean = match count(|_, hunt| !hunt.clean_passes) {
        0 => "the clean engine passes the same seeds".to_string(),
        fails => format!("the clean engine fails in seeds of {fails}"),
    };
    format!(
        "{}: {caught} caught, {harmless} harmless here, {others} missed; {clean}\n",
        plural(hunts.len() as u64, "planted bug")
    )
}

/// What was said of it, and where.
fn detail(bug: &Bug, hunt: &Hunt, paint: Paint) -> String {
    let place = match bug.settings {
        [] => bug.scenario.to_string(),
        settings => format!("{} with {}", bug.scenario, settings.join(" ")),
    };
    let (label, text) = match &hunt.result {
        HuntResult::Caught { by, seed, sentence } => {
            (by.as_str(), format!("in seed {seed} of {place}: {sentence}"))
        }
        HuntResult::CaughtByAnother { by, seed, sentence } => {
            let due = expected(bug);
            (by.as_str(), format!("(not {due}) in seed {seed} of {place}: {sentence}"))
        }
        HuntResult::Missed => {
            let why = bug.harmless.map_or(String::new(), |why| format!(": {why}"));
            let noticed = format!("{} holds in {} seeds of {place}", expected(bug), hunt.seeds);
            ("not noticed", format!("{noticed}{why}"))
        }
        HuntResult::NotReached => ("not reached", format!("in {} seeds of {place}", hunt.seeds)),
    };
    labelled(label, &text, 2, label.len() + 2, paint)
}

/// The laws that are to notice, for people.
pub(super) fn expected(bug: &Bug) -> String {
    match bug.checker {
        Checker::Laws(laws) => laws.iter().map(|l| l.name()).collect::<Vec<_>>().join(" or "),
        Checker::CheckFork => "check-fork".to_string(),
    }
}
