//! JSON lines: an observation a line, by the schema that `schema --observations` prints.

use serde_json::Value;
use stormglass_engine::observation::Observation;
use stormglass_sim::watch::Stamp;

use crate::facts;
use crate::words::Names;

/// An observation as a line.
pub fn line(at: &Stamp, what: &Observation, names: &Names<'_>) -> String {
    Value::Object(facts::object(at, what, names)).to_string() + "\n"
}
