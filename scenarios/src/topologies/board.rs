//! The board of every airport: what its departures have lately been like, with every kind of state.
//!
//! Rows are those of [`flights`]. `alerts` tells every task of `board` about very
//! late flights; `board` keeps what it shows for each airport; `batch` collects what the boards
//! show, and passes on the sums of eight at a time (or more, after a restore by fewer tasks).

use std::sync::Arc;

use stormglass_engine::component::{
    Aggregate, AggregatingState, Bolt, BoltContext, BroadcastState, ListState, MapState,
    OperatorListState, Outcome, ReducingState, StateFactory, Ttl, UserState, ValueState,
};
use stormglass_engine::topology::{Declarer, TopologyBuilder};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::Value;
use stormglass_sim::time::Span;

use super::flights::{self, Clean, FLIGHTS, Lines};

/// The last delays of an airport, at most [`SHOWN`] of them, and none that is older than 4 s.
pub const RECENT: ListState = ListState::new(0, "recent").ttl(Ttl::new(Span::secs(4)));
/// How many flights went to each destination.
pub const TO: MapState = MapState::new(1, "to");
/// The longest delay.
pub const WORST: ReducingState = ReducingState::new(2, "worst", |a, b| a.max(b).clone());
/// The mean delay.
pub const MEAN: AggregatingState = AggregatingState::new(3, "mean", &Mean);
/// How many flights were how late.
pub const SPREAD: UserState = UserState::new(4, "spread", &Histogram);
/// Where the last flight went; forgotten if nobody looks for 2 s.
pub const LAST: ValueState = ValueState::new(5, "last").ttl(Ttl::since_read(Span::secs(2)));
/// The longest alert of each airport.
pub const ALERTS: BroadcastState = BroadcastState::new(0, "alerts");
/// What waits for the rest of its batch.
pub const WAITING: OperatorListState = OperatorListState::new(0, "waiting");

/// Delays that a board shows.
const SHOWN: usize = 6;
/// Boards to a batch.
const BATCH: usize = 8;
/// From how many minutes on everybody is told.
const VERY_LATE: i64 = 60;

/// The mean of whole numbers, rounded down: their number and their sum.
#[derive(Clone, Copy, Debug)]
pub struct Mean;

fn pair(of: &Value) -> (i64, i64) {
    match of {
        Value::List(pair) => (pair[0].as_int().unwrap_or(0), pair[1].as_int().unwrap_or(0)),
        _ => (0, 0),
    }
}

impl Aggregate for Mean {
    fn create(&self) -> Value {
        Value::List(Arc::new(vec![Value::Int(0), Value::Int(0)]))
    }
    fn add(&self, accumulator: &mut Value, item: &Value) {
        let (count, sum) = pair(accumulator);
        let sum = sum + item.as_int().unwrap_or(0);
        *accumulator = Value::List(Arc::new(vec![Value::Int(count + 1), Value::Int(sum)]));
    }
    fn merge(&self, accumulator: &mut Value, other: &Value) {
        let ((count, sum), (more, further)) = (pair(accumulator), pair(other));
        let both = vec![Value::Int(count + more), Value::Int(sum + further)];
        *accumulator = Value::List(Arc::new(both));
    }
    fn result(&self, accumulator: &Value) -> Value {
        let (count, sum) = pair(accumulator);
        sum.checked_div_euclid(count).map_or(Value::Null, Value::Int)
    }
}

/// Counts whole numbers by their number of decimal digits, which is below [`DIGITS`].
#[derive(Clone, Copy, Debug)]
pub struct Histogram;

/// Kinds of numbers of digits; those of more digits are counted with the last.
const DIGITS: usize = 5;

/// The counts of a histogram, to be changed.
fn counts(state: &mut Value) -> &mut [Value] {
    match state {
        Value::List(counts) => &mut Arc::make_mut(counts)[..],
        _ => &mut [],
    }
}

fn digits(of: &Value) -> usize {
    let magnitude = of.as_int().unwrap_or(0).unsigned_abs();
    (magnitude.checked_ilog10().map_or(0, |log| log as usize + 1)).min(DIGITS - 1)
}

impl StateFactory for Histogram {
    fn create(&self) -> Value {
        Value::List(Arc::new(vec![Value::Int(0); DIGITS]))
    }
    fn get(&self, state: &Value, about: &Value) -> Option<Value> {
        match state {
            Value::List(counts) => counts.get(digits(about)).cloned(),
            _ => None,
        }
    }
    fn put(&self, state: &mut Value, about: &Value, value: Value) {
        if let Some(count) = counts(state).get_mut(digits(about)) {
            *count = value;
        }
    }
    fn add(&self, state: &mut Value, item: &Value) {
        if let Some(Value::Int(count)) = counts(state).get_mut(digits(item)) {
            *count += 1;
        }
    }
    fn merge(&self, state: &mut Value, other: &Value) {
        let Value::List(more) = other else { return };
        for (count, more) in counts(state).iter_mut().zip(more.iter()) {
            *count = Value::Int(count.as_int().unwrap_or(0) + more.as_int().unwrap_or(0));
        }
    }
    fn clear(&self, state: &mut Value) {
        *state = Value::Null;
    }
}

/// Passes very late flights on to everybody.
#[derive(Clone, Debug)]
pub struct Alerts;

impl Bolt for Alerts {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["origin", "delay"]);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let [origin, _, delay] = tuple.values else { return Ok(()) };
        if delay.as_int() >= Some(VERY_LATE) {
            cx.emit(&[origin.clone(), delay.clone()]);
        }
        Ok(())
    }
}

/// Shows what the departures from each airport are like.
#[derive(Clone, Debug)]
pub struct Board;

impl Bolt for Board {
    fn declare(&self, declarer: &mut Declarer) {
        declarer
            .stream(&["origin", "recent", "again", "worst", "mean", "alerts"])
            .state(RECENT)
            .state(TO)
            .state(WORST)
            .state(MEAN)
            .state(SPREAD)
            .state(LAST)
            .state(ALERTS);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        // Alerts of several tasks come to each board in another order: the largest wins everywhere.
        if let [origin, delay] = tuple.values {
            let worse = ALERTS.get(cx, origin).is_none_or(|worst| worst < delay);
            if worse {
                ALERTS.put(cx, origin.clone(), delay.clone());
            }
            return Ok(());
        }
        let [origin, destination, delay] = tuple.values else { return Ok(()) };
        RECENT.add(cx, delay.clone());
        let recent: Vec<Value> = RECENT.get(cx).cloned().collect();
        if recent.len() > SHOWN {
            RECENT.put(cx, recent[recent.len() - SHOWN..].iter().cloned());
        }
        let flown = TO.get(cx, destination).and_then(Value::as_int).unwrap_or(0) + 1;
        TO.put(cx, destination.clone(), flown.into());
        if TO.entries(cx).len() > 12 {
            TO.clear(cx);
        }
        WORST.add(cx, delay.clone());
        MEAN.add(cx, delay);
        SPREAD.add(cx, delay);
        if SPREAD.get(cx, delay) >= Some(Value::Int(100)) {
            SPREAD.put(cx, delay, Value::Int(0));
        }
        let again = LAST.get(cx) == Some(destination);
        LAST.put(cx, destination.clone());
        let worst = WORST.get(cx).cloned().unwrap_or(Value::Null);
        let mean = MEAN.get(cx).unwrap_or(Value::Null);
        let alerts = ALERTS.entries(cx).len() as i64;
        let recent = recent.len() as i64;
        cx.emit(&[origin.clone(), recent.into(), again.into(), worst, mean, alerts.into()]);
        Ok(())
    }
}

/// Passes on the sums of a batch (the buffering sink of Flink's documentation of operator state).
#[derive(Clone, Debug)]
pub struct Batch;

impl Bolt for Batch {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["boards", "recent", "means"]).state(WAITING);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let [_, recent, _, _, mean, _] = tuple.values else { return Ok(()) };
        WAITING.add(cx, Value::List(Arc::new(vec![recent.clone(), mean.clone()])));
        let waiting = WAITING.get(cx);
        // Fewer tasks than before have more than a batch to begin with.
        let boards = waiting.len();
        if boards >= BATCH {
            let sums = waiting.map(pair).fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
            WAITING.clear(cx);
            cx.emit(&[(boards as i64).into(), sums.0.into(), sums.1.into()]);
        }
        Ok(())
    }
}

/// `flights` -> `clean` -> `board` by origin, with `alerts` to all of it -> `batch` -> `publish`.
pub fn topology() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("flight-board");
    builder.spout("flights", Lines, 2);
    builder.bolt("clean", Clean, 2).shuffle("flights");
    builder.bolt("alerts", Alerts, 2).shuffle_stream("clean", FLIGHTS);
    builder
        .bolt("board", Board, 3)
        .fields_stream("clean", FLIGHTS, &["origin"])
        .all("alerts", "default");
    builder.bolt("batch", Batch, 2).shuffle("board");
    builder.sink("publish", 1).shuffle("batch");
    builder.sink("dead-letters", 1).shuffle_stream("clean", flights::DEAD_LETTERS);
    builder
}
