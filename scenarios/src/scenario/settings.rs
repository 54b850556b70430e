//! The settings of a cluster and what it stands on, with their defaults.

use serde::Serialize;
use stormglass_sim::time::Span;

use super::{Alignment, Detector, Mode, Role, Scheduler};
use crate::units::{Between, Share, names, text};

names! {
    /// Defaults of [`Cluster`] under a name.
    Profile, "a profile", "profiles":
    /// Heartbeats each second, 5 s until suspicion: a modern cluster.
    Catalog = "catalog",
    /// Storm's own defaults (`conf/defaults.yaml`): 30 s until suspicion, looked at every 10 s.
    Storm = "storm",
}

/// The machines, and how failures are noticed. Besides the workers' machines there is one machine
/// for each coordinator, each store and each client, and one each for broker and receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cluster {
    /// Whose defaults these are (`catalog`).
    pub profile: Profile,
    /// Worker machines, each with one supervisor (4).
    pub workers: u16,
    /// Worker processes on each of them (1).
    pub slots: u16,
    /// Coordinators (1), at most [`Cluster::MOST_COORDINATORS`]; each seed draws one of a range.
    pub coordinators: Between<u16>,
    /// Processes that use the replicated metadata all the time, to see whether it keeps its word
    /// (0). Each has a machine of its own.
    pub clients: u16,
    /// Stores, each on a machine of its own (1); written as `store.nodes`.
    pub stores: u16,
    /// Cores of each machine (2).
    pub cores: u16,
    /// Racks (1), numbered from 1: the n-th machine of each role stands in the n-th, counted
    /// round. Whoever only asks something of the cluster stands elsewhere.
    pub racks: u16,
    /// Zones (1), numbered from 1, among which the racks are dealt in the same way.
    pub zones: u16,
    /// A worker's heartbeats are this far apart (1 s; Storm 1 s).
    #[serde(with = "text")]
    pub heartbeat_interval: Span,
    /// A worker is suspected after this long without one (5 s; Storm 30 s).
    #[serde(with = "text")]
    pub heartbeat_timeout: Span,
    /// How often the coordinator looks for the suspicious and the new (500 ms; Storm 10 s).
    #[serde(with = "text")]
    pub monitor_interval: Span,
    /// How a silence is judged (fixed).
    pub detector: Detector,
    /// The phi from which the phi-accrual detector suspects a worker, in thousandths (8.0).
    pub phi_threshold_milli: u32,
    /// How tasks are placed (even).
    pub scheduler: Scheduler,
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
    /// Whether the interval follows what is observed of failures and costs (it does not).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adaptive: Option<Adaptive>,
    /// A checkpoint that is not complete after this long is given up (10 s).
    #[serde(with = "text")]
    pub timeout: Span,
    /// At least this long from the end of one to the trigger of the next (0 s).
    #[serde(with = "text")]
    pub min_pause: Span,
    /// How many complete checkpoints are kept (1).
    pub retained: u16,
    /// How many may be under way at once (1).
    pub max_concurrent: u16,
    /// How many in a row may fail before the job fails over; any number if absent (Flink: 0).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerated_failures: Option<u32>,
    /// How often a task tries again to write a file before it declines the checkpoint (2).
    pub retries: u16,
    /// What a checkpoint guarantees (exactly-once).
    pub mode: Mode,
    /// Whether barriers wait for data (aligned).
    pub alignment: Alignment,
    /// A barrier overtakes data when its checkpoint has lasted this long (0 s: from the start).
    #[serde(with = "text")]
    pub aligned_timeout: Span,
}

/// How the interval between checkpoints follows what is observed: it aims at the best one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Adaptive {
    /// It is never shorter.
    #[serde(with = "text")]
    pub min: Span,
    /// It is never longer.
    #[serde(with = "text")]
    pub max: Span,
    /// Changes that are no larger than this share of it are not made (10 %).
    #[serde(with = "text")]
    pub hysteresis: Share,
}

/// How the durable store keeps files. How many stores there are is in [`Cluster::stores`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Store {
    /// How many stores have each file (1).
    pub replication: u16,
    /// Bytes of a file in one message (32 KiB). A connection keeps 256 KiB under way: with much
    /// larger packets the link rests while it waits for an acknowledgement.
    pub packet: u64,
    /// The files of a store that cannot be reached for so long are copied (10 s).
    #[serde(with = "text")]
    pub lost_after: Span,
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

/// Who reads keyed state from outside of the topology.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Queries {
    /// How many clients, each with one query at a time and a machine of its own (1).
    pub clients: u16,
    /// Whose state they read: a component keyed by one field.
    pub component: String,
    /// The longest pause between two queries of a client (200 ms).
    #[serde(with = "text")]
    pub pause: Span,
    /// The keys that they ask for; the first words of the input if empty.
    pub keys: Vec<String>,
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
    /// Bytes a second of each machine's card, in each direction; without limit if absent.
    pub bandwidth: Option<u64>,
    /// The same of workers' machines, if it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_bandwidth: Option<u64>,
    /// Lost datagrams in a million (0); a connection sees a loss as delay.
    pub loss_ppm: u32,
    /// Duplicated datagrams in a million (0).
    pub duplicate_ppm: u32,
    /// A connection that gets nothing through for this long is reset (10 s).
    #[serde(with = "text")]
    pub patience: Span,
    /// A connection over which nothing is sent is reset when it has not been able to carry anything
    /// for this long (30 s).
    #[serde(with = "text")]
    pub keepalive: Span,
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

impl Cluster {
    /// The defaults of a profile.
    pub fn of(profile: Profile) -> Cluster {
        let storm = profile == Profile::Storm;
        let secs = |catalog, of_storm| Span::secs(if storm { of_storm } else { catalog });
        Cluster {
            profile,
            workers: 4,
            slots: 1,
            coordinators: Between::just(1),
            clients: 0,
            stores: 1,
            cores: 2,
            racks: 1,
            zones: 1,
            heartbeat_interval: Span::secs(1),
            heartbeat_timeout: secs(5, 30),
            monitor_interval: if storm { Span::secs(10) } else { Span::millis(500) },
            detector: Detector::Fixed,
            phi_threshold_milli: 8_000,
            scheduler: Scheduler::Even,
            restart_delay: secs(1, 3),
            worker_start_timeout: secs(10, 120),
            deploy_timeout: secs(10, 120),
        }
    }

    /// The most coordinators. More replicas make every decision slower and survive no more than
    /// three losses at once, which is beyond what anybody runs.
    pub const MOST_COORDINATORS: u16 = 7;

    /// How many processes of a role there are for certain, whatever a seed draws. The operator is
    /// not counted: it is no part of the cluster.
    pub fn members(&self, role: Role) -> u32 {
        match role {
            Role::Worker => u32::from(self.workers) * u32::from(self.slots),
            Role::Supervisor => self.workers.into(),
            Role::Coordinator => self.coordinators.min.into(),
            Role::Client => self.clients.into(),
            Role::Store => self.stores.into(),
            Role::Broker | Role::Receiver => 1,
            Role::Operator | Role::QueryClient => 0,
        }
    }

    /// How many machines the members of a role have for certain.
    pub(crate) fn machines_of(&self, role: Role) -> u32 {
        self.members(if role == Role::Worker { Role::Supervisor } else { role })
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

impl Adaptive {
    /// Unless a scenario says otherwise.
    pub const HYSTERESIS: Share = Share::percent(10);
}
impl Default for Checkpoint {
    fn default() -> Self {
        let (interval, timeout) = (Span::secs(2), Span::secs(10));
        Checkpoint {
            interval,
            adaptive: None,
            timeout,
            min_pause: Span::ZERO,
            retained: 1,
            max_concurrent: 1,
            tolerated_failures: None,
            retries: 2,
            mode: Mode::ExactlyOnce,
            alignment: Alignment::Aligned,
            aligned_timeout: Span::ZERO,
        }
    }
}
impl Default for Store {
    fn default() -> Self {
        Store { replication: 1, packet: 32 << 10, lost_after: Span::secs(10) }
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
            worker_bandwidth: None,
            loss_ppm: 0,
            duplicate_ppm: 0,
            patience: Span::secs(10),
            keepalive: Span::secs(30),
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
