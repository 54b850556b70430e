//! Bent histories: what sinks without transactions make visible.

use stormglass_engine::observation::Observation as O;
use stormglass_engine::topology::Delivery;

use super::mini::{Event, Mini};
use super::{Law, broken, insert, judge, last, position, topologies};

/// Word count into a sink of some kind, with a few failures.
fn disturbed(delivery: Delivery, restarts: usize) -> (Mini, Vec<Event>) {
    let mut mini = Mini::new(topologies::words_to(delivery), topologies::log(3, 90), 5);
    mini.run(restarts);
    let events = mini.events.clone();
    let judges = judge(&mini, &events);
    assert_eq!(judges.violations(), &[]);
    assert!(judges.is_complete());
    (mini, events)
}

fn is_write(o: &O) -> bool {
    matches!(o, O::Appended { .. } | O::Upserted { .. })
}

#[test]
fn honest_histories_pass_and_only_plain_sinks_repeat() {
    for seed in 0..20 {
        for delivery in [Delivery::Plain, Delivery::Idempotent] {
            let mut mini = Mini::new(topologies::words_to(delivery), topologies::log(3, 90), seed);
            mini.run(3);
            let judges = judge(&mini, &mini.events);
            assert_eq!(judges.violations(), &[], "seed {seed}");
            let id = mini.topology.find("publish").expect("a sink").id;
            let visible = mini.events.iter().filter(|event| is_write(&event.what)).count() as u64;
            let repeated = visible - judges.published(id);
            let counted = if delivery == Delivery::Plain { repeated } else { 0 };
            assert_eq!(judges.duplicates().outputs, counted, "seed {seed}");
        }
    }
}

#[test]
fn outputs_that_were_not_there_in_time_are_missed() {
    for delivery in [Delivery::Plain, Delivery::Idempotent] {
        let (mini, mut events) = disturbed(delivery, 0);
        events.remove(last(&events, is_write));
        let violation = broken(&mini, &events, Law::NoLoss);
        assert!(violation.sentence.contains("was not visible"), "{}", violation.sentence);
    }
}

#[test]
fn other_values_are_seen() {
    for delivery in [Delivery::Plain, Delivery::Idempotent] {
        let (mini, mut events) = disturbed(delivery, 1);
        let at = last(&events, is_write);
        if let O::Appended { print, .. } | O::Upserted { print, .. } = &mut events[at].what {
            *print ^= 1;
        }
        broken(&mini, &events, Law::OutputEqualsOracle);
    }
}

#[test]
fn writes_in_another_order_are_seen() {
    let (mini, mut events) = disturbed(Delivery::Plain, 0);
    let of = |event: &Event| match event.what {
        O::Appended { task, .. } => Some(task),
        _ => None,
    };
    let first = position(&events, is_write);
    let next = (first + 1..events.len()).find(|at| of(&events[*at]) == of(&events[first]));
    events.swap(first, next.expect("it writes twice"));
    broken(&mini, &events, Law::OutputEqualsOracle);
}

#[test]
fn a_zombie_must_not_replace_a_newer_row() {
    let (mini, mut events) = disturbed(Delivery::Idempotent, 2);
    let at = last(&events, is_write);
    let O::Upserted { task, generation, sequence, key, root, child, print } = events[at].what
    else {
        return;
    };
    assert!(generation.0 > 1);
    let generation = stormglass_engine::ids::Generation(1);
    let stale = O::Upserted { task, generation, sequence, key, root, child, print: print ^ 1 };
    insert(&mut events, at + 1, stale);
    let violation = broken(&mini, &events, Law::Fencing);
    assert!(violation.sentence.contains("replaced a row"), "{}", violation.sentence);
    let violation = broken(&mini, &events, Law::OutputEqualsOracle);
    assert!(violation.sentence.contains("the oracle's last write"), "{}", violation.sentence);
}

#[test]
fn a_row_that_the_oracle_does_not_have_is_seen() {
    let (mini, mut events) = disturbed(Delivery::Idempotent, 0);
    let end = events.len();
    let O::Upserted { task, generation, sequence, root, child, print, .. } =
        events[last(&events, is_write)].what
    else {
        return;
    };
    let stranger = O::Upserted { task, generation, sequence, key: 7, root, child, print };
    insert(&mut events, end, stranger);
    let violation = broken(&mini, &events, Law::OutputEqualsOracle);
    assert!(violation.sentence.contains("the oracle has none"), "{}", violation.sentence);
}

/// What a receiver tells that starts again after all this.
fn kept(events: &[Event]) -> Vec<O> {
    let mut rows = std::collections::BTreeMap::new();
    for event in events {
        if let O::Upserted { task, generation, sequence, key, print, .. } = event.what {
            rows.insert(key, O::RowKept { task, generation, sequence, key, print });
        }
    }
    let count = rows.len() as u64;
    rows.into_values().chain([O::RowsKept { rows: count }]).collect()
}

#[test]
fn a_receiver_that_starts_again_has_every_row() {
    let (mini, events) = disturbed(Delivery::Idempotent, 1);
    let told = kept(&events);
    let with = |told: &[O]| {
        let mut events = events.clone();
        for what in told {
            let end = events.len();
            insert(&mut events, end, *what);
        }
        events
    };
    assert_eq!(judge(&mini, &with(&told)).violations(), &[]);
    let violation = broken(&mini, &with(&told[1..]), Law::NoLoss);
    assert!(violation.sentence.contains("came back without"), "{}", violation.sentence);
    let mut older = told.clone();
    if let O::RowKept { generation, .. } = &mut older[0] {
        generation.0 = 0;
    }
    let violation = broken(&mini, &with(&older), Law::NoLoss);
    assert!(violation.sentence.contains("replaced before"), "{}", violation.sentence);
}
