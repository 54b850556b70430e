//! Why a run is broken, in one paragraph: the law, the sentence, the few events that matter, how
//! much was disturbed and every option. The command to type comes last, at the end of the page.

use stormglass_scenarios::judge::law::Violation;
use stormglass_scenarios::shrink::{Shrinkage, Size};

use crate::page::{Style, labelled, wrap};
use crate::summary::Report;
use crate::words::{self, count, plural};

/// As many events of a violation are shown, the last ones.
const EVENTS: usize = 12;

/// The paragraph.
pub fn page(report: &Report<'_>) -> String {
    let [first, rest @ ..] = report.outcome.violations() else { return String::new() };
    let paint = report.paint;
    let law = first.law;
    let mut out = paint.text(Style::Red, &format!("Broken: {}", law.name())) + "\n";
    wrap(law.statement(), 96).iter().for_each(|line| out.push_str(&format!("  {line}\n")));
    out.push('\n');
    let sentence = format!("At {}: {}", words::instant(first.at), first.sentence);
    wrap(&sentence, 96).iter().for_each(|line| out.push_str(&format!("  {line}\n")));
    out.push_str(&events(report, first));
    out.push('\n');
    for (number, other) in rest.iter().enumerate() {
        let label = if number == 0 { "then broke" } else { "" };
        let text = format!("{}: {}", other.law.name(), other.sentence);
        out.push_str(&labelled(label, &text, 2, 12, paint));
    }
    out.push_str(&options(report));
    out
}

/// The events that matter, aligned.
fn events(report: &Report<'_>, violation: &Violation) -> String {
    let names = report.names();
    let skipped = violation.events.len().saturating_sub(EVENTS);
    let shown = &violation.events[skipped..];
    let mut out = String::new();
    if !shown.is_empty() {
        out.push('\n');
    }
    if skipped > 0 {
        out.push_str(&format!("    ({} before these)\n", plural(skipped as u64, "event")));
    }
    let width = |texts: &dyn Fn(usize) -> String| (0..shown.len()).map(|n| texts(n).len()).max();
    let at = |n: usize| words::instant(shown[n].at);
    let who = |n: usize| names.node(shown[n].node);
    let (at_width, who_width) = (width(&at).unwrap_or(0), width(&who).unwrap_or(0));
    for (number, event) in shown.iter().enumerate() {
        let what = names.observation(&event.what);
        let (at, who) = (at(number), who(number));
        let what = what.strip_prefix(&format!("{who} ")).unwrap_or(&what);
        out.push_str(&format!("    {at:>at_width$}  {who:<who_width$}  {what}\n"));
    }
    out
}

/// Everything that was chosen.
fn options(report: &Report<'_>) -> String {
    let outcome = report.outcome;
    let line = |label: &str, text: &str| labelled(label, text, 2, 12, report.paint);
    let faults = plural(outcome.faults.len() as u64, "fault");
    let mut out =
        line("disturbed", &format!("{} of {faults} took effect", outcome.effective_faults()));
    if let Some(shrinkage) = &report.shrunk {
        out.push_str(&line("shrunk", &shrunk(shrinkage)));
    }
    out.push_str(&line("scenario", &outcome.scenario));
    let settings = report.scenario.origin.written().map_or(&[][..], |(_, settings)| settings);
    if !settings.is_empty() {
        out.push_str(&line("settings", &settings.join(", ")));
    }
    for (name, times) in &outcome.reached {
        out.push_str(&line("planted", &format!("{name}, reached {}", plural(*times, "time"))));
    }
    if !outcome.rare_events.is_empty() {
        let events = outcome.rare_events.iter();
        let events: Vec<String> =
            events.map(|(name, times)| format!("{name} {}", count(*times))).collect();
        out.push_str(&line("provoked", &events.join(", ")));
    }
    out
}

/// How far a case was shrunk: `21 faults to 2, 60,000 records to 4,000, in 143 runs`.
pub fn shrunk(shrinkage: &Shrinkage) -> String {
    let Shrinkage { runs, before, after, ended_early } = shrinkage;
    type Part = (&'static str, fn(&Size) -> u64);
    let sizes: [Part; 7] = [
        ("fault", |size| size.faults),
        ("record", |size| size.records),
        ("machine", |size| size.machines),
        ("task", |size| size.tasks),
        ("operation", |size| size.operations),
        ("rare event", |size| size.rare_events),
        ("planted bug", |size| size.bugs),
    ];
    let mut parts: Vec<String> = (sizes.iter())
        .map(|(name, of)| (name, of(before), of(after)))
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| format!("{} to {}", plural(before, name), count(after)))
        .collect();
    if parts.is_empty() {
        parts.push("nothing could be left out".to_string());
    }
    let early = if *ended_early { ", and no more were allowed" } else { "" };
    format!("{}, in {}{early}", parts.join(", "), plural(*runs, "run"))
}
