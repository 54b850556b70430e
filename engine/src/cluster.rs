//! What every process of a cluster is told: who is where, what runs, and how it is tuned.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::NodeId;
use stormglass_sim::time::Span;

use crate::backend::Backend;
use crate::coordinator::detector::Detector;
use crate::coordinator::interval::Adaptive;
use crate::coordinator::rebalance;
use crate::coordinator::schedule::Scheduler;
use crate::ids::TaskId;
use crate::origin::Origin;
use crate::raft;
use crate::topology::Topology;

/// A cluster's members and settings. Immutable; shared by all processes.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// What runs.
    pub topology: Arc<Topology>,
    /// Partitions of the input log.
    pub partitions: u16,
    /// The coordinators: replica `n` of the metadata is the `n`-th of them, from 0.
    pub coordinators: Vec<NodeId>,
    /// The log broker.
    pub broker: NodeId,
    /// The durable store of checkpoints: store `n` of a file's replicas is the `n`-th of these,
    /// from 0.
    pub stores: Vec<NodeId>,
    /// The receiving side of the transactional sinks.
    pub receiver: NodeId,
    /// The supervisors that belong to the cluster from the beginning; others may join.
    pub supervisors: Vec<NodeId>,
    /// Worker processes that each supervisor keeps alive, at the ports that follow its own.
    pub slots: u16,
    /// How the coordinators replicate the metadata.
    pub raft: RaftSettings,
    /// Failure detection and restarts.
    pub control: ControlSettings,
    /// Checkpoints.
    pub checkpoint: CheckpointSettings,
    /// Where keyed state lies, and what of it a checkpoint saves.
    pub state: StateSettings,
    /// What tasks do with barriers.
    pub barriers: Barriers,
    /// How the durable store keeps files.
    pub store: StoreSettings,
    /// The savepoint that the job starts from, if it is not its first.
    pub origin: Option<Arc<Origin>>,
    /// Batching and flow control.
    pub flow: FlowSettings,
    /// How a failure is recovered from.
    pub recovery: Recovery,
}

/// How a failure is recovered from: the mechanisms are interchangeable for the same topology.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recovery {
    /// Barriers, consistent cuts and transactional sinks: exactly once.
    Checkpoints,
    /// Acking, and Storm's commit of stateful bolts through a checkpoint spout: at least once.
    StatefulBolts(AckingSettings),
}

/// Acking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AckingSettings {
    /// A tree of tuples that is not complete after this long, or twice as long at most, has failed
    /// (Storm's `topology.message.timeout.secs`).
    pub message_timeout: Span,
    /// Records of one source task that may be under way (Storm's `topology.max.spout.pending`).
    pub max_pending: u32,
    /// How often a source has its position kept.
    pub commit_interval: Span,
}

impl Recovery {
    /// The settings of acking, if it is used.
    pub const fn acking(&self) -> Option<&AckingSettings> {
        match self {
            Recovery::Checkpoints => None,
            Recovery::StatefulBolts(settings) => Some(settings),
        }
    }
}

/// Failure detection and restarts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ControlSettings {
    /// How often workers and supervisors say that they live.
    pub heartbeat_interval: Span,
    /// When silence makes a worker suspect.
    pub detector: Detector,
    /// Silence after which an executor's worker counts as failed.
    pub executor_timeout: Span,
    /// How often the coordinator looks at its facts.
    pub monitor_interval: Span,
    /// How long a supervisor waits before it starts a dead worker again.
    pub restart_delay: Span,
    /// How long the coordinator waits for a worker to be started (again).
    pub worker_start_timeout: Span,
    /// How long a worker may take to deploy its tasks with restored state.
    pub deploy_timeout: Span,
    /// Which worker gets which task.
    pub scheduler: Scheduler,
    /// With [`Scheduler::Load`]: over which time load is measured, and when it is acted on.
    pub load: LoadSettings,
}

/// When load moves tasks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoadSettings {
    /// Load is measured over this time.
    pub window: Span,
    /// When it is acted on.
    pub act: rebalance::Settings,
}

impl LoadSettings {
    /// Over 5 s; if a worker carries 1.3 times the mean and 5 % of a core; every 15 s at most.
    pub const DEFAULT: LoadSettings = LoadSettings {
        window: Span::secs(5),
        act: rebalance::Settings {
            threshold_permille: 1_300,
            busy_permille: 50,
            cool_down: Span::secs(15),
        },
    };
}

/// How the coordinators replicate the metadata.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RaftSettings {
    /// The protocol's own settings.
    pub protocol: raft::Settings,
    /// The log is cut behind a snapshot when it holds so many applied entries.
    pub snapshot_after: u32,
}

/// Checkpoints.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CheckpointSettings {
    /// From trigger to trigger; with `adaptive` only until something is known.
    pub interval: Span,
    /// Whether the interval follows what is observed.
    pub adaptive: Option<Adaptive>,
    /// After which a checkpoint is given up.
    pub timeout: Span,
    /// The least time between a completion and the next trigger.
    pub min_pause: Span,
    /// How many completed checkpoints are kept; at least one.
    pub retained: u16,
    /// How many may be under way; at least one.
    pub max_concurrent: u16,
    /// How many failures in a row do not make the job fail over; any number if absent.
    pub tolerated_failures: Option<u32>,
    /// How often a task tries again to write a file, before it declines the checkpoint.
    pub retries: u16,
}

/// Where keyed state lies, and what of it a checkpoint saves.
#[derive(Clone, Debug)]
pub struct StateSettings {
    /// Where it lies.
    pub backend: Backend,
    /// Whether a checkpoint saves only what has changed since the last one that is complete.
    pub incremental: bool,
}

/// What a task does when barriers arrive on its channels: modes and alignment of Flink.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Barriers {
    /// At-least-once: no channel waits, and the cut is taken when all have delivered the barrier.
    /// What came behind it on the faster ones is in the state, and comes again after a restore.
    Tracked,
    /// Exactly-once: a channel waits behind its barrier until all have delivered it.
    Aligned,
    /// Exactly-once: a barrier that has been under way for `timeout` overtakes data, which becomes
    /// part of the checkpoint. With 0 it overtakes from the start.
    Unaligned {
        /// From the trigger.
        timeout: Span,
    },
}

/// How the durable store keeps files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoreSettings {
    /// How many stores have each file; at least one, and no more than there are.
    pub replication: u16,
    /// Bytes of a file in one message.
    pub packet: u64,
    /// A store that cannot be reached for so long is taken for lost: its files are copied.
    pub lost_after: Span,
}

/// Batching and flow control.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlowSettings {
    /// The longest that an emitted tuple waits for its batch to fill.
    pub flush: Span,
    /// Tuples in a full batch.
    pub batch: u32,
    /// Tuples that may be under way on a channel.
    pub credits: u32,
    /// How often an idle source asks the broker.
    pub poll: Span,
    /// The most records of a partition in one fetch.
    pub fetch: u32,
}

impl Barriers {
    /// Whether a barrier may overtake data: then what arrives must not queue where nobody sees it.
    pub const fn may_overtake(self) -> bool {
        matches!(self, Barriers::Unaligned { .. })
    }
}

impl Cluster {
    /// How many stores must have raised their fence before a generation may run. Every pipeline of
    /// an older one then has a store that refuses it: none of its files becomes durable any more.
    pub fn fenced_stores(&self) -> usize {
        self.stores.len() + 1 - usize::from(self.store.replication)
    }

    /// The place of a store among the stores.
    pub fn store_at(&self, node: NodeId) -> Option<u16> {
        self.stores.iter().position(|store| *store == node).map(|at| at as u16)
    }

    /// All tasks, ascending.
    pub fn tasks(&self) -> impl Iterator<Item = TaskId> + use<> {
        (1..=self.topology.tasks()).map(TaskId)
    }
}
