//! Scheduling: which worker runs which task.

use alloc::vec::Vec;

use stormglass_sim::node::NodeId;

/// Round robin after Storm's even scheduler: task `i` of the ascending tasks goes to
/// `workers[i % workers]`. Returns the worker of each task.
///
/// # Panics
/// If there is no worker.
pub fn round_robin(tasks: u16, workers: &[NodeId]) -> Vec<NodeId> {
    assert!(!workers.is_empty(), "tasks need a worker");
    (0..usize::from(tasks)).map(|task| workers[task % workers.len()]).collect()
}
