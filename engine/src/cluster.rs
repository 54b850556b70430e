//! What every process of a cluster is told: who is where, what runs, and how it is tuned.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::NodeId;
use stormglass_sim::time::Span;

use crate::ids::TaskId;
use crate::topology::Topology;

/// A cluster's members and settings. Immutable; shared by all processes.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// What runs.
    pub topology: Arc<Topology>,
    /// Partitions of the input log.
    pub partitions: u16,
    /// The coordinators (one, for now).
    pub coordinators: Vec<NodeId>,
    /// The log broker.
    pub broker: NodeId,
    /// The durable store of checkpoints.
    pub store: NodeId,
    /// The receiving side of the transactional sinks.
    pub receiver: NodeId,
    /// The supervisors.
    pub supervisors: Vec<NodeId>,
    /// Worker processes that each supervisor keeps alive, at the ports that follow its own.
    pub slots: u16,
    /// Failure detection and restarts.
    pub control: ControlSettings,
    /// Checkpoints.
    pub checkpoint: CheckpointSettings,
    /// Batching and flow control.
    pub flow: FlowSettings,
}

/// Failure detection and restarts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ControlSettings {
    /// How often workers and supervisors say that they live.
    pub heartbeat_interval: Span,
    /// Silence after which a worker is suspected.
    pub heartbeat_timeout: Span,
    /// How often the coordinator looks at its facts.
    pub monitor_interval: Span,
    /// How long a supervisor waits before it starts a dead worker again.
    pub restart_delay: Span,
    /// How long the coordinator waits for a worker to be started (again).
    pub worker_start_timeout: Span,
    /// How long a worker may take to deploy its tasks with restored state.
    pub deploy_timeout: Span,
}

/// Checkpoints.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CheckpointSettings {
    /// From trigger to trigger.
    pub interval: Span,
    /// After which a checkpoint is given up.
    pub timeout: Span,
    /// The least time between a completion and the next trigger.
    pub min_pause: Span,
    /// How many completed checkpoints are kept; at least one.
    pub retained: u16,
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

impl Cluster {
    /// Every slot a worker may run at, interleaved over the supervisors: first all first slots,
    /// then all second ones, as Storm's even scheduler sorts them.
    pub fn worker_slots(&self) -> impl Iterator<Item = NodeId> {
        (1..=self.slots).flat_map(move |slot| {
            let at = move |node: &NodeId| NodeId { machine: node.machine, port: node.port + slot };
            self.supervisors.iter().map(at)
        })
    }
    /// All tasks, ascending.
    pub fn tasks(&self) -> impl Iterator<Item = TaskId> + use<> {
        (1..=self.topology.tasks()).map(TaskId)
    }
}
