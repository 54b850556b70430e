//! The cluster of the dialogues: two spout tasks, a counting bolt, a sink; two workers.
//!
//! Tasks in name order: `count` is t1, `publish` t2, `words` t3 and t4.

use std::sync::Arc;

use stormglass_engine::backend::Backend;
use stormglass_engine::broker::Broker;
use stormglass_engine::client::{Client, Step, Work};
use stormglass_engine::cluster::{
    Barriers, CheckpointSettings, Cluster, ControlSettings, FlowSettings, LoadSettings,
    RaftSettings, Recovery, StateSettings, StoreSettings,
};
use stormglass_engine::component::{
    Bolt, BoltContext, Collector, ComponentError, Outcome, Record, Spout, ValueState,
};
use stormglass_engine::coordinator::Coordinator;
use stormglass_engine::coordinator::detector::Detector;
use stormglass_engine::coordinator::schedule::Scheduler;
use stormglass_engine::log::InputLog;
use stormglass_engine::message::Asked;
use stormglass_engine::node::Node;
use stormglass_engine::raft;
use stormglass_engine::receiver::{self, Receiver};
use stormglass_engine::store::Store;
use stormglass_engine::supervisor::Supervisor;
use stormglass_engine::topology::{Declarer, Delivery, Topology, TopologyBuilder};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::worker::Worker;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::{Instant, Span};

/// Addresses, as the dialogues name them.
pub(crate) const NAMES: [(&str, NodeId); 15] = [
    ("coordinator", NodeId::new(0, 0)),
    ("broker", NodeId::new(1, 0)),
    ("store", NodeId::new(2, 0)),
    ("receiver", NodeId::new(3, 0)),
    ("supervisor-1", NodeId::new(4, 0)),
    ("supervisor-2", NodeId::new(5, 0)),
    ("worker-1", NodeId::new(4, 1)),
    ("worker-2", NodeId::new(5, 1)),
    ("coordinator-2", NodeId::new(6, 0)),
    ("coordinator-3", NodeId::new(7, 0)),
    ("supervisor-3", NodeId::new(8, 0)),
    ("worker-3", NodeId::new(8, 1)),
    ("client", NodeId::new(9, 0)),
    ("store-2", NodeId::new(10, 0)),
    ("store-3", NodeId::new(11, 0)),
];

/// The address with a name.
pub(crate) fn address(name: &str) -> NodeId {
    let found = NAMES.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no process is called `{name}`")).1
}

#[derive(Clone, Debug)]
struct Words;
impl Spout for Words {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["word"]);
    }
    fn next(&mut self, record: &Record, out: &mut dyn Collector) -> Outcome {
        out.emit(&[record.text.as_str().into()]);
        Ok(())
    }
}

const COUNT: ValueState = ValueState::new(0, "count");

/// Counts each word; `poison` is an error, `many` is emitted thirty times.
#[derive(Clone, Debug)]
struct Count;
impl Bolt for Count {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["word", "count"]).state(COUNT);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let word = &tuple.values[0];
        if word.as_str() == Some("poison") {
            return Err(ComponentError("poison".to_string()));
        }
        let count = cx.get(COUNT).and_then(|v| v.as_int()).unwrap_or(0) + 1;
        cx.put(COUNT, count.into());
        let times = if word.as_str() == Some("many") { 30 } else { 1 };
        for _ in 0..times {
            cx.emit(&[word.clone(), count.into()]);
        }
        Ok(())
    }
}

/// What runs.
pub(crate) fn topology(delivery: Delivery) -> Topology {
    let mut builder = TopologyBuilder::new("dialogue");
    builder.spout("words", Words, 2);
    builder.bolt("count", Count, 1).fields("words", &["word"]);
    builder.sink("publish", 1).shuffle("count").key(&["word"]);
    builder.set_delivery("publish", delivery);
    builder.max_parallelism(4).build().expect("it is right")
}

/// Twelve records in two partitions, one every 10 ms.
pub(crate) fn log() -> InputLog {
    let record = |n: u64| Record {
        arrival: Instant(n * 10_000_000),
        text: ["ant", "bee", "cat"][n as usize % 3].into(),
    };
    InputLog::new(vec![(0..6).map(record).collect(), (0..6).map(record).collect()])
}

/// How a dialogue's cluster differs from others.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    /// Credits of a channel.
    pub(crate) credits: u32,
    /// How many coordinators there are.
    pub(crate) coordinators: usize,
    /// Who gets which task.
    pub(crate) scheduler: Scheduler,
    /// The log is cut behind so many entries.
    pub(crate) snapshot_after: u32,
    /// When a supervisor begins.
    pub(crate) begins: Instant,
    /// How the sink hands its records over.
    pub(crate) delivery: Delivery,
    /// How the receiver is tuned.
    pub(crate) receiver: receiver::Settings,
    /// How many checkpoints may be under way.
    pub(crate) max_concurrent: u16,
    /// How many may fail in a row.
    pub(crate) tolerated_failures: Option<u32>,
    /// What tasks do with barriers.
    pub(crate) barriers: Barriers,
    /// How many stores there are, and how many have each file.
    pub(crate) stores: (usize, u16),
    /// Bytes of a file in one message.
    pub(crate) packet: u64,
    /// Whether the broker keeps positions.
    pub(crate) positions: bool,
    /// What a client asks.
    pub(crate) script: Vec<Asked>,
}

impl Default for Variant {
    fn default() -> Self {
        Variant {
            credits: 64,
            coordinators: 1,
            scheduler: Scheduler::Even,
            snapshot_after: 200,
            begins: Instant::ZERO,
            delivery: Delivery::Transactional,
            receiver: receiver::Settings::DEFAULT,
            max_concurrent: 1,
            tolerated_failures: None,
            barriers: Barriers::Aligned,
            stores: (1, 1),
            packet: 1 << 16,
            positions: false,
            script: Vec::new(),
        }
    }
}

/// Who is where, and how it is tuned.
fn cluster(variant: &Variant) -> Arc<Cluster> {
    let coordinators = ["coordinator", "coordinator-2", "coordinator-3"];
    let stores = ["store", "store-2", "store-3"];
    Arc::new(Cluster {
        topology: Arc::new(topology(variant.delivery)),
        partitions: 2,
        coordinators: coordinators[..variant.coordinators].iter().map(|n| address(n)).collect(),
        broker: address("broker"),
        stores: stores[..variant.stores.0].iter().map(|name| address(name)).collect(),
        receiver: address("receiver"),
        supervisors: vec![address("supervisor-1"), address("supervisor-2")],
        slots: 1,
        raft: RaftSettings {
            protocol: raft::Settings {
                election_timeout: (Span::millis(500), Span::secs(1)),
                heartbeat: Span::millis(100),
                append_bytes: 1 << 16,
                inflight_bytes: 1 << 20,
                chunk_bytes: 1 << 16,
                lease: None,
            },
            snapshot_after: variant.snapshot_after,
        },
        control: ControlSettings {
            heartbeat_interval: Span::secs(1),
            detector: Detector::Fixed { timeout: Span::secs(5) },
            executor_timeout: Span::secs(5),
            monitor_interval: Span::millis(500),
            restart_delay: Span::secs(1),
            worker_start_timeout: Span::secs(8),
            deploy_timeout: Span::secs(6),
            scheduler: variant.scheduler,
            load: LoadSettings::DEFAULT,
        },
        origin: None,
        checkpoint: CheckpointSettings {
            interval: Span::secs(2),
            adaptive: None,
            timeout: Span::secs(3),
            min_pause: Span::ZERO,
            retained: 1,
            max_concurrent: variant.max_concurrent,
            tolerated_failures: variant.tolerated_failures,
            retries: 1,
        },
        state: StateSettings { backend: Backend::File, incremental: false },
        barriers: variant.barriers,
        store: StoreSettings {
            replication: variant.stores.1,
            packet: variant.packet,
            lost_after: Span::secs(10),
        },
        flow: FlowSettings {
            flush: Span::millis(50),
            batch: 4,
            credits: variant.credits,
            poll: Span::millis(100),
            fetch: 3,
        },
        recovery: Recovery::Checkpoints,
    })
}

/// The pristine image of a process.
pub(crate) fn image(name: &str, variant: &Variant) -> Node {
    let cluster = cluster(variant);
    match name.split('-').next().expect("a name") {
        "coordinator" => Node::Coordinator(Box::new(Coordinator::new(cluster))),
        "broker" => {
            let broker = Broker::new(log());
            let broker = if variant.positions { broker.with_offsets() } else { broker };
            Node::Broker(Box::new(broker))
        }
        "store" => Node::Store(Box::new(Store::new(cluster))),
        "receiver" => Node::Receiver(Box::new(Receiver::new(variant.receiver))),
        "supervisor" => Node::Supervisor(Supervisor::new(cluster, variant.begins)),
        "client" => {
            let step =
                |asked: &Asked| Step { at: Instant::ZERO, asked: asked.clone(), patience: None };
            let steps = variant.script.iter().map(step);
            Node::Client(Client::new(cluster, Work::Script(steps.collect())))
        }
        "worker" => Node::Worker(Box::new(Worker::new(cluster))),
        _ => panic!("no process is called `{name}`"),
    }
}
