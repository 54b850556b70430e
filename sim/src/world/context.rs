//! What a process sees of the world while it handles an event.

use alloc::sync::Arc;

use crate::disk::Owner;
use crate::disk::files::Action;
use crate::fault::ArmedId;
use crate::machine::memory::Answer;
use crate::node::{
    BlockingDisk, ConnId, Context, DiskError, DiskOp, DiskTicket, Event, Lane, Name, NodeId,
    Observation, Process, TimerId, WriteError,
};
use crate::payload::Payload;
use crate::time::{Instant, Span};
use crate::watch::{Stamp, Watch, Watcher};
use crate::world::kernel::{Envelope, Kernel};

/// The context of one handler.
///
/// Effects are scheduled at once, each with its instant of departure; after a watcher said stop
/// nothing has an effect any more.
pub(crate) struct Handler<'w, P: Process, W> {
    pub(crate) kernel: &'w mut Kernel<P>,
    pub(crate) watcher: &'w mut W,
    pub(crate) me: NodeId,
    pub(crate) owner: Owner,
    /// When what follows leaves. Invariant: not before now.
    pub(crate) at: Instant,
    pub(crate) stopped: bool,
    pub(crate) yielded: bool,
    /// It was stopped because it holds more memory than it may.
    pub(crate) out_of_memory: bool,
    /// When the process ends, if it asked for it.
    pub(crate) exits: Option<Instant>,
    /// The lane that blocking disk operations keep busy.
    pub(crate) blocked: Lane,
}

/// What a stopped handler gets for an id: no such thing exists.
const NOTHING: u64 = u64::MAX;

impl<P: Process, W> Handler<'_, P, W> {
    /// Notes that something leaves later than now.
    #[inline]
    fn leaves(&mut self) {
        if self.at > self.kernel.now {
            let node = &mut self.kernel.nodes[self.owner.slot as usize];
            node.departs = node.departs.max(self.at);
        }
    }

    /// Keeps a lane busy until an instant.
    fn occupy(&mut self, lane: Lane, until: Instant) {
        let node = &mut self.kernel.nodes[self.owner.slot as usize];
        let at = usize::from(lane.0);
        if at >= node.lanes.len() {
            node.make_lanes(at);
        }
        let state = &mut node.lanes[at];
        state.busy_until = state.busy_until.max(until);
        self.at = self.at.max(until);
    }

    fn blocking(&mut self, action: Action) -> Result<(), DiskError> {
        if self.stopped {
            return Ok(());
        }
        self.leaves();
        let (now, at, owner) = (self.kernel.now, self.at, self.owner);
        let disk = &mut self.kernel.machine(self.me.machine).disk;
        let (outcome, completes) = disk.block(now, at, owner, action);
        self.blocked_until(completes);
        outcome.map(|_| ())
    }

    fn blocked_until(&mut self, completes: Instant) {
        self.occupy(self.blocked, completes);
    }
}

impl<P: Process, W: Watcher<P>> Context<P> for Handler<'_, P, W> {
    fn me(&self) -> NodeId {
        self.me
    }
    fn incarnation(&self) -> u32 {
        self.owner.incarnation
    }
    fn now(&self) -> Instant {
        self.kernel.machines[usize::from(self.me.machine.0)].clock.monotonic(self.kernel.now)
    }
    fn wall_clock(&self) -> Instant {
        self.kernel.machines[usize::from(self.me.machine.0)].clock.wall(self.kernel.now)
    }

    fn send(&mut self, to: NodeId, message: P::Message) {
        if self.stopped {
            return;
        }
        self.leaves();
        self.kernel.send(self.me, self.owner.incarnation, self.at, to, message);
    }

    fn connect(&mut self, to: NodeId) -> ConnId {
        if self.stopped {
            return ConnId(NOTHING);
        }
        self.leaves();
        self.kernel.connect(self.me, self.owner, self.at, to)
    }

    fn write(&mut self, conn: ConnId, message: P::Message) -> Result<(), WriteError<P::Message>> {
        if self.stopped {
            return Ok(());
        }
        self.leaves();
        self.kernel.write(self.me, self.owner.incarnation, self.at, conn, message)
    }

    fn close(&mut self, conn: ConnId) {
        if !self.stopped {
            self.leaves();
            self.kernel.close(self.me, self.owner.incarnation, self.at, conn);
        }
    }

    fn post(&mut self, lane: Lane, message: P::Message) {
        if !self.stopped {
            let event = Event::Posted { message };
            let envelope = Envelope::Event { owner: self.owner, lane, event };
            self.kernel.queue.push_in_order(self.at, envelope);
        }
    }

    fn set_timer(&mut self, lane: Lane, after: Span, token: u64) -> TimerId {
        if self.stopped {
            return TimerId(NOTHING);
        }
        let at = self.kernel.machine(self.me.machine).clock.when(self.at, after);
        TimerId(self.kernel.queue.push(at, Envelope::Timer { owner: self.owner, lane, token }).0)
    }

    fn cancel_timer(&mut self, timer: TimerId) -> bool {
        let handle = crate::queue::Handle(timer.0);
        match self.kernel.queue.get(handle) {
            Some(Envelope::Timer { owner, .. }) if *owner == self.owner && !self.stopped => {
                self.kernel.queue.cancel(handle).is_some()
            }
            _ => false,
        }
    }

    fn disk(&mut self, lane: Lane, op: DiskOp) -> DiskTicket {
        if self.stopped {
            return DiskTicket(NOTHING);
        }
        self.leaves();
        self.kernel.tickets += 1;
        let (now, at, owner) = (self.kernel.now, self.at, self.owner);
        let (machine, ticket) = (self.me.machine, self.kernel.tickets);
        let disk = &mut self.kernel.machine(machine).disk;
        let completes = disk.submit(now, at, owner, ticket, op);
        let envelope = Envelope::Disk { machine, ticket, owner, lane };
        self.kernel.queue.push_in_order(completes, envelope);
        DiskTicket(ticket)
    }

    fn blocking_disk(&mut self, lane: Lane) -> &mut dyn BlockingDisk {
        self.blocked = lane;
        self
    }

    fn random(&mut self) -> u64 {
        let node = &mut self.kernel.nodes[self.owner.slot as usize];
        node.drawn += 1;
        node.draws.word(node.drawn, 0)
    }

    fn spend(&mut self, lane: Lane, duration: Span) {
        if self.stopped {
            return;
        }
        let node = &self.kernel.nodes[self.owner.slot as usize];
        let busy = node.lanes.get(usize::from(lane.0)).map_or(Instant::ZERO, |l| l.busy_until);
        let from = self.at.max(busy);
        let end = self.kernel.machine(self.me.machine).work(from, duration);
        self.occupy(lane, end);
    }

    fn reserve(&mut self, site: P::Site, part: u32, bytes: u64) -> bool {
        if self.stopped {
            return true;
        }
        let now = self.kernel.now;
        let memory = &mut self.kernel.nodes[self.owner.slot as usize].memory;
        let answer = memory.reserve(now, site.index() as u16, part, bytes);
        if let Answer::Refused(ArmedId(id)) | Answer::Fatal(ArmedId(id)) = answer {
            self.kernel.armed[id as usize] += 1;
        }
        if let Answer::Fatal(_) = answer {
            self.stopped = true;
            self.out_of_memory = true;
        }
        !matches!(answer, Answer::Refused(_))
    }

    fn launch(&mut self, port: u16, image: P) -> bool {
        let slot = self.kernel.make_slot(NodeId { machine: self.me.machine, port });
        let node = &mut self.kernel.nodes[slot as usize];
        if self.stopped || node.alive || node.launching {
            return false;
        }
        node.launching = true;
        self.leaves();
        let (parent, image) = (self.owner, Arc::new(image));
        let envelope = Envelope::Launch { parent, slot, image };
        self.kernel.queue.push_in_order(self.at, envelope);
        true
    }

    fn kill(&mut self, port: u16) {
        let slot = self.kernel.slot(NodeId { machine: self.me.machine, port });
        if let Some(slot) = slot.filter(|_| !self.stopped) {
            self.leaves();
            let envelope = Envelope::Kill { by: self.owner, slot };
            self.kernel.queue.push_in_order(self.at, envelope);
        }
    }

    fn exit(&mut self) {
        if !self.stopped {
            self.leaves();
            self.exits = Some(self.at);
        }
    }

    fn observe(&mut self, observation: P::Observation) {
        if self.stopped {
            return;
        }
        self.kernel.trace.mixer.word(0x0b5e_0000_0000_0000 | self.me.word());
        observation.digest(&mut self.kernel.trace.mixer);
        let stamp = Stamp {
            time: self.kernel.now,
            node: self.me,
            incarnation: self.owner.incarnation,
            event: self.kernel.events,
        };
        match self.watcher.observed(stamp, &observation) {
            Watch::Continue => {}
            Watch::Yield => self.yielded = true,
            Watch::Stop => self.stopped = true,
        }
    }

    fn probe(&mut self, probe: P::Probe) {
        if !self.stopped {
            self.kernel.probes[probe.index()] += 1;
        }
    }

    fn twist(&mut self, twist: P::Twist) -> bool {
        if self.stopped {
            return self.kernel.twists.is_on(twist.index());
        }
        self.kernel.twists.ask(twist.index(), self.me)
    }

    fn twist_is_on(&self, twist: P::Twist) -> bool {
        self.kernel.twists.is_on(twist.index())
    }

    fn twists_are_watched(&self) -> bool {
        self.kernel.twists.is_watched()
    }
}

impl<P: Process, W> BlockingDisk for Handler<'_, P, W> {
    fn len(&mut self, file: &str) -> Result<u64, DiskError> {
        let (now, at, owner) = (self.kernel.now, self.at, self.owner);
        let disk = &mut self.kernel.machine(self.me.machine).disk;
        let (found, completes) = disk.len(now, at, owner, file);
        self.blocked_until(completes);
        found
    }
    fn read_at(&mut self, file: &str, offset: u64, out: &mut [u8]) -> Result<(), DiskError> {
        let (now, at, owner) = (self.kernel.now, self.at, self.owner);
        let disk = &mut self.kernel.machine(self.me.machine).disk;
        let (found, completes) = disk.read_at(now, at, owner, (file, offset), out);
        self.blocked_until(completes);
        found
    }
    fn write_at(&mut self, file: &str, offset: u64, data: &[u8]) -> Result<(), DiskError> {
        self.blocking(Action::WriteAt { file: file.into(), offset, data: Payload::new(data) })
    }
    fn set_len(&mut self, file: &str, len: u64) -> Result<(), DiskError> {
        self.blocking(Action::SetLen { file: file.into(), len })
    }
    fn sync(&mut self, file: &str) -> Result<(), DiskError> {
        self.blocking(Action::Op(DiskOp::Sync { file: file.into() }))
    }
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.blocking(Action::Op(DiskOp::Rename { from: from.into(), to: to.into() }))
    }
    fn remove(&mut self, file: &str) -> Result<(), DiskError> {
        self.blocking(Action::Op(DiskOp::Remove { file: file.into() }))
    }
    fn sync_dir(&mut self) -> Result<(), DiskError> {
        self.blocking(Action::Op(DiskOp::SyncDir))
    }
}
