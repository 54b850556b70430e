//! The scenario format: what is run, on what, and what is done to it.
//!
//! A scenario is a TOML file that a person reads at a glance. Only `name`, `[topology]` and
//! `[input]` are required; what the rest defaults to stands at the fields of the structs below.
//! Unknown keys, numbers without a unit and values that make no sense are answered with the line, a
//! caret and the nearest valid name.
//!
//! ```
//! use stormglass_scenarios::scenario::Scenario;
//!
//! let text = r#"
//! name = "two-crashes"
//! topology.name = "word-count"
//! input = { rate = "1k/s", words = { count = 10_000 } }
//!
//! [[fault]]
//! at = "20%..40%"
//! crash = { who = "worker" }
//!
//! [[fault]]
//! on = { event = "checkpoint-acked", nth = "20..40" }
//! crash = { who = "worker-of:count" }
//! "#;
//! let scenario = Scenario::parse(text, "two-crashes.toml").unwrap();
//! assert_eq!(scenario.faults.len(), 2);
//!
//! let problem = Scenario::parse("nmae = 'x'", "mine.toml").unwrap_err();
//! assert!(problem.to_string().contains("did you mean `name`?"));
//! ```
//!
//! In reading order: the structs here, `fault` (what is done to a cluster, and when), `raw` (the
//! TOML as it is written), `document` (text, spans and `--set`), `lower` (from one to the other),
//! `check` (what must hold between the values).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use stormglass_engine::log::InputLog;
use stormglass_engine::topology::Topology;
use stormglass_sim::time::Span;

use crate::problem::Problem;
use crate::topologies::Registry;
use crate::units::{Rate, names, text};

mod check;
mod document;
mod fault;
mod lower;
mod raw;
#[cfg(test)]
mod tests;

pub use document::Origin;
pub use fault::{Action, ActionSpec, EventKind, FaultSpec, Role, Target, When};
pub use raw::schema;

pub(crate) use check::{candidates, storm};

/// What is run, on what, and what is done to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scenario {
    /// Its name, as people type it.
    pub name: String,
    /// One sentence for lists.
    pub summary: String,
    /// Which topology, and how wide.
    pub topology: TopologyChoice,
    /// What it processes.
    pub input: Input,
    /// The machines, and how failures are noticed.
    pub cluster: Cluster,
    /// How often state is saved.
    pub checkpoint: Checkpoint,
    /// How tuples flow.
    pub flow: Flow,
    /// The links between machines.
    pub network: Network,
    /// Every machine's disk.
    pub disk: Disk,
    /// What the run claims, and is judged by.
    pub guarantee: Guarantee,
    /// What is done to it.
    pub faults: Vec<FaultSpec>,
    /// When the storm begins and ends, and how long recovery may take.
    pub phases: Phases,
    /// Where it was written; takes no part in comparisons.
    #[serde(skip)]
    pub origin: Origin,
}

/// Which topology runs, and how wide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopologyChoice {
    /// Its name in the [`Registry`].
    pub name: String,
    /// Number of tasks by component; the topology's own numbers for the rest.
    pub parallelism: BTreeMap<String, u16>,
    /// Number of key groups; the topology's own number if absent.
    pub max_parallelism: Option<u16>,
}

/// What is processed: records that arrive evenly. Record `i`, counted from 0, arrives at
/// `(i + 1) / rate` in partition `i mod partitions`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Input {
    /// Number of partitions of the log (4).
    pub partitions: u16,
    /// Records in virtual time.
    pub rate: Rate,
    /// Where they come from.
    pub source: Source,
}

/// Where records come from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The rows of a CSV file, as they stand, after its header line.
    Csv {
        /// The file, relative to the scenario.
        file: String,
        /// Only so many rows from the top; all if absent.
        limit: Option<u64>,
    },
    /// Words by a Zipf law, drawn by the run's seed: the word of rank `r` has a weight of
    /// `1 / r^skew`.
    Words {
        /// How many.
        count: u64,
        /// How many different words there are to draw from (5,000).
        vocabulary: u32,
        /// The exponent in millionths (1.0): 0 draws all words equally often.
        skew_ppm: u32,
    },
}

names! {
    /// Defaults of [`Cluster`] under a name.
    Profile, "a profile", "profiles":
    /// Heartbeats each second, 5 s until suspicion: a modern cluster.
    Catalog = "catalog",
    /// Storm's own defaults (`conf/defaults.yaml`): 30 s until suspicion, looked at every 10 s.
    Storm = "storm",
}

names! {
    /// What a run claims.
    Guarantee, "a guarantee", "guarantees":
    /// Every record takes effect exactly once, in state and in published output.
    ExactlyOnce = "exactly-once",
}

/// The machines, and how failures are noticed. Besides the workers' machines there is one machine
/// for each coordinator, and one each for broker, store and receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cluster {
    /// Whose defaults these are (`catalog`).
    pub profile: Profile,
    /// Worker machines, each with one supervisor (4).
    pub workers: u16,
    /// Worker processes on each of them (1).
    pub slots: u16,
    /// Coordinators (1; more are not supported yet).
    pub coordinators: u16,
    /// Cores of each machine (2).
    pub cores: u16,
    /// A worker's heartbeats are this far apart (1 s; Storm 1 s).
    #[serde(with = "text")]
    pub heartbeat_interval: Span,
    /// A worker is suspected after this long without one (5 s; Storm 30 s).
    #[serde(with = "text")]
    pub heartbeat_timeout: Span,
    /// How often the coordinator looks for the suspicious and the new (500 ms; Storm 10 s).
    #[serde(with = "text")]
    pub monitor_interval: Span,
    /// A supervisor restarts a dead worker after this long (1 s; Storm 3 s).
    #[serde(with = "text")]
    pub restart_delay: Span,
    /// A supervisor gives a worker this long to start (10 s; Storm 120 s).
    #[serde(with = "text")]
    pub worker_start_timeout: Span,
    /// The coordinator gives a worker this long to deploy its tasks (10 s; Storm 120 s).
    #[serde(with = "text")]
    pub deploy_timeout: Span,
}

/// How often state is saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkpoint {
    /// From one trigger to the next (2 s).
    #[serde(with = "text")]
    pub interval: Span,
    /// A checkpoint that is not complete after this long is given up (10 s).
    #[serde(with = "text")]
    pub timeout: Span,
    /// At least this long from the end of one to the trigger of the next (0 s).
    #[serde(with = "text")]
    pub min_pause: Span,
    /// How many complete checkpoints are kept (1).
    pub retained: u16,
}

/// How tuples flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// A batch that is not full leaves after this long (100 ms, as in Flink).
    #[serde(with = "text")]
    pub flush: Span,
    /// Tuples in a full batch (100).
    pub batch: u32,
    /// Tuples that a channel may have on the way (1,024).
    pub credits: u32,
    /// A source that found nothing new asks again after this long (100 ms).
    #[serde(with = "text")]
    pub poll: Span,
    /// Records that a source asks for at once (500).
    pub fetch: u32,
}

/// The links between machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Network {
    /// The shortest time on the way (200 us).
    #[serde(with = "text")]
    pub latency_min: Span,
    /// The longest time on the way without a queue (1 ms).
    #[serde(with = "text")]
    pub latency_max: Span,
    /// Bytes a second of each link; without limit if absent.
    pub bandwidth: Option<u64>,
    /// Lost datagrams in a million (0); a connection sees a loss as delay.
    pub loss_ppm: u32,
    /// Duplicated datagrams in a million (0).
    pub duplicate_ppm: u32,
    /// A connection that gets nothing through for this long is reset (10 s).
    #[serde(with = "text")]
    pub patience: Span,
}

/// Every machine's disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// Time of each operation (100 us).
    #[serde(with = "text")]
    pub latency: Span,
    /// Time of each sync (5 ms).
    #[serde(with = "text")]
    pub sync: Span,
    /// Bytes a second (200 MB/s).
    pub bandwidth: u64,
}

/// When the storm begins and ends, and how long recovery may take. Before the storm is the calm,
/// after the last fault and the end of the input the lull.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Phases {
    /// The storm begins when this much of the input's duration has passed (20).
    pub storm_from_percent: u8,
    /// It ends when this much has passed (80).
    pub storm_to_percent: u8,
    /// The run must finish this long after the last fault and the end of the input (60 s).
    #[serde(with = "text")]
    pub lull: Span,
}

impl Scenario {
    /// A calm scenario with all defaults, to be changed field by field.
    pub fn new(name: &str, topology: &str, rate: Rate, source: Source) -> Scenario {
        Scenario {
            name: name.to_string(),
            summary: String::new(),
            topology: TopologyChoice {
                name: topology.to_string(),
                parallelism: BTreeMap::new(),
                max_parallelism: None,
            },
            input: Input { partitions: Input::PARTITIONS, rate, source },
            cluster: Cluster::of(Profile::Catalog),
            checkpoint: Checkpoint::default(),
            flow: Flow::default(),
            network: Network::default(),
            disk: Disk::default(),
            guarantee: Guarantee::ExactlyOnce,
            faults: Vec::new(),
            phases: Phases::default(),
            origin: Origin::default(),
        }
    }

    /// Reads a scenario from TOML.
    ///
    /// # Errors
    /// The first mistake, with its place in `source_name`.
    pub fn parse(text: &str, source_name: &str) -> Result<Scenario, Problem> {
        Scenario::parse_with(text, source_name, &[] as &[&str])
    }

    /// Reads a scenario from TOML after changing some of its keys: each setting is
    /// `key.path=value`, where a value that is no TOML is taken as a string
    /// (`checkpoint.interval=5s`), and faults are numbered from 1 (`fault.2.at=50%`).
    ///
    /// # Errors
    /// The first mistake, with its place in `source_name` or in the setting.
    pub fn parse_with(
        text: &str,
        source_name: &str,
        settings: &[impl AsRef<str>],
    ) -> Result<Scenario, Problem> {
        let (raw, origin) = document::read(text, source_name, settings)?;
        let scenario = lower::scenario(raw, origin)?;
        scenario.check()?;
        Ok(scenario)
    }

    /// The same scenario with one key set, as [`Scenario::parse_with`] does.
    ///
    /// # Errors
    /// If the setting or what follows from it is a mistake, or if the scenario was built in Rust
    /// (set the field instead).
    pub fn set(&self, setting: &str) -> Result<Scenario, Problem> {
        let Some((text, settings)) = self.origin.written() else {
            let message = "a scenario built in Rust has no keys to set: change its fields";
            return Err(Problem::new("", message));
        };
        let settings: Vec<&str> = settings.iter().map(String::as_str).chain([setting]).collect();
        Scenario::parse_with(text, self.origin.source(), &settings)
    }

    /// Checks what must hold between the values; a parsed scenario has been checked.
    ///
    /// # Errors
    /// The first mistake.
    pub fn check(&self) -> Result<(), Problem> {
        check::scenario(self)
    }

    /// The topology at the chosen width.
    ///
    /// # Errors
    /// If topology or component is unknown, or the width does not fit.
    pub fn topology(&self, registry: &Registry) -> Result<Arc<Topology>, Problem> {
        check::topology(self, registry)
    }

    /// The input log of a seed. Records of a CSV file do not depend on the seed.
    ///
    /// # Errors
    /// If a file is missing or holds no row.
    pub fn input(&self, seed: u64, loader: &crate::input::Loader<'_>) -> Result<InputLog, Problem> {
        crate::input::build(&self.input, seed, loader).map_err(|problem| {
            let file = self.origin.problem("input.csv.file", problem.message.clone());
            Problem { help: problem.help, ..file }
        })
    }
}

impl Input {
    /// Partitions unless a scenario says otherwise.
    pub const PARTITIONS: u16 = 4;
}

impl Cluster {
    /// The defaults of a profile.
    pub fn of(profile: Profile) -> Cluster {
        let storm = profile == Profile::Storm;
        let secs = |catalog, of_storm| Span::secs(if storm { of_storm } else { catalog });
        Cluster {
            profile,
            workers: 4,
            slots: 1,
            coordinators: 1,
            cores: 2,
            heartbeat_interval: Span::secs(1),
            heartbeat_timeout: secs(5, 30),
            monitor_interval: if storm { Span::secs(10) } else { Span::millis(500) },
            restart_delay: secs(1, 3),
            worker_start_timeout: secs(10, 120),
            deploy_timeout: secs(10, 120),
        }
    }

    /// How many processes of a role there are.
    pub fn members(&self, role: Role) -> u32 {
        match role {
            Role::Worker => u32::from(self.workers) * u32::from(self.slots),
            Role::Supervisor => self.workers.into(),
            Role::Coordinator => self.coordinators.into(),
            Role::Broker | Role::Store | Role::Receiver => 1,
        }
    }

    /// The machine of a role's member, counted from 1, as something to compare: equal exactly if
    /// the machine is the same.
    pub(crate) fn machine_of(&self, role: Role, number: u32) -> (Role, u32) {
        match role {
            Role::Worker => (Role::Supervisor, (number - 1) / u32::from(self.slots) + 1),
            role => (role, number),
        }
    }
}

impl Default for Checkpoint {
    fn default() -> Self {
        let (interval, timeout) = (Span::secs(2), Span::secs(10));
        Checkpoint { interval, timeout, min_pause: Span::ZERO, retained: 1 }
    }
}
impl Default for Flow {
    fn default() -> Self {
        let (flush, poll) = (Span::millis(100), Span::millis(100));
        Flow { flush, batch: 100, credits: 1024, poll, fetch: 500 }
    }
}
impl Default for Network {
    fn default() -> Self {
        Network {
            latency_min: Span::micros(200),
            latency_max: Span::millis(1),
            bandwidth: None,
            loss_ppm: 0,
            duplicate_ppm: 0,
            patience: Span::secs(10),
        }
    }
}
impl Default for Disk {
    fn default() -> Self {
        Disk { latency: Span::micros(100), sync: Span::millis(5), bandwidth: 200_000_000 }
    }
}
impl Default for Phases {
    fn default() -> Self {
        Phases { storm_from_percent: 20, storm_to_percent: 80, lull: Span::secs(60) }
    }
}
