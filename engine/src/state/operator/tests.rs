use alloc::sync::Arc;
use alloc::vec::Vec;

use proptest::prelude::*;
use stormglass_sim::payload::Payload;

use super::OperatorState;
use crate::component::{BroadcastState, Cell, OperatorListState};
use crate::state::schema::{Mapping, StateName};
use crate::value::Value;

const LIST: OperatorListState = OperatorListState::new(0, "list");
const RULES: BroadcastState = BroadcastState::new(1, "rules");

fn cells() -> [Cell; 2] {
    [*LIST, *RULES]
}

fn mapping() -> Mapping {
    let names: Vec<StateName> = cells().iter().map(StateName::of).collect();
    Mapping::new(&cells(), &names).expect("the same fits")
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
        assert!(!state.restore_share(&[data.clone(), torn], &mapping(), 0, 1), "cut at {cut}");
    }
    assert_eq!(state.get(0), None);
    assert!(state.restore(&data, &mapping()));
    assert_eq!(state.get(0), Some(&ints([1])));
    assert_eq!(state.snapshot(), data);
}

proptest! {
    /// Whatever the numbers of tasks before and after: every element goes to one task, shares
    /// differ by one at most, and each task has the broadcast map.
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
        let (mut dealt, mut sizes) = (Vec::new(), Vec::new());
        for index in 0..after {
            let mut state = OperatorState::new(&cells());
            prop_assert!(state.restore_share(&parts, &mapping(), index, after));
            prop_assert_eq!(state.get(1), Some(&rules));
            let mine = match state.get(0) {
                Some(Value::List(items)) => items.to_vec(),
                _ => Vec::new(),
            };
            sizes.push(mine.len());
            dealt.extend(mine.iter().filter_map(Value::as_int));
        }
        dealt.sort_unstable();
        prop_assert_eq!(dealt, (0..before.iter().sum::<i64>()).collect::<Vec<i64>>());
        prop_assert!(sizes.iter().max() <= sizes.iter().min().map(|least| least + 1).as_ref());
    }
}
