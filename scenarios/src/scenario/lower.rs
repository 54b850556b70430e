//! From the TOML as it is written to a scenario: defaults, and choices of one among several keys.

use super::document::Origin;
use super::fault::{Action, ActionSpec, FaultSpec, Target, When};
use super::raw::{At, RawFault, RawInput, RawPhases, RawScenario, RawWords};
use super::{
    Checkpoint, Cluster, Disk, Flow, Guarantee, Input, Network, Phases, Profile, Scenario, Source,
    TopologyChoice,
};
use crate::problem::Problem;
use crate::units::{Quantity, Text};

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
    let profile = raw.cluster.profile.map_or(Profile::Catalog, |Quantity(profile)| profile);
    let mut network = lay!(raw.network => Network::default(); ; patience);
    if let Some(Quantity(latency)) = raw.network.latency {
        (network.latency_min, network.latency_max) = (latency.min, latency.max);
    }
    network.bandwidth = raw.network.bandwidth.map(|Quantity(bandwidth)| bandwidth.0);
    network.loss_ppm = raw.network.loss.map_or(network.loss_ppm, |Quantity(share)| share.0);
    network.duplicate_ppm =
        raw.network.duplicate.map_or(network.duplicate_ppm, |Quantity(share)| share.0);
    let mut disk = lay!(raw.disk => Disk::default(); ; latency sync);
    disk.bandwidth = raw.disk.bandwidth.map_or(disk.bandwidth, |Quantity(bytes)| bytes.0);
    Ok(Scenario {
        name: raw.name,
        summary: raw.summary,
        topology: TopologyChoice {
            name: raw.topology.name,
            parallelism: raw.topology.parallelism,
            max_parallelism: raw.topology.max_parallelism,
        },
        input: input(raw.input, &origin)?,
        cluster: lay!(raw.cluster => Cluster::of(profile);
            workers slots coordinators cores;
            heartbeat_interval heartbeat_timeout monitor_interval
            restart_delay worker_start_timeout deploy_timeout),
        checkpoint: lay!(raw.checkpoint => Checkpoint::default();
            retained; interval timeout min_pause),
        flow: lay!(raw.flow => Flow::default(); batch credits fetch; flush poll),
        network,
        disk,
        guarantee: raw.guarantee.map_or(Guarantee::ExactlyOnce, |Quantity(guarantee)| guarantee),
        faults: (1..)
            .zip(raw.fault)
            .map(|(number, raw)| fault(raw, &format!("fault.{number}"), &origin))
            .collect::<Result<_, _>>()?,
        phases: phases(raw.phases, &origin)?,
        origin,
    })
}

fn input(raw: RawInput, origin: &Origin) -> Result<Input, Problem> {
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
    Ok(Input { partitions, rate: raw.rate.0, source })
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

fn fault(raw: RawFault, path: &str, origin: &Origin) -> Result<FaultSpec, Problem> {
    let when = match (raw.at, raw.on) {
        (Some(Quantity(At::Time(time))), None) => When::At(time),
        (Some(Quantity(At::Share(share))), None) => When::Share(share),
        (Some(Quantity(At::Storm)), None) => When::Storm,
        (None, Some(on)) => When::On { event: on.event.0, nth: on.nth.0 },
        (None, None) => {
            let problem = origin.problem(path, "the fault does not say when it strikes");
            return Err(
                problem.help("give it `at = \"20%..40%\"` or `on = { event = .., nth = .. }`")
            );
        }
        (Some(_), Some(_)) => {
            let problem = origin.key_problem(&format!("{path}.on"), "the fault says twice when");
            return Err(problem.help("leave out `at` or `on`"));
        }
    };
    let mut actions: Vec<(ActionSpec, Target)> = Vec::new();
    if let Some(raw) = raw.crash {
        actions.push((Action::Crash { down: raw.down.map(|down| down.0) }, raw.who.0));
    }
    if let Some(raw) = raw.crash_machine {
        actions.push((Action::CrashMachine { down: raw.down.0 }, raw.who.0));
    }
    if let Some(raw) = raw.isolate {
        actions.push((Action::Isolate { lasting: raw.r#for.0 }, raw.who.0));
    }
    if let Some(raw) = raw.cut {
        let symmetric = raw.symmetric.unwrap_or(true);
        actions.push((Action::Cut { to: raw.to.0, lasting: raw.r#for.0, symmetric }, raw.from.0));
    }
    if let Some(raw) = raw.slow_link {
        let (extra, lasting) = (raw.extra.0, raw.r#for.0);
        actions.push((Action::SlowLink { to: raw.to.0, extra, lasting }, raw.from.0));
    }
    if let Some(raw) = raw.slow_disk {
        let (factor, lasting) = (raw.factor.0, raw.r#for.0);
        actions.push((Action::SlowDisk { factor, lasting }, raw.who.0));
    }
    if let Some(raw) = raw.pause {
        actions.push((Action::Pause { lasting: raw.r#for.0 }, raw.who.0));
    }
    match (actions.len(), actions.pop()) {
        (1, Some((action, target))) => Ok(FaultSpec { when, action, target }),
        (_, None) => {
            let problem = origin.problem(path, "the fault does not say what happens");
            Err(problem.help(format!(
                "give it an action, such as `crash = {{ who = \"{}\" }}`",
                Target::EXAMPLE
            )))
        }
        (_, Some((action, _))) => {
            let path = format!("{path}.{}", action.name());
            let problem = origin.key_problem(&path, "the fault does two things at once");
            Err(problem.help("write one `[[fault]]` for each action"))
        }
    }
}
