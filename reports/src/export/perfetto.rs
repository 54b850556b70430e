//! A trace for Perfetto, in its native format: <https://ui.perfetto.dev> opens it.
//!
//! A process of the trace is a process of the cluster, with a track for its lives, one for what it
//! observes, and one for each of its tasks: batches of tuples as slices, which last as long as the
//! topology says that their tuples take, and its part of each checkpoint. The process `cluster` has
//! faults, outages by their phases, generations, checkpoints, and counters. Arrows go from a batch
//! to the batches that were executed because of it, and from a barrier to whom it reached: they
//! are found by following kernel events to what caused them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use stormglass_engine::ids::TaskId;
use stormglass_engine::observation::Observation;
use stormglass_scenarios::chronicle::{Chronicle, End};
use stormglass_scenarios::outcome::{Outcome, Recovery};
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::watch::Stamp;

use crate::facts;
use crate::summary::{PHASES, phases};
use crate::words::{self, Names};

mod flows;
mod proto;
#[cfg(test)]
mod tests;
mod tracks;

use flows::Flows;
use tracks::{Slice, Tracks};

/// What a trace is made of.
pub struct Story<'a> {
    /// What came of the run, with a chronicle and a past.
    pub outcome: &'a Outcome,
    /// Who is who.
    pub names: &'a Names<'a>,
    /// What was observed in the window.
    pub told: &'a [(Stamp, Observation)],
    /// The window.
    pub window: Range<Instant>,
}

/// A batch takes this long if its topology says nothing.
const LEAST: Span = Span::micros(1);

/// The file.
pub fn trace(story: &Story<'_>) -> Vec<u8> {
    let mut tracks = Tracks::default();
    let empty = Chronicle::default();
    let chronicle = story.outcome.chronicle.as_ref().unwrap_or(&empty);
    cluster(story, chronicle, &mut tracks);
    let nodes: BTreeSet<NodeId> = (chronicle.lives.iter().map(|life| life.node))
        .chain(story.told.iter().map(|(at, _)| at.node))
        .collect();
    for node in nodes {
        tracks.process(&story.names.node(node));
        for life in chronicle.lives.iter().filter(|life| life.node == node) {
            let until = life.until.unwrap_or(story.outcome.ended);
            let name = format!("life {}", life.incarnation);
            tracks.slice(story, &story.names.node(node), "lives", life.from..until, name);
        }
    }
    parts(story, chronicle, &mut tracks);
    let flows = story.outcome.past.as_deref().map(|past| Flows::new(past, story.told));
    observed(story, flows.as_ref(), &mut tracks);
    tracks.into_bytes()
}

/// What concerns all of the cluster.
fn cluster(story: &Story<'_>, chronicle: &Chronicle, tracks: &mut Tracks) {
    const CLUSTER: &str = "cluster";
    let outcome = story.outcome;
    tracks.process(CLUSTER);
    for band in &chronicle.bands {
        let fault = &outcome.faults[band.fault - 1];
        let name = format!("{}: {}, {}", fault.number, fault.target, fault.what);
        let track = format!("fault {}", fault.number);
        tracks.slice(story, CLUSTER, &track, band.from..band.until, name);
    }
    for outage in &outcome.recoveries {
        outage_phases(story, outage, tracks, CLUSTER);
    }
    for (at, generation) in chronicle.generations.iter().enumerate() {
        let next = chronicle.generations.get(at + 1).map_or(outcome.ended, |next| next.granted);
        let name = generation.generation.to_string();
        tracks.slice(story, CLUSTER, "generations", generation.granted..next, name);
    }
    for checkpoint in &chronicle.checkpoints {
        let (end, name) = match checkpoint.end {
            Some((at, End::Completed { .. })) => (at, checkpoint.checkpoint.to_string()),
            Some((at, End::Aborted(why))) => {
                (at, format!("{} aborted: {}", checkpoint.checkpoint, words::abort(why)))
            }
            None => (outcome.ended, format!("{} not over", checkpoint.checkpoint)),
        };
        // Two may go on at a time.
        let track = format!("checkpoints {}", checkpoint.checkpoint.0 % 2 + 1);
        tracks.slice(story, CLUSTER, &track, checkpoint.triggered..end, name);
    }
    let series = &chronicle.series;
    for (at, bucket) in (0..).zip(&series.buckets) {
        let time = Instant::ZERO + series.width * at;
        if story.window.contains(&time) {
            let rate = |n: u64| n * 1_000_000_000 / series.width.as_nanos();
            tracks.count(CLUSTER, "read", "records/s", time, rate(bucket.read + bucket.again));
            tracks.count(CLUSTER, "visible", "outputs/s", time, rate(bucket.visible));
            tracks.count(CLUSTER, "lag", "records", time, bucket.lag);
        }
    }
}

fn outage_phases(story: &Story<'_>, outage: &Recovery, tracks: &mut Tracks, process: &str) {
    let mut from = outage.began;
    for ((name, _), length) in PHASES.iter().zip(phases(outage)) {
        if !length.is_zero() {
            tracks.slice(story, process, "outages", from..from + length, name.to_string());
        }
        from += length;
    }
}

/// Each task's part of each checkpoint, on a track of its own.
fn parts(story: &Story<'_>, chronicle: &Chronicle, tracks: &mut Tracks) {
    for checkpoint in &chronicle.checkpoints {
        let granted = chronicle.generations.iter().find(|g| g.generation == checkpoint.generation);
        let Some(granted) = granted else { continue };
        let nodes: BTreeMap<TaskId, NodeId> = granted.tasks.iter().copied().collect();
        let end = checkpoint.end.map_or(story.outcome.ended, |(at, _)| at);
        for part in &checkpoint.parts {
            let Some(node) = nodes.get(&part.task) else { continue };
            let (process, id) = (story.names.node(*node), checkpoint.checkpoint);
            let track = format!("{} checkpoints", story.names.topology.task_name(part.task));
            if let Some(from) = part.aligning {
                let until = part.cut.unwrap_or(end);
                tracks.slice(story, &process, &track, from..until, format!("{id} aligning"));
            }
            if let Some(from) = part.cut {
                let until = part.acked.unwrap_or(end);
                tracks.slice(story, &process, &track, from..until, format!("{id} on its way"));
            }
        }
    }
}

/// Batches of tuples as slices, all else as instants, with the arrows.
fn observed(story: &Story<'_>, flows: Option<&Flows>, tracks: &mut Tracks) {
    let mut rest = story.told;
    // Of each task, when its last batch ends: they do not overlap.
    let mut busy: BTreeMap<TaskId, Instant> = BTreeMap::new();
    while let Some(((at, what), _)) = rest.split_first() {
        let process = story.names.node(at.node);
        let Observation::Executed { task, .. } = *what else {
            let arrows = flows.map(|flows| flows.of(at.event, what)).unwrap_or_default();
            let mut slice = Slice::instant(at.time, facts::name(what).to_string(), arrows);
            slice.facts = facts::facts(what, story.names);
            let track = match task_of(what) {
                Some(task) => story.names.topology.task_name(task),
                None => "events".to_string(),
            };
            tracks.add(&process, &track, slice);
            rest = &rest[1..];
            continue;
        };
        // What one handler executed of a task is a batch, whatever else it told in between.
        let in_batch = |(other, what): &&(Stamp, Observation)| {
            let of = match what {
                Observation::Executed { task, .. } => Some(*task),
                Observation::Ended { task, .. } | Observation::Answered { task, .. } => Some(*task),
                _ => None,
            };
            (other.event, other.node, of) == (at.event, at.node, Some(task))
        };
        let length = rest.iter().take_while(in_batch).count();
        let (batch, after) = rest.split_at(length);
        rest = after;
        let is_tuple =
            |(_, what): &&(Stamp, Observation)| matches!(what, Observation::Executed { .. });
        let tuples = batch.iter().filter(is_tuple).count() as u64;
        let cpu = story.names.topology.component_of(task).cpu;
        let took = (cpu * tuples).max(LEAST);
        let from = at.time.max(busy.get(&task).copied().unwrap_or(Instant::ZERO));
        busy.insert(task, from + took);
        let arrows = flows.map(|flows| flows.of(at.event, what)).unwrap_or_default();
        let mut slice = Slice::instant(from, words::plural(tuples, "tuple"), arrows);
        slice.until = Some(from + took);
        slice.facts = facts::facts(what, story.names);
        tracks.add(&process, &story.names.topology.task_name(task), slice);
    }
}

/// The task that tells something of itself.
fn task_of(what: &Observation) -> Option<TaskId> {
    match *what {
        Observation::Cut { task, .. }
        | Observation::Stepped { task, .. }
        | Observation::Restored { task, .. }
        | Observation::TaskFailed { task, .. }
        | Observation::Ended { task, .. }
        | Observation::Answered { task, .. }
        | Observation::Position { task, .. }
        | Observation::GroupCut { task, .. }
        | Observation::OperatorCut { task, .. }
        | Observation::InFlight { task, .. } => Some(task),
        _ => None,
    }
}
