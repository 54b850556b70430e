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
//! In reading order: the structs here; `settings` (machines, links, disks), `state` (where it
//! lies), `sinks`, `recovery` (the mechanism, and acking), `barriers` (modes and alignment of
//! checkpoints), `control` (Raft, clocks, detector, scheduler) and `disorder` (of the input);
//! `action`, `fault`, `target`, `event`, `phase`, `on` and `aimed` (what is done to a cluster, how
//! often, to whom, and when); `operation` (what is asked of it); `alternative` (what each seed
//! draws one of); `raw` (the TOML as it is written), `document` (text, spans and `--set`), `lower`
//! (from one to the other), `check` (what must hold between the values).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use stormglass_engine::log::InputLog;
use stormglass_engine::topology::Topology;
use stormglass_sim::hash::fingerprint;
use stormglass_sim::time::Span;

use crate::plan::Draw;
use crate::problem::Problem;
use crate::topologies::Registry;
use crate::units::{Between, Rate, Share, names, text};

mod action;
mod aimed;
mod alternative;
mod barriers;
mod chaos;
mod check;
mod control;
mod disorder;
mod document;
mod event;
mod fault;
mod lower;
mod on;
mod operation;
mod phase;
mod raw;
mod recovery;
mod settings;
mod sinks;
mod state;
mod target;
#[cfg(test)]
mod tests;

pub use action::{
    Action, ActionKind, ActionSpec, Among, Breakage, Domain, Entry, Key, Leaves, Scope, Shape,
    Site, Thaw, Ways,
};
pub use aimed::{Need, aimed};
pub use alternative::{Alternative, DrawSpec};
pub use barriers::{Alignment, Mode};
pub use chaos::{ChaosSpec, Generator};
pub use control::{Clock, Detector, Raft, Scheduler};
pub use disorder::{Burst, Disorder};
pub use document::Origin;
pub use event::EventKind;
pub use fault::{FaultSpec, When};
pub use on::{Awaited, Event, On, OnSpec, Tasks, Time};
pub use operation::{Operation, OperationSpec};
pub use phase::{Moment, Part, Phase, Protocol};
pub use raw::schema;
pub use recovery::{Acking, Recovery};
pub use settings::{
    Adaptive, Checkpoint, Cluster, Disk, Flow, Network, Phases, Profile, Queries, Store,
};
pub use sinks::{Assumption, Sink, SinkKind};
pub use state::{State, StateBackend};
pub use target::{Actor, Role, Target};

pub(crate) use action::Pick;

pub(crate) use check::{candidates, storm};
pub(crate) use event::Subject;

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
    /// How a failure is recovered from.
    pub recovery: Recovery,
    /// How often state is saved.
    pub checkpoint: Checkpoint,
    /// Where keyed state lies, and what of it a checkpoint saves.
    pub state: State,
    /// Acking, where the recovery uses it.
    pub acking: Acking,
    /// How the durable store keeps files.
    pub store: Store,
    /// How tuples flow.
    pub flow: Flow,
    /// The links between machines.
    pub network: Network,
    /// Every machine's disk.
    pub disk: Disk,
    /// The receiving side of the sinks.
    pub sink: Sink,
    /// What the run claims, and is judged by.
    pub guarantee: Guarantee,
    /// What it takes for granted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assume: Vec<Assumption>,
    /// How the coordinators agree.
    pub raft: Raft,
    /// The machines' clocks.
    pub clock: Clock,
    /// Who reads keyed state from outside, if anybody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queries: Option<Queries>,
    /// What is asked of the cluster while it runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<OperationSpec>,
    /// In how many of all seeds each rare event of the engine exists (none).
    #[serde(with = "text", skip_serializing_if = "is_none_at_all")]
    pub rare_events: Share,
    /// What is done to it.
    pub faults: Vec<FaultSpec>,
    /// What else is done to it, by laws of chance.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chaos: Vec<ChaosSpec>,
    /// When the storm begins and ends, and how long recovery may take.
    pub phases: Phases,
    /// Alternatives of which each seed draws one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub draws: Vec<DrawSpec>,
    /// What a seed drew of them: name and label.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub drew: BTreeMap<String, String>,
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
    /// CPU time that a tuple costs, by component; the topology's own for the rest.
    #[serde(serialize_with = "crate::units::texts")]
    pub cpu: BTreeMap<String, Span>,
    /// CPU time that its part of a checkpoint takes each task, by component (none).
    #[serde(serialize_with = "crate::units::texts", skip_serializing_if = "BTreeMap::is_empty")]
    pub snapshot_cpu: BTreeMap<String, Span>,
    /// How sinks hand their records over, by component; the topology's own ways for the rest.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sinks: BTreeMap<String, SinkKind>,
    /// Number of key groups; the topology's own number if absent.
    pub max_parallelism: Option<u16>,
}

/// What is processed: records that arrive evenly, unless `disorder` says otherwise. Record `i`,
/// counted from 0, arrives at `(i + 1) / rate` in partition `i mod partitions`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Input {
    /// Number of partitions of the log (4).
    pub partitions: u16,
    /// Records in virtual time.
    pub rate: Rate,
    /// Where they come from.
    pub source: Source,
    /// How it differs from an even one.
    #[serde(skip_serializing_if = "Disorder::is_none")]
    pub disorder: Disorder,
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
    /// What a run claims.
    Guarantee, "a guarantee", "guarantees":
    /// Every record takes effect exactly once, in state and in published output.
    ExactlyOnce = "exactly-once",
    /// No record is lost; after a failure some may take effect again.
    AtLeastOnce = "at-least-once",
}

const fn is_none_at_all(share: &Share) -> bool {
    share.0 == 0
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
                cpu: BTreeMap::new(),
                snapshot_cpu: BTreeMap::new(),
                sinks: BTreeMap::new(),
                max_parallelism: None,
            },
            input: Input {
                partitions: Input::PARTITIONS,
                rate,
                source,
                disorder: Disorder::default(),
            },
            cluster: Cluster::of(Profile::Catalog),
            recovery: Recovery::Checkpoints,
            checkpoint: Checkpoint::default(),
            state: State::default(),
            acking: Acking::default(),
            store: Store::default(),
            flow: Flow::default(),
            network: Network::default(),
            disk: Disk::default(),
            sink: Sink::default(),
            guarantee: Guarantee::ExactlyOnce,
            assume: Vec::new(),
            raft: Raft::default(),
            clock: Clock::default(),
            queries: None,
            operations: Vec::new(),
            rare_events: Share(0),
            faults: Vec::new(),
            chaos: Vec::new(),
            phases: Phases::default(),
            draws: Vec::new(),
            drew: BTreeMap::new(),
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
        let scenario = Scenario::read(text, source_name, settings)?;
        scenario.check()?;
        scenario.check_draws()?;
        Ok(scenario)
    }

    /// Reads it without a look at what must hold between the values.
    fn read(
        text: &str,
        source_name: &str,
        settings: &[impl AsRef<str>],
    ) -> Result<Scenario, Problem> {
        let (raw, origin) = document::read(text, source_name, settings)?;
        lower::scenario(raw, origin)
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

    /// The scenario as a seed has it: one alternative of each, and what is a range of the cluster
    /// itself, is drawn. Whatever builds, plans or shows a run goes by this one.
    #[must_use]
    pub fn drawn(&self, seed: u64) -> Scenario {
        let mut drawn = match self.draws.is_empty() {
            true => self.clone(),
            false => self.with_drawn(seed),
        };
        let Between { min, max } = drawn.cluster.coordinators;
        let mut draw = Draw::new(seed, &[fingerprint(b"cluster.coordinators")]);
        let number = draw.between(min.into(), max.into()) as u16;
        drawn.cluster.coordinators = Between::just(number);
        drawn
    }

    /// By how much the clocks of a machine run faster than true time, in millionths.
    pub fn clock_ppm(&self, seed: u64, machine: u16) -> i32 {
        let most = self.clock.drift_ppm;
        let mut draw = Draw::new(seed, &[fingerprint(b"clock.drift"), machine.into()]);
        draw.between(0, 2 * u64::from(most)) as i32 - most as i32
    }

    /// How far the wall clock of a machine is ahead of true time at the start.
    pub fn wall_offset(&self, seed: u64, machine: u16) -> Span {
        let mut draw = Draw::new(seed, &[fingerprint(b"clock.offset"), machine.into()]);
        Span::nanos(draw.between(0, self.clock.offset.as_nanos()))
    }

    /// The supervisors that are no part of the cluster at first: those that join before they leave.
    pub fn joining(&self) -> Vec<u32> {
        operation::joining(self)
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
