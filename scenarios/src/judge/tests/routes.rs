//! Bent histories: tuples that took another way than their grouping's.

use stormglass_engine::ids::{Root, TaskId};
use stormglass_engine::observation::Observation as O;
use stormglass_engine::topology::ComponentBuilder;
use stormglass_engine::value::Value;

use super::mini::{Event, Mini};
use super::topologies::{Rounds, log, words_by};
use super::{Law, Violation, broken, judge, position};
use crate::judge::plan::Plan;
use crate::judge::ways::{Due, Way};

/// An honest history of words that go to the 4 tasks of `to`, in one epoch, and where executions
/// there are.
fn honest(subscribe: impl FnOnce(&mut ComponentBuilder)) -> (Mini, Vec<Event>, Vec<usize>) {
    let mut mini = Mini::new(words_by(subscribe), log(3, 90), 5);
    mini.settle();
    let events = mini.events.clone();
    let judges = judge(&mini, &events);
    assert_eq!(judges.violations(), &[]);
    assert!(judges.is_complete());
    let of_bolt = |at: &usize| match events[*at].what {
        O::Executed { from, .. } => from != TaskId::BROKER,
        _ => false,
    };
    let executions: Vec<usize> = (0..events.len()).filter(of_bolt).collect();
    assert!(executions.len() > 90, "enough to bend");
    (mini, events, executions)
}

/// Moves an execution to another task, by so many places.
fn divert(event: &mut Event, by: u16) {
    let O::Executed { task, .. } = &mut event.what else { panic!("an execution") };
    // `to` has the first 4 tasks.
    *task = TaskId((task.0 - 1 + by) % 4 + 1);
}

/// What the judges say if any one of these executions happens at another task.
fn diverted(subscribe: impl FnOnce(&mut ComponentBuilder), by: u16) -> Vec<Violation> {
    let (mini, events, executions) = honest(subscribe);
    let bend = |at: &usize| {
        let mut events = events.clone();
        divert(&mut events[*at], by);
        broken(&mini, &events, Law::LegalOrder)
    };
    executions.iter().step_by(17).map(bend).collect()
}

#[test]
fn a_partial_key_at_another_task_is_caught() {
    for by in 1..4 {
        for violation in diverted(
            |to| {
                to.partial_key_grouping("words", "default", &["word"]);
            },
            by,
        ) {
            let sentence = &violation.sentence;
            assert!(sentence.starts_with("words["), "{sentence}");
            assert!(
                sentence.contains("where its partial-key grouping sends it to to["),
                "{sentence}"
            );
            assert_eq!(violation.events.len(), 2, "the emission and the execution");
        }
    }
}

#[test]
fn a_value_in_another_range_is_caught() {
    let boundaries = || ["fog", "rain", "sun"].map(Value::from);
    for by in 1..4 {
        for violation in diverted(
            |to| {
                to.range_partition("words", "default", "word", boundaries());
            },
            by,
        ) {
            let sentence = &violation.sentence;
            assert!(sentence.contains("where its range grouping sends it to to["), "{sentence}");
        }
    }
}

#[test]
fn a_task_that_a_custom_grouping_did_not_choose_is_caught() {
    // A long word may be diverted to where its copy goes: what is then missing is told otherwise.
    let found = diverted(
        |to| {
            to.custom_grouping("words", "default", Rounds::default());
        },
        2,
    );
    let named = found.iter().filter(|v| v.sentence.contains("its custom grouping sends it to to["));
    assert!(named.count() > 2, "{found:#?}");
}

#[test]
fn a_far_task_is_caught_where_a_near_one_listens() {
    let found = diverted(
        |to| {
            to.local_or_shuffle_grouping("words", "default");
        },
        1,
    );
    let named = |v: &Violation| v.sentence.contains("where its local-or-shuffle grouping sends it");
    assert!(found.iter().all(named), "{found:#?}");
}

/// The execution of a record by its spout.
fn reads(record: Root) -> impl Fn(&O) -> bool {
    move |o| {
        let from_broker = |from: TaskId, root: Root| from == TaskId::BROKER && root == record;
        matches!(o, O::Executed { from, root, .. } if from_broker(*from, *root))
    }
}

/// Changes the target that was told when a tuple was emitted which is executed there.
fn tell(events: &mut [Event], executed: usize, index: u64) {
    let O::Executed { root, child, .. } = events[executed].what else { panic!("an execution") };
    let answer = position(events, reads(root)) + child.0 as usize;
    let O::Answered { word, .. } = &mut events[answer].what else { panic!("an answer") };
    *word = index;
}

#[test]
fn a_target_that_does_not_exist_is_no_target() {
    let (mini, mut events, executions) = honest(FREE[0]);
    tell(&mut events, executions[40], 4);
    let violation = broken(&mini, &events, Law::LegalOrder);
    let told = violation.sentence.ends_with("to to[4], of 4 tasks, by its none grouping");
    assert!(told, "{}", violation.sentence);
}

type Subscribe = fn(&mut ComponentBuilder);

/// Groupings by chance or load.
const FREE: [Subscribe; 3] = [
    |to| {
        to.none_grouping("words", "default");
    },
    |to| {
        to.random_partition("words", "default");
    },
    |to| {
        to.load_aware_shuffle_grouping("words", "default");
    },
];

#[test]
fn where_chance_or_load_decide_any_target_will_do() {
    for free in FREE {
        let (mini, mut events, executions) = honest(free);
        // What was sent last stays in order wherever it is executed last.
        let sent = |at: &usize| match events[*at].what {
            O::Executed { root, child, .. } => (position(&events, reads(root)), child),
            _ => unreachable!("an execution"),
        };
        let moved = *executions.iter().max_by_key(|at| sent(at)).expect("executions");
        let last = *executions.last().expect("executions");
        events[moved..=last].rotate_left(1);
        divert(&mut events[last], 1);
        let violation = broken(&mini, &events, Law::LegalOrder);
        assert!(violation.sentence.contains(" grouping sends it to to["), "{}", violation.sentence);
        let O::Executed { task: to, .. } = events[last].what else { return };
        tell(&mut events, last, u64::from(to.0) - 1);
        assert_eq!(judge(&mini, &events).violations(), &[]);
    }
}

#[test]
fn what_nobody_took_is_missing() {
    for free in FREE {
        let (mini, mut events, executions) = honest(free);
        events.remove(executions[30]);
        let violation = broken(&mini, &events, Law::LegalOrder);
        assert!(violation.sentence.contains("was next on the channel"), "{}", violation.sentence);
    }
}

#[test]
fn a_tuple_is_for_one_target_only() {
    for free in FREE {
        let (mini, mut events, executions) = honest(free);
        let at = executions[30];
        let mut copy = events[at].clone();
        divert(&mut copy, 1);
        events.insert(at, copy);
        let violation = broken(&mini, &events, Law::LegalOrder);
        assert!(violation.sentence.starts_with("to["), "{}", violation.sentence);
    }
}

#[test]
fn chance_excuses_no_disorder() {
    for free in FREE {
        let (mini, events, executions) = honest(free);
        let channel = |at: usize| match events[at].what {
            O::Executed { task, from, .. } => (task, from),
            _ => unreachable!("an execution"),
        };
        let a = executions[20];
        let b = executions[21..].iter().copied().find(|b| channel(*b) == channel(a));
        let mut events = events.clone();
        events.swap(a, b.expect("another tuple of the channel"));
        let violation = broken(&mini, &events, Law::LegalOrder);
        assert!(violation.sentence.contains("was next on the channel"), "{}", violation.sentence);
    }
}

/// The ways of one emitting task, against their documentation.
fn ways(subscribe: Subscribe, words: &[&str]) -> Vec<u16> {
    let plan = Plan::new(words_by(subscribe));
    let spout = plan.topology.find("words").expect("a spout");
    let (from, outlet) = (spout.first_task, &plan.parts[usize::from(spout.id.0)].outlets[0]);
    let mut way = Way::new(&plan, outlet, from, stormglass_engine::ids::Generation(1), &|_| None);
    let due = words.iter().map(|word| way.next(outlet, from, &[Value::from(*word)]));
    due.map(|due| match due {
        Due::One(index) => index,
        other => panic!("{other:?}"),
    })
    .collect()
}

#[test]
fn the_judges_know_partial_keys_and_ranges() {
    // Random(923618) draws 1, then 0 below 4 for the key "a"; Random(1051071) 3 and 0 for "hello".
    let partial: Subscribe = |to| {
        to.partial_key_grouping("words", "default", &["word"]);
    };
    assert_eq!(ways(partial, &["a", "a", "a", "hello", "hello", "hello"]), [1, 0, 1, 3, 3, 0]);
    let range: Subscribe = |to| {
        to.range_partition("words", "default", "word", ["b", "d", "f"].map(Value::from));
    };
    assert_eq!(ways(range, &["a", "b", "bb", "d", "e", "f", "g"]), [0, 0, 1, 1, 2, 2, 3]);
}
