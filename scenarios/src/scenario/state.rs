//! Where keyed state lies, and what of it a checkpoint saves.

use serde::Serialize;

use crate::units::names;

names! {
    /// Where keyed state lies, besides the heap.
    StateBackend, "a state backend", "state backends":
    /// Nowhere else; checkpoints lie in the coordinators' memory, 5 MiB of a task at most.
    Memory = "memory",
    /// Nowhere else; checkpoints go to the durable store.
    File = "file",
    /// In a log on the machine's disk, to which every change is written.
    Log = "log",
    /// In an embedded key-value engine, redb, on the machine's disk.
    Embedded = "embedded",
}

/// Where keyed state lies, and what of it a checkpoint saves. With `log` and `embedded` a task that
/// starts again on its machine takes its state from there, if it is that of the checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct State {
    /// Where it lies (file).
    pub backend: StateBackend,
    /// Whether a checkpoint saves only what has changed since the last complete one (false).
    pub incremental: bool,
}

impl Default for State {
    fn default() -> Self {
        State { backend: StateBackend::File, incremental: false }
    }
}
