//! Connections: ordered, reliable message streams over links.
//!
//! A connection is two *pipes*, one for each direction. A message in a pipe is *in flight* (its
//! arrival is an event), *held* (it met a cut, or waits for the opening), or *acknowledged* (its
//! arrival and one more latency have passed). No event stands for an acknowledgement: the buffer is
//! accounted when somebody looks. This module keeps the books; the world moves the messages.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::node::NodeId;
use crate::queue::Handle;
use crate::time::{Instant, Span};

/// What travels in a pipe.
#[derive(Clone, Debug)]
pub(crate) enum Body<M> {
    /// Asks for a connection.
    Open,
    /// Grants it.
    Grant,
    /// Refuses it.
    Refuse,
    Data(M),
    /// Nothing more comes, in good order.
    Finish,
    /// The other end is dead.
    Reset,
}

/// A message on its way or not yet acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) handle: Handle,
    pub(crate) bytes: u64,
    pub(crate) departs: Instant,
    pub(crate) arrives: Instant,
}

/// A message that cannot travel now.
#[derive(Clone, Debug)]
pub(crate) struct Held<M> {
    pub(crate) body: Body<M>,
    pub(crate) bytes: u64,
    pub(crate) departs: Instant,
    /// Extra latency that a fault gave it.
    pub(crate) extra: Span,
    /// The kernel event that sent it, where that is noted.
    pub(crate) cause: u64,
}

/// The scheduled end of patience of whoever writes into a pipe.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alarm {
    pub(crate) handle: Handle,
    pub(crate) at: Instant,
    /// Nothing is unacknowledged: its probes are what stays without an answer.
    pub(crate) probes: bool,
}

/// One direction of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Pipe<M> {
    /// Not yet acknowledged, in order. Invariant: departures and arrivals rise.
    pub(crate) flight: VecDeque<Segment>,
    /// Behind `flight`, in order.
    pub(crate) held: VecDeque<Held<M>>,
    /// Unacknowledged bytes, in flight and held.
    pub(crate) bytes: u64,
    /// Arrival of the last message that was put in flight.
    pub(crate) last: Instant,
    /// A write was refused, and the writer was not told yet that there is room.
    pub(crate) full: bool,
    /// The bytes of the write that was refused last.
    pub(crate) refused: u64,
    /// A check for room is scheduled.
    pub(crate) room: Option<Handle>,
    /// The end of patience is scheduled; set only while acknowledgements cannot come.
    pub(crate) alarm: Option<Alarm>,
    /// It ends with a reset, or with nothing: what is written to it is discarded.
    pub(crate) broken: bool,
}

/// What a process at one end knows of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Asked for (at the initiator) or to be asked (at the acceptor).
    Opening,
    Open,
    /// The process closed it; its pipe may still carry what was written before.
    Finished,
    /// The process is dead or was told that it is gone.
    Gone,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) node: NodeId,
    pub(crate) slot: u32,
    pub(crate) incarnation: u32,
    pub(crate) phase: Phase,
    /// The other end answered the request: data may leave.
    pub(crate) granted: bool,
}

/// A connection. `pipes[i]` carries what `ends[i]` writes; end 0 asked for it.
#[derive(Clone, Debug)]
pub(crate) struct Conn<M> {
    pub(crate) ends: [End; 2],
    pub(crate) pipes: [Pipe<M>; 2],
    /// An armed fault waits for the next message of this pipe.
    pub(crate) lose: Option<usize>,
    /// Nothing travels in it any more, and nobody was told.
    pub(crate) silent: bool,
}

impl<M> Pipe<M> {
    pub(crate) fn new() -> Self {
        Pipe {
            flight: VecDeque::new(),
            held: VecDeque::new(),
            bytes: 0,
            last: Instant::ZERO,
            full: false,
            refused: 0,
            room: None,
            alarm: None,
            broken: false,
        }
    }

    /// The last message in flight does not arrive after all.
    pub(crate) fn unfly(&mut self, now: Instant) {
        self.flight.pop_back();
        self.last = self.flight.back().map_or(now, |s| s.arrives);
    }

    /// How many bytes may lie in a buffer of that size when the writer is told that there is room:
    /// half of it, and fewer if what was refused would not fit. What is larger than the buffer goes
    /// into an empty one.
    pub(crate) fn room_below(&self, buffer: u64) -> u64 {
        (buffer / 2).min(buffer.saturating_sub(self.refused))
    }

    /// When the oldest message that is not acknowledged left.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let flight = self.flight.front().map(|s| s.departs);
        flight.or_else(|| self.held.front().map(|h| h.departs))
    }
}

impl<M> Conn<M> {
    pub(crate) fn new(ends: [End; 2]) -> Self {
        Conn { ends, pipes: [Pipe::new(), Pipe::new()], lose: None, silent: false }
    }

    /// Which end a life of a process is, if it still knows the connection.
    pub(crate) fn end_of(&self, node: NodeId, incarnation: u32) -> Option<usize> {
        let known = |end: &End| {
            end.node == node
                && end.incarnation == incarnation
                && matches!(end.phase, Phase::Opening | Phase::Open)
        };
        self.ends.iter().position(known)
    }

    /// Nobody can notice anything of it any more.
    pub(crate) fn is_over(&self) -> bool {
        self.ends.iter().all(|e| matches!(e.phase, Phase::Finished | Phase::Gone))
    }
}

/// All connections, by generation and place.
#[derive(Clone, Debug)]
pub(crate) struct Conns<M> {
    slots: Vec<(u64, Option<Conn<M>>)>,
    free: Vec<u32>,
}

const PLACE_BITS: u32 = 24;

impl<M> Conns<M> {
    pub(crate) fn new() -> Self {
        Conns { slots: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn insert(&mut self, conn: Conn<M>) -> u64 {
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                assert!(self.slots.len() < 1 << PLACE_BITS, "at most 2^24 connections at a time");
                self.slots.push((0, None));
                self.slots.len() as u32 - 1
            }
        };
        let slot = &mut self.slots[place as usize];
        slot.1 = Some(conn);
        (slot.0 << PLACE_BITS) | u64::from(place)
    }

    #[inline]
    pub(crate) fn get(&mut self, id: u64) -> Option<&mut Conn<M>> {
        let slot = self.slots.get_mut((id & ((1 << PLACE_BITS) - 1)) as usize)?;
        if slot.0 == id >> PLACE_BITS { slot.1.as_mut() } else { None }
    }

    pub(crate) fn look(&self, id: u64) -> Option<&Conn<M>> {
        let slot = self.slots.get((id & ((1 << PLACE_BITS) - 1)) as usize)?;
        if slot.0 == id >> PLACE_BITS { slot.1.as_ref() } else { None }
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Conn<M>> {
        self.get(id)?;
        let place = (id & ((1 << PLACE_BITS) - 1)) as usize;
        let slot = &mut self.slots[place];
        slot.0 += 1;
        self.free.push(place as u32);
        slot.1.take()
    }

    /// The ids of all connections for which `pick` holds, in order of place.
    pub(crate) fn ids(&self, pick: impl Fn(&Conn<M>) -> bool) -> Vec<u64> {
        let live = self.slots.iter().enumerate();
        live.filter_map(|(place, (generation, conn))| {
            pick(conn.as_ref()?).then_some((generation << PLACE_BITS) | place as u64)
        })
        .collect()
    }

    /// Connections that are alive.
    pub(crate) fn count(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
