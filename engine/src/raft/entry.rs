//! What is in the log: entries, and the snapshot that stands for the log before them.

use alloc::sync::Arc;

use stormglass_sim::hash::Mixer;

use super::{Index, Membership, Term};

/// An entry of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its place.
    pub index: Index,
    /// The term of the leader that made it.
    pub term: Term,
    /// What it says.
    pub body: Body,
}

/// What an entry says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// Nothing: a new leader's first entry, so that it can commit in its own term (3.6.2, 6.4).
    Blank,
    /// A command for the state machine.
    Command(Arc<[u8]>),
    /// A membership, in force from the moment that it is in the log (4.3).
    Membership(Arc<Membership>),
}

/// A state machine's state at an index, which stands for the log up to there (section 5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The last entry that it covers.
    pub index: Index,
    /// That entry's term.
    pub term: Term,
    /// The membership in force there.
    pub membership: Membership,
    /// The state machine's encoding.
    pub data: Arc<[u8]>,
}

impl Entry {
    /// Bytes on the wire and in the log: a fixed head and the body's own.
    #[must_use]
    pub fn size(&self) -> u64 {
        const HEAD: u64 = 17;
        HEAD + match &self.body {
            Body::Blank => 0,
            Body::Command(bytes) => bytes.len() as u64,
            Body::Membership(membership) => membership.size(),
        }
    }

    /// Mixes it into a digest.
    pub(super) fn digest(&self, into: &mut Mixer) {
        into.pair(self.index.0, self.term.0.into());
        into.word(print(&self.body));
    }
}

/// The fingerprint of an entry's body.
#[must_use]
pub fn print(body: &Body) -> u64 {
    let mut mixer = Mixer::new();
    match body {
        Body::Blank => mixer.word(1),
        Body::Command(bytes) => mixer.text(2, bytes),
        Body::Membership(membership) => {
            mixer.word(3);
            membership.digest(&mut mixer);
        }
    }
    mixer.finish64()
}
