//! Bent histories: generations, fences, restores.

use stormglass_engine::ids::{CheckpointId, Generation, TaskId};
use stormglass_engine::observation::{Observation as O, Resource};
use stormglass_engine::topology::Delivery;
use stormglass_sim::node::NodeId;

use super::mini::{Event, Mini};
use super::{Law, broken, gone_back, insert, judge, position, topologies};

/// Word count with a restart after the second checkpoint.
fn disturbed() -> (Mini, Vec<Event>) {
    let mut mini = Mini::new(topologies::word_count(), topologies::log(3, 300), 11);
    for _ in 0..2 {
        for _ in 0..60 {
            mini.step();
        }
        mini.checkpoint();
    }
    mini.restart();
    mini.run(0);
    let events = mini.events.clone();
    assert_eq!(judge(&mini, &events).violations(), &[]);
    let restored = |e: &Event| matches!(e.what, O::Granted { restore: Some(_), .. });
    assert!(events.iter().any(restored), "something to restore");
    (mini, events)
}

fn second(events: &[Event]) -> usize {
    position(events, |o| matches!(o, O::Granted { generation: Generation(2), .. }))
}

#[test]
fn a_grant_restores_the_newest_checkpoint() {
    let (mini, mut events) = disturbed();
    for event in &mut events {
        match &mut event.what {
            O::Granted { restore: Some(c), .. } | O::Restored { checkpoint: Some(c), .. } => {
                c.0 -= 1
            }
            _ => {}
        }
    }
    let violation = broken(&mini, &events, Law::RestoreLatest);
    let expected = "generation 2 was granted to restore checkpoint 1, \
                    but the newest completed is checkpoint 2";
    assert_eq!(violation.sentence, expected);
    assert_eq!(violation.events.len(), 2);
}

#[test]
fn all_tasks_restore_the_same() {
    let (mini, mut events) = disturbed();
    let last = super::last(&events, |o| matches!(o, O::Restored { .. }));
    let O::Restored { checkpoint, .. } = &mut events[last].what else { return };
    *checkpoint = Some(CheckpointId(1));
    let violation = broken(&mini, &events, Law::RestoreLatest);
    assert!(violation.sentence.contains("which was to restore checkpoint 2"), "{violation:?}");
}

#[test]
fn a_task_is_restored_once() {
    let (mini, mut events) = disturbed();
    let last = super::last(&events, |o| matches!(o, O::Restored { .. }));
    let again = events[last].clone();
    events.insert(last + 1, again);
    let violation = broken(&mini, &events, Law::RestoreLatest);
    assert!(violation.sentence.ends_with("was restored twice in generation 2"), "{violation:?}");
}

#[test]
fn nobody_starts_without_a_grant() {
    let (mini, mut events) = disturbed();
    events.remove(second(&events));
    let violation = broken(&mini, &events, Law::RestoreLatest);
    assert!(violation.sentence.contains("which nobody granted"), "{}", violation.sentence);
}

#[test]
fn a_checkpoint_of_an_old_generation_does_not_complete() {
    let (mini, mut events) = disturbed();
    let at = second(&events);
    let (checkpoint, generation) = (CheckpointId(9_999), Generation(1));
    let (kind, bytes) = (Default::default(), 0);
    insert(&mut events, at + 1, O::CheckpointCompleted { checkpoint, kind, generation, bytes });
    let violation = broken(&mini, &events, Law::RestoreLatest);
    assert!(violation.sentence.contains("of generation 1 completed in generation 2"));
}

#[test]
fn generations_rise() {
    let (mini, mut events) = disturbed();
    let at = second(&events);
    let again = events[at].clone();
    events.insert(at + 1, again);
    let violation = broken(&mini, &events, Law::Fencing);
    assert_eq!(violation.sentence, "generation 2 was granted after generation 2");
}

#[test]
fn resources_are_fenced_before_a_restore() {
    let (mini, events) = disturbed();
    for (resource, noun) in
        [(Resource::Broker, "broker"), (Resource::Store, "store"), (Resource::Receiver, "receiver")]
    {
        let mut bent = events.clone();
        bent.retain(|e| {
            let O::Fenced { resource: of, generation, .. } = e.what else { return true };
            (of, generation) != (resource, Generation(2))
        });
        let violation = broken(&mini, &bent, Law::Fencing);
        let expected = format!("in generation 2 before the {noun} was fenced for it");
        assert!(violation.sentence.ends_with(&expected), "{}", violation.sentence);
    }
}

#[test]
fn old_generations_are_refused() {
    let (mini, events) = disturbed();
    let accepted = |generation| O::Accepted {
        resource: Resource::Checkpoints,
        generation: Generation(generation),
        task: TaskId(1),
    };
    let mut fine = events.clone();
    insert(&mut fine, second(&events), accepted(1));
    fine.push(Event { node: NodeId::new(9, 0), what: accepted(2) });
    assert_eq!(judge(&mini, &fine).violations(), &[]);
    let mut bent = events.clone();
    bent.push(Event { node: NodeId::new(9, 0), what: accepted(1) });
    let violation = broken(&mini, &bent, Law::Fencing);
    let expected = "the checkpoint coordinator accepted count[0] of generation 1 \
                    after generation 2 had started";
    assert_eq!(violation.sentence, expected);
    assert_eq!(violation.events.len(), 2);
}

#[test]
fn who_knows_of_a_fence_keeps_it() {
    let (mini, mut events) = disturbed();
    let at = position(&events, |o| {
        matches!(o, O::Fenced { resource: Resource::Store, generation: Generation(2), .. })
    });
    let (node, resource) = (events[at].node, Resource::Store);
    let (generation, task) = (Generation(1), TaskId(1));
    events.insert(at + 1, Event { node, what: O::Accepted { resource, generation, task } });
    let violation = broken(&mini, &events, Law::Fencing);
    assert!(violation.sentence.ends_with("fenced off all before generation 2"), "{violation:?}");
}

#[test]
fn replay_after_a_restore_one_too_far_loses_a_record() {
    let (mini, mut events) = disturbed();
    let from = second(&events);
    let first = from
        + position(&events[from..], |o| {
            matches!(o, O::Executed { generation: Generation(2), from: TaskId::BROKER, .. })
        });
    let O::Executed { root: skipped, .. } = events[first].what else { return };
    let of_it = |e: &Event| {
        let O::Executed { generation, root, .. } = e.what else { return false };
        (generation, root) == (Generation(2), skipped)
    };
    events.retain(|e| !of_it(e));
    let violation = broken(&mini, &events, Law::LegalOrder);
    assert!(violation.sentence.contains(&format!("where {skipped} was next")), "{violation:?}");
}

/// An engine that really goes back to the checkpoint before the newest.
#[test]
fn replay_from_an_older_checkpoint_counts_twice() {
    let mini = gone_back(Delivery::Transactional);
    broken(&mini, &mini.events, Law::RestoreLatest);
    let violation = broken(&mini, &mini.events, Law::NoDuplicate);
    assert!(violation.sentence.contains(" a second time"), "{}", violation.sentence);
}
