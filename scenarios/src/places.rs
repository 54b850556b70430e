//! Who is where: the machines of a cluster, and the names of its processes.

use std::sync::Arc;

use stormglass_engine::broker::Broker;
use stormglass_engine::client::{Client, Work};
use stormglass_engine::cluster::Cluster;
use stormglass_engine::coordinator::Coordinator;
use stormglass_engine::log::InputLog;
use stormglass_engine::node::Node;
use stormglass_engine::origin::Origin;
use stormglass_engine::query::QueryClient;
use stormglass_engine::receiver::Receiver;
use stormglass_engine::store::Store;
use stormglass_engine::supervisor::Supervisor;
use stormglass_engine::topology::Topology;
use stormglass_sim::machine::{DiskSpec, Domain, MachineSpec};
use stormglass_sim::net::{Latency, NetworkSpec};
use stormglass_sim::node::{MachineId, NodeId};
use stormglass_sim::time::{Instant, Span};
use stormglass_sim::watch::Watcher;
use stormglass_sim::world::World;

use crate::input;
use crate::plan::Plan;
use crate::scenario::{Recovery, Role, Scenario};

#[cfg(test)]
mod tests;
mod wiring;

/// The port of every process that its machine's init system starts; workers have the next ones.
const SERVICE: u16 = 1;

/// Registers that clients share: few, so that they get into each other's way.
const REGISTERS: u16 = 4;
/// The longest that a client rests between two operations.
const CLIENT_PAUSE: Span = Span::millis(200);

/// The addresses of a scenario's processes: coordinators first, then broker, stores and receiver,
/// then the worker machines, then clients, the operator and query clients; all but workers on a
/// machine of their own.
#[derive(Clone, Debug)]
pub struct Places {
    /// The machine of the first coordinator.
    first: u16,
    coordinators: u16,
    stores: u16,
    workers: u16,
    slots: u16,
    clients: u16,
    /// One if anything is asked of the cluster.
    operators: u16,
    /// Query clients.
    queriers: u16,
    racks: u16,
    zones: u16,
}

impl Places {
    /// The places of a scenario as a seed has it ([`Scenario::drawn`]).
    ///
    /// # Panics
    /// If the number of coordinators is still a range.
    pub fn new(scenario: &Scenario) -> Self {
        let cluster = &scenario.cluster;
        let coordinators = cluster.coordinators;
        assert_eq!(coordinators.min, coordinators.max, "a seed has drawn the coordinators");
        Places {
            first: 0,
            coordinators: coordinators.min,
            stores: cluster.stores,
            workers: cluster.workers,
            slots: cluster.slots,
            clients: cluster.clients,
            operators: u16::from(!scenario.operations.is_empty()),
            queriers: scenario.queries.as_ref().map_or(0, |queries| queries.clients),
            racks: cluster.racks,
            zones: cluster.zones,
        }
    }

    /// The same places in a world that has so many other machines before them.
    #[must_use]
    pub const fn behind(self, machines: u16) -> Self {
        Places { first: machines, ..self }
    }

    /// The machines, in order.
    pub fn machines(&self) -> impl ExactSizeIterator<Item = MachineId> + use<> {
        let end = self.first_worker() + self.workers + self.clients;
        let end = end + self.operators + self.queriers;
        (self.first..end).map(MachineId)
    }

    /// The machine of the first supervisor.
    const fn first_worker(&self) -> u16 {
        self.first + self.coordinators + 2 + self.stores
    }

    /// The `number`-th process of a role, counted from 1; none if there are fewer.
    pub fn node(&self, role: Role, number: u32) -> Option<NodeId> {
        let number = u16::try_from(number).ok()?.checked_sub(1)?;
        let at = |members: u16, first: u16| (number < members).then_some(first + number);
        let first_worker = self.first_worker();
        let machine = match role {
            Role::Coordinator => at(self.coordinators, self.first),
            Role::Broker => at(1, self.first + self.coordinators),
            Role::Store => at(self.stores, self.first + self.coordinators + 1),
            Role::Receiver => at(1, first_worker - 1),
            Role::Supervisor => at(self.workers, first_worker),
            Role::Client => at(self.clients, first_worker + self.workers),
            Role::Operator => at(self.operators, first_worker + self.workers + self.clients),
            Role::QueryClient => {
                let others = self.workers + self.clients + self.operators;
                at(self.queriers, first_worker + others)
            }
            Role::Worker => {
                let slot = at(self.workers * self.slots, 0)?;
                let machine = first_worker + slot / self.slots;
                return Some(NodeId::new(machine, SERVICE + 1 + slot % self.slots));
            }
        };
        machine.map(|machine| NodeId::new(machine, SERVICE))
    }

    /// The rack and the zone of a machine, both counted from 1. The n-th machine of a role stands
    /// in the n-th rack, counted round, and the racks in the zones likewise: replicas stand apart
    /// as far as they can. None for a machine that only asks something of the cluster.
    pub(crate) fn stands(&self, machine: MachineId) -> Option<(u16, u16)> {
        let broker = self.first + self.coordinators;
        let worker = self.first_worker();
        if machine.0 >= worker + self.workers {
            return None;
        }
        let firsts = [worker, worker - 1, broker + 1, broker];
        let first = firsts.into_iter().find(|first| *first <= machine.0).unwrap_or(self.first);
        let rack = (machine.0 - first) % self.racks;
        Some((rack + 1, rack % self.zones + 1))
    }

    /// A rack of the cluster, counted from 1. Those of other clusters in the same world are others.
    pub const fn rack(&self, number: u16) -> Domain {
        Domain::Rack(self.first + number)
    }

    /// A zone of the cluster, likewise.
    pub const fn zone(&self, number: u16) -> Domain {
        Domain::Zone(self.first + number)
    }

    /// The role of a process, and its number.
    pub fn role_of(&self, node: NodeId) -> Option<(Role, u32)> {
        let members = |role| (1..).map_while(move |n| Some((role, n, self.node(role, n)?)));
        let mut all = Role::ALL.iter().flat_map(|role| members(*role));
        all.find(|(_, _, at)| *at == node).map(|(role, number, _)| (role, number))
    }

    /// A process as people name it: `worker-2`, `store`.
    pub fn name(&self, node: NodeId) -> String {
        match self.role_of(node) {
            Some((Role::Store, _)) if self.stores == 1 => Role::Store.name().to_string(),
            Some((role, _)) if role.is_single() => role.name().to_string(),
            Some((role, number)) => format!("{role}-{number}"),
            None => node.to_string(),
        }
    }

    /// The machines of a role, each once.
    pub fn machines_of(&self, role: Role) -> Vec<MachineId> {
        let mut machines: Vec<_> = self.all(role).iter().map(|node| node.machine).collect();
        machines.dedup();
        machines
    }

    /// All machines but one.
    pub fn others(&self, machine: MachineId) -> Vec<MachineId> {
        self.machines().filter(|other| *other != machine).collect()
    }

    pub(crate) fn all(&self, role: Role) -> Vec<NodeId> {
        (1..).map_while(|number| self.node(role, number)).collect()
    }

    pub(crate) fn single(&self, role: Role) -> NodeId {
        self.node(role, 1).expect("there is one of each service")
    }

    /// A world with the whole cluster in it, at time zero. `duration` is that of the input: clients
    /// are busy for as long. It starts from `origin`, if it is not the first of its job.
    pub fn build<W: Watcher<Node>>(
        &self,
        scenario: &Scenario,
        topology: &Arc<Topology>,
        log: &InputLog,
        plan: &Plan,
        origin: Option<Arc<Origin>>,
        watcher: W,
    ) -> World<Node, W> {
        let mut world = World::new(plan.seed, network(scenario), watcher);
        self.settle(scenario, topology, log, plan, origin, &mut world);
        world
    }

    /// Puts the whole cluster into a world at time zero, which has as many machines as come before
    /// its first one. The weather is that world's.
    ///
    /// # Panics
    /// If the world has another number of machines.
    pub fn settle<W: Watcher<Node>>(
        &self,
        scenario: &Scenario,
        topology: &Arc<Topology>,
        log: &InputLog,
        plan: &Plan,
        origin: Option<Arc<Origin>>,
        world: &mut World<Node, W>,
    ) {
        assert_eq!(world.machine_count(), usize::from(self.first), "the next machines are ours");
        let cluster = wiring::cluster(self, scenario, topology);
        let cluster = Arc::new(Cluster { origin, ..cluster });
        for (number, id) in (0..).zip(self.machines()) {
            let clock_ppm = scenario.clock_ppm(plan.seed, number);
            let wall_offset = scenario.wall_offset(plan.seed, number);
            let workers = self.first_worker()..self.first_worker() + self.workers;
            let network = &scenario.network;
            let nic = match network.worker_bandwidth {
                Some(bandwidth) if workers.contains(&id.0) => Some(bandwidth),
                _ => network.bandwidth,
            };
            let (rack, zone) = self
                .stands(id)
                .map_or((0, 0), |(rack, zone)| (self.first + rack, self.first + zone));
            let spec = machine(scenario);
            world.add_machine(MachineSpec { rack, zone, clock_ppm, wall_offset, nic, ..spec });
        }
        for &node in &cluster.coordinators {
            let coordinator = Coordinator::new(Arc::clone(&cluster));
            world.boot(node, Node::Coordinator(Box::new(coordinator)));
        }
        let retention = input::retention(&scenario.input, plan.seed);
        let broker = Broker::new(log.clone()).with_retention(retention);
        let keeps = scenario.recovery == Recovery::StatefulBolts;
        let broker = if keeps { broker.with_offsets() } else { broker };
        world.boot(cluster.broker, Node::Broker(Box::new(broker)));
        for &node in &cluster.stores {
            world.boot(node, Node::Store(Box::new(Store::new(Arc::clone(&cluster)))));
        }
        world.boot(
            cluster.receiver,
            Node::Receiver(Box::new(Receiver::new(wiring::receiver(&scenario.sink)))),
        );
        for (number, node) in (1..).zip(self.all(Role::Supervisor)) {
            let joins =
                wiring::joins_at(plan, number).filter(|_| !cluster.supervisors.contains(&node));
            let begins = joins.unwrap_or(Instant::ZERO);
            let supervisor = Supervisor::new(Arc::clone(&cluster), begins);
            world.boot(node, Node::Supervisor(supervisor));
        }
        let until = Instant::ZERO + input::duration(log);
        for node in self.all(Role::Client) {
            let work = Work::Registers { registers: REGISTERS, pause: CLIENT_PAUSE, until };
            world.boot(node, Node::Client(Client::new(Arc::clone(&cluster), work)));
        }
        for node in self.all(Role::QueryClient) {
            let work = wiring::queries(scenario, topology, log);
            let client = QueryClient::new(Arc::clone(&cluster), work);
            world.boot(node, Node::Query(Box::new(client)));
        }
        for node in self.all(Role::Operator) {
            let script = wiring::script(self, topology, plan);
            let client = Client::new(Arc::clone(&cluster), Work::Script(script));
            world.boot(node, Node::Client(client));
        }
    }
}

fn network(scenario: &Scenario) -> NetworkSpec {
    let network = &scenario.network;
    NetworkSpec {
        latency: Latency::Uniform { min: network.latency_min, max: network.latency_max },
        loss_ppm: network.loss_ppm,
        duplicate_ppm: network.duplicate_ppm,
        patience: network.patience,
        keepalive: Some(network.keepalive),
        ..NetworkSpec::default()
    }
}

fn machine(scenario: &Scenario) -> MachineSpec {
    let disk = DiskSpec {
        latency: scenario.disk.latency,
        sync_latency: scenario.disk.sync,
        bytes_per_second: scenario.disk.bandwidth,
        ..DiskSpec::default()
    };
    MachineSpec { cores: scenario.cluster.cores, disk, ..MachineSpec::default() }
}
