//! The log broker: serves ranges of the input log by offset, and keeps the positions of readers.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{ConnId, Event, Lane};
use stormglass_sim::time::Span;

use crate::fence::Fence;
use crate::ids::Partition;
use crate::log::InputLog;
use crate::message::{Fetch, Message, Records};
use crate::names::Twist;
use crate::node::Cx;
use crate::observation::{Observation, Resource};
use crate::replies::Replies;

mod offsets;

use offsets::Offsets;

/// CPU time to serve a fetch.
const FETCH_CPU: Span = Span::micros(5);

/// The broker process. The log is part of its image: a record is readable from its arrival on.
#[derive(Clone, Debug)]
pub struct Broker {
    log: InputLog,
    fence: Fence,
    replies: Replies,
    /// Partitions whose last record was served.
    drained: Vec<bool>,
    /// Positions of readers, if it keeps them.
    offsets: Option<Offsets>,
}

impl Broker {
    /// A broker that holds this log.
    pub fn new(log: InputLog) -> Self {
        let drained = log.partitions.iter().map(|_| false).collect();
        let (fence, replies) = (Fence::new(Resource::Broker), Replies::default());
        Broker { log, fence, replies, drained, offsets: None }
    }

    /// The same, with a file in which the positions of readers are kept.
    #[must_use]
    pub fn with_offsets(self) -> Self {
        Broker { offsets: Some(Offsets::default()), ..self }
    }

    /// Reacts to one event.
    pub fn on_event(&mut self, event: Event<Message>, cx: &mut Cx<'_>) {
        self.replies.on_event(&event, cx);
        if let Some(offsets) = &mut self.offsets {
            let failed = match &event {
                Event::Start => {
                    offsets.start(cx);
                    false
                }
                Event::Disk { ticket, result } => {
                    offsets.on_disk(*ticket, result.as_ref(), &mut self.replies, cx).is_err()
                }
                // The file comes first: who has not read it must not answer anybody.
                Event::Received { conn, .. } if !offsets.is_ready() => return cx.close(*conn),
                _ => false,
            };
            if failed {
                return cx.exit();
            }
        }
        let Event::Received { conn, message, .. } = event else { return };
        match message {
            Message::Fence { generation } => {
                self.fence.raise(generation, cx);
                let _ = cx.write(conn, Message::FenceRaised { generation });
            }
            Message::Fetch(fetch) => self.fetch(&fetch, conn, cx),
            Message::CommitOffsets(asked) => {
                let admitted = self.fence.admits(asked.generation, asked.task, conn, cx);
                if let Some(offsets) = self.offsets.as_mut().filter(|_| admitted) {
                    offsets.asked(asked, conn, &mut self.replies, cx);
                }
            }
            _ => {}
        }
    }

    fn fetch(&mut self, fetch: &Fetch, conn: ConnId, cx: &mut Cx<'_>) {
        if !self.fence.admits(fetch.generation, fetch.task, conn, cx) {
            return;
        }
        cx.spend(Lane(0), FETCH_CPU);
        let now = cx.now();
        let limit = if cx.twist(Twist::FetchShort) { 1 } else { u64::from(fetch.limit) };
        let mut ranges = Vec::with_capacity(fetch.from.len());
        for &(partition, from) in &fetch.from {
            let log = &self.log.partitions[usize::from(partition.0)];
            let to = log.end_at(now).min(from + limit);
            if from < to {
                ranges.push((partition, from, to));
            }
            self.note_drained(partition, to, cx);
        }
        let (task, generation, log) = (fetch.task, fetch.generation, self.log.clone());
        let lane = fetch.lane;
        let records = Records { task, generation, log, ranges, lane };
        self.replies.write(conn, Message::Records(Arc::new(records)), cx);
    }

    fn note_drained(&mut self, partition: Partition, to: u64, cx: &mut Cx<'_>) {
        let at = usize::from(partition.0);
        if to == self.log.partitions[at].len() && !self.drained[at] {
            self.drained[at] = true;
            cx.observe(Observation::PartitionDrained { partition });
        }
    }
}
