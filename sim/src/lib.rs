//! A deterministic world for sans-I/O protocols.
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod chance;
mod conn;
mod disk;
pub mod divergence;
pub mod fault;
pub mod hash;
pub mod machine;
pub mod net;
pub mod node;
pub mod payload;
mod queue;
pub mod time;
pub mod trace;
pub mod watch;
pub mod world;
