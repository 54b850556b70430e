//! The kernel: all of a world but its watcher.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::chance::{Chance, Draws, Purpose};
use crate::conn::{Body, Conns};
use crate::disk::{Finish, Owner};
use crate::fault::ArmedId;
use crate::machine::Machine;
use crate::machine::memory::Memory;
use crate::net::Net;
use crate::node::{ConnId, DiskTicket, Event, Exit, Lane, MachineId, NodeId, Process, TimerId};
use crate::queue::{Handle, Queue};
use crate::time::{Instant, Span};
use crate::trace::Trace;
use crate::world::datagrams::Tamper;
use crate::world::twists::Twists;

/// An event with its address, before it is certain that it will be handled.
#[derive(Clone, Debug)]
pub(crate) enum Envelope<P: Process> {
    Datagram {
        to: NodeId,
        link: u32,
        /// The sender's incarnation if the datagram left later than the handler ran, else zero.
        born: u32,
        departs: Instant,
        /// A datagram, as its receiver sees it.
        event: Event<P::Message>,
    },
    Timer {
        owner: Owner,
        lane: Lane,
        token: u64,
    },
    Event {
        owner: Owner,
        lane: Lane,
        event: Event<P::Message>,
    },
    Segment {
        conn: u64,
        pipe: u8,
        body: Body<P::Message>,
    },
    /// A pipe has waited for acknowledgements for all its patience.
    Patience {
        conn: u64,
        pipe: u8,
    },
    /// A pipe that had refused a write may have room.
    Room {
        conn: u64,
        pipe: u8,
    },
    /// A lane is free, and events wait for it.
    Wake {
        owner: Owner,
        lane: Lane,
    },
    Disk {
        machine: MachineId,
        ticket: u64,
        owner: Owner,
        lane: Lane,
    },
    /// The init system starts a booted process.
    Boot {
        slot: u32,
    },
    Launch {
        parent: Owner,
        slot: u32,
        image: Arc<P>,
    },
    Kill {
        by: Owner,
        slot: u32,
    },
    Exit {
        owner: Owner,
    },
    /// Cuts come to their end: links, and how often each had been rescued when it was cut.
    Heal {
        links: Arc<[(u32, u16)]>,
    },
    /// A life of a process in a crash loop is over.
    Doom {
        owner: Owner,
        id: ArmedId,
    },
    /// A machine gets its power back.
    PowerOn {
        machine: MachineId,
    },
}

impl<P: Process> Envelope<P> {
    /// A number for each kind, for digests.
    pub(crate) fn kind(&self) -> u64 {
        match self {
            Envelope::Datagram { .. } => 32,
            Envelope::Timer { .. } => 33,
            Envelope::Event { .. } => 34,
            Envelope::Segment { .. } => 35,
            Envelope::Patience { .. } => 36,
            Envelope::Room { .. } => 37,
            Envelope::Wake { .. } => 38,
            Envelope::Disk { .. } => 39,
            Envelope::Boot { .. } => 40,
            Envelope::Launch { .. } => 41,
            Envelope::Kill { .. } => 42,
            Envelope::Exit { .. } => 43,
            Envelope::Heal { .. } => 44,
            Envelope::Doom { .. } => 50,
            Envelope::PowerOn { .. } => 51,
        }
    }
}

/// A thread of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct LaneState {
    pub(crate) busy_until: Instant,
    /// Parked envelopes that wait for the lane, in order.
    pub(crate) backlog: VecDeque<Handle>,
    /// A wake-up is scheduled. Invariant: it is, whenever the backlog is not empty.
    pub(crate) waking: bool,
}

/// A place where processes run: at most one at a time.
#[derive(Clone, Debug)]
pub(crate) struct Node<P> {
    pub(crate) id: NodeId,
    /// Lives so far.
    pub(crate) incarnation: u32,
    pub(crate) alive: bool,
    /// The process; absent while it is down, and while its handler runs.
    pub(crate) process: Option<Arc<P>>,
    /// What the init system starts; none if a parent launches it.
    pub(crate) image: Option<Arc<P>>,
    pub(crate) parent: Option<Owner>,
    /// A launch is on its way.
    pub(crate) launching: bool,
    pub(crate) lanes: Vec<LaneState>,
    pub(crate) paused_until: Instant,
    pub(crate) draws: Draws,
    pub(crate) drawn: u64,
    /// The latest departure of what it sent.
    pub(crate) departs: Instant,
    /// Lives that ended with something unsent, and when.
    pub(crate) cut_short: Vec<(u32, Instant)>,
    pub(crate) memory: Memory,
}

impl<P> Node<P> {
    /// Makes lanes up to one; they are as paused as the process.
    #[cold]
    pub(crate) fn make_lanes(&mut self, last: usize) {
        let busy_until = self.paused_until;
        self.lanes.resize_with(last + 1, || LaneState { busy_until, ..LaneState::default() });
    }
}

/// A process that dies so-and-so long after each start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CrashLoop {
    pub(crate) slot: u32,
    /// Deaths to come. Invariant: there are some.
    pub(crate) left: u32,
    pub(crate) after: Span,
    /// When the init system starts it again, if that is its business.
    pub(crate) restart: Span,
    pub(crate) id: ArmedId,
}

/// See the module's documentation.
#[derive(Clone, Debug)]
pub(crate) struct Kernel<P: Process> {
    pub(crate) now: Instant,
    pub(crate) events: u64,
    pub(crate) queue: Queue<Envelope<P>>,
    pub(crate) machines: Vec<Machine>,
    pub(crate) nodes: Vec<Node<P>>,
    pub(crate) net: Net,
    pub(crate) conns: Conns<P::Message>,
    pub(crate) chance: Chance,
    pub(crate) trace: Trace,
    pub(crate) tickets: u64,
    pub(crate) tampers: Vec<Tamper>,
    pub(crate) crash_loops: Vec<CrashLoop>,
    /// How often each armed fault has hit.
    pub(crate) armed: Vec<u64>,
    pub(crate) twists: Twists,
    pub(crate) probes: Vec<u64>,
}

impl<P: Process> Kernel<P> {
    /// The process that runs, or ran, at an address.
    #[inline]
    pub(crate) fn slot(&self, node: NodeId) -> Option<u32> {
        self.machines.get(usize::from(node.machine.0))?.port(node.port)
    }

    /// The place of a process, made if it is new. The machine exists.
    pub(crate) fn make_slot(&mut self, node: NodeId) -> u32 {
        if let Some(slot) = self.slot(node) {
            return slot;
        }
        let slot = self.nodes.len() as u32;
        let machine = &mut self.machines[usize::from(node.machine.0)];
        let at = machine.ports.partition_point(|p| p.0 < node.port);
        machine.ports.insert(at, (node.port, slot));
        self.nodes.push(Node {
            id: node,
            incarnation: 0,
            alive: false,
            process: None,
            image: None,
            parent: None,
            launching: false,
            lanes: Vec::new(),
            paused_until: Instant::ZERO,
            draws: self.chance.draws(Purpose::Process, node.word()),
            drawn: 0,
            departs: Instant::ZERO,
            cut_short: Vec::new(),
            memory: Memory::default(),
        });
        slot
    }

    #[inline(always)]
    pub(crate) fn machine(&mut self, id: MachineId) -> &mut Machine {
        &mut self.machines[usize::from(id.0)]
    }

    /// Whether a life of a process is the present one.
    #[inline]
    pub(crate) fn lives(&self, owner: Owner) -> bool {
        let node = self.nodes.get(owner.slot as usize);
        node.is_some_and(|n| n.alive && n.incarnation == owner.incarnation)
    }

    /// Whether a lane takes an event now; if not, the event waits for it.
    #[inline(always)]
    pub(crate) fn admit(&mut self, slot: u32, lane: Lane, handle: Handle) -> bool {
        let node = &mut self.nodes[slot as usize];
        let at = usize::from(lane.0);
        if at >= node.lanes.len() {
            node.make_lanes(at);
        }
        let state = &mut node.lanes[at];
        if state.busy_until <= self.now && state.backlog.is_empty() {
            return true;
        }
        state.backlog.push_back(handle);
        self.rouse(slot, lane);
        false
    }

    /// Schedules a lane's wake-up, if events wait and there is none yet.
    pub(crate) fn rouse(&mut self, slot: u32, lane: Lane) {
        let node = &mut self.nodes[slot as usize];
        let state = &mut node.lanes[usize::from(lane.0)];
        if state.waking || state.backlog.is_empty() {
            return;
        }
        state.waking = true;
        let at = state.busy_until.max(self.now);
        let owner = Owner { slot, incarnation: node.incarnation };
        self.queue.push(at, Envelope::Wake { owner, lane });
    }

    /// A parked envelope as the event that its process sees.
    #[inline(always)]
    pub(crate) fn open(&mut self, handle: Handle) -> Event<P::Message> {
        self.queue.take_part(handle, |envelope| match envelope {
            Envelope::Datagram { event, .. } | Envelope::Event { event, .. } => {
                core::mem::replace(event, Event::Start)
            }
            Envelope::Timer { token, .. } => {
                Event::Timer { timer: TimerId(handle.0), token: *token }
            }
            other => unreachable!("not for a process: kind {}", other.kind()),
        })
    }

    /// Schedules an event for one life of a process, in order with others of that instant.
    pub(crate) fn tell(&mut self, at: Instant, owner: Owner, event: Event<P::Message>) {
        self.queue.push_in_order(at, Envelope::Event { owner, lane: Lane(0), event });
    }

    /// A disk operation comes to its end.
    pub(crate) fn disk_done(
        &mut self,
        machine: MachineId,
        ticket: u64,
        owner: Owner,
        lane: Lane,
    ) -> Option<(u32, Lane, Event<P::Message>)> {
        let now = self.now;
        match self.machine(machine).disk.finish(now, ticket) {
            Finish::Later(at) => {
                self.queue.push(at, Envelope::Disk { machine, ticket, owner, lane });
                None
            }
            Finish::Done(result) if self.lives(owner) => {
                Some((owner.slot, lane, Event::Disk { ticket: DiskTicket(ticket), result }))
            }
            Finish::Done(_) | Finish::Lost => None,
        }
    }

    /// Begins a life of a process.
    pub(crate) fn start(&mut self, slot: u32, image: Arc<P>, parent: Option<Owner>) {
        let chance = self.chance;
        let node = &mut self.nodes[slot as usize];
        assert!(!node.alive, "a place has one process at a time");
        node.incarnation += 1;
        node.alive = true;
        node.process = Some(image);
        node.parent = parent;
        node.paused_until = Instant::ZERO;
        node.departs = self.now;
        let owner = node.id.word() | (u64::from(node.incarnation) << 32);
        node.draws = chance.draws(Purpose::Process, owner);
        node.drawn = 0;
        assert!(node.lanes.is_empty(), "a new life has no backlog");
        if !self.crash_loops.is_empty() {
            self.begins_in_loop(slot);
        }
    }

    /// Ends a life of a process. A silent end is that of its machine.
    pub(crate) fn end(&mut self, slot: u32, exit: Exit, silent: bool) {
        let now = self.now;
        let node = &mut self.nodes[slot as usize];
        assert!(node.alive, "only the living die");
        node.alive = false;
        node.process = None;
        node.memory.life_ended();
        if node.departs > now {
            node.cut_short.push((node.incarnation, now));
        }
        let owner = Owner { slot, incarnation: node.incarnation };
        let (id, parent) = (node.id, node.parent.take());
        for lane in core::mem::take(&mut node.lanes) {
            for handle in lane.backlog {
                self.queue.take(handle);
            }
        }
        self.machine(id.machine).disk.process_died(now, owner);
        self.connections_end(owner, silent);
        if let Some(parent) = parent
            && !silent
            && self.lives(parent)
        {
            self.tell(now, parent, Event::Exited { node: id, exit });
        }
    }

    pub(crate) fn conn_event(
        &self,
        conn: u64,
        owner: Owner,
        lane: Lane,
        make: impl FnOnce(ConnId) -> Event<P::Message>,
    ) -> Option<(u32, Lane, Event<P::Message>)> {
        self.lives(owner).then(|| (owner.slot, lane, make(ConnId(conn))))
    }
}
