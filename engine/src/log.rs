//! The input log: partitions of records, each with its arrival time.

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
    /// The partitions, by number.
    pub partitions: Arc<[PartitionLog]>,
}

impl InputLog {
    /// A log of these partitions.
    ///
    /// # Panics
    /// If arrivals fall within a partition.
    pub fn new(partitions: Vec<Vec<Record>>) -> Self {
        InputLog { partitions: partitions.into_iter().map(PartitionLog::new).collect() }
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
        let (mut prints, mut sizes) = (Vec::from([0]), Vec::from([0]));
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
