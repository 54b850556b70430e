//! What faults do to connections: ends that die, cuts, silence.

use alloc::vec::Vec;

use super::NOBODY;
use crate::conn::{Body, Conn, End, Held, Phase, Segment};
use crate::disk::Owner;
use crate::fault::{Break, Effect, Party};
use crate::node::{CloseReason, ConnId, Event, MachineId, Process};
use crate::time::{Instant, Span};
use crate::world::kernel::{Envelope, Kernel};

impl<P: Process> Kernel<P> {
    /// Both ends see a reset; nothing more travels.
    pub(super) fn break_off(&mut self, id: u64, departs: Instant) {
        let (one, other) = self.route(id, 0);
        let at = departs.max(self.now) + self.shortest(one, other);
        let ends = self.conn(id).ends;
        for (end, peer) in [(ends[0], ends[1].node), (ends[1], ends[0].node)] {
            if matches!(end.phase, Phase::Opening | Phase::Open) && end.slot != NOBODY {
                let owner = Owner { slot: end.slot, incarnation: end.incarnation };
                let (conn, reason) = (ConnId(id), CloseReason::Reset);
                self.tell(at, owner, Event::Closed { conn, peer, reason });
            }
        }
        for end in &mut self.conn(id).ends {
            end.phase = Phase::Gone;
        }
        self.tidy(id);
    }

    /// A life of a process ended: its ends of connections are gone.
    pub(crate) fn connections_end(&mut self, owner: Owner, silent: bool) {
        let is = |end: &End| end.slot == owner.slot && end.incarnation == owner.incarnation;
        for id in self.conns.ids(|c| c.ends.iter().any(is)) {
            for at in 0..2 {
                let alive = self
                    .conns
                    .get(id)
                    .is_some_and(|c| is(&c.ends[at]) && c.ends[at].phase != Phase::Gone);
                if alive {
                    self.end_dies(id, at, silent);
                }
            }
            self.tidy(id);
        }
    }

    /// What a life of a process has not sent yet leaves later.
    pub(crate) fn connections_wait(&mut self, owner: Owner, duration: Span) {
        let now = self.now;
        let is = |end: &End| end.slot == owner.slot && end.incarnation == owner.incarnation;
        for id in self.conns.ids(|c| c.ends.iter().any(is)) {
            for pipe in 0..2 {
                let conn = self.conns.get(id).expect("it was just found");
                if !is(&conn.ends[pipe]) {
                    continue;
                }
                let line = &mut conn.pipes[pipe];
                line.held
                    .iter_mut()
                    .filter(|h| h.departs > now)
                    .for_each(|h| h.departs += duration);
                for segment in line.flight.iter_mut().filter(|s| s.departs > now) {
                    segment.departs += duration;
                    segment.arrives += duration;
                    line.last = segment.arrives;
                    let envelope = self.queue.recall(segment.handle).expect("it has not arrived");
                    let cause = self.queue.cause(segment.handle);
                    segment.handle = self.queue.push(segment.arrives, envelope);
                    self.queue.set_cause(segment.handle, cause);
                }
            }
        }
    }

    fn end_dies(&mut self, id: u64, at: usize, silent: bool) {
        let now = self.now;
        let finished = self.conn(id).ends[at].phase == Phase::Finished;
        let mut asked = at == 1 || self.conn(id).ends[0].granted;
        let mut unsent_finish = false;
        // what had not left is lost
        while let Some(segment) = self.conn(id).pipes[at].flight.back().copied() {
            if segment.departs <= now {
                break;
            }
            let lost = self.queue.recall(segment.handle);
            if let Some(Envelope::Segment { body, .. }) = lost {
                unsent_finish |= matches!(body, Body::Finish);
            }
            let line = &mut self.conn(id).pipes[at];
            line.unfly(now);
            line.bytes -= segment.bytes;
        }
        let conn = self.conn(id);
        asked |= !conn.pipes[at].flight.is_empty() || conn.ends[1].slot != NOBODY;
        if finished && !silent && !unsent_finish {
            let line = &mut conn.pipes[at];
            let before = line.held.len();
            line.held.retain(|h| h.departs <= now);
            if line.held.len() == before {
                return; // the operating system sends the rest
            }
        }
        conn.ends[at].phase = Phase::Gone;
        self.empty(id, at);
        if !asked {
            self.conn(id).ends[1 - at].phase = Phase::Gone;
        } else if !silent {
            self.reset(id, at);
        }
    }

    fn between(&self, one: MachineId, other: MachineId) -> Vec<u64> {
        self.conns.ids(|c| {
            let [a, b] = [c.ends[0].node.machine, c.ends[1].node.machine];
            (a == one && b == other) || (a == other && b == one)
        })
    }

    /// Takes what is in flight from one machine to another out of the air; gives back how many
    /// messages that were. The link is cut, or the receiver down, already or right after.
    fn meet_cut(&mut self, id: u64, to: MachineId) -> u64 {
        let mut met = 0;
        for pipe in 0..2 {
            let (from, target) = self.route(id, pipe);
            self.acknowledge(id, pipe);
            if target == to && from != to {
                met += self.take_down(id, pipe);
            }
        }
        met
    }

    /// Takes what is in flight in a pipe out of the air; it is held again. Gives back how many
    /// messages that were.
    fn take_down(&mut self, id: u64, pipe: usize) -> u64 {
        let (now, mut met) = (self.now, 0);
        for at in (0..self.conn(id).pipes[pipe].flight.len()).rev() {
            let segment = self.conn(id).pipes[pipe].flight[at];
            let Some(Envelope::Segment { body, .. }) = self.queue.recall(segment.handle) else {
                break; // it has arrived, and so has all before it
            };
            met += u64::from(matches!(body, Body::Data(_)));
            let cause = self.queue.cause(segment.handle);
            let line = &mut self.conn(id).pipes[pipe];
            line.unfly(now);
            let Segment { bytes, departs, .. } = segment;
            line.held.push_front(Held { body, bytes, departs, extra: Span::ZERO, cause });
        }
        met
    }

    /// A link is about to be cut; gives back how many messages of connections meet it.
    pub(crate) fn link_cuts(&mut self, from: MachineId, to: MachineId) -> u64 {
        let ids = self.between(from, to);
        ids.into_iter().map(|id| self.meet_cut(id, to)).sum()
    }

    /// The links between two machines changed: whatever waits for that moves, or starts waiting.
    pub(crate) fn links_changed(&mut self, one: MachineId, other: MachineId) {
        for id in self.between(one, other) {
            self.conn_changed(id);
        }
    }

    fn conn_changed(&mut self, id: u64) {
        for pipe in 0..2 {
            self.flush(id, pipe);
            self.look_for_room(id, pipe);
        }
    }

    fn touching(&self, machine: MachineId) -> Vec<u64> {
        self.conns.ids(|c| c.ends.iter().any(|e| e.node.machine == machine))
    }

    /// A machine went down, after its processes: what flies to it is lost.
    pub(crate) fn machine_silent(&mut self, machine: MachineId) -> u64 {
        let mut met = 0;
        for id in self.touching(machine) {
            met += self.meet_cut(id, machine);
            for pipe in 0..2 {
                self.watch_over(id, pipe);
            }
        }
        met
    }

    /// A machine came up: it knows nothing of its old connections, and says so.
    pub(crate) fn machine_answers(&mut self, machine: MachineId) {
        for id in self.touching(machine) {
            for at in 0..2 {
                let conn = self.conn(id);
                let end = conn.ends[at];
                if end.node.machine == machine && end.phase == Phase::Gone {
                    conn.pipes[at].broken = false;
                    self.reset(id, at);
                }
            }
            self.conn_changed(id);
        }
    }

    /// Connections between two parties break.
    pub(crate) fn break_connections(&mut self, one: Party, other: Party, how: Break) -> Effect {
        let known = |end: &End| matches!(end.phase, Phase::Opening | Phase::Open);
        let first = |c: &Conn<P::Message>| {
            let [a, b] = [c.ends[0].node, c.ends[1].node];
            match () {
                () if one.has(a) && other.has(b) => Some(0),
                () if one.has(b) && other.has(a) => Some(1),
                () => None,
            }
        };
        let mut effect = Effect::default();
        for id in self.conns.ids(|c| !c.silent && c.ends.iter().any(known) && first(c).is_some()) {
            let at = first(self.conn(id)).expect("it was just found");
            match how {
                Break::Reset => {
                    effect.messages_lost += self.undelivered(id, 0) + self.undelivered(id, 1);
                    let now = self.now;
                    self.break_off(id, now);
                }
                Break::HalfOpen if !known(&self.conn(id).ends[at]) => continue,
                Break::HalfOpen => effect.messages_lost += self.forget(id, at),
                Break::Silent => {
                    self.acknowledge(id, 0);
                    self.acknowledge(id, 1);
                    self.conn(id).silent = true;
                    effect.messages_lost += self.take_down(id, 0) + self.take_down(id, 1);
                    self.watch_over(id, 0);
                    self.watch_over(id, 1);
                }
            }
            effect.took_effect = true;
        }
        effect
    }

    /// One end knows nothing of a connection any more, and its process is told; the other is not.
    /// Gives back how many messages can never arrive.
    fn forget(&mut self, id: u64, at: usize) -> u64 {
        let before = self.undelivered(id, at);
        let (end, peer) = (self.conn(id).ends[at], self.conn(id).ends[1 - at].node);
        self.end_dies(id, at, true);
        let lost = before - self.undelivered(id, at) + self.undelivered(id, 1 - at);
        if end.slot != NOBODY {
            let owner = Owner { slot: end.slot, incarnation: end.incarnation };
            let (conn, reason) = (ConnId(id), CloseReason::Reset);
            self.tell(self.now, owner, Event::Closed { conn, peer, reason });
        }
        self.watch_over(id, 1 - at);
        self.tidy(id);
        lost
    }

    /// Messages in a pipe that have not arrived.
    fn undelivered(&self, id: u64, pipe: usize) -> u64 {
        let line = &self.conns.look(id).expect("the connection is known").pipes[pipe];
        let flies = |s: &&Segment| {
            let envelope = self.queue.get(s.handle);
            matches!(envelope, Some(Envelope::Segment { body: Body::Data(_), .. }))
        };
        let held = line.held.iter().filter(|h| matches!(h.body, Body::Data(_)));
        (line.flight.iter().filter(flies).count() + held.count()) as u64
    }
}
