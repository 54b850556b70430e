//! Observations as programs read them: a name and named facts, the same in every export.
//!
//! One table says of each kind of observation what it is called, what it says and what its facts
//! are; names, facts and the schema are made of it, so that none of them can fall behind.

use serde_json::{Map, Value, json};
use stormglass_engine::observation::Observation;
use stormglass_sim::watch::Stamp;

use crate::words::Names;

mod forms;
mod kinds;
#[cfg(test)]
mod tests;

pub use kinds::name;

/// A kind of observation.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What it is called.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub says: &'static str,
    /// Its facts, in order.
    pub facts: &'static [Fact],
}

/// A fact of an observation.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// What it is called.
    pub name: &'static str,
    /// The name of its form, as the schema defines it.
    form: &'static str,
    /// The schema of its form.
    schema: fn() -> Value,
    /// Whether it may be `null`.
    optional: bool,
}

/// All kinds, in reading order.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    kinds::ALL.iter().flat_map(|kinds| kinds.iter())
}

/// The facts of an observation, in order.
pub fn facts(what: &Observation, names: &Names<'_>) -> Vec<(&'static str, Value)> {
    kinds::facts(what, names)
}

/// An observation in one JSON object: when (`t`, in ns), where (`node`, and which `life` of it), in
/// which kernel `event`, `what`, and its facts.
pub fn object(at: &Stamp, what: &Observation, names: &Names<'_>) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("t".to_string(), at.time.nanos().into());
    object.insert("node".to_string(), names.node(at.node).into());
    object.insert("life".to_string(), at.incarnation.into());
    object.insert("event".to_string(), at.event.into());
    object.insert("what".to_string(), name(what).into());
    for (name, value) in facts(what, names) {
        object.insert(name.to_string(), value);
    }
    object
}

/// The JSON schema of such an object.
pub fn schema() -> Value {
    let mut forms = Map::new();
    let mut alternatives = Vec::new();
    for kind in kinds() {
        let mut properties = Map::new();
        for (name, form) in head() {
            properties.insert(name.to_string(), form);
        }
        properties.insert("what".to_string(), json!({ "const": kind.name }));
        for fact in kind.facts {
            forms.entry(fact.form).or_insert_with(fact.schema);
            let form = json!({ "$ref": format!("#/$defs/{}", fact.form) });
            let form = match fact.optional {
                true => json!({ "anyOf": [form, { "type": "null" }] }),
                false => form,
            };
            properties.insert(fact.name.to_string(), form);
        }
        let required: Vec<&String> = properties.keys().collect();
        alternatives.push(json!({
            "title": kind.name,
            "description": kind.says,
            "type": "object",
            "required": required,
            "properties": properties,
            "additionalProperties": false,
        }));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An observation of a Stormglass run",
        "description": "One line of what --export jsonl=FILE writes. Lines come in the order in \
                        which things happened.",
        "oneOf": alternatives,
        "$defs": forms,
    })
}

/// What every observation has.
fn head() -> [(&'static str, Value); 4] {
    [
        ("t", json!({ "type": "integer", "description": "true time since the start, in ns" })),
        ("node", json!({ "type": "string", "description": "the process that observed it" })),
        ("life", json!({ "type": "integer", "description": "which life of it, from 1" })),
        (
            "event",
            json!({ "type": "integer", "description": "the kernel event it handled, from 1" }),
        ),
    ]
}
