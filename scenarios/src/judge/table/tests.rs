//! The oracle's table against an ordered map.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stormglass_engine::value::Value;
use stormglass_sim::hash;

use super::Table;
use crate::judge::plan::{floor_mod, java_hash};

const GROUPS: u16 = 3;

/// A row for a key; nothing takes its row away; a look asks for the fingerprints.
#[derive(Clone, Debug)]
enum Step {
    Change(i64, Option<i64>),
    Look,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0i64..40, any::<i64>()).prop_map(|(key, value)| Step::Change(key, Some(value))),
        1 => (0i64..40).prop_map(|key| Step::Change(key, None)),
        2 => Just(Step::Look),
    ];
    prop::collection::vec(step, 0..120)
}

/// Keys of which some have the same hash: so have a number and its complement.
fn key(number: i64) -> Vec<Value> {
    vec![Value::Int(if number < 20 { number } else { !(number - 20) })]
}

/// An integer or a string: encodings of several lengths.
fn row(value: i64) -> Vec<Value> {
    match value.rem_euclid(6) {
        0..3 => vec![Value::Int(value)],
        length => vec![Value::from(&"values"[..length as usize])],
    }
}

/// By group: its keys and rows, in order.
type Model = Vec<BTreeMap<Vec<Value>, Vec<Value>>>;

/// The encoding, made from nothing.
fn fresh(rows: &BTreeMap<Vec<Value>, Vec<Value>>) -> Vec<u8> {
    let mut out = (rows.len() as u32).to_le_bytes().to_vec();
    for values in rows.iter().flat_map(|(key, row)| [key, row]) {
        out.extend((values.len() as u16).to_le_bytes());
        values.iter().for_each(|value| value.encode(&mut out));
    }
    out
}

fn change(table: &mut Table, model: &mut Model, number: i64, value: Option<i64>) {
    let (key, row) = (key(number), value.map(row));
    let hash = 31 + java_hash(&key[0]);
    let group = floor_mod(hash, GROUPS);
    table.with_row(group, hash, &key, |cells| {
        *cells = row.clone().unwrap_or_default().into();
        true
    });
    let rows = &mut model[usize::from(group)];
    match row {
        Some(row) => rows.insert(key, row),
        None => rows.remove(&key),
    };
}

proptest! {
    /// Whatever happens, a table holds what an ordered map of the same steps says, and the encoding
    /// that copies what did not change equals the one that is made from nothing.
    #[test]
    fn a_table_is_a_map_and_its_patched_encoding_a_fresh_one(steps in steps()) {
        let mut table = Table::new(GROUPS, 1);
        let mut model = vec![BTreeMap::new(); usize::from(GROUPS)];
        for step in steps {
            match step {
                Step::Change(number, value) => change(&mut table, &mut model, number, value),
                Step::Look => for (group, rows) in (0..).zip(&model) {
                    let due = (rows.len() as u32, hash::fingerprint(&fresh(rows)));
                    prop_assert_eq!(table.print(group), due);
                },
            }
        }
        let mut all: Vec<_> = model.iter().flatten().collect();
        all.sort();
        let all = all.into_iter().map(|(key, row)| (key.as_slice(), row.as_slice()));
        prop_assert!(table.rows().eq(all));
        // The same rows in another order are the same.
        let (mut again, mut same) = (Table::new(GROUPS, 1), model.clone());
        for number in (0..40).rev() {
            let hash = 31 + java_hash(&key(number)[0]);
            let group = floor_mod(hash, GROUPS);
            if let Some(row) = model[usize::from(group)].get(&key(number)) {
                again.with_row(group, hash, &key(number), |cells| {
                    *cells = row.clone().into();
                    true
                });
            }
        }
        prop_assert!(again.equals(&table) && table.equals(&again));
        change(&mut again, &mut same, 7, Some(100));
        change(&mut table, &mut model, 7, Some(101));
        prop_assert!(!again.equals(&table));
    }
}
