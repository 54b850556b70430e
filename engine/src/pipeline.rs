//! Files on their way into the durable store: cut into packets, sent through a pipeline of stores.
//!
//! As in HDFS, a file goes to the first store of a pipeline, which hands every packet on while the
//! next one comes: one more replica costs the time of a packet, not of the file. So many packets
//! may be under way that are not acknowledged by the end of the pipeline. If a store fails, the
//! file is written anew through another pipeline: it is the same file, and what the failed one left
//! is a partial file that nobody reads.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::payload::Payload;

use crate::handle::{FileId, FileRef, Replicas, checksum};
use crate::ids::Generation;

/// Packets that may be under way in a pipeline.
const WINDOW: u32 = 16;

/// A packet of a file for the durable store.
#[derive(Debug)]
pub struct Put {
    /// The file's name, which says who writes it.
    pub id: FileId,
    /// Who asks: the generation of the task that writes, or of the coordinator that has it copied.
    pub generation: Generation,
    /// The how-manieth pipeline that the file is sent through.
    pub pipeline: u32,
    /// The rest of the pipeline: stores by their places.
    pub onward: Vec<u16>,
    /// The how-manieth packet, from 0.
    pub packet: u32,
    /// Of how many.
    pub packets: u32,
    /// The checksum of the whole file (see `handle`).
    pub print: u64,
    /// The packet.
    pub data: Payload,
}

/// An order to copy a file from the store that is told to another.
#[derive(Debug)]
pub struct Copy {
    /// The file.
    pub file: FileRef,
    /// To whom, by its place.
    pub to: u16,
    /// The generation of the coordinator's decision.
    pub generation: Generation,
    /// A number for the pipeline that no other has.
    pub pipeline: u32,
}

/// A file that is being written, seen from its writer.
#[derive(Clone, Debug)]
pub struct Upload {
    file: FileRef,
    generation: Generation,
    data: Payload,
    packet: u64,
    pipeline: u32,
    /// Empty while it waits for stores.
    route: Vec<u16>,
    sent: u32,
    taken: u32,
    failed: Replicas,
    /// How often all stores failed it.
    rounds: u16,
}

impl Upload {
    /// A file to be written by `generation`, which waits for its first pipeline.
    pub fn new(id: FileId, generation: Generation, data: Payload, packet: u64) -> Self {
        let file = FileRef {
            id,
            bytes: data.size(),
            print: checksum(&data),
            replicas: Replicas::default(),
        };
        let (route, failed) = (Vec::new(), Replicas::default());
        Upload {
            file,
            generation,
            data,
            packet,
            pipeline: 0,
            route,
            sent: 0,
            taken: 0,
            failed,
            rounds: 0,
        }
    }

    /// The same with pipelines numbered from `pipeline` on.
    #[must_use]
    pub fn numbered(self, pipeline: u32) -> Self {
        Upload { pipeline: pipeline - 1, ..self }
    }

    /// The file; its replicas are not known yet.
    pub fn file(&self) -> FileRef {
        self.file
    }
    /// The pipeline that it goes through now.
    pub fn pipeline(&self) -> u32 {
        self.pipeline
    }
    /// The first store of the pipeline; none while it waits for stores.
    pub fn head(&self) -> Option<u16> {
        self.route.first().copied()
    }
    /// Stores that failed it.
    pub fn failed(&self) -> Replicas {
        self.failed
    }

    /// Starts from the beginning through a new pipeline.
    pub fn begin(&mut self, route: Vec<u16>) {
        self.pipeline += 1;
        (self.route, self.sent, self.taken) = (route, 0, 0);
    }

    /// The pipeline is broken: these stores failed it.
    pub fn broken(&mut self, failed: Replicas) {
        self.failed = self.failed.and(failed);
        self.route.clear();
    }

    /// Every pipeline failed: all stores may be tried again. Gives back how often that was so.
    pub fn failed_everywhere(&mut self) -> u16 {
        self.failed = Replicas::default();
        self.rounds += 1;
        self.rounds
    }

    /// A store may be tried again.
    pub fn forgive(&mut self, store: u16) {
        self.failed = self.failed.without(store);
    }

    /// So many packets have come to the end of a pipeline.
    pub fn taken(&mut self, pipeline: u32, packets: u32) {
        if pipeline == self.pipeline {
            self.taken = self.taken.max(packets);
        }
    }

    /// The next packet, if one more may be under way.
    pub fn packet(&mut self) -> Option<Arc<Put>> {
        let packets = packets(self.file.bytes, self.packet);
        let onward = self.route.get(1..)?;
        if self.sent == packets || self.sent >= self.taken + WINDOW {
            return None;
        }
        self.sent += 1;
        Some(Arc::new(Put {
            id: self.file.id,
            generation: self.generation,
            pipeline: self.pipeline,
            onward: onward.to_vec(),
            packet: self.sent - 1,
            packets,
            print: self.file.print,
            data: cut(&self.data, self.packet, self.sent - 1),
        }))
    }
}

/// Into how many packets a file is cut: at least one.
pub fn packets(bytes: u64, packet: u64) -> u32 {
    u32::try_from(bytes.div_ceil(packet).max(1)).expect("a file has fewer than 2^32 packets")
}

/// One packet of a file. Its real bytes lie at the beginning, the rest has weight alone.
pub fn cut(data: &Payload, packet: u64, number: u32) -> Payload {
    if packets(data.size(), packet) == 1 {
        return data.clone();
    }
    let bytes = data.bytes();
    let at = |offset: u64| offset.min(bytes.len() as u64) as usize;
    let from = packet * u64::from(number);
    let to = (from + packet).min(data.size());
    Payload::weighing(&bytes[at(from)..at(to)], to - from)
}

/// Puts packets together again.
pub fn join(packets: &[Payload]) -> Payload {
    if let [only] = packets {
        return only.clone();
    }
    let mut bytes = Vec::new();
    packets.iter().for_each(|packet| bytes.extend_from_slice(packet.bytes()));
    Payload::weighing(bytes, packets.iter().map(Payload::size).sum())
}

/// Stores in the order in which they are preferred for a file, the same for everybody: each has a
/// weight drawn from the file's name and its own (rendezvous hashing, Thaler and Ravishankar 1998).
pub fn preferred(id: FileId, stores: impl Iterator<Item = u16>) -> Vec<u16> {
    let (first, second) = id.words();
    let weight = |store: &u16| mix(mix(first ^ mix(second)) ^ u64::from(*store));
    let mut all: Vec<u16> = stores.collect();
    all.sort_by_key(|store| (weight(store), *store));
    all
}

/// The finisher of SplitMix64.
const fn mix(word: u64) -> u64 {
    let z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
