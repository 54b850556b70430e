//! What comes over the broker's console: an operator's request, or damage to its index.

use stormglass_sim::hash::Mixer;
use stormglass_sim::time::Span;

/// A request with a number, by which whoever made it knows what became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Console {
    /// The number.
    pub number: u32,
    /// What is asked for.
    pub request: Request,
}

/// What is asked of the broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// To drop all but the newest records of each partition (Kafka's `DeleteRecords`). Where the
    /// log starts is not durable at once: a broker that is started again may have them again
    /// (Kafka writes it every 60 s, `log.flush.start.offset.checkpoint.interval.ms`).
    Trim {
        /// How many are kept of each.
        keep: u32,
    },
    /// To take offsets for older ones, as with an index that is damaged: answers to fetches begin
    /// so many records too early.
    Rewind {
        /// How many.
        records: u32,
        /// For how long, or until it is started again.
        lasting: Span,
    },
}

impl Console {
    pub(super) fn digest(&self, into: &mut Mixer) {
        let (kind, number, span) = match self.request {
            Request::Trim { keep } => (0, keep, Span::ZERO),
            Request::Rewind { records, lasting } => (1, records, lasting),
        };
        into.pair(53 | kind << 8 | u64::from(self.number) << 32, number.into());
        into.word(span.as_nanos());
    }
}
