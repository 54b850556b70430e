//! What holds the rooms together. This library is what the tests share; each file of `tests/tests`
//! opens with the laws it holds the house to:
//!
//! * `determinism`: a run is a pure function. `forks`: a run is a value.
//! * `exactly_once`: the laws of the judges, over seeds, bugs and a user's own topology.
//!   `groupings`: the same for every grouping. `control_plane`: while leaders come and go.
//! * `checkpoint_storm`: while anything dies at any phase of a checkpoint. `unaligned`,
//!   `at_least_once`, `stateful_bolts`: in every mode, each held to what it claims. `rescale`: on
//!   other numbers of tasks.
//! * `states`, `backends`: what is kept, and whatever keeps it. `stores`: how long a checkpoint
//!   takes, and what becomes of files that rot. `sinks`: how outputs become visible.
//! * `interval`: useful work follows the formulas, and the interval follows the failures.
//! * `regressions`: bugs that campaigns found; `pinned`: cases kept as files; `shrinking`: how they
//!   get small. `bad_input`, `memory`: what is refused, and what
//!   must not grow.
//! * `your_own_topology`: the example for whoever writes an application.
//! * `tidy`: layers, maps and style, read off the sources. `bans`: what clippy must refuse.
//!
//! In reading order: [`runs`] makes runs short enough for a test; [`parting`] says
//! where two of them part; [`sources`] reads the tree.

pub mod parting;
pub mod runs;
pub mod sources;
