//! Scenarios that reach planted bugs: each is a schedule that looks for a few of them, small enough
//! for hundreds of seeds. They run like those of the catalog, but are not listed there.

use crate::catalog::Entry;

macro_rules! entries {
    ($($name:literal)*) => {
        &[$(Entry { name: $name, text: include_str!(concat!($name, ".toml")) },)*]
    };
}

/// All of them, by name.
pub const ENTRIES: &[Entry] = entries![
    "acks" "deposed" "even" "figure-eight" "flow" "handover" "increments" "input" "lease"
    "membership" "overtaken" "owners" "paused-writer" "points" "power" "reads" "retries"
    "savepoints" "states" "trees" "unknown" "unreadable" "votes"
];
