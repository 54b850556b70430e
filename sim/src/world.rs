//! The world: machines, processes and a network in virtual time, from one seed.
//!
//! A world is plain data: it can be cloned at any instant between two events, and original and
//! clone then go through the same history, in any order, on any thread. Bulk is shared and copied
//! on write, processes included, so a clone costs little more than its pending events.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;

use crate::chance::{Chance, Purpose};
use crate::conn::Conns;
use crate::disk::{Disk, Owner};
use crate::hash::Digest;
use crate::machine::{Domain, Machine, MachineSpec};
use crate::net::{Corrupted, Net, NetworkSpec};
use crate::node::{Event, Exit, Lane, MachineId, Name, NodeId, Process};
use crate::past::Past;
use crate::payload::Payload;
use crate::queue::{Handle, Queue};
use crate::time::Instant;
use crate::trace::{self, Mark, Trace};
use crate::watch::Watcher;
use context::Handler;
use kernel::{Envelope, Kernel};
use twists::Twists;

mod context;
mod datagrams;
mod inject;
mod kernel;
#[cfg(test)]
mod tests;
mod transport;
mod twists;

/// A whole simulated world: processes of one kind, and one watcher.
///
/// A run is a function of the seed, what is booted, and what is injected when.
#[derive(Clone, Debug)]
pub struct World<P: Process, W> {
    kernel: Kernel<P>,
    watcher: W,
    describing: bool,
    described: Option<String>,
    past: Option<Box<Past>>,
}

/// What one step of a world did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// One event was handled.
    Handled,
    /// One event was handled, and the watcher wants the driver to look.
    Yielded,
    /// One event was handled, and the watcher stopped this process in it.
    Stopped(NodeId),
    /// There was no event.
    Idle,
}

/// Why a run came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything up to and at the given instant has happened, and it is now.
    Reached,
    /// As `Reached`, and no event is pending: without injections nothing will happen any more.
    Idle,
    /// The watcher wants the driver to look at this instant.
    Yielded,
    /// The watcher stopped this process at this instant.
    Stopped(NodeId),
}

impl<P: Process, W: Watcher<P>> World<P, W> {
    /// An empty world at time zero.
    pub fn new(seed: u64, network: NetworkSpec, watcher: W) -> Self {
        let kernel = Kernel {
            now: Instant::ZERO,
            events: 0,
            queue: Queue::new(),
            machines: vec![],
            nodes: vec![],
            net: Net::new(network),
            conns: Conns::new(),
            chance: Chance::new(seed),
            trace: Trace::new(seed),
            tickets: 0,
            tampers: vec![],
            crash_loops: vec![],
            armed: vec![],
            twists: Twists::new::<P::Twist>(&Chance::new(seed)),
            probes: vec![0; P::Probe::ALL.len()],
        };
        World { kernel, watcher, describing: false, described: None, past: None }
    }

    /// Adds a machine, running; machines are numbered in this order.
    ///
    /// # Panics
    /// If the specification has no core, a disk or card without speed, or a clock that stands
    /// still; or for the 65,537th machine.
    pub fn add_machine(&mut self, spec: MachineSpec) -> MachineId {
        let id = MachineId(u16::try_from(self.kernel.machines.len()).expect("too many machines"));
        let draws = self.kernel.chance.draws(Purpose::Disk, u64::from(id.0));
        let disk = Disk::new(spec.disk, draws);
        self.kernel.machines.push(Machine::new(spec, disk));
        id
    }

    /// Makes a process a service of its machine's init system: it starts now, if the machine is
    /// up, and whenever the machine starts. It has no parent.
    ///
    /// # Panics
    /// If there is no such machine, or the address is in use.
    pub fn boot(&mut self, node: NodeId, image: P) {
        let machine = self.kernel.machines.get(usize::from(node.machine.0));
        let up = machine.expect("a process runs on a machine that exists").up;
        let slot = self.kernel.make_slot(node);
        let place = &mut self.kernel.nodes[slot as usize];
        assert!(place.image.is_none() && !place.alive, "the address {node} is in use");
        place.image = Some(Arc::new(image));
        if up {
            let now = self.kernel.now;
            self.kernel.queue.push_in_order(now, Envelope::Boot { slot });
        }
    }

    /// Handles the next event, whenever it is.
    pub fn step(&mut self) -> Step {
        self.step_until(Instant::FAR)
    }

    /// Handles all events up to and at `until`, unless the watcher wants to be heard before.
    ///
    /// # Panics
    /// If `until` is in the past.
    pub fn run_until(&mut self, until: Instant) -> Ended {
        assert!(until >= self.kernel.now, "time does not run backwards");
        loop {
            match self.step_until(until) {
                Step::Handled => {}
                Step::Yielded => return Ended::Yielded,
                Step::Stopped(node) => return Ended::Stopped(node),
                Step::Idle => break,
            }
        }
        self.kernel.now = until;
        if self.kernel.queue.len() == 0 { Ended::Idle } else { Ended::Reached }
    }

    /// Handles the next event if it is not later than `limit`.
    #[inline]
    fn step_until(&mut self, limit: Instant) -> Step {
        let kernel = &mut self.kernel;
        let Some((time, handle)) = kernel.queue.pop(limit) else { return Step::Idle };
        assert!(time >= kernel.now, "time does not run backwards");
        kernel.now = time;
        kernel.events += 1;
        if let Some(past) = &mut self.past {
            past.happens(time, kernel.queue.cause(handle));
            kernel.queue.cause_is(kernel.events);
        }
        let step = self.pop(handle);
        if self.past.is_some() {
            self.kernel.queue.cause_is(0);
        }
        if self.kernel.events == self.kernel.trace.next_mark {
            self.kernel.trace.mark(self.kernel.events);
        }
        step
    }

    /// Handles a parked envelope.
    #[inline]
    fn pop(&mut self, handle: Handle) -> Step {
        let kernel = &mut self.kernel;
        let envelope = kernel.queue.get(handle).expect("a popped item is parked");
        let target = match envelope {
            Envelope::Datagram { .. } => kernel.datagram_arrives(handle),
            Envelope::Timer { owner, lane, .. } | Envelope::Event { owner, lane, .. } => {
                let target = (owner.slot, *lane);
                kernel.lives(*owner).then_some(target)
            }
            _ => return self.kernel_event(handle),
        };
        let Some((slot, lane)) = target else {
            let kind = kernel.queue.take(handle).map_or(0, |e| e.kind());
            kernel.trace.mixer.pair(kernel.now.0, kind);
            return Step::Handled;
        };
        if !kernel.admit(slot, lane, handle) {
            kernel.trace.mixer.pair(kernel.now.0, 1 | u64::from(slot) << 32);
            return Step::Handled;
        }
        let event = kernel.open(handle);
        self.run_handler(slot, lane, event)
    }

    /// Handles an event that is the kernel's business first, or only.
    fn kernel_event(&mut self, handle: Handle) -> Step {
        let kernel = &mut self.kernel;
        let envelope = kernel.queue.take(handle).expect("a popped item is parked");
        kernel.trace.mixer.pair(kernel.now.0, envelope.kind());
        if self.describing {
            self.described = Some(alloc::format!("{envelope:?}"));
        }
        let delivery = match envelope {
            Envelope::Segment { conn, pipe, body } => kernel.segment(conn, usize::from(pipe), body),
            Envelope::Patience { conn, pipe } => kernel.patience(conn, usize::from(pipe)),
            Envelope::Room { conn, pipe } => kernel.room(conn, usize::from(pipe)),
            Envelope::Disk { machine, ticket, owner, lane } => {
                kernel.disk_done(machine, ticket, owner, lane)
            }
            Envelope::Wake { owner, lane } => return self.wake(owner, lane),
            Envelope::Boot { slot } => return self.boot_now(slot),
            Envelope::Launch { parent, slot, image } => {
                return self.launch_now(parent, slot, image);
            }
            Envelope::Kill { by, slot } => {
                if kernel.lives(by) && kernel.nodes[slot as usize].alive {
                    kernel.end(slot, Exit::Killed, false);
                }
                None
            }
            Envelope::Exit { owner } => {
                if kernel.lives(owner) {
                    kernel.end(owner.slot, Exit::Finished, false);
                }
                None
            }
            Envelope::Heal { links } => {
                kernel.heal(&links);
                None
            }
            Envelope::Doom { owner, id } => {
                kernel.dies_in_loop(owner, id);
                None
            }
            Envelope::PowerOn { machine } => {
                kernel.power_on(machine);
                None
            }
            Envelope::Datagram { .. } | Envelope::Timer { .. } | Envelope::Event { .. } => {
                unreachable!("these are for processes")
            }
        };
        let Some((slot, lane, event)) = delivery else { return Step::Handled };
        self.deliver(slot, lane, event)
    }

    /// Hands an event to a process that is alive, now or when its lane is free.
    fn deliver(&mut self, slot: u32, lane: Lane, event: Event<P::Message>) -> Step {
        let kernel = &mut self.kernel;
        let node = &kernel.nodes[slot as usize];
        let owner = Owner { slot, incarnation: node.incarnation };
        let free = node
            .lanes
            .get(usize::from(lane.0))
            .is_some_and(|l| l.busy_until <= kernel.now && l.backlog.is_empty());
        if free {
            return self.handle(slot, lane, event);
        }
        let handle = kernel.queue.park(Envelope::Event { owner, lane, event });
        if !kernel.admit(slot, lane, handle) {
            return Step::Handled;
        }
        let event = kernel.open(handle);
        self.handle(slot, lane, event)
    }

    /// A lane's wake-up: it takes the next event that waits for it.
    fn wake(&mut self, owner: Owner, lane: Lane) -> Step {
        let kernel = &mut self.kernel;
        if !kernel.lives(owner) {
            return Step::Handled;
        }
        let now = kernel.now;
        let state = &mut kernel.nodes[owner.slot as usize].lanes[usize::from(lane.0)];
        state.waking = false;
        let mut step = Step::Handled;
        if state.busy_until <= now {
            let mut next = None;
            while let Some(handle) = state.backlog.pop_front() {
                if kernel.queue.get(handle).is_some() {
                    if let Some(past) = &mut self.past {
                        past.was_asked_by(kernel.queue.cause(handle));
                    }
                    next = Some(kernel.open(handle));
                    break;
                }
            }
            if let Some(event) = next {
                step = self.handle(owner.slot, lane, event);
            }
        }
        if self.kernel.lives(owner) {
            self.kernel.rouse(owner.slot, lane);
        }
        step
    }

    fn boot_now(&mut self, slot: u32) -> Step {
        let kernel = &mut self.kernel;
        let node = &kernel.nodes[slot as usize];
        let up = kernel.machines[usize::from(node.id.machine.0)].up;
        let Some(image) = node.image.clone().filter(|_| up && !node.alive) else {
            return Step::Handled;
        };
        kernel.start(slot, image, None);
        self.deliver(slot, Lane(0), Event::Start)
    }

    fn launch_now(&mut self, parent: Owner, slot: u32, image: Arc<P>) -> Step {
        let kernel = &mut self.kernel;
        let node = &mut kernel.nodes[slot as usize];
        node.launching = false;
        if node.alive || !kernel.lives(parent) {
            return Step::Handled;
        }
        kernel.start(slot, image, Some(parent));
        self.deliver(slot, Lane(0), Event::Start)
    }

    /// Runs a handler, away from the beaten track.
    #[inline(never)]
    fn handle(&mut self, slot: u32, lane: Lane, event: Event<P::Message>) -> Step {
        self.run_handler(slot, lane, event)
    }

    /// Runs a handler.
    #[inline(always)]
    fn run_handler(&mut self, slot: u32, lane: Lane, event: Event<P::Message>) -> Step {
        let kernel = &mut self.kernel;
        let now = kernel.now;
        let node = &mut kernel.nodes[slot as usize];
        let me = node.id;
        let owner = Owner { slot, incarnation: node.incarnation };
        let mut process = node.process.take().expect("a living process is not in a handler");
        let mixer = &mut kernel.trace.mixer;
        let place = (me.word() << 16) | u64::from(lane.0);
        mixer.pair(now.0, (trace::kind(&event) << 56) | place);
        trace::contents(&event, mixer);
        if self.describing {
            self.described = Some(alloc::format!("{me} {event:?}"));
        }
        if let Some(past) = &mut self.past {
            past.reaches(me, &event);
        }
        let mut cx = Handler {
            kernel,
            watcher: &mut self.watcher,
            me,
            owner,
            at: now,
            stopped: false,
            yielded: false,
            out_of_memory: false,
            exits: None,
            blocked: lane,
        };
        Arc::make_mut(&mut process).on_event(lane, event, &mut cx);
        let (stopped, yielded, exits) = (cx.stopped, cx.yielded, cx.exits);
        let out_of_memory = cx.out_of_memory;
        self.kernel.nodes[slot as usize].process = Some(process);
        if out_of_memory {
            self.kernel.end(slot, Exit::OutOfMemory, false);
            return if yielded { Step::Yielded } else { Step::Handled };
        }
        if stopped {
            self.kernel.end(slot, Exit::Crashed, false);
            return Step::Stopped(me);
        }
        match exits {
            Some(at) if at > now => {
                self.kernel.queue.push_in_order(at, Envelope::Exit { owner });
            }
            Some(_) => self.kernel.end(slot, Exit::Finished, false),
            None => {}
        }
        if yielded { Step::Yielded } else { Step::Handled }
    }
}

impl<P: Process, W> World<P, W> {
    /// True time.
    pub fn now(&self) -> Instant {
        self.kernel.now
    }
    /// The digest of all that has happened.
    pub fn digest(&self) -> Digest {
        self.kernel.trace.digest()
    }
    /// Digests along the way: every 4,096 events at first, then at doubling distances, so that
    /// there are never more than 4,096 of them.
    pub fn marks(&self) -> &[Mark] {
        self.kernel.trace.marks()
    }
    /// Kernel events handled so far: everything that was ever due in the event queue, whether a
    /// process saw it, a lane was too busy for it, or its receiver was dead.
    pub fn events(&self) -> u64 {
        self.kernel.events
    }
    /// Events that are due some time.
    pub fn pending_events(&self) -> usize {
        self.kernel.queue.len()
    }
    /// Events that were due at one time, at most: what the event store has room for.
    pub fn event_room(&self) -> usize {
        self.kernel.queue.cell_count()
    }
    /// Connections that at least one process knows of.
    pub fn connections(&self) -> usize {
        self.kernel.conns.count()
    }
    /// Packets of which a bit flipped so far.
    pub fn corrupted(&self) -> Corrupted {
        self.kernel.net.corrupted
    }
    /// The seed.
    pub fn seed(&self) -> u64 {
        self.kernel.chance.seed()
    }
    /// Who listens.
    pub fn watcher(&self) -> &W {
        &self.watcher
    }
    /// Who listens, to be changed; that changes no history by itself.
    pub fn watcher_mut(&mut self) -> &mut W {
        &mut self.watcher
    }
    /// A process as it is now; none if it is down.
    pub fn process(&self, node: NodeId) -> Option<&P> {
        let slot = self.kernel.slot(node)?;
        self.kernel.nodes[slot as usize].process.as_deref()
    }
    /// Whether a process runs at an address.
    pub fn is_up(&self, node: NodeId) -> bool {
        self.kernel.slot(node).is_some_and(|slot| self.kernel.nodes[slot as usize].alive)
    }
    /// Whether a machine is up; false if there is none.
    pub fn is_machine_up(&self, machine: MachineId) -> bool {
        self.kernel.machines.get(usize::from(machine.0)).is_some_and(|m| m.up)
    }
    /// What a machine is made of, if it exists.
    pub fn machine(&self, machine: MachineId) -> Option<&MachineSpec> {
        self.kernel.machines.get(usize::from(machine.0)).map(|m| &m.spec)
    }
    /// The machines of a failure domain, in order.
    pub fn machines_in(&self, domain: Domain) -> impl Iterator<Item = MachineId> {
        let machines = (0..).map(MachineId).zip(&self.kernel.machines);
        machines.filter(move |(_, machine)| domain.holds(&machine.spec)).map(|(id, _)| id)
    }
    /// Bytes of memory that a process says it holds; zero if it is down.
    pub fn memory_held(&self, node: NodeId) -> u64 {
        let slot = self.kernel.slot(node);
        slot.map_or(0, |slot| self.kernel.nodes[slot as usize].memory.total())
    }
    /// Machines in the world.
    pub fn machine_count(&self) -> usize {
        self.kernel.machines.len()
    }
    /// Addresses at which a process runs or ran, in the order of their first appearance.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.kernel.nodes.iter().map(|n| n.id)
    }
    /// How many lives a process has had; zero if it never ran.
    pub fn incarnation(&self, node: NodeId) -> u32 {
        let slot = self.kernel.slot(node);
        slot.map_or(0, |slot| self.kernel.nodes[slot as usize].incarnation)
    }
    /// What would be left of a file if its machine lost power now and nothing unsynced survived.
    pub fn durable_file(&self, machine: MachineId, file: &str) -> Option<Payload> {
        let machine = self.kernel.machines.get(usize::from(machine.0))?;
        machine.disk.files_at(self.kernel.now).durable(file)
    }
    /// A file as its machine's page cache has it.
    pub fn cached_file(&self, machine: MachineId, file: &str) -> Option<Payload> {
        let machine = self.kernel.machines.get(usize::from(machine.0))?;
        machine.disk.files_at(self.kernel.now).content(file).map(|c| c.read())
    }
    /// Switches a planted bug on: it happens whenever a process asks for it.
    pub fn enable_twist(&mut self, twist: P::Twist) {
        self.kernel.twists.enable(twist.index());
    }
    /// Switches a rare event on: it happens in so many of a million times that a process asks for
    /// it. What is drawn depends on the seed, the event's name, the process, and how often that
    /// process has asked: FoundationDB's `BUGGIFY`, keyed by names instead of lines.
    pub fn enable_twist_rarely(&mut self, twist: P::Twist, ppm: u32) {
        self.kernel.twists.enable_rarely(twist.index(), ppm);
    }
    /// From now on, parts of processes that know no context report every occasion of a twist, on or
    /// off, so that [`World::twist_occasions`] counts them all. It changes nothing else.
    pub fn watch_twists(&mut self) {
        self.kernel.twists.watch();
    }
    /// How often a twist was asked for, on or off. Up to the first occasion, a run is the same with
    /// the twist and without it.
    pub fn twist_occasions(&self, twist: P::Twist) -> u64 {
        self.kernel.twists.occasions(twist.index())
    }
    /// How often a twist happened.
    pub fn twist_fired(&self, twist: P::Twist) -> u64 {
        self.kernel.twists.fired(twist.index())
    }
    /// How often a rare situation was reached.
    pub fn probe_hits(&self, probe: P::Probe) -> u64 {
        self.kernel.probes[probe.index()]
    }
    /// Keeps the text of the last handled event, or stops doing so. Never changes the digest.
    pub fn describe_events(&mut self, on: bool) {
        self.describing = on;
        self.described = None;
    }
    /// The text of the last handled event, where events are described.
    pub fn last_event(&self) -> Option<&str> {
        self.described.as_deref()
    }
    /// From now on, keeps what causes what: 40 bytes an event, and the contents of those that
    /// somebody `wanted` to read, by their numbers. Never changes the digest.
    pub fn keep_past(&mut self, wanted: BTreeSet<u64>) {
        self.past = Some(Box::new(Past::since(self.kernel.events, wanted)));
        self.kernel.queue.keep_causes();
    }
    /// What caused what, where it is kept.
    pub fn past(&self) -> Option<&Past> {
        self.past.as_deref()
    }
    /// From now on, events of equal time are handled in an order drawn from the seed, instead of
    /// that of their scheduling. What is ordered by contract (a process's posts, a connection's
    /// messages) stays so.
    pub fn scramble_ties(&mut self, on: bool) {
        let key = self.kernel.chance.draws(Purpose::Ties, 0).word(0, 0);
        self.kernel.queue.scramble_ties(on.then_some(key));
    }
}

impl<P: Process, W: Clone> World<P, W> {
    /// A clone with a future of its own: every random stream is derived anew from
    /// (seed, fork, purpose, owner). The past, and what is already on its way, are the same.
    pub fn fork(&self, n: u64) -> Self {
        let mut fork = self.clone();
        fork.kernel.reseed(n);
        fork
    }
}

impl<P: Process> Kernel<P> {
    fn reseed(&mut self, n: u64) {
        self.chance = self.chance.forked(n);
        let chance = self.chance;
        self.net.reseed(&chance);
        for (id, machine) in self.machines.iter_mut().enumerate() {
            machine.disk.reseed(chance.draws(Purpose::Disk, id as u64));
        }
        for node in &mut self.nodes {
            let owner = node.id.word() | (u64::from(node.incarnation) << 32);
            node.draws = chance.draws(Purpose::Process, owner);
        }
        self.twists.reseed::<P::Twist>(&chance);
        if self.queue.scrambles_ties() {
            self.queue.scramble_ties(Some(chance.draws(Purpose::Ties, 0).word(0, 0)));
        }
    }
}
