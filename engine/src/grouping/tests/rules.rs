//! The rules that depend on places, chance, load, or the user, as routers apply them.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{router, router_near, targets, topology, values};
use crate::component::{CustomStreamGrouping, GroupingContext};
use crate::grouping::{FULL_LOAD, Locality, Router};
use crate::ids::TaskId;
use crate::topology::{Topology, TopologyBuilder};
use crate::value::Value;

const FAR: &dyn Fn(TaskId) -> Locality = &|_| Locality::Rack;

/// The targets of so many tuples, one each.
fn run(router: &mut Router, tuples: usize) -> Vec<u16> {
    let one = |router: &mut Router| match targets(router, &[Value::Null, Value::Null])[..] {
        [(target, 0)] => target,
        ref other => panic!("one target without a hash, not {other:?}"),
    };
    (0..tuples).map(|_| one(router)).collect()
}

fn counts(targets: &[u16], tasks: u16) -> Vec<usize> {
    (0..tasks).map(|task| targets.iter().filter(|target| **target == task).count()).collect()
}

#[test]
fn none_and_random_draw_as_java_does() {
    // new Random(42).nextInt(100), and so on
    for by in ["none", "random"] {
        let mut router = router_near(&topology(100, 128, by), 1, FAR, &mut || 42);
        assert_eq!(run(&mut router, 8), [30, 63, 48, 84, 70, 25, 5, 18], "{by}");
    }
    let seed = (i64::MIN + 12_345) as u64;
    let mut router = router_near(&topology(3, 128, "none"), 1, FAR, &mut || seed);
    assert_eq!(run(&mut router, 10), [1, 1, 0, 0, 1, 1, 1, 0, 1, 0]);
}

#[test]
fn local_or_shuffle_stays_in_the_worker_if_it_can() {
    let topology = topology(6, 128, "local");
    let near = |task: TaskId| match task.0 {
        3 | 4 | 7 => Locality::Worker,
        5 => Locality::Host,
        _ => Locality::Rack,
    };
    let unasked = &mut || panic!("it draws nothing");
    // Local are the targets 1, 2 and 5; the order of a shuffle over three is theirs.
    let order = super::shuffle_order(3, super::Generation(1), TaskId(1), super::StreamId(0));
    let local = [1, 2, 5];
    let once: Vec<u16> = [1, 2, 0].map(|at| local[usize::from(order[at])]).to_vec();
    let mut router = router_near(&topology, 1, &near, unasked);
    assert_eq!(run(&mut router, 6), [once.clone(), once].concat());
}

#[test]
fn local_or_shuffle_is_a_shuffle_if_nobody_is_near() {
    let (local, plain) = (topology(5, 128, "local"), topology(5, 128, "shuffle"));
    let not_even_on_the_machine =
        router_near(&local, 3, &|_| Locality::Host, &mut || panic!("it draws nothing"));
    for mut alone in [router(&local, 3), not_even_on_the_machine] {
        assert_eq!(run(&mut alone, 20), run(&mut router(&plain, 3), 20));
    }
}

#[test]
fn a_load_aware_shuffle_shuns_loaded_targets() {
    let topology = topology(3, 128, "load");
    let mut router = router_near(&topology, 1, FAR, &mut || 7);
    assert!(router.is_load_aware());
    assert_eq!(counts(&run(&mut router, 1000), 3), [333, 333, 334]);
    // t3, the second target, is loaded: it loses 10 of its 100 points of weight a refresh.
    let load = |task: TaskId| if task.0 == 3 { FULL_LOAD / 2 } else { 0 };
    (0..9).for_each(|_| router.refresh_load(load));
    let shares = counts(&run(&mut router, 1000), 3);
    assert!(shares[1].abs_diff(1000 * 10 / 210) <= 2, "{shares:?}");
    router.refresh_load(load);
    let shares = counts(&run(&mut router, 1000), 3);
    assert_eq!(shares[1], 0, "10 refreshes leave nothing: {shares:?}");
    router.refresh_load(|_| 0);
    let shares = counts(&run(&mut router, 1000), 3);
    assert!((1..20).contains(&shares[1]), "it comes back slowly: {shares:?}");
}

#[test]
fn other_routers_do_not_care_for_load() {
    let topology = topology(3, 128, "shuffle");
    let (mut told, mut untold) = (router(&topology, 1), router(&topology, 1));
    assert!(!told.is_load_aware());
    told.refresh_load(|_| panic!("it asks nobody"));
    assert_eq!(run(&mut told, 7), run(&mut untold, 7));
}

/// Sends the n-th tuple to `n mod 3` and the last target, and says what it was told.
#[derive(Clone, Debug, Default)]
struct Pairs {
    told: Vec<TaskId>,
    targets: Vec<TaskId>,
    sent: usize,
}
impl CustomStreamGrouping for Pairs {
    fn prepare(&mut self, context: &GroupingContext<'_>, stream: &str, targets: &[TaskId]) {
        assert_eq!((context.task, context.target, stream), (TaskId(1), "to", "default"));
        assert_eq!(context.fields.index_of("y"), Some(1));
        self.told = context.local_targets.to_vec();
        self.targets = targets.to_vec();
    }
    fn choose_tasks(&mut self, task: TaskId, values: &[Value]) -> Vec<TaskId> {
        assert_eq!((task, values.len(), &self.told[..]), (TaskId(1), 2, &[TaskId(4)][..]));
        self.sent += 1;
        vec![self.targets[self.sent % 3], *self.targets.last().expect("targets")]
    }
}

/// Always chooses the same tasks.
#[derive(Clone, Debug)]
struct Always(&'static [u16]);
impl CustomStreamGrouping for Always {
    fn prepare(&mut self, _: &GroupingContext<'_>, _: &str, _: &[TaskId]) {}
    fn choose_tasks(&mut self, _: TaskId, _: &[Value]) -> Vec<TaskId> {
        self.0.iter().copied().map(TaskId).collect()
    }
}

fn custom(grouping: impl CustomStreamGrouping + Clone + 'static) -> Topology {
    let mut builder = TopologyBuilder::new("custom");
    builder.spout("from", super::From, 1);
    builder.sink("to", 4).custom_grouping("from", "default", grouping);
    builder.build().expect("it is right")
}

#[test]
fn a_custom_grouping_is_told_and_obeyed() {
    let topology = custom(Pairs::default());
    let near = |task: TaskId| if task.0 == 4 { Locality::Worker } else { Locality::Rack };
    let mut router = router_near(&topology, 1, &near, &mut || panic!("it draws nothing"));
    let mut next = || targets(&mut router, &[Value::Null, Value::Null]);
    assert_eq!(next(), [(1, 0), (3, 0)]);
    assert_eq!(next(), [(2, 0), (3, 0)]);
    assert_eq!(next(), [(0, 0), (3, 0)]);
}

#[track_caller]
fn choose(chosen: &'static [u16]) {
    targets(&mut router(&custom(Always(chosen)), 1), &[Value::Null, Value::Null]);
}

#[test]
#[should_panic(expected = "the custom grouping of `to` chose task 6, which is no task of `to`; \
                           its tasks are 2 to 5")]
fn a_custom_grouping_may_not_choose_others() {
    choose(&[2, 6]);
}

#[test]
#[should_panic(expected = "the custom grouping of `to` chose task 2 twice")]
fn a_custom_grouping_may_not_choose_one_twice() {
    choose(&[2, 3, 2]);
}

#[test]
#[should_panic(expected = "the custom grouping of `to` chose no task; its tasks are 2 to 5")]
fn a_custom_grouping_has_to_choose() {
    choose(&[]);
}

proptest! {
    /// Whatever the rule, place and chance: the target is one of the targets.
    #[test]
    fn every_target_is_a_target(
        by in prop::sample::select(&["none", "random", "local", "load", "partial", "range"][..]),
        tasks in 1u16..40,
        tuples in prop::collection::vec((values(), values()), 1..60),
        places: u64,
        seed: u64,
    ) {
        let near = |task: TaskId| match places >> (2 * (task.0 % 32)) & 3 {
            0 => Locality::Worker,
            1 => Locality::Host,
            _ => Locality::Rack,
        };
        let mut router = router_near(&topology(tasks, 300, by), 1, &near, &mut || seed);
        let mut again = router_near(&topology(tasks, 300, by), 1, &near, &mut || seed);
        for (x, y) in tuples {
            let tuple = [x, y];
            let to = targets(&mut router, &tuple);
            prop_assert!(matches!(to[..], [(target, 0)] if target < tasks), "{to:?}");
            prop_assert_eq!(to, targets(&mut again, &tuple), "nothing but the seed decides");
        }
    }

    /// Draws reach everyone about equally often.
    #[test]
    fn draws_are_fair(tasks in 1u16..9, seed: u64) {
        let mut router = router_near(&topology(tasks, 300, "random"), 1, FAR, &mut || seed);
        let per_task = 400;
        for count in counts(&run(&mut router, usize::from(tasks) * per_task), tasks) {
            prop_assert!(count.abs_diff(per_task) < 120, "{count} of {per_task}");
        }
    }
}
