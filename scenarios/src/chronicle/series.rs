//! How much flowed when. Buckets grow wider as a run goes on: its chronicle has a bounded size.

use stormglass_sim::time::{Instant, Span};

use super::{Bucket, Series};
use crate::metrics::{Histogram, SAMPLE};

impl Series {
    /// As many buckets at most.
    pub const MOST: usize = 1_200;
}

impl Default for Series {
    fn default() -> Self {
        Series { width: SAMPLE, buckets: Vec::new() }
    }
}

/// Counts into buckets.
#[derive(Clone, Debug)]
pub(super) struct Counter {
    width: Span,
    /// How many of today's buckets make one of the next width: 5 and 2 in turn, so that widths are
    /// round.
    next: usize,
    full: Vec<(Bucket, Histogram)>,
    current: (Bucket, Histogram),
}

impl Default for Counter {
    fn default() -> Self {
        Counter { width: SAMPLE, next: 5, full: Vec::new(), current: Default::default() }
    }
}

impl Counter {
    /// The bucket of this moment.
    #[inline]
    pub(super) fn now(&mut self, now: Instant) -> &mut Bucket {
        while now.nanos() / self.width.as_nanos() > self.full.len() as u64 {
            self.close();
        }
        &mut self.current.0
    }

    /// An output became visible so long after its record had arrived.
    pub(super) fn visible(&mut self, now: Instant, latency: Span) {
        self.now(now).visible += 1;
        self.current.1.add(latency.as_nanos());
    }

    fn close(&mut self) {
        let full = std::mem::take(&mut self.current);
        self.full.push(full);
        if self.full.len() < Series::MOST {
            return;
        }
        let merged = self.full.chunks(self.next).map(|chunk| {
            let mut whole = (Bucket::default(), Histogram::default());
            chunk.iter().for_each(|part| merge(&mut whole, part));
            whole
        });
        self.full = merged.collect();
        self.width = self.width * self.next as u64;
        self.next = 7 - self.next;
    }

    pub(super) fn series(&self) -> Series {
        let all = self.full.iter().chain([&self.current]);
        let buckets = all.map(|(b, latency)| Bucket { latency: latency.quantiles(), ..*b });
        Series { width: self.width, buckets: buckets.collect() }
    }
}

fn merge(into: &mut (Bucket, Histogram), part: &(Bucket, Histogram)) {
    let (whole, part_of) = (&mut into.0, &part.0);
    whole.arrived += part_of.arrived;
    whole.read += part_of.read;
    whole.again += part_of.again;
    whole.hops += part_of.hops;
    whole.visible += part_of.visible;
    whole.lag = whole.lag.max(part_of.lag);
    into.1.merge(&part.1);
}
