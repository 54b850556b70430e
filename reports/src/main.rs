//! The program `stormglass`.

use std::process::ExitCode;

fn main() -> ExitCode {
    stormglass::cli::main(&stormglass_scenarios::topologies::Registry::default())
}
