//! Bent histories: checkpoints.

use stormglass_engine::ids::{Attempt, CheckpointId};
use stormglass_engine::observation::Observation as O;

use super::mini::{Event, Mini};
use super::orders::{calm, is_update};
use super::{Law, broken, last, position, topologies};

fn is_cut(o: &O) -> bool {
    matches!(o, O::Cut { .. })
}

/// Moves the first update after a cut of its task before that cut.
fn pull_over_a_cut(events: &mut Vec<Event>) {
    let done = last(events, |o| matches!(o, O::CheckpointCompleted { .. }));
    let mut pairs = (0..done).filter(|at| is_cut(&events[*at].what)).filter_map(|cut| {
        let O::Cut { task: of, .. } = events[cut].what else { return None };
        let next = events[cut..done].iter().position(|event| match event.what {
            O::Executed { task, group, .. } => task == of && group.is_some(),
            _ => false,
        })?;
        Some((cut, cut + next))
    });
    let (cut, late) = pairs.next_back().expect("an update after a cut");
    let event = events.remove(late);
    events.insert(cut, event);
}

#[test]
fn a_tuple_from_behind_the_barrier_is_not_in_the_cut() {
    let (mini, mut events) = calm();
    pull_over_a_cut(&mut events);
    let violation = broken(&mini, &events, Law::ConsistentCut);
    assert!(violation.sentence.contains("but words["), "{}", violation.sentence);
    assert!(violation.sentence.contains("sent it after its own cut"), "{}", violation.sentence);
    assert_eq!(violation.events.len(), 3);
}

#[test]
fn a_tuple_before_the_barrier_is_in_the_cut() {
    let (mini, mut events) = calm();
    // The last update before the last cut of its task comes after it.
    let cut = (0..events.len())
        .rev()
        .find(|at| match events[*at].what {
            O::Cut { task: of, .. } => events[..*at]
                .iter()
                .any(|e| matches!(e.what, O::Executed { task, group: Some(_), .. } if task == of)),
            _ => false,
        })
        .expect("a cut of count");
    let O::Cut { task: of, .. } = events[cut].what else { return };
    let first_cut = position(&events, |o| matches!(o, O::Cut { task, .. } if *task == of));
    let late = last(
        &events[..first_cut],
        |o| matches!(o, O::Executed { task, group: Some(_), .. } if *task == of),
    );
    let event = events.remove(late);
    events.insert(first_cut, event);
    let violation = broken(&mini, &events, Law::ConsistentCut);
    assert!(violation.sentence.starts_with("1 tuple words["), "{}", violation.sentence);
    assert!(violation.sentence.contains("before checkpoint 1 but not"), "{}", violation.sentence);
}

#[test]
fn every_task_cuts_and_acknowledges() {
    let (mini, events) = calm();
    let mut uncut = events.clone();
    uncut.remove(last(&events, is_cut));
    let violation = broken(&mini, &uncut, Law::ConsistentCut);
    assert!(violation.sentence.contains("without a cut of"), "{}", violation.sentence);
    let mut unacked = events.clone();
    let at = last(&events, |o| matches!(o, O::CheckpointAcked { .. }));
    if let O::CheckpointAcked { attempt, .. } = &mut unacked[at].what {
        *attempt = Attempt(0);
    }
    let violation = broken(&mini, &unacked, Law::ConsistentCut);
    assert!(violation.sentence.contains("the acknowledgement of"), "{}", violation.sentence);
}

#[test]
fn a_cut_holds_the_next_offset() {
    let (mini, mut events) = calm();
    let at = position(&events, |o| matches!(o, O::Position { .. }));
    let O::Position { next, .. } = &mut events[at].what else { return };
    next.0 += 1;
    let violation = broken(&mini, &events, Law::ConsistentCut);
    assert!(violation.sentence.contains(" is next"), "{}", violation.sentence);
    events.remove(at);
    let violation = broken(&mini, &events, Law::ConsistentCut);
    assert!(violation.sentence.contains("holds no offset for"), "{}", violation.sentence);
}

#[test]
fn groups_equal_the_oracles() {
    let (mini, events) = calm();
    let at = last(&events, |o| matches!(o, O::GroupCut { .. }));
    let mut bent = events.clone();
    if let O::GroupCut { print, .. } = &mut bent[at].what {
        *print ^= 1;
    }
    let violation = broken(&mini, &bent, Law::StateEqualsOracle);
    assert!(violation.sentence.contains("that of the oracle has"), "{}", violation.sentence);
    bent.remove(at);
    let violation = broken(&mini, &bent, Law::StateEqualsOracle);
    assert!(violation.sentence.contains("is empty, the oracle's has"), "{}", violation.sentence);
}

#[test]
fn operator_state_equals_the_oracles() {
    let mut mini = Mini::new(topologies::states(), topologies::log(3, 90), 5);
    mini.run(2);
    let events = std::mem::take(&mut mini.events);
    assert_eq!(super::judge(&mini, &events).violations(), &[]);
    let at = last(&events, |o| matches!(o, O::OperatorCut { .. }));
    let mut bent = events.clone();
    if let O::OperatorCut { print, .. } = &mut bent[at].what {
        *print ^= 1;
    }
    let violation = broken(&mini, &bent, Law::StateEqualsOracle);
    assert!(violation.sentence.contains("the operator state of keep["), "{}", violation.sentence);
    assert_eq!(violation.events.len(), 1);
    bent.remove(at);
    let violation = broken(&mini, &bent, Law::StateEqualsOracle);
    assert!(violation.sentence.contains("] is nothing, that of the"), "{}", violation.sentence);
}

#[test]
fn a_group_belongs_to_one_task() {
    let (mini, mut events) = calm();
    let at = last(&events, |o| matches!(o, O::GroupCut { .. }));
    let O::GroupCut { task, .. } = &mut events[at].what else { return };
    let count = mini.topology.find("count").expect("count");
    let other = count.tasks().find(|other| other != task).expect("another task");
    *task = other;
    broken(&mini, &events, Law::StateEqualsOracle);
}

#[test]
fn checkpoints_complete_once() {
    let (mini, mut events) = calm();
    let at = last(&events, |o| matches!(o, O::CheckpointCompleted { .. }));
    let again = events[at].clone();
    events.insert(at + 1, again.clone());
    let violation = broken(&mini, &events, Law::ConsistentCut);
    assert!(violation.sentence.contains("completed after checkpoint"), "{}", violation.sentence);
    let O::CheckpointCompleted { kind, generation, bytes, .. } = again.what else { return };
    let checkpoint = CheckpointId(1);
    events[at + 1].what = O::CheckpointCompleted { checkpoint, kind, generation, bytes };
    let violation = broken(&mini, &events, Law::ConsistentCut);
    assert!(violation.sentence.contains("completed after checkpoint"), "{}", violation.sentence);
}

#[test]
fn a_false_end_is_noticed() {
    let (mini, mut events) = calm();
    let at = position(&events, is_update);
    let O::Executed { task, generation, root, .. } = events[at].what else { return };
    super::insert(&mut events, at + 1, O::Ended { task, generation, root, unused: 1 });
    let violation = broken(&mini, &events, Law::StateEqualsOracle);
    assert!(violation.sentence.contains("the tree ended there"), "{}", violation.sentence);
}
