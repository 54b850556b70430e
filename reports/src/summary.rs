//! One run on one page: the verdict, what was disturbed, how it recovered, what went through, and
//! how to see it again.

use stormglass_engine::topology::Topology;
use stormglass_scenarios::budget::Proof;
use stormglass_scenarios::outcome::{
    Cause, DuplicateFacts, FaultOutcome, Outcome, Quantiles, Recovery, Unjudged, Verdict,
};
use stormglass_scenarios::places::Places;
use stormglass_scenarios::plan::PlannedOperation;
use stormglass_scenarios::scenario::{Guarantee, Scenario};
use stormglass_scenarios::shrink::Shrinkage;
use stormglass_sim::time::Span;

use crate::page::{Paint, Side, Style, Table, WIDTH, labelled, wrap};
use crate::words::{self, Names, count, plural};
use crate::{failure, spark, timeline};

#[cfg(test)]
mod tests;

/// The sink to which rows go that cannot be read.
const DEAD_LETTERS: &str = "dead-letters";
/// Columns of the bar of an outage.
const BAR: usize = 44;
/// The five phases, each with its sign in the bar.
pub const PHASES: [(&str, char); 5] =
    [("detection", '░'), ("decision", '▒'), ("restore", '▓'), ("replay", '█'), ("catch-up", '▄')];

/// A run to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What was run.
    pub scenario: &'a Scenario,
    /// Its topology.
    pub topology: &'a Topology,
    /// What came of it.
    pub outcome: &'a Outcome,
    /// The command that shows it again.
    pub repeat: &'a str,
    /// Whether to show the timeline.
    pub timeline: bool,
    /// Colours.
    pub paint: Paint,
    /// How far it was shrunk, if it was.
    pub shrunk: Option<Shrinkage>,
}

impl Report<'_> {
    /// Who is who.
    pub fn names(&self) -> Names<'_> {
        Names { places: Places::new(self.scenario), topology: self.topology }
    }

    /// The page.
    pub fn page(&self) -> String {
        let parts = [
            self.headline(),
            self.gone(),
            self.disturbed(),
            self.asked(),
            self.recovered(),
            self.flow(),
            spark::page(self),
            if self.timeline { timeline::page(self) } else { String::new() },
            if self.outcome.violations().is_empty() { String::new() } else { failure::page(self) },
            self.tail(),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n")
    }

    /// What the judges say, in a sentence.
    pub fn sentence(&self) -> (Style, String) {
        let Outcome { verdict, input, .. } = self.outcome;
        match verdict {
            Verdict::Holds => {
                let records = count(input.records);
                let claim = self.scenario.guarantee.name();
                let found = match self.scenario.guarantee {
                    Guarantee::ExactlyOnce => "equal to the oracle",
                    Guarantee::AtLeastOnce => "none of them lost",
                };
                (Style::Green, format!("{claim}, {records} records checked one by one, {found}"))
            }
            Verdict::Broken { violations } => {
                let laws: Vec<&str> = violations.iter().map(|v| v.law.name()).collect();
                (Style::Red, laws.join(", "))
            }
            Verdict::CouldNotJudge(Unjudged { cause: Cause::OutOfBudget, why, .. }) => {
                (Style::Yellow, format!("out of budget: {why}"))
            }
            Verdict::CouldNotJudge(unjudged) => (Style::Yellow, unjudged.why.clone()),
        }
    }

    fn headline(&self) -> String {
        let Outcome { scenario, seed, verdict, .. } = self.outcome;
        let (style, sentence) = self.sentence();
        let name = match verdict {
            Verdict::Holds => "holds",
            Verdict::Broken { .. } => "broken",
            Verdict::CouldNotJudge(_) => "could not judge",
        };
        let mut out = String::new();
        for (number, line) in wrap(&format!("{name}: {sentence}"), WIDTH - 2).iter().enumerate() {
            let line = match (number, line.strip_prefix(name)) {
                (0, Some(rest)) => self.paint.text(style, name) + rest,
                _ => format!("  {line}"),
            };
            out.push_str(&line);
            out.push('\n');
        }
        let ended = words::instant(self.outcome.ended);
        let coordinators = match self.outcome.coordinators {
            1 => String::new(),
            n => format!(", {n} coordinators"),
        };
        out + &format!(
            "{scenario}, seed {seed}{coordinators}, ended after {ended} of virtual time\n"
        )
    }

    /// What is gone for good, and beyond what is promised.
    fn gone(&self) -> String {
        let proofs = self.outcome.unjudged().map_or(&[][..], |unjudged| &unjudged.proofs);
        let lines: Vec<String> = proofs.iter().map(Proof::to_string).collect();
        match lines.is_empty() {
            true => String::new(),
            false => proofs_under(&self.heading("Gone for good"), &lines, self.paint),
        }
    }

    /// What was done to it.
    pub(crate) fn disturbed(&self) -> String {
        let faults = &self.outcome.faults;
        if faults.is_empty() {
            return self.heading("Not disturbed: the plan has no faults");
        }
        let effective = self.outcome.effective_faults();
        let mut out = self.heading(&format!(
            "Disturbed: {effective} of {} took effect",
            plural(faults.len() as u64, "fault")
        ));
        let mut table = Table::new(&[
            ("#", Side::Right),
            ("at", Side::Right),
            ("what", Side::Left),
            ("to whom", Side::Left),
            ("records in flight", Side::Right),
            ("effect", Side::Left),
        ]);
        for fault in faults {
            table.styled_row(fault_row(fault));
        }
        out.push_str(&table.render(2, self.paint));
        out
    }

    /// What was asked of it.
    pub(crate) fn asked(&self) -> String {
        let operations = &self.outcome.plan.operations;
        if operations.is_empty() {
            return String::new();
        }
        let number = plural(operations.len() as u64, "operation");
        let mut out = self.heading(&format!("Asked of it: {number}"));
        let mut table = Table::new(&[("at", Side::Right), ("what", Side::Left)]);
        for PlannedOperation { at, operation, .. } in operations {
            table.row([words::instant(*at), operation.words()]);
        }
        out.push_str(&table.render(2, self.paint));
        out
    }

    fn recovered(&self) -> String {
        let recoveries = &self.outcome.recoveries;
        if recoveries.is_empty() {
            return String::new();
        }
        let outages = plural(recoveries.len() as u64, "outage");
        let mut out = self.heading(&format!("Recovered: {outages}"));
        let mut columns = vec![("fault", Side::Right), ("suspected", Side::Left)];
        columns.push(("from", Side::Left));
        columns.extend(PHASES.map(|(name, _)| (name, Side::Right)));
        columns.push(("total", Side::Right));
        let mut table = Table::new(&columns);
        for recovery in recoveries {
            table.row(recovery_row(recovery));
        }
        out.push_str(&table.render(2, self.paint));
        out + "\n" + &self.bars()
    }

    /// One bar an outage, drawn to the scale of the longest.
    fn bars(&self) -> String {
        let recoveries = &self.outcome.recoveries;
        let longest = recoveries.iter().map(Recovery::total).max().unwrap_or_default();
        let mut out = String::new();
        for recovery in recoveries {
            let fault = recovery.fault.map_or("-".to_string(), |fault| fault.to_string());
            let cut = if recovery.interrupted { ", cut short" } else { "" };
            let bar = bar(&phases(recovery), longest);
            let why = recovery.suspected.split_once(": ").map_or("", |(_, why)| why);
            out.push_str(&format!("  {fault:>5}  {bar} {why}{cut}\n"));
        }
        let legend: Vec<String> =
            PHASES.iter().map(|(name, sign)| format!("{sign} {name}")).collect();
        out + &format!("         {}\n", self.paint.text(Style::Dim, &legend.join("   ")))
    }

    fn flow(&self) -> String {
        let lines = self.went_through();
        let lines = lines.iter().map(|(label, text)| labelled(label, text, 2, 14, self.paint));
        self.heading("Went through") + &lines.collect::<String>()
    }

    /// What went through, by labels; what has none goes on with the one before.
    pub fn went_through(&self) -> Vec<(&'static str, String)> {
        let Outcome { input, flow, checkpoints, .. } = self.outcome;
        let mut lines = Vec::new();
        let mut line = |label: &'static str, text: String| lines.push((label, text));
        line(
            "input",
            format!(
                "{} in {}, {}",
                plural(input.records, "record"),
                words::span(input.duration),
                plural(input.partitions.into(), "partition")
            ),
        );
        line(
            "throughput",
            format!(
                "{} records/s; {} records read, {} of them again; {} tuple hops",
                words::thousandths(flow.records_per_second_milli),
                count(flow.read),
                count(flow.replayed),
                count(flow.hops)
            ),
        );
        line("latency", quantiles(&flow.latency, "from arrival to visible"));
        line(
            "lag",
            format!(
                "at most {}, when calm {}",
                plural(flow.max_lag, "record"),
                count(flow.calm_lag)
            ),
        );
        let aborted: u64 = checkpoints.aborted.values().sum();
        let reasons = checkpoints.aborted.iter().map(|(why, n)| format!("{} {why}", count(*n)));
        let reasons = reasons.collect::<Vec<_>>().join(", ");
        let reasons = if reasons.is_empty() { reasons } else { format!(" ({reasons})") };
        line(
            "checkpoints",
            format!(
                "{} completed of {}, {} aborted{reasons}; the last holds {}",
                count(checkpoints.completed),
                count(checkpoints.triggered),
                count(aborted),
                words::bytes(checkpoints.last_bytes)
            ),
        );
        line("", quantiles(&checkpoints.duration, "from trigger to completion"));
        if let Some(last) = checkpoints.intervals.last() {
            let changes = plural(checkpoints.intervals.len() as u64, "change");
            line("", format!("{} apart at the end, after {changes}", words::span(last.interval)));
        }
        line("useful work", self.useful_work());
        line("published", self.published());
        self.duplicates(&mut line);
        self.metadata(&mut line);
        self.dead_letters(&mut line);
        line("rare events", nonzero(&self.outcome.probes));
        if !self.outcome.rare_events.is_empty() {
            line("provoked", nonzero(&self.outcome.rare_events));
        }
        lines
    }

    fn useful_work(&self) -> String {
        let work = &self.outcome.useful_work;
        format!(
            "{} % of the time of {} while faults strike: {} of {}",
            words::thousandths(work.ppm / 10),
            work.component,
            words::span(work.useful),
            words::span(work.available)
        )
    }

    fn published(&self) -> String {
        let sinks = self.outcome.published.iter().filter(|(name, _)| *name != DEAD_LETTERS);
        let sinks: Vec<String> =
            sinks.map(|(name, n)| format!("{} by {name}", plural(*n, "output"))).collect();
        sinks.join(", ")
    }

    /// What took effect more than once, where the claim allows it.
    fn duplicates(&self, line: &mut impl FnMut(&'static str, String)) {
        let DuplicateFacts { updates, outputs } = self.outcome.duplicates;
        if self.scenario.guarantee == Guarantee::AtLeastOnce {
            let (updates, outputs) = (plural(updates, "update"), plural(outputs, "output"));
            line("duplicates", format!("{updates} of state, {outputs}"));
        }
    }

    /// Who led and how clients of the metadata fared, where there is something to tell.
    fn metadata(&self, line: &mut impl FnMut(&'static str, String)) {
        let Outcome { leaders, detection, .. } = self.outcome;
        if self.outcome.coordinators > 1 {
            let elections = plural(leaders.elections, "election");
            let changes = plural(leaders.changes, "change");
            line("leaders", format!("{changes} after the first, {elections}"));
            if leaders.leaderless.count > 0 {
                line("", quantiles(&leaders.leaderless, "from the loss of one to a new commit"));
            }
        }
        if leaders.operations > 0 {
            let (answered, asked) =
                (count(leaders.answered), plural(leaders.operations, "operation"));
            line("metadata", format!("{answered} of {asked} of clients answered"));
            line("", quantiles(&leaders.response, "from question to answer"));
        }
        if detection.suspicions > 0 {
            let suspicions = plural(detection.suspicions, "suspicion");
            line("suspected", format!("{suspicions}, {} of them wrong", count(detection.wrong)));
            if detection.delay.count > 0 {
                line("", quantiles(&detection.delay, "from the fault to suspicion"));
            }
        }
    }

    fn dead_letters(&self, line: &mut impl FnMut(&'static str, String)) {
        if let Some(&letters) = self.outcome.published.get(DEAD_LETTERS) {
            let text = match letters {
                0 => "none: every record could be read".to_string(),
                n => format!("{} could not be read", plural(n, "record")),
            };
            line("dead letters", text);
        }
    }

    /// How to see it again.
    pub(crate) fn tail(&self) -> String {
        let mut out = labelled("digest", &self.outcome.digest.to_string(), 0, 8, self.paint);
        out.push_str(&labelled("seed", &self.outcome.seed.to_string(), 0, 8, self.paint));
        // Never broken into lines: it is there to be copied.
        let repeat = if self.outcome.violations().is_empty() { "again" } else { "replay" };
        out + &format!("{}{}\n", self.paint.text(Style::Dim, &format!("{repeat:<8}")), self.repeat)
    }

    /// The heading of a part.
    pub fn heading(&self, text: &str) -> String {
        self.paint.text(Style::Bold, text) + "\n"
    }
}

fn proofs_under(heading: &str, lines: &[String], paint: Paint) -> String {
    let lines = (1..).zip(lines);
    let lines = lines.map(|(number, line)| labelled(&number.to_string(), line, 2, 3, paint));
    heading.to_string() + &lines.collect::<String>()
}

fn fault_row(fault: &FaultOutcome) -> [(String, Style); 6] {
    let struck = fault.at.is_some();
    let effect = match (struck, fault.took_effect, fault.messages_lost) {
        (false, ..) => "never struck".to_string(),
        (true, false, _) => "none".to_string(),
        (true, true, 0) => "yes".to_string(),
        (true, true, lost) => format!("yes, {} hit", plural(lost, "message")),
    };
    let style = if fault.took_effect { Style::Plain } else { Style::Yellow };
    let plain = |text: String| (text, Style::Plain);
    [
        plain(fault.number.to_string()),
        plain(fault.at.map_or("-".to_string(), words::instant)),
        plain(fault.what.clone()),
        plain(fault.target.clone()),
        plain(if struck { count(fault.in_flight) } else { "-".to_string() }),
        (effect, style),
    ]
}

/// The lengths of an outage's phases.
pub fn phases(recovery: &Recovery) -> [Span; 5] {
    let Recovery { detection, decision, restore, replay, catch_up, .. } = *recovery;
    [detection, decision, restore, replay, catch_up]
}

fn recovery_row(recovery: &Recovery) -> Vec<String> {
    let from = recovery.checkpoint.map_or("nothing".to_string(), |id| format!("chk{id}"));
    let mut row = vec![
        recovery.fault.map_or("-".to_string(), |fault| fault.to_string()),
        recovery.suspected.split(": ").next().unwrap_or_default().to_string(),
        from,
    ];
    row.extend(phases(recovery).map(words::span));
    row.push(words::span(recovery.total()));
    row
}

/// Parts of a whole as signs: each is rounded so that the parts end where they should.
pub fn bar(parts: &[Span; 5], whole: Span) -> String {
    let mut out = String::new();
    let (mut end, mut drawn) = (0u128, 0);
    for (part, (_, sign)) in parts.iter().zip(PHASES) {
        end += u128::from(part.as_nanos());
        let whole = u128::from(whole.as_nanos().max(1));
        let upto = ((end * BAR as u128 + whole / 2) / whole) as usize;
        out.extend(std::iter::repeat_n(sign, upto - drawn));
        drawn = upto;
    }
    out
}

fn quantiles(of: &Quantiles, what: &str) -> String {
    let Quantiles { count, p50, p95, p99, max } = *of;
    if count == 0 {
        return format!("none {what}");
    }
    let [p50, p95, p99, max] = [p50, p95, p99, max].map(words::span);
    format!("p50 {p50}, p95 {p95}, p99 {p99}, max {max} {what}")
}

/// What happened at all, with how often.
fn nonzero(counts: &[(&'static str, u64)]) -> String {
    let hit = counts.iter().filter(|(_, times)| *times > 0);
    let hit: Vec<String> = hit.map(|(name, times)| format!("{name} {}", count(*times))).collect();
    if hit.is_empty() { "none".to_string() } else { hit.join(", ") }
}
