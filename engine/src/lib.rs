//! The stream processor.
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod broker;
pub mod cluster;
pub mod component;
pub mod coordinator;
pub mod fence;
pub mod grouping;
pub mod ids;
pub mod java;
pub mod log;
pub mod message;
pub mod names;
pub mod node;
pub mod observation;
pub mod permit;
pub mod receiver;
pub mod snapshot;
pub mod state;
pub mod store;
pub mod supervisor;
pub mod topology;
pub mod tuple;
pub mod value;
pub mod worker;
