use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;
use stormglass_sim::time::{Instant, Span};

use super::{
    Aggregate, AggregatingState, Cell, ListState, MapState, Migration, OperatorListState,
    ReducingState, StateFactory, Ttl, UserState, ValueState,
};
use crate::component::{BoltContext, Collector};
use crate::ids::TaskId;
use crate::value::Value;

/// One row, and a clock that the test sets.
#[derive(Default)]
struct Bed {
    row: BTreeMap<u16, Value>,
    now: i64,
}

impl Collector for Bed {
    fn emit(&mut self, _: &[Value]) {}
    fn emit_to(&mut self, _: &str, _: &[Value]) {}
    fn emit_direct(&mut self, _: TaskId, _: &str, _: &[Value]) {}
    fn task(&self) -> TaskId {
        TaskId(1)
    }
    fn now(&mut self) -> Instant {
        Instant::ZERO
    }
    fn random(&mut self) -> u64 {
        0
    }
}

impl BoltContext for Bed {
    fn get(&self, state: ValueState) -> Option<&Value> {
        self.row.get(&state.slot)
    }
    fn put(&mut self, state: ValueState, value: Value) {
        self.row.insert(state.slot, value);
    }
    fn clear(&mut self) {
        self.row.clear();
    }
    fn cell(&self, cell: &Cell) -> Option<&Value> {
        self.row.get(&cell.slot)
    }
    fn update(&mut self, cell: &Cell, change: &mut dyn FnMut(&mut Value)) {
        let mut value = self.row.remove(&cell.slot).unwrap_or(Value::Null);
        change(&mut value);
        if value != Value::Null {
            self.row.insert(cell.slot, value);
        }
    }
    fn stamp(&mut self) -> i64 {
        self.now
    }
    fn horizon(&mut self, ttl: Ttl) -> i64 {
        self.now - ttl.after.as_nanos() as i64
    }
}

const LIFE: Ttl = Ttl::new(Span::nanos(10));
const SINCE_READ: Ttl = Ttl::since_read(Span::nanos(10));

fn ints(items: impl IntoIterator<Item = i64>) -> Value {
    Value::List(Arc::new(items.into_iter().map(Value::Int).collect()))
}

#[test]
fn a_value_lives_as_long_as_it_is_said_to() {
    const PLAIN: ValueState = ValueState::new(0, "plain");
    const SHORT: ValueState = ValueState::new(1, "short").ttl(LIFE);
    const READ: ValueState = ValueState::new(2, "read").ttl(SINCE_READ);
    let mut bed = Bed::default();
    assert_eq!(SHORT.get(&mut bed), None);
    [PLAIN, SHORT, READ].iter().for_each(|state| state.put(&mut bed, 7.into()));
    assert_eq!(bed.row[&0], Value::Int(7), "without a time-to-live a value lies there as it is");
    assert_eq!(bed.row[&1], ints([0, 7]));
    bed.now = 9;
    let seven = Value::Int(7);
    for state in [PLAIN, SHORT, READ] {
        assert_eq!(state.get(&mut bed), Some(&seven), "{}", state.name);
    }
    bed.now = 10;
    assert_eq!(SHORT.get(&mut bed), None, "it has expired the moment its time is over");
    assert!(!bed.row.contains_key(&1), "what was found expired is gone");
    bed.now = 18;
    assert_eq!(READ.get(&mut bed), Some(&seven), "reading set its clock back");
    bed.now = 28;
    assert_eq!(READ.get(&mut bed), None);
    assert_eq!(PLAIN.get(&mut bed), Some(&seven));
    PLAIN.put(&mut bed, Value::Null);
    assert!(bed.row.is_empty(), "null is no value");
}

#[test]
fn reducing_starts_over_where_the_sum_has_expired() {
    const SUM: ReducingState = ReducingState::new(0, "sum", |a, b| {
        Value::Int(a.as_int().unwrap_or(0) + b.as_int().unwrap_or(0))
    })
    .ttl(LIFE);
    let mut bed = Bed::default();
    SUM.add(&mut bed, 1.into());
    bed.now = 9;
    SUM.add(&mut bed, 2.into());
    bed.now = 18;
    assert_eq!(SUM.get(&mut bed), Some(&Value::Int(3)), "adding is writing");
    bed.now = 19;
    SUM.add(&mut bed, 5.into());
    assert_eq!(SUM.get(&mut bed), Some(&Value::Int(5)));
    SUM.clear(&mut bed);
    assert_eq!(SUM.get(&mut bed), None);
}

/// Number and sum.
#[derive(Debug)]
struct Mean;
impl Mean {
    fn parts(of: &Value) -> (i64, i64) {
        let Value::List(parts) = of else { panic!("{of} is no accumulator") };
        (parts[0].as_int().expect("a number"), parts[1].as_int().expect("a sum"))
    }
}
impl Aggregate for Mean {
    fn create(&self) -> Value {
        ints([0, 0])
    }
    fn add(&self, accumulator: &mut Value, item: &Value) {
        self.merge(accumulator, &ints([1, item.as_int().unwrap_or(0)]));
    }
    fn merge(&self, accumulator: &mut Value, other: &Value) {
        let ((n, sum), (m, more)) = (Mean::parts(accumulator), Mean::parts(other));
        *accumulator = ints([n + m, sum + more]);
    }
    fn result(&self, accumulator: &Value) -> Value {
        let (n, sum) = Mean::parts(accumulator);
        Value::Int(sum / n.max(1))
    }
}

#[test]
fn an_aggregate_has_a_result_and_takes_others_in() {
    const MEAN: AggregatingState = AggregatingState::new(0, "mean", &Mean);
    let mut bed = Bed::default();
    assert_eq!(MEAN.get(&mut bed), None);
    [2, 4].iter().for_each(|n| MEAN.add(&mut bed, &Value::Int(*n)));
    assert_eq!(MEAN.get(&mut bed), Some(Value::Int(3)));
    MEAN.merge(&mut bed, &ints([2, 14]));
    assert_eq!(MEAN.get(&mut bed), Some(Value::Int(5)));
}

/// The largest of each parity.
#[derive(Debug)]
struct Peaks;
impl StateFactory for Peaks {
    fn create(&self) -> Value {
        ints([0, 0])
    }
    fn get(&self, state: &Value, about: &Value) -> Option<Value> {
        let Value::List(peaks) = state else { return None };
        peaks.get(about.as_int()?.rem_euclid(2) as usize).cloned()
    }
    fn put(&self, state: &mut Value, about: &Value, value: Value) {
        let Value::List(peaks) = state else { return };
        let at = about.as_int().unwrap_or(0).rem_euclid(2) as usize;
        Arc::make_mut(peaks)[at] = value;
    }
    fn add(&self, state: &mut Value, item: &Value) {
        if self.get(state, item).as_ref() < Some(item) {
            self.put(state, item, item.clone());
        }
    }
    fn merge(&self, state: &mut Value, other: &Value) {
        let Value::List(others) = other else { return };
        others.iter().for_each(|item| self.add(state, item));
    }
    fn clear(&self, state: &mut Value) {
        *state = Value::Null;
    }
}

#[test]
fn a_state_of_ones_own_does_what_its_factory_says() {
    const PEAKS: UserState = UserState::new(0, "peaks", &Peaks).ttl(LIFE);
    let mut bed = Bed::default();
    let (odd, even) = (Value::Int(1), Value::Int(0));
    assert_eq!(PEAKS.get(&mut bed, &odd), None);
    [3, 5, 4].iter().for_each(|n| PEAKS.add(&mut bed, &Value::Int(*n)));
    PEAKS.merge(&mut bed, &ints([8, 1]));
    assert_eq!(PEAKS.get(&mut bed, &odd), Some(Value::Int(5)));
    assert_eq!(PEAKS.get(&mut bed, &even), Some(Value::Int(8)));
    PEAKS.put(&mut bed, &even, Value::Int(2));
    assert_eq!(PEAKS.get(&mut bed, &even), Some(Value::Int(2)));
    PEAKS.clear(&mut bed);
    assert!(bed.row.is_empty());
    PEAKS.add(&mut bed, &odd);
    bed.now = 10;
    assert_eq!(PEAKS.get(&mut bed, &odd), None);
}

#[test]
fn contents_weigh_what_descriptors_say() {
    const LIST: ListState = ListState::new(0, "list").weight(5).ttl(LIFE);
    const MAP: MapState = MapState::new(1, "map").weight(12);
    const VALUE: ValueState = ValueState::new(2, "value").weight(4);
    const FREE: ValueState = ValueState::new(3, "free");
    let mut bed = Bed::default();
    (0..3).for_each(|n| LIST.add(&mut bed, n.into()));
    (0..2).for_each(|n| MAP.put(&mut bed, n.into(), true.into()));
    VALUE.put(&mut bed, "a long text, which weighs no more".into());
    FREE.put(&mut bed, 1.into());
    let cells: [&Cell; 4] = [&LIST, &MAP, &VALUE, &FREE];
    assert_eq!(cells.map(|cell| cell.size(&bed.row[&cell.slot])), [15, 24, 4, 9]);
    assert_eq!(VALUE.size(&Value::Null), 0);
}

#[test]
fn a_migration_reaches_every_value_and_nothing_else() {
    const DOUBLE: &[Migration] =
        &[Migration { from: 1, change: |old| Value::Int(2 * old.as_int().unwrap_or(0)) }];
    const VALUE: ValueState = ValueState::new(0, "value").version(2).migrates(DOUBLE);
    const SHORT: ValueState = ValueState::new(0, "value").ttl(LIFE);
    const LIST: ListState = ListState::new(0, "list");
    const SHORT_LIST: ListState = ListState::new(0, "list").ttl(LIFE);
    const MAP: MapState = MapState::new(0, "map");
    const SHORT_MAP: MapState = MapState::new(0, "map").ttl(LIFE);
    let double = VALUE.migrations[0].change;
    let cases: [(&Cell, Value, Value); 7] = [
        (&VALUE, 5.into(), 10.into()),
        (&VALUE, Value::Null, Value::Null),
        (&SHORT, ints([1, 2]), ints([1, 4])),
        (&LIST, ints([1, 2, 3]), ints([2, 4, 6])),
        (&SHORT_LIST, ints([1, 2, 3, 4]), ints([1, 4, 3, 8])),
        (&MAP, ints([1, 2, 3, 4]), ints([1, 4, 3, 8])),
        (&SHORT_MAP, ints([1, 2, 3, 4, 5, 6]), ints([1, 2, 6, 4, 5, 12])),
    ];
    for (cell, old, new) in cases {
        assert_eq!(cell.migrate(old, double), new, "{} {:?}", cell.name, cell.ttl);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Add(i64, i64),
    Remove(i64),
    PutAll(Vec<i64>),
    Read,
    Get(i64),
    Clear,
    Pass(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0i64..8, any::<i64>()).prop_map(|(key, value)| Step::Add(key, value)),
        1 => (0i64..8).prop_map(Step::Remove),
        1 => prop::collection::vec(any::<i64>(), 0..4).prop_map(Step::PutAll),
        2 => Just(Step::Read),
        2 => (0i64..8).prop_map(Step::Get),
        1 => Just(Step::Clear),
        3 => (1i64..6).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..60)
}

fn lives() -> impl Strategy<Value = Option<Ttl>> {
    prop::sample::select(vec![None, Some(LIFE), Some(SINCE_READ)])
}

/// Drops from a model what has expired, and renews the rest if it was read.
fn age<T>(model: &mut Vec<(i64, T)>, life: Option<Ttl>, now: i64, read: bool) {
    let Some(ttl) = life else { return };
    model.retain(|(written, _)| written + ttl.after.as_nanos() as i64 > now);
    if read && ttl == SINCE_READ {
        model.iter_mut().for_each(|(written, _)| *written = now);
    }
}

proptest! {
    /// A list is a vector of what was added, less what has expired.
    #[test]
    fn a_list_is_a_vector(steps in steps(), life in lives()) {
        let list = ListState::new(3, "list");
        let list = life.map_or(list, |life| list.ttl(life));
        let (mut bed, mut model) = (Bed::default(), Vec::<(i64, i64)>::new());
        for step in steps {
            match step {
                Step::Add(_, value) => {
                    list.add(&mut bed, value.into());
                    model.push((bed.now, value));
                }
                Step::PutAll(values) => {
                    list.put(&mut bed, values.iter().copied().map(Value::Int));
                    model = values.into_iter().map(|value| (bed.now, value)).collect();
                }
                Step::Clear => {
                    list.clear(&mut bed);
                    model.clear();
                }
                Step::Pass(time) => bed.now += time,
                Step::Read | Step::Get(_) | Step::Remove(_) => {
                    age(&mut model, life, bed.now, true);
                    let read: Vec<i64> = list.get(&mut bed).filter_map(Value::as_int).collect();
                    let expected: Vec<i64> = model.iter().map(|(_, value)| *value).collect();
                    prop_assert_eq!(read, expected);
                    prop_assert_eq!(bed.row.is_empty(), model.is_empty(), "empty is nothing");
                }
            }
        }
    }

    /// A map is an ordered map of what was put, less what has expired; and whatever the history,
    /// equal contents lie there alike.
    #[test]
    fn a_map_is_an_ordered_map(steps in steps(), life in lives()) {
        let map = MapState::new(3, "map");
        let map = life.map_or(map, |life| map.ttl(life));
        let (mut bed, mut model) = (Bed::default(), BTreeMap::<i64, (i64, i64)>::new());
        let after = |life: Option<Ttl>| life.map_or(i64::MAX / 2, |l| l.after.as_nanos() as i64);
        for step in steps {
            match step {
                Step::Add(key, value) => {
                    map.put(&mut bed, key.into(), value.into());
                    model.insert(key, (bed.now, value));
                }
                Step::Remove(key) => {
                    map.remove(&mut bed, &key.into());
                    model.remove(&key);
                }
                Step::Get(key) => {
                    let alive = |(written, _): &&mut (i64, i64)| *written + after(life) > bed.now;
                    let expected = model.get_mut(&key).filter(alive).map(|(written, value)| {
                        if life == Some(SINCE_READ) {
                            *written = bed.now;
                        }
                        *value
                    });
                    let read = map.get(&mut bed, &key.into()).and_then(Value::as_int);
                    prop_assert_eq!(read, expected);
                }
                Step::Clear => {
                    map.clear(&mut bed);
                    model.clear();
                }
                Step::Pass(time) => bed.now += time,
                Step::Read | Step::PutAll(_) => {
                    model.retain(|_, (written, _)| *written + after(life) > bed.now);
                    if life == Some(SINCE_READ) {
                        model.values_mut().for_each(|(written, _)| *written = bed.now);
                    }
                    let int = |value: &Value| value.as_int().expect("an integer");
                    let read: Vec<(i64, i64)> =
                        map.entries(&mut bed).map(|(key, value)| (int(key), int(value))).collect();
                    let expected: Vec<(i64, i64)> =
                        model.iter().map(|(key, (_, value))| (*key, *value)).collect();
                    prop_assert_eq!(read, expected);
                }
            }
            if life.is_none() {
                let flat = model.iter().flat_map(|(key, (_, value))| [*key, *value]);
                let expected = (!model.is_empty()).then(|| ints(flat));
                prop_assert_eq!(bed.row.get(&3), expected.as_ref());
            }
        }
    }

    /// Merging accumulators in any grouping, or adding all items to one, is the same.
    #[test]
    fn merging_aggregates_is_associative(
        items in prop::collection::vec(-1000i64..1000, 0..20), at in 0usize..20, to in 0usize..20,
    ) {
        let (at, to) = (at.min(items.len()), to.min(items.len()));
        let (at, to) = (at.min(to), at.max(to));
        let of = |items: &[i64]| {
            let mut accumulator = Mean.create();
            items.iter().for_each(|item| Mean.add(&mut accumulator, &Value::Int(*item)));
            accumulator
        };
        let merged = |a: &Value, b: &Value| {
            let mut both = a.clone();
            Mean.merge(&mut both, b);
            both
        };
        let (a, b, c) = (of(&items[..at]), of(&items[at..to]), of(&items[to..]));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert_eq!(merged(&merged(&a, &b), &c), of(&items));
        prop_assert_eq!(merged(&a, &Mean.create()), a);
    }
}

#[test]
fn a_shared_list_is_copied_before_it_changes() {
    const LIST: OperatorListState = OperatorListState::new(0, "list");
    let mut bed = Bed::default();
    LIST.add(&mut bed, 1.into());
    let before = bed.row[&0].clone();
    LIST.add(&mut bed, 2.into());
    assert_eq!(before, ints([1]));
    assert_eq!(bed.row[&0], ints([1, 2]));
}
