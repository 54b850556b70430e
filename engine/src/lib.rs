//! The stream processor.
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod component;
pub mod grouping;
pub mod ids;
pub mod java;
pub mod log;
pub mod observation;
pub mod state;
pub mod topology;
pub mod tuple;
pub mod value;
