//! What a run has shown so far, as small numbers, for whoever looks for worlds that show something
//! new: each observation with its maker's role and the phases of all protocols, and each pair of
//! kinds that follow one another.

use std::collections::BTreeMap;

use stormglass_sim::node::NodeId;

use crate::places::Places;
use crate::scenario::{EventKind, Moment, Role};

/// So many things are told apart.
pub(crate) const FEATURES: usize = 1 << 16;

/// What was seen.
#[derive(Clone, Debug)]
pub(crate) struct Cover {
    /// A bit for each thing.
    seen: Vec<u64>,
    /// Things that were seen for the first time since somebody asked.
    fresh: Vec<u16>,
    roles: BTreeMap<NodeId, Option<Role>>,
    last: u64,
}

impl Cover {
    pub(super) fn new() -> Cover {
        let seen = vec![0; FEATURES / 64];
        Cover { seen, fresh: Vec::new(), roles: BTreeMap::new(), last: 0 }
    }

    /// Takes note of an observation. What every record makes is left out: it shows nothing.
    pub(super) fn note(
        &mut self,
        kind: EventKind,
        by: NodeId,
        places: &Places,
        moment: impl FnOnce() -> Moment,
    ) {
        if matches!(kind, EventKind::Executed) {
            return;
        }
        let role = self.roles.entry(by).or_insert_with(|| places.role_of(by).map(|(role, _)| role));
        let who = (kind as u64) << 8 | role.map_or(0xff, |role| role as u64);
        let phases = moment().all().into_iter().fold(0, |word, phase| word << 8 | phase as u64);
        self.see(1, who, phases);
        self.see(2, who, self.last);
        self.last = who;
    }

    fn see(&mut self, what: u64, one: u64, other: u64) {
        // A fixed mix of the words: equal things have equal numbers in every run.
        let mut word = what;
        for part in [one, other] {
            word = (word ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            word ^= word >> 29;
        }
        let number = (word >> 40) as u16;
        let (at, bit) = (usize::from(number) / 64, 1 << (number % 64));
        if self.seen[at] & bit == 0 {
            self.seen[at] |= bit;
            self.fresh.push(number);
        }
    }

    /// What was seen for the first time since the last call.
    pub(crate) fn take_fresh(&mut self) -> Vec<u16> {
        std::mem::take(&mut self.fresh)
    }
}
