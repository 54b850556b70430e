//! Bent histories: what becomes visible.

use stormglass_engine::ids::CheckpointId;
use stormglass_engine::observation::Observation as O;
use stormglass_sim::time::{Instant, Span};

use super::mini::Event as Told;
use super::orders::calm;
use super::{Law, broken, judge, last, position};

fn is_output(o: &O) -> bool {
    matches!(o, O::Staged { .. })
}

fn is_visible(o: &O) -> bool {
    matches!(o, O::Published { .. })
}

/// The places of the observations of the first transaction: staged, pre-committed, published.
fn first_transaction(events: &[Told]) -> std::ops::RangeInclusive<usize> {
    position(events, is_output)..=position(events, is_visible)
}

#[test]
fn early_outputs_are_seen() {
    let (mini, mut events) = calm();
    let early: Vec<Told> = events.drain(first_transaction(&events)).collect();
    let done = position(&events, |o| matches!(o, O::CheckpointCompleted { .. }));
    events.splice(done..done, early);
    let violation = broken(&mini, &events, Law::VisibleOnlyWhenComplete);
    assert!(violation.sentence.starts_with("publish["), "{}", violation.sentence);
    assert!(violation.sentence.ends_with("before checkpoint 1 completed"), "{violation:?}");
}

#[test]
fn a_restarted_receiver_may_say_it_again() {
    let (mini, mut events) = calm();
    let transaction = first_transaction(&events);
    let (all, end) = (events[transaction.clone()].to_vec(), *transaction.end());
    // Once in the middle of staging, once after it was visible.
    events.splice(end + 1..end + 1, all.clone());
    events.splice(*transaction.start()..*transaction.start(), all[..1].to_vec());
    assert_eq!(judge(&mini, &events).violations(), &[]);
}

/// A storm's seed 20: a restore committed one transaction of a generation and aborted the next, and
/// the judge forgot both.
#[test]
fn an_aborted_transaction_voids_no_other() {
    let (mini, mut events) = calm();
    let at = position(&events, is_visible);
    let O::Published { task, generation, .. } = events[at].what else { return };
    let checkpoint = Some(CheckpointId(77));
    let what = O::TransactionAborted { task, generation, checkpoint, records: 1 };
    events.insert(at, Told { what, ..events[at].clone() });
    assert_eq!(judge(&mini, &events).violations(), &[]);
}

#[test]
fn repeated_outputs_are_seen() {
    let (mini, mut events) = calm();
    let transaction = first_transaction(&events);
    for event in &mut events[transaction.clone()] {
        if let O::PreCommitted { records, .. } | O::Published { records, .. } = &mut event.what {
            *records += 1;
        }
    }
    let again = events[*transaction.start()].clone();
    events.insert(*transaction.start(), again);
    broken(&mini, &events, Law::NoDuplicate);
    broken(&mini, &events, Law::OutputEqualsOracle);
}

#[test]
fn unstaged_outputs_are_seen() {
    let (mini, mut events) = calm();
    events.remove(position(&events, is_output));
    let violation = broken(&mini, &events, Law::OutputEqualsOracle);
    assert!(violation.sentence.contains("were staged"), "{}", violation.sentence);
}

#[test]
fn missing_outputs_are_seen() {
    let (mini, mut events) = calm();
    events.remove(last(&events, is_visible));
    let judges = judge(&mini, &events);
    assert!(!judges.is_complete());
    let pending = judges.pending().expect("something missing");
    assert!(pending.contains("of checkpoint"), "{pending}");
    assert!(pending.contains("unpublished output"), "{pending}");
    let violation = broken(&mini, &events, Law::NoLoss);
    assert!(violation.sentence.contains("never published"), "{}", violation.sentence);
}

#[test]
fn other_values_are_seen() {
    let (mini, mut events) = calm();
    let at = position(&events, is_output);
    let O::Staged { print, .. } = &mut events[at].what else { return };
    *print ^= 1;
    let violation = broken(&mini, &events, Law::OutputEqualsOracle);
    assert!(violation.sentence.contains("with other values"), "{}", violation.sentence);
}

#[test]
fn the_order_within_a_transaction_is_free() {
    let (mini, mut events) = calm();
    for at in 0..events.len() - 1 {
        if is_output(&events[at].what) && is_output(&events[at + 1].what) {
            events.swap(at, at + 1);
        }
    }
    assert_eq!(judge(&mini, &events).violations(), &[]);
}

#[test]
fn outputs_of_no_checkpoint_are_seen() {
    let (mini, mut events) = calm();
    let transaction = first_transaction(&events);
    for event in &mut events[transaction] {
        if let O::Staged { checkpoint, .. }
        | O::PreCommitted { checkpoint, .. }
        | O::Published { checkpoint, .. } = &mut event.what
        {
            *checkpoint = CheckpointId(77);
        }
    }
    broken(&mini, &events, Law::VisibleOnlyWhenComplete);
}

#[test]
fn what_is_pending_is_said() {
    let (mini, events) = calm();
    let mut judges = super::fresh(&mini);
    assert_eq!(judges.pending().as_deref(), Some("p0 is folded up to 0 of 30"));
    let done = position(&events, |o| matches!(o, O::CheckpointCompleted { .. }));
    for event in &events[..done] {
        judges.observed(Instant(1), event.node, &event.what);
    }
    assert!(judges.in_flight() > 0);
    let before = judges.in_flight();
    judges.observed(Instant(2), events[done].node, &events[done].what);
    assert!(judges.in_flight() < before);
    judges.progress(judges.pending().as_deref(), Span::secs(60), None);
    let violation = judges.violations().last().expect("no progress");
    assert_eq!(violation.law, Law::Progress);
    assert!(violation.sentence.starts_with("60s of virtual time after the faults stopped, "));
}
