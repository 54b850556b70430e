//! Names are names: each kind has its own, and no fact hides what every observation has.

use std::collections::BTreeSet;

use super::{kinds, schema};

#[test]
fn names_differ() {
    let mut names = BTreeSet::new();
    for kind in kinds() {
        assert!(names.insert(kind.name), "twice: {}", kind.name);
        let mut facts = BTreeSet::from(["t", "node", "life", "event", "what"]);
        for fact in kind.facts {
            assert!(facts.insert(fact.name), "{}: twice {}", kind.name, fact.name);
        }
    }
    assert!(names.len() > 60, "{}", names.len());
}

#[test]
fn the_schema_defines_all_forms_that_it_refers_to() {
    let schema = schema();
    let text = schema.to_string();
    for reference in text.split("#/$defs/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schema["$defs"][name].is_object(), "{name} is not defined");
    }
    assert_eq!(schema["oneOf"].as_array().unwrap().len(), kinds().count());
}
