//! The ring of slots of a load-aware shuffle, after Storm's `LoadAwareShuffleGrouping`.
//!
//! Every target in scope has a weight; slots are dealt out by weight and shuffled, and tuples go
//! round the ring. With each refresh a target that is about as free as the freest one gains a
//! little weight, any other loses much. The scope is the emitter's worker as long as its targets
//! are not loaded; then it widens to the machine, the rack, everything.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{FULL_LOAD, Locality};
use crate::java::Random;

const MAX_WEIGHT: u32 = 100;
/// What a congested target loses with a refresh; others gain 1.
const LOSS: u32 = 10;
/// Whoever is less than this above the least load is not congested: 5 %.
const TOLERANCE: u32 = FULL_LOAD / 20;
/// Above this average load the scope widens: 80 % (`topology.localityaware.higher.bound`).
const HIGHER_BOUND: u32 = FULL_LOAD / 5 * 4;
/// Below this average load of the next narrower scope it narrows: 20 %
/// (`topology.localityaware.lower.bound`).
const LOWER_BOUND: u32 = FULL_LOAD / 5;

/// The ring of one emitting task.
///
/// Invariant: no target outside the scope has a slot, and there is always a target in scope.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    random: Random,
    /// By target.
    near: Vec<Locality>,
    /// By target.
    weights: Vec<u32>,
    scope: Locality,
    /// The target of each slot; shared by clones, for it changes only with a refresh.
    slots: Arc<[u16]>,
    /// The slot that is next.
    next: usize,
}

impl Ring {
    /// A ring over as many targets as there are localities, in the narrowest scope that has one.
    pub(super) fn new(near: Vec<Locality>, random: Random) -> Self {
        assert!(!near.is_empty(), "a component has tasks");
        let (weights, slots) = (alloc::vec![MAX_WEIGHT; near.len()], Arc::from([]));
        let mut ring = Ring { random, near, weights, scope: Locality::Worker, slots, next: 0 };
        ring.leave_empty_scope();
        ring.deal();
        ring
    }

    /// The target of the next slot.
    #[inline]
    pub(super) fn next(&mut self) -> u16 {
        let target = self.slots[self.next];
        self.next = if self.next + 1 < self.slots.len() { self.next + 1 } else { 0 };
        target
    }

    /// Takes account of loads, by target.
    pub(super) fn refresh(&mut self, load: impl Fn(u16) -> u32) {
        let before = self.scope;
        self.scope = self.transition(&load);
        if self.scope != before {
            self.weights.fill(MAX_WEIGHT);
        }
        let least = self.within(self.scope).map(&load).min().expect("a target in scope");
        let targets: Vec<u16> = self.within(self.scope).collect();
        for target in targets {
            let weight = &mut self.weights[usize::from(target)];
            *weight = match load(target) <= least + TOLERANCE {
                true => MAX_WEIGHT.min(*weight + 1),
                false => weight.saturating_sub(LOSS),
            };
        }
        self.deal();
    }

    /// The targets in a scope: nearer ones belong to wider scopes, too.
    fn within(&self, scope: Locality) -> impl Iterator<Item = u16> {
        let targets = (0..).zip(&self.near);
        targets.filter(move |(_, near)| **near <= scope).map(|(target, _)| target)
    }

    fn leave_empty_scope(&mut self) {
        while self.within(self.scope).next().is_none() {
            assert!(self.scope < Locality::Everything, "everything has a target");
            self.scope = wider(self.scope);
        }
    }

    /// The scope that these loads call for.
    fn transition(&self, load: &impl Fn(u16) -> u32) -> Locality {
        let (narrow, wide) = (narrower(self.scope), wider(self.scope));
        let average = |scope: Locality| {
            let (mut sum, mut targets) = (0, 0);
            for target in self.within(scope) {
                sum += u64::from(load(target));
                targets += 1;
            }
            (sum, targets)
        };
        let (sum, targets) = average(self.scope);
        if sum > u64::from(HIGHER_BOUND) * targets {
            return wide;
        }
        let (sum, targets) = average(narrow);
        match sum < u64::from(LOWER_BOUND) * targets {
            true => narrow,
            false => self.scope,
        }
    }

    /// Deals the slots out by weight, fills up with copies of earlier ones, and shuffles.
    fn deal(&mut self) {
        let capacity = match self.near.len() {
            1 => 1,
            targets => (5 * targets).max(1000),
        };
        let weight = |target: u16| self.weights[usize::from(target)] as usize;
        let sum: usize = self.within(self.scope).map(weight).sum();
        assert!(sum > 0, "the freest target has gained weight");
        let mut slots: Vec<u16> = Vec::with_capacity(capacity);
        for target in self.within(self.scope) {
            let share = weight(target) * capacity / sum;
            slots.extend(core::iter::repeat_n(target, share));
        }
        while slots.len() < capacity {
            let earlier = self.random.next_int_below(slots.len() as i32);
            slots.push(slots[earlier as usize]);
        }
        for size in (2..=capacity).rev() {
            slots.swap(size - 1, self.random.next_int_below(size as i32) as usize);
        }
        self.slots = slots.into();
        self.next = 0;
    }
}

fn wider(scope: Locality) -> Locality {
    match scope {
        Locality::Worker => Locality::Host,
        Locality::Host => Locality::Rack,
        Locality::Rack | Locality::Everything => Locality::Everything,
    }
}

fn narrower(scope: Locality) -> Locality {
    match scope {
        Locality::Worker | Locality::Host => Locality::Worker,
        Locality::Rack => Locality::Host,
        Locality::Everything => Locality::Rack,
    }
}

#[cfg(test)]
mod tests;
