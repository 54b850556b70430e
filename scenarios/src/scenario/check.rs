//! What must hold between the values of a scenario, and between it and its topology.

use std::sync::Arc;

use stormglass_engine::topology::Topology;
use stormglass_sim::time::Span;

use super::fault::{Action, FaultSpec, Role, Target, When};
use super::{Cluster, Scenario, Source};
use crate::problem::{Problem, suggest};
use crate::topologies::Registry;
use crate::units::{Between, Share};

pub(super) fn scenario(scenario: &Scenario) -> Result<(), Problem> {
    let fail = |path: &str, message: &str, help: &str| {
        Err(scenario.origin.problem(path, message).help(help))
    };
    let counts: [(&str, u64, &str); 10] = [
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
        (
            "checkpoint.retained",
            scenario.checkpoint.retained.into(),
            "at least 1 checkpoint must be kept to restore from",
        ),
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
    if scenario.network.bandwidth == Some(0) {
        return fail(
            "network.bandwidth",
            "a link needs some bandwidth",
            "leave it out for no limit",
        );
    }
    match scenario.cluster.coordinators {
        1 => {}
        0 => return fail("cluster.coordinators", "a cluster needs 1 coordinator", ""),
        _ => {
            let message = "more than 1 coordinator is not supported yet";
            return fail("cluster.coordinators", message, "write `coordinators = 1`");
        }
    }
    spans(scenario)?;
    source(scenario)?;
    let phases = &scenario.phases;
    if phases.storm_to_percent > 100 || phases.storm_from_percent >= phases.storm_to_percent {
        let message = "the storm must end after it begins, and at 100% at the latest";
        return fail("phases.storm", message, "write a range such as \"20%..80%\"");
    }
    for (number, fault) in (1..).zip(&scenario.faults) {
        self::fault(scenario, &format!("fault.{number}"), fault)?;
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
        ("flow.flush", scenario.flow.flush),
        ("flow.poll", scenario.flow.poll),
        ("network.patience", scenario.network.patience),
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

/// The keys that name a fault's ends.
fn ends(fault: &FaultSpec) -> impl Iterator<Item = (&'static str, &Target)> {
    let first = if fault.action.to().is_some() { "from" } else { "who" };
    std::iter::once((first, &fault.target)).chain(fault.action.to().map(|to| ("to", to)))
}

fn fault(scenario: &Scenario, path: &str, fault: &FaultSpec) -> Result<(), Problem> {
    let action = format!("{path}.{}", fault.action.name());
    let fail = |key: &str, message: String, help: String| {
        Err(scenario.origin.problem(&format!("{action}.{key}"), message).help(help))
    };
    match fault.when {
        When::At(between) if between.min > between.max => {
            return Err(scenario.origin.problem(&format!("{path}.at"), "it ends before it begins"));
        }
        When::Share(share) => check_share(scenario, path, share)?,
        When::On { nth, .. } if nth.min == 0 || nth.min > nth.max => {
            let problem =
                scenario.origin.problem(&format!("{path}.on.nth"), "nothing happens 0 times");
            return Err(problem.help("the first time is 1"));
        }
        _ => {}
    }
    for (key, target) in ends(fault) {
        if let Err((message, help)) = reach(&scenario.cluster, target) {
            return fail(key, message, help);
        }
    }
    match (&fault.action, role(&fault.target)) {
        (Action::Crash { down: Some(_) }, Role::Worker) => {
            let help = "leave `down` out and see cluster.restart-delay".to_string();
            return fail("down", "a worker is restarted by its supervisor".into(), help);
        }
        (Action::Crash { down: None }, role) if role != Role::Worker => {
            let message = format!("nobody restarts a {role}");
            return fail("who", message, "say how long it is down: `down = \"2s\"`".into());
        }
        (Action::SlowDisk { factor, .. }, _) if factor.min == 0 => {
            let message = "a factor of 0 would be infinitely fast".to_string();
            return fail("factor", message, "1 changes nothing, 100 is very slow".into());
        }
        _ => {}
    }
    if let Some(lasting) = fault.action.lasting()
        && lasting.min.is_zero()
    {
        let down = matches!(fault.action, Action::Crash { .. } | Action::CrashMachine { .. });
        let key = if down { "down" } else { "for" };
        return fail(key, "it takes no time at all".into(), "write a duration above zero".into());
    }
    if let Some(to) = fault.action.to()
        && candidates(&scenario.cluster, &fault.target, Some(to)).is_empty()
    {
        let message = format!("`{}` and `{to}` share one machine: they have no link", fault.target);
        return fail("to", message, String::new());
    }
    Ok(())
}

fn check_share(scenario: &Scenario, path: &str, share: Between<Share>) -> Result<(), Problem> {
    let (from, to) = (scenario.phases.storm_from_percent, scenario.phases.storm_to_percent);
    let storm = Share::percent(from.into())..=Share::percent(to.into());
    if storm.contains(&share.min) && storm.contains(&share.max) && share.min <= share.max {
        return Ok(());
    }
    let message = format!("the fault is outside the storm, which lasts from {from}% to {to}%");
    let problem = scenario.origin.problem(&format!("{path}.at"), message);
    Err(problem.help("move it, or set `phases.storm`"))
}

fn role(target: &Target) -> Role {
    match target {
        Target::Any(role) | Target::Member(role, _) => *role,
        Target::WorkerOf(_) => Role::Worker,
    }
}

/// Whether the cluster has whom a target names.
fn reach(cluster: &Cluster, target: &Target) -> Result<(), (String, String)> {
    let Target::Member(role, number) = target else { return Ok(()) };
    let members = cluster.members(*role);
    match members {
        _ if (1..=members).contains(number) => Ok(()),
        1 => Err((format!("there is only one {role}"), format!("write \"{role}\""))),
        _ => Err((
            format!("there is no {role}-{number}: the cluster has {members} of them"),
            format!("the last one is `{role}-{members}`"),
        )),
    }
}

/// The members that a target may mean, in order, without those that share a machine with `other`
/// however that is drawn. Empty for `worker-of`, unless it has no `other` on another machine.
pub(crate) fn candidates(
    cluster: &Cluster,
    target: &Target,
    other: Option<&Target>,
) -> Vec<Target> {
    let members = |target: &Target| -> Vec<(Role, u32)> {
        match target {
            Target::Any(role) => (1..=cluster.members(*role)).map(|n| (*role, n)).collect(),
            Target::Member(role, number) => vec![(*role, *number)],
            Target::WorkerOf(_) => {
                (1..=cluster.members(Role::Worker)).map(|n| (Role::Worker, n)).collect()
            }
        }
    };
    let others = other.map(members);
    let elsewhere = |&(role, number): &(Role, u32)| match &others {
        None => true,
        Some(others) => others
            .iter()
            .any(|&(other, n)| cluster.machine_of(other, n) != cluster.machine_of(role, number)),
    };
    let kept = members(target).into_iter().filter(elsewhere);
    kept.map(|(role, number)| Target::Member(role, number)).collect()
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
    for (component, &tasks) in &choice.parallelism {
        if !builder.set_parallelism(component, tasks) {
            let path = format!("topology.parallelism.{component}");
            let message = format!("topology `{}` has no component `{component}`", choice.name);
            let help = suggest(component, names().collect::<Vec<_>>(), "components");
            return Err(origin.key_problem(&path, message).help(help));
        }
    }
    for (number, fault) in (1..).zip(&scenario.faults) {
        for (key, target) in ends(fault) {
            if let Target::WorkerOf(component) = target
                && !known.contains(component)
            {
                let path = format!("fault.{number}.{}.{key}", fault.action.name());
                let message = format!("topology `{}` has no component `{component}`", choice.name);
                let help = suggest(component, names().collect::<Vec<_>>(), "components");
                return Err(origin.problem(&path, message).help(help));
            }
        }
    }
    if let Some(groups) = choice.max_parallelism {
        builder.max_parallelism(groups);
    }
    builder.build().map(Arc::new).map_err(|error| {
        let path = match &error.component {
            Some(name) if choice.parallelism.contains_key(name.as_str()) => {
                format!("topology.parallelism.{name}")
            }
            Some(_) if choice.max_parallelism.is_some() => "topology.max-parallelism".to_string(),
            _ => "topology.name".to_string(),
        };
        origin.problem(&path, error.to_string())
    })
}
