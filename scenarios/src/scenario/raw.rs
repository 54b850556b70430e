//! The TOML as it is written. Its doc comments become the descriptions in the JSON schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use stormglass_sim::time::Span;

use super::{
    Alignment, Assumption, Detector, Guarantee, Mode, Profile, Recovery, Scheduler, SinkKind,
    StateBackend,
};
use crate::units::{Bandwidth, Between, Quantity, Rate, Share, Size};

mod chaos;
mod fault;
mod on;
mod operation;

pub(super) use chaos::RawChaos;
pub(super) use fault::RawFault;
pub(super) use on::RawOn;
pub(super) use operation::{RawOperation, RawRebalance};

/// The JSON schema of a scenario, for editors.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(RawScenario).to_value();
    without_null(&mut schema);
    schema
}

/// TOML has no null: a key is there or it is not.
fn without_null(schema: &mut serde_json::Value) {
    let is_null = |kind: &serde_json::Value| *kind == "null" || kind["type"] == "null";
    match schema {
        serde_json::Value::Object(fields) => {
            for key in ["type", "anyOf"] {
                let Some(serde_json::Value::Array(kinds)) = fields.get_mut(key) else { continue };
                kinds.retain(|kind| !is_null(kind));
                if key == "type" && kinds.len() == 1 {
                    let only = kinds.remove(0);
                    fields.insert(key.to_string(), only);
                }
            }
            fields.values_mut().for_each(without_null);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

type Duration = Option<Quantity<Span>>;
type Portion = Option<Quantity<Share>>;

/// A Stormglass scenario: what is run, on what, and what is done to it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "Stormglass scenario")]
pub(super) struct RawScenario {
    /// Its name, as people type it.
    pub name: String,
    /// One sentence for lists.
    #[serde(default)]
    pub summary: String,
    /// What the run claims, and is judged by.
    pub guarantee: Option<Quantity<Guarantee>>,
    /// Which topology runs, and how wide.
    pub topology: RawTopology,
    /// What it processes.
    pub input: RawInput,
    /// The machines, and how failures are noticed.
    #[serde(default)]
    pub cluster: RawCluster,
    /// How a failure is recovered from. Default "checkpoints".
    pub recovery: Option<Quantity<Recovery>>,
    /// How often state is saved.
    #[serde(default)]
    pub checkpoint: RawCheckpoint,
    /// Where keyed state lies, and what of it a checkpoint saves.
    #[serde(default)]
    pub state: RawState,
    /// Acking, with recovery = "stateful-bolts".
    #[serde(default)]
    pub acking: RawAcking,
    /// How the durable store keeps files.
    #[serde(default)]
    pub store: RawStore,
    /// How tuples flow.
    #[serde(default)]
    pub flow: RawFlow,
    /// The receiving side of the sinks.
    #[serde(default)]
    pub sink: RawSink,
    /// The links between machines.
    #[serde(default)]
    pub network: RawNetwork,
    /// Every machine's disk.
    #[serde(default)]
    pub disk: RawDisk,
    /// How the coordinators agree.
    #[serde(default)]
    pub raft: RawRaft,
    /// The machines' clocks.
    #[serde(default)]
    pub clock: RawClock,
    /// When the storm begins and ends, and how long recovery may take.
    #[serde(default)]
    pub phases: RawPhases,
    /// What the run takes for granted: a loss that follows from its contrary is not judged.
    #[serde(default)]
    pub assume: Vec<Quantity<Assumption>>,
    /// Who reads keyed state from outside of the topology.
    pub queries: Option<RawQueries>,
    /// What is asked of the cluster while it runs: each with `at`, and one request.
    #[serde(default)]
    pub operation: Vec<RawOperation>,
    /// In how many of all seeds each rare event of the engine exists. Default "0%".
    pub rare_events: Portion,
    /// What is done to it: each with `at` or `on`, and one action.
    #[serde(default)]
    pub fault: Vec<RawFault>,
    /// By which laws of chance other faults come: each with one generator.
    #[serde(default)]
    pub chaos: Vec<RawChaos>,
    /// Choices that each seed makes: one of several tables of keys, laid over the rest.
    #[serde(default)]
    pub draw: Vec<RawDraw>,
}

/// Who reads keyed state from outside of the topology.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Queries")]
pub(super) struct RawQueries {
    /// How many clients, each with one query at a time. Default 1.
    pub clients: Option<u16>,
    /// Whose state they read: a component keyed by one field.
    pub component: String,
    /// The longest pause between two queries of a client. Default 200ms.
    pub pause: Duration,
    /// The keys that they ask for. Default: the first words of the input.
    #[serde(default)]
    pub keys: Vec<String>,
}

/// A choice that each seed makes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Draw")]
pub(super) struct RawDraw {
    /// What is chosen, for tables.
    pub name: String,
    /// Tables of keys as they could stand in the scenario itself, and perhaps a `label`.
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>")]
    pub one_of: Vec<toml::Table>,
}

/// Which topology runs, and how wide.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Topology")]
pub(super) struct RawTopology {
    /// Its name: word-count, flight-delays, or one of your own.
    pub name: String,
    /// Number of tasks by component; the topology's own numbers for the rest.
    #[serde(default)]
    pub parallelism: BTreeMap<String, u16>,
    /// CPU time that a tuple costs, by component; the topology's own for the rest.
    #[serde(default)]
    pub cpu: BTreeMap<String, Quantity<Span>>,
    /// CPU time that its part of a checkpoint takes each task, which does nothing else meanwhile,
    /// by component. Default none.
    #[serde(default)]
    pub snapshot_cpu: BTreeMap<String, Quantity<Span>>,
    /// How sinks hand their records over, by component: "transactional", "idempotent" or "plain";
    /// the topology's own ways for the rest.
    #[serde(default)]
    pub sinks: BTreeMap<String, Quantity<SinkKind>>,
    /// Number of key groups; the topology's own number if absent.
    pub max_parallelism: Option<u16>,
}

/// Records that arrive evenly, round robin over the partitions. Give `csv` or `words`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Input")]
pub(super) struct RawInput {
    /// Number of partitions of the log. Default 4.
    pub partitions: Option<u16>,
    /// Records in virtual time.
    pub rate: Quantity<Rate>,
    /// More records for a while, again and again. Default: none.
    pub burst: Option<RawBurst>,
    /// Share of records in which one character is unreadable. Default 0%.
    pub poison: Option<Quantity<Between<Share>>>,
    /// Share of records that their producer publishes again within a second. Default 0%.
    pub repeats: Option<Quantity<Between<Share>>>,
    /// How long the broker keeps a record. Default: for good.
    pub retention: Option<Quantity<Between<Span>>>,
    /// The rows of a CSV file.
    pub csv: Option<RawCsv>,
    /// Words by a Zipf law.
    pub words: Option<RawWords>,
}

/// More records for a while, again and again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Burst")]
pub(super) struct RawBurst {
    /// The rate is so many times what it is otherwise.
    pub times: Quantity<Between<u32>>,
    /// From the start or the end of a burst to the next one.
    pub every: Quantity<Between<Span>>,
    /// How long it lasts.
    #[serde(rename = "for")]
    pub lasting: Quantity<Between<Span>>,
}

/// The rows of a CSV file, as they stand, after its header line.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Csv")]
pub(super) struct RawCsv {
    /// The file, relative to the scenario.
    pub file: String,
    /// Only so many rows from the top; all if absent.
    pub limit: Option<u64>,
}

/// Words by a Zipf law: the word of rank r has a weight of 1 / r^skew.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Words")]
pub(super) struct RawWords {
    /// How many.
    pub count: u64,
    /// How many different words there are to draw from. Default 5000.
    pub vocabulary: Option<u32>,
    /// The exponent: 0 draws all words equally often. Default 1.0.
    pub skew: Option<f64>,
    /// After so long, other words become the frequent ones, again and again. Default: never.
    pub shift: Option<Quantity<Between<Span>>>,
}

/// The machines, and how failures are noticed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Cluster")]
pub(super) struct RawCluster {
    /// Sets the defaults of the other keys here. Default "catalog".
    pub profile: Option<Quantity<Profile>>,
    /// Worker machines, each with one supervisor. Default 4.
    pub workers: Option<u16>,
    /// Worker processes on each of them. Default 1.
    pub slots: Option<u16>,
    /// Coordinators: a number or a range such as "1..7", of which each seed draws. Default 1.
    pub coordinators: Option<Quantity<Between<u16>>>,
    /// Processes that use the replicated metadata all the time. Default 0.
    pub clients: Option<u16>,
    /// Cores of each machine. Default 2.
    pub cores: Option<u16>,
    /// Racks: the first process of each role stands in the first, and so on, round. Default 1.
    pub racks: Option<u16>,
    /// Zones, among which the racks are dealt, round. Default 1.
    pub zones: Option<u16>,
    /// A worker's heartbeats are this far apart. Default 1s.
    pub heartbeat_interval: Duration,
    /// A worker is suspected after this long without one. Default 5s; storm 30s.
    pub heartbeat_timeout: Duration,
    /// How often the coordinator looks. Default 500ms; storm 10s.
    pub monitor_interval: Duration,
    /// How a worker's silence is judged. Default "fixed".
    pub detector: Option<Quantity<Detector>>,
    /// The phi from which the phi-accrual detector suspects a worker. Default 8.0.
    pub phi_threshold: Option<f64>,
    /// How tasks are placed. Default "even".
    pub scheduler: Option<Quantity<Scheduler>>,
    /// A supervisor restarts a dead worker after this long. Default 1s; storm 3s.
    pub restart_delay: Duration,
    /// A supervisor gives a worker this long to start. Default 10s; storm 120s.
    pub worker_start_timeout: Duration,
    /// The coordinator gives a worker this long to deploy its tasks. Default 10s; storm 120s.
    pub deploy_timeout: Duration,
}

/// How often state is saved.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Checkpoint")]
pub(super) struct RawCheckpoint {
    /// From one trigger to the next. Default 2s.
    pub interval: Duration,
    /// The interval follows failures and costs as they are observed, and is what is set until then.
    /// Default: it does not.
    pub adaptive: Option<RawAdaptive>,
    /// A checkpoint that is not complete after this long is given up. Default 10s.
    pub timeout: Duration,
    /// At least this long from the end of one to the trigger of the next. Default 0s.
    pub min_pause: Duration,
    /// How many complete checkpoints are kept. Default 1.
    pub retained: Option<u16>,
    /// How many checkpoints may be under way at once. Default 1.
    pub max_concurrent: Option<u16>,
    /// How many checkpoints in a row may fail before the job fails over. Default: any number.
    pub tolerated_failures: Option<u32>,
    /// How often a task tries again to write a file before it declines the checkpoint. Default 2.
    pub retries: Option<u16>,
    /// What a checkpoint guarantees. Default "exactly-once".
    pub mode: Option<Quantity<Mode>>,
    /// Whether barriers wait for the data before them. Default "aligned".
    pub alignment: Option<Quantity<Alignment>>,
    /// With alignment = "unaligned": a barrier overtakes data only when its checkpoint has lasted
    /// this long. Default 0s.
    pub aligned_timeout: Duration,
}

/// The interval between checkpoints aims at the best one for the failures and costs of the run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Adaptive")]
pub(super) struct RawAdaptive {
    /// It is never shorter.
    pub min: Quantity<Span>,
    /// It is never longer.
    pub max: Quantity<Span>,
    /// Changes that are no larger than this share of it are not made. Default 10%.
    pub hysteresis: Portion,
}

/// Where keyed state lies, and what of it a checkpoint saves.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "State")]
pub(super) struct RawState {
    /// Where it lies. Default file.
    pub backend: Option<Quantity<StateBackend>>,
    /// Whether a checkpoint saves only what has changed since the last complete one. Default false.
    pub incremental: Option<bool>,
}

/// Acking, with recovery = "stateful-bolts".
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Acking")]
pub(super) struct RawAcking {
    /// A record whose tree is not complete after this long, or twice as long at most, is read
    /// again. Default 30s.
    pub message_timeout: Duration,
    /// Records of one source task that may be under way. Default 10000.
    pub max_pending: Option<u32>,
    /// A source has its position kept this often. Default 1s.
    pub commit_interval: Duration,
}

/// How the durable store keeps files.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Store")]
pub(super) struct RawStore {
    /// How many stores there are, each on a machine of its own. Default 1.
    pub nodes: Option<u16>,
    /// How many of them have each file. Default 1.
    pub replication: Option<u16>,
    /// A file travels in messages of this size. Default 32KiB.
    pub packet: Option<Quantity<Size>>,
    /// The files of a store that cannot be reached for so long are copied. Default 10s.
    pub lost_after: Duration,
}

/// How tuples flow.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Flow")]
pub(super) struct RawFlow {
    /// A batch that is not full leaves after this long. Default 20ms.
    pub flush: Duration,
    /// Tuples in a full batch. Default 100.
    pub batch: Option<u32>,
    /// Tuples that a channel may have on the way. Default 1024.
    pub credits: Option<u32>,
    /// A source that found nothing new asks again after this long. Default 20ms.
    pub poll: Duration,
    /// Records that a source asks for at once. Default 500.
    pub fetch: Option<u32>,
}

/// The receiving side of the sinks.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Sink")]
pub(super) struct RawSink {
    /// A transaction that is not committed so long after it began is thrown away. Default 15m.
    pub transaction_timeout: Duration,
    /// CPU time that the receiver takes to accept a record. Default 0s.
    pub service: Duration,
    /// The receiver rewrites its log when it has so many bytes. Default 4MiB.
    pub rewrite_after: Option<Quantity<Size>>,
}

/// The links between machines.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Network")]
pub(super) struct RawNetwork {
    /// Time on the way without a queue: a duration or a range. Default 200us..1ms.
    pub latency: Option<Quantity<Between<Span>>>,
    /// Bandwidth of each link; without limit if absent.
    pub bandwidth: Option<Quantity<Bandwidth>>,
    /// Bandwidth of workers' links, if it is another.
    pub worker_bandwidth: Option<Quantity<Bandwidth>>,
    /// Share of datagrams lost; a connection sees a loss as delay. Default 0%.
    pub loss: Portion,
    /// Share of datagrams duplicated. Default 0%.
    pub duplicate: Portion,
    /// A connection that gets nothing through for this long is reset. Default 10s.
    pub patience: Duration,
    /// A connection over which nothing is sent is reset when it has not been able to carry anything
    /// for this long: so who only reads learns that it is cut off, or forgotten. Default 30s.
    pub keepalive: Duration,
}

/// Every machine's disk.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Disk")]
pub(super) struct RawDisk {
    /// Time of each operation. Default 100us.
    pub latency: Duration,
    /// Time of each sync. Default 5ms.
    pub sync: Duration,
    /// Its bandwidth. Default 200MB/s.
    pub bandwidth: Option<Quantity<Bandwidth>>,
}

/// When the storm begins and ends, and how long recovery may take.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Phases")]
pub(super) struct RawPhases {
    /// The part of the input's duration in which faults strike. Default 20%..80%.
    pub storm: Option<Quantity<Between<Share>>>,
    /// The run must finish this long after the last fault and the end of the input. Default 60s.
    pub lull: Duration,
}

/// How the coordinators agree.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Raft")]
pub(super) struct RawRaft {
    /// A follower that hears nothing for so long stands for election: a range of which it draws
    /// anew each time. Default 150ms..300ms.
    pub election_timeout: Option<Quantity<Between<Span>>>,
    /// A leader is heard at least so often. Default 50ms.
    pub heartbeat: Duration,
    /// Entries in one message; a message with one entry may be larger. Default 64KiB.
    pub append: Option<Quantity<Size>>,
    /// Entries under way to one follower. Default 1MiB.
    pub inflight: Option<Quantity<Size>>,
    /// A part of a snapshot in one message. Default 64KiB.
    pub chunk: Option<Quantity<Size>>,
    /// A snapshot takes the place of the log after so many entries. Default 1000.
    pub snapshot_after: Option<u32>,
    /// Whether reads are served under a lease. Default false: by a round to a quorum.
    pub lease: Option<bool>,
    /// How much faster one clock may run than another, which a lease rests on. Default 10%.
    pub drift_bound: Portion,
}

/// The machines' clocks.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Clock")]
pub(super) struct RawClock {
    /// A machine's clocks run at most so much faster or slower than true time; drawn for each
    /// machine. Default 0%.
    pub drift: Portion,
    /// At the start a machine's wall clock is ahead of true time by at most this; drawn for each
    /// machine. Default 0s.
    pub offset: Duration,
}
