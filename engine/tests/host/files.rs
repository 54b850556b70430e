//! What is said of files of the durable store, both ways.

use std::sync::Arc;

use stormglass_engine::handle::{FileId, FileRef, Flaw, Replicas, checksum};
use stormglass_engine::ids::{Partition, Root};
use stormglass_engine::message::{Get, Message};
use stormglass_engine::pipeline::{Copy, Put, cut, join, packets};
use stormglass_engine::snapshot::Snapshot;
use stormglass_sim::payload::Payload;

use super::speech::{WordsOf, snapshot};

/// The only pipeline that a dialogue speaks of without naming it.
const FIRST: u32 = 1;

fn pipeline(pipeline: u32) -> String {
    match pipeline {
        FIRST => String::new(),
        copy if copy >> 31 == 1 => format!(" copy {}", copy & 0xffff),
        other => format!(" pipeline {other}"),
    }
}

fn places(stores: Replicas) -> String {
    stores.iter().map(|at| format!("s{at}")).collect::<Vec<_>>().join(" ")
}

fn packet(packet: u32, packets: u32, data: &Payload) -> String {
    match packets {
        1 => snapshot(data),
        _ => format!("packet {} of {packets}, {} bytes", packet + 1, data.size()),
    }
}

/// A packet of a file in words.
pub(crate) fn put(put: &Put) -> String {
    let onward: String = put.onward.iter().map(|at| format!(" then s{at}")).collect();
    let said = packet(put.packet, put.packets, &put.data);
    format!("Put {}{}{onward}: {said}", put.id, pipeline(put.pipeline))
}

/// A message about files in words; none if it is another.
pub(crate) fn say(message: &Message) -> Option<String> {
    Some(match message {
        Message::PutTaken { id, pipeline: number, packets } => {
            format!("PutTaken {id}{}: {packets}", pipeline(*number))
        }
        Message::PutDone { id, pipeline: number, durable, stores } => {
            let what = if *durable { "" } else { " not" };
            format!("PutDone {id}{}:{what} in {}", pipeline(*number), places(*stores))
        }
        Message::GetDone { task, generation, packet: at, packets, data, .. } => {
            let said = match data {
                Ok(data) => packet(*at, *packets, data),
                Err(flaw) => format!("{flaw:?}").to_lowercase(),
            };
            format!("GetDone {generation} {task}: {said}")
        }
        Message::Inventory { up_to, files } => {
            let files: Vec<String> = files.iter().map(ToString::to_string).collect();
            format!("Inventory up to {up_to}: {}", files.join(", "))
        }
        Message::Flawed { id, store } => format!("Flawed {id} in s{store}"),
        Message::Unreadable { checkpoint, generation, task } => {
            format!("Unreadable {checkpoint} of {task} in {generation}")
        }
        Message::Copy(copy) => {
            let Copy { file, to, pipeline: number, .. } = &**copy;
            format!("Copy {} to s{to}{}", file.id, pipeline(*number))
        }
        Message::Copied { id, to, durable } => {
            format!("Copied {id} to s{to}{}", if *durable { "" } else { ", not" })
        }
        _ => return None,
    })
}

/// `s0 s2`
fn stores(words: &mut WordsOf<'_>) -> Replicas {
    let mut stores = Replicas::default();
    while words.0.peek().is_some_and(|word| word.starts_with('s')) {
        stores = stores.with(words.number() as u16);
    }
    stores
}

fn number(words: &mut WordsOf<'_>) -> u32 {
    if words.takes("pipeline") {
        words.number()
    } else if words.takes("copy") {
        1 << 31 | 1 << 16 | words.number()
    } else {
        FIRST
    }
}

/// The message about files that words say; `saved` are the packets that were put so far.
pub(crate) fn parse(verb: &str, words: &mut WordsOf<'_>, saved: &[Arc<Put>]) -> Message {
    if verb == "inventory" {
        let up_to = words.checkpoint();
        let mut files = Vec::new();
        while words.0.peek().is_some() {
            files.push(words.file());
        }
        return Message::Inventory { up_to, files: files.into() };
    }
    if verb == "unreadable" {
        let (checkpoint, generation) = (words.checkpoint(), words.generation());
        return Message::Unreadable { checkpoint, generation, task: words.task() };
    }
    if verb == "getdone" {
        return parse_got(words, saved);
    }
    let id = words.file();
    match verb {
        "put" => parse_put(id, words),
        "puttaken" => {
            let pipeline = number(words);
            Message::PutTaken { id, pipeline, packets: words.number() }
        }
        "putdone" => {
            let pipeline = number(words);
            let durable = !words.takes("unknown");
            let stores = match stores(words) {
                Replicas(0) => Replicas::one(0),
                stores => stores,
            };
            Message::PutDone { id, pipeline, durable, stores }
        }
        "get" => {
            let generation = words.generation();
            let print = checksum(&file(words.0.next().map_or(0, super::speech::number)));
            Message::Get(Arc::new(Get { id, print, task: id.task, generation }))
        }
        "flawed" => Message::Flawed { id, store: words.number() as u16 },
        "copy" => {
            let replicas = stores(words);
            assert!(words.takes("to"), "copy FILE [HOLDERS] to STORE VALUE");
            let to = words.number() as u16;
            let data = file(words.number());
            let (generation, pipeline) = (id.generation, 1 << 31 | 1 << 16 | 1);
            let file = FileRef { id, bytes: data.size(), print: checksum(&data), replicas };
            Message::Copy(Arc::new(Copy { file, to, generation, pipeline }))
        }
        "copied" => {
            let to = words.number() as u16;
            Message::Copied { id, to, durable: !words.takes("not") }
        }
        _ => unreachable!("the verbs are listed where they are read"),
    }
}

/// `getdone g2 chk1 g1 t3 [nothing | rotten | unknown]`: what was put under that name, or a flaw.
fn parse_got(words: &mut WordsOf<'_>, saved: &[Arc<Put>]) -> Message {
    let (generation, id) = (words.generation(), words.file());
    let flaws = [("nothing", Flaw::Missing), ("rotten", Flaw::Rotten), ("unknown", Flaw::Unknown)];
    let flaw = flaws.iter().find(|(word, _)| words.takes(word)).map(|(_, flaw)| *flaw);
    let mut packets: Vec<Payload> = Vec::new();
    for put in saved.iter().filter(|put| put.id == id) {
        if put.packet as usize == packets.len() {
            packets.push(put.data.clone());
        }
    }
    let data = flaw.map_or_else(|| Ok(join(&packets)), Err);
    Message::GetDone { task: id.task, generation, id, packet: 0, packets: 1, data }
}

/// A file that holds one position.
fn file(at: u32) -> Payload {
    let positions = vec![Root::new(Partition(0), at.into())];
    Snapshot { positions, ..Snapshot::default() }.encode()
}

/// `put chk1 g1 t3 7 [pipeline 2] [then s1] [packet 1 of 28 bytes]`: what the file holds, through
/// which pipeline, and which of its packets it is.
fn parse_put(id: FileId, words: &mut WordsOf<'_>) -> Message {
    let whole = file(words.number());
    let pipeline = number(words);
    let mut onward = Vec::new();
    while words.takes("then") {
        onward.push(words.number() as u16);
    }
    let (mut at, mut size) = (0, whole.size());
    if words.takes("packet") {
        at = words.number() - 1;
        assert!(words.takes("of"), "packet N of BYTES");
        size = words.number().into();
    }
    Message::Put(Arc::new(Put {
        id,
        generation: id.generation,
        pipeline,
        onward,
        packet: at,
        packets: packets(whole.size(), size),
        print: checksum(&whole),
        data: cut(&whole, size, at),
    }))
}
