mod rules;

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{Emitting, Locality, Router, owner, shuffle_order};
use crate::component::{Bolt, BoltContext, Collector, Outcome, Record, Spout, ValueState};
use crate::ids::{Generation, StreamId, TaskId};
use crate::java;
use crate::topology::{Declarer, Topology, TopologyBuilder};
use crate::tuple::Tuple;
use crate::value::Value;

#[derive(Clone, Debug)]
struct From;
impl Spout for From {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["x", "y"]).direct_stream("told", &["x", "y"]);
    }
    fn next(&mut self, _record: &Record, _out: &mut dyn Collector) -> Outcome {
        Ok(())
    }
}

#[derive(Clone, Debug)]
struct To;
impl Bolt for To {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.state(ValueState::new(0, "cell"));
    }
    fn execute(&mut self, _tuple: &Tuple<'_>, _cx: &mut dyn BoltContext) -> Outcome {
        Ok(())
    }
}

/// `from` is t1; the tasks of the subscriber `to` follow.
fn topology(tasks: u16, groups: u16, by: &str) -> Topology {
    let mut builder = TopologyBuilder::new("grouping");
    builder.max_parallelism(groups).spout("from", From, 1);
    match by {
        "x" => builder.bolt("to", To, tasks).fields("from", &["x"]),
        "x, y" => builder.bolt("to", To, tasks).fields("from", &["x", "y"]),
        "shuffle" => builder.sink("to", tasks).shuffle("from"),
        "all" => builder.sink("to", tasks).all("from", "default"),
        "global" => builder.sink("to", tasks).global("from", "default"),
        "local" => builder.sink("to", tasks).local_or_shuffle_grouping("from", "default"),
        "load" => builder.sink("to", tasks).load_aware_shuffle_grouping("from", "default"),
        "none" => builder.sink("to", tasks).none_grouping("from", "default"),
        "random" => builder.sink("to", tasks).random_partition("from", "default"),
        "partial" => builder.sink("to", tasks).partial_key_grouping("from", "default", &["y"]),
        "range" => {
            let boundaries = (1..i64::from(tasks)).map(|n| Value::Int(n * 10));
            builder.sink("to", tasks).range_partition("from", "default", "x", boundaries)
        }
        _ => builder.sink("to", tasks).direct("from", "told"),
    };
    builder.build().expect("it is right")
}

fn router(topology: &Topology, generation: u32) -> Router {
    let unasked = &mut || panic!("it draws nothing");
    router_near(topology, generation, &|_| Locality::Rack, unasked)
}

/// A router whose targets are near or far, with that chance.
fn router_near(
    topology: &Topology,
    generation: u32,
    near: &dyn Fn(TaskId) -> Locality,
    chance: &mut dyn FnMut() -> u64,
) -> Router {
    let to = topology.find("to").expect("it is there");
    let (task, generation) = (TaskId(1), Generation(generation));
    Router::new(topology, to, &to.inputs[0], &mut Emitting { task, generation, near, chance })
}

/// The targets of a tuple, counted from 0, and its hash.
fn targets(router: &mut Router, values: &[Value]) -> Vec<(u16, i32)> {
    let mut targets = Vec::new();
    router.route(values, |task, hash| targets.push((task.0 - 2, hash)));
    targets
}

#[test]
fn with_as_many_groups_as_tasks_fields_grouping_is_storms() {
    let golden = [("a", 128, 0), ("b", 129, 1), ("hello", 99_162_353, 1), ("JFK", 73_390, 2)];
    let topology = topology(4, 4, "x");
    for (word, hash, task) in golden {
        let mut router = router(&topology, 1);
        assert_eq!(targets(&mut router, &[word.into(), 7.into()]), [(task, hash)], "{word}");
    }
}

#[test]
fn several_fields_hash_as_a_list_and_a_negative_hash_takes_the_floor() {
    let mut both = router(&topology(4, 4, "x, y"), 1);
    assert_eq!(targets(&mut both, &["JFK".into(), "LAX".into()]), [(1, 2_350_229)]);
    // Long.hashCode(2^31) is -2^31, and 31 - 2^31 leaves 3, where a remainder would be -1.
    let mut one = router(&topology(4, 4, "x"), 1);
    let negative = 31 - (1i64 << 31);
    assert_eq!(targets(&mut one, &[Value::Int(1 << 31), 0.into()]), [(3, negative as i32)]);
}

#[test]
fn with_more_groups_the_group_chooses_the_task() {
    // floorMod(99162353, 128) is 113; 113 * 4 / 128 is 3, 113 * 3 / 128 is 2.
    for (tasks, task) in [(4, 3), (3, 2), (1, 0)] {
        let mut router = router(&topology(tasks, 128, "x"), 1);
        assert_eq!(targets(&mut router, &["hello".into(), 0.into()]), [(task, 99_162_353)]);
    }
}

#[test]
fn shuffle_orders_are_pinned() {
    let order = |tasks, generation, from, stream| {
        shuffle_order(tasks, Generation(generation), TaskId(from), StreamId(stream))
    };
    assert_eq!(order(1, 1, 1, 0), [0]);
    assert_eq!(order(4, 1, 1, 0), [1, 3, 0, 2]);
    assert_eq!(order(4, 2, 1, 0), [1, 2, 3, 0], "the generation matters");
    assert_eq!(order(4, 1, 2, 0), [2, 3, 0, 1], "the emitter matters");
    assert_eq!(order(4, 1, 1, 1), [3, 1, 2, 0], "the stream matters");
    assert_eq!(order(8, 7, 3, 2), [7, 5, 0, 4, 2, 1, 3, 6]);
}

#[test]
fn shuffle_is_round_robin_from_index_one() {
    let mut router = router(&topology(4, 128, "shuffle"), 1);
    let mut next = || targets(&mut router, &[0.into(), 0.into()]);
    let taken: Vec<_> = (0..8).map(|_| next()).collect();
    // the order is 1, 3, 0, 2, and Storm's counter is raised before it is used
    let expected = [3, 0, 2, 1, 3, 0, 2, 1].map(|task| vec![(task, 0)]);
    assert_eq!(taken, expected);
}

#[test]
fn all_goes_everywhere_and_global_to_the_lowest() {
    let tuple = [Value::Null, Value::Null];
    let everywhere = targets(&mut router(&topology(3, 128, "all"), 1), &tuple);
    assert_eq!(everywhere, [(0, 0), (1, 0), (2, 0)]);
    assert_eq!(targets(&mut router(&topology(3, 128, "global"), 1), &tuple), [(0, 0)]);
}

#[test]
fn direct_goes_where_it_is_told_and_nowhere_else() {
    let mut direct = router(&topology(2, 128, "direct"), 1);
    assert_eq!(targets(&mut direct, &[Value::Null, Value::Null]), []);
    let takes: Vec<bool> = (1..5).map(|task| direct.takes_direct(TaskId(task))).collect();
    assert_eq!(takes, [false, true, true, false]);
    assert!(!router(&topology(2, 128, "all"), 1).takes_direct(TaskId(2)));
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        ".{0,8}".prop_map(|s| Value::from(s.as_str())),
    ]
}

proptest! {
    /// A key goes to one task, whatever else the tuple holds, whatever was routed before, in every
    /// generation; and that task owns the key's group.
    #[test]
    fn a_key_has_one_owner(
        key in values(),
        others in prop::collection::vec(values(), 1..5),
        tasks in 1u16..9,
        extra in 0u16..200,
        generation in 1u32..9,
    ) {
        let groups = tasks + extra;
        let topology = topology(tasks, groups, "x");
        let mut first = router(&topology, 1);
        let expected = targets(&mut first, &[key.clone(), Value::Null]);
        prop_assert_eq!(expected.len(), 1);
        let mut other = router(&topology, generation);
        for value in others {
            targets(&mut other, &[value.clone(), key.clone()]);
            prop_assert_eq!(&targets(&mut other, &[key.clone(), value]), &expected);
        }
        let (task, hash) = expected[0];
        let group = java::floor_mod(hash, groups);
        prop_assert!(topology.key_groups(task, tasks).contains(&group));
    }

    /// The ranges of the tasks are the owner rule, group by group, and cover everything once.
    #[test]
    fn ranges_and_owners_agree(tasks in 1u16..300, extra in 0u16..300) {
        let groups = tasks + extra;
        let topology = topology(1, groups, "x");
        let mut next = 0;
        for task in 0..tasks {
            let range = topology.key_groups(task, tasks);
            prop_assert_eq!(range.start, next);
            prop_assert!(!range.is_empty(), "every task has a group");
            for group in range.clone() {
                prop_assert_eq!(owner(group, tasks, groups), task);
            }
            next = range.end;
        }
        prop_assert_eq!(next, groups);
    }

    /// A shuffle visits every task equally often, in any order.
    #[test]
    fn shuffle_is_fair(tasks in 1u16..40, generation in any::<u32>(), rounds in 1usize..4) {
        let mut sorted = shuffle_order(tasks, Generation(generation), TaskId(1), StreamId(0));
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (0..tasks).collect::<Vec<_>>());
        let mut router = router(&topology(tasks, 300, "shuffle"), generation);
        let mut visits = vec![0; usize::from(tasks)];
        for _ in 0..rounds * usize::from(tasks) {
            let to = targets(&mut router, &[Value::Null, Value::Null]);
            visits[usize::from(to[0].0)] += 1;
        }
        prop_assert_eq!(visits, vec![rounds; usize::from(tasks)]);
    }
}
