//! Bent histories: what barriers overtook.

use stormglass_engine::ids::TaskId;
use stormglass_engine::observation::Observation as O;

use super::mini::{Event, Mini};
use super::{Law, broken, judge, last, position, topologies};

/// Checkpoints that wait for nothing, and restarts from them.
fn frozen(seed: u64) -> Mini {
    let mut mini = Mini::new(topologies::word_count(), topologies::log(3, 90), seed);
    for _ in 0..6 {
        let steps = 10 + mini.dice.below(60);
        (0..steps).for_each(|_| {
            mini.step();
        });
        mini.freeze();
        if mini.dice.below(2) == 0 {
            mini.restart();
        }
    }
    mini.settle();
    mini
}

/// One such history, with a restart behind its last checkpoint that has something in flight.
fn history() -> (Mini, Vec<Event>) {
    let mut mini = Mini::new(topologies::word_count(), topologies::log(3, 90), 7);
    (0..60).for_each(|_| {
        mini.step();
    });
    mini.freeze();
    mini.restart();
    mini.settle();
    let events = mini.events.clone();
    assert_eq!(judge(&mini, &events).violations(), &[]);
    (mini, events)
}

fn is_in_flight(o: &O) -> bool {
    matches!(o, O::InFlight { .. })
}

#[test]
fn honest_checkpoints_that_wait_for_nothing_pass() {
    let mut persisted = 0;
    for seed in 0..60 {
        let mini = frozen(seed);
        let judges = judge(&mini, &mini.events);
        assert_eq!(judges.violations(), &[], "seed {seed}");
        assert!(judges.is_complete(), "seed {seed}: {:?}", judges.pending());
        persisted += mini.events.iter().filter(|event| is_in_flight(&event.what)).count();
    }
    assert!(persisted > 500, "{persisted} pieces");
}

#[test]
fn what_is_in_flight_is_pending_and_not_lost() {
    let mut mini = Mini::new(topologies::word_count(), topologies::log(3, 90), 3);
    (0..60).for_each(|_| {
        mini.step();
    });
    mini.freeze();
    while mini.publish() {}
    assert!(mini.events.iter().any(|event| is_in_flight(&event.what)));
    let judges = judge(&mini, &mini.events);
    assert_eq!(judges.violations(), &[]);
    assert!(!judges.is_complete());
    let pending = judges.pending().expect("something");
    assert!(pending.contains("in flight") || pending.contains("folded up to"), "{pending}");
}

#[test]
fn in_flight_data_is_persisted() {
    let (mini, mut events) = history();
    let at = position(&events, is_in_flight);
    let O::InFlight { from, to, .. } = events[at].what else { return };
    let of_channel =
        |o: &O| matches!(o, O::InFlight { from: a, to: b, .. } if (*a, *b) == (from, to));
    events.retain(|event| !of_channel(&event.what));
    let violation = broken(&mini, &events, Law::ConsistentCut);
    assert!(violation.sentence.contains("but not executed before it"), "{}", violation.sentence);
}

#[test]
fn all_of_it_is() {
    let (mini, mut events) = history();
    let at = last(&events, |o| matches!(o, O::InFlight { tuples, .. } if *tuples > 1));
    let O::InFlight { tuples, .. } = &mut events[at].what else { return };
    *tuples -= 1;
    let violation = broken(&mini, &events, Law::ConsistentCut);
    assert!(violation.sentence.contains("where "), "{}", violation.sentence);
    assert!(violation.events.iter().any(|event| is_in_flight(&event.what)));
}

#[test]
fn it_is_persisted_in_order() {
    let (mini, mut events) = history();
    let at = last(&events, is_in_flight);
    let O::InFlight { print, .. } = &mut events[at].what else { return };
    *print ^= 1;
    let violation = broken(&mini, &events, Law::ConsistentCut);
    assert!(violation.sentence.contains("or in another order"), "{}", violation.sentence);
}

#[test]
fn none_of_it_is_invented() {
    let (mini, events) = history();
    let at = last(&events, is_in_flight);
    let O::InFlight { task, .. } = events[at].what else { return };
    let mut bent = events.clone();
    bent.insert(at, bent[at].clone());
    let violation = broken(&mini, &bent, Law::ConsistentCut);
    assert!(violation.sentence.contains("where "), "{}", violation.sentence);
    let mut bent = events;
    if let O::InFlight { from, to, .. } = &mut bent[at].what {
        (*from, *to) = (task, task);
    }
    let sentence = broken(&mini, &bent, Law::ConsistentCut).sentence;
    assert!(sentence.contains("no channel of it") || sentence.contains("where "), "{sentence}");
    assert!(TaskId(1) <= task);
}

/// The first two executions from one sender by one task in the last generation.
fn first_two(events: &[Event]) -> (usize, usize) {
    let granted = last(events, |o| matches!(o, O::Granted { .. }));
    let O::Granted { generation: newest, .. } = events[granted].what else { return (0, 0) };
    let channel = |at: &usize| match events[*at].what {
        O::Executed { task, from, generation, .. } if generation == newest => {
            (from != TaskId::BROKER).then_some((task, from))
        }
        _ => None,
    };
    let tuple = |at: &usize| match events[*at].what {
        O::Executed { root, child, .. } => Some((root, child)),
        _ => None,
    };
    let all: Vec<usize> = (granted..events.len()).filter(|at| channel(at).is_some()).collect();
    let pair = all.iter().find_map(|first| {
        let mut later = all.iter().filter(|at| *at > first);
        let next = later.find(|at| channel(at) == channel(first))?;
        (tuple(first) != tuple(next)).then_some((*first, *next))
    });
    pair.expect("a channel with two tuples")
}

#[test]
fn after_a_restore_it_comes_first_and_in_order() {
    let (mini, events) = history();
    let (first, second) = first_two(&events);
    let mut bent = events.clone();
    bent.swap(first, second);
    let violation = broken(&mini, &bent, Law::LegalOrder);
    assert!(violation.sentence.contains("was next on the channel"), "{}", violation.sentence);
    let mut lost = events;
    lost.remove(first);
    let violation = broken(&mini, &lost, Law::LegalOrder);
    assert!(violation.sentence.contains("was next on the channel"), "{}", violation.sentence);
}
