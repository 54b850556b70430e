//! What is done to the engine, and how it is judged.

pub mod judge;
pub mod scenario;
