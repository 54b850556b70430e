//! The settings of the control plane: Raft, clocks, failure detector, scheduler.

use serde::Serialize;
use stormglass_sim::time::Span;

use crate::units::{Between, names, text};

names! {
    /// How a worker's silence is judged.
    Detector, "a detector", "detectors":
    /// By one timeout: `cluster.heartbeat-timeout`.
    Fixed = "fixed",
    /// By how unlikely it is after the heartbeats so far (Hayashibara et al. 2004):
    /// `cluster.phi-threshold`.
    Phi = "phi",
}

names! {
    /// How tasks are placed on slots.
    Scheduler, "a scheduler", "schedulers":
    /// Round-robin over the machines: Storm's `EvenScheduler`.
    Even = "even",
    /// The same, but what fits stays where it is: Storm's `DefaultScheduler`.
    Default = "default",
    /// Tasks that talk to each other share a worker or a machine where the balance allows it.
    Local = "local",
    /// Few tasks move, and only away from the most loaded worker.
    Load = "load",
}

/// How the coordinators agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Raft {
    /// A follower that hears nothing for so long stands for election; drawn anew each time
    /// (150 ms to 300 ms).
    pub election_timeout: Between<Span>,
    /// A leader is heard at least so often (50 ms).
    #[serde(with = "text")]
    pub heartbeat: Span,
    /// Bytes of entries in one message; a message with one entry may be larger (64 KiB).
    pub append_bytes: u32,
    /// Bytes of entries under way to one follower (1 MiB).
    pub inflight_bytes: u32,
    /// Bytes of a snapshot in one message (64 KiB).
    pub chunk_bytes: u32,
    /// A snapshot takes the place of the log after so many entries (1,000).
    pub snapshot_after: u32,
    /// Whether reads are served under a lease (no: by a round to a quorum).
    pub lease: bool,
    /// How much faster one clock may run than another, in millionths: the stated bound that a lease
    /// rests on (10%).
    pub drift_bound_ppm: u32,
}

impl Default for Raft {
    /// For links of milliseconds and disks that sync in as much: several heartbeats in a timeout,
    /// and a timeout of many round trips.
    fn default() -> Self {
        Raft {
            election_timeout: Between { min: Span::millis(150), max: Span::millis(300) },
            heartbeat: Span::millis(50),
            append_bytes: 64 << 10,
            inflight_bytes: 1 << 20,
            chunk_bytes: 64 << 10,
            snapshot_after: 1_000,
            lease: false,
            drift_bound_ppm: 100_000,
        }
    }
}

/// The machines' clocks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Clock {
    /// A machine's clocks run at most so much faster or slower than true time, in millionths; drawn
    /// for each machine (0).
    pub drift_ppm: u32,
    /// At the start a machine's wall clock is ahead of true time by at most this; drawn for each
    /// machine (0 s).
    #[serde(with = "text")]
    pub offset: Span,
}
