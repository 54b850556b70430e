//! Bent histories: transactions that time out. The transaction timeout is 250 ns, and there is an
//! observation every nanosecond.

use stormglass_engine::observation::Observation as O;
use stormglass_sim::time::{Instant, Span};

use super::super::Judges;
use super::mini::{Event, Mini};
use super::orders::calm;
use super::{Claim, Law, fresh_with, insert, last, position};

/// Judges with or without the assumption that outages are shorter than the timeout.
fn judge(mini: &Mini, events: &[Event], assumed: bool) -> Judges {
    let mut judges = fresh_with(mini, Claim { timeout: Span::nanos(250), assumed });
    for (at, event) in (1..).zip(events) {
        judges.observed(Instant(at), event.node, &event.what);
    }
    judges.finish();
    judges
}

/// The first transaction times out, and its sink learns of that so long after it began.
fn lost(outage: usize) -> (Mini, Vec<Event>) {
    let (mini, mut events) = calm();
    let at = position(&events, |o| matches!(o, O::Published { .. }));
    let O::Published { task, generation, checkpoint, records } = events.remove(at).what else {
        unreachable!("it was just found")
    };
    let (age, ends) = (Span::nanos(250), Some(checkpoint));
    let expired = O::TransactionExpired { task, generation, checkpoint: ends, records, age };
    insert(&mut events, at, expired);
    let age = Span::nanos(outage as u64);
    let told = O::TransactionLost { task, generation, checkpoint, records, age };
    let begins = |o: &O| matches!(o, O::Restored { task: of, .. } if *of == task);
    let began = position(&events, begins);
    assert!(began < at && at < began + outage, "it expires before somebody comes for it");
    insert(&mut events, began + outage, told);
    (mini, events)
}

#[test]
fn a_loss_by_a_timeout_is_a_loss() {
    let (mini, events) = lost(260);
    let judges = judge(&mini, &events, false);
    let [violation] = judges.violations() else { panic!("{:?}", judges.violations()) };
    assert_eq!(violation.law, Law::NoLoss);
    let sentence = &violation.sentence;
    assert!(sentence.contains("timed out"), "{sentence}");
    assert!(sentence.contains("the transaction timeout is 250ns"), "{sentence}");
    assert_eq!(judges.unjudged(), None);
    // Nothing else is missed for it.
    assert!(judges.is_complete());
}

#[test]
fn an_assumption_that_was_not_so_leaves_it_open() {
    let (mini, events) = lost(250);
    let judges = judge(&mini, &events, true);
    assert_eq!(judges.violations(), &[]);
    let why = judges.unjudged().expect("nobody can say").why;
    assert!(why.contains("transaction timeout of 250ns"), "{why}");
}

#[test]
fn an_assumption_that_was_so_excuses_nothing() {
    let (mini, events) = lost(249);
    let judges = judge(&mini, &events, true);
    assert_eq!(judges.violations().len(), 1, "{:?}", judges.violations());
    assert_eq!(judges.unjudged(), None);
}

#[test]
fn what_no_completed_checkpoint_covers_is_not_lost() {
    let (mini, mut events) = calm();
    let at = last(&events, |o| matches!(o, O::Published { .. }));
    let O::Published { task, generation, .. } = events[at].what else { return };
    let (checkpoint, age) = (Some(stormglass_engine::ids::CheckpointId(77)), Span::nanos(250));
    let expired = O::TransactionExpired { task, generation, checkpoint, records: 1, age };
    insert(&mut events, at, expired);
    for assumed in [false, true] {
        let judges = judge(&mini, &events, assumed);
        assert_eq!((judges.violations(), judges.unjudged()), (&[][..], None));
    }
}

/// The receiver tells who asks as soon as it has decided, and its disk takes a while: the sink
/// came, and learnt of the loss, before the timeout was durable. It was not as if nobody had come.
#[test]
fn who_comes_before_the_timeout_is_durable_has_come() {
    let (mini, mut events) = lost(251);
    let told = position(&events, |o| matches!(o, O::TransactionLost { .. }));
    let expired = position(&events, |o| matches!(o, O::TransactionExpired { .. }));
    let late = events.remove(expired);
    insert(&mut events, told, late.what);
    let judges = judge(&mini, &events, true);
    assert_eq!(judges.violations(), &[]);
    assert!(judges.is_complete());
    assert!(judges.unjudged().is_some());
}
