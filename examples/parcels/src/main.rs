//! The whole command line of Stormglass, with our topology in it.

fn main() -> std::process::ExitCode {
    stormglass::cli::main(&parcels::registry())
}
