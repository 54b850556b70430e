//! What replicas say to each other.

use stormglass_sim::hash::Mixer;

use super::Term;

/// One message, always with its sender's term.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The sender's term.
    pub term: Term,
}

impl Message {
    /// Bytes on the wire, without the headers of the transport.
    pub fn wire_size(&self) -> u64 {
        16
    }
    /// Mixes the contents into a digest.
    pub fn digest(&self, into: &mut Mixer) {
        into.word(self.term.0.into());
    }
}
