use std::vec;

use super::*;

fn root(offset: u64) -> Root {
    Root::new(Partition(0), offset)
}

fn books(next: u64, emitted: core::ops::Range<u64>) -> Pending {
    let mut pending = Pending::new(&[root(next)]);
    emitted.for_each(|offset| assert_eq!(pending.emitted(root(offset)), 1));
    pending
}

#[test]
fn the_position_is_the_lowest_record_that_is_not_done() {
    let mut pending = books(5, 5..9);
    assert!(pending.acked(root(6), 1) && pending.acked(root(7), 1));
    assert_eq!(pending.positions(), [(Partition(0), 5)]);
    assert!(pending.acked(root(5), 1));
    assert_eq!(pending.positions(), [(Partition(0), 8)]);
}

#[test]
fn a_record_fails_in_the_second_turn_after_it_was_read() {
    let mut pending = books(0, 0..2);
    assert!(pending.rotate().is_empty());
    pending.emitted(root(2));
    assert_eq!(pending.rotate(), [root(0), root(1)]);
    assert_eq!(pending.under_way(), 1);
    assert_eq!(pending.waiting().collect::<Vec<_>>(), [root(0), root(1)]);
    assert_eq!(pending.positions(), [(Partition(0), 0)]);
}

#[test]
fn each_reading_of_a_record_has_a_number_of_its_own() {
    let mut pending = books(0, 0..1);
    assert!(pending.failed(root(0), 1));
    assert!(!pending.failed(root(0), 1), "it waits already");
    assert_eq!(pending.emitted(root(0)), 2);
    assert_eq!(pending.waiting().len(), 0);
    assert!(!pending.acked(root(0), 1), "an ack that comes late is for an older try");
    assert!(!pending.failed(root(0), 1));
    assert!(pending.acked(root(0), 2));
    assert_eq!(pending.positions(), vec![(Partition(0), 1)]);
}
