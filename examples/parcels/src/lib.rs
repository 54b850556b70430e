//! Where are the parcels, and how many are at each depot?
//!
//! A record is a scan, `parcel,depot`. `route` knows where each parcel was scanned last and sends
//! every move to both depots; `stock` counts. What cannot be read goes to the dead letters.

use stormglass_engine::component::{
    Bolt, BoltContext, Collector, Outcome, Record, Spout, ValueState,
};
use stormglass_engine::topology::{Declarer, TopologyBuilder};
use stormglass_engine::tuple::Tuple;
use stormglass_engine::value::Value;
use stormglass_scenarios::topologies::Registry;

/// The depot of a parcel's last scan.
const DEPOT: ValueState = ValueState::new(0, "depot");
/// The parcels at a depot.
const STOCK: ValueState = ValueState::new(0, "stock");

/// The stream of rows that are no scans.
const DEAD_LETTERS: &str = "dead-letters";

/// Reads scans.
#[derive(Clone, Debug)]
pub struct Scans;

impl Spout for Scans {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["parcel", "depot"]).named_stream(DEAD_LETTERS, &["row"]);
    }
    fn next(&mut self, record: &Record, out: &mut dyn Collector) -> Outcome {
        match record.text.split_once(',') {
            Some((parcel, depot)) => out.emit(&[parcel.into(), depot.into()]),
            None => out.emit_to(DEAD_LETTERS, &[Value::Str(record.text.clone())]),
        }
        Ok(())
    }
}

/// Follows each parcel.
#[derive(Clone, Debug)]
pub struct Route;

impl Bolt for Route {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["depot", "change"]).state(DEPOT);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let depot = tuple.values[1].clone();
        let last = cx.get(DEPOT).cloned();
        if last.as_ref() == Some(&depot) {
            return Ok(()); // scanned twice at one place
        }
        if let Some(last) = last {
            cx.emit(&[last, Value::Int(-1)]);
        }
        cx.put(DEPOT, depot.clone());
        cx.emit(&[depot, Value::Int(1)]);
        Ok(())
    }
}

/// Counts the parcels at each depot.
#[derive(Clone, Debug)]
pub struct Stock;

impl Bolt for Stock {
    fn declare(&self, declarer: &mut Declarer) {
        declarer.stream(&["depot", "parcels"]).state(STOCK);
    }
    fn execute(&mut self, tuple: &Tuple<'_>, cx: &mut dyn BoltContext) -> Outcome {
        let change = tuple.values[1].as_int().unwrap_or(0);
        let parcels = cx.get(STOCK).and_then(Value::as_int).unwrap_or(0) + change;
        cx.put(STOCK, Value::Int(parcels));
        cx.emit(&[tuple.values[0].clone(), Value::Int(parcels)]);
        Ok(())
    }
}

/// `scans` -> `route` by parcel -> `stock` by depot -> `publish`.
pub fn topology() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new("parcels");
    builder.spout("scans", Scans, 2);
    builder.bolt("route", Route, 3).fields("scans", &["parcel"]);
    builder.bolt("stock", Stock, 2).fields("route", &["depot"]);
    builder.sink("publish", 2).shuffle("stock");
    builder.sink("dead-letters", 1).shuffle_stream("scans", DEAD_LETTERS);
    builder
}

/// What scenarios call by name.
pub fn registry() -> Registry {
    Registry::default().with("parcels", topology)
}
