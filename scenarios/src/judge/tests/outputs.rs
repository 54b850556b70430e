//! Bent histories: what becomes visible.

use std::sync::Arc;

use stormglass_engine::ids::CheckpointId;
use stormglass_engine::observation::Observation as O;
use stormglass_sim::time::{Instant, Span};

use super::orders::calm;
use super::{Judges, Law, broken, judge, last, position};

fn is_output(o: &O) -> bool {
    matches!(o, O::Published { .. })
}

#[test]
fn early_outputs_are_seen() {
    let (mini, mut events) = calm();
    let at = position(&events, is_output);
    let early = events.remove(at);
    let done = position(&events, |o| matches!(o, O::CheckpointCompleted { .. }));
    events.insert(done, early);
    let violation = broken(&mini, &events, Law::VisibleOnlyWhenComplete);
    assert!(violation.sentence.starts_with("publish["), "{}", violation.sentence);
    assert!(violation.sentence.ends_with("before checkpoint 1 completed"), "{violation:?}");
}

#[test]
fn repeated_outputs_are_seen() {
    let (mini, mut events) = calm();
    let again = events[last(&events, is_output)].clone();
    events.push(again);
    broken(&mini, &events, Law::NoDuplicate);
    let violation = broken(&mini, &events, Law::OutputEqualsOracle);
    assert!(violation.sentence.contains("beyond what the oracle's"), "{}", violation.sentence);
}

#[test]
fn missing_outputs_are_seen() {
    let (mini, mut events) = calm();
    events.remove(last(&events, is_output));
    let judges = judge(&mini, &events);
    assert!(!judges.is_complete());
    let pending = judges.pending().expect("something missing");
    assert!(pending.contains("has 1 unpublished output of checkpoint"), "{pending}");
    let violation = broken(&mini, &events, Law::NoLoss);
    assert!(violation.sentence.contains("never published"), "{}", violation.sentence);
}

#[test]
fn other_values_are_seen() {
    let (mini, mut events) = calm();
    let at = position(&events, is_output);
    let O::Published { print, .. } = &mut events[at].what else { return };
    *print ^= 1;
    let violation = broken(&mini, &events, Law::OutputEqualsOracle);
    assert!(violation.sentence.contains("with other values"), "{}", violation.sentence);
}

#[test]
fn the_order_within_a_transaction_is_free() {
    let (mini, mut events) = calm();
    let same = |a: &O, b: &O| match (a, b) {
        (
            O::Published { task, checkpoint, .. },
            O::Published { task: task_b, checkpoint: checkpoint_b, .. },
        ) => task == task_b && checkpoint == checkpoint_b,
        _ => false,
    };
    for at in 0..events.len() - 1 {
        if same(&events[at].what, &events[at + 1].what) {
            events.swap(at, at + 1);
        }
    }
    assert_eq!(judge(&mini, &events).violations(), &[]);
}

#[test]
fn outputs_of_no_checkpoint_are_seen() {
    let (mini, mut events) = calm();
    let at = position(&events, is_output);
    let O::Published { checkpoint, .. } = &mut events[at].what else { return };
    *checkpoint = CheckpointId(77);
    broken(&mini, &events, Law::VisibleOnlyWhenComplete);
}

#[test]
fn what_is_pending_is_said() {
    let (mini, events) = calm();
    let mut judges = Judges::new(Arc::clone(&mini.topology), mini.log.clone());
    assert_eq!(judges.pending().as_deref(), Some("p0 is folded up to 0 of 30"));
    let done = position(&events, |o| matches!(o, O::CheckpointCompleted { .. }));
    for event in &events[..done] {
        judges.observed(Instant(1), event.node, &event.what);
    }
    assert!(judges.in_flight() > 0);
    let before = judges.in_flight();
    judges.observed(Instant(2), events[done].node, &events[done].what);
    assert!(judges.in_flight() < before);
    judges.progress(judges.pending().as_deref(), Span::secs(60));
    let violation = judges.violations().last().expect("no progress");
    assert_eq!(violation.law, Law::Progress);
    assert!(violation.sentence.ends_with("is still missing after 60s of virtual time"));
}
