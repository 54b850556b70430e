//! The document: what people read without drawing anything.

use std::fmt::Write;

use stormglass_scenarios::chronicle::{CheckpointHistory, Chronicle, End};
use stormglass_scenarios::outcome::{FaultOutcome, Recovery};
use stormglass_sim::time::Instant;

use super::data::Data;
use crate::page::escaped;
use crate::summary::{PHASES, Report, phases};
use crate::words::{self, count, plural};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// The colours of the phases of an outage, as in the script.
const COLOURS: [&str; 5] = ["orange", "purple", "sky", "blue", "green"];
/// What the colours of the drawing mean; `thin` ones are lines.
const KEY: [(&str, &str); 12] = [
    ("vermillion", "a fault, as long as it lasts"),
    ("life", "a process is up"),
    ("orange", "detection; deployment"),
    ("purple", "decision"),
    ("sky", "restore; checkpoint; state on its way"),
    ("blue", "replay"),
    ("green", "catch-up"),
    ("yellow", "alignment"),
    ("green thin", "started, zombie gone"),
    ("vermillion thin", "suspected, failed"),
    ("purple thin", "leaders"),
    ("orange thin", "fenced, refused, thrown away"),
];

/// A run as a page. Its outcome needs a chronicle; with a story and a past there is more to see.
pub fn page(report: &Report<'_>) -> String {
    let empty = Chronicle::default();
    let chronicle = report.outcome.chronicle.as_ref().unwrap_or(&empty);
    let data = Data::new(report, chronicle);
    let title = format!("{}, seed {}", report.outcome.scenario, report.outcome.seed);
    let parts = [
        header(report),
        tiles(report),
        violations(report),
        stage(&data),
        faults(report, chronicle),
        outages(report),
        checkpoints(report, chronicle),
        went_through(report),
        plan(report),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{} - Stormglass</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{}\
         <footer>Written by Stormglass {}. This file needs no network.</footer>\n\
         <script type=\"application/json\" id=\"data\">{}</script>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        escaped(&title),
        parts.concat(),
        env!("CARGO_PKG_VERSION"),
        data.json(),
    )
}

fn header(report: &Report<'_>) -> String {
    let outcome = report.outcome;
    let (_, sentence) = report.sentence();
    let name = outcome.verdict.name();
    let drew: String =
        outcome.drew.iter().map(|(what, label)| format!(", {what} {label}")).collect();
    let bugs: String = outcome.bugs.iter().map(|bug| format!(", with {bug}")).collect();
    format!(
        "<header>\n<h1><span class=\"verdict {name}\">{}</span>: {}</h1>\n\
         <p>{}, seed <b>{}</b>{}, {}{}; ended after {} of virtual time. \
         <span class=\"soft\">Digest <code>{}</code></span></p>\n\
         <div class=\"command\"><code id=\"repeat\">{}</code>\
         <button id=\"copy\" type=\"button\">copy</button></div>\n</header>\n",
        name.replace('-', " "),
        escaped(&sentence),
        escaped(&outcome.scenario),
        outcome.seed,
        escaped(&drew),
        plural(outcome.coordinators.into(), "coordinator"),
        escaped(&bugs),
        words::instant(outcome.ended),
        outcome.digest,
        escaped(report.repeat),
    )
}

fn tiles(report: &Report<'_>) -> String {
    let outcome = report.outcome;
    let (flow, checkpoints) = (&outcome.flow, &outcome.checkpoints);
    let down: u64 = outcome.recoveries.iter().map(|outage| outage.total().as_nanos()).sum();
    let down = words::span(stormglass_sim::time::Span::nanos(down));
    let effective = outcome.effective_faults();
    let tiles = [
        (count(outcome.input.records), "records".to_string()),
        (
            format!("{}/s", words::thousandths(flow.records_per_second_milli)),
            format!("throughput; {} read again", count(flow.replayed)),
        ),
        (words::span(flow.latency.p50), format!("latency, p99 {}", words::span(flow.latency.p99))),
        (
            count(flow.max_lag),
            format!("records of lag at most, {} when calm", count(flow.calm_lag)),
        ),
        (
            format!("{effective} of {}", outcome.faults.len()),
            format!("faults took effect, {}", plural(outcome.recoveries.len() as u64, "outage")),
        ),
        (down, "of outages".to_string()),
        (
            format!("{} of {}", count(checkpoints.completed), count(checkpoints.triggered)),
            format!("checkpoints completed, p50 {}", words::span(checkpoints.duration.p50)),
        ),
    ];
    let tiles = tiles.map(|(number, what)| {
        format!("<div><b>{}</b><span>{}</span></div>", escaped(&number), escaped(&what))
    });
    format!("<section class=\"facts\" id=\"tiles\">{}</section>\n", tiles.concat())
}

fn violations(report: &Report<'_>) -> String {
    let names = report.names();
    let mut out = String::new();
    for violation in report.outcome.violations() {
        let events = violation.events.iter().map(|event| {
            let (node, words) = (names.node(event.node), names.observation(&event.what));
            let cells = [words::instant(event.at), node, words].map(|cell| escaped(&cell));
            format!("<tr><td class=\"n\">{}<td>{}<td>{}</tr>", cells[0], cells[1], cells[2])
        });
        let _ = writeln!(
            out,
            "<div class=\"broken-law\"><h3>{}</h3><p class=\"soft\">{}</p><p>At {}: {}</p>\
             <table><tbody>{}</tbody></table></div>",
            escaped(violation.law.name()),
            escaped(violation.law.statement()),
            words::instant(violation.at),
            escaped(&violation.sentence),
            events.collect::<String>(),
        );
    }
    match out.is_empty() {
        true => out,
        false => format!("<section id=\"broken\"><h2>Broken</h2>\n{out}</section>\n"),
    }
}

fn stage(data: &Data) -> String {
    let key = KEY.map(|(colour, what)| {
        let (colour, thin) = colour.split_once(' ').unwrap_or((colour, ""));
        format!("<span><i class=\"{thin}\" style=\"background:var(--{colour})\"></i>{what}</span>")
    });
    let left_out = match data.left_out {
        0 => String::new(),
        n => format!(
            "<p>{} of the most frequent kinds are left out.</p>",
            plural(n as u64, "observation")
        ),
    };
    format!(
        "<section id=\"timeline\"><h2>What happened<span class=\"soft\" id=\"range\"></span></h2>\n\
         <div class=\"bar\"><button id=\"in\" type=\"button\">zoom in</button>\
         <button id=\"out\" type=\"button\">zoom out</button>\
         <button id=\"all\" type=\"button\">whole run</button>\
         <button id=\"theme\" type=\"button\">light / dark</button>\
         <span class=\"soft\">drag to zoom, double-click to see all, Ctrl and wheel to zoom, Shift \
         and wheel to move</span></div>\n\
         <div class=\"stage\"><div><div class=\"drawn\">\
         <canvas id=\"drawing\" tabindex=\"0\" role=\"img\" aria-label=\"The run over time: \
         faults, outages, generations, checkpoints, a lane for each process, throughput, \
         latency and lag. The tables below have the same in words.\"></canvas>\
         <div id=\"tip\" role=\"status\"></div></div>\n<div class=\"key\">{}</div></div>\n\
         <aside id=\"panel\"><h3>Click on something</h3><p>An observation (a mark in a lane) \
         shows what led to it, message by message. A checkpoint shows what each task did for \
         it. Hovering explains.</p><p class=\"soft\">Faults are numbered as in the table. \
         Zoomed in far enough, marks become the signs of the timeline, and lanes show how each \
         task took part in a checkpoint.</p>{left_out}</aside></div></section>\n",
        key.concat(),
    )
}

/// A table with a heading in a section of its own; columns that begin with `#` are numbers.
fn table(id: &str, title: &str, note: &str, columns: &[&str], rows: &[String]) -> String {
    let heads = columns.iter().map(|name| match name.strip_prefix('#') {
        Some(name) => format!("<th class=\"n\">{name}"),
        None => format!("<th>{name}"),
    });
    format!(
        "<section id=\"{id}\"><h2>{title}<span class=\"soft\">{}</span></h2>\n\
         <div class=\"scroll\"><table><thead><tr>{}</tr></thead>\n\
         <tbody>{}</tbody></table></div></section>\n",
        escaped(note),
        heads.collect::<String>(),
        rows.concat(),
    )
}

/// A row that shows a time when it is clicked.
fn row(times: Option<(Instant, Instant)>, more: &str, cells: &[(bool, String)]) -> String {
    let times = times.map_or(String::new(), |(from, to)| {
        let micros = |at: Instant| at.nanos() / 1_000;
        format!(" data-from=\"{}\" data-to=\"{}\"{more}", micros(from), micros(to))
    });
    let cells = cells.iter().map(|(number, cell)| match number {
        true => format!("<td class=\"n\">{cell}"),
        false => format!("<td>{cell}"),
    });
    format!("<tr{times}>{}</tr>\n", cells.collect::<String>())
}

fn faults(report: &Report<'_>, chronicle: &Chronicle) -> String {
    let faults = &report.outcome.faults;
    if faults.is_empty() {
        return String::new();
    }
    let of = |fault: &FaultOutcome| {
        let band = chronicle.bands.iter().find(|band| band.fault == fault.number);
        let until = band.map(|band| band.until);
        let effect = match (fault.at, fault.took_effect, fault.messages_lost) {
            (None, ..) => "never struck".to_string(),
            (_, false, _) => "none".to_string(),
            (_, _, 0) => "yes".to_string(),
            (_, _, n) => format!("yes, {} hit", plural(n, "message")),
        };
        let at = fault.at.map_or("-".to_string(), words::instant);
        let cells = [
            (true, fault.number.to_string()),
            (true, at),
            (false, escaped(&fault.what)),
            (false, escaped(&fault.target)),
            (true, count(fault.in_flight)),
            (false, effect),
        ];
        row(fault.at.map(|at| (at, until.unwrap_or(at))), "", &cells)
    };
    let effective = report.outcome.effective_faults();
    let note = format!("{effective} of {} took effect", faults.len());
    let columns = ["##", "#at", "what", "to whom", "#records in flight", "effect"];
    let rows: Vec<String> = faults.iter().map(of).collect();
    table("faults", "Faults", &note, &columns, &rows)
}

fn outages(report: &Report<'_>) -> String {
    let outages = &report.outcome.recoveries;
    if outages.is_empty() {
        return String::new();
    }
    let longest = outages.iter().map(Recovery::total).max().unwrap_or_default();
    let of = |outage: &Recovery| {
        let bar: String = (phases(outage).iter().zip(PHASES).zip(COLOURS))
            .map(|((length, (name, _)), colour)| {
                let share = length.as_nanos() as f64 * 100.0 / longest.as_nanos().max(1) as f64;
                let title = format!("{name} {}", words::span(*length));
                let style = format!("width:{share:.2}%;background:var(--{colour})");
                format!("<i title=\"{title}\" style=\"{style}\"></i>")
            })
            .collect();
        let mut cells = vec![
            (true, outage.fault.map_or("-".to_string(), |fault| fault.to_string())),
            (false, escaped(&outage.suspected)),
            (false, outage.checkpoint.map_or("nothing".to_string(), |id| format!("chk{id}"))),
        ];
        cells.extend(phases(outage).map(|length| (true, words::span(length))));
        cells.push((true, words::span(outage.total())));
        cells.push((false, format!("<div class=\"phases\">{bar}</div>")));
        row(Some((outage.began, outage.began + outage.total())), "", &cells)
    };
    let columns = [
        "#fault",
        "suspected",
        "from",
        "#detection",
        "#decision",
        "#restore",
        "#replay",
        "#catch-up",
        "#total",
        "phases",
    ];
    let rows: Vec<String> = outages.iter().map(of).collect();
    let note = plural(outages.len() as u64, "outage");
    table("outages", "Recovered", &note, &columns, &rows)
}

fn checkpoints(report: &Report<'_>, chronicle: &Chronicle) -> String {
    let of = |history: &CheckpointHistory| {
        let end = history.end.map(|(at, _)| at);
        let took = end.map_or("-".to_string(), |at| words::span(at.since(history.triggered)));
        let (became, bytes) = match history.end {
            Some((_, End::Completed { bytes })) => ("complete".to_string(), words::bytes(bytes)),
            Some((_, End::Aborted(reason))) => (
                format!("<span class=\"aborted\">{}</span>", words::abort(reason)),
                "-".to_string(),
            ),
            None => ("not over".to_string(), "-".to_string()),
        };
        let acked = history.parts.iter().filter(|part| part.acked.is_some()).count();
        let slowest = history.parts.iter().filter_map(|part| part.acked.zip(Some(part.task))).max();
        let slowest = slowest.map_or("-".to_string(), |(_, task)| report.topology.task_name(task));
        let cells = [
            (true, history.checkpoint.0.to_string()),
            (false, history.kind.name().to_string()),
            (true, history.generation.0.to_string()),
            (true, words::instant(history.triggered)),
            (true, took),
            (false, became),
            (true, bytes),
            (true, acked.to_string()),
            (false, escaped(&slowest)),
        ];
        let id = format!(" data-checkpoint=\"{}\"", history.checkpoint.0);
        row(Some((history.triggered, end.unwrap_or(report.outcome.ended))), &id, &cells)
    };
    if chronicle.checkpoints.is_empty() {
        return String::new();
    }
    let facts = &report.outcome.checkpoints;
    let note = format!("{} completed of {}", count(facts.completed), count(facts.triggered));
    let columns = [
        "#id",
        "kind",
        "#generation",
        "#triggered",
        "#took",
        "became",
        "#size",
        "#acknowledged",
        "slowest",
    ];
    let rows: Vec<String> = chronicle.checkpoints.iter().map(of).collect();
    table("checkpoints", "Checkpoints", &note, &columns, &rows)
}

fn went_through(report: &Report<'_>) -> String {
    let rows: Vec<String> = report
        .went_through()
        .iter()
        .map(|(label, text)| {
            format!(
                "<tr><td class=\"soft\">{label}<td style=\"white-space:normal\">{}</tr>\n",
                escaped(text)
            )
        })
        .collect();
    table("flow", "Went through", "", &["", ""], &rows)
}

fn plan(report: &Report<'_>) -> String {
    let plan = escaped(&report.outcome.plan.to_json());
    format!("<details id=\"plan\"><summary>Plan</summary><pre>{plan}</pre></details>\n")
}
