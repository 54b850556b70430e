//! The memory of a process: what it holds where, what it may hold, and what it will be refused.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::fault::ArmedId;
use crate::time::Instant;

#[cfg(test)]
mod tests;

/// The books of one address. What is held is forgotten with each life; limits and refusals outlive
/// it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Bytes that are held, by site and part. Invariant: none is zero.
    held: BTreeMap<(u16, u32), u64>,
    /// Their sum.
    total: u64,
    limits: Vec<Limit>,
    refusals: Vec<Refusal>,
}

/// Who holds more dies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) bytes: u64,
    /// Until then, exclusively.
    pub(crate) until: Instant,
    pub(crate) id: ArmedId,
}

/// So many requests at a site will be refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    pub(crate) site: u16,
    pub(crate) left: u32,
    pub(crate) id: ArmedId,
}

/// What comes of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    Granted,
    /// Nothing has changed.
    Refused(ArmedId),
    /// It is granted, and it is too much: the process dies of it.
    Fatal(ArmedId),
}

impl Memory {
    /// Bytes that the present life holds.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// From now on a part of the process needs so many bytes at a site.
    pub(crate) fn reserve(&mut self, now: Instant, site: u16, part: u32, bytes: u64) -> Answer {
        let held = self.held.get(&(site, part)).copied().unwrap_or(0);
        if bytes > held
            && let Some(at) = self.refusals.iter().position(|refusal| refusal.site == site)
        {
            let Refusal { left, id, .. } = &mut self.refusals[at];
            let id = *id;
            *left -= 1;
            if *left == 0 {
                self.refusals.remove(at);
            }
            return Answer::Refused(id);
        }
        match bytes {
            0 => self.held.remove(&(site, part)),
            _ => self.held.insert((site, part), bytes),
        };
        self.total = self.total - held + bytes;
        match self.exceeded(now).filter(|_| bytes > held) {
            Some(id) => Answer::Fatal(id),
            None => Answer::Granted,
        }
    }

    /// The tightest limit that holds now, if it is exceeded.
    pub(crate) fn exceeded(&self, now: Instant) -> Option<ArmedId> {
        let holds = self.limits.iter().filter(|limit| limit.until > now);
        let tightest = holds.min_by_key(|limit| (limit.bytes, limit.id))?;
        (self.total > tightest.bytes).then_some(tightest.id)
    }

    /// A limit comes into force; those that are over are forgotten.
    pub(crate) fn limit(&mut self, now: Instant, limit: Limit) {
        self.limits.retain(|limit| limit.until > now);
        self.limits.push(limit);
    }

    /// A refusal waits for its requests, behind those that wait already.
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        self.refusals.push(refusal);
    }

    /// A life is over, and holds nothing any more.
    pub(crate) fn life_ended(&mut self) {
        self.held.clear();
        self.total = 0;
    }
}
