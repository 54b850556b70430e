//! How datagrams travel, and what armed faults do to single messages.

use crate::fault::{ArmedId, MessageAction};
use crate::net::LOOPBACK;
use crate::node::{Event, Lane, MachineId, Message, NodeId, Process};
use crate::queue::Handle;
use crate::time::{Instant, Span};
use crate::world::kernel::{Envelope, Kernel};

/// A message fault that waits for its message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tamper {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    /// Messages to let pass first.
    pub(crate) skip: u64,
    pub(crate) action: MessageAction,
    /// None for the second half of a lost reply.
    pub(crate) id: Option<ArmedId>,
}

/// What armed faults do to one datagram.
#[derive(Clone, Copy, Debug, Default)]
struct Tampered {
    extra: Span,
    doubled: bool,
    /// So much later, a copy sets out again.
    again: Option<Span>,
    /// This bit flips.
    bit: Option<u64>,
}

impl<P: Process> Kernel<P> {
    /// Whether a datagram was lost with its sender before it left.
    fn never_left(&self, from: NodeId, born: u32, departs: Instant) -> bool {
        let Some(slot) = self.slot(from) else { return false };
        let node = &self.nodes[slot as usize];
        let end = node.cut_short.iter().find(|(life, _)| *life == born);
        end.is_some_and(|(_, end)| *end < departs)
    }

    /// Where a datagram that arrives now goes, if it does.
    #[inline]
    pub(crate) fn datagram_arrives(&self, handle: Handle) -> Option<(u32, Lane)> {
        let Some(Envelope::Datagram {
            to,
            link,
            born,
            departs,
            event: Event::Datagram { from, message },
        }) = self.queue.get(handle)
        else {
            unreachable!("only datagrams are asked about")
        };
        if *link != LOOPBACK && self.net.met_cut(*link, *departs) {
            return None;
        }
        if *born != 0 && self.never_left(*from, *born, *departs) {
            return None;
        }
        let slot = self.slot(*to)?;
        self.nodes[slot as usize].alive.then(|| (slot, message.lane()))
    }

    /// Sends a datagram that leaves at `departs`.
    #[inline]
    pub(crate) fn send(
        &mut self,
        from: NodeId,
        incarnation: u32,
        departs: Instant,
        to: NodeId,
        message: P::Message,
    ) {
        if self.tampers.is_empty() && !self.net.is_rough(departs) {
            let untouched = Tampered::default();
            self.send_off(from, incarnation, departs, to, message, untouched, false);
        } else {
            self.send_into_trouble(from, incarnation, departs, to, message);
        }
    }

    #[cold]
    #[inline(never)]
    fn send_into_trouble(
        &mut self,
        from: NodeId,
        incarnation: u32,
        departs: Instant,
        to: NodeId,
        message: P::Message,
    ) {
        if let Some(tampered) = self.tamper_datagram(from, to) {
            let rough = self.net.is_rough(departs);
            self.send_off(from, incarnation, departs, to, message, tampered, rough);
        }
    }

    /// Sends a datagram. Inlined twice: what nothing can happen to costs nothing extra.
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "one function, with and without trouble")]
    fn send_off(
        &mut self,
        from: NodeId,
        incarnation: u32,
        departs: Instant,
        to: NodeId,
        mut message: P::Message,
        tampered: Tampered,
        rough: bool,
    ) {
        let born = if departs > self.now { incarnation } else { 0 };
        let (mut link, mut departs, mut arrives) = (LOOPBACK, departs, Instant::ZERO);
        let mut copy = None;
        let Tampered { mut extra, mut bit, .. } = tampered;
        if from.machine == to.machine {
            arrives = departs + self.net.spec.loopback + extra;
            copy = tampered.doubled.then_some(arrives);
        } else {
            link = self.net.link(from.machine, to.machine, &self.chance);
            let mut flight = self.net.datagram(link);
            if rough {
                let armed = &mut self.armed;
                bit = self.net.datagram_in_storm(link, departs, &mut flight, armed).or(bit);
            }
            departs = self.card_out(from.machine, departs, &message);
            if born == 0 && self.net.is_cut(link) {
                return;
            }
            if rough {
                extra += self.net.queue(link, departs, message.wire_size());
            }
            if flight.copy.is_some() || tampered.doubled {
                let latency = flight.copy.unwrap_or_else(|| self.net.copy_latency(link, departs));
                copy = Some(self.card_in(to.machine, departs + latency + extra, &message));
            }
            if let Some(latency) = flight.first {
                arrives = self.card_in(to.machine, departs + latency + extra, &message);
            }
        }
        if let Some(after) = tampered.again {
            self.replay(link, departs + after, from, to, &message);
        }
        if let Some(at) = copy {
            let event = Event::Datagram { from, message: message.clone() };
            self.queue.push(at, Envelope::Datagram { to, link, born, departs, event });
        }
        if arrives > Instant::ZERO {
            if let Some(bit) = bit {
                match self.flip(&message, bit) {
                    Some(flipped) => message = flipped,
                    None => return,
                }
            }
            let event = Event::Datagram { from, message };
            self.queue.push(arrives, Envelope::Datagram { to, link, born, departs, event });
        }
    }

    /// A copy of an old datagram sets out again, with nobody behind it.
    #[cold]
    fn replay(
        &mut self,
        link: u32,
        departs: Instant,
        from: NodeId,
        to: NodeId,
        message: &P::Message,
    ) {
        let local = link == LOOPBACK;
        let net = &self.net;
        let time = if local { net.spec.loopback } else { net.copy_latency(link, departs) };
        let at = departs + time;
        let event = Event::Datagram { from, message: message.clone() };
        self.queue.push(at, Envelope::Datagram { to, link, born: 0, departs, event });
    }

    /// A message of which a bit flips on the wire; none if the receiver finds that out.
    #[cold]
    pub(crate) fn flip(&mut self, message: &P::Message, bit: u64) -> Option<P::Message> {
        let flipped = message.corrupt(bit).filter(|_| !self.net.spec.checksums);
        let count = &mut self.net.corrupted;
        let count = if flipped.is_some() { &mut count.delivered } else { &mut count.noticed };
        *count += 1;
        flipped
    }

    /// What armed faults do to the next datagram between two processes; none if it is lost.
    fn tamper_datagram(&mut self, from: NodeId, to: NodeId) -> Option<Tampered> {
        let mut tampered = Tampered::default();
        match self.tampered(from, to, true) {
            Some(MessageAction::Drop) => return None,
            Some(MessageAction::Delay(span)) => tampered.extra = span,
            Some(MessageAction::Duplicate) => tampered.doubled = true,
            Some(MessageAction::Replay(after)) => tampered.again = Some(after),
            Some(MessageAction::Corrupt(bit)) => tampered.bit = Some(bit),
            Some(MessageAction::LoseReply) => self.tampers.push(Tamper {
                from: to,
                to: from,
                skip: 0,
                action: MessageAction::Drop,
                id: None,
            }),
            None => {}
        }
        Some(tampered)
    }

    /// What armed faults do to the next message between two processes.
    pub(crate) fn tampered(
        &mut self,
        from: NodeId,
        to: NodeId,
        datagram: bool,
    ) -> Option<MessageAction> {
        let mut hit = None;
        for (at, tamper) in self.tampers.iter_mut().enumerate() {
            let second_half = tamper.id.is_none();
            if tamper.from != from || tamper.to != to || (second_half && !datagram) {
                continue;
            }
            if tamper.skip > 0 {
                tamper.skip -= 1;
            } else if hit.is_none() {
                hit = Some(at);
            }
        }
        let tamper = self.tampers.remove(hit?);
        if let Some(ArmedId(id)) = tamper.id {
            self.armed[id as usize] += 1;
        }
        Some(tamper.action)
    }

    /// When a message has left its machine's network card.
    #[inline]
    pub(crate) fn card_out(
        &mut self,
        machine: MachineId,
        departs: Instant,
        message: &P::Message,
    ) -> Instant {
        let card = &mut self.machines[usize::from(machine.0)].card;
        if !card.limited {
            return departs;
        }
        card.send(departs, message.wire_size(), &mut self.armed)
    }

    /// When a message has come through its receiver's network card.
    #[inline]
    pub(crate) fn card_in(
        &mut self,
        machine: MachineId,
        arrives: Instant,
        message: &P::Message,
    ) -> Instant {
        let Some(machine) = self.machines.get_mut(usize::from(machine.0)) else { return arrives };
        if !machine.card.limited {
            return arrives;
        }
        machine.card.take_in(arrives, message.wire_size(), &mut self.armed)
    }
}
