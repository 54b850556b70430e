//! The judges' small parts, each against its plain model or its documentation.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use stormglass_engine::ids::{Generation, TaskId};
use stormglass_engine::value::Value;

use super::super::bitmap::Offsets;
use super::super::chunks::Chunks;
use super::super::law::{Law, Violation, Witness, count, plural};
use super::super::plan::{Shuffle, floor_mod, hash_fields, owner};
use super::super::table::Table;
use stormglass_engine::observation::Observation;
use stormglass_sim::node::NodeId;
use stormglass_sim::time::Instant;

/// What the Java class library answers: `31 * 1 + hashCode` for one field.
#[test]
fn hashes_are_javas() {
    for (value, hash) in [
        (Value::Null, 0),
        (Value::Bool(true), 1231),
        (Value::from("hello"), 99_162_322),
        (Value::from("polygenelubricants"), i32::MIN),
        (Value::from("\u{e4}\u{1f600}"), 228 * 961 + 0xd83d * 31 + 0xde00),
        (Value::Int(-1), 0),
        (Value::Int(1 << 32), 1),
        (Value::Float(-0.0), i32::MIN),
        (Value::Float(1.5), 1_073_217_536),
        (Value::Float(-f64::NAN), 2_146_959_360),
        (Value::Bytes(Arc::from([1, 2, 255])), ((31 + 1) * 31 + 2) * 31 - 1),
        (Value::List(Arc::new(vec![Value::from("a")])), 128),
    ] {
        let expected = 31i32.wrapping_add(hash);
        assert_eq!(hash_fields(std::slice::from_ref(&value), &[0]), expected, "{value}");
    }
    assert_eq!(hash_fields(&[Value::from("b"), Value::from("a")], &[1]), 128);
    assert_eq!(floor_mod(-1, 4), 3);
    assert_eq!(floor_mod(i32::MIN, 7), 5);
}

#[test]
fn owners_tile_the_groups() {
    let owners: Vec<u16> = (0..8).map(|group| owner(group, 3, 8)).collect();
    assert_eq!(owners, [0, 0, 0, 1, 1, 1, 2, 2]);
}

#[test]
fn a_shuffle_visits_everyone_in_turn() {
    let mut shuffle = Shuffle::new(5, Generation(3), TaskId(2), 1);
    let first: Vec<u16> = (0..5).map(|_| shuffle.visit()).collect();
    let again: Vec<u16> = (0..5).map(|_| shuffle.visit()).collect();
    assert_eq!(first, again);
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 5);
    assert_eq!(Shuffle::new(1, Generation(3), TaskId(2), 1).visit(), 0);
}

#[test]
fn tables_forget_empty_rows() {
    let mut table = Table::new(4, 1);
    let (key, empty) = ([Value::Int(7)], table.print(1));
    table.with_row(1, 7, &key, |row| {
        row.push(Value::Int(1));
        true
    });
    let full = table.print(1);
    assert_eq!((empty.0, full.0), (0, 1));
    assert_ne!(empty.1, full.1);
    assert_eq!(table.rows().count(), 1);
    table.with_row(1, 7, &key, |row| {
        row.clear();
        true
    });
    assert_eq!(table.print(1), empty);
    assert!(table.is_empty(1));
}

#[test]
fn laws_have_their_names_in_json() {
    for law in Law::ALL {
        let json = serde_json::to_string(&law).expect("json");
        assert_eq!(json, format!("\"{}\"", law.name()));
        assert!(!law.statement().is_empty());
    }
    let what = Observation::Running { generation: Generation(2) };
    let witness = Witness { at: Instant(5), node: NodeId::new(1, 2), what };
    let (law, sentence) = (Law::Fencing, "so".to_string());
    let violation = Violation { law, sentence, at: Instant(7), events: vec![witness] };
    assert_eq!(
        serde_json::to_string(&violation).expect("json"),
        r#"{"law":"fencing","sentence":"so","at_ns":7,"events":[{"at_ns":5,"node":"m1:2","#
            .to_string()
            + r#""what":"Running { generation: g2 }"}]}"#
    );
    assert_eq!((count(1_234_567), plural(1, "tuple")), ("1,234,567".into(), "1 tuple".into()));
}

proptest! {
    #[test]
    fn offsets_are_a_set(offsets in prop::collection::vec(0..9_000_u64, 0..300), full: bool) {
        let (mut set, mut model) = (Offsets::default(), BTreeSet::new());
        let all = (0..if full { 4_096 } else { 0 }).chain(offsets);
        for offset in all {
            prop_assert_eq!(set.insert(offset), model.insert(offset));
        }
        let mut plain = vec![0; 200];
        set.add_to(&mut plain);
        for offset in 0..9_000 {
            let bit = plain[(offset / 64) as usize] >> (offset % 64) & 1 == 1;
            prop_assert_eq!(bit, model.contains(&offset));
            prop_assert_eq!(set.contains(offset), bit);
        }
    }

    #[test]
    fn chunks_are_a_queue(steps in prop::collection::vec((0..700_u64, 0..900_u64), 1..8)) {
        let (mut chunks, mut dropped, mut end) = (Chunks::default(), 0, 0);
        for (push, drop) in steps {
            (end..end + push).for_each(|n| chunks.push(n));
            end += push;
            dropped = (dropped + drop).min(end);
            chunks.drop_to(dropped);
            prop_assert_eq!(chunks.end(), end);
            let to = dropped + (end - dropped) / 2;
            let before: Vec<u64> = chunks.until(to).flatten().copied().collect();
            prop_assert_eq!(before, (dropped..to).collect::<Vec<_>>());
            let after: Vec<u64> = chunks.range(to, u64::MAX).flatten().copied().collect();
            prop_assert_eq!(after, (to..end).collect::<Vec<_>>());
        }
    }
}
