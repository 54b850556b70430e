use alloc::string::ToString;
use alloc::vec;

use stormglass_sim::time::Span;

use super::{Mapping, StateName};
use crate::component::state::Migration;
use crate::component::{Cell, ListState, MapState, Ttl, ValueState};
use crate::value::Value;

const COUNT: ValueState = ValueState::new(0, "count");
const PAGES: ListState = ListState::new(1, "pages");

fn names(cells: &[Cell]) -> alloc::vec::Vec<StateName> {
    cells.iter().map(StateName::of).collect()
}

fn refusal(declared: &[Cell], stored: &[Cell]) -> alloc::string::String {
    Mapping::new(declared, &names(stored)).expect_err("it does not fit").to_string()
}

#[test]
fn the_same_states_are_taken_as_they_are() {
    let cells = [*COUNT, *PAGES];
    let mapping = Mapping::new(&cells, &names(&cells)).expect("the same fits");
    assert!(mapping.is_identity());
    assert!(Mapping::new(&[], &[]).expect("nothing fits").is_identity());
}

#[test]
fn states_are_known_by_name_and_new_ones_start_empty() {
    const FIRST: ValueState = ValueState::new(0, "new");
    const SECOND: ListState = ListState::new(1, "pages");
    const THIRD: ValueState = ValueState::new(2, "count");
    let declared = [*FIRST, *SECOND, *THIRD];
    let mapping = Mapping::new(&declared, &names(&[*COUNT, *PAGES])).expect("all are there");
    assert!(!mapping.is_identity());
    assert_eq!(mapping.stored(), 2);
    let row = mapping.apply(&[Value::Int(7), Value::Bool(true)]);
    assert_eq!(row, vec![Value::Null, Value::Bool(true), Value::Int(7)]);
}

#[test]
fn an_older_version_needs_a_migration() {
    const FROM_ONE: &[Migration] = &[Migration {
        from: 1,
        change: |old| Value::from(if old.as_int() == Some(1) { "once" } else { "often" }),
    }];
    const NEWER: ValueState = ValueState::new(0, "count").version(2);
    const READY: ValueState = NEWER.migrates(FROM_ONE);
    let sentence = refusal(&[*NEWER], &[*COUNT]);
    let expected = "state `count` has version 1 in the checkpoint and version 2 in the bolt, which \
                    registers no migration from 1";
    assert_eq!(sentence, expected);
    assert!(refusal(&[*COUNT], &[*READY]).contains("no migration from 2"), "nor back");
    let mapping = Mapping::new(&[*READY], &names(&[*COUNT])).expect("there is a migration");
    assert!(!mapping.is_identity());
    assert_eq!(mapping.apply(&[Value::Int(1)]), ["once".into()]);
    assert_eq!(mapping.apply(&[Value::Null]), [Value::Null], "what was never set stays so");
}

#[test]
fn what_nobody_claims_or_is_something_else_is_refused() {
    const MAP: MapState = MapState::new(0, "count");
    const SHORT: ValueState = ValueState::new(0, "count").ttl(Ttl::new(Span::secs(1)));
    let lost = refusal(&[*COUNT], &[*COUNT, *PAGES]);
    assert!(lost.contains("holds state `pages` (version 1), which the bolt does not"), "{lost}");
    let kind = refusal(&[*MAP], &[*COUNT]);
    assert!(kind.contains("is value state in the checkpoint and map state in the bolt"), "{kind}");
    let life = refusal(&[*SHORT], &[*COUNT]);
    assert!(life.contains("has no time-to-live in the checkpoint and a time-to-live"), "{life}");
    let life = refusal(&[*COUNT], &[*SHORT]);
    assert!(life.contains("has a time-to-live in the checkpoint and no time-to-live"), "{life}");
}
