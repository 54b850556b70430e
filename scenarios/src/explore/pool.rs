//! Which fresh world is next: of a few that come next of a kind, the one whose settings and faults
//! have been met least.
//!
//! To draw a world costs next to nothing beside running it. What many seeds have, and what two of
//! its settings or a setting and a fault have in common, is soon met; what few seeds have is met as
//! early as it comes into sight.

use std::collections::{BTreeMap, BTreeSet};

use stormglass_sim::hash::fingerprint;
use stormglass_sim::node::Name;

use crate::problem::Problem;
use crate::run::Setup;

/// So many worlds of a kind come into sight for each that is taken.
const FRESH: usize = 8;
/// So many stay in sight.
const KEPT: usize = 8;

/// Worlds to come, by kind.
pub(super) struct Pool {
    kinds: u64,
    /// The number that comes into sight next, and those in sight.
    by_kind: Vec<(u64, Vec<Candidate>)>,
    /// How often each feature has been met.
    met: BTreeMap<u64, u64>,
}

/// A world in sight.
struct Candidate {
    number: u64,
    features: [BTreeSet<u64>; 3],
}

impl Candidate {
    /// How rare its features are, in 1024ths for each group.
    fn rarity(&self, met: &BTreeMap<u64, u64>) -> u64 {
        let of = |feature: &u64| 1_024 / (1 + met.get(feature).copied().unwrap_or(0));
        let groups = self.features.iter().filter(|group| !group.is_empty());
        groups.map(|group| group.iter().map(of).sum::<u64>() / group.len() as u64).sum()
    }
}

impl Pool {
    /// The worlds from `first` on, of which world `n` is of kind `n % kinds`.
    pub(super) fn new(first: u64, kinds: u64) -> Pool {
        let by_kind = (first..first + kinds).map(|next| (next, Vec::new())).collect();
        Pool { kinds, by_kind, met: BTreeMap::new() }
    }

    /// Takes a world of the kind that comes at this place: its number and itself.
    pub(super) fn take(
        &mut self,
        at: usize,
        world: &dyn Fn(u64) -> Result<Setup, Problem>,
    ) -> Result<(u64, Setup), Problem> {
        let Pool { kinds, by_kind, met } = self;
        let (next, in_sight) = &mut by_kind[at];
        for _ in 0..FRESH {
            let number = *next;
            *next += *kinds;
            let setup = world(number)?;
            // Where all seeds have the same, there is nothing to choose.
            if setup.scenario.drew.is_empty() && setup.scenario.chaos.is_empty() {
                return Ok((number, setup));
            }
            in_sight.push(Candidate { number, features: features(&setup) });
        }
        // The rarest last; of equally rare ones the first.
        in_sight.sort_by_cached_key(|one| (one.rarity(met), std::cmp::Reverse(one.number)));
        let chosen = in_sight.pop().expect("some are in sight");
        in_sight.drain(..in_sight.len().saturating_sub(KEPT));
        for feature in chosen.features.iter().flatten() {
            *met.entry(*feature).or_default() += 1;
        }
        Ok((chosen.number, world(chosen.number)?))
    }
}

/// What a world has, in groups that count alike: its settings and pairs of them, its rare events
/// and kinds of faults, and each of these together with a setting.
fn features(setup: &Setup) -> [BTreeSet<u64>; 3] {
    let Setup { scenario, plan, .. } = setup;
    let named = |text: &str| fingerprint(text.as_bytes());
    let both = |a: &u64, b: &u64| fingerprint(&[a.to_le_bytes(), b.to_le_bytes()].concat());
    let drew = scenario.drew.iter().map(|(name, label)| named(&format!("{name}={label}")));
    let drew: BTreeSet<u64> = drew.collect();
    let rare = plan.rare_events.iter().map(|event| named(event.twist().name()));
    let faults = plan.faults.iter().map(|fault| named(&fault.kind()));
    let harm: BTreeSet<u64> = rare.chain(faults).collect();
    let pairs = drew.iter().flat_map(|a| drew.iter().filter(move |b| a <= b).map(|b| both(a, b)));
    let mixed = drew.iter().flat_map(|a| harm.iter().map(|b| both(a, b)));
    [pairs.collect(), mixed.collect(), harm]
}
