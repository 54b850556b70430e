//! From the scenario's settings to the engine's: one place that knows both.

use std::collections::BTreeSet;
use std::sync::Arc;

use stormglass_embedded::store::Redb;
use stormglass_engine::backend::Backend;
use stormglass_engine::barrier::CheckpointKind;
use stormglass_engine::client::Step;
use stormglass_engine::cluster::{
    AckingSettings, Barriers, CheckpointSettings, Cluster, ControlSettings, FlowSettings,
    LoadSettings, RaftSettings, Recovery, StateSettings, StoreSettings,
};
use stormglass_engine::coordinator::detector;
use stormglass_engine::coordinator::interval::Adaptive;
use stormglass_engine::coordinator::metadata::Command;
use stormglass_engine::coordinator::schedule;
use stormglass_engine::log::InputLog;
use stormglass_engine::message::Asked;
use stormglass_engine::query::Queries;
use stormglass_engine::raft::{self, ClockBound, ReplicaId};
use stormglass_engine::receiver;
use stormglass_engine::state::Key;
use stormglass_engine::topology::Topology;
use stormglass_engine::value::Value;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

use super::Places;
use crate::input;
use crate::plan::{Plan, PlannedOperation};
use crate::scenario::{
    self, Alignment, Detector, Mode, Operation, Role, Scenario, Scheduler, StateBackend,
};

/// Intervals that the phi-accrual detector remembers of each process.
const PHI_WINDOW: u16 = 100;

/// What the engine is told.
pub(super) fn cluster(places: &Places, scenario: &Scenario, topology: &Arc<Topology>) -> Cluster {
    let Scenario { cluster, checkpoint, flow, .. } = scenario;
    let joining = scenario.joining();
    let supervisors = (1..).zip(places.all(Role::Supervisor));
    let first = supervisors.filter(|(number, _)| !joining.contains(number));
    Cluster {
        topology: Arc::clone(topology),
        partitions: scenario.input.partitions,
        coordinators: places.all(Role::Coordinator),
        broker: places.single(Role::Broker),
        stores: places.all(Role::Store),
        receiver: places.single(Role::Receiver),
        supervisors: first.map(|(_, node)| node).collect(),
        slots: places.slots,
        raft: raft(&scenario.raft),
        control: control(cluster),
        origin: None,
        checkpoint: CheckpointSettings {
            interval: checkpoint.interval,
            adaptive: checkpoint.adaptive.as_ref().map(|adaptive| Adaptive {
                min: adaptive.min,
                max: adaptive.max,
                hysteresis_permille: adaptive.hysteresis.0 / 1_000,
            }),
            timeout: checkpoint.timeout,
            min_pause: checkpoint.min_pause,
            retained: checkpoint.retained,
            max_concurrent: checkpoint.max_concurrent,
            tolerated_failures: checkpoint.tolerated_failures,
            retries: checkpoint.retries,
        },
        state: state(&scenario.state),
        barriers: barriers(checkpoint),
        store: StoreSettings {
            replication: scenario.store.replication,
            packet: scenario.store.packet,
            lost_after: scenario.store.lost_after,
        },
        flow: FlowSettings {
            flush: flow.flush,
            batch: flow.batch,
            credits: flow.credits,
            poll: flow.poll,
            fetch: flow.fetch,
        },
        recovery: recovery(scenario),
    }
}

fn recovery(scenario: &Scenario) -> Recovery {
    let acking = &scenario.acking;
    match scenario.recovery {
        scenario::Recovery::Checkpoints => Recovery::Checkpoints,
        scenario::Recovery::StatefulBolts => Recovery::StatefulBolts(AckingSettings {
            message_timeout: acking.message_timeout,
            max_pending: acking.max_pending,
            commit_interval: acking.commit_interval,
        }),
    }
}

/// How the receiver is tuned.
pub(super) fn receiver(sink: &scenario::Sink) -> receiver::Settings {
    let scenario::Sink { transaction_timeout, service, rewrite_after } = *sink;
    receiver::Settings { transaction_timeout, rewrite_after, service }
}

fn state(state: &scenario::State) -> StateSettings {
    let backend = match state.backend {
        StateBackend::Memory => Backend::Memory,
        StateBackend::File => Backend::File,
        StateBackend::Log => Backend::Log,
        StateBackend::Embedded => Backend::Embedded(Arc::new(Redb)),
    };
    StateSettings { backend, incremental: state.incremental }
}

fn barriers(checkpoint: &scenario::Checkpoint) -> Barriers {
    match (checkpoint.mode, checkpoint.alignment) {
        (Mode::AtLeastOnce, _) => Barriers::Tracked,
        (Mode::ExactlyOnce, Alignment::Aligned) => Barriers::Aligned,
        (Mode::ExactlyOnce, Alignment::Unaligned) => {
            Barriers::Unaligned { timeout: checkpoint.aligned_timeout }
        }
    }
}

fn raft(raft: &scenario::Raft) -> RaftSettings {
    let bound = ClockBound { drift_ppm: raft.drift_bound_ppm };
    RaftSettings {
        protocol: raft::Settings {
            election_timeout: (raft.election_timeout.min, raft.election_timeout.max),
            heartbeat: raft.heartbeat,
            append_bytes: raft.append_bytes,
            inflight_bytes: raft.inflight_bytes,
            chunk_bytes: raft.chunk_bytes,
            lease: raft.lease.then_some(bound),
        },
        snapshot_after: raft.snapshot_after,
    }
}

fn control(cluster: &scenario::Cluster) -> ControlSettings {
    let beat = cluster.heartbeat_interval;
    ControlSettings {
        heartbeat_interval: beat,
        detector: match cluster.detector {
            Detector::Fixed => detector::Detector::Fixed { timeout: cluster.heartbeat_timeout },
            Detector::Phi => detector::Detector::Phi {
                threshold_milli: cluster.phi_threshold_milli,
                window: PHI_WINDOW,
                min_deviation: beat.scale(1, 10),
                acceptable_pause: beat,
                first: beat,
            },
        },
        executor_timeout: cluster.heartbeat_timeout,
        monitor_interval: cluster.monitor_interval,
        restart_delay: cluster.restart_delay,
        worker_start_timeout: cluster.worker_start_timeout,
        deploy_timeout: cluster.deploy_timeout,
        scheduler: match cluster.scheduler {
            Scheduler::Even => schedule::Scheduler::Even,
            Scheduler::Default => schedule::Scheduler::Default,
            Scheduler::Local => schedule::Scheduler::Local,
            Scheduler::Load => schedule::Scheduler::Load,
        },
        load: LoadSettings::DEFAULT,
    }
}

/// When a supervisor joins first.
pub(super) fn joins_at(plan: &Plan, supervisor: u32) -> Option<Instant> {
    let joins = |planned: &&PlannedOperation| {
        matches!(planned.operation, Operation::Join { .. })
            && planned.operation.supervisor() == Some(supervisor)
    };
    plan.operations.iter().filter(joins).map(|planned| planned.at).min()
}

/// The most keys that query clients ask for unless a scenario names them.
const QUERY_KEYS: usize = 200;

/// What query clients ask for: the keys that the scenario names, or the first words of the input.
pub(super) fn queries(scenario: &Scenario, topology: &Topology, log: &InputLog) -> Queries {
    let queries = scenario.queries.as_ref().expect("query clients are there to query");
    let key = |text: &str| Vec::from([Value::from(text)]);
    let mut keys: Vec<Key> = queries.keys.iter().map(|text| key(text)).collect();
    if keys.is_empty() {
        let records = log.partitions.iter().flat_map(|partition| partition.records());
        let texts: BTreeSet<&str> =
            records.take(1_000).map(|record| record.text.as_str()).collect();
        keys.extend(texts.into_iter().take(QUERY_KEYS).map(key));
    }
    let component = topology.find(&queries.component).expect("it was checked").id;
    let until = Instant::ZERO + input::duration(log);
    Queries { component, keys: keys.into(), pause: queries.pause, until }
}

/// What the operator asks, in order.
pub(super) fn script(places: &Places, topology: &Topology, plan: &Plan) -> Arc<[Step]> {
    let steps = plan.operations.iter().map(|planned| {
        let supervisor = || -> NodeId {
            let number = planned.operation.supervisor().expect("a scenario names it by number");
            places.node(Role::Supervisor, number).expect("a scenario names one of its own")
        };
        let asked = match &planned.operation {
            Operation::Rebalance { workers, executors } => {
                let executors = executors.iter().filter_map(|(component, executors)| {
                    Some((topology.find(component)?.id, *executors))
                });
                let executors = executors.collect();
                Asked::Command(Command::Rebalance { workers: *workers, executors })
            }
            Operation::Leave { .. } => Asked::Command(Command::Leave { supervisor: supervisor() }),
            Operation::Join { .. } => Asked::Command(Command::Join { supervisor: supervisor() }),
            Operation::Transfer {} => Asked::Transfer,
            Operation::Savepoint {} => Asked::Savepoint(CheckpointKind::Savepoint),
            Operation::StopWithSavepoint {} => Asked::Savepoint(CheckpointKind::StopWithSavepoint),
            Operation::Coordinators { voters, learners } => {
                let id = |number: &u16| ReplicaId(number - 1);
                let voters = voters.iter().map(id).collect();
                Asked::Membership { voters, learners: learners.iter().map(id).collect() }
            }
        };
        Step { at: planned.at, asked, patience: planned.patience }
    });
    steps.collect()
}
