//! Bent histories: what a task executes, and what becomes of it.

use stormglass_engine::ids::{Child, Generation, KeyGroup, Root, TaskId};
use stormglass_engine::observation::Observation as O;

use super::mini::{Event, Mini};
use super::{Law, broken, judge, last, position, topologies};

/// Word count without a failure.
pub(super) fn calm() -> (Mini, Vec<Event>) {
    let mut mini = Mini::new(topologies::word_count(), topologies::log(3, 90), 5);
    mini.run(0);
    let events = mini.events.clone();
    assert_eq!(judge(&mini, &events).violations(), &[]);
    (mini, events)
}

pub(super) fn is_update(o: &O) -> bool {
    matches!(o, O::Executed { group: Some(_), .. })
}
fn is_read(o: &O) -> bool {
    matches!(o, O::Executed { from: TaskId::BROKER, .. })
}

#[test]
fn calm_runs_do_something() {
    let (mini, events) = calm();
    let judges = judge(&mini, &events);
    let id = |name: &str| mini.topology.find(name).expect("a component").id;
    let executed = events.iter().filter(|e| matches!(e.what, O::Executed { .. })).count();
    assert_eq!(judges.executed(), executed as u64);
    assert!(judges.checkpoints_completed() > 1);
    assert!(judges.folded(id("count")) > 90);
    assert_eq!(judges.folded(id("count")), judges.published(id("publish")));
    let state: Vec<String> =
        judges.final_state(id("count")).map(|(key, row)| format!("{key:?} {row:?}")).collect();
    assert_eq!(state.len(), 5, "{state:?}");
    assert!(state.is_sorted());
}

#[test]
fn a_lost_tuple_breaks_the_order() {
    let (mini, mut events) = calm();
    let at = position(&events, is_update);
    events.remove(at);
    let violation = broken(&mini, &events, Law::LegalOrder);
    assert!(violation.sentence.contains("was next on the channel"), "{}", violation.sentence);
    assert_eq!(violation.events.len(), 1);
}

#[test]
fn swapped_tuples_break_the_order() {
    let (mini, mut events) = calm();
    let twins = |a: &O, b: &O| match (a, b) {
        (
            O::Executed { task, from, root, .. },
            O::Executed { task: task_b, from: from_b, root: root_b, .. },
        ) => task == task_b && from == from_b && root != root_b && *from != TaskId::BROKER,
        _ => false,
    };
    let (a, b) = (0..events.len())
        .flat_map(|a| (a + 1..(a + 9).min(events.len())).map(move |b| (a, b)))
        .find(|(a, b)| twins(&events[*a].what, &events[*b].what))
        .expect("two tuples of a channel");
    events.swap(a, b);
    broken(&mini, &events, Law::LegalOrder);
}

#[test]
fn a_repeated_update_is_a_duplicate() {
    let (mini, mut events) = calm();
    let at = last(&events, is_update);
    let again = events[at].clone();
    events.insert(at, again);
    let violation = broken(&mini, &events, Law::NoDuplicate);
    assert!(
        violation.sentence.contains(" a second time with checkpoint "),
        "{}",
        violation.sentence
    );
    assert!(violation.sentence.starts_with("count["), "{}", violation.sentence);
    broken(&mini, &events, Law::LegalOrder);
}

#[test]
fn a_skipped_record_is_lost() {
    let (mini, mut events) = calm();
    let at = (0..events.len())
        .filter(|at| is_read(&events[*at].what))
        .find(|at| matches!(events[at + 1].what, O::Executed { .. } | O::Cut { .. }))
        .expect("a record with words");
    let O::Executed { root: skipped, .. } = events[at].what else { return };
    events.retain(|e| !matches!(e.what, O::Executed { root, .. } if root == skipped));
    let violation = broken(&mini, &events, Law::LegalOrder);
    assert!(violation.sentence.contains(&format!("where {skipped} was next")), "{violation:?}");
    let violation = broken(&mini, &events, Law::NoLoss);
    assert!(violation.sentence.ends_with(&format!("passed them: {skipped}")), "{violation:?}");
}

#[test]
fn a_record_of_another_task_is_refused() {
    let (mini, mut events) = calm();
    let at = position(&events, is_read);
    let O::Executed { root, .. } = &mut events[at].what else { return };
    root.0 ^= 1 << 48;
    broken(&mini, &events, Law::LegalOrder);
    let O::Executed { root, .. } = &mut events[at].what else { return };
    *root = Root(root.0 | 77 << 48);
    broken(&mini, &events, Law::LegalOrder);
}

#[test]
fn an_invented_tuple_is_refused() {
    let (mini, mut events) = calm();
    let at = last(&events, is_update);
    let O::Executed { child, .. } = &mut events[at].what else { return };
    *child = Child(4_711);
    broken(&mini, &events, Law::LegalOrder);
    let O::Executed { from, .. } = &mut events[at].what else { return };
    *from = TaskId(999);
    let violation = broken(&mini, &events, Law::LegalOrder);
    assert!(violation.sentence.contains("does not send to it"), "{}", violation.sentence);
}

#[test]
fn an_update_of_another_group_is_wrong_state() {
    let (mini, mut events) = calm();
    let at = position(&events, is_update);
    let O::Executed { group, .. } = &mut events[at].what else { return };
    *group = Some(KeyGroup(15));
    broken(&mini, &events, Law::StateEqualsOracle);
}

#[test]
fn a_task_must_be_restored_first() {
    let (mini, mut events) = calm();
    let at = position(&events, is_update);
    let O::Executed { task: early, .. } = events[at].what else { return };
    events.retain(|e| !matches!(e.what, O::Restored { task, .. } if task == early));
    let violation = broken(&mini, &events, Law::LegalOrder);
    assert!(violation.sentence.ends_with("before it was restored"), "{}", violation.sentence);
}

#[test]
fn what_no_generation_did_counts_for_nothing() {
    let (mini, mut events) = calm();
    let at = position(&events, is_update);
    let mut ghost = events[at].clone();
    let O::Executed { generation, .. } = &mut ghost.what else { return };
    *generation = Generation(0);
    events.insert(at, ghost);
    assert_eq!(judge(&mini, &events).violations(), &[]);
}

#[test]
fn answers_are_counted() {
    let mut mini = Mini::new(topologies::various(), topologies::log(3, 90), 5);
    mini.run(0);
    let mut events = mini.events.clone();
    let at = position(&events, |o| matches!(o, O::Answered { .. }));
    events.remove(at);
    let violation = broken(&mini, &events, Law::StateEqualsOracle);
    assert!(violation.sentence.contains("time or chance"), "{}", violation.sentence);
}

#[test]
fn other_answers_make_another_state() {
    let mut mini = Mini::new(topologies::various(), topologies::log(3, 90), 5);
    mini.run(0);
    let mut events = mini.events.clone();
    for event in &mut events {
        if let O::Answered { word, .. } = &mut event.what {
            *word += 1;
        }
    }
    assert!(!judge(&mini, &events).violations().is_empty());
}
