//! A campaign on a page: what held, what was disturbed and how, and each kind of failure once.

use std::collections::BTreeMap;

use stormglass_sim::time::Span;

use super::{Done, tally};
use crate::failure;
use crate::page::{Paint, Side, Style, Table, labelled, wrap};
use crate::summary::Report;
use crate::words::{self, count, percent, plural};

use tally::Tally;

#[cfg(test)]
mod tests;

/// Columns of the labels below a scenario's name.
const LABEL: usize = 14;
/// Columns of a bar that stands for all seeds.
const BAR: u64 = 16;

pub(super) fn page(done: &[Done], paint: Paint) -> String {
    let tallies: Vec<&Tally> = done.iter().map(|done| &done.tally).collect();
    let mut out = verdicts(&tallies, paint);
    for tally in tallies {
        out.push('\n');
        out.push_str(&scenario(tally, paint));
    }
    for done in done {
        for failure in &done.tally.failures {
            out.push('\n');
            out.push_str(&explained(done, failure, paint));
        }
    }
    out
}

/// One line a scenario.
fn verdicts(tallies: &[&Tally], paint: Paint) -> String {
    let mut table = Table::new(&[
        ("scenario", Side::Left),
        ("seeds", Side::Right),
        ("holds", Side::Right),
        ("broken", Side::Right),
        ("out of budget", Side::Right),
        ("vacuous", Side::Right),
        ("undecided", Side::Right),
        ("disturbed", Side::Right),
        ("faults (median)", Side::Right),
    ]);
    for tally in tallies {
        let style = |n: u64, style| if n > 0 { style } else { Style::Plain };
        let median = tally.effective_faults.median();
        table.styled_row([
            (tally.scenario.clone(), Style::Plain),
            (count(tally.runs), Style::Plain),
            (count(tally.holds), style(tally.holds, Style::Green)),
            (count(tally.broken), style(tally.broken, Style::Red)),
            (count(tally.out_of_budget), style(tally.out_of_budget, Style::Yellow)),
            (count(tally.vacuous), style(tally.vacuous, Style::Yellow)),
            (count(tally.undecided()), style(tally.undecided(), Style::Yellow)),
            (percent(tally.disturbed, tally.runs), Style::Plain),
            (median.map_or("-".to_string(), count), Style::Plain),
        ]);
    }
    table.render(0, paint)
}

/// What was done to a scenario, and what was seen.
fn scenario(tally: &Tally, paint: Paint) -> String {
    let mut out = format!("{}\n", paint.text(Style::Bold, &tally.scenario));
    let mut line = |label: &str, text: Option<String>| {
        if let Some(text) = text {
            out.push_str(&labelled(label, &text, 2, LABEL, paint));
        }
    };
    line("coordinators", coordinators(&tally.coordinators));
    if !tally.faults.is_empty() {
        line("faults", tally.effective_faults.words(" effective", count));
    }
    let time = |nanos| words::span(Span::nanos(nanos));
    if tally.leader_changes.max() > Some(0) {
        line("leaders", tally.leader_changes.words(" changes", count));
        line("leaderless", tally.leaderless_ns.words("", time));
    }
    if tally.asked > 0 {
        let (answered, asked) = (count(tally.answered), plural(tally.asked, "operation"));
        line("metadata", Some(format!("{answered} of {asked} of clients answered")));
    }
    if tally.suspicions > 0 {
        let wrong = percent(tally.wrong_suspicions, tally.suspicions);
        let all = plural(tally.suspicions, "suspicion");
        line(
            "suspected",
            Some(format!("{all}, {} of them wrong ({wrong})", count(tally.wrong_suspicions))),
        );
        line("detected", tally.detection_ns.words("", |nanos| format!("after {}", time(nanos))));
    }
    if tally.restored_checkpoints.max() > Some(0) {
        line("aborted", tally.aborted_checkpoints.words(" checkpoints", count));
        line("restored", tally.restored_checkpoints.words(" checkpoints", count));
    }
    if tally.with_duplicates > 0 {
        let share = percent(tally.with_duplicates, tally.runs);
        line("duplicates", Some(format!("in {} ({share})", plural(tally.with_duplicates, "run"))));
    }
    line("seen", Some(tally.seen()));
    line("never seen", Some(tally.never_seen()));
    for tally::Doubt { seeds, first_seed, cause, why, proofs, .. } in &tally.unjudged {
        let share = percent(*seeds, tally.runs);
        let runs = format!("{} ({share}) from seed {first_seed} on: {why}", plural(*seeds, "run"));
        line(cause.label(), Some(runs));
        proofs.iter().for_each(|proof| line("", Some(proof.clone())));
    }
    if !tally.drew.is_empty() {
        out.push('\n');
        out.push_str(&drew(tally, paint));
    }
    if !tally.faults.is_empty() {
        out.push('\n');
        out.push_str(&faults(tally, paint));
    }
    if !tally.coverage.is_empty() {
        out.push('\n');
        out.push_str(&tally.coverage.page(paint));
    }
    out
}

/// What seeds drew of the scenario's alternatives, and how each fared.
fn drew(tally: &Tally, paint: Paint) -> String {
    let mut table = Table::new(&[
        ("drawn", Side::Left),
        ("", Side::Left),
        ("seeds", Side::Right),
        ("holds", Side::Right),
        ("disturbed", Side::Right),
    ]);
    for (name, labels) in &tally.drew {
        for (at, (label, fared)) in labels.iter().enumerate() {
            let style = if fared.holds < fared.runs { Style::Red } else { Style::Plain };
            table.styled_row([
                (if at == 0 { name.clone() } else { String::new() }, Style::Plain),
                (label.clone(), Style::Plain),
                (count(fared.runs), Style::Plain),
                (count(fared.holds), style),
                (percent(fared.disturbed, fared.runs), Style::Plain),
            ]);
        }
    }
    table.render(2, paint)
}

/// How many seeds had how many coordinators, if that is worth saying.
fn coordinators(seeds: &BTreeMap<u16, u64>) -> Option<String> {
    let alone = seeds.keys().all(|coordinators| *coordinators == 1);
    if alone {
        return None;
    }
    let all: Vec<String> = seeds
        .iter()
        .enumerate()
        .map(|(at, (coordinators, seeds))| match at {
            0 => format!("{coordinators} in {}", plural(*seeds, "seed")),
            _ => format!("{coordinators} in {}", count(*seeds)),
        })
        .collect();
    Some(all.join(", "))
}

/// Of more kinds of faults nobody reads a table: what struck whom when is shown by phases.
const MOST_KINDS: usize = 60;

/// Each kind of fault, and in how many seeds it really hit something.
fn faults(tally: &Tally, paint: Paint) -> String {
    if tally.faults.len() > MOST_KINDS {
        let effective = tally.faults.values().filter(|strikes| strikes.effective > 0).count();
        let (all, effective) = (count(tally.faults.len() as u64), count(effective as u64));
        return format!("  {all} kinds of faults, of which {effective} took effect: see --json\n");
    }
    let mut table = Table::new(&[
        ("kind of fault, by seeds", Side::Left),
        ("planned", Side::Right),
        ("took effect", Side::Right),
        ("of all", Side::Right),
        ("", Side::Left),
    ]);
    for (kind, strikes) in &tally.faults {
        let style = if strikes.effective == 0 { Style::Yellow } else { Style::Plain };
        table.styled_row([
            (kind.clone(), Style::Plain),
            (count(strikes.planned), Style::Plain),
            (count(strikes.effective), style),
            (percent(strikes.effective, tally.runs), style),
            (bar(strikes.effective, tally.runs), Style::Dim),
        ]);
    }
    table.render(2, paint)
}

/// A share as a bar, to the eighth of a column.
fn bar(part: u64, whole: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (part * BAR * 8 + whole / 2) / whole.max(1);
    // What is there at all is to be seen.
    let eighths = if part > 0 { eighths.max(1) } else { 0 };
    let full = "█".repeat((eighths / 8) as usize);
    full + EIGHTHS[(eighths % 8) as usize]
}

/// The smallest run of a kind of failure.
fn explained(done: &Done, failure: &tally::Failure, paint: Paint) -> String {
    let tally::Failure { signature, seeds, seed, sentence, replay, .. } = failure;
    let which = format!(
        "{}, seed {seed}: {signature}; {} like it in {}",
        done.tally.scenario,
        plural(*seeds, "seed"),
        plural(done.tally.runs, "run")
    );
    let (heading, label) = (paint.text(Style::Bold, &which), paint.text(Style::Dim, "replay"));
    let told = match (&failure.outcome, &failure.of) {
        (Some(outcome), Some((scenario, topology))) => {
            let (repeat, shrunk, timeline) = (replay, failure.shrunk, false);
            let report = Report { scenario, topology, outcome, repeat, timeline, paint, shrunk };
            failure::page(&report)
        }
        _ => {
            let broken = paint.text(Style::Red, &format!("Broken: {}", signature.law));
            let lines = wrap(sentence, 96).into_iter().map(|line| format!("  {line}\n"));
            format!("{broken}\n{}", lines.collect::<String>())
        }
    };
    format!("{heading}\n{told}  {label}      {replay}\n")
}
