use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{FULL_LOAD, MAX_WEIGHT, Ring};
use crate::grouping::Locality::{self, Everything, Host, Rack, Worker};
use crate::java::Random;

fn ring(near: &[Locality], seed: i64) -> Ring {
    Ring::new(near.to_vec(), Random::new(seed))
}

fn refresh(ring: &mut Ring, percent: &[u32]) {
    ring.refresh(|target| percent[usize::from(target)] * (FULL_LOAD / 100));
}

fn counts(ring: &Ring) -> Vec<usize> {
    let of = |target: u16| ring.slots.iter().filter(|slot| **slot == target).count();
    (0..ring.near.len() as u16).map(of).collect()
}

/// `Arrays.hashCode(int[])` of the slots.
fn hash(ring: &Ring) -> i32 {
    let step = |h: i32, slot: &u16| h.wrapping_mul(31).wrapping_add(i32::from(*slot));
    ring.slots.iter().fold(1, step)
}

/// Golden vectors: the rule of SEMANTICS 1.1 as a Java program computes it, with `new Random(7)`.
#[test]
fn the_ring_is_storms() {
    let mut ring = ring(&[Rack; 3], 7);
    assert_eq!(ring.scope, Rack);
    assert_eq!(ring.slots[..12], [0, 0, 0, 0, 2, 0, 2, 0, 2, 0, 2, 0]);
    assert_eq!((counts(&ring), hash(&ring)), (vec![333, 333, 334], 595_617_702));
    let golden = [
        ([0, 0, 0], [100, 100, 100], [333, 333, 334], 1_603_185_272),
        ([0, 50, 4], [100, 90, 100], [344, 312, 344], -369_938_899),
        ([0, 50, 6], [100, 80, 90], [370, 296, 334], 255_028_291),
    ];
    for (loads, weights, slots, of_all) in golden {
        refresh(&mut ring, &loads);
        assert_eq!((&ring.weights[..], &counts(&ring)[..]), (&weights[..], &slots[..]));
        assert_eq!(hash(&ring), of_all);
    }
    assert_eq!(ring.slots[..12], [2, 2, 1, 0, 0, 0, 2, 0, 2, 2, 1, 0]);
}

#[test]
fn one_target_has_one_slot_and_many_have_five_each() {
    let mut one = ring(&[Worker], 7);
    assert_eq!((&one.slots[..], hash(&one)), (&[0][..], 31));
    assert_eq!((0..3).map(|_| one.next()).collect::<Vec<_>>(), [0; 3]);
    assert_eq!(ring(&[Worker; 200], 1).slots.len(), 1000);
    assert_eq!(ring(&[Worker; 201], 1).slots.len(), 1005);
    let many = ring(&[Rack; 300], 11);
    assert_eq!(many.slots[..6], [85, 266, 165, 296, 176, 134]);
    assert_eq!((counts(&many), hash(&many)), (vec![5; 300], -1_740_597_215));
}

#[test]
fn tuples_go_round_from_the_first_slot_and_a_refresh_starts_again() {
    let mut ring = ring(&[Rack; 3], 7);
    let slots = ring.slots.to_vec();
    let twice: Vec<u16> = (0..2_000).map(|_| ring.next()).collect();
    assert_eq!(twice, [slots.clone(), slots].concat());
    ring.next();
    refresh(&mut ring, &[0, 0, 0]);
    assert_eq!((ring.next(), ring.next()), (ring.slots[0], ring.slots[1]));
}

#[test]
fn a_ring_starts_in_the_narrowest_scope_with_a_target() {
    assert_eq!(ring(&[Rack, Worker, Host], 1).scope, Worker);
    assert_eq!(counts(&ring(&[Rack, Worker, Host], 1)), [0, 1000, 0]);
    assert_eq!(ring(&[Rack, Host], 1).scope, Host);
    assert_eq!(ring(&[Everything], 1).scope, Everything);
}

#[test]
fn the_scope_widens_under_load_and_narrows_without() {
    let mut ring = ring(&[Worker, Host, Rack], 1);
    let mut step = |loads: [u32; 3], scope: Locality| {
        refresh(&mut ring, &loads);
        assert_eq!(ring.scope, scope, "{loads:?}");
        counts(&ring)
    };
    assert_eq!(step([80, 0, 0], Worker), [1000, 0, 0]);
    // Above 80 %: the machine, too. Weights start afresh; the loaded target loses at once.
    assert_eq!(step([81, 0, 0], Host), [473, 527, 0]);
    // 100 % and 60 % are 80 % on average: it stays.
    step([100, 60, 0], Host);
    step([100, 62, 0], Rack);
    step([100, 100, 100], Everything);
    // Exactly 20 % in the narrower scope are not below 20 %.
    step([60, 0, 0], Everything);
    step([59, 0, 0], Rack);
    step([59, 0, 0], Rack);
    step([38, 0, 0], Host);
    step([20, 0, 0], Host);
    assert_eq!(step([19, 0, 0], Worker), [1000, 0, 0]);
}

#[test]
fn an_empty_narrower_scope_is_left_alone() {
    let mut ring = ring(&[Host, Rack], 1);
    refresh(&mut ring, &[0, 0]);
    assert_eq!(ring.scope, Host);
}

#[test]
fn weights_stay_between_nothing_and_a_hundred() {
    let mut ring = ring(&[Rack; 2], 3);
    (0..30).for_each(|_| refresh(&mut ring, &[0, 50]));
    assert_eq!((&ring.weights[..], counts(&ring)), (&[MAX_WEIGHT, 0][..], vec![1000, 0]));
    (0..7).for_each(|_| refresh(&mut ring, &[0, 5]));
    assert_eq!(ring.weights, [MAX_WEIGHT, 7], "5 % above the least is not congested");
    (0..200).for_each(|_| refresh(&mut ring, &[50, 50]));
    assert_eq!(ring.weights, [MAX_WEIGHT; 2]);
}

proptest! {
    /// Slots are in proportion to weights, give or take what fills up; targets out of scope have
    /// none, and some target always has one.
    #[test]
    fn slots_follow_weights(
        near in prop::collection::vec(prop::sample::select(&[Worker, Host, Rack][..]), 1..30),
        loads in prop::collection::vec(prop::collection::vec(0u32..=100, 30), 0..12),
        seed: i64,
    ) {
        let mut ring = ring(&near, seed);
        for loads in &loads {
            refresh(&mut ring, loads);
        }
        let (counts, capacity) = (counts(&ring), ring.slots.len());
        prop_assert_eq!(capacity, if near.len() == 1 { 1 } else { 1000 });
        let within = |target: usize| near[target] <= ring.scope;
        let weight = |target: usize| if within(target) { ring.weights[target] as usize } else { 0 };
        let sum: usize = (0..near.len()).map(weight).sum();
        for (target, count) in counts.iter().enumerate() {
            let share = weight(target) * capacity / sum;
            prop_assert!((share..=share + near.len()).contains(count), "{counts:?}");
            prop_assert!(*count == 0 || weight(target) > 0, "{counts:?}");
        }
        prop_assert_eq!(counts.iter().sum::<usize>(), capacity);
    }
}
