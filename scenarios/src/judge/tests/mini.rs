//! A tiny honest engine: every task in one place, one step at a time, in any order that a seed
//! draws. It routes and keeps state with the engine's own parts, so the judges' are compared too.

use std::collections::VecDeque;
use std::sync::Arc;

use stormglass_engine::barrier::CheckpointKind;
use stormglass_engine::component::{Bolt, Spout};
use stormglass_engine::grouping::{Emitting, Locality, Router};
use stormglass_engine::ids::{Attempt, CheckpointId, Child, Generation, Partition, Root, TaskId};
use stormglass_engine::log::InputLog;
use stormglass_engine::observation::{Observation as O, Resource};
use stormglass_engine::state::KeyedState;
use stormglass_engine::state::operator::OperatorState;
use stormglass_engine::topology::{Component, Delivery, Grouping, Kind, Topology};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::{Value, fingerprint};
use stormglass_sim::hash;
use stormglass_sim::node::NodeId;

mod out;
use out::Out;

mod direct;
mod frozen;

/// An observation and who made it.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) node: NodeId,
    pub(super) what: O,
}

/// Words by SplitMix64.
#[derive(Clone, Debug)]
pub(super) struct Dice(pub(super) u64);
impl Dice {
    pub(super) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.word() % n.max(1) as u64) as usize
    }
}

#[derive(Clone, Debug)]
enum Item {
    Tuple { root: Root, child: Child, hash: i32, input: usize, values: Vec<Value> },
    Barrier(CheckpointId),
}

type Output = (Root, Child, u64);
type Channels = Vec<Vec<VecDeque<Item>>>;

#[derive(Clone, Debug)]
enum Code {
    Spout(Box<dyn Spout>),
    Bolt(Box<dyn Bolt>),
    Sink(Vec<Output>),
}

#[derive(Clone, Debug)]
struct Task {
    id: TaskId,
    component: usize,
    code: Code,
    state: Option<KeyedState>,
    own: Option<OperatorState>,
    routers: Vec<(usize, usize, Router)>,
    /// Of a spout, by partition: the next record.
    positions: Vec<u64>,
    cut: Option<CheckpointId>,
    /// Of a sink without transactions: how many outputs it has written.
    written: u32,
    /// By sender: the barrier came.
    blocked: Vec<bool>,
}

/// All tasks of one generation and the channels between them.
#[derive(Clone, Debug)]
struct Cluster {
    generation: Generation,
    tasks: Vec<Task>,
    /// By sender, then receiver.
    channels: Channels,
    /// Snapshots and transactions of the checkpoint under way.
    pending: Vec<Part>,
}

/// What a task puts into a checkpoint: what it starts from, and outputs.
type Part = (TaskId, Saved, Vec<Output>);
/// What a task starts from: positions and states.
type Saved = (Vec<u64>, Option<KeyedState>, Option<OperatorState>);

/// The engine, and what it has told.
#[derive(Clone, Debug)]
pub(super) struct Mini {
    pub(super) topology: Arc<Topology>,
    pub(super) log: InputLog,
    pub(super) events: Vec<Event>,
    pub(super) dice: Dice,
    cluster: Option<Cluster>,
    zombie: Option<Cluster>,
    generation: u32,
    checkpoint: u32,
    /// Under way.
    triggered: Option<CheckpointId>,
    completed: Option<CheckpointId>,
    saved: Vec<Saved>,
    /// What is on the channels in the checkpoint under way, and in the completed one.
    frozen: Channels,
    kept: Channels,
    /// What `go_back` goes back to.
    remembered: (Option<CheckpointId>, Vec<Saved>),
    unpublished: VecDeque<(TaskId, Generation, CheckpointId, Output)>,
}

fn node(task: TaskId) -> NodeId {
    NodeId::new(task.0 % 4, 0)
}
fn near(a: TaskId) -> impl Fn(TaskId) -> Locality {
    move |b| if node(a) == node(b) { Locality::Worker } else { Locality::Rack }
}

impl Mini {
    pub(super) fn new(topology: Arc<Topology>, log: InputLog, seed: u64) -> Self {
        let start = (vec![0; log.partitions.len()], None, None);
        let saved = vec![start; usize::from(topology.tasks()) + 1];
        let mut mini = Mini {
            topology,
            log,
            events: Vec::new(),
            dice: Dice(seed),
            cluster: None,
            zombie: None,
            generation: 0,
            checkpoint: 0,
            triggered: None,
            completed: None,
            frozen: Channels::default(),
            kept: Channels::default(),
            remembered: (None, saved.clone()),
            saved,
            unpublished: VecDeque::new(),
        };
        mini.restart();
        mini
    }

    fn tell(&mut self, node: NodeId, what: O) {
        self.events.push(Event { node, what });
    }

    /// A new generation, from the last completed checkpoint; the old one goes on as a zombie.
    pub(super) fn restart(&mut self) {
        let (before, node_0) = (Generation(self.generation), NodeId::new(0, 9));
        if let Some(checkpoint) = self.triggered.take() {
            let reason = stormglass_engine::observation::AbortReason::Superseded;
            self.tell(node_0, O::CheckpointAborted { checkpoint, generation: before, reason });
        }
        self.generation += 1;
        let generation = Generation(self.generation);
        let restore = self.completed;
        self.tell(node_0, O::Granted { generation, workers: 4, restore });
        for (n, resource) in (0..).zip([
            Resource::Broker,
            Resource::Store,
            Resource::Receiver,
            Resource::Checkpoints,
        ]) {
            let node = NodeId::new(n, 7);
            self.tell(node, O::Fenced { resource, node, generation });
        }
        self.zombie = self.cluster.take();
        let cluster = Cluster::new(self, generation);
        for task in (1..=self.topology.tasks()).map(TaskId) {
            let attempt = Attempt(self.generation * 100 + u32::from(task.0));
            self.tell(node(task), O::Restored { task, generation, attempt, checkpoint: restore });
        }
        self.cluster = Some(cluster);
        self.tell(node_0, O::Running { generation });
    }

    /// One step, drawn. False if there was nothing to do.
    pub(super) fn step(&mut self) -> bool {
        let mut cluster = self.cluster.take().expect("a cluster");
        let did = cluster.step(self);
        self.complete(&mut cluster);
        self.cluster = Some(cluster);
        if let Some(mut zombie) = self.zombie.take().filter(|_| self.dice.below(8) != 0) {
            zombie.step(self);
            self.zombie = Some(zombie);
        }
        did
    }

    /// Starts a checkpoint unless one is under way.
    pub(super) fn trigger(&mut self) {
        if self.triggered.is_none() {
            self.checkpoint += 1;
            let checkpoint = CheckpointId(self.checkpoint);
            let generation = Generation(self.generation);
            self.triggered = Some(checkpoint);
            let kind = CheckpointKind::Checkpoint;
            self.tell(NodeId::new(0, 9), O::CheckpointTriggered { checkpoint, kind, generation });
        }
    }

    /// Makes a transaction visible, if one waits.
    pub(super) fn publish(&mut self) -> bool {
        let Some(&(task, generation, checkpoint, _)) = self.unpublished.front() else {
            return false;
        };
        let (receiver, mut records) = (NodeId::new(2, 7), 0);
        let name = (task, generation, checkpoint);
        while let Some((task, generation, checkpoint, output)) = self.unpublished.pop_front() {
            if (task, generation, checkpoint) != name {
                self.unpublished.push_front((task, generation, checkpoint, output));
                break;
            }
            let (root, child, print) = output;
            records += 1;
            self.tell(receiver, O::Staged { task, generation, checkpoint, root, child, print });
        }
        self.tell(receiver, O::PreCommitted { task, generation, checkpoint, records });
        self.tell(receiver, O::Published { task, generation, checkpoint, records });
        true
    }

    fn complete(&mut self, cluster: &mut Cluster) {
        let tasks = cluster.tasks.len();
        let Some(checkpoint) = self.triggered.filter(|_| cluster.pending.len() == tasks) else {
            return;
        };
        let generation = cluster.generation;
        for (task, saved, outputs) in cluster.pending.drain(..) {
            let attempt = Attempt(generation.0 * 100 + u32::from(task.0));
            self.tell(node(task), O::CheckpointAcked { checkpoint, task, attempt, bytes: 1 });
            self.saved[usize::from(task.0)] = saved;
            let named = outputs.into_iter().map(|output| (task, generation, checkpoint, output));
            self.unpublished.extend(named);
        }
        let (kind, bytes) = (CheckpointKind::Checkpoint, 9);
        let done = O::CheckpointCompleted { checkpoint, kind, generation, bytes };
        self.tell(NodeId::new(0, 9), done);
        self.completed = Some(checkpoint);
        self.kept = std::mem::take(&mut self.frozen);
        self.triggered = None;
        cluster.tasks.iter_mut().for_each(|task| task.cut = None);
    }

    /// Runs to the end of the log: checkpoints at random, restarts as often as told.
    pub(super) fn run(&mut self, restarts: usize) {
        let records = self.log.len() as usize * 4;
        let mut left = restarts;
        for _ in 0..100_000 {
            match self.dice.below(records) {
                0..4 if left > 0 => {
                    self.restart();
                    left -= 1;
                }
                4..12 => self.trigger(),
                12..80 => {
                    self.publish();
                }
                _ => {
                    if !self.step() {
                        break;
                    }
                }
            }
        }
        self.settle();
    }

    /// A whole checkpoint, with what else happens meanwhile.
    pub(super) fn checkpoint(&mut self) {
        self.trigger();
        while self.triggered.is_some() {
            self.step();
        }
    }

    /// Keeps the completed checkpoint for `go_back`.
    pub(super) fn remember(&mut self) {
        self.remembered = (self.completed, self.saved.clone());
    }
    /// A bug: the next restart is from what was remembered.
    pub(super) fn go_back(&mut self) {
        (self.completed, self.saved) = self.remembered.clone();
    }

    /// A last checkpoint, and everything becomes visible.
    pub(super) fn settle(&mut self) {
        while self.step() {}
        (0..2).for_each(|_| self.checkpoint());
        while self.publish() {}
    }
}

impl Cluster {
    fn new(mini: &Mini, generation: Generation) -> Self {
        let topology = &mini.topology;
        let count = usize::from(topology.tasks()) + 1;
        let task = |id: TaskId| {
            let component = topology.component_of(id);
            let (positions, state, own) = mini.saved[usize::from(id.0)].clone();
            let index = id.0 - component.first_task.0;
            let groups = topology.max_parallelism();
            let range = topology.key_groups(index, component.parallelism);
            let empty = || KeyedState::new(range, groups, component.cells.len() as u16);
            let cells = &component.operator_cells;
            let none = || (!cells.is_empty()).then(|| OperatorState::new(cells));
            let router = |(to, at): (&Component, usize)| {
                let (task, near) = (id, &near(id));
                let chance = &mut || Dice(u64::from(id.0) << 32 | at as u64).word();
                let mut emitting = Emitting { task, generation, near, chance };
                let router = Router::new(topology, to, &to.inputs[at], &mut emitting);
                (usize::from(to.id.0), at, router)
            };
            let subscriptions = topology.components().iter().flat_map(|to| {
                let mine = (0..to.inputs.len()).filter(|at| to.inputs[*at].from == component.id);
                mine.map(move |at| (to, at))
            });
            Task {
                id,
                component: usize::from(component.id.0),
                code: match &component.kind {
                    Kind::Spout(spout) => Code::Spout(spout.clone()),
                    Kind::Bolt(bolt) => {
                        let mut bolt = bolt.clone();
                        bolt.prepare(id);
                        Code::Bolt(bolt)
                    }
                    Kind::Sink(_) => Code::Sink(Vec::new()),
                },
                state: component.is_keyed().then(|| state.unwrap_or_else(empty)),
                own: own.or_else(none),
                routers: subscriptions.map(router).collect(),
                positions,
                cut: None,
                written: 0,
                blocked: vec![false; count],
            }
        };
        let tasks = (1..=topology.tasks()).map(TaskId).map(task).collect();
        let empty = || vec![vec![VecDeque::new(); count]; count];
        let channels = if mini.kept.is_empty() { empty() } else { mini.kept.clone() };
        Cluster { generation, tasks, channels, pending: Vec::new() }
    }

    /// One step of one task, drawn.
    fn step(&mut self, mini: &mut Mini) -> bool {
        let first = mini.dice.below(self.tasks.len());
        let count = self.tasks.len();
        (0..count).any(|n| self.step_task((first + n) % count, mini))
    }

    fn step_task(&mut self, at: usize, mini: &mut Mini) -> bool {
        let live = mini.generation == self.generation.0;
        let spout = matches!(self.tasks[at].code, Code::Spout(_));
        if spout {
            let due = mini.triggered.filter(|_| live && self.tasks[at].cut.is_none());
            if let Some(checkpoint) = due.filter(|_| mini.dice.below(4) == 0) {
                self.cut(at, checkpoint, mini);
                return true;
            }
            return self.read(at, mini) || {
                due.map(|checkpoint| self.cut(at, checkpoint, mini)).is_some()
            };
        }
        let to = usize::from(self.tasks[at].id.0);
        let count = self.channels.len();
        let first = mini.dice.below(count);
        let ready = (0..count)
            .map(|n| (first + n) % count)
            .find(|from| !self.channels[*from][to].is_empty() && !self.tasks[at].blocked[*from]);
        let Some(from) = ready else { return false };
        match self.channels[from][to].pop_front().expect("an item") {
            Item::Barrier(checkpoint) => self.align(at, from, checkpoint, mini),
            Item::Tuple { root, child, hash, input, values } => {
                self.execute(at, from, (root, child, hash, input), &values, mini);
            }
        }
        true
    }

    fn read(&mut self, at: usize, mini: &mut Mini) -> bool {
        let task = &mut self.tasks[at];
        let component = &mini.topology.components()[task.component];
        let index = usize::from(task.id.0 - component.first_task.0);
        let partitions = mini.log.partitions.len();
        let mine = |p: &usize| p % usize::from(component.parallelism) == index;
        let first = mini.dice.below(partitions);
        let partition = (0..partitions)
            .map(|n| (first + n) % partitions)
            .filter(mine)
            .find(|p| task.positions[*p] < mini.log.partitions[*p].len());
        let Some(partition) = partition else { return false };
        let offset = task.positions[partition];
        task.positions[partition] += 1;
        let root = Root::new(Partition(partition as u16), offset);
        self.execute(at, 0, (root, Child::ROOT, 0, 0), &[], mini);
        true
    }

    fn execute(
        &mut self,
        at: usize,
        from: usize,
        (root, child, hash, input): (Root, Child, i32, usize),
        values: &[Value],
        mini: &mut Mini,
    ) {
        let Cluster { generation, tasks, channels, .. } = self;
        let (generation, task) = (*generation, &mut tasks[at]);
        let topology = Arc::clone(&mini.topology);
        let component = &topology.components()[task.component];
        let mut group = None;
        if let (Some(state), Some(input)) = (&mut task.state, component.inputs.get(input))
            && let Grouping::Fields(fields) = &input.grouping
        {
            let key: Vec<Value> =
                fields.iter().map(|at| values[usize::from(*at)].clone()).collect();
            group = Some(state.select(hash, &key));
        }
        let id = task.id;
        let keyed = group.is_some();
        let what =
            O::Executed { task: id, from: TaskId(from as u16), generation, root, child, group };
        mini.tell(node(id), what);
        let mut out = Out {
            component,
            state: task.state.as_mut().filter(|_| keyed),
            own: task.own.as_mut(),
            clock: None,
            routers: &mut task.routers,
            channels: &mut channels[usize::from(id.0)],
            head: (id, generation, root, child),
            emitted: 0,
            used: vec![false; component.streams.len()],
            answers: Vec::new(),
            dice: mini.dice.clone(),
        };
        match &mut task.code {
            Code::Spout(spout) => {
                let partition = usize::from(root.partition().0);
                let record = &mini.log.partitions[partition].records()[root.offset() as usize];
                spout.next(record, &mut out).expect("a spout without errors");
            }
            Code::Bolt(bolt) => {
                let input = &component.inputs[input];
                let stream = &topology.component(input.from).streams[usize::from(input.stream.0)];
                let (fields, source) = (&stream.fields, input.from);
                let tuple = Tuple { values, fields, source, stream: &stream.name, root };
                bolt.execute(&tuple, &mut out).expect("a bolt without errors");
            }
            Code::Sink(outputs) => outputs.push((root, child, fingerprint(values))),
        }
        let bits = out.used.iter().enumerate().filter(|(_, used)| !**used);
        let unused = bits.map(|(at, _)| 1u16 << at).sum();
        let answers = out.answers;
        mini.dice.word();
        if let Kind::Sink(delivery) = component.kind
            && delivery != Delivery::Transactional
        {
            task.write_at_once(generation, component, (input, values), mini);
        }
        for word in answers {
            mini.tell(node(id), O::Answered { task: id, generation, word });
        }
        if unused != 0 {
            mini.tell(node(id), O::Ended { task: id, generation, root, unused });
        }
    }

    fn align(&mut self, at: usize, from: usize, checkpoint: CheckpointId, mini: &mut Mini) {
        let task = &mut self.tasks[at];
        task.blocked[from] = true;
        let component = &mini.topology.components()[task.component];
        let mut senders =
            component.inputs.iter().flat_map(|input| mini.topology.component(input.from).tasks());
        if senders.all(|sender| task.blocked[usize::from(sender.0)]) {
            task.blocked.iter_mut().for_each(|blocked| *blocked = false);
            self.cut(at, checkpoint, mini);
        }
    }

    fn cut(&mut self, at: usize, checkpoint: CheckpointId, mini: &mut Mini) {
        let (generation, task) = (self.generation, &mut self.tasks[at]);
        let topology = Arc::clone(&mini.topology);
        let component = &topology.components()[task.component];
        let id = task.id;
        mini.tell(node(id), O::Cut { task: id, generation, checkpoint });
        if let Code::Spout(_) = task.code {
            for (partition, next) in (0..).zip(&task.positions) {
                if partition % component.parallelism == id.0 - component.first_task.0 {
                    let next = Root::new(Partition(partition), *next);
                    mini.tell(node(id), O::Position { task: id, generation, checkpoint, next });
                }
            }
        }
        for snapshot in task.state.as_mut().map(KeyedState::snapshot).unwrap_or_default() {
            let print = hash::fingerprint(snapshot.data.bytes());
            let (group, keys) = (snapshot.group, snapshot.keys);
            let what = O::GroupCut { task: id, generation, checkpoint, group, keys, print };
            mini.tell(node(id), what);
        }
        if let Some(data) = task.own.as_mut().map(OperatorState::snapshot) {
            let print = hash::fingerprint(data.bytes());
            let what = O::OperatorCut { task: id, generation, checkpoint, print };
            mini.tell(node(id), what);
        }
        task.cut = Some(checkpoint);
        let outputs = match &mut task.code {
            Code::Sink(outputs) => std::mem::take(outputs),
            _ => Vec::new(),
        };
        let mut targets: Vec<TaskId> =
            topology.subscribers(component.id).flat_map(|(to, _)| to.tasks()).collect();
        targets.sort_unstable();
        targets.dedup();
        for to in targets {
            let item = Item::Barrier(checkpoint);
            self.channels[usize::from(id.0)][usize::from(to.0)].push_back(item);
        }
        let saved = (task.positions.clone(), task.state.clone(), task.own.clone());
        self.pending.push((id, saved, outputs));
    }
}
