//! Why a run is broken, in one paragraph: the law, the sentence, the few events that matter, how
//! much was disturbed and every option. The command to type comes last, at the end of the page.

use stormglass_scenarios::judge::law::Violation;

use crate::page::{Style, labelled, wrap};
use crate::summary::Report;
use crate::words::{self, plural};

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
    out.push_str(&line("scenario", &outcome.scenario));
    let settings = report.scenario.origin.written().map_or(&[][..], |(_, settings)| settings);
    if !settings.is_empty() {
        out.push_str(&line("settings", &settings.join(", ")));
    }
    for (name, times) in &outcome.reached {
        out.push_str(&line("planted", &format!("{name}, reached {}", plural(*times, "time"))));
    }
    out
}
