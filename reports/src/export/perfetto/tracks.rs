//! Tracks and what is on them, and how they become packets.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use stormglass_sim::time::Instant;

use super::Story;
use super::flows::Arrows;
use super::proto::{Message, annotation, counter, event, packet, process, trace, track};

/// All packets of a trace belong together.
const SEQUENCE: u64 = 1;

/// Something on a track.
#[derive(Clone, Debug)]
pub(super) struct Slice {
    from: Instant,
    /// None for what takes no time.
    pub(super) until: Option<Instant>,
    name: String,
    arrows: Arrows,
    /// What is known of it.
    pub(super) facts: Vec<(&'static str, Value)>,
}

impl Slice {
    /// Something that takes no time.
    pub(super) const fn instant(at: Instant, name: String, arrows: Arrows) -> Slice {
        Slice { from: at, until: None, name, arrows, facts: Vec::new() }
    }
}

/// A track of a process.
#[derive(Clone, Debug)]
struct Track {
    uuid: u64,
    /// The unit of a counter.
    unit: Option<&'static str>,
    slices: Vec<Slice>,
    values: Vec<(Instant, u64)>,
}

/// The tracks by process and name, in the order of their first mention.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracks {
    processes: Vec<(String, u64)>,
    tracks: BTreeMap<(u64, String), Track>,
    next: u64,
}

impl Tracks {
    /// A process; whoever comes first stands on top.
    pub(super) fn process(&mut self, name: &str) -> u64 {
        if let Some((_, uuid)) = self.processes.iter().find(|(known, _)| known == name) {
            return *uuid;
        }
        self.next += 1;
        self.processes.push((name.to_string(), self.next));
        self.next
    }

    fn track(&mut self, process: &str, name: &str) -> &mut Track {
        let key = (self.process(process), name.to_string());
        let next = &mut self.next;
        self.tracks.entry(key).or_insert_with(|| {
            *next += 1;
            Track { uuid: *next, unit: None, slices: Vec::new(), values: Vec::new() }
        })
    }

    /// Puts something on a track.
    pub(super) fn add(&mut self, process: &str, name: &str, slice: Slice) {
        self.track(process, name).slices.push(slice);
    }

    /// Puts a slice on a track, as far as it lies in the window.
    pub(super) fn slice(
        &mut self,
        story: &Story<'_>,
        process: &str,
        track: &str,
        times: Range<Instant>,
        name: String,
    ) {
        let (from, until) = (times.start.max(story.window.start), times.end.min(story.window.end));
        if times.start < story.window.end && times.end >= story.window.start {
            let slice = Slice::instant(from, name, Arrows::default());
            let until = (until > from).then_some(until);
            self.add(process, track, Slice { until, ..slice });
        }
    }

    /// A value of a counter.
    pub(super) fn count(
        &mut self,
        process: &str,
        name: &str,
        unit: &'static str,
        at: Instant,
        value: u64,
    ) {
        let track = self.track(process, name);
        track.unit = Some(unit);
        track.values.push((at, value));
    }

    /// The file: descriptors first, then what happens, in the order of time.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut put = |packet: Message| {
            file.extend(Message::default().message(trace::PACKET, &packet).into_bytes());
        };
        for (number, (name, uuid)) in (1..).zip(&self.processes) {
            let of = Message::default().number(process::PID, number).text(process::NAME, name);
            put(descriptor(
                Message::default()
                    .number(track::UUID, *uuid)
                    .message(track::PROCESS, &of)
                    .number(track::CHILD_ORDERING, track::EXPLICIT),
            ));
        }
        let mut events: Vec<(Instant, u8, Message)> = Vec::new();
        for (rank, ((parent, name), of)) in (0..).zip(&self.tracks) {
            let mut message = Message::default()
                .number(track::UUID, of.uuid)
                .text(track::NAME, name)
                .number(track::PARENT, *parent)
                .number(track::RANK, rank);
            if let Some(unit) = of.unit {
                let unit = Message::default().text(counter::UNIT_NAME, unit);
                message = message.message(track::COUNTER, &unit);
            }
            put(descriptor(message));
            of.slices.iter().for_each(|slice| slice.events(of.uuid, &mut events));
            for (at, value) in &of.values {
                let value = on(of.uuid, event::COUNTER).number(event::COUNTER_VALUE, *value);
                events.push((*at, 1, value));
            }
        }
        // What ends comes before what begins at the same instant.
        events.sort_by_key(|(at, order, _)| (*at, *order));
        for (at, _, event) in events {
            let packet = Message::default().number(packet::TIMESTAMP, at.nanos());
            let packet = packet.number(packet::SEQUENCE, SEQUENCE);
            put(packet.message(packet::TRACK_EVENT, &event));
        }
        file
    }
}

impl Slice {
    fn events(&self, track: u64, into: &mut Vec<(Instant, u8, Message)>) {
        let kind = if self.until.is_some() { event::SLICE_BEGIN } else { event::INSTANT };
        let mut begin = on(track, kind).text(event::NAME, &self.name);
        begin = begin.text(event::CATEGORY, "stormglass");
        for (name, value) in &self.facts {
            begin = begin.message(event::ANNOTATION, &annotated(name, value));
        }
        for flow in &self.arrows.from {
            begin = begin.fixed(event::FLOW, *flow);
        }
        for flow in &self.arrows.to {
            begin = begin.fixed(event::LAST_FLOW, *flow);
        }
        into.push((self.from, 1, begin));
        if let Some(until) = self.until {
            into.push((until, 0, on(track, event::SLICE_END)));
        }
    }
}

/// An event on a track.
fn on(track: u64, kind: u64) -> Message {
    Message::default().number(event::TYPE, kind).number(event::TRACK, track)
}

fn descriptor(of: Message) -> Message {
    let packet = Message::default().number(packet::SEQUENCE, SEQUENCE);
    packet.message(packet::TRACK_DESCRIPTOR, &of)
}

/// A fact of an event.
fn annotated(name: &str, value: &Value) -> Message {
    let message = Message::default().text(annotation::NAME, name);
    match value {
        Value::Bool(value) => message.number(annotation::BOOL, u64::from(*value)),
        Value::Number(value) => match (value.as_u64(), value.as_i64()) {
            (Some(value), _) => message.number(annotation::UINT, value),
            // A negative number takes all ten bytes of its two's complement.
            (None, Some(value)) => message.number(annotation::INT, value as u64),
            (None, None) => message.text(annotation::TEXT, &value.to_string()),
        },
        Value::String(value) => message.text(annotation::TEXT, value),
        value => message.text(annotation::TEXT, &value.to_string()),
    }
}
