use super::*;

#[test]
fn schema_and_reference_say_the_same_of_every_action() {
    let schema = schema();
    let said =
        |of: &serde_json::Value| of["description"].as_str().map(|text| text.replace('\n', " "));
    for &kind in ActionKind::ALL {
        let entry = kind.entry();
        assert_eq!((entry.kind, kind.entry().doc.is_empty()), (kind, false));
        let fault = &schema["$defs"]["Fault"]["properties"][kind.name()];
        assert_eq!(said(fault).as_deref(), Some(entry.doc), "{kind}");
        let definition = &schema["$defs"][format!("{kind:?}")];
        for key in entry.keys {
            let property = &definition["properties"][key.name];
            assert_eq!(said(property).as_deref(), Some(key.doc), "{kind}.{}", key.name);
            let required = definition["required"].as_array().unwrap();
            assert_ne!(required.contains(&key.name.into()), key.optional, "{kind}.{}", key.name);
        }
        let keys = definition["properties"].as_object().unwrap().len();
        assert_eq!(keys, entry.keys.len(), "{kind}");
    }
}
