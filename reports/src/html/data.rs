//! What a page draws, as compact JSON. Times are whole microseconds since the start of the run,
//! processes and tasks are places in their lists, and what has no time has -1.

use std::collections::BTreeMap;

use serde::Serialize;
use stormglass_engine::ids::TaskId;
use stormglass_scenarios::chronicle::{self, Chronicle, End, Series};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

use super::causes::Events;
use crate::summary::Report;
use crate::timeline::{self, Told};
use crate::words;

/// As many observations are shown at most; kinds that there are too many of are thinned out.
const SHOWN: usize = 20_000;

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Data {
    end: u64,
    nodes: Vec<String>,
    tasks: Vec<String>,
    lives: Vec<Life>,
    faults: Vec<Fault>,
    bands: Vec<Band>,
    recoveries: Vec<Recovery>,
    violations: Vec<Violated>,
    generations: Vec<Generation>,
    checkpoints: Vec<Checkpoint>,
    series: Columns,
    story: Story,
    events: Events,
    /// Observations that are left out.
    #[serde(skip)]
    pub(super) left_out: usize,
}

#[derive(Debug, Serialize)]
struct Life {
    node: i32,
    life: u32,
    from: u64,
    until: i64,
}

#[derive(Debug, Serialize)]
struct Fault {
    number: usize,
    at: i64,
    what: String,
    target: String,
    effective: bool,
    effect: String,
}

#[derive(Debug, Serialize)]
struct Band {
    fault: usize,
    node: i32,
    from: u64,
    until: u64,
}

#[derive(Debug, Serialize)]
struct Recovery {
    title: String,
    began: u64,
    phases: [u64; 5],
}

/// A law that was found broken.
#[derive(Debug, Serialize)]
struct Violated {
    at: u64,
    law: &'static str,
}

#[derive(Debug, Serialize)]
struct Generation {
    id: u32,
    granted: u64,
    running: i64,
    restore: i64,
    /// The process of each task.
    tasks: Vec<i32>,
}

#[derive(Debug, Serialize)]
struct Checkpoint {
    id: u32,
    kind: &'static str,
    generation: u32,
    triggered: u64,
    ended: i64,
    /// Why it was given up; empty if it was not.
    reason: &'static str,
    bytes: u64,
    /// For each task: its place, six times since the trigger, and bytes.
    parts: Vec<[i64; 8]>,
}

#[derive(Debug, Default, Serialize)]
struct Columns {
    width: u64,
    arrived: Vec<u64>,
    read: Vec<u64>,
    again: Vec<u64>,
    visible: Vec<u64>,
    p50: Vec<u64>,
    p99: Vec<u64>,
    lag: Vec<u64>,
}

/// Observations in columns, in the order of time.
#[derive(Debug, Default, Serialize)]
struct Story {
    /// When, each less the one before.
    t: Vec<u64>,
    n: Vec<i32>,
    /// Signs, as in the timeline.
    s: String,
    w: Vec<String>,
    /// Places of their events.
    e: Vec<i64>,
}

/// All tasks, in order.
fn tasks(report: &Report<'_>) -> impl Iterator<Item = TaskId> + use<> {
    (1..=report.topology.tasks()).map(TaskId)
}

const fn micros(at: Instant) -> u64 {
    at.nanos() / 1_000
}

fn maybe(at: Option<Instant>) -> i64 {
    at.map_or(-1, |at| micros(at) as i64)
}

/// Places of processes in the page's list.
struct Lanes(BTreeMap<NodeId, i32>);

impl Lanes {
    fn place(&self, node: NodeId) -> i32 {
        self.0.get(&node).copied().unwrap_or(-1)
    }
}

impl Data {
    /// Gathers it.
    pub(super) fn new(report: &Report<'_>, chronicle: &Chronicle) -> Data {
        let (outcome, names) = (report.outcome, report.names());
        let told = timeline::told(report);
        let nodes = timeline::columns(&names.places, &told);
        let lanes = Lanes((0..).zip(&nodes).map(|(at, node)| (*node, at)).collect());
        let shown = thinned(&told, SHOWN);
        let observed = || shown.iter().filter_map(|told| told.event);
        let events = match &outcome.past {
            Some(past) => Events::behind(past, observed(), |node| lanes.place(node)),
            None => Events::default(),
        };
        Data {
            end: micros(outcome.ended),
            nodes: nodes.iter().map(|node| names.node(*node)).collect(),
            tasks: tasks(report).map(|task| names.topology.task_name(task)).collect(),
            lives: chronicle.lives.iter().map(|life| lanes.life(life)).collect(),
            faults: outcome.faults.iter().map(fault).collect(),
            bands: chronicle.bands.iter().map(|band| lanes.band(band)).collect(),
            recoveries: outcome.recoveries.iter().map(recovery).collect(),
            violations: (outcome.violations().iter())
                .map(|violation| Violated { at: micros(violation.at), law: violation.law.name() })
                .collect(),
            generations: (chronicle.generations.iter())
                .map(|generation| lanes.generation(report, generation))
                .collect(),
            checkpoints: chronicle.checkpoints.iter().map(checkpoint).collect(),
            series: columns(&chronicle.series),
            story: story(&shown, &lanes, &events),
            left_out: told.len() - shown.len(),
            events,
        }
    }

    /// As text that can stand inside of a script element.
    pub(super) fn json(&self) -> String {
        let json = serde_json::to_string(self).expect("it is plain data");
        json.replace("</", "<\\/").replace("<!--", "<\\u0021--")
    }
}

impl Lanes {
    fn life(&self, life: &chronicle::Life) -> Life {
        let chronicle::Life { node, incarnation, from, until } = *life;
        Life { node: self.place(node), life: incarnation, from: micros(from), until: maybe(until) }
    }

    fn band(&self, band: &chronicle::Band) -> Band {
        let chronicle::Band { fault, node, from, until } = *band;
        Band { fault, node: self.place(node), from: micros(from), until: micros(until) }
    }

    fn generation(
        &self,
        report: &Report<'_>,
        generation: &chronicle::GenerationHistory,
    ) -> Generation {
        let of: BTreeMap<_, _> = generation.tasks.iter().copied().collect();
        let place = |task| of.get(&task).map_or(-1, |node| self.place(*node));
        Generation {
            id: generation.generation.0,
            granted: micros(generation.granted),
            running: maybe(generation.running),
            restore: generation.restore.map_or(-1, |id| id.0.into()),
            tasks: tasks(report).map(place).collect(),
        }
    }
}

fn fault(fault: &stormglass_scenarios::outcome::FaultOutcome) -> Fault {
    let effect = match (fault.at, fault.took_effect) {
        (None, _) => "it never struck".to_string(),
        (_, false) => "it had no effect".to_string(),
        (_, true) => {
            let mut words = format!("{} in flight", words::plural(fault.in_flight, "record"));
            if fault.messages_lost > 0 {
                words += &format!(", {} hit", words::plural(fault.messages_lost, "message"));
            }
            words
        }
    };
    Fault {
        number: fault.number,
        at: maybe(fault.at),
        what: fault.what.clone(),
        target: fault.target.clone(),
        effective: fault.took_effect,
        effect,
    }
}

fn recovery(recovery: &stormglass_scenarios::outcome::Recovery) -> Recovery {
    let cut = if recovery.interrupted { ", cut short" } else { "" };
    let total = words::span(recovery.total());
    Recovery {
        title: format!("outage of {total}{cut}: {} suspected", recovery.suspected),
        began: micros(recovery.began),
        phases: crate::summary::phases(recovery).map(|span| span.as_nanos() / 1_000),
    }
}

fn checkpoint(history: &chronicle::CheckpointHistory) -> Checkpoint {
    let since = |at: Option<Instant>| {
        at.map_or(-1, |at| (at.since(history.triggered).as_nanos() / 1_000) as i64)
    };
    let part = |part: &chronicle::Part| {
        let steps = [part.aligning, part.cut, part.sent, part.uploading, part.acked, part.notified];
        let [aligning, cut, sent, uploading, acked, notified] = steps.map(since);
        let task = i64::from(part.task.0) - 1;
        [task, aligning, cut, sent, uploading, acked, notified, part.bytes as i64]
    };
    let (reason, bytes) = match history.end {
        Some((_, End::Completed { bytes })) => ("", bytes),
        Some((_, End::Aborted(reason))) => (words::abort(reason), 0),
        None => ("", 0),
    };
    Checkpoint {
        id: history.checkpoint.0,
        kind: history.kind.name(),
        generation: history.generation.0,
        triggered: micros(history.triggered),
        ended: maybe(history.end.map(|(at, _)| at)),
        reason,
        bytes,
        parts: history.parts.iter().map(part).collect(),
    }
}

fn columns(series: &Series) -> Columns {
    let micros = |span: Span| span.as_nanos() / 1_000;
    let mut columns = Columns { width: micros(series.width), ..Columns::default() };
    for bucket in &series.buckets {
        columns.arrived.push(bucket.arrived);
        columns.read.push(bucket.read);
        columns.again.push(bucket.again);
        columns.visible.push(bucket.visible);
        columns.p50.push(micros(bucket.latency.p50));
        columns.p99.push(micros(bucket.latency.p99));
        columns.lag.push(bucket.lag);
    }
    columns
}

fn story(shown: &[&Told], lanes: &Lanes, events: &Events) -> Story {
    let mut story = Story::default();
    let mut last = 0;
    for told in shown {
        let t = micros(told.at);
        story.t.push(t - last);
        story.n.push(lanes.place(told.node));
        story.s.push(told.sign);
        story.w.push(told.words.clone());
        story.e.push(told.event.map_or(-1, |event| events.place(event)));
        last = t;
    }
    story
}

/// At most so many of what was told: rare signs whole, and of those that there are too many of the
/// first ones.
pub(super) fn thinned(told: &[Told], most: usize) -> Vec<&Told> {
    let mut counts: BTreeMap<char, usize> = BTreeMap::new();
    told.iter().for_each(|told| *counts.entry(told.sign).or_default() += 1);
    let mut by_count: Vec<(usize, char)> = counts.iter().map(|(sign, n)| (*n, *sign)).collect();
    by_count.sort_unstable();
    let (mut room, mut kinds) = (most, by_count.len());
    let mut left: BTreeMap<char, usize> = BTreeMap::new();
    for (count, sign) in by_count {
        let share = count.min(room.div_ceil(kinds));
        left.insert(sign, share);
        room -= share;
        kinds -= 1;
    }
    let keep = |told: &&Told| match left.get_mut(&told.sign) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        _ => false,
    };
    told.iter().filter(keep).collect()
}
