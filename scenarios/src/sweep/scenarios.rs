//! Scenarios that figures are made of. They run like those of the catalog, but are not listed
//! there.

use crate::catalog::Entry;

macro_rules! entries {
    ($($name:literal)*) => {
        &[$(Entry { name: $name, text: include_str!(concat!("scenarios/", $name, ".toml")) },)*]
    };
}

/// All of them, by name.
pub const ENTRIES: &[Entry] = entries!["calm" "documents" "heartbeats" "recovery"];
