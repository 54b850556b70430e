//! From the TOML as it is written to a scenario: defaults, and choices of one among several keys.

use std::collections::BTreeMap;

use stormglass_sim::time::Span;

use super::document::Origin;
use super::raw::{
    RawBurst, RawCheckpoint, RawCluster, RawInput, RawPhases, RawQueries, RawRaft, RawScenario,
    RawWords,
};
use super::{
    Acking, Adaptive, Burst, Checkpoint, Clock, Cluster, Disk, Disorder, Flow, Guarantee, Input,
    Network, Phases, Profile, Queries, Raft, Recovery, Scenario, Sink, Source, State, Store,
    TopologyChoice,
};
use crate::problem::Problem;
use crate::units::{Quantity, Share, Size};

mod chaos;
mod fault;
mod operation;

pub(super) use fault::mistaken;

/// Overwrites defaults with what is written.
macro_rules! lay {
    ($raw:expr => $over:expr; $($field:ident)* ; $($quantity:ident)*) => {{
        let mut target = $over;
        $(if let Some(value) = $raw.$field { target.$field = value; })*
        $(if let Some(Quantity(value)) = $raw.$quantity { target.$quantity = value; })*
        target
    }};
}

pub(super) fn scenario(raw: RawScenario, origin: Origin) -> Result<Scenario, Problem> {
    let mut network = lay!(raw.network => Network::default(); ; patience keepalive);
    if let Some(Quantity(latency)) = raw.network.latency {
        (network.latency_min, network.latency_max) = (latency.min, latency.max);
    }
    network.bandwidth = raw.network.bandwidth.map(|Quantity(bandwidth)| bandwidth.0);
    network.worker_bandwidth = raw.network.worker_bandwidth.map(|Quantity(bandwidth)| bandwidth.0);
    network.loss_ppm = raw.network.loss.map_or(network.loss_ppm, |Quantity(share)| share.0);
    network.duplicate_ppm =
        raw.network.duplicate.map_or(network.duplicate_ppm, |Quantity(share)| share.0);
    let mut disk = lay!(raw.disk => Disk::default(); ; latency sync);
    disk.bandwidth = raw.disk.bandwidth.map_or(disk.bandwidth, |Quantity(bytes)| bytes.0);
    let mut store = lay!(raw.store => Store::default(); replication; lost_after);
    store.packet = raw.store.packet.map_or(store.packet, |Quantity(Size(size))| size);
    let mut cluster = cluster(raw.cluster, &origin)?;
    cluster.stores = raw.store.nodes.unwrap_or(cluster.stores);
    Ok(Scenario {
        name: raw.name,
        summary: raw.summary,
        topology: TopologyChoice {
            name: raw.topology.name,
            parallelism: raw.topology.parallelism,
            cpu: spans(raw.topology.cpu),
            snapshot_cpu: spans(raw.topology.snapshot_cpu),
            sinks: raw.topology.sinks.into_iter().map(|(name, Quantity(k))| (name, k)).collect(),
            max_parallelism: raw.topology.max_parallelism,
        },
        input: input(raw.input, &origin)?,
        cluster,
        store,
        checkpoint: checkpoint(raw.checkpoint),
        state: lay!(raw.state => State::default(); incremental; backend),
        recovery: raw.recovery.map_or(Recovery::Checkpoints, |Quantity(recovery)| recovery),
        acking: lay!(raw.acking => Acking::default(); max_pending; message_timeout commit_interval),
        flow: lay!(raw.flow => Flow::default(); batch credits fetch; flush poll),
        network,
        disk,
        guarantee: raw.guarantee.map_or(Guarantee::ExactlyOnce, |Quantity(guarantee)| guarantee),
        sink: Sink {
            rewrite_after: raw.sink.rewrite_after.map_or(4 << 20, |Quantity(size)| size.0),
            ..lay!(raw.sink => Sink::default(); ; transaction_timeout service)
        },
        assume: raw.assume.into_iter().map(|Quantity(assumption)| assumption).collect(),
        raft: raft(raw.raft, &origin)?,
        clock: Clock {
            drift_ppm: raw.clock.drift.map_or(0, |Quantity(share)| share.0),
            offset: raw.clock.offset.map_or(Span::ZERO, |Quantity(offset)| offset),
        },
        queries: raw.queries.map(queries),
        operations: (1..)
            .zip(raw.operation)
            .map(|(number, raw)| operation::lower(raw, &format!("operation.{number}"), &origin))
            .collect::<Result<_, _>>()?,
        rare_events: raw.rare_events.map_or(Share(0), |Quantity(share)| share),
        faults: (1..)
            .zip(raw.fault)
            .map(|(number, raw)| fault::lower(raw, &format!("fault.{number}"), &origin))
            .collect::<Result<_, _>>()?,
        chaos: (1..)
            .zip(raw.chaos)
            .map(|(number, raw)| chaos::lower(raw, &format!("chaos.{number}"), &origin))
            .collect::<Result<_, _>>()?,
        phases: phases(raw.phases, &origin)?,
        draws: super::alternative::lower(raw.draw),
        drew: BTreeMap::new(),
        origin,
    })
}

fn spans(raw: BTreeMap<String, Quantity<Span>>) -> BTreeMap<String, Span> {
    raw.into_iter().map(|(name, Quantity(span))| (name, span)).collect()
}

fn checkpoint(raw: RawCheckpoint) -> Checkpoint {
    let mut checkpoint = lay!(raw => Checkpoint::default();
        retained max_concurrent retries;
        interval timeout min_pause mode alignment aligned_timeout);
    checkpoint.tolerated_failures = raw.tolerated_failures;
    checkpoint.adaptive = raw.adaptive.map(|raw| {
        let (Quantity(min), Quantity(max)) = (raw.min, raw.max);
        let hysteresis = raw.hysteresis.map_or(Adaptive::HYSTERESIS, |Quantity(share)| share);
        Adaptive { min, max, hysteresis }
    });
    checkpoint
}

fn queries(raw: RawQueries) -> Queries {
    Queries {
        clients: raw.clients.unwrap_or(1),
        component: raw.component,
        pause: raw.pause.map_or(Span::millis(200), |Quantity(pause)| pause),
        keys: raw.keys,
    }
}

fn cluster(raw: RawCluster, origin: &Origin) -> Result<Cluster, Problem> {
    let profile = raw.profile.map_or(Profile::Catalog, |Quantity(profile)| profile);
    let mut cluster = lay!(raw => Cluster::of(profile);
        workers slots clients cores racks zones;
        coordinators heartbeat_interval heartbeat_timeout monitor_interval detector scheduler
        restart_delay worker_start_timeout deploy_timeout);
    if let Some(phi) = raw.phi_threshold {
        if !(0.1..=100.0).contains(&phi) {
            let message = format!("a phi of {phi} is out of range");
            let problem = origin.problem("cluster.phi-threshold", message);
            return Err(problem.help("write a number from 0.1 to 100.0; 8.0 is common"));
        }
        cluster.phi_threshold_milli = (phi * 1e3 + 0.5) as u32;
    }
    Ok(cluster)
}

fn raft(raw: RawRaft, origin: &Origin) -> Result<Raft, Problem> {
    let mut raft = lay!(raw => Raft::default(); snapshot_after lease; election_timeout heartbeat);
    raft.drift_bound_ppm = raw.drift_bound.map_or(raft.drift_bound_ppm, |Quantity(bound)| bound.0);
    let sizes = [
        ("raft.append", raw.append, &mut raft.append_bytes),
        ("raft.inflight", raw.inflight, &mut raft.inflight_bytes),
        ("raft.chunk", raw.chunk, &mut raft.chunk_bytes),
    ];
    for (path, written, bytes) in sizes {
        let Some(Quantity(Size(size))) = written else { continue };
        *bytes = u32::try_from(size).map_err(|_| {
            let problem = origin.problem(path, "no message is that large");
            problem.help("write less than \"4GiB\"")
        })?;
    }
    Ok(raft)
}

fn input(raw: RawInput, origin: &Origin) -> Result<Input, Problem> {
    let burst = raw.burst.map(|RawBurst { times, every, lasting }| Burst {
        times: times.0,
        every: every.0,
        lasting: lasting.0,
    });
    let shift = raw.words.as_ref().and_then(|words| words.shift).map(|shift| shift.0);
    let disorder = Disorder {
        burst,
        shift,
        poison: raw.poison.map(|share| share.0),
        repeats: raw.repeats.map(|share| share.0),
        retention: raw.retention.map(|span| span.0),
    };
    let source = match (raw.csv, raw.words) {
        (Some(csv), None) => Source::Csv { file: csv.file, limit: csv.limit },
        (None, Some(words)) => self::words(words, origin)?,
        (None, None) => {
            let problem = origin.problem("input", "the input has no source");
            return Err(
                problem.help("give it `csv = { file = \"..\" }` or `words = { count = .. }`")
            );
        }
        (Some(_), Some(_)) => {
            let problem = origin.key_problem("input.words", "the input has two sources");
            return Err(problem.help("leave out `csv` or `words`"));
        }
    };
    let partitions = raw.partitions.unwrap_or(Input::PARTITIONS);
    Ok(Input { partitions, rate: raw.rate.0, source, disorder })
}

fn words(raw: RawWords, origin: &Origin) -> Result<Source, Problem> {
    let skew = raw.skew.unwrap_or(1.0);
    if !(0.0..=8.0).contains(&skew) {
        let problem =
            origin.problem("input.words.skew", format!("a skew of {skew} is out of range"));
        return Err(problem.help("write a number from 0.0 (all words equally often) to 8.0"));
    }
    let skew_ppm = (skew * 1e6 + 0.5) as u32;
    Ok(Source::Words { count: raw.count, vocabulary: raw.vocabulary.unwrap_or(5_000), skew_ppm })
}

fn phases(raw: RawPhases, origin: &Origin) -> Result<Phases, Problem> {
    let mut phases = lay!(raw => Phases::default(); ; lull);
    if let Some(Quantity(storm)) = raw.storm {
        if storm.min.0 % 10_000 != 0 || storm.max.0 % 10_000 != 0 {
            let problem =
                origin.problem("phases.storm", "the storm has whole percents as its ends");
            return Err(problem.help("write a range such as \"20%..80%\""));
        }
        phases.storm_from_percent = (storm.min.0 / 10_000) as u8;
        phases.storm_to_percent = (storm.max.0 / 10_000) as u8;
    }
    Ok(phases)
}
