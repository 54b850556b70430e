//! The input log: partitions of records, each with its arrival time, and what producers published
//! again.

use alloc::sync::Arc;
use alloc::vec::Vec;

use stormglass_sim::hash::Mixer;
use stormglass_sim::time::Instant;

use crate::component::Record;

/// One partition of the input log: immutable; a record exists for readers from its arrival on.
///
/// Invariant: arrivals never fall.
#[derive(Debug, Default)]
pub struct PartitionLog {
    records: Vec<Record>,
    /// `prints[n]` mixes the texts of the first `n` records, `sizes[n]` adds their sizes up.
    prints: Vec<u64>,
    sizes: Vec<u64>,
}

/// The input log. Cloning shares the records.
#[derive(Clone, Debug, Default)]
pub struct InputLog {
    /// The partitions, by number: every record that was published, once.
    pub partitions: Arc<[PartitionLog]>,
    /// By partition: what was published again, for the acknowledgement was lost. In the order of
    /// time; empty if nothing was.
    pub repeats: Arc<[Vec<Repeat>]>,
}

/// A record that its producer publishes again, under the sequence number that it had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// When it comes again; after its first arrival.
    pub at: Instant,
    /// The offset of the record.
    pub of: u64,
}

impl InputLog {
    /// A log of these partitions.
    ///
    /// # Panics
    /// If arrivals fall within a partition.
    pub fn new(partitions: Vec<Vec<Record>>) -> Self {
        let partitions = partitions.into_iter().map(PartitionLog::new).collect();
        InputLog { partitions, repeats: Arc::new([]) }
    }
    /// The same, with what is published again.
    ///
    /// # Panics
    /// If the repeats of a partition are not in the order of time.
    #[must_use]
    pub fn with_repeats(self, repeats: Vec<Vec<Repeat>>) -> Self {
        for of_partition in &repeats {
            assert!(of_partition.is_sorted_by_key(|repeat| repeat.at), "time goes forward");
        }
        InputLog { repeats: repeats.into(), ..self }
    }
    /// The log of a broker that appends whatever is published: repeats are records of their own.
    #[must_use]
    pub fn as_published(&self) -> Self {
        let with_repeats = |(partition, log): (usize, &PartitionLog)| {
            let mut records = log.records.clone();
            for repeat in self.repeats.get(partition).into_iter().flatten() {
                let Some(record) = log.records.get(repeat.of as usize) else { continue };
                let at = records.partition_point(|record| record.arrival <= repeat.at);
                records.insert(at, Record { arrival: repeat.at, ..record.clone() });
            }
            records
        };
        InputLog::new(self.partitions.iter().enumerate().map(with_repeats).collect())
    }
    /// Number of records of all partitions.
    pub fn len(&self) -> u64 {
        self.partitions.iter().map(PartitionLog::len).sum()
    }
    /// True without a record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl PartitionLog {
    fn new(records: Vec<Record>) -> Self {
        assert!(records.is_sorted_by_key(|record| record.arrival), "arrivals never fall");
        let (mut print, mut size) = (0u64, 0u64);
        let room = || Vec::with_capacity(records.len() + 1);
        let (mut prints, mut sizes): (Vec<u64>, Vec<u64>) = (room(), room());
        prints.push(0);
        sizes.push(0);
        for record in &records {
            let mut mixer = Mixer::new();
            mixer.pair(print, record.arrival.nanos());
            mixer.bytes(record.text.as_bytes());
            print = mixer.finish64();
            size += 16 + record.text.len() as u64;
            prints.push(print);
            sizes.push(size);
        }
        PartitionLog { records, prints, sizes }
    }
    /// All records.
    pub fn records(&self) -> &[Record] {
        &self.records
    }
    /// Number of records.
    pub fn len(&self) -> u64 {
        self.records.len() as u64
    }
    /// True without a record.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
    /// How many records have arrived by `at`: the offset of the next one.
    pub fn end_at(&self, at: Instant) -> u64 {
        self.records.partition_point(|record| record.arrival <= at) as u64
    }
    /// Size on the wire of the records `from..to` in bytes.
    pub fn size(&self, from: u64, to: u64) -> u64 {
        self.sizes[to as usize] - self.sizes[from as usize]
    }
    /// A fingerprint of the records `from..to`.
    pub fn fingerprint(&self, from: u64, to: u64) -> u64 {
        let mut mixer = Mixer::new();
        mixer.pair(self.prints[from as usize], self.prints[to as usize]);
        mixer.finish64()
    }
}
