//! Bulk data: immutable, shared, with its bytes and its logical size apart.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::hash::fingerprint;

/// An immutable byte string that costs wires and disks its *logical* size.
///
/// Cloning shares the bytes. The fingerprint of the contents is computed once, when the payload is
/// made, so that a digest over many hops stays cheap. The logical size is what is charged, whatever
/// the bytes are: a terabyte of state is simulated in megabytes, and state that a compact system
/// would keep in 4 bytes weighs 4 although it takes 9 here.
#[derive(Clone)]
pub struct Payload {
    /// Not a slice: to make one of a vector would copy it.
    bytes: Arc<Vec<u8>>,
    logical: u64,
    print: u64,
}

impl Payload {
    /// A payload whose logical size is its length.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let print = fingerprint(&bytes);
        Payload { logical: bytes.len() as u64, bytes: Arc::new(bytes), print }
    }

    /// A payload whose contents the caller has digested before: equal prints have to mean equal
    /// bytes, as they do when the print mixes the fingerprints of all parts.
    pub fn vouched(bytes: impl Into<Vec<u8>>, print: u64) -> Self {
        let bytes = bytes.into();
        Payload { logical: bytes.len() as u64, bytes: Arc::new(bytes), print }
    }

    /// A payload that weighs `logical` bytes, however many it has.
    pub fn weighing(bytes: impl Into<Vec<u8>>, logical: u64) -> Self {
        Payload::new(bytes).weighed(logical)
    }

    /// The same bytes, weighing `logical`.
    #[must_use]
    pub fn weighed(self, logical: u64) -> Self {
        Payload { logical, ..self }
    }

    /// No bytes.
    pub fn empty() -> Self {
        Payload::new(Vec::new())
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// Logical size in bytes: what a wire or a disk is charged.
    pub fn size(&self) -> u64 {
        self.logical
    }
    /// The fingerprint of bytes; the logical size is not part of it.
    pub fn fingerprint(&self) -> u64 {
        self.print
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.logical == other.logical && self.bytes == other.bytes
    }
}
impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} B, {:016x})", self.logical, self.print)
    }
}
