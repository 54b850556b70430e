use alloc::string::ToString;
use alloc::vec::Vec;

use super::{Declarer, Delivery, TopologyBuilder};
use crate::component::{
    Bolt, BoltContext, BroadcastState, Collector, ListState, OperatorListState, Outcome, Record,
    Spout, ValueState,
};
use crate::ids::{ComponentId, TaskId};
use crate::tuple::Tuple;
use crate::value::Value;

/// Declares whatever it is told to.
#[derive(Clone, Debug)]
struct Declares(fn(&mut Declarer));
impl Spout for Declares {
    fn declare(&self, declarer: &mut Declarer) {
        (self.0)(declarer);
    }
    fn next(&mut self, _record: &Record, _out: &mut dyn Collector) -> Outcome {
        Ok(())
    }
}
impl Bolt for Declares {
    fn declare(&self, declarer: &mut Declarer) {
        (self.0)(declarer);
    }
    fn execute(&mut self, _tuple: &Tuple<'_>, _cx: &mut dyn BoltContext) -> Outcome {
        Ok(())
    }
}

const ONE: Declares = Declares(|declarer| {
    declarer.stream(&["x", "y"]);
});
const KEYED: Declares = Declares(|declarer| {
    declarer.state(ValueState::new(0, "n"));
});
const NOTHING: Declares = Declares(|_| {});

fn builder() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("trial");
    builder.spout("source", ONE, 1);
    builder
}

/// The error of a topology with the spout `source` and whatever is added.
#[track_caller]
fn refused(add: impl FnOnce(&mut TopologyBuilder), message: &str) {
    let mut builder = builder();
    add(&mut builder);
    assert_eq!(builder.build().expect_err("it is wrong").to_string(), message);
}

#[test]
fn a_topology_needs_a_component_and_a_key_group() {
    let error = TopologyBuilder::new("trial").build().expect_err("it is empty");
    assert_eq!(error.to_string(), "topology `trial` has no component: add a spout");
    assert_eq!(error.component, None);
    refused(
        |builder| {
            builder.max_parallelism(0);
        },
        "max_parallelism is 0: a topology has at least 1 key group",
    );
}

#[test]
fn names_are_unique_and_nobody_has_no_task() {
    refused(
        |builder| {
            builder.sink("source", 1).shuffle("source");
        },
        "component `source`: two components have this name: names are unique",
    );
    refused(
        |builder| {
            builder.sink("a", 0).shuffle("source");
        },
        "component `a`: it has 0 tasks: a component needs at least 1",
    );
}

#[test]
fn there_is_a_limit_to_tasks() {
    refused(
        |builder| {
            builder.sink("a", u16::MAX).shuffle("source");
        },
        "the components have 65536 tasks: 65534 are the most",
    );
}

#[test]
fn declarations_are_checked() {
    let twice = Declares(|declarer| {
        declarer.stream(&["x"]).stream(&["y"]);
    });
    refused(
        |builder| {
            builder.bolt("a", twice, 1).shuffle("source");
        },
        "component `a`: it declares two streams of the same name",
    );
    let gap = Declares(|declarer| {
        declarer.state(ValueState::new(1, "n"));
    });
    refused(
        |builder| {
            builder.bolt("a", gap, 1).fields("source", &["x"]);
        },
        "component `a`: its state cells are not declared in the order of slots 0, 1, ..",
    );
}

#[test]
fn spouts_read_nothing_and_all_others_something() {
    refused(
        |builder| {
            builder.spout("other", ONE, 1).shuffle("source");
        },
        "component `other`: a spout cannot subscribe to a stream",
    );
    refused(
        |builder| {
            builder.sink("a", 1);
        },
        "component `a`: it subscribes to nothing: name the component it reads from",
    );
}

#[test]
fn subscriptions_name_what_exists() {
    refused(
        |builder| {
            builder.sink("a", 1).shuffle("sorce");
        },
        "component `a`: it subscribes to `sorce`, which does not exist; components are a, source",
    );
    refused(
        |builder| {
            builder.sink("a", 1).shuffle_stream("source", "late");
        },
        "component `a`: it subscribes to stream `late` of `source`, which declares default",
    );
    refused(
        |builder| {
            builder.bolt("a", NOTHING, 1).shuffle("source");
            builder.sink("b", 1).shuffle("a");
        },
        "component `b`: it subscribes to stream `default` of `a`, which declares none",
    );
    refused(
        |builder| {
            builder.bolt("a", KEYED, 1).fields("source", &["z"]);
        },
        "component `a`: it groups by field `z`, but the stream has the fields x, y",
    );
    refused(
        |builder| {
            builder.bolt("a", KEYED, 1).fields("source", &[]);
        },
        "component `a`: its fields grouping names no field: use global instead",
    );
}

#[test]
fn nobody_subscribes_twice_to_a_stream() {
    refused(
        |builder| {
            builder.bolt("a", KEYED, 1).fields("source", &["x"]).fields("source", &["y"]);
        },
        "component `a`: it subscribes twice to stream `default` of `source`",
    );
}

#[test]
fn direct_streams_and_direct_groupings_belong_together() {
    refused(
        |builder| {
            builder.sink("a", 1).direct("source", "default");
        },
        "component `a`: stream `default` of `source` is not direct, its grouping here is `direct`",
    );
    let told = Declares(|declarer| {
        declarer.direct_stream("told", &["x"]);
    });
    refused(
        |builder| {
            builder.bolt("a", told, 1).shuffle("source");
            builder.sink("b", 1).all("a", "told");
        },
        "component `b`: stream `told` of `a` is direct, its grouping here is `all`",
    );
}

#[test]
fn keyed_state_needs_keys_and_groups() {
    refused(
        |builder| {
            builder.bolt("a", KEYED, 1).shuffle("source");
        },
        "component `a`: it has keyed state, so each of its inputs must be fields-grouped",
    );
    refused(
        |builder| {
            builder.max_parallelism(3).bolt("a", KEYED, 4).fields("source", &["x"]);
        },
        "component `a`: it has 4 tasks but there are only 3 key groups: raise max_parallelism",
    );
}

#[test]
fn a_cycle_is_named() {
    refused(
        |builder| {
            builder.bolt("a", ONE, 1).shuffle("source").shuffle("b");
            builder.bolt("b", ONE, 1).shuffle("a");
            builder.sink("c", 1).shuffle("b");
        },
        "the components a, b, c form a cycle",
    );
    refused(
        |builder| {
            builder.bolt("a", ONE, 1).shuffle("a");
        },
        "the components a form a cycle",
    );
}

#[test]
fn tasks_are_numbered_in_name_order_from_one() {
    let mut builder = TopologyBuilder::new("trial");
    builder.sink("z", 1).shuffle("m");
    builder.spout("x", ONE, 2);
    builder.bolt("m", ONE, 3).shuffle("x");
    assert!(builder.set_parallelism("z", 2));
    assert!(!builder.set_parallelism("y", 2));
    assert_eq!(builder.component_names().collect::<Vec<_>>(), ["z", "x", "m"]);
    let topology = builder.build().expect("it is right");
    let tasks = |name: &str| {
        let component = topology.find(name).expect("it is there");
        component.tasks().map(|task| task.0).collect::<Vec<_>>()
    };
    assert_eq!(
        (tasks("m"), tasks("x"), tasks("z")),
        ([1, 2, 3].into(), [4, 5].into(), [6, 7].into())
    );
    assert_eq!(topology.tasks(), 7);
    let names: Vec<_> = (0..8).map(|task| topology.task_name(TaskId(task))).collect();
    assert_eq!(names, ["broker", "m[0]", "m[1]", "m[2]", "x[0]", "x[1]", "z[0]", "z[1]"]);
    assert_eq!(topology.component_of(TaskId(5)).name, "x");
}

#[test]
fn the_order_has_emitters_first_and_names_second() {
    let mut builder = TopologyBuilder::new("trial");
    builder.sink("a", 1).shuffle("b").shuffle("d");
    builder.bolt("b", ONE, 1).shuffle("d");
    builder.bolt("c", ONE, 1).shuffle("e");
    builder.spout("d", ONE, 1);
    builder.spout("e", ONE, 1);
    let topology = builder.build().expect("it is right");
    let order: Vec<&str> = topology.in_order().map(|c| c.name.as_str()).collect();
    assert_eq!(order, ["d", "b", "a", "e", "c"]);
    let listening = topology.subscribers(ComponentId(3)).map(|(c, _)| c.name.as_str());
    assert_eq!(listening.collect::<Vec<_>>(), ["a", "b"]);
}

/// A sink `a` with three tasks that listens to `source` by some grouping.
#[track_caller]
fn sink_refused(subscribe: impl FnOnce(&mut super::ComponentBuilder), message: &str) {
    refused(|builder| subscribe(builder.sink("a", 3)), message);
}

#[test]
fn keys_and_ranges_name_fields_that_exist() {
    sink_refused(
        |a| {
            a.partial_key_grouping("source", "default", &["x", "z"]);
        },
        "component `a`: it groups by field `z`, but the stream has the fields x, y",
    );
    sink_refused(
        |a| {
            a.partial_key_grouping("source", "default", &[]);
        },
        "component `a`: its partial-key grouping names no field: use shuffle instead",
    );
    sink_refused(
        |a| {
            a.range_partition("source", "default", "z", [1.into(), 2.into()]);
        },
        "component `a`: it groups by field `z`, but the stream has the fields x, y",
    );
}

#[test]
fn boundaries_ascend_and_are_one_fewer_than_tasks() {
    let range = |boundaries: &'static [i64]| {
        move |a: &mut super::ComponentBuilder| {
            let boundaries = boundaries.iter().copied().map(Value::Int);
            a.range_partition("source", "default", "x", boundaries);
        }
    };
    sink_refused(
        range(&[1, 2, 3]),
        "component `a`: the boundaries of its range partitioning are 3, and 3 tasks need 2",
    );
    sink_refused(
        range(&[5, 5]),
        "component `a`: the boundaries of its range partitioning do not ascend: 5 comes before 5",
    );
    let mut right = builder();
    range(&[4, 5])(right.sink("a", 3));
    right.build().expect("boundaries ascend");
}

#[test]
fn a_direct_stream_takes_no_other_grouping() {
    let told = Declares(|declarer| {
        declarer.direct_stream("told", &["x"]);
    });
    refused(
        |builder| {
            builder.bolt("b", told, 1).shuffle("source");
            builder.sink("c", 1).none_grouping("b", "told");
        },
        "component `c`: stream `told` of `b` is direct, its grouping here is `none`",
    );
}

#[test]
fn keyed_state_needs_whole_keys() {
    refused(
        |builder| {
            builder.bolt("a", KEYED, 2).partial_key_grouping("source", "default", &["x"]);
        },
        "component `a`: it has keyed state, so each of its inputs must be fields-grouped",
    );
}

#[test]
fn states_are_checked() {
    let same = Declares(|declarer| {
        declarer.state(ValueState::new(0, "n")).state(ListState::new(1, "n"));
    });
    refused(
        |builder| {
            builder.bolt("a", same, 1).fields("source", &["x"]);
        },
        "component `a`: it declares two states called `n`: a checkpoint knows them by their names",
    );
    let gap = Declares(|declarer| {
        declarer.state(OperatorListState::new(1, "n"));
    });
    refused(
        |builder| {
            builder.bolt("a", gap, 1).shuffle("source");
        },
        "component `a`: its operator and broadcast states are not declared in the order of slots \
         0, 1, ..",
    );
    let rules = Declares(|declarer| {
        declarer.state(BroadcastState::new(0, "rules"));
    });
    refused(
        |builder| {
            builder.bolt("a", rules, 1).shuffle("source");
        },
        "component `a`: it has broadcast state, so one of its inputs must be grouped by all: \
         nothing else could write it",
    );
}

#[test]
fn an_idempotent_sink_is_grouped_by_its_keys() {
    refused(
        |builder| {
            builder.sink("a", 2).shuffle("source").idempotent();
        },
        "component `a`: it is idempotent, so each of its inputs must be fields-grouped or have a \
         key",
    );
    let mut right = builder();
    right.sink("a", 2).shuffle("source").key(&["y"]);
    let grouping = |builder: &TopologyBuilder| {
        let topology = builder.build().expect("it is right");
        topology.find("a").expect("it is there").inputs[0].grouping.to_string()
    };
    assert_eq!(grouping(&right), "shuffle");
    assert!(right.set_delivery("a", Delivery::Idempotent));
    assert_eq!(grouping(&right), "fields");
    assert!(right.set_delivery("a", Delivery::Plain));
    assert_eq!(grouping(&right), "shuffle");
    assert!(!right.set_delivery("source", Delivery::Plain));
}
