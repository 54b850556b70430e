//! Flight delays: a record is a row `departure,origin,destination,delay,distance`; how late are the
//! flights from each airport and on each route?
//!
//! Rows that are not of this form go to the dead letters, each with its reason.

use stormglass_engine::component::{
    Bolt, BoltContext, Collector, Outcome, Record, Spout, ValueState,
};
use stormglass_engine::topology::{Declarer, TopologyBuilder};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::Value;

/// How many flights have been seen.
pub const COUNT: ValueState = ValueState::new(0, "count");
/// Their delay in minutes, added up.
pub const TOTAL: ValueState = ValueState::new(1, "total");

/// The stream of rows that are flights.
pub const FLIGHTS: &str = "flights";
/// The stream of rows that are not.
pub const DEAD_LETTERS: &str = "dead-letters";

/// Emits each record as a line.
#[derive(Clone, Debug)]
pub struct Lines;

impl Spout for Lines {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["line"]);
    }
    fn next(&mut self, record: &Record, out: &mut dyn Collector) -> Outcome {
        out.emit(&[Value::Str(record.text.clone())]);
        Ok(())
    }
}

/// Takes lines apart.
#[derive(Clone, Debug)]
pub struct Clean;

impl Bolt for Clean {
    fn declare(&self, declarer: &mut Declarer) {
        declarer
            .named_stream(FLIGHTS, &["origin", "destination", "delay"])
            .named_stream(DEAD_LETTERS, &["line", "reason"]);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let line = &tuple.values[0];
        match Flight::parse(line.as_str().unwrap_or_default()) {
            Ok(Flight { origin, destination, delay }) => {
                cx.emit_to(FLIGHTS, &[origin.into(), destination.into(), Value::Int(delay)]);
            }
            Err(reason) => cx.emit_to(DEAD_LETTERS, &[line.clone(), reason.into()]),
        }
        Ok(())
    }
}

/// What a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flight<'a> {
    /// The airport it left, as three capital letters.
    pub origin: &'a str,
    /// The airport it went to.
    pub destination: &'a str,
    /// How late it was in minutes; below zero if early.
    pub delay: i64,
}

impl<'a> Flight<'a> {
    /// Reads a row strictly.
    ///
    /// # Errors
    /// The reason, if it is not of the form `2001-01-13T14:56,SAN,SJC,32,418`.
    pub fn parse(row: &'a str) -> Result<Flight<'a>, &'static str> {
        let mut columns = row.split(',');
        let mut next = || columns.next().ok_or("fewer than 5 columns");
        let (departure, origin, destination) = (next()?, next()?, next()?);
        let (delay, distance) = (next()?, next()?);
        if columns.next().is_some() {
            return Err("more than 5 columns");
        }
        if !is_minute(departure.as_bytes()) {
            return Err("the departure is not a date and time");
        }
        if !is_airport(origin.as_bytes()) || !is_airport(destination.as_bytes()) {
            return Err("an airport is not three capital letters");
        }
        let (sign, minutes) = match delay.strip_prefix('-') {
            Some(minutes) => (-1, minutes),
            None => (1, delay),
        };
        let minutes = whole(minutes.as_bytes()).ok_or("the delay is not a number")?;
        whole(distance.as_bytes()).ok_or("the distance is not a number")?;
        Ok(Flight { origin, destination, delay: sign * minutes })
    }
}

/// `2001-01-13T14:56`, of any century.
fn is_minute(text: &[u8]) -> bool {
    const FORM: &[u8; 16] = b"0000-00-00T00:00";
    let fits = |(letter, form): (&u8, &u8)| match form {
        b'0' => letter.is_ascii_digit(),
        form => letter == form,
    };
    if text.len() != FORM.len() || !text.iter().zip(FORM).all(fits) {
        return false;
    }
    let two = |at: usize| (text[at] - b'0') * 10 + (text[at + 1] - b'0');
    (1..=12).contains(&two(5)) && (1..=31).contains(&two(8)) && two(11) < 24 && two(14) < 60
}

fn is_airport(text: &[u8]) -> bool {
    text.len() == 3 && text.iter().all(u8::is_ascii_uppercase)
}

/// One to six digits.
fn whole(text: &[u8]) -> Option<i64> {
    if !(1..=6).contains(&text.len()) {
        return None;
    }
    text.iter().try_fold(0, |number, letter| {
        letter.is_ascii_digit().then(|| number * 10 + i64::from(letter - b'0'))
    })
}

/// Adds a delay to the key's count and total.
fn add(delay: &Value, cx: &mut dyn BoltContext) -> (Value, Value) {
    let count = cx.get(COUNT).and_then(Value::as_int).unwrap_or(0) + 1;
    let total = cx.get(TOTAL).and_then(Value::as_int).unwrap_or(0) + delay.as_int().unwrap_or(0);
    let (count, total) = (Value::Int(count), Value::Int(total));
    cx.put(COUNT, count.clone());
    cx.put(TOTAL, total.clone());
    (count, total)
}

/// Flights and delays of each origin.
#[derive(Clone, Debug)]
pub struct ByOrigin;

impl Bolt for ByOrigin {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["origin", "count", "total"]).state(COUNT).state(TOTAL);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let [origin, _, delay] = tuple.values else { return Ok(()) };
        let (count, total) = add(delay, cx);
        cx.emit(&[origin.clone(), count, total]);
        Ok(())
    }
}

/// Flights and delays of each route.
#[derive(Clone, Debug)]
pub struct ByRoute;

impl Bolt for ByRoute {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["origin", "destination", "count", "total"]).state(COUNT).state(TOTAL);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let [origin, destination, delay] = tuple.values else { return Ok(()) };
        let (count, total) = add(delay, cx);
        cx.emit(&[origin.clone(), destination.clone(), count, total]);
        Ok(())
    }
}

/// `flights` -> `clean` -> `by-origin` and `by-route` -> `publish`, and what is no flight to
/// `dead-letters`.
pub fn topology() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("flight-delays");
    builder.spout("flights", Lines, 4);
    builder.bolt("clean", Clean, 4).shuffle("flights");
    builder.bolt("by-origin", ByOrigin, 4).fields_stream("clean", FLIGHTS, &["origin"]);
    let route = ["origin", "destination"];
    builder.bolt("by-route", ByRoute, 4).fields_stream("clean", FLIGHTS, &route);
    let publish = builder.sink("publish", 2);
    publish.shuffle("by-origin").key(&["origin"]).shuffle("by-route").key(&route);
    builder.sink("dead-letters", 1).shuffle_stream("clean", DEAD_LETTERS).key(&["line"]);
    builder.commutative();
    builder
}
