//! What is done to the engine, and how it is judged.

pub mod bugs;
pub mod campaign;
pub mod case;
pub mod catalog;
pub mod input;
pub mod judge;
mod metrics;
pub mod outcome;
pub mod places;
pub mod plan;
pub mod problem;
pub mod run;
pub mod scenario;
mod story;
pub mod topologies;
pub mod units;
