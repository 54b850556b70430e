//! What is done to the engine, and how it is judged.

pub mod catalog;
pub mod input;
pub mod judge;
pub mod plan;
pub mod problem;
pub mod scenario;
pub mod topologies;
pub mod units;
