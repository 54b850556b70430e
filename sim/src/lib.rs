//! A deterministic world for sans-I/O protocols.
#![no_std]
extern crate alloc;

pub mod hash;
pub mod node;
pub mod payload;
pub mod time;
