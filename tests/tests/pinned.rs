//! The pinned cases of this repository: bugs that were planted, caught in a storm, and shrunk. Each
//! is proved by planting its bug again: it must break the law that it broke, and hold without.
//!
//! `stormglass pin CASE` adds one.

use std::path::Path;

use stormglass::pinned;
use stormglass_scenarios::topologies::Registry;

#[test]
fn every_pinned_case_is_kept() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    pinned::assert_kept(folder, &Registry::default());
}
