use alloc::sync::Arc;
use alloc::vec::Vec;

use proptest::prelude::*;
use stormglass_sim::payload::Payload;

use super::{OperatorState, deal};
use crate::component::{BroadcastState, Cell, OperatorListState};
use crate::state::schema::{Mapping, StateName};
use crate::value::Value;

const LIST: OperatorListState = OperatorListState::new(0, "list");
const RULES: BroadcastState = BroadcastState::new(1, "rules");

fn cells() -> [Cell; 2] {
    [*LIST, *RULES]
}

fn names() -> Vec<StateName> {
    cells().iter().map(StateName::of).collect()
}

fn mapping() -> Mapping {
    Mapping::new(&cells(), &names()).expect("the same fits")
}

fn ints(items: impl IntoIterator<Item = i64>) -> Value {
    Value::List(Arc::new(items.into_iter().map(Value::Int).collect()))
}

fn of(list: &Value, rules: &Value) -> Payload {
    let mut state = OperatorState::new(&cells());
    state.update(0, &mut |contents| *contents = list.clone());
    state.update(1, &mut |contents| *contents = rules.clone());
    state.snapshot()
}

#[test]
fn the_canonical_encoding_is_as_documented() {
    let data = of(&Value::Null, &Value::Bool(true));
    assert_eq!(data.bytes(), [2, 0, 0, 1, 1]);
    assert_eq!(data.size(), 5);
    let mut weighed = OperatorState::new(&[*LIST.weight(100)]);
    weighed.update(0, &mut |contents| *contents = ints([1, 2]));
    assert_eq!(weighed.snapshot().size(), 200);
}

#[test]
fn a_damaged_part_is_refused() {
    let data = of(&ints([1]), &ints([2, 3]));
    let mut state = OperatorState::new(&cells());
    for cut in 0..data.bytes().len() {
        let torn = Payload::new(&data.bytes()[..cut]);
        assert!(!state.restore(&torn, &mapping()), "cut at {cut}");
        assert_eq!(deal(&[data.clone(), torn], &names(), 0, 1), None, "cut at {cut}");
    }
    assert_eq!(state.get(0), None);
    assert!(state.restore(&data, &mapping()));
    assert_eq!(state.get(0), Some(&ints([1])));
    assert_eq!(state.snapshot(), data);
}

proptest! {
    /// Whatever the numbers of tasks before and after: every element goes to one task, in turn, and
    /// each task has the broadcast map. As many tasks as before keep what they had.
    #[test]
    fn elements_are_dealt_out(before in prop::collection::vec(0i64..6, 1..8), after in 1u16..8) {
        let rules = ints([7, 8]);
        let mut next = 0..;
        let parts: Vec<Payload> = before
            .iter()
            .map(|len| match ints(next.by_ref().take(*len as usize)) {
                Value::List(none) if none.is_empty() => of(&Value::Null, &rules),
                list => of(&list, &rules),
            })
            .collect();
        for index in 0..after {
            let share = deal(&parts, &names(), index, after).expect("they are sound");
            if parts.len() == usize::from(after) {
                prop_assert_eq!(&share, &parts[usize::from(index)]);
                continue;
            }
            let mut state = OperatorState::new(&cells());
            prop_assert!(state.restore(&share, &mapping()));
            prop_assert_eq!(state.get(1), Some(&rules));
            let all = (0..before.iter().sum::<i64>()).skip(index.into());
            let due: Vec<i64> = all.step_by(after.into()).collect();
            let due = if due.is_empty() { None } else { Some(ints(due)) };
            prop_assert_eq!(state.get(0), due.as_ref());
        }
    }
}
