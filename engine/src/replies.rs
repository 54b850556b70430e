//! Answers of a service that wait for room in their connections.
//!
//! Who has asked waits for the answer: one that does not fit into a clogged connection's buffer is
//! kept until there is room, and forgotten with its connection, for then it is asked for again.

use alloc::collections::{BTreeMap, VecDeque};

use stormglass_sim::node::{ConnId, Event, WriteError};

use crate::message::Message;
use crate::node::Cx;

/// The answers that wait, by connection.
#[derive(Clone, Debug, Default)]
pub struct Replies(BTreeMap<ConnId, VecDeque<Message>>);

impl Replies {
    /// Writes an answer, or keeps it until there is room.
    pub fn write(&mut self, conn: ConnId, message: Message, cx: &mut Cx<'_>) {
        if let Some(waiting) = self.0.get_mut(&conn) {
            return waiting.push_back(message);
        }
        if let Err(WriteError::Full(message)) = cx.write(conn, message) {
            self.0.entry(conn).or_default().push_back(message);
        }
    }

    /// Takes an event that concerns connections: room, or their end.
    pub fn on_event(&mut self, event: &Event<Message>, cx: &mut Cx<'_>) {
        match event {
            Event::Writable { conn } => self.drain(*conn, cx),
            Event::Closed { conn, .. } => drop(self.0.remove(conn)),
            _ => {}
        }
    }

    fn drain(&mut self, conn: ConnId, cx: &mut Cx<'_>) {
        let Some(mut waiting) = self.0.remove(&conn) else { return };
        while let Some(message) = waiting.pop_front() {
            if let Err(WriteError::Full(message)) = cx.write(conn, message) {
                waiting.push_front(message);
                self.0.insert(conn, waiting);
                return;
            }
        }
    }
}
