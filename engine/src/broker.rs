//! The log broker: serves ranges of the input log by offset, and keeps the positions of readers.
//!
//! It appends a record once, however often it is published: producers number what they publish
//! (Kafka's idempotent producer, KIP-98). With a retention, records that are older than that are
//! gone; who asks for them is told what is the first that is kept (Kafka's `OFFSET_OUT_OF_RANGE`).

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::node::{ConnId, Event, Lane};
use stormglass_sim::time::{Instant, Span};

use crate::fence::Fence;
use crate::ids::Partition;
use crate::log::InputLog;
use crate::message::Message;
use crate::message::console::{Console, Request};
use crate::message::fetch::{Fetch, Records};
use crate::names::{Probe, Twist};
use crate::node::Cx;
use crate::observation::input::Input;
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
    /// How long it keeps records; for good if absent.
    retention: Option<Span>,
    /// By partition: what was published again so far.
    recognised: Vec<usize>,
    /// By partition: the first record that was not dropped on request.
    starts: Vec<u64>,
    rewound: Option<Rewound>,
}

/// Offsets are taken for older ones.
#[derive(Clone, Copy, Debug)]
struct Rewound {
    request: u32,
    records: u64,
    until: Instant,
    /// It has been noticed.
    told: bool,
}

impl Broker {
    /// A broker that holds this log.
    pub fn new(log: InputLog) -> Self {
        let drained = log.partitions.iter().map(|_| false).collect();
        let (fence, replies) = (Fence::new(Resource::Broker), Replies::default());
        Broker {
            starts: log.partitions.iter().map(|_| 0).collect(),
            log,
            fence,
            replies,
            drained,
            offsets: None,
            retention: None,
            recognised: Vec::new(),
            rewound: None,
        }
    }

    /// The same, with records that are gone after a while.
    #[must_use]
    pub fn with_retention(self, retention: Option<Span>) -> Self {
        Broker { retention, ..self }
    }

    /// The same, with a file in which the positions of readers are kept.
    #[must_use]
    pub fn with_offsets(self) -> Self {
        Broker { offsets: Some(Offsets::default()), ..self }
    }

    /// Reacts to one event.
    pub fn on_event(&mut self, event: Event<Message>, cx: &mut Cx<'_>) {
        self.replies.on_event(&event, cx);
        if let Event::Start = event
            && !self.log.repeats.is_empty()
            && cx.twist(Twist::PublishedTwice)
        {
            self.log = self.log.as_published();
        }
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
        if let Event::Posted { message: Message::Console(console) } = event {
            return self.console(console, cx);
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
        let mut gone = Vec::new();
        for &(partition, from) in &fetch.from {
            self.note_repeats(partition, cx);
            let start = self.start(partition, now);
            if from < start {
                cx.probe(Probe::InputTrimmed);
                cx.observe(Observation::Input(Input::Trimmed { partition, asked: from, start }));
                gone.push((partition, from, start));
                continue;
            }
            let from = self.rewind(from, start, cx);
            let log = &self.log.partitions[usize::from(partition.0)];
            let to = log.end_at(now).min(from + limit);
            if from < to {
                ranges.push((partition, from, to));
            }
            self.note_drained(partition, to, cx);
        }
        let (task, generation, log) = (fetch.task, fetch.generation, self.log.clone());
        let lane = fetch.lane;
        let records = Records { task, generation, log, ranges, gone, lane };
        self.replies.write(conn, Message::Records(Arc::new(records)), cx);
    }

    /// The first record of a partition that is kept.
    fn start(&self, partition: Partition, now: Instant) -> u64 {
        let at = usize::from(partition.0);
        let kept = self.retention.and_then(|span| now.nanos().checked_sub(span.as_nanos()));
        let by_age = kept.map_or(0, |before| self.log.partitions[at].end_at(Instant(before)));
        by_age.max(self.starts[at])
    }

    /// Something came over the console.
    fn console(&mut self, console: Console, cx: &mut Cx<'_>) {
        let Console { number: request, request: what } = console;
        let now = cx.now();
        match what {
            Request::Rewind { records, lasting } => {
                let (records, until) = (records.into(), now + lasting);
                self.rewound = Some(Rewound { request, records, until, told: false });
            }
            Request::Trim { keep } => {
                for partition in (0..self.starts.len() as u16).map(Partition) {
                    let at = usize::from(partition.0);
                    let end = self.log.partitions[at].end_at(now);
                    let start = end.saturating_sub(keep.into());
                    if start > self.start(partition, now) {
                        self.starts[at] = start;
                        let told = Input::Truncated { request, partition, start };
                        cx.observe(Observation::Input(told));
                    }
                }
            }
        }
    }

    /// The offset that one is taken for.
    fn rewind(&mut self, from: u64, start: u64, cx: &mut Cx<'_>) -> u64 {
        let Some(rewound) = self.rewound.as_mut().filter(|of| cx.now() < of.until) else {
            return from;
        };
        let back = from.saturating_sub(rewound.records).max(start);
        if back < from {
            cx.probe(Probe::FetchRewound);
            if !rewound.told {
                rewound.told = true;
                cx.observe(Observation::Input(Input::Rewound { request: rewound.request }));
            }
        }
        back
    }

    /// What was published again since the last look.
    fn note_repeats(&mut self, partition: Partition, cx: &mut Cx<'_>) {
        let at = usize::from(partition.0);
        let Some(repeats) = self.log.repeats.get(at) else { return };
        let so_far = repeats.partition_point(|repeat| repeat.at <= cx.now());
        self.recognised.resize(self.log.repeats.len(), 0);
        for _ in self.recognised[at]..so_far {
            cx.probe(Probe::RepeatRecognised);
        }
        self.recognised[at] = so_far;
    }

    fn note_drained(&mut self, partition: Partition, to: u64, cx: &mut Cx<'_>) {
        let at = usize::from(partition.0);
        if to == self.log.partitions[at].len() && !self.drained[at] {
            self.drained[at] = true;
            cx.observe(Observation::PartitionDrained { partition });
        }
    }
}
