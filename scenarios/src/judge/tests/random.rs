//! Histories at random: honest ones always pass, bent ones are caught.

use proptest::prelude::*;
use stormglass_engine::ids::Child;
use stormglass_engine::observation::Observation as O;

use super::mini::{Dice, Event, Mini};
use super::{judge, topologies};

fn honest(which: usize, seed: u64, restarts: usize) -> Mini {
    let topology = match which {
        0 => topologies::word_count(),
        1 => topologies::various(),
        2 => topologies::states(),
        _ => topologies::spread(),
    };
    let mut mini = Mini::new(topology, topologies::log(3, 90), seed);
    mini.run(restarts);
    mini
}

fn check_honest(which: usize, seed: u64, restarts: usize) -> Mini {
    let mini = honest(which, seed, restarts);
    let judges = judge(&mini, &mini.events);
    assert_eq!(judges.violations(), &[], "seed {seed}");
    assert!(judges.is_complete(), "seed {seed}: {:?}", judges.pending());
    assert_eq!((judges.pending(), judges.in_flight()), (None, 0));
    mini
}

/// Bends one observation that counts: of the last generation, before its last completion.
fn bend(events: &mut Vec<Event>, dice: &mut Dice) -> Option<&'static str> {
    let last = super::last(events, |o| matches!(o, O::CheckpointCompleted { .. }));
    // Only the last generation's history counts for certain.
    let first = super::last(events, |o| matches!(o, O::Granted { .. }));
    let live = match events[first].what {
        O::Granted { generation, .. } => generation,
        _ => return None,
    };
    let candidates: Vec<usize> = (first..events.len())
        .filter(|at| match events[*at].what {
            O::Executed { generation, .. }
            | O::GroupCut { generation, .. }
            | O::OperatorCut { generation, .. } => *at < last && generation == live,
            O::Position { generation, .. } | O::Cut { generation, .. } => {
                *at < last && generation == live
            }
            O::Staged { .. } => true,
            _ => false,
        })
        .collect();
    let at = *candidates.get(dice.below(candidates.len()))?;
    Some(match &mut events[at].what {
        O::Executed { child, .. } => match dice.below(3) {
            0 => {
                events.remove(at);
                "an execution is gone"
            }
            1 => {
                let again = events[at].clone();
                events.insert(at, again);
                "an execution came twice"
            }
            _ => {
                *child = Child(child.0 ^ 1 << 20);
                "an execution is of another tuple"
            }
        },
        O::GroupCut { print, keys, .. } => match dice.below(2) {
            0 => {
                *print ^= 1;
                "a fingerprint differs"
            }
            _ => {
                *keys += 1;
                "a key too many"
            }
        },
        O::OperatorCut { print, .. } => {
            *print ^= 1;
            "a fingerprint differs"
        }
        O::Position { next, .. } => {
            next.0 += 1;
            "an offset is one too far"
        }
        O::Cut { .. } => {
            events.remove(at);
            "a cut is gone"
        }
        O::Staged { print, child, .. } => match dice.below(3) {
            0 => {
                *print ^= 1;
                "an output has other values"
            }
            1 => {
                events.remove(at);
                "an output never came"
            }
            _ => {
                *child = Child(child.0 ^ 1 << 20);
                "an output is of another tuple"
            }
        },
        _ => return None,
    })
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn honest_histories_pass(seed: u64, which in 0..4_usize, restarts in 0..5_usize) {
        check_honest(which, seed, restarts);
    }

    #[test]
    fn a_bent_history_is_caught(seed: u64, which in 0..4_usize, restarts in 0..3_usize) {
        let mut mini = honest(which, seed, restarts);
        let mut events = std::mem::take(&mut mini.events);
        // Checkpoints that never completed count for nothing: bend one of a settled history.
        let mut dice = Dice(seed ^ 1);
        if let Some(what) = bend(&mut events, &mut dice) {
            let judges = judge(&mini, &events);
            prop_assert!(!judges.violations().is_empty(), "{what} and nobody noticed");
        }
    }

    /// A clone in mid-run and its original say the same.
    #[test]
    fn a_clone_continues_the_same(seed: u64, which in 0..4_usize, at in 0.0..1.0_f64) {
        let mini = honest(which, seed, 2);
        let mut judges = super::fresh(&mini);
        let half = (mini.events.len() as f64 * at) as usize;
        let feed = |judges: &mut super::Judges, events: &[Event]| {
            for event in events {
                judges.observed(stormglass_sim::time::Instant(1), event.node, &event.what);
            }
        };
        feed(&mut judges, &mini.events[..half]);
        let mut clone = judges.clone();
        for judges in [&mut judges, &mut clone] {
            feed(judges, &mini.events[half..]);
            judges.finish();
            prop_assert_eq!(judges.violations(), &[]);
            prop_assert!(judges.is_complete());
        }
    }
}
