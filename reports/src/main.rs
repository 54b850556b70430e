//! The program `stormglass`.

use std::process::ExitCode;

/// A run makes and drops many small values: a tenth of its time went to the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    stormglass::cli::main(&stormglass_scenarios::topologies::Registry::default())
}
