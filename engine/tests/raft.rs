//! Raft on a table: replicas whose messages, disks and time are moved by hand.

#[path = "raft/lab.rs"]
mod lab;
#[path = "raft/storm.rs"]
mod storm;
