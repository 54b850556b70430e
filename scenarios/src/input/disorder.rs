//! What makes an input uneven. Every draw is keyed by the seed, its purpose and its number, so that
//! one disorder more or fewer changes no other record.

use smol_str::SmolStr;
use stormglass_engine::component::Record;
use stormglass_engine::log::Repeat;
use stormglass_sim::hash::fingerprint;
use stormglass_sim::time::Span;

use crate::plan::Draw;
use crate::scenario::{Burst, Input};
use crate::units::{Between, Quantum, Rate, Share};

/// What stands for a character that is none.
const UNREADABLE: char = '\u{fffd}';
/// A publication that is repeated comes again after at most this.
const REPEATED_WITHIN: Span = Span::secs(1);

/// The `number`-th value of a range that a seed draws.
fn drawn<T: Quantum>(range: Between<T>, seed: u64, purpose: &str, number: u64) -> T {
    let mut draw = Draw::new(seed, &[fingerprint(purpose.as_bytes()), number]);
    T::of_word(draw.between(range.min.word(), range.max.word()))
}

/// How long the broker of a seed keeps records; for good if absent.
pub(crate) fn retention(input: &Input, seed: u64) -> Option<Span> {
    input.disorder.retention.map(|range| drawn(range, seed, "input.retention", 0))
}

/// When records arrive: whole nanoseconds, and a remainder carried along. As
/// [`arrival`](super::arrival) without bursts, and without a division a record.
///
/// In a burst the gap between two records is that of the moment at which the first one arrives.
pub(super) struct Arrivals {
    rate: Rate,
    burst: Option<Burst>,
    seed: u64,
    /// The rate is so many times what is stated.
    times: u64,
    /// From record to record: nanoseconds, and parts of one.
    gap: (u64, u64),
    nanos: u64,
    /// In parts of `rate.records * times`.
    carried: u64,
    /// When the rate changes next, and how often it has.
    turn: u64,
    turns: u64,
}

impl Arrivals {
    pub(super) fn new(rate: Rate, burst: Option<Burst>, seed: u64) -> Self {
        let (gap, turn) = ((0, 0), u64::MAX);
        let mut arrivals =
            Arrivals { rate, burst, seed, times: 1, gap, nanos: 0, carried: 0, turn, turns: 0 };
        arrivals.set_gap();
        if let Some(burst) = burst {
            arrivals.turn = drawn(burst.every, seed, "input.burst.every", 0).as_nanos();
        }
        arrivals
    }

    fn set_gap(&mut self) {
        let parts = self.rate.records * self.times;
        let per = self.rate.per.as_nanos();
        self.gap = (per / parts, per % parts);
    }

    /// The arrival of the next record.
    pub(super) fn next(&mut self) -> u64 {
        let parts = self.rate.records * self.times;
        self.nanos += self.gap.0;
        self.carried += self.gap.1;
        if self.carried >= parts {
            self.carried -= parts;
            self.nanos += 1;
        }
        while self.nanos >= self.turn {
            self.change();
        }
        self.nanos
    }

    /// A burst begins or ends.
    fn change(&mut self) {
        let Some(Burst { times, every, lasting }) = self.burst else { return };
        self.turns += 1;
        let (number, before) = (self.turns / 2, self.times);
        let lasts = match self.turns % 2 {
            1 => {
                self.times = drawn(times, self.seed, "input.burst.times", number).into();
                drawn(lasting, self.seed, "input.burst.for", number)
            }
            _ => {
                self.times = 1;
                drawn(every, self.seed, "input.burst.every", number)
            }
        };
        self.turn = self.turn.saturating_add(lasts.as_nanos());
        self.carried = self.carried * self.times / before;
        self.set_gap();
    }
}

/// Which words are frequent at the moment: their ranks rotate by a draw each time.
pub(super) struct Shifts {
    every: Option<Between<Span>>,
    vocabulary: u32,
    seed: u64,
    by: u32,
    next: u64,
    shifts: u64,
}

impl Shifts {
    pub(super) fn new(every: Option<Between<Span>>, vocabulary: u32, seed: u64) -> Self {
        let first = |every: Between<Span>| drawn(every, seed, "input.words.shift", 0).as_nanos();
        let next = every.map_or(u64::MAX, first);
        Shifts { every, vocabulary, seed, by: 0, next, shifts: 0 }
    }

    /// The number of the word that has a rank at a moment; moments do not fall.
    pub(super) fn shifted(&mut self, rank: u32, nanos: u64) -> u32 {
        while nanos >= self.next
            && let Some(every) = self.every
        {
            self.shifts += 1;
            let all = Between { min: 0, max: self.vocabulary - 1 };
            self.by = drawn(all, self.seed, "input.words.shift.by", self.shifts);
            let lasts = drawn(every, self.seed, "input.words.shift", self.shifts);
            self.next = self.next.saturating_add(lasts.as_nanos());
        }
        match self.by {
            0 => rank,
            by => ((u64::from(rank) + u64::from(by)) % u64::from(self.vocabulary)) as u32,
        }
    }
}

/// A choice of records, each by a draw of its own.
struct Chosen {
    share: u32,
    draw: Draw,
}

impl Chosen {
    fn new(share: Between<Share>, seed: u64, purpose: &str) -> Self {
        let Share(share) = drawn(share, seed, purpose, 0);
        Chosen { share, draw: Draw::new(seed, &[fingerprint(purpose.as_bytes()), 1, 1]) }
    }
    fn next(&mut self) -> bool {
        self.draw.below(1_000_000) < u64::from(self.share)
    }
}

/// Makes records unreadable.
pub(super) struct Poison {
    chosen: Option<Chosen>,
    seed: u64,
    records: u64,
}

impl Poison {
    pub(super) fn new(share: Option<Between<Share>>, seed: u64) -> Self {
        let chosen = share.map(|share| Chosen::new(share, seed, "input.poison"));
        Poison { chosen, seed, records: 0 }
    }

    /// The text of the next record, perhaps with one character that is none.
    pub(super) fn poisoned(&mut self, text: SmolStr) -> SmolStr {
        let Some(chosen) = &mut self.chosen else { return text };
        self.records += 1;
        if !chosen.next() {
            return text;
        }
        let letters = text.chars().count().max(1) as u32;
        let at = Between { min: 0, max: letters - 1 };
        let at = drawn(at, self.seed, "input.poison.at", self.records) as usize;
        let before = text.chars().take(at);
        before.chain([UNREADABLE]).chain(text.chars().skip(at + 1)).collect()
    }
}

/// What is published again, by partition, in the order of time.
pub(super) fn repeats(logs: &[Vec<Record>], share: Between<Share>, seed: u64) -> Vec<Vec<Repeat>> {
    let mut chosen = Chosen::new(share, seed, "input.repeats");
    let after = Between { min: Span::millis(1), max: REPEATED_WITHIN };
    let mut all = Vec::with_capacity(logs.len());
    for (partition, records) in (0..).zip(logs) {
        let mut of_partition = Vec::new();
        for (of, record) in (0..).zip(records) {
            if chosen.next() {
                let number = partition << 48 | of;
                let after = drawn(after, seed, "input.repeats.after", number);
                of_partition.push(Repeat { at: record.arrival + after, of });
            }
        }
        of_partition.sort_by_key(|repeat| (repeat.at, repeat.of));
        all.push(of_partition);
    }
    all
}
