//! How connections move their messages: flights, cuts, patience, resets.

use crate::conn::{Alarm, Body, Conn, End, Held, Phase, Segment};
use crate::disk::Owner;
use crate::fault::MessageAction;
use crate::node::{
    CloseReason, ConnId, Event, Lane, MachineId, Message, NodeId, Process, WriteError,
};
use crate::time::{Instant, Span};
use crate::world::kernel::{Envelope, Kernel};

/// An event for a process, with the place and the lane that handle it.
pub(crate) type Delivery<M> = Option<(u32, Lane, Event<M>)>;

mod trouble;

/// No process.
const NOBODY: u32 = u32::MAX;

impl<P: Process> Kernel<P> {
    fn conn(&mut self, id: u64) -> &mut Conn<P::Message> {
        self.conns.get(id).expect("the connection is known")
    }

    /// Whether packets pass from one machine to another.
    fn passes(&mut self, from: MachineId, to: MachineId) -> bool {
        if from == to {
            return true;
        }
        let up = self.machines.get(usize::from(to.0)).is_some_and(|m| m.up);
        up && {
            let link = self.net.link(from, to, &self.chance);
            self.net.links[link as usize].cuts == 0
        }
    }

    /// The shortest time from one machine to another: what acknowledgements and resets take.
    fn shortest(&self, from: MachineId, to: MachineId) -> Span {
        let spec = &self.net.spec;
        let time = if from == to { spec.loopback } else { spec.latency.shortest() };
        time.max(Span(1))
    }

    /// Sender's and receiver's machines of a pipe.
    fn route(&mut self, id: u64, pipe: usize) -> (MachineId, MachineId) {
        let conn = self.conn(id);
        (conn.ends[pipe].node.machine, conn.ends[1 - pipe].node.machine)
    }

    /// A process asks for a connection.
    pub(crate) fn connect(
        &mut self,
        node: NodeId,
        owner: Owner,
        departs: Instant,
        to: NodeId,
    ) -> ConnId {
        let end = |node, owner: Owner| End {
            node,
            slot: owner.slot,
            incarnation: owner.incarnation,
            phase: Phase::Opening,
            granted: false,
        };
        let nobody = Owner { slot: NOBODY, incarnation: 0 };
        let ends = [end(node, owner), end(to, nobody)];
        let id = self.conns.insert(Conn::new(ends));
        self.transmit(id, 0, Body::Open, 0, departs, Span::ZERO);
        ConnId(id)
    }

    /// A process writes into a connection.
    pub(crate) fn write(
        &mut self,
        node: NodeId,
        incarnation: u32,
        departs: Instant,
        id: ConnId,
        mut message: P::Message,
    ) -> Result<(), WriteError<P::Message>> {
        let known = self.conns.get(id.0).and_then(|c| c.end_of(node, incarnation));
        let Some(pipe) = known else { return Err(WriteError::Gone(message)) };
        self.acknowledge(id.0, pipe);
        let size = message.wire_size();
        let buffer = self.net.spec.send_buffer;
        let conn = self.conn(id.0);
        let peer = conn.ends[1 - pipe].node;
        if conn.pipes[pipe].bytes > 0 && conn.pipes[pipe].bytes + size > buffer {
            conn.pipes[pipe].full = true;
            conn.pipes[pipe].refused = size;
            self.look_for_room(id.0, pipe);
            return Err(WriteError::Full(message));
        }
        if conn.lose == Some(pipe) {
            self.break_off(id.0, departs);
            return Ok(());
        }
        let mut extra = Span::ZERO;
        if !self.tampers.is_empty() {
            match self.tampered(node, peer, false) {
                Some(MessageAction::Drop) => extra = self.net.spec.retransmit,
                Some(MessageAction::Delay(span)) => extra = span,
                Some(MessageAction::LoseReply) => self.conn(id.0).lose = Some(1 - pipe),
                Some(MessageAction::Corrupt(bit)) => match self.flip(&message, bit) {
                    Some(flipped) => message = flipped,
                    None => extra = self.net.spec.retransmit,
                },
                Some(MessageAction::Duplicate | MessageAction::Replay(_)) | None => {}
            }
        }
        self.transmit(id.0, pipe, Body::Data(message), size, departs, extra);
        Ok(())
    }

    /// A process closes a connection in good order.
    pub(crate) fn close(&mut self, node: NodeId, incarnation: u32, departs: Instant, id: ConnId) {
        let known = self.conns.get(id.0).and_then(|c| c.end_of(node, incarnation));
        let Some(pipe) = known else { return };
        self.conn(id.0).ends[pipe].phase = Phase::Finished;
        self.transmit(id.0, pipe, Body::Finish, 0, departs, Span::ZERO);
        self.tidy(id.0);
    }

    /// Puts something at the end of a pipe.
    fn transmit(
        &mut self,
        id: u64,
        pipe: usize,
        body: Body<P::Message>,
        bytes: u64,
        departs: Instant,
        extra: Span,
    ) {
        let cause = self.queue.present_cause();
        let line = &mut self.conn(id).pipes[pipe];
        line.bytes += bytes;
        line.held.push_back(Held { body, bytes, departs, extra, cause });
        self.flush(id, pipe);
    }

    /// Puts in flight what can fly.
    fn flush(&mut self, id: u64, pipe: usize) {
        let (from, to) = self.route(id, pipe);
        if !self.conn(id).silent && self.passes(from, to) {
            while let Some(held) = self.next_to_fly(id, pipe) {
                self.fly(id, pipe, held, from, to);
            }
        }
        self.watch_over(id, pipe);
    }

    /// Takes the first held message, unless it waits for the opening.
    fn next_to_fly(&mut self, id: u64, pipe: usize) -> Option<Held<P::Message>> {
        let conn = self.conn(id);
        let opens = pipe == 1 || conn.ends[0].granted;
        let line = &mut conn.pipes[pipe];
        match line.held.front()?.body {
            Body::Data(_) | Body::Finish if !opens => None,
            _ => line.held.pop_front(),
        }
    }

    fn fly(
        &mut self,
        id: u64,
        pipe: usize,
        mut held: Held<P::Message>,
        from: MachineId,
        to: MachineId,
    ) {
        let mut departs = held.departs.max(self.now);
        let latency = if from == to {
            self.net.spec.loopback
        } else {
            if let Body::Data(message) = &held.body {
                departs = self.card_out(from, departs, message);
            }
            let link = self.net.link(from, to, &self.chance);
            let time = self.net.segment(link);
            if self.net.is_rough(departs) {
                self.through_storm(link, departs, &mut held)
            } else {
                time
            }
        };
        let mut arrives = departs + latency + held.extra;
        if from != to
            && let Body::Data(message) = &held.body
        {
            arrives = self.card_in(to, arrives, message);
        }
        let conn = self.conns.get(id).expect("the connection is known");
        let line = &mut conn.pipes[pipe];
        let arrives = arrives.max(line.last + Span(1));
        line.last = arrives;
        let envelope = Envelope::Segment { conn: id, pipe: pipe as u8, body: held.body };
        let handle = self.queue.push(arrives, envelope);
        self.queue.set_cause(handle, held.cause);
        line.flight.push_back(Segment { handle, bytes: held.bytes, departs, arrives });
    }

    /// How long something takes over a link in its weathers.
    #[cold]
    fn through_storm(&mut self, link: u32, departs: Instant, held: &mut Held<P::Message>) -> Span {
        let (mut time, bit) = self.net.segment_in_storm(link, departs, &mut self.armed);
        if let (Body::Data(message), Some(bit)) = (&held.body, bit) {
            match self.flip(message, bit) {
                Some(flipped) => held.body = Body::Data(flipped),
                None => time += self.net.spec.retransmit,
            }
        }
        time + self.net.queue(link, departs, held.bytes)
    }

    /// When acknowledgements of a pipe's arrivals come back; none while they cannot.
    fn acknowledgements(&mut self, id: u64, pipe: usize) -> Option<(Instant, Span)> {
        let (from, to) = self.route(id, pipe);
        let time = self.shortest(to, from);
        if self.conn(id).silent {
            return None;
        }
        if from == to {
            return Some((Instant::ZERO, time));
        }
        let link = self.net.link(to, from, &self.chance);
        let link = &self.net.links[link as usize];
        (link.cuts == 0).then_some((link.healed, time))
    }

    /// Forgets what has been acknowledged by now.
    fn acknowledge(&mut self, id: u64, pipe: usize) {
        let now = self.now;
        let Some((healed, time)) = self.acknowledgements(id, pipe) else { return };
        let line = &mut self.conn(id).pipes[pipe];
        while line.flight.front().is_some_and(|s| s.arrives.max(healed) + time <= now) {
            let segment = line.flight.pop_front().expect("there is a front");
            line.bytes -= segment.bytes;
        }
    }

    /// Schedules a look at a full pipe for when there will be room.
    fn look_for_room(&mut self, id: u64, pipe: usize) {
        let (now, buffer) = (self.now, self.net.spec.send_buffer);
        let Some((healed, time)) = self.acknowledgements(id, pipe) else { return };
        let line = &mut self.conn(id).pipes[pipe];
        if !line.full || line.room.is_some() {
            return;
        }
        let enough = line.room_below(buffer);
        let mut left = line.bytes;
        let mut at = now;
        for segment in &line.flight {
            if left <= enough {
                break;
            }
            left -= segment.bytes;
            at = at.max(segment.arrives.max(healed) + time);
        }
        if left > enough && line.flight.is_empty() {
            return; // all of it is held: somebody looks again when it flies
        }
        let handle = self.queue.push(at, Envelope::Room { conn: id, pipe: pipe as u8 });
        self.conn(id).pipes[pipe].room = Some(handle);
    }

    /// The look that [`Kernel::look_for_room`] scheduled.
    pub(crate) fn room(&mut self, id: u64, pipe: usize) -> Delivery<P::Message> {
        self.conns.get(id)?.pipes[pipe].room = None;
        self.acknowledge(id, pipe);
        let buffer = self.net.spec.send_buffer;
        let conn = self.conn(id);
        let (line, end) = (&mut conn.pipes[pipe], conn.ends[pipe]);
        if line.bytes > line.room_below(buffer) {
            self.look_for_room(id, pipe);
            return None;
        }
        line.full = false;
        let owner = Owner { slot: end.slot, incarnation: end.incarnation };
        let open = matches!(end.phase, Phase::Opening | Phase::Open);
        if !open {
            return None;
        }
        self.conn_event(id, owner, Lane(0), |conn| Event::Writable { conn })
    }

    /// Whether nothing is answered that goes into a pipe.
    fn is_stuck(&mut self, id: u64, pipe: usize) -> bool {
        let (from, to) = self.route(id, pipe);
        self.conn(id).silent || !(self.passes(from, to) && self.passes(to, from))
    }

    /// Starts or stops the patience of whoever writes into a pipe. It waits for acknowledgements of
    /// what it wrote, or of the probes that it sends when it has nothing to write (RFC 9293,
    /// 3.8.4: keep-alives): from behind a cut nothing comes back, and from an end that has
    /// forgotten the connection a reset.
    fn watch_over(&mut self, id: u64, pipe: usize) {
        let stuck = self.is_stuck(id, pipe);
        let (spec, now) = (&self.net.spec, self.now);
        let (patience, keepalive) = (spec.patience, spec.keepalive);
        let conn = self.conn(id);
        let waits = conn.ends[pipe].phase != Phase::Gone;
        let unanswered = stuck || conn.ends[1 - pipe].phase == Phase::Gone;
        let oldest = conn.pipes[pipe].oldest().filter(|_| stuck);
        let (due, probes) = match (oldest, keepalive) {
            (Some(oldest), _) => (Some((oldest + patience).max(now + Span(1))), false),
            (None, Some(keepalive)) if unanswered => (Some(now + keepalive), true),
            _ => (None, false),
        };
        let due = due.filter(|_| waits);
        let alarm = conn.pipes[pipe].alarm;
        let Some(at) = due.filter(|at| alarm.is_none_or(|alarm| *at < alarm.at)) else {
            if let Some(alarm) = alarm.filter(|_| due.is_none()) {
                conn.pipes[pipe].alarm = None;
                self.queue.recall(alarm.handle);
            }
            return;
        };
        if let Some(alarm) = alarm {
            self.queue.recall(alarm.handle);
        }
        let handle = self.queue.push(at, Envelope::Patience { conn: id, pipe: pipe as u8 });
        self.conn(id).pipes[pipe].alarm = Some(Alarm { handle, at, probes });
    }

    /// The alarm that [`Kernel::watch_over`] scheduled.
    pub(crate) fn patience(&mut self, id: u64, pipe: usize) -> Delivery<P::Message> {
        let alarm = self.conns.get(id)?.pipes[pipe].alarm.take()?;
        self.acknowledge(id, pipe);
        let (now, patience) = (self.now, self.net.spec.patience);
        let conn = self.conn(id);
        let oldest = conn.pipes[pipe].oldest();
        let over = oldest.map_or(alarm.probes, |oldest| oldest + patience <= now || alarm.probes);
        if !over {
            self.watch_over(id, pipe);
            return None;
        }
        let stuck = self.is_stuck(id, pipe);
        let reason = if stuck { CloseReason::TimedOut } else { CloseReason::Reset };
        let delivery = self.closed(id, pipe, reason);
        self.reset(id, pipe);
        self.tidy(id);
        delivery
    }

    /// An end is gone; gives back the event by which its process learns of it.
    fn closed(&mut self, id: u64, at: usize, reason: CloseReason) -> Delivery<P::Message> {
        let conn = self.conn(id);
        let (end, peer) = (conn.ends[at], conn.ends[1 - at].node);
        conn.ends[at].phase = Phase::Gone;
        self.empty(id, at);
        if !matches!(end.phase, Phase::Opening | Phase::Open) {
            return None;
        }
        let owner = Owner { slot: end.slot, incarnation: end.incarnation };
        self.conn_event(id, owner, Lane(0), |conn| Event::Closed { conn, peer, reason })
    }

    /// Discards what a pipe still holds, and its alarms; what has left still arrives.
    fn empty(&mut self, id: u64, pipe: usize) {
        let line = &mut self.conn(id).pipes[pipe];
        line.bytes -= line.held.iter().map(|h| h.bytes).sum::<u64>();
        line.held.clear();
        line.full = false;
        let alarm = line.alarm.take().map(|alarm| alarm.handle);
        for handle in [line.room.take(), alarm].into_iter().flatten() {
            self.queue.recall(handle);
        }
    }

    /// A dead end answers with a reset, once.
    fn reset(&mut self, id: u64, pipe: usize) {
        let now = self.now;
        let line = &mut self.conn(id).pipes[pipe];
        if !line.broken {
            line.broken = true;
            self.transmit(id, pipe, Body::Reset, 0, now, Span::ZERO);
        }
    }

    /// Forgets a connection of which nobody can notice anything any more.
    fn tidy(&mut self, id: u64) {
        if !self.conns.get(id).is_some_and(|c| c.is_over()) {
            return;
        }
        let conn = self.conns.remove(id).expect("it was just seen");
        for line in conn.pipes {
            let alarms = [line.room, line.alarm.map(|alarm| alarm.handle)];
            let flight = line.flight.iter().map(|s| s.handle);
            for handle in flight.chain(alarms.into_iter().flatten()) {
                self.queue.recall(handle);
            }
        }
    }

    /// Something comes out of a pipe.
    pub(crate) fn segment(
        &mut self,
        id: u64,
        pipe: usize,
        body: Body<P::Message>,
    ) -> Delivery<P::Message> {
        let conn = self.conns.get(id)?;
        let (end, peer) = (conn.ends[1 - pipe], conn.ends[pipe].node);
        let owner = Owner { slot: end.slot, incarnation: end.incarnation };
        match body {
            Body::Open => return self.asked(id, end.node, peer),
            Body::Grant => {
                conn.ends[0].granted = true;
                self.flush(id, 0);
                self.look_for_room(id, 0);
                if end.phase == Phase::Opening {
                    self.conn(id).ends[0].phase = Phase::Open;
                    return self
                        .conn_event(id, owner, Lane(0), |conn| Event::Opened { conn, peer });
                }
            }
            Body::Data(message) => match end.phase {
                Phase::Open => {
                    let lane = message.lane();
                    let make = |conn| Event::Received { conn, peer, message };
                    return self.conn_event(id, owner, lane, make);
                }
                Phase::Gone => self.reset(id, 1 - pipe),
                Phase::Opening | Phase::Finished => {}
            },
            Body::Refuse | Body::Finish | Body::Reset => {
                let reason = match body {
                    Body::Refuse => CloseReason::Refused,
                    Body::Finish => CloseReason::Closed,
                    _ => CloseReason::Reset,
                };
                let delivery = self.closed(id, 1 - pipe, reason);
                self.conn(id).ends[pipe].phase = Phase::Gone;
                self.tidy(id);
                return delivery;
            }
        }
        None
    }

    /// A request for a connection arrives.
    fn asked(&mut self, id: u64, at: NodeId, peer: NodeId) -> Delivery<P::Message> {
        let now = self.now;
        let found = self.slot(at).filter(|&slot| self.nodes[slot as usize].alive);
        let Some(slot) = found else {
            self.conn(id).ends[1].phase = Phase::Gone;
            self.transmit(id, 1, Body::Refuse, 0, now, Span::ZERO);
            self.tidy(id);
            return None;
        };
        let incarnation = self.nodes[slot as usize].incarnation;
        let end = &mut self.conn(id).ends[1];
        *end = End { node: at, slot, incarnation, phase: Phase::Open, granted: true };
        self.transmit(id, 1, Body::Grant, 0, now, Span::ZERO);
        let owner = Owner { slot, incarnation };
        self.conn_event(id, owner, Lane(0), |conn| Event::Accepted { conn, peer })
    }
}
