//! Traces for Perfetto and logs for ShiViz, read as those programs read them.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::Value;

use crate::program::Folder;

/// A short run with three faults, and the window in which the second one strikes.
const SHORT: [&str; 6] = ["run", "word-count", "--seed", "3", "--set", "input.words.count=5000"];

/// What a field of a message is, by Perfetto's published schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Number,
    Fixed,
    Text,
    Inside(&'static str),
}

/// The fields that we write, as `protos/perfetto/trace` has them: message, number, name, type.
const SCHEMA: [(&str, u32, &str, Type); 27] = [
    ("Trace", 1, "packet", Type::Inside("TracePacket")),
    ("TracePacket", 8, "timestamp", Type::Number),
    ("TracePacket", 10, "trusted_packet_sequence_id", Type::Number),
    ("TracePacket", 11, "track_event", Type::Inside("TrackEvent")),
    ("TracePacket", 60, "track_descriptor", Type::Inside("TrackDescriptor")),
    ("TrackDescriptor", 1, "uuid", Type::Number),
    ("TrackDescriptor", 2, "name", Type::Text),
    ("TrackDescriptor", 3, "process", Type::Inside("ProcessDescriptor")),
    ("TrackDescriptor", 5, "parent_uuid", Type::Number),
    ("TrackDescriptor", 8, "counter", Type::Inside("CounterDescriptor")),
    ("TrackDescriptor", 11, "child_ordering", Type::Number),
    ("TrackDescriptor", 12, "sibling_order_rank", Type::Number),
    ("ProcessDescriptor", 1, "pid", Type::Number),
    ("ProcessDescriptor", 6, "process_name", Type::Text),
    ("CounterDescriptor", 6, "unit_name", Type::Text),
    ("TrackEvent", 4, "debug_annotations", Type::Inside("DebugAnnotation")),
    ("TrackEvent", 9, "type", Type::Number),
    ("TrackEvent", 11, "track_uuid", Type::Number),
    ("TrackEvent", 22, "categories", Type::Text),
    ("TrackEvent", 23, "name", Type::Text),
    ("TrackEvent", 30, "counter_value", Type::Number),
    ("TrackEvent", 47, "flow_ids", Type::Fixed),
    ("TrackEvent", 48, "terminating_flow_ids", Type::Fixed),
    ("DebugAnnotation", 2, "bool_value", Type::Number),
    ("DebugAnnotation", 3, "uint_value", Type::Number),
    ("DebugAnnotation", 6, "string_value", Type::Text),
    ("DebugAnnotation", 10, "name", Type::Text),
];

/// A message that was read: its fields in order.
#[derive(Clone, Debug)]
struct Message(Vec<(&'static str, Field)>);

#[derive(Clone, Debug)]
enum Field {
    Number(u64),
    Text(String),
    Inside(Message),
}

impl Message {
    /// Reads a message, and demands that it is one of the schema.
    fn read(of: &str, mut bytes: &[u8]) -> Message {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let number = (key >> 3) as u32;
            let known = SCHEMA.iter().find(|(message, n, ..)| *message == of && *n == number);
            let (_, _, name, kind) = known.unwrap_or_else(|| panic!("{of} has no field {number}"));
            let field = match (key & 7, kind) {
                (0, Type::Number) => Field::Number(varint(&mut bytes)),
                (1, Type::Fixed) => {
                    let (value, rest) = bytes.split_at(8);
                    bytes = rest;
                    Field::Number(u64::from_le_bytes(value.try_into().unwrap()))
                }
                (2, Type::Text | Type::Inside(_)) => {
                    let length = varint(&mut bytes) as usize;
                    let (value, rest) = bytes.split_at(length);
                    bytes = rest;
                    match kind {
                        Type::Inside(of) => Field::Inside(Message::read(of, value)),
                        _ => Field::Text(String::from_utf8(value.to_vec()).unwrap()),
                    }
                }
                (wire, kind) => panic!("{of}.{name} is {kind:?} and has wire type {wire}"),
            };
            fields.push((*name, field));
        }
        Message(fields)
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &Field> {
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, field)| field)
    }
    fn numbers(&self, name: &str) -> Vec<u64> {
        let number = |field: &Field| match field {
            Field::Number(n) => *n,
            other => panic!("{name} is {other:?}"),
        };
        self.all(name).map(number).collect()
    }
    fn number(&self, name: &str) -> Option<u64> {
        self.numbers(name).first().copied()
    }
    fn text(&self, name: &str) -> Option<&str> {
        self.all(name).find_map(|field| match field {
            Field::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }
    fn inside(&self, name: &str) -> Option<&Message> {
        self.all(name).find_map(|field| match field {
            Field::Inside(message) => Some(message),
            _ => None,
        })
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    value
}

/// Everything is of the schema, tracks are described before they are used, slices are nested, time
/// does not run backwards, and every arrow has two ends.
#[test]
fn a_trace_is_what_perfetto_reads() {
    let folder = Folder::new("perfetto");
    let export = ["--export", "perfetto=run.trace"];
    let ended = folder.run(&[&SHORT[..], &export].concat());
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
    let trace = Message::read("Trace", &std::fs::read(folder.path("run.trace")).unwrap());
    let mut tracks: BTreeMap<u64, String> = BTreeMap::new();
    let mut parents = BTreeSet::new();
    let mut open: BTreeMap<u64, u32> = BTreeMap::new();
    let (mut begun, mut arrived) = (BTreeMap::new(), BTreeMap::new());
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut last = 0;
    for packet in trace.all("packet") {
        let Field::Inside(packet) = packet else { panic!("a packet is a message") };
        assert_eq!(packet.number("trusted_packet_sequence_id"), Some(1));
        if let Some(track) = packet.inside("track_descriptor") {
            let process = track.inside("process").and_then(|of| of.text("process_name"));
            let name = process.or(track.text("name")).unwrap().to_string();
            if process.is_some() {
                parents.insert(track.number("uuid").unwrap());
            } else {
                assert!(parents.contains(&track.number("parent_uuid").unwrap()), "{name}");
            }
            assert_eq!(tracks.insert(track.number("uuid").unwrap(), name), None);
            continue;
        }
        let (event, time) = (packet.inside("track_event").unwrap(), packet.number("timestamp"));
        let track = event.number("track_uuid").unwrap();
        assert!(tracks.contains_key(&track), "an event on no track");
        assert!(time >= Some(last), "time runs backwards");
        last = time.unwrap();
        match event.number("type").unwrap() {
            1 => *open.entry(track).or_default() += 1,
            2 => {
                let depth = open.get_mut(&track).filter(|depth| **depth > 0);
                *depth.expect("it ends what has not begun") -= 1;
            }
            3 => {}
            4 => assert!(event.number("counter_value").is_some()),
            other => panic!("no type of event: {other}"),
        }
        names.extend(event.text("name").map(str::to_string));
        for flow in event.numbers("flow_ids") {
            assert_eq!(begun.insert(flow, last), None, "an arrow begins twice");
        }
        for flow in event.numbers("terminating_flow_ids") {
            assert_eq!(arrived.insert(flow, last), None, "an arrow ends twice");
        }
    }
    assert!(open.values().all(|depth| *depth == 0), "something never ends");
    for process in ["cluster", "coordinator-1", "broker", "store", "worker-1", "worker-4"] {
        assert!(tracks.values().any(|name| name == process), "there is no {process}");
    }
    for part in ["faults", "tuples", "chk1", "checkpoint-completed", "restored", "life 2"] {
        let some = names
            .iter()
            .chain(tracks.values())
            .any(|name| name.contains(part) || part == "faults" && name.starts_with("fault "));
        assert!(some, "nothing is called {part}");
    }
    assert!(begun.len() > 500, "only {} arrows", begun.len());
    for (flow, from) in &begun {
        let to = arrived.get(flow).unwrap_or_else(|| panic!("arrow {flow} has no end"));
        assert!(from <= to, "an arrow against time");
    }
    assert_eq!(begun.len(), arrived.len());
}

#[test]
fn a_trace_of_a_window_has_nothing_else() {
    let folder = Folder::new("perfetto_window");
    let export = ["--export", "perfetto=run.trace", "--from", "1s", "--until", "1200ms"];
    assert_eq!(folder.run(&[&SHORT[..], &export].concat()).err, "");
    let trace = Message::read("Trace", &std::fs::read(folder.path("run.trace")).unwrap());
    let times: Vec<u64> = trace
        .all("packet")
        .filter_map(|packet| match packet {
            Field::Inside(packet) => packet.number("timestamp"),
            _ => None,
        })
        .collect();
    assert!(times.len() > 50);
    // A batch that begins inside may end a moment later.
    assert!(times.iter().all(|time| (1_000_000_000..1_210_000_000).contains(time)));
}

/// The expression is the one that ShiViz suggests; its clocks are held to what ShiViz demands:
/// those of a process count from 1 by 1, and name only processes that are there.
#[test]
fn a_log_is_what_shiviz_reads() {
    let folder = Folder::new("shiviz");
    let export = ["--export", "shiviz=run.log", "--from", "1s", "--until", "1500ms"];
    assert_eq!(folder.run(&[&SHORT[..], &export].concat()).err, "");
    let log = folder.read("run.log");
    // A brace that is meant as one needs no backslash there.
    let parser = Regex::new(r"(?<event>.*)\n(?<host>\S*) (?<clock>\{.*\})").unwrap();
    let mut own: BTreeMap<String, u64> = BTreeMap::new();
    let mut clocks: Vec<(String, BTreeMap<String, u64>)> = Vec::new();
    let mut matched = 0;
    for found in parser.captures_iter(&log) {
        matched += found[0].len() + 1;
        let clock: Value = serde_json::from_str(&found["clock"]).unwrap();
        let clock: BTreeMap<String, u64> = (clock.as_object().unwrap().iter())
            .map(|(host, n)| (host.clone(), n.as_u64().unwrap()))
            .collect();
        let host = found["host"].to_string();
        let count = own.entry(host.clone()).or_default();
        *count += 1;
        assert_eq!(clock[&host], *count, "clocks go up by one: {}", &found[0]);
        assert!(!found["event"].is_empty());
        clocks.push((host, clock));
    }
    assert_eq!(matched, log.len(), "the expression leaves nothing out");
    assert!(clocks.len() > 100 && own.len() >= 5, "{own:?}");
    // Whoever knows of an event knows all that it knew; nobody knows of one that is not there.
    let at = |host: &str, n: u64| {
        clocks.iter().find(|(of, clock)| of == host && clock[host] == n).map(|(_, clock)| clock)
    };
    let mut crossed = 0;
    for (host, clock) in clocks.iter().step_by(7) {
        for (other, n) in clock.iter().filter(|(other, _)| *other != host) {
            crossed += 1;
            let known = at(other, *n).unwrap_or_else(|| panic!("{other} {n} is not in the log"));
            assert!(known.iter().all(|(third, n)| clock.get(third) >= Some(n)), "{host} {other}");
        }
    }
    assert!(crossed > 50);
}
