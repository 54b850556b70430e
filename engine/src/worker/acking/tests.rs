use std::collections::BTreeSet;

use super::*;
use crate::ids::Partition;

fn root(offset: u64) -> Root {
    Root::new(Partition(1), offset)
}

#[test]
fn a_tree_is_acked_when_every_edge_was_sent_and_acked() {
    let mut acker = Acker::new();
    let (a, b, c) = (0x11, 0x22, 0x47);
    assert_eq!(acker.init(root(7), 1, a), None);
    assert_eq!(acker.ack(root(7), 1, a ^ b ^ c), None);
    assert_eq!(acker.ack(root(7), 1, c), None);
    assert_eq!(acker.ack(root(7), 1, b), Some(Verdict::Acked));
    assert_eq!(acker.entries.len(), 0);
}

#[test]
fn an_ack_may_come_before_its_spouts_word() {
    let mut acker = Acker::new();
    assert_eq!(acker.ack(root(7), 1, 5), None);
    assert_eq!(acker.init(root(7), 1, 5), Some(Verdict::Acked));
}

#[test]
fn a_record_without_tuples_is_acked_at_once() {
    assert_eq!(Acker::new().init(root(7), 1, 0), Some(Verdict::Acked));
}

#[test]
fn a_whole_tree_counts_as_acked_though_a_part_of_it_failed() {
    let mut acker = Acker::new();
    assert_eq!(acker.fail(root(7), 1), None);
    assert_eq!(acker.ack(root(7), 1, 5), None);
    assert_eq!(acker.init(root(7), 1, 5), Some(Verdict::Acked));
    assert_eq!(acker.fail(root(8), 1), None);
    assert_eq!(acker.init(root(8), 1, 5), Some(Verdict::Failed));
}

#[test]
fn a_try_is_a_tree_of_its_own() {
    let mut acker = Acker::new();
    acker.init(root(7), 1, 5);
    assert_eq!(acker.init(root(7), 2, 5), None);
    assert_eq!(acker.ack(root(7), 2, 5), Some(Verdict::Acked));
}

/// The timer of an entry counts from its first message: the documentation says that every message
/// restarts it, the code does so for `fail` alone (SEMANTICS 1.2).
#[test]
fn an_entry_is_forgotten_in_time_whatever_its_progress() {
    let mut acker = Acker::new();
    acker.init(root(7), 1, 5);
    acker.init(root(8), 1, 5);
    acker.init(root(9), 1, 5);
    acker.rotate();
    acker.rotate();
    assert_eq!(acker.ack(root(7), 1, 6), None);
    assert_eq!(acker.ack(root(9), 1, 5), Some(Verdict::Acked), "two turns are not too many");
    acker.rotate();
    assert_eq!(acker.ack(root(7), 1, 3), None, "what was known of it is forgotten");
    assert_eq!(acker.init(root(8), 1, 5), None);
}

#[test]
fn a_failure_restarts_the_time_of_an_entry() {
    let mut acker = Acker::new();
    acker.ack(root(7), 1, 5);
    acker.rotate();
    acker.rotate();
    assert_eq!(acker.fail(root(7), 1), None);
    acker.rotate();
    acker.rotate();
    assert_eq!(acker.init(root(7), 1, 4), Some(Verdict::Failed));
}

#[test]
fn a_rotating_map_drops_an_entry_after_as_many_turns_as_it_has_buckets() {
    let mut map = RotatingMap::new(2);
    map.put(1, 'a');
    assert!(map.rotate().is_empty());
    map.put(2, 'b');
    assert_eq!(map.len(), 2);
    assert_eq!(map.rotate(), [(1, 'a')].into());
    map.put(2, 'c');
    assert!(map.rotate().is_empty(), "it was put anew");
    assert_eq!(map.rotate(), [(2, 'c')].into());
}

#[test]
fn edges_are_told_apart_by_all_that_names_them() {
    let mut seen = BTreeSet::new();
    for offset in 0..10 {
        for number in 1..4 {
            for child in 0..10 {
                for to in 1..4 {
                    let tree = Tree::new(TaskId(9), number);
                    let number = edge(root(offset), tree, Child(child), TaskId(9), TaskId(to));
                    assert!(seen.insert(number));
                }
            }
        }
    }
    let tree = Tree::new(TaskId(9), 3);
    assert_eq!((tree.source(), tree.number()), (TaskId(9), 3));
}
