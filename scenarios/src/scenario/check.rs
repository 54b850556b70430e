//! What must hold between the values of a scenario, and between it and its topology.

use std::sync::Arc;

use stormglass_engine::topology::{Grouping, Input, Topology};
use stormglass_sim::time::Span;

use super::{Cluster, Operation, Scenario, Source, StateBackend};
use crate::problem::{Problem, suggest};
use crate::topologies::Registry;
use crate::units::Between;

mod action;
mod checkpoint;
mod control;
mod fault;
mod trigger;

pub(crate) use fault::candidates;
use fault::ends;

pub(super) fn scenario(scenario: &Scenario) -> Result<(), Problem> {
    let fail = |path: &str, message: &str, help: &str| {
        Err(scenario.origin.problem(path, message).help(help))
    };
    let counts: [(&str, u64, &str); 16] = [
        (
            "topology.max-parallelism",
            scenario.topology.max_parallelism.unwrap_or(1).into(),
            "a topology needs at least 1 key group",
        ),
        (
            "input.partitions",
            scenario.input.partitions.into(),
            "the input needs at least 1 partition",
        ),
        ("cluster.workers", scenario.cluster.workers.into(), "a cluster needs at least 1 worker"),
        ("cluster.slots", scenario.cluster.slots.into(), "a machine needs at least 1 slot"),
        ("cluster.cores", scenario.cluster.cores.into(), "a machine needs at least 1 core"),
        ("cluster.racks", scenario.cluster.racks.into(), "a machine stands in a rack"),
        ("cluster.zones", scenario.cluster.zones.into(), "a rack stands in a zone"),
        (
            "checkpoint.retained",
            scenario.checkpoint.retained.into(),
            "at least 1 checkpoint must be kept to restore from",
        ),
        (
            "checkpoint.max-concurrent",
            scenario.checkpoint.max_concurrent.into(),
            "at least 1 checkpoint must be allowed to be under way",
        ),
        ("store.nodes", scenario.cluster.stores.into(), "a cluster needs at least 1 store"),
        ("store.replication", scenario.store.replication.into(), "a file needs at least 1 store"),
        ("store.packet", scenario.store.packet, "a packet needs at least 1 byte"),
        ("flow.batch", scenario.flow.batch.into(), "a batch needs room for at least 1 tuple"),
        ("flow.credits", scenario.flow.credits.into(), "a channel needs at least 1 credit"),
        ("flow.fetch", scenario.flow.fetch.into(), "a source must fetch at least 1 record"),
        ("disk.bandwidth", scenario.disk.bandwidth, "a disk needs some bandwidth"),
    ];
    for (path, count, message) in counts {
        if count == 0 {
            return fail(path, message, "");
        }
    }
    let Cluster { racks, zones, .. } = scenario.cluster;
    if zones > racks {
        let message = format!("{zones} zones are more than there are racks: {racks}");
        return fail("cluster.zones", &message, "raise `cluster.racks`: each zone has a rack");
    }
    let network = &scenario.network;
    for (path, bandwidth) in [
        ("network.bandwidth", network.bandwidth),
        ("network.worker-bandwidth", network.worker_bandwidth),
    ] {
        if bandwidth == Some(0) {
            return fail(path, "a link needs some bandwidth", "leave it out for no limit");
        }
    }
    stores(scenario)?;
    spans(scenario)?;
    checkpoint::check(scenario)?;
    source(scenario)?;
    super::disorder::check(scenario)?;
    if scenario.state.incremental && scenario.state.backend == StateBackend::Memory {
        let message = "increments build on files, and the backend `memory` writes none";
        return fail("state.incremental", message, "choose `file`, `log` or `embedded`");
    }
    control::check(scenario)?;
    super::sinks::check(scenario)?;
    super::recovery::check(scenario)?;
    super::barriers::check(scenario)?;
    let phases = &scenario.phases;
    if phases.storm_to_percent > 100 || phases.storm_from_percent >= phases.storm_to_percent {
        let message = "the storm must end after it begins, and at 100% at the latest";
        return fail("phases.storm", message, "write a range such as \"20%..80%\"");
    }
    for (number, fault) in (1..).zip(&scenario.faults) {
        self::fault::check(scenario, &format!("fault.{number}"), fault)?;
    }
    super::chaos::check(scenario)?;
    super::operation::check(scenario)
}

/// The most stores: who has a file is one bit each.
const MOST_STORES: u16 = 64;

fn stores(scenario: &Scenario) -> Result<(), Problem> {
    let (stores, replication) = (scenario.cluster.stores, scenario.store.replication);
    if stores > MOST_STORES {
        let problem = scenario.origin.problem("store.nodes", "that many stores cannot be counted");
        return Err(problem.help(format!("write at most {MOST_STORES}")));
    }
    if replication > stores {
        let message = format!("{replication} stores cannot have a file: there are {stores}");
        let problem = scenario.origin.problem("store.replication", message);
        return Err(problem.help("raise `store.nodes`"));
    }
    Ok(())
}

fn spans(scenario: &Scenario) -> Result<(), Problem> {
    let (cluster, checkpoint) = (&scenario.cluster, &scenario.checkpoint);
    let positive = [
        ("cluster.heartbeat-interval", cluster.heartbeat_interval),
        ("cluster.heartbeat-timeout", cluster.heartbeat_timeout),
        ("cluster.monitor-interval", cluster.monitor_interval),
        ("cluster.worker-start-timeout", cluster.worker_start_timeout),
        ("cluster.deploy-timeout", cluster.deploy_timeout),
        ("checkpoint.interval", checkpoint.interval),
        ("checkpoint.timeout", checkpoint.timeout),
        ("store.lost-after", scenario.store.lost_after),
        ("flow.flush", scenario.flow.flush),
        ("flow.poll", scenario.flow.poll),
        ("network.patience", scenario.network.patience),
        ("network.keepalive", scenario.network.keepalive),
    ];
    for (path, span) in positive {
        if span.is_zero() {
            let name = path.split_once('.').map_or(path, |(_, name)| name);
            let problem = scenario.origin.problem(path, format!("the {name} is 0"));
            return Err(problem.help("write a duration above zero, such as \"1s\""));
        }
    }
    if cluster.heartbeat_timeout <= cluster.heartbeat_interval {
        let message = format!(
            "a timeout of {} suspects every worker: heartbeats are {} apart",
            cluster.heartbeat_timeout, cluster.heartbeat_interval
        );
        let problem = scenario.origin.problem("cluster.heartbeat-timeout", message);
        return Err(problem.help("give it the time of several heartbeats"));
    }
    if scenario.network.latency_min > scenario.network.latency_max {
        return Err(scenario.origin.problem("network.latency", "the range ends before it begins"));
    }
    for (path, ppm) in [
        ("network.loss", scenario.network.loss_ppm),
        ("network.duplicate", scenario.network.duplicate_ppm),
    ] {
        if ppm > 1_000_000 {
            return Err(scenario.origin.problem(path, "a share is at most 100%"));
        }
    }
    Ok(())
}

/// The largest vocabulary: its table takes 8 bytes a word and a draw.
const MOST_WORDS: u32 = 1_000_000;
/// The most records of one input: a run holds all of them.
const MOST_RECORDS: u64 = 1_000_000_000;

fn source(scenario: &Scenario) -> Result<(), Problem> {
    let fail = |path: &str, message: &str, help: String| {
        Err(scenario.origin.problem(path, message).help(help))
    };
    if scenario.input.rate.records == 0 || scenario.input.rate.per.is_zero() {
        return fail("input.rate", "a rate of 0 never lets a record arrive", String::new());
    }
    match &scenario.input.source {
        Source::Csv { limit: Some(0), .. } => fail(
            "input.csv.limit",
            "a limit of 0 leaves no row",
            "leave it out for all rows".into(),
        ),
        Source::Csv { .. } => Ok(()),
        Source::Words { count, vocabulary, .. } => {
            if !(1..=MOST_RECORDS).contains(count) {
                let help = format!("write a count from 1 to {MOST_RECORDS}");
                return fail("input.words.count", "the count of words is out of range", help);
            }
            if !(1..=MOST_WORDS).contains(vocabulary) {
                let help = format!("write a number from 1 to {MOST_WORDS}");
                return fail("input.words.vocabulary", "the vocabulary is out of range", help);
            }
            Ok(())
        }
    }
}

/// The instants between which an absolute time must lie, given the input's duration.
pub(crate) fn storm(scenario: &Scenario, duration: Span) -> Between<Span> {
    let percent = |percent: u8| duration.scale(percent.into(), 100);
    let phases = &scenario.phases;
    Between { min: percent(phases.storm_from_percent), max: percent(phases.storm_to_percent) }
}

pub(super) fn topology(scenario: &Scenario, registry: &Registry) -> Result<Arc<Topology>, Problem> {
    let (choice, origin) = (&scenario.topology, &scenario.origin);
    let Some(mut builder) = registry.get(&choice.name) else {
        let problem =
            origin.problem("topology.name", format!("unknown topology `{}`", choice.name));
        return Err(problem.help(suggest(&choice.name, registry.names(), "topologies")));
    };
    let known: Vec<String> = builder.component_names().map(str::to_string).collect();
    let names = || known.iter().map(String::as_str);
    let stranger = |table: &str, component: &str| {
        let message = format!("topology `{}` has no component `{component}`", choice.name);
        let help = suggest(component, names().collect::<Vec<_>>(), "components");
        Err(origin.key_problem(&format!("topology.{table}.{component}"), message).help(help))
    };
    for (component, &tasks) in &choice.parallelism {
        if !builder.set_parallelism(component, tasks) {
            return stranger("parallelism", component);
        }
    }
    for (component, &cpu) in &choice.cpu {
        if !builder.set_cpu(component, cpu) {
            return stranger("cpu", component);
        }
    }
    for (component, &cpu) in &choice.snapshot_cpu {
        if !builder.set_snapshot_cpu(component, cpu) {
            return stranger("snapshot-cpu", component);
        }
    }
    for (sink, kind) in &choice.sinks {
        if builder.set_delivery(sink, kind.delivery()) {
            continue;
        }
        if known.contains(sink) {
            let path = format!("topology.sinks.{sink}");
            return Err(origin.key_problem(&path, format!("`{sink}` is no sink")));
        }
        return stranger("sinks", sink);
    }
    for (number, fault) in (1..).zip(&scenario.faults) {
        let named = ends(fault).filter_map(|(key, target)| {
            Some((format!("{}.{key}", fault.action.name()), target.component()?))
        });
        for (key, component) in named.chain(trigger::components(fault)) {
            if !known.iter().any(|name| name == component) {
                let path = format!("fault.{number}.{key}");
                let message = format!("topology `{}` has no component `{component}`", choice.name);
                let help = suggest(component, names().collect::<Vec<_>>(), "components");
                return Err(origin.problem(&path, message).help(help));
            }
        }
    }
    if let Some(groups) = choice.max_parallelism {
        builder.max_parallelism(groups);
    }
    let topology = builder.build().map(Arc::new).map_err(|error| {
        let path = match &error.component {
            Some(name) if choice.parallelism.contains_key(name.as_str()) => {
                format!("topology.parallelism.{name}")
            }
            Some(name) if choice.sinks.contains_key(name.as_str()) => {
                format!("topology.sinks.{name}")
            }
            Some(_) if choice.max_parallelism.is_some() => "topology.max-parallelism".to_string(),
            _ => "topology.name".to_string(),
        };
        origin.problem(&path, error.to_string())
    })?;
    executors(scenario, &topology)?;
    super::sinks::check_claim(scenario, &topology)?;
    queries(scenario, &topology)?;
    super::recovery::topology(scenario, &topology)?;
    Ok(topology)
}

/// Queries are for keys of a component that has keys, of one field each.
fn queries(scenario: &Scenario, topology: &Topology) -> Result<(), Problem> {
    let Some(queries) = &scenario.queries else { return Ok(()) };
    if queries.clients == 0 {
        let problem = scenario.origin.problem("queries.clients", "nobody would query anything");
        return Err(problem.help("leave `queries` out, or write at least 1"));
    }
    let keyed = topology.components().iter().filter(|component| {
        let by_one =
            |input: &Input| matches!(&input.grouping, Grouping::Fields(at) if at.len() == 1);
        component.is_keyed() && component.inputs.iter().all(by_one)
    });
    let keyed: Vec<&str> = keyed.map(|component| component.name.as_ref()).collect();
    if keyed.contains(&queries.component.as_str()) {
        return Ok(());
    }
    let message = format!(
        "`{}` has no component `{}` keyed by one field",
        topology.name(),
        queries.component
    );
    let help = suggest(&queries.component, keyed, "keyed components");
    Err(scenario.origin.problem("queries.component", message).help(help))
}

/// An executor runs at least one task: a component cannot have more executors than tasks.
fn executors(scenario: &Scenario, topology: &Topology) -> Result<(), Problem> {
    for (number, spec) in (1..).zip(&scenario.operations) {
        let Operation::Rebalance { executors, .. } = &spec.operation else { continue };
        for (component, executors) in executors {
            let path = format!("operation.{number}.rebalance.executors.{component}");
            let Some(found) = topology.find(component) else {
                let name = topology.name();
                let message = format!("topology `{name}` has no component `{component}`");
                let names = topology.components().iter().map(|component| component.name.as_ref());
                let help = suggest(component, names, "components");
                return Err(scenario.origin.key_problem(&path, message).help(help));
            };
            let tasks = found.tasks().count();
            if usize::from(*executors) > tasks {
                let message = format!("`{component}` has {tasks} tasks for {executors} executors");
                let help = format!("raise topology.parallelism.{component}");
                return Err(scenario.origin.problem(&path, message).help(help));
            }
        }
    }
    Ok(())
}
